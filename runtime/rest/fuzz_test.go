package rest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-stream/weir/runtime/rest"
	"github.com/weir-stream/weir/runtime/rest/resttest"
)

// FuzzBodies sends anything to the endpoints that read a body: none may panic, and every answer has Flink's form.
func FuzzBodies(f *testing.F) {
	for _, c := range resttest.Calls("") {
		if c.RequestBody != nil && !strings.Contains(c.Path, "upload") {
			f.Add(c.Method, c.Path, *c.RequestBody)
		}
	}
	f.Add("PUT", "/jobs/"+runningJob+"/resource-requirements", `{"ca88eee0095684d687a1b6495617f957":{"parallelism":{"lowerBound":2,"upperBound":1}}}`)
	f.Add("POST", "/jobs/"+runningJob+"/stop", "{\"drain\":true}trailing")
	f.Add("POST", "/jobmanager/profiler", `{"duration":-1}`)
	server, cluster := newServer(f, rest.Options{})
	close(cluster.Gate)
	f.Fuzz(func(t *testing.T, method, path, body string) {
		request := &http.Request{Method: method, URL: requestURL("/" + strings.TrimLeft(path, "/")), Header: http.Header{}, Body: http.NoBody}
		if method != "GET" {
			request.Body = httptest.NewRequest("POST", "/", strings.NewReader(body)).Body
		}
		checkForm(t, server, request)
	})
}

func checkForm(t *testing.T, server http.Handler, request *http.Request) {
	t.Helper()
	got := httptest.NewRecorder()
	server.ServeHTTP(got, request)
	if strings.Contains(got.Body.String(), "a bug in Weir") {
		t.Fatalf("%s %q: %s", request.Method, request.URL, got.Body)
	}
	if strings.HasPrefix(got.Header().Get("Content-Type"), "application/json") && !json.Valid(got.Body.Bytes()) {
		t.Fatalf("%s %q: no JSON: %q", request.Method, request.URL, got.Body)
	}
}

// FuzzUpload sends anything as a form. What is stored is one file at most, of the form's own bytes, in the folder itself.
func FuzzUpload(f *testing.F) {
	const boundary = "multipart/form-data; boundary=x"
	f.Add(boundary, "--x\r\nContent-Disposition: form-data; name=\"jarfile\"; filename=\"a.jar\"\r\n\r\nprogram\r\n--x--\r\n")
	f.Add(boundary, "--x\r\nContent-Disposition: form-data; name=\"jarfile\"; filename=\"../../a.jar\"\r\nContent-Digest: sha-256=::\r\n\r\nprogram\r\n--x--\r\n")
	f.Add(boundary, "--x\r\nContent-Disposition: form-data; filename=\"a.jar\"\r\n\r\n1\r\n--x\r\nContent-Disposition: form-data; filename=\"b.jar\"\r\n\r\n2\r\n--x--\r\n")
	f.Add(boundary, "--x\r\n\r\n")
	f.Add("multipart/form-data", "")
	f.Add("multipart/mixed; boundary=\"\x00\"", "--\x00")
	dir := f.TempDir()
	server, _ := newServer(f, rest.Options{UploadDir: dir, LargestBody: 1 << 16})
	f.Fuzz(func(t *testing.T, kind, body string) {
		left, _ := os.ReadDir(dir)
		for _, file := range left { // of an input that has failed
			_ = os.Remove(filepath.Join(dir, file.Name()))
		}
		request := httptest.NewRequest("POST", "/jars/upload", strings.NewReader(body))
		request.Header.Set("Content-Type", kind)
		got := httptest.NewRecorder()
		server.ServeHTTP(got, request)
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		if got.Code == http.StatusOK {
			want = 1
		}
		if len(files) != want || got.Code >= http.StatusInternalServerError {
			t.Fatalf("%d files after %d %s", len(files), got.Code, got.Body)
		}
		for _, file := range files {
			if deleted := do(server, "DELETE", "/jars/"+url.PathEscape(file.Name()), "", nil); deleted.Code != http.StatusOK {
				t.Fatalf("%q cannot be deleted: %s", file.Name(), deleted.Body)
			}
		}
	})
}
