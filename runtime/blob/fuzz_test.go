package blob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
)

// FuzzRequests sends requests for one blob, with any path and range. What comes of the blob is a part of it.
func FuzzRequests(f *testing.F) {
	s, err := Open(f.TempDir(), 0)
	if err != nil {
		f.Fatal(err)
	}
	content := strings.Repeat("0123456789", 1000)
	k, _, err := s.Put(strings.NewReader(content), 1<<20)
	if err != nil {
		f.Fatal(err)
	}
	handler := Handler(s)
	for _, r := range []string{"", "bytes=0-", "bytes=9990-", "bytes=-5", "bytes=3-4,8-9", "bytes=10000-", "bytes=5-2", "bytes=99999999999999999999-", "lines=1-2"} {
		f.Add("GET", k.String(), r, "")
	}
	f.Add("HEAD", strings.ToUpper(k.String()), "bytes=1-2", `"`+k.String()+`"`)
	f.Add("PUT", "..%2f..%2fetc%2fpasswd", "", "*")
	f.Add("GET", strings.Repeat("z", 64), "", "")
	f.Fuzz(func(t *testing.T, method, key, asked, condition string) {
		request, err := http.NewRequest(method, "http://host"+Path+key, nil)
		if err != nil {
			return // no client can send it
		}
		request.Header.Set("Range", asked)
		request.Header.Set("If-Range", condition)
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		body := recorder.Body.String()
		switch recorder.Code {
		case http.StatusOK:
			if method == http.MethodGet && body != content {
				t.Errorf("%d bytes came of all", len(body))
			}
		case http.StatusPartialContent:
			if single := !strings.HasPrefix(recorder.Header().Get("Content-Type"), "multipart/"); single && !strings.Contains(content, body) {
				t.Errorf("a part that the blob does not have: %.100q", body)
			}
		case http.StatusInternalServerError:
			t.Errorf("%s %q %q: %s", method, key, asked, body)
		}
		for _, e := range s.blobs {
			if e.holders != 0 {
				t.Error("a blob is still held when the request has ended")
			}
		}
	})
}

// answering gives one answer to all requests.
type answering struct {
	status int
	body   []byte
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Status: http.StatusText(a.status), Body: io.NopCloser(bytes.NewReader(a.body)), Request: r}, nil
}

// FuzzAnswers has the other process answer anything while a part of the blob is there: what the store has in the end is the blob or nothing.
func FuzzAnswers(f *testing.F) {
	content := "what is in the blob"
	k := keyOfText(content)
	f.Add(200, []byte(content), []byte{})
	f.Add(206, []byte(content[4:]), []byte(content[:4]))
	f.Add(206, []byte(content), []byte("x"))
	f.Add(200, []byte(content+content), []byte(content))
	f.Add(404, []byte("no"), []byte(content[:3]))
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, status int, body, part []byte) {
		part = part[:min(len(part), 1000)]
		s, err := Open(folder, 0)
		if err != nil {
			t.Fatal(err)
		}
		_ = s.Delete(k)
		leave(t, s, k, part)
		fetcher := &Fetcher{
			Store: s, Client: &http.Client{Transport: answering{status, body}}, Base: func() (string, error) { return "http://host", nil },
			Clock: clock.System(), Tries: 2, Pause: time.Microsecond,
		}
		held, err := fetcher.Fetch(context.Background(), k, int64(len(content)))
		if err != nil {
			if missing := (*NotFound)(nil); errors.As(err, &missing) {
				t.Errorf("a blob that was fetched is not there: %v", err)
			}
			if s.Used() != 0 {
				t.Errorf("%d bytes are kept of what was not taken", s.Used())
			}
			return
		}
		defer held.Release()
		hold(t, s, k, content).Release()
	})
}
