package s3

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/checkpoint/storage/storagetest"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/ident"
)

func TestFakeService(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t *testing.T) storage.Store { return newService(t).store() }, storagetest.Options{
		Pages: 17, Big: 5<<20 + 11,
		Another: func(t *testing.T, first storage.Store) storage.Store {
			s := first.(*Store)
			another := newStore(t, s.client.config, s.bucket, strings.TrimSuffix(s.prefix, "/"))
			another.client.parts = small
			return another
		},
	})
}

// endpointVariable tells the tests where a real service is, with a scheme; WEIR_TEST_S3_KEY and WEIR_TEST_S3_SECRET are its credentials.
const endpointVariable = "WEIR_TEST_S3"

// realConfig is that of the service that the environment names. Without one the test is skipped.
func realConfig(t testing.TB) Config {
	t.Helper()
	address := os.Getenv(endpointVariable)
	if address == "" {
		t.Skip(endpointVariable + " is not set: make integration starts a MinIO and runs this test")
	}
	return Config{
		Endpoint: address, AccessKey: os.Getenv(endpointVariable + "_KEY"), SecretKey: os.Getenv(endpointVariable + "_SECRET"),
		Timeout: 30 * time.Second, Attempts: 3, Requests: 16,
	}
}

// realStore returns an empty store in the real service, in a bucket for tests.
func realStore(t testing.TB) *Store {
	t.Helper()
	c := realConfig(t)
	client, err := NewClient(c, clock.System())
	if err != nil {
		t.Fatal(err)
	}
	const tests = "weir-tests"
	err = client.core.MakeBucket(t.Context(), tests, minio.MakeBucketOptions{})
	if code := answer(err).Code; err != nil && code != "BucketAlreadyOwnedByYou" && code != "BucketAlreadyExists" {
		t.Fatal(err)
	}
	return newStore(t, c, tests, t.Name()[:min(len(t.Name()), 20)]+"-"+ident.NewID().String())
}

func TestRealService(t *testing.T) {
	realConfig(t)
	storagetest.Run(t, func(t *testing.T) storage.Store { return realStore(t) }, storagetest.Options{
		Pages: 17, Big: 70<<20 + 11,
		Another: func(t *testing.T, first storage.Store) storage.Store {
			s := first.(*Store)
			return newStore(t, s.client.config, s.bucket, strings.TrimSuffix(s.prefix, "/"))
		},
	})
}

// Uploads need memory for buffers only, whatever their size and number.
func TestRealServiceMemoryOfUploads(t *testing.T) {
	s := realStore(t)
	files := tables(t, 4)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	upload(t, s, files, 8, 4)
	runtime.ReadMemStats(&after)
	// All that was ever allocated, so the heap never had more.
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 32<<20 {
		t.Errorf("%d MiB were allocated for uploads of 256 MiB", allocated>>20)
	}
}

// BenchmarkRealServiceUpload uploads tables of 32 MiB by four goroutines.
func BenchmarkRealServiceUpload(b *testing.B) {
	s := realStore(b)
	files := tables(b, 4)
	b.SetBytes(32 << 20)
	b.ReportAllocs()
	b.ResetTimer()
	upload(b, s, files, b.N, 4)
}

// tables writes files of 32 MiB.
func tables(t testing.TB, count int) []string {
	t.Helper()
	var files []string
	for i := range count {
		files = append(files, filepath.Join(t.TempDir(), fmt.Sprint(i, ".sst")))
		if err := os.WriteFile(files[i], storagetest.Pattern(uint64(i), 32<<20), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// upload puts count objects, by a number of goroutines, and deletes each at once, since room is scarce where tests run.
func upload(t testing.TB, s *Store, files []string, count, writers int) {
	var next atomic.Int32
	var done sync.WaitGroup
	for range writers {
		done.Go(func() {
			for i := int(next.Add(1)); i <= count; i = int(next.Add(1)) {
				name := fmt.Sprint("shared/", i)
				if _, err := s.Put(t.Context(), name, storage.File(files[i%len(files)])); err != nil {
					t.Error(err)
					return
				}
				if err := s.Delete(t.Context(), name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
}

// spoil has the service do something else for the first requests of a method.
func spoil(method string, times int, f func(w http.ResponseWriter, r *http.Request)) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != method || times == 0 {
			return false
		}
		times--
		f(w, r)
		return true
	}
}
