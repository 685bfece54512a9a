package worker

import (
	"context"
	"testing"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

// begun is an enumerator that remembers how it began.
type begun struct {
	connector.Enumerator
	how *string
}

func (b begun) Start() error { *b.how = "started"; return nil }

func (b begun) Restore(state []byte) error { *b.how = "restored: " + string(state); return nil }

// An enumerator may have nothing to say: it goes on from that all the same, and does not assign all its splits again.
func TestAnEnumeratorGoesOnFromAnEmptyState(t *testing.T) {
	const location = "memory://a/job/chk-1"
	of, other := ident.OperatorID{1}, ident.OperatorID{2}
	for _, c := range []struct {
		name    string
		restore *message.Restore
		op      *snapshot.OperatorState
		want    string
	}{
		{"no snapshot", nil, nil, "started"},
		{"a snapshot without the operator", &message.Restore{Location: location}, &snapshot.OperatorState{Id: other[:], Coordinator: snapshot.Inline([]byte("x"))}, "started"},
		{"a snapshot without a state of it", &message.Restore{Location: location}, &snapshot.OperatorState{Id: of[:]}, "started"},
		{"a state", &message.Restore{Location: location}, &snapshot.OperatorState{Id: of[:], Coordinator: snapshot.Inline([]byte("x"))}, "restored: x"},
		{"an empty state", &message.Restore{Location: location}, &snapshot.OperatorState{Id: of[:], Coordinator: snapshot.Inline(nil)}, "restored: "},
	} {
		h := &Host{}
		h.restores.location, h.restores.metadata = location, &snapshot.Metadata{Operators: []*snapshot.OperatorState{c.op}}
		var how string
		coordinator := &coordinator{host: h, operator: of, ctx: context.Background()}
		factory := func(connector.EnumeratorContext) (connector.Enumerator, error) { return begun{how: &how}, nil }
		if err := coordinator.start(factory, &message.StartCoordinator{Restore: c.restore}); err != nil || how != c.want {
			t.Errorf("%s: %q (%v), want %q", c.name, how, err, c.want)
		}
	}
}
