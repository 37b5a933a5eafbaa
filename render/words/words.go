// Package words reads the wording (templates/words.toml) that the mail and the PDFs share, and
// writes figures, days and months the way their reader expects them. It knows nothing of HTML,
// charts or pages, and holds no Japanese of its own: a word that is missing is an error at start.
package words

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"geppo/aggregate"
	"geppo/store"
)

// File is the name of the wording in the template file system.
const File = "words.toml"

// None stands in Feature for a list that a part of the report does not have.
const None = "-"

// Words is the wording. Maps are keyed by the canonical names of store and aggregate; Load has
// made sure that each of them holds exactly the keys it must, but for Timezones, which may hold
// any, and EDRStatus, whose keys are looked up with the received word as the fallback.
type Words struct {
	Subject    Phrase                             `toml:"subject"`
	Revision   string                             `toml:"revision"`
	Desk       string                             `toml:"desk"` // the support desk's name, see NameDesk
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
	Asks       map[string]Ask                     `toml:"asks"`
	Mail       Mail                               `toml:"mail"`
	Points     Points                             `toml:"points"`

	mail bool // see ForMail
}

// Format is how figures and days are written.
type Format struct {
	Month         Phrase   `toml:"month"`
	Day           Phrase   `toml:"day"`
	LongDay       Phrase   `toml:"long_day"`
	Period        Phrase   `toml:"period"`
	Weekdays      []string `toml:"weekdays"` // Sunday first
	Thousands     string   `toml:"thousands"`
	Detections    Phrase   `toml:"detections"`
	Endpoints     Phrase   `toml:"endpoints"`
	Percent       Phrase   `toml:"percent"`
	Increase      Phrase   `toml:"increase"`
	Decrease      Phrase   `toml:"decrease"`
	Join          string   `toml:"join"`
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
	Timezone      string `toml:"timezone"`
	Revision      string `toml:"revision"`
	Licences      string `toml:"licences"`
	Usage         string `toml:"usage"`
	Over          string `toml:"over"`
	NoRate        string `toml:"no_rate"`
	Feature       string `toml:"feature"`
	ThisMonth     string `toml:"this_month"`
	LastMonth     string `toml:"last_month"`
	Change        string `toml:"change"`
	NewFromZero   string `toml:"new_from_zero"`
	Unchanged     string `toml:"unchanged"`
	NoLastMonth   string `toml:"no_last_month"`
	NotConfigured string `toml:"not_configured"`
	NoDetections  string `toml:"no_detections"`
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
	Rank      string `toml:"rank"`
	Endpoint  string `toml:"endpoint"`
	Server    string `toml:"server"`
	Count     string `toml:"count"`
	Share     string `toml:"share"`
	Day       string `toml:"day"`
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
	Heading            string   `toml:"heading"`
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
	OffHeading         string   `toml:"off_heading"`
	StatusAt           string   `toml:"status_at"`
}

// Judgement is the shape and the sentence that stand beside the judgement's word.
type Judgement struct {
	Mark string `toml:"mark"`
	Lead string `toml:"lead"`
}

// State holds what the mail says right below the judgement.
type State struct {
	Working     string `toml:"working"`
	Zero        string `toml:"zero"`
	Detected    Phrase `toml:"detected"`
	NoEndpoints string `toml:"no_endpoints"`
	Asks        string `toml:"asks"`
	NoAsks      string `toml:"no_asks"`
	Late        Phrase `toml:"late"`
	Revision    Phrase `toml:"revision"`
	Gaps        Phrase `toml:"gaps"`
}

// Ask is an item of ご確認いただきたい事項.
type Ask struct {
	Title Phrase `toml:"title"`
	Do    Phrase `toml:"do"`
}

// Mail holds what only the two bodies of the mail say.
type Mail struct {
	Title         string `toml:"title"`
	Heading       Phrase `toml:"heading"`
	Addressee     Phrase `toml:"addressee"`
	Greeting      Phrase `toml:"greeting"`
	Targets       string `toml:"targets"`
	DateOfGap     string `toml:"date_of_gap"`
	Action        string `toml:"action"`
	UnsupportedOS Phrase `toml:"unsupported_os"`
	Quiet         string `toml:"quiet"`
	Compared      Phrase `toml:"compared"`
	TrendDays     string `toml:"trend_days"`
	DayCount      Phrase `toml:"day_count"`
	Range         Phrase `toml:"range"`
	Shading       string `toml:"shading"`
	Hatching      string `toml:"hatching"`
	TrendAlt      Phrase `toml:"trend_alt"`
	TrendNone     string `toml:"trend_none"`
	ResultsAlt    Phrase `toml:"results_alt"`
	ResultCount   Phrase `toml:"result_count"`
	EventUnit     string `toml:"event_unit"`
	BriefPDF      string `toml:"brief_pdf"`
	BriefText     string `toml:"brief_text"`
	FullNames     string `toml:"full_names"`
	ThreatSearch  string `toml:"threat_search"`
	AgentsNote    string `toml:"agents_note"`
	Attached      string `toml:"attached"`
	NotAttached   string `toml:"not_attached"`
	PDFTitle      Phrase `toml:"pdf_title"`
	PDFTitleEDR   Phrase `toml:"pdf_title_edr"`
	PDFPages      Phrase `toml:"pdf_pages"`
	Glossary      string `toml:"glossary"`
	Contact       string `toml:"contact"`
	Phone         string `toml:"phone"`
	Hours         string `toml:"hours"`
	SendingOnly   string `toml:"sending_only"`
}

// Points holds the POINT sentences.
type Points struct {
	Heading       string `toml:"heading"`
	Increase      Phrase `toml:"increase"`
	Decrease      Phrase `toml:"decrease"`
	Unchanged     Phrase `toml:"unchanged"`
	Usage         Phrase `toml:"usage"`
	Concentration Phrase `toml:"concentration"`
	Weekday       Phrase `toml:"weekday"`
	WeekdayOne    Phrase `toml:"weekday_one"`
	Holiday       Phrase `toml:"holiday"`
	ToConfirm     Phrase `toml:"to_confirm"`
	Restart       Phrase `toml:"restart"`
	Offline       Phrase `toml:"offline"`
	Outdated      Phrase `toml:"outdated"`
	Unprotected   Phrase `toml:"unprotected"`
	NamesJoin     string `toml:"names_join"`
}

// Load reads words.toml. Unknown keys, missing keys and sentences with unknown gaps are errors
// that name the key.
func Load(fsys fs.FS) (*Words, error) {
	b, err := fs.ReadFile(fsys, File)
	if err != nil {
		return nil, fmt.Errorf("read the wording: %w", err)
	}
	w := new(Words)
	d := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields()
	if err := d.Decode(w); err != nil {
		return nil, &Faults{File, decodeFaults(err)}
	}
	if faults := w.faults(); len(faults) > 0 {
		return nil, &Faults{File, faults}
	}
	return w, nil
}

// Faults are what is wrong with a file of wording, each with its key.
type Faults struct {
	File string
	List []string
}

func (f *Faults) Error() string { return f.File + ": " + strings.Join(f.List, "; ") }

// NameDesk puts another name of the support desk wherever words.toml names its own.
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
