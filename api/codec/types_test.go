package codec

import (
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strconv"
	"sync"
	"time"
	"unsafe"
)

// The types that several tests use.

type (
	id    int64
	label string
	word  struct {
		Text  string
		Count int64
	}
	flat   struct{ A, B int64 }
	padded struct {
		A int8
		B int64
		C bool
		D int16
	}
	hidden struct {
		total int64
		names []string
		inner struct{ x, y float32 }
	}
	base     struct{ ID id }
	embedded struct {
		base
		*word
		Name label
	}
	generic[T any] struct {
		Value T
		Many  []T
	}
	node struct {
		Value int
		Next  *node
		Kids  []node
		Index map[string]*node
	}
	left   struct{ Pair *pair }
	pair   struct{ L, R left }
	list   []list
	table  map[string]table
	tagged struct {
		Kept    int32
		Skipped chan int `weir:"-"`
		Renamed string   `weir:"title"`
		_       [3]byte
	}
	everything struct {
		B    bool
		I8   int8
		I16  int16
		I32  int32
		I64  int64
		I    int
		U8   uint8
		U16  uint16
		U32  uint32
		U64  uint64
		U    uint
		F32  float32
		F64  float64
		C64  complex64
		C128 complex128
		S    string
		Raw  []byte
		T    time.Time
		D    time.Duration
		Arr  [3]int16
		Strs [2]string
		Long [20]label
		Sl   []int32
		SlS  []string
		SlP  []*word
		M    map[string]int64
		MM   map[[2]int8]map[bool]string
		P    *int64
		PP   **string
		N    struct{ X, Y uint8 }
		G    generic[label]
		E    []struct{}
		Z    [4]struct{}
	}
)

type shape interface{ area() float64 }

type (
	square struct{ Side float64 }
	circle struct{ Radius *float64 }
	rects  map[string]float64
	unit   struct{}
	count  int32
	only   struct{ Pointer *float64 }
)

func (square) area() float64  { return 0 }
func (*circle) area() float64 { return 0 }
func (rects) area() float64   { return 0 }
func (unit) area() float64    { return 0 }
func (count) area() float64   { return 0 }
func (only) area() float64    { return 0 }

type stranger struct{}

func (stranger) area() float64 { return 0 }

// money encodes itself.
type money struct{ cents int64 }

func (m *money) AppendWeir(dst []byte) []byte { return strconv.AppendInt(dst, m.cents, 10) }
func (m *money) DecodeWeir(src []byte) (err error) {
	m.cents, err = strconv.ParseInt(string(src), 10, 64)
	return err
}
func (*money) WeirFormat() (string, int) { return "money", 3 }

// priced embeds a type that encodes itself; its other field must not be lost.
type priced struct {
	money
	Item string
}

// celsius has a registered codec.
type celsius float64

type celsiusCodec struct{ Codec[float64] }

func (c celsiusCodec) Append(dst []byte, v *celsius) []byte {
	kelvin := float64(*v) + 273.15
	return c.Codec.Append(dst, &kelvin)
}

func (c celsiusCodec) Decode(src []byte, v *celsius) ([]byte, error) {
	var kelvin float64
	rest, err := c.Codec.Decode(src, &kelvin)
	*v = celsius(kelvin - 273.15)
	return rest, err
}

// fragile fails to encode.
type fragile struct{ state *int }

var errFragile = errors.New("it broke")

func (f fragile) MarshalBinary() ([]byte, error) {
	return nil, fmt.Errorf("state %v: %w", f.state, errFragile)
}
func (*fragile) UnmarshalBinary(b []byte) error { return nil }

type foreign struct {
	Address netip.Addr
	Big     *big.Int
	Rat     big.Rat
}

type scene struct {
	Shapes []shape
	Any    shape
}

func init() {
	RegisterUnion[shape](Case("square", square{}), &circle{}, rects{}, unit{}, count(0), Case("only", only{}))
	inner, err := For[float64]()
	if err != nil {
		panic(err)
	}
	Register[celsius](celsiusCodec{inner})
}

// refused types

type (
	holdsMutex struct {
		N    int
		Lock sync.Mutex
	}
	holdsAny struct {
		Deep []map[string]*struct{ Value any }
	}
	holdsPtr struct{ P unsafe.Pointer }
	clash    struct {
		A int `weir:"x"`
		B int `weir:"x"`
	}
	emptyBytes struct {
		X int `weir:"-"`
	}
)
