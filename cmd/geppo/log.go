package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"golang.org/x/sys/unix"

	"geppo/cmd/internal/config"
)

// logger writes to standard error; its level follows a.logLevel, so that a reload can change it.
// Where the journal reads standard error each line begins with its priority, and text leaves out
// the time, which the journal has.
func (a *app) logger(c config.Log) *slog.Logger {
	if a.log != nil {
		return a.log
	}
	a.logLevel.Set(logLevel(c))
	if terminal(a.stderr) && c.Format == "text" {
		if a.quiet && a.logLevel.Level() == slog.LevelInfo {
			a.logLevel.Set(slog.LevelWarn)
		}
		a.log = slog.New(newPeopleHandler(a))
		return a.log
	}
	a.log = slog.New(logHandler(a.stderr, c.Format, &a.logLevel, toJournal(a.stderr, a.environ)))
	return a.log
}

func logLevel(c config.Log) (level slog.Level) {
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		return slog.LevelInfo // Load has refused other levels
	}
	return level
}

func logHandler(w io.Writer, format string, level slog.Leveler, journal bool) slog.Handler {
	options := &slog.HandlerOptions{Level: level}
	lines := func(w io.Writer) slog.Handler {
		if format == "json" {
			return slog.NewJSONHandler(w, options)
		}
		return slog.NewTextHandler(w, options)
	}
	if !journal {
		return lines(w)
	}
	if format == "text" {
		options.ReplaceAttr = func(groups []string, attr slog.Attr) slog.Attr {
			if len(groups) == 0 && attr.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return attr
		}
	}
	var h journalHandler
	for priority := range h {
		h[priority] = lines(prefixed{w, fmt.Sprintf("<%d>", priority)})
	}
	return h
}

// journalHandler has a handler for each of syslog's priorities (sd-daemon(3)).
type journalHandler [8]slog.Handler

func (h journalHandler) of(level slog.Level) slog.Handler {
	switch {
	case level >= slog.LevelError:
		return h[3]
	case level >= slog.LevelWarn:
		return h[4]
	case level >= slog.LevelInfo:
		return h[6]
	}
	return h[7]
}

func (h journalHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.of(level).Enabled(ctx, level)
}

func (h journalHandler) Handle(ctx context.Context, record slog.Record) error {
	return h.of(record.Level).Handle(ctx, record)
}

func (h journalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	for i := range h {
		h[i] = h[i].WithAttrs(attrs)
	}
	return h
}

func (h journalHandler) WithGroup(name string) slog.Handler {
	for i := range h {
		h[i] = h[i].WithGroup(name)
	}
	return h
}

// prefixed writes each line, which slog's handlers write at once, behind a prefix.
type prefixed struct {
	w      io.Writer
	prefix string
}

func (p prefixed) Write(line []byte) (int, error) {
	n, err := p.w.Write(append([]byte(p.prefix), line...))
	return max(n-len(p.prefix), 0), err
}

// toJournal tells whether w is the stream that systemd named to us (systemd.exec(5), JOURNAL_STREAM):
// a shell's redirection is not.
func toJournal(w io.Writer, environ []string) bool {
	file := fileOf(w)
	if file == nil {
		return false
	}
	var stat unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &stat); err != nil {
		return false
	}
	return slices.Contains(environ, journalStream(stat))
}

func journalStream(stat unix.Stat_t) string {
	return fmt.Sprintf("JOURNAL_STREAM=%d:%d", stat.Dev, stat.Ino)
}
