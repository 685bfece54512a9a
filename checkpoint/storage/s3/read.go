package s3

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/minio/minio-go/v7"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/clock"
)

// Open makes the object readable. It asks for its size; each ReadAt is a request, each Stream is one as a rule.
func (s *Store) Open(ctx context.Context, name string) (storage.Reader, error) {
	info, err := s.stat(ctx, "open", name)
	if err != nil {
		return nil, err
	}
	return &reader{ctx: ctx, store: s, name: name, size: info.Size, etag: info.ETag}, nil
}

// reader reads the object that had the ETag, and no other one of the name.
type reader struct {
	ctx   context.Context
	store *Store
	name  string
	size  int64
	etag  string
}

func (r *reader) Size() int64  { return r.size }
func (r *reader) Close() error { return nil }

func (r *reader) ReadAt(p []byte, offset int64) (int, error) {
	if err := storage.Ended(r.ctx, "read", r.store.place, r.name); err != nil {
		return 0, err
	}
	if offset < 0 {
		return 0, r.store.fail("read", r.name, fmt.Errorf("negative offset %d", offset))
	}
	length := min(int64(len(p)), r.size-offset)
	if length <= 0 {
		if len(p) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	n := 0
	err := r.store.do(r.ctx, "read", r.name, length, func(ctx context.Context) error {
		body, err := r.get(ctx, offset, length)
		if err != nil {
			return err
		}
		defer body.Close()
		n, err = io.ReadFull(body, p[:length])
		return err
	})
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// get requests a range that lies within the object and is not empty.
func (r *reader) get(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
	var options minio.GetObjectOptions
	if err := errors.Join(options.SetRange(offset, offset+length-1), options.SetMatchETag(r.etag)); err != nil {
		return nil, err
	}
	body, info, _, err := r.store.client.core.GetObject(ctx, r.store.bucket, r.store.prefix+r.name, options)
	if taken(err) {
		return nil, r.damaged(errors.New("it was replaced after it had been opened"))
	}
	if err == nil && info.Size != length {
		body.Close()
		return nil, r.damaged(fmt.Errorf("%d bytes instead of %d", info.Size, length))
	}
	return body, err
}

func (r *reader) damaged(err error) error {
	return &storage.Error{Kind: storage.Damaged, Op: "read", Store: r.store.place, Object: r.name, Err: err}
}

func (r *reader) Stream(offset, length int64) io.ReadCloser {
	if err := storage.CheckRange(r.store.place, r.name, r.size, offset, length); err != nil {
		return storage.FailedStream(err)
	}
	return &stream{reader: r, offset: offset, left: length}
}

// stream reads a range by one request, and by another one from where it was when a connection gets lost or stands still.
type stream struct {
	reader *reader
	offset int64
	left   int64
	err    error // what ended it

	failures int // requests in a row that brought nothing
	body     io.ReadCloser
	stop     context.CancelCauseFunc // ends the request of body
	stalled  clock.Timer             // stops it when it stands still
	ctx      context.Context         // of that request
}

func (s *stream) Read(p []byte) (int, error) {
	if s.err == nil && s.left == 0 {
		s.err = io.EOF
	}
	if s.err == nil {
		s.err = storage.Ended(s.reader.ctx, "read", s.reader.store.place, s.reader.name)
	}
	if s.err != nil || len(p) == 0 {
		return 0, s.err
	}
	for {
		n, err := s.read(p[:min(int64(len(p)), s.left)])
		s.offset, s.left = s.offset+int64(n), s.left-int64(n)
		if n > 0 {
			s.failures = 0
			return n, nil
		}
		if err != nil && s.giveUp(err) {
			return 0, s.err
		}
	}
}

// read reads from the request that is under way, or a new one.
func (s *stream) read(p []byte) (int, error) {
	client := s.reader.store.client
	if s.body == nil {
		if err := s.request(); err != nil {
			return 0, err
		}
	}
	s.stalled.Reset(client.config.Timeout)
	n, err := s.body.Read(p)
	s.stalled.Stop()
	if err != nil {
		if s.ctx.Err() != nil {
			err = context.Cause(s.ctx)
		}
		s.hangUp()
	}
	if n == 0 && errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (s *stream) request() error {
	client := s.reader.store.client
	limit := client.config.Timeout
	s.ctx, s.stop = context.WithCancelCause(s.reader.ctx)
	stop := s.stop
	s.stalled = client.clock.AfterFunc(limit, func() { stop(noAnswer(limit)) })
	ctx := s.ctx
	err := client.attempt(ctx, 0, func(context.Context) (err error) {
		// The request goes on when the attempt is over, so it has the stream's context and its timer.
		s.body, err = s.reader.get(ctx, s.offset, s.left)
		return err
	})
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		s.body = nil
		s.hangUp()
	}
	return err
}

// hangUp ends the request that is under way.
func (s *stream) hangUp() {
	if s.stalled != nil {
		s.stalled.Stop()
	}
	if s.body != nil {
		s.body.Close()
		s.body = nil
	}
	if s.stop != nil {
		s.stop(nil)
	}
}

// giveUp decides after a failure whether the stream has ended, and if not waits a moment.
func (s *stream) giveUp(err error) bool {
	store := s.reader.store
	failure := store.fail("read", s.reader.name, err)
	s.failures++
	switch {
	case s.reader.ctx.Err() != nil:
		s.err = store.fail("read", s.reader.name, context.Cause(s.reader.ctx))
	case s.failures >= store.client.config.Attempts || !worthRepeating(failure):
		s.err = failure
	case store.client.clock.Sleep(s.reader.ctx, pause(s.reader.name, s.failures)) != nil:
		s.err = store.fail("read", s.reader.name, context.Cause(s.reader.ctx))
	}
	return s.err != nil
}

func (s *stream) Close() error {
	s.hangUp()
	return nil
}
