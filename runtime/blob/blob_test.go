package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
)

func open(t *testing.T, limit int64) *Store {
	t.Helper()
	s, err := Open(t.TempDir(), limit)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *Store, content string) Key {
	t.Helper()
	k, size, err := s.Put(strings.NewReader(content), 1<<20)
	if err != nil || size != int64(len(content)) || k != Key(sha256.Sum256([]byte(content))) {
		t.Fatalf("put: %s, %d, %v", k, size, err)
	}
	return k
}

func hold(t *testing.T, s *Store, k Key, want string) *Held {
	t.Helper()
	h, err := s.Hold(k)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(h.Path); err != nil || string(data) != want || h.Size != int64(len(want)) {
		t.Fatalf("the blob of %d bytes has %.40q: %v", h.Size, data, err)
	}
	return h
}

func TestBlobsOutliveTheProcess(t *testing.T) {
	s := open(t, 0)
	k := put(t, s, "program")
	if err := os.WriteFile(filepath.Join(s.folder, newPrefix+"7"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := Open(s.folder, 0)
	if err != nil {
		t.Fatal(err)
	}
	hold(t, again, k, "program").Release()
	if files, _ := os.ReadDir(s.folder); len(files) != 1 || again.Used() != 7 {
		t.Errorf("%d files, %d bytes used", len(files), again.Used())
	}
}

// TestTornBlobsAreNotTakenUp: what was written is not flushed, so that a machine's end may leave less of it, or something else.
func TestTornBlobsAreNotTakenUp(t *testing.T) {
	s := open(t, 0)
	k := put(t, s, "program")
	if err := os.Chmod(s.path(k), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.path(k), []byte("pro\x00\x00\x00\x00"), 0o700); err != nil {
		t.Fatal(err)
	}
	again, err := Open(s.folder, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Hold(k); err == nil || again.Used() != 0 {
		t.Errorf("a torn blob was taken up: %v, %d bytes", err, again.Used())
	}
}

// TestAFileIsKeptAfterItWasRemoved, and nothing is written when it is here already.
func TestAFileIsKeptAfterItWasRemoved(t *testing.T) {
	s := open(t, 0)
	path := filepath.Join(t.TempDir(), "uploaded")
	for range 2 {
		if err := os.WriteFile(path, []byte("program"), 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := s.PutFile(path)
		if err != nil || k != Key(sha256.Sum256([]byte("program"))) {
			t.Fatalf("%s, %v", k, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		hold(t, s, k, "program").Release()
	}
	if files, _ := os.ReadDir(s.folder); len(files) != 1 || s.Used() != 7 {
		t.Errorf("%d files, %d bytes used", len(files), s.Used())
	}
	if _, err := s.PutFile(path); err == nil {
		t.Error("a file that is not there was kept")
	}
}

func TestTheLimitRemovesWhatIsUsedLeast(t *testing.T) {
	s := open(t, 10)
	a, b := put(t, s, "aaaa"), put(t, s, "bbbb")
	hold(t, s, a, "aaaa").Release()
	c := put(t, s, "cccc")
	if _, err := s.Hold(b); err == nil {
		t.Error("the blob that was used longest ago is still there")
	}
	held := hold(t, s, a, "aaaa")
	holdC := hold(t, s, c, "cccc")
	if _, _, err := s.Put(strings.NewReader("dddd"), 10); !errors.Is(err, ErrFull) {
		t.Errorf("with all in use: %v", err)
	}
	hold(t, s, a, "aaaa").Release() // a held blob is there whatever came
	held.Release()
	holdC.Release()
	put(t, s, "dddd")
	if s.Used() > 10 {
		t.Errorf("%d bytes are used", s.Used())
	}
	if files, _ := os.ReadDir(s.folder); len(files) != 2 {
		t.Errorf("%d files", len(files))
	}
}

func TestTooLargeAndBrokenUploadsLeaveNothing(t *testing.T) {
	s := open(t, 0)
	if _, _, err := s.Put(strings.NewReader("12345"), 4); err == nil || !strings.Contains(err.Error(), "larger than 4 bytes") {
		t.Errorf("too large: %v", err)
	}
	broken := io.MultiReader(strings.NewReader("123"), iotestError{})
	if _, _, err := s.Put(broken, 100); err == nil {
		t.Error("a broken upload was taken")
	}
	if files, _ := os.ReadDir(s.folder); len(files) != 0 {
		t.Errorf("%d files are left", len(files))
	}
}

// keyOfText is the key of a blob.
func keyOfText(content string) Key { return sha256.Sum256([]byte(content)) }

// leave leaves a part of a blob in a store, as a process does that ends while it fetches.
func leave(t *testing.T, s *Store, k Key, part []byte) {
	t.Helper()
	if err := os.WriteFile(s.path(k)+partSuffix, part, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestAnotherProcessGoesOnFetching finds a part that an earlier one has left, whole or damaged.
func TestAnotherProcessGoesOnFetching(t *testing.T) {
	s := open(t, 0)
	content := strings.Repeat("0123456789", 10_000)
	k := put(t, s, content)
	for _, c := range []struct{ part, ranges string }{
		{content[:30_000], "bytes=30000-"}, {content, ""}, {"x" + content[1:30_000], "bytes=30000-,"}, {content + "more", ","},
	} {
		var ranges []string
		f := serving(t, s, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ranges = append(ranges, r.Header.Get("Range"))
				h.ServeHTTP(w, r)
			})
		})
		leave(t, f.Store, k, []byte(c.part))
		held, err := f.Fetch(t.Context(), k, int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		held.Release()
		hold(t, f.Store, k, content).Release()
		if got := strings.Join(ranges, ","); got != strings.Trim(c.ranges, ",") && got != c.ranges {
			t.Errorf("with a part of %d bytes it asked for %q", len(c.part), got)
		}
	}
}

// TestADamagedFileIsNotRun has a disk that has lost or changed bytes of a blob while no process looked, and while one did.
func TestADamagedFileIsNotRun(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"shorter": func(path string) error { return os.Truncate(path, 3) },
		"changed": func(path string) error {
			if err := os.Chmod(path, 0o700); err != nil {
				return err
			}
			if err := os.WriteFile(path, []byte("Program"), 0o700); err != nil {
				return err
			}
			return os.Chtimes(path, time.Time{}, time.Now().Add(time.Second)) // whatever the file system's resolution
		},
		"gone": os.Remove,
	} {
		for _, reopened := range []bool{false, true} {
			s, source := open(t, 0), open(t, 0)
			k := put(t, source, "program")
			put(t, s, "program")
			if err := damage(s.path(k)); err != nil {
				t.Fatal(name, err)
			}
			if reopened {
				var err error
				if s, err = Open(s.folder, 0); err != nil {
					t.Fatal(err)
				}
			}
			f := serving(t, source, nil)
			f.Store = s
			held, err := f.Fetch(t.Context(), k, 7)
			if err != nil {
				t.Fatal(name, err)
			}
			if data, err := os.ReadFile(held.Path); err != nil || string(data) != "program" {
				t.Errorf("%s: the blob is %q: %v", name, data, err)
			}
			held.Release()
			if s.Used() != 7 {
				t.Errorf("%s: %d bytes are used", name, s.Used())
			}
		}
	}
}

// TestAClusterThatIsNotTrusted is asked once.
func TestAClusterThatIsNotTrusted(t *testing.T) {
	server := httptest.NewTLSServer(Handler(open(t, 0)))
	defer server.Close()
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	for base, words := range map[string]string{server.URL: "another authority", strings.Replace(server.URL, "https:", "http:", 1): "HTTPS server"} {
		f := &Fetcher{Store: open(t, 0), Client: &http.Client{}, Base: func() (string, error) { return base, nil }, Clock: clock.NewManual(time.Now()), Tries: 5, Pause: time.Hour}
		if _, err := f.Fetch(t.Context(), Key{1}, 5); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", base, err)
		}
	}
}

type iotestError struct{}

func (iotestError) Read([]byte) (int, error) { return 0, errors.New("the connection broke") }

// serving serves a store, and lets a test spoil answers.
func serving(t *testing.T, s *Store, spoil func(http.Handler) http.Handler) *Fetcher {
	t.Helper()
	h := Handler(s)
	if spoil != nil {
		h = spoil(h)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return &Fetcher{
		Store: open(t, 0), Client: server.Client(), Base: func() (string, error) { return server.URL, nil }, Clock: clock.System(), Tries: 4, Pause: time.Millisecond,
	}
}

// cut lets each answer have so many bytes only, and then breaks the connection.
type cut struct {
	http.ResponseWriter
	left int
}

func (c *cut) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p[:min(len(p), c.left)])
	if c.left -= n; c.left == 0 {
		c.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}

func TestFetchingGoesOnWhereItBrokeOff(t *testing.T) {
	s := open(t, 0)
	content := strings.Repeat("0123456789", 10_000)
	k := put(t, s, content)
	var ranges []string
	f := serving(t, s, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ranges = append(ranges, r.Header.Get("Range"))
			h.ServeHTTP(&cut{w, 40_000}, r)
		})
	})
	held, err := f.Fetch(t.Context(), k, int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	held.Release()
	hold(t, f.Store, k, content).Release()
	if got := strings.Join(ranges, ","); got != ",bytes=40000-,bytes=80000-" {
		t.Errorf("asked for %q", got)
	}
	if files, _ := os.ReadDir(f.Store.folder); len(files) != 1 {
		t.Errorf("%d files", len(files))
	}
}

func TestWhatDoesNotMatchItsKeyIsThrownAway(t *testing.T) {
	s := open(t, 0)
	k := put(t, s, "the right one")
	answers := 0
	f := serving(t, s, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if answers++; answers == 1 {
				io.WriteString(w, "the wrong one")
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	held, err := f.Fetch(t.Context(), k, 13)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Release()
	hold(t, f.Store, k, "the right one").Release()
	if answers != 2 {
		t.Errorf("%d answers were needed", answers)
	}
}

func TestMoreThanWasPromisedIsThrownAway(t *testing.T) {
	s := open(t, 0)
	k := put(t, s, "short")
	f := serving(t, s, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(bytes.Repeat([]byte("short"), 1000)) })
	})
	if _, err := f.Fetch(t.Context(), k, 5); err == nil || !strings.Contains(err.Error(), "thrown away") {
		t.Errorf("fetched: %v", err)
	}
	if files, _ := os.ReadDir(f.Store.folder); len(files) != 0 {
		t.Errorf("%d files are left", len(files))
	}
}

func TestUnknownAndMalformedKeys(t *testing.T) {
	s := open(t, 0)
	var asked atomic.Int32
	f := serving(t, s, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked.Add(1); h.ServeHTTP(w, r) })
	})
	if _, err := f.Fetch(t.Context(), Key{1}, 5); err == nil || !strings.Contains(err.Error(), "404") || asked.Load() != 1 {
		t.Errorf("an unknown blob, asked for %d times: %v", asked.Load(), err)
	}
	base, _ := f.Base()
	for _, path := range []string{"nonsense", "..%2f..%2fetc%2fpasswd", strings.Repeat("z", 64)} {
		response, err := http.Get(base + Path + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("%s is answered with %s", path, response.Status)
		}
	}
}

func TestOneBlobIsFetchedOnce(t *testing.T) {
	s := open(t, 0)
	k := put(t, s, "wanted by all")
	var asked atomic.Int32
	f := serving(t, s, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked.Add(1); h.ServeHTTP(w, r) })
	})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			held, err := f.Fetch(context.Background(), k, 13)
			if err != nil {
				t.Error(err)
				return
			}
			held.Release()
		})
	}
	all.Wait()
	if asked.Load() != 1 || len(f.under) != 0 {
		t.Errorf("asked for %d times, %d still under way", asked.Load(), len(f.under))
	}
}
