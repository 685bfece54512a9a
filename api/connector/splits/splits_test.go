package splits

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/connector"
)

// sent records what an enumerator tells its readers.
type sent struct {
	parallelism int
	log         []string
}

func (s *sent) Context() context.Context { return context.Background() }
func (s *sent) Parallelism() int         { return s.parallelism }
func (s *sent) Logger() *slog.Logger     { return slog.New(slog.DiscardHandler) }

func (s *sent) Assign(subtask int, splits ...connector.Split) {
	entry := fmt.Sprint(subtask)
	for _, split := range splits {
		entry += " " + split.ID
	}
	s.log = append(s.log, entry)
}

func (s *sent) NoMoreSplits(subtask int) { s.log = append(s.log, fmt.Sprintf("%d end", subtask)) }

func named(ids string) (list []connector.Split) {
	for _, id := range strings.Fields(ids) {
		list = append(list, connector.Split{ID: id, State: []byte(id)})
	}
	return list
}

func plan(ids string) Plan {
	return Plan{List: func() ([]connector.Split, error) { return named(ids), nil }}
}

func check(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (s *sent) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(s.log, want) {
		t.Errorf("sent %q, want %q", s.log, want)
	}
}

func TestSplitsAreHandedOutInOrder(t *testing.T) {
	to := &sent{parallelism: 2}
	e := NewEnumerator(to, plan("a b c"))
	check(t, e.Start(), e.RequestSplit(0), e.RequestSplit(1), e.RequestSplit(1), e.RequestSplit(0))
	to.expect(t, "0 a", "1 b", "1 c", "1 end", "0 end")
}

func TestReturnedSplitsGoToTheReaderThatFailed(t *testing.T) {
	to := &sent{parallelism: 2}
	e := NewEnumerator(to, plan("a"))
	check(t, e.Start(), e.RequestSplit(0), e.RequestSplit(1))
	check(t, e.AddSplitsBack(0, named("a")), e.RequestSplit(1), e.AddReader(0), e.RequestSplit(0))
	to.expect(t, "0 a", "0 end", "1 end", "0 a", "0 end")
}

func TestFixedSplits(t *testing.T) {
	to := &sent{parallelism: 2}
	p := plan("a b c d e")
	p.Fixed = true
	e := NewEnumerator(to, p)
	check(t, e.Start(), e.RequestSplit(1), e.RequestSplit(0), e.AddSplitsBack(1, named("d")), e.AddReader(1), e.RequestSplit(1))
	to.expect(t, "1 b d", "1 end", "0 a c e", "0 end", "1 d", "1 end")
}

func TestRestoreGoesOnWithWhatWasLeft(t *testing.T) {
	to := &sent{parallelism: 1}
	e := NewEnumerator(to, plan("a b c"))
	check(t, e.Start(), e.RequestSplit(0))
	snapshot, err := e.Snapshot()
	check(t, err)
	restored := NewEnumerator(to, plan("x"))
	check(t, restored.Restore(snapshot), restored.RequestSplit(0), restored.RequestSplit(0))
	to.expect(t, "0 a", "0 b", "0 c", "0 end")
}

func TestRestoreRefusesWhatItDoesNotUnderstand(t *testing.T) {
	good := Encode(named("a b"))
	for name, snapshot := range map[string][]byte{
		"empty":           nil,
		"cut":             good[:len(good)-1],
		"longer":          append(slices.Clone(good), 0),
		"another version": append([]byte{2}, good[1:]...),
		"a long number":   {1, 0x80, 0},
		"a split twice":   Encode(named("a a")),
		"many":            {1, 0xff, 0xff, 0xff, 0xff, 0x0f},
	} {
		if err := NewEnumerator(&sent{}, plan("")).Restore(snapshot); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := plan("")
	p.Weigh = func(split connector.Split) (int64, error) { return 0, fmt.Errorf("bad state") }
	if err := NewEnumerator(&sent{}, p).Restore(good); err == nil || !strings.Contains(err.Error(), `split "a": bad state`) {
		t.Error(err)
	}
}

func TestSharesShrink(t *testing.T) {
	left := make([]item, 1000)
	total := int64(0)
	for i := range left {
		left[i].weight = int64(1 + i%7)
		total += left[i].weight
	}
	requests, before := 0, int64(1<<60)
	for len(left) > 0 {
		n := share(left, total, 4, 1<<40)
		weight := int64(0)
		for _, it := range left[:n] {
			weight += it.weight
		}
		if n < 1 || n > 1 && weight > total/8 || weight > before+7 {
			t.Fatalf("%d splits of weight %d, of %d, after one of %d", n, weight, total, before)
		}
		left, total, before = left[n:], total-weight, weight
		requests++
	}
	if requests > 100 {
		t.Errorf("%d requests for 1000 splits", requests)
	}
	if n := share([]item{{weight: 5}, {weight: 5}, {weight: 5}}, 1000, 1, 10); n != 2 {
		t.Errorf("%d splits of 5 where 10 is the most", n)
	}
}

func TestQueueAsksOnce(t *testing.T) {
	asked, woken := 0, 0
	q := NewQueue(connector.ReaderContext{RequestSplit: func() { asked++ }, Wake: func() { woken++ }})
	q.Request()
	q.Request()
	if _, ok := q.Next(); ok || asked != 1 || q.Status() != connector.Waiting {
		t.Errorf("asked %d times", asked)
	}
	q.Add(named("a b"))
	first, _ := q.Next()
	q.Request() // one is there
	if first.ID != "a" || asked != 1 || woken != 1 || len(q.Waiting()) != 1 {
		t.Errorf("first %q, asked %d times, woken %d times", first.ID, asked, woken)
	}
	q.Next()
	q.Request()
	q.NoMore()
	q.Request()
	if asked != 2 || woken != 2 || q.Status() != connector.Ended {
		t.Errorf("asked %d times, woken %d times, status %d", asked, woken, q.Status())
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode(nil))
	f.Add(Encode(named("a bb")))
	f.Add([]byte{1, 1, 0, 0x80, 0})
	f.Fuzz(func(t *testing.T, encoded []byte) {
		list, err := Decode(encoded)
		if err == nil && string(Encode(list)) != string(encoded) {
			t.Errorf("%x is read as %v", encoded, list)
		}
	})
}
