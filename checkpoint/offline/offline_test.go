package offline

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/api/codec/untyped"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/snapshot/sstable"
	"github.com/weir-stream/weir/checkpoint/storage/stores"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/state"
)

const groups = 4

// job makes a checkpoint of an operator with one keyed state, whose tables are parts of one file.
type job struct {
	data   []byte
	tables []*snapshot.Table
	state  snapshot.State
}

func opener() *stores.Opener { return stores.New(config.Configuration{}, clock.System()) }

// table adds a table with what fill writes.
func (j *job) table(t *testing.T, changes bool, fill func(*sstable.Writer)) {
	t.Helper()
	w := sstable.NewWriter()
	fill(w)
	made, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	sum := snapshot.CRC32C(made)
	j.tables = append(j.tables, &snapshot.Table{
		File:       &snapshot.FileRef{Name: "shared/bundle", Offset: uint64(len(j.data)), Length: uint64(len(made)), Crc32C: &sum},
		FirstGroup: 0, LastGroup: groups - 1, Entries: w.Entries(), Changes: changes,
	})
	j.data = append(j.data, made...)
}

// write writes the checkpoint and opens it again.
func (j *job) write(t *testing.T) *Snapshot {
	t.Helper()
	open := opener()
	folder := "mem://test" + t.Name() + "/job/chk-7"
	folder = strings.ReplaceAll(folder, "#", "-")
	store, err := open.Open(strings.TrimSuffix(folder, "/chk-7"))
	if err != nil {
		t.Fatal(err)
	}
	described, err := j.state.Schema()
	if err != nil {
		t.Fatal(err)
	}
	id := ident.Derive("operator")
	m := &snapshot.Metadata{Checkpoint: 7, Job: make([]byte, 16), Kind: snapshot.Kind_CHECKPOINT, Build: "abc", Operators: []*snapshot.OperatorState{{
		Id: id[:], Uid: "u", Name: "name", Parallelism: 1, MaxParallelism: groups, States: []*snapshot.StateSchema{described},
		Subtasks: []*snapshot.SubtaskState{{Parts: []*snapshot.KeyedPart{{FirstGroup: 0, LastGroup: groups - 1, Tables: j.tables}}}},
	}}}
	encoded, err := snapshot.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(store.Create(t.Context(), "chk-7/_metadata", encoded), store.Create(t.Context(), "shared/bundle", j.data)); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), open.Open, folder)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (j *job) key(group uint16, key int64) []byte {
	k, _ := codec.ForKey[int64]()
	return k.Append(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, group), j.state.Number), &key)
}

func value(n int64) []byte {
	c, _ := codec.For[int64]()
	return c.Append(nil, &n)
}

func newJob(t *testing.T) *job {
	t.Helper()
	k, err := codec.ForKey[int64]()
	if err != nil {
		t.Fatal(err)
	}
	v, err := codec.For[int64]()
	if err != nil {
		t.Fatal(err)
	}
	return &job{state: snapshot.State{Number: 3, Name: "n", Kind: state.KindValue.String(), Key: k.Schema(), Value: v.Schema()}}
}

