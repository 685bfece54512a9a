package job

import (
	"context"
	"fmt"
	"strings"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/checkpoint/storage/stores"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
)

// reading reads the metadata of the job's checkpoints, to tell what was uploaded for each.
type reading struct {
	store storage.Store
	known map[string]bool
}

func newReading(c config.Configuration, o Order) (*reading, error) {
	store, err := stores.New(c, clock.System()).Open(strings.TrimSuffix(o.Storage, "/") + "/" + o.ID)
	return &reading{store: store, known: map[string]bool{}}, err
}

// next describes the newest checkpoint, which was complete at a time, in nanoseconds since 1970. The ones before are known.
func (r *reading) next(ctx context.Context, completed int64) (c Checkpoint, err error) {
	metadata, size, err := Newest(ctx, r.store)
	if err != nil {
		return c, err
	}
	c.Millis = float64(completed)/1e6 - float64(metadata.TriggerMillis)
	c.Bytes = size
	count := func(f *snapshot.FileRef) (isNew bool) {
		if f.GetName() == "" || r.known[f.Name] {
			return false
		}
		r.known[f.Name] = true
		c.Bytes += int64(f.Length)
		return true
	}
	for _, op := range metadata.Operators {
		for _, s := range op.Subtasks {
			for _, p := range s.Parts {
				for _, t := range p.Tables {
					if count(t.File) && !t.Changes {
						c.Base = true
					}
				}
			}
		}
	}
	metadata.EachFile(func(f *snapshot.FileRef) { count(f) })
	return c, nil
}

// Newest reads the metadata of the newest checkpoint in a job's folder, and returns its size, too.
func Newest(ctx context.Context, store storage.Store) (*snapshot.Metadata, int64, error) {
	var number uint64
	for o, err := range storage.All(ctx, store, "chk-") {
		if err != nil {
			return nil, 0, err
		}
		folder, ok := strings.CutSuffix(o.Name, "/"+snapshot.MetadataName)
		if id, is := snapshot.ParseCheckpointFolder(folder); ok && is {
			number = max(number, uint64(id))
		}
	}
	if number == 0 {
		return nil, 0, fmt.Errorf("%s has no checkpoint", store)
	}
	path := fmt.Sprintf("chk-%d/%s", number, snapshot.MetadataName)
	data, err := store.Read(ctx, path)
	if err != nil {
		return nil, 0, err
	}
	metadata, err := snapshot.Decode(path, data)
	return metadata, int64(len(data)), err
}
