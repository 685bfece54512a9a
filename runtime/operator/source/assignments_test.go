package source

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/ident"
)

func ids(splits []connector.Split) (all string) {
	for _, s := range splits {
		all += s.ID
	}
	return all
}

func TestWhatNoCheckpointHoldsIsLostWithTheReader(t *testing.T) {
	var a Assignments
	assign := func(subtask int, ids string) {
		for _, id := range ids {
			a.Assign(subtask, []connector.Split{split(string(id))})
		}
	}
	expect := func(subtask int, from ident.CheckpointID, want string) {
		t.Helper()
		if got := ids(a.Reset(subtask, from)); got != want {
			t.Errorf("subtask %d begins anew from %d: lost %q, want %q", subtask, from, got, want)
		}
	}
	assign(0, "ab")
	assign(1, "A")
	expect(0, 0, "ab")
	expect(0, 0, "")
	assign(0, "c")
	a.Taken(4) // aborted
	assign(0, "d")
	a.Taken(5)
	assign(0, "e")
	a.Taken(6)
	assign(0, "f")
	a.Complete(5)
	expect(0, 5, "ef")
	expect(1, 5, "")
	assign(0, "gh")
	a.Complete(6)
	a.Complete(5) // a notice that comes late
	expect(0, 6, "gh")
	var restored Assignments // begins with a checkpoint of another run, whose numbers may be higher
	restored.Assign(0, []connector.Split{split("x")})
	if got := ids(restored.Reset(0, 99)); got != "x" {
		t.Errorf("lost %q, want x", got)
	}
}

// TestAssignmentsModel compares with a list of all that was ever done.
func TestAssignmentsModel(t *testing.T) {
	for seed := range int64(300) {
		random := rand.New(rand.NewSource(seed))
		var a Assignments
		type sent struct {
			id      string
			subtask int
			before  ident.CheckpointID // the first checkpoint that has it
			reset   bool
		}
		var all []*sent
		next, complete := ident.CheckpointID(1), ident.CheckpointID(0)
		for step := range 60 {
			switch random.Intn(5) {
			case 0:
				a.Taken(next)
				next++
			case 1:
				if n := int(next - complete - 1); n > 0 {
					complete += ident.CheckpointID(1 + random.Intn(n))
					a.Complete(complete)
				}
			case 2:
				subtask, want := random.Intn(3), ""
				for _, s := range all {
					if s.subtask == subtask && !s.reset {
						s.reset = true
						if s.before > complete {
							want += s.id + " "
						}
					}
				}
				got := ""
				for _, s := range a.Reset(subtask, complete) {
					got += s.ID + " "
				}
				if got != want {
					t.Fatalf("seed %d, step %d: lost %q, want %q", seed, step, got, want)
				}
			default:
				s := &sent{id: fmt.Sprint(step), subtask: random.Intn(3), before: next}
				all = append(all, s)
				a.Assign(s.subtask, []connector.Split{split(s.id)})
			}
		}
		if len(a.taken) > int(next-complete) {
			t.Fatalf("seed %d: %d checkpoints are kept", seed, len(a.taken))
		}
	}
}
