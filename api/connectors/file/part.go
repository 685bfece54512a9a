package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// partFile is what a part is written to; tests have others than *os.File.
type partFile interface {
	io.WriteCloser
	Sync() error
}

func createFile(path string) (partFile, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

// part is one file of a subtask:
//
//	none --write--> in progress --publish--> published
//	                     \------abandon----> none
type part struct {
	folder           string
	subtask, attempt int
	create           func(path string) (partFile, error)

	file    partFile // nil unless in progress
	written int64
}

func (p *part) finalPath() string { return filepath.Join(p.folder, partName(p.subtask)) }

// path is the hidden name while the part is in progress. It has the attempt in it, so that a late subtask of an earlier one
// does not publish what a later one is writing.
func (p *part) path() string {
	return filepath.Join(p.folder, fmt.Sprintf(".%s.inprogress.%d", partName(p.subtask), p.attempt))
}

func (p *part) write(content []byte) error {
	if p.file == nil {
		file, err := p.create(p.path())
		if err != nil {
			return failure(p.path(), "cannot create it", err)
		}
		p.file = file
	}
	n, err := p.file.Write(content)
	if err != nil {
		return failure(p.path(), fmt.Sprintf("cannot write %d bytes after the first %d", len(content), p.written), err)
	}
	p.written += int64(n)
	return nil
}

// publish makes the part durable and gives it its name.
func (p *part) publish() error {
	if p.file == nil {
		return nil
	}
	if err := p.file.Sync(); err != nil {
		return failure(p.path(), fmt.Sprintf("cannot make its %d bytes durable", p.written), err)
	}
	err := p.file.Close()
	p.file = nil
	if err != nil {
		return failure(p.path(), fmt.Sprintf("cannot close it after %d bytes", p.written), err)
	}
	if _, err := os.Lstat(p.finalPath()); err == nil {
		os.Remove(p.path())
		return &Error{
			Path: p.finalPath(), Doing: "cannot publish the result", Cause: fs.ErrExist,
			Advice: "another job has written to the folder meanwhile; give each job a folder of its own",
		}
	}
	if err := os.Rename(p.path(), p.finalPath()); err != nil {
		var link *os.LinkError
		if errors.As(err, &link) {
			err = link.Err
		}
		return failure(p.finalPath(), "cannot publish the result", err)
	}
	return syncFolder(p.folder)
}

// abandon removes a part that was not published.
func (p *part) abandon() error {
	if p.file == nil {
		return nil
	}
	err := errors.Join(p.file.Close(), os.Remove(p.path()))
	p.file = nil
	return err
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return failure(path, "cannot open the folder", err)
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil {
		return failure(path, "cannot make the names in the folder durable", err)
	}
	return nil
}
