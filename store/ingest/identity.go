package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// What rows hold of files, and by which id a row is known whose format has none.

// joinPath is the path of a file in a folder, where either may hold the whole path.
func joinPath(folder, file string) string {
	folder, file = present(folder), present(file)
	switch {
	case folder == "" || strings.Contains(file, folder):
		return file
	case file == "" || holdsFile(folder, file):
		return folder
	case strings.HasSuffix(folder, `\`), strings.HasSuffix(folder, "/"):
		return folder + file
	case strings.HasPrefix(folder, "/"):
		return folder + "/" + file
	}
	return folder + `\` + file
}

// holdsFile tells a path that has the file already: as its end, or with something inside it, like
// a.zip(b.exe). A folder of the same name is not the file.
func holdsFile(path, file string) bool {
	for at := 0; ; at++ {
		i := strings.Index(path[at:], file)
		if i < 0 {
			return false
		}
		at += i
		end := at + len(file)
		starts := at == 0 || path[at-1] == '\\' || path[at-1] == '/' || path[at-1] == '('
		if starts && (end == len(path) || path[end] == '(') {
			return true
		}
	}
}

// baseName is the last part of a path of any system.
func baseName(path string) string {
	path = strings.TrimRight(path, `\/`)
	return path[strings.LastIndexAny(path, `\/`)+1:]
}

// derive is the id of a row whose format has none: "h", 24 hexadecimal digits over what the row is,
// and its repeat number in the file. What became of it is no part of it: a mapping of results that
// is mended later must not make every old row a new one.
func (v *vendor) derive(contract string, parts ...string) string {
	v.hashed = v.hashed[:0]
	for i, p := range parts {
		if i > 0 {
			v.hashed = append(v.hashed, 0x1f)
		}
		v.hashed = append(v.hashed, p...)
	}
	sum := sha256.Sum256(v.hashed)
	id := make([]byte, 0, 32)
	id = hex.AppendEncode(append(id, 'h'), sum[:12])
	id = strconv.AppendUint(append(id, '-'), v.repeats.number(contract, sum), 10)
	return string(id)
}

// repeats numbers equal rows. It remembers 400,000 rows at least and twice as many at most, so that a file
// of any size is read in the same memory; a repeat that is farther away counts as the same row.
type repeats struct{ recent, old map[uint64]uint32 }

const remembered = 400_000

func (r *repeats) number(contract string, sum [sha256.Size]byte) uint64 {
	key := uint64(0)
	for _, b := range sum[:8] {
		key = key<<8 | uint64(b)
	}
	for i := range len(contract) { // FNV-1a: equal rows of two contracts are no repeats
		key = (key ^ uint64(contract[i])) * 1099511628211
	}
	if r.recent == nil || len(r.recent) >= remembered {
		r.recent, r.old = map[uint64]uint32{}, r.recent
	}
	n, ok := r.recent[key]
	if !ok {
		n = r.old[key]
	}
	r.recent[key] = n + 1
	return uint64(n + 1)
}
