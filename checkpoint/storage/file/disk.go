package file

import (
	"io"
	"os"
	"syscall"
)

// disk is what a store changes files with: one method, one system call. A test puts a model between that knows what a crash would leave.
type disk interface {
	mkdir(path string) error
	// create makes a new file for writing.
	create(path string) (handle, error)
	link(from, to string) error
	rename(from, to string) error
	remove(path string) error
	// syncDir makes the entries of a folder durable.
	syncDir(path string) error
	// syncFile makes a file durable that others have written.
	syncFile(path string) error
}

// handle is a file that is being written.
type handle interface {
	io.WriteCloser
	Sync() error
}

// system is the disk of this machine.
type system struct{}

func (system) mkdir(path string) error            { return os.Mkdir(path, 0o777) }
func (system) link(from, to string) error         { return os.Link(from, to) }
func (system) rename(from, to string) error       { return os.Rename(from, to) }
func (system) syncDir(path string) error          { return syncPath(path) }
func (system) syncFile(path string) error         { return syncPath(path) }
func (system) create(path string) (handle, error) { return newFile(path) }

// remove does not try rmdir on files and unlink on folders, as os.Remove does: a folder is only ever removed by removeEmpty.
func (system) remove(path string) error {
	if err := syscall.Unlink(path); err != nil {
		return &os.PathError{Op: "unlink", Path: path, Err: err}
	}
	return nil
}

func newFile(path string) (handle, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// links is the number of names that a file has.
func links(path string) uint64 {
	info, err := os.Lstat(path)
	if err != nil {
		return 0
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Nlink)
	}
	return 0
}
