package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/benchmarks/killtest/internal/ledger"
	"github.com/weir-stream/weir/benchmarks/killtest/internal/pipeline"
	"github.com/weir-stream/weir/runtime/failpoint"
)

func write(t *testing.T, folder, name, content string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestOutputIsComparedWithTheDefinition: no output, the same records lost by every run, and a line too many are differences.
func TestOutputIsComparedWithTheDefinition(t *testing.T) {
	lines := pipeline.Expected(3000)
	want := sorted(lines)
	all := strings.Join(lines, "\n") + "\n"
	some := func(p progress) bool { return p.records == 3000 && p.lines == len(lines) }
	for _, c := range []struct {
		name             string
		content          string
		lost, duplicated int
	}{
		{"equal", all, 0, 0},
		{"nothing", "", len(lines), 0},
		{"a line less", all[strings.Index(all, "\n")+1:], 1, 0},
		{"a line twice", all + lines[7] + "\n", 0, 1},
		{"another line", all + "x\n", 0, 1},
	} {
		folder := filepath.Join(t.TempDir(), "out")
		if c.content != "" {
			half := strings.Index(c.content[len(c.content)/2:], "\n") + len(c.content)/2 + 1
			write(t, folder, "part-0", c.content[:half])
			write(t, folder, "part-1", c.content[half:])
			write(t, folder, ".part-2.inprogress", "not visible")
		}
		got, err := compareFolder(want, folder)
		if err != nil {
			t.Fatal(err)
		}
		if got.lost != c.lost || got.duplicated != c.duplicated || got.equal() != (c.lost+c.duplicated == 0) || (got.got == got.want) != got.equal() {
			t.Errorf("%s: %+v", c.name, got)
		}
		if p, err := progressOf(folder); err != nil || c.name == "equal" && !some(p) || c.name == "nothing" && p != (progress{}) {
			t.Errorf("%s: %+v, %v", c.name, p, err)
		}
	}
}

func TestHalfALineIsRefused(t *testing.T) {
	for _, content := range []string{"", "half"} {
		folder := t.TempDir()
		write(t, folder, "part-0", content)
		if _, err := linesOf(folder); err == nil {
			t.Errorf("%q was read", content)
		}
	}
}

func TestTooLittleIsNotEnough(t *testing.T) {
	o := options{duration: time.Minute, every: 1300 * time.Millisecond}
	good := tally{kills: 45, atEnd: 6, restores: 50, checkpoints: 100, underFire: progress{records: 700}}
	if err := good.enough(o, 1000); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*tally){
		"kills":      func(x *tally) { x.kills = 29 },
		"at the end": func(x *tally) { x.atEnd = 0 },
		"restores":   func(x *tally) { x.restores = 0 },
		"most":       func(x *tally) { x.restores = 30 },
		"chk":        func(x *tally) { x.checkpoints = 0 },
		"progress":   func(x *tally) { x.underFire.records = 240 },
		"none":       func(x *tally) { x.underFire = progress{} },
	} {
		bad := good
		spoil(&bad)
		if err := bad.enough(o, 1000); err == nil {
			t.Errorf("%s: %+v is enough", name, bad)
		}
	}
	seldom := tally{kills: 4, atEnd: 6, restores: 10, checkpoints: 100, underFire: progress{records: 700}}
	o.every = 10 * time.Second
	if err := seldom.enough(o, 1000); err != nil {
		t.Error(err)
	}
}

// TestTheEndIsKilled: whatever the seed, the job is killed during its last checkpoints, during commits, and when it is about to say that it has ended.
func TestTheEndIsKilled(t *testing.T) {
	seen := map[failpoint.Point]bool{}
	for seed := range uint64(50) {
		k := killing{random: rand.New(rand.NewPCG(seed, 0))}
		ends := k.endings()
		committing, ending := 0, 0
		for i, f := range ends {
			seen[f.Point] = true
			if f.Point == failpoint.Committing {
				committing++
			}
			if f.Point == failpoint.Ending {
				ending++
			}
			if i < 2 && !f.AtEnd {
				t.Errorf("seed %d: %v is not at the end", seed, f)
			}
		}
		if committing == 0 || ending == 0 || ends[len(ends)-1].Point != failpoint.Ending {
			t.Errorf("seed %d: %v", seed, ends)
		}
	}
	for _, p := range []failpoint.Point{failpoint.Triggered, failpoint.Acknowledging, failpoint.Completing, failpoint.Completed, failpoint.Notified} {
		if !seen[p] {
			t.Errorf("%v: never", p)
		}
	}
}

func TestKillsAreCountedWhereTheyCame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	l, err := ledger.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var k tally
	add := func(paced bool) {
		page, err := ledger.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		k.add(life{paced: paced}, page)
	}
	add(true)
	l.Reached(failpoint.Committing)
	add(true)
	l.End()
	add(false)
	if k.kills != 2 || k.atEnd != 1 || k.phases["starting"] != 1 || k.phases["in commit, or after it"] != 1 || k.phases["in commit, or after it, at the end of the input"] != 1 {
		t.Errorf("%+v", k)
	}
}

// TestTablesOfPebbleAreToldFromFilesOfCheckpoints, which are on their way to or from Pebble.
func TestTablesOfPebbleAreToldFromFilesOfCheckpoints(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"capture-123456.sst", "log-000001.sst", "restored-000002.sst", "000003.log", "MANIFEST-000001", "12.sst", "x000004.sst"} {
		write(t, filepath.Join(folder, "0"), name, "x")
	}
	if hasTables(folder) {
		t.Error("files of checkpoints were taken for tables of Pebble's")
	}
	write(t, filepath.Join(folder, "1"), "000004.sst", "x")
	if !hasTables(folder) {
		t.Error("a table was not found")
	}
}
