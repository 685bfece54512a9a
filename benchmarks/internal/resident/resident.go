// Package resident reads how much memory of a process is resident, as Linux tells it.
package resident

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Memory is in bytes.
type Memory struct {
	// All is what is resident, Anonymous the part of it that no file backs: what the process itself has asked for.
	All       int64 `json:"rss"`
	Anonymous int64 `json:"rss_anon"`
}

// Own reads the memory of this process.
func Own() (Memory, error) { return read("self") }

// Of reads the memory of a process.
func Of(pid int) (Memory, error) { return read(strconv.Itoa(pid)) }

func read(process string) (Memory, error) {
	text, err := os.ReadFile("/proc/" + process + "/status")
	if err != nil {
		return Memory{}, fmt.Errorf("the memory of a process is measured on Linux only: %w", err)
	}
	return parse(string(text))
}

// Peak is the most that this process has ever had resident, in bytes.
func Peak() (int64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("the memory of a process is measured on Linux only: %w", err)
	}
	return field(string(text), "VmHWM")
}

func parse(status string) (m Memory, err error) {
	if m.All, err = field(status, "VmRSS"); err != nil {
		return m, err
	}
	m.Anonymous, err = field(status, "RssAnon")
	return m, err
}

// field reads a line of the form "name:   12345 kB".
func field(status, name string) (int64, error) {
	for line := range strings.Lines(status) {
		text, ok := strings.CutPrefix(line, name+":")
		if !ok {
			continue
		}
		text, ok = strings.CutSuffix(strings.TrimSpace(text), " kB")
		kilobytes, err := strconv.ParseInt(text, 10, 64)
		if !ok || err != nil {
			return 0, fmt.Errorf("process status: %q is no size", strings.TrimSpace(line))
		}
		return kilobytes << 10, nil
	}
	return 0, fmt.Errorf("process status: it has no field %s", name)
}
