package docs_test

import (
	"fmt"
	"testing"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/state"
)

// absence emits a user who has not clicked for a minute of event time.
type absence struct {
	Due state.Value[int64] `state:"due"`
}

func (a *absence) Process(ctx *stream.KeyedContext[string], _ Click, _ stream.Collector[string]) error {
	timestamp, ok := ctx.Timestamp()
	if !ok {
		return fmt.Errorf("a click of %q has no event time", ctx.Key())
	}
	if due, set := a.Due.Get(); set {
		ctx.DeleteEventTimeTimer(due)
	}
	due := timestamp + 60_000
	a.Due.Set(due)
	ctx.RegisterEventTimeTimer(due)
	return nil
}

func (a *absence) OnTimer(ctx *stream.OnTimerContext[string], out stream.Collector[string]) error {
	a.Due.Clear()
	out.Collect(ctx.Key())
	return nil
}

func absent(in streams) {
	absent := stream.Process(in.byUser, func() *absence { return new(absence) }).UID("absent")
	drop(absent)
}

// cheap is where sorting puts clicks that cost little.
var cheap = stream.NewOutputTag[Click]("cheap")

type sorting struct{}

func (sorting) Process(ctx *stream.ProcessContext, in Click, out stream.Collector[Click]) error {
	if in.Price < 10 {
		cheap.Emit(ctx, in)
		return nil
	}
	out.Collect(in)
	return nil
}

func sideOutputs(in streams) {
	clicks := in.clicks
	dear := stream.ProcessEach(clicks, func() sorting { return sorting{} }).UID("sorting")
	rest := stream.SideOutput(dear, cheap)
	drop(dear)
	drop(rest)
}

// paying tells when an order is paid in full.
type paying struct {
	Order state.Value[Order] `state:"order"`
	Paid  state.Value[int64] `state:"paid"`
}

func (p *paying) Process1(_ *stream.KeyedContext[string], order Order, out stream.Collector[Order]) error {
	p.Order.Set(order)
	return p.check(out)
}

func (p *paying) Process2(_ *stream.KeyedContext[string], payment Payment, out stream.Collector[Order]) error {
	p.Paid.Update(func(cents *int64) { *cents += payment.Cents })
	return p.check(out)
}

func (p *paying) check(out stream.Collector[Order]) error {
	order, ordered := p.Order.Get()
	if paid, _ := p.Paid.Get(); ordered && paid >= order.Cents {
		out.Collect(order)
		p.Order.Clear()
		p.Paid.Clear()
	}
	return nil
}

func connected(in streams) {
	orders, payments := in.orders, in.payments
	byID := stream.KeyBy(orders, func(o Order) string { return o.ID })
	byOrder := stream.KeyBy(payments, func(p Payment) string { return p.Order })
	paid := stream.KeyedCoProcess(stream.ConnectKeyed(byID, byOrder), func() *paying { return new(paying) }).UID("paid")
	drop(paid)

	amounts := stream.CoMap(stream.Connect(orders, payments),
		func(o Order) int64 { return o.Cents },
		func(p Payment) int64 { return -p.Cents })
	drop(amounts)
}

// matching emits the clicks of each user that fit a rule, and forgets users when a rule goes.
type matching struct {
	Rules state.Broadcast[string, Rule] `state:"rules"`
	Count state.Value[int64]            `state:"count"`
}

func (m *matching) Process(_ *stream.KeyedContext[string], in Click, out stream.Collector[Click]) error {
	for _, rule := range m.Rules.All() {
		if in.Price >= rule.MinPrice {
			m.Count.Update(func(count *int64) { *count++ })
			out.Collect(in)
			break
		}
	}
	return nil
}

func (m *matching) ProcessBroadcast(ctx *stream.KeyedBroadcastContext[string], rule Rule, _ stream.Collector[Click]) error {
	if !rule.Deleted {
		m.Rules.Put(rule.Name, rule)
		return nil
	}
	m.Rules.Remove(rule.Name)
	return ctx.ApplyToKeyedState(func(user string) error {
		m.Count.Clear()
		return nil
	})
}

func broadcast(in streams) {
	byUser, rules := in.byUser, in.rules
	matches := stream.KeyedBroadcastProcess(stream.ConnectKeyedBroadcast(byUser, rules), func() *matching { return new(matching) }).UID("matches")
	drop(matches)
}

// totals emits a count of each user at the end of bounded input.
type totals struct {
	Count state.Value[int64] `state:"count"`
}

func (t *totals) Process(_ *stream.KeyedContext[string], _ Click, _ stream.Collector[string]) error {
	t.Count.Update(func(count *int64) { *count++ })
	return nil
}

func (t *totals) Finish(ctx *stream.KeyedContext[string], out stream.Collector[string]) error {
	ctx.ForEachKey(func(user string) bool {
		count, _ := t.Count.Get()
		out.Collect(fmt.Sprintf("%s: %d", user, count))
		return true
	})
	return nil
}

func atTheEnd(in streams) {
	drop(stream.Process(in.byUser, func() *totals { return new(totals) }))
}

func TestExamplesOfProcessFunctions(t *testing.T) {
	runExamples(t, absent, sideOutputs, connected, broadcast, atTheEnd)
}
