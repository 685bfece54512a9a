package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// params are the parameters of a vector's operator. Reading one marks it: what nobody has read nobody has understood.
type params struct {
	values map[string]any
	read   map[string]bool
}

func (p *params) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(&p.values)
}

// fresh returns the parameters with none read.
func (p params) fresh() params { return params{p.values, map[string]bool{}} }

// unread names the parameters that were not read.
func (p params) unread() []string {
	var names []string
	for name := range p.values {
		if !p.read[name] {
			names = append(names, fmt.Sprintf("%s=%v", name, p.values[name]))
		}
	}
	slices.Sort(names)
	return names
}

func (p params) get(name string) (any, bool) {
	p.read[name] = true
	v, ok := p.values[name]
	return v, ok
}

func (p params) has(name string) bool {
	_, ok := p.values[name]
	return ok
}

// text is a parameter that is text; "" if absent.
func (p params) text(name string) string {
	v, ok := p.get(name)
	if !ok {
		return ""
	}
	text, ok := v.(string)
	if !ok {
		fail("parameter %s: %v is no text", name, v)
	}
	return text
}

// flag is a parameter that is true or false; false if absent.
func (p params) flag(name string) bool {
	v, ok := p.get(name)
	if !ok {
		return false
	}
	flag, ok := v.(bool)
	if !ok {
		fail("parameter %s: %v is neither true nor false", name, v)
	}
	return flag
}

// number is a parameter that is a whole number; 0 if absent.
func (p params) number(name string) int64 {
	v, ok := p.get(name)
	if !ok {
		return 0
	}
	number, _ := v.(json.Number)
	n, err := number.Int64()
	if err != nil {
		fail("parameter %s: %v is no whole number", name, v)
	}
	return n
}

// millis is a number of milliseconds.
func (p params) millis(name string) time.Duration {
	return time.Duration(p.number(name)) * time.Millisecond
}

// must fails unless a parameter has the one value that is understood.
func (p params) must(name string, want any) {
	if v, ok := p.get(name); ok && v != want {
		fail("parameter %s: %v is not understood, only %v is", name, v, want)
	}
}

// call is a value such as purging(count(3)): a name with arguments.
type call struct {
	name      string
	arguments []string
}

var callForm = regexp.MustCompile(`^([a-zA-Z-]+)\((.*)\)$`)

func parseCall(text string) call {
	parts := callForm.FindStringSubmatch(text)
	if parts == nil {
		return call{name: text}
	}
	c := call{name: parts[1]}
	depth, from := 0, 0
	for i, r := range parts[2] {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				c.arguments = append(c.arguments, strings.TrimSpace(parts[2][from:i]))
				from = i + 1
			}
		}
	}
	c.arguments = append(c.arguments, strings.TrimSpace(parts[2][from:]))
	return c
}

func (c call) number(i int) int64 {
	n, err := strconv.ParseInt(c.argument(i), 10, 64)
	if err != nil {
		fail("%s(%s): %v", c.name, strings.Join(c.arguments, ", "), err)
	}
	return n
}

func (c call) millis(i int) time.Duration { return time.Duration(c.number(i)) * time.Millisecond }

func (c call) argument(i int) string {
	if i >= len(c.arguments) {
		fail("%s(%s): it lacks an argument", c.name, strings.Join(c.arguments, ", "))
	}
	return c.arguments[i]
}

// failure is the panic of fail, which ends the replay of one vector.
type failure struct{ message string }

func (f failure) Error() string { return f.message }

func fail(format string, arguments ...any) {
	panic(failure{fmt.Sprintf(format, arguments...)})
}
