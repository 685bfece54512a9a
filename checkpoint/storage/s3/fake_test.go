package s3

import (
	"context"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage/s3/s3fake"
	"github.com/weir-stream/weir/runtime/clock"
)

// service is a service with answers that a test spoils.
type service struct {
	*s3fake.Service
	t *testing.T
}

const bucket = s3fake.Bucket

func newService(t *testing.T) *service {
	s := &service{s3fake.New(), t}
	t.Cleanup(s.Close)
	return s
}

// store returns a store in the service with short deadlines.
func (s *service) store(change ...func(*Config)) *Store {
	s.t.Helper()
	c := Config{Endpoint: s.URL(), AccessKey: "key", SecretKey: "secret", Timeout: 30 * time.Second, Attempts: 3, Requests: 16}
	for _, f := range change {
		f(&c)
	}
	store := newStore(s.t, c, bucket, "some/where")
	store.client.parts = small
	return store
}

// small has the fake service, which keeps all in memory, get parts that are far smaller than S3 would take.
var small = partition{single: 2 << 20, part: 1 << 20}

func newStore(t testing.TB, c Config, bucket, prefix string) *Store {
	t.Helper()
	client, err := NewClient(c, hasty{clock.System()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	store, err := client.Store(bucket, prefix)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// hasty sleeps shorter than it is told to, between attempts.
type hasty struct{ clock.Clock }

func (h hasty) Sleep(ctx context.Context, d time.Duration) error { return h.Clock.Sleep(ctx, d/50) }
