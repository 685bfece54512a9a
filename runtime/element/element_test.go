package element

import (
	"math/rand"
	"reflect"
	"testing"
)

// plain is a batch as a list of records, the model that the slices are held against.
type plain struct {
	value     int
	timestamp int64
}

func records(b *Batch[int]) []plain {
	var all []plain
	for i, v := range b.Values {
		all = append(all, plain{v, b.TimestampAt(i)})
	}
	return all
}

func TestRecordsKeepTheirTimestampsHoweverTheyAreAppended(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for range 500 {
		var b Batch[int]
		var want []plain
		for range random.Intn(8) {
			if random.Intn(2) == 0 {
				r := plain{random.Int(), NoTimestamp}
				if random.Intn(2) == 0 {
					r.timestamp = random.Int63n(100)
				}
				b.Append(r.value, r.timestamp)
				want = append(want, r)
				continue
			}
			var other Batch[int]
			timed := random.Intn(2) == 0
			for range random.Intn(4) {
				r := plain{random.Int(), NoTimestamp}
				if timed {
					r.timestamp = random.Int63n(100)
				}
				other.Append(r.value, r.timestamp)
			}
			from := random.Intn(other.Len() + 1)
			to := from + random.Intn(other.Len()-from+1)
			b.AppendRange(&other, from, to)
			want = append(want, records(&other)[from:to]...)
		}
		if got := records(&b); !reflect.DeepEqual(got, want) {
			t.Fatalf("batch has %v, want %v", got, want)
		}
		if n := len(b.Timestamps); n != 0 && n != b.Len() {
			t.Fatalf("%d timestamps for %d records", n, b.Len())
		}
		var view Batch[int]
		view.Timestamps = []int64{1, 2, 3}
		from := random.Intn(b.Len() + 1)
		b.View(from, b.Len(), &view)
		if got := records(&view); len(want[from:]) > 0 && !reflect.DeepEqual(got, want[from:]) {
			t.Fatalf("view from %d has %v, want %v", from, got, want[from:])
		}
	}
}

func TestResetKeepsMemoryAndForgetsTimestamps(t *testing.T) {
	var b Batch[int]
	b.Append(1, 5)
	b.Hashes = append(b.Hashes, 7)
	b.Reset()
	b.Append(2, NoTimestamp)
	if b.Len() != 1 || b.TimestampAt(0) != NoTimestamp || len(b.Hashes) != 0 {
		t.Errorf("after Reset: %+v", b)
	}
}
