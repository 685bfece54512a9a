package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/client"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// submission is a job that is being submitted, and followed unless it is detached.
type submission struct {
	target
	client.Run
	detached bool
	// tied has the cluster cancel the job when this client is gone.
	tied          bool
	command       *cobra.Command
	cluster       *client.Client
	configuration config.Configuration
}

func newRun() *cobra.Command {
	s := &submission{}
	c := &cobra.Command{
		Use: "run [flags] PROGRAM [-- ARGUMENT...]", Short: "Run a job on a cluster",
		Long: `Run a job on a cluster.

PROGRAM is a Go package, which is built for the cluster's platform, a package@revision of the git repository that the package's folder is in, or a
binary. What stands behind -- are the job's own arguments. Without --detached the command follows the job: it ends when the job does, with 0 if
it has finished, and Ctrl-C cancels the job.`,
		Args: program,
		RunE: func(c *cobra.Command, arguments []string) error {
			s.command, s.Arguments = c, arguments[1:]
			return s.run(c.Context(), arguments[0])
		},
	}
	s.flags(c)
	c.Flags().BoolVarP(&s.detached, "detached", "d", false, "return when the job is submitted")
	c.Flags().BoolVar(&s.tied, "shutdownOnAttachedExit", false, "have the cluster cancel the job if this command ends in any other way")
	c.Flags().BoolVar(&s.tied, "sae", false, "short for --shutdownOnAttachedExit")
	s.withJSON(c)
	c.Flags().IntVarP(&s.Parallelism, "parallelism", "p", 0, "subtasks of each operator that sets no `number` itself")
	c.Flags().StringVarP(&s.Savepoint, "fromSavepoint", "s", "", "start from the savepoint or checkpoint at this `path`")
	c.Flags().StringVar(&s.ClaimMode, "claimMode", "", "whose the snapshot of --fromSavepoint is: NO_CLAIM or CLAIM")
	c.Flags().BoolVarP(&s.AllowNonRestored, "allowNonRestoredState", "n", false, "leave state behind that no operator of the program takes up")
	return c
}

func (s *submission) run(ctx context.Context, what string) (err error) {
	if s.cluster, s.configuration, err = s.open(s.command); err != nil {
		return err
	}
	if s.Savepoint, err = absolutePath(s.Savepoint); err != nil {
		return err
	}
	s.Run.Configuration = map[string]string{}
	for _, p := range s.properties {
		if key, text, _ := strings.Cut(p, "="); !slices.Contains(config.OfProcesses(), key) {
			s.Run.Configuration[key] = text
		}
	}
	var version answer.Version
	if err := s.cluster.Do(ctx, http.MethodGet, "/weir/v1/version", nil, &version); err != nil {
		return err
	}
	p, err := prepare(ctx, what, version.Platform)
	if err != nil {
		return err
	}
	defer p.close()
	fmt.Fprintf(s.command.ErrOrStderr(), "Submitting %s\n", p.said())
	job, err := s.submit(ctx, p)
	if err != nil {
		return err
	}
	if s.json && s.detached {
		return print(s.command, submitted{Job: job, Name: p.Name, Revision: p.Revision, Dirty: p.Dirty})
	}
	if !s.json {
		fmt.Fprintf(s.command.OutOrStdout(), "Job has been submitted with JobID %s\n", job)
	}
	if s.detached {
		return nil
	}
	return s.follow(ctx, job, p)
}

// submitted is what is told of a job in JSON; State and Runtime, in milliseconds, once it has ended.
type submitted struct {
	Job      ident.JobID   `json:"jobId"`
	Name     string        `json:"program"`
	Revision string        `json:"revision"`
	Dirty    bool          `json:"dirty"`
	State    view.JobState `json:"state,omitempty"`
	Runtime  int64         `json:"runtimeMillis,omitempty"`
}

// submit uploads the binary and runs it. The cluster keeps what jobs run; the upload itself is no longer needed.
func (s *submission) submit(ctx context.Context, p *binary) (ident.JobID, error) {
	id, err := s.cluster.Upload(ctx, p.Path, p.Name+".jar")
	if err != nil {
		return ident.JobID{}, err
	}
	job, err := s.cluster.Run(ctx, id, s.Run)
	if removeErr := s.cluster.Remove(context.WithoutCancel(ctx), id); err == nil && removeErr != nil {
		fmt.Fprintf(s.command.ErrOrStderr(), "weir: the uploaded binary stays on the cluster: %v\n", removeErr)
	}
	if err != nil {
		return job, fmt.Errorf("%s could not be submitted: %w", p.Name, err)
	}
	return job, nil
}

// farewell is how long a job that was canceled by Ctrl-C is waited for.
const farewell = 20 * time.Second

// follow waits for the end of a job.
func (s *submission) follow(ctx context.Context, job ident.JobID, p *binary) error {
	begun := s.cluster.Clock.Now()
	if s.tied {
		stop := s.stayTied(ctx, job)
		defer stop()
	}
	state, err := s.cluster.Await(ctx, job)
	if ctx.Err() != nil {
		return s.cancel(context.WithoutCancel(ctx), job)
	}
	if err != nil {
		return fmt.Errorf("job %s: how it has ended is not known: %w", job, err)
	}
	took := s.cluster.Clock.Now().Sub(begun).Milliseconds()
	if s.json {
		if err := print(s.command, submitted{Job: job, Name: p.Name, Revision: p.Revision, Dirty: p.Dirty, State: state, Runtime: took}); err != nil {
			return err
		}
	}
	switch {
	case state == "FINISHED" && s.json:
		return nil
	case state == "FINISHED":
		_, err := fmt.Fprintf(s.command.OutOrStdout(), "Program execution finished\nJob with JobID %s has finished.\nJob Runtime: %d ms\n", job, took)
		return err
	case state == "FAILED":
		cause, err := s.cluster.Failure(ctx, job)
		if err != nil || cause == "" {
			return fmt.Errorf("job %s has failed", job)
		}
		return fmt.Errorf("job %s has failed: %s", job, strings.TrimSpace(cause))
	case state == "CANCELED":
		return fmt.Errorf("job %s was canceled", job)
	}
	return fmt.Errorf("job %s is %s", job, state)
}

// stayTied says again and again that this client lives, so that the cluster cancels the job when it does not.
func (s *submission) stayTied(ctx context.Context, job ident.JobID) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	interval, patience := config.Get(s.configuration, config.ClientHeartbeatInterval), config.Get(s.configuration, config.ClientHeartbeatTimeout)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for first := true; first || s.cluster.Clock.Sleep(ctx, interval) == nil; first = false {
			if err := s.cluster.Alive(ctx, job, s.cluster.Clock.Now().Add(patience)); err != nil && ctx.Err() == nil {
				fmt.Fprintf(s.command.ErrOrStderr(), "weir: the cluster was not told that this client lives: %v\n", err)
			}
		}
	}()
	return func() { cancel(); <-ended }
}

// errCanceled says that Ctrl-C has canceled the job.
var errCanceled = errors.New("the job was canceled")

func (s *submission) cancel(ctx context.Context, job ident.JobID) error {
	ctx, stop := context.WithTimeout(ctx, farewell)
	defer stop()
	fmt.Fprintf(s.command.ErrOrStderr(), "Cancelling job %s.\n", job)
	if err := s.cluster.Cancel(ctx, job); err != nil {
		return fmt.Errorf("could not cancel job %s: %w", job, err)
	}
	if _, err := s.cluster.Await(ctx, job); err != nil {
		return fmt.Errorf("job %s was asked to end, and has not: %w", job, err)
	}
	return fmt.Errorf("job %s: %w", job, errCanceled)
}
