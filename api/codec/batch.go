package codec

// BatchCodec is implemented by codecs that do a batch of values faster than one by one. The encoding is that of the
// values one after the other. Use it through AppendBatch and DecodeBatch.
type BatchCodec[T any] interface {
	Codec[T]
	// AppendBatch appends the encodings of values to dst.
	AppendBatch(dst []byte, values []T) []byte
	// DecodeBatch reads len(values) values from the front of src into values, overwriting all of them, and returns what
	// follows. The values share no memory with src; strings among them may share one allocation as large as src, so src
	// should hold little else, and a program that keeps few of them should clone those.
	DecodeBatch(src []byte, values []T) (rest []byte, err error)
}

// AppendBatch appends the encodings of values to dst, with c's own AppendBatch if it has one.
func AppendBatch[T any](c Codec[T], dst []byte, values []T) []byte {
	if batch, ok := c.(BatchCodec[T]); ok {
		return batch.AppendBatch(dst, values)
	}
	for i := range values {
		dst = c.Append(dst, &values[i])
	}
	return dst
}

// DecodeBatch reads len(values) values from the front of src into values and returns what follows, with c's own
// DecodeBatch if it has one. On an error the contents of values are not specified.
func DecodeBatch[T any](c Codec[T], src []byte, values []T) (rest []byte, err error) {
	if batch, ok := c.(BatchCodec[T]); ok {
		return batch.DecodeBatch(src, values)
	}
	for i := range values {
		if src, err = c.Decode(src, &values[i]); err != nil {
			return nil, err
		}
	}
	return src, nil
}
