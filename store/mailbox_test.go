package store_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"geppo/store"
)

func TestSpellingsOfOneMailbox(t *testing.T) {
	for _, spellings := range [][]string{
		{"kanri@example.jp", "Kanri@example.jp", "KANRI@EXAMPLE.JP", `"kanri"@example.jp`, `"k\anri"@Example.jp`},
		{"a@日本.jp", "A@日本.JP", "a@xn--wgv71a.jp", "a@XN--WGV71A.jp"},
		{"a@example.jp", "a@ｅｘａｍｐｌｅ.jp", "a@example。jp"},
		{"abc..d@docomo.ne.jp", `"abc..d"@docomo.ne.jp`, `"ABC..d"@docomo.ne.jp`},
		{`"a b"@example.jp`, `"A b"@example.jp`, `"a\ b"@example.jp`},
		{`"a@b"@example.jp`, `"A@b"@EXAMPLE.jp`},
	} {
		for _, s := range spellings {
			if err := store.CheckAddress(s); err != nil {
				t.Errorf("refused: %v", err)
			}
			if got, want := store.Mailbox(s), store.Mailbox(spellings[0]); got != want {
				t.Errorf("%s folds to %s, %s to %s", s, got, spellings[0], want)
			}
		}
	}
	apart := map[string]string{}
	for _, s := range []string{"a@example.jp", "b@example.jp", "a@example.com", "a+tag@example.jp", "a.b@example.jp", "ab@example.jp", `"a b"@example.jp`, `"a@b"@example.jp`, `"a\"b"@example.jp`, `"a\\b"@example.jp`} {
		if other, taken := apart[store.Mailbox(s)]; taken {
			t.Errorf("%s and %s are two mailboxes", s, other)
		}
		apart[store.Mailbox(s)] = s
	}
}

// A folded address is an address, of the same mailbox.
func TestFoldingAMailboxIsFinal(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		local := rapid.OneOf(
			rapid.StringMatching(`[A-Za-z0-9!#$&'*+/=?^_{|}~-][A-Za-z0-9.!#$&'*+/=?^_{|}~-]{0,20}`),
			rapid.Map(rapid.StringMatching(`([ -!#-\[\]-~]|\\[ -~]){1,20}`), func(s string) string { return `"` + s + `"` }),
		).Draw(rt, "local")
		domain := rapid.StringMatching(`([A-Za-z0-9]|[日本例えば]){1,8}(\.[A-Za-z]{2,5}){1,2}`).Draw(rt, "domain")
		address := local + "@" + domain
		if store.CheckAddress(address) != nil {
			rt.Skip("no address")
		}
		folded := store.Mailbox(address)
		if again := store.Mailbox(folded); again != folded {
			rt.Fatalf("%s folds to %s, and that to %s", address, folded, again)
		}
		if err := store.CheckAddress(folded); err != nil {
			rt.Fatalf("%s folds to what is no address: %v", address, err)
		}
		if upper := strings.ToUpper(address); store.Mailbox(upper) != folded {
			rt.Fatalf("%s folds to %s, %s to %s", address, folded, upper, store.Mailbox(upper))
		}
	})
}

// Who reads the message looks for the character in a list.
func TestARefusedAddressNamesTheCharacter(t *testing.T) {
	for address, want := range map[string]string{
		"か@example.jp":      "'か'",
		"a\u200bb@x.jp":     `'\u200b'`,
		"a b@example.jp":    "' '",
		`"か"@example.jp`:    "'か'",
		"kanri　@example.jp": `'\u3000'`,
	} {
		if err := store.CheckAddress(address); err == nil || !strings.Contains(err.Error(), "must not hold "+want) {
			t.Errorf("%q: %v, want it to name %s", address, err, want)
		}
	}
}
