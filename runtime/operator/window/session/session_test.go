package session_test

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/runtime/operator/window/internal/vectors"
	"github.com/weir-stream/weir/runtime/operator/window/session"
	"github.com/weir-stream/weir/runtime/operator/window/sliced"
)

// small is an accumulator of up to 128 elements.
type small struct {
	Elements [2]uint64
	Sum      int64
}

type config = session.Config[string, vectors.Record, small, vectors.Result]

type results struct{}

func (results) Fire(f *sliced.Firing[string], acc *small, out operator.Collector[vectors.Result]) error {
	out.Collect(resultOf(f.Key, f.Window, f.Watermark, acc))
	return nil
}

func resultOf(key string, window operator.Window, watermark int64, acc *small) vectors.Result {
	count := bits.OnesCount64(acc.Elements[0]) + bits.OnesCount64(acc.Elements[1])
	return vectors.ResultOfFlat(key, window, watermark, &vectors.Flat{
		Elements: [3]uint64{acc.Elements[0], acc.Elements[1]}, Count: int64(count), Sum: acc.Sum,
	})
}

func newConfig(t testing.TB) config {
	key, err := codec.ForKey[string]()
	if err != nil {
		t.Fatal(err)
	}
	return config{
		Stream: keyed.Stream[string, vectors.Record]{Selector: func(r vectors.Record) string { return r.Key }, Key: key},
		Add: func(acc *small, _ bool, r vectors.Record) {
			acc.Elements[r.N/64] ^= 1 << (r.N % 64)
			acc.Sum += r.Value
		},
		Merge: func(acc, other *small) {
			acc.Elements[0] ^= other.Elements[0]
			acc.Elements[1] ^= other.Elements[1]
			acc.Sum += other.Sum
		},
		New: func(*operator.Context, *operator.SideOutputs) (sliced.Function[string, small, vectors.Result], error) {
			return results{}, nil
		},
	}
}

// TestAgainstFlink replays the vectors of sessions with a fixed gap.
func TestAgainstFlink(t *testing.T) {
	replayed := 0
	for _, file := range []string{"windows-event-time", "windows-processing-time"} {
		for _, v := range vectors.Read(t, "../sliced/testdata/"+file+".jsonl") {
			gap, err := strconv.ParseInt(string(v.Operator.Gap), 10, 64)
			if err != nil || v.Operator.Kind != "window" {
				continue
			}
			replayed++
			c := newConfig(t)
			c.Gap, c.Lateness, c.ProcessingTime = gap, v.Operator.AllowedLateness, strings.HasSuffix(v.Operator.Assigner, "processing")
			if v.Operator.LateOutput {
				c.Late = vectors.LateTag
			}
			for _, backend := range []string{"hashmap", "pebble"} {
				t.Run(file+"/"+v.Name+"/"+backend, func(t *testing.T) {
					vectors.Replay(t, v, backend, c.Factory(),
						func(r vectors.Result) (string, string) { return r.Key, r.Text(v.Operator.Function) },
						func(record map[string]any) (string, string) {
							return vectors.Want(v.Operator.Function, record, true)
						})
				})
			}
		}
	}
	if replayed != 41 {
		t.Errorf("%d vectors, want 41", replayed)
	}
}

// model keeps every record of every session.
type model struct {
	config
	watermark, clock int64
	sessions         map[string][]*kept
	out              vectors.Emitted
}

type kept struct {
	operator.Window
	fired bool
	acc   small
}

func (m *model) emit(key string, s *kept) {
	s.fired = true
	r := resultOf(key, s.Window, m.watermark, &s.acc)
	m.out.Records[key] = append(m.out.Records[key], fmt.Sprint(r.Text("elements"), " at ", s.End-1))
}

