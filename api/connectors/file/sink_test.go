package file

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/operator"
)

type run struct {
	job                  string
	subtask, parallelism int
	attempt              int
}

func (r run) context() connector.WriterContext {
	return connector.WriterContext{RuntimeContext: (&operator.Context{
		Job: ident.Derive(r.job), Subtask: r.subtask, Parallelism: r.parallelism, Attempt: r.attempt,
	}).Runtime()}
}

func newWriter[T any](t testing.TB, sink Sink[T], r run) connector.Writer[T] {
	t.Helper()
	w, err := sink.NewWriter(r.context())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func opened[T any](t testing.TB, sink Sink[T], r run) connector.Writer[T] {
	t.Helper()
	w := newWriter(t, sink, r)
	if err := w.Open(); err != nil {
		t.Fatal(err)
	}
	return w
}

func put[T any](t testing.TB, w connector.Writer[T], values ...T) {
	t.Helper()
	if err := w.Write(&element.Batch[T]{Values: values}); err != nil {
		t.Fatal(err)
	}
}

func finish[T any](t testing.TB, w connector.Writer[T]) {
	t.Helper()
	if err := w.Flush(true); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// visible returns the contents of the files that are not hidden, by name.
func visible(t testing.TB, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), ".") {
			content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, entry.Name()+"="+string(content))
		}
	}
	return strings.Join(all, " ")
}

func numbers(folder string) Sink[int] { return Text(folder, strconv.Itoa) }

func TestResultsAppearWhenComplete(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a", "b")
	first := opened(t, numbers(folder), run{"job", 0, 3, 0})
	second := opened(t, numbers(folder), run{"job", 1, 3, 0})
	put(t, first, 1, 2)
	put(t, second, 3)
	if err := first.Flush(false); err != nil {
		t.Fatal(err)
	}
	if got := visible(t, folder); got != "" {
		t.Errorf("visible before the end: %s", got)
	}
	finish(t, first)
	third := opened(t, numbers(folder), run{"job", 2, 3, 0}) // opens late, has no records
	finish(t, third)
	finish(t, second)
	if got, want := visible(t, folder), "part-0-0=1\n2\n part-1-0=3\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLargeOutput(t *testing.T) {
	folder := t.TempDir()
	w := opened(t, TextAppend(folder, func(to []byte, v int) []byte { return strconv.AppendInt(to, int64(v), 10) }), run{"job", 0, 1, 0})
	var want strings.Builder
	for i := range 100 {
		var batch []int
		for j := range 1000 {
			batch = append(batch, i*j)
			fmt.Fprintln(&want, i*j)
		}
		put(t, w, batch...)
	}
	finish(t, w)
	if got := visible(t, folder); got != "part-0-0="+want.String() {
		t.Errorf("%d bytes, want %d", len(got), want.Len())
	}
}

