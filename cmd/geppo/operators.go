package main

import (
	"fmt"
	"time"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/notify"
)

// operators are those whom the configuration names: their addresses, and the webhooks.
func (a *app) operators(c config.Config, d *daemon.Dispatcher) (daemon.Operators, error) {
	hooks, err := newHooks(c)
	if err != nil {
		return daemon.Operators{}, err
	}
	if len(hooks) > 0 && a.post == nil {
		a.post = notify.NewPost(a.logger(c.Log), time.Now, nil)
	}
	return daemon.Operators{
		Addresses: c.Mail.Operators, Dispatcher: d, IDs: messageIDs(c, d.Ledger), Templates: templateFiles(c), Hooks: hooks, Post: a.post,
	}, nil
}

// newHooks are the webhooks, by the names that the log has for them.
func newHooks(c config.Config) (hooks []notify.Hook, err error) {
	faulty := &config.Error{}
	for i, w := range c.Notify.Webhooks {
		address, err := w.Address()
		faulty.Add("notify.webhooks", err)
		hooks = append(hooks, notify.Hook{Kind: w.Kind, URL: address, Name: fmt.Sprintf("%d (%s)", i+1, w.Kind)})
	}
	return hooks, faulty.OrNil()
}

// postWithin bounds what a dead webhook costs a command that is done.
const postWithin = 15 * time.Second

// closePost posts what waits.
func (a *app) closePost() {
	if a.post != nil {
		a.post.Close(postWithin)
	}
}
