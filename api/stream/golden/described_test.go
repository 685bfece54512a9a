package golden

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/api/internal/inside"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/operator/sink"
	"github.com/weir-stream/weir/runtime/operator/source"
)

// TestTheGraphKnowsAllStates compares what the job graph says of the states of each operator, from which a job is refused before it
// starts, with what the operators have written.
func TestTheGraphKnowsAllStates(t *testing.T) {
	versions, _ := filepath.Glob("testdata/v*")
	newest := filepath.Join("testdata", "v"+strconv.Itoa(len(versions)))
	env, _ := new(settings).environment(t)
	g, err := inside.Of(env).Compile()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		path := filepath.Join(snapshotIn(t, filepath.Join(newest, c.name)), snapshot.MetadataName)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := snapshot.Decode(path, data)
		if err != nil {
			t.Fatal(err)
		}
		states := 0
		for _, op := range m.Operators {
			_, in := g.Operator(ident.OperatorID(op.Id))
			if in == nil {
				t.Errorf("operator %q is not in the graph", op.Name)
				continue
			}
			for _, wrote := range op.States {
				states++
				st, err := wrote.State()
				if err != nil {
					t.Fatal(err)
				}
				at := slices.IndexFunc(in.State, func(s snapshot.State) bool { return s.Name == st.Name })
				if at < 0 || in.State[at].Kind != st.Kind || in.State[at].TTLMillis != st.TTLMillis || !same(in.State[at].Key, st.Key) ||
					!same(in.State[at].MapKey, st.MapKey) || !same(in.State[at].Value, st.Value) {
					t.Errorf("operator %q, uid %q: state %+v is not in the graph, which has %+v", op.Name, op.Uid, st, in.State)
				}
			}
			for _, wrote := range op.Lists {
				if wrote.Name == source.StateName || wrote.Name == sink.CommittableState {
					continue // their elements are the connector's own
				}
				l, err := wrote.List()
				if err != nil {
					t.Fatal(err)
				}
				at := slices.IndexFunc(in.Lists, func(in snapshot.List) bool { return in.Name == l.Name })
				if at < 0 || in.Lists[at].Redistribution != l.Redistribution || !same(in.Lists[at].Key, l.Key) || !same(in.Lists[at].Element, l.Element) {
					t.Errorf("operator %q, uid %q: operator state %+v is not in the graph, which has %+v", op.Name, op.Uid, l, in.Lists)
				}
			}
		}
		if states < 20 {
			t.Errorf("%s has %d states only", path, states)
		}
	}
}

func same(a, b *schema.Schema) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Fingerprint() == b.Fingerprint()
}
