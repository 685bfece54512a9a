// Package results compares the results of queries with reference results: it reads their file, brings rows into its form, collapses
// changelogs and hashes what they leave.
package results

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// File is a file of reference results.
type File struct {
	Engine string
	// Sets are in the order of the file, and so are the queries of each.
	Sets []Set
}

// Set is the results of one data set: a configuration of the generator and a number of events.
type Set struct {
	Name    string
	Config  string
	Events  int64
	Queries []Expected
}

// Expected is the result of one query.
type Expected struct {
	Query   string   `json:"-"`
	Columns []string `json:"columns"` // each with its SQL type
	Rows    int64    `json:"rows"`
	SHA256  string   `json:"sha256"`
	First   []string `json:"first"`
	// ChangelogP1 and ChangelogP2 count the records of each kind, at parallelism 1 and 2.
	ChangelogP1 map[string]int64 `json:"changelog_p1"`
	ChangelogP2 map[string]int64 `json:"changelog_p2"`
	// SecondImplementation says how the result compares with one computed in generation order.
	SecondImplementation string `json:"second_implementation"`
	Source               string `json:"source"`
	// SHA256OfColumns has hashes of the rows reduced to columns that no order among ties can change, by the columns' names
	// joined with '+'.
	SHA256OfColumns map[string]string `json:"sha256_of_columns"`
}

// Read reads a file of results.
func Read(path string) (File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return File{}, err
	}
	file, err := parse(text)
	if err != nil {
		return File{}, fmt.Errorf("results file %s: %w", path, err)
	}
	return file, nil
}

func parse(text []byte) (File, error) {
	var raw struct {
		Engine  string          `json:"engine"`
		Results json.RawMessage `json:"results"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return File{}, err
	}
	file := File{Engine: raw.Engine}
	err := eachMember(raw.Results, func(name string, queries json.RawMessage) error {
		set, err := parseSet(name, queries)
		file.Sets = append(file.Sets, set)
		return err
	})
	if err == nil && len(file.Sets) == 0 {
		err = fmt.Errorf("it has no \"results\"")
	}
	return file, err
}

func parseSet(name string, queries json.RawMessage) (Set, error) {
	config, count, _ := strings.Cut(name, "/")
	events, err := strconv.ParseInt(count, 10, 64)
	if err != nil || events < 0 {
		return Set{}, fmt.Errorf("data set %q: want a configuration, '/', and a number of events", name)
	}
	set := Set{Name: name, Config: config, Events: events}
	err = eachMember(queries, func(query string, text json.RawMessage) error {
		expected := Expected{Query: query}
		if err := json.Unmarshal(text, &expected); err != nil {
			return fmt.Errorf("data set %q, %s: %w", name, query, err)
		}
		set.Queries = append(set.Queries, expected)
		return nil
	})
	return set, err
}

// eachMember calls f with the members of a JSON object in their order.
func eachMember(object json.RawMessage, f func(name string, value json.RawMessage) error) error {
	if len(object) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(object))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return fmt.Errorf("%.20q is no object (%v)", object, err)
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		if err := f(name.(string), value); err != nil {
			return err
		}
	}
	return nil
}
