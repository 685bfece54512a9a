package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-stream/weir/checkpoint/offline"
)

// golden returns the folder of a committed snapshot.
func golden(t *testing.T, name string) string {
	t.Helper()
	found, err := filepath.Glob("../../api/stream/golden/testdata/v1/" + name + "/saved/*/_metadata")
	if err != nil || len(found) != 1 {
		t.Fatalf("%d snapshots: %v", len(found), err)
	}
	return filepath.Dir(found[0])
}

// weir runs a command line.
func weir(t *testing.T, arguments ...string) (out, problems string, code int) {
	t.Helper()
	var o, p bytes.Buffer
	code = run(t.Context(), arguments, &o, &p)
	return o.String(), p.String(), code
}

func succeed(t *testing.T, arguments ...string) string {
	t.Helper()
	out, problems, code := weir(t, arguments...)
	if code != exitDone || problems != "" {
		t.Fatalf("weir %q: %d, %s", arguments, code, problems)
	}
	return out
}

func TestInspectShowsWhatIsThere(t *testing.T) {
	path := golden(t, "hashmap")
	out := succeed(t, "state", "inspect", path, "--verify")
	for _, words := range []string{
		"checkpoint 5 of job ", "format     1\n", `uid "kinds"`, "parallelism 1, max parallelism 128",
		`state "last": ValueState by string of golden.last{N int64; Note string}`, `state "seen": ValueState by string of bool, lives 2000000h0m0s`,
		`state "in tenths": MapState by string from int64 to int64`, `state "slices": AggregatingState in panes by string of int64`,
		`state "function/timers/event": timers by string`, `operator state "rules": BROADCAST of keys string of int64, `,
		"3 tables", `position of subtask 0: "generator-0" at 0x`, "no splits are left", `not committed of subtask 0: "`, "\nfiles\n  shared/",
	} {
		if !strings.Contains(out, words) {
			t.Errorf("not shown: %s", words)
		}
	}
	if again := succeed(t, "state", "inspect", path+"/_metadata", "--verify"); again != out {
		t.Errorf("by the name of the metadata: %s", again)
	}
	if t.Failed() {
		t.Log(out)
	}
}

func TestInspectWritesJSON(t *testing.T) {
	var sum struct {
		Kind, Job  string
		Checkpoint uint64
		Format     int
		Files      []offline.File
		Operators  []struct {
			UID       string
			Entries   uint64
			States    []offline.State
			Subtasks  []offline.Subtask
			Positions []map[string]any
		}
	}
	if err := json.Unmarshal([]byte(succeed(t, "state", "inspect", "--json", golden(t, "savepoint"))), &sum); err != nil {
		t.Fatal(err)
	}
	if sum.Kind != "savepoint" || sum.Checkpoint != 1 || sum.Format != 1 || len(sum.Files) == 0 || len(sum.Job) != 32 {
		t.Errorf("%+v", sum)
	}
	for _, op := range sum.Operators {
		if op.UID != "kinds" {
			continue
		}
		if len(op.States) != 9 || len(op.Subtasks) != 2 || op.Entries == 0 || op.Subtasks[1].FirstGroup != 64 || op.Subtasks[0].Bytes == 0 {
			t.Errorf("%+v", op)
		}
		return
	}
	t.Error("no operator with the uid kinds")
}

func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

