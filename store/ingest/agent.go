package ingest

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"geppo/store"
)

// The agent's own logs name no machine and are in its local time. Their columns stand between <;>,
// without quotes.

const agentSeparator = "<;>"

// agentEndpoint is the machine that a log is of: as the operator says, or by the file's or its
// folder's name, HOST.pccnt35.log or HOST/pccnt35.log.
func (v *vendor) agentEndpoint(log string) (string, error) {
	if v.Endpoint != "" {
		return v.Endpoint, nil
	}
	parts := strings.FieldsFunc(v.file, func(r rune) bool { return r == '/' || r == '\\' })
	name := path.Base(strings.Join(parts, "/"))
	switch {
	case len(name) > len(log)+1 && strings.EqualFold(name[len(name)-len(log)-1:], "."+log):
		return name[:len(name)-len(log)-1], nil
	case strings.EqualFold(name, log):
		for i := len(parts) - 2; i >= 0; i-- {
			folder := parts[i]
			if strings.EqualFold(folder, "misc") {
				continue // of the agent's own folders
			}
			if folder == "." || folder == ".." || folder == v.Contract || strings.HasSuffix(folder, ":") {
				break
			}
			return folder, nil
		}
	}
	return "", &RowError{Line: 1, Reason: "the log names no machine; say --endpoint, or name the file HOST." + log}
}

// agentColumns takes a line apart.
func agentColumns(text string, least int) ([]string, error) {
	columns := strings.Split(text, agentSeparator)
	if len(columns) < least {
		return nil, fmt.Errorf("%d of at least %d columns; the line is cut, get it again", len(columns), least)
	}
	for i := range columns {
		columns[i] = strings.TrimSpace(columns[i])
	}
	return columns, nil
}

func column(columns []string, i int) string {
	if i < len(columns) {
		return columns[i]
	}
	return ""
}

var agentDay = regexp.MustCompile(`^\d{8}$`)

// agentTime is a line's instant: the seconds since 1970, where it has them, before the local time.
// Where both stand there and differ, the agent's clock or zone is not what one thinks.
func (v *vendor) agentTime(l *line, day, clock, unix string) (time.Time, error) {
	local, err := localTime(day, clock, v.zone())
	if err != nil {
		return local, err
	}
	if n, convErr := strconv.ParseInt(unix, 10, 64); convErr == nil && n > 0 && len(unix) >= 9 && len(unix) <= 11 {
		at := time.Unix(n, 0)
		if gap := at.Sub(local); gap >= 2*time.Minute || gap <= -2*time.Minute {
			l.warn("unix time and local time disagree")
		}
		return at, nil
	}
	return local, nil
}

// localTime reads a day like 20261005 and a time like 948 (9:48), 5 (0:05) or 235959.
func localTime(day, clock string, zone *time.Location) (time.Time, error) {
	bad := fmt.Errorf("no such time: %.20s %.20s", day, clock)
	n, err := strconv.ParseUint(clock, 10, 32)
	if err != nil || !agentDay.MatchString(day) || len(clock) == 5 || len(clock) > 6 {
		return time.Time{}, bad
	}
	if len(clock) <= 4 {
		n *= 100
	}
	m := moment{hour: int(n / 10000), minute: int(n / 100 % 100), second: int(n % 100)}
	m.year, m.month, m.day = number(day[:4]), number(day[4:6]), number(day[6:])
	if !m.possible() {
		return time.Time{}, bad
	}
	return m.in(zone), nil
}

// number is the value of digits.
func number(digits string) (n int) {
	for _, d := range digits {
		n = 10*n + int(d-'0')
	}
	return n
}

// agentDetection is a row of an agent's log.
func (v *vendor) agentDetection(l *line, f finding, endpoint string) {
	if _, reported := v.feature(f.class); !reported {
		l.class = f.class
		return
	}
	f.endpoints = []string{endpoint}
	v.detection(l, f)
}

// agentCodes are the results of pccnt35.log. They are another table than that of the console's
// interface for service providers.
var agentCodes = map[string]string{
	"0": cleaned.virus, "1": quarantined.virus, "10": quarantined.virus, "2": deleted.virus, "11": deleted.virus,
	"3": renamed.virus, "12": renamed.virus, "4": passed.virus, "13": passed.virus, "25": passed.virus,
	"5": uncleanable.virus, "6": uncleanable.virus, "7": uncleanable.virus, "8": uncleanable.virus, "14": uncleanable.virus,
	"15": uncleanable.virus, "16": uncleanable.virus,
}

// classVirus and classWeb are the classes of the two logs.
const (
	classVirus = string(store.Virus)
	classWeb   = string(store.WebReputation)
)
