package mailer

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

const bouncedID = "report.74cb9b88a8e2ccbb29157e753a8f0f42@example.jp"

// bounceFile is a sample of testdata/bounce, with the line ends that a mail has on its way.
func bounceFile(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "bounce", name+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))
}

func TestReadBounce(t *testing.T) {
	const kanri = "kanri@client.example.jp"
	for name, want := range map[string][]BouncedRecipient{
		"postfix": {{
			Address: kanri, Original: kanri, Action: "failed", Status: "5.1.1", RemoteMTA: "mx.client.example.jp", Hard: true,
			Diagnostic: "550 5.1.1 <kanri@client.example.jp>: Recipient address rejected: User unknown in local recipient table",
		}},
		"postfix-delayed": {{
			Address: kanri, Original: kanri, Action: "delayed", Status: "4.4.1",
			Diagnostic: "connect to mx.client.example.jp[192.0.2.25]:25: Connection timed out",
		}},
		"exim": {{ // its own code is always general
			Address: kanri, Action: "failed", Status: "5.1.1", RemoteMTA: "mx.client.example.jp", Hard: true,
			Diagnostic: "550-5.1.1 The email account that you tried to reach does not exist. 550 5.1.1 Please check the address.",
		}},
		"m365": {{
			Address: kanri, Action: "failed", Status: "5.1.10", Hard: true,
			Diagnostic: "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient kanri@client.example.jp not found by SMTP address lookup",
		}},
		"exchange-full": {{ // returns nothing of the original
			Address: "Kanri.Tantou@client.local", Original: kanri, Action: "failed", Status: "5.2.2",
			Diagnostic: "554 5.2.2 mailbox full;STOREDRV.Deliver.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded",
		}},
		"gmail": {{
			Address: kanri, Action: "failed", Status: "5.2.1",
			RemoteMTA: "gmail-smtp-in.l.google.com. (192.0.2.26, the server for the domain client.example.jp.)",
			Diagnostic: "550-5.2.1 The email account that you tried to reach is inactive. For more 550-5.2.1 information, go to " +
				"550 5.2.1  https://support.example.com/mail/?p=DisabledUser 41be03b00d2f7-6f1si1234567pjb.96 - gsmtp",
		}},
		"carrier-550": {{ // perhaps the reader's filter: not hard
			Address: `"abc."@docomo.ne.jp`, Action: "failed", Status: "5.0.0", RemoteMTA: "mfsmax.docomo.ne.jp",
			Diagnostic: "550 Unknown user abc.@docomo.ne.jp",
		}},
		"utf8": {{
			Address: "管理@例え.jp", Original: kanri, Action: "failed", Status: "5.6.7",
			Diagnostic: "550 5.6.7 宛先 does not take SMTPUTF8",
		}},
		"list": { // in another multipart, run together, and with one recipient that is no address
			{Address: kanri, Action: "expanded", Status: "2.0.0"},
			{Address: "tanaka@client.example.jp", Action: "failed", Status: "5.1.1", Hard: true},
			{Address: "suzuki@client.example.jp", Action: "delivered", Status: "2.1.5"},
		},
		"m365-relayed": {{ // the reply of a server behind it
			Address: kanri, Original: kanri, Action: "failed", Status: "5.1.1", Hard: true,
			Diagnostic: "550 5.0.350 Remote server returned an error -> 550 5.1.1 <kanri@client.example.jp>... User unknown",
		}},
		"m365-denied": {{
			Address: kanri, Original: kanri, Action: "failed", Status: "5.4.1", RemoteMTA: "example-co-jp.mail.protection.outlook.com",
			Diagnostic: "550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [TYCPR01MB0001.jpnprd01.prod.outlook.com 2026-11-01T00:00:05.123Z 08DAFF]",
		}},
		"esa": {{
			Address: kanri, Action: "failed", Status: "5.1.1", RemoteMTA: "[192.0.2.77]", Hard: true,
			Diagnostic: "5.1.0 - Unknown address error 550-'5.1.1 <kanri@client.example.jp>: Recipient address rejected: User unknown' (delivery attempts: 0)",
		}},
		"supplementary": { // run together
			{
				Address: kanri, Action: "failed", Status: "5.1.1", Hard: true,
				Diagnostic: "<mx.client.example.jp #5.1.1 smtp;550 5.1.1 RESOLVER.ADR.RecipNotFound; not found>",
			},
			{Address: "tanaka@client.example.jp", Action: "failed", Status: "5.7.1", Diagnostic: "554 5.7.1 refused"},
		},
		"cut": {{ // by a relay that returns so many bytes
			Address: kanri, Original: kanri, Action: "failed", Status: "5.1.1", RemoteMTA: "mx.example.co.jp", Hard: true,
			Diagnostic: "550 5.1.1 <kanri@client.example.jp>: Recipient address rejected: User unknown in virtual mailbox table",
		}},
		"unquoted-boundary": {{
			Address: kanri, Original: kanri, Action: "failed", Status: "5.1.1", RemoteMTA: "mx.example.co.jp", Hard: true,
			Diagnostic: "550 5.1.1 <kanri@client.example.jp>: Recipient address rejected: User unknown in virtual mailbox table",
		}},
		"untidy": {{Address: kanri, Action: "failed", Status: "5.1.1", Hard: true, Diagnostic: "550 5.1.1 no such user"}},
		"policy": {{Address: kanri, Action: "failed", Status: "5.7.1", Diagnostic: "550 5.7.1 Message rejected as spam, see 5.1.1.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			raw := bounceFile(t, name)
			for _, raw := range [][]byte{raw, bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))} {
				got, err := ReadBounce(raw)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got.Recipients); diff != "" || got.MessageIDs[0] != bouncedID {
					t.Error(diff, got.MessageIDs)
				}
			}
		})
	}
}

