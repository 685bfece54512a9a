package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"
)

// All returns the objects whose names begin with prefix, in order, page by page. It ends after the first error.
func All(ctx context.Context, store Store, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		after := ""
		for {
			page, err := store.List(ctx, prefix, after)
			if err != nil {
				yield(Object{}, err)
				return
			}
			for _, object := range page.Objects {
				if !yield(object, nil) {
					return
				}
			}
			if !page.More || len(page.Objects) == 0 {
				return
			}
			after = page.Objects[len(page.Objects)-1].Name
		}
	}
}

// Probe finds out whether the store keeps its promise that one writer wins, which some services of S3's kind silently do not: it creates
// an object twice, under a name that must be new, and deletes it. It also shows whether credentials and permissions suffice.
func Probe(ctx context.Context, store Store, name string) error {
	if err := store.Create(ctx, name, []byte("first")); err != nil {
		return err
	}
	err := store.Create(ctx, name, []byte("second"))
	body, readErr := store.Read(ctx, name)
	deleteErr := store.Delete(ctx, name)
	switch {
	case err == nil || readErr == nil && string(body) != "first":
		return &Error{
			Kind: Refused, Op: "create", Store: store.String(), Object: name,
			Err:    errors.New("the store overwrote an object that must be created only if it is absent"),
			Advice: "checkpoints need conditional writes (If-None-Match): update the service or use another one",
		}
	case !errors.Is(err, Exists):
		return err
	}
	return errors.Join(readErr, deleteErr)
}

// Linker is a [Store] in files, where an immutable file can get another name instead of a copy. The file is then one and the
// same and must not be changed by anybody any more. Both methods fail with [Refused] where the two are on different file systems.
type Linker interface {
	Store
	// LinkIn makes the file the object of that name, durably. An object that is there already makes it fail with [Exists].
	LinkIn(ctx context.Context, path, name string) error
	// LinkOut gives the object a path outside of the store, which must be free.
	LinkOut(ctx context.Context, name, path string) error
}

// Collector is a [Store] in which writers that have crashed leave pieces of objects that no listing shows.
type Collector interface {
	Store
	// Collect removes such pieces of objects whose names begin with prefix, if nobody has written to them since a time, and returns how many
	// there were. A writer that is only slow and loses its pieces fails; nothing else can happen to it.
	Collect(ctx context.Context, prefix string, before time.Time) (count int, err error)
}

// PutFile stores an immutable local file: by a link where the store can, else by copying. The checksum is what the writer of the
// file knows; it is verified where the bytes are copied. It can be repeated.
func PutFile(ctx context.Context, store Store, path, name string, checksum Checksum) error {
	if linker, ok := store.(Linker); ok {
		err := linker.LinkIn(ctx, path, name)
		if !errors.Is(err, Refused) && !errors.Is(err, Exists) {
			return err
		}
	}
	_, err := store.Put(ctx, name, File(path).Summed(checksum))
	return err
}

// Download copies an object of the given size and checksum into a new local file. What does not have them fails with [Damaged], and
// no file is left. The file is not synced: it is a copy.
func Download(ctx context.Context, store Store, name, path string, size int64, checksum Checksum) (err error) {
	object, err := store.Open(ctx, name)
	if err != nil {
		return err
	}
	defer object.Close()
	if object.Size() != size {
		return damaged(store, name, fmt.Errorf("%d bytes instead of %d", object.Size(), size))
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("download %s of %s: %w", name, store, err)
	}
	defer func() {
		err = errors.Join(err, file.Close())
		if err != nil {
			os.Remove(path)
		}
	}()
	stream := object.Stream(0, size)
	defer stream.Close()
	sum := NewSummer(stream)
	if _, err := io.CopyBuffer(struct{ io.Writer }{file}, sum, make([]byte, min(size+1, 256<<10))); err != nil {
		return err
	}
	if sum.Sum() != checksum {
		return damaged(store, name, fmt.Errorf("the checksum is %s instead of %s", sum.Sum(), checksum))
	}
	return nil
}

func damaged(store Store, name string, err error) error {
	return &Error{Kind: Damaged, Op: "read", Store: store.String(), Object: name, Err: err}
}

// Summer computes the checksum of what is read through it.
type Summer struct {
	r   io.Reader
	sum Checksum
	n   int64
}

// NewSummer returns a Summer that reads from r.
func NewSummer(r io.Reader) *Summer { return &Summer{r: r} }

// Read reads from the underlying reader.
func (s *Summer) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.sum = s.sum.Update(p[:n])
	s.n += int64(n)
	return n, err
}

// Sum is the checksum of what was read so far.
func (s *Summer) Sum() Checksum { return s.sum }

// Count is the number of bytes that were read so far.
func (s *Summer) Count() int64 { return s.n }
