// Package storagetest is the suite that every store passes: what checkpoints rely upon, one promise a test.
package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage"
)

// Options says how much of the suite's work a store gets.
type Options struct {
	// Another returns a second access to the same objects, as another process has; nil if there is none.
	Another func(t *testing.T, first storage.Store) storage.Store
	// Big is the size of the big object, 0 for 3 MiB.
	Big int64
	// Pages is how many objects the test of pages makes more than a page has; 0 leaves it out.
	Pages int
}

// Run runs the suite. open returns a store that is empty.
func Run(t *testing.T, open func(t *testing.T) storage.Store, o Options) {
	if o.Another == nil {
		o.Another = func(_ *testing.T, first storage.Store) storage.Store { return first }
	}
	if o.Big == 0 {
		o.Big = 3<<20 + 17
	}
	with := func(name string, test func(*suite)) {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			store := open(t)
			test(&suite{T: t, ctx: ctx, store: store, another: o.Another(t, store), options: o})
		})
	}
	with("create once", createOnce)
	with("concurrent creates have one winner", concurrentCreates)
	with("a log of several writers has no gaps and no doubles", contendedLog)
	with("put replaces", putReplaces)
	with("put of a file", putFile)
	with("put refuses other bytes than promised", putAgrees)
	with("big object", bigObject)
	with("ranges", ranges)
	with("empty object", emptyObject)
	with("stat", stat)
	with("listing in order", listing)
	with("pages", pages)
	with("delete", deletes)
	with("missing objects", missing)
	with("names", names)
	with("download", download)
	with("ended context", endedContext)
	with("probe", probe)
}

type suite struct {
	*testing.T
	ctx            context.Context
	store, another storage.Store
	options        Options
}

func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// want checks the kind of an error and that it names the store and the object.
func (s *suite) want(err error, kind storage.Kind, object string) {
	s.Helper()
	if !errors.Is(err, kind) || storage.KindOf(err) != kind {
		s.Fatalf("got %v, want the kind %q", err, kind)
	}
	if text := err.Error(); !strings.Contains(text, s.store.String()) || !strings.Contains(text, object) {
		s.Errorf("%q does not name %s and %s", text, s.store, object)
	}
}

func (s *suite) content(store storage.Store, name string) string {
	s.Helper()
	body, err := store.Read(s.ctx, name)
	s.must(err)
	return string(body)
}

func createOnce(s *suite) {
	body := []byte("claim of leader 1")
	s.must(s.store.Create(s.ctx, "job/log/000001", body))
	copy(body, "XXXXX") // the body is not kept
	s.want(s.another.Create(s.ctx, "job/log/000001", []byte("claim of leader 2")), storage.Exists, "job/log/000001")
	s.want(s.store.Create(s.ctx, "job/log/000001", []byte("claim of leader 3")), storage.Exists, "job/log/000001")
	if got := s.content(s.another, "job/log/000001"); got != "claim of leader 1" {
		s.Errorf("the object holds %q", got)
	}
	s.must(s.another.Create(s.ctx, "job/log/000002", []byte("next")))
}

func concurrentCreates(s *suite) {
	const writers, rounds = 8, 5
	for round := range rounds {
		name := fmt.Sprintf("log/%06d", round)
		bodies := make([]string, writers)
		results := make([]error, writers)
		var start, done sync.WaitGroup
		start.Add(1)
		for i := range writers {
			bodies[i] = strings.Repeat(fmt.Sprintf("writer %d ", i), 100+i)
			store := s.store
			if i%2 == 1 {
				store = s.another
			}
			done.Go(func() {
				start.Wait()
				results[i] = store.Create(s.ctx, name, []byte(bodies[i]))
			})
		}
		start.Done()
		done.Wait()
		winners := 0
		for i, err := range results {
			if err == nil {
				winners++
				if got := s.content(s.another, name); got != bodies[i] {
					s.Errorf("writer %d won, but %s holds %.20q", i, name, got)
				}
			} else {
				s.want(err, storage.Exists, name)
			}
		}
		if winners != 1 {
			s.Fatalf("%d winners", winners)
		}
	}
}

