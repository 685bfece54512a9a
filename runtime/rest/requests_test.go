package rest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/rest"
	"github.com/weir-stream/weir/runtime/rest/resttest"
	"github.com/weir-stream/weir/runtime/rest/view"
)

const runningJob = "00000000000000000000000000000abc"

// errorsOf reads the texts of an error.
func errorsOf(t testing.TB, got *httptest.ResponseRecorder) []string {
	t.Helper()
	var body struct{ Errors []string }
	if err := json.Unmarshal(got.Body.Bytes(), &body); err != nil || len(body.Errors) == 0 {
		t.Fatalf("no error of Flink's form: %q", got.Body)
	}
	return body.Errors
}

func TestPathsAndPrefixes(t *testing.T) {
	server, _ := newServer(t, rest.Options{Prefix: "/some/where/"}, "running")
	for path, want := range map[string]int{
		"/some/where/overview": 200, "/some/where/v1/overview": 200, "/some/where/v1/jobs/" + runningJob: 200, "/some/where/jobs/" + runningJob + "/": 200,
		"/overview": 404, "/some/whereoverview": 404, "/some/where/v2/overview": 404, "/some/where/v1v1/overview": 404, "/some/where//jobs//overview": 404,
		"/some/where/taskmanagers/localhost%3A45319-be19bf": 200,
	} {
		request := &http.Request{Method: "GET", URL: requestURL(path), Body: http.NoBody, Header: http.Header{}}
		recorder := httptest.NewRecorder()
		server.ServeHTTP(recorder, request)
		if recorder.Code != want {
			t.Errorf("%s: %d, want %d: %s", path, recorder.Code, want, recorder.Body)
		}
	}
}

func TestNamesFromOutsideLeadNowhere(t *testing.T) {
	server, cluster := newServer(t, rest.Options{}, "running")
	for _, path := range []string{
		"/jobmanager/logs/..%2F..%2Fetc%2Fpasswd", "/jobmanager/logs/..", "/jobmanager/logs/%2e%2e", "/jobmanager/logs/a%5Cb", "/jobmanager/logs/a%00b",
		"/taskmanagers/x/logs/..%2Fsecret", "/jobmanager/profiler/..%2Fx", "/jars/..%2Fx.jar/plan", "/jars/%2Fetc%2Fpasswd/plan", "/jobmanager/logs/" + strings.Repeat("a", 300),
		"/jobs/00000000000000000000000000000ABG", "/jobs/" + runningJob + "/vertices/ca88eee0095684d687a1b6495617f957/subtasks/-1",
		"/jobs/" + runningJob + "/vertices/ca88eee0095684d687a1b6495617f957/subtasks/99999999999", "/jobs/" + runningJob + "/checkpoints/details/-1",
		"/jobs/" + runningJob + "/rescales/details/x",
	} {
		if got := do(server, "GET", path, "", nil); got.Code != http.StatusBadRequest && got.Code != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, got.Code, got.Body)
		}
	}
	if did := cluster.Done(); len(did) > 0 {
		t.Errorf("the cluster was told %q", did)
	}
}

