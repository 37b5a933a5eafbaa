package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// peopleHandler writes the log for a terminal: a sentence with what belongs to it, broken into lines that fit, and above
// the bar where one is drawn.
type peopleHandler struct {
	app  *app
	text slog.Handler // writes what belongs to a record into kept
	kept *kept
}

type kept struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func newPeopleHandler(a *app) *peopleHandler {
	h := &peopleHandler{app: a, kept: &kept{}}
	h.text = slog.NewTextHandler(&h.kept.text, &slog.HandlerOptions{
		Level: &a.logLevel,
		ReplaceAttr: func(groups []string, attr slog.Attr) slog.Attr {
			switch {
			case len(groups) == 0 && (attr.Key == slog.TimeKey || attr.Key == slog.LevelKey || attr.Key == slog.MessageKey):
				return slog.Attr{}
			case attr.Value.Kind() == slog.KindTime:
				return slog.String(attr.Key, shortTime(attr.Value.Time()))
			}
			return attr
		},
	})
	return h
}

// levelWords go before what people must look at.
var levelWords = map[slog.Level]string{slog.LevelWarn: "warning: ", slog.LevelError: "error: "}

func (h *peopleHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.text.Enabled(ctx, level)
}

func (h *peopleHandler) Handle(ctx context.Context, record slog.Record) error {
	h.kept.mu.Lock()
	defer h.kept.mu.Unlock()
	h.kept.text.Reset()
	if err := h.text.Handle(ctx, record); err != nil {
		return err
	}
	belongs := strings.TrimSpace(h.kept.text.String())
	if bar := h.app.bar.Load(); bar != nil {
		bar.clear()
		defer bar.again()
	}
	return say(h.app.stderr, "%s %s%s  %s", record.Time.Local().Format(time.TimeOnly), levelWords[record.Level], record.Message, belongs)
}

func (h *peopleHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &peopleHandler{h.app, h.text.WithAttrs(attrs), h.kept}
}

func (h *peopleHandler) WithGroup(name string) slog.Handler {
	return &peopleHandler{h.app, h.text.WithGroup(name), h.kept}
}
