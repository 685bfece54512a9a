package datagen

import (
	"fmt"
	"math"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/connectortest"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/operator"
)

func identity(i int64) int64 { return i }

func fillIdentity(start int64, out []int64) {
	for i := range out {
		out[i] = start + int64(i)
	}
}

func upTo(n int64) []int64 {
	all := make([]int64, n)
	fillIdentity(0, all)
	return all
}

func TestGeneratorsResume(t *testing.T) {
	const n = 1003
	for name, source := range map[string]Source[int64]{
		"generate":              Generate(n, identity),
		"fill":                  Fill(n, fillIdentity),
		"event times":           Fill(n, fillIdentity).Timestamps(func(v int64) int64 { return 7 * v }),
		"unbounded":             Fill(Unbounded, fillIdentity),
		"10,000 a second":       Fill(300, fillIdentity).Rate(10_000),
		"1M a second":           Generate(n, identity).Rate(1e6).Timestamps(func(v int64) int64 { return -v }),
		"unbounded with a rate": Fill(Unbounded, fillIdentity).Rate(100_000),
		"fewer than subtasks":   Generate(3, identity),
		"none":                  Generate(0, identity),
	} {
		t.Run(name, func(t *testing.T) {
			want := upTo(min(n, max(source.count, 0)))
			if source.count < 0 {
				want = upTo(1100)
			}
			connectortest.CheckSource(t, source, want)
		})
	}
}

func TestEachSubtaskHasItsFunction(t *testing.T) {
	made := map[int]bool{}
	source := GenerateWith(2, func(subtask int) func(int64) string {
		made[subtask] = true
		return func(i int64) string { return fmt.Sprint(i) }
	})
	connectortest.CheckSource(t, source, []string{"0", "1"})
	for subtask := range 7 {
		if !made[subtask] {
			t.Errorf("no function was made for subtask %d", subtask)
		}
	}
}

