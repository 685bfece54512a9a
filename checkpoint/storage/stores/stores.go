// Package stores opens the store that a location names, by its scheme.
package stores

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/checkpoint/storage/file"
	"github.com/weir-stream/weir/checkpoint/storage/mem"
	"github.com/weir-stream/weir/checkpoint/storage/s3"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
)

// Opener opens stores for a process. Stores in S3 share connections and the bound on requests, and those in memory are the same if they
// have the same name. All methods may be called from any goroutine.
type Opener struct {
	configuration config.Configuration
	clock         clock.Clock
	getenv        func(string) string

	mu       sync.Mutex
	client   *s3.Client
	memories map[string]*mem.Store
}

// New returns an opener with the options of the configuration and the environment of the process.
func New(configuration config.Configuration, clock clock.Clock) *Opener {
	return &Opener{configuration: configuration, clock: clock, getenv: os.Getenv, memories: make(map[string]*mem.Store)}
}

// Open returns the store at the location, which must be a folder: what [storage.Parse] reads. Nothing is touched or asked; whether the
// place is there and accessible shows when it is used, or by [storage.Probe].
func (o *Opener) Open(location string) (storage.Store, error) {
	at, err := storage.Parse(location)
	if err != nil {
		return nil, err
	}
	return o.At(at)
}

// At is Open for a location that was parsed before.
func (o *Opener) At(at storage.Location) (storage.Store, error) {
	store, err := o.at(at)
	if wrap := around.Load(); wrap != nil && err == nil {
		return (*wrap)(store), nil
	}
	return store, err
}

var around atomic.Pointer[func(storage.Store) storage.Store]

// Around has every store that this process opens replaced by what wrap makes of it, until undo is called: for tests whose storage fails.
func Around(wrap func(storage.Store) storage.Store) (undo func()) {
	if !around.CompareAndSwap(nil, &wrap) {
		panic("stores: wrapped twice")
	}
	return func() { around.CompareAndSwap(&wrap, nil) }
}

func (o *Opener) at(at storage.Location) (storage.Store, error) {
	switch at.Scheme {
	case storage.SchemeFile:
		return file.Open(at.Path)
	case storage.SchemeS3:
		client, err := o.s3()
		if err != nil {
			return nil, fmt.Errorf("location %s: %w", at, err)
		}
		return client.Store(at.Bucket, at.Path)
	case storage.SchemeMemory:
		return storage.Below(o.memory(at.Bucket), at.Path), nil
	}
	return nil, errors.New("the location was not parsed")
}

func (o *Opener) s3() (*s3.Client, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.client == nil {
		client, err := s3.NewClient(s3.Configured(o.configuration, o.getenv), o.clock)
		if err != nil {
			return nil, err
		}
		o.client = client
	}
	return o.client, nil
}

func (o *Opener) memory(name string) *mem.Store {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.memories[name] == nil {
		o.memories[name] = mem.New(name, o.clock)
	}
	return o.memories[name]
}

// Close closes idle connections. Stores that were opened go on to work.
func (o *Opener) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.client != nil {
		o.client.Close()
	}
}
