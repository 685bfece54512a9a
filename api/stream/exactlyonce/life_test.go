// Package exactlyonce has the tests that harm a job at every step of its checkpoints and compare what it has committed in the end with what an
// undisturbed run commits. The job is a child process of the test, so that it can be killed as processes are.
package exactlyonce

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage/fault"
	"github.com/weir-stream/weir/runtime/failpoint"
	"github.com/weir-stream/weir/runtime/ident"
)

// job is a job that lives several times under the same id, with a folder of its own.
type job struct {
	t      *testing.T
	id     ident.JobID
	folder string
	// backend and parallelism may be changed between two lives.
	backend     string
	parallelism int
	lives       int
}

func newJob(t *testing.T, backend string) *job {
	return &job{t: t, id: ident.NewID(), folder: t.TempDir(), backend: backend, parallelism: 2}
}

// eachBackend runs a test on both state backends.
func eachBackend(t *testing.T, test func(t *testing.T, j *job)) {
	t.Parallel()
	for _, backend := range []string{"hashmap", "pebble"} {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			test(t, newJob(t, backend))
		})
	}
}

func (j *job) output() string { return filepath.Join(j.folder, "output") }

// checkpoints is the job's folder below the checkpoint directory.
func (j *job) checkpoints() string { return filepath.Join(j.folder, "checkpoints", j.id.String()) }

// option changes a life.
type option func(*life)

// paced has the source take its time, so that there are some checkpoints before its end.
func paced(l *life) { l.Rate = records / 2 }

// leisurely has it take more, so that the job does not end before it is killed.
func leisurely(l *life) { l.Rate = records / 4 }

func property(p string) option { return func(l *life) { l.Properties = append(l.Properties, p) } }

// suffers has the process harm itself when it has reached a point so many times, in the third checkpoint that it takes or so.
func suffers(do deed, at failpoint.Point, times int) option {
	return func(l *life) {
		h := harm{Do: do, Point: at, Times: times}
		if at != failpoint.Claiming && at != failpoint.Restoring && at != failpoint.Ending {
			h.Since = 2
		}
		l.Harms = append(l.Harms, h)
	}
}

// atOnce has the harms befall the process as soon as it reaches their points.
func atOnce(l *life) {
	for i := range l.Harms {
		l.Harms[i].Since = 0
	}
}

func storageFails(rules ...fault.Rule) option {
	return func(l *life) { l.Storage = append(l.Storage, rules...) }
}

// process is a life under way.
type process struct {
	*job
	life
	command *exec.Cmd
	log     *os.File
}

// patience is how long a process may live.
const patience = 30 * time.Second

func (j *job) start(options ...option) *process {
	j.t.Helper()
	j.lives++
	name := filepath.Join(j.folder, "life-"+strconv.Itoa(j.lives))
	scratch := name + ".scratch"
	p := &process{job: j, life: life{Output: j.output(), Account: name + ".account", Properties: []string{
		"$internal.pipeline.job-id=" + j.id.String(),
		"parallelism.default=" + strconv.Itoa(j.parallelism),
		"state.backend.type=" + j.backend,
		"io.tmp.dirs=" + scratch,
		"execution.checkpointing.dir=" + filepath.Join(j.folder, "checkpoints"),
		"execution.checkpointing.interval=30ms",
		"execution.checkpointing.num-retained=2",
		"execution.checkpointing.data-inline-threshold=100b",
		"restart-strategy.type=fixed-delay",
		"restart-strategy.fixed-delay.attempts=1000000",
		"restart-strategy.fixed-delay.delay=5ms",
	}}}
	for _, o := range options {
		o(&p.life)
	}
	order, err := json.Marshal(p.life)
	if err == nil {
		err = errors.Join(os.MkdirAll(scratch, 0o700), os.WriteFile(name, order, 0o600))
	}
	if err == nil {
		p.log, err = os.Create(name + ".log")
	}
	if err != nil {
		j.t.Fatal(err)
	}
	p.command = exec.CommandContext(j.t.Context(), os.Args[0])
	p.command.Env = append(os.Environ(), ordered+"="+name)
	p.command.Stdout, p.command.Stderr = p.log, p.log
	if p.Disk != nil {
		p.command.SysProcAttr = ownMounts()
	}
	if err := p.command.Start(); err != nil {
		if p.Disk != nil && errors.Is(err, syscall.EPERM) {
			j.t.Skip("a file system of its own for a process takes rights that this test does not have here")
		}
		j.t.Fatal(err)
	}
	return p
}

// end waits for the end of the process, and returns the signal that ended it, 0 if none did.
func (p *process) end() (syscall.Signal, account) {
	p.t.Helper()
	timer := time.AfterFunc(patience, func() { _ = p.command.Process.Signal(syscall.SIGQUIT) }) // for the stacks
	err := p.command.Wait()
	timer.Stop()
	p.log.Close()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	status := p.command.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() && status.ExitStatus() != 0 {
		p.t.Fatalf("the process has failed: %v: %s", status.ExitStatus(), p.said())
	}
	a := p.account()
	if status.Signaled() {
		return status.Signal(), a
	}
	return 0, a
}

