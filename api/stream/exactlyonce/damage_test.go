package exactlyonce

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/failpoint"
	"github.com/weir-stream/weir/runtime/ident"
)

// damages are what can happen to a file at rest.
var damages = map[string]func(path string, data []byte) error{
	// A crash has kept the length of the file, and not its last blocks.
	"torn": func(path string, data []byte) error {
		clear(data[len(data)/2:])
		return os.WriteFile(path, data, 0o600)
	},
	"truncated": func(path string, data []byte) error { return os.Truncate(path, int64(len(data)-1)) },
	"corrupted": func(path string, data []byte) error {
		data[len(data)/3] ^= 4
		return os.WriteFile(path, data, 0o600)
	},
	"missing": func(path string, _ []byte) error { return os.Remove(path) },
}

// eachDamage runs a test for each damage to the metadata and to a file of state of the newest checkpoint.
func eachDamage(t *testing.T, test func(t *testing.T, j *job, damage func() (path string))) {
	t.Parallel()
	for name, do := range damages {
		for file, find := range map[string]func(*job) string{"metadata": (*job).newestMetadata, "data": (*job).newestData} {
			t.Run(name+" "+file, func(t *testing.T) {
				t.Parallel()
				j := newJob(t, map[string]string{"metadata": "hashmap", "data": "pebble"}[file])
				test(t, j, func() string {
					path := find(j)
					data, err := os.ReadFile(path)
					if err == nil {
						err = do(path, data)
					}
					if err != nil {
						t.Fatal(err)
					}
					return path
				})
			})
		}
	}
}

func TestNewestCheckpointDamagedBeforeAnyTaskWasTold(t *testing.T) {
	eachDamage(t, func(t *testing.T, j *job, damage func() string) {
		j.dies(kill, failpoint.Completed, 2, leisurely)
		newest := filepath.Dir(j.newestMetadata())
		path := damage()
		_, said := j.finishes()
		mentions(t, said, "WARN a checkpoint is damaged", newest, filepath.Base(path))
	})
}

func TestNewestCheckpointDamagedAfterTasksWereTold(t *testing.T) {
	eachDamage(t, func(t *testing.T, j *job, damage func() string) {
		// Checkpoints are so far apart that the one that tasks are told of is the newest.
		j.dies(kill, failpoint.Notified, subtasks-1, leisurely, property("execution.checkpointing.interval=150ms"))
		path := damage()
		failure, _ := j.fails()
		mentions(t, failure, filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path), "already committed", "restore its files from a copy", "-s")
		if repeated := difference(j.lines(), wanted(t)); len(repeated) > 0 {
			t.Errorf("a job that refuses to go on has repeated %d lines", len(repeated))
		}
	})
}

// A checkpoint that is damaged where the job has gone on from another one since harms nobody.
func TestOlderCheckpointDamaged(t *testing.T) {
	t.Parallel()
	j := newJob(t, "hashmap")
	j.dies(kill, failpoint.Notified, subtasks-1, leisurely, property("execution.checkpointing.interval=150ms"))
	older := j.metadata()[1]
	if err := os.Truncate(older, 10); err != nil {
		t.Fatal(err)
	}
	j.finishes()
}

// metadata are the metadata files of the job's checkpoints, newest first.
func (j *job) metadata() []string {
	j.t.Helper()
	entries, err := os.ReadDir(j.checkpoints())
	if err != nil {
		j.t.Fatal(err)
	}
	paths := map[ident.CheckpointID]string{}
	var ids []ident.CheckpointID
	for _, e := range entries {
		id, ok := snapshot.ParseCheckpointFolder(e.Name())
		path := filepath.Join(j.checkpoints(), e.Name(), snapshot.MetadataName)
		if _, err := os.Stat(path); ok && err == nil {
			ids = append(ids, id)
			paths[id] = path
		}
	}
	slices.Sort(ids)
	var newestFirst []string
	for _, id := range slices.Backward(ids) {
		newestFirst = append(newestFirst, paths[id])
	}
	if len(newestFirst) < 2 {
		j.t.Fatalf("the job has the checkpoints %v, and should have two", ids)
	}
	return newestFirst
}

func (j *job) newestMetadata() string { return j.metadata()[0] }

// newestData is a file of state that the newest checkpoint has and the one before does not.
func (j *job) newestData() string {
	j.t.Helper()
	newest, before := j.files(j.metadata()[0]), j.files(j.metadata()[1])
	for _, f := range newest {
		if !slices.Contains(before, f) {
			return filepath.Join(j.checkpoints(), f)
		}
	}
	j.t.Fatalf("the newest checkpoint has no files of its own: %v", newest)
	return ""
}

func (j *job) files(metadata string) (names []string) {
	j.t.Helper()
	data, err := os.ReadFile(metadata)
	if err != nil {
		j.t.Fatal(err)
	}
	m, err := snapshot.Decode(metadata, data)
	if err != nil {
		j.t.Fatal(err)
	}
	for _, f := range m.Files("") {
		names = append(names, f.Name)
	}
	return names
}
