package file

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"github.com/weir-stream/weir/checkpoint/storage"
)

// fail wraps an error of the file system as the contract wants it.
func (s *Store) fail(op, name string, err error) error {
	var known *storage.Error
	if errors.As(err, &known) {
		return err
	}
	kind, advice := classify(err)
	return &storage.Error{Kind: kind, Op: op, Store: s.String(), Object: name, Err: err, Advice: advice}
}

func classify(err error) (storage.Kind, string) {
	is := func(codes ...error) bool {
		for _, code := range codes {
			if errors.Is(err, code) {
				return true
			}
		}
		return false
	}
	switch {
	case is(fs.ErrNotExist):
		return storage.NotFound, ""
	case is(syscall.ENOSPC, syscall.EDQUOT):
		return storage.Transient, "the disk or the quota is full: free space, or retain fewer checkpoints (execution.checkpointing.num-retained)"
	case is(syscall.EROFS):
		return storage.Refused, "the file system is mounted read-only"
	case is(syscall.EXDEV):
		return storage.Refused, "the two are on different file systems"
	case is(fs.ErrPermission):
		return storage.Refused, "the user that runs the process must be allowed to write here"
	case is(syscall.ENOTDIR, syscall.EISDIR, syscall.ELOOP, syscall.ENAMETOOLONG, syscall.EINVAL, syscall.ENOTSUP, syscall.EMLINK):
		return storage.Refused, "the path cannot be a folder of checkpoints: use another one"
	case is(syscall.EMFILE, syscall.ENFILE):
		return storage.Transient, "too many open files: raise the limit (ulimit -n)"
	case is(context.Canceled, context.DeadlineExceeded):
		return storage.Transient, ""
	}
	return storage.Transient, ""
}
