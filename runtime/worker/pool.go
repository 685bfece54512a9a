package worker

import (
	"sync"

	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/task"
)

// pool adds up what the channels of a host's tasks hold. Any goroutine may use it.
type pool struct {
	mu    sync.Mutex
	tasks map[*task.Figures]bool
}

// newPool lists the pool under Flink's names for the buffers of a process. There is no memory set aside: total is what the credits of all channels allow.
func newPool(group *metrics.Group) *pool {
	p := &pool{tasks: map[*task.Figures]bool{}}
	if group == nil {
		return p
	}
	listed := group.Add("Status").Add("Shuffle").Add("Netty")
	for name, read := range map[string]func() int64{
		"TotalMemorySegments": p.sum(task.PoolRoom), "UsedMemorySegments": p.sum(task.PoolBatches), "AvailableMemorySegments": p.rest(task.PoolRoom, task.PoolBatches),
		"TotalMemory": p.sum(task.PoolRoomBytes), "UsedMemory": p.sum(task.PoolBytes), "AvailableMemory": p.rest(task.PoolRoomBytes, task.PoolBytes),
		"RequestedMemoryUsage": func() int64 {
			const percent = 100
			return int64(percent * usage(p.sum(task.PoolBytes)(), p.sum(task.PoolRoomBytes)()))
		},
	} {
		metrics.Gauge(listed, name, read)
	}
	return p
}

func (p *pool) add(f *task.Figures) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tasks[f] = true
}

func (p *pool) remove(f *task.Figures) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.tasks, f)
}

func (p *pool) sum(one task.Figure) func() int64 {
	return func() (sum int64) {
		p.mu.Lock()
		defer p.mu.Unlock()
		for f := range p.tasks {
			sum += f.Of(one)
		}
		return sum
	}
}

func (p *pool) rest(room, used task.Figure) func() int64 {
	return func() int64 { return max(0, p.sum(room)()-p.sum(used)()) }
}
