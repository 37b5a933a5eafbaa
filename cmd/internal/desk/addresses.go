package desk

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"geppo/cmd/internal/daemon"
	"geppo/store"
	"geppo/store/ingest"
)

// AddressPlan is what a list of addresses would change.
type AddressPlan struct {
	What      string
	Changes   []AddressChange // by contract and address
	Unchanged int
	Unlisted  int // addresses of the list's contracts that it does not name, and that stay
	changes   []store.RecipientChange
}

// AddressChange is one of them.
type AddressChange struct {
	Contract  string
	Recipient store.Recipient
	Was       string // the name, of one that is renamed
	Kind      ChangeKind
}

// ChangeKind is what happens to an address.
type ChangeKind string

// The kinds.
const (
	Added   ChangeKind = "added"
	Renamed ChangeKind = "renamed"
	Removed ChangeKind = "removed"
)

// Numbers tells how many are of each kind, for people.
func (p AddressPlan) Numbers() string {
	count := map[ChangeKind]int{}
	for _, c := range p.Changes {
		count[c.Kind]++
	}
	return fmt.Sprintf("%d added, %d renamed, %d removed, %d unchanged", count[Added], count[Renamed], count[Removed], p.Unchanged)
}

// BadRows are the faulty rows of a list, of which nothing is taken then.
type BadRows []*ingest.RowError

func (b BadRows) Error() string {
	const most = 10
	lines := make([]string, 0, most+1)
	for _, row := range b[:min(len(b), most)] {
		lines = append(lines, row.Error())
	}
	if len(b) > most {
		lines = append(lines, fmt.Sprintf("and %d more", len(b)-most))
	}
	return strings.Join(lines, "\n") + "\nnothing was changed; mend these rows, and import the list again"
}

// PlanAddresses compares a list with the addresses as they are now, and changes nothing. It adds and renames; with
// replace it also removes what the list does not name of the contracts that it names.
func (d Desk) PlanAddresses(ctx context.Context, r io.Reader, file string, replace bool) (p AddressPlan, err error) {
	p.What = file
	if replace {
		p.What += " --replace"
	}
	rows, bad, err := ingest.ReadAddresses(r, file)
	if err != nil {
		return p, err
	}
	if len(rows)+len(bad) == 0 {
		return p, daemon.Misuse("list", "%s names no address", file)
	}
	c := comparison{desk: d, file: file, bad: bad, members: map[string]*compared{}}
	if c.addresses, err = daemon.ReadAddresses(ctx, d.Ledger); err != nil {
		return p, err
	}
	for _, row := range rows {
		if err := c.row(ctx, &p, row); err != nil {
			return p, err
		}
	}
	if len(c.bad) > 0 {
		slices.SortFunc(c.bad, func(a, b *ingest.RowError) int { return a.Line - b.Line })
		return p, BadRows(c.bad)
	}
	c.unlisted(&p, replace)
	slices.SortFunc(p.Changes, func(a, b AddressChange) int {
		return strings.Compare(a.Contract+"\x00"+a.Recipient.Address, b.Contract+"\x00"+b.Recipient.Address)
	})
	return p, nil
}

// comparison is a list being compared.
type comparison struct {
	desk      Desk
	file      string
	addresses daemon.Addresses
	members   map[string]*compared
	bad       []*ingest.RowError
}

// compared is a contract of the list; nil in comparison.members: it is not known.
type compared struct {
	Member
	listed map[string]ingest.AddressRow // by mailbox
}

func (c *comparison) row(ctx context.Context, p *AddressPlan, row ingest.AddressRow) error {
	m, err := c.member(ctx, row.Contract)
	if err != nil {
		return err
	}
	if m == nil {
		c.refuse(row, "contract %s is unknown; import it first, or mend the row", row.Contract)
		return nil
	}
	mailbox := store.Mailbox(row.Recipient.Address)
	if first, twice := m.listed[mailbox]; twice {
		if first.Recipient.Name != row.Recipient.Name {
			c.refuse(row, "%s has another name in line %d; keep one of them", row.Recipient.Address, first.Line)
		}
		return nil
	}
	m.listed[mailbox] = row
	known, there := m.address(mailbox)
	switch {
	case !there && c.addresses.StoppedAddress(row.Recipient.Address):
		c.refuse(row, "%s asked to get no reports; leave the row out, or geppo recipients start %[1]s", row.Recipient.Address)
	case !there:
		p.add(AddressChange{row.Contract, row.Recipient, "", Added})
	case row.Recipient.Name == "" || row.Recipient.Name == known.Name:
		p.Unchanged++
	default:
		p.add(AddressChange{row.Contract, store.Recipient{Address: known.Address, Name: row.Recipient.Name}, known.Name, Renamed})
	}
	return nil
}

func (c *comparison) member(ctx context.Context, id string) (*compared, error) {
	if m, known := c.members[id]; known {
		return m, nil
	}
	found, err := c.desk.knows(ctx, id)
	if err != nil || found == nil {
		c.members[id] = nil
		return nil, err
	}
	c.members[id] = &compared{Member{*found, c.addresses.Registered(*found), c.addresses.Stopped(id)}, map[string]ingest.AddressRow{}}
	return c.members[id], nil
}

func (c *comparison) refuse(row ingest.AddressRow, format string, args ...any) {
	c.bad = append(c.bad, &ingest.RowError{File: c.file, Line: row.Line, Reason: fmt.Sprintf(format, args...)})
}

// unlisted takes the addresses that the list does not name.
func (c *comparison) unlisted(p *AddressPlan, replace bool) {
	for id, m := range c.members {
		for _, r := range m.Registered {
			if _, listed := m.listed[store.Mailbox(r.Address)]; listed {
				continue
			}
			if replace {
				p.add(AddressChange{id, r.Recipient, "", Removed})
			} else {
				p.Unlisted++
			}
		}
	}
}

func (p *AddressPlan) add(c AddressChange) {
	p.Changes = append(p.Changes, c)
	p.changes = append(p.changes, store.RecipientChange{
		Contract: c.Contract, Recipient: c.Recipient, Removed: c.Kind == Removed, Renamed: c.Kind == Renamed,
	})
}

// ChangeAddresses does all that a plan says, or nothing.
func (d Desk) ChangeAddresses(ctx context.Context, p AddressPlan, by, reason string) error {
	if len(p.changes) == 0 {
		return nil
	}
	now := d.Now()
	for i := range p.changes {
		p.changes[i].By, p.changes[i].At = by, now
	}
	return d.Ledger.ChangeRecipients(ctx, p.changes, store.Order{By: by, What: p.What + ": " + p.Numbers(), Reason: reason}, now)
}
