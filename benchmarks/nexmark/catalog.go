package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/weir-stream/weir/api/connectors/discard"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/benchmarks/nexmark/changelog"
	"github.com/weir-stream/weir/benchmarks/nexmark/generator"
	"github.com/weir-stream/weir/benchmarks/nexmark/queries"
	"github.com/weir-stream/weir/benchmarks/nexmark/results"
)

type events = stream.DataStream[generator.Event]

// query is a query as the commands see it.
type query struct {
	name string
	// ties says that events of equal time or price are told apart by the order of their generation, which a plan keeps if one
	// reader makes all of them.
	ties bool
	// discard ends the query in a sink that drops the result, and collect in one that keeps it; collect is nil where
	// there is no result to keep.
	discard func(events)
	collect func(events, *results.Collector)
}

// appends is a query that only adds rows.
func appends[Row any](name string, build func(events) stream.DataStream[Row]) query {
	return query{
		name:    name,
		discard: func(e events) { stream.To(build(e), discard.Sink[Row]()) },
		collect: func(e events, to *results.Collector) { stream.To(build(e), results.Appends[Row](to)) },
	}
}

// changes is a query with a changelog.
func changes[Row any](name string, build func(events) stream.DataStream[changelog.Change[Row]]) query {
	return query{
		name:    name,
		discard: func(e events) { stream.To(build(e), discard.Sink[changelog.Change[Row]]()) },
		collect: func(e events, to *results.Collector) { stream.To(build(e), results.Changes[Row](to)) },
	}
}

func withTies(q query) query {
	q.ties = true
	return q
}

var catalog = []query{
	appends("q0", queries.Q0),
	appends("q1", queries.Q1),
	appends("q2", queries.Q2),
	appends("q3", queries.Q3),
	changes("q4", queries.Q4),
	appends("q5", queries.Q5),
	appends("q7", queries.Q7),
	appends("q8", queries.Q8),
	withTies(changes("q9", queries.Q9)),
	{name: "q10", discard: logToFiles},
	appends("q11", queries.Q11),
	appends("q12", queries.Q12),
	appends("q12e", queries.Q12E),
	appends("q13", queries.Q13),
	appends("q14", queries.Q14),
	changes("q15", queries.Q15),
	changes("q16", queries.Q16),
	changes("q17", queries.Q17),
	withTies(changes("q18", queries.Q18)),
	withTies(changes("q19", queries.Q19)),
	appends("q20", queries.Q20),
	appends("q21", queries.Q21),
	appends("q22", queries.Q22),
	appends("q23", queries.Q23),
}

// logToFiles writes to the folder that $WEIR_NEXMARK_FILES names.
func logToFiles(e events) { queries.Q10(e, os.Getenv(filesVariable)) }

const filesVariable = "WEIR_NEXMARK_FILES"

// find returns the query of a name.
func find(name string) (query, error) {
	at := slices.IndexFunc(catalog, func(q query) bool { return q.name == name })
	if at < 0 {
		return query{}, fmt.Errorf("there is no query %q: known are %s", name, strings.Join(names(catalog), ", "))
	}
	return catalog[at], nil
}

// choose returns the queries of the names, or all without any.
func choose(chosen []string) ([]query, error) {
	if len(chosen) == 0 {
		return catalog, nil
	}
	var list []query
	for _, name := range chosen {
		q, err := find(name)
		if err != nil {
			return nil, err
		}
		list = append(list, q)
	}
	return list, nil
}

func names(list []query) []string {
	var all []string
	for _, q := range list {
		all = append(all, q.name)
	}
	return all
}

// outOfOrderness is how far watermarks stay behind the latest event.
const outOfOrderness = 4 * time.Second

// program makes an environment with the events of a configuration.
func program(q query, config generator.Config, parallelism int, backend string) (*stream.Environment, events, error) {
	env, err := stream.NewEnvironment("nexmark "+q.name, "state.backend.type="+backend)
	if err != nil {
		return nil, events{}, err
	}
	env.SetParallelism(parallelism)
	source := generator.NewSource(config)
	if q.ties {
		source = source.Together()
	}
	watermarks := stream.BoundedOutOfOrderness(outOfOrderness, stream.RecordTimestamp[generator.Event])
	return env, stream.From(env, source, watermarks).UID("events"), nil
}
