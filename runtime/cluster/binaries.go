package cluster

import (
	"sync"

	"github.com/weir-stream/weir/runtime/blob"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

// binaries are the blobs that jobs are started from. They are held for as long as their jobs run, since a TaskManager that comes later fetches them, too.
// Any goroutine may use them.
type binaries struct {
	mu    sync.Mutex
	byJob map[ident.JobID]*blob.Held
}

// keep holds a blob for a job until release. It is let go at once if the job has one.
func (b *binaries) keep(job ident.JobID, held *blob.Held) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byJob == nil {
		b.byJob = map[ident.JobID]*blob.Held{}
	}
	if b.byJob[job] != nil {
		held.Release()
		return
	}
	b.byJob[job] = held
}

func (b *binaries) release(job ident.JobID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if held := b.byJob[job]; held != nil {
		held.Release()
		delete(b.byJob, job)
	}
}

// ended lets go of the blob of a job that is over.
func (b *binaries) ended(r *message.JobResult) {
	if id, err := message.ID(r.GetJob()); err == nil {
		b.release(id)
	}
}

// held is how many jobs hold one.
func (b *binaries) held() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.byJob)
}
