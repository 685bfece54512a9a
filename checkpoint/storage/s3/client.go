// Package s3 is a store in Amazon S3, MinIO and other services that speak their protocol and have conditional writes (If-None-Match).
//
// Every request has a deadline, is repeated a few times, and takes its place among a bounded number that are under way at once. The
// client library's own repetition is off: only who counts the attempts knows whether a name that is taken was taken by himself, and
// the library sends wrong checksums when it repeats an upload. Checksums are computed before, sent along, and verified by the service.
package s3

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
)

// Config says where the service is and how to talk to it.
type Config struct {
	// Endpoint is a URL, or host and port for https; "" is Amazon's.
	Endpoint string
	// Region of the bucket; "" has the bucket of Amazon's asked for it.
	Region string
	// AccessKey and SecretKey are credentials; both empty, they come from the environment.
	AccessKey, SecretKey string
	// PathStyle puts buckets into the path of URLs. It is always so with an endpoint that is not Amazon's.
	PathStyle bool
	// Timeout bounds one attempt of a request that moves little, and each further 32 MiB.
	Timeout time.Duration
	// Attempts is how often a request is made at most, 1 or more.
	Attempts int
	// Requests is how many may be under way at once, 1 or more.
	Requests int
}

// Configured reads the options of the configuration, and from the environment what they leave open.
func Configured(c config.Configuration, getenv func(string) string) Config {
	first := func(value string, names ...string) string {
		for _, name := range names {
			if value != "" {
				break
			}
			value = getenv(name)
		}
		return value
	}
	return Config{
		Endpoint:  first(config.Get(c, config.S3Endpoint), "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
		Region:    first(config.Get(c, config.S3Region), "AWS_REGION", "AWS_DEFAULT_REGION"),
		AccessKey: config.Get(c, config.S3AccessKey),
		SecretKey: config.Get(c, config.S3SecretKey),
		PathStyle: config.Get(c, config.S3PathStyleAccess),
		Timeout:   config.Get(c, config.StorageObjectTimeout),
		Attempts:  config.Get(c, config.StorageAttempts),
		Requests:  config.Get(c, config.StorageRequests),
	}
}

// Client is the access to one service, shared by all stores in it: their connections and their bound on requests.
type Client struct {
	core      minio.Core
	config    Config
	clock     clock.Clock
	slots     chan struct{}
	transport *http.Transport
	parts     partition
}

// NewClient returns a client. It does not talk to the service yet. An error says which option is wrong.
func NewClient(c Config, clock clock.Clock) (*Client, error) {
	host, secure, err := endpoint(c.Endpoint)
	if err != nil {
		return nil, err
	}
	if (c.AccessKey == "") != (c.SecretKey == "") {
		return nil, errors.New("s3.access-key and s3.secret-key must be set both or not at all")
	}
	lookup := minio.BucketLookupAuto
	if c.PathStyle || c.Endpoint != "" && !strings.HasSuffix(host, ".amazonaws.com") {
		lookup = minio.BucketLookupPath
	}
	if c.Region == "" && lookup == minio.BucketLookupPath && !c.PathStyle {
		c.Region = "us-east-1"
	}
	transport, err := minio.DefaultTransport(secure)
	if err != nil {
		return nil, err
	}
	transport.MaxIdleConnsPerHost = 2 * c.Requests
	transport.ResponseHeaderTimeout = 0 // attempts have a deadline
	transport.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	transport.WriteBufferSize, transport.ReadBufferSize = 128<<10, 128<<10

	core, err := minio.NewCore(host, &minio.Options{
		Creds: chain(c), Secure: secure, Region: c.Region, BucketLookup: lookup, Transport: transport,
		TrailingHeaders: true, // what the library wants to be told before it sends checksums
		MaxRetries:      1,
	})
	if err != nil {
		return nil, fmt.Errorf("s3.endpoint %q: %w", c.Endpoint, err)
	}
	core.SetAppInfo("weir", "1")
	return &Client{
		core: *core, config: c, clock: clock, slots: make(chan struct{}, max(c.Requests, 1)), transport: transport,
		parts: partition{single: maxSingle, part: minPart},
	}, nil
}

// endpoint splits the option into host and scheme.
func endpoint(text string) (host string, secure bool, err error) {
	if text == "" {
		return "s3.amazonaws.com", true, nil
	}
	whole := text
	if !strings.Contains(text, "://") {
		whole = "https://" + text
	}
	u, err := url.Parse(whole)
	if err == nil && u.User != nil || err != nil && strings.Contains(text, "@") {
		return "", false, errors.New("s3.endpoint: expected an address without credentials, such as http://minio:9000: they belong into s3.access-key and s3.secret-key")
	}
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return "", false, fmt.Errorf("s3.endpoint %q: expected an address such as http://minio:9000 or s3.eu-central-1.amazonaws.com", text)
	}
	switch strings.ToLower(u.Scheme) {
	case "http":
		return u.Host, false, nil
	case "https":
		return u.Host, true, nil
	}
	return "", false, fmt.Errorf("s3.endpoint %q: expected http or https", text)
}

