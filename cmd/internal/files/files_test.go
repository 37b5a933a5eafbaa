package files_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"geppo/cmd/internal/files"
)

// below are the files of a folder by name, with what they hold.
func below(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		found[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func lay(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, at string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(at), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
}

// Whatever another has laid out in a shared folder, only files of ours stand there afterwards, and nothing elsewhere is touched.
func TestReplaceLeavesOursAndNothingElse(t *testing.T) {
	ours := map[string][]byte{"body.html": []byte("new"), "report.json": []byte("{}"), "a_2026-10.pdf": []byte("pdf")}
	for name, before := range map[string]func(out, precious string){
		"nothing":          func(string, string) {},
		"another month":    func(out, _ string) { lay(t, filepath.Join(out, "C1", "a_2026-09.pdf"), "old") },
		"open permissions": func(out, _ string) { lay(t, filepath.Join(out, "C1", "report.json"), "old") },
		"a linked file":    func(out, precious string) { link(t, precious, filepath.Join(out, "C1", "body.html")) },
		"a linked folder":  func(out, precious string) { link(t, filepath.Dir(precious), filepath.Join(out, "C1")) },
		"a linked folder within": func(out, _ string) {
			lay(t, filepath.Join(out, "C2", "x.txt"), "old")
			link(t, "C2", filepath.Join(out, "C1"))
		},
		"a file in the folder's way": func(out, _ string) { lay(t, filepath.Join(out, "C1"), "old") },
		"what was cut off":           func(out, precious string) { link(t, precious, filepath.Join(out, ".C1.new", "body.html")) },
		"a link in its way":          func(out, precious string) { link(t, filepath.Dir(precious), filepath.Join(out, ".C1.new")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			out, precious := filepath.Join(dir, "out"), filepath.Join(dir, "elsewhere", "precious")
			lay(t, precious, "precious")
			before(out, precious)
			root, err := files.OpenDir(out)
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			if err := files.Replace(root, "C1", ours); err != nil {
				t.Fatal(err)
			}
			got := below(t, filepath.Join(out, "C1"))
			if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(ours))) || got["body.html"] != "new" {
				t.Errorf("%v", got)
			}
			if diff := cmp.Diff(map[string]string{"precious": "precious"}, below(t, filepath.Dir(precious))); diff != "" {
				t.Error(diff)
			}
			for file := range ours {
				if info, err := os.Lstat(filepath.Join(out, "C1", file)); err != nil || info.Mode() != 0o600 {
					t.Errorf("%s: %v, %v", file, info.Mode(), err)
				}
			}
		})
	}
}

func TestReplaceTouchesNoFolderOfOthers(t *testing.T) {
	for _, theirs := range []string{"main.go", "below/x.txt"} {
		out := t.TempDir()
		lay(t, filepath.Join(out, "src", theirs), "theirs")
		root, err := files.OpenDir(out)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		if err := files.Replace(root, "src", map[string][]byte{"body.txt": nil}); err == nil || !strings.Contains(err.Error(), "none of ours") {
			t.Errorf("%s: %v", theirs, err)
		}
		if got := below(t, out); len(got) != 1 || got["src/"+theirs] != "theirs" {
			t.Errorf("%v", got)
		}
	}
}

func TestAnothersLinkIsNotFollowed(t *testing.T) {
	asRoot(t)
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	link(t, dir, out)
	root, err := files.OpenDir(out)
	if err != nil {
		t.Fatalf("our own link: %v", err)
	}
	if err := root.Close(); err != nil {
		t.Error(err)
	}
	if err := os.Lchown(out, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	if _, err := files.OpenDir(out); err == nil {
		t.Error("another user's link was followed")
	}
}

const nobody = 65534

func asRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away; run it as root")
	}
}

func ownerOf(t *testing.T, path string) int {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// A ledger of the service's user makes root's files that user's; one that is not there yet is its folder's owner's,
// but not in a folder where everybody makes files.
func TestOwnerOf(t *testing.T) {
	asRoot(t)
	dir := t.TempDir()
	ledger := filepath.Join(dir, "geppo.db")
	if got := files.OwnerOf(ledger); got != (files.Owner{}) {
		t.Errorf("root's folder: %+v", got)
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	if got := files.OwnerOf(ledger); got != (files.Owner{UID: nobody, GID: nobody}) {
		t.Errorf("the service's folder: %+v", got)
	}
	if err := os.Chmod(dir, 0o1777); err != nil {
		t.Fatal(err)
	}
	if got := files.OwnerOf(ledger); got != (files.Owner{}) {
		t.Errorf("everybody's folder: %+v", got)
	}
	lay(t, ledger, "")
	if err := os.Chown(ledger, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	if got := files.OwnerOf(ledger); got != (files.Owner{UID: nobody, GID: nobody}) {
		t.Errorf("the service's ledger: %+v", got)
	}
}

func TestWhatIsMadeIsTheOwners(t *testing.T) {
	asRoot(t)
	dir, owner := t.TempDir(), files.Owner{UID: nobody, GID: nobody}
	there := filepath.Join(dir, "there")
	lay(t, there, "")
	for _, err := range []error{owner.MakeDir(filepath.Join(dir, "a", "b")), owner.MakeDir(dir), owner.Make(filepath.Join(dir, "made")), owner.Make(there)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]int{"": 0, "a": nobody, "a/b": nobody, "made": nobody, "there": 0} {
		if got := ownerOf(t, filepath.Join(dir, path)); got != want {
			t.Errorf("%s belongs to %d, want %d", path, got, want)
		}
	}
}
