package untyped

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// utc is what stands for the offset of a time in UTC.
const utc = math.MinInt32

func appendQuoted(dst []byte, text string) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // strings and buffers do not fail
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte{'\n'})...)
}

func (p *Printer) appendString(dst, text []byte) []byte {
	if utf8.Valid(text) {
		return appendQuoted(dst, string(text))
	}
	return append(p.appendBytes(append(dst, `{"bytes":`...), text), '}')
}

func (p *Printer) appendBytes(dst, b []byte) []byte {
	dst = append(dst, '"')
	if p.options.Hex {
		dst = hex.AppendEncode(append(dst, "0x"...), b)
	} else {
		dst = base64.StdEncoding.AppendEncode(dst, b)
	}
	return append(dst, '"')
}

// AppendBytes appends bytes that no schema describes, as o says.
func (o Options) AppendBytes(dst, b []byte) []byte { return (&Printer{options: o}).appendBytes(dst, b) }

func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"+Inf"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Inf"`...)
	}
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, bits)
}

func appendComplex(dst []byte, re, im float64, bits int) []byte {
	dst = appendFloat(append(dst, '['), re, bits)
	return append(appendFloat(append(dst, ','), im, bits), ']')
}

// appendTime appends a time; what RFC 3339 does not know, such as years of five digits, looks alike.
func appendTime(dst []byte, seconds int64, nanos uint32, offset int32) []byte {
	at := time.Unix(seconds, int64(nanos)).UTC()
	if offset != utc && offset > -24*3600 && offset < 24*3600 {
		at = at.In(time.FixedZone("", int(offset)))
	}
	return appendQuoted(dst, at.Format(time.RFC3339Nano))
}
