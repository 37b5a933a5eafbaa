package mailer

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/smallstep/pkcs7"
)

// mailCertificate is one for the sender of sampleHeader, with its key, its CA in between, and the root apart.
func mailCertificate(t testing.TB, key crypto.Signer, change func(*x509.Certificate)) (certificates, private, root []byte) {
	t.Helper()
	sign := func(template, parent *x509.Certificate, public crypto.PublicKey, by crypto.Signer) *x509.Certificate {
		template.SerialNumber = big.NewInt(int64(len(template.Subject.CommonName)))
		template.NotBefore, template.NotAfter = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
		if !template.IsCA {
			change(template)
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, public, by)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	authority := func(name string) *x509.Certificate {
		return &x509.Certificate{
			Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		}
	}
	rootKey, issuerKey := newKey(t, "ecdsa"), newKey(t, "ecdsa")
	top := authority("root")
	top = sign(top, top, rootKey.Public(), rootKey)
	issuer := sign(authority("issuer"), top, issuerKey.Public(), rootKey)
	leaf := sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: "geppo reports"}, EmailAddresses: []string{"report@example.jp"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
	}, issuer, key.Public(), issuerKey)
	block := func(c *x509.Certificate) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	return append(block(leaf), block(issuer)...), pkcs8(t, key), block(top)
}

