package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
)

// options say what is run and shown.
type options struct {
	// run selects vectors by "topic/name".
	run      *regexp.Regexp
	backends []string
	verbose  bool
	// patience, if not 0, is how long a vector may take; stuck is called with the name of one that takes longer.
	patience time.Duration
	stuck    func(name string)
}

// tally counts vectors.
type tally struct{ passed, failed, skipped, sliced, preAggregated int }

func (t *tally) add(other tally) {
	t.passed += other.passed
	t.failed += other.failed
	t.skipped += other.skipped
}

// windowed are the topics whose vectors run with slicing and pre-aggregation allowed, and once more without.
var windowed = map[string]bool{"window": true, "windowAll": true, "countWindow": true, "windowJoin": true, "coGroup": true}

// runTopics replays vectors and prints a line for each topic and one for all.
func runTopics(topics []topic, o options, out io.Writer) (total tally) {
	for _, t := range topics {
		result := t.runAll(o, out)
		total.add(result)
		fmt.Fprintf(out, "%-24s %4d passed, %d failed, %d skipped%s\n", t.name, result.passed, result.failed, result.skipped, result.optimized())
	}
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", total.passed, total.failed, total.skipped)
	return total
}

func (t tally) optimized() string {
	if t.sliced+t.preAggregated == 0 {
		return ""
	}
	return fmt.Sprintf("  (sliced in %d, pre-aggregated in %d, and all of these without)", t.sliced, t.preAggregated)
}

func (t topic) runAll(o options, out io.Writer) (result tally) {
	for i := range t.vectors {
		v := &t.vectors[i]
		if o.run != nil && !o.run.MatchString(t.name+"/"+v.Name) {
			continue
		}
		if t.skipped() {
			result.skipped++
			continue
		}
		stop := o.watch(t.name + "/" + v.Name)
		problems, used := v.run(o.backends)
		stop()
		if used.sliced {
			result.sliced++
		}
		if used.preAggregated {
			result.preAggregated++
		}
		if len(problems) == 0 {
			result.passed++
			if o.verbose {
				fmt.Fprintf(out, "pass %s/%s\n", t.name, v.Name)
			}
			continue
		}
		result.failed++
		for _, problem := range problems {
			fmt.Fprintf(out, "FAIL %s/%s (%s)\n", t.name, v.Name, problem)
		}
	}
	return result
}

// watch has stuck called unless the function that it returns is called in time.
func (o *options) watch(name string) (stop func()) {
	if o.patience == 0 {
		return func() {}
	}
	timer := clock.System().AfterFunc(o.patience, func() { o.stuck(name) })
	return func() { timer.Stop() }
}

// used says which optimizations the runtime has chosen for a vector.
type used struct{ sliced, preAggregated bool }

// run replays a vector in all variants and returns how they failed.
func (v *vector) run(backends []string) (problems []string, u used) {
	if v.isFact() {
		if err := v.check(); err != nil {
			problems = append(problems, err.Error())
		}
		return problems, u
	}
	for _, how := range v.variants(backends) {
		err := v.replay(&how)
		u.sliced = u.sliced || how.used.sliced
		u.preAggregated = u.preAggregated || how.used.preAggregated
		if err != nil {
			problems = append(problems, fmt.Sprintf("%s) %s", &how, strings.TrimRight(err.Error(), "\n")))
		}
	}
	return problems, u
}

func (v *vector) variants(backends []string) []variant {
	var all []variant
	kind, _ := v.Operator.values["kind"].(string)
	for _, backend := range backends {
		all = append(all, variant{backend: backend})
		if windowed[kind] {
			all = append(all, variant{backend: backend, plain: true})
		}
	}
	return all
}
