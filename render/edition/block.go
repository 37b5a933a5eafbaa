package edition

import (
	"geppo/render/chart"
	"geppo/render/words"
)

// Block is a piece of a section, one of the types of this file. Each printer prints each of them; what it
// has no room for it leaves out and counts by the sentences in Words.
type Block interface{ block() }

// Text is running text.
type Text struct {
	Text  string
	Muted bool // that nothing was found, or a remark
}

// Figure is a section's one number, with what it is compared to ("" for nothing).
type Figure struct{ Value, Compare string }

// Tone is what a colour says; a word or a sign beside it says the same.
type Tone int

// The tones.
const (
	Plain Tone = iota
	Calm       // nothing to do
	Warn       // to be looked at
	Alarm      // to be acted on
)

// Name is a name of the data, cleaned: a machine's, a threat's, a program's. Printers may cut its middle.
type Name struct {
	Text string
	URL  string // where it is explained; "" for nowhere
}

// Column is a table's.
type Column struct {
	Head  string
	Right bool    // figures stand right
	Part  float64 // of the width, where it is fixed
}

// Cell is one of a table's.
type Cell struct {
	Name
	Below  string // in small type below it
	Strong bool
	Muted  bool
	Whole  bool // a sentence of ours, of which nothing is left out
	Tone   Tone
}

// Table has rows under heads; a table without heads has them in its first column.
type Table struct {
	Columns []Column
	Rows    [][]Cell
	Rest    int // rows that are not among Rows
}

// Headed tells whether the columns have heads.
func (t Table) Headed() bool {
	for _, c := range t.Columns {
		if c.Head != "" {
			return true
		}
	}
	return false
}

// Ranking is a list by count.
type Ranking struct {
	Head, CountHead, ShareHead string
	Rows                       []Ranked
}

// Ranked is a line of a ranking.
type Ranked struct {
	Name         Name
	Count, Share string
	Part         float64 // of the highest count, 0 to 1
}

// Trend is a chart of a month's days.
type Trend struct {
	ID    string // of the image: "virus-trend"
	Chart chart.Trend
	Alt   string // says the chart
	Days  string // the days that have something, for who sees no chart
	Key   string // what bands and lines mean; "" for nothing
}

// Shares are the parts of a total, as a bar and a table.
type Shares struct {
	ID                         string
	Slices                     []chart.Slice
	Alt                        string
	Head, CountHead, MeansHead string
	Rows                       []Share
	Several                    bool // there is something to compare
}

// Share is one of them.
type Share struct {
	Label, Count, Means string
	Zero                bool
	Tone                Tone
}

// Names is a list of names with their number.
type Names struct {
	Count string // 「3台」
	List  []Name
	Rest  int // names that are not in List
}

// Points are computed sentences that a reader would look for.
type Points struct{ Sentences []string }

// Cases are events as the desk works through them, what is open first.
type Cases struct {
	Rows []Case
	Rest int
}

// Case is one event.
type Case struct {
	Date, Status string
	Endpoints    []Name
	What         string // what happened to which object, and with what result
	Acts         string // who acts
	Tone         Tone
}

// Link introduces a page elsewhere.
type Link struct{ Heading, Text, URL string }

func (Text) block()    {}
func (Figure) block()  {}
func (Table) block()   {}
func (Ranking) block() {}
func (Trend) block()   {}
func (Shares) block()  {}
func (Names) block()   {}
func (Points) block()  {}
func (Cases) block()   {}
func (Link) block()    {}

// Words are the few that printers say by themselves.
type Words struct {
	Point       string
	Action      string       // before a step of what the reader is asked to do
	Mark        string       // before each of several marks of a machine
	MoreNames   words.Phrase // 「ほか {count} 台」
	MoreRows    words.Phrase
	MoreAsks    words.Phrase // 「ほか {count} 台は、添付のPDFの…」
	MoreAsksPDF words.Phrase // the same at the foot of the PDF's first page
	Join        string
	Between     string       // between facts on one line
	Note        string       // before the number of a footnote
	Title       words.Phrase // a heading of the text mail: 「【…】」
}
