package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/checkpoint/storage/s3/s3fake"
	"github.com/weir-stream/weir/checkpoint/storage/storagetest"
	"github.com/weir-stream/weir/runtime/config"
)

// brief is as short as a busy machine allows. The client library waits up to 200 ms for nothing after each failure.
func brief(c *Config) { c.Timeout = 700 * time.Millisecond }

// dropAnswers has the service do the first requests of a method but lose their answers.
func dropAnswers(method string, times int32) func(*http.Request) bool {
	var left atomic.Int32
	left.Store(times)
	return func(r *http.Request) bool { return r.Method == method && left.Add(-1) >= 0 }
}

func content(t *testing.T, s *Store, name string) string {
	t.Helper()
	body, err := s.Read(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestCreateWhoseAnswerWasLostKnowsItsOwnObject(t *testing.T) {
	service := newService(t)
	s := service.store()
	service.After = dropAnswers(http.MethodPut, 1)
	if err := s.Create(t.Context(), "log/1", []byte("slot of leader 1")); err != nil {
		t.Fatal(err)
	}
	if n := service.Count("PUT"); n != 2 {
		t.Errorf("%d requests instead of a repeated one", n)
	}
	service.After = dropAnswers(http.MethodPut, 1)
	if err := s.Create(t.Context(), "log/1", []byte("slot of leader 2")); !errors.Is(err, storage.Exists) {
		t.Errorf("the loser, whose answer was lost, got %v", err)
	}
	if got := content(t, s, "log/1"); got != "slot of leader 1" {
		t.Errorf("%q", got)
	}
}

func TestCreateThatSomebodyElseOvertookLoses(t *testing.T) {
	service := newService(t)
	s := service.store()
	service.Before = spoil(http.MethodPut, 1, func(w http.ResponseWriter, _ *http.Request) {
		service.Place("some/where/log/1", []byte("the other's"))
		s3fake.Refuse(w, http.StatusInternalServerError, "InternalError")
	})
	if err := s.Create(t.Context(), "log/1", []byte("mine")); !errors.Is(err, storage.Exists) {
		t.Error(err)
	}
}

func TestCreateIsAmbiguousOnlyIfItMayHaveHappened(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*service)
		want  storage.Kind
		made  bool
	}{
		"all answers lost": {func(s *service) { s.After = dropAnswers(http.MethodPut, 99) }, storage.Ambiguous, true},
		"500": {func(s *service) {
			s.Before = spoil(http.MethodPut, 99, func(w http.ResponseWriter, _ *http.Request) {
				s3fake.Refuse(w, http.StatusInternalServerError, "InternalError")
			})
		}, storage.Ambiguous, false},
		"no answer": {func(s *service) {
			s.Before = spoil(http.MethodPut, 99, func(_ http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				<-r.Context().Done()
			})
		}, storage.Ambiguous, false},
		"read back fails": {func(s *service) {
			s.After = dropAnswers(http.MethodPut, 1)
			s.Before = spoil(http.MethodGet, 99, func(w http.ResponseWriter, _ *http.Request) {
				s3fake.Refuse(w, http.StatusServiceUnavailable, "SlowDown")
			})
		}, storage.Ambiguous, true},
		"server is down": {func(s *service) { s.Close() }, storage.Transient, false},
		"403": {func(s *service) {
			s.Before = spoil(http.MethodPut, 99, func(w http.ResponseWriter, _ *http.Request) { s3fake.Refuse(w, http.StatusForbidden, "AccessDenied") })
		}, storage.Refused, false},
		"429": {func(s *service) {
			s.Before = spoil(http.MethodPut, 99, func(w http.ResponseWriter, _ *http.Request) { s3fake.Refuse(w, http.StatusTooManyRequests, "SlowDown") })
		}, storage.Transient, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := newService(t)
			s := service.store()
			if name == "no answer" {
				s = service.store(brief)
			}
			test.spoil(service)
			err := s.Create(t.Context(), "log/1", []byte("mine"))
			if storage.KindOf(err) != test.want || !errors.Is(err, test.want) {
				t.Errorf("got %v, want the kind %q", err, test.want)
			}
			t.Log(err)
			want := 3
			if test.want == storage.Refused {
				want = 1
			}
			if n := service.Count("PUT"); n != want && name != "server is down" && name != "read back fails" && name != "no answer" {
				t.Errorf("%d attempts instead of %d", n, want)
			}
			if _, made := service.Object("some/where/log/1"); made != test.made {
				t.Errorf("made: %v", made)
			}
		})
	}
}

