package sqlstore

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Every statement is written once, in SQLite's words, and is the same for PostgreSQL but for what rebind changes:
//
//	?N, ?, +?              $N; a bare one is the next after the greatest before it, as in SQLite
//	INDEXED BY name        nothing; PostgreSQL takes no hints
//	CROSS JOIN … ON        JOIN … ON; in SQLite it holds the order of a join, which is a hint too
//	json_each(             json_array_elements_text(; its values are texts: CAST(value AS BIGINT)
//	unixepoch of now       now_ms(), of the migration
//	/*pg … */              what is in it: a comment to SQLite
//
// What is in quotes stays as it is.
func rebind(query string) string {
	if known, ok := rebound.Load(query); ok {
		return known.(string)
	}
	var out strings.Builder
	rest, last := query, 0
	for rest != "" {
		at := differing.FindStringIndex(rest)
		if at == nil {
			out.WriteString(rest)
			break
		}
		out.WriteString(rest[:at[0]])
		found := rest[at[0]:at[1]]
		rest = rest[at[1]:]
		switch {
		case found[0] == '\'' || found[0] == '"' || found[0] == '-':
			out.WriteString(found)
		case found == "CROSS JOIN":
			out.WriteString("JOIN")
		case found == nowMillis:
			out.WriteString("now_ms()")
		case found == "json_each(":
			out.WriteString("json_array_elements_text(")
		case strings.HasPrefix(found, "INDEXED BY"):
		case strings.HasPrefix(found, "/*pg"):
			out.WriteString(strings.TrimSuffix(strings.TrimPrefix(found, "/*pg"), "*/"))
		default: // a parameter
			number, err := strconv.Atoi(strings.TrimLeft(found, "+?"))
			if err != nil {
				number = last + 1
			}
			last = max(last, number)
			out.WriteString("$" + strconv.Itoa(number))
		}
	}
	rebound.Store(query, out.String())
	return out.String()
}

// rebound are the statements that were rebound before; those with a selection have a handful of forms.
var rebound sync.Map

var differing = regexp.MustCompile(regexp.QuoteMeta(nowMillis) + `|'[^']*'|"[^"]*"|--[^\n]*|/\*pg[^*]*\*/|\+?\?[0-9]*|\bINDEXED BY \w+|\bCROSS JOIN\b|\bjson_each\(`)
