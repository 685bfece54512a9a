package config

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Option is a key with a type, a default and documentation. Options are declared by this package only, so that the set of keys is closed and
// a misspelt one is found; other packages read them with [Get].
type Option[T any] struct {
	set         *optionSet
	key, doc    string
	section     Section
	deprecated  []string
	notes       map[string]string
	def         func() T
	defaultText string // replaces the default in the documentation, where the default is not one value
	kind        kind[T]
	check       func(T) error
}

// Key returns the option's name in config.yaml and -D.
func (o *Option[T]) Key() string { return o.key }

// Default returns the value of the option where it is not set.
func (o *Option[T]) Default() T { return o.clone(o.def()) }

// To returns the setting of the option to value, for [New] and [Configuration.With].
func (o *Option[T]) To(value T) Setting {
	return Setting{option: erase(o), value: o.clone(value)}
}

func (o *Option[T]) clone(value T) T {
	if o.kind.clone == nil {
		return value
	}
	return o.kind.clone(value)
}

// kind is a type of values: how they are written and read.
type kind[T any] struct {
	name   string // Flink's name of the type
	form   string // what a value looks like, to end the sentence "expected ..."
	parse  func(text string) (T, error)
	format func(T) string
	valid  func(T) error // nil where every Go value of the type can be written
	clone  func(T) T     // nil where assignment copies
	values []string      // of an enumeration, for the documentation

	verbatim bool // space around the text belongs to the value
}

// declared is an Option without its type, for whoever handles all of them.
type declared interface {
	Key() string
	info() info
	parseAny(text string) (any, error)
	check(value any) error
	text(value any) string
	// note is what a user should know of a value written in this way, or "".
	note(text string) string
}

// info is what the documentation says of an option.
type info struct {
	section              Section
	doc, typeName, form  string
	defaultText          string
	deprecated, accepted []string
}

type erased[T any] struct{ *Option[T] }

func erase[T any](o *Option[T]) declared { return erased[T]{o} }

func (o erased[T]) info() info {
	text := o.defaultText
	if text == "" {
		text = o.kind.format(o.def())
	}
	return info{
		section: o.section, doc: o.doc, typeName: o.kind.name, form: o.kind.form,
		defaultText: text, deprecated: o.deprecated, accepted: o.kind.values,
	}
}

func (o erased[T]) parseAny(text string) (any, error) {
	if !o.kind.verbatim {
		text = strings.TrimSpace(text)
	}
	value, err := o.kind.parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: expected %s", err, o.kind.form)
	}
	if err := o.check(value); err != nil {
		return nil, err
	}
	return value, nil
}

func (o erased[T]) check(value any) error {
	if valid := o.kind.valid; valid != nil {
		if err := valid(value.(T)); err != nil {
			return fmt.Errorf("%w: expected %s", err, o.kind.form)
		}
	}
	if check := o.Option.check; check != nil {
		return check(value.(T))
	}
	return nil
}

func (o erased[T]) text(value any) string { return o.kind.format(value.(T)) }

// The functions below declare options; each returns the option for chaining.

func declare[T any](section Section, key string, def T, k kind[T], doc string) *Option[T] {
	return declareIn(declarations, section, key, def, k, doc)
}

func declareIn[T any](s *optionSet, section Section, key string, def T, k kind[T], doc string) *Option[T] {
	o := &Option[T]{set: s, key: key, doc: doc, section: section, kind: k, def: func() T { return def }}
	s.add(key, erase(o))
	return o
}

// noting has a notice given when the value is written as text, another name of a value.
func (o *Option[T]) noting(text, note string) *Option[T] {
	if o.notes == nil {
		o.notes = map[string]string{}
	}
	o.notes[text] = note
	return o
}

func (o *Option[T]) note(text string) string {
	return o.notes[strings.ToLower(strings.TrimSpace(text))]
}

// replaces names older keys of the option, which are accepted with a notice.
func (o *Option[T]) replaces(keys ...string) *Option[T] {
	o.deprecated = keys
	for _, key := range keys {
		o.set.addDeprecated(key, erase(o))
	}
	return o
}

// computed sets a default that depends on the machine or on other options, and the words for it in the documentation.
func (o *Option[T]) computed(def func() T, words string) *Option[T] {
	o.def, o.defaultText = def, words
	return o
}

// that sets what a value must fulfil beyond having the type.
func (o *Option[T]) that(check func(T) error) *Option[T] {
	o.check = check
	return o
}

