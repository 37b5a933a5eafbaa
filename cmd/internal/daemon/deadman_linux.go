package daemon

import (
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// deadman is a timer of the kernel that kills this process, even while it is stopped or hangs: no goroutine of ours could.
// It counts the time that the machine sleeps.
type deadman struct{ id int32 }

// sigevent is that of sigevent(3type), for a timer that sends a signal.
type sigevent struct {
	value  uint64
	signal int32
	notify int32
	_      [12]int32
}

func newDeadman() (*deadman, error) {
	d, event := new(deadman), sigevent{signal: int32(unix.SIGKILL)}
	_, _, errno := unix.Syscall(unix.SYS_TIMER_CREATE, unix.CLOCK_BOOTTIME, uintptr(unsafe.Pointer(&event)), uintptr(unsafe.Pointer(&d.id))) //nolint:gosec // no library has these two calls
	if errno != 0 {
		return nil, fmt.Errorf("make a timer: %w", errno)
	}
	return d, nil
}

// killAt sets when, as sinceBoot counts, the process ends; it can be put off.
func (d *deadman) killAt(when time.Duration) error { return d.set(unix.NsecToTimespec(int64(when))) }

// disarm lets the process live.
func (d *deadman) disarm() error { return d.set(unix.Timespec{}) }

func (d *deadman) set(at unix.Timespec) error {
	value := unix.ItimerSpec{Value: at}
	_, _, errno := unix.Syscall6(unix.SYS_TIMER_SETTIME, uintptr(d.id), unix.TIMER_ABSTIME, uintptr(unsafe.Pointer(&value)), 0, 0, 0) //nolint:gosec // likewise
	if errno != 0 {
		return fmt.Errorf("set the timer: %w", errno)
	}
	return nil
}

// sinceBoot is how long ago the machine was started.
func sinceBoot() (time.Duration, error) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return 0, fmt.Errorf("read the time since the start: %w", err)
	}
	return time.Duration(now.Nano()), nil
}
