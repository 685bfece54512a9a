// Package process is how a job's binary and who starts it meet: the roles of the binary, the socket that it inherits, and the messages on it.
//
// The JobManager starts a binary in the role plan to learn its graph; a TaskManager starts it in the role worker to run subtasks. Either hands it
// one end of a socket pair, so that there is no port and nobody else can speak on it. End of file ends either side.
package process

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"
)

// MaxMessage is how many bytes a message takes at the most, its length in front not counted: the same as a snapshot's metadata, of which a worker's
// acknowledgement is a part.
const MaxMessage = 64 << 20

// prefix is how many bytes the length of a message takes, in big endian.
const prefix = 4

// ErrTooLarge says that a message is larger than MaxMessage, or claims to be.
var ErrTooLarge = fmt.Errorf("the message is larger than %d bytes", MaxMessage)

// Read reads one message into m. The error is io.EOF at the end between two messages, and io.ErrUnexpectedEOF within one.
func Read(r io.Reader, m proto.Message) error {
	var head [prefix]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	length := binary.BigEndian.Uint32(head[:])
	if length > MaxMessage {
		return ErrTooLarge
	}
	body, err := readBody(r, int(length))
	if err != nil {
		return err
	}
	return proto.Unmarshal(body, m)
}

// step is how much is allocated for a message at the most before as much of it has come.
const step = 1 << 20

// readBody reads length bytes, and allocates for them as they come: whoever claims a large message has to send it.
func readBody(r io.Reader, length int) (body []byte, err error) {
	for len(body) < length {
		part := min(length-len(body), max(step, len(body)))
		body = slices.Grow(body, part)[:len(body)+part]
		if _, err := io.ReadFull(r, body[len(body)-part:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return body, nil
}

// Writer writes messages. Its methods may be called from any goroutine; each message is written whole.
type Writer struct {
	mu     sync.Mutex
	to     io.Writer
	buffer []byte
}

// NewWriter returns a writer to a stream.
func NewWriter(to io.Writer) *Writer { return &Writer{to: to} }

// kept is how large a buffer is kept for the next message.
const kept = 64 << 10

// Write writes one message, and blocks until it is taken.
func (w *Writer) Write(m proto.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	encoded, err := proto.MarshalOptions{}.MarshalAppend(append(w.buffer[:0], make([]byte, prefix)...), m)
	if err != nil {
		return err
	}
	if len(encoded)-prefix > MaxMessage {
		return ErrTooLarge
	}
	if cap(encoded) <= kept {
		w.buffer = encoded
	}
	binary.BigEndian.PutUint32(encoded, uint32(len(encoded)-prefix))
	_, err = w.to.Write(encoded)
	return err
}
