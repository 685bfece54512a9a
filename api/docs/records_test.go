package docs_test

import (
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connectors/collection"
	"github.com/weir-stream/weir/api/connectors/discard"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/streamtest"
)

// Click is a record of most examples: a user looks at an item of a shop.
type Click struct {
	User, Item string
	Price      int64
	At         time.Time
}

func (c Click) UserID() string  { return c.User }
func (c Click) Time() time.Time { return c.At }

// Order and Payment are records of two streams that belong together.
type Order struct {
	ID, User string
	Cents    int64
	At       time.Time
}

type Payment struct {
	Order string
	Cents int64
	At    time.Time
}

// Rule is a record of a stream that is broadcast.
type Rule struct {
	Name     string
	MinPrice int64
	Deleted  bool
}

// start is when the first record of each test was made.
var start = time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC)

// streams are the inputs of examples.
type streams struct {
	env      *stream.Environment
	clicks   stream.DataStream[Click]
	byUser   stream.KeyedStream[string, Click]
	orders   stream.DataStream[Order]
	payments stream.DataStream[Payment]
	rules    stream.DataStream[Rule]
}

// runExamples runs a job of all the examples of a page, which shows that the program is one that Weir accepts and that none of
// the functions fails.
func runExamples(t *testing.T, examples ...func(in streams)) {
	t.Helper()
	var clicks []Click
	var orders []Order
	var payments []Payment
	for i := range 60 {
		at := start.Add(time.Duration(i) * 7 * time.Second)
		user, order := string(rune('a'+i%3)), string(rune('A'+i%20))
		clicks = append(clicks, Click{User: user, Item: string(rune('p' + i%5)), Price: int64(i), At: at})
		orders = append(orders, Order{ID: order, User: user, Cents: int64(100 * i), At: at})
		payments = append(payments, Payment{Order: order, Cents: int64(100 * i), At: at.Add(3 * time.Second)})
	}
	streamtest.RunJob(t, func(env *stream.Environment) error {
		in := streams{env: env}
		in.clicks = stream.From(env, collection.From(clicks), stream.MonotonousTimestamps(Click.Time))
		in.orders = stream.From(env, collection.From(orders), stream.MonotonousTimestamps(func(o Order) time.Time { return o.At }))
		in.payments = stream.From(env, collection.From(payments), stream.MonotonousTimestamps(func(p Payment) time.Time { return p.At }))
		in.rules = stream.From(env, collection.Of(Rule{Name: "dear", MinPrice: 30}, Rule{Name: "any"}))
		in.byUser = stream.KeyBy(in.clicks, Click.UserID)
		for _, example := range examples {
			example(in)
		}
		return nil
	}, streamtest.Properties("parallelism.default=2"))
}

// drop ends a stream whose records an example does not use.
func drop[T any](s stream.DataStream[T]) { stream.To(s, discard.Sink[T]()) }
