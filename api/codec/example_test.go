package codec_test

import (
	"fmt"

	"github.com/weir-stream/weir/api/codec"
)

func ExampleFor() {
	type Click struct {
		User string
		Item int64
	}
	clicks, err := codec.For[Click]()
	if err != nil {
		panic(err)
	}
	encoded := clicks.Append(nil, &Click{User: "ada", Item: 7})
	var click Click
	if _, err := clicks.Decode(encoded, &click); err != nil {
		panic(err)
	}
	fmt.Printf("%x %v\n", encoded, click)
	// Output: 036164610700000000000000 {ada 7}
}

func ExampleFor_refused() {
	type Job struct {
		Name string
		Done chan bool
	}
	_, err := codec.For[Job]()
	fmt.Println(err)
	// Output: codec: type codec_test.Job cannot be encoded: its field .Done of type chan bool: a channel exists only within its process; leave the field out with the tag `weir:"-"`, or give its type a codec (codec.Marshaler, codec.Register)
}

// A field was added since the state was written.
func ExampleResolve() {
	type Before struct{ Count int64 }
	type Counter struct {
		Count int64
		Label string
	}
	before, err := codec.For[Before]()
	if err != nil {
		panic(err)
	}
	stored := before.Append(nil, &Before{Count: 3})
	decoder, err := codec.Resolve[Counter](before.Schema())
	if err != nil {
		panic(err)
	}
	var counter Counter
	if _, err := decoder.Decode(stored, &counter); err != nil {
		panic(err)
	}
	fmt.Printf("%+v\n", counter)
	// Output: {Count:3 Label:}
}
