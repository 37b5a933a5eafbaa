package main

import (
	"log/slog"
	"net/mail"
	"time"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/daemon"
	"geppo/mailer"
	"geppo/render"
)

// sending builds what sends, by the functions that serve and run build it by, and composes a message to everybody whom the
// configuration names: what can be built and composed here can be there. It gives the client, nil if there is none.
func (k *checker) sending(c config.Config, faulty *config.Error) *mailer.Client {
	if err := c.Sending(); err != nil && !faulty.Concerns("mail.from", "smtp.host") {
		k.misconfigured("configuration", err)
	}
	client, err := newClient(c, k.app.environ)
	if err != nil {
		k.misconfigured("relay", err)
		client = nil
	}
	if !faulty.Concerns("notify") {
		if _, err := newHooks(c); err != nil {
			k.misconfigured("webhooks", err)
		}
	}
	if faulty.Concerns("mail") {
		return client
	}
	if _, _, err := signers(c); err != nil {
		k.misconfigured("signing", err)
		return client
	}
	if composer, err := newComposer(c, new(databases), slog.New(slog.DiscardHandler)); err == nil { // else templates has told it
		k.compose(c, composer)
	}
	return client
}

// compose makes messages that nobody gets.
func (k *checker) compose(c config.Config, composer *daemon.Composer) {
	parts := render.Parts{Subject: "check", Text: []byte("check\n"), HTML: []byte("<p>check</p>\n")}
	id := mailer.IDs{Domain: c.Mail.Domain()}.MessageID("check")
	for i, recipient := range append([]string{c.Mail.From}, c.Mail.Operators...) {
		to, err := mail.ParseAddress(recipient)
		if err == nil {
			_, err = composer.Address("", parts, *to, id, time.Now())
		}
		if err != nil {
			k.fault("message", exitUsage, "%s: %v; see [mail]", []string{"mail.from", "mail.operators"}[min(i, 1)], err)
			return
		}
	}
	for name := range c.Brand {
		from, _ := c.Sender(name)
		id := mailer.IDs{Domain: c.SenderDomain(name)}.MessageID("check")
		if _, err := composer.Address(name, parts, mail.Address{Address: from.Address}, id, time.Now()); err != nil {
			k.fault("message", exitUsage, "brand.%s: %v; see its from and reply_to", name, err)
			return
		}
	}
	k.ok("message", "mail of %s can be composed", c.Mail.FromAddress().Address)
}
