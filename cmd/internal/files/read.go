package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long a pipe is waited for that nobody writes to: a slip of the hand must not keep a command, or the
// daemon's start, waiting for ever. What a shell makes of <(command) is written to at once.
const patience = 10 * time.Second

// Open opens what somebody has named to be read.
func Open(name string) (*os.File, error) { return open(name, patience) }

func open(name string, patience time.Duration) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("%w; name a file that can be read", err)
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = &fs.PathError{Op: "read", Path: name, Err: errors.New("is a directory; name its files")}
	case info.Mode()&fs.ModeNamedPipe != 0:
		err = written(file, patience)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// written waits until somebody writes to a pipe, or has written all.
func written(pipe *os.File, patience time.Duration) error {
	conn, err := pipe.SyscallConn()
	if err != nil {
		return err
	}
	n, polled := 0, error(nil)
	err = conn.Control(func(fd uintptr) {
		polls := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for until := time.Now().Add(patience); ; {
			n, polled = unix.Poll(polls, int(max(time.Until(until), 0).Milliseconds()))
			if !errors.Is(polled, unix.EINTR) {
				return
			}
		}
	})
	if err := errors.Join(err, polled); err != nil || n > 0 {
		return err
	}
	return &fs.PathError{Op: "read", Path: pipe.Name(), Err: errors.New("is a pipe that nobody writes to; name a file")}
}

// Read gives all that a file holds, if that is no more than most bytes.
func Read(name string, most int64) ([]byte, error) {
	file, err := Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%s: holds more than %d bytes; name another file", name, most)
	}
	return data, err
}
