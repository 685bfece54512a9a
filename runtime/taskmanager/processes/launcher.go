// Package processes starts the workers of a TaskManager as processes of the jobs' own binaries.
package processes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/process"
	"github.com/weir-stream/weir/runtime/taskmanager"
)

// Options are what a Launcher is made with.
type Options struct {
	Starter *process.Starter
	Clock   clock.Clock
	Log     *slog.Logger
	// Binary returns the path of a file by its SHA-256 and size, and may take its time to bring it here. The file is no longer needed after release.
	Binary func(ctx context.Context, sum []byte, size int64) (path string, release func(), err error)
	// Output opens what a job's workers write to, their standard output and standard error.
	Output func(spec taskmanager.Spec) (output, errors io.WriteCloser, err error)
	// Environment has name=value of variables that workers get besides the job's, which win.
	Environment []string
	// Cluster returns the id of the cluster, which a worker's peers must be of too.
	Cluster func() string
	// Folder is the working directory of workers.
	Folder string
	// Bind is the host on which workers listen for their peers, Ports where they do, any if there is none, and Advertised the host by which peers find them.
	Bind, Advertised string
	// Heartbeat is how often a worker gets a sign of life, and Timeout how long it may be without giving one.
	Heartbeat, Timeout time.Duration
	// Start is how long a worker may take until it serves; 0 is no bound.
	Start time.Duration
	Ports []config.Ports
	// Network is how workers speak to their peers.
	Network *message.Network
	// Grace is how long a worker has to end by itself when it is closed, before it is killed.
	Grace time.Duration
	// Memory is nil where workers may use as much as they want.
	Memory *Memory
	// OutputRate is how many bytes a worker may write to each of its outputs in a second; 0 is no bound.
	OutputRate int64
}

// Launcher starts workers. It implements taskmanager.Launcher.
type Launcher struct {
	options Options
	running sync.WaitGroup
	watched watched
	// places belongs to the goroutine of the TaskExecutor.
	places map[ident.JobID]*place
}

// New returns a launcher.
func New(o Options) *Launcher { return &Launcher{options: o, places: map[ident.JobID]*place{}} }

// place is where a job's workers are found, whichever of them runs: what connects while none does waits for the next.
type place struct {
	listener *os.File
	address  string
}

// Prepare implements taskmanager.Launcher.
func (l *Launcher) Prepare(job ident.JobID) (address string, err error) {
	listener, err := listen(l.options.Bind, l.options.Ports)
	if err != nil {
		return "", fmt.Errorf("listen for the peers of workers (%s): %w", config.DataPort.Key(), err)
	}
	defer listener.Close() // the file is a duplicate
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		return "", fmt.Errorf("listen for the peers of workers: %w", err)
	}
	p := &place{file, net.JoinHostPort(l.options.Advertised, strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))}
	l.places[job] = p
	return p.address, nil
}

// listen takes the first port of some that is free.
func listen(host string, ports []config.Ports) (net.Listener, error) {
	if len(ports) == 0 {
		ports = []config.Ports{{}}
	}
	var last error
	for _, p := range ports {
		for port := p.First; port <= p.Last; port++ {
			l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
			if err == nil {
				return l, nil
			}
			last = err
			if !errors.Is(err, syscall.EADDRINUSE) {
				return nil, err
			}
		}
	}
	return nil, fmt.Errorf("all ports are taken, write a wider range: %w", last)
}

// Discard implements taskmanager.Launcher.
func (l *Launcher) Discard(job ident.JobID) {
	l.watched.forget(job)
	if p := l.places[job]; p != nil {
		delete(l.places, job)
		p.listener.Close()
	}
}

// Wait returns when all workers have ended, which were closed before.
func (l *Launcher) Wait() { l.running.Wait() }

// Launch implements taskmanager.Launcher.
func (l *Launcher) Launch(spec taskmanager.Spec, report func(*message.FromWorker)) (taskmanager.Worker, error) {
	if spec.Program == nil {
		return nil, errors.New("the job was submitted without its binary")
	}
	p := l.places[spec.Job]
	if p == nil {
		return nil, errors.New("nobody has prepared where its workers are found")
	}
	// The worker's own, since the place may be given up while it starts.
	listener, err := duplicate(p.listener)
	if err != nil {
		return nil, err
	}
	w := &worker{launcher: l, confined: l.options.Memory.confine(spec.Slots), listener: listener, data: p.address, spec: spec, report: report, log: l.options.Log.With("job", spec.JobName, "id", spec.Job)}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.ready = sync.NewCond(&w.mu)
	w.looks = newLooks()
	l.watched.add(w)
	l.running.Go(w.run)
	return w, nil
}

func duplicate(file *os.File) (*os.File, error) {
	descriptor, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(descriptor), file.Name()), nil
}

