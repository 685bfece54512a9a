package docs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/stream"
)

// errBusy is an error of the shop that goes away.
var errBusy = errors.New("the shop is busy")

// shop stands for a service.
type shop struct{}

func (shop) NameOf(ctx context.Context, item string) (string, error) {
	return "item " + item, ctx.Err()
}

func (shop) Ask(item string, done func(name string, err error)) { done("item "+item, nil) }

func lookUps(in streams) {
	clicks, items := in.clicks, shop{}
	names := stream.Async(clicks, func(ctx context.Context, c Click) ([]string, error) {
		name, err := items.NameOf(ctx, c.Item)
		return []string{name}, err
	}, stream.AsyncOptions[Click, string]{
		Order:     stream.Unordered,
		Capacity:  50,
		Timeout:   5 * time.Second,
		OnTimeout: func(c Click) ([]string, error) { return []string{c.Item}, nil },
		Retry: stream.AsyncRetry[string]{
			Attempts: 3,
			Delay:    stream.ExponentialBackoff(100*time.Millisecond, time.Second, 2),
			OnError:  func(err error) bool { return errors.Is(err, errBusy) },
		},
	}).UID("names")
	drop(names)

	more := stream.AsyncWith(clicks, func() *asking { return new(asking) }, stream.AsyncOptions[Click, string]{Timeout: time.Second})
	drop(more)
}

// asking is a function for a client that calls back.
type asking struct{ shop shop }

func (a *asking) Invoke(in Click, result stream.ResultFuture[string]) error {
	a.shop.Ask(in.Item, func(name string, err error) {
		if err != nil {
			result.Fail(err)
			return
		}
		result.Complete(name)
	})
	return nil
}

func (a *asking) Timeout(in Click, result stream.ResultFuture[string]) error {
	result.Complete() // nothing
	return nil
}

func TestExamplesOfAsync(t *testing.T) { runExamples(t, lookUps) }
