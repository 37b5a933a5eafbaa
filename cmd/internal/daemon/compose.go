package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"slices"
	"sync"
	"time"

	"geppo/aggregate"
	"geppo/mailer"
	"geppo/render"
	"geppo/store"
	"geppo/store/sqlstore"
)

// Composer makes the message of a delivery. The report behind it is computed and frozen for the
// first one of a contract and period; all later ones show the frozen figures.
type Composer struct {
	Detections *sqlstore.Detections
	Ledger     *sqlstore.Ledger
	Brands     Brands
	Draw       func(aggregate.Report) (render.Parts, error) // nil: Parts
	Bounce     string
	VERP       bool
	MaxSize    int64 // of a message, bytes; above it the PDFs are left out
	Archive    Archive
	Log        *slog.Logger
	Now        func() time.Time
	Crash      Crash
	Watch      Watch

	// A contract's addresses follow each other in the queue and differ in the header only, so the
	// last few contracts' bodies are kept.
	mu     sync.Mutex
	recent []*recentBody
}

type recentBody struct {
	key  reportKey
	make func() (branded, error)
}

// branded is a body, and whose header it gets.
type branded struct {
	body  *mailer.Body
	brand Brand
}

type reportKey struct {
	contract string
	period   store.Period
	revision int
}

func reportOf(d store.Delivery) reportKey { return reportKey{d.Contract, d.Period, d.Revision} }

// recentBodies bounds the memory between two addresses of a contract: 600 KB each at the most.
const recentBodies = 4

// HoldError says that a delivery must not go out before an operator has looked at it.
type HoldError struct{ Reason string }

func (e *HoldError) Error() string { return e.Reason }

// Compose makes a delivery's message. A *HoldError is a fault that a retry would not mend, a
// *mailer.Error one of the addresses.
func (c *Composer) Compose(ctx context.Context, d store.Delivery) (mailer.Message, error) {
	made, err := c.body(ctx, reportOf(d))
	if err != nil {
		return mailer.Message{}, fmt.Errorf("compose delivery %d: %w", d.ID, err)
	}
	message, err := made.body.Message(c.header(made.brand, recipient(d), d.MessageID, d.DatedAt))
	if err != nil {
		return mailer.Message{}, err
	}
	if int64(len(message.Bytes)) > c.MaxSize {
		if message, err = c.withoutPDFs(ctx, d); err != nil {
			return mailer.Message{}, err
		}
	}
	return c.asHandedOver(d, message)
}

// withoutPDFs makes the message of a delivery that would be larger than MaxSize: it says so.
func (c *Composer) withoutPDFs(ctx context.Context, d store.Delivery) (mailer.Message, error) {
	report, err := c.frozen(ctx, reportOf(d))
	if err != nil {
		return mailer.Message{}, err
	}
	brand, err := c.Brands.Of(report.Contract.Brand)
	if err != nil {
		return mailer.Message{}, err
	}
	p, err := brand.Renderer.PartsWithoutPDFs(report)
	if err != nil {
		return mailer.Message{}, &HoldError{fmt.Sprintf("render: %v", err)}
	}
	message, err := mailer.Compose(c.header(brand, recipient(d), d.MessageID, d.DatedAt), p)
	if err != nil {
		return mailer.Message{}, err
	}
	if size := int64(len(message.Bytes)); size > c.MaxSize {
		return mailer.Message{}, &HoldError{fmt.Sprintf("even without PDFs the message has %d bytes, more than smtp.max_size (%d); raise it and release the delivery", size, c.MaxSize)}
	}
	c.Log.Warn("the message would be too large with its pdfs", "delivery", d.ID, "contract", d.Contract, "max_size", c.MaxSize)
	return message, nil
}

// asHandedOver gives a repeat the bytes of the copy that was handed over before, where the archive has
// it: the renderer or its templates may have changed since, or the ledger be a restored one that does
// not know of it. What is bound to other bytes is held; the ledger would refuse them, but only when
// they had been archived and nearly sent.
func (c *Composer) asHandedOver(d store.Delivery, message mailer.Message) (mailer.Message, error) {
	sum := message.SHA256()
	if bytes.Equal(d.SHA256, sum[:]) {
		return message, nil
	}
	archived, found, err := c.Archive.Get(d)
	switch {
	case err != nil:
		return mailer.Message{}, err
	case found:
		return message.WithBytes(archived), nil
	case d.SHA256 == nil:
		return message, nil
	}
	return mailer.Message{}, &HoldError{store.ErrBytesDiffer.Error()}
}

func recipient(d store.Delivery) mail.Address {
	return mail.Address{Name: d.RecipientName, Address: d.Recipient}
}

// Address makes parts a message of a brand to one address.
func (c *Composer) Address(brand string, p render.Parts, to mail.Address, messageID string, date time.Time) (mailer.Message, error) {
	b, err := c.Brands.Of(brand)
	if err != nil {
		return mailer.Message{}, err
	}
	return mailer.Compose(c.header(b, to, messageID, date), p)
}

func (c *Composer) header(b Brand, to mail.Address, messageID string, date time.Time) mailer.Header {
	return mailer.Header{
		From: b.From, ReplyTo: b.ReplyTo, To: to, Bounce: c.Bounce, VERP: c.VERP, MessageID: messageID, Date: date, DKIM: b.DKIM, SMIME: b.SMIME,
	}
}