func TestEndOfTheContextDuringCreateIsAmbiguous(t *testing.T) {
	service := newService(t)
	s := service.store()
	cause := errors.New("the checkpoint expired")
	ctx, cancel := context.WithCancelCause(t.Context())
	service.Before = spoil(http.MethodPut, 1, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		cancel(cause)
		<-r.Context().Done()
	})
	err := s.Create(ctx, "log/1", []byte("mine"))
	if !errors.Is(err, storage.Ambiguous) || !errors.Is(err, cause) {
		t.Error(err)
	}
	service.Before = spoil(http.MethodPut, 1, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	ctx, end := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer end()
	if _, err := s.Put(ctx, "a", storage.Bytes([]byte("x"))); !errors.Is(err, storage.Transient) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// The client library sends a wrong checksum with the repetition of an upload.
func TestUploadsAreRepeatedWhole(t *testing.T) {
	service := newService(t)
	s := service.store()
	body := storagetest.Pattern(1, 3<<20)
	service.Before = spoil(http.MethodPut, 2, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		s3fake.Refuse(w, http.StatusServiceUnavailable, "SlowDown")
	})
	sum, err := s.Put(t.Context(), "a", storage.Bytes(body))
	if err != nil || sum != storage.ChecksumOf(body) {
		t.Fatal(sum, err)
	}
	if got := content(t, s, "a"); got != string(body) {
		t.Error("other bytes arrived")
	}
}

func TestBytesThatChangeOnTheWayAreSentAgain(t *testing.T) {
	service := newService(t)
	s := service.store()
	service.Before = spoil(http.MethodPut, 1, func(w http.ResponseWriter, r *http.Request) { s3fake.Refuse(w, http.StatusBadRequest, "BadDigest") })
	if _, err := s.Put(t.Context(), "a", storage.Bytes([]byte("x"))); err != nil {
		t.Fatal(err)
	}
	service.Before = spoil(http.MethodPut, 3, func(w http.ResponseWriter, r *http.Request) { s3fake.Refuse(w, http.StatusBadRequest, "BadDigest") })
	if _, err := s.Put(t.Context(), "a", storage.Bytes([]byte("x"))); !errors.Is(err, storage.Damaged) {
		t.Error(err)
	}
}

func TestPartsAreRepeatedAndTheLostEndIsFound(t *testing.T) {
	t.Parallel()
	service := newService(t)
	s := service.store()
	size := 2*small.part + 5
	source := storagetest.PatternAt(2, size)
	service.Before = spoil(http.MethodPut, 1, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		s3fake.Refuse(w, http.StatusServiceUnavailable, "SlowDown")
	})
	var completions atomic.Int32
	service.After = func(r *http.Request) bool {
		return r.Method == http.MethodPost && r.URL.Query().Has("uploadId") && completions.Add(1) == 1
	}
	if _, err := s.Put(t.Context(), "big", storage.Section(source, size)); err != nil {
		t.Fatal(err)
	}
	if n := completions.Load(); n != 2 {
		t.Errorf("%d completions", n)
	}
	if n := service.Count("PUT"); n != 4 {
		t.Errorf("%d requests for three parts, one of which was repeated", n)
	}

	service.After = nil
	service.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPut || r.URL.Query().Get("partNumber") != "2" {
			return false
		}
		io.Copy(io.Discard, r.Body)
		s3fake.Refuse(w, http.StatusForbidden, "AccessDenied")
		return true
	}
	if _, err := s.Put(t.Context(), "big2", storage.Section(source, size)); !errors.Is(err, storage.Refused) {
		t.Error(err)
	}
	if service.Uploads() != 0 {
		t.Errorf("%d uploads are left over", service.Uploads())
	}
}

