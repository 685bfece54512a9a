package stream

import (
	"context"
	"errors"
	"os"

	"github.com/weir-stream/weir/runtime/embedded"
	"github.com/weir-stream/weir/runtime/process"
)

// Result is how a job ended.
type Result = embedded.Result

// errNotLocal refuses execution where the runtime, not the program, decides what runs.
var errNotLocal = errors.New("Execute, ExecuteAsync and ExecuteAndCollect run a job inside the calling process, for tests and embedding; a program that is submitted to a cluster only declares its graph: use stream.Main")

// JobClient is a job that runs embedded in this process.
type JobClient struct {
	*embedded.Client
	cluster *embedded.Cluster
	// ended is closed when result and err say how the job has ended.
	ended  chan struct{}
	result Result
	err    error
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
	if role, err := process.RoleOf(os.Getenv); err != nil || role != process.Local {
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
	go c.follow(e.collected)
	return c, nil
}

// follow waits for the job's end and tells those who read its records that the last one has come.
func (c *JobClient) follow(collected []func(error)) {
	c.result, c.err = c.Client.Wait(context.Background())
	for _, end := range collected {
		end(c.err)
	}
	close(c.ended)
}

// Wait returns when the job has ended, with how. The error is an [*embedded.JobError] if it has failed and wraps
// [embedded.ErrCanceled] if it was canceled. When ctx ends first, the error is ctx's and the job goes on.
func (c *JobClient) Wait(ctx context.Context) (Result, error) {
	select {
	case <-c.ended:
		return c.result, c.err
	case <-ctx.Done():
		return Result{}, context.Cause(ctx)
	}
}

// Await is Wait that cancels the job when ctx ends first.
func (c *JobClient) Await(ctx context.Context) (Result, error) {
	select {
	case <-c.ended:
		return c.result, c.err
	case <-ctx.Done():
	}
	if err := c.Cancel(context.WithoutCancel(ctx)); err != nil {
		return Result{}, err
	}
	<-c.ended
	if c.err != nil && !errors.Is(c.err, embedded.ErrCanceled) {
		return c.result, c.err
	}
	return c.result, context.Cause(ctx)
}

// Close ends the job, if it still runs, and the cluster. The error names tasks that did not stop.
func (c *JobClient) Close() error {
	err := c.cluster.Close()
	<-c.ended
	return err
}
