package main

import (
	"errors"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// usage is what a piece of work took of the machine.
type usage struct {
	wall, cpu time.Duration
	peakMB    float64 // of resident memory; 0 where it cannot be told
}

type metric struct {
	value float64
	unit  string
}

func (u usage) cpuMS() float64 { return float64(u.cpu.Microseconds()) / 1000 }

// running usage began at these points.
type startedUsage struct{ wall, cpu time.Time }

// startUsage begins a measurement. What earlier work left in memory is given back first, so that the
// peak is this work's own.
func startUsage() startedUsage {
	debug.FreeOSMemory()
	// Linux resets the peak by a 5 (proc_pid_clear_refs(5)); elsewhere there is no such file.
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
	return startedUsage{}.lap()
}

// lap goes on with a new time but the same peak.
func (startedUsage) lap() startedUsage { return startedUsage{time.Now(), processorClock()} }

func (s startedUsage) end() usage {
	return usage{wall: time.Since(s.wall), cpu: processorClock().Sub(s.cpu), peakMB: peakMB()}
}

// processorClock is the processor time that this process has used, all its threads together, as a time.
func processorClock() time.Time {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return time.Time{} // it fails for a wrong pointer only
	}
	return time.Unix(0, u.Utime.Nano()+u.Stime.Nano())
}

func peakMB() float64 {
	kilobytes, err := strconv.ParseFloat(strings.TrimSuffix(procField("/proc/self/status", "VmHWM"), " kB"), 64)
	if err != nil {
		return 0
	}
	return kilobytes / 1024
}

// processor names the machine's, "unknown" where there is no /proc.
func processor() string {
	if name := procField("/proc/cpuinfo", "model name"); name != "" {
		return name
	}
	return "unknown"
}

// procField is the value of the first line "name: value" of a file of /proc, "" if there is none.
func procField(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// waits are the stages that several connections are in at a time.
type waits struct {
	sync.Mutex
	stages [len(benchWaits)]struct {
		n    int
		took time.Duration
	}
}

// benchWaits are their names.
var benchWaits = [...]string{"connect", "send", "record"}

func (w *waits) add(name string, took time.Duration) {
	w.Lock()
	defer w.Unlock()
	stage := &w.stages[slices.Index(benchWaits[:], name)]
	stage.n, stage.took = stage.n+1, stage.took+took
}

func (w *waits) print(b *bench) (err error) {
	w.Lock()
	defer w.Unlock()
	for i, stage := range w.stages {
		err = errors.Join(err, b.print("stage="+benchWaits[i], stage.n, usage{wall: stage.took}, nil))
	}
	return err
}
