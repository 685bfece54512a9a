package exactlyonce

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/weir-stream/weir/checkpoint/storage"
)

// smallDisk is a file system in memory that only the process sees, and that grows when it was full a few times.
type smallDisk struct {
	Folder     string
	Bytes      int
	FullTimes  int
	GrownBytes int
}

func (d *smallDisk) mount() error {
	if d == nil {
		return nil
	}
	if err := os.MkdirAll(d.Folder, 0o700); err != nil {
		return err
	}
	return d.tmpfs(0, d.Bytes)
}

func (d *smallDisk) tmpfs(flags uintptr, bytes int) error {
	err := syscall.Mount("tmpfs", d.Folder, "tmpfs", flags, fmt.Sprintf("size=%d", bytes))
	if err != nil {
		return fmt.Errorf("mount %d bytes at %s: %w", bytes, d.Folder, err)
	}
	return nil
}

// watchedStore counts how often the disk is full, and lets it grow.
type watchedStore struct {
	storage.Store
	victim *victim
}

func (s *watchedStore) Create(ctx context.Context, name string, body []byte) error {
	err := s.Store.Create(ctx, name, body)
	return s.victim.watch("create", err)
}

func (s *watchedStore) Put(ctx context.Context, name string, source storage.Source) (storage.Checksum, error) {
	sum, err := s.Store.Put(ctx, name, source)
	return sum, s.victim.watch("put", err)
}

func (v *victim) watch(op string, err error) error {
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.account.Done["full "+op]++
	v.account.Done["full"]++
	if v.account.Done["full"] == v.Disk.FullTimes {
		return errors.Join(err, v.Disk.tmpfs(syscall.MS_REMOUNT, v.Disk.GrownBytes))
	}
	return err
}
