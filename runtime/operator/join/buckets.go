package join

import (
	"encoding/binary"
	"fmt"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// buckets are the records of an interval join by key and bucket of time.
type buckets[K comparable] struct {
	ctx       *operator.Context
	keys      state.Keys[state.Windowed[K]]
	width     int64
	store     *keyed.Store
	backend   state.Backend[state.Windowed[K]]
	timers    *keyed.TimerService[state.Windowed[K]]
	watermark int64
}

func (b *buckets[K]) open(fields []state.Field) (err error) {
	if b.store, err = keyed.OpenStore(b.ctx); err != nil {
		return err
	}
	descriptors := make([]state.Descriptor, len(fields))
	for i, field := range fields {
		descriptors[i] = field.Descriptor
	}
	if b.backend, err = keyed.Backend(b.store, b.keys, descriptors); err != nil {
		return err
	}
	for i, field := range fields {
		field.Bind(b.backend, state.Column(i), b.store.Now)
	}
	b.timers = keyed.NewTimerService(b.store, timersName, b.keys)
	return nil
}

// seek makes the bucket of a key that begins at start current.
func (b *buckets[K]) seek(key K, hash uint64, start int64) (bucket state.Windowed[K], bucketHash uint64) {
	bucket = state.Windowed[K]{Key: key, Start: start, End: plus(start, b.width)}
	bucketHash = state.WindowedHash(hash, bucket.Start, bucket.End)
	b.backend.Seek(bucket, bucketHash)
	return bucket, bucketHash
}

// timersName is what the timers are called in snapshots.
const timersName = "cleanup"

// watermarkList is the operator state with the watermark that a subtask had when it was snapshotted.
const watermarkList = "watermark"

func describeWatermarks() snapshot.List {
	return snapshot.List{Name: watermarkList, Redistribution: snapshot.Union}
}

// Mark implements operator.Stateful. Records that are dropped may still be in their bucket: the watermark tells them.
func (b *buckets[K]) Mark(kind snapshot.MarkKind) (operator.Capture, error) {
	list := describeWatermarks()
	list.Elements = [][]byte{binary.BigEndian.AppendUint64(nil, uint64(b.watermark))}
	return b.store.Mark(kind, list)
}

// restore reads the buckets, and has purge remove what the watermark of its former subtask had dropped of each.
func (b *buckets[K]) restore(purge ...func(watermark int64)) error {
	if err := b.store.Restore(); err != nil {
		return err
	}
	b.timers.Restored()
	former, err := formerWatermarks(b.ctx)
	if err != nil || former == nil {
		return err
	}
	key, hash := make([]state.Windowed[K], 1), make([]uint64, 1)
	b.backend.Each(state.AnyColumn, func(bucket state.Windowed[K]) bool {
		key[0] = bucket
		if err = b.keys.HashesOf(key, hash); err != nil {
			return false
		}
		watermark := former[keygroup.Group(hash[0], b.ctx.MaxParallelism)]
		if watermark >= bucket.Start {
			for _, p := range purge {
				p(watermark)
			}
		}
		return true
	})
	return err
}

// formerWatermarks are the watermarks of the subtasks that owned each key group at the snapshot; nil if there was none.
func formerWatermarks(ctx *operator.Context) ([]int64, error) {
	if len(ctx.Restored) == 0 {
		return nil, nil
	}
	all := make([]int64, ctx.MaxParallelism)
	for i := range all {
		all[i] = element.NoWatermark
	}
	for _, before := range ctx.Restored {
		for _, list := range before.Lists {
			if list.Name != watermarkList {
				continue
			}
			if len(list.Elements) != 1 || len(list.Elements[0]) != 8 {
				return nil, fmt.Errorf("restore state %q: want one element of 8 bytes, got %x", list.Name, list.Elements)
			}
			for group := int(before.Groups.First); group <= min(int(before.Groups.Last), len(all)-1); group++ {
				all[group] = int64(binary.BigEndian.Uint64(list.Elements[0]))
			}
		}
	}
	return all, nil
}

func (b *buckets[K]) close() error {
	if b.store == nil {
		return nil
	}
	return b.store.Close()
}
