package daemon_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/mail"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"geppo/cmd/internal/daemon"
	"geppo/mailer"
	"geppo/render"
	"geppo/store"
	"geppo/store/sqlstore"
)

const benchConnections = 8

// BenchmarkSending is the ledger's cost: the same messages of 250 KB over the same client and eight
// connections to a sink on loopback, with the dispatcher and its ledger on the disk, and without.
func BenchmarkSending(b *testing.B) {
	b.Run("without", func(b *testing.B) {
		message := benchMessage(b)
		b.SetBytes(int64(len(message.Bytes)))
		client := benchClient(b)
		var left atomic.Int64
		left.Store(int64(b.N))
		var group sync.WaitGroup
		b.ResetTimer()
		used := cpuTime(b)
		for range benchConnections {
			group.Go(func() {
				conn, err := client.Connect(b.Context())
				for err == nil && left.Add(-1) >= 0 {
					_, err = conn.Send(b.Context(), message, nil)
				}
				if err != nil {
					b.Error(err)
				}
			})
		}
		group.Wait()
		report(b, used)
	})
	b.Run("with", func(b *testing.B) {
		dispatcher, plan := benchDispatcher(b)
		plan(b.N)
		built := benchMessages(b, dispatcher.Ledger)
		dispatcher.Compose = func(_ context.Context, d store.Delivery) (mailer.Message, error) { return built[d.ID], nil }
		b.ResetTimer()
		used := cpuTime(b)
		if err := dispatcher.Run(b.Context(), store.Filter{}); err != nil {
			b.Fatal(err)
		}
		report(b, used)
		b.StopTimer()
		counts, err := dispatcher.Ledger.CountStates(b.Context(), store.Filter{})
		if err != nil || counts[store.Sent] != b.N {
			b.Errorf("%v, %v", counts, err)
		}
	})
}

// report tells processor time as well, which depends less on what else the machine does.
func report(b *testing.B, used time.Duration) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64((cpuTime(b)-used).Microseconds())/float64(b.N), "cpu-µs/msg")
}

func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// benchMessage is a mail of about 250 KB.
func benchMessage(b *testing.B) mailer.Message {
	noise := make([]byte, 182<<10)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	message, err := mailer.Compose(mailer.Header{
		From: mail.Address{Address: "geppo@geppo.example"}, To: mail.Address{Address: "a@example.jp"},
		MessageID: "bench@geppo.example", Date: first,
	}, render.Parts{
		Subject: "bench", Text: []byte("bench\n"), HTML: []byte("<p>bench"),
		PDFs: []render.PDF{{Name: "geppo-av_C1_2026-10.pdf", Data: noise}},
	})
	if err != nil {
		b.Fatal(err)
	}
	return message
}

// benchDispatcher has a ledger on the disk, and plans so many deliveries.
func benchDispatcher(b *testing.B) (d *daemon.Dispatcher, plan func(int)) {
	ledger, err := sqlstore.OpenLedger(b.Context(), filepath.Join(b.TempDir(), "geppo.db"), sqlstore.Migrate)
	if err != nil {
		b.Fatal(err)
	}
	seat, err := ledger.Join(b.Context(), sqlstore.Worker{Name: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := ledger.Close(); err != nil {
			b.Error(err)
		}
	})
	d = &daemon.Dispatcher{
		Ledger: ledger, Seat: seat, Composer: new(daemon.Composer), Client: benchClient(b), Log: slog.New(slog.DiscardHandler), Now: time.Now, Renderers: runtime.GOMAXPROCS(0),
		Policy: daemon.Policy{Connections: benchConnections, MessagesPerConnection: 1e6, AmbiguousMax: 2},
	}
	return d, func(n int) {
		targets := make([]store.Target, n)
		for i := range targets {
			targets[i] = store.Target{Address: fmt.Sprintf("a%d@example.jp", i), MessageID: fmt.Sprintf("m%d@geppo.example", i)}
		}
		if _, err := ledger.Plan(b.Context(), store.Plan{Kind: "run", Period: october, Each: func(take func(store.Chosen) error) error {
			return take(store.Chosen{Contract: "C1", Targets: targets})
		}}, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}

// benchMessages builds what is planned; they share their bytes, so that thousands fit into memory.
func benchMessages(b *testing.B, ledger *sqlstore.Ledger) map[int64]mailer.Message {
	planned, err := ledger.Deliveries(b.Context(), store.Filter{})
	if err != nil {
		b.Fatal(err)
	}
	message := benchMessage(b)
	built := map[int64]mailer.Message{}
	for _, d := range planned {
		message.ID, message.To = d.MessageID, d.Recipient
		built[d.ID] = message
	}
	return built
}

// benchClient reaches a server that accepts everything and does nothing but read.
func benchClient(b *testing.B) *mailer.Client {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer conn.Close()
				swallow(conn)
			})
		}
	})
	b.Cleanup(func() {
		if err := listener.Close(); err != nil {
			b.Error(err)
		}
	})
	port := 0
	if address, ok := listener.Addr().(*net.TCPAddr); ok {
		port = address.Port
	}
	return &mailer.Client{Host: "127.0.0.1", Port: port, TLS: mailer.TLSNone, Auth: mailer.AuthNone, HELO: "bench"}
}

// swallow is the least that is an SMTP server. A write that fails ends the loop by the next read.
func swallow(conn net.Conn) {
	r := bufio.NewReaderSize(conn, 128<<10)
	fmt.Fprint(conn, "220 bench\r\n")
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		switch {
		case bytes.HasPrefix(line, []byte("EHLO")):
			fmt.Fprint(conn, "250-bench\r\n250 PIPELINING\r\n")
		case bytes.HasPrefix(line, []byte("DATA")):
			fmt.Fprint(conn, "354 go\r\n")
			for {
				if line, err = r.ReadSlice('\n'); err != nil {
					return
				}
				if len(line) == 3 && line[0] == '.' {
					break
				}
			}
			fmt.Fprint(conn, "250 2.0.0 ok\r\n")
		default:
			fmt.Fprint(conn, "250 2.0.0 ok\r\n")
		}
	}
}
