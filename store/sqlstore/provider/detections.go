package provider

import (
	"context"
	"time"

	"geppo/store"
)

// numbers is 0 to ?1 - 1.
const numbers = `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1) `

const (
	putContracts = numbers + `
INSERT INTO contracts (key, id, name, folded, product, edr, url_filtering, licences, timezone, brand, since)
SELECT i + 1, printf('C%06d', i), '株式会社サンプル' || i, '株式会社サンプル' || i, iif(i % 3, 'antivirus', 'security_package'), 0, i % 2, 10, 'Asia/Tokyo', '', '2024-04-01' FROM n`

	// Of five contracts two have a second address; one in a thousand has none.
	putRecipients = numbers + `
INSERT INTO recipients (contract, address, name)
SELECT i + 1, printf('kanri%d@c%d.example.jp', i, i), '情報システム ご担当者' FROM n WHERE i % 1000 <> 999
UNION ALL SELECT i + 1, printf('soumu%d@c%d.example.jp', i, i), '総務 ご担当者' FROM n WHERE i % 5 < 2`

	putEndpoints = numbers + `, m (j) AS (VALUES (1), (2), (3), (4), (5))
INSERT INTO endpoints (contract, folded, endpoint_id, name, class, os, installed_at)
SELECT i + 1, printf('eigyo%06d-pc%02d', i, j), '', printf('EIGYO%06d-PC%02d', i, j), iif(j = 5, 'server', 'desktop'), 'Windows 11 Pro', 1711929600000
FROM n, m ORDER BY 1, 2`

	// ?2 is the last day of a month.
	putStatuses = numbers + `, m (j) AS (VALUES (1), (2), (3), (4), (5))
INSERT INTO agent_status (contract, machine, endpoint, day, last_seen, pattern_current, os, os_supported, realtime_scan,
  behavior_monitoring, machine_learning, web_reputation, edr)
SELECT i + 1, printf('eigyo%06d-pc%02d', i, j), printf('EIGYO%06d-PC%02d', i, j), ?2, unixepoch(?2) * 1000, 1, 'Windows 11 Pro', 1, 'on', 'on', 'on', 'on', 'off'
FROM n, m ORDER BY 1, 2`

	putCoverage = numbers + `INSERT INTO coverage (contract, day) SELECT i + 1, ?2 FROM n`

	// Eight a contract and month, which begins at ?2: the virus of every fifth contract was not cleaned.
	putDetections = numbers + `, m (j, feature, result) AS (VALUES (1, 'virus', ''), (2, 'virus', 'quarantined'), (3, 'spyware', 'cleaned'),
  (4, 'web_reputation', ''), (5, 'web_reputation', ''), (6, 'url_filtering', ''), (7, 'behavior_monitoring', ''), (8, 'virus', 'deleted'))
INSERT INTO detections (contract, time, identity, id, feature, class, count, endpoint, name, result, received, path, endpoint_id)
SELECT i + 1, ?2 + j * 259200000 + i % 86400 * 1000, ?2 + j, printf('d-%d-%d', ?2, j), feature, 'desktop', 1 + (i + j) % 3,
  printf('EIGYO%06d-PC%02d', i, 1 + j % 5), printf('Trojan.Win32.FRS.VSNW%02dG24', (i + j) % 50),
  CASE WHEN j = 1 THEN iif(i % 5, 'cleaned', 'uncleanable') ELSE result END, ?2 + j * 259200000 + 60000, 'C:\Users\yamada\Downloads\invoice.exe', ''
FROM n, m ORDER BY 1, 2`

	// A file a day and feed, of three feeds; ?1 is how many, ?2 when the last one came.
	putImports = numbers + `
INSERT INTO imports (started_at, finished_at, feed, file, format, read_rows, new_rows, changed_rows, duplicate_rows, rejected_rows, not_reported, warnings)
SELECT ?2 - (?1 - i) * 28800000, ?2 - (?1 - i) * 28800000 + 60000, printf('av_%d_*.csv', i % 3), printf('av_%d_%04d.csv', i % 3, i), 'csv', 90000, 89000, 0, 1000, 0, '{}', '{}' FROM n`

	// Data of the newest month, ?2, that came when its reports were frozen: of contracts 12 in a hundred.
	putChanges = numbers + `
INSERT INTO changed (contract, month, import, changed_at) SELECT i + 1, ?2, (SELECT max(key) FROM imports), ?3 FROM n WHERE i % 25 < 3`

	putOutsiders = numbers + `
INSERT INTO outside (contract, machine, name, rows, seen_at) SELECT i + 1, 'byod' || i, 'BYOD' || i, 3, ?2 FROM n WHERE i % 50 = 0`
)

// Detections fills a migrated, empty file of detections: five machines a contract, eight detections a month.
func (s Size) Detections(ctx context.Context, path string) error {
	return fill(ctx, path, func(f *filler) {
		f.exec(putContracts, s.Contracts)
		f.exec(putRecipients, s.Contracts)
		months := []store.Period{s.Newest.Previous(), s.Newest}
		for _, p := range months {
			f.exec(putCoverage, s.Contracts, string(p.LastDay()))
		}
		if s.Quiet {
			return
		}
		f.exec(putEndpoints, s.Contracts)
		for _, p := range months {
			f.exec(putStatuses, s.Contracts, string(p.LastDay()))
		}
		for _, p := range months {
			f.exec(putDetections, s.Contracts, ended(p.Previous()))
		}
		end := ended(s.Newest)
		f.exec(putImports, s.Months*90, end+2*time.Hour.Milliseconds())
		f.exec(putChanges, s.Contracts, s.Newest.String(), end+24*time.Hour.Milliseconds())
		f.exec(putOutsiders, s.Contracts, end)
	})
}
