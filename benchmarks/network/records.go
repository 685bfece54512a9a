package main

import (
	"net"
	"unsafe"
)

// record is a record of the benchmark, whose first bytes are all that it encodes to.
type record[T any] interface {
	make(key, value int64) T
	key() int64
	value() int64
	// bytes is how many bytes of its memory a record is.
	bytes() int
}

type small struct {
	Key, Value, Time int64
	Kind             uint32
}

func (small) make(key, value int64) small { return small{Key: key, Value: value, Time: value} }
func (r small) key() int64                { return r.Key }
func (r small) value() int64              { return r.Value }
func (small) bytes() int                  { return 28 }

type large struct {
	Key, Value, Time int64
	Kind             uint32
	Rest             [100]byte
}

func (large) make(key, value int64) large { return large{Key: key, Value: value, Time: value} }
func (r large) key() int64                { return r.Key }
func (r large) value() int64              { return r.Value }
func (large) bytes() int                  { return 128 }

// keys are how many there are.
const keys = 1 << 20

// batchSize is how many records are made at a time.
const batchSize = 1024

// generator makes the records of one process: random keys by Marsaglia's xorshift64*, and ascending values.
type generator[T record[T]] struct {
	state uint64
	next  int64
}

func newGenerator[T record[T]](index int) *generator[T] {
	return &generator[T]{state: uint64(index)*0x9e3779b97f4a7c15 + 88172645463325252}
}

func (g *generator[T]) fill(values []T) {
	var zero T
	for i := range values {
		g.state ^= g.state >> 12
		g.state ^= g.state << 25
		g.state ^= g.state >> 27
		values[i] = zero.make(int64(g.state*2685821657736338717>>44), g.next)
		g.next++
	}
}

// batches is how many batches a process makes, and sumOf the sum of their values.
func batches(records int) int { return records / batchSize }
func sumOf(records int) int64 {
	n := int64(batches(records)) * batchSize
	return n * (n - 1) / 2
}

// counter counts by key.
type counter[T record[T]] struct {
	counts  [keys]uint32
	records int
	sum     int64
}

func (c *counter[T]) add(values []T) {
	for i := range values {
		c.counts[values[i].key()]++
		c.sum += values[i].value()
	}
	c.records += len(values)
}

// memoryOf is the memory of records.
func memoryOf[T any](values []T) []byte {
	var zero T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*int(unsafe.Sizeof(zero)))
}

// freeAddresses finds two addresses that nobody listens at.
func freeAddresses() (a [2]string, err error) {
	var listeners [2]net.Listener
	for i := range a {
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return a, err
		}
		defer listeners[i].Close()
		a[i] = listeners[i].Addr().String()
	}
	return a, nil
}