// schedule polls one subtask of a rated source by its alarms for some time and returns at which times how many records came.
func schedule(t *testing.T, source Source[int64], subtask, parallelism int, during time.Duration) (times []int64, counts []int, values []int64) {
	t.Helper()
	manual := clock.NewManual(time.Unix(0, 0))
	manual.Advance(time.Second)
	begin := manual.Nanos()
	wake := int64(-1)
	r, err := source.NewReader(connector.ReaderContext{
		RuntimeContext: (&operator.Context{Subtask: subtask}).Runtime(),
		Clock:          manual, RequestSplit: func() {}, Wake: func() {}, WakeAt: func(nanos int64) { wake = nanos },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.AddSplits(source.plan(int64(parallelism))[subtask : subtask+1]); err != nil {
		t.Fatal(err)
	}
	for manual.Nanos()-begin <= int64(during) {
		var batch element.Batch[int64]
		out := connector.NewOutput(&batch, 1024)
		status, err := r.Poll(&out)
		if err != nil {
			t.Fatal(err)
		}
		if batch.Len() > 0 {
			times, counts, values = append(times, manual.Nanos()-begin), append(counts, batch.Len()), append(values, batch.Values...)
		}
		if status == connector.Waiting {
			if wake <= manual.Nanos() {
				t.Fatalf("the alarm is set to the past: %d at %d", wake, manual.Nanos())
			}
			manual.Advance(time.Duration(wake - manual.Nanos()))
		}
	}
	return times, counts, values
}

func TestLowRateComesRecordByRecordOnTime(t *testing.T) {
	times, counts, values := schedule(t, Fill(Unbounded, fillIdentity).Rate(10_000), 0, 2, 50*time.Millisecond)
	if len(values) != 251 {
		t.Fatalf("%d records in 50 ms, want 250 and the first", len(values))
	}
	for i := range times {
		if counts[i] != 1 || values[i] != int64(2*i) || times[i] != int64(i)*200_000 {
			t.Fatalf("step %d: %d records at %d ns, the first of them %d", i, counts[i], times[i], values[i])
		}
	}
}

func TestHighRateComesInBurstsOfAMillisecond(t *testing.T) {
	times, counts, values := schedule(t, Fill(Unbounded, fillIdentity).Rate(1_000_000), 0, 1, 100*time.Millisecond)
	if len(times) > 110 || len(values) < 99_000 || len(values) > 101_000 {
		t.Fatalf("%d records in %d bursts", len(values), len(times))
	}
	for i := 1; i < len(times); i++ {
		if late := times[i] - times[i-1]; late != int64(time.Millisecond) || counts[i] != 1000 {
			t.Fatalf("burst %d: %d records after %d ns", i, counts[i], late)
		}
	}
	if !slices.Equal(values, upTo(int64(len(values)))) {
		t.Error("the records are not 0, 1, 2 and so on")
	}
}

func TestOddRatesNeitherSpinNorDrift(t *testing.T) {
	for _, rate := range []float64{0.3, 3, 7.77, 999.9, 12_345.678, 20_001} {
		during := time.Duration(1000 / rate * 1e9)
		times, _, values := schedule(t, Fill(Unbounded, fillIdentity).Rate(rate), 1, 3, during)
		if n := len(values); n < 333-21 || n > 334 {
			t.Errorf("rate %v: %d records of a third of 1000", rate, n)
		}
		if last := values[len(values)-1]; math.Abs(float64(last)/rate*1e9-float64(times[len(times)-1])-1e9/rate) > 1e6+2e9/rate {
			t.Errorf("rate %v: record %d at %d", rate, last, times[len(times)-1])
		}
	}
}

func TestBackPressureIsCaughtUp(t *testing.T) {
	p := pace{perSecond: 1000}
	p.begin(5_000_000_000, 0)
	if got := p.ready(5_000_000_000+50_000_000, 0, 1, 1024); got != 51 {
		t.Errorf("%d records are due 50 ms after the first, want 51", got)
	}
	if got := p.ready(5_000_000_000+50_000_000, 0, 1, 10); got != 10 {
		t.Errorf("%d records with room for 10", got)
	}
}

func TestReadyIsWhatDueSays(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for range 20_000 {
		p := pace{perSecond: math.Exp(random.Float64()*25 - 5)}
		stride, first := int64(1+random.Intn(5)), random.Int63n(1<<random.Intn(40))
		p.begin(random.Int63n(1<<40), first)
		now := p.origin + p.due(first+random.Int63n(40)*stride) + random.Int63n(3) - 1
		want := 0
		for want < 20 && p.due(first+int64(want)*stride) <= now-p.origin {
			want++
		}
		if got := p.ready(now, first, stride, 20); got != want {
			t.Fatalf("%v a second from %d by %d: %d are ready, want %d", p.perSecond, first, stride, got, want)
		}
	}
}

func TestRestoredScheduleGoesOnFromItsRecord(t *testing.T) {
	p := pace{perSecond: 1000}
	p.begin(77, 5000)
	if got := p.ready(77, 5000, 1, 1024); got != 1 {
		t.Errorf("%d records at once after a restore, want 1", got)
	}
}

func TestRatesThatAreNone(t *testing.T) {
	for _, rate := range []float64{-1, math.NaN(), math.Inf(1)} {
		if _, err := Generate(1, identity).Rate(rate).NewEnumerator(nil); err == nil || !strings.Contains(err.Error(), "is no rate") {
			t.Errorf("rate %v: %v", rate, err)
		}
	}
}

func TestLaneEndsAtTheLargestIndex(t *testing.T) {
	l := lane{next: math.MaxInt64 - 3, end: math.MaxInt64, block: 4, stride: 5}
	for steps := 0; !l.done(); steps++ {
		if steps > 10 || l.next < 0 {
			t.Fatalf("does not end: %+v", l)
		}
		l.advance(l.run())
	}
}

func FuzzDecodeLane(f *testing.F) {
	f.Add(lane{0, 10, 1, 1}.encode())
	f.Add(lane{1 << 40, math.MaxInt64, 1024, 7}.encode())
	f.Add(lane{5, 5, 1, 1}.encode())
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, state []byte) {
		l, err := decodeLane(state)
		if err != nil {
			return
		}
		if string(l.encode()) != string(state) {
			t.Errorf("%x is read as %+v", state, l)
		}
		for range 100 {
			if l.done() {
				return
			}
			before, run := l.next, l.run()
			if l.advance(run); run < 1 || l.next < before+run || l.next > l.end {
				t.Fatalf("from %d by a run of %d to %+v", before, run, l)
			}
		}
	})
}

func BenchmarkFill(b *testing.B)     { benchmark(b, Fill(Unbounded, fillIdentity)) }
func BenchmarkGenerate(b *testing.B) { benchmark(b, Generate(Unbounded, identity)) }

func benchmark(b *testing.B, source Source[int64]) {
	r, _ := source.NewReader(connector.ReaderContext{
		RuntimeContext: (&operator.Context{}).Runtime(), RequestSplit: func() {}, Wake: func() {},
	})
	if err := r.AddSplits(source.plan(2)[:1]); err != nil {
		b.Fatal(err)
	}
	var batch element.Batch[int64]
	b.ReportAllocs()
	for b.Loop() {
		batch.Reset()
		out := connector.NewOutput(&batch, 1024)
		if _, err := r.Poll(&out); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1024, "ns/record")
}
