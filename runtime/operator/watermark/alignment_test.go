package watermark

import (
	"math"
	"math/rand"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/ident"
)

var (
	one, two = ident.Derive("one"), ident.Derive("two")
	a0, a1   = Member{ident.OperatorID(one), 0}, Member{ident.OperatorID(one), 1}
	b0       = Member{ident.OperatorID(two), 0}
)

func report(watermark int64) Report { return Report{Group: "g", MaxDrift: 10, Watermark: watermark} }

func expectLimits(t *testing.T, got []Limit, want map[Member]int64) {
	t.Helper()
	told := map[Member]int64{}
	for _, l := range got {
		told[l.Member] = l.At
	}
	if !reflect.DeepEqual(told, want) || len(got) != len(want) {
		t.Fatalf("limits %v, want %v", got, want)
	}
}

func TestGroupsWaitForTheirSlowest(t *testing.T) {
	var g Groups
	expectLimits(t, g.Report(a0, report(100)), map[Member]int64{a0: 110})
	expectLimits(t, g.Report(b0, report(50)), map[Member]int64{a0: 60, b0: 60})
	expectLimits(t, g.Report(a0, report(120)), map[Member]int64{})
	other := report(1)
	other.Group = "other"
	expectLimits(t, g.Report(a1, other), map[Member]int64{a1: 11})
	expectLimits(t, g.Report(b0, report(90)), map[Member]int64{a0: 100, b0: 100})
	expectLimits(t, g.Report(b0, report(element.MaxWatermark)), map[Member]int64{a0: 130, b0: 130})
	expectLimits(t, g.Report(a0, report(element.MaxWatermark)), map[Member]int64{a0: NoLimit, b0: NoLimit})
	expectLimits(t, g.Report(b0, report(5)), map[Member]int64{a0: 15, b0: 15})
	expectLimits(t, g.Leave(b0), map[Member]int64{a0: NoLimit})
	expectLimits(t, g.Leave(b0), map[Member]int64{})
	expectLimits(t, g.Leave(a0), map[Member]int64{})
	if len(g.groups) != 1 {
		t.Errorf("%d groups are left, want the other one", len(g.groups))
	}
	wide := report(5)
	wide.MaxDrift = math.MaxInt64
	expectLimits(t, g.Report(b0, wide), map[Member]int64{})
}

// TestNobodyWaitsForEver lets members go on as far as they were last told, reports arriving in any order: all reach the end, and none is ever
// further ahead of the slowest than the drift and one step.
func TestNobodyWaitsForEver(t *testing.T) {
	for seed := range int64(50) {
		random := rand.New(rand.NewSource(seed))
		var g Groups
		members := []Member{a0, a1, b0}
		at, limit := map[Member]int64{}, map[Member]int64{a0: NoLimit, a1: NoLimit, b0: NoLimit}
		const end, step = 1000, 7
		told := func(limits []Limit) {
			for _, l := range limits {
				limit[l.Member] = l.At
			}
		}
		for _, m := range members {
			told(g.Report(m, report(0)))
		}
		for n := 0; at[a0] < end || at[a1] < end || at[b0] < end; n++ {
			if n > 100_000 {
				t.Fatalf("seed %d: stuck at %v with limits %v", seed, at, limit)
			}
			m := members[random.Intn(len(members))]
			if at[m] <= limit[m] && at[m] < end {
				at[m] += random.Int63n(step + 1)
			}
			lowest := min(at[a0], at[a1], at[b0])
			if at[m] > lowest+10+step && lowest < end {
				t.Fatalf("seed %d: %v at %v", seed, m, at)
			}
			if random.Intn(3) == 0 {
				r := report(at[m])
				if at[m] >= end {
					r.Watermark = element.MaxWatermark
				}
				told(g.Report(m, r))
			}
		}
	}
}

func TestStrategiesThatCannotBe(t *testing.T) {
	at := func(v int64) int64 { return v }
	for want, s := range map[string]Strategy[int64]{
		"cannot be negative":  BoundedOutOfOrderness(-time.Second, at),
		"no timestamp":        Monotonous[int64, int64](nil),
		"without a function":  Punctuated(at, nil),
		"makes their":         Custom(at, nil),
		"has to be positive":  None(at).WithIdleness(0),
		"needs a name":        None(at).WithAlignment("", time.Second, 0),
		"drift of at most -1": None(at).WithAlignment("g", -1*time.Second, 0),
		"update interval":     None(at).WithAlignment("g", time.Second, time.Microsecond),
		"both":                None(at).WithIdleness(-1).WithAlignment("both", -1, 0),
	} {
		if s.Err() == nil || !strings.Contains(s.Err().Error(), want) {
			t.Errorf("%q: %v", want, s.Err())
		}
	}
	if err := Monotonous(RecordTimestamp[int64]).WithIdleness(time.Second).WithAlignment("g", 0, 0).Err(); err != nil {
		t.Error(err)
	}
	if s := BoundedOutOfOrderness(math.MaxInt64, at); s.NewTracker().Tick(0)[0].Time != element.NoWatermark {
		t.Error("the longest bound overflows")
	}
}

// talkative says something of every kind.
type talkative struct{ events int }

func (g *talkative) OnEvent(v, timestamp int64, out *Output) {
	if g.events++; v == 3 {
		out.Idle()
		out.Emit(timestamp)
		out.Idle()
	}
}
func (g *talkative) OnPeriodic(out *Output) { out.Active(); out.Emit(int64(g.events)) }

func TestCustomGenerators(t *testing.T) {
	made := 0
	s := Custom(RecordTimestamp[int64], func() Generator[int64] { made++; return new(talkative) })
	tracker := s.NewTracker()
	n, said := tracker.Observe([]int64{1, 3, 4}, []int64{10, 30, 40})
	idle, mark := element.Event{Kind: element.Idle}, element.Event{Kind: element.Watermark, Time: 30}
	if n != 2 || !reflect.DeepEqual(said, []element.Event{idle, mark, idle}) {
		t.Errorf("after %d records: %v", n, said)
	}
	if n, said = tracker.Observe([]int64{4}, nil); n != 1 || len(said) != 0 {
		t.Errorf("after %d records: %v", n, said)
	}
	if said = tracker.Tick(0); !reflect.DeepEqual(said, []element.Event{{Kind: element.Active}, {Kind: element.Watermark, Time: 3}}) {
		t.Errorf("tick: %v", said)
	}
	if s.NewTracker(); made != 2 {
		t.Errorf("%d generators for 2 streams", made)
	}
}

func FuzzDecodeReport(f *testing.F) {
	f.Add(report(5).Append(nil))
	f.Add(make([]byte, 17))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		if r, err := DecodeReport(encoded); err == nil && string(r.Append(nil)) != string(encoded) {
			t.Errorf("%x is read as %+v", encoded, r)
		}
	})
}
