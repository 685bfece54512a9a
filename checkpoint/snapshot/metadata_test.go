package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/runtime/ident"
)

func id(name string) []byte { d := ident.Derive(name); return d[:] }

func named(root, name string) *FileRef {
	return &FileRef{Root: root, Name: name, Length: 10, Crc32C: proto.Uint32(7)}
}

// sample is a snapshot with something in every field.
func sample() *Metadata {
	binary, err := schema.Custom("number", 1).MarshalBinary()
	if err != nil {
		panic(err)
	}
	return &Metadata{
		Checkpoint: 7, Job: id("job"), Kind: Kind_CHECKPOINT, TriggerMillis: 1000, Build: "abc",
		Operators: []*OperatorState{{
			Id: id("count"), Uid: "count", Name: "Count", Parallelism: 2, MaxParallelism: 128,
			States:      []*StateSchema{{Number: 1, Name: "sum", Kind: "ValueState", Key: binary, Value: binary, TtlMillis: 5}, {Number: 4, Name: "timers", Kind: "timers"}},
			Lists:       []*ListSchema{{Name: "offsets", Kind: ListKind_SPLIT_DISTRIBUTE, Element: binary}, {Name: "rules", Kind: ListKind_BROADCAST, Key: binary, Element: binary}},
			Coordinator: Inline([]byte("splits")),
			Subtasks: []*SubtaskState{{
				Subtask: 0,
				Parts: []*KeyedPart{{Part: 0, FirstGroup: 0, LastGroup: 63, Tables: []*Table{
					{File: named("", "shared/1-0-a"), FirstGroup: 0, LastGroup: 31, Entries: 5},
					{File: named("s3://other/job", "shared/9-0-b"), FirstGroup: 32, LastGroup: 63, Entries: 5},
					{File: named("", "shared/1-0-c"), FirstGroup: 0, LastGroup: 63, Changes: true},
				}}},
				Lists:   []*ListPart{{List: 0, Count: 2, Elements: Inline(AppendElements(nil, [][]byte{{1, 2}, {}}))}, {List: 1}},
				Inputs:  []*ChannelState{{Edge: 1, Channel: 2, Records: []*FileRef{named("", "chk-7/x")}}},
				Outputs: []*ChannelState{{Edge: 2}},
			}, {Subtask: 1, Finished: true}},
		}, {Id: id("map"), Name: "Map", Parallelism: 1, MaxParallelism: 1}},
	}
}

func TestMetadataComesBack(t *testing.T) {
	data, err := Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	again, err := Encode(sample())
	if err != nil || !bytes.Equal(data, again) {
		t.Error("the same metadata is encoded differently")
	}
	read, err := Decode("chk-7/_metadata", data)
	if err != nil || !proto.Equal(read, sample()) {
		t.Errorf("%v, %v", read, err)
	}
}

// TestEveryDamageIsFound cuts the file at every length and flips one bit of every byte.
func TestEveryDamageIsFound(t *testing.T) {
	data, err := Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, at int, spoilt []byte) {
		t.Helper()
		_, err := Decode("s3://b/chk-7/_metadata", spoilt)
		if !IsDamaged(err) || !strings.Contains(err.Error(), "s3://b/chk-7/_metadata is damaged: ") {
			t.Fatalf("%s %d: %v", what, at, err)
		}
	}
	for n := range data {
		refused("cut at", n, data[:n])
		spoilt := slices.Clone(data)
		spoilt[n] ^= 1 << (n % 8)
		refused("flipped", n, spoilt)
	}
	refused("with a tail", 0, append(slices.Clone(data), 0))
}

// reframe gives a body a right header of some version.
func reframe(version uint32, body []byte) []byte {
	data := append([]byte(metadataMagic), 0, 0, 0, byte(version))
	data = binary.BigEndian.AppendUint64(data, uint64(len(body)))
	data = binary.BigEndian.AppendUint32(data, CRC32C(body))
	return append(binary.BigEndian.AppendUint32(data, CRC32C(data)), body...)
}

