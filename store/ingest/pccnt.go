package ingest

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// pccnt35.log is an agent's log of viruses:
//
//	20261005<;>948<;>TROJ_X<;>1<;>3<;>0<;>C:\folder\<;>file.exe<;><;>1791161290<;><;>
//
// day, local time, threat, result, kind of scan, 0, folder, file, –, seconds since 1970, –, –. Old
// agents write the folder and the file into one column and no seconds.

const (
	pccntLog   = "pccnt35.log"
	pccntLeast = 7
	pccntMost  = 13
)

func openPccnt(r io.Reader, v *vendor) source {
	endpoint, err := v.agentEndpoint(pccntLog)
	if err != nil {
		return refused{err}
	}
	return vendorLines(func(v *vendor, l *line, text string) { v.pccnt(l, text, endpoint) })(r, v)
}

func (v *vendor) pccnt(l *line, text, endpoint string) {
	columns, err := agentColumns(text, pccntLeast)
	if err == nil && len(columns) > pccntMost {
		err = fmt.Errorf("%d of at most %d columns; two lines may have become one", len(columns), pccntMost)
	}
	if err != nil {
		l.err = err
		return
	}
	f := finding{class: classVirus, name: columns[2], path: pccntPath(columns[6], column(columns, 7))}
	if f.time, l.err = v.agentTime(l, columns[0], columns[1], column(columns, 9)); l.err != nil {
		return
	}
	code, err := strconv.Atoi(columns[3])
	if err != nil {
		l.err = fmt.Errorf("the result is %.40q, which is no number; the line is damaged", columns[3])
		return
	}
	f.results = []string{strconv.Itoa(code)}
	if text, ok := agentCodes[f.results[0]]; ok {
		f.results[0] = text
	}
	v.agentDetection(l, f, endpoint)
}

// pccntPath is the file in its folder.
func pccntPath(folder, file string) string {
	if file == "" || folder == "" || strings.HasSuffix(folder, `\`) {
		return folder + file
	}
	return folder + `\` + file
}
