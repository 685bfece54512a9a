package randomgraph

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

// run runs a plan and judges it. An error is a property that does not hold, or a failed job, or one that hangs.
func run(ctx context.Context, p *plan) (err error) {
	program, err := build(p)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := program.env.Execute(ctx)
		ended <- err
	}()
	patient := time.NewTimer(patience)
	defer patient.Stop()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("the job failed: %w", err)
		}
	case <-patient.C:
		return hangs(ended, cancel)
	}
	defer func() { // damaged records panic when they are undressed
		if r := recover(); r != nil {
			err = fmt.Errorf("%v\n%s", r, debug.Stack())
		}
	}()
	return verdict(p, program.recordings)
}

// hangs describes a job that has not ended: what all goroutines do, and whether it can be canceled.
func hangs(ended <-chan error, cancel func()) error {
	stacks := make([]byte, 1<<18)
	stacks = stacks[:runtime.Stack(stacks, true)]
	cancel()
	patient := time.NewTimer(patience)
	defer patient.Stop()
	select {
	case <-ended:
		return fmt.Errorf("the job had not ended after %s and was canceled; goroutines meanwhile:\n%s", patience, stacks)
	case <-patient.C:
		return fmt.Errorf("the job had not ended after %s and cannot be canceled; goroutines meanwhile:\n%s", patience, stacks)
	}
}
