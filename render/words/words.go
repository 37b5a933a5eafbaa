// Package words reads the wording (templates/words.ja.toml and those of other languages) that the mail and the PDFs share, and
// writes figures, days and months the way their reader expects them. It knows nothing of HTML,
// charts or pages, and holds no Japanese of its own: a word that is missing is an error at start.
package words

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"geppo/aggregate"
	"geppo/store"
)

// Languages are those that reports can be written in (BCP 47), the default first.
var Languages = []string{"ja", "en"}

// File is the name of a language's wording in the template file system.
func File(lang string) string { return "words." + lang + ".toml" }

// FamiliesFile is the name of the prefixes that tell families of threats.
const FamiliesFile = "families.toml"

// None stands in Feature for a list that a part of the report does not have.
const None = "-"

// Words is the wording. Maps are keyed by the canonical names of store and aggregate; Load has
// made sure that each of them holds exactly the keys it must, but for Timezones, which may hold
// any, and EDRStatus, whose keys are looked up with the received word as the fallback.
type Words struct {
	Lang       string                             `toml:"-"` // BCP 47
	Subject    Phrase                             `toml:"subject"`
	Revision   string                             `toml:"revision"`
	Desk       string                             `toml:"desk"`     // the support desk's name, see NameDesk
	Products   map[string]string                  `toml:"products"` // by the product's key, and with _edr behind it
	Format     Format                             `toml:"format"`
	Timezones  map[string]string                  `toml:"timezones"`
	Overview   Overview                           `toml:"overview"`
	Classes    map[store.Class]string             `toml:"classes"`
	Features   map[store.Feature]Feature          `toml:"features"`
	Lists      Lists                              `toml:"lists"`
	Results    map[store.Feature]map[string]Entry `toml:"results"`
	Glossary   map[string]Term                    `toml:"glossary"`
	Database   Database                           `toml:"database"`
	EDR        EDR                                `toml:"edr"`
	EDRStatus  map[string]string                  `toml:"edr_status"`
	Judgements map[aggregate.Judgement]Judgement  `toml:"judgements"`
	State      State                              `toml:"state"`
	Asks       map[aggregate.MarkKind]Ask         `toml:"asks"`
	Mail       Mail                               `toml:"mail"`
	Points     Points                             `toml:"points"`
	Edition    Edition                            `toml:"edition"`

	ObjectTypes   map[string]string `toml:"object_types"`
	ObjectResults map[string]string `toml:"object_results"`

	// Families are the prefixes of families.toml.
	Families Families `toml:"-"`
}

// Format is how figures and days are written.
type Format struct {
	Month         Phrase   `toml:"month"`
	ShortMonth    Phrase   `toml:"short_month"`
	Span          Phrase   `toml:"span"`
	Day           Phrase   `toml:"day"`
	LongDay       Phrase   `toml:"long_day"`
	Period        Phrase   `toml:"period"`
	Weekdays      []string `toml:"weekdays"` // Sunday first
	Months        []string `toml:"months"`
	LongMonths    []string `toml:"long_months"`
	Thousands     string   `toml:"thousands"`
	Detections    Phrase   `toml:"detections"`
	Endpoints     Phrase   `toml:"endpoints"`
	Percent       Phrase   `toml:"percent"`
	Increase      Phrase   `toml:"increase"`
	Decrease      Phrase   `toml:"decrease"`
	Counts        Phrase   `toml:"counts"`
	Join          string   `toml:"join"`
	Sentence      Phrase   `toml:"sentence"` // with what ends it and stands before the next
	Between       string   `toml:"between"`  // between facts on one line
	Note          string   `toml:"note"`     // before the number of a footnote
	Aside         Phrase   `toml:"aside"`    // {to} in brackets behind {from}
	Title         Phrase   `toml:"title"`    // a heading of the text mail
	MoreEndpoints Phrase   `toml:"more_endpoints"`
	MoreRows      Phrase   `toml:"more_rows"`
	NoName        string   `toml:"no_name"`
}

