package exactlyonce

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage/fault"
	"github.com/weir-stream/weir/runtime/failpoint"
)

// Storage fails, in some calls of each kind, and recovers. That no failed checkpoint is tolerated makes some of it restart the job.

const (
	metadataFiles = "chk-*/_metadata"
	dataFiles     = "shared/*"
	slots         = "log/*"
)

// some has a fault befall two calls, the first of them after skipping some: two for each of the first checkpoints.
func some(op fault.Op, name string, skip int, f fault.Fault) fault.Rule {
	return fault.Rule{Op: op, Name: name, Skip: skip, Times: 2, Fault: f}
}

// writes has a fault befall writes of all kinds.
func writes(f fault.Fault) option {
	return storageFails(some(fault.Put, dataFiles, 2, f), some(fault.Create, metadataFiles, 1, f), some(fault.Create, slots, 3, f))
}

// impatient gives checkpoints little time, and lets as many fail as may be.
func impatient(l *life) {
	l.Properties = append(l.Properties, "execution.checkpointing.timeout=1s", "execution.checkpointing.tolerable-failed-checkpoints=1000")
}

// endures has the job finish although storage fails, and asserts that each of the faults came.
func endures(t *testing.T, faults []string, options ...option) {
	t.Helper()
	eachBackend(t, func(t *testing.T, j *job) {
		a, said := j.finishes(append(options, paced)...)
		for _, f := range faults {
			if a.Done[f] == 0 {
				t.Errorf("%q did not happen: %+v: %s", f, a, said)
			}
		}
		j.retainsNothing()
	})
}

func TestFullDisk(t *testing.T) {
	endures(t, []string{"full put", "full create"}, writes(fault.Fault{Kind: fault.Full}))
}

// A disk of its own is really full until it has failed some writes.
func TestFullFileSystem(t *testing.T) {
	eachBackend(t, func(t *testing.T, j *job) {
		a, said := j.finishes(paced, func(l *life) {
			l.Disk = &smallDisk{Folder: filepath.Join(j.folder, "checkpoints"), Bytes: 48 << 10, FullTimes: 5, GrownBytes: 64 << 20}
		})
		if a.Done["full"] < 5 {
			t.Errorf("the disk was full %d times: %s", a.Done["full"], said)
		}
	})
}

func TestStorageAnswers500(t *testing.T) {
	endures(t, []string{"broken put", "broken create", "broken list"}, writes(fault.Fault{Kind: fault.Broken}),
		storageFails(some(fault.List, "", 6, fault.Fault{Kind: fault.Broken})))
}

func TestStorageAnswers503(t *testing.T) {
	endures(t, []string{"throttle put", "throttle create", "throttle list"}, writes(fault.Fault{Kind: fault.Throttle}),
		storageFails(some(fault.List, "", 6, fault.Fault{Kind: fault.Throttle})))
}

func TestStorageIsSlow(t *testing.T) {
	slow := fault.Fault{Kind: fault.Delay, Delay: 15 * time.Millisecond}
	endures(t, []string{"delay put", "delay create", "delay list", "delay delete"}, storageFails(fault.Rule{Times: -1, Fault: slow}))
}

func hang(op fault.Op, name string, skip int) fault.Rule {
	return fault.Rule{Op: op, Name: name, Skip: skip, Fault: fault.Fault{Kind: fault.Hang}}
}

// Storage does not answer until the checkpoint's timeout.
func TestStorageDoesNotAnswer(t *testing.T) {
	endures(t, []string{"hang put", "hang create"}, storageFails(hang(fault.Put, dataFiles, 2), hang(fault.Create, metadataFiles, 1), hang(fault.Create, slots, 3)), impatient)
}

// The answer is lost after the object was made: slots and metadata are read back, uploads are garbage.
func TestStorageTimesOutAfterSuccess(t *testing.T) {
	endures(t, []string{"lose the answer put", "lose the answer create", "lose the answer delete"}, writes(fault.Fault{Kind: fault.Lose}),
		storageFails(some(fault.Delete, "*/*", 0, fault.Fault{Kind: fault.Lose})))
}

// A process is killed after a write whose answer was lost, so that nobody reads it back but its successor.
func TestKilledAfterALostAnswer(t *testing.T) {
	eachBackend(t, func(t *testing.T, j *job) {
		lost := fault.Rule{Op: fault.Create, Name: "log/000004", Fault: fault.Fault{Kind: fault.Lose}}
		a := j.dies(kill, failpoint.Releasing, 1, leisurely, storageFails(lost))
		if a.Done["lose the answer create"] != 1 {
			t.Errorf("%+v", a)
		}
		j.finishes()
	})
}

// An upload that comes to an end when its checkpoint was given up, for the timeout, leaves a file that nobody names.
func TestUploadArrivesAfterItsCheckpointTimedOut(t *testing.T) {
	late := fault.Rule{Op: fault.Put, Name: dataFiles, Skip: 2, Fault: fault.Fault{Kind: fault.Late}}
	endures(t, []string{"late put"}, storageFails(late), impatient)
}

// One subtask's upload fails at once, by which the checkpoint is given up; another's takes longer, arrives and is acknowledged. Its file
// belongs to the chain of the subtask, which goes on.
func TestUploadArrivesAfterItsCheckpointWasAborted(t *testing.T) {
	fails := fault.Rule{Op: fault.Put, Name: dataFiles, Skip: 2, Fault: fault.Fault{Kind: fault.Fail}}
	slow := fault.Rule{Op: fault.Put, Name: dataFiles, Skip: 2, Times: 1, Fault: fault.Fault{Kind: fault.Delay, Delay: 100 * time.Millisecond}}
	endures(t, []string{"fail put", "delay put"}, storageFails(fails, slow), property("execution.checkpointing.tolerable-failed-checkpoints=100"))
}

