package exchange

import (
	"fmt"
	"testing"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/network/transport"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/state/keygroup"
)

// BenchmarkRemote is one channel over loopback, with a producer and a consumer that do nothing else, per record.
func BenchmarkRemote(b *testing.B) {
	for _, hashed := range []bool{true, false} {
		for _, compression := range []transport.Compression{transport.NoCompression, transport.S2, transport.Zstd} {
			b.Run(fmt.Sprintf("hashes=%v/%s", hashed, compression), func(b *testing.B) { benchmarkRemote(b, compression, hashed) })
		}
	}
}

type wide struct {
	Key, Value, Time int64
	Kind             uint32
}

func benchmarkRemote(b *testing.B, compression transport.Compression, hashed bool) {
	l := newLink(b, compression)
	sending, receiving := ends[wide](b, l, 1, 0, 4, Remote[wide]{})
	w := NewWriter([]*Channel[wide]{sending}, Forward[wide]{}, Limits{MinRecords: 32, MaxRecords: 1024, Bytes: 4 << 20, Credits: 4})
	counter := &counting[wide]{}
	r := NewReader(receiving, counter)
	batch := &element.Batch[wide]{}
	for i := range int64(1024) {
		batch.Values = append(batch.Values, wide{Key: i * 0x5deece66d, Value: i, Time: i})
		if hashed {
			batch.Hashes = append(batch.Hashes, keygroup.HashWord(uint64(i)))
		}
	}
	produce, consume := make(chan struct{}, 1), make(chan struct{}, 1)
	wakeBy := func(c chan struct{}) func() {
		return func() {
			select {
			case c <- struct{}{}:
			default:
			}
		}
	}
	w.AttachProducer(wakeBy(produce))
	r.Attach(wakeBy(consume))
	await(b, "an open channel", sending.sending.to.Ready)
	b.ResetTimer()
	total := (b.N + 1023) / 1024 * 1024
	go func() {
		for range total / 1024 {
			_ = w.Process(batch)
			for w.Blocked() && !w.Drain() {
				<-produce
			}
		}
		w.Broadcast(element.Event{Kind: element.EndOfInput})
		for w.Blocked() && !w.Drain() {
			<-produce
		}
	}()
	for ended := false; !ended; {
		switch r.Front() {
		case Records:
			_, _, _ = r.Deliver(1024)
		case Event:
			r.TakeEvent()
			ended = true
		default:
			<-consume
		}
	}
	b.ReportMetric(float64(total)/b.Elapsed().Seconds()/1e6, "Mrec/s")
}

// BenchmarkRehash is what it would cost the consumer to compute the hashes of keys again, per record.
func BenchmarkRehash(b *testing.B) {
	key, err := codec.ForKey[int64]()
	if err != nil {
		b.Fatal(err)
	}
	text, err := codec.ForKey[string]()
	if err != nil {
		b.Fatal(err)
	}
	values, names := make([]wide, 1024), make([]string, 1024)
	for i := range values {
		values[i].Key, names[i] = int64(i), fmt.Sprint("some word ", i)
	}
	b.Run("int64", func(b *testing.B) { rehash(b, key, values, func(w wide) int64 { return w.Key }) })
	b.Run("string", func(b *testing.B) { rehash(b, text, names, func(s string) string { return s }) })
}

func rehash[K comparable, T any](b *testing.B, key codec.Key[K], values []T, selector func(T) K) {
	keys, hashes := make([]K, 0, len(values)), make([]uint64, len(values))
	for n := 0; n < b.N; n += len(values) {
		keys = keys[:0]
		for _, v := range values {
			keys = append(keys, selector(v))
		}
		key.Hash(keys, hashes)
	}
}
