package remote

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	protoremote "github.com/asynkron/protoactor-go/remote"

	"github.com/weir-stream/weir/runtime/actors"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/message"
)

// echoVariable makes the test binary a process with an actor that answers.
const echoVariable = "WEIR_TEST_ECHO"

// portVariable is the port of that process, a free one if it is not set.
const portVariable = "WEIR_TEST_PORT"

// lateName is that of the actor in a process whose port is known before.
const lateName = "late"

func TestMain(m *testing.M) {
	if os.Getenv(echoVariable) != "" {
		answerForEver()
	}
	os.Exit(m.Run())
}

// echo answers each request with a list of one job, which has the name of the actor, and names of a length that the request chooses.
type echo struct{ context *actors.Context }

func (e *echo) Start(c *actors.Context) { e.context = c }
func (e *echo) Receive(_ time.Time, m message.Message) {
	request, ok := m.(*message.ClientRequest)
	if !ok {
		return
	}
	e.context.Send(request.ReplyTo, &message.ClientResponse{Body: &message.ClientResponse_List{List: &message.JobList{
		Jobs: []*message.JobSummary{{Name: strings.Repeat("x", int(request.LeaderEpoch))}},
	}}})
}
func (e *echo) Event(time.Time, any)                                       {}
func (e *echo) Gone(time.Time, message.AddressKey)                         {}
func (e *echo) ChildPanicked(time.Time, message.AddressKey, *actors.Panic) {}
func (e *echo) Tick(time.Time)                                             {}
func (e *echo) Deadline() time.Time                                        { return time.Time{} }
func (e *echo) Stop()                                                      {}

func newSystem() *actors.System {
	return actors.NewSystem(actors.Options{Clock: clock.System(), Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
}

func answerForEver() {
	s := newSystem()
	port, _ := strconv.Atoi(os.Getenv(portVariable))
	e, err := Listen(s, Options{Bind: "127.0.0.1", Port: port})
	if err != nil {
		panic(err)
	}
	name := actors.UniqueName("echo")
	if port != 0 {
		name = lateName
	}
	ref, err := s.Spawn(name, &echo{})
	if err != nil {
		panic(err)
	}
	fmt.Println(e.Address(), ref.Address().Host, ref.Address().Id)
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// other is a process with an actor that answers.
type other struct {
	cmd   *exec.Cmd
	actor *message.Address
}

func startOther(t *testing.T, environment ...string) *other {
	t.Helper()
	o := &other{cmd: exec.Command(os.Args[0])}
	o.cmd.Env = append(append(os.Environ(), environment...), echoVariable+"=yes")
	o.cmd.Stderr = os.Stderr
	stdin, err := o.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := o.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := o.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close(); _ = o.cmd.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	fields := strings.Fields(line)
	if err != nil || len(fields) != 3 || fields[0] != fields[1] {
		t.Fatalf("the other process says %q: %v", line, err)
	}
	o.actor = &message.Address{Host: fields[1], Id: fields[2]}
	return o
}

// gone notes which actors are said to be gone.
type gone struct {
	echo
	watch *message.Address
	who   chan message.AddressKey
}

func (g *gone) Start(c *actors.Context)                  { g.echo.Start(c); c.Watch(g.watch) }
func (g *gone) Gone(_ time.Time, who message.AddressKey) { g.who <- who }

// TestAnotherProcess has all that needs the one remote that a process may start: an answer from there, one that is larger than gRPC takes by default, the
// end of the process, and malformed messages from a stranger.
func TestAnotherProcess(t *testing.T) {
	s := newSystem()
	e, err := Listen(s, Options{Bind: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Shutdown()
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	o := startOther(t)
	timing := message.Timing{Interval: 200 * time.Millisecond, Timeout: 10 * time.Second}
	for _, length := range []uint64{3, 10 << 20} {
		response, err := s.Ask(t.Context(), o.actor, timing, &message.ClientRequest{LeaderEpoch: length})
		if err != nil || len(response.GetList().GetJobs()[0].GetName()) != int(length) {
			t.Fatalf("an answer of %d bytes: %v", length, err)
		}
	}
	malformed(t, e.Address())
	reachesALateComer(t, s)

	g := &gone{watch: o.actor, who: make(chan message.AddressKey, 1)}
	ref, err := s.Spawn(actors.UniqueName("watcher"), g)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Ask(t.Context(), o.actor, timing, &message.ClientRequest{LeaderEpoch: 1}); err != nil { // the watch went before
		t.Fatal(err)
	}
	if err := o.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case who := <-g.who:
		if who != o.actor.Key() {
			t.Errorf("%v is gone", who)
		}
	case <-time.After(10 * time.Second):
		t.Error("nobody was told of the end of a process")
	}
	e.reset(o.actor.Host)
	ref.Stop()
	<-ref.Ended()
}

// reachesALateComer asks a peer before it is there, which is answered soon after it has come.
func reachesALateComer(t *testing.T, s *actors.System) {
	t.Helper()
	port, err := choose(Options{Bind: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	late := &message.Address{Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Id: lateName}
	answered := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		_, err := s.Ask(ctx, late, message.Timing{Interval: 50 * time.Millisecond, Timeout: 10 * time.Second}, &message.ClientRequest{LeaderEpoch: 1})
		answered <- err
	}()
	if o := startOther(t, portVariable+"="+strconv.Itoa(port)); o.actor.Host != late.Host {
		t.Fatalf("the late comer listens at %s, not at %s", o.actor.Host, late.Host)
	}
	begun := time.Now()
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
	// protoactor alone pauses for two seconds after a refusal.
	if took := time.Since(begun); took > time.Second {
		t.Errorf("it is there, and has answered after %v", took)
	}
}

// malformed sends a batch that names a type and a target that the batch does not have, and calls what nobody serves.
func malformed(t *testing.T, address string) {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	client := protoremote.NewRemotingClient(conn)
	if _, err := client.ListProcesses(ctx, &protoremote.ListProcessesRequest{}); err == nil || !strings.Contains(err.Error(), "Weir's own processes") {
		t.Errorf("ListProcesses: %v", err)
	}
	stream, err := client.Receive(ctx)
	if err == nil {
		err = stream.Send(&protoremote.RemoteMessage{MessageType: &protoremote.RemoteMessage_MessageBatch{MessageBatch: &protoremote.MessageBatch{
			Envelopes: []*protoremote.MessageEnvelope{{TypeId: 7, Target: 9}},
		}}})
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err = stream.Recv(); err == nil || !strings.Contains(err.Error(), "malformed message") {
		t.Errorf("a malformed batch is answered with %v", err)
	}
}

func TestAPortThatIsTaken(t *testing.T) {
	taken, err := choose(Options{Bind: "127.0.0.1"})
	if err != nil || taken == 0 {
		t.Fatal(taken, err)
	}
	if _, err := Listen(newSystem(), Options{Bind: "256.0.0.1"}); err == nil || !strings.Contains(err.Error(), "256.0.0.1") {
		t.Errorf("a host that is none: %v", err)
	}
}