// worker is a worker process:
//
//	starting --its binary is here, it says that it is ready--> serving --ends, or Close--> ended
//
// One goroutine starts it and hears what it has to tell until it ends, another writes what it is told.
type worker struct {
	launcher *Launcher
	confined *confined
	// listener is the worker's until it has started; data is where its peers find it.
	listener *os.File
	data     string
	spec     taskmanager.Spec
	report   func(*message.FromWorker)
	log      *slog.Logger
	// ctx is done when the worker is closed.
	ctx    context.Context
	cancel context.CancelFunc
	looks  *looks
	// silence says whether the worker is heard, and frozen that it was ended because it was not.
	silence process.Silence
	frozen  atomic.Bool
	// late says that it was ended because it did not begin to serve.
	late atomic.Bool

	mu    sync.Mutex
	ready *sync.Cond
	queue []*message.ToProcess
	over  bool
}

// Send implements taskmanager.Worker.
func (w *worker) Send(m *message.ToWorker) {
	w.send(&message.ToProcess{Body: &message.ToProcess_Worker{Worker: m}})
}

// Hold implements taskmanager.Holder.
func (w *worker) Hold(slots int) { w.confined.hold(slots) }

func (w *worker) send(m *message.ToProcess) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over {
		w.queue = append(w.queue, m)
		w.ready.Signal()
	}
}

// Close implements taskmanager.Worker.
func (w *worker) Close() { w.cancel() }

func (w *worker) run() {
	end := w.live()
	w.launcher.watched.remove(w)
	w.looks.end()
	w.stopWriting()
	if w.ctx.Err() != nil {
		return
	}
	w.cancel()
	w.log.Warn("a worker has ended", "cause", end.reason)
	w.report(message.Clean(&message.FromWorker{LeaderEpoch: w.spec.LeaderEpoch, Body: &message.FromWorker_Stopped{Stopped: &message.WorkerStopped{
		Failure: &message.Failure{
			Message: fmt.Sprintf("job %q: its worker on TaskManager %s has ended: %s", w.spec.JobName, w.spec.TaskExecutor, end.reason),
			Subtask: -1, Class: int32(end.class), Stack: end.stack,
		},
	}}}))
}

// end says why a worker has ended and whose fault it is.
type end struct {
	reason, stack string
	class         operator.Class
}

// live runs the process to its end.
func (w *worker) live() end {
	p, err := w.start()
	if err != nil {
		return end{reason: err.Error(), class: operator.Environment}
	}
	defer p.tidy()
	defer p.Conn.Close()
	stop := context.AfterFunc(w.ctx, func() { w.end(p.Child) })
	defer stop()
	writer := process.NewWriter(p.Conn)
	program := w.spec.Program
	begun := w.begin(p.Child)
	hello, answer, err := process.Greet(p.Child, writer, &message.ProcessStart{
		Job: message.IDBytes(w.spec.Job), Configuration: w.spec.Configuration, Description: program.GetDescription(),
		TaskExecutor: w.spec.TaskExecutor, LeaderEpoch: w.spec.LeaderEpoch, Data: w.data, Cluster: w.launcher.options.Cluster(),
		Memory: w.confined.share(), Network: w.launcher.options.Network,
	})
	begun()
	switch {
	case err != nil:
		return w.ended(p, err)
	case answer.GetRefused() != nil:
		_ = w.ended(p, nil)
		return end{reason: answer.GetRefused().GetReason(), stack: answer.GetRefused().GetStack(), class: operator.User}
	case answer.GetReady() == nil:
		return w.ended(p, fmt.Errorf("it answers with %T", answer.GetBody()))
	}
	w.looks.begin(writer, p.PID(), hello.GetBuild(), w.launcher.options.Clock.Now())
	w.launcher.running.Go(func() { w.write(writer) })
	w.launcher.running.Go(func() {
		process.ShowLife(w.launcher.options.Clock, writer, w.launcher.options.Heartbeat, p.Ended())
	})
	w.launcher.running.Go(func() { w.expect(p.Child) })
	return w.ended(p, w.hear(p.Child))
}

// started is a process that runs for a worker.
type started struct {
	*process.Child
	// words is the end of what it writes to its standard error.
	words *process.Tail
	// tidy gives back what it needs, once it has ended.
	tidy func()
}

func (w *worker) start() (*started, error) {
	defer w.listener.Close()
	o, program := w.launcher.options, w.spec.Program
	binary, release, err := o.Binary(w.ctx, program.GetBinary(), program.GetSize())
	if err != nil {
		return nil, err
	}
	output, errs, err := o.Output(w.spec)
	if err != nil {
		release()
		return nil, err
	}
	tidy := func() {
		output.Close()
		errs.Close()
		release()
	}
	warned := atomic.Bool{}
	lost := func(err error) {
		if !warned.Swap(true) {
			w.log.Warn("output of a worker is lost, since it cannot be written", "error", err)
		}
	}
	words := process.NewTail(process.Lenient(errs, lost))
	child, err := o.Starter.Start(process.Command{
		Binary: binary, Arguments: program.GetArguments(), Role: process.Worker, Folder: o.Folder, Listener: w.listener,
		Output: process.Paced(process.Lenient(output, lost), o.Clock, o.OutputRate), Errors: process.Paced(words, o.Clock, o.OutputRate),
		Environment: append(o.Environment[:len(o.Environment):len(o.Environment)], program.GetEnvironment()...),
	})
	if err != nil {
		tidy()
		return nil, err
	}
	w.confined.take(w, child)
	w.log.Info("a worker was started", "pid", child.PID(), "memory", w.confined.share())
	return &started{child, words, func() {
		w.confined.release(w)
		tidy()
	}}, nil
}

