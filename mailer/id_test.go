package mailer

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Equal words give equal IDs under one key; another key, word, or border between words gives another.
func TestMessageIDIsKeyed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.String(), 1, 4)
		a, b := words.Draw(t, "a"), words.Draw(t, "b")
		keys := rapid.StringMatching(`[a-z]{4}`)
		k, l := IDs{"例え.jp", Secret(keys.Draw(t, "k"))}, IDs{"例え.jp", Secret(keys.Draw(t, "l"))}
		id := k.MessageID(a...)
		if err := checkID("Message-ID", id, true); err != nil || len(id) != len("report.")+32+len("@xn--r8jz45g.jp") {
			t.Fatal(id, err)
		}
		same := fmt.Sprintf("%q %s", a, string(k.Key)) == fmt.Sprintf("%q %s", b, string(l.Key))
		if (id == l.MessageID(b...)) != same {
			t.Fatalf("%q and %q under two keys: %s", a, b, id)
		}
	})
}

func TestReturnAddress(t *testing.T) {
	id := IDs{Domain: "example.jp", Key: "k"}.MessageID("C1")
	token, _ := tokenOf(id)
	got, err := ReturnAddress("bounce@example.jp", id)
	if err != nil || got != "bounce+"+token+"@example.jp" {
		t.Error(got, err)
	}
	if got, err := EnvelopeAddress(got); err != nil || !strings.Contains(got, token) {
		t.Error(got, err)
	}
	for _, bad := range [][2]string{{"", id}, {"nobody", id}, {strings.Repeat("b", 32) + "@example.jp", id}, {"bounce@example.jp", "x@y"}} {
		if got, err := ReturnAddress(bad[0], bad[1]); err == nil {
			t.Error(bad, got)
		}
	}
	if got, err := ReturnAddress(strings.Repeat("b", 31)+"@example.jp", id); err != nil {
		t.Error(got, err)
	}
}

// The token stands in the envelope alone: the bytes are the same with it and without.
func TestVERPIsOfTheEnvelope(t *testing.T) {
	h := sampleHeader()
	plain, err := Compose(h, sampleParts())
	if err != nil {
		t.Fatal(err)
	}
	h.VERP = true
	verp, err := Compose(h, sampleParts())
	token, _ := tokenOf(h.MessageID)
	if err != nil || verp.From != "bounce+"+token+"@example.jp" || verp.SHA256() != plain.SHA256() {
		t.Error(verp.From, err)
	}
	h.Bounce = strings.Repeat("b", 40) + "@example.jp"
	var failure *Error
	if _, err := Compose(h, sampleParts()); !errors.As(err, &failure) || failure.Verdict != Setup {
		t.Error(err)
	}
}

func TestRelayID(t *testing.T) {
	const ses = "0106019a0000aaaa-bbbb-cccc-dddd-eeee00000001-000000"
	for text, want := range map[string]string{
		"Ok " + ses: ses, // Amazon SES
		"<" + ses + "@ap-northeast-1.amazonses.com>":       ses,
		"Ok: queued as nFJq4hPmTrGUhLcd0DXfoA":             "nFJq4hPmTrGUhLcd0DXfoA",               // SendGrid
		"OK 8c2ffd5e-6e3c-4a0f-9d8e-0123456789ab":          "8c2ffd5e-6e3c-4a0f-9d8e-0123456789ab", // Postmark
		"Ok: queued as 4XyZ1234":                           "",                                     // Postfix: a clock and an inode
		"OK id=1tXyZa-00Ab":                                "",                                     // Exim
		"OK queued by mx0001.mail-filter-of-a-relay.com":   "",
		"Message-accepted-for-later-delivery by the host":  "", // the same for every message
		"Ok: queued on mail-westeurope-prod-outbound-01-b": "",
		"": "", "Great success": "",
	} {
		if got := RelayID(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
