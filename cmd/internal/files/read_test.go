package files

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A pipe that nobody writes to is told, and one that somebody writes to is read to its end.
func TestAPipeIsNotWaitedForForEver(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := open(pipe, 0); err == nil || !strings.Contains(err.Error(), "pipe: is a pipe that nobody writes to; name a file") {
		t.Errorf("nobody writes: %v", err)
	}
	written := make(chan error, 1)
	go func() { // it opens once somebody reads
		w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
		if err == nil {
			_, err = w.WriteString("all\n")
			err = errors.Join(err, w.Close())
		}
		written <- err
	}()
	data, err := Read(pipe, 4)
	if err := errors.Join(err, <-written); err != nil || string(data) != "all\n" {
		t.Errorf("%q %v", data, err)
	}
}

func TestReadIsBounded(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	if err := os.WriteFile(name, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := Read(name, 5); err != nil || string(data) != "12345" {
		t.Errorf("%q %v", data, err)
	}
	if _, err := Read(name, 4); err == nil || !strings.Contains(err.Error(), "more than 4 bytes") {
		t.Error(err)
	}
	if _, err := Read(dir, 4); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Error(err)
	}
	if _, err := Read("/dev/zero", 4); err == nil {
		t.Error("an endless file was read")
	}
}
