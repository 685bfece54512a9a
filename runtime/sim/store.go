package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage"
)

const (
	// storeName is the location of the world's one store.
	storeName = "mem://sim"
	// probePrefix begins the names with which storage.Probe tries it out.
	probePrefix = "probe-"
)

// handle is the store as one process reaches it: over a network, through a service that is slow, fails before or after it has done what it
// was asked for, or does it long after the answer. What a process has asked for happens even if the process is dead by then.
type handle struct {
	*process
	// who names the leader's term that the process serves.
	epoch uint64
	// leader is set if the process leads, so that what it writes and deletes is subject to the log.
	leader *leader
	// writing counts the writes that are under way.
	writing int
}

// open opens the store of a location.
func (h *handle) open(location string) (storage.Store, error) {
	folder, ok := strings.CutPrefix(location, storeName)
	if !ok {
		return nil, fmt.Errorf("sim: there is no store %s", location)
	}
	return storage.Below(h, strings.Trim(folder, "/")), nil
}

func (h *handle) String() string { return storeName }

// fate is what becomes of a request.
type fate uint8

const (
	done fate = iota
	// refused: it fails before anything was done.
	refused
	// unanswered: it is done, and the answer says that it failed.
	unanswered
	// belated: the answer says that it failed, and then it is done.
	belated
)

var errService = errors.New("the service has failed")

func (w *World) fate(writes bool) fate {
	if w.calm {
		return done
	}
	if w.plan.outage(w.clock.Nanos()) {
		return refused
	}
	switch {
	case w.random.chance(w.plan.refused):
		return refused
	case writes && w.random.chance(w.plan.unanswered):
		return unanswered
	case writes && w.random.chance(w.plan.belated):
		return belated
	}
	return done
}

// transit is how long a request or an answer is under way.
func (w *World) transit() time.Duration {
	if !w.calm && w.random.chance(w.plan.slow) {
		return w.random.between(0, w.plan.slowest)
	}
	return w.random.between(50*time.Microsecond, w.plan.transit)
}

// call makes a request. The effect is what the service does; it is not called if the request is lost.
func (h *handle) call(op, name string, writes bool, effect func() error) error {
	if h.dead {
		return h.failed(op, name, storage.Transient)
	}
	w := h.world
	var err error
	answered := false
	answer := func(e error) { err, answered = e, true }
	become := w.fate(writes)
	unknown := storage.Transient
	if op == "create" {
		unknown = storage.Ambiguous
	}
	if writes {
		h.writing++
		undisturbed := effect
		effect = func() error {
			h.writing--
			return undisturbed()
		}
	}
	w.after(w.transit(), func() {
		switch become {
		case refused:
			if writes {
				h.writing--
			}
			w.after(w.transit(), func() { answer(h.failed(op, name, storage.Transient)) })
		case belated:
			w.after(w.transit(), func() { answer(h.failed(op, name, unknown)) })
			w.after(w.random.between(0, 2*time.Second), func() {
				w.note("%s %s %s, belated: %v", h.name, op, name, effect())
			})
		default:
			e := effect()
			if writes {
				w.note("%s %s %s: %v", h.name, op, name, e)
			}
			if become == unanswered {
				e = h.failed(op, name, unknown)
			}
			w.after(w.transit(), func() { answer(e) })
		}
	})
	h.Wait(never, func() bool { return answered })
	return err
}

// atOnce is call for a request that takes no time.
func (h *handle) atOnce(op, name string, effect func() error) error {
	if h.dead || h.world.fate(false) == refused {
		return h.failed(op, name, storage.Transient)
	}
	return effect()
}

func (h *handle) failed(op, name string, kind storage.Kind) error {
	return &storage.Error{Kind: kind, Op: op, Store: storeName, Object: name, Err: errService}
}

// Create implements storage.Store.
func (h *handle) Create(ctx context.Context, name string, body []byte) error {
	if h.world.plant == SkipClaim && h.claims(name, body) {
		return nil
	}
	return h.call("create", name, true, func() error {
		err := h.world.store.Create(ctx, name, body)
		if err != nil && h.world.plant == OverwriteSlots && !strings.HasPrefix(path.Base(name), probePrefix) {
			_, err = h.world.store.Put(ctx, name, storage.Bytes(body))
		}
		if err == nil {
			h.world.created(h, name, body)
		}
		return err
	})
}

// Put implements storage.Store.
func (h *handle) Put(ctx context.Context, name string, source storage.Source) (sum storage.Checksum, err error) {
	content, err := source.Open()
	if err != nil {
		return 0, err
	}
	body, err := io.ReadAll(content.Section(0, content.Size()))
	if err != nil {
		return 0, err
	}
	put := func() (err error) {
		sum, err = h.world.store.Put(context.Background(), name, storage.Bytes(body))
		return err
	}
	if h.world.plant == AckBeforeUpload {
		h.world.after(h.world.random.between(0, 100*time.Millisecond), func() { _ = put() })
		return storage.ChecksumOf(body), nil
	}
	return sum, h.call("put", name, true, put)
}

// Read implements storage.Store. Workers read metadata under a lock, so that is done at once.
func (h *handle) Read(ctx context.Context, name string) (body []byte, err error) {
	read := func() error {
		body, err = h.world.store.Read(ctx, name)
		return err
	}
	if h.leader == nil {
		return body, h.atOnce("read", name, read)
	}
	err = h.call("read", name, false, read)
	return body, err
}

// Open implements storage.Store.
func (h *handle) Open(ctx context.Context, name string) (r storage.Reader, err error) {
	err = h.call("open", name, false, func() (err error) {
		r, err = h.world.store.Open(context.Background(), name)
		return err
	})
	return r, err
}

// Stat implements storage.Store.
func (h *handle) Stat(ctx context.Context, name string) (o storage.Object, err error) {
	err = h.call("stat", name, false, func() (err error) {
		o, err = h.world.store.Stat(ctx, name)
		return err
	})
	return o, err
}

// List implements storage.Store.
func (h *handle) List(ctx context.Context, prefix, after string) (page storage.Page, err error) {
	err = h.call("list", prefix, false, func() (err error) {
		page, err = h.world.store.List(ctx, prefix, after)
		return err
	})
	return page, err
}

// Delete implements storage.Store.
func (h *handle) Delete(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		return nil
	}
	return h.call("delete", fmt.Sprintf("%d from %s", len(names), names[0]), true, func() error {
		for _, name := range names {
			h.world.deleted(h, name)
		}
		return h.world.store.Delete(context.Background(), names...)
	})
}
