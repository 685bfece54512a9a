package accumulator

import (
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type point struct{ X, Y int }

// subtask adds the numbers to an accumulator of each kind.
func subtask(t *testing.T, numbers ...int64) *Set {
	t.Helper()
	set := new(Set)
	ints := map[string]*Int{"count": IntCounter(), "least": IntMinimum(), "greatest": IntMaximum()}
	doubles := map[string]*Double{"sum": DoubleCounter(), "low": DoubleMinimum(), "high": DoubleMaximum()}
	mean, points, histogram := NewAverage(), NewList[point](), NewHistogram()
	add := func(name string, a Accumulator) {
		if err := set.Add(name, a); err != nil {
			t.Fatal(err)
		}
	}
	for name, a := range ints {
		add(name, a)
	}
	for name, a := range doubles {
		add(name, a)
	}
	add("mean", mean)
	add("points", points)
	add("histogram", histogram)
	for _, n := range numbers {
		for _, a := range ints {
			a.Add(n)
		}
		for _, a := range doubles {
			a.Add(float64(n) / 2)
		}
		mean.Add(float64(n))
		histogram.Add(n)
		if err := points.Add(point{int(n), 1}); err != nil {
			t.Fatal(err)
		}
	}
	return set
}

// travel encodes and decodes, as on the way from a worker to the JobManager.
func travel(t *testing.T, s Snapshot) Snapshot {
	t.Helper()
	encoded, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(encoded)
	if err != nil {
		t.Fatalf("%s: %v", encoded, err)
	}
	return back
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		return v
	}
}

func TestMergeOverSubtasks(t *testing.T) {
	const big = int64(1)<<53 + 1 // not a float64
	merged := must[Snapshot](t)(Merge(
		travel(t, subtask(t, 3, big).Snapshot()), travel(t, subtask(t).Snapshot()), travel(t, subtask(t, -4, 3).Snapshot())))
	merged = travel(t, merged)

	got := map[string]any{}
	for _, name := range []string{"count", "least", "greatest"} {
		got[name] = must[int64](t)(merged[name].Int())
	}
	for _, name := range []string{"sum", "low", "high", "mean"} {
		got[name] = must[float64](t)(merged[name].Double())
	}
	got["points"] = must[[]point](t)(Elements[point](merged["points"]))
	got["histogram"] = must[map[int64]int64](t)(merged["histogram"].Histogram())
	want := map[string]any{
		"count": big + 2, "least": int64(-4), "greatest": big,
		"sum": 1.5 + float64(big)/2 - 2 + 1.5, "low": -2.0, "high": float64(big) / 2, "mean": (3 + float64(big) - 4 + 3) / 4,
		"points":    []point{{3, 1}, {int(big), 1}, {-4, 1}, {3, 1}},
		"histogram": map[int64]int64{3: 2, big: 1, -4: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestNothingAdded(t *testing.T) {
	s := travel(t, subtask(t).Snapshot())
	if got := must[int64](t)(s["least"].Int()); got != math.MaxInt64 {
		t.Errorf("least of nothing: %d", got)
	}
	if got := must[float64](t)(s["high"].Double()); !math.IsInf(got, -1) {
		t.Errorf("high of nothing: %v", got)
	}
	if got := must[float64](t)(s["mean"].Double()); got != 0 {
		t.Errorf("mean of nothing: %v", got)
	}
	if got := s["points"].String(); got != "[]" {
		t.Errorf("list of nothing: %s", got)
	}
}

func TestNotANumberTravels(t *testing.T) {
	sum := DoubleCounter()
	sum.Add(math.Inf(1))
	sum.Add(math.Inf(-1))
	s := travel(t, Snapshot{"sum": sum.Value()})
	if got := must[float64](t)(s["sum"].Double()); !math.IsNaN(got) {
		t.Errorf("Inf-Inf = %v", got)
	}
}

func TestErrors(t *testing.T) {
	set := subtask(t, 1)
	want := func(err error, words string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("got %v, want %q", err, words)
		}
	}
	want(set.Add("count", NewHistogram()), `accumulator "count" exists already in this subtask`)
	_, err := Merge(Snapshot{"a": IntCounter().Value()}, Snapshot{"a": IntMinimum().Value()})
	want(err, `accumulator "a": is a IntCounter in one subtask and a IntMinimum in another`)
	want(NewList[func()]().Add(nil), "must be written as JSON")
	_, err = IntCounter().Value().Histogram()
	want(err, "is a IntCounter, not a histogram")
	_, err = Elements[int](NewHistogram().Value())
	want(err, "is a Histogram, not a list")
	if set.Get("count") == nil || set.Get("none") != nil {
		t.Error("Get")
	}
	for _, encoded := range []string{"", "[]", `{"a":{}}`, `{"a":{"kind":"IntCounter"}}`, `{"a":{"kind":"IntCounter","value":1.5}}`,
		`{"a":{"kind":"Histogram","value":null}}`, `{"a":{"kind":"DoubleCounter","value":"x"}}`, `{"a":{"kind":"What","value":1}}`} {
		if s, err := Decode([]byte(encoded)); err == nil {
			t.Errorf("%s is accepted as %v", encoded, s)
		}
	}
}

// A snapshot must not change when the subtask goes on.
func TestSnapshotIsACopy(t *testing.T) {
	points, histogram := NewList[int](), NewHistogram()
	histogram.Add(1)
	before := []Value{points.Value(), histogram.Value()}
	_ = points.Add(1)
	histogram.Add(1)
	if before[0].String() != "[]" || before[1].String() != `{"1":1}` {
		t.Errorf("%s", before)
	}
}

func TestConcurrentAdds(t *testing.T) {
	set, count, histogram, list := new(Set), IntCounter(), NewHistogram(), NewList[int]()
	for name, a := range map[string]Accumulator{"count": count, "histogram": histogram, "list": list} {
		if err := set.Add(name, a); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for n := range 1000 {
				count.Add(1)
				histogram.Add(int64(n))
				if err := list.Add(n); err != nil {
					t.Error(err)
				}
				if n%100 == 0 {
					set.Snapshot()
				}
			}
		})
	}
	all.Wait()
	elements, err := Elements[int](list.Value())
	if err != nil || count.Local() != 4000 || histogram.Local()[999] != 4 || len(elements) != 4000 {
		t.Errorf("count %d, 999 %d times, %d elements, %v", count.Local(), histogram.Local()[999], len(elements), err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"a":{"kind":"IntCounter","value":3},"b":{"kind":"ListAccumulator","value":[1,"x"]}}`))
	f.Add([]byte(`{"h":{"kind":"Histogram","value":{"-1":2}},"m":{"kind":"AverageAccumulator","value":{"count":2,"sum":"NaN"}}}`))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		s, err := Decode(encoded)
		if err != nil {
			return
		}
		merged, err := Merge(s, s)
		if err != nil {
			t.Fatal(err)
		}
		if back := travel(t, merged); len(back) != len(s) {
			t.Errorf("%d of %d left", len(back), len(s))
		}
	})
}
