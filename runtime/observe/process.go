package observe

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/metrics"
)

// Process shows the process that it is in. Any goroutine may use it.
type Process struct {
	Registry *metrics.Registry
	Clock    clock.Clock
}

// Answer answers a Look with what its message says. It takes as long as the Look asks for, and ends early when ctx does.
func (p *Process) Answer(ctx context.Context, look *message.Look) ([]byte, error) {
	switch body := look.GetBody().(type) {
	case *message.Look_Metrics:
		return proto.Marshal(Encode(p.Registry.Snapshot()))
	case *message.Look_Goroutines:
		return Goroutines()
	case *message.Look_Stacks:
		return p.stacks(ctx, body.Stacks)
	case *message.Look_Profile:
		return TakeProfile(ctx, p.Clock, body.Profile.GetMode(), millis(body.Profile.GetMillis()))
	}
	return nil, fmt.Errorf("this version of Weir cannot answer a %T", look.GetBody())
}

// Goroutines are the stacks of all goroutines, as text.
func Goroutines() ([]byte, error) {
	const withStacks = 2
	var dump bytes.Buffer
	err := pprof.Lookup("goroutine").WriteTo(&dump, withStacks)
	return dump.Bytes(), err
}
