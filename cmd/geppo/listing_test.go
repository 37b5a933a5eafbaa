package main

import (
	"bytes"
	"strings"
	"testing"
)

// A list that is printed as it comes reads as one that was held.
func TestJSONListIsTheWholeList(t *testing.T) {
	type element struct {
		Name  string   `json:"name"`
		Parts []string `json:"parts"`
	}
	for _, list := range [][]element{{}, {{"<a>", []string{}}}, {{"株式会社", []string{"x", "y"}}, {"b", nil}}} {
		var whole, streamed bytes.Buffer
		if err := writeJSON(&whole, list); err != nil {
			t.Fatal(err)
		}
		if err := printList(&streamed, true, title{}, list, nil); err != nil {
			t.Fatal(err)
		}
		if whole.String() != streamed.String() {
			t.Errorf("printed %s, want %s", streamed.String(), whole.String())
		}
	}
}

func TestTableWidensWhereALaterRowNeedsMore(t *testing.T) {
	var out bytes.Buffer
	list := newListing(&out, false, columns("n", "name"), func(n int) []any {
		name := "表"
		if n > measuredRows {
			name = strings.Repeat("x", 10) + "\x1b[31m"
		}
		return []any{n, name}
	})
	for n := range measuredRows + 3 {
		if err := list.add(n); err != nil {
			t.Fatal(err)
		}
	}
	if err := list.end(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	for i, want := range map[int]string{
		0: "  n  name", 1: "  0  表", measuredRows + 1: "1000  表", measuredRows + 2: `1001  xxxxxxxxxx\u001b[31m`, measuredRows + 4: "",
	} {
		if lines[i] != want {
			t.Errorf("line %d is %q, want %q", i, lines[i], want)
		}
	}
}