func TestDumpShowsEntriesByKey(t *testing.T) {
	for _, c := range []struct {
		snapshot, operator, state string
		// entries is how many there are, 0 for any number; line is one of them, or a part.
		entries        int
		line, jsonLine string
	}{
		{"hashmap", "kinds", "last", 40, "\"key 25\"\tvalue={\"N\":175,\"Note\":\"of key 25\"}\n", `{"keyGroup":5,"key":"key 25","value":{"N":175,"Note":"of key 25"}}`},
		{"pebble", "kinds", "all", 40, "\"key 25\"\tvalue=[15,55,95,135,175]\n", `"key":"key 25","value":[15,55,95,135,175]}`},
		{"hashmap", "kinds", "mean", 40, "\"key 25\"\tvalue={\"Sum\":475,\"N\":5}\n", `"value":{"Sum":475,"N":5}}`},
		{"savepoint", "kinds", "seen", 40, "\tvalue=true\n", `"lastAccess":[`},
		{"hashmap", "kinds", "in tenths", 0, "\tmapKey=", `"mapKey":`},
		{"hashmap", "kinds", "function/timers/event", 0, "\"key 25\"\ttimer=1125899906842624\n", `"timer":1125899906842624}`},
		{"hashmap", "sliding", "slices", 0, "\tslice=1970-01-01T00:00:", `"slice":`},
		{"savepoint", "elements", "window/contents", 0, "\"key 6\"\twindow=[1970-01-01T00:00:20Z, 1970-01-01T00:00:40Z)\tvalue=[{\"Key\":\"key 6\",", `"key":"key 6","window":{"start":20000,"end":40000}`},
		{"savepoint", "ruled", "rules", 0, "subtask=0\t\"key 1\"\tvalue=1000\n", `{"subtask":1,"element":0,"key":"key 0","value":0}`},
		{"savepoint", "listed", "dealt", 0, "value={\"Key\":\"key 34\",\"N\":62,\"At\":3100}\n", `"value":{"Key":"key 34","N":62,"At":3100}}`},
		{"savepoint", "listed", "union", 0, "subtask=0\tvalue=74\n", `"value":74}`},
		{"savepoint", "async", "queue", 0, "value={\"Kind\":0,\"Timestamp\":0,\"Value\":[{\"Key\":\"key 0\",\"N\":0,\"At\":0}]}\n", `"value":{"Kind":0,`},
		{"savepoint", "events", "SourceReaderState", 2, "subtask=1\tvalue={\"id\":\"generator-1\",\"state\":\"0x", `"id":"generator-0"`},
		{"savepoint", "ledger", "SinkCommittables", 2, "\"state\":\"\\\"", `"state":"`},
	} {
		t.Run(c.operator+"/"+c.state, func(t *testing.T) {
			path := golden(t, c.snapshot)
			text := succeed(t, "state", "dump", path, "--operator", c.operator, "--state", c.state)
			if n := len(lines(text)); c.entries > 0 && n != c.entries || !strings.Contains(text, c.line) {
				t.Errorf("%d entries:\n%.2000s", n, text)
			}
			asJSON := succeed(t, "state", "dump", path, "--operator", c.operator, "--state", c.state, "--json")
			if !strings.Contains(asJSON, c.jsonLine) || len(lines(asJSON)) != len(lines(text)) {
				t.Errorf("JSON:\n%.2000s", asJSON)
			}
			for _, line := range lines(asJSON) {
				if !json.Valid([]byte(line)) {
					t.Fatalf("not JSON: %s", line)
				}
			}
		})
	}
}

// TestAChainIsMerged dumps a state whose table of everything is followed by tables with changes, among them deletions.
func TestAChainIsMerged(t *testing.T) {
	seen := map[string]bool{}
	for _, line := range lines(succeed(t, "state", "dump", golden(t, "hashmap"), "--operator", "kinds", "--state", "sum")) {
		key, _, _ := strings.Cut(line, "\t")
		if seen[key] {
			t.Errorf("%s is there twice", key)
		}
		seen[key] = true
	}
	if len(seen) != 40 {
		t.Errorf("%d keys", len(seen))
	}
	for _, line := range lines(succeed(t, "state", "dump", golden(t, "hashmap"), "--operator", "kinds", "--state", "in tenths")) {
		if strings.Contains(line, "mapKey=1\t") {
			t.Errorf("an entry that was removed is there: %s", line)
		}
	}
}

