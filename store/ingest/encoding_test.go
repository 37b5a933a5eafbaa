package ingest_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"geppo/store/ingest"
)

func encode(t *testing.T, e encoding.Encoding, s string) string {
	t.Helper()
	out, err := e.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEncodings(t *testing.T) {
	const company = "㈱髙橋ソフト表示～①能"
	contract := mend(t, contractRow, "株式会社サンプル商事", company)
	file := lines(contract, endpointRow, mend(t, detectionLine, "TROJ_GEN.R002C0CLT21", "ﾃｽﾄ表ソ"))
	ascii := strings.Repeat(`{"type":"contract","id":"A","name":"A","product":"antivirus","licences":1,"since":"2026-01-01"}`+"\n", 2000)
	crlf := strings.ReplaceAll(file, "\n", "\r\n")
	utf16 := func(e unicode.Endianness) encoding.Encoding { return unicode.UTF16(e, unicode.UseBOM) }
	for name, in := range map[string]string{
		"UTF-8":                           file,
		"UTF-8, CR LF, BOM":               "\ufeff" + crlf,
		"UTF-16 little endian":            encode(t, utf16(unicode.LittleEndian), crlf),
		"UTF-16 big endian":               encode(t, utf16(unicode.BigEndian), file),
		"CP932":                           encode(t, japanese.ShiftJIS, file),
		"CP932 behind 190 KB of ASCII":    ascii + encode(t, japanese.ShiftJIS, crlf),
		"UTF-8 behind 190 KB of ASCII":    ascii + file,
		"CP932 without a last line break": encode(t, japanese.ShiftJIS, strings.TrimSuffix(file, "\n")),
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range []func() (int64, error){
				func() (int64, error) {
					db := open(t)
					res, err := ingest.JSONLines(context.Background(), db, strings.NewReader(in), options())
					if err == nil {
						if got := month(t, db); got.Contract.Name != company || got.Detections[0].Name != "ﾃｽﾄ表ソ" {
							t.Errorf("came back as %q and %q", got.Contract.Name, got.Detections[0].Name)
						}
					}
					return res.New, err
				},
				func() (int64, error) { // the smallest pieces that a reader can give
					res, err := ingest.JSONLines(context.Background(), open(t), iotest.OneByteReader(strings.NewReader(in)), options())
					return res.New, err
				},
			} {
				if n, err := r(); err != nil || n < 3 {
					t.Errorf("%d new rows, %v", n, err)
				}
			}
		})
	}
}

// Text that is damaged must be refused, and not be read as another encoding's characters.
func TestDamagedEncodings(t *testing.T) {
	utf16 := encode(t, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), lines(contractRow))
	lone := bytes.Replace([]byte(utf16), []byte{0x2a, 0x68}, []byte{0x00, 0xd8}, 1) // 株 → a high surrogate
	cp932 := encode(t, japanese.ShiftJIS, lines(contractRow))
	for name, in := range map[string]string{
		"UTF-16 with a lone surrogate": string(lone),
		"UTF-16 cut in a character":    utf16[:41],
		"UTF-16 without a mark":        utf16[2:],
		"CP932 with a wrong byte":      strings.Replace(cp932, "\x8a\x94", "\x8a\xff", 1), // 株
		"UTF-8 line after CP932":       cp932 + contractRow,
		"CP932 line after UTF-8":       lines(contractRow) + cp932,
		"hiragana in UTF-8, damaged":   lines(mend(t, contractRow, "株式会社サンプル商事", "あいうえおかき\xe3\x81")),
		"hiragana in UTF-8, first byte lost": lines(mend(t, strings.Replace(contractRow, "情報システム ご担当者", "", 1),
			"株式会社サンプル商事", "\x81\x82あ")),
	} {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			res, err := ingest.JSONLines(context.Background(), db, strings.NewReader(in), options())
			if err == nil {
				t.Fatalf("accepted, %+v: %q", res, month(t, db).Contract.Name)
			}
			if !strings.HasPrefix(err.Error(), "in.jsonl:1: ") && !strings.HasPrefix(err.Error(), "in.jsonl:2: ") {
				t.Errorf("error %q names no line", err)
			}
		})
	}
}
