package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"geppo/cmd/internal/desk"
	"geppo/cmd/internal/harmless"
	"geppo/store"
)

// followUpsBody is the support desk's list of a month.
type followUpsBody struct {
	Period  store.Period
	Periods []store.Period
	Lines   []followUpView
	Open    int
	All     bool // also what is done
	More    bool
}

// followUpView is a line with what the desk has said of it.
type followUpView struct {
	desk.FollowUp
	Handled store.Handled
}

func (p *Pages) followUps(w http.ResponseWriter, r *http.Request, v visitor) error {
	body := followUpsBody{All: r.FormValue("all") != ""}
	var err error
	if body.Period, body.Periods, err = p.chosenPeriod(r); err != nil {
		return err
	}
	lines, err := p.handledLines(r.Context(), body.Period)
	if err != nil {
		return err
	}
	for _, line := range lines {
		if !line.Handled.Done {
			body.Open++
		}
		if body.All || !line.Handled.Done {
			body.Lines = append(body.Lines, line)
		}
	}
	if body.More = len(body.Lines) > listed; body.More {
		body.Lines = body.Lines[:listed]
	}
	if err := p.nameCompanies(r.Context(), body.Lines); err != nil {
		return err
	}
	return p.show(w, r, v, http.StatusOK, "followups", "nav.followups", body)
}

// chosenPeriod is the one that is asked for, or the newest of a run.
func (p *Pages) chosenPeriod(r *http.Request) (chosen store.Period, all []store.Period, err error) {
	runs, err := p.Ledger.Runs(r.Context(), store.Period{})
	if err != nil {
		return chosen, nil, err
	}
	all = periodsOf(runs)
	if text := r.FormValue("period"); text != "" {
		if chosen, err = store.ParsePeriod(text); err != nil || !chosen.Begun(p.Now()) {
			return chosen, nil, store.ErrNotFound
		}
		return chosen, all, nil
	}
	if len(all) == 0 {
		return store.PeriodOf(p.Now(), p.Zone).Previous(), nil, nil
	}
	return all[0], all, nil
}

func (p *Pages) handledLines(ctx context.Context, period store.Period) ([]followUpView, error) {
	list, err := p.Ledger.FollowUps(ctx, period)
	if err != nil {
		return nil, err
	}
	handled, err := p.Ledger.Handled(ctx, period)
	if err != nil {
		return nil, err
	}
	lines := make([]followUpView, len(list))
	for i, f := range list {
		lines[i] = followUpView{desk.FollowUp{FollowUp: f}, handled[f.Line()]}
	}
	return lines, nil
}

// nameCompanies adds whom to call; a contract that is not known any more has no name.
func (p *Pages) nameCompanies(ctx context.Context, lines []followUpView) error {
	for i, line := range lines {
		if i > 0 && lines[i-1].Contract == line.Contract { // they stand by contract
			lines[i].Company = lines[i-1].Company
			continue
		}
		contract, err := p.Detections.Contract(ctx, line.Contract)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		lines[i].Company = contract.Name
	}
	return nil
}

// handle records what the desk says of a line.
func (p *Pages) handle(w http.ResponseWriter, r *http.Request, v visitor) error {
	if !v.Role.may(Clerk) {
		return errForbidden
	}
	period, err := store.ParsePeriod(r.PostFormValue("period"))
	if err != nil || store.CheckContractID(r.PostFormValue("contract")) != nil {
		return store.ErrNotFound
	}
	h := store.Handled{
		Period: period, Contract: r.PostFormValue("contract"), Feature: store.Feature(r.PostFormValue("feature")),
		Endpoint: r.PostFormValue("endpoint"), Name: r.PostFormValue("name"), Done: r.PostFormValue("done") != "",
		Note: shorten(r.PostFormValue("note"), 1000), By: v.Name, At: p.Now(),
	}
	if err := p.Ledger.PutHandled(r.Context(), h); err != nil {
		return err
	}
	p.sessions.remember(v.csrf, p.words.of(r).W("followups.kept"))
	http.Redirect(w, r, back(r.PostFormValue("back")), http.StatusSeeOther)
	return nil
}