// partly answers with the first bytes of what the service would send, and then loses the connection or stands still.
func partly(s *service, bytes int, stall bool) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		o, _ := s.Object(strings.TrimPrefix(r.URL.Path, "/"+bucket+"/"))
		var from, to int
		fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to)
		w.Header().Set("ETag", `"`+o.ETag+`"`)
		w.Header().Set("Last-Modified", o.Modified.UTC().Format(http.TimeFormat))
		w.Header().Set("Content-Length", fmt.Sprint(to+1-from))
		w.WriteHeader(http.StatusPartialContent)
		w.Write(o.Body[from : from+bytes])
		w.(http.Flusher).Flush()
		if stall {
			<-r.Context().Done()
		}
		panic(http.ErrAbortHandler)
	}
}

func TestStreamGoesOnAfterALostOrStalledConnection(t *testing.T) {
	for _, stall := range []bool{false, true} {
		t.Run(fmt.Sprintf("stall %v", stall), func(t *testing.T) {
			t.Parallel()
			goesOn(t, stall)
		})
	}
}

func goesOn(t *testing.T, stall bool) {
	body := storagetest.Pattern(3, 1<<20)
	service := newService(t)
	s := service.store(func(c *Config) {
		if stall {
			brief(c)
		}
	})
	if _, err := s.Put(t.Context(), "a", storage.Bytes(body)); err != nil {
		t.Fatal(err)
	}
	object, err := s.Open(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	// As often in a row as there are attempts, but each brings something.
	service.Before = spoil(http.MethodGet, 3, partly(service, 10_000, stall))
	stream := object.Stream(7, int64(len(body))-7)
	got, err := io.ReadAll(stream)
	if err != nil || !bytes.Equal(got, body[7:]) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	stream.Close()
	if n := service.Count("GET some/where/a"); n < 4 {
		t.Errorf("%d requests instead of 4", n)
	}
	service.Before = spoil(http.MethodGet, 99, partly(service, 0, stall))
	if _, err := io.ReadAll(object.Stream(0, 10)); storage.KindOf(err) != storage.Transient {
		t.Errorf("%v", err)
	}
	p := make([]byte, 100)
	service.Before = spoil(http.MethodGet, 1, partly(service, 50, stall))
	if n, err := object.ReadAt(p, 3); err != nil || !bytes.Equal(p, body[3:103]) {
		t.Errorf("ReadAt %d, %v", n, err)
	}
}

func TestReplacedObjectIsNotMixed(t *testing.T) {
	service := newService(t)
	s := service.store()
	if _, err := s.Put(t.Context(), "a", storage.Bytes(storagetest.Pattern(4, 1000))); err != nil {
		t.Fatal(err)
	}
	object, err := s.Open(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "a", storage.Bytes(storagetest.Pattern(5, 1000))); err != nil {
		t.Fatal(err)
	}
	if _, err := object.ReadAt(make([]byte, 10), 0); !errors.Is(err, storage.Damaged) {
		t.Error(err)
	}
}

func TestServiceWithoutConditionalWritesIsFoundOut(t *testing.T) {
	service := newService(t)
	s := service.store()
	service.Before = func(_ http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("If-None-Match")
		return false
	}
	err := storage.Probe(t.Context(), s, "probe")
	if !errors.Is(err, storage.Refused) || !strings.Contains(err.Error(), "If-None-Match") {
		t.Error(err)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	service := newService(t)
	other := newStore(t, service.store().client.config, "no-such-bucket", "x")
	if err := other.Create(t.Context(), "a", nil); !errors.Is(err, storage.Refused) || !strings.Contains(err.Error(), "create the bucket") {
		t.Error(err)
	}
	secure := service.store(func(c *Config) { c.Endpoint = strings.Replace(c.Endpoint, "http://", "https://", 1) })
	if _, err := secure.Read(t.Context(), "a"); !errors.Is(err, storage.Refused) || !strings.Contains(err.Error(), "begin s3.endpoint with http://") {
		t.Error(err)
	}
	full := service.store()
	service.Before = spoil(http.MethodPut, 3, func(w http.ResponseWriter, _ *http.Request) {
		s3fake.Refuse(w, http.StatusInsufficientStorage, "XMinioStorageFull")
	})
	if _, err := full.Put(t.Context(), "a", storage.Bytes(nil)); !errors.Is(err, storage.Transient) || !strings.Contains(err.Error(), "free space") {
		t.Error(err)
	}
}

func TestRequestsAreBounded(t *testing.T) {
	service := newService(t)
	s := service.store(func(c *Config) { c.Requests = 2 })
	var now, most atomic.Int32
	release := make(chan struct{})
	service.Before = func(http.ResponseWriter, *http.Request) bool {
		n := now.Add(1)
		most.Store(max(most.Load(), n))
		if n == 2 {
			close(release)
		}
		<-release
		now.Add(-1)
		return false
	}
	done := make(chan error)
	for i := range 8 {
		go func() { done <- s.Create(t.Context(), fmt.Sprint("a", i), nil) }()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if most.Load() != 2 {
		t.Errorf("%d requests at once, the bound is 2", most.Load())
	}
}

func TestConfigured(t *testing.T) {
	env := map[string]string{"AWS_ENDPOINT_URL": "http://env:1", "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-west-1"}
	c := Configured(config.Configuration{}, func(name string) string { return env[name] })
	if c.Endpoint != "http://env:1" || c.Region != "eu-west-1" || c.AccessKey != "" || c.Timeout != 30*time.Second || c.Attempts != 3 || c.Requests != 16 {
		t.Errorf("%+v", c)
	}
	set, _, err := config.Load("", []string{
		"s3.endpoint=minio:9000", "s3.endpoint.region=here", "s3.access.key=a", "s3.secret-key=b", "s3.path.style.access=true",
	})
	if err != nil {
		t.Fatal(err)
	}
	c = Configured(set, func(name string) string { return env[name] })
	if c.Endpoint != "minio:9000" || c.Region != "here" || c.AccessKey != "a" || c.SecretKey != "b" || !c.PathStyle {
		t.Errorf("%+v", c)
	}
}

func TestWrongOptionsAreNamed(t *testing.T) {
	valid := Config{Attempts: 1, Requests: 1, Timeout: time.Second}
	for _, text := range []string{"http://", "ftp://minio", "http://minio:9000/path", "http://user@minio", "http://a b", "://"} {
		c := valid
		c.Endpoint = text
		if _, err := NewClient(c, nil); err == nil || !strings.Contains(err.Error(), "s3.endpoint") {
			t.Errorf("endpoint %q: %v", text, err)
		}
	}
	half := valid
	half.AccessKey = "a"
	if _, err := NewClient(half, nil); err == nil || !strings.Contains(err.Error(), "s3.secret-key") {
		t.Error(err)
	}
	client, err := NewClient(valid, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range [][2]string{{"x", ""}, {"a..b", ""}, {"good", "a//b"}, {"good", "../x"}, {"good", strings.Repeat("a/", 200) + "a"}} {
		if _, err := client.Store(place[0], place[1]); err == nil {
			t.Errorf("%q was accepted", place)
		}
	}
}

func TestPieces(t *testing.T) {
	for _, size := range []int64{0, 1, maxSingle, maxSingle + 1, minPart*maxParts + 1, 5 << 40} {
		pieces := partition{single: maxSingle, part: minPart}.cut(size)
		end := int64(0)
		for i, p := range pieces {
			if p.offset != end || i < len(pieces)-1 && (p.size != pieces[0].size || p.size < minPart) {
				t.Fatalf("size %d: piece %d is %+v", size, i, p)
			}
			end += p.size
		}
		if end != size || len(pieces) > maxParts || size <= maxSingle && len(pieces) != 1 {
			t.Errorf("size %d: %d pieces, up to %d", size, len(pieces), end)
		}
	}
}
