package file

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/connectortest"
	"github.com/weir-stream/weir/runtime/element"
)

// lines is the specification of how text is cut into lines.
func lines(text string) []string {
	all := strings.Split(text, "\n")
	if all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	for i := range all {
		all[i] = strings.TrimSuffix(all[i], "\r")
	}
	return all
}

func write(t testing.TB, folder, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// text makes lines of random lengths and ends with random bytes.
func text(seed int64, size int) string {
	random := rand.New(rand.NewSource(seed))
	var b strings.Builder
	widths := 8
	if size > blockSize {
		widths = 12 // fewer lines, which checking takes its time for
	}
	for n := 0; b.Len() < size; n++ {
		fmt.Fprintf(&b, "%d", n)
		for range random.Intn(1 + 1<<random.Intn(widths)) {
			b.WriteByte(" ab\r\xff\xc3\x00z"[random.Intn(8)])
		}
		b.WriteString([]string{"\n", "\r\n", "\n\n"}[random.Intn(3)])
	}
	return b.String()[:size]
}

func gzipOf(t testing.TB, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, member := range members {
		w := gzip.NewWriter(&b)
		if _, err := io.WriteString(w, member); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func zstdOf(t testing.TB, text string) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll([]byte(text), nil)
}

func TestFilesResume(t *testing.T) {
	folder := t.TempDir()
	long := text(1, 10_000)
	big := text(2, 180_000) // several blocks
	noEnd := "last\nline without an end\r"
	plain := write(t, folder, "plain", []byte(long))
	tests := map[string]struct {
		source Source
		want   string
	}{
		"plain":                {Lines(plain).SplitSize(1 << 40), long},
		"many splits":          {Lines(plain).SplitSize(397), long},
		"a split a byte":       {Lines(write(t, folder, "tiny", []byte("a\n\nbcd\r\n\r\nlong line\n"))).SplitSize(1), "a\n\nbcd\n\nlong line"},
		"splits by default":    {Lines(plain), long},
		"several blocks":       {Lines(write(t, folder, "big", []byte(big))).SplitSize(170_000), big},
		"no last line end":     {Lines(write(t, folder, "no-end", []byte(noEnd))).SplitSize(3), noEnd},
		"gzip":                 {Lines(write(t, folder, "a.gz", gzipOf(t, long))), long},
		"gzip, two members":    {Lines(write(t, folder, "b.gz", gzipOf(t, long[:777], "", long[777:]))), long},
		"gzip, several blocks": {Lines(write(t, folder, "c.gz", gzipOf(t, big))), big},
		"zstd":                 {Lines(write(t, folder, "a.zst", zstdOf(t, long))), long},
		"empty":                {Lines(write(t, folder, "empty", nil), write(t, folder, "empty.gz", gzipOf(t))), ""},
		"twice":                {Lines(plain, plain), strings.Join([]string{long, long}, "\n")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { connectortest.CheckSource(t, test.source, lines(test.want)) })
	}
}

func TestManySmallFiles(t *testing.T) {
	folder := t.TempDir()
	var want []string
	for i := range 300 {
		content := text(int64(i), i%97)
		write(t, folder, fmt.Sprintf("%d/%d", i%7, i), []byte(content))
		want = append(want, lines(content)...)
	}
	connectortest.CheckSource(t, Lines(folder), want)
}

func TestFindNamesFilesInOrder(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"b/2", "b/1", "a", "c.txt", ".hidden", "_temporary/x", "b/_logs", "b/.git/config", "d/e/f.txt", "[x]"} {
		write(t, folder, name, []byte("x"))
	}
	if err := os.Symlink(".", filepath.Join(folder, "b", "loop")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(folder, "a"), filepath.Join(folder, "b", "link")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		paths []string
		want  string
		all   bool
	}{
		{[]string{""}, "[x] a b/1 b/2 b/link c.txt d/e/f.txt", false},
		{[]string{"b", "a"}, "b/1 b/2 b/link a", false},
		{[]string{"*.txt"}, "c.txt", false},
		{[]string{"*"}, "[x] a b/1 b/2 b/link c.txt d/e/f.txt", false},
		{[]string{"*/*/*.txt"}, "d/e/f.txt", false},
		{[]string{".hid*", "_*"}, ".hidden _temporary/x", false},
		{[]string{".hidden", "_temporary"}, ".hidden _temporary/x", false},
		{[]string{"[x]"}, "[x]", false},
		{[]string{"[ac]*"}, "a c.txt", false},
		{[]string{""}, ".hidden [x] _temporary/x a b/.git/config b/1 b/2 b/_logs b/link c.txt d/e/f.txt", true},
		{[]string{"*"}, "[x] _temporary/x a b/.git/config b/1 b/2 b/_logs b/link c.txt d/e/f.txt", true},
		{[]string{".*"}, ".hidden", true},
	} {
		var paths, got []string
		for _, path := range test.paths {
			paths = append(paths, filepath.Join(folder, path))
		}
		files, err := find(paths, test.all)
		if err != nil {
			t.Errorf("%q: %v", test.paths, err)
		}
		for _, file := range files {
			name, _ := filepath.Rel(folder, file.path)
			got = append(got, name)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%q names %q, want %q", test.paths, got, test.want)
		}
	}
}

// all reads a source with one reader.
func all(t testing.TB, source Source) (got []string, err error) {
	t.Helper()
	list, err := source.list(1)
	if err != nil {
		return nil, err
	}
	r, err := source.NewReader(connector.ReaderContext{RequestSplit: func() {}, Wake: func() {}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.AddSplits(list); err != nil {
		return nil, err
	}
	r.NoMoreSplits()
	for {
		var batch element.Batch[string]
		out := connector.NewOutput(&batch, 1024)
		status, err := r.Poll(&out)
		if err != nil {
			return got, err
		}
		got = append(got, batch.Values...)
		if status == connector.Ended {
			return got, nil
		}
	}
}

func TestOneReaderKeepsTheOrderOfLines(t *testing.T) {
	folder := t.TempDir()
	a, b, c := text(1, 5000), text(2, 7000)+"\n", text(3, 100)+"\n"
	write(t, folder, "a.gz", gzipOf(t, a))
	write(t, folder, "b", []byte(b))
	write(t, folder, "c", []byte(c))
	got, err := all(t, Lines(folder).SplitSize(100))
	if want := slices.Concat(lines(a), lines(b), lines(c)); err != nil || !slices.Equal(got, want) {
		t.Errorf("%d lines instead of %d, or not in order (%v)", len(got), len(want), err)
	}
}

func TestLongLines(t *testing.T) {
	folder := t.TempDir()
	content := "short\n" + strings.Repeat("x", 3*blockSize+17) + "\r\nend"
	path := write(t, folder, "long", []byte(content))
	for _, size := range []int64{1 << 30, 1000} {
		got, err := all(t, Lines(path).SplitSize(size))
		if err != nil || !slices.Equal(got, lines(content)) {
			t.Errorf("split size %d: %d lines, %v", size, len(got), err)
		}
	}
	for _, longest := range []int{3, 1000, blockSize, 3*blockSize + 16} {
		_, err := all(t, Lines(path).LongestLine(longest))
		at := "byte 6"
		if longest == 3 {
			at = "byte 0"
		}
		checkError(t, err, `long"`, "begins at "+at, fmt.Sprintf("more than %d bytes", longest), "LongestLine")
	}
	if _, err := all(t, Lines(path).LongestLine(3*blockSize+17)); err != nil {
		t.Error(err)
	}
}

func checkError(t *testing.T, err error, parts ...string) {
	t.Helper()
	var environmental interface{ Environmental() bool }
	if !errors.As(err, &environmental) || !environmental.Environmental() {
		t.Errorf("error %v is not one of the environment", err)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	folder := t.TempDir()
	hidden := filepath.Join(folder, "nothing")
	write(t, hidden, ".x", []byte("x"))
	damaged := gzipOf(t, text(1, 10_000))
	damaged[len(damaged)/2] ^= 0xff
	whole := zstdOf(t, text(1, 10_000))
	tests := map[string]struct {
		source Source
		parts  []string
	}{
		"no path":      {Lines(), []string{"no path"}},
		"missing":      {Lines(filepath.Join(folder, "missing")), []string{`missing"`, "no such file", "check the path"}},
		"no match":     {Lines(filepath.Join(folder, "*.none")), []string{`*.none"`, "nothing matches"}},
		"bad pattern":  {Lines(filepath.Join(folder, "[")), []string{"cannot understand the pattern"}},
		"hidden only":  {Lines(hidden), []string{`nothing"`, "it has no files"}},
		"device":       {Lines("/dev/null"), []string{"/dev/null", "neither a file nor a folder"}},
		"no gzip":      {Lines(write(t, folder, "text.gz", []byte("this is text, no gzip"))), []string{`text.gz"`, "invalid header", "is compressed, by its name"}},
		"cut gzip":     {Lines(write(t, folder, "cut.gz", gzipOf(t, text(1, 10_000))[:1000])), []string{`cut.gz"`, "unexpected EOF", "cut short"}},
		"damaged gzip": {Lines(write(t, folder, "damaged.gz", damaged)), []string{`damaged.gz"`, "damaged, cut short"}},
		"cut zstd":     {Lines(write(t, folder, "cut.zst", whole[:len(whole)-7])), []string{`cut.zst"`, "unexpected EOF"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := all(t, test.source)
			checkError(t, err, test.parts...)
		})
	}
}

func TestFilesThatChange(t *testing.T) {
	folder := t.TempDir()
	path := write(t, folder, "a", []byte("one\ntwo\nthree\n"))
	list, err := Lines(path).list(1)
	if err != nil {
		t.Fatal(err)
	}
	read := func() error {
		r := &reader{queue: splitsQueue(), blocks: blocks{longest: 100}}
		defer r.Close()
		r.AddSplits(list)
		for {
			var batch element.Batch[string]
			out := connector.NewOutput(&batch, 10)
			if status, err := r.Poll(&out); err != nil || status != connector.More {
				return err
			}
		}
	}
	write(t, folder, "a", []byte("one\ntwo\n"))
	checkError(t, read(), `a"`, "it ends at byte 8, but had at least 14", "must not change")
	write(t, folder, "a", []byte("one\ntwo\nthree\nfour\n"))
	if err := read(); err != nil {
		t.Errorf("a file that grows: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	err = read()
	checkError(t, err, `a"`, "cannot open it", "no such file", "check the path")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("the cause is lost")
	}
}

func TestCompressedFileShorterThanThePosition(t *testing.T) {
	path := write(t, t.TempDir(), "a.gz", gzipOf(t, "one\ntwo\n"))
	r := &reader{queue: splitsQueue(), blocks: blocks{longest: 100}}
	defer r.Close()
	r.AddSplits([]connector.Split{{ID: "x", State: span{path: path, position: 100, end: 5}.encode()}})
	var batch element.Batch[string]
	out := connector.NewOutput(&batch, 10)
	_, err := r.Poll(&out)
	checkError(t, err, "a.gz", "unexpected EOF")
}

func TestHeavySplitsComeFirst(t *testing.T) {
	files := []found{{"a", 100_000}, {"small.gz", 10}, {"big.gz", 200_000}, {"bigger.zst", 300_000}, {"b", 50_000}}
	var order []string
	for _, split := range plan(files, 60_000, 4) {
		order = append(order, split.ID)
	}
	if got, want := strings.Join(order, " "), "0:bigger.zst@0 1:big.gz@0 2:a@0 3:a@50000 4:small.gz@0 5:b@0"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSplitSizeGivesEachReaderSeveral(t *testing.T) {
	for _, test := range []struct {
		total       int64
		parallelism int
		want        int64
	}{{10 << 30, 2, mostPerSplit}, {80 << 20, 4, 5<<20 + 1}, {1000, 7, leastPerSplit}} {
		if got := splitSize(test.total, test.parallelism); got != test.want {
			t.Errorf("%d bytes for %d readers: %d, want %d", test.total, test.parallelism, got, test.want)
		}
	}
}

func FuzzDecodeSpan(f *testing.F) {
	f.Add(span{path: "a", position: 3, end: 7, inLine: true}.encode())
	f.Add(span{path: "b.gz", position: 300, end: 7}.encode())
	f.Add([]byte{1, 0x80, 0, 5, 'x'})
	f.Fuzz(func(t *testing.T, state []byte) {
		s, err := decodeSpan(state)
		if err == nil && (string(s.encode()) != string(state) || s.position < 0 || s.end <= 0 || s.path == "" || s.weight() <= 0) {
			t.Errorf("%x is read as %+v, which weighs %d", state, s, s.weight())
		}
	})
}

// FuzzLines compares any text in any splits with the specification.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nb\r\n\nc"), int64(2))
	f.Add([]byte("\r\n\r\r\n\xff"), int64(1))
	f.Fuzz(func(t *testing.T, content []byte, size int64) {
		if size < 1 || size > 1000 || len(content) > 1000 {
			return
		}
		path := write(t, t.TempDir(), "f", content)
		got, err := all(t, Lines(path).SplitSize(size))
		if err != nil || !slices.Equal(got, lines(string(content))) {
			t.Errorf("%q in splits of %d: %q, %v", content, size, got, err)
		}
	})
}
