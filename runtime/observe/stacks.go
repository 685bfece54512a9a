package observe

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/pprof/profile"
	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

// Labels of the goroutines of subtasks, by which profiles and stacks are told apart.
const (
	VertexLabel  = "vertex"
	SubtaskLabel = "subtask"
)

// Labeled returns a context with the labels of a subtask, for pprof.SetGoroutineLabels. Goroutines that are started by one with labels have them too.
func Labeled(ctx context.Context, vertex ident.VertexID, name string, subtask ident.SubtaskIndex) context.Context {
	return pprof.WithLabels(ctx, pprof.Labels(VertexLabel, vertex.String(), SubtaskLabel, strconv.Itoa(int(subtask)), "task", name))
}

// Bounds of what may be asked for at once.
const (
	mostSamples = 1000
	mostPause   = time.Second
	mostDepth   = 500
	// mostStacks is how many different stacks are told apart; what comes after them is left out.
	mostStacks = 5000
)

func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// stacks looks at the goroutines of a vertex's subtasks several times.
func (p *Process) stacks(ctx context.Context, look *message.LookStacks) ([]byte, error) {
	vertex, err := message.ID(look.GetVertex())
	if err != nil {
		return nil, err
	}
	samples, pause, depth := int(look.GetSamples()), millis(look.GetPauseMillis()), int(look.GetDepth())
	if samples < 1 || samples > mostSamples || pause < 0 || pause > mostPause || depth < 0 {
		return nil, fmt.Errorf("%d samples of %d frames every %v are more than can be asked for at once", samples, depth, pause)
	}
	if depth == 0 || depth > mostDepth {
		depth = mostDepth
	}
	seen := newStackCounts()
	for n := range samples {
		if n > 0 {
			if err := p.Clock.Sleep(ctx, pause); err != nil {
				return nil, err
			}
		}
		var now bytes.Buffer
		if err := pprof.Lookup("goroutine").WriteTo(&now, 0); err != nil {
			return nil, err
		}
		parsed, err := profile.ParseData(now.Bytes())
		if err != nil {
			return nil, err
		}
		for _, s := range parsed.Sample {
			if slices.Contains(s.Label[VertexLabel], vertex.String()) {
				seen.add(s, depth)
			}
		}
	}
	return proto.Marshal(seen.message())
}

// stackCounts counts stacks.
type stackCounts struct {
	functions map[string]uint32
	names     []string
	places    map[string]int
	samples   []*message.StackSample
}

func newStackCounts() *stackCounts {
	return &stackCounts{functions: map[string]uint32{}, places: map[string]int{}}
}

// add counts a sample of a goroutine profile.
func (c *stackCounts) add(s *profile.Sample, depth int) {
	frames, waiting := framesOf(s)
	if len(frames) > depth { // the innermost ones tell what it does
		frames = frames[len(frames)-depth:]
	}
	subtask, err := strconv.Atoi(strings.Join(s.Label[SubtaskLabel], ""))
	if err != nil {
		return
	}
	key := fmt.Sprint(subtask, waiting, strings.Join(frames, "\x00"))
	at, known := c.places[key]
	if !known {
		if len(c.samples) == mostStacks {
			return
		}
		at = len(c.samples)
		c.places[key] = at
		made := &message.StackSample{Subtask: int32(subtask), Waiting: waiting}
		for _, name := range frames {
			made.Frames = append(made.Frames, c.function(name))
		}
		c.samples = append(c.samples, made)
	}
	c.samples[at].Count += s.Value[0]
}

func (c *stackCounts) function(name string) uint32 {
	index, known := c.functions[name]
	if !known {
		index = uint32(len(c.names))
		c.functions[name] = index
		c.names = append(c.names, name)
	}
	return index
}

func (c *stackCounts) message() *message.StackSamples {
	made := &message.StackSamples{Samples: c.samples}
	for _, name := range c.names {
		made.Functions = append(made.Functions, utf8Of(name))
	}
	return made
}

// parking is the runtime's function in which a goroutine is that waits for something.
const parking = "runtime.gopark"

// framesOf are the functions of a sample with their lines, outermost first, and whether the goroutine waits. What the runtime does to wait is left out.
func framesOf(s *profile.Sample) (frames []string, waiting bool) {
	for _, location := range s.Location { // innermost first
		for _, line := range location.Line {
			if line.Function == nil {
				continue
			}
			if line.Function.Name == parking {
				frames, waiting = frames[:0], true
				continue
			}
			frames = append(frames, fmt.Sprintf("%s:%d", line.Function.Name, line.Line))
		}
	}
	slices.Reverse(frames)
	return frames, waiting
}

// MergeStacks adds samples to others.
func MergeStacks(to, more *message.StackSamples) {
	base := uint32(len(to.Functions))
	to.Functions = append(to.Functions, more.GetFunctions()...)
	for _, s := range more.GetSamples() {
		moved := &message.StackSample{Subtask: s.GetSubtask(), Waiting: s.GetWaiting(), Count: s.GetCount()}
		for _, f := range s.GetFrames() {
			moved.Frames = append(moved.Frames, base+f)
		}
		to.Samples = append(to.Samples, moved)
	}
}
