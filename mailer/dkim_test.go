package mailer

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"geppo/render"

	"github.com/emersion/go-msgauth/dkim"
)

// dkimKey is a key in each form that is taken, and its record in DNS.
func dkimKey(t testing.TB, kind string) (key []byte, record string) {
	t.Helper()
	private := newKey(t, strings.TrimSuffix(kind, " pkcs1"))
	if kind == "rsa pkcs1" {
		key = pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private.(*rsa.PrivateKey))})
	} else {
		key = pkcs8(t, private)
	}
	if public, ok := private.Public().(ed25519.PublicKey); ok {
		return key, "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key, "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(public)
}

func pkcs8(t testing.TB, private crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// verifyDKIM lets go-msgauth read the one signature of a message.
func verifyDKIM(t testing.TB, message []byte, record string) *dkim.Verification {
	t.Helper()
	found, err := dkim.VerifyWithOptions(bytes.NewReader(message), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		if name != "k1._domainkey.example.jp" {
			t.Errorf("asks for %s", name)
		}
		return []string{record}, nil
	}})
	if err != nil || len(found) != 1 {
		t.Fatalf("%v %v", found, err)
	}
	return found[0]
}

func TestDKIM(t *testing.T) {
	for _, kind := range []string{"rsa", "rsa pkcs1", "ed25519"} {
		t.Run(kind, func(t *testing.T) {
			key, record := dkimKey(t, kind)
			d, err := LoadDKIM("example.jp", "k1", key)
			if err != nil {
				t.Fatal(err)
			}
			for name, change := range map[string]func(*Header, *render.Parts){
				"all":         func(*Header, *render.Parts) {},
				"no PDFs":     func(_ *Header, p *render.Parts) { p.PDFs = nil },
				"no reply-to": func(h *Header, _ *render.Parts) { h.ReplyTo.Address = "" },
				"spaces":      func(_ *Header, p *render.Parts) { p.PDFs[0].Name = "a   b .pdf" },
				"long names":  func(h *Header, p *render.Parts) { h.To.Name, p.Subject = hostile[5], hostile[8] },
				"ASCII names": func(h *Header, p *render.Parts) { h.To.Name, p.Subject = "Kanri", "Report for 2026-10" },
			} {
				h, p := sampleHeader(), sampleParts()
				change(&h, &p)
				h.DKIM = d
				m, err := Compose(h, p)
				if err != nil {
					t.Fatal(err)
				}
				checkWire(t, m.Bytes)
				v := verifyDKIM(t, m.Bytes, record)
				if v.Err != nil || v.Domain != "example.jp" || !v.Time.Equal(h.Date.Truncate(time.Second)) || len(v.HeaderKeys) != 11 {
					t.Errorf("%s: %+v", name, v)
				}
				if again, err := Compose(h, p); err != nil || !bytes.Equal(again.Bytes, m.Bytes) {
					t.Errorf("%s: equal input, other bytes (%v)", name, err)
				}
				h.DKIM = nil
				if plain, err := Compose(h, p); err != nil || !bytes.HasSuffix(m.Bytes, plain.Bytes) {
					t.Errorf("%s: the signature changed the message (%v)", name, err)
				}
			}
		})
	}
}

// TestDKIMCovers: each of these changes on the way breaks the signature, and what a relay may do does not.
func TestDKIMCovers(t *testing.T) {
	key, record := dkimKey(t, "ed25519")
	h := sampleHeader()
	var err error
	if h.DKIM, err = LoadDKIM("example.jp", "k1", key); err != nil {
		t.Fatal(err)
	}
	m, err := Compose(h, sampleParts())
	if err != nil {
		t.Fatal(err)
	}
	for change, breaks := range map[[2]string]bool{
		{"To: ", "To: <boss@example.jp>, "}:                       true,
		{"Date: Sun, 01", "Date: Sun, 02"}:                        true,
		{"From: ", "From: <else@example.net>\r\nFrom: "}:          true,
		{"Reply-To: <desk@", "Reply-To: <fake@"}:                  true,
		{"Auto-Submitted: auto-generated", "Auto-Submitted: no"}:  true,
		{"Content-Language: ja", "Content-Language: en"}:          true,
		{"; filename=virus", "; filename=Virus"}:                  true,
		{"DKIM-Signature: ", "Received: x\r\nDKIM-Signature: "}:   false,
		{"Date: Sun, 01", "DATE:   Sun,\r\n 01"}:                  false,
		{"Content-Language: ja\r\n", "Content-Language: ja \r\n"}: false,
	} {
		if !bytes.Contains(m.Bytes, []byte(change[0])) {
			t.Fatalf("no %q to change", change[0])
		}
		v := verifyDKIM(t, bytes.Replace(m.Bytes, []byte(change[0]), []byte(change[1]), 1), record)
		if (v.Err != nil) != breaks {
			t.Errorf("%q: %v", change, v.Err)
		}
	}
	h.ReplyTo.Address = ""
	if m, err = Compose(h, sampleParts()); err != nil {
		t.Fatal(err)
	}
	if v := verifyDKIM(t, append([]byte("Reply-To: <fake@example.net>\r\n"), m.Bytes...), record); v.Err == nil {
		t.Error("a Reply-To can be added")
	}
}