func (p *Pages) followUpsCSV(w http.ResponseWriter, r *http.Request, _ visitor) error {
	period, _, err := p.chosenPeriod(r)
	if err != nil {
		return err
	}
	lines, err := p.handledLines(r.Context(), period)
	if err != nil {
		return err
	}
	if err := p.nameCompanies(r.Context(), lines); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="followups-`+period.String()+`.csv"`)
	words := p.words.of(r)
	var head []string
	for _, name := range slices.Concat(desk.FollowUpColumns, []string{"state", "note", "by"}) {
		head = append(head, words.W("followups."+name))
	}
	out := harmless.NewCSV(w, head)
	for _, l := range lines {
		state := words.W("followups.open")
		if l.Handled.Done {
			state = words.W("followups.done")
		}
		cells := l.Cells(words.Word("result", l.Result), words.Word("feature", l.Feature))
		err = errors.Join(err, out.Row(append(cells, state, l.Handled.Note, l.Handled.By)...))
	}
	if err := errors.Join(err, out.End()); err != nil {
		p.Log.Debug("the answer could not be written", "error", err)
	}
	return nil
}

func (p *Pages) imports(w http.ResponseWriter, r *http.Request, v visitor) error {
	feeds, err := p.Office().Feeds(r.Context())
	if err != nil {
		return err
	}
	return p.show(w, r, v, http.StatusOK, "imports", "nav.imports", feeds)
}

// mostActions is how many of the newest are listed.
const mostActions = 300

func (p *Pages) log(w http.ResponseWriter, r *http.Request, v visitor) error {
	actions, err := p.Ledger.Actions(r.Context(), mostActions)
	if err != nil {
		return err
	}
	return p.show(w, r, v, http.StatusOK, "log", "nav.log", actions)
}

// staleSearches are what was found of stale reports. To compute them afresh takes up to a minute, so it is done beside
// the page, one at a time, when somebody asks for it.
type staleSearches struct {
	mu    sync.Mutex
	found map[store.Period]staleSearch
}

type staleSearch struct {
	Running bool
	At      time.Time // when it was done
	Reports []desk.StaleReport
	Fault   error // nil: they were looked for
}

// staleBody is what was found last of a month.
type staleBody struct {
	Period  store.Period
	Periods []store.Period
	staleSearch
	More bool
}

func (p *Pages) staleReports(w http.ResponseWriter, r *http.Request, v visitor) error {
	period, all, err := p.chosenPeriod(r)
	if err != nil {
		return err
	}
	p.stale.mu.Lock()
	body := staleBody{Period: period, Periods: all, staleSearch: p.stale.found[period]}
	p.stale.mu.Unlock()
	if body.More = len(body.Reports) > listed; body.More {
		body.Reports = body.Reports[:listed]
	}
	return p.show(w, r, v, http.StatusOK, "stale", "nav.stale", body)
}

// staleLongest bounds a search.
const staleLongest = 10 * time.Minute

func (p *Pages) searchStale(w http.ResponseWriter, r *http.Request, v visitor) error {
	if !v.Role.may(Clerk) {
		return errForbidden
	}
	period, err := store.ParsePeriod(r.PostFormValue("period"))
	if err != nil {
		return store.ErrNotFound
	}
	if p.stale.begin(period) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), staleLongest)
		p.working.Go(func() {
			defer cancel()
			defer context.AfterFunc(p.ending, cancel)()
			var found staleSearch
			reports, err := p.Office().Stale(ctx, period, nil, nil)
			found.Reports, found.Fault, found.At = reports, err, p.Now()
			p.stale.end(period, found)
		})
	}
	http.Redirect(w, r, "/stale?period="+period.String(), http.StatusSeeOther)
	return nil
}

// begin tells whether a search may begin: none is under way.
func (s *staleSearches) begin(period store.Period) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, search := range s.found {
		if search.Running {
			return false
		}
	}
	if s.found == nil {
		s.found = map[store.Period]staleSearch{}
	}
	before := s.found[period]
	before.Running = true
	s.found[period] = before
	return true
}

func (s *staleSearches) end(period store.Period, found staleSearch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.found[period] = found
}
