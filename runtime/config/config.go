// Package config has the options of jobs and clusters: typed, under Flink's key names, each declared once with its default and its
// documentation (REFERENCE.md is generated from the declarations). A [Configuration] is read from config.yaml and -D key=value pairs by
// [Load], which checks all of it at once, and amended by code with [Configuration.With]. Options that only Weir has start with "weir.".
package config

import (
	"maps"
	"slices"
)

// Configuration holds the settings of a job or cluster. It is immutable: With returns a changed copy, so one may be read by any goroutine.
// The zero value is the configuration in which every option has its default.
type Configuration struct {
	values map[string]Setting // by key
}

// Get returns the value of the option: the one that was set, else its default. It costs a map look-up; read options when something is
// built, not per record.
func Get[T any](c Configuration, o *Option[T]) T {
	value, _ := Lookup(c, o)
	return value
}

// Lookup is Get and reports also whether the option was set; a value equal to the default counts as set.
func Lookup[T any](c Configuration, o *Option[T]) (T, bool) {
	if s, ok := c.values[o.key]; ok {
		return o.clone(s.value.(T)), true
	}
	return o.Default(), false
}

// Setting is an option with a value for it, made by [Option.To].
type Setting struct {
	option declared
	value  any
}

func (s Setting) text() string { return s.option.text(s.value) }

// New returns the configuration with these settings and defaults for the rest. Errors are those of [Configuration.With].
func New(settings ...Setting) (Configuration, error) { return Configuration{}.With(settings...) }

// With returns a copy in which the settings replace what was set before. Settings by code are meant to win over file and command line, so
// they are applied last. The error is an [*Error] that lists every value that its option refuses, and every two options that contradict.
func (c Configuration) With(settings ...Setting) (Configuration, error) {
	changed := Configuration{values: maps.Clone(c.values)}
	if changed.values == nil {
		changed.values = make(map[string]Setting, len(settings))
	}
	var problems []Problem
	for _, s := range settings {
		if err := s.option.check(s.value); err != nil {
			problems = append(problems, badValue(s.option.Key(), s.text(), originCode, err))
			continue
		}
		changed.values[s.option.Key()] = s
	}
	if len(problems) == 0 {
		problems = contradictions(changed)
	}
	if len(problems) > 0 {
		return c, &Error{Problems: problems}
	}
	return changed, nil
}

// Properties returns what is set, as key and text, in a form that [Load] reads back to an equal configuration. This is how a configuration
// travels to other processes.
func (c Configuration) Properties() map[string]string {
	texts := make(map[string]string, len(c.values))
	for key, s := range c.values {
		texts[key] = s.text()
	}
	return texts
}

// Keys returns the keys that are set, sorted.
func (c Configuration) Keys() []string { return slices.Sorted(maps.Keys(c.values)) }
