package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"text/tabwriter"

	"github.com/weir-stream/weir/benchmarks/internal/stats"
)

// throughput is what the cases were measured at.
type throughput struct {
	cases []measured
	smoke bool
}

func (t throughput) rows() []any {
	var rows []any
	for _, m := range t.cases {
		rows = append(rows, m.row())
	}
	return rows
}

func (t throughput) table() string {
	if t.smoke {
		return t.smokeTable()
	}
	flink := readFlink()
	var out strings.Builder
	fmt.Fprintf(&out, "Million records a second on 2 processors: the median of %s, and the least and the most; %s.\n\n", count(len(t.cases[0].pairs), "run"), goVersion())
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tengine\t(spread)\tlimit\t(spread)\tratio\taim\t\tallocs/record\t\tCPU ns/record\tlimit's\tratio\tFlink")
	for _, m := range t.cases {
		engine, limit := m.engine(), m.limit()
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%.2f\t%.1f\t%s\t%.5f\t%s\t%.1f\t%.1f\t%.2f\t%s\n",
			m.Letter, figure(engine.Median), spread(engine), figure(limit.Median), spread(limit),
			m.ratio(), m.Aim, verdict(m.ratio() >= m.Aim), m.allocations(), verdict(m.allocations() <= allocationAim),
			m.engineCPU(), m.limitCPU(), m.limitCPU()/m.engineCPU(), flink.Throughput[m.Letter])
	}
	w.Flush()
	out.WriteString("\n")
	for _, m := range t.cases {
		fmt.Fprintf(&out, "%s  %s\n", m.Letter, m.Title)
	}
	fmt.Fprintf(&out, "\nratio: the median of the ratios of each pair of runs, engine to limit; at most %.2f allocations a record are the aim.\n", allocationAim)
	out.WriteString("CPU: processor time of the whole process, which another load of the machine disturbs less; its ratio is limit's to the engine's.\n")
	fmt.Fprintf(&out, "Flink: %s\n", flink.Note)
	return out.String()
}

// smokeTable has no figures: those of so few records mean nothing.
func (t throughput) smokeTable() string {
	var out strings.Builder
	for _, m := range t.cases {
		fmt.Fprintf(&out, "%s  %s: every result is right, %d records\n", m.Letter, m.Title, m.pairs[0].engine.Records)
	}
	return out.String()
}

// flinkFigures are those of flink.json.
type flinkFigures struct {
	Note       string            `json:"note"`
	Throughput map[string]string `json:"throughput"`
	Startup    string            `json:"startup"`
	Idle       string            `json:"idle"`
	Latency    string            `json:"latency"`
}

//go:embed flink.json
var flinkFile []byte

func readFlink() flinkFigures {
	var figures flinkFigures
	if err := json.Unmarshal(flinkFile, &figures); err != nil {
		panic(fmt.Sprintf("flink.json: %v", err))
	}
	return figures
}

func spread(s stats.Summary) string { return fmt.Sprintf("(%s-%s)", figure(s.Min), figure(s.Max)) }

// figure has three digits that mean something.
func figure(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

func verdict(met bool) string {
	if met {
		return "met"
	}
	return "MISSED"
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func goVersion() string {
	return fmt.Sprintf("%s, %s/%s, machine of %s", runtime.Version(), runtime.GOOS, runtime.GOARCH, count(runtime.NumCPU(), "processor"))
}
