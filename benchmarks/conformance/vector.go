package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/weir-stream/weir/api/streamtest"
)

// vector is a script for an operator, with what Flink's operator emitted at each step. Facts have no steps.
type vector struct {
	Name     string
	Operator params
	Steps    []step
	Outputs  [][]item
	fact
}

// step is one thing that happens.
type step struct {
	Element *struct {
		Key   string
		Value int64
		Cmd   string
		TS    *int64
	}
	// Input is 1 or 2 for an operator with two inputs, and 0 where there is one or the step is for both.
	Input           int
	Channel         *int
	Watermark       *int64
	Status          string
	ProcessingTime  *int64
	SnapshotRestore bool
	Parallelism     int
	EndOfInput      bool
	// Complete is the ordinal of the record whose work has these results.
	Complete *int
	Results  []int64
	// Those of splitWatermarks.
	Split                string
	Register, Unregister bool
	Deferred             bool
	PeriodicEmit         bool
	// text is the step as it stands in the file.
	text string
}

func (s *step) UnmarshalJSON(text []byte) error {
	type plain step
	s.text = string(text)
	return strictly(text, (*plain)(s))
}

// item is one thing that came out. Record is decoded JSON.
type item struct {
	Record       any     `json:"record,omitempty"`
	Side         string  `json:"side,omitempty"`
	TS           *int64  `json:"ts,omitempty"`
	Watermark    *int64  `json:"watermark,omitempty"`
	Status       string  `json:"status,omitempty"`
	InvokedAgain []int64 `json:"invokedAgain,omitempty"`
}

func (i item) isRecord() bool { return i.Record != nil }

// String is the item as JSON, with the fields of a record in alphabetical order: equal items are equal strings.
func (i item) String() string {
	text, err := json.Marshal(i)
	if err != nil {
		panic(err) // it came from JSON
	}
	return string(text)
}

// normal is the item as it is compared: an event time that is the least of all is none.
func (i item) normal() item {
	if i.TS != nil && *i.TS == streamtest.NoTimestamp {
		i.TS = nil
	}
	return i
}

// strictly decodes JSON of which nothing may be left over.
func strictly(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// topic is a file of vectors.
type topic struct {
	name    string
	vectors []vector
}

// skipped are the topics that wait for an operator of their own.
var skipped = []string{"cep"}

func readTopics(folders []string) ([]topic, error) {
	var topics []topic
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("folder %s has no file *.jsonl", folder)
		}
		for _, file := range files {
			t, err := readTopic(file)
			if err != nil {
				return nil, err
			}
			topics = append(topics, t)
		}
	}
	return topics, nil
}

func readTopic(path string) (topic, error) {
	file, err := os.Open(path)
	if err != nil {
		return topic{}, err
	}
	defer file.Close()
	t := topic{name: strings.TrimSuffix(filepath.Base(path), ".jsonl")}
	for lines, number := bufio.NewReader(file), 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			v, err := t.read(line)
			if err != nil {
				return topic{}, fmt.Errorf("%s:%d: %w", path, number, err)
			}
			t.vectors = append(t.vectors, v)
		}
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return topic{}, err
		}
	}
}

func (t topic) skipped() bool { return slices.Contains(skipped, t.name) }

func (t topic) read(line []byte) (v vector, err error) {
	if t.skipped() {
		return v, json.Unmarshal(line, &struct{ Name *string }{&v.Name})
	}
	if err := strictly(line, &v); err != nil {
		return v, err
	}
	if len(v.Steps) != len(v.Outputs) {
		return v, fmt.Errorf("vector %s has %d steps and outputs of %d", v.Name, len(v.Steps), len(v.Outputs))
	}
	return v, nil
}