func newKey(t testing.TB, kind string) (key crypto.Signer) {
	t.Helper()
	var err error
	switch kind {
	case "rsa":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ecdsa":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		t.Fatal("no kind ", kind)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func asIs(*x509.Certificate) {}

// loadSMIME is a signer of that kind and the root that vouches for it.
func loadSMIME(t testing.TB, kind string) (s *SMIME, root []byte) {
	t.Helper()
	certificates, key, root := mailCertificate(t, newKey(t, kind), asIs)
	s, err := LoadSMIME("Report@example.jp", certificates, key)
	if err != nil {
		t.Fatal(err)
	}
	return s, root
}

func TestSMIME(t *testing.T) {
	for _, kind := range []string{"rsa", "ecdsa"} {
		t.Run(kind, func(t *testing.T) {
			h := sampleHeader()
			h.SMIME, _ = loadSMIME(t, kind)
			key, record := dkimKey(t, "ed25519")
			var err error
			if h.DKIM, err = LoadDKIM("example.jp", "k1", key); err != nil {
				t.Fatal(err)
			}
			m, err := Compose(h, sampleParts())
			if err != nil {
				t.Fatal(err)
			}
			checkWire(t, m.Bytes)
			_, tree := readMessage(t, m.Bytes)
			if len(tree.Parts) != 2 {
				t.Fatalf("%+v", tree)
			}
			checkSignature(t, m.Bytes, tree.Parts[1].Body)
			tree.Parts[1].Body = ""
			want := part{Type: "multipart/signed", Parts: []part{
				wantTree(sampleParts()),
				{Type: "application/pkcs7-signature", Disposition: "attachment", Name: "smime.p7s"},
			}}
			if diff := cmp.Diff(want, tree); diff != "" {
				t.Error(diff)
			}
			if v := verifyDKIM(t, m.Bytes, record); v.Err != nil {
				t.Error("DKIM over S/MIME:", v.Err)
			}
			if again, err := Compose(h, sampleParts()); err != nil || !bytes.Equal(again.Bytes, m.Bytes) {
				t.Error("equal input, other bytes", err)
			}
		})
	}
}

// checkSignature lets the library read what stands between the first two boundaries.
func checkSignature(t testing.TB, message []byte, signature string) {
	t.Helper()
	p7, err := pkcs7.Parse([]byte(signature))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(message, []byte("\r\n--part-signed-"))
	_, rest, _ = bytes.Cut(rest, []byte("\r\n"))
	p7.Content, _, _ = bytes.Cut(rest, []byte("\r\n--part-signed-"))
	if err := p7.Verify(); err != nil || len(p7.Certificates) != 2 || len(p7.Content) == 0 {
		t.Errorf("%v, %d certificates", err, len(p7.Certificates))
	}
}

// TestSMIMEElsewhere asks OpenSSL, in the words of both its tools, and with the root alone trusted.
func TestSMIMEElsewhere(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed:", err)
	}
	for _, kind := range []string{"rsa", "ecdsa"} {
		h := sampleHeader()
		var root []byte
		h.SMIME, root = loadSMIME(t, kind)
		m, err := Compose(h, sampleParts())
		if err != nil {
			t.Fatal(err)
		}
		trusted := filepath.Join(t.TempDir(), "root.pem")
		if err := os.WriteFile(trusted, root, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, tool := range []string{"smime", "cms"} {
			for _, broken := range []bool{false, true} {
				verify := exec.CommandContext(t.Context(), openssl, tool, "-verify", "-CAfile", trusted, "-purpose", "smimesign")
				verify.Stdin = bytes.NewReader(m.Bytes)
				if broken {
					verify.Stdin = bytes.NewReader(bytes.Replace(m.Bytes, []byte("filename=virus"), []byte("filename=Virus"), 1))
				}
				var said bytes.Buffer
				verify.Stderr = &said
				out, err := verify.Output()
				if (err != nil) != broken || !broken && !bytes.Contains(out, []byte("application/pdf")) {
					t.Errorf("%s, %s, broken %t: %v %s", kind, tool, broken, err, said.Bytes())
				}
			}
		}
	}
}

// TestSMIMEOnce: a body is signed once for all addresses, and anew for another certificate.
func TestSMIMEOnce(t *testing.T) {
	body, err := NewBody(sampleParts())
	if err != nil {
		t.Fatal(err)
	}
	first, _ := loadSMIME(t, "rsa")
	second, _ := loadSMIME(t, "ecdsa")
	date := sampleHeader().Date
	sign := func(s *SMIME) *Body {
		signed, err := s.sign(body, date)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	if a, b := sign(first), sign(first); a != b {
		t.Error("signed twice")
	}
	if a, b := sign(first), sign(second); bytes.Equal(a.content, b.content) {
		t.Error("signed by another")
	}
	h := sampleHeader()
	h.SMIME = first
	if _, err := body.Message(h); err != nil {
		t.Fatal(err)
	}
	h.SMIME = nil
	if m, err := body.Message(h); err != nil || bytes.Contains(m.Bytes, []byte("pkcs7")) {
		t.Error("signing changed the body", err)
	}
}

func TestLoadSMIMERefuses(t *testing.T) {
	good, key, _ := mailCertificate(t, newKey(t, "ecdsa"), asIs)
	for says, change := range map[string]func(*x509.Certificate){
		`is for "other@example.jp"`: func(c *x509.Certificate) { c.EmailAddresses = []string{"other@example.jp"} },
		`is for ""`:                 func(c *x509.Certificate) { c.EmailAddresses = nil },
		"emailProtection":           func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} },
		"digitalSignature":          func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment },
	} {
		certificates, key, _ := mailCertificate(t, newKey(t, "ecdsa"), change)
		if _, err := LoadSMIME("report@example.jp", certificates, key); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
	edwards, edwardsKey, _ := mailCertificate(t, newKey(t, "ed25519"), asIs)
	for says, pair := range map[string][2][]byte{
		"RSA and ECDSA":       {edwards, edwardsKey},
		"does not match":      {good, edwardsKey},
		"any PEM":             {nil, key},
		"give certificate":    {good, []byte("secret")},
		"private key as PEM":  {good, good},
		"issuer's":            {append(bytes.Clone(good), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"...), key},
		"certificate and pri": {[]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), key},
	} {
		_, err := LoadSMIME("report@example.jp", pair[0], pair[1])
		if err == nil || !strings.Contains(err.Error(), says) || strings.ContainsAny(err.Error(), "\r\n") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", says, err)
		}
	}
}

// TestSMIMEExpired: the message's date decides, not the clock.
func TestSMIMEExpired(t *testing.T) {
	s, _ := loadSMIME(t, "ecdsa")
	for year, want := range map[int]bool{2025: false, 2026: true, 2098: true, 2100: false} {
		h := sampleHeader()
		h.SMIME, h.Date = s, time.Date(year, 7, 1, 0, 0, 0, 0, time.UTC)
		_, err := Compose(h, sampleParts())
		var e *Error
		if want != (err == nil) || err != nil && (!errors.As(err, &e) || e.Verdict != Setup || e.Stage != StageCompose) {
			t.Errorf("%d: %v", year, err)
		}
	}
	if got := fmt.Sprintf("%v %+v %#v", s, s, s.Expires().Year()); got != "S/MIME of report@example.jp until 2099-01-01 S/MIME of report@example.jp until 2099-01-01 2099" {
		t.Error(got)
	}
}
