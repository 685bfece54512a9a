package transport

import (
	"math/rand"
	"strings"
	"testing"
)

func TestCompressedFramesArriveAsTheyWere(t *testing.T) {
	for _, c := range []Compression{S2, Zstd} {
		t.Run(c.String(), func(t *testing.T) {
			p := newPair(t, func(config *Config) { config.Compression = c })
			ch := open(t, p.first, p.second, key(1), 4).ready(t)
			random := rand.New(rand.NewSource(1))
			noise := make([]byte, PayloadSize)
			random.Read(noise)
			sent := 0
			for _, text := range []string{"", "small", strings.Repeat("words and ", 3000), string(noise), string(noise[:20000]), strings.Repeat("x", PayloadSize)} {
				await(t, "credit", ch.Ready)
				ch.send(text, false)
				if got := ch.next(t); got != text {
					t.Fatalf("%d bytes became %d", len(text), len(got))
				}
				sent += len(text)
			}
			if out := p.nodes[0].counts.bytesOut.Count(); out > int64(sent)-50000 {
				t.Errorf("%d bytes were sent for %d", out, sent)
			}
		})
	}
}

// TestOnlyWhatBothHaveIsUsed has ends of different configurations, which use none.
func TestOnlyWhatBothHaveIsUsed(t *testing.T) {
	both := []Compression{Zstd, S2}
	p := newPair(t, func(config *Config) { config.Compression, both = both[0], append(both[1:], both[0]) })
	ch := open(t, p.first, p.second, key(1), 4).ready(t)
	ch.send(strings.Repeat("x", PayloadSize), false)
	ch.next(t)
	await(t, "as many bytes as there were", func() bool { return p.nodes[0].counts.bytesOut.Count() >= PayloadSize })
}

// FuzzExpand holds the decompressors to their bounds.
func FuzzExpand(f *testing.F) {
	for _, c := range []Compression{S2, Zstd} {
		b := NewBuffer()
		b.SetLength(len(append(b.Room(), strings.Repeat("weir ", 1000)...)))
		f.Add(uint8(c), append([]byte{}, c.compress(b).Payload()...))
	}
	f.Add(uint8(S2), []byte{0xff, 0xff, 0xff, 0xff, 0x07, 0})
	f.Fuzz(func(t *testing.T, c uint8, payload []byte) {
		b, err := Compression(c % 3).expand(payload)
		if err == nil {
			if len(b.Payload()) > PayloadSize {
				t.Errorf("%d bytes", len(b.Payload()))
			}
			b.recycle()
		}
	})
}
