package randomgraph

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// patience is how long a job may take: far longer than any does, so that one that hangs is told from one that is slow.
const patience = 60 * time.Second

// run runs a plan and judges it. An error is a property that does not hold, or a failed job.
func run(ctx context.Context, p *plan) (err error) {
	program, err := build(p)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := program.env.Execute(ctx)
		ended <- err
	}()
	select {
	case err := <-ended:
		if ctx.Err() == context.DeadlineExceeded {
			return fmt.Errorf("the job had not ended after %s and was canceled", patience)
		}
		if err != nil {
			return fmt.Errorf("the job failed: %w", err)
		}
	case <-time.After(2 * patience):
		return fmt.Errorf("the job had not ended after %s and does not let itself be canceled", patience)
	}
	defer func() { // damaged records panic when they are undressed
		if r := recover(); r != nil {
			err = fmt.Errorf("%v\n%s", r, debug.Stack())
		}
	}()
	return verdict(p, program.recordings)
}
