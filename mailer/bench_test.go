package mailer

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"

	"geppo/render"
)

// bulk is a mail of about 250 KB, as a busy contract gets it.
func bulk() render.Parts {
	random := rand.New(rand.NewPCG(1, 2))
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	p := sampleParts()
	p.HTML = bytes.Repeat([]byte("<td style=\"padding:4px\">検出</td>\n"), 1000)
	p.Text = bytes.Repeat([]byte("検出総数 12件\n"), 300)
	p.Images, p.PDFs = nil, nil
	for i := range 6 {
		p.Images = append(p.Images, render.Image{CID: fmt.Sprint("chart", i), Name: fmt.Sprintf("chart%d.png", i), Data: noise(8 << 10)})
	}
	for i := range 2 {
		p.PDFs = append(p.PDFs, render.PDF{Name: fmt.Sprintf("report%d.pdf", i), Data: noise(45 << 10)})
	}
	return p
}

func BenchmarkCompose(b *testing.B) {
	h, p := sampleHeader(), bulk()
	b.ReportAllocs()
	for b.Loop() {
		m, err := Compose(h, p)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(m.Bytes)))
	}
}

// BenchmarkMessage is what each further address of a contract costs.
func BenchmarkMessage(b *testing.B) {
	for _, kind := range []string{"unsigned", "ed25519", "rsa"} {
		b.Run(kind, func(b *testing.B) {
			body, err := NewBody(bulk())
			if err != nil {
				b.Fatal(err)
			}
			h := sampleHeader()
			if kind != "unsigned" {
				key, _ := dkimKey(b, kind)
				if h.DKIM, err = LoadDKIM("example.jp", "k1", key); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				m, err := body.Message(h)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(m.Bytes)))
			}
		})
	}
}

// BenchmarkSend hands a message of 250 KB to a server on loopback that does nothing but read.
func BenchmarkSend(b *testing.B) {
	m, err := Compose(sampleHeader(), bulk())
	if err != nil {
		b.Fatal(err)
	}
	host, port := sink(b)
	for _, connections := range []int{1, 2, 4, 8} {
		b.Run(fmt.Sprint(connections), func(b *testing.B) {
			client := &Client{Host: host, Port: port, TLS: TLSNone, HELO: "bench"}
			conns := make([]*Conn, connections)
			for i := range conns {
				conns[i] = connect(b, client)
			}
			b.SetBytes(int64(len(m.Bytes)))
			b.ResetTimer()
			var wg sync.WaitGroup
			for i, conn := range conns {
				wg.Go(func() {
					for range (b.N + i) / connections {
						if _, err := conn.Send(b.Context(), m, nil); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
			for _, conn := range conns {
				_ = conn.Close()
			}
		})
	}
}

// sink reads as fast as it can and accepts everything.
func sink(t testing.TB) (host string, port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { swallow(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
	return "127.0.0.1", l.Addr().(*net.TCPAddr).Port
}

func swallow(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 64<<10)
	_, _ = io.WriteString(conn, "220 sink\r\n")
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		reply := "250 ok\r\n"
		switch string(bytes.ToUpper(line[:4])) {
		case "EHLO":
			reply = "250-sink\r\n250 PIPELINING\r\n"
		case "QUIT":
			_, _ = io.WriteString(conn, "221 bye\r\n")
			return
		case "DATA":
			_, _ = io.WriteString(conn, "354 go\r\n")
			for string(line) != ".\r\n" {
				if line, err = in.ReadSlice('\n'); err != nil {
					return
				}
			}
		}
		_, _ = io.WriteString(conn, reply)
	}
}
