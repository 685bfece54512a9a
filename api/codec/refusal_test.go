package codec

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unsafe"

	"google.golang.org/protobuf/types/known/durationpb"
)

func refusal[T any]() error {
	_, err := For[T]()
	return err
}

func keyRefusal[K any]() error {
	_, err := ForKey[K]()
	return err
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		err   error
		path  string
		parts []string // of the message
	}{
		{refusal[chan int](), "", []string{"type chan int cannot be encoded", "a channel", "`weir:\"-\"`"}},
		{refusal[struct{ F func() }](), ".F", []string{"field .F of type func()", "a function"}},
		{refusal[uintptr](), "", []string{"an address"}},
		{refusal[holdsPtr](), ".P", []string{"codec.holdsPtr", "unsafe.Pointer", "an address"}},
		{refusal[holdsAny](), ".Deep[][].Value", []string{"interface {}", "codec.RegisterUnion[interface {}]"}},
		{refusal[holdsMutex](), ".Lock", []string{"sync.Mutex", "standard library", "`weir:\"-\"`"}},
		{refusal[error](), "", []string{"codec.RegisterUnion[error]"}},
		{refusal[clash](), "", []string{"fields A and B are both named x"}},
		{refusal[[]emptyBytes](), "", []string{"its elements take memory but none of it is encoded", "codec.emptyBytes"}},
		{refusal[map[emptyBytes]int](), "", []string{"its keys take memory"}},
		{refusal[map[*int]int](), "", []string{"its key holds *int"}},
		{refusal[map[[1]struct{ S shape }]int](), "", []string{"its key holds codec.shape"}},
		{refusal[map[string]chan int](), "[]", nil},
		{refusal[map[string]durationpb.Duration](), "[]", []string{"hold it by pointer: *durationpb.Duration"}},
		{refusal[struct{ T time.Timer }](), ".T", []string{"of type time.Timer", "standard library"}},
		{keyRefusal[*int](), "", []string{"type *int (as a key)", "different pointers", "use a key of"}},
		{keyRefusal[struct{ M map[string]int }](), ".M", []string{"a map is no key"}},
		{keyRefusal[[]byte](), "", []string{"a slice is no key"}},
		{keyRefusal[any](), "", []string{"an interface"}},
		{keyRefusal[[2]complex64](), "[]", []string{"no order"}},
		{keyRefusal[tagged](), "", []string{"its field Skipped is left out"}},
		{keyRefusal[struct {
			A int
			B int `weir:"-"`
		}](), "", []string{"its field B is left out"}},
		{keyRefusal[clash](), "", []string{"both named x"}},
		{keyRefusal[struct{ F func() }](), ".F", []string{"a func is no key"}},
		{keyRefusal[unsafe.Pointer](), "", []string{"no key"}},
	} {
		var refused *RefusedError
		if !errors.As(c.err, &refused) {
			t.Errorf("%v", c.err)
			continue
		}
		if refused.Path != c.path {
			t.Errorf("%v: path %q, want %q", refused, refused.Path, c.path)
		}
		for _, part := range c.parts {
			if !strings.Contains(refused.Error(), part) {
				t.Errorf("%q lacks %q", refused, part)
			}
		}
	}
}

// A type that was refused within another must not be taken for complete afterwards.
func TestRefusalLeavesNothingBehind(t *testing.T) {
	type inner struct {
		Back *struct {
			C chan int
		}
	}
	type outer struct {
		I inner
		N int
	}
	for range 2 {
		if refusal[outer]() == nil || refusal[inner]() == nil {
			t.Fatal("accepted")
		}
	}
}

func TestRegistrationMistakes(t *testing.T) {
	type late struct{ A int }
	lateCodec := mustFor[late](t)
	type lateShape interface{ area() float64 }
	for want, f := range map[string]func(){
		"comes after a codec of the type was made": func() { Register(lateCodec) },
		"RegisterUnion[codec.shape] comes after":   func() { mustFor[shape](t); RegisterUnion[shape](square{}) },
		"it is not an interface type":              func() { RegisterUnion[int](1) },
		"int does not implement it":                func() { RegisterUnion[lateShape](1) },
		"<nil> does not implement it":              func() { RegisterUnion[lateShape](nil) },
		"codec.square (weird) is given twice":      func() { RegisterUnion[lateShape](square{}, Case("weird", square{})) },
		"codec.square (same) is given twice":       func() { RegisterUnion[lateShape](Case("same", unit{}), Case("same", square{})) },
	} {
		if got := fmt.Sprint(panicOf(f)); !strings.Contains(got, want) {
			t.Errorf("panic %q, want %q", got, want)
		}
	}
	// None of the mistakes may leave the registry locked.
	type unused interface{ area() float64 }
	RegisterUnion[unused](square{})
	if got := fmt.Sprint(panicOf(func() { RegisterUnion[unused](square{}) })); !strings.Contains(got, "is called twice") {
		t.Errorf("panic %q", got)
	}
	roundTrip[unused](t, square{1})
}
