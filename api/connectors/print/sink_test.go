package print

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

func newWriter[T any](t *testing.T, sink Printing[T], subtask, parallelism int) connector.Writer[T] {
	t.Helper()
	w, err := sink.NewWriter(connector.WriterContext{
		RuntimeContext: (&operator.Context{Subtask: subtask, Parallelism: parallelism}).Runtime(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestPrefixesAreFlinks(t *testing.T) {
	type pair struct {
		Word string
		N    int
	}
	for _, test := range []struct {
		identifier           string
		subtask, parallelism int
		want                 string
	}{
		{"", 0, 1, "{a 1}\n{b 2}\n"},
		{"", 1, 2, "2> {a 1}\n2> {b 2}\n"},
		{"id", 0, 1, "id> {a 1}\nid> {b 2}\n"},
		{"id", 0, 3, "id:1> {a 1}\nid:1> {b 2}\n"},
	} {
		var out bytes.Buffer
		w := newWriter(t, Sink[pair]().Identifier(test.identifier).To(&out), test.subtask, test.parallelism)
		for range 2 {
			if err := w.Write(&element.Batch[pair]{Values: []pair{{"a", 1}, {"b", 2}}}); err != nil {
				t.Fatal(err)
			}
		}
		if got := out.String(); got != test.want+test.want {
			t.Errorf("%+v: %q", test, got)
		}
	}
}

// writes keeps what each Write was given.
type writes struct{ all []string }

func (w *writes) Write(p []byte) (int, error) {
	w.all = append(w.all, string(p))
	return len(p), nil
}

func TestBatchesOfSubtasksDoNotMix(t *testing.T) {
	var out writes
	sink := Sink[string]().To(&out)
	var all sync.WaitGroup
	for subtask := range 4 {
		w := newWriter(t, sink, subtask, 4)
		all.Go(func() {
			for i := range 100 {
				if err := w.Write(&element.Batch[string]{Values: []string{fmt.Sprint(i), "x"}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if len(out.all) != 400 {
		t.Errorf("%d writes for 400 batches", len(out.all))
	}
	for _, lines := range out.all {
		if first, second, _ := strings.Cut(lines, "\n"); first[:3] != second[:3] || second[3:] != "x\n" {
			t.Errorf("a write of %q", lines)
		}
	}
}

func TestFailuresNameTheOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	w := newWriter(t, Sink[int]().To(full), 0, 1)
	err = w.Write(&element.Batch[int]{Values: []int{1}})
	environmental, ok := err.(interface{ Environmental() bool })
	if !ok || !environmental.Environmental() || !strings.Contains(err.Error(), "cannot print 2 bytes to the output") || !strings.Contains(err.Error(), "free space") {
		t.Error(err)
	}
}
