package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"geppo/aggregate"
	"geppo/mailer"
	"geppo/render"
	"geppo/store"
)

// Letter is a mail for somebody who only looks at it.
type Letter struct {
	Message  []byte
	Archived bool // it is the copy that was kept when it was handed over
	Frozen   bool // it shows a frozen report; otherwise one as it would be computed now
}

// Letter gives the mail of a delivery: the copy that was kept, else what is composed of the frozen report, else what
// would be composed now. It freezes nothing, and changes nothing that a sender beside it works with.
func (c *Composer) Letter(ctx context.Context, d store.Delivery) (Letter, error) {
	return guarded(func() (Letter, error) { return c.letter(ctx, d) })
}

func (c *Composer) letter(ctx context.Context, d store.Delivery) (l Letter, err error) {
	if l.Message, l.Archived, err = c.Archive.Get(d); err != nil || l.Archived {
		return l, err
	}
	report, err := c.Frozen(ctx, d.Contract, d.Period, d.Revision)
	l.Frozen = err == nil
	if errors.Is(err, store.ErrNotFound) {
		report, err = c.Fresh(ctx, d.Contract, d.Period, d.Revision)
	}
	if err != nil {
		return l, err
	}
	if d.DatedAt.IsZero() {
		d.DatedAt = c.Now()
	}
	l.Message, err = c.look(report, d)
	return l, err
}

// Preview gives the mail that a contract would get of a period as its data are now; of its address the delivery names
// the one that is written to, which may be none.
func (c *Composer) Preview(ctx context.Context, d store.Delivery) (Letter, error) {
	return guarded(func() (Letter, error) { return c.preview(ctx, d) })
}

func (c *Composer) preview(ctx context.Context, d store.Delivery) (l Letter, err error) {
	revision, err := c.Ledger.NewestRevision(ctx, d.Contract, d.Period)
	if err != nil {
		return l, err
	}
	report, err := c.Fresh(ctx, d.Contract, d.Period, max(revision, 1))
	if err != nil {
		return l, err
	}
	l.Message, err = c.look(report, d)
	return l, err
}

func (c *Composer) look(report aggregate.Report, d store.Delivery) ([]byte, error) {
	if report.Contract.ID != d.Contract || report.Period != d.Period {
		return nil, &HoldError{fmt.Sprintf("the frozen report is of contract %s, %s", report.Contract.ID, report.Period)}
	}
	brand, err := c.Brands.Of(report.Contract.Brand)
	if err != nil {
		return nil, err
	}
	for _, draw := range []func(aggregate.Report) (render.Parts, error){brand.Renderer.Parts, brand.Renderer.PartsWithoutPDFs} {
		parts, err := draw(report)
		if err != nil {
			return nil, &HoldError{fmt.Sprintf("render: %v", err)}
		}
		var message mailer.Message
		if message, err = mailer.Compose(c.header(brand, recipient(d), d.MessageID, d.DatedAt), parts); err != nil || int64(len(message.Bytes)) <= c.MaxSize {
			return message.Bytes, err
		}
	}
	return nil, &HoldError{"even without PDFs the message is larger than smtp.max_size"}
}

// Same tells whether a mail's bytes are those that were handed over.
func (l Letter) Same(d store.Delivery) bool {
	sum := mailer.Message{Bytes: l.Message}.SHA256()
	return bytes.Equal(sum[:], d.SHA256)
}
