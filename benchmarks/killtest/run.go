package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/weir-stream/weir/benchmarks/killtest/internal/ledger"
	"github.com/weir-stream/weir/benchmarks/killtest/internal/pipeline"
	"github.com/weir-stream/weir/benchmarks/killtest/internal/victim"
	"github.com/weir-stream/weir/runtime/failpoint"
	"github.com/weir-stream/weir/runtime/ident"
)

// killing is one run of the kill test.
type killing struct {
	options
	out     io.Writer
	random  *rand.Rand
	records int64
	job     ident.JobID
	// folder is where everything is that is the test's own.
	folder, binary string
	tally          tally
	lives          int
	// fruitless counts the lives since the last checkpoint.
	fruitless int
	// expected are the sorted lines that the job's definition asks for.
	expected [][]byte
}

// patience is how long the job may take for what is not paced.
const patience = 3 * time.Minute

func run(o options, out io.Writer) error {
	binary, err := os.Executable()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "weir-killtest-")
	if err != nil {
		return err
	}
	k := &killing{
		options: o, out: out, random: rand.New(rand.NewPCG(o.seed, 0)), records: int64(o.duration.Seconds() * o.rate),
		job: ident.NewID(), folder: folder, binary: binary,
	}
	if k.storage == "" {
		k.storage = filepath.Join(folder, "checkpoints")
	}
	if err := k.run(); err != nil {
		return fmt.Errorf("%w\n%s is kept", err, folder)
	}
	if o.keep {
		fmt.Fprintf(out, "%s is kept\n", folder)
		return nil
	}
	return os.RemoveAll(folder)
}

func (k *killing) run() error {
	k.say("%d records at %.0f a second, job %s, checkpoints every %v in %s", k.records, k.rate, k.job, k.interval, k.storage)
	begun := time.Now()
	if err := k.undisturbed(); err != nil {
		return fmt.Errorf("the undisturbed run: %w", err)
	}
	took := time.Since(begun)
	k.expected = sorted(pipeline.Expected(k.records))
	c, err := compareFolder(k.expected, k.path("undisturbed"))
	if err != nil {
		return err
	}
	if !c.equal() {
		k.show(c)
		return fmt.Errorf("what the undisturbed run has written is not what the job's definition asks for: %d lines lost, %d duplicated", c.lost, c.duplicated)
	}
	k.say("undisturbed run: %.1f s, %d lines, as the job's definition asks for", took.Seconds(), c.lines)
	harm, what, enough := k.runAlone, "kills", k.tally.enough
	if k.cluster {
		harm, what, enough = k.runCluster, "faults", k.tally.enoughForCluster
	}
	if err := harm(); err != nil {
		return err
	}
	if c, err = compareFolder(k.expected, k.path("killed")); err != nil {
		return err
	}
	k.show(c)
	k.say("%d %s, %d checkpoints, %d restores, %d rescales, %d records: %d lost, %d duplicated",
		k.tally.kills+k.tally.atEnd, what, k.tally.checkpoints, k.tally.restores, k.tally.rescales, k.records, c.lost, c.duplicated)
	if !c.equal() {
		return errors.New("the output is not that of the undisturbed run")
	}
	err = enough(k.options, k.records)
	if err != nil && k.smoke {
		slog.Warn(err.Error())
		return nil
	}
	return err
}

// runAlone has the job live and die as a process of its own.
func (k *killing) runAlone() (err error) {
	if err := k.kill(); err != nil {
		return err
	}
	if k.tally.underFire, err = progressOf(k.path("killed")); err != nil {
		return err
	}
	k.say("the job was killed for %v; now it goes on to its end as fast as it can, and is killed there", k.duration)
	if err := k.finish(); err != nil {
		return fmt.Errorf("the run to the end: %w", err)
	}
	k.tally.print(k.out)
	k.say("%d lines, of %d records in buckets (%.0f %%), were visible before the paced job was killed for the last time; %d lines, of %d records, before its last life, which nobody disturbed",
		k.tally.underFire.lines, k.tally.underFire.records, 100*float64(k.tally.underFire.records)/float64(k.records), k.tally.beforeLast.lines, k.tally.beforeLast.records)
	return nil
}

// show prints how an output compares with what is expected.
func (k *killing) show(c comparison) {
	k.say("%d lines of output, sorted %s, undisturbed %s", c.lines, c.got, c.want)
	for _, example := range c.examples {
		k.say("  %s", example)
	}
}

func (k *killing) say(format string, arguments ...any) { fmt.Fprintf(k.out, format+"\n", arguments...) }