// contendedLog has writers append to a log as leaders do: each tries the slot after the last one that it knows.
func contendedLog(s *suite) {
	const writers, each = 4, 6
	var done sync.WaitGroup
	failures := make([]error, writers)
	for i := range writers {
		done.Go(func() {
			slot := 0
			for n := 0; n < each; {
				err := s.store.Create(s.ctx, fmt.Sprintf("log/%06d", slot), fmt.Appendf(nil, "%d-%d", i, n))
				switch {
				case err == nil:
					n, slot = n+1, slot+1
				case errors.Is(err, storage.Exists):
					slot++
				default:
					failures[i] = err
					return
				}
			}
		})
	}
	done.Wait()
	s.must(errors.Join(failures...))
	seen := make(map[string]bool)
	slot := 0
	for object, err := range storage.All(s.ctx, s.another, "log/") {
		s.must(err)
		if want := fmt.Sprintf("log/%06d", slot); object.Name != want {
			s.Fatalf("slot %q instead of %q", object.Name, want)
		}
		seen[s.content(s.another, object.Name)] = true
		slot++
	}
	if slot != writers*each || len(seen) != writers*each {
		s.Errorf("%d slots with %d entries, want %d", slot, len(seen), writers*each)
	}
}

func putReplaces(s *suite) {
	first, second := Pattern(1, 100_000), Pattern(2, 70_000)
	sum, err := s.store.Put(s.ctx, "shared/a", storage.Bytes(first))
	s.must(err)
	if sum != storage.ChecksumOf(first) {
		s.Errorf("checksum %s instead of %s", sum, storage.ChecksumOf(first))
	}
	before, err := s.store.Open(s.ctx, "shared/a")
	s.must(err)
	defer before.Close()
	_, err = s.another.Put(s.ctx, "shared/a", storage.Bytes(second))
	s.must(err)
	if got := s.content(s.store, "shared/a"); got != string(second) {
		s.Error("the object was not replaced")
	}
	// What was opened is read as it was, or not at all.
	got, err := io.ReadAll(before.Stream(0, before.Size()))
	if err == nil && !bytes.Equal(got, first) || err != nil && !errors.Is(err, storage.Damaged) {
		s.Errorf("a reader from before got %d bytes, %v", len(got), err)
	}
	s.want(s.store.Create(s.ctx, "shared/a", []byte("x")), storage.Exists, "shared/a")
}

func putFile(s *suite) {
	content := Pattern(3, 1<<20+3)
	path := filepath.Join(s.TempDir(), "000007.sst")
	s.must(os.WriteFile(path, content, 0o644))
	s.must(storage.PutFile(s.ctx, s.store, path, "shared/1-2-x", storage.ChecksumOf(content)))
	s.must(os.Remove(path))
	if got := s.content(s.another, "shared/1-2-x"); got != string(content) {
		s.Error("the object is not what the file was")
	}
	_, err := s.store.Put(s.ctx, "shared/y", storage.File(filepath.Join(s.TempDir(), "gone")))
	s.want(err, storage.Refused, "gone")
	_, err = s.store.Put(s.ctx, "shared/y", storage.File(s.TempDir()))
	s.want(err, storage.Refused, "shared/y")
}

func putAgrees(s *suite) {
	content := Pattern(4, 10_000)
	_, err := s.store.Put(s.ctx, "shared/a", storage.Bytes(content).Summed(storage.ChecksumOf(content)+1))
	s.want(err, storage.Damaged, "shared/a")
	_, err = s.store.Put(s.ctx, "shared/b", storage.Section(bytes.NewReader(content), 10_001))
	s.want(err, storage.Damaged, "shared/b")
	for _, name := range []string{"shared/a", "shared/b"} {
		_, err = s.store.Stat(s.ctx, name)
		s.want(err, storage.NotFound, name)
	}
}

