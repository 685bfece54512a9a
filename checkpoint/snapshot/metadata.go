package snapshot

import "fmt"

// Encode returns the content of the metadata file. It refuses what Decode would refuse, which is a bug of whoever made it.
func Encode(m *Metadata) ([]byte, error) {
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("metadata of checkpoint %d: %w", m.GetCheckpoint(), err)
	}
	return appendFrame(nil, metadataMagic, m)
}

// Decode reads the content of a metadata file. Its error names the file by path; it is a *NewerError or a *DamagedError.
// Inline bytes of the result share no memory with data.
func Decode(path string, data []byte) (*Metadata, error) {
	m := new(Metadata)
	if err := readFrame(path, "checkpoint or savepoint", metadataMagic, data, m); err != nil {
		return nil, err
	}
	if err := m.Validate(); err != nil {
		return nil, &DamagedError{Path: path, Reason: err.Error()}
	}
	return m, nil
}
