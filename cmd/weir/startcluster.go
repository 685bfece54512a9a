package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/memory"
	"github.com/weir-stream/weir/runtime/rest/client"
)

// starting is a cluster on this machine that is being started.
type starting struct {
	options
	taskManagers  int
	patience      time.Duration
	command       *cobra.Command
	configuration config.Configuration
	binary        string
	records, logs string
	clock         clock.Clock
	started       []*daemon
}

// daemon is a process that was started.
type daemon struct {
	record
	ended chan error
}

func newStartCluster() *cobra.Command {
	s := &starting{clock: clock.System()}
	c := &cobra.Command{
		Use: "start-cluster", Short: "Start a JobManager and TaskManagers on this machine", Args: exactly(0, "nothing"),
		Long: `Start a JobManager and TaskManagers on this machine, and return when REST answers and all slots are there.

Options of -D hold for all of its processes, and as defaults of its jobs. Logs are in ` + logVariable + `, word of the processes in ` + pidVariable + `
(default: log and run below ~/.local/state/weir). stop-cluster ends what was started.`,
		RunE: func(c *cobra.Command, _ []string) error {
			s.command = c
			return s.run(c.Context())
		},
	}
	s.flags(c)
	c.Flags().IntVar(&s.taskManagers, "taskmanagers", 2, "how many TaskManagers to start")
	c.Flags().DurationVar(&s.patience, "timeout", time.Minute, "how long to wait for them")
	return c
}

func (s *starting) run(ctx context.Context) (err error) {
	if s.taskManagers < 0 {
		return wrong(s.command, fmt.Errorf("--taskmanagers %d: want 0 or more", s.taskManagers))
	}
	if s.configuration, err = s.load(s.command, "taskmanager.numberOfTaskSlots=1"); err != nil {
		return err
	}
	if err := s.findFolders(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.patience, fmt.Errorf("the cluster was not ready after %v (--timeout)", s.patience))
	defer cancel()
	if err := s.startAll(ctx); err != nil {
		for i := len(s.started) - 1; i >= 0; i-- {
			_ = s.started[i].signal(syscall.SIGKILL)
			_ = s.started[i].remove(s.records)
		}
		return err
	}
	return nil
}

func (s *starting) findFolders() (err error) {
	if s.binary, err = os.Executable(); err != nil {
		return err
	}
	if s.records, err = folderOf(pidVariable, "run"); err != nil {
		return err
	}
	folder, err := logFolder()
	if err != nil {
		return err
	}
	s.logs = folder.Path
	known, err := readRecords(s.records)
	if err != nil {
		return err
	}
	for _, r := range known {
		if r.lives() {
			return fmt.Errorf("the %s %d of a cluster runs already (process %d, in %s): end it with weir stop-cluster, or give this one a %s of its own",
				r.Role, r.Number, r.PID, s.records, pidVariable)
		}
		if err := r.remove(s.records); err != nil { // of a process that was killed
			return err
		}
	}
	return os.MkdirAll(s.logs, 0o750)
}

func (s *starting) startAll(ctx context.Context) error {
	out := s.command.OutOrStdout()
	master, err := s.start(ctx, "jobmanager", 0, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "JobManager %s, process %d, log %s\n", master.RPC, master.PID, master.Log)
	_, port, _ := strings.Cut(master.RPC[strings.LastIndex(master.RPC, ":"):], ":")
	more := append([]string{"-D", config.JobManagerPort.Key() + "=" + port}, s.memory()...)
	for n := range s.taskManagers {
		t, err := s.start(ctx, "taskmanager", n, more)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "TaskManager %d, process %d, log %s\n", n, t.PID, t.Log)
	}
	slots := s.taskManagers * config.Get(s.configuration, config.TaskSlots)
	rest, err := clientOf(s.configuration, master.REST)
	if err != nil {
		return err
	}
	if err := s.awaitSlots(ctx, rest, slots); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "The cluster is ready: %d slots on %d TaskManagers, REST at %s\n", slots, s.taskManagers, master.REST)
	return err
}

// memory divides what one TaskManager would take of this machine among all of them, unless the configuration says what each is to have.
func (s *starting) memory() []string {
	key := config.TaskManagerMemory
	if _, told := config.Lookup(s.configuration, key); told || s.taskManagers < 2 {
		return nil
	}
	each := config.MemorySize(memory.Detect(os.DirFS("/")).GoMemory()) / config.MemorySize(s.taskManagers)
	return []string{"-D", key.Key() + "=" + (each - each%config.Mebibyte).String()}
}

// start starts a process and waits for its record.
func (s *starting) start(ctx context.Context, role string, number int, more []string) (*daemon, error) {
	arguments := []string{role, "--daemon", "--number", strconv.Itoa(number)}
	if path := s.path(); path != "" {
		arguments = append(arguments, "--config", path)
	}
	var secrets []string
	for _, p := range s.properties {
		if key, _, _ := strings.Cut(p, "="); config.Sensitive(key) {
			secrets = append(secrets, p) // arguments can be read by everybody on the machine
			continue
		}
		arguments = append(arguments, "-D", p)
	}
	hidden, err := json.Marshal(secrets)
	if err != nil {
		return nil, err
	}
	output, err := os.Create(filepath.Join(s.logs, processName(role, number)+".out"))
	if err != nil {
		return nil, err
	}
	defer output.Close()
	cmd := exec.Command(s.binary, append(arguments, more...)...)
	cmd.Env = append(os.Environ(), pidVariable+"="+s.records, logVariable+"="+s.logs, secretsVariable+"="+string(hidden))
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the %s: %w", role, err)
	}
	d := &daemon{record: record{Role: role, Number: number, PID: cmd.Process.Pid}, ended: make(chan error, 1)}
	s.started = append(s.started, d)
	go func() { d.ended <- cmd.Wait() }()
	for {
		known, err := readRecords(s.records)
		if err != nil {
			return nil, err
		}
		for _, r := range known {
			if r.PID == d.PID && r.lives() {
				d.record = *r
				return d, nil
			}
		}
		if err := s.pause(ctx); err != nil {
			return nil, err
		}
	}
}

// again is the time between two looks at what is being started.
const again = 10 * time.Millisecond

// pause waits a little, and returns why there is nothing to wait for.
func (s *starting) pause(ctx context.Context) error {
	for _, d := range s.started {
		select {
		case err := <-d.ended:
			return fmt.Errorf("the %s %d has ended (%v): %s", d.Role, d.Number, err, s.lastWords(d))
		default:
		}
	}
	if s.clock.Sleep(ctx, again) != nil {
		return context.Cause(ctx)
	}
	return nil
}

// lastWords is the end of what a process has written.
func (s *starting) lastWords(d *daemon) string {
	name := filepath.Join(s.logs, processName(d.Role, d.Number)+".out")
	data, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	text := strings.TrimSpace(string(data[max(0, len(data)-2000):]))
	return strings.TrimPrefix(text, "weir: ")
}

// awaitSlots waits until REST answers with so many slots.
func (s *starting) awaitSlots(ctx context.Context, rest *client.Client, slots int) error {
	for {
		overview, err := rest.Overview(ctx)
		if err == nil && overview.Slots >= slots {
			return nil
		}
		if refused := (*client.Refused)(nil); errors.As(err, &refused) && refused.Status == http.StatusUnauthorized {
			return err
		}
		if err := s.pause(ctx); err != nil {
			return err
		}
	}
}
