package docs_test

import (
	"testing"
	"time"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/window"
)

// PaidOrder is an order with a payment for it.
type PaidOrder struct {
	Order   Order
	Payment Payment
}

func windowJoins(in streams) {
	byID := stream.KeyBy(in.orders, func(o Order) string { return o.ID })
	byOrder := stream.KeyBy(in.payments, func(p Payment) string { return p.Order })
	perMinute := stream.WindowJoin(byID, byOrder, window.Tumbling(time.Minute))
	pairs := stream.ApplyJoin(perMinute, func(o Order, p Payment) PaidOrder { return PaidOrder{o, p} })
	drop(pairs)

	unpaid := stream.CoGroup(perMinute, func() withoutPayment { return withoutPayment{} })
	drop(unpaid)
}

// withoutPayment emits the orders of a window that no payment came for.
type withoutPayment struct{}

func (withoutPayment) CoGroup(_ *stream.WindowContext[string], orders []Order, payments []Payment, out stream.Collector[Order]) error {
	if len(payments) == 0 {
		for _, order := range orders {
			out.Collect(order)
		}
	}
	return nil
}

func intervalJoin(in streams) {
	byID := stream.KeyBy(in.orders, func(o Order) string { return o.ID })
	byOrder := stream.KeyBy(in.payments, func(p Payment) string { return p.Order })
	latePayments := stream.NewOutputTag[Payment]("late payments")
	within := stream.IntervalJoin(byID, byOrder).
		Between(0, 10*time.Minute).
		UpperBoundExclusive().
		SideOutputRightLateData(latePayments)
	paid := stream.ProcessJoin(within, func() paidOrder { return paidOrder{} }).UID("paid")
	late := stream.SideOutput(paid, latePayments)
	drop(paid)
	drop(late)
}

type paidOrder struct{}

func (paidOrder) Process(_ *stream.JoinContext, o Order, p Payment, out stream.Collector[PaidOrder]) error {
	out.Collect(PaidOrder{o, p})
	return nil
}

func keyedJoin(in streams) {
	byID := stream.KeyBy(in.orders, func(o Order) string { return o.ID })
	byOrder := stream.KeyBy(in.payments, func(p Payment) string { return p.Order })
	pairs := stream.JoinKeyed(byID, byOrder, func(o Order, p Payment, out stream.Collector[PaidOrder]) error {
		out.Collect(PaidOrder{o, p})
		return nil
	}, stream.JoinTTL(24*time.Hour)).UID("pairs")
	drop(pairs)
}

func TestExamplesOfJoins(t *testing.T) { runExamples(t, windowJoins, intervalJoin, keyedJoin) }