// Overview is part 1 of the antivirus report.
type Overview struct {
	Heading       string `toml:"heading"`
	ProductInfo   string `toml:"product_info"`
	Agents        string `toml:"agents"`
	Summary       string `toml:"summary"`
	Product       string `toml:"product"`
	Company       string `toml:"company"`
	Contract      string `toml:"contract"`
	Period        string `toml:"period"`
	Revision      string `toml:"revision"`
	Licences      string `toml:"licences"`
	Usage         string `toml:"usage"`
	Over          string `toml:"over"`
	NoRate        string `toml:"no_rate"`
	Feature       string `toml:"feature"`
	MonthBefore   Phrase `toml:"month_before"`
	Change        string `toml:"change"`
	NewFromZero   Phrase `toml:"new_from_zero"`
	Unchanged     string `toml:"unchanged"`
	NoLastMonth   Phrase `toml:"no_last_month"`
	NoInventory   string `toml:"no_inventory"`
	NotConfigured string `toml:"not_configured"`
}

// Feature holds the headings of one of the parts 2 to 7; a list that the part has not is None.
type Feature struct {
	Heading   string `toml:"heading"`
	Total     string `toml:"total"`
	Endpoints string `toml:"endpoints"`
	Servers   string `toml:"servers"`
	Trend     string `toml:"trend"`
	Results   string `toml:"results"`
	Names     string `toml:"names"`
	Name      string `toml:"name"` // column head of the list Names
	About     string `toml:"about"`
}

// Lists holds column heads.
type Lists struct {
	Endpoint  string `toml:"endpoint"`
	Server    string `toml:"server"`
	Count     string `toml:"count"`
	Share     string `toml:"share"`
	Result    string `toml:"result"`
	Means     string `toml:"means"`
	Status    string `toml:"status"`
	Object    string `toml:"object"`
	Type      string `toml:"type"`
	LastSeen  string `toml:"last_seen"`
	Events    string `toml:"events"`
	OS        string `toml:"os"`
	Endpoints string `toml:"endpoints"`
	Total     string `toml:"total"`
	None      string `toml:"none"`
}

// Entry is a result's label and its one-line explanation.
type Entry struct {
	Label string `toml:"label"`
	Means string `toml:"means"`
}

// Term is a glossary footnote.
type Term struct {
	Term  string `toml:"term"`
	Means string `toml:"means"`
}

// Database introduces the vendor's threat database.
type Database struct {
	Heading string `toml:"heading"`
	About   string `toml:"about"`
}

// EDR holds the headings of the EDR report.
type EDR struct {
	Activity           string   `toml:"activity"`
	Protection         string   `toml:"protection"`
	EndpointProtection string   `toml:"endpoint_protection"`
	MailProtection     string   `toml:"mail_protection"`
	EventTrend         string   `toml:"event_trend"`
	ObjectsTop         string   `toml:"objects_top"`
	EndpointsTop       string   `toml:"endpoints_top"`
	Status             string   `toml:"status"`
	Objects            string   `toml:"objects"`
	Offline            string   `toml:"offline"`
	Outdated           string   `toml:"outdated"`
	UnsupportedOS      string   `toml:"unsupported_os"`
	RealtimeScan       string   `toml:"realtime_scan"`
	BehaviorMonitoring string   `toml:"behavior_monitoring"`
	MachineLearning    string   `toml:"machine_learning"`
	WebReputation      string   `toml:"web_reputation"`
	EDR                string   `toml:"edr"`
	MailSections       []string `toml:"mail_sections"` // 4-1 to 4-5
	NotProvided        string   `toml:"not_provided"`
	Events             string   `toml:"events"`
	AllOn              string   `toml:"all_on"`
	StatusAt           string   `toml:"status_at"`
}

// Judgement is the judgement's word, with the shape and the sentence that stand beside it.
type Judgement struct {
	Word string `toml:"word"`
	Mark string `toml:"mark"`
	Lead string `toml:"lead"`
	// Asked is the lead where something is asked of the reader, {count} times.
	Asked Phrase `toml:"asked"`
}

