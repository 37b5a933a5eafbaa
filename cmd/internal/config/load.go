package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"geppo/cmd/internal/files"

	"golang.org/x/sys/unix"
)

// Paths are looked for in this order when no file is named; a missing one is no error.
var Paths = []string{"geppo.toml", "/etc/geppo/geppo.toml"}

// Source is everything a configuration is read from.
type Source struct {
	File    string   // as named by -c; empty: the first of Paths that exists, or none
	Environ []string // "NAME=value"; names that begin with GEPPO_ are read
	DSN     string   // of --db; empty: not given
	Also    []Check  // what only those can judge who will use a value
}

// Check judges a key that has no fault of its own yet.
type Check struct {
	Key   string
	Check func(Config) error
}

// Load reads and checks a configuration. Its error is an *Error with every fault found; what comes
// with it is for looking for further faults only.
func Load(src Source) (Config, error) {
	config, faulty := read(src)
	if !faulty.Unreadable {
		config.validate(faulty)
		for _, also := range src.Also {
			if err := also.Check(config); err != nil && !faulty.Concerns(also.Key) {
				faulty.Faults = append(faulty.Faults, Fault{also.Key, err.Error(), config.Where(also.Key)})
			}
		}
	}
	if len(faulty.Faults) > 0 {
		slices.SortStableFunc(faulty.Faults, func(a, b Fault) int { return strings.Compare(a.Key, b.Key) })
		return config, faulty
	}
	return config, nil
}

func read(src Source) (Config, *Error) {
	config, faulty := Default(), &Error{}
	config.Origin = map[string]string{}
	variables, faults := environment(src.Environ)
	text, path, err := file(src.File)
	if err != nil {
		fault := Fault{Key: path, Text: err.Error()}
		return config, &Error{Faults: append([]Fault{fault}, faults...), Unreadable: true}
	}
	settings, fault := document(path, text)
	if fault != nil {
		return config, &Error{Faults: append([]Fault{*fault}, faults...), Unreadable: true}
	}
	config.File = path
	for _, s := range settings {
		faulty.Faults = append(faulty.Faults, put(&config, s)...)
		config.Origin[s.key()] = s.where
	}
	faulty.Faults = append(faulty.Faults, faults...)
	for _, s := range variables {
		faulty.Faults = append(faulty.Faults, put(&config, s)...)
		if inFile := config.Where(s.key()); inFile != "" {
			config.Overridden = append(config.Overridden, fmt.Sprintf("%s overrides %s (%s)", s.where, s.key(), inFile))
		}
		config.Origin[s.key()] = s.where
	}
	slices.Sort(config.Overridden)
	if src.DSN != "" {
		config.Store.DSN, config.Origin["store.dsn"] = src.DSN, "--db"
	}
	return config, faulty
}

// Where says what set a key; empty: nothing did, and its default holds.
func (c Config) Where(key string) string {
	for {
		if where, ok := c.Origin[key]; ok {
			return where
		}
		i := strings.LastIndexByte(key, '.')
		if i < 0 {
			return ""
		}
		key = key[:i]
	}
}

// MostBytes bounds what is read as a configuration, or of a file that it names: a slip may name anything.
const MostBytes = 1 << 20

// file reads the configuration's file; without one it gives no text.
func file(named string) (text []byte, path string, err error) {
	if named != "" {
		text, err = contents(named, false)
		return text, named, err
	}
	for _, path := range Paths {
		text, err := contents(path, !filepath.IsAbs(path))
		// A working directory that cannot be searched is another user's (runuser in /root), and holds none of our
		// files. That a file of the system cannot be reached must be told.
		elsewhere := !filepath.IsAbs(path) && errors.Is(err, fs.ErrPermission) && unix.Access(".", unix.X_OK) != nil
		if !elsewhere && !errors.Is(err, fs.ErrNotExist) {
			return text, path, err
		}
	}
	return nil, "", nil
}

func contents(path string, oursOnly bool) ([]byte, error) {
	open := files.Open
	if oursOnly { // a pipe laid out in a shared folder must not keep us waiting at all
		open = func(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) }
	}
	opened, err := open(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer opened.Close()
	if oursOnly {
		if err := ours(path, opened); err != nil {
			return nil, err
		}
	}
	text, err := io.ReadAll(io.LimitReader(opened, MostBytes+1))
	if err == nil && len(text) > MostBytes {
		err = errors.New("is larger than 1 MB and so no configuration; name another with -c")
	}
	return text, withoutPath(err)
}

// ours refuses a file that was found and not named, unless nobody but the user and root can have written it: in a
// folder that others share, theirs would name a relay of their own and a file of ours as its password.
func ours(path string, opened *os.File) error {
	var link, target unix.Stat_t
	err := errors.Join(unix.Lstat(path, &link), unix.Fstat(int(opened.Fd()), &target))
	if err != nil {
		return err
	}
	us := uint32(os.Geteuid())
	for _, stat := range []unix.Stat_t{link, target} {
		if stat.Uid != us && stat.Uid != 0 {
			return fmt.Errorf("belongs to another user (uid %d), and is not taken from the working directory; name it with -c if you trust it", stat.Uid)
		}
	}
	if target.Mode&unix.S_IFMT != unix.S_IFREG {
		return errors.New("is no file, and is not taken from the working directory; name the configuration with -c")
	}
	group := target.Mode&unix.S_IWGRP != 0 && target.Gid != 0 && target.Gid != uint32(os.Getegid())
	if group || target.Mode&unix.S_IWOTH != 0 {
		return errors.New("others may write it, and it is not taken from the working directory; chmod go-w it, or name it with -c")
	}
	return nil
}

// withoutPath leaves out what the fault's key says.
func withoutPath(err error) error {
	var inPath *fs.PathError
	if errors.As(err, &inPath) {
		return inPath.Err
	}
	return err
}
