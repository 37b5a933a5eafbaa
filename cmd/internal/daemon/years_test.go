package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/mail"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"geppo/aggregate"
	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/sink"
	"geppo/mailer"
	"geppo/render"
	"geppo/store"
	"geppo/store/ingest"
	"geppo/store/sqlstore"
	"geppo/templates"
)

// postOffice is a relay over net.Pipe that accepts everything and counts it.
type postOffice struct {
	pipes
	server *smtp.Server
	stop   func() error
	delay  func() // before the reply to a dot

	mu     sync.Mutex
	logins int
	copies map[string]int // by Message-ID
}

func openPostOffice() *postOffice {
	o := &postOffice{pipes: newPipes(), copies: map[string]int{}, delay: func() {}}
	o.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.logins++
		return &counter{o: o}, nil
	}))
	o.server.Domain = "relay.example"
	o.server.ErrorLog = log.New(io.Discard, "", 0)
	o.stop = sink.Serve(o.server, o)
	return o
}

func (o *postOffice) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	if err := o.offer(ctx, far); err != nil {
		return nil, errors.Join(err, near.Close(), far.Close())
	}
	return near, nil
}

type counter struct{ o *postOffice }

func (*counter) Mail(string, *smtp.MailOptions) error { return nil }
func (*counter) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (*counter) Reset()                               {}
func (*counter) Logout() error                        { return nil }

func (c *counter) Data(body io.Reader) error {
	message, err := mail.ReadMessage(body)
	if err == nil {
		_, err = io.Copy(io.Discard, message.Body)
	}
	if err != nil {
		return err
	}
	c.o.delay()
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	c.o.copies[strings.Trim(message.Header.Get("Message-Id"), "<>")]++
	return nil
}

// years is a daemon that lives for years of synctest's time, with its restarts.
type years struct {
	t          *testing.T
	zone       *time.Location
	line       string
	office     *postOffice
	ledger     *sqlstore.Ledger
	seat       *sqlstore.Seat
	detections *sqlstore.Detections
	renderer   *render.Renderer
	skew       atomic.Int64 // nanoseconds; of the machine's clock
	imports    int
	fired      []string      // each month's last fire
	tick       time.Duration // how often the daemon looks

	running bool
	reload  chan daemon.Settings
	stop    context.CancelFunc
	stopped chan struct{}
}

// yearsBegin is where synctest's 1 January 2000 is put.
var yearsBegin = time.Date(2026, 11, 15, 3, 0, 0, 0, time.UTC)

func (y *years) now() time.Time {
	return time.Now().UTC().Add(yearsBegin.Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) + time.Duration(y.skew.Load()))
}

// until lets time pass.
func (y *years) until(at time.Time) { time.Sleep(max(at.Sub(y.now()), 0)) }

func (y *years) settings() daemon.Settings {
	y.t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	schedule, err := daemon.NewSchedule(y.line, y.zone)
	if err != nil {
		y.t.Fatal(err)
	}
	draw := func(r aggregate.Report) (render.Parts, error) {
		text := fmt.Sprint(r.Contract.ID, " ", r.Period)
		return render.Parts{Subject: text, Text: []byte(text), HTML: []byte("<p>" + text)}, nil
	}
	return daemon.Settings{
		Scheduler: &daemon.Scheduler{
			Schedule: schedule, Zone: y.zone, CatchUp: 7 * 24 * time.Hour, Log: quiet,
			Clock:   daemon.Clock{Ledger: y.ledger, Detections: y.detections, Leap: 45 * 24 * time.Hour, Trust: 5 * time.Hour, Now: y.now, Log: quiet},
			Planner: daemon.Planner{Detections: y.detections, Ledger: y.ledger, IDs: messageIDs(y.ledger), RequireData: true, Now: y.now},
		},
		Dispatcher: &daemon.Dispatcher{
			Ledger: y.ledger, Seat: y.seat, Log: quiet, Now: y.now, Renderers: 1,
			Composer: &daemon.Composer{
				Detections: y.detections, Ledger: y.ledger, Draw: draw,
				Brands: daemon.Brands{"": {Renderer: y.renderer, From: mail.Address{Address: "geppo@geppo.example"}}}, MaxSize: 20e6, Log: quiet, Now: y.now,
			},
			Client: &mailer.Client{Host: "relay.example", TLS: mailer.TLSNone, Auth: mailer.AuthNone, HELO: "geppo.example", Dial: y.office.dial},
			Policy: daemon.Policy{
				Connections: 2, MessagesPerConnection: 10, AmbiguousMax: 2, Finish: 30 * time.Second,
				Backoff: mailer.Backoff{First: 5 * time.Minute, Factor: 2, Max: 4 * time.Hour, GiveUp: 72 * time.Hour},
			},
		},
		Probe: 4 * time.Hour, Patience: 24 * time.Hour,
	}
}

