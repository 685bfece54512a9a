package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// moment is a time and what the process had used of its processors by then, both in nanoseconds.
type moment struct{ At, CPU int64 }

func now() moment {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return moment{time.Now().UnixNano(), used.Utime.Nano() + used.Stime.Nano()}
}

// tally is what a sink subtask has seen. That of the source subtask that makes the last record has none, and tells of its process.
type tally struct {
	PID     int
	Records int
	Sum     int64
	// First is when the first record came, or was made, and Last when the report was.
	First, Last moment
	// SlowSinks is how many slow sinks of the same process have seen something.
	SlowSinks int
}

// begin is called with the first record, or with each.
func (t *tally) begin() {
	if t.PID == 0 {
		t.PID, t.First = os.Getpid(), now()
	}
}

// report leaves the tally of a sink subtask in a folder, in place of the one before.
func (t *tally) report(folder string, subtask int) error {
	return t.reportAs(folder, fmt.Sprint("sink-", subtask))
}

func (t *tally) reportAs(folder, name string) error {
	t.begin() // in case that nothing came
	t.Last = now()
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	path := filepath.Join(folder, name+reportSuffix)
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

const reportSuffix = ".json"

// readTallies reads the reports in a folder.
func readTallies(folder string) (all []tally, err error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*"+reportSuffix))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var t tally
		if err := json.Unmarshal(data, &t); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, t)
	}
	return all, nil
}

// total is what all subtasks of a sink have seen.
type total struct {
	records, processes int
	sum                int64
	// seconds are from the first record to the last report, cpuSeconds what the processes have used in that time.
	seconds, cpuSeconds float64
}

func together(all []tally) (t total) {
	from, to := map[int]moment{}, map[int]moment{} // by process
	for _, one := range all {
		t.records, t.sum = t.records+one.Records, t.sum+one.Sum
		if before, known := from[one.PID]; !known || one.First.At < before.At {
			from[one.PID] = one.First
		}
		if one.Last.At > to[one.PID].At {
			to[one.PID] = one.Last
		}
	}
	var first, last int64
	for pid := range from {
		t.cpuSeconds += float64(to[pid].CPU-from[pid].CPU) / 1e9
		if first == 0 || from[pid].At < first {
			first = from[pid].At
		}
		last = max(last, to[pid].At)
	}
	t.processes, t.seconds = len(from), float64(last-first)/1e9
	return t
}
