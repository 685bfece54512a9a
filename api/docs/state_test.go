package docs_test

import (
	"testing"
	"time"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/streamtest"
	"github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/state"
)

// dedup lets the first click of each key pass.
type dedup struct {
	Seen state.Value[bool] `state:"seen"`
}

func (d *dedup) Process(_ *stream.KeyedContext[string], in Click, out stream.Collector[Click]) error {
	if _, seen := d.Seen.Get(); !seen {
		d.Seen.Set(true)
		out.Collect(in)
	}
	return nil
}

func deduplicated(in streams) {
	byUser := in.byUser
	firsts := stream.Process(byUser, func() *dedup { return new(dedup) }).UID("firsts")
	drop(firsts)
}

// profile has one state of each kind.
type profile struct {
	Last   state.Value[Click]                      `state:"last"`
	Recent state.List[string]                      `state:"recent"`
	Views  state.Map[string, int64]                `state:"views"`
	Most   state.Reducing[int64]                   `state:"most"`
	Mean   state.Aggregating[Click, mean, float64] `state:"mean"`
}

func newProfile() *profile {
	return &profile{
		Most: state.NewReducing(func(a, b int64) int64 { return max(a, b) }),
		Mean: state.NewAggregating(meanPrice),
	}
}

func (p *profile) Process(_ *stream.KeyedContext[string], in Click, out stream.Collector[float64]) error {
	p.Last.Set(in)
	p.Recent.Add(in.Item)
	if recent := p.Recent.Slice(); len(recent) > 10 {
		p.Recent.Update(recent[1:])
	}
	views, _ := p.Views.Get(in.Item)
	p.Views.Put(in.Item, views+1)
	for item, views := range p.Views.All() {
		if views > 1000 {
			p.Views.Remove(item)
		}
	}
	p.Most.Add(in.Price)
	p.Mean.Add(in)
	price, _ := p.Mean.Get()
	out.Collect(price)
	return nil
}

func profiles(in streams) {
	means := stream.Process(in.byUser, newProfile).UID("profiles")
	drop(means)
}

// visits counts the clicks of each user, and forgets users who stay away for a day.
type visits struct {
	Count state.Value[int64] `state:"count,ttl=24h,ttl-update=onReadAndWrite"`
}

func (v *visits) Process(_ *stream.KeyedContext[string], _ Click, out stream.Collector[int64]) error {
	v.Count.Update(func(count *int64) { *count++ })
	count, _ := v.Count.Get()
	out.Collect(count)
	return nil
}

func visitors(in streams) { drop(stream.Process(in.byUser, func() *visits { return new(visits) })) }

// batching emits clicks in groups. What is not yet a group is state of the subtask.
type batching struct {
	Open state.OperatorList[Click] `state:"open"`
}

func (b *batching) Process(_ *stream.ProcessContext, in Click, out stream.Collector[[]Click]) error {
	b.Open.Add(in)
	if b.Open.Len() == 100 {
		out.Collect(b.Open.Slice())
		b.Open.Clear()
	}
	return nil
}

func (b *batching) Finish(_ *stream.ProcessContext, out stream.Collector[[]Click]) error {
	out.Collect(b.Open.Slice())
	return nil
}

func batches(in streams) {
	groups := stream.ProcessEach(in.clicks, func() *batching { return new(batching) }).UID("groups")
	drop(groups)
}

func TestExamplesOfState(t *testing.T) {
	runExamples(t, deduplicated, profiles, visitors, batches)
}

func TestStateOutlivesItsTime(t *testing.T) {
	env := streamtest.NewEnvironment(t)
	clicks := streamtest.Input[Click](env)
	counts := streamtest.Output(stream.Process(stream.KeyBy(clicks.Stream(), Click.UserID), func() *visits { return new(visits) }))
	h := streamtest.New(t, env)
	clicks.Send(Click{User: "a"}, Click{User: "a"})
	h.SetProcessingTime((24 * time.Hour).Milliseconds())
	clicks.Send(Click{User: "a"})
	if got := counts.TakeValues(); len(got) != 3 || got[1] != 2 || got[2] != 1 {
		t.Errorf("got %v", got)
	}
}

var _ state.Merger[mean] = window.Aggregate[Click, mean, float64]{}
