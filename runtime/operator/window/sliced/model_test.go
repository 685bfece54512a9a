package sliced_test

import (
	"fmt"
	"math"
	"math/rand"
	"slices"
	"testing"

	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/window/internal/vectors"
)

// model is windows as Flink has them: each window of each key on its own, with timers.
type model struct {
	size, slide, offset, lateness int64
	processing                    bool
	watermark, clock              int64
	windows                       map[modelWindow]*vectors.Flat
	// timers says whether the window is to fire, and is there as long as the window is to be cleaned up.
	timers map[modelWindow]bool
	out    vectors.Emitted
}

type modelWindow struct {
	key string
	operator.Window
}

func newModel(c *stringConfig[vectors.Flat]) *model {
	m := &model{
		size: c.Size, slide: c.Slide, offset: c.Offset, lateness: c.Lateness, processing: c.ProcessingTime, watermark: math.MinInt64,
		windows: map[modelWindow]*vectors.Flat{}, timers: map[modelWindow]bool{},
	}
	if m.processing {
		m.lateness = 0
	}
	m.take()
	return m
}

func (m *model) take() vectors.Emitted {
	out := m.out
	m.out = vectors.Emitted{Records: map[string][]string{}, Late: map[string][]string{}}
	return out
}

func (m *model) emit(w modelWindow) {
	r := vectors.ResultOfFlat(w.key, w.Window, m.watermark, m.windows[w])
	m.out.Records[w.key] = append(m.out.Records[w.key], fmt.Sprint(r.Text("aggregate-window"), " at ", w.End-1))
}

func (m *model) cleanup(w modelWindow) int64 {
	if at := w.End - 1 + m.lateness; at >= w.End-1 {
		return at
	}
	return math.MaxInt64
}

func (m *model) add(r vectors.Record, at int64) {
	if m.processing {
		at = m.clock
	}
	skipped := true
	for start := operator.WindowStart(at, m.offset, m.slide); start > at-m.size; start -= m.slide {
		w := modelWindow{r.Key, operator.Window{Start: start, End: start + m.size}}
		if !m.processing && m.cleanup(w) <= m.watermark {
			continue
		}
		skipped = false
		acc := m.windows[w]
		if acc == nil {
			acc = new(vectors.Flat)
			m.windows[w] = acc
		}
		vectors.AddFlat(acc, acc.Count == 0, r)
		if !m.processing && w.End-1 <= m.watermark {
			m.emit(w)
			m.timers[w] = m.timers[w] || false
		} else {
			m.timers[w] = true
		}
	}
	if skipped && !m.processing && at+m.lateness <= m.watermark {
		m.out.Late[r.Key] = append(m.out.Late[r.Key], fmt.Sprint(r.N, " at ", at))
	}
}

func (m *model) advance(time int64) {
	var all []modelWindow
	for w := range m.timers {
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b modelWindow) int { return int(a.End - b.End) })
	for _, w := range all {
		if m.timers[w] && w.End-1 <= time {
			m.emit(w)
			m.timers[w] = false
		}
		if m.cleanup(w) <= time {
			delete(m.windows, w)
			delete(m.timers, w)
		}
	}
}

func (m *model) setWatermark(at int64) {
	m.watermark = max(m.watermark, at)
	if !m.processing {
		m.advance(m.watermark)
	}
	m.out.Watermarks = append(m.out.Watermarks, at)
}

func (m *model) setClock(at int64) {
	m.clock = at
	if m.processing {
		m.advance(at)
	}
}

func (m *model) restore() {
	m.watermark = math.MinInt64
	m.setClock(m.clock)
}

// TestAgainstModel compares random windows on random streams, with watermarks that jump, late records, and restores
// into other numbers of subtasks.
func TestAgainstModel(t *testing.T) {
	for seed := range int64(120) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { compareWithModel(t, seed) })
	}
}

func compareWithModel(t *testing.T, seed int64) {
	random := rand.New(rand.NewSource(seed))
	c := flat(t)
	c.Slide = 1 + random.Int63n(12)
	c.Size = 1 + random.Int63n(60)
	if random.Intn(3) == 0 {
		c.Size = c.Slide * (1 + random.Int63n(9))
	}
	c.Offset = random.Int63n(2*c.Slide) - c.Slide
	if random.Intn(2) == 0 {
		c.Lateness = random.Int63n(40)
	}
	c.ProcessingTime = random.Intn(4) == 0
	if random.Intn(2) == 0 && !c.ProcessingTime {
		c.Late = vectors.LateTag
	}
	m := newModel(&c)
	encoded := listed(t, true)
	encoded.Size, encoded.Slide, encoded.Offset, encoded.Lateness = c.Size, c.Slide, c.Offset, c.Lateness
	encoded.ProcessingTime, encoded.Late = c.ProcessingTime, c.Late
	backend := "hashmap"
	if seed%4 == 0 {
		backend = "pebble"
	}
	factory := c.Factory()
	if seed%3 == 0 {
		factory = encoded.Factory()
	}
	j := vectors.Start[vectors.Result](t, backend, factory)
	defer func() { j.Close() }()
	restores, disorder := random.Intn(3) == 0, 1+random.Int63n(80)
	now, records := int64(0), int64(0)
	for step := range 250 {
		what := ""
		switch n := random.Intn(20); {
		case n < 14:
			var batch []vectors.Record
			var times []int64
			for range 1 + random.Intn(6) {
				r := vectors.Record{Key: string(rune('a' + random.Intn(7))), Value: random.Int63n(1000), N: records % 192}
				at := now - random.Int63n(disorder)
				batch, times, records = append(batch, r), append(times, at), records+1
				m.add(r, at)
			}
			j.Add(batch, times)
			what = fmt.Sprint("add ", batch, times)
		case n < 18:
			now += random.Int63n(20)
			if random.Intn(15) == 0 {
				now += random.Int63n(300)
			}
			if c.ProcessingTime {
				m.setClock(now)
				j.Time(now)
			} else {
				m.setWatermark(now - disorder/2)
				j.Watermark(now - disorder/2)
			}
			what = fmt.Sprint("time ", now)
		case restores && n == 18:
			p := random.Intn(4)
			m.restore()
			j.Restore(p)
			what = fmt.Sprint("restore ", p)
		}
		if got, want := j.Take(describe), m.take(); !sameOutput(got, want, c.Late.Name != "") {
			t.Fatalf("size %d slide %d offset %d lateness %d processing %v: step %d %s emitted\n%v\nwant\n%v", c.Size, c.Slide, c.Offset, c.Lateness, c.ProcessingTime, step, what, got, want)
		}
	}
	j.Watermark(math.MaxInt64)
	m.setWatermark(math.MaxInt64)
	if got, want := j.Take(describe), m.take(); !sameOutput(got, want, c.Late.Name != "") {
		t.Fatalf("at the end emitted\n%v\nwant\n%v", got, want)
	}
}

func describe(r vectors.Result) (string, string) { return r.Key, r.Text("aggregate-window") }

func sameOutput(got, want vectors.Emitted, late bool) bool {
	if !late {
		want.Late = map[string][]string{}
	}
	return got.Equal(want)
}
