package daemon

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"geppo/aggregate"
	"geppo/store"
)

// Metrics are what a monitoring system asks of the daemon, by the names geppo_…. What the ledger
// knows is read from it when it is asked for, so that a restart loses nothing; only what passes by
// (attempts, seconds) is counted in memory.
type Metrics struct {
	Registry *prometheus.Registry
	attempts *prometheus.CounterVec
	stages   *prometheus.HistogramVec
	followUp *prometheus.GaugeVec
	relayUp  *prometheus.Desc
	waiting  *prometheus.Desc
	missed   *prometheus.Desc
	paused   *prometheus.Desc
	states   *prometheus.Desc
	undone   *prometheus.Desc
	oldest   *prometheus.Desc
	success  *prometheus.Desc
	next     *prometheus.Desc
	ahead    *prometheus.Desc
	silent   *prometheus.Desc
	workers  *prometheus.Desc

	daemon     *Daemon
	mu         sync.Mutex
	followedUp store.Period
}

// scrapeWithin bounds one scrape, whose questions take a millisecond with 13 months in the ledger.
const scrapeWithin = 15 * time.Second

// NewMetrics makes the metrics of a daemon.
func NewMetrics(d *Daemon, version, commit string) *Metrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("geppo_"+name, help, labels, nil)
	}
	m := &Metrics{
		Registry: prometheus.NewRegistry(), daemon: d,
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "geppo_attempts_total", Help: "Attempts to deliver, by the stage reached and the outcome.",
		}, []string{"stage", "outcome"}),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "geppo_stage_seconds", Help: "Seconds spent in each stage of the pipeline.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30, 120, 600},
		}, []string{"stage"}),
		followUp: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "geppo_followups", Help: "Detections of the last run that the support desk must follow up, by result.",
		}, []string{"result"}),
		relayUp: desc("relay_up", "1 if the last login at the relay worked; absent before the first."),
		waiting: desc("waiting_for_import", "1 while a period waits for an import after its end."),
		missed:  desc("missed_fires", "Fires of the schedule that wait for an operator."),
		paused:  desc("paused", "1 while the queue is paused, by cause.", "cause"),
		states:  desc("deliveries", "Deliveries that nobody has acknowledged, of the newest period and of each that is open, by state.", "period", "state"),
		undone:  desc("run_undone", "What a person must still do for a period: deliveries that went wrong or await approval, contracts without address or data.", "period"),
		oldest:  desc("oldest_pending_seconds", "Age of the oldest delivery that still waits, 0 if none does."),
		success: desc("last_run_success_timestamp_seconds", "When the last run ended of which every mail is sent; absent before the first."),
		silent:  desc("feed_silent", "1 for each feed of the inbox that used to come and has been silent for two of its usual intervals.", "feed"),
		workers: desc("worker_deliveries", "Deliveries in the hands of each process that sends, or has left some; lives is 0 for one that has fallen silent.", "worker", "lives"),
		next:    desc("next_fire_timestamp_seconds", "When the schedule fires next."),
		ahead:   desc("fire_timestamp_seconds", "When the schedule fires, the next five times.", "fire", "weekday"),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "geppo_build_info", Help: "1, with the version in its labels.",
		ConstLabels: prometheus.Labels{"version": version, "commit": commit, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.Registry.MustRegister(m, m.attempts, m.stages, m.followUp, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Watch is how the pipeline reports to the metrics.
func (m *Metrics) Watch() Watch {
	return Watch{
		Now:   m.daemon.Now,
		Stage: func(name string, took time.Duration) { m.stages.WithLabelValues(name).Observe(took.Seconds()) },
		Attempt: func(a store.Attempt) {
			m.attempts.WithLabelValues(a.Stage, string(a.Outcome)).Inc()
			switch relay := m.daemon.Relay; {
			case relay == nil:
			case a.Outcome == store.OutcomeSent:
				relay.Learned(nil)
			case unreached(a):
				relay.Learned(errors.New(a.Reply))
			}
		},
	}
}

// FollowUps sets the numbers of the support desk's list, but for a period older than the one shown.
func (m *Metrics) FollowUps(p store.Period, byResult map[string]int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p.String() < m.followedUp.String() {
		return
	}
	m.followedUp = p
	m.followUp.Reset()
	for _, result := range aggregate.DeskResults {
		m.followUp.WithLabelValues(result).Set(float64(byResult[result]))
	}
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.relayUp, m.waiting, m.missed, m.paused, m.states, m.undone, m.oldest, m.success, m.next, m.ahead, m.silent, m.workers} {
		out <- d
	}
}

// Collect implements prometheus.Collector. A ledger that cannot be read makes the scrape fail,
// which is what an alert on an absent metric is for.
func (m *Metrics) Collect(out chan<- prometheus.Metric) {
	// A scrape gives no context; the bound is for a disk that hangs.
	ctx, cancel := context.WithTimeout(context.Background(), scrapeWithin)
	defer cancel()
	for _, collect := range []func(context.Context) ([]prometheus.Metric, error){m.queue, m.schedule, m.month} {
		metrics, err := collect(ctx)
		if err != nil {
			metrics = []prometheus.Metric{prometheus.NewInvalidMetric(m.states, err)}
		}
		for _, metric := range metrics {
			out <- metric
		}
	}
}

func gauge(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func (m *Metrics) queue(ctx context.Context) ([]prometheus.Metric, error) {
	ledger := m.daemon.Ledger
	age := 0.0
	oldest, err := ledger.OldestPending(ctx)
	if err == nil {
		age = m.daemon.Now().Sub(oldest).Seconds()
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	causes := map[store.Cause]float64{
		store.CauseOperator: 0, store.CauseSetup: 0, store.CauseSweep: 0, store.CauseStorage: 0, store.CauseClock: 0,
	}
	pauses, err := ledger.Pauses(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range pauses {
		causes[p.Cause] = 1
	}
	workers, err := ledger.Workers(ctx)
	if err != nil {
		return nil, err
	}
	metrics := []prometheus.Metric{gauge(m.oldest, age)}
	for of, n := range inHands(workers) {
		metrics = append(metrics, gauge(m.workers, n, of[0], of[1]))
	}
	if relay := m.daemon.Relay; relay != nil {
		if up, known := relay.Up(); known {
			metrics = append(metrics, gauge(m.relayUp, oneIf(up)))
		}
	}
	for cause, value := range causes {
		metrics = append(metrics, gauge(m.paused, value, string(cause)))
	}
	return metrics, nil
}

// inHands counts what is under way by the workers' names and whether they live: the dead may have been many of one name.
func inHands(workers []store.Worker) map[[2]string]float64 {
	n := map[[2]string]float64{}
	for _, w := range workers {
		n[[2]string{w.Name, fmt.Sprint(oneIf(w.Lives))}] += float64(w.UnderWay)
	}
	return n
}

func (m *Metrics) schedule(ctx context.Context) ([]prometheus.Metric, error) {
	fires, err := m.daemon.Ledger.OpenFires(ctx)
	if err != nil {
		return nil, err
	}
	waiting, missed := 0.0, 0.0
	for _, fire := range fires {
		if fire.State == store.FireWaiting {
			waiting = 1
		} else {
			missed++
		}
	}
	metrics := []prometheus.Metric{gauge(m.waiting, waiting), gauge(m.missed, missed)}
	if settings := m.daemon.Current(); settings != nil {
		metrics = append(metrics, gauge(m.next, float64(settings.Scheduler.Next().Unix())))
		at := m.daemon.Now()
		for n := range 5 {
			at = settings.Scheduler.Schedule.Next(at)
			metrics = append(metrics, gauge(m.ahead, float64(at.Unix()), strconv.Itoa(n+1), at.Format("Mon")))
		}
		if settings.Inbox != nil {
			for _, s := range settings.Inbox.Silent() {
				metrics = append(metrics, gauge(m.silent, 1, s.Feed))
			}
		}
	}
	return metrics, nil
}

// month tells of the newest period and of each that is open, but for what an operator has acknowledged: no alert is due
// for that.
func (m *Metrics) month(ctx context.Context) (metrics []prometheus.Metric, err error) {
	periods, err := m.daemon.Ledger.Periods(ctx)
	if err != nil {
		return nil, err
	}
	for i, p := range periods {
		if i < len(periods)-1 && !p.Open() {
			continue
		}
		period := p.Period.String()
		for _, state := range store.States {
			metrics = append(metrics, gauge(m.states, float64(p.Unacknowledged[state]), period, string(state)))
		}
		metrics = append(metrics, gauge(m.undone, float64(p.Total()), period))
	}
	runs, err := m.daemon.Ledger.Runs(ctx, store.Period{})
	if err != nil {
		return nil, err
	}
	at, err := m.lastSuccess(ctx, runs)
	if !at.IsZero() {
		metrics = append(metrics, gauge(m.success, float64(at.Unix())))
	}
	return metrics, err
}

// lastSuccess is the end of the newest finished run of whose period everything is sent.
func (m *Metrics) lastSuccess(ctx context.Context, runs []store.Run) (time.Time, error) {
	checked := map[store.Period]bool{}
	for i := len(runs) - 1; i >= 0 && len(checked) < 3; i-- {
		run := runs[i]
		if run.FinishedAt.IsZero() || checked[run.Period] {
			continue
		}
		checked[run.Period] = true
		counts, err := m.daemon.Ledger.CountStates(ctx, store.Filter{Period: run.Period, Unacknowledged: true})
		if err != nil {
			return time.Time{}, err
		}
		if len(counts) == 1 && counts[store.Sent] > 0 && len(run.Errors) == 0 {
			return run.FinishedAt, nil
		}
	}
	return time.Time{}, nil
}
