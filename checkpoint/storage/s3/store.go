package s3

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/weir-stream/weir/checkpoint/storage"
)

// Store is a prefix of a bucket. In a bucket that keeps versions, what is deleted stays until the bucket's lifecycle removes it.
type Store struct {
	client *Client
	bucket string
	prefix string // empty or ends with a slash
	place  string
}

// String returns the location, s3://bucket/prefix.
func (s *Store) String() string { return s.place }

func (s *Store) check(ctx context.Context, op string, names ...string) error {
	if err := storage.CheckNames(op, s.place, names...); err != nil {
		return err
	}
	return storage.Ended(ctx, op, s.place, strings.Join(names[:min(len(names), 1)], ""))
}

// Create makes the object; see [storage.Store]. The service decides: the write has the condition that the name is free.
func (s *Store) Create(ctx context.Context, name string, body []byte) error {
	if err := s.check(ctx, "create", name); err != nil {
		return err
	}
	if err := storage.CheckBody(s.place, name, body); err != nil {
		return err
	}
	options := s.whole(storage.ChecksumOf(body))
	options.SetMatchETagExcept("*")
	uncertain := false // an attempt before may have succeeded although it seemed to fail
	err := s.do(ctx, "create", name, int64(len(body)), func(ctx context.Context) error {
		_, err := s.client.core.Client.PutObject(ctx, s.bucket, s.prefix+name, bytes.NewReader(body), int64(len(body)), options)
		switch {
		case err == nil:
			return nil
		case taken(err) && uncertain:
			return s.readBack(ctx, name, body)
		case taken(err):
			return &storage.Error{Kind: storage.Exists, Op: "create", Store: s.place, Object: name}
		}
		uncertain = uncertain || !notSent(err)
		return err
	})
	var failure *storage.Error
	if uncertain && errors.As(err, &failure) && failure.Kind == storage.Transient {
		failure.Kind = storage.Ambiguous
	}
	return err
}

// readBack finds out who took the name.
func (s *Store) readBack(ctx context.Context, name string, body []byte) error {
	object, _, _, err := s.client.core.GetObject(ctx, s.bucket, s.prefix+name, minio.GetObjectOptions{})
	var found []byte
	if err == nil {
		defer object.Close()
		found, err = io.ReadAll(io.LimitReader(object, int64(len(body))+1))
	}
	switch {
	case err != nil:
		return &storage.Error{Kind: storage.Ambiguous, Op: "create", Store: s.place, Object: name, Err: err}
	case !bytes.Equal(found, body):
		return &storage.Error{Kind: storage.Exists, Op: "create", Store: s.place, Object: name}
	}
	return nil
}

// whole are the options of an object that is sent in one request.
func (s *Store) whole(sum storage.Checksum) minio.PutObjectOptions {
	return minio.PutObjectOptions{
		DisableMultipart: true, DisableContentSha256: true,
		UserMetadata: map[string]string{headerChecksum: encoded(sum)},
	}
}

const (
	headerChecksum     = "x-amz-checksum-crc32c"
	headerChecksumType = "x-amz-checksum-type"
	headerAlgorithm    = "x-amz-checksum-algorithm"
	fullObject         = "FULL_OBJECT"
)

// encoded is the checksum as headers have it.
func encoded(sum storage.Checksum) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, uint32(sum)))
}

// Read returns the whole object, by one request.
func (s *Store) Read(ctx context.Context, name string) ([]byte, error) {
	if err := s.check(ctx, "read", name); err != nil {
		return nil, err
	}
	var body []byte
	err := s.do(ctx, "read", name, storage.MaxBody/8, func(ctx context.Context) error {
		object, info, _, err := s.client.core.GetObject(ctx, s.bucket, s.prefix+name, minio.GetObjectOptions{})
		if err != nil {
			return err
		}
		defer object.Close()
		if info.Size > storage.MaxBody {
			return &storage.Error{
				Kind: storage.Refused, Op: "read", Store: s.place, Object: name,
				Err: fmt.Errorf("%d bytes, the limit is %d", info.Size, storage.MaxBody),
			}
		}
		body = make([]byte, max(info.Size, 0))
		_, err = io.ReadFull(object, body)
		return err
	})
	if err != nil {
		return nil, err
	}
	return body, nil
}

// Stat tells whether the object is there.
func (s *Store) Stat(ctx context.Context, name string) (storage.Object, error) {
	info, err := s.stat(ctx, "stat", name)
	return storage.Object{Name: name, Size: info.Size, Modified: info.LastModified}, err
}