func TestUploads(t *testing.T) {
	dir := t.TempDir()
	server, _ := newServer(t, rest.Options{UploadDir: dir, LargestBody: 4000}, "running")
	upload := func(kind string, body io.Reader) *httptest.ResponseRecorder {
		return do(server, "POST", "/v1/jars/upload", kind, body)
	}
	left := func(want int) {
		t.Helper()
		files, err := os.ReadDir(dir)
		if err != nil || len(files) != want {
			t.Errorf("%d files, want %d: %v", len(files), want, err)
		}
	}
	kind, body := formOf(t, "words.jar", strings.Repeat("x", 5000))
	if got := upload(kind, body); got.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("too big: %d %s", got.Code, got.Body)
	}
	kind, body = formOf(t, "words.jar", strings.Repeat("x", 1000))
	whole, _ := io.ReadAll(body)
	for _, cut := range []int{0, 10, 200, 1000, len(whole) - 3} {
		if got := upload(kind, bytes.NewReader(whole[:cut])); got.Code != http.StatusBadRequest {
			t.Errorf("cut off after %d bytes: %d %s", cut, got.Code, got.Body)
		}
	}
	if got := upload(kind, io.MultiReader(bytes.NewReader(whole[:700]), iotest.ErrReader(io.ErrUnexpectedEOF))); got.Code != http.StatusBadRequest {
		t.Errorf("connection lost: %d %s", got.Code, got.Body)
	}
	if got := upload(kind+"; charset=", bytes.NewReader(whole)); got.Code != http.StatusBadRequest {
		t.Errorf("bad content type: %d %s", got.Code, got.Body)
	}
	left(0)
	if got := upload(twoFiles(t)); got.Code != http.StatusBadRequest || !strings.Contains(errorsOf(t, got)[0], "received 2") {
		t.Errorf("two files: %d %s", got.Code, got.Body)
	}
	left(0)
	if got := upload(kind, bytes.NewReader(whole)); got.Code != http.StatusOK {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	left(1)
	sum := sha256.Sum256([]byte("program"))
	for digest, want := range map[string]int{
		"sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":": 200, "sha-512=:x:, sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":": 200,
		"sha-256=:" + base64.StdEncoding.EncodeToString(make([]byte, 32)) + ":": 400, "sha-256=:abc:": 400,
	} {
		if got := upload(withDigest(t, "program", digest)); got.Code != want {
			t.Errorf("digest %s: %d %s", digest, got.Code, got.Body)
		}
	}
	left(3)
}

