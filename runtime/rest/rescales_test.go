package rest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest"
	"github.com/weir-stream/weir/runtime/rest/resttest"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// adaptive is a cluster with a job under the adaptive scheduler.
type adaptive struct {
	*resttest.Cluster
	rescales *view.Rescales
	wanted   map[ident.VertexID]view.Bounds
}

var vertexID = ident.Derive("vertex")

func (a *adaptive) Rescales(context.Context, ident.JobID) (*view.Rescales, error) {
	return a.rescales, nil
}

func (a *adaptive) Requirements(context.Context, ident.JobID) (map[ident.VertexID]view.Bounds, error) {
	return a.wanted, nil
}

func (a *adaptive) Require(_ context.Context, _ ident.JobID, wanted map[ident.VertexID]view.Bounds) error {
	for id := range wanted {
		if id != vertexID {
			return fmt.Errorf("%w: the job has no vertex %s", rest.ErrInvalid, id)
		}
	}
	a.wanted = wanted
	return nil
}

func newAdaptive(t *testing.T) (*adaptive, *rest.Server) {
	t.Helper()
	two, start := 2, time.UnixMilli(1000)
	resources := view.Resources{Cores: 1, TaskHeap: 1 << 20, Extended: map[string]float64{"gpu": 1}}
	one := view.Rescale{
		ID: "0d2c6f6e-0000-4000-8000-000000000001", Requirements: "0d2c6f6e-0000-4000-8000-000000000002", Attempt: 1,
		Vertices: []view.VertexRescale{{ID: vertexID, Name: "v", SlotSharingGroup: vertexID, GroupName: "default", Desired: 4, Sufficient: 1, Before: &two, After: &two}},
		Slots:    []view.SlotRescale{{Group: vertexID, Name: "default", Requested: resources, Acquired: resources, Desired: 4, Minimal: 1, Before: &two, After: &two}},
		States:   []view.RescaleState{{Name: "WaitingForResources", Entered: start, Left: start.Add(time.Second), Failure: "none"}},
		Start:    start, End: start.Add(2 * time.Second), Outcome: "COMPLETED", Trigger: "INITIAL_SCHEDULE", Reason: "SUCCEEDED",
	}
	spread := view.Spread([]int64{2000})
	a := &adaptive{Cluster: resttest.New("running"), rescales: &view.Rescales{
		Settings: view.RescaleSettings{HistorySize: 5, Reactive: true, SlotIdle: time.Second}, Completed: 1, LatestCompleted: &one, LatestFailed: &one, LatestIgnored: &one,
		History: []view.Rescale{one}, Millis: spread, CompletedMillis: spread, IgnoredMillis: spread, FailedMillis: spread,
	}, wanted: map[ident.VertexID]view.Bounds{vertexID: {Lower: 1, Upper: 4}}}
	server, err := rest.New(a, rest.Options{NoSubmit: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return a, server
}

// keysOf lists the paths of all keys. Keys that are data, and the declared names of such, are one star; declared names of other shapes are
// followed.
func keysOf(v any, path string, shapes map[string]any, found map[string]bool) {
	if name, ok := v.(string); ok && shapes != nil && shapes[name] != nil {
		v = shapes[name]
	}
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if key == "requiredParallelisms" {
				continue // Flink's class can only be told it: it is in no answer
			}
			if _, err := ident.ParseID(key); err == nil || strings.HasPrefix(key, "<") || strings.HasSuffix(path, "extendedResources") {
				key = "*"
			}
			found[path+"."+key] = true
			keysOf(value, path+"."+key, shapes, found)
		}
	case []any:
		for _, item := range v {
			keysOf(item, path+"[]", shapes, found)
		}
	}
}

func TestAdaptiveAnswersHaveTheDeclaredKeys(t *testing.T) {
	a, server := newAdaptive(t)
	shapes := resttest.AdaptiveShapes()
	const path = "/v1/jobs/" + runningJob
	for endpoint, shape := range map[string]string{
		"/rescales/config": "JobRescaleConfigInfo", "/rescales/overview": "JobRescalesOverview", "/rescales/history": "JobRescalesHistory", "/rescales/summary": "JobRescalesSummary",
		"/rescales/details/" + a.rescales.History[0].ID: "JobRescaleDetails", "/resource-requirements": "JobResourceRequirementsBody",
	} {
		got := do(server, "GET", path+endpoint, "", nil)
		var answered any
		if err := json.Unmarshal(got.Body.Bytes(), &answered); err != nil || got.Code != 200 {
			t.Fatalf("%s: %d %s", endpoint, got.Code, got.Body)
		}
		want, have := map[string]bool{}, map[string]bool{}
		keysOf(shapes[shape], "$", shapes, want)
		keysOf(answered, "$", nil, have)
		if diff := cmp.Diff(want, have); diff != "" || len(want) == 0 {
			t.Errorf("%s: -declared +answered\n%s", endpoint, diff)
		}
		t.Logf("%s %s", shape, got.Body)
	}
	if got := do(server, "GET", path+"/rescales/details/0d2c6f6e-0000-4000-8000-000000000009", "", nil); got.Code != 404 {
		t.Errorf("an unknown rescale: %d", got.Code)
	}
	a.rescales.Settings.HistorySize = 0
	if got := do(server, "GET", path+"/rescales/history", "", nil); got.Code != 404 {
		t.Errorf("without a history: %d", got.Code)
	}
}

func TestRequirements(t *testing.T) {
	a, server := newAdaptive(t)
	put := func(body string) int {
		return do(server, "PUT", "/jobs/"+runningJob+"/resource-requirements", "application/json", strings.NewReader(body)).Code
	}
	bounds := func(vertex ident.ID, lower, upper int) string {
		return fmt.Sprintf(`{"%s":{"parallelism":{"lowerBound":%d,"upperBound":%d}}}`, vertex, lower, upper)
	}
	for body, want := range map[string]int{
		"": 400, "{}": 400, "null": 400, "[]": 400, `{"x":{}}`: 400, bounds(vertexID, 0, 1): 400, bounds(vertexID, 3, 2): 400, bounds(ident.Derive("other"), 1, 2): 400,
	} {
		if got := put(body); got != want {
			t.Errorf("%s: %d, want %d", body, got, want)
		}
	}
	if got := put(bounds(vertexID, 2, 3)); got != 200 || a.wanted[vertexID] != (view.Bounds{Lower: 2, Upper: 3}) {
		t.Errorf("%d %v", got, a.wanted)
	}
}
