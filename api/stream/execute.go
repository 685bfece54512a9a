package stream

import (
	"context"
	"errors"
	"os"

	"github.com/weir-stream/weir/api/stream/internal/launch"
	"github.com/weir-stream/weir/runtime/embedded"
)

// Result is how a job ended.
type Result = embedded.Result

// errNotLocal refuses execution where the runtime, not the program, decides what runs.
var errNotLocal = errors.New("Execute, ExecuteAsync and ExecuteAndCollect run a job inside the calling process, for tests and embedding; a program that is submitted to a cluster only declares its graph: use stream.Main")

// JobClient is a job that runs embedded in this process.
type JobClient struct {
	*embedded.Client
	cluster *embedded.Cluster
	ended   chan struct{}
}

// Execute runs the program embedded in this process and waits for its end. An error is the job's failure, or ctx's,
// which cancels the job.
func (e *Environment) Execute(ctx context.Context) (Result, error) {
	client, err := e.ExecuteAsync(ctx)
	if err != nil {
		return Result{}, err
	}
	defer client.Close()
	return client.Await(ctx)
}

// ExecuteAsync starts the program embedded in this process and returns at once. The caller closes the client.
func (e *Environment) ExecuteAsync(ctx context.Context) (*JobClient, error) {
	if role, err := launch.RoleOf(os.Getenv); err != nil || role != launch.Local {
		return nil, errNotLocal
	}
	program, err := e.compile()
	if err != nil {
		return nil, err
	}
	cluster, err := embedded.Start(e.settings, embedded.Options{})
	if err != nil {
		return nil, err
	}
	client, err := cluster.Submit(ctx, program, e.settings)
	if err != nil {
		cluster.Close()
		return nil, err
	}
	c := &JobClient{Client: client, cluster: cluster, ended: make(chan struct{})}
	go c.endCollections(e.collected)
	return c, nil
}

// endCollections tells those who read the job's records that the last one has come.
func (c *JobClient) endCollections(collected []func(error)) {
	defer close(c.ended)
	_, err := c.Wait(context.Background())
	for _, end := range collected {
		end(err)
	}
}

// Await waits for the end of the job. When ctx ends first, the job is canceled and the error is ctx's.
func (c *JobClient) Await(ctx context.Context) (Result, error) {
	result, err := c.Wait(ctx)
	if err == nil || ctx.Err() == nil {
		return result, err
	}
	if err := c.Cancel(context.WithoutCancel(ctx)); err != nil {
		return result, err
	}
	if _, err := c.Wait(context.WithoutCancel(ctx)); err != nil && !errors.Is(err, embedded.ErrCanceled) {
		return result, err
	}
	return result, context.Cause(ctx)
}

// Close ends the job, if it still runs, and the cluster. The error names tasks that did not stop.
func (c *JobClient) Close() error {
	err := c.cluster.Close()
	<-c.ended
	return err
}
