package storage

import (
	"context"
	"strings"
)

// Below returns the part of a store whose objects lie below a folder, as a store of its own. It is for stores that have no folders
// themselves.
func Below(store Store, folder string) Store {
	if folder == "" {
		return store
	}
	return &below{store, strings.TrimRight(folder, "/") + "/"}
}

type below struct {
	store  Store
	prefix string
}

func (b *below) String() string {
	return strings.TrimRight(b.store.String(), "/") + "/" + strings.TrimRight(b.prefix, "/")
}

func (b *below) Create(ctx context.Context, name string, body []byte) error {
	return b.store.Create(ctx, b.prefix+name, body)
}

func (b *below) Put(ctx context.Context, name string, source Source) (Checksum, error) {
	return b.store.Put(ctx, b.prefix+name, source)
}

func (b *below) Read(ctx context.Context, name string) ([]byte, error) {
	return b.store.Read(ctx, b.prefix+name)
}

func (b *below) Open(ctx context.Context, name string) (Reader, error) {
	return b.store.Open(ctx, b.prefix+name)
}

func (b *below) Stat(ctx context.Context, name string) (Object, error) {
	o, err := b.store.Stat(ctx, b.prefix+name)
	o.Name = strings.TrimPrefix(o.Name, b.prefix)
	return o, err
}

func (b *below) List(ctx context.Context, prefix, after string) (Page, error) {
	if after != "" {
		after = b.prefix + after
	}
	page, err := b.store.List(ctx, b.prefix+prefix, after)
	for i := range page.Objects {
		page.Objects[i].Name = strings.TrimPrefix(page.Objects[i].Name, b.prefix)
	}
	return page, err
}

func (b *below) Delete(ctx context.Context, names ...string) error {
	full := make([]string, len(names))
	for i, name := range names {
		full[i] = b.prefix + name
	}
	return b.store.Delete(ctx, full...)
}
