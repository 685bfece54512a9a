package operations

import (
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
)

var start = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

func key(n byte) Key { return Key{Kind: Savepoint, Trigger: ident.ID{n}} }

func TestAnOperationFromTriggerToOblivion(t *testing.T) {
	b := NewBook[string](5*time.Minute, 10)
	look := func(at time.Duration, want State, outcome string) {
		t.Helper()
		if state, got := b.Look(key(1), start.Add(at)); state != want || got != outcome {
			t.Errorf("after %v: %v %q, want %v %q", at, state, got, want, outcome)
		}
	}
	look(0, Unknown, "")
	if b.Begin(key(1), start) != Started || b.Begin(key(1), start) != Known {
		t.Error("a repeated trigger starts the operation again, or the first does not")
	}
	look(time.Hour, Going, "") // however long it takes
	b.Finish(key(1), "done", start.Add(time.Hour))
	b.Finish(key(1), "twice", start.Add(2*time.Hour))
	look(time.Hour+5*time.Minute-1, Ended, "done")
	if b.Begin(key(1), start.Add(time.Hour+time.Minute)) != Known {
		t.Error("a trigger of an operation that has ended starts it again")
	}
	look(time.Hour+5*time.Minute, Unknown, "")
	if b.Begin(key(1), start.Add(2*time.Hour)) != Started {
		t.Error("a forgotten trigger cannot be used again")
	}
	b.Finish(key(9), "never began", start)
	if state, _ := b.Look(key(9), start); state != Unknown {
		t.Error("what never began has ended")
	}
}

func TestKindsAndJobsAreApart(t *testing.T) {
	b := NewBook[int](time.Minute, 10)
	one := Key{Savepoint, ident.ID{1}, ident.ID{7}}
	b.Begin(one, start)
	for _, other := range []Key{{Checkpoint, ident.ID{1}, ident.ID{7}}, {Savepoint, ident.ID{2}, ident.ID{7}}, {Savepoint, ident.ID{1}, ident.ID{8}}} {
		if state, _ := b.Look(other, start); state != Unknown {
			t.Errorf("%v is taken for %v", other, one)
		}
	}
}

func TestABookIsBounded(t *testing.T) {
	b := NewBook[int](time.Hour, 3)
	for n := range byte(3) {
		b.Begin(key(n), start)
	}
	if b.Begin(key(3), start) != Full {
		t.Error("more operations go on than are allowed")
	}
	b.Finish(key(1), 1, start)
	b.Finish(key(0), 0, start.Add(time.Second))
	if b.Begin(key(3), start.Add(2*time.Second)) != Started {
		t.Error("an outcome does not give way")
	}
	if state, _ := b.Look(key(1), start); state != Unknown {
		t.Error("the oldest outcome is still there")
	}
	if state, _ := b.Look(key(0), start); state != Ended {
		t.Error("a younger outcome is gone")
	}
	if len(b.entries) != 3 {
		t.Errorf("%d entries", len(b.entries))
	}
}
