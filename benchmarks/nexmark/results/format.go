package results

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
)

// Formatter appends a row as the reference data has it: its fields in their order, joined with '|', numbers in decimal, text
// as it is. The fields of structs within the row are fields of the row.
type Formatter[Row any] struct{ columns []column }

// column appends one field of a row.
type column struct {
	index  []int
	append func(to []byte, field reflect.Value) []byte
}

// NewFormatter compiles a formatter. Fields are int64, string, types with AppendText, and structs of these.
func NewFormatter[Row any]() (Formatter[Row], error) {
	var f Formatter[Row]
	err := f.compile(reflect.TypeFor[Row](), nil)
	return f, err
}

var appenderType = reflect.TypeFor[encoding.TextAppender]()

func (f *Formatter[Row]) compile(t reflect.Type, index []int) error {
	for i := range t.NumField() {
		field := t.Field(i)
		at := append(append([]int(nil), index...), i)
		switch {
		case field.Type.Implements(appenderType):
			f.columns = append(f.columns, column{at, appendAppender})
		case field.Type.Kind() == reflect.Int64:
			f.columns = append(f.columns, column{at, func(to []byte, v reflect.Value) []byte { return strconv.AppendInt(to, v.Int(), 10) }})
		case field.Type.Kind() == reflect.String:
			f.columns = append(f.columns, column{at, func(to []byte, v reflect.Value) []byte { return append(to, v.String()...) }})
		case field.Type.Kind() == reflect.Struct:
			if err := f.compile(field.Type, at); err != nil {
				return err
			}
		default:
			return fmt.Errorf("field %s of %v: a row cannot have a %v", field.Name, t, field.Type)
		}
	}
	return nil
}

func appendAppender(to []byte, v reflect.Value) []byte {
	text, err := v.Interface().(encoding.TextAppender).AppendText(to)
	if err != nil {
		panic(err) // text of a number cannot fail
	}
	return text
}

// Columns is how many there are.
func (f Formatter[Row]) Columns() int { return len(f.columns) }

// Append appends a row, without a line end.
func (f Formatter[Row]) Append(to []byte, row Row) []byte {
	value := reflect.ValueOf(&row).Elem()
	for i, c := range f.columns {
		if i > 0 {
			to = append(to, '|')
		}
		to = c.append(to, value.FieldByIndex(c.index))
	}
	return to
}
