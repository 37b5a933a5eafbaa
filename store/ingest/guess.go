package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
)

// Guess tells the format of a file by its first 64 KB, and gives the file as it was. What cannot be
// told is taken for our own format, whose reasons say more than "unknown".
//
// columns are names of columns that the operator knows, see Reading.
func Guess(r io.Reader, columns map[string]string) (format string, whole io.Reader, err error) {
	br := bufio.NewReaderSize(r, window)
	head, err := br.Peek(window)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return "", br, err
	}
	return guessed(headText(head), columns), br, nil
}

// headText is the beginning of a file as text; what is cut or damaged in it does not matter.
func headText(head []byte) string {
	encoding := japanese.ShiftJIS.NewDecoder()
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		encoding = unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder()
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		return string(head[3:])
	case !notUTF8(wholeLines(head)):
		return string(head)
	}
	text, err := encoding.Bytes(head)
	if err != nil {
		return string(head)
	}
	return string(text)
}

var (
	ourRow = regexp.MustCompile(`"type"\s*:\s*"(?:contract|endpoint|agent_status|detection|edr_event|coverage)"`)
	// ourLine is a row of ours as it is usually written, whatever its values look like.
	ourLine   = regexp.MustCompile(`^\s*(?:#[^\n]*\n\s*)*\{\s*"type"\s*:\s*"(?:contract|endpoint|agent_status|detection|edr_event|coverage)"`)
	agentLine = regexp.MustCompile(`(?m)^\d{8}<;>\d{1,6}<;>([^\r\n]*)`)
)

func guessed(head string, columns map[string]string) string {
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(head, w) {
				return true
			}
		}
		return false
	}
	switch {
	case ourLine.MatchString(head):
		return "jsonl"
	case has("WFBS-SVC-AC", "WFBSS-SVC-AC"):
		return "feeder"
	case has("|Apex Central|", "|Control Manager|"):
		return "cef"
	}
	if m := agentLine.FindStringSubmatch(head); m != nil {
		return guessedAgent(strings.Split(m[1], agentSeparator))
	}
	if format := guessedJSON(head, has); format != "" {
		return format
	}
	if hasHeading(head, columns) {
		return "csv"
	}
	return "jsonl"
}

// guessedAgent tells the log of web reputation by a block mode and an URL.
func guessedAgent(columns []string) string {
	if mode := columns[0]; (mode == "0" || mode == "1") && strings.Contains(column(columns, 1), "://") {
		return "ofcurlf"
	}
	return "pccnt"
}

func guessedJSON(head string, has func(words ...string) bool) string {
	if start := strings.TrimLeft(head, " \t\r\n"); start == "" || !strings.ContainsRune("{[#", rune(start[0])) {
		return ""
	}
	switch {
	case has(`"class_uid"`):
		return "ocsf"
	case has(`"impactScope"`, `"schemaVersion"`):
		return "workbench"
	case has(`"computers"`), has(`"customers"`) && has(`"paging"`), has(`"agentGuid"`) && has(`"eppAgent"`):
		return "smpi"
	case ourRow.MatchString(head):
		return "jsonl"
	case has(`"totalCount"`) && has(`"items"`): // an answer without any
		return "workbench"
	}
	return ""
}

// hasHeading tells a table by its heading.
func hasHeading(head string, columns map[string]string) bool {
	known := newNames(columns)
	for range headingLines {
		text, rest, more := strings.Cut(head, "\n")
		if known.known(cellsOf(text, separator(text))) >= headingNames {
			return true
		}
		if !more {
			return false
		}
		head = rest
	}
	return false
}
