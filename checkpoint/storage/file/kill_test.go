package file

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/checkpoint/storage/storagetest"
)

// The variables tell a child process of the test where to write and before which step to die.
const (
	childRoot = "WEIR_TEST_FILE_ROOT"
	childStep = "WEIR_TEST_FILE_STEP"
)

func TestMain(m *testing.M) {
	if root := os.Getenv(childRoot); root != "" {
		os.Exit(child(root))
	}
	os.Exit(m.Run())
}

const killedName = "job/chk-1/_metadata"

func killedBody() []byte { return storagetest.Pattern(9, copyBuffer+1) }

// child writes one object and dies before its n-th step. It returns 0 if it got to the end.
func child(root string) int {
	step, err := strconv.Atoi(os.Getenv(childStep))
	if err != nil {
		return 2
	}
	s := open(root, &suicidal{left: step})
	if s.Create(nothing{}, killedName, killedBody()) != nil {
		return 3
	}
	return 0
}

// nothing is the context of the child: it never ends.
type nothing struct{}

func (nothing) Deadline() (time.Time, bool) { return time.Time{}, false }
func (nothing) Done() <-chan struct{}       { return nil }
func (nothing) Err() error                  { return nil }
func (nothing) Value(any) any               { return nil }

// suicidal is a disk that kills its process with SIGKILL when its steps are used up.
type suicidal struct {
	system
	left int
}

func (d *suicidal) step() {
	if d.left--; d.left < 0 {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func (d *suicidal) mkdir(path string) error    { d.step(); return d.system.mkdir(path) }
func (d *suicidal) link(from, to string) error { d.step(); return d.system.link(from, to) }
func (d *suicidal) remove(path string) error   { d.step(); return d.system.remove(path) }
func (d *suicidal) syncDir(path string) error  { d.step(); return d.system.syncDir(path) }
func (d *suicidal) create(path string) (handle, error) {
	d.step()
	h, err := d.system.create(path)
	return &suicidalFile{h, d}, err
}

type suicidalFile struct {
	handle
	disk *suicidal
}

func (f *suicidalFile) Write(p []byte) (int, error) { f.disk.step(); return f.handle.Write(p) }
func (f *suicidalFile) Sync() error                 { f.disk.step(); return f.handle.Sync() }

// A real process is killed before each of its steps. The object is there as a whole or not at all, another process can go on, and the
// leftovers are found.
func TestKilledBetweenSteps(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	existed, leftovers := 0, 0
	for step := 0; ; step++ {
		root := filepath.Join(t.TempDir(), "checkpoints")
		cmd := exec.Command(program)
		cmd.Env = append(os.Environ(), childRoot+"="+root, childStep+"="+strconv.Itoa(step))
		output, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		killed := errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
		if err != nil && !killed {
			t.Fatalf("step %d: %v\n%s", step, err, output)
		}
		s := newStore(t, root)
		switch body, err := s.Read(t.Context(), killedName); {
		case err == nil:
			existed++
			if !bytes.Equal(body, killedBody()) {
				t.Errorf("killed before step %d: %d bytes instead of %d", step, len(body), len(killedBody()))
			}
		case !errors.Is(err, storage.NotFound) || !killed:
			t.Errorf("killed before step %d: %v", step, err)
		}
		leftovers += collectLeftovers(t, s)
		if err := s.Create(t.Context(), killedName, []byte("next")); err != nil && !errors.Is(err, storage.Exists) {
			t.Errorf("killed before step %d: the next writer: %v", step, err)
		}
		if !killed {
			if step < 9 || existed < 3 || leftovers < 4 {
				t.Errorf("%d steps, %d with the object, %d with leftovers: the test does not reach what it should", step, existed, leftovers)
			}
			return
		}
	}
}

// collectLeftovers checks that Collect spares what may still be written and removes the rest.
func collectLeftovers(t *testing.T, s *Store) int {
	t.Helper()
	if count, err := s.Collect(t.Context(), "", time.Unix(1000, 0)); count != 0 || err != nil {
		t.Errorf("collected %d young files, %v", count, err)
	}
	count, err := s.Collect(t.Context(), "job/", time.Now().Add(time.Hour))
	if err != nil {
		t.Error(err)
	}
	filepath.WalkDir(s.root, func(path string, _ os.DirEntry, _ error) error {
		if strings.Contains(path, temporaryMark) {
			t.Errorf("left over: %s", path)
		}
		return nil
	})
	return count
}