func dump(t *testing.T, s *Snapshot, folder string) (text string) {
	t.Helper()
	err := s.Dump(t.Context(), DumpOptions{Operator: "u", State: "n", Folder: folder}, func(e *Entry) error {
		text += strconv.Itoa(int(*e.Group)) + ":" + string(e.Key) + "=" + string(e.Value) + " "
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTablesOfOneFileAreMerged(t *testing.T) {
	j := newJob(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	j.table(t, false, func(w *sstable.Writer) {
		for group := range uint16(groups) {
			// An entry of another state stands between those of this one.
			must(w.Add(binary.BigEndian.AppendUint32(nil, uint32(group)<<16|2), []byte("other")))
			must(w.Add(j.key(group, int64(group)), value(10)))
			must(w.Add(j.key(group, int64(group)+100), value(11)))
		}
	})
	j.table(t, true, func(w *sstable.Writer) {
		must(w.Add(j.key(0, 0), value(20)))
		must(w.Delete(j.key(1, 1)))
		from, to := state.Prefix(2, 3)
		must(w.DeleteRange(from, to))
		must(w.Add(j.key(3, 7), value(30)))
	})
	s := j.write(t)
	folder := t.TempDir()
	if got, want := dump(t, s, folder), "0:0=20 0:100=11 1:101=11 3:3=10 3:7=30 3:103=11 "; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if left, _ := os.ReadDir(folder); len(left) > 0 {
		t.Errorf("%d copies are left", len(left))
	}
	sum, err := s.Summarize(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(sum.Files) != 1 || sum.Files[0].Bytes != uint64(len(j.data)) || sum.Operators[0].Subtasks[0].Tables != 2 || sum.Build != "abc" || sum.Checkpoint != 7 {
		t.Errorf("%+v", sum)
	}
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTheCallersErrorStopsTheDump(t *testing.T) {
	j := newJob(t)
	j.table(t, false, func(w *sstable.Writer) {
		for n := range int64(10) {
			if err := w.Add(j.key(0, n), value(n)); err != nil {
				t.Fatal(err)
			}
		}
	})
	enough, calls := errors.New("enough"), 0
	err := j.write(t).Dump(t.Context(), DumpOptions{State: "n"}, func(*Entry) error {
		calls++
		return enough
	})
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestAnEntryThatDoesNotFitItsSchemaIsNamed(t *testing.T) {
	j := newJob(t)
	j.table(t, false, func(w *sstable.Writer) {
		if err := w.Add(j.key(1, 1), []byte("short")); err != nil {
			t.Fatal(err)
		}
	})
	err := j.write(t).Dump(t.Context(), DumpOptions{State: "n"}, func(*Entry) error { return nil })
	if err == nil || !strings.Contains(err.Error(), `operator "name", state "n", subtask 0: entry 00010003`) {
		t.Error(err)
	}
}

// FuzzEntry reads entries that no schema vouches for: what is read is JSON.
func FuzzEntry(f *testing.F) {
	k, err := codec.ForKey[state.Windowed[string]]()
	if err != nil {
		f.Fatal(err)
	}
	plain, _ := codec.ForKey[string]()
	v, _ := codec.For[struct {
		N    int64
		Text []string
	}]()
	kinds := []snapshot.State{
		{Kind: "ValueState", Key: plain.Schema(), Value: v.Schema()},
		{Kind: "ListState", Key: k.Schema(), Value: v.Schema(), TTLMillis: 1000},
		{Kind: "MapState", Key: plain.Schema(), MapKey: plain.Schema(), Value: v.Schema()},
		{Kind: "AggregatingState in panes", Key: k.Schema(), Value: v.Schema()},
		{Kind: "timers", Key: k.Schema()},
		{Kind: "ValueState"},
	}
	window := state.Windowed[string]{Key: "a", Start: 1, End: 2}
	f.Add(uint8(3), k.Append(make([]byte, 12), &window), []byte{1, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add(uint8(4), k.Append(make([]byte, 12), &window), []byte{})
	f.Add(uint8(1), k.Append(make([]byte, 4), &window), make([]byte, 34))
	f.Fuzz(func(t *testing.T, kind uint8, key, value []byte) {
		st := kinds[int(kind)%len(kinds)]
		e, err := newReader(st, DumpOptions{}).entry(key, value)
		if err == nil {
			if _, err := json.Marshal(e); err != nil {
				t.Errorf("%+v: %v", e, err)
			}
		}
		list := snapshot.List{Name: "SinkCommittables"}
		if kind%2 > 0 {
			list = snapshot.List{Key: plain.Schema(), Element: v.Schema()}
		}
		e = new(Entry)
		if e.readElement(list, value, untyped.Options{}) == nil {
			if _, err := json.Marshal(e); err != nil {
				t.Errorf("%+v: %v", e, err)
			}
		}
	})
}
