package main

import (
	"fmt"

	"github.com/weir-stream/weir/benchmarks/internal/child"
)

// order is what one of two processes is to do that shuffle without a cluster.
type order struct {
	How     how
	Bytes   int // of a record: 28 or 128
	Records int // that this process makes
	Index   int // 0 or 1
	// Addresses are those of the two processes, Folder has their certificates.
	Addresses [2]string
	Folder    string
}

// how is a way to bring records from one process to another.
type how string

const (
	byHandPlain how = "by hand"
	bare        how = "bare"
	plain       how = "plain"
	withTLS     how = "TLS"
	withS2      how = "s2"
)

// outcome is what such a process has measured.
type outcome struct {
	Seconds float64 // from when both were connected until it had everything
	Records int     // that it got
	Sum     int64   // of their values
}

// work is the role of such a process.
func work(o order) (outcome, error) {
	switch o.Bytes {
	case 28:
		return workOn[small](o)
	case 128:
		return workOn[large](o)
	}
	return outcome{}, fmt.Errorf("there are no records of %d bytes", o.Bytes)
}

func workOn[T record[T]](o order) (outcome, error) {
	switch o.How {
	case byHandPlain:
		return handWritten[T](o)
	case bare:
		return bareTransfer(o)
	}
	return byExchange[T](o)
}

// measurePair runs two processes and checks that all records have come.
func measurePair(o order) (result, error) {
	var err error
	if o.Addresses, err = freeAddresses(); err != nil {
		return result{}, err
	}
	type ended struct {
		outcome
		cpu float64
		err error
	}
	done := make(chan ended, 2)
	for i := range 2 {
		mine := o
		mine.Index = i
		go func() {
			var e ended
			e.outcome, e.cpu, e.err = child.Measure[outcome]("worker", mine)
			done <- e
		}()
	}
	var r result
	var seconds float64
	var sum int64
	for range 2 {
		e := <-done
		if e.err != nil {
			return r, e.err
		}
		r.records += e.Records
		r.cpuSeconds += e.cpu
		seconds = max(seconds, e.Seconds)
		sum += e.Sum
	}
	if want := 2 * batches(o.Records) * batchSize; r.records != want || o.How != bare && sum != 2*sumOf(o.Records) {
		return r, fmt.Errorf("%d records with the sum %d came of %d with the sum %d", r.records, sum, want, 2*sumOf(o.Records))
	}
	r.perSecond = float64(r.records) / seconds
	return r, nil
}
