package codec

import (
	"errors"
	"testing"
	"time"
)

func decodeError[T any](t *testing.T, src string) error {
	t.Helper()
	var v T
	_, err := mustFor[T](t).Decode([]byte(src), &v)
	return err
}

func keyError[K any](t *testing.T, src string) error {
	t.Helper()
	var v K
	_, err := mustKey[K](t).Decode([]byte(src), &v)
	return err
}

func TestMalformedInput(t *testing.T) {
	type inner struct {
		Flag bool
		When *time.Time
	}
	type outer struct {
		List []inner
		ByID map[int8]inner
	}
	for want, err := range map[string]error{
		"codec: malformed bool: a bool is 2":                                                           decodeError[bool](t, "\x02"),
		"codec: malformed codec.outer.List[1].Flag: a bool is 7":                                       decodeError[outer](t, "\x03\x00\x00\x07\x00\x00"),
		"codec: malformed codec.outer.List[0].When: the input ends too early":                          decodeError[outer](t, "\x02\x00\x01\x01"),
		"codec: malformed codec.outer.List[0].When: a pointer's flag is 2":                             decodeError[outer](t, "\x02\x00\x02\x01"),
		"codec: malformed codec.outer.List: 9 elements where 2 bytes are left":                         decodeError[outer](t, "\x0a\x00\x00"),
		"codec: malformed codec.outer.ByID: of 2 keys only 1 differ":                                   decodeError[outer](t, "\x00\x03\x05\x00\x00\x05\x01\x00"),
		"codec: malformed time.Time: a time has 4294967295 nanoseconds":                                decodeError[time.Time](t, "\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\x00\x00\x00\x00"),
		"codec: malformed time.Time: a time is 16777216 s off UTC":                                     decodeError[time.Time](t, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"),
		"codec: malformed codec.shape: case 9 of interface codec.shape, which has 6":                   decodeError[shape](t, "\x09"),
		"codec: malformed codec.shape(square).Side: the input ends too early":                          decodeError[shape](t, "\x01\x00"),
		`codec: malformed codec.money: its own decoder: strconv.ParseInt: parsing "x": invalid syntax`: decodeError[money](t, "\x01x"),
		"codec: malformed string: the input ends too early":                                            decodeError[string](t, "\x81\x00x"), // 1, but not in its shortest form
		"codec: malformed bool: a bool is 3":                                                           keyError[bool](t, "\x03"),
		"codec: malformed codec.mixedKey.Name: a string is not properly ended":                         keyError[mixedKey](t, "a\x00\x02"),
		"codec: malformed codec.fixedKey.B: a bool is 2":                                               keyError[fixedKey](t, "\x00\x80\x00\x00\x00\x00\x00\x00\x00\x02\x80\x00\x00\x00"),
	} {
		var malformed *FormatError
		if !errors.As(err, &malformed) || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}