func twoFiles(t *testing.T) (string, io.Reader) {
	var buffer bytes.Buffer
	form := multipart.NewWriter(&buffer)
	for _, name := range []string{"a.jar", "b.jar"} {
		part, err := form.CreateFormFile("jarfile", name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write([]byte("x"))
	}
	_ = form.Close()
	return form.FormDataContentType(), &buffer
}

func withDigest(t *testing.T, content, digest string) (string, io.Reader) {
	t.Helper()
	var buffer bytes.Buffer
	form := multipart.NewWriter(&buffer)
	part, err := form.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="jarfile"; filename="words.jar"`}, "Content-Digest": {digest}})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(part, content)
	_ = form.Close()
	return form.FormDataContentType(), &buffer
}

func TestTokens(t *testing.T) {
	manual := clock.NewManual(time.Unix(0, 0))
	group := metrics.NewRegistry(manual, nil).Root(metrics.LevelJobManager)
	var log bytes.Buffer
	server, cluster := newServer(t, rest.Options{Token: "s3cret", Clock: manual, Metrics: group, Log: slog.New(slog.NewTextHandler(&log, nil))}, "running")
	ask := func(header string) int {
		request := httptest.NewRequest("DELETE", "/v1/cluster", nil)
		if header != "" {
			request.Header.Set("Authorization", header)
		}
		recorder := httptest.NewRecorder()
		server.ServeHTTP(recorder, request)
		if recorder.Code == http.StatusUnauthorized && (recorder.Header().Get("WWW-Authenticate") != "Bearer" || errorsOf(t, recorder) == nil) {
			t.Error("the refusal does not say what is missing")
		}
		return recorder.Code
	}
	refused := []string{"", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3crets", "Basic s3cret", "Bearer  s3cret", "s3cret"}
	for _, header := range refused {
		if got := ask(header); got != http.StatusUnauthorized {
			t.Errorf("%q: %d", header, got)
		}
	}
	if len(cluster.Done()) > 0 {
		t.Error("a refused request was carried out")
	}
	if got := group.SharedCounter("restRefusedTokens").Count(); got != int64(len(refused)) {
		t.Errorf("%d refusals are counted", got)
	}
	if got := strings.Count(log.String(), "a REST request was refused"); got != 2 || strings.Contains(log.String(), "s3c") {
		t.Errorf("%d lines: %s", got, &log)
	}
	manual.Advance(time.Second)
	ask("Bearer x")
	if !strings.Contains(log.String(), `reason="wrong token"`) || !strings.Contains(log.String(), "likeItNotLogged=3") {
		t.Errorf("log: %s", &log)
	}
	for _, header := range []string{"Bearer s3cret", "bearer s3cret"} {
		if got := ask(header); got != http.StatusOK {
			t.Errorf("%q: %d", header, got)
		}
	}
}

// An operation is carried out beside its trigger, once for each id, and forgotten after its time.
func TestAsynchronousOperations(t *testing.T) {
	manual := clock.NewManual(time.Unix(0, 0))
	server, cluster := newServer(t, rest.Options{Clock: manual, MostOperations: 2}, "running")
	const path, id = "/v1/jobs/" + runningJob + "/savepoints", "0123456789abcdef0123456789abcdef"
	trigger := func(id string) int {
		return do(server, "POST", path, "application/json", strings.NewReader(`{"triggerId":"`+id+`"}`)).Code
	}
	poll := func(id string) string { return do(server, "GET", path+"/"+id, "", nil).Body.String() }
	for range 2 {
		if got := trigger(id); got != http.StatusAccepted {
			t.Errorf("trigger: %d", got)
		}
	}
	if got := trigger("xyz"); got != http.StatusBadRequest {
		t.Errorf("a malformed id: %d", got)
	}
	if got := poll(id); got != `{"status":{"id":"IN_PROGRESS"},"operation":null}` {
		t.Error(got)
	}
	other := strings.Repeat("1", 32)
	if trigger(other) != 202 || trigger(strings.Repeat("2", 32)) != http.StatusServiceUnavailable {
		t.Error("the number of operations is not bounded")
	}
	cluster.Gate <- struct{}{}
	cluster.Gate <- struct{}{}
	for strings.Contains(poll(id)+poll(other), "IN_PROGRESS") {
	}
	if got := poll(id); got != `{"status":{"id":"COMPLETED"},"operation":{"location":"file:/data/savepoints/savepoint-1"}}` {
		t.Error(got)
	}
	if did := cluster.Done(); len(did) != 2 {
		t.Errorf("%q", did)
	}
	manual.Advance(5 * time.Minute)
	if got := do(server, "GET", path+"/"+id, "", nil); got.Code != http.StatusNotFound {
		t.Errorf("after its time: %d %s", got.Code, got.Body)
	}
}

func TestCloseEndsOperations(t *testing.T) {
	cluster := resttest.New("running")
	server, err := rest.New(cluster, rest.Options{UploadDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	do(server, "POST", "/jobs/"+runningJob+"/checkpoints", "", nil)
	if err := server.Close(); err != nil { // it would not return if the operation went on
		t.Error(err)
	}
	if got := do(server, "POST", "/jobs/"+runningJob+"/checkpoints", "", nil); got.Code != http.StatusServiceUnavailable {
		t.Errorf("after Close: %d %s", got.Code, got.Body)
	}
}

// A failure bears what Flink's client reads of it.
func TestFailuresOfOperationsAreSerialized(t *testing.T) {
	server, cluster := newServer(t, rest.Options{}, "running")
	close(cluster.Gate)
	const id = "0123456789abcdef0123456789abcdef"
	do(server, "POST", "/savepoint-disposal", "", strings.NewReader(`{"savepoint-path":"/nosuch","triggerId":"`+id+`"}`))
	body := ""
	for body == "" || strings.Contains(body, "IN_PROGRESS") {
		body = do(server, "GET", "/savepoint-disposal/"+id, "", nil).Body.String()
	}
	var got struct {
		Operation struct {
			Raw map[string]string `json:"failure-cause"`
		}
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	object, err := base64.StdEncoding.DecodeString(got.Operation.Raw["serialized-throwable"])
	if err != nil || !bytes.Contains(object, []byte("\x00\x23could not dispose savepoint /nosuch")) {
		t.Errorf("%v: %q", err, object)
	}
	if !strings.Contains(got.Operation.Raw["stack-trace"], "could not dispose savepoint /nosuch") || got.Operation.Raw["class"] != "org.apache.flink.util.FlinkException" {
		t.Error(got.Operation.Raw)
	}
}

// Options that are off leave nothing where they were.
func TestWhatIsTurnedOff(t *testing.T) {
	server, err := rest.New(resttest.New("running"), rest.Options{NoSubmit: true, Static: fstest.MapFS{
		"index.html": {Data: []byte("<html>")}, "assets/a.js": {Data: []byte("1")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for path, want := range map[string]int{
		"/jars": 404, "/jobmanager/profiler": 404, "/overview": 200, "/": 200, "/assets/a.js": 200, "/assets": 404, "/assets/../index.html": 404, "/nosuch": 404,
	} {
		if got := do(server, "GET", path, "", nil); got.Code != want {
			t.Errorf("%s: %d, want %d", path, got.Code, want)
		}
	}
	if got := do(server, "GET", "/jobs/"+runningJob+"/vertices/ca88eee0095684d687a1b6495617f957/flamegraph", "", nil).Body.String(); got != `{"endTimestamp":-2}` {
		t.Error(got)
	}
	if got := do(server, "GET", "/config", "", nil).Body.String(); !strings.Contains(got, `"web-submit":false`) {
		t.Error(got)
	}
}

// broken fails and panics.
type broken struct{ rest.Cluster }

func (broken) Overview(context.Context) (view.Overview, error) { panic("boom") }
func (broken) Jobs(context.Context) ([]view.JobSummary, error) { return nil, rest.ErrUnavailable }
func (broken) TaskManagers(context.Context) ([]view.TaskManager, error) {
	return nil, io.ErrClosedPipe
}

func (broken) Requirements(context.Context, ident.JobID) (map[ident.VertexID]view.Bounds, error) {
	return nil, &rest.EndedError{State: view.JobFailed}
}

func TestErrorsAndPanics(t *testing.T) {
	server, err := rest.New(broken{}, rest.Options{NoSubmit: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for path, want := range map[string]struct {
		status, texts int
		contains      string
	}{
		"/overview": {500, 2, "a bug in Weir: boom"}, "/jobs/" + runningJob + "/resource-requirements": {409, 1, "the job has already ended: FAILED"}, "/jobs": {503, 1, "nobody leads the cluster"}, "/taskmanagers": {500, 2, "io: read/write on closed pipe"},
	} {
		got := do(server, "GET", path, "", nil)
		texts := errorsOf(t, got)
		if got.Code != want.status || len(texts) != want.texts || !strings.Contains(texts[len(texts)-1], want.contains) {
			t.Errorf("%s: %d %q", path, got.Code, texts)
		}
	}
}

func TestOpenAPIDescribesEveryEndpoint(t *testing.T) {
	server, _ := newServer(t, rest.Options{})
	var document struct {
		Paths      map[string]map[string]struct{ Responses map[string]any }
		Components struct{ Schemas map[string]any }
	}
	got := do(server, "GET", "/weir/v1/openapi.json", "", nil)
	if err := json.Unmarshal(got.Body.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	declared, err := os.ReadFile("testdata/endpoints.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(declared)), "\n")
	for _, line := range lines {
		fields := strings.Fields(line)
		operation := document.Paths["/v1"+regexpParameter.ReplaceAllString(fields[1], "{$1}")][strings.ToLower(fields[0])]
		if operation.Responses[fields[2]] == nil {
			t.Errorf("%s is not described", line)
		}
	}
	described := 0
	for _, methods := range document.Paths {
		described += len(methods)
	}
	if described != len(lines)+7 { // and Weir's own
		t.Errorf("%d endpoints", described)
	}
	for _, c := range resttest.Calls("") {
		path := regexpParameter.ReplaceAllString(c.Template, "{$1}")
		if c.Status >= 300 || c.Template == "" || strings.HasPrefix(c.Path, "/v1") {
			continue
		}
		if document.Paths["/v1"+path][strings.ToLower(c.Method)].Responses == nil {
			t.Errorf("%s %s is not described", c.Method, path)
		}
	}
	for _, reference := range regexpReference.FindAllStringSubmatch(got.Body.String(), -1) {
		if document.Components.Schemas[reference[1]] == nil {
			t.Errorf("%s is referred to and not there", reference[1])
		}
	}
	if got := do(server, "GET", "/weir/v1/version", "", nil).Body.String(); !strings.Contains(got, `"revision":"abcdef"`) {
		t.Error(got)
	}
}
