package source

import (
	"encoding/binary"
	"fmt"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/operator/watermark"
)

// What enumerator and readers send each other is opaque to the control plane: one byte for the kind, then the splits,
// each as two length-prefixed strings of bytes. Reports and limits are those of watermark alignment.
const (
	kindRequest byte = iota + 1
	kindAssign
	kindNoMoreSplits
	kindReport
	kindLimit
)

// maxSplits bounds what a damaged message can make us allocate.
const maxSplits = 1 << 20

// EncodeRequest is a reader's request for a split.
func EncodeRequest() []byte { return []byte{kindRequest} }

// EncodeAssign assigns splits to a reader.
func EncodeAssign(splits []connector.Split) []byte {
	event := binary.AppendUvarint([]byte{kindAssign}, uint64(len(splits)))
	for _, s := range splits {
		event = binary.AppendUvarint(event, uint64(len(s.ID)))
		event = append(event, s.ID...)
		event = binary.AppendUvarint(event, uint64(len(s.State)))
		event = append(event, s.State...)
	}
	return event
}

// EncodeNoMoreSplits tells a reader that it has been sent its last split.
func EncodeNoMoreSplits() []byte { return []byte{kindNoMoreSplits} }

// EncodeReport is a reader's report for watermark alignment.
func EncodeReport(r watermark.Report) []byte { return r.Append([]byte{kindReport}) }

// DecodeReport decodes a reader's report; ok is false if the message is none.
func DecodeReport(event []byte) (r watermark.Report, ok bool, err error) {
	if len(event) == 0 || event[0] != kindReport {
		return r, false, nil
	}
	if r, err = watermark.DecodeReport(event[1:]); err != nil {
		return r, true, fmt.Errorf("source event for the enumerator: %w", err)
	}
	return r, true, nil
}

// EncodeLimit tells a reader up to which watermark it may go.
func EncodeLimit(at int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{kindLimit}, uint64(at))
}

// DecodeLimit decodes a reader's limit; ok is false if the message is none.
func DecodeLimit(event []byte) (at int64, ok bool, err error) {
	if len(event) == 0 || event[0] != kindLimit {
		return 0, false, nil
	}
	if len(event) != 9 {
		return 0, true, fmt.Errorf("source event for a reader: a limit of %d bytes", len(event)-1)
	}
	return int64(binary.BigEndian.Uint64(event[1:])), true, nil
}

// DecodeRequest checks a message to an enumerator.
func DecodeRequest(event []byte) error {
	if len(event) != 1 || event[0] != kindRequest {
		return fmt.Errorf("source event for the enumerator: want a request for a split, have %d bytes %.16x", len(event), event)
	}
	return nil
}

// DecodeAssign decodes a message to a reader: splits, or more=false for the last message.
func DecodeAssign(event []byte) (splits []connector.Split, more bool, err error) {
	if len(event) == 0 {
		return nil, false, fmt.Errorf("source event for a reader: empty")
	}
	switch event[0] {
	case kindNoMoreSplits:
		if len(event) > 1 {
			return nil, false, fmt.Errorf("source event for a reader: %d bytes too many", len(event)-1)
		}
		return nil, false, nil
	case kindAssign:
		splits, err := decodeSplits(event[1:])
		return splits, true, err
	}
	return nil, false, fmt.Errorf("source event for a reader: unknown kind %d", event[0])
}

func decodeSplits(src []byte) ([]connector.Split, error) {
	count, n := binary.Uvarint(src)
	if n <= 0 || count > maxSplits || count > uint64(len(src)) {
		return nil, fmt.Errorf("source event for a reader: bad number of splits")
	}
	src = src[n:]
	splits := make([]connector.Split, 0, count)
	for range count {
		var id, state []byte
		var err error
		if id, src, err = decodeBytes(src); err != nil {
			return nil, err
		}
		if state, src, err = decodeBytes(src); err != nil {
			return nil, err
		}
		splits = append(splits, connector.Split{ID: string(id), State: append([]byte(nil), state...)})
	}
	if len(src) > 0 {
		return nil, fmt.Errorf("source event for a reader: %d bytes too many", len(src))
	}
	return splits, nil
}

func decodeBytes(src []byte) (value, rest []byte, err error) {
	length, n := binary.Uvarint(src)
	if n <= 0 || length > uint64(len(src)-n) {
		return nil, nil, fmt.Errorf("source event for a reader: a split is cut off")
	}
	return src[n : n+int(length)], src[n+int(length):], nil
}
