package store

import (
	"fmt"
	"time"
)

// CheckContractID tells whether id is of the form [A-Za-z0-9._-]{1,64} without a dot first, which
// makes it safe as a file name.
func CheckContractID(id string) error {
	ok := len(id) >= 1 && len(id) <= 64 && id[0] != '.'
	for i := range len(id) {
		c := id[i]
		ok = ok && (isAlphanumeric(c) || c == '.' || c == '_' || c == '-')
	}
	if !ok {
		return fmt.Errorf("contract id %.80q is not 1 to 64 of A-Z a-z 0-9 . _ - without a dot first", id)
	}
	return nil
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// RecipientChange is what an operator did to a contract's list of addresses. It lives in the
// ledger, where no import can undo it.
type RecipientChange struct {
	Contract  string
	Recipient Recipient
	Removed   bool // otherwise added
	Renamed   bool // added as it was, with another name: its mark stays
	By        string
	Reason    string // for the list of actions; not kept with the change
	At        time.Time
}