func TestWrongCommandLines(t *testing.T) {
	path := golden(t, "savepoint")
	nothing := t.TempDir()
	for _, c := range []struct {
		code      int
		words     string
		arguments []string
	}{
		{exitUsage, "weir needs a command", nil},
		{exitUsage, `there is no command "weir stat"`, []string{"stat"}},
		{exitUsage, `there is no command "weir state look"`, []string{"state", "look"}},
		{exitUsage, "takes the path of a snapshot, not 0 arguments", []string{"state", "inspect"}},
		{exitUsage, "unknown flag: --jsn", []string{"state", "inspect", path, "--jsn"}},
		{exitUsage, "--state says whose entries", []string{"state", "dump", path, "--operator", "kinds"}},
		{exitUsage, "unknown key foo", []string{"state", "inspect", path, "-D", "foo=bar"}},
		{exitFailed, nothing + " is no checkpoint or savepoint: it has no file _metadata", []string{"state", "inspect", nothing}},
		{exitFailed, "there are snapshots below it: savepoint-", []string{"state", "inspect", filepath.Dir(path)}},
		{exitFailed, `the snapshot has no operator "none"; it has "`, []string{"state", "dump", path, "--operator", "none", "--state", "sum"}},
		{exitFailed, `operator "Keyed Process" has no state "none" in the snapshot: it has "last", `, []string{"state", "dump", path, "--operator", "kinds", "--state", "none"}},
		{exitFailed, `operators have the name "Window Aggregate": name one by its uid or id`, []string{"state", "dump", path, "--operator", "Window Aggregate", "--state", "slices"}},
		{exitFailed, `operators have a state "function/timers/event": name one`, []string{"state", "dump", path, "--state", "function/timers/event"}},
		{exitFailed, `scheme "hdfs" is not supported`, []string{"state", "inspect", "hdfs://a/b"}},
		{exitDone, "", []string{"--help"}},
		{exitDone, "", []string{"version"}},
	} {
		_, problems, code := weir(t, c.arguments...)
		if code != c.code || !strings.Contains(problems, c.words) {
			t.Errorf("weir %q: %d, %s; want %d, %s", c.arguments, code, problems, c.code, c.words)
		}
	}
}

// copied returns a copy of a committed snapshot.
func copied(t *testing.T, name string) string {
	t.Helper()
	from := golden(t, name)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(from))); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, filepath.Base(from))
}

func TestDamageIsNamed(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, snapshot string) (file, words string){
		"metadata": func(t *testing.T, snapshot string) (string, string) {
			flip(t, filepath.Join(snapshot, "_metadata"))
			return filepath.Join(snapshot, "_metadata"), "is damaged: "
		},
		"a file": func(t *testing.T, snapshot string) (string, string) {
			file := biggest(t, filepath.Join(filepath.Dir(snapshot), "shared"))
			flip(t, file)
			return file, "its checksum is wrong"
		},
		"a short file": func(t *testing.T, snapshot string) (string, string) {
			file := biggest(t, filepath.Join(filepath.Dir(snapshot), "shared"))
			if err := os.Truncate(file, 100); err != nil {
				t.Fatal(err)
			}
			return file, "damaged"
		},
		"a missing file": func(t *testing.T, snapshot string) (string, string) {
			file := biggest(t, filepath.Join(filepath.Dir(snapshot), "shared"))
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			return file, "not found"
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := copied(t, "hashmap")
			file, words := damage(t, path)
			for _, arguments := range [][]string{{"state", "inspect", path, "--verify"}, {"state", "dump", path, "--operator", "kinds", "--state", "sum"}} {
				_, problems, code := weir(t, arguments...)
				if code != exitFailed || !strings.Contains(problems, words) || !strings.Contains(problems, filepath.Base(file)) {
					t.Errorf("weir %q: %d, %s; want %s and %s", arguments, code, problems, words, file)
				}
			}
		})
	}
}

func flip(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func biggest(t *testing.T, dir string) (file string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Size() > size {
			file, size = filepath.Join(dir, e.Name()), info.Size()
		}
	}
	return file
}