// State holds what the mail says right below the judgement.
type State struct {
	Zero        Phrase                       `toml:"zero"`
	Detected    Phrase                       `toml:"detected"`
	DetectedAll Phrase                       `toml:"detected_all"` // where all were handled
	Restricted  Phrase                       `toml:"restricted"`
	Protection  Phrase                       `toml:"protection"`
	NoEndpoints string                       `toml:"no_endpoints"`
	NoInventory string                       `toml:"no_inventory"`
	Asks        string                       `toml:"asks"`
	NoAsks      string                       `toml:"no_asks"`
	MoreAsks    Phrase                       `toml:"more_asks"`
	MoreAsksPDF Phrase                       `toml:"more_asks_pdf"`
	AsksContact Phrase                       `toml:"asks_contact"`
	Late        Phrase                       `toml:"late"`
	Revision    Phrase                       `toml:"revision"`
	Gaps        Phrase                       `toml:"gaps"`
	Missing     map[aggregate.Missing]Phrase `toml:"missing"`
}

// Ask is one thing in an item of ご確認いただきたい事項.
type Ask struct {
	Title Phrase `toml:"title"`
	Do    Phrase `toml:"do"`
}

// Mail holds what only the two bodies of the mail say.
type Mail struct {
	Title        string `toml:"title"`
	Addressee    Phrase `toml:"addressee"`
	Greeting     Phrase `toml:"greeting"`
	Action       string `toml:"action"`
	Mark         string `toml:"mark"`
	Quiet        string `toml:"quiet"`
	Compared     Phrase `toml:"compared"`
	ComparedNone Phrase `toml:"compared_none"` // nothing in either month
	DayCount     Phrase `toml:"day_count"`
	Shading      string `toml:"shading"`
	Hatching     string `toml:"hatching"`
	TrendAlt     Phrase `toml:"trend_alt"`
	TrendNone    string `toml:"trend_none"`
	ResultsAlt   Phrase `toml:"results_alt"`
	ResultCount  Phrase `toml:"result_count"`
	EventUnit    string `toml:"event_unit"`
	BriefPDF     string `toml:"brief_pdf"`
	BriefText    string `toml:"brief_text"`
	FullNames    string `toml:"full_names"`
	Attached     string `toml:"attached"`
	NotAttached  string `toml:"not_attached"`
	PDFPages     Phrase `toml:"pdf_pages"`
	Glossary     string `toml:"glossary"`
	Contact      string `toml:"contact"`
	Phone        string `toml:"phone"`
	Hours        string `toml:"hours"`
	SendingOnly  string `toml:"sending_only"`
	Replies      string `toml:"replies"` // in its place where there is an address for replies
}

// Edition holds what the first page and the PDFs say.
type Edition struct {
	Review       Phrase            `toml:"review"`
	Detected     string            `toml:"detected"` // the funnel's numbers
	Handled      string            `toml:"handled"`
	AtDesk       string            `toml:"at_desk"`
	Asked        string            `toml:"asked"`
	Restricted   string            `toml:"restricted"`
	Summary      string            `toml:"summary"`
	FileTitle    Phrase            `toml:"file_title"`
	Issued       Phrase            `toml:"issued"`
	Honorific    Phrase            `toml:"honorific"`
	Revision     Phrase            `toml:"revision"`
	Page         Phrase            `toml:"page"`
	Appendix     string            `toml:"appendix"`
	Shortened    string            `toml:"shortened"`
	Spelled      string            `toml:"spelled"`
	Bracket      string            `toml:"bracket"`
	Mean         Phrase            `toml:"mean"` // beside the line of the month before
	EndpointUnit string            `toml:"endpoint_unit"`
	DeskActs     Phrase            `toml:"desk_acts"`
	CaseObject   Phrase            `toml:"case_object"`
	Threats      string            `toml:"threats"`  // heading of what the month's threats are
	Threat       Phrase            `toml:"threat"`   // a threat's number, its family, and what that does
	OnFront      Phrase            `toml:"on_front"` // where figures stand that the first page has
	Several      Phrase            `toml:"several"`
	About        map[string]string `toml:"about"`
}

