package offline

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/api/codec/untyped"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/state"
)

// What the kinds of keyed state in snapshots are beside those of package state; see package keyed.
const (
	kindTimers = "timers"
	inPanes    = " in panes"
)

// reader turns entries of a keyed state into typed ones. What it returns is valid until the next call.
type reader struct {
	state   snapshot.State
	options untyped.Options
	// key, mapKey and value are nil for what no schema describes.
	key, mapKey, value *untyped.Printer
	windowed           bool
	timer, pane, list  bool
}

func newReader(st snapshot.State, o DumpOptions) *reader {
	options := untyped.Options{Hex: o.Hex}
	printer := func(s *schema.Schema) *untyped.Printer {
		if s == nil {
			return nil
		}
		return untyped.NewPrinter(s, options)
	}
	return &reader{
		state: st, options: options, key: printer(st.Key), mapKey: printer(st.MapKey), value: printer(st.Value),
		windowed: isWindowed(st.Key), timer: st.Kind == kindTimers, pane: strings.HasSuffix(st.Kind, inPanes),
		list: st.Kind == state.KindList.String(),
	}
}

// isWindowed reports whether keys are a state.Windowed: a key and a window.
func isWindowed(s *schema.Schema) bool {
	if s == nil || s.Root().Kind != schema.Struct || !strings.Contains(s.Root().Name, "/state.Windowed[") {
		return false
	}
	f := s.Root().Fields
	return len(f) == 3 && f[0].Name == "Key" && f[1].Name == "Start" && f[2].Name == "End" && f[1].Type.Kind == schema.Int64 && f[2].Type.Kind == schema.Int64
}

var errShort = errors.New("its key is too short")

// entry reads an entry as state.Durable describes it.
func (r *reader) entry(key, value []byte) (*Entry, error) {
	if len(key) < 4 {
		return nil, errShort
	}
	group := binary.BigEndian.Uint16(key)
	e := &Entry{Group: &group}
	key = key[4:]
	if r.timer || r.pane {
		if len(key) < 8 {
			return nil, errShort
		}
		at := millis(key)
		if key = key[8:]; r.timer {
			e.Timer = &at
		} else {
			e.Slice = &at
		}
	}
	var err error
	if e.Key, key, err = r.print(r.key, key); err != nil {
		return nil, fmt.Errorf("its key: %w", err)
	}
	if r.windowed {
		if err := e.splitWindow(); err != nil {
			return nil, err
		}
	}
	if r.mapKey != nil {
		if e.MapKey, key, err = r.print(r.mapKey, key); err != nil {
			return nil, fmt.Errorf("its key in the map: %w", err)
		}
	}
	if len(key) > 0 {
		return nil, fmt.Errorf("%d bytes follow its key", len(key))
	}
	if r.timer && len(value) == 0 {
		return e, nil
	}
	if err := r.values(e, value); err != nil {
		return nil, fmt.Errorf("its value: %w", err)
	}
	return e, nil
}

// splitWindow takes the window out of the key.
func (e *Entry) splitWindow() error {
	var windowed struct {
		Key        json.RawMessage
		Start, End int64
	}
	if err := json.Unmarshal(e.Key, &windowed); err != nil {
		return err
	}
	e.Key, e.Window = windowed.Key, &Window{windowed.Start, windowed.End}
	return nil
}

// values reads the value, or all elements of a list.
func (r *reader) values(e *Entry, encoded []byte) (err error) {
	if !r.list {
		e.Value, encoded, err = r.one(e, nil, encoded)
		if err == nil && len(encoded) > 0 {
			err = fmt.Errorf("%d bytes follow it", len(encoded))
		}
		return err
	}
	all := []byte{'['}
	for first := true; len(encoded) > 0; first = false {
		if !first {
			all = append(all, ',')
		}
		before := len(encoded)
		if all, encoded, err = r.one(e, all, encoded); err != nil {
			return err
		}
		if len(encoded) == before {
			return errors.New("an element takes no bytes")
		}
	}
	e.Value = append(all, ']')
	return nil
}

// one appends a value, and notes when it was accessed if it has a time to live.
func (r *reader) one(e *Entry, dst, encoded []byte) (out, rest []byte, err error) {
	if r.state.TTLMillis > 0 {
		if len(encoded) < 8 {
			return nil, nil, errors.New("it has no time of last access")
		}
		e.Access = append(e.Access, int64(binary.BigEndian.Uint64(encoded)))
		encoded = encoded[8:]
	}
	if r.value == nil {
		return r.options.AppendBytes(dst, encoded), nil, nil
	}
	return r.value.AppendJSON(dst, encoded)
}

// print shows what is at the front of encoded, all of it if it has no schema.
func (r *reader) print(p *untyped.Printer, encoded []byte) (json.RawMessage, []byte, error) {
	if p == nil {
		return r.options.AppendBytes(nil, encoded), nil, nil
	}
	return p.AppendJSON(nil, encoded)
}