func bigObject(s *suite) {
	size := s.options.Big
	source := pattern{seed: 5, size: size}
	sum, err := s.store.Put(s.ctx, "shared/big", storage.Section(source, size))
	s.must(err)
	object, err := s.another.Open(s.ctx, "shared/big")
	s.must(err)
	defer object.Close()
	if object.Size() != size {
		s.Fatalf("%d bytes instead of %d", object.Size(), size)
	}
	stream := object.Stream(0, size)
	defer stream.Close()
	read := storage.NewSummer(stream)
	_, err = io.Copy(io.Discard, read)
	s.must(err)
	want := storage.NewSummer(io.NewSectionReader(source, 0, size))
	io.Copy(io.Discard, want)
	if read.Sum() != want.Sum() || sum != want.Sum() || read.Count() != size {
		s.Errorf("read %d bytes with checksum %s, put returned %s, want %d with %s", read.Count(), read.Sum(), sum, size, want.Sum())
	}
	// Around the borders of parts that a store may make.
	for _, offset := range []int64{0, 5<<20 - 3, 16<<20 - 3, 32<<20 - 3, 64<<20 - 3, size - 7} {
		if offset+7 > size {
			continue
		}
		got, want := make([]byte, 7), make([]byte, 7)
		if _, err := object.ReadAt(got, offset); err != nil && !errors.Is(err, io.EOF) {
			s.Fatal(err)
		}
		source.ReadAt(want, offset)
		if !bytes.Equal(got, want) {
			s.Errorf("at %d: % x instead of % x", offset, got, want)
		}
	}
}

func ranges(s *suite) {
	content := Pattern(6, 5000)
	_, err := s.store.Put(s.ctx, "a", storage.Bytes(content))
	s.must(err)
	object, err := s.another.Open(s.ctx, "a")
	s.must(err)
	defer object.Close()
	for _, r := range [][2]int64{{0, 0}, {0, 1}, {0, 5000}, {4999, 1}, {5000, 0}, {1234, 2345}} {
		stream := object.Stream(r[0], r[1])
		got, err := io.ReadAll(stream)
		if err != nil || !bytes.Equal(got, content[r[0]:r[0]+r[1]]) {
			s.Errorf("stream of %v: %d bytes, %v", r, len(got), err)
		}
		s.must(stream.Close())
	}
	for _, r := range [][2]int64{{-1, 2}, {0, 5001}, {5001, 0}, {4999, 2}, {1 << 62, 1 << 62}} {
		stream := object.Stream(r[0], r[1])
		_, err := io.ReadAll(stream)
		s.want(err, storage.Damaged, "a")
		stream.Close()
	}
	p := make([]byte, 10)
	if n, err := object.ReadAt(p, 4995); n != 5 || !errors.Is(err, io.EOF) || !bytes.Equal(p[:5], content[4995:]) {
		s.Errorf("ReadAt over the end: %d, %v", n, err)
	}
	if n, err := object.ReadAt(p, 5000); n != 0 || !errors.Is(err, io.EOF) {
		s.Errorf("ReadAt at the end: %d, %v", n, err)
	}
	var readers sync.WaitGroup
	for i := range 8 {
		readers.Go(func() {
			p := make([]byte, 100)
			at := int64(i * 613)
			if _, err := object.ReadAt(p, at); err != nil || !bytes.Equal(p, content[at:at+100]) {
				s.Errorf("concurrent ReadAt(%d): %v", at, err)
			}
		})
	}
	readers.Wait()
}

