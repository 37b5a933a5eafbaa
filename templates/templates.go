// Package templates holds what readers of the mail see: the HTML and text templates, the Japanese
// wording and the fonts, as one embedded file system. It holds no code.
package templates

import "embed"

// FS is the embedded default of every template, word list and font.
//
//go:embed *
var FS embed.FS