// chain is where credentials are looked for, in the order of AWS's tools.
func chain(c Config) *credentials.Credentials {
	if c.AccessKey != "" {
		return credentials.NewStaticV4(c.AccessKey, c.SecretKey, "")
	}
	return credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{},
		&credentials.EnvMinio{},
		&credentials.FileAWSCredentials{},
		&credentials.IAM{Client: &http.Client{Timeout: 10 * time.Second}, Region: c.Region},
	})
}

// Close closes idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Store returns the store below a prefix of the bucket, "" for all of it. Nothing is asked of the service.
func (c *Client) Store(bucket, prefix string) (*Store, error) {
	if err := s3utils.CheckValidBucketName(bucket); err != nil {
		return nil, fmt.Errorf("s3://%s: %w", bucket, err)
	}
	if err := storage.CheckPrefix(prefix); err != nil {
		return nil, fmt.Errorf("s3://%s/%s: %w", bucket, prefix, err)
	}
	if len(prefix) > maxPrefix {
		return nil, fmt.Errorf("s3://%s/%s: the path has %d bytes: the limit is %d", bucket, prefix, len(prefix), maxPrefix)
	}
	s := &Store{client: c, bucket: bucket, place: storage.Location{Scheme: storage.SchemeS3, Bucket: bucket, Path: prefix}.String()}
	if prefix != "" {
		s.prefix = prefix + "/"
	}
	return s, nil
}

// maxPrefix leaves room for names within the 1,024 bytes of a key.
const maxPrefix = 255

// bytesPerTimeout is how many bytes a request may move in each Timeout.
const bytesPerTimeout = 32 << 20

// do makes a request until it succeeds, fails for good, or has been made often enough. The errors of request are those of the library.
func (s *Store) do(ctx context.Context, op, name string, size int64, request func(context.Context) error) error {
	for attempt := 1; ; attempt++ {
		err := s.client.attempt(ctx, size, request)
		if err == nil {
			return nil
		}
		failure := s.fail(op, name, err)
		if attempt >= s.client.config.Attempts || ctx.Err() != nil || !worthRepeating(failure) {
			if ctx.Err() != nil && storage.KindOf(failure) == storage.Transient {
				return s.fail(op, name, context.Cause(ctx))
			}
			return failure
		}
		if s.client.clock.Sleep(ctx, pause(name, attempt)) != nil {
			return s.fail(op, name, context.Cause(ctx))
		}
	}
}

// attempt makes a request once, in its turn and with a deadline.
func (c *Client) attempt(ctx context.Context, size int64, request func(context.Context) error) error {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-c.slots }()
	limit := c.config.Timeout * time.Duration(1+size/bytesPerTimeout)
	bounded, cancel := context.WithTimeoutCause(ctx, limit, noAnswer(limit))
	defer cancel()
	err := request(bounded)
	if err != nil && ctx.Err() == nil && bounded.Err() != nil {
		return context.Cause(bounded)
	}
	return err
}

func noAnswer(limit time.Duration) error { return fmt.Errorf("no answer within %v", limit) }

// pause is 100 to 200 ms before the second attempt and four times as long before each further one, up to 10 s. Which of it depends on
// the name, so that many subtasks that failed together do not come back together.
func pause(name string, attempt int) time.Duration {
	h := fnv.New32a()
	h.Write([]byte(name))
	base := min(100*time.Millisecond<<(2*min(attempt-1, 4)), 5*time.Second)
	return base + base*time.Duration(h.Sum32()%1024)/1024
}
