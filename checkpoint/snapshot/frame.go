package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Format is the version of metadata and log entries that this program writes. It reads this one and all before it.
const Format = 1

// A frame is what a metadata file or a log slot consists of, in every version of the format:
//
//	magic 8 bytes | version 4 | length of the body 8 | CRC-32C of the body 4 | CRC-32C of the header so far 4 | body
//
// Numbers have their high byte first. The header has a checksum of its own, so that a flipped bit in the version is not
// taken for a newer program's work.
const (
	metadataMagic = "WEIRsnap"
	entryMagic    = "WEIRslot"
	headerSize    = 8 + 4 + 8 + 4 + 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// CRC32C returns the checksum that FileRef.crc32c has of these bytes.
func CRC32C(data []byte) uint32 { return updateCRC(0, data) }

func updateCRC(sum uint32, data []byte) uint32 { return crc32.Update(sum, castagnoli, data) }

// DamagedError says that a file of a snapshot, or of a job's log, is not what was once written.
type DamagedError struct {
	// Path names the file.
	Path string
	// Reason says what is wrong with it.
	Reason string
}

// Error names the file, what is wrong, and what to do.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s is damaged: %s; restore it from a copy, or start from another snapshot", e.Path, e.Reason)
}

// NewerError says that a file was written in a format that this program does not know.
type NewerError struct {
	Path    string
	Version uint32
}

// Error names the file and both versions.
func (e *NewerError) Error() string {
	return fmt.Sprintf("%s was written by a newer version of Weir (format %d, this program knows formats up to %d): use a program built with that version",
		e.Path, e.Version, Format)
}

func appendFrame(dst []byte, magic string, m proto.Message) ([]byte, error) {
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, err
	}
	start := len(dst)
	dst = append(dst, magic...)
	dst = binary.BigEndian.AppendUint32(dst, Format)
	dst = binary.BigEndian.AppendUint64(dst, uint64(len(body)))
	dst = binary.BigEndian.AppendUint32(dst, CRC32C(body))
	dst = binary.BigEndian.AppendUint32(dst, CRC32C(dst[start:]))
	return append(dst, body...), nil
}

// readFrame reads the one frame that data is into m.
func readFrame(path, what, magic string, data []byte, m proto.Message) error {
	damaged := func(format string, arguments ...any) error {
		return &DamagedError{Path: path, Reason: fmt.Sprintf(format, arguments...)}
	}
	if len(data) == 0 {
		return damaged("it is empty")
	}
	if known := min(len(magic), len(data)); string(data[:known]) != magic[:known] {
		return damaged("it is no %s of Weir", what)
	}
	if len(data) < headerSize {
		return damaged("it is cut off after %d bytes, inside its header", len(data))
	}
	if CRC32C(data[:headerSize-4]) != binary.BigEndian.Uint32(data[headerSize-4:]) {
		return damaged("the checksum of its header is wrong")
	}
	version, length, sum := binary.BigEndian.Uint32(data[8:]), binary.BigEndian.Uint64(data[12:]), binary.BigEndian.Uint32(data[20:])
	body := data[headerSize:]
	switch {
	case version > Format:
		return &NewerError{Path: path, Version: version}
	case version == 0:
		return damaged("it has format 0, which there never was")
	case uint64(len(body)) < length:
		return damaged("it is cut off: it has %d of %d bytes", len(data), headerSize+length)
	case uint64(len(body)) > length:
		return damaged("%d bytes follow its end", uint64(len(body))-length)
	case CRC32C(body) != sum:
		return damaged("its checksum is wrong")
	}
	if err := proto.Unmarshal(body, m); err != nil {
		return damaged("%v", err)
	}
	if err := refuseUnknown(m.ProtoReflect()); err != nil {
		return damaged("%v", err)
	}
	return nil
}

// refuseUnknown looks for fields that this format does not have: to leave out what one does not understand would lose state.
func refuseUnknown(m protoreflect.Message) (err error) {
	if len(m.GetUnknown()) > 0 {
		return fmt.Errorf("%s has a field that format %d does not know", m.Descriptor().Name(), Format)
	}
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case field.Kind() != protoreflect.MessageKind:
		case field.IsList():
			list := value.List()
			for i := 0; i < list.Len() && err == nil; i++ {
				err = refuseUnknown(list.Get(i).Message())
			}
		default:
			err = refuseUnknown(value.Message())
		}
		return err == nil
	})
	return err
}

// IsDamaged reports whether the error says that a file of a snapshot is damaged, rather than that it cannot be read just now.
func IsDamaged(err error) bool {
	var damaged *DamagedError
	return errors.As(err, &damaged)
}
