// Package sample writes invented but lifelike data in geppo's own import format (JSON Lines): the
// contracts, inventory, snapshots, detections and EDR events of two months. It owns the invention
// only; it opens no database, and knows nothing of reports. Demo, tests and benchmarks live on it,
// so equal options give equal bytes on every machine and in every year.
package sample
