package pebble

import "github.com/cockroachdb/pebble/v2/vfs"

// disposable is a file system whose files need not outlive the process: it never waits for the disk.
type disposable struct{ vfs.FS }

func (d disposable) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return unsynced(d.FS.Create(name, category))
}

func (d disposable) OpenReadWrite(name string, category vfs.DiskWriteCategory, options ...vfs.OpenOption) (vfs.File, error) {
	return unsynced(d.FS.OpenReadWrite(name, category, options...))
}

func (d disposable) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return unsynced(d.FS.ReuseForWrite(from, to, category))
}

func (d disposable) OpenDir(name string) (vfs.File, error) { return unsynced(d.FS.OpenDir(name)) }

func unsynced(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return unsyncedFile{f}, nil
}

type unsyncedFile struct{ vfs.File }

func (unsyncedFile) Sync() error                { return nil }
func (unsyncedFile) SyncData() error            { return nil }
func (unsyncedFile) SyncTo(int64) (bool, error) { return false, nil }
