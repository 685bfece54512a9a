package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"
	"unsafe"
)

// frameSize is that of the engine's frames.
const frameSize = 32 << 10

// connectPair connects the two processes by TCP, and returns when both are.
func connectPair(o order) (net.Conn, error) {
	var conn net.Conn
	if o.Index == 0 {
		l, err := net.Listen("tcp", o.Addresses[0])
		if err != nil {
			return nil, err
		}
		defer l.Close()
		if conn, err = l.Accept(); err != nil {
			return nil, err
		}
	} else {
		var err error
		for deadline := time.Now().Add(10 * time.Second); ; {
			if conn, err = net.Dial("tcp", o.Addresses[0]); err == nil {
				break
			}
			if time.Now().After(deadline) {
				return nil, err
			}
			time.Sleep(time.Millisecond)
		}
	}
	if _, err := conn.Write([]byte{1}); err != nil {
		return nil, err
	}
	_, err := io.ReadFull(conn, make([]byte, 1))
	return conn, err
}

// chunk is a frame of records as bytes.
type chunk struct {
	memory [frameSize]byte
	n      int
}

// handWritten is a shuffle without an engine: one goroutine makes records and writes frames to the peer's connection, or to its own consumer; one
// reads the connection; one counts. A frame is its length and the records one after the other.
func handWritten[T record[T]](o order) (outcome, error) {
	conn, err := connectPair(o)
	if err != nil {
		return outcome{}, err
	}
	defer conn.Close()
	start := time.Now()
	queue, free := make(chan *chunk, 8), make(chan *chunk, 64)
	problems := make(chan error, 2)
	ends := make(chan struct{}, 2)
	go func() { problems <- produceByHand[T](o, conn, queue, free); ends <- struct{}{} }()
	go func() { problems <- readByHand(conn, queue, free); ends <- struct{}{} }()
	go func() { <-ends; <-ends; close(queue) }()
	count := new(counter[T])
	var zero T
	size := zero.bytes()
	values := make([]T, frameSize/size)
	for c := range queue {
		n := (c.n - 4) / size
		unpack(c.memory[4:c.n], values[:n], size)
		count.add(values[:n])
		put(free, c)
	}
	if err := errors.Join(<-problems, <-problems); err != nil {
		return outcome{}, err
	}
	return outcome{Seconds: time.Since(start).Seconds(), Records: count.records, Sum: count.sum}, nil
}

func unpack[T any](src []byte, values []T, size int) {
	memory := memoryOf(values)
	var zero T
	if stride := int(unsafe.Sizeof(zero)); stride != size {
		for i := range values {
			copy(memory[i*stride:i*stride+size], src[i*size:])
		}
		return
	}
	copy(memory, src)
}

func get(free chan *chunk) *chunk {
	select {
	case c := <-free:
		c.n = 4
		return c
	default:
		return &chunk{n: 4}
	}
}

func put(free chan *chunk, c *chunk) {
	select {
	case free <- c:
	default:
	}
}

func produceByHand[T record[T]](o order, conn net.Conn, queue, free chan *chunk) error {
	g := newGenerator[T](o.Index)
	values := make([]T, batchSize)
	var outs [2]*chunk
	outs[0], outs[1] = get(free), get(free)
	var zero T
	size := zero.bytes()
	flush := func(to int) error {
		c := outs[to]
		if to == o.Index {
			queue <- c
			outs[to] = get(free)
			return nil
		}
		binary.LittleEndian.PutUint32(c.memory[:], uint32(c.n))
		_, err := conn.Write(c.memory[:c.n])
		c.n = 4
		return err
	}
	for range batches(o.Records) {
		g.fill(values)
		for i := range values {
			x := uint64(values[i].key())
			x ^= x >> 33
			x *= 0xff51afd7ed558ccd
			x ^= x >> 33
			to := int(x >> 63)
			c := outs[to]
			*(*T)(unsafe.Pointer(&c.memory[c.n])) = values[i] // what is beyond its bytes is overwritten by the next one
			c.n += size
			if c.n+int(unsafe.Sizeof(zero)) > frameSize {
				if err := flush(to); err != nil {
					return err
				}
			}
		}
	}
	for to := range outs {
		if err := flush(to); err != nil {
			return err
		}
	}
	return conn.(*net.TCPConn).CloseWrite()
}

func readByHand(conn net.Conn, queue, free chan *chunk) error {
	in := bufio.NewReaderSize(conn, 2*frameSize)
	for {
		c := get(free)
		if _, err := io.ReadFull(in, c.memory[:4]); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		c.n = int(binary.LittleEndian.Uint32(c.memory[:]))
		if _, err := io.ReadFull(in, c.memory[4:c.n]); err != nil {
			return err
		}
		queue <- c
	}
}

// bareTransfer sends as many bytes as the shuffle sends between the processes, and nothing else.
func bareTransfer(o order) (outcome, error) {
	conn, err := connectPair(o)
	if err != nil {
		return outcome{}, err
	}
	defer conn.Close()
	start := time.Now()
	made := batches(o.Records) * batchSize
	total := made / 2 * o.Bytes
	problem := make(chan error, 1)
	go func() {
		frame := make([]byte, frameSize)
		for left := total; left > 0; left -= min(left, frameSize) {
			if _, err := conn.Write(frame[:min(left, frameSize)]); err != nil {
				problem <- err
				return
			}
		}
		problem <- conn.(*net.TCPConn).CloseWrite()
	}()
	n, err := io.CopyBuffer(onlyWriter{io.Discard}, onlyReader{conn}, make([]byte, 2*frameSize))
	if err = errors.Join(err, <-problem); err != nil {
		return outcome{}, err
	}
	return outcome{Seconds: time.Since(start).Seconds(), Records: 2 * int(n) / o.Bytes}, nil
}

// onlyWriter and onlyReader keep io.CopyBuffer from ways that end in the kernel.
type onlyWriter struct{ io.Writer }
type onlyReader struct{ io.Reader }
