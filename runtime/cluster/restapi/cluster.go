// Package restapi answers Flink's REST API for a JobManager: it asks the running actors by messages and makes views of what they tell. The mappings are pure
// functions; what asks is thin.
package restapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/weir-stream/weir/checkpoint/journal"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/logs"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/observe"
	"github.com/weir-stream/weir/runtime/rest"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// Options are what a Cluster is made of. The functions may be called from any goroutine.
type Options struct {
	Configuration config.Configuration
	Clock         clock.Clock
	// Ask has the Dispatcher answer a request. The answer is shared and is not to be changed.
	Ask func(context.Context, *message.ClientRequest) (*message.ClientResponse, error)
	// Plan has a binary build its graph, and returns that encoded, as graph.DecodeDescription reads it; Submit starts it. Configuration has key and text of what is set for the
	// job alone. The error is a [*planner.Refused] if the program does not build a graph.
	Plan   func(ctx context.Context, binary string, arguments []string, configuration map[string]string) ([]byte, error)
	Submit func(ctx context.Context, binary string, arguments []string, configuration map[string]string) (ident.JobID, error)
	// Stores opens the store of a location.
	Stores journal.Open
	// Registry has the process's metrics.
	Registry *metrics.Registry
	// Logs are the JobManager's files; nil where it keeps none.
	Logs *logs.Group
	Log  *slog.Logger
	// Host is the variable of the JobManager's figures.
	Host string
	// HTTP looks at TaskManagers.
	HTTP *http.Client
	// MetricsAge is how old figures may be that are shown, MetricsTimeout how long TaskManagers have to tell theirs.
	MetricsAge, MetricsTimeout time.Duration
	Flames                     FlameOptions
	Health                     HealthOptions
	// Shutdown begins to end the process and returns at once.
	Shutdown func()
}

// Cluster implements [rest.Cluster]. Any goroutine may use it.
//
//	New --> serves --Close--> what is being profiled and sampled has ended
type Cluster struct {
	options  Options
	clock    clock.Clock
	profiler *observe.Profiler
	metrics  gathered
	flames   *flames
}

var _ rest.Cluster = (*Cluster)(nil)

// New returns a Cluster.
func New(o Options) *Cluster {
	c := &Cluster{options: o, clock: o.Clock}
	c.profiler = observe.NewProfiler(o.Clock, func(ctx context.Context, mode string, length time.Duration) ([]byte, error) {
		return observe.TakeProfile(ctx, o.Clock, mode, length)
	})
	c.flames = newFlames(o.Flames, o.Clock, c.sample)
	return c
}

// Close ends what is being profiled and sampled.
func (c *Cluster) Close() {
	c.profiler.Close()
	c.flames.close()
}

// Overview counts what there is.
func (c *Cluster) Overview(ctx context.Context) (view.Overview, error) {
	resources, err := c.resources(ctx)
	if err != nil {
		return view.Overview{}, err
	}
	jobs, err := c.list(ctx)
	if err != nil {
		return view.Overview{}, err
	}
	return overviewOf(resources, jobs), nil
}

func overviewOf(resources *message.ClusterOverview, jobs []*message.JobSummary) view.Overview {
	o := view.Overview{TaskManagers: int(resources.GetTaskExecutors()), Slots: int(resources.GetSlotsTotal()), FreeSlots: int(resources.GetSlotsFree())}
	for _, j := range jobs {
		switch j.GetState() {
		case message.JobState_JOB_FINISHED:
			o.Finished++
		case message.JobState_JOB_CANCELED:
			o.Canceled++
		case message.JobState_JOB_FAILED:
			o.Failed++
		default:
			o.Running++
		}
	}
	return o
}

// Shutdown begins to end the process.
func (c *Cluster) Shutdown(context.Context) error {
	c.options.Shutdown()
	return nil
}

func (c *Cluster) resources(ctx context.Context) (*message.ClusterOverview, error) {
	response, err := c.options.Ask(ctx, &message.ClientRequest{Body: &message.ClientRequest_Overview{Overview: &message.RequestClusterOverview{}}})
	return response.GetOverview(), err
}

func (c *Cluster) list(ctx context.Context) ([]*message.JobSummary, error) {
	response, err := c.options.Ask(ctx, &message.ClientRequest{Body: &message.ClientRequest_List{List: &message.ListJobs{}}})
	return response.GetList().GetJobs(), err
}

// summary finds a job in the list of jobs.
func (c *Cluster) summary(ctx context.Context, id ident.JobID) (*message.JobSummary, error) {
	all, err := c.list(ctx)
	if err != nil {
		return nil, err
	}
	for _, j := range all {
		if one, err := message.ID(j.GetJob()); err == nil && one == id {
			return j, nil
		}
	}
	return nil, fmt.Errorf("%w: %s was never submitted here, or ended long ago", rest.ErrUnknownJob, id)
}

// live is summary for a job that must not have ended.
func (c *Cluster) live(ctx context.Context, id ident.JobID) error {
	s, err := c.summary(ctx, id)
	if err == nil && s.GetState().Ended() {
		return &rest.EndedError{State: jobState(s.GetState())}
	}
	return err
}

func (c *Cluster) details(ctx context.Context, id ident.JobID) (*message.JobDetails, error) {
	if _, err := c.summary(ctx, id); err != nil {
		return nil, err
	}
	response, err := c.options.Ask(ctx, &message.ClientRequest{Body: &message.ClientRequest_Details{Details: &message.RequestJobDetails{Job: message.IDBytes(id)}}})
	return response.GetDetails(), err
}

// at reads milliseconds since the epoch; 0 and less are never.
func at(millis int64) time.Time {
	if millis <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(millis)
}
