package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/weir-stream/weir/benchmarks/nexmark/generator"
	"github.com/weir-stream/weir/benchmarks/nexmark/results"
)

// errNotEqual ends the process with an error after all was printed that there is to say.
var errNotEqual = errors.New("results are not equal")

// verification is what verify was asked for.
type verification struct {
	parallelism int
	backend     string
	queries     []string
}

func runVerify(arguments []string, out io.Writer) error {
	flags := pflag.NewFlagSet("nexmark verify", pflag.ContinueOnError)
	var v verification
	path := flags.String("results", "", "`file` of reference results")
	flags.IntVar(&v.parallelism, "parallelism", 2, "subtasks of each operator")
	flags.StringVar(&v.backend, "state-backend", "hashmap", "`backend` that keeps the state: what state.backend.type takes")
	flags.StringSliceVar(&v.queries, "queries", nil, "run only these `queries`, such as q5,q7")
	if err := parse(flags, arguments); err != nil {
		return err
	}
	if *path == "" || v.parallelism < 1 {
		return errors.New("verify: it needs --results with a file, and a parallelism of at least 1")
	}
	file, err := results.Read(*path)
	if err != nil {
		return err
	}
	return v.run(file, out)
}

// run compares each query of each data set.
func (v verification) run(file results.File, out io.Writer) error {
	if _, err := choose(v.queries); err != nil {
		return err
	}
	passed, failed := 0, 0
	for _, set := range file.Sets {
		for _, expected := range set.Queries {
			if len(v.queries) > 0 && !slices.Contains(v.queries, expected.Query) {
				continue
			}
			start := time.Now()
			verdict, err := v.compare(set, expected)
			if err != nil {
				verdict.Note = err.Error()
			}
			outcome := "passed"
			if verdict.Equal {
				passed++
			} else {
				outcome = "FAILED"
				failed++
			}
			fmt.Fprintf(out, "%-12s %-4s %s  %d rows, %.2f s", set.Name, expected.Query, outcome, expected.Rows, time.Since(start).Seconds())
			if verdict.Note != "" {
				fmt.Fprintf(out, ": %s", verdict.Note)
			}
			fmt.Fprintln(out)
		}
	}
	fmt.Fprintf(out, "%d passed, %d failed\n", passed, failed)
	if failed > 0 || passed == 0 {
		return errNotEqual
	}
	return nil
}

// compare runs one query on one data set.
func (v verification) compare(set results.Set, expected results.Expected) (results.Verdict, error) {
	q, err := find(expected.Query)
	if err != nil {
		return results.Verdict{}, err
	}
	if q.collect == nil {
		return results.Verdict{}, fmt.Errorf("%s has no result to compare", q.name)
	}
	config, err := generator.Named(set.Config, set.Events)
	if err != nil {
		return results.Verdict{}, err
	}
	env, all, err := program(q, config, v.parallelism, v.backend)
	if err != nil {
		return results.Verdict{}, err
	}
	var collected results.Collector
	q.collect(all, &collected)
	if _, err := env.Execute(context.Background()); err != nil {
		return results.Verdict{}, err
	}
	return expected.Compare(collected.Table()), nil
}
