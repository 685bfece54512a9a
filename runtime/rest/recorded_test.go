package rest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/rest"
	"github.com/weir-stream/weir/runtime/rest/resttest"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// newServer returns a server over a cluster as it was in the states.
func newServer(t testing.TB, options rest.Options, states ...string) (*rest.Server, *resttest.Cluster) {
	t.Helper()
	cluster := resttest.New(states...)
	if options.UploadDir == "" {
		options.UploadDir = t.TempDir()
	}
	if options.Clock == nil {
		options.Clock = clock.NewManual(time.UnixMilli(1795248650000))
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	options.Build = view.Build{Revision: "abcdef", Time: time.UnixMilli(0)}
	options.Profiling, options.FlameGraphs = true, true
	server, err := rest.New(cluster, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server, cluster
}

func do(server http.Handler, method, path, kind string, body io.Reader) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, body)
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	recorder := httptest.NewRecorder()
	server.ServeHTTP(recorder, request)
	return recorder
}

// formOf is a form with one file.
func formOf(t testing.TB, name, content string) (kind string, body io.Reader) {
	t.Helper()
	var buffer bytes.Buffer
	form := multipart.NewWriter(&buffer)
	part, err := form.CreateFormFile("jarfile", name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(part, content); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	return form.FormDataContentType(), &buffer
}

// replay asks a server what was recorded, with its own ids of jars and triggers in the place of the recorded ones.
type replay struct {
	server  http.Handler
	cluster *resttest.Cluster
	ids     map[string]string
}

const recordedJar = "fc96b863-42b0-4bef-a706-265bce3a0a95_restjobs.jar"

func (r *replay) ask(t *testing.T, c resttest.Call) *httptest.ResponseRecorder {
	t.Helper()
	path := c.Path
	for recorded, own := range r.ids {
		path = strings.ReplaceAll(path, recorded, own)
	}
	kind, body := "application/json", io.Reader(strings.NewReader("{}"))
	if c.RequestBody != nil {
		body = strings.NewReader(*c.RequestBody)
		if name := regexp.MustCompile(`filename="([^"]+)"`).FindStringSubmatch(*c.RequestBody); name != nil {
			kind, body = formOf(t, name[1], "a job binary")
		}
	}
	return do(r.server, c.Method, strings.ReplaceAll(path, " ", "%20"), kind, body)
}

// settle repeats a poll until the operation is as it was recorded.
func (r *replay) settle(t *testing.T, c resttest.Call, first *httptest.ResponseRecorder) *httptest.ResponseRecorder {
	t.Helper()
	got := first
	for strings.Contains(string(c.Answer()), `"COMPLETED"`) && strings.Contains(got.Body.String(), `"IN_PROGRESS"`) && strings.Contains(c.Template, "triggerid") {
		select {
		case r.cluster.Gate <- struct{}{}:
		default:
		}
		got = r.ask(t, c)
	}
	return got
}

// learn takes the server's own ids from an answer.
func (r *replay) learn(recorded, got any) {
	was, _ := recorded.(map[string]any)
	is, _ := got.(map[string]any)
	if id, ok := was["request-id"].(string); ok {
		r.ids[id], _ = is["request-id"].(string)
	}
	if _, ok := was["filename"]; ok {
		file, _ := is["filename"].(string)
		r.ids[recordedJar] = file[strings.LastIndex(file, "/")+1:]
	}
}

// notSampled says that a flame graph was recorded before there was one.
func notSampled(c resttest.Call, recorded any) bool {
	answer, _ := recorded.(map[string]any)
	return strings.HasSuffix(c.Template, "/flamegraph") && answer["endTimestamp"] != nil && answer["data"] == nil
}

// triggerBefore makes the operation that a recorded poll looks at, where the trigger was not recorded.
func (r *replay) triggerBefore(t *testing.T, c resttest.Call) {
	t.Helper()
	if !strings.Contains(c.File, "-result-") || c.Method != http.MethodGet || !strings.Contains(c.Template, ":triggerid") {
		return
	}
	path, id := c.Path[:strings.LastIndex(c.Path, "/")], c.Path[strings.LastIndex(c.Path, "/")+1:]
	if strings.Contains(c.File, "/stop-result") {
		path = strings.TrimSuffix(path, "savepoints") + "stop"
	}
	if got := do(r.server, "POST", path, "application/json", strings.NewReader(`{"triggerId":"`+id+`"}`)); got.Code != http.StatusAccepted {
		t.Errorf("%s: %d %s", path, got.Code, got.Body)
	}
}

func (r *replay) check(t *testing.T, c resttest.Call) {
	t.Helper()
	r.triggerBefore(t, c)
	got := r.settle(t, c, r.ask(t, c))
	if got.Code != c.Status {
		t.Errorf("%s %s: status %d, recorded %d\n%s", c.Method, c.Path, got.Code, c.Status, got.Body)
		return
	}
	kind, _, _ := strings.Cut(got.Header().Get("Content-Type"), ";")
	if want, _, _ := strings.Cut(c.ContentType, ";"); kind != want {
		t.Errorf("%s %s: %q, recorded %q", c.Method, c.Path, kind, want)
	}
	for name, value := range c.Headers {
		if got.Header().Get(name) != value {
			t.Errorf("%s %s: header %s is %q, recorded %q", c.Method, c.Path, name, got.Header().Get(name), value)
		}
	}
	if kind != "application/json" || c.Method == http.MethodHead {
		return
	}
	var recorded, answered any
	if err := json.Unmarshal(c.Answer(), &recorded); err != nil {
		t.Fatalf("%s: %v", c.File, err)
	}
	if err := json.Unmarshal(got.Body.Bytes(), &answered); err != nil {
		t.Errorf("%s %s: %v\n%s", c.Method, c.Path, err, got.Body)
		return
	}
	r.learn(recorded, answered)
	if notSampled(c, recorded) {
		return
	}
	for _, difference := range resttest.Differences(recorded, answered) {
		t.Errorf("%s %s: %s", c.Method, c.Path, difference)
	}
}

// What Flink answered to a request that means nothing here.
var notAnswered = map[string]string{
	"responses/errors/jars_jarid_run-missing-class.json": "a job binary has one program, whatever class is named",
}

// Every recorded call gets an answer of the recorded status, content type and shape.
func TestAnswersHaveTheRecordedShapes(t *testing.T) {
	for state, of := range map[string][]string{
		"empty": nil, "running": {"running"}, "finished": {"running", "finished"}, "canceled": {"running", "canceled"}, "failed": {"running", "failed"},
		"restarting": {"running", "restarting"}, "backpressured": {"backpressured"}, "restored": {"restored"}, "stopped": {"stopped"},
	} {
		t.Run(state, func(t *testing.T) {
			server, cluster := newServer(t, rest.Options{}, of...)
			close(cluster.Gate)
			r := &replay{server: server, cluster: cluster, ids: map[string]string{}}
			if state != "empty" {
				kind, body := formOf(t, "restjobs.jar", "a job binary")
				if got := do(server, "POST", "/jars/upload", kind, body); got.Code != http.StatusOK {
					t.Fatal(got.Body)
				}
			}
			calls := resttest.Calls(state)
			for _, c := range calls {
				r.check(t, c)
			}
			if len(calls) == 0 {
				t.Error("nothing was recorded")
			}
		})
	}
}

// The calls that change something, and the errors, in the order in which they were made.
func TestFlowsAndErrorsAreAsRecorded(t *testing.T) {
	server, cluster := newServer(t, rest.Options{}, "running", "finished", "canceled", "failed", "backpressured", "restored")
	r := &replay{server: server, cluster: cluster, ids: map[string]string{}}
	cluster.Also("2ab9cafa729c70e2796af29fe76b89e1", "running") // it was started and stopped among these calls
	asked := 0
	for _, c := range resttest.Calls("") {
		if c.State != "flows" && c.State != "errors" || notAnswered[c.File] != "" {
			continue
		}
		r.check(t, c)
		asked++
	}
	if asked < 140 {
		t.Errorf("%d calls", asked)
	}
	want := map[string]bool{
		`savepoint 00000000000000000000000000000abc directory="/data/savepoints" native=false stop=false drain=false cancel=false`:       true,
		`savepoint 2ab9cafa729c70e2796af29fe76b89e1 directory="/data/savepoints" native=true stop=true drain=true cancel=false`:          true,
		`savepoint 405bdbc8f6407111c4ef2c53244e2dcf directory="" native=false stop=false drain=false cancel=true`:                        true,
		`checkpoint 00000000000000000000000000000abc full=true`:                                                                          true,
		`checkpoint 00000000000000000000000000000abc full=false`:                                                                         true,
		`heartbeat 00000000000000000000000000000abc until 1795248707994`:                                                                 true,
		`run ["bounded" "count=600"] parallelism=2 savepoint="" allow=false claim="" configuration=map[]`:                                true,
		`run ["steady" "rate=200"] parallelism=2 savepoint="" allow=false claim="NO_CLAIM" configuration=map[pipeline.name:rest-steady]`: true,
		`profile  CPU 1s`: true, `profile localhost:45319-be19bf CPU 1s`: true, `shutdown`: true,
	}
	for _, did := range cluster.Done() {
		delete(want, did)
	}
	for missing := range want {
		t.Errorf("the cluster was not told: %s\nbut\n%s", missing, strings.Join(cluster.Done(), "\n"))
	}
}

// What the answers must have of the records of jobs that have ended, so that nothing but the time of asking differs.
var sameValues = regexp.MustCompile(`^/jobs/:jobid(/(plan|config|status|exceptions|accumulators|checkpoints.*|vertices/:vertexid(/(subtasktimes|taskmanagers|accumulators|subtasks/(accumulators|:subtaskindex.*)))?))?$`)

// Not only the shape of these answers is the recorded one: every value is.
func TestAnswersHaveTheRecordedValues(t *testing.T) {
	for _, state := range []string{"finished", "canceled", "failed"} {
		server, cluster := newServer(t, rest.Options{}, state)
		r, compared := &replay{server: server, cluster: cluster, ids: map[string]string{}}, 0
		for _, c := range resttest.Calls(state) {
			if !sameValues.MatchString(c.Template) || c.Status != http.StatusOK || strings.HasSuffix(c.Template, "metrics") || strings.HasSuffix(c.Template, "/attempts/:attempt/accumulators") {
				continue // values of metrics were not recorded; the name of an attempt is not Flink's
			}
			var recorded, answered any
			if json.Unmarshal(c.Answer(), &recorded) != nil || json.Unmarshal(r.ask(t, c).Body.Bytes(), &answered) != nil {
				t.Fatal(c.Path)
			}
			for _, v := range []any{recorded, answered} {
				if object, ok := v.(map[string]any); ok {
					delete(object, "now")
				}
			}
			if diff := cmp.Diff(recorded, answered); diff != "" {
				t.Errorf("%s: -recorded +answered\n%.1500s", c.Path, diff)
			}
			compared++
		}
		if compared < 16 {
			t.Errorf("%s: %d answers", state, compared)
		}
	}
}