func (p *process) account() (a account) {
	p.t.Helper()
	data, err := os.ReadFile(p.Account)
	if err == nil {
		err = json.Unmarshal(data, &a)
	}
	if err != nil {
		p.t.Fatalf("%v: %s", err, p.said())
	}
	return a
}

// said is what the process has logged.
func (p *process) said() string {
	data, err := os.ReadFile(p.log.Name())
	if err != nil {
		p.t.Fatal(err)
	}
	return string(data[:min(len(data), 6000)])
}

// dies has the job live until it is killed at a point, that it must reach.
func (j *job) dies(do deed, at failpoint.Point, times int, options ...option) account {
	j.t.Helper()
	p := j.start(append([]option{suffers(do, at, times)}, options...)...)
	signal, a := p.end()
	if signal != syscall.SIGKILL || a.Reached[at.String()] < times || a.Done[string(do)+" "+at.String()] != 1 {
		j.t.Fatalf("the job was to be killed when it reached %q %d times; ended by signal %d, account %+v: %s", at, times, signal, a, p.said())
	}
	return a
}

// finishes has the job live to its end, and compares what it has committed with an undisturbed run.
func (j *job) finishes(options ...option) (account, string) {
	j.t.Helper()
	p := j.start(options...)
	signal, a := p.end()
	if signal != 0 || !a.Over || a.Failure != "" {
		j.t.Fatalf("the job was to finish; ended by signal %d, account %+v: %s", signal, a, p.said())
	}
	j.compare()
	return a, p.said()
}

// fails has the job live until it has failed, and returns why, and what it has logged.
func (j *job) fails(options ...option) (failure, said string) {
	j.t.Helper()
	p := j.start(options...)
	signal, a := p.end()
	if signal != 0 || !a.Over || a.Failure == "" {
		j.t.Fatalf("the job was to fail; ended by signal %d, account %+v: %s", signal, a, p.said())
	}
	return a.Failure, p.said()
}

// isRefused has the job live until it has failed, or could not even begin, and returns all that it has said.
func (j *job) isRefused(options ...option) string {
	j.t.Helper()
	p := j.start(append(options, func(l *life) { l.Refused = true })...)
	signal, a := p.end()
	if signal != 0 || a.Failure == "" {
		j.t.Fatalf("the job was to be refused; ended by signal %d, account %+v: %s", signal, a, p.said())
	}
	return a.Failure + "\n" + p.said()
}

// compare compares the output with that of an undisturbed run.
func (j *job) compare() {
	j.t.Helper()
	want, got := wanted(j.t), j.lines()
	if slices.Equal(want, got) {
		return
	}
	lost, repeated := difference(want, got), difference(got, want)
	j.t.Errorf("%d lines lost, %d repeated of %d; first of them: %q, %q", len(lost), len(repeated), len(want), first(lost), first(repeated))
}

func first(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0]
}

// difference is what sorted lines have that others, sorted too, have not, or not so often.
func difference(lines, others []string) (more []string) {
	for _, line := range lines {
		for len(others) > 0 && others[0] < line {
			others = others[1:]
		}
		if len(others) > 0 && others[0] == line {
			others = others[1:]
			continue
		}
		more = append(more, line)
	}
	return more
}

// parts are the job's files of results, published and hidden ones.
func (j *job) parts() (published, hidden []string) {
	j.t.Helper()
	entries, err := os.ReadDir(j.output())
	if err != nil {
		j.t.Fatal(err)
	}
	for _, e := range entries {
		switch path := filepath.Join(j.output(), e.Name()); {
		case strings.HasSuffix(e.Name(), ".inprogress"):
			hidden = append(hidden, path)
		case !strings.HasPrefix(e.Name(), "."):
			published = append(published, path)
		}
	}
	return published, hidden
}

func (j *job) lines() (lines []string) {
	j.t.Helper()
	published, _ := j.parts()
	for _, path := range published {
		data, err := os.ReadFile(path)
		if err != nil {
			j.t.Fatal(err)
		}
		if !bytes.HasSuffix(data, []byte{'\n'}) {
			j.t.Fatalf("%s ends in the middle of a line", path)
		}
		lines = append(lines, strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")...)
	}
	slices.Sort(lines)
	return lines
}

var reference struct {
	sync.Mutex
	lines []string
}

// wanted is what an undisturbed run commits. The first one to ask has it run.
func wanted(t *testing.T) []string {
	t.Helper()
	reference.Lock()
	defer reference.Unlock()
	if reference.lines == nil {
		j := newJob(t, "hashmap")
		signal, a := j.start().end()
		if signal != 0 || !a.Over || a.Failure != "" {
			t.Fatalf("the undisturbed run: signal %d, account %+v", signal, a)
		}
		reference.lines = j.lines()
		if len(reference.lines) < records/10 {
			t.Fatalf("the undisturbed run has committed %d lines", len(reference.lines))
		}
	}
	return reference.lines
}

// ownMounts gives a process file systems of its own; who is not root becomes it, in a name space of its own.
func ownMounts() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		a.Cloneflags |= syscall.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return a
}
