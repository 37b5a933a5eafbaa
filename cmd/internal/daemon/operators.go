package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/mail"
	"strings"
	"time"

	"geppo/cmd/internal/notify"
	"geppo/mailer"
	"geppo/render"
)

// Operators are those who are told how a month goes, by mail and by webhooks. Their mails are no deliveries: they are tried
// once, and a failure is for the log, because the ledger and geppo status know all that they say. Webhooks are told at
// once and in the background: what they are told stands in notices.go.
type Operators struct {
	Addresses  []string    // nobody: nothing is sent
	Dispatcher *Dispatcher // its client, composer and ledger
	IDs        mailer.IDs
	Templates  fs.FS
	Hooks      []notify.Hook
	Post       *notify.Post // posts to the hooks
}

// Alert tells of what the schedule could not do.
func (o *Operators) Alert(ctx context.Context, a render.Alert) error {
	return errors.Join(o.tell(noticeOf(a)), o.alertByMail(ctx, a))
}

func (o *Operators) alertByMail(ctx context.Context, a render.Alert) error {
	parts, err := render.AlertParts(o.Templates, a)
	if err != nil {
		return err
	}
	return o.mail(ctx, parts, "alert, "+string(a.Kind)+" "+a.Period)
}

// AlertSilence tells of feeds that used to come and do not any more.
func (o *Operators) AlertSilence(ctx context.Context, feeds []Silent, zone *time.Location) error {
	var notice render.Silence
	for _, f := range feeds {
		notice.Feeds = append(notice.Feeds, render.SilentFeed{
			Name: strings.TrimPrefix(f.Feed, inboxFeeds), Last: f.Last.In(zone).Format("2006-01-02 15:04"),
			Hours: int(f.Usual.Round(time.Hour).Hours()),
		})
	}
	told := o.tell(render.Notice{Event: render.NoticeSilent, Feeds: notice.Feeds})
	parts, err := render.SilenceParts(o.Templates, notice)
	if err != nil {
		return errors.Join(told, err)
	}
	return errors.Join(told, o.mail(ctx, parts, "alert of silent feeds"))
}

// mail writes to every operator; a failure at one does not keep the others from their mail.
func (o *Operators) mail(ctx context.Context, parts render.Parts, about string) error {
	if len(o.Addresses) == 0 {
		return nil
	}
	conn, err := o.Dispatcher.Client.Connect(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", about, err)
	}
	var errs []error
	for _, address := range o.Addresses {
		if err := o.mailTo(ctx, conn, parts, address, about); err != nil {
			errs = append(errs, fmt.Errorf("%s to %s: %w", about, address, err))
		}
	}
	return errors.Join(append(errs, conn.Close())...)
}

func (o *Operators) mailTo(ctx context.Context, conn *mailer.Conn, parts render.Parts, address, about string) error {
	to, err := mail.ParseAddress(address)
	if err != nil {
		return fmt.Errorf("mail.operators: %w", err)
	}
	now := o.Dispatcher.Now()
	message, err := o.Dispatcher.Composer.Address("", parts, *to, o.IDs.MessageID(about, to.Address, now.String()), now)
	if err != nil {
		return err
	}
	_, err = conn.Send(ctx, message, func() error { return nil })
	return err
}
