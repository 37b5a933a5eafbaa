package sqlstore_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"geppo/store/sqlstore"
)

// Who types is led on letter by letter where there are too many, and never past a contract.
func TestBeginLeadsToEveryContract(t *testing.T) { onBoth(t, beginLeadsToEveryContract) }

func beginLeadsToEveryContract(t *testing.T) {
	d := openDetections(t)
	ids := []string{"A", "A-1", "A.2", "Z_9", "x"}
	for i := range 300 {
		ids = append(ids, fmt.Sprintf("C%06d", i))
	}
	put(t, d, func(ctx context.Context, tx *sqlstore.ImportTx) (err error) {
		for _, id := range ids {
			if err == nil {
				err = tx.PutContract(ctx, contractOf(id), false)
			}
		}
		return err
	})
	var found []string
	var follow func(text string)
	follow = func(text string) {
		b, err := d.Begin(t.Context(), text, 20)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range b.Contracts {
			found = append(found, c.ID)
		}
		for _, more := range b.Beginnings {
			if more == text {
				t.Fatalf("%q leads to itself", text)
			}
			follow(more)
		}
	}
	follow("")
	slices.Sort(ids)
	slices.Sort(found)
	if !slices.Equal(ids, found) {
		t.Errorf("it leads to %d of %d: %v", len(found), len(ids), found)
	}
	if b, err := d.Begin(t.Context(), "C", 20); err != nil || !slices.Equal(b.Beginnings, []string{"C0000", "C0001", "C0002"}) {
		t.Errorf("%v %v", b, err)
	}
	if b, err := d.Begin(t.Context(), "nobody", 20); err != nil || len(b.Contracts)+len(b.Beginnings) > 0 {
		t.Errorf("%v %v", b, err)
	}
}
