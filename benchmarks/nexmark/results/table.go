package results

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/weir-stream/weir/benchmarks/nexmark/changelog"
)

// Table is a result under construction: the rows that a changelog leaves, and how many changes of each kind there were.
type Table struct {
	// inserted are the rows of a query that only adds rows.
	inserted []string
	// counts is how often each row is there, where rows are taken back. It may be below zero in between: a part of a changelog
	// may take back what another part has added.
	counts  map[string]int
	Changes [changelog.Kinds]int64
}

// Change adds one change.
func (t *Table) Change(kind changelog.Kind, row string) {
	t.Changes[kind]++
	if kind == changelog.Insert {
		t.inserted = append(t.inserted, row)
		return
	}
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	t.count(row, kind.Adds())
}

func (t *Table) count(row string, adds bool) {
	if adds {
		t.counts[row]++
	} else {
		t.counts[row]--
	}
	if t.counts[row] == 0 {
		delete(t.counts, row)
	}
}

// Add adds the changes of another table.
func (t *Table) Add(other *Table) {
	t.inserted = append(t.inserted, other.inserted...)
	if t.counts == nil && other.counts != nil {
		t.counts = map[string]int{}
	}
	for row, count := range other.counts {
		for ; count > 0; count-- {
			t.count(row, true)
		}
		for ; count < 0; count++ {
			t.count(row, false)
		}
	}
	for kind, n := range other.Changes {
		t.Changes[kind] += n
	}
}

// Rows returns the rows that are left, duplicates too, sorted.
func (t *Table) Rows() ([]string, error) {
	rows := t.inserted
	if t.counts != nil {
		counts := maps.Clone(t.counts)
		for _, row := range t.inserted {
			counts[row]++
		}
		rows = make([]string, 0, len(counts))
		for row, count := range counts {
			if count < 0 {
				return nil, fmt.Errorf("the changelog takes back a row %d times more often than it was added: %s", -count, row)
			}
			for range count {
				rows = append(rows, row)
			}
		}
	}
	rows = slices.Clone(rows)
	slices.Sort(rows)
	return rows, nil
}

// Hash is the SHA-256 of rows, each with a line end.
func Hash(rows []string) string {
	sum, line := sha256.New(), []byte(nil)
	for _, row := range rows {
		line = append(append(line[:0], row...), '\n')
		sum.Write(line)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// project reduces rows to some columns, by their positions, and sorts them anew.
func project(rows []string, columns []int) ([]string, error) {
	reduced := make([]string, len(rows))
	fields := make([]string, len(columns))
	for i, row := range rows {
		all := strings.Split(row, "|")
		for j, column := range columns {
			if column >= len(all) {
				return nil, fmt.Errorf("row %q has no column %d", row, column)
			}
			fields[j] = all[column]
		}
		reduced[i] = strings.Join(fields, "|")
	}
	slices.Sort(reduced)
	return reduced, nil
}
