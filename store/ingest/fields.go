package ingest

import (
	"strings"

	"golang.org/x/text/unicode/norm"

	"geppo/store"
)

// The console's exports and the log feeder name the same fields by the same words, in the language
// of the console. This is their one table.

// field is what a column or a key holds.
type field string

const (
	fieldIgnored   field = "ignored"
	fieldGenerated field = "generated"
	fieldReceived  field = "received"
	fieldTime      field = "time" // generated or received: the console does not say
	fieldEndpoint  field = "endpoint"
	fieldVirus     field = "virus"
	fieldSpyware   field = "spyware"
	fieldUnknown   field = "unknown_threat"
	fieldNetwork   field = "network_virus"
	fieldThreat    field = "threat"
	fieldProgram   field = "program"
	fieldURL       field = "url"
	fieldCategory  field = "category"
	fieldPath      field = "path"
	fieldFile      field = "file"
	fieldResult    field = "result"
	fieldAction    field = "action"
	fieldCustomer  field = "customer"
	fieldCount     field = "count"
	fieldOS        field = "os"
)

// fieldNames are the names of each field. Where a file has several of one field, the one named
// first here is taken, whatever their order in the file: 対象 may be the target, and the product's
// entity may be the server.
var fieldNames = map[field][]string{
	fieldGenerated: {"Generated", "生成", "生成日時", "生成時刻", "Generert", "Generated Time", "Time Generated"},
	fieldReceived:  {"Received", "受信", "受信日時", "受信時刻", "Mottatt", "Received Time", "Time Received"},
	fieldTime:      {"Date/Time", "日時", "日付/時刻", "Date and Time", "Dato/tid"},
	fieldEndpoint: {
		"Device name", "Endpoint", "Endpoint Name", "デバイス名", "デバイス", "エンドポイント", "エンドポイント名", "コンピュータ名", "コンピュータ", "Enhetsnavn",
		"Computer", "Computer Name", "Product Entity/Endpoint",
	},
	fieldVirus:    {"Virus/Malware Name", "Virus/Malware", "ウイルス/不正プログラム名", "ウイルス/不正プログラム", "ウイルス名"},
	fieldSpyware:  {"Spyware", "Spyware/Grayware", "Spyware/Grayware Name", "スパイウェア", "スパイウェア/グレーウェア", "スパイウェア名", "スパイウェア/グレーウェア名"},
	fieldUnknown:  {"Unknown Threat", "未知の脅威"},
	fieldNetwork:  {"Network Virus", "Network Virus Name", "ネットワークウイルス", "ネットワークウイルス名"},
	fieldThreat:   {"Security Threat", "セキュリティの脅威", "セキュリティ脅威", "Rule", "Template", "ルール", "テンプレート"},
	fieldProgram:  {"プログラム", "プログラム名", "アプリケーション", "Program", "Application", "Subject", "Emne", "対象"},
	fieldURL:      {"URL"},
	fieldCategory: {"Category", "URL Category", "カテゴリ", "URLカテゴリ", "カテゴリー", "URLカテゴリー"},
	fieldPath:     {"Path", "File Path", "パス", "ファイルパス", "Infected Resource", "感染リソース", "Resource", "Object", "Objekt"},
	fieldFile:     {"File name", "File", "ファイル名", "Filnavn"},
	fieldResult:   {"Result", "結果", "処理結果", "Resultat"},
	fieldAction:   {"Action Taken", "Action", "処理", "実行された処理", "Handling"},
	fieldCustomer: {"Customer Name", "顧客名", "Customer", "顧客"},
	fieldCount:    {"Detections", "検出数", "回数", "検出回数"},
	fieldOS:       {"OS", "Platform", "プラットフォーム", "オペレーティングシステム", "Operating System"},
	fieldIgnored: {
		"Group name", "Group", "Domain", "User", "User Name", "IPv6 Address", "IPv4 Address", "IP Address", "IP", "MAC", "MAC Address", "Type", "Scan Type",
		"Risk Level", "Resource Type", "Permission", "Operation", "Threat Probability", "Infection Channel", "Spyware/Grayware Type", "Product",
		"グループ名", "グループ", "ドメイン", "ユーザ", "ユーザ名", "ユーザー", "ユーザー名", "種類", "検索の種類", "リスクレベル", "脅威の可能性", "感染経路", "IPアドレス",
		"Gruppenavn", "Domene", "Bruker", "Operasjon", "Tillatelse",
	},
}

// fieldOf is a name's field, and its rank among the field's names.
type fieldOf struct {
	field field
	rank  int
}

var fieldsByName = fieldTable()

func fieldTable() map[string]fieldOf {
	table := map[string]fieldOf{}
	for f, names := range fieldNames {
		for rank, name := range names {
			table[foldName(name)] = fieldOf{f, rank}
		}
	}
	return table
}

// foldName is the form in which names of fields are compared.
func foldName(name string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '_' || r == '\t' {
			return -1
		}
		return r
	}, strings.ToLower(norm.NFKC.String(name)))
}

// names finds fields by their names, the operator's own before those of the table.
type names struct {
	own  map[string]fieldOf
	seen map[string]fieldOf // by the name as received
}

func newNames(own map[string]string) names {
	n := names{own: map[string]fieldOf{}, seen: map[string]fieldOf{}}
	for name, f := range own {
		n.own[foldName(name)] = fieldOf{field(f), -1}
	}
	return n
}

// find is the field of a name; the zero value for an unknown one.
func (n *names) find(name string) fieldOf {
	if f, ok := n.seen[name]; ok {
		return f
	}
	folded := foldName(name)
	f, ok := n.own[folded]
	if !ok {
		f = fieldsByName[folded]
	}
	if len(n.seen) < maxSeen {
		n.seen[name] = f
	}
	return f
}

// named is what the fields of a record make of an event of a class. Result comes before Action:
// what was achieved, before what was tried.
func named(class string, get func(field) string) finding {
	f := finding{class: class, endpoints: []string{get(fieldEndpoint)}, machine: classOf(get(fieldOS)), count: wholeCount(get(fieldCount))}
	file := joinPath(get(fieldPath), get(fieldFile))
	results := func() []string { return []string{get(fieldResult), get(fieldAction)} }
	switch class {
	case string(store.Virus):
		f.name, f.path, f.results = present(get(fieldVirus), get(fieldThreat)), file, results()
	case string(store.Spyware):
		f.name, f.path, f.results = present(get(fieldSpyware), get(fieldThreat)), file, results()
	case string(store.MachineLearning):
		f.name, f.path, f.results = present(get(fieldUnknown), get(fieldThreat)), file, results()
	case string(store.NetworkVirus):
		f.name, f.path = present(get(fieldNetwork), get(fieldThreat)), file
	case string(store.WebReputation):
		f.name = get(fieldURL)
	case string(store.URLFiltering):
		f.name, f.path = present(get(fieldCategory), get(fieldURL)), get(fieldURL)
	case string(store.DLP):
		f.name, f.path = present(get(fieldThreat), get(fieldFile), baseName(get(fieldProgram))), file
	default: // of programs and devices: per-user folders would make one program many
		f.name, f.path = present(baseName(get(fieldProgram)), get(fieldThreat), get(fieldFile)), present(get(fieldProgram), file)
	}
	return f
}
