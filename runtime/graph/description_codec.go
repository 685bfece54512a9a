package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxDescriptionBytes is the size of the largest encoded description that is read.
const MaxDescriptionBytes = 64 << 20

// Encode returns the description as JSON, which DecodeDescription reads.
func (d *Description) Encode() ([]byte, error) {
	encoded, err := json.Marshal(d)
	if err == nil && len(encoded) > MaxDescriptionBytes {
		err = fmt.Errorf("description of job %q: %d bytes, at most %d are possible", d.Name, len(encoded), MaxDescriptionBytes)
	}
	return encoded, err
}

// DecodeDescription reads what Encode wrote. It refuses unknown fields, anything behind the end and more than
// MaxDescriptionBytes. What it returns has not been checked further: FromDescription does that.
func DecodeDescription(encoded []byte) (*Description, error) {
	if len(encoded) > MaxDescriptionBytes {
		return nil, fmt.Errorf("job graph description: %d bytes, at most %d are possible", len(encoded), MaxDescriptionBytes)
	}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.DisallowUnknownFields()
	d := new(Description)
	if err := decoder.Decode(d); err != nil {
		return nil, fmt.Errorf("job graph description: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("job graph description: something follows behind its end")
	}
	return d, nil
}
