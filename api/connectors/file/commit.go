package file

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/failpoint"
)

// pending is a part that waits to be published under its name: what a committable of a file sink says.
type pending struct {
	// folder is an absolute path, name that of the published part in it.
	folder, name string
	length       int64
}

// pendingVersion stands first in an encoded pending.
const pendingVersion = 1

// encode writes the version, the length of the file and that of the path of the folder as unsigned varints, that path, and the name.
func (p pending) encode() []byte {
	to := make([]byte, 0, 1+2*binary.MaxVarintLen64+len(p.folder)+len(p.name))
	to = binary.AppendUvarint(append(to, pendingVersion), uint64(p.length))
	to = binary.AppendUvarint(to, uint64(len(p.folder)))
	return append(append(to, p.folder...), p.name...)
}

// decodePending reads what encode wrote and nothing else.
func decodePending(state []byte) (pending, error) {
	p, ok := parsePending(state)
	if !ok || !p.valid() || !bytes.Equal(p.encode(), state) {
		return pending{}, fmt.Errorf("%q is not a part that waits to be published: it was damaged or written by something else", state)
	}
	return p, nil
}

func parsePending(state []byte) (p pending, ok bool) {
	if len(state) == 0 || state[0] != pendingVersion {
		return p, false
	}
	length, width := binary.Uvarint(state[1:])
	if width <= 0 {
		return p, false
	}
	rest := state[1+width:]
	folder, width := binary.Uvarint(rest)
	if width <= 0 || folder > uint64(len(rest)-width) {
		return p, false
	}
	rest = rest[width:]
	return pending{folder: string(rest[:folder]), name: string(rest[folder:]), length: int64(length)}, true
}

func (p pending) valid() bool {
	part, ok := parsePart(p.name)
	return ok && part.published && part.uid != "" && p.length > 0 && filepath.IsAbs(p.folder) && !bytes.ContainsRune([]byte(p.folder), 0)
}

func (p pending) hidden() string { return filepath.Join(p.folder, hiddenRolled(p.name)) }
func (p pending) final() string  { return filepath.Join(p.folder, p.name) }

// committer publishes parts.
type committer struct{ mayVanish bool }

// Commit renames what waits. A rename either has happened or has not, so that whoever comes later sees which.
func (c committer) Commit(ctx context.Context, requests []*connector.CommitRequest) error {
	renamed := map[string]bool{}
	for _, r := range requests {
		p, err := decodePending(r.State)
		if err != nil {
			return err
		}
		done, err := c.publish(p, r.Restored())
		if err == nil {
			err = failpoint.Reach(failpoint.Committing)
		}
		if err != nil {
			return err
		}
		if !done {
			r.AlreadyCommitted()
		}
		// Also of what was renamed before: nobody may have lived to make that durable.
		renamed[p.folder] = true
	}
	for folder := range renamed {
		if err := syncFolder(folder); err != nil && !c.vanished(err) {
			return err
		}
	}
	return nil
}

// vanished says that a folder is gone, and may be.
func (c committer) vanished(err error) bool { return c.mayVanish && errors.Is(err, fs.ErrNotExist) }

func (c committer) Close() error { return nil }

// publish renames a part and reports whether there was need to.
func (c committer) publish(p pending, restored bool) (done bool, err error) {
	waiting, err := stat(p.hidden())
	if err != nil {
		return false, err
	}
	published, err := stat(p.final())
	if err != nil {
		return false, err
	}
	switch {
	case waiting == nil && published != nil:
		return false, nil
	case waiting == nil && restored && c.mayVanish:
		return false, nil
	case waiting == nil:
		return false, p.lost(restored)
	case published != nil:
		return false, &Error{
			Path: p.final(), Doing: "cannot publish the result", Cause: fs.ErrExist,
			Advice: "the job never writes a name twice, so something else made that file, or a copy of the folder was put back: remove the one that does not belong there",
		}
	case waiting.Size() != p.length:
		return false, &Error{
			Path: p.hidden(), Doing: "cannot publish it", Cause: fmt.Errorf("it has %d bytes and had %d when it was written", waiting.Size(), p.length),
			Advice: "the file system has lost or changed it; restore the job from an earlier snapshot, after removing what was published since",
		}
	}
	return true, rename(p.hidden(), p.final())
}

func (p pending) lost(restored bool) *Error {
	e := &Error{
		Path: p.hidden(), Doing: "cannot publish it", Cause: fs.ErrNotExist,
		Advice: "something has removed it: give each job a folder of its own, and leave hidden files alone",
	}
	if restored {
		e.Advice = "nor is it there under its name (" + p.name + "): if other programs take published files away, say so with PartsMayVanish; otherwise its records are lost, and the job has to go on from an earlier snapshot"
	}
	return e
}

// stat returns nil for a file that is not there.
func stat(path string) (fs.FileInfo, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, failure(path, "cannot look at it", err)
	}
	return info, nil
}