func (m *model) add(r vectors.Record, at int64) {
	if m.ProcessingTime {
		at = m.clock
	}
	merged := &kept{Window: operator.Window{Start: at, End: at + m.Gap}}
	var others []*kept
	for _, s := range m.sessions[r.Key] {
		if s.Touches(operator.Window{Start: at, End: at + m.Gap}) {
			merged.Window = merged.Cover(s.Window)
			m.Merge(&merged.acc, &s.acc)
		} else {
			others = append(others, s)
		}
	}
	if !m.ProcessingTime && merged.End-1+m.Lateness <= m.watermark {
		if m.Late.Name != "" {
			m.out.Late[r.Key] = append(m.out.Late[r.Key], fmt.Sprint(r.N, " at ", at))
		}
		return
	}
	m.Add(&merged.acc, false, r)
	m.sessions[r.Key] = append(others, merged)
	if !m.ProcessingTime && merged.End-1 <= m.watermark {
		m.emit(r.Key, merged)
	}
}

func (m *model) advance(time, lateness int64) {
	for key, all := range m.sessions {
		slices.SortFunc(all, func(a, b *kept) int { return int(a.End - b.End) })
		for _, s := range all {
			if !s.fired && s.End-1 <= time {
				m.emit(key, s)
			}
		}
		m.sessions[key] = slices.DeleteFunc(all, func(s *kept) bool { return s.End-1+lateness <= time || time == math.MaxInt64 })
	}
}

func (m *model) take() vectors.Emitted {
	out := m.out
	m.out = vectors.Emitted{Records: map[string][]string{}, Late: map[string][]string{}}
	return out
}

// TestAgainstModel compares random sessions, with watermarks that jump, late records and restores into other numbers of
// subtasks.
func TestAgainstModel(t *testing.T) {
	for seed := range int64(120) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { compareWithModel(t, seed) })
	}
}

func compareWithModel(t *testing.T, seed int64) {
	random := rand.New(rand.NewSource(seed))
	c := newConfig(t)
	c.Gap, c.ProcessingTime = 1+random.Int63n(15), random.Intn(4) == 0
	if random.Intn(2) == 0 && !c.ProcessingTime {
		c.Lateness, c.Late = random.Int63n(30), vectors.LateTag
	}
	m := &model{config: c, watermark: math.MinInt64, sessions: map[string][]*kept{}}
	m.take()
	backend := "hashmap"
	if seed%4 == 0 {
		backend = "pebble"
	}
	j := vectors.Start[vectors.Result](t, backend, c.Factory())
	defer func() { j.Close() }()
	disorder, now, n := 1+random.Int63n(60), int64(0), int64(0)
	for step := range 300 {
		switch random.Intn(10) {
		case 0, 1:
			if now += random.Int63n(15); random.Intn(10) == 0 {
				now += 100
			}
			if c.ProcessingTime {
				m.clock = now
				m.advance(now, 0)
				j.Time(now)
				break
			}
			m.watermark = max(m.watermark, now-disorder/2)
			m.advance(m.watermark, c.Lateness)
			m.out.Watermarks = append(m.out.Watermarks, now-disorder/2)
			j.Watermark(now - disorder/2)
		case 2:
			if random.Intn(4) == 0 {
				m.watermark = math.MinInt64
				if c.ProcessingTime {
					m.advance(m.clock, 0)
				}
				j.Restore(random.Intn(4))
			}
		default:
			var batch []vectors.Record
			var times []int64
			for range 1 + random.Intn(6) {
				r := vectors.Record{Key: string(rune('a' + random.Intn(6))), Value: random.Int63n(100), N: n % 128}
				batch, times, n = append(batch, r), append(times, now-random.Int63n(disorder)), n+1
				m.add(r, times[len(times)-1])
			}
			j.Add(batch, times)
		}
		got := j.Take(func(r vectors.Result) (string, string) { return r.Key, r.Text("elements") })
		if want := m.take(); !got.Equal(want) {
			t.Fatalf("gap %d lateness %d processing %v: step %d emitted\n%v\nwant\n%v", c.Gap, c.Lateness, c.ProcessingTime, step, got, want)
		}
	}
}
