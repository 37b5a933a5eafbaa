// Package render words and draws a Report: subject, HTML and text bodies, chart images and PDFs.
// It is pure: no I/O after New, no clock, no randomness, so that equal reports give equal bytes.
// It knows nothing of addresses, messages or databases.
package render

// Parts is everything a message carries for its reader, ready to be composed.
type Parts struct {
	Subject string
	Lang    string // BCP 47, of the bodies; empty: ja
	HTML    []byte // UTF-8, refers to Images by cid
	Text    []byte // UTF-8, LF line ends, complete in itself
	Images  []Image
	PDFs    []PDF
	// Attachments are further files; a reader's mail has none.
	Attachments []Attachment
	// Replaced counts characters spelled as U+XXXX because no font has them.
	Replaced int
}

// Image is an inline PNG, drawn at twice the size at which the HTML shows it.
type Image struct {
	CID    string // without angle brackets
	Name   string // ASCII file name, "virus-trend.png"
	Data   []byte
	Width  int // shown size in CSS pixels
	Height int
	Alt    string // carries the chart's numbers
}

// PDF is one report as an attachment.
type PDF struct {
	Name  string // ASCII-safe, "geppo-av_C000001_2026-10.pdf"
	Data  []byte
	Pages int
}

// Attachment is a file that is no PDF.
type Attachment struct {
	Name string // ASCII-safe
	Type string // media type, "text/csv"
	Data []byte
}
