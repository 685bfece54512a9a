package results

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/benchmarks/nexmark/changelog"
)

type cents int64

func (c cents) AppendText(to []byte) ([]byte, error) { return append(to, "c"...), nil }

type shape struct {
	ID    int64
	Text  string
	Price cents
	Inner struct{ A, B int64 }
}

func TestRowsAreJoinedFields(t *testing.T) {
	f, err := NewFormatter[shape]()
	if err != nil {
		t.Fatal(err)
	}
	row := shape{ID: -3, Text: `a\b`, Price: 7}
	row.Inner.A, row.Inner.B = 1, 2
	if got := string(f.Append([]byte("x:"), row)); got != `x:-3|a\b|c|1|2` || f.Columns() != 5 {
		t.Errorf("%s of %d columns", got, f.Columns())
	}
	if _, err := NewFormatter[struct{ A []int64 }](); err == nil || !strings.Contains(err.Error(), "A of") {
		t.Errorf("got %v", err)
	}
}

func table(changes ...string) *Table {
	t := new(Table)
	for _, change := range changes {
		for kind := range changelog.Kind(changelog.Kinds) {
			if row, ok := strings.CutPrefix(change, kind.String()); ok {
				t.Change(kind, row)
			}
		}
	}
	return t
}

func TestChangelogsCollapse(t *testing.T) {
	whole := table("+Ib", "+Ia", "+Ia", "-Ub", "+Uc", "-Da", "+Id")
	rows, err := whole.Rows()
	if err != nil || !slices.Equal(rows, []string{"a", "c", "d"}) {
		t.Errorf("%q (%v)", rows, err)
	}
	if whole.Changes != [changelog.Kinds]int64{4, 1, 1, 1} {
		t.Errorf("changes %v", whole.Changes)
	}
	// What one subtask adds another may take back.
	first, second := table("-Ua", "+Ub"), table("+Ia", "+Ix", "-Db")
	first.Add(second)
	if rows, err := first.Rows(); err != nil || !slices.Equal(rows, []string{"x"}) {
		t.Errorf("%q (%v)", rows, err)
	}
	if _, err := table("+Ia", "-Ua", "-Ua").Rows(); err == nil || !strings.Contains(err.Error(), ": a") {
		t.Errorf("got %v", err)
	}
	// A table of inserts alone, added to one with counts.
	sum := table("+Ia", "-Ua", "+Ub")
	sum.Add(table("+Ib", "+Ib"))
	if rows, err := sum.Rows(); err != nil || !slices.Equal(rows, []string{"b", "b", "b"}) {
		t.Errorf("%q (%v)", rows, err)
	}
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestComparisons(t *testing.T) {
	expected := Expected{
		Query: "q", Columns: []string{"id BIGINT", "text STRING", "time TIMESTAMP(3)"}, Rows: 2, SHA256: hashOf("1|a|5\n2|b|6\n"),
		First: []string{"1|a|5", "2|b|6"}, SHA256OfColumns: map[string]string{"time+id": hashOf("5|1\n6|2\n")},
		ChangelogP1: map[string]int64{"+I": 2, "-U": 1, "+U": 1},
	}
	ordered, unordered := expected, expected
	ordered.SecondImplementation = "equal"
	unordered.SecondImplementation = "equal except among ties"
	for name, test := range map[string]struct {
		expected Expected
		table    *Table
		equal    bool
		note     string
	}{
		"equal":              {expected, table("+I2|b|6", "+I1|a|5"), true, ""},
		"equal with changes": {expected, table("+I1|x|5", "+I2|b|6", "-U1|x|5", "+U1|a|5"), true, "changelog counts too"},
		"a row too few":      {expected, table("+I1|a|5"), false, "1 rows instead of 2; row 1 is missing"},
		"another row":        {expected, table("+I1|a|5", "+I2|c|6"), false, "row 1 is 2|c|6"},
		"ties, in order":     {ordered, table("+I1|a|5", "+I2|c|6"), false, "hash"},
		"ties":               {unordered, table("+I1|a|5", "+I2|c|6"), true, "only in the columns time+id"},
		"more than ties":     {unordered, table("+I1|a|5", "+I2|c|7"), false, "of the columns time+id"},
		"a bad changelog":    {expected, table("-D1|a|5"), false, "more often"},
	} {
		got := test.expected.Compare(test.table)
		if got.Equal != test.equal || !strings.Contains(got.Note, test.note) || test.note == "" && got.Note != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestFilesAreRead(t *testing.T) {
	file, err := parse([]byte(`{"engine": "E", "results": {
		"C3/7": {"q9": {"rows": 1, "first": ["x"], "changelog_p1": null}, "q0": {"sha256": "ab", "sha256_of_columns": {"a+b": "cd"}}},
		"C1/5": {}}}`))
	if err != nil {
		t.Fatal(err)
	}
	set := file.Sets[0]
	if file.Engine != "E" || len(file.Sets) != 2 || set.Name != "C3/7" || set.Config != "C3" || set.Events != 7 || len(set.Queries) != 2 ||
		set.Queries[0].Query != "q9" || set.Queries[0].Rows != 1 || set.Queries[1].SHA256OfColumns["a+b"] != "cd" {
		t.Errorf("read %+v", file)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"results": {"C1/5": {"q0": {"rows": 1}}}}`, `{"results": {"C1": {}}}`, `{"results": {"C1/-5": {}}}`, `{"results": []}`,
		`{"results": {"C1/5": {"q0": {"rows": "x"}}}}`, `{"results": {"C1/5": {"q0": `, `{}`, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := parse(text)
		if err == nil && len(file.Sets) == 0 {
			t.Errorf("a file without results is taken: %q", text)
		}
	})
}