func TestJSONLines(t *testing.T) {
	type count struct {
		Word string `json:"word"`
		N    int
	}
	folder := t.TempDir()
	w := opened(t, JSON[count](folder), run{"job", 0, 1, 0})
	put(t, w, count{"a<b>&\n", 1}, count{"", 2})
	finish(t, w)
	if got, want := visible(t, folder), "part-0-0="+`{"word":"a<b>&\n","N":1}`+"\n"+`{"word":"","N":2}`+"\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWhatJSONCannotExpressIsTheProgramsFault(t *testing.T) {
	w := opened(t, JSON[float64](t.TempDir()), run{"job", 0, 1, 0})
	err := w.Write(&element.Batch[float64]{Values: []float64{1, math.NaN()}})
	var environmental interface{ Environmental() bool }
	if err == nil || errors.As(err, &environmental) || !strings.Contains(err.Error(), "record of type float64") {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestResultsOfAnotherRunAreRefused(t *testing.T) {
	folder := t.TempDir()
	w := opened(t, numbers(folder), run{"one", 1, 2, 0})
	put(t, w, 1)
	finish(t, w)
	for attempt := range 3 { // also after a restart: nothing of the second job's is there
		for subtask := range 2 {
			err := newWriter(t, numbers(folder), run{"two", subtask, 2, attempt}).Open()
			checkError(t, err, strconv.Quote(folder), "results of another run (part-1-0)", "Overwrite")
		}
	}
	if got := visible(t, folder); got != "part-1-0=1\n" {
		t.Errorf("after the refusal: %q", got)
	}
}

func TestOverwriteRemovesPartFilesAndNothingElse(t *testing.T) {
	folder := t.TempDir()
	for subtask := range 7 {
		w := opened(t, numbers(folder), run{"one", subtask, 7, 0})
		put(t, w, subtask)
		finish(t, w)
	}
	for _, name := range []string{"part-00-0", "part-x-0", "part-1", "notes", "part-1-0.txt", "part-1-0.inprogress.0"} {
		write(t, folder, name, []byte("mine"))
	}
	write(t, folder, ".part-5-0.inprogress.0", []byte("left"))
	zero := opened(t, numbers(folder).Overwrite(), run{"two", 0, 2, 0})
	put(t, zero, 100)
	finish(t, zero)
	one := opened(t, numbers(folder).Overwrite(), run{"two", 1, 2, 0})
	put(t, one, 101)
	finish(t, one)
	want := "notes=mine part-0-0=100\n part-00-0=mine part-1=mine part-1-0=101\n part-1-0.inprogress.0=mine part-1-0.txt=mine part-x-0=mine"
	if got := visible(t, folder); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if _, err := os.Lstat(filepath.Join(folder, ".part-5-0.inprogress.0")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a leftover of a failed run is still there")
	}
}

// TestAnyOrderAndRestarts opens, publishes and fails subtasks at random, restarts the job now and then at another parallelism, and
// expects the results of the last attempt of each, and no more.
func TestAnyOrderAndRestarts(t *testing.T) {
	for seed := range int64(150) {
		random := rand.New(rand.NewSource(seed))
		folder, overwrite := t.TempDir(), seed%2 == 0
		sink := numbers(folder)
		if overwrite {
			sink = sink.Overwrite()
			for _, subtask := range random.Perm(9) {
				write(t, folder, partName(subtask), []byte("old"))
			}
		}
		job, restarts := fmt.Sprint(seed), random.Intn(4)
		for attempt := 0; ; attempt++ {
			parallelism := 1 + random.Intn(4)
			last := attempt == restarts
			var want []string
			for _, subtask := range random.Perm(parallelism) {
				if !last && random.Intn(3) == 0 {
					continue // the job fails before this subtask opens
				}
				w := opened(t, sink, run{job, subtask, parallelism, attempt})
				put(t, w, attempt)
				if !last && random.Intn(2) == 0 {
					if err := w.Flush(false); err != nil {
						t.Fatal(err)
					}
					if random.Intn(2) == 0 {
						continue // killed
					}
					if err := w.Close(); err != nil {
						t.Fatal(err)
					}
					continue
				}
				finish(t, w)
				want = append(want, fmt.Sprintf("%s=%d\n", partName(subtask), attempt))
			}
			if last {
				slices.Sort(want)
				if got := visible(t, folder); got != strings.Join(want, " ") {
					t.Fatalf("seed %d: %q, want %q", seed, got, want)
				}
				break
			}
		}
		if left, _ := filepath.Glob(filepath.Join(folder, ".part-*.inprogress.*")); len(left) > 0 {
			t.Fatalf("seed %d: leftovers %q", seed, left)
		}
	}
}

func TestTwoJobsInOneFolder(t *testing.T) {
	folder := t.TempDir()
	one := opened(t, numbers(folder), run{"one", 0, 1, 0})
	two := opened(t, numbers(folder), run{"two", 0, 1, 1})
	put(t, one, 1)
	put(t, two, 2)
	finish(t, one)
	checkError(t, two.Flush(true), "part-0-0", "another job has written to the folder")
	if got := visible(t, folder); got != "part-0-0=1\n" {
		t.Errorf("%q", got)
	}
}

// faulty is a file whose calls fail.
type faulty struct{ write, sync, close error }

func (f faulty) Write(p []byte) (int, error) { return 0, f.write }
func (f faulty) Sync() error                 { return f.sync }
func (f faulty) Close() error                { return f.close }

func TestFullDisk(t *testing.T) {
	full := func(string) (partFile, error) { return os.OpenFile("/dev/full", os.O_WRONLY, 0) }
	fails := func(f faulty) func(string) (partFile, error) {
		return func(string) (partFile, error) { return f, nil }
	}
	for name, test := range map[string]struct {
		create func(string) (partFile, error)
		parts  []string
	}{
		"write":  {full, []string{"cannot write 2 bytes after the first 0", "no space left on device", "free space"}},
		"sync":   {fails(faulty{sync: syscall.EIO}), []string{"cannot make its 0 bytes durable", "input/output error"}},
		"close":  {fails(faulty{close: syscall.EDQUOT}), []string{"cannot close it", "quota exceeded", "free space"}},
		"create": {func(string) (partFile, error) { return nil, syscall.EROFS }, []string{"cannot create it", "read-only", "choose a folder"}},
	} {
		t.Run(name, func(t *testing.T) {
			sink := numbers(t.TempDir())
			sink.create = test.create
			w := opened(t, sink, run{"job", 0, 1, 0})
			put(t, w, 7)
			checkError(t, w.Flush(true), append(test.parts, ".part-0-0.inprogress.0")...)
			w.Close()
			if got := visible(t, sink.folder); got != "" {
				t.Errorf("visible: %q", got)
			}
		})
	}
}

func TestFoldersThatAreNone(t *testing.T) {
	path := write(t, t.TempDir(), "file", nil)
	checkError(t, newWriter(t, numbers(path), run{"job", 0, 1, 0}).Open(), strconv.Quote(path), "cannot create the folder", "not a directory")
	if _, err := numbers("").NewWriter(run{"job", 0, 1, 0}.context()); err == nil {
		t.Error("no folder is accepted")
	}
}

func FuzzParsePart(f *testing.F) {
	f.Add("part-1-0")
	f.Add(".part-12-0.inprogress.3")
	f.Add("part-01-0")
	f.Add("part-1-0123456789abcdef-12")
	f.Add(".part-1-0123456789abcdef-12.inprogress")
	f.Fuzz(func(t *testing.T, name string) {
		p, ok := parsePart(name)
		if ok && (p.subtask < 0 || !strings.HasPrefix(strings.TrimPrefix(name, "."), fmt.Sprintf("part-%d-", p.subtask)) || p.published == strings.HasPrefix(name, ".")) {
			t.Errorf("%q is read as %+v", name, p)
		}
	})
}

func BenchmarkTextAppend(b *testing.B) {
	w := opened(b, TextAppend(b.TempDir(), func(to []byte, v string) []byte { return append(to, v...) }), run{"job", 0, 1, 0})
	batch := element.Batch[string]{Values: make([]string, 1024)}
	for i := range batch.Values {
		batch.Values[i] = "a line of thirty-two characters."
	}
	b.SetBytes(1024 * 33)
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(&batch); err != nil {
			b.Fatal(err)
		}
	}
	w.Close()
}
