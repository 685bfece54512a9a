package file

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/checkpoint/storage/storagetest"
)

// model is a disk that works in a real folder and knows what a crash of the machine may leave of it: of a file the bytes that were
// synced, of a folder the entries that it had when it was synced. Everything else may also have reached the disk, so there are two
// extremes: nothing that was not synced is there, or all of it is.
type model struct {
	system
	root string
	// budget is the number of steps until the crash.
	budget int
	steps  []string

	files   map[string]*inode            // by path
	entries map[string]map[string]*inode // synced entries by folder; nil stands for a folder
}

// inode is a file or, without content, a folder.
type inode struct {
	folder          bool
	content, synced []byte
}

var errCrashed = errors.New("the machine crashed")

func newModel(root string, budget int) *model {
	return &model{root: root, budget: budget, files: map[string]*inode{}, entries: map[string]map[string]*inode{}}
}

func (m *model) step(op, path string) error {
	if m.budget == 0 {
		return errCrashed
	}
	m.budget--
	m.steps = append(m.steps, op+" "+strings.TrimPrefix(path, m.root))
	return nil
}

func (m *model) do(op, path string, change func() error, after func()) error {
	if err := m.step(op, path); err != nil {
		return err
	}
	err := change()
	if err == nil {
		after()
	}
	return err
}

func (m *model) mkdir(path string) error {
	return m.do("mkdir", path, func() error { return m.system.mkdir(path) }, func() { m.files[path] = &inode{folder: true} })
}

func (m *model) link(from, to string) error {
	return m.do("link", to, func() error { return m.system.link(from, to) }, func() { m.files[to] = m.files[from] })
}

func (m *model) rename(from, to string) error {
	return m.do("rename", to, func() error { return m.system.rename(from, to) }, func() {
		m.files[to] = m.files[from]
		delete(m.files, from)
	})
}

func (m *model) remove(path string) error {
	return m.do("remove", path, func() error { return m.system.remove(path) }, func() { delete(m.files, path) })
}

func (m *model) syncDir(path string) error {
	return m.do("sync folder", path, func() error { return nil }, func() {
		m.entries[path] = map[string]*inode{}
		for p, node := range m.files {
			if filepath.Dir(p) == path {
				m.entries[path][filepath.Base(p)] = node
			}
		}
	})
}

func (m *model) create(path string) (handle, error) {
	var h handle
	err := m.do("create", path, func() (err error) {
		h, err = m.system.create(path)
		return err
	}, func() { m.files[path] = &inode{} })
	return &modelFile{handle: h, model: m, node: m.files[path], path: path}, err
}

type modelFile struct {
	handle
	model *model
	node  *inode
	path  string
}

func (f *modelFile) Write(p []byte) (int, error) {
	if err := f.model.step("write", f.path); err != nil {
		return 0, err
	}
	n, err := f.handle.Write(p)
	f.node.content = append(f.node.content, p[:n]...)
	return n, err
}

func (f *modelFile) Sync() error {
	return f.model.do("sync", f.path, func() error { return nil }, func() { f.node.synced = slices.Clone(f.node.content) })
}

func (f *modelFile) Close() error {
	if f.handle == nil {
		return nil
	}
	return f.handle.Close()
}

