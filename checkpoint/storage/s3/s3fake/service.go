// Package s3fake is a service that speaks as much of S3's protocol as package s3 uses, with answers that a test spoils. It stands in where no
// MinIO is at hand, and where a fault has to come at the right moment. What it does not know it answers with 501. Tests alone use it.
package s3fake

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/clock"
)

// Bucket is the only one that there is.
const Bucket = "checkpoints"

// Service is a running service, with its objects in memory. Credentials are not looked at.
type Service struct {
	// Before answers a request instead of the service if it returns true; After is called when the request has been done and before the
	// answer is sent, and drops answer and connection if it returns true. They may be nil, and are set while there are no requests.
	Before func(w http.ResponseWriter, r *http.Request) bool
	After  func(r *http.Request) bool

	server *httptest.Server
	clock  clock.Clock

	mu       sync.Mutex
	objects  map[string]Stored // by key
	uploads  map[string]map[int]Stored
	requests []string // method and key
}

// Stored is an object.
type Stored struct {
	Body     []byte
	ETag     string
	Modified time.Time
}

// New starts a service. Close ends it.
func New() *Service {
	s := &Service{clock: clock.System(), objects: map[string]Stored{}, uploads: map[string]map[int]Stored{}}
	s.server = httptest.NewServer(s)
	return s
}

// Close ends the service, when it has answered.
func (s *Service) Close() { s.server.Close() }

// URL is where it is reached.
func (s *Service) URL() string { return s.server.URL }

// Object returns the object of a key.
func (s *Service) Object(key string) (Stored, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, found := s.objects[key]
	return o, found
}

// Keys are those of all objects, in order.
func (s *Service) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.objects))
}

// Place makes an object.
func (s *Service) Place(key string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = Stored{body, "x", s.clock.Now()}
}

// Uploads is how many uploads in parts have neither been completed nor given up.
func (s *Service) Uploads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.uploads)
}

// Count is how many requests there were that begin with the text, such as "PUT some/where/a".
func (s *Service) Count(begin string) int {
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

// ServeHTTP answers a request.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+key)
	before, after := s.Before, s.After
	s.mu.Unlock()
	if before != nil && before(w, r) {
		return
	}
	recorded := httptest.NewRecorder()
	if in != Bucket {
		Refuse(recorded, http.StatusNotFound, "NoSuchBucket")
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

// Refuse answers with an error of the protocol.
func Refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s (fake)</Message></Error>", code, code)
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request, key string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		Refuse(w, http.StatusBadRequest, "IncompleteBody")
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
		s.uploads[id] = map[int]Stored{}
		fmt.Fprintf(w, "<InitiateMultipartUploadResult><UploadId>%s</UploadId></InitiateMultipartUploadResult>", id)
	case r.Method == http.MethodPost && query.Has("uploadId"):
		s.complete(w, r, key, query.Get("uploadId"))
	default:
		Refuse(w, http.StatusNotImplemented, "NotImplemented")
	}
}

// accept checks the checksum of a body.
func (s *Service) accept(w http.ResponseWriter, r *http.Request, body []byte) (Stored, bool) {
	if got := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, uint32(storage.ChecksumOf(body)))); r.Header.Get("x-amz-checksum-crc32c") != got {
		Refuse(w, http.StatusBadRequest, "XAmzContentChecksumMismatch")
		return Stored{}, false
	}
	sum := md5.Sum(body)
	o := Stored{body, hex.EncodeToString(sum[:]), s.clock.Now()}
	w.Header().Set("ETag", `"`+o.ETag+`"`)
	return o, true
}

func (s *Service) put(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	if _, taken := s.objects[key]; taken && r.Header.Get("If-None-Match") == "*" {
		Refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	if o, ok := s.accept(w, r, body); ok {
		s.objects[key] = o
	}
}

func (s *Service) complete(w http.ResponseWriter, r *http.Request, key, id string) {
	parts, ok := s.uploads[id]
	if !ok {
		Refuse(w, http.StatusNotFound, "NoSuchUpload")
		return
	}
	var whole []byte
	for number := 1; number <= len(parts); number++ {
		whole = append(whole, parts[number].Body...)
	}
	if o, ok := s.accept(w, r, whole); ok {
		s.objects[key] = o
		delete(s.uploads, id)
		fmt.Fprintf(w, "<CompleteMultipartUploadResult><Bucket>%s</Bucket><Key>%s</Key><ETag>%s</ETag></CompleteMultipartUploadResult>", Bucket, key, o.ETag)
	}
}

func (s *Service) get(w http.ResponseWriter, r *http.Request, key string) {
	o, ok := s.objects[key]
	if !ok {
		Refuse(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	w.Header().Set("ETag", `"`+o.ETag+`"`)
	http.ServeContent(w, r, "", o.Modified, strings.NewReader(string(o.Body)))
}

func (s *Service) list(w http.ResponseWriter, prefix, after string) {
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
			key, len(o.Body), o.Modified.UTC().Format(time.RFC3339))
	}
	fmt.Fprint(w, "</ListBucketResult>")
}

func (s *Service) deleteMany(w http.ResponseWriter, body []byte) {
	var request struct {
		Object []struct{ Key string }
	}
	if err := xml.Unmarshal(body, &request); err != nil {
		Refuse(w, http.StatusBadRequest, "MalformedXML")
		return
	}
	fmt.Fprint(w, "<DeleteResult>")
	for _, o := range request.Object {
		delete(s.objects, o.Key)
		fmt.Fprintf(w, "<Deleted><Key>%s</Key></Deleted>", o.Key)
	}
	fmt.Fprint(w, "</DeleteResult>")
}
