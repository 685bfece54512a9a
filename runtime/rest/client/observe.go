package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// Threads are what the goroutines of a TaskManager and its workers do, or those of the JobManager if there is no id.
func (c *Client) Threads(ctx context.Context, taskManager string) ([]answer.Thread, error) {
	var dump answer.ThreadDump
	return dump.Threads, c.Do(ctx, http.MethodGet, processPath(taskManager)+"/thread-dump", nil, &dump)
}

// Profile takes a profile of a TaskManager and its workers, or of the JobManager if there is no id, waits until it is there, and returns the name of its file.
func (c *Client) Profile(ctx context.Context, taskManager string, mode view.ProfileMode, length time.Duration) (file string, err error) {
	path := processPath(taskManager) + "/profiler"
	var begun answer.Profile
	body := map[string]any{"mode": mode, "duration": int64(length / time.Second)}
	if err := c.Do(ctx, http.MethodPost, path, body, &begun); err != nil {
		return "", err
	}
	for pause := firstPoll; ; pause = min(2*pause, lastPoll) {
		var list answer.Profiles
		if err := c.Do(ctx, http.MethodGet, path, nil, &list); err != nil {
			return "", err
		}
		p, ok := find(list.Profiles, begun)
		switch {
		case !ok:
			return "", fmt.Errorf("the profile is not there any more: the process has started again")
		case p.Status == view.ProfileFailed && p.Message != nil:
			return "", fmt.Errorf("the profile has failed: %s", *p.Message)
		case p.Status == view.ProfileFinished && p.File != nil:
			return *p.File, nil
		}
		if err := c.Clock.Sleep(ctx, pause); err != nil {
			return "", context.Cause(ctx)
		}
	}
}

// find finds a profile in a list by when it was begun, since only one of a process is taken at a time.
func find(all []answer.Profile, begun answer.Profile) (answer.Profile, bool) {
	for _, p := range all {
		if p.Triggered == begun.Triggered && p.Mode == begun.Mode {
			return p, true
		}
	}
	return answer.Profile{}, false
}

// ProfileFile copies a profile, in the form that go tool pprof reads.
func (c *Client) ProfileFile(ctx context.Context, taskManager, name string, to io.Writer) error {
	response, err := c.ask(ctx, http.MethodGet, processPath(taskManager)+"/profiler/"+url.PathEscape(name), "", nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(to, response.Body); err != nil {
		return fmt.Errorf("the profile of the cluster at %s: %w", c.Base, err)
	}
	return nil
}

// Vertex is a vertex of a job, and its name.
type Vertex struct {
	ID   ident.VertexID `json:"id"`
	Name string         `json:"name"`
}

// Vertices are those of a job, sources first.
func (c *Client) Vertices(ctx context.Context, job ident.JobID) ([]Vertex, error) {
	var details struct {
		Vertices []Vertex `json:"vertices"`
	}
	return details.Vertices, c.Do(ctx, http.MethodGet, "/jobs/"+job.String(), nil, &details)
}

// FlameGraph samples what the tasks of a vertex do: kind is full, on_cpu or off_cpu, and the subtask -1 for all. It waits for the first sample; nil means that there is
// nothing to sample, since no subtask runs.
func (c *Client) FlameGraph(ctx context.Context, job ident.JobID, vertex ident.VertexID, subtask int, kind string) (*answer.Frame, error) {
	path := fmt.Sprintf("/jobs/%s/vertices/%s/flamegraph?type=%s", job, vertex, url.QueryEscape(kind))
	if subtask >= 0 {
		path += fmt.Sprintf("&subtaskindex=%d", subtask)
	}
	for pause := firstPoll; ; pause = min(2*pause, lastPoll) {
		var g answer.FlameGraph
		if err := c.Do(ctx, http.MethodGet, path, nil, &g); err != nil {
			return nil, err
		}
		switch {
		case g.Data != nil:
			return g.Data, nil
		case g.End == answer.FlameGraphDisabled:
			return nil, fmt.Errorf("the cluster at %s takes no samples: set rest.flamegraph.enabled", c.Base)
		case g.End != answer.FlameGraphWaiting:
			return nil, nil
		}
		if err := c.Clock.Sleep(ctx, pause); err != nil {
			return nil, context.Cause(ctx)
		}
	}
}