func emptyObject(s *suite) {
	s.must(s.store.Create(s.ctx, "created", nil))
	_, err := s.store.Put(s.ctx, "put", storage.Bytes(nil))
	s.must(err)
	for _, name := range []string{"created", "put"} {
		if got := s.content(s.another, name); got != "" {
			s.Errorf("%s holds %q", name, got)
		}
		object, err := s.store.Open(s.ctx, name)
		s.must(err)
		if n, err := object.ReadAt(make([]byte, 1), 0); n != 0 || !errors.Is(err, io.EOF) {
			s.Errorf("%s: %d, %v", name, n, err)
		}
		if got, err := io.ReadAll(object.Stream(0, 0)); len(got) != 0 || err != nil {
			s.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		s.must(object.Close())
	}
	s.want(s.store.Create(s.ctx, "put", nil), storage.Exists, "put")
}

func stat(s *suite) {
	s.must(s.store.Create(s.ctx, "dir/a", []byte("12345")))
	object, err := s.another.Stat(s.ctx, "dir/a")
	s.must(err)
	if object.Name != "dir/a" || object.Size != 5 || object.Modified.IsZero() {
		s.Errorf("%+v", object)
	}
	_, err = s.store.Stat(s.ctx, "dir")
	s.want(err, storage.NotFound, "dir") // a folder is no object
}

// listed are names whose order differs between a walk through folders and the bytes of the whole names.
var listed = []string{"a+b/c", "a-b", "a.b", "a/b", "a/b-c/d", "a0", "a0-/x", "a1/x", "b/x=1/y", "z"}

func listing(s *suite) {
	made := listed
	for i := range made {
		s.must(s.another.Create(s.ctx, made[(i*7+3)%len(made)], []byte("12")))
	}
	for _, prefix := range []string{"", "a", "a/", "a/b", "a/b/", "a-", "a/b-c/d", "b/x=1/", "c", "z/"} {
		for _, after := range append([]string{"", "a/", "a/b/zzz", "zz"}, made...) {
			var want []string
			for _, name := range made {
				if strings.HasPrefix(name, prefix) && name > after {
					want = append(want, name)
				}
			}
			page, err := s.another.List(s.ctx, prefix, after)
			s.must(err)
			var got []string
			for _, object := range page.Objects {
				got = append(got, object.Name)
				if object.Size != 2 || object.Modified.IsZero() {
					s.Errorf("%+v", object)
				}
			}
			if !slices.Equal(got, want) || page.More {
				s.Errorf("List(%q, %q) = %q, more %v, want %q", prefix, after, got, page.More, want)
			}
		}
	}
}

func pages(s *suite) {
	if s.options.Pages == 0 {
		s.Skip("left out for this store")
	}
	count := storage.PageSize + s.options.Pages
	var writers sync.WaitGroup
	failures := make([]error, 16)
	for i := range failures {
		writers.Go(func() {
			for n := i; n < count && failures[i] == nil; n += len(failures) {
				failures[i] = s.store.Create(s.ctx, fmt.Sprintf("p/%d/%06d", n/100, n), []byte("x"))
			}
		})
	}
	writers.Wait()
	s.must(errors.Join(failures...))
	first, err := s.store.List(s.ctx, "p/", "")
	s.must(err)
	if len(first.Objects) == 0 || len(first.Objects) > storage.PageSize || !first.More {
		s.Errorf("the first page has %d objects, more %v", len(first.Objects), first.More)
	}
	var all []string
	for object, err := range storage.All(s.ctx, s.store, "p/") {
		s.must(err)
		all = append(all, object.Name)
	}
	if len(all) != count || !slices.IsSorted(all) || len(slices.Compact(all)) != count {
		s.Errorf("%d names instead of %d, or not in order", len(all), count)
	}
	s.must(s.store.Delete(s.ctx, all...))
	if page, err := s.another.List(s.ctx, "p/", ""); err != nil || len(page.Objects) > 0 {
		s.Errorf("%d objects are left, %v", len(page.Objects), err)
	}
}

func deletes(s *suite) {
	for _, name := range []string{"chk-1/_metadata", "chk-1/x", "chk-10/x", "shared/a"} {
		s.must(s.store.Create(s.ctx, name, []byte("1")))
	}
	s.must(s.store.Delete(s.ctx))
	s.must(s.another.Delete(s.ctx, "chk-1/_metadata", "chk-1/x", "chk-1/never", "none/never"))
	s.must(s.store.Delete(s.ctx, "chk-1/_metadata", "chk-1/x"))
	s.must(s.store.Delete(s.ctx, "chk-10")) // a folder is no object
	page, err := s.store.List(s.ctx, "", "")
	s.must(err)
	if len(page.Objects) != 2 || page.Objects[0].Name != "chk-10/x" || page.Objects[1].Name != "shared/a" {
		s.Errorf("left are %v", page.Objects)
	}
	// The folder may be gone; the next object brings it back.
	s.must(s.store.Create(s.ctx, "chk-1/_metadata", []byte("again")))
	if got := s.content(s.another, "chk-1/_metadata"); got != "again" {
		s.Errorf("%q", got)
	}
}

func missing(s *suite) {
	s.must(s.store.Create(s.ctx, "there", []byte("x")))
	for _, name := range []string{"no", "no/no", "there/no"} {
		_, err := s.store.Read(s.ctx, name)
		s.want(err, storage.NotFound, name)
		_, err = s.store.Open(s.ctx, name)
		s.want(err, storage.NotFound, name)
		_, err = s.store.Stat(s.ctx, name)
		s.want(err, storage.NotFound, name)
	}
	page, err := s.store.List(s.ctx, "no/", "")
	if err != nil || len(page.Objects) > 0 || page.More {
		s.Errorf("%v, %v", page, err)
	}
}

func names(s *suite) {
	long := strings.Repeat("a", 200)
	for _, name := range []string{"a", "_metadata", "A-Z_0.9=+@,~", "x/y/z", long, "d/" + long + "/" + long} {
		s.must(s.store.Create(s.ctx, name, []byte(name)))
		if got := s.content(s.another, name); got != name {
			s.Errorf("%q holds %q", name, got)
		}
	}
	for _, name := range []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/.b", ".writing-1", `a\b`, "a b", "a\x00b", "ä", "a:b", "a*",
		long + "a", strings.Repeat("a/", 400) + "a",
	} {
		if err := s.store.Create(s.ctx, name, nil); !errors.Is(err, storage.Refused) {
			s.Errorf("Create(%q): %v", name, err)
		}
		if _, err := s.store.Put(s.ctx, name, storage.Bytes(nil)); !errors.Is(err, storage.Refused) {
			s.Errorf("Put(%q): %v", name, err)
		}
		if _, err := s.store.Read(s.ctx, name); !errors.Is(err, storage.Refused) {
			s.Errorf("Read(%q): %v", name, err)
		}
		if _, err := s.store.Open(s.ctx, name); !errors.Is(err, storage.Refused) {
			s.Errorf("Open(%q): %v", name, err)
		}
		if _, err := s.store.Stat(s.ctx, name); !errors.Is(err, storage.Refused) {
			s.Errorf("Stat(%q): %v", name, err)
		}
		if err := s.store.Delete(s.ctx, "a", name); !errors.Is(err, storage.Refused) {
			s.Errorf("Delete(%q): %v", name, err)
		}
	}
	if got := s.content(s.store, "a"); got != "a" {
		s.Errorf("a refused Delete removed something: %q", got)
	}
	for _, prefix := range []string{"/", "..", "a/..", "//", "a//"} {
		if _, err := s.store.List(s.ctx, prefix, ""); !errors.Is(err, storage.Refused) {
			s.Errorf("List(%q): %v", prefix, err)
		}
	}
}

