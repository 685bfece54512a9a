package exactlyonce

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/weir-stream/weir/checkpoint/storage/s3/s3fake"
	"github.com/weir-stream/weir/runtime/failpoint"
)

// Checkpoints lie in a service of S3's kind, behind HTTP, which fails for a while and then is well again.

// outage answers requests of a service with an error.
type outage struct {
	status int
	code   string

	mu    sync.Mutex
	spans []span
}

// span is some requests of a method, "" for any, whose key has a part: those after skip, so many times.
type span struct {
	method, part string
	skip, times  int
}

func (o *outage) begin(spans ...span) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.spans = spans
}

// left are the spans that have not come to their end.
func (o *outage) left() (left []span) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.spans {
		if s.times > 0 {
			left = append(left, s)
		}
	}
	return left
}

func (o *outage) before(w http.ResponseWriter, r *http.Request) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.spans {
		s := &o.spans[i]
		if s.method != "" && s.method != r.Method || !strings.Contains(r.URL.Path, s.part) || s.times == 0 {
			continue
		}
		if s.skip > 0 {
			s.skip--
			continue
		}
		s.times--
		s3fake.Refuse(w, o.status, o.code)
		return true
	}
	return false
}

// in has the job keep its checkpoints in a service.
func in(s *s3fake.Service) option {
	return func(l *life) {
		l.Properties = append(l.Properties, "execution.checkpointing.dir=s3://"+s3fake.Bucket+"/checkpoints", "s3.endpoint="+s.URL(),
			"s3.access-key=key", "s3.secret-key="+secret, "weir.storage.attempts=2")
	}
}

const secret = "the-words-that-nobody-may-see"

func TestServiceAnswers500(t *testing.T) {
	serviceFails(t, http.StatusInternalServerError, "InternalError")
}

func TestServiceAnswers503(t *testing.T) {
	serviceFails(t, http.StatusServiceUnavailable, "SlowDown")
}

func serviceFails(t *testing.T, status int, code string) {
	eachBackend(t, func(t *testing.T, j *job) {
		service := s3fake.New()
		defer service.Close()
		o := &outage{status: status, code: code}
		service.Before = o.before

		// While the log is claimed, and while there are checkpoints, longer than a request is repeated: some of them fail.
		o.begin(span{times: 5}, span{http.MethodPut, "/shared/", 8, 5}, span{http.MethodPut, "/_metadata", 2, 3}, span{http.MethodPut, "/log/", 6, 3})
		j.dies(kill, failpoint.Releasing, 5, leisurely, in(service))
		if left := o.left(); len(left) > 0 {
			t.Errorf("%v did not happen", left)
		}
		// While it is claimed again, and while files are fetched.
		o.begin(span{skip: 1, times: 5}, span{http.MethodGet, "/shared/", 1, 5})
		_, said := j.finishes(in(service))
		if left := o.left(); len(left) > 0 {
			t.Errorf("%v did not happen: %s", left, said)
		}
		if strings.Contains(said, secret) || !strings.Contains(said, "it is tried again") {
			t.Error(said)
		}
		for _, key := range service.Keys() {
			if !strings.Contains(key, "/log/") {
				t.Errorf("%s is left", key)
			}
		}
	})
}
