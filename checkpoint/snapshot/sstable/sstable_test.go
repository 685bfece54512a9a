package sstable

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// numbered makes a table of n entries, whose keys are numbers and whose values say them.
func numbered(t testing.TB, n int) []byte {
	t.Helper()
	w := NewWriter()
	key, value := make([]byte, 4), []byte(nil)
	for i := range n {
		binary.BigEndian.PutUint32(key, uint32(i)) // the buffers are reused
		value = fmt.Append(value[:0], "value ", i)
		if err := w.Add(key, value); err != nil {
			t.Fatal(err)
		}
	}
	table, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return table
}

func at(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

func TestScanReadsRanges(t *testing.T) {
	table := numbered(t, 20_000)
	for _, c := range []struct {
		from, to []byte
		first, n int
	}{
		{nil, nil, 0, 20_000}, {at(0), at(20_000), 0, 20_000}, {at(7), at(8), 7, 1}, {at(9), at(9), 0, 0},
		{at(12_345), nil, 12_345, 20_000 - 12_345}, {nil, at(5000), 0, 5000}, {[]byte{0}, []byte{0, 0, 1}, 0, 256}, {at(30_000), nil, 0, 0},
	} {
		n := c.first
		err := Scan(table, c.from, c.to, func(key, value []byte) error {
			if !slices.Equal(key, at(n)) || string(value) != fmt.Sprint("value ", n) {
				return fmt.Errorf("entry %x %q, want number %d", key, value, n)
			}
			n++
			return nil
		})
		if err != nil || n-c.first != c.n {
			t.Errorf("%x to %x: %d entries, want %d: %v", c.from, c.to, n-c.first, c.n, err)
		}
	}
}

func TestScanStopsAtTheFirstError(t *testing.T) {
	calls, stop := 0, errors.New("enough")
	err := Scan(numbered(t, 10), nil, nil, func(key, value []byte) error {
		if calls++; calls == 3 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || calls != 3 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestEmptyTable(t *testing.T) {
	table, err := NewWriter().Finish()
	if err != nil || len(table) != 0 {
		t.Fatalf("%d bytes, %v", len(table), err)
	}
	if err := Scan(table, nil, nil, func(_, _ []byte) error { return errors.New("an entry") }); err != nil {
		t.Error(err)
	}
}

func TestKeysMustAscend(t *testing.T) {
	for _, second := range []string{"b", "a", ""} {
		w := NewWriter()
		if err := w.Add([]byte("b"), nil); err != nil {
			t.Fatal(err)
		}
		if err := w.Add([]byte(second), nil); err == nil {
			t.Errorf("%q after b is taken", second)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestDamageIsFound flips bits all over a table: the entries that are read before the error are right. The table is small,
// since Pebble looks for the flipped bit, which takes the square of a block's size.
func TestDamageIsFound(t *testing.T) {
	table := numbered(t, 200)
	found, flips := 0, 0
	for at := 0; at < len(table); at += 29 {
		spoilt := slices.Clone(table)
		spoilt[at] ^= 1 << (at % 8)
		flips++
		n := 0
		err := Scan(spoilt, nil, nil, func(key, value []byte) error {
			if string(value) != fmt.Sprint("value ", n) {
				t.Fatalf("a flipped bit at %d: entry %d is %q", at, n, value)
			}
			n++
			return nil
		})
		switch {
		case err != nil && strings.Contains(err.Error(), "damaged"):
			found++
		case err != nil || n != 200:
			t.Errorf("a flipped bit at %d: %d entries, %v", at, n, err)
		}
	}
	if found < flips*9/10 {
		t.Errorf("%d of %d flipped bits are found", found, flips)
	}
	for _, n := range []int{1, 10, len(table) / 2, len(table) - 1} {
		if err := Scan(table[:n], nil, nil, func(_, _ []byte) error { return nil }); err == nil {
			t.Errorf("a table cut to %d bytes is read", n)
		}
	}
}

// TestADamagedFilterIsFound flips each bit of a table's filter, of which a scan needs nothing.
func TestADamagedFilterIsFound(t *testing.T) {
	table := numbered(t, 200)
	opened, err := OpenBytes("whole", table)
	if err != nil {
		t.Fatal(err)
	}
	layout, err := opened.reader.Layout()
	if err != nil || len(layout.Filter) != 1 {
		t.Fatalf("%d filters, %v", len(layout.Filter), err)
	}
	if err := opened.Close(); err != nil {
		t.Fatal(err)
	}
	for at := layout.Filter[0].Offset; at < layout.Filter[0].Offset+layout.Filter[0].Length; at++ {
		spoilt := slices.Clone(table)
		spoilt[at] ^= 1 << (at % 8)
		err := Scan(spoilt, nil, nil, func(_, _ []byte) error { return nil })
		if err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Fatalf("a flipped bit at %d: %v", at, err)
		}
	}
}

func FuzzScan(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("no table"))
	f.Add(numbered(f, 3))
	f.Fuzz(func(t *testing.T, table []byte) {
		_ = Scan(table, nil, nil, func(_, _ []byte) error { return nil })
		_ = Scan(table, []byte{0}, []byte{1}, func(_, _ []byte) error { return nil })
	})
}

func BenchmarkTable(b *testing.B) {
	for b.Loop() {
		table := numbered(b, 100_000)
		n := 0
		if err := Scan(table, nil, nil, func(_, _ []byte) error { n++; return nil }); err != nil || n != 100_000 {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/entry")
}
