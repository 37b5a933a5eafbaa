package file

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"geppo/render/deflate"
)

// info writes the document information dictionary. It says what the metadata says (PDF/A wants it so).
func (w *writer) info(number int, i Info) {
	date := "D:" + i.Date.UTC().Format("20060102150405") + "+00'00'"
	w.open(number)
	w.add("<</Title").text(i.Title)
	if i.Author != "" {
		w.add("/Author").text(i.Author)
	}
	if i.Subject != "" {
		w.add("/Subject").text(i.Subject)
	}
	w.add("/CreationDate").text(date).add("/ModDate").text(date).add(">>")
}

// xmp is the metadata (ISO 16684-1) by which a file says that it is PDF/UA-1 and PDF/A-2a. PDF/A knows no
// pdfuaid, so that it must be described.
func (i Info) xmp() []byte {
	var b bytes.Buffer
	alt := func(tag, kind, lang, text string) {
		if text != "" {
			fmt.Fprintf(&b, "<dc:%s><rdf:%s><rdf:li%s>%s</rdf:li></rdf:%s></dc:%s>", tag, kind, lang, escaped(text), kind, tag)
		}
	}
	b.WriteString("<?xpacket begin=\"\uFEFF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?><x:xmpmeta xmlns:x=\"adobe:ns:meta/\">" +
		`<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" ` +
		`xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" ` +
		`xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" ` +
		`xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">` +
		`<pdfuaid:part>1</pdfuaid:part><pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>`)
	alt("title", "Alt", ` xml:lang="x-default"`, i.Title)
	alt("creator", "Seq", "", i.Author)
	alt("description", "Alt", ` xml:lang="x-default"`, i.Subject)
	alt("language", "Bag", "", i.Lang)
	date := i.Date.UTC().Format(time.RFC3339)
	fmt.Fprintf(&b, "<xmp:CreateDate>%s</xmp:CreateDate><xmp:ModifyDate>%s</xmp:ModifyDate>", date, date)
	b.WriteString(`<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource"><pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>` +
		`<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI><pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>` +
		`<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource"><pdfaProperty:name>part</pdfaProperty:name>` +
		`<pdfaProperty:valueType>Integer</pdfaProperty:valueType><pdfaProperty:category>internal</pdfaProperty:category>` +
		`<pdfaProperty:description>PDF/UA version identifier</pdfaProperty:description></rdf:li></rdf:Seq></pdfaSchema:property>` +
		`</rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>`)
	return b.Bytes()
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder takes all
	return b.String()
}

// sRGB is the smallest profile that says what our colours mean (ICC.1:2001-04): the primaries of sRGB,
// adapted to D50, under a gamma of 2.2. It is the same in all files, and packed.
var sRGB = sync.OnceValues(func() ([]byte, error) {
	b, err := deflate.NewBlocks(profile())
	j := deflate.Join(nil)
	j.Blocks(b)
	return j.Close(), err
})

func profile() []byte {
	tag := func(kind string, words ...uint32) []byte {
		b := append([]byte(kind), 0, 0, 0, 0)
		for _, w := range words {
			b = binary.BigEndian.AppendUint32(b, w)
		}
		return b
	}
	desc := append(tag("desc", 5), "sRGB\x00"...)
	desc = append(desc, make([]byte, 4+4+2+1+67)...) // no Unicode, no ScriptCode
	curve := append(tag("curv", 1), 2, 0x33, 0, 0)   // 2.2 as u8Fixed8
	tags := []struct {
		name string
		data []byte
	}{
		{"desc", desc},
		{"cprt", append(tag("text"), "CC0\x00"...)},
		{"wtpt", tag("XYZ ", 0xF6D6, 0x10000, 0xD32D)},
		{"rXYZ", tag("XYZ ", 0x6FA2, 0x38F5, 0x0390)},
		{"gXYZ", tag("XYZ ", 0x6299, 0xB785, 0x18DA)},
		{"bXYZ", tag("XYZ ", 0x24A0, 0x0F84, 0xB6CF)},
		{"rTRC", curve},
		{"gTRC", nil},
		{"bTRC", nil},
	}
	head := make([]byte, 128)
	copy(head[8:], "\x02\x10\x00\x00mntrRGB XYZ ")
	copy(head[24:], "\x07\xD0\x00\x01\x00\x01")
	copy(head[36:], "acsp")
	copy(head[68:], "\x00\x00\xF6\xD6\x00\x01\x00\x00\x00\x00\xD3\x2D") // D50
	table := binary.BigEndian.AppendUint32(nil, uint32(len(tags)))
	var data []byte
	at, size := 0, 0
	for _, t := range tags {
		if t.data != nil { // else the one before stands for it
			at, size = len(head)+4+12*len(tags)+len(data), len(t.data)
			data = append(data, t.data...)
			for len(data)%4 != 0 {
				data = append(data, 0)
			}
		}
		table = append(table, t.name...)
		table = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(table, uint32(at)), uint32(size))
	}
	out := slices.Concat(head, table, data)
	binary.BigEndian.PutUint32(out, uint32(len(out)))
	return out
}