func (k *killing) path(name string) string { return filepath.Join(k.folder, name) }

// undisturbed makes what the job is to commit.
func (k *killing) undisturbed() error {
	p, err := k.start(k.path("undisturbed.log"), nil, "--output", k.path("undisturbed"), "-p", "2")
	if err != nil {
		return err
	}
	return p.finished(patience)
}

// life is how the job lives once.
type life struct {
	parallelism int
	backend     string
	paced       bool
	faults      []victim.Fault
	panics      int64
	// tear says that the newest checkpoint is to be damaged after it.
	tear bool
}

// live starts the job under its id.
func (k *killing) live(l life) (*process, error) {
	k.lives++
	// What a killed process has left there is nobody's.
	scratch := k.path("scratch")
	if err := errors.Join(os.RemoveAll(scratch), os.MkdirAll(scratch, 0o700), removeIfThere(k.path("ledger"))); err != nil {
		return nil, err
	}
	arguments := []string{
		"--output", k.path("killed"), "--ledger", k.path("ledger"), "-p", strconv.Itoa(l.parallelism), "--panic", strconv.FormatInt(l.panics, 10),
		"-D", "$internal.pipeline.job-id=" + k.job.String(),
		"-D", "execution.checkpointing.dir=" + k.storage,
		"-D", "execution.checkpointing.interval=" + k.interval.String(),
		"-D", "execution.checkpointing.num-retained=2",
		"-D", "execution.checkpointing.data-inline-threshold=1kb",
		"-D", "state.backend.type=" + l.backend,
		"-D", "io.tmp.dirs=" + scratch,
		"-D", "restart-strategy.type=fixed-delay",
		"-D", "restart-strategy.fixed-delay.attempts=" + strconv.Itoa(1<<31-1),
		"-D", "restart-strategy.fixed-delay.delay=20ms",
	}
	if l.paced {
		arguments = append(arguments, "--rate", strconv.FormatFloat(k.rate, 'f', -1, 64))
	}
	for _, f := range l.faults {
		arguments = append(arguments, "--fault", f.String())
	}
	for _, p := range k.properties {
		arguments = append(arguments, "-D", p)
	}
	var environment []string
	if l.backend == "pebble" {
		environment = []string{"GOMEMLIMIT=48MiB"} // so little that state does not fit into memory
	}
	return k.start(k.path(fmt.Sprintf("life-%d.log", k.lives)), environment, arguments...)
}

// kill kills the job until the duration is over.
func (k *killing) kill() error {
	end := time.Now().Add(k.duration)
	l := life{parallelism: 2, backend: k.backend, paced: true}
	change := k.few()
	for time.Now().Before(end) {
		if change--; change < 0 {
			change = k.few()
			l.parallelism = 1 + (l.parallelism+k.random.IntN(3))%4
			if k.switchBackend {
				l.backend = map[string]string{"hashmap": "pebble", "pebble": "hashmap"}[l.backend]
			}
		}
		k.choose(&l)
		if err := k.liveAndDie(l, end); err != nil {
			return fmt.Errorf("life %d (parallelism %d, %s): %w", k.lives, l.parallelism, l.backend, err)
		}
	}
	return nil
}

// few is after how many kills the job lives otherwise.
func (k *killing) few() int { return 2 + k.random.IntN(4) }

// choose decides what the job does to itself.
func (k *killing) choose(l *life) {
	l.faults, l.panics, l.tear = nil, 0, false
	if !k.inside {
		return
	}
	all := failpoint.All()
	switch dice := k.random.IntN(10); {
	case dice < 4:
		l.faults = []victim.Fault{{Harm: victim.Kill, Point: all[k.random.IntN(len(all)-1)], Times: 1 + k.random.Uint64N(8)}}
	case dice < 6:
		l.panics = 1 + k.random.Int64N(int64(k.rate/2))
	case dice < 7:
		points := []failpoint.Point{failpoint.Aligning, failpoint.Copying, failpoint.Uploading, failpoint.Acknowledging, failpoint.Notified, failpoint.Committing}
		l.faults = []victim.Fault{{Harm: victim.Fail, Point: points[k.random.IntN(len(points))], Times: 1 + k.random.Uint64N(8)}}
	case dice < 8:
		points := []failpoint.Point{failpoint.Notified, failpoint.Committing, failpoint.Completing, failpoint.Releasing, failpoint.Deleting}
		l.faults = []victim.Fault{{Harm: victim.Pause, Point: points[k.random.IntN(len(points))], Times: 1 + k.random.Uint64N(4)}}
	default:
		points := []failpoint.Point{failpoint.Completing, failpoint.Completed}
		l.faults = []victim.Fault{{Harm: victim.Kill, Point: points[k.random.IntN(2)], Times: 2 + k.random.Uint64N(3)}}
		l.tear = !strings.Contains(k.storage, "://")
	}
}

