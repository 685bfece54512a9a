package s3

import (
	"context"
	"io"
	"net/http"

	"github.com/minio/minio-go/v7"

	"github.com/weir-stream/weir/checkpoint/storage"
)

// Sizes of uploads. Tables of state have some 32 MiB; parts are only for what is far bigger than that.
const (
	// maxSingle is how many bytes are sent in one request.
	maxSingle = 64 << 20
	// minPart is the least size of a part; a bigger object than maxParts of them has bigger parts.
	minPart  = 32 << 20
	maxParts = 10_000
)

// Put makes the object; see [storage.Store]. The source is read twice: first for its checksum, which is sent along, so that the service
// verifies the whole way from the caller's bytes to its disks.
func (s *Store) Put(ctx context.Context, name string, source storage.Source) (storage.Checksum, error) {
	if err := s.check(ctx, "put", name); err != nil {
		return 0, err
	}
	content, err := source.Open()
	if err != nil {
		return 0, &storage.Error{Kind: storage.Refused, Op: "put", Store: s.place, Object: name, Err: err}
	}
	defer content.Close()
	size := content.Size()
	pieces := s.client.parts.cut(size)
	sum, err := s.sums(ctx, name, content, pieces)
	if err != nil {
		return 0, err
	}
	if len(pieces) > 1 {
		return sum, s.putParts(ctx, name, content, pieces, sum)
	}
	return sum, s.do(ctx, "put", name, size, func(ctx context.Context) error {
		_, err := s.client.core.Client.PutObject(ctx, s.bucket, s.prefix+name, content.Section(0, size), size, s.whole(sum))
		return err
	})
}

// piece is a range of the source that is sent in one request.
type piece struct {
	offset, size int64
	sum          storage.Checksum
}

// partition says from which size on an object is sent in parts, and how big these are at least.
type partition struct{ single, part int64 }

// cut divides an object of that size into pieces, all but the last of one size.
func (p partition) cut(size int64) []piece {
	if size <= p.single {
		return []piece{{size: size}}
	}
	part := max(p.part, (size+maxParts-1)/maxParts)
	var pieces []piece
	for offset := int64(0); offset < size; offset += part {
		pieces = append(pieces, piece{offset: offset, size: min(part, size-offset)})
	}
	return pieces
}

// sums computes the checksums of the pieces and returns that of the whole.
func (s *Store) sums(ctx context.Context, name string, content *storage.Content, pieces []piece) (storage.Checksum, error) {
	var whole storage.Checksum
	var read int64
	buffer := make([]byte, min(content.Size()+1, 256<<10))
	for i := range pieces {
		section := content.Section(pieces[i].offset, pieces[i].size)
		for {
			if err := storage.Ended(ctx, "put", s.place, name); err != nil {
				return 0, err
			}
			n, err := section.Read(buffer)
			pieces[i].sum = pieces[i].sum.Update(buffer[:n])
			whole = whole.Update(buffer[:n])
			read += int64(n)
			if err == io.EOF {
				break
			}
			if err != nil {
				return 0, &storage.Error{Kind: storage.Refused, Op: "put", Store: s.place, Object: name, Err: err}
			}
		}
	}
	if err := content.Agree(read, whole); err != nil {
		return 0, &storage.Error{Kind: storage.Damaged, Op: "put", Store: s.place, Object: name, Err: err}
	}
	return whole, nil
}

// putParts sends the pieces one after the other and has the service make one object of them. Callers who want more speed put several
// objects at once.
func (s *Store) putParts(ctx context.Context, name string, content *storage.Content, pieces []piece, sum storage.Checksum) error {
	upload, err := s.begin(ctx, name)
	if err != nil {
		return err
	}
	parts := make([]minio.CompletePart, len(pieces))
	for i, p := range pieces {
		if parts[i], err = s.putPart(ctx, name, upload, i+1, content, p); err != nil {
			break
		}
	}
	if err == nil {
		err = s.complete(ctx, name, upload, parts, content.Size(), sum)
	}
	if err != nil {
		// Whatever happened to ctx, parts that nobody will use should go. If that fails too, they are leftovers; see Collect.
		_ = s.abort(context.WithoutCancel(ctx), name, upload)
	}
	return err
}

func (s *Store) begin(ctx context.Context, name string) (upload string, err error) {
	err = s.do(ctx, "put", name, 0, func(ctx context.Context) error {
		upload, err = s.client.core.NewMultipartUpload(ctx, s.bucket, s.prefix+name, minio.PutObjectOptions{
			UserMetadata: map[string]string{headerAlgorithm: "CRC32C", headerChecksumType: fullObject},
		})
		return err
	})
	return upload, err
}

func (s *Store) putPart(ctx context.Context, name, upload string, number int, content *storage.Content, p piece) (minio.CompletePart, error) {
	header := http.Header{}
	header.Set(headerChecksum, encoded(p.sum))
	var part minio.ObjectPart
	err := s.do(ctx, "put", name, p.size, func(ctx context.Context) (err error) {
		part, err = s.client.core.PutObjectPart(ctx, s.bucket, s.prefix+name, upload, number, content.Section(p.offset, p.size), p.size,
			minio.PutObjectPartOptions{CustomHeader: header, DisableContentSha256: true})
		return err
	})
	return minio.CompletePart{PartNumber: number, ETag: part.ETag, ChecksumCRC32C: encoded(p.sum)}, err
}

// complete makes the object of its parts. If the answer to that is lost, the upload is gone when it is asked for again.
func (s *Store) complete(ctx context.Context, name, upload string, parts []minio.CompletePart, size int64, sum storage.Checksum) error {
	uncertain := false
	return s.do(ctx, "put", name, size, func(ctx context.Context) error {
		_, err := s.client.core.CompleteMultipartUpload(ctx, s.bucket, s.prefix+name, upload, parts, minio.PutObjectOptions{
			UserMetadata: map[string]string{headerChecksum: encoded(sum), headerChecksumType: fullObject},
		})
		if err == nil {
			return nil
		}
		if uncertain && answer(err).Code == minio.NoSuchUpload {
			info, statErr := s.client.core.Client.StatObject(ctx, s.bucket, s.prefix+name, minio.StatObjectOptions{Checksum: true})
			if statErr == nil && info.Size == size && (info.ChecksumCRC32C == "" || info.ChecksumCRC32C == encoded(sum)) {
				return nil
			}
		}
		uncertain = uncertain || !notSent(err)
		return err
	})
}
