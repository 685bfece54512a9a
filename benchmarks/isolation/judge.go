package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// judge waits for the neighbour's end and says how it went.
func (i *isolating) judge(ctx context.Context, count int64) error {
	if err := i.await(ctx, i.neighbour, (*details).ended); err != nil {
		return err
	}
	d, err := i.details(ctx, i.neighbour)
	if err != nil {
		return err
	}
	failures, err := i.cluster.failures(ctx, i.neighbour)
	if err != nil {
		return err
	}
	if d.State != "FINISHED" || len(failures) > 0 {
		return fmt.Errorf("the neighbour is %s, with failures %q", d.State, failures)
	}
	arrivals, err := read(filepath.Join(i.folder, "output"))
	if err != nil {
		return err
	}
	lost, repeated := compare(arrivals, count)
	bytes, err := i.written()
	if err != nil {
		return err
	}
	fmt.Fprintf(i.out, "the neighbour: %d records, %d lost, %d repeated, 0 restarts; the logs of all have %d MiB\n", count, lost, repeated, bytes>>20)
	if lost > 0 || repeated > 0 {
		return errors.New("the neighbour's output is not what it was given")
	}
	return i.latencies(arrivals)
}

// read reads what the neighbour has published.
func read(folder string) (all []arrival, err error) {
	parts, err := filepath.Glob(filepath.Join(folder, "part-*"))
	if err != nil {
		return nil, err
	}
	for _, part := range parts {
		f, err := os.Open(part)
		if err != nil {
			return nil, err
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			var a arrival
			if _, err := fmt.Sscan(lines.Text(), &a.Number, &a.Due, &a.Latency); err != nil {
				f.Close()
				return nil, fmt.Errorf("%s: line %q: %w", part, lines.Text(), err)
			}
			all = append(all, a)
		}
		err = lines.Err()
		f.Close()
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// compare counts which of the numbers below count are missing, and how many are there more than once or should not be.
func compare(arrivals []arrival, count int64) (lost, repeated int64) {
	seen := make([]bool, count)
	for _, a := range arrivals {
		if a.Number < 0 || a.Number >= count || seen[a.Number] {
			repeated++
			continue
		}
		seen[a.Number] = true
	}
	for _, s := range seen {
		if !s {
			lost++
		}
	}
	return lost, repeated
}

// latencies prints the neighbour's p99 in each phase, and compares the medians.
func (i *isolating) latencies(arrivals []arrival) error {
	if i.options.alone == 0 {
		return nil
	}
	byName := map[string][]time.Duration{}
	half := map[string][]time.Duration{}
	for _, p := range i.phases {
		of := during(arrivals, p)
		if len(of) == 0 {
			return fmt.Errorf("nothing came while %q was going on", p.name)
		}
		byName[p.name] = append(byName[p.name], quantile(of, 0.99))
		half[p.name] = append(half[p.name], quantile(of, 0.5))
	}
	quiet := quantile(byName[""], 0.5)
	bound := max(2*quiet, quiet+20*time.Millisecond)
	fmt.Fprintf(i.out, "%-50s p50 %8s   p99 %8s   (%s)\n", "alone", inMillis(quantile(half[""], 0.5)), inMillis(quiet), spread(byName[""]))
	var slow []error
	for _, e := range evils {
		of := byName[e.name]
		if len(of) == 0 {
			continue
		}
		p99, verdict := quantile(of, 0.5), "ok"
		if p99 > bound {
			verdict = "beyond " + inMillis(bound)
			slow = append(slow, fmt.Errorf("beside %s the neighbour's p99 is %s, beyond the larger of twice and 20 ms more than its undisturbed %s", e.name, inMillis(p99), inMillis(quiet)))
		}
		fmt.Fprintf(i.out, "%-50s p50 %8s   p99 %8s   (%s) %s, it failed %d times\n",
			e.name+", which "+e.does, inMillis(quantile(half[e.name], 0.5)), inMillis(p99), spread(of), verdict, i.failures[e.name])
	}
	if !i.strict {
		return nil
	}
	return errors.Join(slow...)
}

// during are the latencies of what was due in a phase.
func during(arrivals []arrival, p phase) (latencies []time.Duration) {
	for _, a := range arrivals {
		if a.Due >= p.begun.UnixNano() && a.Due < p.end.UnixNano() {
			latencies = append(latencies, time.Duration(a.Latency))
		}
	}
	return latencies
}

// quantile sorts, and takes the value below which a part of all are.
func quantile(of []time.Duration, part float64) time.Duration {
	slices.Sort(of)
	return of[min(int(float64(len(of))*part), len(of)-1)]
}

func inMillis(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/1e6) }

func spread(of []time.Duration) string {
	return inMillis(slices.Min(of)) + " to " + inMillis(slices.Max(of))
}
