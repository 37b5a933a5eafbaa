package main

import (
	"encoding/json"
	"io"
	"time"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// shortened keeps a table's columns on the screen; --json has the whole.
func shortened(s string) string {
	const most = 60
	runes := []rune(printable(s))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most-1]) + "…"
}

func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// writeTable prints rows for people.
func writeTable(w io.Writer, header []string, rows [][]string) error {
	table := tablewriter.NewTable(w,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Settings: tw.Settings{Separators: tw.SeparatorsNone, Lines: tw.LinesNone},
		})),
		tablewriter.WithConfig(tablewriter.Config{
			Header: tw.CellConfig{Formatting: tw.CellFormatting{AutoFormat: tw.Off}, Alignment: tw.CellAlignment{Global: tw.AlignLeft}},
			Row:    tw.CellConfig{Formatting: tw.CellFormatting{AutoWrap: tw.WrapNone}, Alignment: tw.CellAlignment{Global: tw.AlignLeft}},
		}))
	table.Header(header)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = shortened(cell)
		}
		if err := table.Append(cells); err != nil {
			return err
		}
	}
	return table.Render()
}

// clockTime is a time as people on this machine read it; "-" for none.
func clockTime(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// terminal tells whether w is one.
func terminal(w io.Writer) bool {
	file := fileOf(w)
	return file != nil && term.IsTerminal(int(file.Fd()))
}

// meter is a progress bar on a terminal, and nothing elsewhere. It is decoration: that it cannot be
// drawn any more, say because the terminal went away, must not stop the work it tells of.
type meter struct{ bar *progressbar.ProgressBar }

// newMeter starts a bar; most -1: the length is not known.
func newMeter(w io.Writer, most int64, what string, bytes bool) meter {
	if !terminal(w) || most == 0 {
		return meter{}
	}
	return meter{progressbar.NewOptions64(most, progressbar.OptionSetDescription(what), progressbar.OptionSetWriter(fileOf(w)),
		progressbar.OptionShowCount(), progressbar.OptionShowBytes(bytes), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth())}
}

func (m meter) add(n int) {
	if m.bar != nil {
		_ = m.bar.Add(n)
	}
}

func (m meter) set(n int) {
	if m.bar != nil {
		_ = m.bar.Set(n)
	}
}

func (m meter) end() {
	if m.bar != nil {
		_ = m.bar.Finish()
	}
}