// Storage fails while a new process claims the job's log: when it lists the log, reads it, writes its claim, and looks at what it goes on from.
// It tries again.
func TestStorageFailsWhileTheLogIsClaimed(t *testing.T) {
	eachBackend(t, func(t *testing.T, j *job) {
		j.dies(kill, failpoint.Notified, subtasks, leisurely)
		broken, throttled := fault.Fault{Kind: fault.Broken}, fault.Fault{Kind: fault.Throttle}
		a, said := j.finishes(storageFails(
			fault.Rule{Op: fault.List, Fault: broken}, fault.Rule{Op: fault.Read, Name: slots, Skip: 1, Fault: throttled},
			fault.Rule{Op: fault.Create, Name: slots, Fault: throttled}, fault.Rule{Op: fault.Read, Name: metadataFiles, Skip: 1, Fault: broken},
		))
		for _, f := range []string{"broken list", "throttle read", "throttle create", "broken read"} {
			if a.Done[f] == 0 {
				t.Errorf("%q did not happen: %+v: %s", f, a, said)
			}
		}
		for _, want := range []string{"it is tried again", "500 InternalError", "503 SlowDown", j.checkpoints()} {
			if !strings.Contains(said, want) {
				t.Errorf("the log does not say %q: %s", want, said)
			}
		}
	})
}

// What will not pass fails the job at once.
func TestStorageRefusesTheClaim(t *testing.T) {
	j := newJob(t, "hashmap")
	t.Parallel()
	failure, said := j.fails(storageFails(fault.Rule{Op: fault.Create, Name: slots, Times: -1, Fault: fault.Fault{Kind: fault.Deny}}))
	if !strings.Contains(failure, "403 AccessDenied") || !strings.Contains(failure, j.checkpoints()) || strings.Contains(said, "it is tried again") {
		t.Errorf("%s: %s", failure, said)
	}
}

// Reading fails while the job recovers. It is tried again before the attempt fails.
func TestStorageFailsDuringRestore(t *testing.T) {
	eachBackend(t, func(t *testing.T, j *job) {
		j.dies(kill, failpoint.Notified, subtasks, leisurely)
		var rules []fault.Rule
		for _, op := range []fault.Op{fault.Open, fault.Stream} {
			rules = append(rules, fault.Rule{Op: op, Name: dataFiles, Skip: 1, Times: 1, Fault: fault.Fault{Kind: fault.Broken}})
		}
		a, said := j.finishes(storageFails(rules...))
		if a.Done["broken open"]+a.Done["broken stream"] == 0 || !strings.Contains(said, "it is tried again") || strings.Contains(said, "job restarts") {
			t.Errorf("%s: %s", fmt.Sprint(a), said)
		}
	})
}

// A job is canceled while a checkpoint's metadata is being written, and the files of its state are there.
func TestCanceledWhileACheckpointIsWritten(t *testing.T) {
	for _, retention := range []string{"NO_EXTERNALIZED_CHECKPOINTS", "RETAIN_ON_CANCELLATION"} {
		t.Run(retention, func(t *testing.T) {
			eachBackend(t, func(t *testing.T, j *job) {
				slow := fault.Rule{Op: fault.Create, Name: metadataFiles, Skip: 3, Fault: fault.Fault{Kind: fault.Delay, Delay: 300 * time.Millisecond}}
				failure, said := j.fails(leisurely, storageFails(slow), suffers(cancel, failpoint.Describing, 2),
					property("execution.checkpointing.externalized-checkpoint-retention="+retention))
				if !strings.Contains(failure, "cancel") {
					t.Errorf("%s: %s", failure, said)
				}
				history := j.history()
				if retained := len(history.Retained); history.Ended != "CANCELED" || (retained > 0) != (retention == "RETAIN_ON_CANCELLATION") {
					t.Errorf("the job has ended %q and retains %d", history.Ended, retained)
				}
				j.leavesNothingUnnamed()
			})
		})
	}
}

// Small state is a part of the metadata: a checkpoint of a hundred subtasks is one file.
func TestManySmallSubtasksMakeFewFiles(t *testing.T) {
	eachBackend(t, func(t *testing.T, j *job) {
		j.parallelism = 25
		_, said := j.fails(leisurely, suffers(cancel, failpoint.Describing, 1), property("execution.checkpointing.interval=300ms"),
			property("execution.checkpointing.data-inline-threshold=20kb"), property("execution.checkpointing.externalized-checkpoint-retention=RETAIN_ON_CANCELLATION"))
		retained := j.history().Retained
		if len(retained) == 0 {
			t.Fatal(said)
		}
		files := 0
		for _, r := range retained {
			m := j.contents(r)
			parts := 0
			for _, op := range m.Operators {
				parts += len(op.Subtasks)
			}
			if parts < 4*j.parallelism {
				t.Errorf("checkpoint %d has %d parts", r.Checkpoint, parts)
			}
			files += 1 + len(m.Files(""))
		}
		if files > len(retained) {
			t.Errorf("%d checkpoints have %d files", len(retained), files)
		}
	})
}
