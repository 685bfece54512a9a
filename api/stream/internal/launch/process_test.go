package launch_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/weir-stream/weir/api/connectors/collection"
	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/connectors/print"
	"github.com/weir-stream/weir/api/stream"
)

// programVariable makes the test binary one of these programs.
const programVariable = "WEIR_TEST_PROGRAM"

var programs = map[string]func(env *stream.Environment) error{
	"finishes": printed(func(n int) (string, error) { return fmt.Sprint("number ", n), nil }),
	"fails": printed(func(n int) (string, error) {
		if n == 3 {
			return "", errors.New("three is too many")
		}
		return "", nil
	}),
	"panics": printed(func(n int) (string, error) { return explode(n) }),
	"logs": func(env *stream.Environment) error {
		stream.To(stream.ProcessEach(stream.From(env, collection.Of(1)), func() talker { return talker{} }), print.Sink[int]())
		return nil
	},
	"never ends": func(env *stream.Environment) error {
		numbers := stream.From(env, datagen.Generate(datagen.Unbounded, func(i int64) int64 { return i }).Rate(1000))
		stream.To(numbers, print.Sink[int64]())
		return nil
	},
	"hangs": printed(func(int) (string, error) {
		fmt.Println("hanging")
		select {}
	}),
	"is unwilling":      func(*stream.Environment) error { return errors.New("not today") },
	"lacks a flag":      func(*stream.Environment) error { return stream.UsageError("nothing to read: give --input") },
	"panics in build":   func(*stream.Environment) error { panic("bad graph") },
	"has a bad graph":   func(env *stream.Environment) error { env.SetParallelism(-1); return nil },
	"shows its options": func(env *stream.Environment) error { fmt.Println(flag.Args(), *top); return errors.New("done") },
}

var top = flag.Int("top", 0, "print the `N` most frequent words")

func printed(function func(int) (string, error)) func(env *stream.Environment) error {
	return func(env *stream.Environment) error {
		texts := stream.MapErr(stream.From(env, collection.Of(1, 2, 3, 4)), function).Name("check")
		stream.To(texts, print.Sink[string]())
		return nil
	}
}

func explode(n int) (string, error) { return fmt.Sprint([]int{0}[n]), nil }

type talker struct{}

func (talker) Process(ctx *stream.ProcessContext, n int, out stream.Collector[int]) error {
	ctx.Logger().Info("heard", "number", n)
	ctx.Logger().Debug("whispered")
	out.Collect(n)
	return nil
}

func TestMain(m *testing.M) {
	if name := os.Getenv(programVariable); name != "" {
		stream.Main("job", programs[name])
	}
	os.Exit(m.Run())
}

// process is a running program.
type process struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr *output
}

// output gathers what a process writes and lets a test wait for a part of it.
type output struct {
	mu   sync.Mutex
	more *sync.Cond
	text bytes.Buffer
	over bool
}

func newOutput(from io.Reader) *output {
	o := &output{}
	o.more = sync.NewCond(&o.mu)
	go func() {
		reader := bufio.NewReader(from)
		for {
			line, err := reader.ReadString('\n')
			o.mu.Lock()
			o.text.WriteString(line)
			o.over = err != nil
			o.more.Broadcast()
			o.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return o
}

// waitFor returns when the output contains the text, or has ended without.
func (o *output) waitFor(t *testing.T, text string) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for !strings.Contains(o.text.String(), text) {
		if o.over {
			t.Fatalf("the process ended without %q:\n%s", text, o.text.String())
		}
		o.more.Wait()
	}
}

// all is the whole output, once it has ended.
func (o *output) all() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.over {
		o.more.Wait()
	}
	return o.text.String()
}

func start(t *testing.T, program string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.CommandContext(t.Context(), os.Args[0], args...)}
	p.cmd.Env = append(os.Environ(), programVariable+"="+program, "WEIR_ROLE=", "WEIR_CONF_DIR=")
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.stdout, p.stderr = newOutput(stdout), newOutput(stderr)
	return p
}