// hear hands on what the worker tells until it tells no more.
func (w *worker) hear(child *process.Child) error {
	for {
		var m message.FromProcess
		if err := process.Read(child.Conn, &m); err != nil {
			return err
		}
		w.silence.Heard()
		if m.GetBody() == nil { // a sign of life
			continue
		}
		if shown := m.GetShown(); shown != nil {
			w.looks.shown(shown)
			continue
		}
		told := m.GetWorker()
		if told == nil {
			return fmt.Errorf("it sends %T, where a worker's message is due", m.GetBody())
		}
		if told.GetStopped() != nil {
			return &stopped{told.GetStopped().GetFailure()}
		}
		w.report(told)
	}
}

// begin ends a worker that does not begin to serve in time. The function that it returns says that it has.
func (w *worker) begin(child *process.Child) (begun func()) {
	if w.launcher.options.Start <= 0 {
		return func() {}
	}
	timer := w.launcher.options.Clock.AfterFunc(w.launcher.options.Start, func() {
		w.late.Store(true)
		child.Kill()
	})
	return func() { timer.Stop() }
}

// expect ends the worker when it is not heard for the timeout, whatever of it does not go on: somebody has frozen it, or the system has.
func (w *worker) expect(child *process.Child) {
	pause := w.launcher.options.Timeout / process.SilentLooks
	timer := w.launcher.options.Clock.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-child.Ended():
			return
		case <-timer.C():
		}
		if w.silence.Look() {
			w.frozen.Store(true)
			child.Kill()
			return
		}
		timer.Reset(pause)
	}
}

// stopped is what a worker says when it ends itself.
type stopped struct{ *message.Failure }

func (s *stopped) Error() string { return s.GetMessage() }

// lastWords is how long a process may still run when its socket has ended.
const lastWords = time.Second

// ended waits for the end of the process, and says why it came. heard is what its socket ended with.
func (w *worker) ended(p *started, heard error) end {
	timer := w.launcher.options.Clock.NewTimer(lastWords + w.launcher.options.Grace)
	defer timer.Stop()
	killed := false
	select {
	case <-p.Ended():
	case <-timer.C():
		killed = true
		p.Kill()
		<-p.Ended()
	}
	p.Kill() // what it has started may still be there
	own := (*stopped)(nil)
	crash := p.Crash()
	switch beyond := w.confined.verdict(); {
	case beyond != "":
		return end{reason: beyond, class: operator.User}
	case w.late.Load():
		return end{reason: fmt.Sprintf("it did not begin to serve within %v (weir.plan.timeout): its main function, or the one that declares the graph, waits for something", w.launcher.options.Start), class: operator.User}
	case w.frozen.Load():
		return end{reason: fmt.Sprintf("it was silent for heartbeat.timeout (%v): it was frozen, or its machine is overloaded", w.launcher.options.Timeout), class: operator.Environment}
	case errors.As(heard, &own):
		return end{own.GetMessage(), own.GetStack(), operator.Class(own.GetClass())}
	case crash.Reason != "":
		return end{"it has crashed: " + crash.Reason, crash.Stack, operator.User}
	case killed:
		return end{reason: "it stopped talking to its TaskManager, which has killed it", class: operator.Bug}
	case heard != nil && !broken(heard):
		return end{reason: heard.Error(), class: operator.Environment}
	}
	return end{reason: p.End() + lastWrote(p.words), class: operator.User}
}

// lastWrote shows the last lines that a process has written.
func lastWrote(words *process.Tail) string {
	if text := words.String(); text != "" {
		return "; the last that it wrote is:\n" + text
	}
	return ""
}

// broken reports whether a socket has ended because the process at its other end has, which says more of why.
func broken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// end closes the socket's one direction, which a worker takes as the end, and kills it if it does not end.
func (w *worker) end(child *process.Child) {
	if half, ok := child.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	timer := w.launcher.options.Clock.NewTimer(w.launcher.options.Grace)
	defer timer.Stop()
	select {
	case <-child.Ended():
	case <-timer.C():
		w.log.Warn("a worker was killed: it did not end in good time", "pid", child.PID(), "after", w.launcher.options.Grace)
		child.Kill()
	}
}

// write writes what the worker is told.
func (w *worker) write(to *process.Writer) {
	for {
		messages, ok := w.next()
		if !ok {
			return
		}
		for _, m := range messages {
			if err := to.Write(m); err != nil {
				return // whoever hears it sees the end
			}
		}
	}
}

func (w *worker) next() (messages []*message.ToProcess, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) == 0 && !w.over {
		w.ready.Wait()
	}
	messages, w.queue = w.queue, nil
	return messages, !w.over
}

func (w *worker) stopWriting() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over, w.queue = true, nil
	w.ready.Signal()
}
