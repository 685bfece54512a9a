package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// Load reads the configuration from a YAML file in the form of Flink's config.yaml (no file if the path is empty) and from properties of
// the form "key=value", which win over the file; among several of one key the last wins.
//
// All of it is checked. An [*Error] lists everything that is wrong: unknown keys with the nearest known one, bad values, values that
// contradict each other, and keys of Flink that Weir lacks and must not ignore. Notices name keys that are deprecated or without effect; they
// are returned also with an error. Logging them is up to the caller.
func Load(path string, properties []string) (Configuration, []Notice, error) {
	if path == "" {
		return Parse("", nil, properties)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return Configuration{}, nil, fmt.Errorf("configuration: %w", err)
	}
	return Parse(filepath.Base(path), content, properties)
}

// Parse is [Load] for a file that has been read already; name stands for it in messages.
func Parse(name string, content []byte, properties []string) (Configuration, []Notice, error) {
	l := loader{options: declarations, flink: flinkKeys(), values: make(map[string]Setting)}
	return l.load(name, content, properties)
}

// loader gathers settings, notices and problems from the sources, the weakest source first.
type loader struct {
	options  *optionSet
	flink    *flinkTable
	values   map[string]Setting
	notices  []Notice
	problems []Problem
}

func (l *loader) load(name string, content []byte, properties []string) (Configuration, []Notice, error) {
	entries, problems := readYAML(name, content, l.takesMap)
	l.problems = append(l.problems, problems...)
	l.apply(entries)
	l.apply(l.readProperties(properties))

	c := Configuration{values: l.values}
	if len(l.problems) == 0 {
		l.problems = contradictions(c)
	}
	if len(l.problems) > 0 {
		return Configuration{}, l.notices, &Error{Problems: l.problems}
	}
	return c, l.notices, nil
}

func (l *loader) readProperties(properties []string) []entry {
	entries := make([]entry, 0, len(properties))
	for _, p := range properties {
		key, text, ok := strings.Cut(p, "=")
		key = strings.TrimSpace(key)
		switch {
		case !ok || key == "":
			l.problem("", "-D %s: expected -D key=value", shown(p, p))
		case !utf8.ValidString(p):
			l.problem(key, "-D %q: not valid UTF-8", key)
		default:
			entries = append(entries, entry{key: key, text: text, origin: originProperty})
		}
	}
	return entries
}

// apply takes the entries of one source. An old key does not win over the new one beside it.
func (l *loader) apply(entries []entry) {
	for _, e := range entries {
		if o := l.options.deprecated[e.key]; o != nil {
			l.notice(e.key, "%s (%s) is deprecated; use %s", e.key, e.origin, o.Key())
			l.set(o, e)
		}
	}
	for _, e := range entries {
		if l.options.deprecated[e.key] == nil {
			l.applyCurrent(e)
		}
	}
}

func (l *loader) applyCurrent(e entry) {
	if o := l.options.byKey[e.key]; o != nil {
		l.set(o, e)
	} else if e.empty && l.isHeading(e.key) {
		return
	} else if rule, ok := l.flink.lookup(e.key); ok {
		l.applyRule(rule, e)
	} else {
		l.problem(e.key, "unknown key %s (%s)%s", e.key, e.origin, l.suggestion(e.key))
	}
}

func (l *loader) set(o declared, e entry) {
	value, err := any(nil), e.err
	switch {
	case e.empty:
		l.problem(e.key, "%s (%s) has no value: give it one or remove the line", e.key, e.origin)
		return
	case err == nil:
		value, err = o.parseAny(e.text)
	default:
		err = fmt.Errorf("%w: expected %s", err, o.info().form)
	}
	if err != nil {
		l.problems = append(l.problems, badValue(e.key, e.text, e.origin, err))
		return
	}
	if note := o.note(e.text); note != "" {
		l.notice(e.key, "%s: %s (%s): %s", e.key, e.text, e.origin, note)
	}
	l.values[o.Key()] = Setting{option: o, value: value}
}

func (l *loader) takesMap(key string) bool {
	o := l.options.byKey[key]
	if o == nil {
		o = l.options.deprecated[key]
	}
	_, ok := o.(erased[map[string]string])
	return ok
}

func (l *loader) applyRule(rule flinkRule, e entry) {
	switch {
	case rule.policy == inert:
		l.notice(e.key, "%s (%s) has no effect in Weir: %s", e.key, e.origin, rule.why)
	case rule.policy == ignored:
		l.notice(e.key, "%s (%s) is known to Flink, not supported by this version of Weir, and ignored", e.key, e.origin)
	case !rule.harmless(e):
		l.problem(e.key, "%s (%s) is known to Flink, not supported by this version of Weir: %s", e.key, e.origin, rule.why)
	}
}

// isHeading reports whether the key is the beginning of known ones. Such a key without a value is a heading whose lines are all commented out.
func (l *loader) isHeading(key string) bool {
	if _, family := l.flink.families[key]; family {
		return true
	}
	for family := range l.flink.families {
		if strings.HasPrefix(family, key+".") {
			return true
		}
	}
	return len(l.beginningWith(key+".")) > 0
}

func (l *loader) notice(key, format string, args ...any) {
	l.notices = append(l.notices, Notice{Key: key, Text: fmt.Sprintf(format, args...)})
}

func (l *loader) problem(key, format string, args ...any) {
	l.problems = append(l.problems, Problem{Key: key, Text: fmt.Sprintf(format, args...)})
}