// TestDKIMElsewhere asks another implementation, dkimpy.
func TestDKIMElsewhere(t *testing.T) {
	const python, script = "/usr/bin/python3", `import dkim, sys
record = sys.argv[1].encode()
sys.exit(0 if dkim.verify(sys.stdin.buffer.read(), dnsfunc=lambda *a, **k: record) else 1)`
	if err := exec.CommandContext(t.Context(), python, "-c", "import dkim, nacl").Run(); err != nil {
		t.Skip("Debian's python3-dkim and python3-nacl are not installed:", err)
	}
	for _, kind := range []string{"rsa", "ed25519"} {
		key, record := dkimKey(t, kind)
		d, err := LoadDKIM("example.jp", "k1", key)
		if err != nil {
			t.Fatal(err)
		}
		h := sampleHeader()
		h.DKIM = d
		m, err := Compose(h, sampleParts())
		if err != nil {
			t.Fatal(err)
		}
		for _, broken := range []bool{false, true} {
			verify := exec.CommandContext(t.Context(), python, "-c", script, record)
			verify.Stdin = bytes.NewReader(m.Bytes)
			if broken {
				verify.Stdin = bytes.NewReader(bytes.Replace(m.Bytes, []byte("auto-generated"), []byte("no"), 1))
			}
			if out, err := verify.CombinedOutput(); (err != nil) != broken {
				t.Errorf("%s, broken %t: %v %s", kind, broken, err, out)
			}
		}
	}
}

func TestRelaxedHash(t *testing.T) {
	for in, want := range map[string]string{
		" C \r\nD \t E\r\n\r\n\r\n": " C\r\nD E\r\n", // RFC 6376 3.4.5
		"a\r\n":                     "a\r\n",
		"a\r\n \t\r\n\r\n":          "a\r\n",
		"a     b\t\t\tc\r\n":        "a b c\r\n",
	} {
		if relaxedHash([]byte(in)) != sha256.Sum256([]byte(want)) {
			t.Errorf("%q is not taken as %q", in, want)
		}
	}
	if got := relaxedField("SubJect:\ta  b\r\n\t c "); got != "subject:a b c" {
		t.Errorf("%q", got)
	}
}

func TestLoadDKIMRefuses(t *testing.T) {
	good, _ := dkimKey(t, "ed25519")
	curve, _ := dkimKey(t, "ecdsa")
	short := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: decode(t, rsa512)})
	for says, c := range map[string]struct {
		domain, selector string
		key              []byte
	}{
		"DKIM domain":         {"", "k1", good},
		"set the sender's":    {"example.jp; x=1", "k1", good},
		"DKIM selector \"\"":  {"example.jp", "", good},
		"DKIM selector \"鍵\"": {"example.jp", "鍵", good},
		"stands before":       {"example.jp", "a b", good},
		"no valid PEM":        {"example.jp", "k1", []byte("secret")},
		"PRIVATE KEY":         {"example.jp", "k1", bytes.ReplaceAll(good, []byte("PRIVATE"), []byte("ENCRYPTED PRIVATE"))},
		"ecdsa":               {"example.jp", "k1", curve},
		"512":                 {"example.jp", "k1", short},
	} {
		_, err := LoadDKIM(c.domain, c.selector, c.key)
		if err == nil || !strings.Contains(err.Error(), says) || strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("%s: %v", says, err)
		}
	}
}

// TestDKIMHidesKey: a header may be logged.
func TestDKIMHidesKey(t *testing.T) {
	key, _ := dkimKey(t, "ed25519")
	d, err := LoadDKIM("example.jp", "k1", key)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		if got := fmt.Sprintf(verb, d); got != "DKIM ed25519-sha256 of k1._domainkey.example.jp" {
			t.Errorf("%s: %s", verb, got)
		}
	}
}

func decode(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rsa512 is a key too short to be of use, which crypto/rsa would not make.
const rsa512 = `MIIBOwIBAAJBAOCGRfpn5plc9YvKhBmib5lOOaLKqDBy4kfrZubjy4EZ3nRVKgcK
v1PvmKP/J21+u6HtFGVV09o9ovHSBbG/G4cCAwEAAQJAI/4idbP2SZuXWWOLrbhW
f5MEtk4ajDm+gJ0CD/1wgC9ilYejz+ZVxMTx5d8d5UfLol8+X2xiwYHbF4KaI7n1
EQIhAPFuEy+ztWItyIxLog8+J4ybW0LBXDS5XMuRG3J7ITvbAiEA7hMFRW+Yeo63
6xaxs9TySCsZSAxL1OJ72Ymbx6Sn5MUCIQCR03vxRyna+G53F0P20wMOcdQouSRZ
kFDVgHtEpczIGwIhAOmUp9tUflngpPp2rasvBvdfsdJKniwkejcZGEpsdn2xAiAr
cS2A3KfHS0bH9aeB/QAP4FpORD27iWSxc+pKkkFJfw==`
