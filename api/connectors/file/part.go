package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
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
//	new --write--> in progress --persist--> durable --publish--> published
//	                    \---------------abandon------> removed
//
// A sealed one, to which nothing is written any more, may be made durable by another goroutine.
type part struct {
	// hidden is its path until it is published, final the one from then on.
	hidden, final string
	create        func(path string) (partFile, error)
	written       int64

	mu   sync.Mutex
	file partFile // nil unless in progress
	// failed is why it cannot be made durable: what the disk has refused once it may claim to have afterwards.
	failed  error
	durable bool
}

func (p *part) write(content []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		file, err := p.create(p.hidden)
		if err != nil {
			return failure(p.hidden, "cannot create it", err)
		}
		p.file = file
	}
	n, err := p.file.Write(content)
	if err != nil {
		return failure(p.hidden, fmt.Sprintf("cannot write %d bytes after the first %d", len(content), p.written), err)
	}
	p.written += int64(n)
	return nil
}

// persist makes the part durable under its hidden name. Any goroutine may call it, once nothing more is written.
func (p *part) persist(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed != nil || p.durable {
		return p.failed
	}
	if p.failed = p.sync(); p.failed == nil {
		p.failed = syncFolder(filepath.Dir(p.hidden))
	}
	p.durable = p.failed == nil
	return p.failed
}

func (p *part) isDurable() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.durable
}

// sync makes the content durable and closes the file.
func (p *part) sync() error {
	if p.file == nil {
		return failure(p.hidden, "cannot make it durable", fs.ErrClosed)
	}
	if err := p.file.Sync(); err != nil {
		return failure(p.hidden, fmt.Sprintf("cannot make its %d bytes durable", p.written), err)
	}
	err := p.file.Close()
	p.file = nil
	if err != nil {
		return failure(p.hidden, fmt.Sprintf("cannot close it after %d bytes", p.written), err)
	}
	return nil
}

// publish makes the part durable and gives it its name.
func (p *part) publish() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.sync(); err != nil {
		return err
	}
	if _, err := os.Lstat(p.final); err == nil {
		os.Remove(p.hidden)
		return &Error{
			Path: p.final, Doing: "cannot publish the result", Cause: fs.ErrExist,
			Advice: "another job has written to the folder meanwhile; give each job a folder of its own",
		}
	}
	if err := rename(p.hidden, p.final); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(p.final))
}

// close closes the file of a part that others know, which stays as it is.
func (p *part) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		return nil
	}
	err := p.file.Close()
	p.file = nil
	return err
}

// abandon removes a part that nobody knows.
func (p *part) abandon() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == nil {
		if p.durable { // early, see writer.seal
			return os.Remove(p.hidden)
		}
		return nil
	}
	err := errors.Join(p.file.Close(), os.Remove(p.hidden))
	p.file = nil
	return err
}

func rename(hidden, final string) error {
	err := os.Rename(hidden, final)
	if err == nil {
		return nil
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		err = link.Err
	}
	return failure(final, "cannot publish the result", err)
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
