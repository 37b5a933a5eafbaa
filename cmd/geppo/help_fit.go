package main

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"geppo/render/words"
)

// fitHelp breaks a help's lines anew where a terminal would break them.
func fitHelp(cmd *cobra.Command, help func()) {
	out := cmd.OutOrStdout()
	width := terminalWidth(out)
	if width == 0 {
		help()
		return
	}
	var text bytes.Buffer
	cmd.SetOut(&text)
	help()
	cmd.SetOut(out)
	for _, line := range fitted(strings.Split(strings.TrimRight(text.String(), "\n"), "\n"), width) {
		if say(out, "%s", line) != nil {
			return // the terminal is gone
		}
	}
}

// fitted are lines of at most so many columns. A paragraph with a line that is too long is broken as a whole.
func fitted(lines []string, width int) (list []string) {
	for len(lines) > 0 {
		n := 1
		for isProse(lines[0]) && n < len(lines) && isProse(lines[n]) {
			n++
		}
		paragraph, tooLong := lines[:n], false
		for _, line := range paragraph {
			tooLong = tooLong || words.Width(line) > width
		}
		switch {
		case !tooLong:
			list = append(list, paragraph...)
		case n > 1 || isProse(lines[0]):
			list = append(list, folded(joined(paragraph), width)...)
		default:
			list = append(list, hanging(lines[0], width)...)
		}
		lines = lines[n:]
	}
	return list
}

func isProse(line string) bool { return line != "" && line[0] != ' ' }

// joined is a paragraph as one line; between Japanese letters no space was meant.
func joined(lines []string) string {
	text := lines[0]
	for _, line := range lines[1:] {
		before, _ := utf8.DecodeLastRuneInString(text)
		after, _ := utf8.DecodeRuneInString(line)
		if words.Width(string(before)) < 2 || words.Width(string(after)) < 2 {
			text += " "
		}
		text += line
	}
	return text
}

var flagLine = regexp.MustCompile(`^( +\S.*?   +)(\S.*)$`)

// hanging breaks what stands behind a flag below itself.
func hanging(line string, width int) (list []string) {
	parts := flagLine.FindStringSubmatch(line)
	if parts == nil || words.Width(parts[1]) > width/2 {
		return []string{line} // say breaks it
	}
	before := parts[1]
	for _, rest := range folded(parts[2], width-words.Width(before)) {
		list = append(list, before+rest)
		before = strings.Repeat(" ", words.Width(before))
	}
	return list
}
