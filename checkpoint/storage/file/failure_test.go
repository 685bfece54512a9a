package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/checkpoint/storage/storagetest"
)

// failing is a disk on which one system call fails.
type failing struct {
	system
	call string
	code syscall.Errno
}

func (d *failing) error(call, path string) error {
	if d.call != call {
		return nil
	}
	return &os.PathError{Op: call, Path: path, Err: d.code}
}

func (d *failing) mkdir(path string) error {
	return errors.Join(d.error("mkdir", path), d.system.mkdir(path))
}

func (d *failing) link(from, to string) error {
	if err := d.error("link", to); err != nil {
		return err
	}
	return d.system.link(from, to)
}

func (d *failing) create(path string) (handle, error) {
	if err := d.error("create", path); err != nil {
		return nil, err
	}
	h, err := d.system.create(path)
	return &failingFile{h, d, path}, err
}

type failingFile struct {
	handle
	disk *failing
	path string
}

func (f *failingFile) Write(p []byte) (int, error) {
	if err := f.disk.error("write", f.path); err != nil {
		n, _ := f.handle.Write(p[:len(p)/2])
		return n, err
	}
	return f.handle.Write(p)
}

func (f *failingFile) Sync() error {
	if err := f.disk.error("fsync", f.path); err != nil {
		return err
	}
	return f.handle.Sync()
}

func TestFailuresSayWhatToDo(t *testing.T) {
	for _, test := range []struct {
		call   string
		code   syscall.Errno
		kind   storage.Kind
		advice string
	}{
		{"write", syscall.ENOSPC, storage.Transient, "free space"},
		{"write", syscall.EDQUOT, storage.Transient, "free space"},
		{"fsync", syscall.ENOSPC, storage.Transient, "free space"},
		{"fsync", syscall.EIO, storage.Transient, ""},
		{"mkdir", syscall.EACCES, storage.Refused, "must be allowed to write"},
		{"create", syscall.EROFS, storage.Refused, "read-only"},
		{"create", syscall.EMFILE, storage.Transient, "ulimit"},
		{"create", syscall.ENOTDIR, storage.Refused, "use another one"},
		{"link", syscall.EPERM, storage.Refused, "hard links"},
		{"link", syscall.ENOENT, storage.Transient, "vanished"},
	} {
		t.Run(fmt.Sprint(test.call, " ", test.code), func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "checkpoints")
			s := open(root, &failing{call: test.call, code: test.code})
			err := s.Create(t.Context(), "job/log/1", []byte("0123456789"))
			if storage.KindOf(err) != test.kind || !strings.Contains(err.Error(), test.advice) {
				t.Errorf("%v", err)
			}
			if test.code != syscall.ENOENT && !errors.Is(err, test.code) {
				t.Errorf("the cause is lost: %v", err)
			}
			filepath.WalkDir(root, func(path string, entry os.DirEntry, _ error) error {
				if entry != nil && !entry.IsDir() {
					t.Errorf("left over: %s", path)
				}
				return nil
			})
			if err := newStore(t, root).Create(t.Context(), "job/log/1", []byte("next")); err != nil {
				t.Errorf("the next one: %v", err)
			}
		})
	}
}

func TestFolderThatIsAFile(t *testing.T) {
	root := filepath.Join(t.TempDir(), "checkpoints")
	if err := os.WriteFile(root, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := newStore(t, root)
	if err := s.Create(t.Context(), "a", nil); storage.KindOf(err) != storage.Refused {
		t.Error(err)
	}
	if _, err := s.Read(t.Context(), "a"); storage.KindOf(err) != storage.Refused {
		t.Error(err)
	}
	if _, err := Open("relative"); err == nil || !strings.Contains(err.Error(), "absolute") {
		t.Error(err)
	}
}

// Over NFS the answer to a link may get lost; its repetition then finds the name taken.
func TestLinkWhoseAnswerWasLost(t *testing.T) {
	s := open(filepath.Join(t.TempDir(), "checkpoints"), lostLink{})
	if err := s.Create(t.Context(), "log/1", []byte("mine")); err != nil {
		t.Error(err)
	}
	if err := s.Create(t.Context(), "log/1", []byte("other")); storage.KindOf(err) != storage.Exists {
		t.Error(err)
	}
}

type lostLink struct{ system }

func (d lostLink) link(from, to string) error {
	d.system.link(from, to)
	return &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.EEXIST}
}

// One deletes the last object of a folder, and the folder with it, while another makes objects in it.
func TestFolderThatComesAndGoes(t *testing.T) {
	root := filepath.Join(t.TempDir(), "checkpoints")
	maker, remover := newStore(t, root), newStore(t, root)
	var done sync.WaitGroup
	made := make(chan string, 1)
	done.Go(func() {
		defer close(made)
		for i := range 60 {
			name := fmt.Sprintf("job/chk/%d", i)
			if err := maker.Create(t.Context(), name, []byte("x")); err != nil {
				t.Error(err)
				return
			}
			made <- name
		}
	})
	for name := range made {
		if err := remover.Delete(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
	done.Wait()
	if _, err := os.Stat(filepath.Join(root, "job")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty folder is left: %v", err)
	}
	if _, err := os.Stat(root); err != nil {
		t.Errorf("the store's own folder must stay: %v", err)
	}
}

func TestDeadlineEndsACopy(t *testing.T) {
	root := filepath.Join(t.TempDir(), "checkpoints")
	s := newStore(t, root)
	ctx, cancel := context.WithCancel(t.Context())
	source := storage.Section(endless{cancel}, 1<<40)
	_, err := s.Put(ctx, "a", source)
	if storage.KindOf(err) != storage.Transient || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if count, err := s.Collect(t.Context(), "", time.Now().Add(time.Hour)); count != 0 || err != nil {
		t.Errorf("%d leftovers, %v", count, err)
	}
}

// endless is a source that is far too big, during whose reading the context ends.
type endless struct{ cancel func() }

func (e endless) ReadAt(p []byte, offset int64) (int, error) {
	if offset > 3*copyBuffer {
		e.cancel()
	}
	return len(p), nil
}

func BenchmarkPut32MiB(b *testing.B) {
	s := open(b.TempDir(), system{})
	const size = 32 << 20
	body := storagetest.Pattern(1, size)
	b.SetBytes(size)
	for i := range b.N {
		if _, err := s.Put(b.Context(), fmt.Sprintf("shared/%d", i%8), storage.Bytes(body)); err != nil {
			b.Fatal(err)
		}
	}
}
