package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"geppo/cmd/internal/desk"
	"geppo/store"
)

// An action is asked for by a form that says first, in numbers and names, what it would do; it wants a reason, and is
// done by the office. One form serves all of them: what each takes stands here.

// actionForm is what an action takes, and who may do it.
type actionForm struct {
	needs  Role
	fields []string // that the person fills in, beside the reason
	grave  bool     // shown in red
}

var actionForms = map[string]actionForm{
	"resend":         {needs: Operator},
	"rebuild":        {needs: Operator},
	"test-send":      {needs: Clerk, fields: []string{"address"}},
	"cancel":         {needs: Operator, grave: true},
	"release":        {needs: Operator},
	"retry":          {needs: Operator},
	"ack":            {needs: Operator},
	"approve":        {needs: Operator, fields: []string{"canary"}},
	"pause":          {needs: Operator, grave: true},
	"resume":         {needs: Operator},
	"add":            {needs: Operator, fields: []string{"address", "name"}},
	"remove":         {needs: Operator, grave: true},
	"stop":           {needs: Operator, grave: true},
	"start":          {needs: Operator},
	"stop-contract":  {needs: Operator, grave: true},
	"start-contract": {needs: Operator},
}

// needed is the role that a request takes: to resend one delivery as it is, the desk's is enough.
func needed(r desk.Request) Role {
	if r.Action == "resend" && r.Delivery != 0 {
		return Clerk
	}
	return actionForms[r.Action].needs
}

// actBody is the form of an action.
type actBody struct {
	desk.Request
	Mail   store.Delivery // the one that it is about, if it is one
	Fields []string
	Grave  bool
	Plan   desk.Outline
	Left   []string // what would be left out, with the reason
	Back   string
	Fault  string // what is wrong with what was filled in
}

// Asks tells whether the person fills in a field.
func (b actBody) Asks(field string) bool { return slices.Contains(b.Fields, field) }

func (p *Pages) ask(w http.ResponseWriter, r *http.Request, v visitor) error {
	body, err := p.form(r, v)
	if err != nil {
		return err
	}
	return p.showForm(w, r, v, body, http.StatusOK)
}

// form reads a request, and refuses one that the visitor may not make.
func (p *Pages) form(r *http.Request, v visitor) (b actBody, err error) {
	if err := r.ParseForm(); err != nil {
		return b, store.ErrNotFound
	}
	b.Request = desk.Request{
		Action: r.FormValue("action"), Contract: r.FormValue("contract"), Address: strings.TrimSpace(r.FormValue("address")),
		Name: strings.TrimSpace(r.FormValue("name")), Failed: r.FormValue("failed") != "", Stale: r.FormValue("stale") != "",
		By: v.Name, Reason: strings.TrimSpace(r.FormValue("reason")),
	}
	form, known := actionForms[b.Action]
	if !known {
		return b, store.ErrNotFound
	}
	b.Fields, b.Grave, b.Back = form.fields, form.grave, back(r.FormValue("back"))
	for _, number := range []struct {
		field string
		read  func(string) error
	}{
		{"delivery", func(s string) (err error) { b.Delivery, err = strconv.ParseInt(s, 10, 64); return err }},
		{"canary", func(s string) (err error) { b.Canary, err = strconv.Atoi(s); return err }},
		{"period", func(s string) error { return b.Period.UnmarshalText([]byte(s)) }},
	} {
		if text := r.FormValue(number.field); text != "" && number.read(text) != nil {
			return b, store.ErrNotFound
		}
	}
	if !v.Role.may(needed(b.Request)) {
		return b, errForbidden
	}
	return b, nil
}

// back is a page of ours, and none of another site's.
func back(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n") {
		return "/"
	}
	return path
}

// showForm says what would be done.
func (p *Pages) showForm(w http.ResponseWriter, r *http.Request, v visitor, body actBody, status int) error {
	words := p.words.of(r)
	var refused *desk.Refusal
	plan, err := p.Office().Consider(r.Context(), body.Request)
	switch {
	case errors.As(err, &refused):
		if body.Fault == "" {
			body.Fault = words.Refusal(refused)
		}
		status = http.StatusUnprocessableEntity
	case err != nil:
		return err
	}
	body.Plan = plan
	for _, left := range plan.Left {
		body.Left = append(body.Left, words.Refusal(left))
	}
	if body.Delivery != 0 {
		if body.Mail, err = p.Ledger.Delivery(r.Context(), body.Delivery); err != nil {
			return err
		}
	}
	return p.show(w, r, v, status, "act", "act.title", body)
}

func (p *Pages) act(w http.ResponseWriter, r *http.Request, v visitor) error {
	body, err := p.form(r, v)
	if err != nil {
		return err
	}
	words := p.words.of(r)
	if body.Reason == "" {
		body.Fault = words.W("act.wants-reason")
		return p.showForm(w, r, v, body, http.StatusUnprocessableEntity)
	}
	var refused *desk.Refusal
	plan, err := p.Office().Consider(r.Context(), body.Request)
	if err == nil && r.FormValue("deliveries") != "" && r.FormValue("deliveries") != strconv.Itoa(plan.Deliveries) && !body.Asks("canary") {
		body.Fault = words.W("act.moved") // what was agreed to is not what would be done
		return p.showForm(w, r, v, body, http.StatusConflict)
	}
	var done desk.Done
	if err == nil {
		done, err = p.Office().Do(r.Context(), body.Request)
	}
	if errors.As(err, &refused) {
		body.Fault = words.Refusal(refused)
		return p.showForm(w, r, v, body, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	p.Log.Info("done by the console", "action", body.Action, "by", v.Name, "deliveries", done.Deliveries)
	p.sessions.remember(v.csrf, told(words, body.Action, done))
	http.Redirect(w, r, body.Back, http.StatusSeeOther)
	return nil
}

// told is what the next page says of what was done.
func told(words sentences, action string, done desk.Done) string {
	text := words.W("act.done", words.Word("action", action))
	if done.Deliveries > 0 {
		text = words.W("act.done-many", words.Word("action", action), done.Deliveries)
	}
	if done.Reply != "" {
		text += " " + words.W("act.reply", done.Reply)
	}
	return text
}
