package codec

import (
	"fmt"
	"testing"
)

func benchmarkCodec[T any](b *testing.B, make1 func(i int) T) {
	c := mustFor[T](b)
	values := make([]T, 1024)
	for i := range values {
		values[i] = make1(i)
	}
	perValue := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(values)), "ns/value")
	}
	dst := AppendBatch(c, nil, values)
	decoded := make([]T, len(values))
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			dst = dst[:0]
			for i := range values {
				dst = c.Append(dst, &values[i])
			}
		}
		perValue(b)
	})
	b.Run("appendBatch", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			dst = AppendBatch(c, dst[:0], values)
		}
		perValue(b)
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			src := dst
			for i := range decoded {
				var err error
				if src, err = c.Decode(src, &decoded[i]); err != nil {
					b.Fatal(err)
				}
			}
		}
		perValue(b)
	})
	b.Run("decodeBatch", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			if _, err := DecodeBatch(c, dst, decoded); err != nil {
				b.Fatal(err)
			}
		}
		perValue(b)
	})
}

func BenchmarkCodecInt64(b *testing.B) { benchmarkCodec(b, func(i int) int64 { return int64(i) }) }
func BenchmarkCodecString(b *testing.B) {
	benchmarkCodec(b, func(i int) string { return fmt.Sprintf("word-%05d", i) })
}
func BenchmarkCodecWord(b *testing.B) {
	benchmarkCodec(b, func(i int) word { return word{fmt.Sprintf("word-%05d", i), int64(i)} })
}
func BenchmarkCodecLabelled(b *testing.B) {
	benchmarkCodec(b, func(i int) labelled {
		return labelled{ID: int64(i), Name: fmt.Sprintf("name-%05d", i), Street: fmt.Sprintf("street-%050d", i), Town: fmt.Sprintf("town-%040d", i)}
	})
}
func BenchmarkCodecPadded(b *testing.B) {
	benchmarkCodec(b, func(i int) padded { return padded{A: int8(i), B: 2} })
}

func benchmarkKey[K any](b *testing.B, make1 func(i int) K) {
	k := mustKey[K](b)
	keys, hashes, words := make([]K, 1024), make([]uint64, 1024), make([]uint64, 1024*max(1, k.Words()))
	for i := range keys {
		keys[i] = make1(i)
	}
	perKey := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(keys)), "ns/key")
	}
	b.Run("hash", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			k.Hash(keys, hashes)
		}
		perKey(b)
	})
	if k.Words() > 0 {
		b.Run("pack", func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				k.Pack(keys, words)
			}
			perKey(b)
		})
	}
	var dst []byte
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			dst = dst[:0]
			for i := range keys {
				dst = k.Append(dst, &keys[i])
			}
		}
		perKey(b)
	})
}

func BenchmarkKeyInt64(b *testing.B) { benchmarkKey(b, func(i int) id { return id(i) }) }
func BenchmarkKeyString(b *testing.B) {
	benchmarkKey(b, func(i int) label { return label(fmt.Sprintf("word-%05d", i)) })
}
func BenchmarkKeyPair(b *testing.B) {
	benchmarkKey(b, func(i int) pairKey { return pairKey{int64(i), 2} })
}
func BenchmarkKeyFixed(b *testing.B) {
	benchmarkKey(b, func(i int) fixedKey { return fixedKey{1, float64(i), true, 2} })
}
func BenchmarkKeyMixed(b *testing.B) {
	benchmarkKey(b, func(i int) struct {
		S string
		N int64
	} {
		return struct {
			S string
			N int64
		}{"name", int64(i)}
	})
}
