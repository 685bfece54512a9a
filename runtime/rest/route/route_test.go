package route

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-stream/weir/runtime/rest/answer"
)

var table = NewTable([]Route{
	{Method: "GET", Path: "/jobs"}, {Method: "GET", Path: "/jobs/overview"}, {Method: "GET", Path: "/jobs/:jobid"}, {Method: "PATCH", Path: "/jobs/:jobid"},
	{Method: "GET", Path: "/jobs/:jobid/checkpoints/:triggerid"}, {Method: "GET", Path: "/jobs/:jobid/checkpoints/config"},
	{Method: "GET", Path: "/taskmanagers/:taskmanagerid/logs/:filename"}, {Method: "POST", Path: "/jobs/overview/x"},
})

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		method, path string
		index        int // -1: none
		values       map[string]string
	}{
		{"GET", "/jobs", 0, map[string]string{}},
		{"GET", "/jobs/", 0, map[string]string{}}, {"GET", "//jobs//", 0, map[string]string{}}, // slashes at the ends do not count
		{"GET", "/jobs/overview", 1, map[string]string{}},
		{"GET", "/jobs/abc", 2, map[string]string{"jobid": "abc"}},
		{"PATCH", "/jobs/overview", 3, map[string]string{"jobid": "overview"}}, // only GET has the fixed one
		{"GET", "/jobs/a/checkpoints/b", 4, map[string]string{"jobid": "a", "triggerid": "b"}},
		{"GET", "/jobs/a/checkpoints/config", 5, map[string]string{"jobid": "a"}},
		{"GET", "/jobs/overview/checkpoints/b", 4, map[string]string{"jobid": "overview", "triggerid": "b"}},
		{"GET", "/taskmanagers/h%3A1-a/logs/a%2Fb", 6, map[string]string{"taskmanagerid": "h:1-a", "filename": "a/b"}},
		{"POST", "/jobs", -1, nil}, {"HEAD", "/jobs", -1, nil}, {"GET", "", -1, nil}, {"GET", "/", -1, nil}, {"GET", "/jobs/a/b", -1, nil}, {"GET", "/jobs//x", -1, nil},
		{"GET", "/jobs/%zz", -1, nil}, {"GET", "jobs/x//y", -1, nil}, {"GET", "/jobs/:jobid/checkpoints", -1, nil},
	} {
		index, values, found := table.Match(c.method, c.path)
		if !found {
			index = -1
		}
		if index != c.index || cmp.Diff(c.values, values) != "" {
			t.Errorf("%s %s: %d %v, want %d %v", c.method, c.path, index, values, c.index, c.values)
		}
	}
}

func TestTwoRoutesForOneRequest(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("nobody noticed")
		}
	}()
	NewTable([]Route{{Method: "GET", Path: "/jobs/:jobid"}, {Method: "GET", Path: "/jobs/:other"}})
}

func TestReadQuery(t *testing.T) {
	yes, five := true, 5
	all := []string{"get", "agg", "mode", "maxExceptions", "failureLabelFilter", "type", "subtaskindex", "programArg", "parallelism", "allowNonRestoredState", "jobs"}
	values, _ := url.ParseQuery("get=a,b&get=c&agg=MIN,skew&mode=CANCEL&maxExceptions=5&failureLabelFilter=k:v,k2:&type=on_cpu&programArg=x,,y&parallelism=5&allowNonRestoredState=TRUE&nosuch=1&subtasks=9")
	got, err := ReadQuery(all, values)
	want := Query{
		Get: []string{"a", "b", "c"}, Aggregate: []answer.Aggregation{answer.Min, answer.Skew}, MaxExceptions: &five, Parallelism: &five, AllowNonRestored: &yes,
		Labels: []answer.Label{{Key: "k", Value: "v"}, {Key: "k2"}}, FlameGraph: "ON_CPU", ProgramArgs: []string{"x", "y"}, Subtask: -1,
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, -want +got\n%s", err, diff)
	}
	for _, bad := range []string{
		"agg=median", "mode=nosuch", "maxExceptions=x", "failureLabelFilter=x", "type=zzz", "subtaskindex=-1", "parallelism=1e3", "allowNonRestoredState=yes", "jobs=xyz", "maxExceptions=99999999999",
	} {
		values, _ := url.ParseQuery(bad)
		name, value, _ := strings.Cut(bad, "=")
		var malformed *Malformed
		_, err := ReadQuery(all, values)
		want := `Bad request, could not parse parameters: Cannot resolve query parameter (` + name + `) from value "` + value + `".`
		if !errors.As(err, &malformed) || err.Error() != want {
			t.Errorf("%s: %v", bad, err)
		}
		if _, err := ReadQuery([]string{"get"}, values); err != nil {
			t.Errorf("%s, which the endpoint does not read: %v", bad, err)
		}
	}
}

// Every parameter that is documented can be read, and has a kind.
func TestParamsAreRead(t *testing.T) {
	for _, p := range Params {
		var q Query
		value := map[string]string{"integer": "1", "boolean": "true", "string": "x", "array": "x"}[p.Type]
		if p.Enum != nil {
			value = p.Enum[0]
		}
		switch p.Name {
		case "jobs":
			value = strings.Repeat("a", 32)
		case "failureLabelFilter":
			value = "a:b"
		}
		if !q.set(p.Name, []string{value}) {
			t.Errorf("%s=%s cannot be read", p.Name, value)
		}
	}
}

func TestRanges(t *testing.T) {
	for text, want := range map[string][]int{"": {0, 1, 2, 3}, "1": {1}, "0-1,3": {0, 1, 3}, "2-99": {2, 3}, "9": nil, "2 - 3": {2, 3}, "0-9223372036854775807": {0, 1, 2, 3}} {
		chosen, err := Ranges(text, 4)
		var got []int
		for i, yes := range chosen {
			if yes {
				got = append(got, i)
			}
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, bad := range []string{"a-b", "3-1", "-1", "1-", "1-2-3", "99999999999999999999"} {
		if _, err := Ranges(bad, 4); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func FuzzRequests(f *testing.F) {
	f.Add("GET", "/jobs/00000000000000000000000000000abc/checkpoints/config", "get=a,b&subtasks=0-3")
	f.Add("GET", "/taskmanagers/h%3A1/logs/..%2F..%2Fx", "agg=min&type=FULL")
	f.Add("PATCH", "/jobs/%00", "mode=;&%zz")
	names := make([]string, len(Params))
	for i, p := range Params {
		names[i] = p.Name
	}
	f.Fuzz(func(t *testing.T, method, path, query string) {
		if _, values, found := table.Match(method, path); found {
			read, err := ReadPath(values)
			if err == nil && (strings.ContainsAny(read.File, "/\\\x00") || read.File == ".." || strings.ContainsAny(read.Jar, "/\\\x00")) {
				t.Fatalf("%q leads out of its folder", read.File)
			}
		}
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		if read, err := ReadQuery(names, values); err == nil {
			if chosen, err := Ranges(read.Subtasks, 5); err == nil && len(chosen) != 5 {
				t.Fatal(chosen)
			}
		}
	})
}