// Points holds the POINT sentences.
type Points struct {
	Heading           string `toml:"heading"`
	Change            Phrase `toml:"change"`
	Increase          Phrase `toml:"increase"`
	Decrease          Phrase `toml:"decrease"`
	IncreaseCounts    Phrase `toml:"increase_counts"`
	DecreaseCounts    Phrase `toml:"decrease_counts"`
	Increased         Phrase `toml:"increased"`
	IncreasedLast     Phrase `toml:"increased_last"`
	DecreasedLast     Phrase `toml:"decreased_last"`
	And               string `toml:"and"`
	UsageLow          Phrase `toml:"usage_low"`
	UsageHigh         Phrase `toml:"usage_high"`
	UsageOver         Phrase `toml:"usage_over"`
	Concentration     Phrase `toml:"concentration"`
	Weekday           Phrase `toml:"weekday"`
	Holiday           Phrase `toml:"holiday"`
	Ransomware        Phrase `toml:"ransomware"`
	RansomwareResults Phrase `toml:"ransomware_results"`
	ToConfirm         Phrase `toml:"to_confirm"`
	Restart           Phrase `toml:"restart"`
	NotHandled        Phrase `toml:"not_handled"`
	OpenEvents        Phrase `toml:"open_events"`
	Offline           Phrase `toml:"offline"`
	Outdated          Phrase `toml:"outdated"`
	Unprotected       Phrase `toml:"unprotected"`
	Unsupported       Phrase `toml:"unsupported"`
	NamesJoin         string `toml:"names_join"`
}

// Families are prefixes of names that say of what family something is.
type Families struct {
	Ransomware []string `toml:"ransomware"`
	List       []Family `toml:"families"`
}

// Load reads the wording of a language, and families.toml. Unknown keys, missing keys and sentences with unknown gaps are errors
// that name the key.
func Load(fsys fs.FS, lang string) (*Words, error) {
	if !slices.Contains(Languages, lang) {
		return nil, fmt.Errorf("there is no wording in %q; name one of %s", lang, strings.Join(Languages, ", "))
	}
	w := &Words{Lang: lang}
	if err := decode(fsys, File(lang), w); err != nil {
		return nil, err
	}
	if err := decode(fsys, FamiliesFile, &w.Families); err != nil {
		return nil, err
	}
	if faults := w.faults(); len(faults) > 0 {
		return nil, &Faults{File(lang), faults}
	}
	return w, nil
}

func decode(fsys fs.FS, file string, into any) error {
	b, err := fs.ReadFile(fsys, file)
	if err != nil {
		return fmt.Errorf("read the wording: %w", err)
	}
	if err := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields().Decode(into); err != nil {
		return &Faults{file, decodeFaults(err)}
	}
	return nil
}

// Faults are what is wrong with a file of wording, each with its key.
type Faults struct {
	File string
	List []string
}

func (f *Faults) Error() string { return f.File + ": " + strings.Join(f.List, "; ") }

// NameProduct puts a brand's name of a product in the place of the wording's own: edr on the EDR report.
func (w *Words) NameProduct(key string, name, edr string) {
	for key, name := range map[string]string{key: name, key + edrReport: edr} {
		if name != "" {
			w.Products[key] = name
		}
	}
}

// edrReport is behind the key of a product whose name the EDR report prints.
const edrReport = "_edr"

// Product is a product as its reports print it: on the antivirus report, and on the EDR report.
func (w *Words) Product(p store.Product) (antivirus, edr string) {
	return w.Products[string(p)], w.Products[string(p)+edrReport]
}

// NameDesk puts another name of the support desk wherever the wording names its own.
func (w *Words) NameDesk(name string) {
	for _, entries := range w.Results {
		for key, e := range entries {
			e.Means = strings.ReplaceAll(e.Means, w.Desk, name)
			entries[key] = e
		}
	}
	w.Desk = name
}

// decodeFaults tells place and key of a TOML error; the library's own text quotes the file over
// several lines.
func decodeFaults(err error) []string {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) {
		var keys []string
		for _, e := range strict.Errors {
			row, _ := e.Position()
			keys = append(keys, fmt.Sprintf("line %d: unknown key %s", row, strings.Join(e.Key(), ".")))
		}
		return keys
	}
	var at *toml.DecodeError
	if errors.As(err, &at) {
		row, column := at.Position()
		return []string{fmt.Sprintf("line %d, column %d: %s", row, column, at.Error())}
	}
	return []string{err.Error()}
}
