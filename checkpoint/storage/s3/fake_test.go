package s3

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/clock"
)

// service is as much of S3 as the store uses, with answers that a test spoils. What it does not know it answers with 501. It stands in
// where no MinIO is at hand, and where a fault has to come at the right moment.
type service struct {
	t      *testing.T
	server *httptest.Server

	mu       sync.Mutex
	objects  map[string]stored // by key
	uploads  map[string]map[int]stored
	requests []string // method and key
	// before answers a request instead of the service if it returns true. It is called without the lock.
	before func(w http.ResponseWriter, r *http.Request) bool
	// after is called when the request has been done and before the answer is sent; true drops the answer and the connection.
	after func(r *http.Request) bool
}

type stored struct {
	body     []byte
	etag     string
	modified time.Time
}

const bucket = "checkpoints"

func newService(t *testing.T) *service {
	s := &service{t: t, objects: map[string]stored{}, uploads: map[string]map[int]stored{}}
	s.server = httptest.NewServer(s)
	t.Cleanup(s.server.Close)
	return s
}

// store returns a store in the service with short deadlines.
func (s *service) store(change ...func(*Config)) *Store {
	s.t.Helper()
	c := Config{Endpoint: s.server.URL, AccessKey: "key", SecretKey: "secret", Timeout: 30 * time.Second, Attempts: 3, Requests: 16}
	for _, f := range change {
		f(&c)
	}
	store := newStore(s.t, c, bucket, "some/where")
	store.client.parts = small
	return store
}

// small has the fake service, which keeps all in memory, get parts that are far smaller than S3 would take.
var small = partition{single: 2 << 20, part: 1 << 20}

func newStore(t testing.TB, c Config, bucket, prefix string) *Store {
	t.Helper()
	client, err := NewClient(c, hasty{clock.System()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	store, err := client.Store(bucket, prefix)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// hasty sleeps shorter than it is told to, between attempts.
type hasty struct{ clock.Clock }

func (h hasty) Sleep(ctx context.Context, d time.Duration) error { return h.Clock.Sleep(ctx, d/50) }

// count is how many requests there were that begin with the text, such as "PUT some/where/a".
func (s *service) count(begin string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.requests {
		if strings.HasPrefix(r, begin) {
			n++
		}
	}
	return n
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+key)
	before, after := s.before, s.after
	s.mu.Unlock()
	if before != nil && before(w, r) {
		return
	}
	recorded := httptest.NewRecorder()
	if in != bucket {
		refuse(recorded, http.StatusNotFound, "NoSuchBucket")
	} else {
		s.serve(recorded, r, key)
	}
	if after != nil && after(r) {
		panic(http.ErrAbortHandler)
	}
	for name, values := range recorded.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(recorded.Code)
	w.Write(recorded.Body.Bytes())
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s (fake)</Message></Error>", code, code)
}

func (s *service) serve(w http.ResponseWriter, r *http.Request, key string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		refuse(w, http.StatusBadRequest, "IncompleteBody")
		return
	}
	query := r.URL.Query()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.Method == http.MethodPut && query.Has("partNumber"):
		number, _ := strconv.Atoi(query.Get("partNumber"))
		if o, ok := s.accept(w, r, body); ok {
			s.uploads[query.Get("uploadId")][number] = o
		}
	case r.Method == http.MethodPut:
		s.put(w, r, key, body)
	case r.Method == http.MethodGet && query.Has("list-type"):
		s.list(w, query.Get("prefix"), query.Get("start-after"))
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		s.get(w, r, key)
	case r.Method == http.MethodDelete && query.Has("uploadId"):
		delete(s.uploads, query.Get("uploadId"))
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodDelete:
		delete(s.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPost && query.Has("delete"):
		s.deleteMany(w, body)
	case r.Method == http.MethodPost && query.Has("uploads"):
		id := fmt.Sprintf("upload-%d", len(s.requests))
		s.uploads[id] = map[int]stored{}
		fmt.Fprintf(w, "<InitiateMultipartUploadResult><UploadId>%s</UploadId></InitiateMultipartUploadResult>", id)
	case r.Method == http.MethodPost && query.Has("uploadId"):
		s.complete(w, r, key, query.Get("uploadId"))
	default:
		refuse(w, http.StatusNotImplemented, "NotImplemented")
	}
}

// accept checks the checksum of a body.
func (s *service) accept(w http.ResponseWriter, r *http.Request, body []byte) (stored, bool) {
	if got := encoded(storage.ChecksumOf(body)); r.Header.Get(headerChecksum) != got {
		refuse(w, http.StatusBadRequest, "XAmzContentChecksumMismatch")
		return stored{}, false
	}
	sum := md5.Sum(body)
	o := stored{body, hex.EncodeToString(sum[:]), time.Now()}
	w.Header().Set("ETag", `"`+o.etag+`"`)
	return o, true
}

func (s *service) put(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	if _, taken := s.objects[key]; taken && r.Header.Get("If-None-Match") == "*" {
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	if o, ok := s.accept(w, r, body); ok {
		s.objects[key] = o
	}
}

func (s *service) complete(w http.ResponseWriter, r *http.Request, key, id string) {
	parts, ok := s.uploads[id]
	if !ok {
		refuse(w, http.StatusNotFound, "NoSuchUpload")
		return
	}
	var whole []byte
	for number := 1; number <= len(parts); number++ {
		whole = append(whole, parts[number].body...)
	}
	if o, ok := s.accept(w, r, whole); ok {
		s.objects[key] = o
		delete(s.uploads, id)
		fmt.Fprintf(w, "<CompleteMultipartUploadResult><Bucket>%s</Bucket><Key>%s</Key><ETag>%s</ETag></CompleteMultipartUploadResult>", bucket, key, o.etag)
	}
}

func (s *service) get(w http.ResponseWriter, r *http.Request, key string) {
	o, ok := s.objects[key]
	if !ok {
		refuse(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	w.Header().Set("ETag", `"`+o.etag+`"`)
	http.ServeContent(w, r, "", o.modified, strings.NewReader(string(o.body)))
}

func (s *service) list(w http.ResponseWriter, prefix, after string) {
	var keys []string
	for key := range s.objects {
		if strings.HasPrefix(key, prefix) && key > after {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	more := len(keys) > 1000
	keys = keys[:min(len(keys), 1000)]
	fmt.Fprintf(w, "<ListBucketResult><IsTruncated>%v</IsTruncated><NextContinuationToken>t</NextContinuationToken>", more)
	for _, key := range keys {
		o := s.objects[key]
		fmt.Fprintf(w, "<Contents><Key>%s</Key><Size>%d</Size><LastModified>%s</LastModified></Contents>",
			key, len(o.body), o.modified.UTC().Format(time.RFC3339))
	}
	fmt.Fprint(w, "</ListBucketResult>")
}

func (s *service) deleteMany(w http.ResponseWriter, body []byte) {
	var request struct {
		Object []struct{ Key string }
	}
	if err := xml.Unmarshal(body, &request); err != nil {
		refuse(w, http.StatusBadRequest, "MalformedXML")
		return
	}
	fmt.Fprint(w, "<DeleteResult>")
	for _, o := range request.Object {
		delete(s.objects, o.Key)
		fmt.Fprintf(w, "<Deleted><Key>%s</Key></Deleted>", o.Key)
	}
	fmt.Fprint(w, "</DeleteResult>")
}
