package store

// Evidence is what a contract's own rows say of its feed at the end of a period. What another contract's
// rows say, or that an import has run, is none: it may have brought nothing of this contract.
type Evidence struct {
	Begun bool // some row is dated before the period's end
	// Complete: the period's last day is covered, or a row is dated after it. Rows dated in the future
	// tell nothing but that a clock is wrong.
	Complete bool
}
