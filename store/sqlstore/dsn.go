package sqlstore

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
)

// DSN is a data source name that was looked at. It prints without its password.
type DSN struct {
	Path   string // of the file; empty on PostgreSQL
	config *pgx.ConnConfig
	shown  string
}

// ParseDSN reads "sqlite:PATH", a path alone, or "postgres://USER@HOST/DATABASE" with whatever libpq takes beside; what
// that leaves out comes from PGHOST and its like, and the password from ~/.pgpass.
func ParseDSN(dsn string) (DSN, error) {
	scheme, path, ok := strings.Cut(dsn, ":")
	switch {
	case ok && (scheme == "postgres" || scheme == "postgresql"):
		return parsePostgres(dsn)
	case ok && scheme == "sqlite":
	case ok && strings.HasPrefix(path, "//"):
		return DSN{}, fmt.Errorf("database %q is neither of the form sqlite:PATH nor postgres://USER@HOST/DATABASE", scheme+"://…")
	default:
		path = dsn
	}
	if path == "" {
		return DSN{}, fmt.Errorf("database %q names no file", dsn)
	}
	return DSN{Path: path, shown: path}, nil
}

func parsePostgres(dsn string) (DSN, error) {
	u, err := url.Parse(dsn)
	if err != nil || u.Opaque != "" { // its words would repeat the password
		return DSN{}, errors.New("database: postgres:// is not followed by USER@HOST/DATABASE; write what is special in a password as %XX")
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return DSN{}, fmt.Errorf("database %s: %w", redacted(u), errors.Unwrap(err))
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "geppo" // so that whoever looks at the server's sessions knows whose they are
	}
	return DSN{config: config, shown: redacted(u)}, nil
}

// redacted is a URL without what is nobody's to read, wherever libpq takes it from.
func redacted(u *url.URL) string {
	shown := *u
	values := shown.Query()
	for _, secret := range []string{"password", "sslpassword"} {
		if values.Has(secret) {
			values.Set(secret, "xxxxx")
		}
	}
	shown.RawQuery = values.Encode()
	return shown.Redacted()
}

// String is the DSN as it may be shown.
func (d DSN) String() string { return d.shown }

// Shown is a DSN as it may be shown.
func Shown(dsn string) string {
	parsed, err := ParseDSN(dsn)
	if err != nil {
		return "the database"
	}
	return parsed.String()
}

// OnPostgres tells whether a DSN is PostgreSQL's.
func OnPostgres(dsn string) bool {
	parsed, err := ParseDSN(dsn)
	return err == nil && parsed.Path == ""
}

// DetectionsBeside is the default place of the detections that belong to a ledger: geppo.db has
// geppo-detections.db beside it, and PostgreSQL's database holds both.
func DetectionsBeside(ledger string) string {
	parsed, err := ParseDSN(ledger)
	if err != nil || parsed.Path == "" {
		return ledger
	}
	ext := filepath.Ext(ledger)
	return strings.TrimSuffix(ledger, ext) + "-detections" + ext
}
