package daemon_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"geppo/aggregate"
	"geppo/render"
	"geppo/store"
)

// scripted is a relay over net.Pipe that does as it is told, and counts.
type scripted struct {
	mu       sync.Mutex
	limit    int                                             // connections at once; 0: any number
	says     func(verb, to string, on visitOf) (line string) // the reply instead of the usual one; "" for that
	takes    time.Duration                                   // for each message
	down     bool                                            // nobody can connect
	open     int
	most     int // connections that stood at once
	dialled  int
	refused  int
	accepted map[string]int // by recipient
	serving  sync.WaitGroup
}

// visitOf is what a connection has come to.
type visitOf struct{ number, accepted int }

func (r *scripted) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

func (r *scripted) dial(context.Context, string, string) (net.Conn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dialled++
	if r.down {
		return nil, net.ErrClosed
	}
	near, far := net.Pipe()
	crowded := r.limit > 0 && r.open >= r.limit
	if crowded {
		r.refused++
	} else {
		r.open++
		r.most = max(r.most, r.open)
	}
	number := r.dialled
	r.serving.Go(func() { r.serve(far, number, crowded) })
	return near, nil
}

func (r *scripted) serve(conn net.Conn, number int, crowded bool) {
	defer conn.Close()
	if crowded {
		_, _ = io.WriteString(conn, "421 4.7.0 too many connections\r\n")
		return
	}
	defer r.set(func() { r.open-- })
	on := visitOf{number: number}
	in := bufio.NewReader(conn)
	var to, line string
	for verb := "GREETING"; ; {
		reply := map[string]string{"GREETING": "220 hi", "EHLO": "250-relay\r\n250 PIPELINING", "DATA": "354 go", "QUIT": "221 bye"}[verb]
		if reply == "" {
			reply = "250 2.0.0 ok"
		}
		r.mu.Lock()
		if r.says != nil {
			if said := r.says(verb, to, on); said != "" {
				reply = said
			}
		}
		r.mu.Unlock()
		if verb == "DOT" {
			time.Sleep(r.takes)
			if reply[0] == '2' {
				on.accepted++
				r.set(func() { r.accepted[to]++ })
			}
		}
		reply, cut := strings.CutSuffix(reply, " + cut")
		if _, err := io.WriteString(conn, reply+"\r\n"); err != nil || cut || verb == "QUIT" {
			return
		}
		data := verb == "DATA" && reply[0] == '3'
		for {
			var err error
			if line, err = in.ReadString('\n'); err != nil {
				return
			}
			if !data || line == ".\r\n" {
				break
			}
		}
		verb, _, _ = strings.Cut(strings.TrimSpace(line), " ")
		if data {
			verb = "DOT"
		}
		if rest, ok := strings.CutPrefix(line, "RCPT TO:<"); ok {
			to, _, _ = strings.Cut(rest, ">")
		}
	}
}

// scriptedHouse has so many contracts with one address each, planned, before a scripted relay.
func scriptedHouse(t *testing.T, contracts int) (*house, *scripted) {
	t.Helper()
	h := quietHouse(t, quickDir(t))
	r := &scripted{accepted: map[string]int{}}
	var lines strings.Builder
	for i := range contracts {
		lines.WriteString(contractLines(fmt.Sprintf("C%03d", i), fmt.Sprintf("a%03d@c%d.example", i, i)))
	}
	h.ingest(lines.String())
	h.dispatcher = h.newDispatcher(render.Options{})
	h.dispatcher.Policy.Connections, h.dispatcher.Policy.Sweep = 4, 5
	h.dispatcher.Policy.MessagesPerConnection = 100
	h.dispatcher.Client.Dial = r.dial
	h.dispatcher.Composer.Draw = drawLittle
	h.plan()
	return h, r
}

// drawLittle is quick.
func drawLittle(r aggregate.Report) (render.Parts, error) {
	text := []byte(r.Contract.ID + " " + r.Period.String())
	return render.Parts{Subject: r.Period.String(), Text: text, HTML: text}, nil
}

// states counts deliveries.
func (h *house) states() map[store.State]int {
	h.t.Helper()
	counts, err := h.ledger.CountStates(h.t.Context(), store.Filter{})
	if err != nil {
		h.t.Fatal(err)
	}
	return counts
}

// standing lists the causes of the open pauses.
func (h *house) standing() (causes []store.Cause) {
	h.t.Helper()
	list, err := h.ledger.Pauses(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, p := range list {
		causes = append(causes, p.Cause)
	}
	return causes
}
