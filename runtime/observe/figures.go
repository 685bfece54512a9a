package observe

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/weir-stream/weir/runtime/clock"
	weirmetrics "github.com/weir-stream/weir/runtime/metrics"
)

// Prefix begins the names of the figures that RegisterFigures lists.
const Prefix = "Status.JVM."

// BuffersPrefix begins the names of the figures that RegisterBuffers lists.
const BuffersPrefix = "Status.Shuffle.Netty."

// RegisterBuffers lists the figures of a TaskManager's buffers, which has none itself: those of its workers are added to them.
func RegisterBuffers(group *weirmetrics.Group) {
	netty := group.Add("Status").Add("Shuffle").Add("Netty")
	for _, name := range []string{
		"TotalMemorySegments", "UsedMemorySegments", "AvailableMemorySegments", "TotalMemory", "UsedMemory", "AvailableMemory", "RequestedMemoryUsage",
	} {
		weirmetrics.Gauge(netty, name, zero)
	}
}

// RegisterFigures lists what there is to see of this process and its Go runtime, under the names that Flink has for a JVM. What Go has no counterpart of is 0.
// most is how much memory the process may use, 0 if that is not known.
func RegisterFigures(group *weirmetrics.Group, c clock.Clock, most int64) {
	status := group.Add("Status").Add("JVM")
	load := &processorLoad{clock: c, at: c.Nanos(), used: processorNanos()}
	weirmetrics.Gauge(status.Add("CPU"), "Load", load.read)
	weirmetrics.Gauge(status.Add("CPU"), "Time", processorNanos)
	weirmetrics.Gauge(status.Add("Threads"), "Count", func() int64 { return int64(runtime.NumGoroutine()) })
	for _, name := range []string{"ClassesLoaded", "ClassesUnloaded"} {
		weirmetrics.Gauge(status.Add("ClassLoader"), name, zero)
	}
	registerMemory(status.Add("Memory"), most)
	registerCollector(status.Add("GarbageCollector"), c)
	files := status.Add("FileDescriptor")
	weirmetrics.Gauge(files, "Open", openFiles)
	weirmetrics.Gauge(files, "Max", mostFiles)
}

func zero() int64 { return 0 }

func registerMemory(memory *weirmetrics.Group, most int64) {
	limit := func() int64 {
		if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
			return limit
		}
		return most
	}
	for kind, gauges := range map[string]map[string]func() int64{
		"Heap": {"Used": figure("/memory/classes/heap/objects:bytes"), "Max": limit, "Committed": func() int64 {
			return read("/memory/classes/heap/objects:bytes") + read("/memory/classes/heap/unused:bytes") + read("/memory/classes/heap/free:bytes")
		}},
		// What the runtime needs beside the heap: stacks, and what it keeps its books in.
		"NonHeap": {"Used": beside, "Committed": beside, "Max": func() int64 { return -1 }},
		// The resident memory that is neither: files that are mapped, such as the program itself.
		"Mapped": {"Count": zero, "MemoryUsed": func() int64 {
			return max(0, ResidentBytes(os.Getpid())-read("/memory/classes/total:bytes")+read("/memory/classes/heap/released:bytes"))
		}, "TotalCapacity": zero},
		"Direct":    {"Count": zero, "MemoryUsed": zero, "TotalCapacity": zero},
		"Metaspace": {"Used": zero, "Committed": zero, "Max": func() int64 { return -1 }},
	} {
		for name, read := range gauges {
			weirmetrics.Gauge(memory.Add(kind), name, read)
		}
	}
}

func registerCollector(collector *weirmetrics.Group, c clock.Clock) {
	spent := func() int64 { return int64(1000 * readReal("/cpu/classes/gc/total:cpu-seconds")) }
	for _, name := range []string{"All", "Go"} {
		share := &processorLoad{clock: c, at: c.Nanos(), total: func() int64 { return int64(1e9 * readReal("/cpu/classes/gc/total:cpu-seconds")) }}
		weirmetrics.Gauge(collector.Add(name), "Count", figure("/gc/cycles/total:gc-cycles"))
		weirmetrics.Gauge(collector.Add(name), "Time", spent)
		weirmetrics.Gauge(collector.Add(name), "TimeMsPerSecond", func() float64 { return 1000 * share.read() })
	}
}

func beside() int64 {
	return read("/memory/classes/total:bytes") - read("/memory/classes/heap/objects:bytes") - read("/memory/classes/heap/unused:bytes") -
		read("/memory/classes/heap/free:bytes") - read("/memory/classes/heap/released:bytes")
}

func figure(name string) func() int64 { return func() int64 { return read(name) } }

// read is a figure of the Go runtime; 0 if this version has none of that name.
func read(name string) int64 {
	sample := []metrics.Sample{{Name: name}}
	if metrics.Read(sample); sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return int64(sample[0].Value.Uint64())
}

func readReal(name string) float64 {
	sample := []metrics.Sample{{Name: name}}
	if metrics.Read(sample); sample[0].Value.Kind() != metrics.KindFloat64 {
		return 0
	}
	return sample[0].Value.Float64()
}

// processorNanos is how long the process has used processors.
func processorNanos() int64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// processorLoad is how much of one processor was used since it was last read, at least loadWindow ago.
type processorLoad struct {
	clock clock.Clock
	total func() int64 // nil means processorNanos

	mu       sync.Mutex
	at, used int64
	load     float64
}

const loadWindow = 500e6

func (l *processorLoad) read() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Nanos()
	if now-l.at < loadWindow {
		return l.load
	}
	total := l.total
	if total == nil {
		total = processorNanos
	}
	used := total()
	l.load = max(0, float64(used-l.used)/float64(now-l.at))
	l.at, l.used = now, used
	return l.load
}

func openFiles() int64 {
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return int64(len(names))
}

func mostFiles() int64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	return int64(min(limit.Cur, math.MaxInt64))
}

// ResidentBytes is how much memory a process of this machine holds; 0 where that cannot be seen.
func ResidentBytes(pid int) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// MachineMemory is how many bytes the machine has, and how many of them are free; 0 where that cannot be seen.
func MachineMemory() (total, free int64) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		kibibytes, err := strconv.ParseInt(number, 10, 64)
		switch {
		case err != nil:
		case name == "MemTotal":
			total = kibibytes << 10
		case name == "MemAvailable":
			free = kibibytes << 10
		}
	}
	return total, free
}
