package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/weir-stream/weir/benchmarks/internal/stats"
)

// startupAim is in milliseconds.
const startupAim = 100

// smallJobLines is how many distinct words smalljob counts, and so how many lines it prints.
const smallJobLines = 8

// start is one run of the small job, in milliseconds from just before its process was started.
type start struct{ firstOutput, end float64 }

type startupReport struct {
	starts []start
	smoke  bool
}

func measureStartup(o options) (report, error) {
	program, remove, err := build("smalljob")
	if err != nil {
		return nil, err
	}
	defer remove()
	if _, err := timeStart(program); err != nil { // brings the file into memory
		return nil, err
	}
	result := startupReport{smoke: o.smoke}
	o.say("startup: %s", count(o.runs, "run"))
	for range o.runs {
		s, err := timeStart(program)
		if err != nil {
			return nil, err
		}
		result.starts = append(result.starts, s)
	}
	return result, nil
}

// timeStart runs the small job and checks that its result is there.
func timeStart(program string) (start, error) {
	command := exec.Command(program)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	stdout, err := command.StdoutPipe()
	if err != nil {
		return start{}, err
	}
	begun := time.Now()
	since := func() float64 { return float64(time.Since(begun).Microseconds()) / 1e3 }
	if err := command.Start(); err != nil {
		return start{}, err
	}
	var s start
	output := bufio.NewReader(stdout)
	first, err := output.ReadString('\n')
	s.firstOutput = since()
	rest, _ := io.ReadAll(output)
	if err := errors.Join(err, command.Wait()); err != nil {
		return start{}, fmt.Errorf("the small job: %w\n%s", err, stderr.String())
	}
	s.end = since()
	if text := first + string(rest); strings.Count(text, "\n") != smallJobLines {
		return start{}, fmt.Errorf("the small job has printed\n%sinstead of %d lines", text, smallJobLines)
	}
	return s, nil
}

func (r startupReport) firstOutput() stats.Summary {
	return stats.Summarize(stats.Of(r.starts, func(s start) float64 { return s.firstOutput }))
}

func (r startupReport) end() stats.Summary {
	return stats.Summarize(stats.Of(r.starts, func(s start) float64 { return s.end }))
}

func (r startupReport) rows() []any {
	return []any{struct {
		Runs   int     `json:"runs"`
		Output float64 `json:"output_ms"`
		End    float64 `json:"end_ms"`
	}{len(r.starts), r.firstOutput().Median, r.end().Median}}
}

func (r startupReport) table() string {
	output, end := r.firstOutput(), r.end()
	var out strings.Builder
	if r.smoke {
		out.WriteString("Smoke: one run.\n\n")
	}
	fmt.Fprintf(&out, "Milliseconds from the start of the process of a small compiled job: the median of %s, and the least and the most; %s.\n\n", count(len(r.starts), "run"), goVersion())
	fmt.Fprintf(&out, "to its output           %6.1f (%.1f-%.1f)  aim at most %d  %s\n", output.Median, output.Min, output.Max, startupAim, verdict(output.Median <= startupAim))
	fmt.Fprintf(&out, "to the process's end    %6.1f (%.1f-%.1f)\n", end.Median, end.Min, end.Max)
	fmt.Fprintf(&out, "\nFlink 2.3.0, another run: %s.\n", readFlink().Startup)
	return out.String()
}
