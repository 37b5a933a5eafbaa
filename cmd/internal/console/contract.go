package console

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"geppo/cmd/internal/desk"
	"geppo/store"
)

// searchBody is what somebody on the telephone is found by.
type searchBody struct {
	Query string
	Hits  []store.Hit
	More  bool
}

// mostHits is how many of each kind are shown.
const mostHits = 50

func (p *Pages) search(w http.ResponseWriter, r *http.Request, v visitor) error {
	body := searchBody{Query: strings.TrimSpace(shorten(r.FormValue("q"), 200))}
	if body.Query != "" {
		hits, err := p.Office().Search(r.Context(), body.Query, mostHits)
		if err != nil {
			return err
		}
		// One that is meant beyond doubt is shown at once.
		if len(hits) == 1 || len(hits) > 0 && hits[0].Contract == body.Query {
			http.Redirect(w, r, "/contracts/"+hits[0].Contract, http.StatusSeeOther)
			return nil
		}
		body.Hits, body.More = hits, len(hits) >= mostHits
	}
	return p.show(w, r, v, http.StatusOK, "search", "nav.search", body)
}

// contractBody is all that is known of a contract.
type contractBody struct {
	Contract  store.Contract
	Known     bool        // to the detections; the ledger may remember one that is gone
	Stopped   *store.Stop // nil: it gets reports
	Addresses []desk.Registered
	Months    []monthView
	Next      store.Period // whose report comes next
}

// monthView is a month's deliveries, the newest first.
type monthView struct {
	Period     store.Period
	Deliveries []store.Delivery
}

func (p *Pages) contract(w http.ResponseWriter, r *http.Request, v visitor) error {
	ctx, id := r.Context(), r.PathValue("contract")
	contract, err := p.Detections.Contract(ctx, id)
	body := contractBody{Contract: contract, Known: err == nil}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	deliveries, err := p.Ledger.Deliveries(ctx, store.Filter{Contracts: []string{id}})
	if err != nil {
		return err
	}
	if !body.Known {
		if len(deliveries) == 0 {
			return store.ErrNotFound
		}
		body.Contract.ID = id
	} else if body.Addresses, body.Stopped, err = p.Office().Addresses(ctx, contract); err != nil {
		return err
	}
	body.Months = monthsOf(deliveries)
	body.Next = p.next(contract)
	return p.show(w, r, v, http.StatusOK, "contract", "contract.title", body)
}

// monthsOf parts deliveries by their month.
func monthsOf(deliveries []store.Delivery) (months []monthView) {
	slices.SortStableFunc(deliveries, func(a, b store.Delivery) int {
		return cmp.Or(b.Period.Compare(a.Period), cmp.Compare(b.ID, a.ID))
	})
	for _, d := range deliveries {
		if len(months) == 0 || months[len(months)-1].Period != d.Period {
			months = append(months, monthView{Period: d.Period})
		}
		last := &months[len(months)-1]
		last.Deliveries = append(last.Deliveries, d)
	}
	return months
}

// next is the month whose report a contract would get next: the one that runs.
func (p *Pages) next(c store.Contract) store.Period {
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil || c.Timezone == "" {
		zone = p.Zone
	}
	return store.PeriodOf(p.Now(), zone)
}

func sortPeriods(periods []store.Period) {
	slices.SortFunc(periods, func(a, b store.Period) int { return b.Compare(a) })
}

// sortTodo puts what is of deliveries first, in the order of the states, then what is of contracts.
func sortTodo(list []todo) {
	slices.SortStableFunc(list, func(a, b todo) int {
		return cmp.Or(cmp.Compare(len(a.First), len(b.First)), strings.Compare(a.Kind, b.Kind))
	})
}
