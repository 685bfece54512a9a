package config

import (
	"fmt"
	"math"
	"strconv"
)

// MemorySize is a number of bytes. Units are powers of 1024, also where they are written kb or mb, as in Flink.
type MemorySize int64

// Units of MemorySize.
const (
	Byte     MemorySize = 1
	Kibibyte            = 1024 * Byte
	Mebibyte            = 1024 * Kibibyte
	Gibibyte            = 1024 * Mebibyte
	Tebibyte            = 1024 * Gibibyte
)

// memoryUnits are Flink's labels and those with an i. The first of each group is the one written.
var memoryUnits = []struct {
	unit   MemorySize
	labels []string
}{
	{Tebibyte, []string{"tb", "t", "ti", "tib", "tebibytes"}},
	{Gibibyte, []string{"gb", "g", "gi", "gib", "gibibytes"}},
	{Mebibyte, []string{"mb", "m", "mi", "mib", "mebibytes"}},
	{Kibibyte, []string{"kb", "k", "ki", "kib", "kibibytes"}},
	{Byte, []string{"bytes", "b", "byte"}},
}

// ParseMemorySize reads a whole number and a unit (b, k, kb, kib, kibibytes, and so on up to t, in any case, with or without space
// between), or a bare number of bytes.
func ParseMemorySize(text string) (MemorySize, error) {
	number, label, err := splitNumber(text)
	if err != nil {
		return 0, err
	}
	unit := Byte
	if label != "" {
		if unit = memoryUnit(label); unit == 0 {
			return 0, fmt.Errorf("unknown unit %q", label)
		}
	}
	if number > math.MaxInt64/int64(unit) {
		return 0, fmt.Errorf("more bytes than 63 bits count")
	}
	return MemorySize(number) * unit, nil
}

func memoryUnit(label string) MemorySize {
	for _, u := range memoryUnits {
		for _, l := range u.labels {
			if l == label {
				return u.unit
			}
		}
	}
	return 0
}

// String writes the size in the largest unit that keeps it whole, as "64 mb"; ParseMemorySize reads it back.
func (s MemorySize) String() string {
	if s != 0 {
		for _, u := range memoryUnits {
			if s%u.unit == 0 {
				return strconv.FormatInt(int64(s/u.unit), 10) + " " + u.labels[0]
			}
		}
	}
	return "0 bytes"
}
