package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

// flinkFigures are those of flink.json.
type flinkFigures struct {
	Note    string                 `json:"note"`
	Queries map[string]flinkFigure `json:"queries"`
}

// flinkFigure is Flink's rates in a query, in million records a second; 0 where there is none.
type flinkFigure struct {
	// Events is how many events the query is measured with.
	Events  int64   `json:"events"`
	Memory  float64 `json:"memory"`
	RocksDB float64 `json:"rocksdb"`
	// Aim is how many times Flink's rate is aimed at, in memory.
	Aim float64 `json:"aim"`
}

// pebbleAim is how many times Flink's rate on RocksDB is aimed at.
const pebbleAim = 6

// otherEvents is the number of events of queries that Flink was not measured with.
const otherEvents = 1_000_000

//go:embed flink.json
var flinkFile []byte

var flink = func() (figures flinkFigures) {
	if err := json.Unmarshal(flinkFile, &figures); err != nil {
		panic(fmt.Sprintf("flink.json: %v", err))
	}
	return figures
}()

func (f flinkFigures) of(query string) flinkFigure {
	figure, ok := f.Queries[query]
	if !ok {
		figure.Events = otherEvents
	}
	return figure
}

// rate is Flink's with the backend that corresponds.
func (f flinkFigure) rate(backend string) float64 {
	if isPebble(backend) {
		return f.RocksDB
	}
	return f.Memory
}

func (f flinkFigure) aim(backend string) float64 {
	if isPebble(backend) {
		return pebbleAim * f.RocksDB
	}
	return f.Aim * f.Memory
}