// A message is known by what the report returns of it, by what the relay called it, or by where the report went.
func TestABounceNamesItsMessage(t *testing.T) {
	for name, want := range map[string]Bounce{
		"postfix":       {MessageIDs: []string{bouncedID}},
		"exchange-full": {MessageIDs: []string{bouncedID}},
		"ses": {
			MessageIDs: []string{"0106019a0000aaaa-bbbb-cccc-dddd-eeee00000001-000000@ap-northeast-1.amazonses.com"},
			RelayIDs:   []string{"0106019a0000aaaa-bbbb-cccc-dddd-eeee00000001-000000"},
		},
		"verp": {Tokens: []string{"74cb9b88a8e2ccbb29157e753a8f0f42"}},
	} {
		got, err := ReadBounce(bounceFile(t, name))
		if err != nil {
			t.Fatal(name, err)
		}
		got.Recipients = nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(name, diff)
		}
	}
}

func TestReadBounceRefuses(t *testing.T) {
	for name, says := range map[string]string{
		"no-carrier-text": `no delivery status notification (multipart/report with message/delivery-status) but a server's own words in "text/plain"`,
		"no-absence":      "no bounce but an automatic reply",
		"no-arf":          "no bounce but an abuse report (ARF)",
		"no-read-receipt": "no bounce but a read receipt",
		"no-forwarded":    "no bounce but a mail that somebody wrote",
		"no-message-id":   "does not tell the Message-ID",
		"no-recipient":    "no recipient",
		"no-action":       `Action "exploded"`,
		"no-two-reports":  "two delivery reports",
		"no-end":          "no recipient", // cut off within the diagnostic
	} {
		_, err := ReadBounce(bounceFile(t, name))
		if err == nil || !strings.Contains(err.Error(), says) || !strings.HasPrefix(err.Error(), "read bounce: ") {
			t.Errorf("%s: %v", name, err)
		}
		if errors.Is(err, ErrNoBounce) != strings.HasPrefix(says, "no bounce") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Wherever a report is cut, what is read of it is what the whole says, or nothing: never half a code or half a name.
func TestACutReportIsReadInFullOrNotAtAll(t *testing.T) {
	for _, name := range []string{"postfix", "m365", "gmail", "esa", "ses", "list", "supplementary", "untidy", "verp"} {
		raw := bounceFile(t, name)
		whole, err := ReadBounce(raw)
		if err != nil {
			t.Fatal(err)
		}
		read := 0
		for n := range raw {
			cut, err := ReadBounce(raw[:n])
			if err != nil {
				continue
			}
			read++
			for i, r := range cut.Recipients {
				if i >= len(whole.Recipients) || r != whole.Recipients[i] {
					t.Fatalf("%s cut at %d: %+v", name, n, r)
				}
			}
		}
		if read == 0 {
			t.Errorf("%s: nothing was read of what was cut", name)
		}
	}
}

// bounceOf is a report with this status part and that header of the original.
func bounceOf(status, original string) string {
	return "Content-Type: multipart/report; boundary=B\r\n\r\n--B\r\nContent-Type: message/delivery-status\r\n\r\n" + status +
		"\r\n--B\r\nContent-Type: text/rfc822-headers\r\n\r\n" + original + "\r\n--B--\r\n"
}

func TestReadBounceHostile(t *testing.T) {
	const good, id = "Final-Recipient: rfc822; a@b.jp\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n", "Message-ID: <" + bouncedID + ">\r\n"
	nested := "Content-Type: multipart/mixed; boundary=B0\r\n\r\n"
	for i := range 2000 {
		nested += fmt.Sprintf("--B%d\r\nContent-Type: multipart/mixed; boundary=B%d\r\n\r\n", i, i+1)
	}
	for says, mail := range map[string]string{
		"not a mail":                  "no colon here\r\n\r\nbody",
		"within each other":           nested,
		"more than 32 parts":          "Content-Type: multipart/mixed; boundary=B\r\n\r\n" + strings.Repeat("--B\r\n\r\nx\r\n", 40) + "--B--\r\n",
		"more than 100 recipients":    bounceOf(strings.Repeat(good, 200), id),
		"somebody wrote":              "Content-Type: multipart/report; boundary=\"\r\n\r\nx",
		"Message-ID":                  bounceOf(good, "Message-ID: <a@b\x1b[31m>\r\n"),
		"address (Final-Recipient)":   bounceOf("Action: failed\r\nStatus: 5.1.1\r\n", id),
		"the report has no recipient": bounceOf(strings.Repeat("x", 500000), id),
		`Action ""`:                   bounceOf("Final-Recipient: rfc822; a@b.jp\r\n", id),
		"no recipient":                strings.Replace(bounceOf(good, id), "delivery-status\r\n", "delivery-status\r\nContent-Transfer-Encoding: base64\r\n", 1),
	} {
		b, err := ReadBounce([]byte(mail))
		if err == nil || !strings.Contains(err.Error(), says) || len(err.Error()) > 500 || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) {
			t.Errorf("%s: %v %v", says, b, err)
		}
	}
	raw := bounceOf("Final-Recipient: rfc822; <a\x1b[1m@b.jp>\r\nAction: failed\r\nStatus: five\r\nDiagnostic-Code: smtp; \xff\x00"+
		strings.Repeat("x", 5000)+"\r\n"+strings.Repeat(" y\r\n", 5000), id)
	b, err := ReadBounce([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	if r := b.Recipients[0]; r.Address != "a?[1m@b.jp" || r.Status != "5.0.0" || len(r.Diagnostic) > maxText || !strings.HasPrefix(r.Diagnostic, "??x") {
		t.Errorf("%+v", r)
	}
}

// Servers return mails of many megabytes; the status stands in front.
func TestTheRestOfALargeBounceIsLeft(t *testing.T) {
	raw := append(bounceFile(t, "cut"), bytes.Repeat([]byte("JVBERi0xLjc=\r\n"), 2*MaxBounce/14)...)
	b, err := ReadBounce(raw)
	if err != nil || b.MessageIDs[0] != bouncedID || !b.Recipients[0].Hard {
		t.Error(b, err)
	}
}

func TestHard(t *testing.T) {
	for code, want := range map[string]bool{
		"5.1.1": true, "5.1.2": true, "5.1.3": true, "5.1.10": true,
		"5.1.0": false, "5.1.6": false, "5.2.1": false, "5.1.7": false, "5.1.8": false, "5.2.2": false, "5.2.3": false, "5.4.4": false, "5.7.1": false, "5.0.0": false,
		"4.1.1": false, "4.2.1": false, "2.1.5": false,
	} {
		for action, possible := range map[string]bool{"failed": true, "delayed": false, "relayed": false} {
			r, err := recipient(fields{{"final-recipient", "rfc822;a@b.jp"}, {"action", action}, {"status", code}})
			if err != nil || r.Hard != (want && possible) {
				t.Errorf("%s %s: %+v %v", action, code, r, err)
			}
		}
	}
	for _, c := range [][3]string{ // said, diagnostic, taken
		{"5.0.0", "550 5.1.1 no", "5.1.1"},
		{"5.0.0", "smtp; 550-5.1.1 no", "5.1.1"},
		{"5.0.0", "550 5.1.1.1 is a host", "5.0.0"},
		{"5.0.0", "host 5.1.1 said no", "5.0.0"},
		{"5.0.0", "450 4.2.2 full", "5.0.0"},
		{"5.0.0", "550 4.2.2 muddled", "5.0.0"},
		{"5.4.0", "550 5.1.1 no", "5.4.0"},
		{"5.7.1", "550 5.1.1 no", "5.7.1"},
		{"4.0.0", "451 4.7.1: later", "4.7.1"},
		{"", "550 5.1.1 no", "5.1.1"},
		{"5.1", "", "5.0.0"},
		{"5.0.350", "550 5.0.350 Remote server returned an error -> 550 5.1.1 no", "5.1.1"},
		{"5.0.350", "550 5.0.350 error -> 554 5.7.1 refused, unlike 550 5.1.1", "5.7.1"},
		{"5.0.350", "Remote Server returned '550 5.1.10 no'", "5.1.10"},
		{"5.0.0", "550 5.1.0 address rejected 550 5.1.1 no", "5.1.1"},
		{"5.1.0", "550-'5.1.1 no'", "5.1.1"},
		{"5.1.0", "550 5.7.1 no", "5.1.0"},
		{"5.0.0", "550 sorry, no mailbox here by that name. (#5.1.1)", "5.1.1"}, // qmail
		{"5.0.0", "550 #5.1.0 Address rejected.", "5.1.0"},                      // IronPort
		{"5.0.0", "550 5.1.1.", "5.1.1"},
	} {
		if got := status(c[0], c[1]); got != c[2] {
			t.Errorf("%q: %s", c, got)
		}
	}
}

func TestBounceOf(t *testing.T) {
	b := Bounce{Recipients: []BouncedRecipient{
		{Address: "fwd@else.jp", Status: "5.1.1"},
		{Address: "x@client.local", Original: "Kanri@Client.example.jp", Status: "5.2.2"},
		{Address: "abc.@docomo.ne.jp", Status: "5.0.0"},
		{Address: "nobody", Status: "5.1.3"},
	}}
	for address, want := range map[string]string{
		"kanri@client.example.jp": "5.2.2", `"abc."@docomo.ne.jp`: "5.0.0", "abc.@docomo.ne.jp": "5.0.0",
		"other@client.example.jp": "", "": "", "nobody": "",
	} {
		r, ok := b.Of(address)
		if ok != (want != "") || r.Status != want {
			t.Errorf("%s: %+v %t", address, r, ok)
		}
	}
}

// FuzzReadBounce: whatever comes, what is returned is whole, printable and bounded.
func FuzzReadBounce(f *testing.F) {
	samples, err := filepath.Glob(filepath.Join("testdata", "bounce", "*.eml"))
	if err != nil || len(samples) < 15 {
		f.Fatal(len(samples), "samples", err)
	}
	for _, sample := range samples {
		f.Add(bounceFile(f, strings.TrimSuffix(filepath.Base(sample), ".eml")))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := ReadBounce(raw)
		if err != nil {
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) || len(err.Error()) > 1000 {
				t.Errorf("%q", err)
			}
			return
		}
		names := slices.Concat(b.MessageIDs, b.RelayIDs, b.Tokens)
		wrong := slices.ContainsFunc(b.MessageIDs, func(id string) bool { return checkID("", id, true) != nil })
		if wrong || len(names) == 0 || len(names) > 3*maxNames || slices.Contains(names, "") || len(b.Recipients) == 0 || len(b.Recipients) > maxRecipients+1 {
			t.Errorf("%+v", b)
		}
		for _, r := range b.Recipients {
			text := r.Address + r.Original + r.Action + r.Status + r.Diagnostic + r.RemoteMTA
			if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) || len(text) > 5*maxText || !strings.Contains(r.Address, "@") || !statusCode.MatchString(r.Status) || r.Hard && r.Action != "failed" {
				t.Errorf("%+v", r)
			}
		}
	})
}