func (s *Store) stat(ctx context.Context, op, name string) (minio.ObjectInfo, error) {
	if err := s.check(ctx, op, name); err != nil {
		return minio.ObjectInfo{}, err
	}
	var info minio.ObjectInfo
	err := s.do(ctx, op, name, 0, func(ctx context.Context) (err error) {
		info, err = s.client.core.Client.StatObject(ctx, s.bucket, s.prefix+name, minio.StatObjectOptions{})
		return err
	})
	return info, err
}

// List returns a page of objects, by one request as a rule.
func (s *Store) List(ctx context.Context, prefix, after string) (storage.Page, error) {
	if err := storage.CheckListing(s.place, prefix, after); err != nil {
		return storage.Page{}, err
	}
	if err := storage.Ended(ctx, "list", s.place, prefix); err != nil {
		return storage.Page{}, err
	}
	options := minio.ListObjectsOptions{Prefix: s.prefix + prefix, Recursive: true, MaxKeys: storage.PageSize}
	if after != "" {
		options.StartAfter = s.prefix + after
	}
	var page storage.Page
	err := s.do(ctx, "list", prefix, 0, func(ctx context.Context) error {
		page = storage.Page{}
		for info := range s.client.core.Client.ListObjectsIter(ctx, s.bucket, options) {
			if info.Err != nil {
				return info.Err
			}
			name := strings.TrimPrefix(info.Key, s.prefix)
			if storage.CheckName(name) != nil {
				continue // other tools mark folders by objects whose names end with a slash
			}
			page.Objects = append(page.Objects, storage.Object{Name: name, Size: info.Size, Modified: info.LastModified})
			if len(page.Objects) == storage.PageSize {
				page.More = true
				break
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return storage.Page{}, err
	}
	return page, nil
}

// deleteBatch is how many objects one request deletes, as many as S3 allows.
const deleteBatch = 1000

// Delete removes the objects.
func (s *Store) Delete(ctx context.Context, names ...string) error {
	if err := s.check(ctx, "delete", names...); err != nil {
		return err
	}
	for batch := range slices.Chunk(names, deleteBatch) {
		err := s.do(ctx, "delete", batch[0], 0, func(ctx context.Context) error { return s.deleteObjects(ctx, batch) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) deleteObjects(ctx context.Context, names []string) error {
	if len(names) == 1 {
		return s.client.core.RemoveObject(ctx, s.bucket, s.prefix+names[0], minio.RemoveObjectOptions{})
	}
	objects := func(yield func(minio.ObjectInfo) bool) {
		for _, name := range names {
			if !yield(minio.ObjectInfo{Key: s.prefix + name}) {
				return
			}
		}
	}
	results, err := s.client.core.RemoveObjectsWithIter(ctx, s.bucket, objects, minio.RemoveObjectsOptions{})
	if err != nil {
		return err
	}
	for result := range results {
		if result.Err != nil && answer(result.Err).Code != minio.NoSuchKey {
			return s.fail("delete", strings.TrimPrefix(result.ObjectName, s.prefix), result.Err)
		}
	}
	return ctx.Err()
}

// Collect removes the parts of uploads that were begun before a time and never ended; see [storage.Collector]. MinIO does this by itself
// after a day and shows such uploads only by their object's whole name; for Amazon's service a lifecycle rule of the bucket does the same.
func (s *Store) Collect(ctx context.Context, prefix string, before time.Time) (count int, err error) {
	if err := storage.CheckListing(s.place, prefix, ""); err != nil {
		return 0, err
	}
	key, upload := "", ""
	for {
		var found minio.ListMultipartUploadsResult
		err := s.do(ctx, "list", prefix, 0, func(ctx context.Context) (err error) {
			found, err = s.client.core.ListMultipartUploads(ctx, s.bucket, s.prefix+prefix, key, upload, "", 1000)
			return err
		})
		if err != nil {
			return count, err
		}
		for _, u := range found.Uploads {
			if !u.Initiated.Before(before) {
				continue
			}
			if err := s.abort(ctx, strings.TrimPrefix(u.Key, s.prefix), u.UploadID); err != nil {
				return count, err
			}
			count++
		}
		if !found.IsTruncated {
			return count, nil
		}
		key, upload = found.NextKeyMarker, found.NextUploadIDMarker
	}
}

func (s *Store) abort(ctx context.Context, name, upload string) error {
	err := s.do(ctx, "put", name, 0, func(ctx context.Context) error {
		return s.client.core.AbortMultipartUpload(ctx, s.bucket, s.prefix+name, upload)
	})
	if answer(err).Code == minio.NoSuchUpload || errors.Is(err, storage.NotFound) {
		return nil
	}
	return err
}

var _ storage.Store = (*Store)(nil)
