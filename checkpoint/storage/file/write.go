package file

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/ident"
)

// copyBuffer is how many bytes are copied between two looks at the context.
const copyBuffer = 1 << 20

// temporaryMark begins the names of files that are being written.
const temporaryMark = ".writing-"

// Create makes the object; see [storage.Store].
func (s *Store) Create(ctx context.Context, name string, body []byte) error {
	if err := s.check(ctx, "create", name); err != nil {
		return err
	}
	if err := storage.CheckBody(s.String(), name, body); err != nil {
		return err
	}
	_, err := s.publish(ctx, "create", name, func(w io.Writer) (storage.Checksum, error) {
		return 0, copyAll(ctx, w, bytes.NewReader(body))
	}, s.linkFirst)
	return err
}

// Put makes the object; see [storage.Store].
func (s *Store) Put(ctx context.Context, name string, source storage.Source) (storage.Checksum, error) {
	if err := s.check(ctx, "put", name); err != nil {
		return 0, err
	}
	content, err := source.Open()
	if err != nil {
		return 0, &storage.Error{Kind: storage.Refused, Op: "put", Store: s.String(), Object: name, Err: err}
	}
	defer content.Close()
	return s.publish(ctx, "put", name, func(w io.Writer) (storage.Checksum, error) {
		read := storage.NewSummer(content.Section(0, content.Size()))
		if err := copyAll(ctx, w, read); err != nil {
			return 0, err
		}
		if err := content.Agree(read.Count(), read.Sum()); err != nil {
			return 0, &storage.Error{Kind: storage.Damaged, Op: "put", Store: s.String(), Object: name, Err: err}
		}
		return read.Sum(), nil
	}, s.rename)
}

// publish writes a temporary file, makes it durable and lets give have it the object's name.
func (s *Store) publish(ctx context.Context, op, name string, write func(io.Writer) (storage.Checksum, error),
	give func(op, temporary, name string) error,
) (storage.Checksum, error) {
	temporary, out, err := s.newTemporary(name)
	if err != nil {
		return 0, s.fail(op, name, lost(err))
	}
	sum, err := write(out)
	if err == nil {
		err = out.Sync()
	}
	if closed := out.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = storage.Ended(ctx, op, s.String(), name)
	}
	if err != nil {
		s.disk.remove(temporary)
		return 0, s.fail(op, name, err)
	}
	return sum, give(op, temporary, name)
}

// lost turns "no such file" of a write, where it does not mean that an object is missing, into an error that may pass.
func lost(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("a folder or a temporary file vanished: " + err.Error())
	}
	return err
}

// linkFirst gives the file the name unless it is taken.
func (s *Store) linkFirst(op, temporary, name string) error {
	path := s.path(name)
	err := s.disk.link(temporary, path)
	if err != nil && links(temporary) > 1 {
		// Over NFS an answer may get lost, and the repeated request finds the name taken by ourselves.
		err = nil
	}
	s.disk.remove(temporary)
	synced := s.disk.syncDir(filepath.Dir(path))
	switch {
	case err == nil && synced == nil:
		return nil
	case err == nil:
		return &storage.Error{Kind: storage.Ambiguous, Op: op, Store: s.String(), Object: name, Err: synced}
	case errors.Is(err, fs.ErrExist) && synced != nil:
		// The loser must not act upon what a crash could still undo.
		return s.fail(op, name, lost(synced))
	case errors.Is(err, fs.ErrExist):
		return &storage.Error{Kind: storage.Exists, Op: op, Store: s.String(), Object: name}
	case errors.Is(err, fs.ErrPermission):
		return &storage.Error{
			Kind: storage.Refused, Op: op, Store: s.String(), Object: name, Err: err,
			Advice: "the folder must be writable and its file system must have hard links",
		}
	}
	return s.fail(op, name, lost(err))
}

// rename gives the file the name, whoever had it.
func (s *Store) rename(op, temporary, name string) error {
	path := s.path(name)
	if err := s.disk.rename(temporary, path); err != nil {
		s.disk.remove(temporary)
		return s.fail(op, name, lost(err))
	}
	if err := s.disk.syncDir(filepath.Dir(path)); err != nil {
		return s.fail(op, name, lost(err))
	}
	return nil
}

// newTemporary makes an empty file for writing in the folder of the object, and the folder.
func (s *Store) newTemporary(name string) (path string, out handle, err error) {
	folder := filepath.Dir(s.path(name))
	// Whoever deletes the last object of a folder removes the folder, maybe just now.
	for range 5 {
		if err = s.makeFolder(folder); err != nil {
			return "", nil, err
		}
		path = filepath.Join(folder, temporaryMark+ident.NewID().String())
		if out, err = s.disk.create(path); !errors.Is(err, fs.ErrNotExist) {
			return path, out, err
		}
		s.forget(folder)
	}
	return "", nil, err
}

// makeFolder makes the folder and all above it, durably. A folder that another process has just made may not be durable yet, so the
// first use of each syncs the one above it.
func (s *Store) makeFolder(path string) error {
	above := filepath.Dir(path)
	s.mu.Lock()
	known := s.durable[path]
	s.mu.Unlock()
	if known || path == above {
		return nil
	}
	err := s.disk.mkdir(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := s.makeFolder(above); err != nil {
			return err
		}
		err = s.disk.mkdir(path)
	}
	existed := errors.Is(err, fs.ErrExist)
	switch {
	case err != nil && !existed:
		return err
	case existed && !s.inside(path):
		return nil // above the store's own folder, and there before
	case existed:
		if err := s.makeFolder(above); err != nil {
			return err
		}
	}
	err = s.disk.syncDir(above)
	if existed && !s.inside(above) && errors.Is(err, fs.ErrPermission) {
		err = nil // an operator made the store's folder for us in one that we may not read
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.durable[path] = true
	return nil
}

// inside reports whether the path is the store's folder or below it.
func (s *Store) inside(path string) bool {
	return path == s.root || strings.HasPrefix(path, strings.TrimSuffix(s.root, "/")+"/")
}

// forget makes the next write look after a folder and those above it again.
func (s *Store) forget(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.inside(path) && s.durable[path] {
		delete(s.durable, path)
		path = filepath.Dir(path)
	}
}

// copyAll copies in pieces between which it looks at the context.
func copyAll(ctx context.Context, w io.Writer, r io.Reader) error {
	buffer := make([]byte, copyBuffer)
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		n, err := r.Read(buffer)
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
