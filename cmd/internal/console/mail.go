package console

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"geppo/cmd/internal/desk"
	"geppo/cmd/internal/letter"
	"geppo/store"
)

// deliveryBody is one delivery with all its tries, and its mail.
type deliveryBody struct {
	Delivery store.Delivery
	Company  string
	Attempts []store.Attempt
	Actions  []store.Action
	Mail     mailView
}

// mailView is a mail as a page shows it: its parts are asked for one by one, from below Path.
type mailView struct {
	letter.Letter
	Path   string
	Source desk.Source
	Size   int
	Fault  string // why there is none to show; "": there is
}

func (p *Pages) delivery(w http.ResponseWriter, r *http.Request, v visitor) error {
	ctx := r.Context()
	d, err := p.deliveryOf(r)
	if err != nil {
		return err
	}
	body := deliveryBody{Delivery: d}
	if contract, err := p.Detections.Contract(ctx, d.Contract); err == nil {
		body.Company = contract.Name
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if body.Attempts, err = p.Ledger.Attempts(ctx, d.ID); err != nil {
		return err
	}
	if body.Actions, err = p.Ledger.ActionsOf(ctx, d.ID); err != nil {
		return err
	}
	mail, err := p.Office().Letter(ctx, d)
	body.Mail = p.words.of(r).viewOf(mail, err, fmt.Sprintf("/deliveries/%d/mail/", d.ID))
	return p.show(w, r, v, http.StatusOK, "delivery", "delivery.title", body)
}

func (p *Pages) deliveryOf(r *http.Request) (store.Delivery, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return store.Delivery{}, store.ErrNotFound
	}
	return p.Ledger.Delivery(r.Context(), id)
}

// viewOf is a mail, or the reason that there is none: the rest of the page is as good without it.
func (s sentences) viewOf(mail desk.Letter, err error, path string) mailView {
	if err != nil {
		return mailView{Fault: s.Fault(err)}
	}
	opened, err := letter.Open(mail.Message)
	if err != nil {
		return mailView{Fault: err.Error()}
	}
	return mailView{Letter: opened, Path: path, Source: mail.Source, Size: len(mail.Message)}
}

// previewBody is a mail as it would go out.
type previewBody struct {
	Contract string
	Period   store.Period
	Mail     mailView
}

func (p *Pages) preview(w http.ResponseWriter, r *http.Request, v visitor) error {
	period, err := store.ParsePeriod(r.FormValue("period"))
	if err != nil {
		return store.ErrNotFound
	}
	body := previewBody{Contract: r.PathValue("contract"), Period: period}
	mail, err := p.Office().Preview(r.Context(), body.Contract, period)
	if errors.Is(err, store.ErrNotFound) {
		return err
	}
	body.Mail = p.words.of(r).viewOf(mail, err, fmt.Sprintf("/contracts/%s/preview/%s/", body.Contract, period))
	return p.show(w, r, v, http.StatusOK, "preview", "preview.title", body)
}

func (p *Pages) deliveryPart(w http.ResponseWriter, r *http.Request, v visitor) error {
	d, err := p.deliveryOf(r)
	if err != nil {
		return err
	}
	mail, err := p.Office().Letter(r.Context(), d)
	if err != nil {
		return err
	}
	return p.part(w, r, mail.Message, fmt.Sprintf("geppo-%d.eml", d.ID))
}

func (p *Pages) previewPart(w http.ResponseWriter, r *http.Request, v visitor) error {
	period, err := store.ParsePeriod(r.PathValue("period"))
	if err != nil {
		return store.ErrNotFound
	}
	mail, err := p.Office().Preview(r.Context(), r.PathValue("contract"), period)
	if err != nil {
		return err
	}
	return p.part(w, r, mail.Message, "geppo-preview.eml")
}

// part answers with one part of a mail. What stands in it is strangers' words: whatever it is, a browser runs none of
// it, loads nothing for it, and takes it for no page of ours.
func (p *Pages) part(w http.ResponseWriter, r *http.Request, message []byte, name string) error {
	opened, err := letter.Open(message)
	if err != nil {
		return err
	}
	h, part := w.Header(), r.PathValue("part")
	switch part {
	case "html":
		h.Set("Content-Type", "text/html; charset=utf-8")
		// Shown in a frame of ours, which is sandboxed too. Its pictures stand in it, since a page without an origin
		// brings no cookie when it asks for one.
		h.Set("Content-Security-Policy", "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'")
		h.Set("X-Frame-Options", "SAMEORIGIN")
		return p.write(w, withPictures(opened))
	case "text":
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
		return p.write(w, opened.Text)
	case "eml":
		return p.download(w, "message/rfc822", name, message)
	}
	i := slices.IndexFunc(opened.Attachments, func(a letter.Part) bool { return a.Name == part })
	if i < 0 {
		return store.ErrNotFound
	}
	data := opened.Attachments[i].Data
	if !bytes.HasPrefix(data, []byte("%PDF-")) {
		return p.download(w, "application/octet-stream", part, data)
	}
	// A browser's own viewer shows nothing under a policy that sandboxes it.
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": part}))
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'none'")
	return p.write(w, data)
}

func (p *Pages) download(w http.ResponseWriter, kind, name string, data []byte) error {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'")
	return p.write(w, data)
}

func (p *Pages) write(w http.ResponseWriter, data []byte) error {
	if _, err := w.Write(data); err != nil {
		p.Log.Debug("the answer could not be written", "error", err)
	}
	return nil
}

// withPictures is a mail's HTML with its pictures in it.
func withPictures(l letter.Letter) []byte {
	var pairs []string
	for _, image := range l.Images {
		if image.CID != "" && bytes.HasPrefix(image.Data, []byte("\x89PNG")) {
			pairs = append(pairs, "cid:"+image.CID, "data:image/png;base64,"+base64.StdEncoding.EncodeToString(image.Data))
		}
	}
	return []byte(strings.NewReplacer(pairs...).Replace(string(l.HTML)))
}