// body gives a report's body, rendered and encoded once however many ask at the same time.
func (c *Composer) body(ctx context.Context, key reportKey) (branded, error) {
	c.mu.Lock()
	i := slices.IndexFunc(c.recent, func(b *recentBody) bool { return b.key == key })
	if i < 0 {
		made := &recentBody{key, sync.OnceValues(func() (branded, error) {
			return guarded(func() (branded, error) { return c.makeBody(ctx, key) })
		})}
		if len(c.recent) == recentBodies {
			c.recent = slices.Delete(c.recent, 0, 1)
		}
		i, c.recent = len(c.recent), append(c.recent, made)
	}
	found := c.recent[i]
	c.mu.Unlock()
	made, err := found.make()
	if err != nil {
		c.forget(found)
	}
	return made, err
}

// forget drops a body that could not be made, so that the next try makes it anew.
func (c *Composer) forget(gone *recentBody) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recent = slices.DeleteFunc(c.recent, func(b *recentBody) bool { return b == gone })
}

func (c *Composer) makeBody(ctx context.Context, key reportKey) (made branded, err error) {
	report, err := c.frozen(ctx, key)
	if err != nil {
		return branded{}, err
	}
	if report.Contract.ID != key.contract || report.Period != key.period {
		return branded{}, &HoldError{fmt.Sprintf("the frozen report is of contract %s, %s", report.Contract.ID, report.Period)}
	}
	if made.brand, err = c.Brands.Of(report.Contract.Brand); err != nil {
		return branded{}, err
	}
	p, err := c.render(report)
	if err != nil {
		return branded{}, err
	}
	defer c.Watch.start("compose")()
	made.body, err = mailer.NewBody(p)
	return made, err
}

func (c *Composer) render(report aggregate.Report) (render.Parts, error) {
	draw := c.Draw
	if draw == nil {
		draw = c.Parts
	}
	done := c.Watch.start("render")
	p, err := draw(report)
	done()
	if err != nil {
		return render.Parts{}, &HoldError{fmt.Sprintf("render: %v", err)}
	}
	if p.Replaced > 0 {
		c.Log.Info("characters no font has were replaced", "contract", report.Contract.ID, "period", report.Period, "count", p.Replaced)
	}
	return p, nil
}

// frozen reads the stored report, or computes and stores the first one.
func (c *Composer) frozen(ctx context.Context, key reportKey) (aggregate.Report, error) {
	stored, err := c.Ledger.Frozen(ctx, key.contract, key.period, key.revision)
	if errors.Is(err, store.ErrNotFound) {
		stored, err = c.freeze(ctx, key)
	}
	if err != nil {
		return aggregate.Report{}, err
	}
	return decodeReport(stored)
}

// freeze computes a report and stores it; whoever was first decides what it says.
func (c *Composer) freeze(ctx context.Context, key reportKey) ([]byte, error) {
	newest, err := c.Detections.NewestImport(ctx) // before the rows are read: what comes in later is not in the report
	if err != nil {
		return nil, err
	}
	fresh, err := c.Fresh(ctx, key.contract, key.period, key.revision)
	if errors.Is(err, store.ErrPruned) {
		return nil, &HoldError{fmt.Sprintf("%v: no report can be computed any more; cancel the delivery", err)}
	}
	if err != nil {
		return nil, err
	}
	defer c.Watch.start("freeze")()
	text, err := json.Marshal(fresh)
	if err != nil {
		return nil, err
	}
	c.Crash.at(BeforeFreeze)
	defer c.Crash.at(AfterFreeze)
	return c.Ledger.Freeze(ctx, store.Freezing{
		Contract: key.contract, Period: key.period, Revision: key.revision, JSON: text, Import: newest, FollowUps: FollowUpsOf(fresh),
	}, c.Now())
}

// FollowUpsOf is what the support desk must follow up by a report.
func FollowUpsOf(report aggregate.Report) (list []store.FollowUp) {
	for _, c := range report.ToConfirm {
		for _, name := range c.Names {
			list = append(list, store.FollowUp{
				Contract: report.Contract.ID, Feature: c.Feature, Result: c.Result, Endpoint: c.Endpoint, Name: name.Name, Count: name.Count,
				From: c.From, To: c.To,
			})
		}
	}
	return list
}

// Frozen reads a report as it was stored when it was first composed, or store.ErrNotFound.
func (c *Composer) Frozen(ctx context.Context, contract string, p store.Period, revision int) (aggregate.Report, error) {
	stored, err := c.Ledger.Frozen(ctx, contract, p, revision)
	if err != nil {
		return aggregate.Report{}, err
	}
	return decodeReport(stored)
}

func decodeReport(stored []byte) (report aggregate.Report, err error) {
	if err := json.Unmarshal(stored, &report); err != nil {
		return aggregate.Report{}, &HoldError{fmt.Sprintf("the frozen report cannot be read: %v; resend it with --rebuild", err)}
	}
	return report, nil
}

// Newest is the newest frozen report, or a fresh one where none is frozen; it freezes nothing.
func (c *Composer) Newest(ctx context.Context, contract string, p store.Period) (aggregate.Report, error) {
	revision, err := c.Ledger.NewestRevision(ctx, contract, p)
	if err != nil {
		return aggregate.Report{}, err
	}
	if revision == 0 {
		return c.Fresh(ctx, contract, p, 1)
	}
	return c.Frozen(ctx, contract, p, revision)
}