func (y *years) start() {
	y.t.Helper()
	settings := y.settings()
	client := settings.Dispatcher.Client
	d := &daemon.Daemon{Ledger: y.ledger, Log: slog.New(slog.DiscardHandler), Now: y.now, Tick: y.tick, Look: y.tick}
	d.Relay = daemon.NewRelay(d.Log, y.now, func(ctx context.Context) error {
		conn, err := client.Connect(ctx)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	d.Relay.Every = 24 * time.Hour
	if err := settings.Dispatcher.Recover(y.t.Context()); err != nil {
		y.t.Fatal(err)
	}
	var ctx context.Context
	ctx, y.stop = context.WithCancel(y.t.Context())
	y.stopped, y.reload, y.running = make(chan struct{}), make(chan daemon.Settings), true
	stopped, reload := y.stopped, y.reload
	go func() {
		defer close(stopped)
		if err := d.Serve(ctx, settings, reload); err != nil {
			y.t.Error(err)
		}
	}()
}

func (y *years) end() {
	y.stop()
	<-y.stopped
	y.running = false
}

// importAll brings the contracts as they are, so that a feed lives.
func (y *years) importAll() {
	y.t.Helper()
	y.imports++
	lines := ""
	for _, id := range []string{"C1", "C2"} {
		lines += fmt.Sprintf(`{"type":"contract","id":%q,"name":"株式会社","product":"antivirus","licences":5,"timezone":%q,"since":"2020-04-01","recipients":[{"address":"a@%s.example"},{"address":"b@%s.example"}]}
`, id, y.zone.String(), strings.ToLower(id), strings.ToLower(id))
	}
	for _, id := range []string{"C1", "C2"} {
		for _, day := range []store.Day{store.DayOf(yearsBegin.AddDate(0, -1, 0), y.zone), store.DayOf(y.now().Add(-12*time.Hour), y.zone)} {
			lines += fmt.Sprintf(`{"type":"coverage","contract":%q,"day":%q}`+"\n", id, day)
		}
	}
	_, err := ingest.JSONLines(y.t.Context(), y.detections, strings.NewReader(lines), ingest.Options{File: fmt.Sprint("feed", y.imports), Now: y.now})
	if err != nil {
		y.t.Fatal(err)
	}
}

// nthFire is when the line should fire in the n-th month after November 2026, by hand.
func nthFire(n, day, hour, minute int, zone *time.Location) time.Time {
	last := time.Date(2026, time.December+time.Month(n), 0, 12, 0, 0, 0, zone).Day()
	return time.Date(2026, time.November+time.Month(n), min(day, last), hour, minute, 0, 0, zone)
}

// TestYears lets the whole daemon live for 28 months, among them two Februaries of 28 days and one of
// 29: each month's fire plans the month before, once, and each address gets it once. In some months
// the import is late, the daemon is down at its fire for less or for more than catch_up, the clock
// jumps to and fro, or the configuration is reloaded all the time.
func TestYears(t *testing.T) {
	renderer, err := render.New(templates.FS, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		zone              string
		day, hour, minute int
		changed           map[int]time.Duration // how far from time.Date's choice a month's fire is
	}{
		{zone: "Asia/Tokyo", day: 1, hour: 9},
		{zone: "Asia/Tokyo", day: 31, hour: 23, minute: 59},
		// 2:30 is skipped on 14 March 2027, for which time.Date takes 1:30 and we 3:00; 1:30 comes twice on 7 November 2027.
		{zone: "America/New_York", day: 14, hour: 2, minute: 30, changed: map[int]time.Duration{4: 30 * time.Minute}},
		{zone: "America/New_York", day: 7, hour: 1, minute: 30},
		{zone: "Europe/Berlin", day: 30, hour: 0},
	} {
		line := fmt.Sprintf("%d %d %d * *", test.minute, test.hour, test.day)
		t.Run(test.zone+" "+line, func(t *testing.T) {
			if testing.Short() && test.day != 14 {
				t.Skip("-short lives in one zone only")
			}
			t.Parallel()
			dir, loc := quickDir(t), zone(t, test.zone)
			synctest.Test(t, func(t *testing.T) {
				y := &years{t: t, zone: loc, line: line, renderer: renderer, tick: 2 * time.Hour}
				y.open(dir)
				var fires []time.Time
				for n := range 29 {
					if at := nthFire(n, test.day, test.hour, test.minute, loc).Add(test.changed[n]); at.After(y.now()) {
						fires = append(fires, at)
					}
				}
				missed := y.live(fires)
				y.check(fires, missed)
				y.close()
			})
		})
	}
}

func (y *years) open(dir string) {
	var err error
	if y.ledger, err = sqlstore.OpenLedger(y.t.Context(), filepath.Join(dir, "geppo.db"), sqlstore.Migrate); err == nil {
		y.detections, err = sqlstore.OpenDetections(y.t.Context(), filepath.Join(dir, "geppo-detections.db"), sqlstore.Migrate)
	}
	if err == nil {
		y.seat, err = y.ledger.Join(y.t.Context(), sqlstore.Worker{Name: "test"})
	}
	if err != nil {
		y.t.Fatal(err)
	}
	y.office = openPostOffice()
}

func (y *years) close() {
	if err := errors.Join(y.office.stop(), y.ledger.Close(), y.detections.Close()); err != nil {
		y.t.Error(err)
	}
}

// live goes from fire to fire; it tells which was missed by more than catch_up.
func (y *years) live(fires []time.Time) (missed int) {
	y.importAll()
	y.start()
	missed = 13
	for n, fire := range fires {
		if n%12 != 5 { // else the feed is late
			y.until(fire.Add(-time.Minute))
			y.importAll()
		}
		switch {
		case n == missed:
			y.end()
			y.until(fire.AddDate(0, 0, 8))
			y.start()
		case n%6 == 1: // down at the fire
			y.end()
			y.until(fire.AddDate(0, 0, 6))
			y.start()
		case n%6 == 3: // a clock that is wrong for some hours, and is set right
			y.until(fire.Add(2 * time.Hour))
			for _, wrong := range []time.Time{time.Date(2037, 6, 15, 0, 0, 0, 0, time.UTC), time.Date(1970, 1, 1, 0, 0, 10, 0, time.UTC)} {
				y.skew.Store(int64(wrong.Sub(y.now())))
				time.Sleep(5 * time.Hour)
				y.skew.Store(0)
			}
			y.skew.Store(int64(36 * time.Hour))
			time.Sleep(3 * time.Hour)
			y.skew.Store(0)
		case n%12 == 5:
			y.until(fire.Add(20 * time.Hour))
			y.importAll()
		case n%6 == 4: // reloaded again and again, also at the fire
			for range 40 {
				y.reload <- y.settings()
				time.Sleep(11 * time.Minute)
			}
		}
		y.until(fire.AddDate(0, 0, 10))
		last, err := y.ledger.LastFire(y.t.Context(), y.now())
		if err != nil {
			y.t.Fatal(err)
		}
		y.fired = append(y.fired, last.DueAt.UTC().Format(time.RFC3339)+" "+string(last.State))
	}
	y.end()
	return missed
}

// check holds the ledger and the relay against what must have happened.
func (y *years) check(fires []time.Time, missed int) {
	t := y.t
	runs, err := y.ledger.Runs(t.Context(), store.Period{})
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for n, fire := range fires {
		if n != missed {
			want = append(want, store.PeriodOf(fire, y.zone).Previous().String()+" schedule 4")
		}
	}
	for _, run := range runs {
		if run.Planned == 0 && len(run.Waiting) == 2 {
			continue // the feed was late: nobody could be planned yet
		}
		got = append(got, fmt.Sprintf("%s %s %d", run.Period, run.Kind, run.Planned))
		if run.FinishedAt.IsZero() {
			t.Errorf("run %d of %s never ended", run.ID, run.Period)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	y.checkFires(fires, missed)
	deliveries, err := y.ledger.Deliveries(t.Context(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range deliveries {
		if d.State != store.Sent || d.Attempts != 1 || y.office.copies[d.MessageID] != 1 {
			t.Errorf("%s to %s: %s after %d attempts, %d arrived", d.Period, d.Recipient, d.State, d.Attempts, y.office.copies[d.MessageID])
		}
	}
	if len(deliveries) != 4*len(want) || len(y.office.copies) != len(deliveries) {
		t.Errorf("%d deliveries and %d mails, want %d", len(deliveries), len(y.office.copies), 4*len(want))
	}
	// Between the months the relay was asked each day. Each message has one connection at the most, each reload another.
	days := int(y.now().Sub(yearsBegin) / (24 * time.Hour))
	if most := days + len(deliveries) + 40*6; y.office.logins < days-len(fires)*8 || y.office.logins > most {
		t.Errorf("%d logins on %d days, want %d at the most", y.office.logins, days, most)
	}
}

// checkFires finds each fire's row at its very minute, and one open: the missed one.
func (y *years) checkFires(fires []time.Time, missed int) {
	var want []string
	for n, fire := range fires {
		state := store.FirePlanned
		if n == missed {
			state = store.FireMissed
		}
		want = append(want, fire.UTC().Format(time.RFC3339)+" "+string(state))
	}
	if diff := cmp.Diff(want, y.fired); diff != "" {
		y.t.Errorf("fires (-want +got):\n%s", diff)
	}
	open, err := y.ledger.OpenFires(y.t.Context())
	if err != nil || len(open) != 1 || !open[0].DueAt.Equal(fires[missed]) {
		y.t.Errorf("open fires %v, %v", open, err)
	}
}

// A relay may take minutes to say that it has the message. A reload waits for it; the end of the
// daemon does not, whether or not a reload waits at that moment.
func TestAReloadCostsNoReply(t *testing.T) {
	renderer, err := render.New(templates.FS, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name       string
		end        bool // after the reload was asked for
		sent, lost int
	}{{"reload", false, 4, 0}, {"reload and end", true, 0, 2}} {
		t.Run(test.name, func(t *testing.T) {
			dir, loc := quickDir(t), zone(t, "Asia/Tokyo")
			synctest.Test(t, func(t *testing.T) {
				y := &years{t: t, zone: loc, line: "0 9 1 * *", renderer: renderer}
				y.open(dir)
				y.office.delay = func() { time.Sleep(5 * time.Minute) }
				fire := nthFire(1, 1, 9, 0, loc)
				y.until(fire.Add(-time.Hour))
				y.importAll()
				y.start()
				y.until(fire.Add(2 * time.Minute)) // two connections wait for their replies
				began := y.now()
				y.reload <- y.settings()
				if test.end {
					y.end()
					if took := y.now().Sub(began); took != 30*time.Second {
						t.Errorf("it ended after %s", took)
					}
				} else {
					y.until(fire.Add(time.Hour))
					y.end()
				}
				sent, lost := 0, 0
				deliveries, err := y.ledger.Deliveries(t.Context(), store.Filter{})
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range deliveries {
					lost += d.Ambiguous
					if d.State == store.Sent && d.Attempts == 1 {
						sent++
					}
				}
				if sent != test.sent || lost != test.lost || len(deliveries) != 4 {
					t.Errorf("%d of %d sent at the first try, %d replies lost", sent, len(deliveries), lost)
				}
				time.Sleep(10 * time.Minute) // the relay ends its waits
				y.close()
			})
		})
	}
}
