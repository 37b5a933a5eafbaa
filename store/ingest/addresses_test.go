package ingest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/japanese"

	"geppo/store"
	"geppo/store/ingest"
)

func TestListsOfAddresses(t *testing.T) {
	row := func(line int, contract, address, name string) ingest.AddressRow {
		return ingest.AddressRow{Line: line, Contract: contract, Recipient: store.Recipient{Address: address, Name: name}}
	}
	cp932, err := japanese.ShiftJIS.NewEncoder().String("契約,メールアドレス,氏名\r\nC1,a@example.jp,情シス　様\r\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		text string
		want []ingest.AddressRow
		bad  []string
	}{
		"empty":               {"", nil, nil},
		"plain":               {"C1,a@example.jp\nC2,b@example.jp,山田\n", []ingest.AddressRow{row(1, "C1", "a@example.jp", ""), row(2, "C2", "b@example.jp", "山田")}, nil},
		"with a mark":         {"\ufeffcontract,address,name\nC1,a@example.jp,山田\n", []ingest.AddressRow{row(2, "C1", "a@example.jp", "山田")}, nil},
		"another order":       {"name,stopped,address,Contract\n山田,no,a@example.jp,C1\n", []ingest.AddressRow{row(2, "C1", "a@example.jp", "山田")}, nil},
		"CP932":               {cp932, []ingest.AddressRow{row(2, "C1", "a@example.jp", "情シス　様")}, nil},
		"a quoted formula":    {"C1,a@example.jp,'=山田\n", []ingest.AddressRow{row(1, "C1", "a@example.jp", "=山田")}, nil},
		"a name on two lines": {"C1,a@example.jp,\"山田\n太郎\"\nC2,b\n", []ingest.AddressRow{row(1, "C1", "a@example.jp", "山田 太郎")}, []string{"list.csv:3: "}},
		"bad rows": {
			"C1,a@b@example.jp\nC 1,a@example.jp\nC1\nC1,a@example.jp,山田,x\nC1,\"a@example.jp\r\nBcc: x@example.jp\",x\nC2,ok@example.jp\n",
			[]ingest.AddressRow{row(7, "C2", "ok@example.jp", "")},
			[]string{"list.csv:1: address", "list.csv:2: contract id", "list.csv:3: it has 1 columns", "list.csv:4: it has 4 columns", "list.csv:5: address"},
		},
	} {
		rows, bad, err := ingest.ReadAddresses(strings.NewReader(tt.text), "list.csv")
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tt.want, rows); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		for i, b := range bad {
			if i >= len(tt.bad) || !strings.HasPrefix(b.Error(), tt.bad[i]) {
				t.Errorf("%s: %v", name, b)
			}
		}
		if len(bad) < len(tt.bad) {
			t.Errorf("%s: %d bad rows, want %d", name, len(bad), len(tt.bad))
		}
	}
	if _, _, err := ingest.ReadAddresses(strings.NewReader("C1,a@example.jp\nC1,\"b\"x\n"), "list.csv"); err == nil || !strings.HasPrefix(err.Error(), "list.csv:2: ") {
		t.Errorf("a broken table: %v", err)
	}
}
