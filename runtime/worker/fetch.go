package worker

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/ident"
)

const (
	// fetchesAtOnce is how many files a subtask brings here at once: one connection to a service of S3's kind carries less than a network does.
	fetchesAtOnce = 6
	// fetchTries is how often a file is tried to be read while its storage fails in a way that may pass, after which the attempt fails and the
	// restart strategy has it. The pauses between are 100 ms, 400 ms and 1.6 s.
	fetchTries      = 4
	firstFetchPause = 100 * time.Millisecond
)

// again calls do until it has succeeded, fails for good, or was called often enough.
func (r *restores) again(ctx context.Context, do func() error) error {
	pause := firstFetchPause
	for try := 1; ; try++ {
		err := do()
		if err == nil || try == fetchTries || ctx.Err() != nil || !storage.MayPass(err) {
			return err
		}
		r.log.Warn("the storage of a checkpoint fails; it is tried again", "failed", try, "pause", pause, "cause", err)
		if r.sleep(ctx, pause) != nil {
			return err
		}
		pause *= 4
	}
}

// fetched is a file, or the part of one, that was brought here: in a file or in memory.
type fetched struct {
	path    string
	content []byte
}

// fetches are the files that a subtask needs. They are collected first, then brought here several at once.
type fetches struct {
	*restoring
	metadata *snapshot.Metadata
	// wanted are tables, which may become files, or whatever is read into memory.
	wanted []*snapshot.FileRef
	tables map[*snapshot.FileRef]bool
	got    map[*snapshot.FileRef]*fetched
}

func (r *restoring) newFetches(m *snapshot.Metadata) *fetches {
	return &fetches{restoring: r, metadata: m, tables: map[*snapshot.FileRef]bool{}, got: map[*snapshot.FileRef]*fetched{}}
}

// add wants what a reference names, unless it is inline.
func (f *fetches) add(ref *snapshot.FileRef, table bool) {
	if ref.GetName() == "" || f.got[ref] != nil {
		return
	}
	f.wanted = append(f.wanted, ref)
	f.tables[ref], f.got[ref] = table, &fetched{}
}

// addAll wants all that a subtask is restored from which has this share of an operator's state.
func (f *fetches) addAll(op *snapshot.OperatorState, share snapshot.Share) {
	for _, keyed := range share.Keyed {
		for _, t := range keyed.Tables {
			f.add(t.File, true)
		}
	}
	for _, s := range op.Subtasks {
		for _, l := range s.Lists {
			f.add(l.Elements, false)
		}
	}
}

// run brings everything here. The error is that of the file that has failed first; others are given up then.
func (f *fetches) run(ctx context.Context) error {
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	var next atomic.Int64
	work := func() {
		for ctx.Err() == nil {
			i := int(next.Add(1)) - 1
			if i >= len(f.wanted) {
				return
			}
			if err := f.fetch(ctx, f.wanted[i]); err != nil {
				giveUp(err)
			}
		}
	}
	var others sync.WaitGroup
	if !f.oneByOne {
		for range min(fetchesAtOnce, len(f.wanted)) - 1 {
			others.Add(1)
			go func() {
				defer others.Done()
				work()
			}()
		}
	}
	work()
	others.Wait()
	return context.Cause(ctx)
}

// fetch brings one file here.
func (f *fetches) fetch(ctx context.Context, ref *snapshot.FileRef) error {
	to := f.got[ref]
	return f.again(ctx, func() (err error) {
		if f.tables[ref] && f.folder != nil {
			to.path, err = f.download(ctx, ref)
		} else {
			to.content, err = f.restoring.bytes(ctx, f.metadata, ref)
		}
		return err
	})
}

// read is a snapshot.Read of what was brought here.
func (f *fetches) read(ref *snapshot.FileRef) ([]byte, error) {
	if ref.GetName() == "" {
		return ref.GetInline(), nil
	}
	return f.got[ref].content, nil
}

// download gives a table a path on this machine: a further name where the store is in files here, else a copy.
func (f *fetches) download(ctx context.Context, ref *snapshot.FileRef) (path string, err error) {
	store, err := f.storeOf(f.metadata, ref)
	if err != nil {
		return "", err
	}
	folder, err := f.folder()
	if err != nil {
		return "", err
	}
	path = filepath.Join(folder, ident.NewID().String())
	if linked, err := link(ctx, store, ref, path); linked || err != nil {
		return path, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	err = errors.Join(ref.CopyTo(ctx, store, file), file.Close())
	if err != nil {
		return "", errors.Join(err, os.Remove(path))
	}
	return path, nil
}

// link reports whether the file of a reference has got a further name. Its contents are checked all the same.
func link(ctx context.Context, store storage.Store, f *snapshot.FileRef, path string) (linked bool, err error) {
	linker, local := store.(storage.Linker)
	if !local {
		return false, nil
	}
	object, err := store.Stat(ctx, f.Name)
	if err != nil || uint64(object.Size) != f.Length || f.Offset != 0 {
		return false, err
	}
	if err := linker.LinkOut(ctx, f.Name, path); errors.Is(err, storage.Refused) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	return true, f.Check(ctx, store)
}

// bytes reads a file, or the part of one, that is small.
func (r *restoring) bytes(ctx context.Context, m *snapshot.Metadata, f *snapshot.FileRef) ([]byte, error) {
	if f.GetName() == "" {
		return f.GetInline(), nil
	}
	store, err := r.storeOf(m, f)
	if err != nil {
		return nil, err
	}
	var data bytes.Buffer
	err = f.CopyTo(ctx, store, &data)
	return data.Bytes(), err
}