func atLeast[T cmp.Ordered](low T) func(T) error {
	return func(v T) error {
		if v < low {
			return fmt.Errorf("too small: expected at least %v", low)
		}
		return nil
	}
}

func between[T cmp.Ordered](low, high T) func(T) error {
	return func(v T) error {
		if !(v >= low && v <= high) { // so that NaN is refused too
			return fmt.Errorf("out of range: expected %v to %v", low, high)
		}
		return nil
	}
}

func integer() kind[int] {
	return kind[int]{
		name: "Integer", form: "a whole number such as 4",
		parse: func(text string) (int, error) {
			n, err := strconv.ParseInt(text, 10, 32)
			if err != nil {
				return 0, reason(err, "not a whole number of 32 bits")
			}
			return int(n), nil
		},
		format: strconv.Itoa,
		valid: func(n int) error {
			if n != int(int32(n)) {
				return fmt.Errorf("not a whole number of 32 bits")
			}
			return nil
		},
	}
}

func double() kind[float64] {
	return kind[float64]{
		name: "Double", form: "a number such as 1.5",
		parse: func(text string) (float64, error) {
			f, err := strconv.ParseFloat(text, 64)
			return f, reason(err, "not a number")
		},
		format: func(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) },
	}
}

func boolean() kind[bool] {
	return kind[bool]{
		name: "Boolean", form: "true or false",
		parse: func(text string) (bool, error) {
			switch strings.ToLower(text) {
			case "true":
				return true, nil
			case "false":
				return false, nil
			}
			return false, fmt.Errorf("not a boolean")
		},
		format: strconv.FormatBool,
	}
}

func text() kind[string] {
	return kind[string]{
		name: "String", form: "a text",
		parse:    func(text string) (string, error) { return text, nil },
		format:   func(text string) string { return text },
		verbatim: true,
	}
}

// location is a place in some store. A relative path is made absolute at once, by the working directory of the process that reads it: other
// processes, which have other ones, mean the same place then.
func location() kind[string] {
	k := text()
	k.parse = func(text string) (string, error) {
		if text == "" || scheme.MatchString(text) {
			return text, nil
		}
		whole, err := filepath.Abs(text)
		if err != nil {
			return "", fmt.Errorf("%q cannot be made absolute: %w", text, err)
		}
		return whole, nil
	}
	return k
}

// scheme is how a location begins that is no plain path.
var scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)

func duration() kind[time.Duration] {
	return kind[time.Duration]{
		name: "Duration", form: `a duration such as "10 s", "100ms" or "1 min" (a bare number counts milliseconds)`,
		parse: ParseDuration, format: FormatDuration, valid: notNegative[time.Duration],
	}
}

func memorySize() kind[MemorySize] {
	return kind[MemorySize]{
		name: "MemorySize", form: `a memory size such as "64 mb" (a bare number counts bytes)`,
		parse: ParseMemorySize, format: MemorySize.String, valid: notNegative[MemorySize],
	}
}

func notNegative[T ~int64](v T) error {
	if v < 0 {
		return fmt.Errorf("negative")
	}
	return nil
}

// enum is a choice among values, read without regard to case. Each alias is another way to write a value.
func enum[T ~string](values []T, aliases map[string]T) kind[T] {
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = string(v)
	}
	return kind[T]{
		name: "Enum", form: "one of " + strings.Join(names, ", "), values: names,
		parse: func(text string) (T, error) {
			for _, v := range values {
				if strings.EqualFold(text, string(v)) {
					return v, nil
				}
			}
			if v, ok := aliases[strings.ToLower(text)]; ok {
				return v, nil
			}
			return "", fmt.Errorf("not a known value")
		},
		format: func(v T) string { return string(v) },
		valid: func(v T) error {
			if !slices.Contains(values, v) {
				return fmt.Errorf("not a known value")
			}
			return nil
		},
	}
}

func list() kind[[]string] {
	return kind[[]string]{
		name: "List<String>", form: `a list such as "a;b" or "[a, b]"`,
		parse: parseList, format: formatList, clone: slices.Clone[[]string],
	}
}

func dictionary() kind[map[string]string] {
	return kind[map[string]string]{
		name: "Map", form: `a map such as "k1:v1,k2:v2" or "{k1: v1, k2: v2}"`,
		parse: parseMap, format: formatMap, clone: maps.Clone[map[string]string],
	}
}

// reason replaces an error of strconv, which would repeat the value, by words of ours.
func reason(err error, words string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s", words)
}