// liveAndDie has the job live until it is killed, at a random instant at the latest, which is before the end: in all that time its source cannot
// bring all records.
func (k *killing) liveAndDie(l life, end time.Time) error {
	shortest := 100 * time.Millisecond
	patience := shortest + time.Duration(k.random.Int64N(int64(2*(k.every-shortest))))
	// On a machine that is busy with something else lives get longer, until there is a checkpoint again.
	patience *= time.Duration(1 + k.fruitless/5)
	patience = max(min(patience, time.Until(end)), shortest)
	p, err := k.live(l)
	if err != nil {
		return err
	}
	killed, err := p.dieAfter(patience)
	if err != nil {
		return err
	}
	if !killed {
		return errors.New("the job has ended while it was being killed: it was to last longer")
	}
	page, err := ledger.Read(k.path("ledger"))
	if err != nil {
		return err
	}
	k.tally.add(l, page)
	if l.backend == "pebble" && hasTables(k.path("scratch")) {
		k.tally.stored++
	}
	if k.fruitless++; page.Count(failpoint.Completed) > 0 {
		k.fruitless = 0
	}
	if k.fruitless == 30 {
		return fmt.Errorf("there was no checkpoint in %d lives in a row; the last said: %s", k.fruitless, tail(k.path(fmt.Sprintf("life-%d.log", k.lives))))
	}
	if last, _ := page.Last(); l.tear && (last == failpoint.Completing || last == failpoint.Completed) {
		torn, err := tearNewest(filepath.Join(k.storage, k.job.String()), k.random)
		if err != nil {
			return err
		}
		k.tally.tear(torn)
	}
	return os.Remove(k.path(fmt.Sprintf("life-%d.log", k.lives)))
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// process is a running job.
type process struct {
	command *exec.Cmd
	log     string
	ended   chan error
}

// start runs the job, in this process's environment and some more, with what it says in a file.
func (k *killing) start(log string, environment []string, arguments ...string) (*process, error) {
	out, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p := &process{log: log, ended: make(chan error, 1)}
	arguments = append([]string{victim.Role, "--records", strconv.FormatInt(k.records, 10), "--no-progress", "--log-level", "warn"}, arguments...)
	p.command = exec.Command(k.binary, arguments...)
	p.command.Env = append(os.Environ(), environment...)
	p.command.Stdout, p.command.Stderr = out, out
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() { p.ended <- p.command.Wait() }()
	return p, nil
}

// dieAfter kills the process when its time has come, and reports whether it has died by a SIGKILL, whoever has sent it.
func (p *process) dieAfter(patience time.Duration) (killed bool, err error) {
	select {
	case <-p.ended:
	case <-time.After(patience):
		_ = p.command.Process.Signal(syscall.SIGKILL)
		<-p.ended
	}
	return p.killed()
}

// diedWithin waits until the process has ended, and reports whether by a SIGKILL of its own.
func (p *process) diedWithin(patience time.Duration) (killed bool, err error) {
	select {
	case <-p.ended:
		return p.killed()
	case <-time.After(patience):
		return false, p.stuck(patience)
	}
}

// killed reports whether the process, which has ended, has died by a SIGKILL. It must have ended well otherwise.
func (p *process) killed() (killed bool, err error) {
	status := p.command.ProcessState
	if wait, ok := status.Sys().(syscall.WaitStatus); ok && wait.Signaled() && wait.Signal() == syscall.SIGKILL {
		return true, nil
	}
	if status.Success() {
		return false, nil
	}
	return false, fmt.Errorf("the job has failed (%v): %s", status, tail(p.log))
}

// finished waits until the process has ended well.
func (p *process) finished(patience time.Duration) error {
	select {
	case err := <-p.ended:
		if err != nil {
			return fmt.Errorf("the job has failed (%w): %s", err, tail(p.log))
		}
		return nil
	case <-time.After(patience):
		return p.stuck(patience)
	}
}

// stuck ends a process that has not ended, and says where it was.
func (p *process) stuck(patience time.Duration) error {
	_ = p.command.Process.Signal(syscall.SIGQUIT) // for the stacks
	<-p.ended
	return fmt.Errorf("the job has not ended within %v: %s", patience, tail(p.log))
}

// tail is the end of a file.
func tail(path string) string {
	const most = 4000
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-most):])
}
