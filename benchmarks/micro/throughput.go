package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/weir-stream/weir/benchmarks/internal/child"
	"github.com/weir-stream/weir/benchmarks/internal/stats"
	"github.com/weir-stream/weir/benchmarks/micro/internal/jobs"
)

func init() { roles["case"] = child.Role(jobs.Run) }

// allocationAim is how many allocations a record may cost.
const allocationAim = 0.01

// limitOutcome is a line that limit prints.
type limitOutcome struct {
	Case    string  `json:"case"`
	Records int64   `json:"records"`
	Rate    float64 `json:"mrec_per_s"`
}

// pair is one run of the engine and, right after it, one of limit.
type pair struct {
	engine                jobs.Outcome
	limit                 limitOutcome
	engineCPU, limitCPU   float64 // seconds of the whole process
	allocationsPerRecords float64
}

// measured is a case with its runs.
type measured struct {
	jobs.Case
	pairs []pair
}

func measureThroughput(o options) (report, error) {
	limit, remove, err := build("limit")
	if err != nil {
		return nil, err
	}
	defer remove()
	result := throughput{smoke: o.smoke}
	for _, c := range jobs.Cases() {
		if !strings.Contains(o.cases, c.Letter) {
			continue
		}
		m := measured{Case: c}
		for i := range o.runs {
			o.say("case %s: run %d of %d", c.Letter, i+1, o.runs)
			p, err := measurePair(c, limit, o, i)
			if err != nil {
				return nil, err
			}
			m.pairs = append(m.pairs, p)
		}
		result.cases = append(result.cases, m)
	}
	if len(result.cases) == 0 {
		return nil, fmt.Errorf("--cases %q names no case", o.cases)
	}
	return result, nil
}

func measurePair(c jobs.Case, limit string, o options, run int) (p pair, err error) {
	order := jobs.Order{Letter: c.Letter, Check: o.smoke}
	if o.profile != "" {
		if err := os.MkdirAll(o.profile, 0o755); err != nil {
			return p, err
		}
		order.Profile = filepath.Join(o.profile, fmt.Sprintf("%s-%d.pprof", c.Letter, run+1))
	}
	if p.engine, p.engineCPU, err = child.Measure[jobs.Outcome]("case", order); err != nil {
		return p, err
	}
	p.allocationsPerRecords = float64(p.engine.Allocations) / float64(p.engine.Records)
	if p.limit, p.limitCPU, err = child.Run[limitOutcome](limit, c.Limit); err != nil {
		return p, err
	}
	if p.limit.Case != c.Limit {
		return p, fmt.Errorf("limit was asked for case %s and has measured %q", c.Limit, p.limit.Case)
	}
	return p, nil
}

func (m measured) engine() stats.Summary {
	return stats.Summarize(stats.Of(m.pairs, func(p pair) float64 { return p.engine.Rate() }))
}

func (m measured) limit() stats.Summary {
	return stats.Summarize(stats.Of(m.pairs, func(p pair) float64 { return p.limit.Rate }))
}

func (m measured) ratio() float64 {
	return stats.Median(stats.Ratios(
		stats.Of(m.pairs, func(p pair) float64 { return p.engine.Rate() }),
		stats.Of(m.pairs, func(p pair) float64 { return p.limit.Rate }),
	))
}

func (m measured) allocations() float64 {
	return stats.Median(stats.Of(m.pairs, func(p pair) float64 { return p.allocationsPerRecords }))
}

// engineCPU and limitCPU are nanoseconds of processor time a record.
func (m measured) engineCPU() float64 {
	return stats.Median(stats.Of(m.pairs, func(p pair) float64 { return p.engineCPU / float64(p.engine.Records) * 1e9 }))
}

func (m measured) limitCPU() float64 {
	return stats.Median(stats.Of(m.pairs, func(p pair) float64 { return p.limitCPU / float64(p.limit.Records) * 1e9 }))
}

// row is a result as --json prints it.
type row struct {
	Case        string  `json:"case"`
	Records     int64   `json:"records"`
	Seconds     float64 `json:"seconds"`
	Rate        float64 `json:"mrec_per_s"`
	Allocations float64 `json:"allocs_per_record"`
	Limit       float64 `json:"limit_mrec_per_s"`
	Ratio       float64 `json:"ratio"`
}

func (m measured) row() row {
	return row{
		Case: m.Letter, Records: m.pairs[0].engine.Records,
		Seconds: stats.Median(stats.Of(m.pairs, func(p pair) float64 { return p.engine.Seconds })),
		Rate:    m.engine().Median, Allocations: m.allocations(), Limit: m.limit().Median, Ratio: m.ratio(),
	}
}
