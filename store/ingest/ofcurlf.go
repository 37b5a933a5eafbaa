package ingest

import "io"

// OfcUrlf.log is an agent's log of web reputation:
//
//	20261005<;>1310<;>1<;>http://…<;>4E<;>Malware Accomplice<;>1<;>1<;>C:\chrome.exe<;>49<;>203.0.113.0<;>0<;>1791173404<;>
//
// day, local time, block mode, URL, category's code and name, rating, policy, application, score,
// address, threshold, seconds since 1970, –. Every line counts, blocked or not.

const (
	ofcurlfLog   = "OfcUrlf.log"
	ofcurlfLeast = 12
)

func openOfcUrlf(r io.Reader, v *vendor) source {
	endpoint, err := v.agentEndpoint(ofcurlfLog)
	if err != nil {
		return refused{err}
	}
	return vendorLines(func(v *vendor, l *line, text string) { v.ofcurlf(l, text, endpoint) })(r, v)
}

func (v *vendor) ofcurlf(l *line, text, endpoint string) {
	columns, err := agentColumns(text, ofcurlfLeast)
	if err != nil {
		l.err = err
		return
	}
	f := finding{class: classWeb, name: columns[3], path: columns[8]}
	if f.time, l.err = v.agentTime(l, columns[0], columns[1], column(columns, 12)); l.err == nil {
		v.agentDetection(l, f, endpoint)
	}
}
