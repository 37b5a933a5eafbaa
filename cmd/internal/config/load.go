package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"

	"geppo/mailer"
)

// Paths are looked for in this order when no file is named; a missing one is no error.
var Paths = []string{"geppo.toml", "/etc/geppo/geppo.toml"}

// Source is everything a configuration is read from.
type Source struct {
	File    string   // as named by -c; empty: the first of Paths that exists, or none
	Environ []string // "NAME=value"; names that begin with GEPPO_ are read
	DSN     string   // of --db; empty: not given
}

// Error is everything that is wrong with a configuration, one line each.
type Error struct {
	Faults     []string
	Unreadable bool // the file could not be read: nothing is known of what it says
}

func (e *Error) Error() string { return "configuration: " + strings.Join(e.Faults, "; ") }

// Concerns tells whether a fault names one of the keys, or a key of one of the sections.
func (e *Error) Concerns(keys ...string) bool {
	return slices.ContainsFunc(e.Faults, func(fault string) bool {
		return slices.ContainsFunc(keys, func(key string) bool {
			return strings.HasPrefix(fault, key+":") || strings.HasPrefix(fault, key+".")
		})
	})
}

// Load reads and checks a configuration. Its error is an *Error with every fault found; what comes
// with it is for looking for further faults only.
func Load(src Source) (Config, error) {
	config, faulty := read(src)
	if !faulty.Unreadable {
		faulty.Faults = append(faulty.Faults, config.faults(faulty)...)
	}
	if len(faulty.Faults) > 0 {
		return config, faulty
	}
	return config, nil
}

func read(src Source) (Config, *Error) {
	config, faulty := Default(), &Error{}
	k := koanf.New(".")
	if path := src.File; path != "" || findDefault(&path) {
		if err := k.Load(file.Provider(path), toml.Parser()); err != nil {
			return config, &Error{Faults: []string{fmt.Sprintf("%s: %s", path, oneLine(err))}, Unreadable: true}
		}
	}
	known := keys(reflect.TypeFor[Config](), "")
	for _, key := range k.Keys() {
		if !slices.Contains(known, key) && !strings.HasPrefix(key, "contracts.alias.") {
			faulty.Faults = append(faulty.Faults, fmt.Sprintf("%s: unknown key; see geppo.example.toml for the keys there are", key))
		}
	}
	environment, bad := fromEnvironment(src.Environ, known)
	faulty.Faults = append(faulty.Faults, bad...)
	if src.DSN != "" {
		environment["store.dsn"] = src.DSN
	}
	err := k.Load(confmap.Provider(environment, "."), nil)
	if err == nil {
		err = k.UnmarshalWithConf("", &config, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
			Result: &config, TagName: "koanf", WeaklyTypedInput: true,
			DecodeHook: mapstructure.ComposeDecodeHookFunc(
				mapstructure.TextUnmarshallerHookFunc(), mapstructure.StringToSliceHookFunc(",")),
		}})
	}
	if err != nil {
		faulty.Faults = append(faulty.Faults, decodingFaults(err)...)
	}
	return config, faulty
}

// findDefault takes a working directory that cannot be searched for one without a file: it is another
// user's (runuser in /root). That a file of the system cannot be reached must be told.
func findDefault(path *string) bool {
	for _, candidate := range Paths {
		_, err := os.Stat(candidate)
		ours := filepath.IsAbs(candidate) || !errors.Is(err, fs.ErrPermission)
		if ours && !errors.Is(err, fs.ErrNotExist) {
			*path = candidate
			return true
		}
	}
	return false
}

// keys lists the dotted names of every leaf of a configuration.
func keys(t reflect.Type, prefix string) (names []string) {
	for i := range t.NumField() {
		field := t.Field(i)
		name := prefix + field.Tag.Get("koanf")
		if field.Type.Kind() == reflect.Struct {
			names = append(names, keys(field.Type, name+".")...)
		} else {
			names = append(names, name)
		}
	}
	return names
}

// fromEnvironment maps GEPPO_SMTP_HOST to smtp.host. An unknown name of one of our sections is a
// fault: it is a typing error that would otherwise leave a default in force. Other names that begin
// with GEPPO_ may be somebody else's.
func fromEnvironment(environ, known []string) (values map[string]any, faults []string) {
	names := map[string]string{}
	for _, key := range known {
		names["GEPPO_"+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))] = key
	}
	values = map[string]any{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "GEPPO_") {
			continue
		}
		if key, ok := names[name]; ok && key != "contracts.alias" {
			values[key] = value
		} else if name != PasswordVariable && ofASection(name) {
			faults = append(faults, fmt.Sprintf("%s: this environment variable sets no key; see geppo.example.toml", name))
		}
	}
	return values, faults
}

func ofASection(name string) bool {
	for field := range reflect.TypeFor[Config]().Fields() {
		section := "GEPPO_" + strings.ToUpper(field.Tag.Get("koanf")) + "_"
		if field.Type.Kind() == reflect.Struct && strings.HasPrefix(name, section) {
			return true
		}
	}
	return false
}

// decodingFaults splits mapstructure's report into one line for each key.
func decodingFaults(err error) (faults []string) {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		for _, e := range joined.Unwrap() {
			faults = append(faults, decodingFaults(e)...)
		}
		return faults
	}
	// 'smtp.port' cannot parse …
	key, rest, named := strings.Cut(strings.TrimPrefix(oneLine(err), "'"), "' ")
	if !named {
		return []string{oneLine(err)}
	}
	return []string{key + ": " + strings.ReplaceAll(rest, "'", "")}
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// PasswordVariable is the environment variable that holds the relay's password itself.
const PasswordVariable = "GEPPO_SMTP_PASSWORD" //nolint:gosec // G101: the name of a variable, not a password

// Password reads the relay's password: from password_file, else from the environment, else from
// the systemd credential smtp_password, else none.
func (c Config) Password(environ []string) (mailer.Secret, error) {
	values := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		values[name] = value
	}
	path := c.SMTP.PasswordFile
	if path == "" {
		if password, ok := values[PasswordVariable]; ok {
			return mailer.Secret(password), nil
		}
		dir, ok := values["CREDENTIALS_DIRECTORY"]
		if !ok {
			return "", nil
		}
		path = filepath.Join(dir, "smtp_password")
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return "", nil
		}
	}
	secret, err := os.ReadFile(path)
	if err != nil {
		return "", &Error{Faults: []string{fmt.Sprintf("smtp.password_file: %v; make it readable for the user that runs geppo", err)}}
	}
	return mailer.Secret(strings.TrimRight(string(secret), "\r\n")), nil
}

// Keys lists every key, sorted; the example file is tested against it.
func Keys() []string {
	names := keys(reflect.TypeFor[Config](), "")
	slices.Sort(names)
	return names
}

// RootCAs are the certificates of ca_file, or nil for the system's.
func (s SMTP) RootCAs() (*x509.CertPool, error) {
	if s.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, &Error{Faults: []string{fmt.Sprintf("smtp.ca_file: %v", err)}}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, &Error{Faults: []string{fmt.Sprintf("smtp.ca_file: %s holds no certificate in PEM form", s.CAFile)}}
	}
	return pool, nil
}