func download(s *suite) {
	content := Pattern(7, 300_000)
	sum, err := s.store.Put(s.ctx, "shared/t", storage.Bytes(content))
	s.must(err)
	path := filepath.Join(s.TempDir(), "t")
	s.must(storage.Download(s.ctx, s.another, "shared/t", path, 300_000, sum))
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
		s.Errorf("%d bytes, %v", len(got), err)
	}
	for size, sum := range map[int64]storage.Checksum{299_999: sum, 300_000: sum + 1} {
		other := filepath.Join(s.TempDir(), "other")
		s.want(storage.Download(s.ctx, s.store, "shared/t", other, size, sum), storage.Damaged, "shared/t")
		if _, err := os.Stat(other); !errors.Is(err, os.ErrNotExist) {
			s.Errorf("a damaged download left a file: %v", err)
		}
	}
}

func endedContext(s *suite) {
	s.must(s.store.Create(s.ctx, "a", []byte("x")))
	ctx, cancel := context.WithCancelCause(s.ctx)
	object, err := s.store.Open(ctx, "a")
	s.must(err)
	defer object.Close()
	cause := errors.New("the checkpoint expired")
	cancel(cause)
	check := func(op string, err error) {
		s.Helper()
		if !errors.Is(err, storage.Transient) || !errors.Is(err, cause) {
			s.Errorf("%s: %v", op, err)
		}
	}
	check("create", s.store.Create(ctx, "b", nil))
	_, err = s.store.Put(ctx, "b", storage.Bytes(nil))
	check("put", err)
	_, err = s.store.Read(ctx, "a")
	check("read", err)
	_, err = s.store.Open(ctx, "a")
	check("open", err)
	_, err = s.store.Stat(ctx, "a")
	check("stat", err)
	_, err = s.store.List(ctx, "", "")
	check("list", err)
	check("delete", s.store.Delete(ctx, "a"))
	_, err = object.ReadAt(make([]byte, 1), 0)
	check("read at", err)
	_, err = io.ReadAll(object.Stream(0, 1))
	check("stream", err)
	if got := s.content(s.another, "a"); got != "x" {
		s.Errorf("%q", got)
	}
	_, err = s.store.Stat(s.ctx, "b")
	s.want(err, storage.NotFound, "b")
}

func probe(s *suite) {
	s.must(storage.Probe(s.ctx, s.store, "probe-1"))
	_, err := s.store.Stat(s.ctx, "probe-1")
	s.want(err, storage.NotFound, "probe-1")
}
