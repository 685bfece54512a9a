package results

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/weir-stream/weir/benchmarks/nexmark/changelog"
)

// Verdict is the outcome of a comparison.
type Verdict struct {
	Equal bool
	// Note says what is different, or to what extent it is equal.
	Note string
}

// Compare compares a table with what is expected of it.
//
// The whole rows must be equal. Only of an entry that was not computed in generation order itself, and has hashes of the columns that
// the order among ties does not change, these are enough.
func (e Expected) Compare(t *Table) Verdict {
	rows, err := t.Rows()
	if err != nil {
		return Verdict{Note: err.Error()}
	}
	if int64(len(rows)) != e.Rows {
		return Verdict{Note: fmt.Sprintf("%d rows instead of %d%s", len(rows), e.Rows, e.difference(rows))}
	}
	if hash := Hash(rows); hash != e.SHA256 {
		if e.inGenerationOrder() || len(e.SHA256OfColumns) == 0 {
			return Verdict{Note: fmt.Sprintf("hash %.12s instead of %.12s%s", hash, e.SHA256, e.difference(rows))}
		}
		return e.compareColumns(rows)
	}
	return Verdict{Equal: true, Note: e.compareChangelog(t)}
}

// inGenerationOrder says that the entry is known to be that of the events in generation order.
func (e Expected) inGenerationOrder() bool {
	switch {
	case e.Source != "":
		return true
	case e.SecondImplementation != "":
		return e.SecondImplementation == "equal"
	}
	return e.ChangelogP1 != nil
}

func (e Expected) compareColumns(rows []string) Verdict {
	for _, names := range slices.Sorted(maps.Keys(e.SHA256OfColumns)) {
		columns, err := e.positions(strings.Split(names, "+"))
		if err != nil {
			return Verdict{Note: err.Error()}
		}
		reduced, err := project(rows, columns)
		if err != nil {
			return Verdict{Note: err.Error()}
		}
		if hash := Hash(reduced); hash != e.SHA256OfColumns[names] {
			return Verdict{Note: fmt.Sprintf("hash %.12s of the columns %s instead of %.12s", hash, names, e.SHA256OfColumns[names])}
		}
	}
	return Verdict{Equal: true, Note: "only in the columns " + strings.Join(slices.Sorted(maps.Keys(e.SHA256OfColumns)), ", ") +
		", since the reference took ties in another order"}
}

// positions finds columns by their names.
func (e Expected) positions(names []string) ([]int, error) {
	columns := make([]int, len(names))
	for i, name := range names {
		columns[i] = slices.IndexFunc(e.Columns, func(column string) bool {
			have, _, _ := strings.Cut(column, " ")
			return have == name
		})
		if columns[i] < 0 {
			return nil, fmt.Errorf("there is no column %s among %s", name, strings.Join(e.Columns, ", "))
		}
	}
	return columns, nil
}

// compareChangelog says whether the changelog has as many records of each kind as one of the reference's.
func (e Expected) compareChangelog(t *Table) string {
	changes := map[string]int64{}
	for kind, n := range t.Changes {
		if n > 0 {
			changes[changelog.Kind(kind).String()] = n
		}
	}
	if len(changes) < 2 {
		return ""
	}
	if maps.Equal(changes, e.ChangelogP1) || maps.Equal(changes, e.ChangelogP2) {
		return "changelog counts too"
	}
	return ""
}

// difference shows the first of the known rows that is another.
func (e Expected) difference(rows []string) string {
	for i, want := range e.First {
		if i >= len(rows) {
			return fmt.Sprintf("; row %d is missing: %s", i, want)
		}
		if rows[i] != want {
			return fmt.Sprintf("; row %d is %s instead of %s", i, rows[i], want)
		}
	}
	return ""
}