// survivors writes what the crash left into a new folder: everything, or only what was synced.
func (m *model) survivors(t *testing.T, everything bool) string {
	to := t.TempDir()
	var restore func(folder string)
	put := func(path string, node *inode) {
		target := filepath.Join(to, strings.TrimPrefix(path, m.root))
		if node.folder {
			if err := os.MkdirAll(target, 0o777); err != nil {
				t.Fatal(err)
			}
			restore(path)
			return
		}
		content := node.synced
		if everything {
			content = node.content
		}
		if err := os.WriteFile(target, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	restore = func(folder string) {
		if !everything {
			for name, node := range m.entries[folder] {
				put(filepath.Join(folder, name), node)
			}
			return
		}
		for path, node := range m.files {
			if filepath.Dir(path) == folder {
				put(path, node)
			}
		}
	}
	restore(m.root)
	return to
}

// The machine crashes before every step of a write in turn. What was acknowledged is there afterwards, and nothing is there in part.
func TestCrashOfTheMachineAtEveryStep(t *testing.T) {
	body := storagetest.Pattern(1, 2*copyBuffer+100)
	writes := map[string]func(*Store) error{
		"create": func(s *Store) error { return s.Create(t.Context(), "job/log/000001", body) },
		"put": func(s *Store) error {
			_, err := s.Put(t.Context(), "job/log/000001", storage.Bytes(body))
			return err
		},
		"link": func(s *Store) error {
			m := s.disk.(*model)
			path := filepath.Join(m.root, "outside")
			if err := os.WriteFile(path, body, 0o666); err != nil {
				return err
			}
			m.files[path] = &inode{content: body}
			return s.LinkIn(t.Context(), path, "job/log/000001")
		},
	}
	for name, write := range writes {
		t.Run(name, func(t *testing.T) {
			for budget := 0; ; budget++ {
				base := t.TempDir()
				m := newModel(base, budget)
				err := write(open(filepath.Join(base, "checkpoints"), m))
				if err != nil && !errors.Is(err, errCrashed) && !strings.Contains(err.Error(), errCrashed.Error()) {
					t.Fatalf("after %q: %v", m.steps, err)
				}
				for _, everything := range []bool{false, true} {
					checkSurvivors(t, m, everything, err == nil, body)
				}
				if err == nil {
					t.Logf("%d steps: %q", budget, m.steps)
					if budget < 7 {
						t.Errorf("only %d steps: the model is not asked", budget)
					}
					return
				}
			}
		})
	}
}

func (m *model) syncFile(path string) error {
	return m.do("sync", path, func() error { return nil }, func() { m.files[path].synced = slices.Clone(m.files[path].content) })
}

func checkSurvivors(t *testing.T, m *model, everything, acknowledged bool, body []byte) {
	t.Helper()
	what := fmt.Sprintf("crash after %q, everything reached the disk: %v", m.steps, everything)
	after := newStore(t, filepath.Join(m.survivors(t, everything), "checkpoints"))
	got, err := after.Read(t.Context(), "job/log/000001")
	switch {
	case errors.Is(err, storage.NotFound):
		if acknowledged {
			t.Errorf("%s: the acknowledged object is lost", what)
		}
	case err != nil:
		t.Fatal(err)
	case !bytes.Equal(got, body):
		t.Errorf("%s: the object is torn: %d of %d bytes", what, len(got), len(body))
	}
	for object, err := range storage.All(t.Context(), after, "") {
		if err != nil || object.Name != "job/log/000001" {
			t.Errorf("%s: a listing shows %q, %v", what, object.Name, err)
		}
	}
	// The next writer goes on, whatever it finds.
	err = after.Create(t.Context(), "job/log/000001", body)
	if err != nil && !errors.Is(err, storage.Exists) {
		t.Errorf("%s: the next writer: %v", what, err)
	}
}

// A folder that somebody else has just made, and not synced yet, becomes durable with the first object in it.
func TestFolderMadeByAnother(t *testing.T) {
	base := t.TempDir()
	m := newModel(base, 1000)
	root := filepath.Join(base, "checkpoints")
	for _, folder := range []string{root, filepath.Join(root, "job"), filepath.Join(root, "job", "log")} {
		if err := m.mkdir(folder); err != nil {
			t.Fatal(err)
		}
	}
	body := []byte("slot")
	if err := open(root, m).Create(t.Context(), "job/log/000001", body); err != nil {
		t.Fatal(err)
	}
	checkSurvivors(t, m, false, true, body)
}

// The loser of a create may act upon what it found, so that must not vanish.
func TestWhatTheLoserFoundIsDurable(t *testing.T) {
	base := t.TempDir()
	m := newModel(base, 1000)
	root := filepath.Join(base, "checkpoints")
	winner := open(root, &noFolderSync{m})
	body := []byte("slot of the winner")
	if err := winner.Create(t.Context(), "job/log/000001", body); err != nil {
		t.Fatal(err)
	}
	if err := open(root, m).Create(t.Context(), "job/log/000001", []byte("other")); !errors.Is(err, storage.Exists) {
		t.Fatal(err)
	}
	checkSurvivors(t, m, false, true, body)
}

// noFolderSync is a writer that was stopped right before it would have synced the folder of its object.
type noFolderSync struct{ *model }

func (n *noFolderSync) syncDir(path string) error {
	if filepath.Base(path) == "log" {
		return nil
	}
	return n.model.syncDir(path)
}

// If the last sync fails nobody knows whether the name will survive.
func TestFailedSyncAfterTheLinkIsAmbiguous(t *testing.T) {
	base := t.TempDir()
	root := filepath.Join(base, "checkpoints")
	s := open(root, &failingSync{model: newModel(base, 1000)})
	err := s.Create(t.Context(), "job/log/000001", []byte("x"))
	if !errors.Is(err, storage.Ambiguous) || !errors.Is(err, errSync) {
		t.Errorf("got %v", err)
	}
}

var errSync = &fs.PathError{Op: "fsync", Path: "log", Err: errors.New("input/output error")}

type failingSync struct{ *model }

func (f *failingSync) syncDir(path string) error {
	if filepath.Base(path) == "log" {
		return errSync
	}
	return f.model.syncDir(path)
}