func TestNewerFormatsAreNamed(t *testing.T) {
	_, err := Decode("p", reframe(Format+1, []byte("whatever")))
	var newer *NewerError
	if !errors.As(err, &newer) || newer.Version != Format+1 || !strings.Contains(err.Error(), "written by a newer version of Weir") || IsDamaged(err) {
		t.Errorf("%v", err)
	}
	body, _ := proto.Marshal(sample())
	if _, err := Decode("p", reframe(Format, body)); err != nil {
		t.Errorf("the test's own frame: %v", err)
	}
	unknown := protowire.AppendVarint(protowire.AppendTag(nil, 100, protowire.VarintType), 1)
	if _, err := Decode("p", reframe(Format, append(body, unknown...))); err == nil || !strings.Contains(err.Error(), "does not know") {
		t.Errorf("an unknown field: %v", err)
	}
	m := sample()
	m.Operators[0].Subtasks[0].Parts[0].ProtoReflect().SetUnknown(unknown)
	body, _ = proto.Marshal(m)
	if _, err := Decode("p", reframe(Format, body)); err == nil || !strings.Contains(err.Error(), "KeyedPart has a field") {
		t.Errorf("an unknown field inside: %v", err)
	}
}

func TestImpossibleMetadataIsRefused(t *testing.T) {
	op := func(m *Metadata) *OperatorState { return m.Operators[0] }
	part := func(m *Metadata) *KeyedPart { return m.Operators[0].Subtasks[0].Parts[0] }
	cases := map[string]struct {
		change  func(m *Metadata)
		message string
	}{
		"no id":                  {func(m *Metadata) { m.Checkpoint = 0 }, "no checkpoint id"},
		"job":                    {func(m *Metadata) { m.Job = nil }, "job id"},
		"kind":                   {func(m *Metadata) { m.Kind = 9 }, "kind"},
		"operator twice":         {func(m *Metadata) { m.Operators[1].Id = id("count") }, "is there twice"},
		"operator id":            {func(m *Metadata) { op(m).Id = []byte{1} }, "1 bytes"},
		"parallelism":            {func(m *Metadata) { op(m).Parallelism = 200 }, "max parallelism"},
		"negative parallelism":   {func(m *Metadata) { op(m).Parallelism = -1 }, "parallelism -1"},
		"subtask":                {func(m *Metadata) { op(m).Subtasks[1].Subtask = 2 }, "subtask 2 of 2"},
		"subtask twice":          {func(m *Metadata) { op(m).Subtasks[1].Subtask = 0 }, "follows subtask 0"},
		"finished with state":    {func(m *Metadata) { op(m).Subtasks[0].Finished = true }, "has finished"},
		"state number":           {func(m *Metadata) { op(m).States[1].Number = 1 }, "number 1"},
		"state name":             {func(m *Metadata) { op(m).States[1].Name = "sum" }, "is there twice"},
		"schema":                 {func(m *Metadata) { op(m).States[0].Key = []byte{200} }, `state "sum"`},
		"list twice":             {func(m *Metadata) { op(m).Lists[1].Name = "offsets" }, "is there twice"},
		"list kind":              {func(m *Metadata) { op(m).Lists[1].Kind = 0 }, "kind 0"},
		"list number":            {func(m *Metadata) { op(m).Subtasks[0].Lists[1].List = 2 }, "unknown"},
		"elements":               {func(m *Metadata) { op(m).Subtasks[0].Lists[0].Count = 3 }, "element"},
		"elements missing":       {func(m *Metadata) { op(m).Subtasks[0].Lists[1].Count = 3 }, "missing"},
		"groups of a subtask":    {func(m *Metadata) { part(m).LastGroup = 64 }, "not within 0-63"},
		"groups of a table":      {func(m *Metadata) { part(m).Tables[0].LastGroup = 70 }, "not within"},
		"a base behind a base":   {func(m *Metadata) { part(m).Tables[1].FirstGroup = 31 }, "has all entries"},
		"a base behind changes":  {func(m *Metadata) { part(m).Tables[0].Changes, part(m).Tables[2].Changes = true, false }, "has all entries"},
		"no file":                {func(m *Metadata) { part(m).Tables[0].File = nil }, "missing"},
		"no checksum":            {func(m *Metadata) { part(m).Tables[0].File.Crc32C = nil }, "no checksum"},
		"name and bytes":         {func(m *Metadata) { part(m).Tables[0].File.Inline = []byte{1} }, "its bytes are there too"},
		"too long":               {func(m *Metadata) { part(m).Tables[0].File.Offset = math.MaxInt64 }, "cannot have"},
		"short hash":             {func(m *Metadata) { part(m).Tables[0].File.Sha256 = []byte{1} }, "SHA-256"},
		"inline length":          {func(m *Metadata) { op(m).Coordinator.Length = 100 }, "but not the file"},
		"channel":                {func(m *Metadata) { op(m).Subtasks[0].Inputs[0].Edge = -1 }, "in flight"},
		"savepoint not in place": {func(m *Metadata) { m.Kind = Kind_SAVEPOINT }, "outside its folder"},
	}
	for _, name := range []string{"../x", "/etc/passwd", "a/../../x", "shared//x", ".", "a/./b", `..\x`, "x\n", "shared/"} {
		cases["name "+name] = struct {
			change  func(m *Metadata)
			message string
		}{func(m *Metadata) { part(m).Tables[0].File.Name = name }, "leads out"}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			m := sample()
			c.change(m)
			if _, err := Encode(m); err == nil || !strings.Contains(err.Error(), c.message) {
				t.Errorf("encode: %v", err)
			}
			body, _ := proto.Marshal(m)
			if _, err := Decode("p", reframe(Format, body)); !IsDamaged(err) || !strings.Contains(err.Error(), c.message) {
				t.Errorf("decode: %v", err)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	body, _ := proto.Marshal(sample())
	f.Add(body)
	f.Add([]byte{})
	f.Add(body[:len(body)/2])
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = Decode("raw", body)
		m, err := Decode("p", reframe(Format, body))
		if err != nil {
			return
		}
		for _, file := range m.Files("") {
			if strings.Contains(file.Name, "..") && slices.Contains(strings.Split(file.Name, "/"), "..") || strings.HasPrefix(file.Name, "/") {
				t.Errorf("file %q gets out", file.Name)
			}
		}
		for _, op := range m.Operators {
			if op.Parallelism > 64 {
				continue
			}
			if _, err := Assign(op, int(op.Parallelism), int(op.MaxParallelism)); err == nil {
				_, _ = Check(m, nil, true)
			}
		}
		if _, err := Encode(m); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}

func FuzzEntry(f *testing.F) {
	for _, e := range []*LogEntry{
		{Slot: 1, Id: id("a"), Leader: id("l"), Epoch: 3, Body: &LogEntry_Claim{&Claim{NextCheckpoint: 1}}},
		{Slot: 2, Id: id("b"), Leader: id("l"), Epoch: 3, Body: &LogEntry_Release{&Release{Told: 1, Files: []*FileName{{Name: "x"}}}}},
	} {
		data, err := EncodeEntry(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[headerSize:], e.Slot)
	}
	f.Fuzz(func(t *testing.T, body []byte, slot uint64) {
		data := append([]byte(entryMagic), reframe(Format, body)[8:]...)
		binary.BigEndian.PutUint32(data[24:], CRC32C(data[:24]))
		e, err := DecodeEntry("log/000001", slot, data)
		if err != nil {
			return
		}
		if _, err := EncodeEntry(e); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
		_, _ = Fold([]*LogEntry{e})
	})
}

// TestGoldenMetadata reads what earlier programs wrote; the files in testdata must never change.
func TestGoldenMetadata(t *testing.T) {
	for _, version := range []string{"1"} {
		data, err := os.ReadFile("testdata/metadata-" + version + ".golden")
		if err != nil {
			t.Fatal(err)
		}
		if m, err := Decode("golden", data); err != nil || !proto.Equal(m, sample()) {
			t.Errorf("format %s: %v, %v", version, m, err)
		}
		if data, err = os.ReadFile("testdata/slot-" + version + ".golden"); err != nil {
			t.Fatal(err)
		}
		if e, err := DecodeEntry("golden", 7, data); err != nil || !proto.Equal(e, sampleEntry()) {
			t.Errorf("format %s: %v, %v", version, e, err)
		}
	}
}

func sampleEntry() *LogEntry {
	return &LogEntry{Slot: 7, Id: id("entry"), Epoch: 3, Leader: id("leader"), Swept: 2, Body: &LogEntry_Claim{&Claim{
		NextCheckpoint: 9, Released: []*Released{{Slot: 5, Files: []*FileName{{Root: "s3://b/s", Name: "x"}, {Name: "shared/1-0-a"}}}},
		Retained: []*Completed{{Checkpoint: 7, Path: "chk-7", Kind: Kind_FULL, Owned: true, Told: true, Recoverable: true, TriggerMillis: 1, CompleteMillis: 2}},
		Unowned:  []*Completed{{Checkpoint: 2, Path: "chk-2", Kind: Kind_CHECKPOINT, Recoverable: true}},
	}}}
}
