package exactlyonce

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/checkpoint/storage/fault"
	"github.com/weir-stream/weir/checkpoint/storage/stores"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/failpoint"
)

// ordered names the environment variable by which a child process of this test is told to be a job.
const ordered = "WEIR_TEST_EXACTLY_ONCE"

func TestMain(m *testing.M) {
	if path := os.Getenv(ordered); path != "" {
		os.Exit(live(path))
	}
	flag.Parse()
	// The tests wait for their children, and these for the pace of their source and for the disk.
	if err := flag.Set("test.parallel", "5"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// life is how the job lives once, as a process.
type life struct {
	Rate       float64 `json:",omitempty"`
	Output     string
	Properties []string
	Harms      []harm       `json:",omitempty"`
	Storage    []fault.Rule `json:",omitempty"`
	// Disk bounds the folder of checkpoints.
	Disk *smallDisk `json:",omitempty"`
	// Refused says that the job may not even begin.
	Refused bool `json:",omitempty"`
	// Account is the file in which the process says what has become of it.
	Account string
}

// harm befalls the process at the n-th time that it reaches a point since so many checkpoints were complete.
type harm struct {
	Do    deed
	Point failpoint.Point
	Times int
	Since int
}

// deed is what is done at a point.
type deed string

const (
	// kill ends the process by SIGKILL.
	kill deed = "kill"
	// killHalfway ends it by SIGKILL when half of the file is written that is uploaded next.
	killHalfway deed = "kill halfway"
	// freeze stops all of the process, until it is woken by SIGCONT.
	freeze deed = "freeze"
	// fail has what is done at the point fail.
	fail deed = "fail"
	// cancel cancels the job.
	cancel deed = "cancel"
	// panics has the goroutine panic.
	panics deed = "panic"
)

// account is what a process has to say.
type account struct {
	// Reached counts points, by name; Done the harms and the faults of storage, by what they are.
	Reached map[string]int
	Done    map[string]int
	// Over says that the job has ended, with Failure if it has failed.
	Over    bool
	Failure string
}

// victim is the process that lives a life.
type victim struct {
	life
	mu      sync.Mutex
	account account
	// dies says that the process is to be killed in an upload, halfway that it is in the next one.
	dies    bool
	halfway atomic.Bool
	plan    fault.Plan
	// cancels cancels the job.
	cancels context.CancelFunc
}

// live is the main function of a child process.
func live(path string) int {
	v := &victim{account: account{Reached: map[string]int{}, Done: map[string]int{}}}
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &v.life)
	}
	if err == nil {
		err = v.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (v *victim) run() error {
	v.plan = fault.Script(v.Storage...)
	v.dies = slices.ContainsFunc(v.Harms, func(h harm) bool { return h.Do == killHalfway })
	stores.Around(v.spoil)
	failpoint.Arm(v.suffer)
	if err := v.Disk.mount(); err != nil {
		return err
	}
	env, err := stream.NewEnvironment("exactly once", v.Properties...)
	if err != nil && v.Refused {
		v.account.Failure = err.Error()
		return v.tell()
	}
	if err != nil {
		return err
	}
	build(env, v.Rate, v.Output)
	ctx, cancels := context.WithCancel(context.Background())
	defer cancels()
	v.cancels = cancels
	_, failure := env.Execute(ctx)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.account.Over = true
	if failure != nil {
		v.account.Failure = failure.Error()
	}
	return v.tell()
}

// tell writes the account. The caller holds the lock.
func (v *victim) tell() error {
	data, err := json.Marshal(v.account)
	if err != nil {
		return err
	}
	return os.WriteFile(v.Account, data, 0o600)
}

var errWanted = errors.New("the test wants this to fail")

// suffer counts a point and does what is to be done there.
func (v *victim) suffer(p failpoint.Point) error {
	v.mu.Lock()
	v.account.Reached[p.String()]++
	h := v.due(p)
	if h.Do == "" {
		v.mu.Unlock()
		return nil
	}
	v.account.Done[string(h.Do)+" "+p.String()]++
	err := v.tell()
	if h.Do == kill || h.Do == freeze {
		// Nothing else gets on meanwhile: whoever reaches a point waits for the lock.
		defer v.mu.Unlock()
		v.signal(h.Do)
		return err
	}
	v.mu.Unlock()
	switch h.Do {
	case killHalfway:
		v.halfway.Store(true)
	case cancel:
		v.cancels()
	case panics:
		panic(errWanted)
	case fail:
		return fmt.Errorf("%v: %w", p, errWanted)
	}
	return err
}

func (v *victim) due(p failpoint.Point) harm {
	for i := range v.Harms {
		h := &v.Harms[i]
		if h.Point != p || v.account.Reached[failpoint.Completed.String()] < h.Since {
			continue
		}
		if h.Times--; h.Times == 0 {
			return *h
		}
	}
	return harm{}
}

func (v *victim) signal(d deed) {
	if d == freeze {
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		return
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // until the signal has come
}

// spoil has the store fail as the life wants it.
func (v *victim) spoil(s storage.Store) storage.Store {
	if v.Disk != nil {
		return &watchedStore{s, v}
	}
	if len(v.Storage) > 0 {
		return &halfwayStore{fault.New(s, v.decide, clock.System()), v}
	}
	if v.dies {
		return &halfwayStore{s, v}
	}
	return s
}

// decide is a fault.Plan for all stores of the process.
func (v *victim) decide(c fault.Call) fault.Fault {
	v.mu.Lock()
	defer v.mu.Unlock()
	f := v.plan(c)
	if f.Kind != "" && f.Kind != fault.None {
		v.account.Done[fmt.Sprintf("%s %s", f.Kind, c.Op)]++
	}
	return f
}

// halfwayStore ends the process in the middle of an upload.
type halfwayStore struct {
	storage.Store
	victim *victim
}

func (s *halfwayStore) Put(ctx context.Context, name string, source storage.Source) (storage.Checksum, error) {
	if !s.victim.halfway.Load() {
		return s.Store.Put(ctx, name, source)
	}
	content, err := source.Open()
	if err != nil {
		return 0, err
	}
	defer content.Close()
	size := content.Size()
	return s.Store.Put(ctx, name, storage.Section(&half{content.Section(0, size), size, s.victim}, size))
}

type half struct {
	io.ReaderAt
	size   int64
	victim *victim
}

func (h *half) ReadAt(p []byte, at int64) (int, error) {
	if at > 0 {
		h.victim.signal(kill)
	}
	return h.ReaderAt.ReadAt(p[:min(int64(len(p)), h.size/2)], at)
}