// end waits for the end of the process and returns its exit code and what it wrote.
func (p *process) end() (code int, stdout, stderr string) {
	p.t.Helper()
	stdout, stderr = p.stdout.all(), p.stderr.all()
	p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode(), stdout, stderr
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// expect compares the end of a process; each of the texts is part of its standard error.
func (p *process) expect(code int, texts ...string) (stdout, stderr string) {
	p.t.Helper()
	got, stdout, stderr := p.end()
	if got != code {
		p.t.Errorf("exit code %d, want %d", got, code)
	}
	for _, text := range texts {
		if !strings.Contains(stderr, text) {
			p.t.Errorf("its standard error lacks %q", text)
		}
	}
	if p.t.Failed() {
		p.t.Logf("standard output:\n%s\nstandard error:\n%s", stdout, stderr)
	}
	return stdout, stderr
}

func TestFinishedJob(t *testing.T) {
	stdout, _ := start(t, "finishes", "-v", "-p", "1").expect(0, "level=INFO msg=\"job submitted\" job=job id=", "msg=\"job is RUNNING\"", "msg=\"job is FINISHED\"",
		"\njob: FINISHED after ", "read     4 records", "written  4 records", "check")
	if stdout != "number 1\nnumber 2\nnumber 3\nnumber 4\n" {
		t.Errorf("it printed %q", stdout)
	}
}

func TestFailedJob(t *testing.T) {
	_, stderr := start(t, "fails", "-p", "1").expect(1, "job: FAILED after", "\njob \"job\": operator \"check\" (subtask ", ") failed: three is too many\n")
	if strings.Contains(stderr, "goroutine") {
		t.Errorf("a stack where nothing panicked:\n%s", stderr)
	}
}

func TestPanic(t *testing.T) {
	start(t, "panics", "-p", "1").expect(1, "job: FAILED after", ") panicked: runtime error: index out of range [1] with length 1", "goroutine", "launch_test.explode")
}

func TestJobNameOfTheConfiguration(t *testing.T) {
	start(t, "fails", "-Dpipeline.name=nightly").expect(1, "nightly: FAILED", "\njob \"nightly\": operator")
}

func TestCtrlC(t *testing.T) {
	p := start(t, "never ends")
	p.stdout.waitFor(t, "\n")
	p.signal(syscall.SIGINT)
	p.expect(130, "canceling the job; Ctrl-C again ends the process at once", "job is CANCELED", "job: CANCELED after")
}

func TestSecondCtrlC(t *testing.T) {
	p := start(t, "hangs")
	p.stdout.waitFor(t, "hanging")
	p.signal(syscall.SIGINT)
	p.stderr.waitFor(t, "canceling the job")
	p.signal(syscall.SIGINT)
	p.expect(137)
}

func TestSIGTERM(t *testing.T) {
	p := start(t, "never ends", "-p", "1")
	p.stdout.waitFor(t, "\n")
	p.signal(syscall.SIGTERM)
	stdout, stderr := p.expect(143, "draining the job", "job is CANCELED", "job: CANCELED after")
	numbers := strings.Fields(stdout)
	for i, number := range numbers {
		if number != fmt.Sprint(i) {
			t.Fatalf("record %d is %q", i, number)
		}
	}
	if strings.Contains(stderr, "could not be drained") {
		t.Errorf("it was not drained:\n%s", stderr)
	}
}

func TestNothingRunsAfterAMistake(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "conf.yaml")
	if err := os.WriteFile(file, []byte("parallelism.default: many\nheartbeat:\n  intervall: 1 s\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		program string
		args    []string
		code    int
		want    []string
	}{
		{"finishes", []string{"--tpo", "3"}, 2, []string{"job: unknown flag --tpo; did you mean --top?\nSee job --help.\n"}},
		{"finishes", []string{"--config", file, "-D", "heartbeat.timeout=-1"}, 2, []string{
			"configuration: 3 problems", `parallelism.default: value "many"`, "heartbeat.intervall", "did you mean heartbeat.interval?", "heartbeat.timeout"}},
		{"finishes", []string{"--config", filepath.Join(dir, "none.yaml")}, 2, []string{"none.yaml"}},
		{"lacks a flag", nil, 2, []string{"job: nothing to read: give --input\nSee job --help.\n"}},
		{"is unwilling", nil, 1, []string{"job: not today\n"}},
		{"has a bad graph", nil, 1, []string{"job: program \"job\": parallelism -1: want at least 1\n"}},
		{"panics in build", nil, 1, []string{"job: building the program panicked: bad graph\n", "goroutine"}},
	} {
		if stdout, _ := start(t, c.program, c.args...).expect(c.code, c.want...); stdout != "" {
			t.Errorf("%s %q printed %q", c.program, c.args, stdout)
		}
	}
}

func TestHelpHasTwoGroups(t *testing.T) {
	stdout, stderr := start(t, "finishes", "--help").expect(0)
	for _, want := range []string{"Flags of job:\n", "--top N", "\nFlags of the Weir runtime:\n", "--parallelism N"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	if stderr != "" {
		t.Errorf("help on the standard error: %s", stderr)
	}
}

// What build sees of the command line, and of the configuration in the file that the environment names.
func TestArgumentsReachTheProgram(t *testing.T) {
	stdout, _ := start(t, "shows its options", "a", "-top=7", "b", "-p", "2").expect(1, "done")
	if stdout != "[a b] 7\n" {
		t.Errorf("build sees %q", stdout)
	}
}

func TestNoticesAreLoggedOnce(t *testing.T) {
	_, stderr := start(t, "finishes", "-Drestart-strategy=none", "-Denv.java.opts=-Xmx1g").expect(0)
	for _, key := range []string{"restart-strategy", "env.java.opts"} {
		if n := len(regexp.MustCompile(`level=WARN msg="`+regexp.QuoteMeta(key)+` `).FindAllString(stderr, -1)); n != 1 {
			t.Errorf("%d notices on %s in\n%s", n, key, stderr)
		}
	}
}

func TestLogger(t *testing.T) {
	_, stderr := start(t, "logs").expect(0, "msg=heard operator=Process subtask=0 attempt=0 number=1")
	if strings.Contains(stderr, "whispered") {
		t.Error("a record below the level is logged")
	}
	start(t, "logs", "--log-level=debug").expect(0, "whispered")
	if _, stderr := start(t, "logs", "--log-level=warn").expect(0, "FINISHED"); strings.Contains(stderr, "level=INFO") {
		t.Errorf("--log-level=warn logs more:\n%s", stderr)
	}
}

func TestJSONLog(t *testing.T) {
	for program, code := range map[string]int{"logs": 0, "panics": 1} {
		_, stderr := start(t, program, "--log-format", "json").expect(code)
		var last map[string]any
		for line := range strings.Lines(stderr) {
			last = nil
			if err := json.Unmarshal([]byte(line), &last); err != nil {
				t.Errorf("%s: the line %q is no JSON: %v", program, line, err)
			}
		}
		want := map[string]any{"msg": "job ended", "level": "INFO", "state": "FINISHED", "records_read": 1.0}
		if code != 0 {
			want = map[string]any{"msg": "job ended", "level": "ERROR", "state": "FAILED"}
			if stack, _ := last["stack"].(string); !strings.Contains(stack, "explode") {
				t.Errorf("no stack in %v", last)
			}
		}
		for key, value := range want {
			if last[key] != value {
				t.Errorf("%s: %s is %v, want %v", program, key, last[key], value)
			}
		}
	}
}
