package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// entry is one key of a source, before anything is known about the key.
type entry struct {
	key    string
	text   string
	origin string
	err    error // the value has no text, because of its shape
	empty  bool  // the key stands there without a value
}

// Bounds that no honest file reaches. They stop a file whose aliases multiply or contain themselves.
const (
	maxDepth   = 64
	maxEntries = 10_000
)

// readYAML flattens a config.yaml: nested mappings and dotted keys may be mixed. isMap says which keys take a mapping as their value. There
// are no entries if the file is none at all.
func readYAML(file string, content []byte, isMap func(key string) bool) ([]entry, []Problem) {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var document yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, []Problem{{Text: fmt.Sprintf("%s is not valid YAML: %v", file, err)}}
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, []Problem{{Text: file + " holds more than one YAML document; keep one"}}
	}
	f := flattener{file: file, isMap: isMap, firstLine: make(map[string]int)}
	root := document.Content[0]
	switch {
	case root.Kind == yaml.ScalarNode && root.Tag == "!!null": // nothing but comments
	case root.Kind != yaml.MappingNode:
		f.problem(root, "", "expected lines of the form key: value")
	default:
		f.mapping("", root, 0)
	}
	if f.full {
		return nil, f.problems
	}
	return f.entries, f.problems
}

type flattener struct {
	file      string
	isMap     func(key string) bool
	entries   []entry
	problems  []Problem
	firstLine map[string]int // by key
	full      bool
}

func (f *flattener) problem(at *yaml.Node, key, text string) {
	f.problems = append(f.problems, Problem{Key: key, Text: f.origin(at) + ": " + text})
}

func (f *flattener) origin(at *yaml.Node) string { return fmt.Sprintf("%s line %d", f.file, at.Line) }

func (f *flattener) mapping(prefix string, node *yaml.Node, depth int) {
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		if name.Kind != yaml.ScalarNode || name.Value == "" {
			f.problem(name, prefix, "expected a key")
			continue
		}
		key := name.Value
		if prefix != "" {
			key = prefix + "." + key
		}
		f.value(key, name, value, depth+1)
	}
}

func (f *flattener) value(key string, name, value *yaml.Node, depth int) {
	if f.full {
		return
	}
	if depth > maxDepth || len(f.entries) >= maxEntries {
		f.full = true
		f.problem(name, "", fmt.Sprintf("more than %d levels or %d entries: is this a configuration?", maxDepth, maxEntries))
		return
	}
	for value.Kind == yaml.AliasNode && depth <= maxDepth {
		value, depth = value.Alias, depth+1
	}
	if value.Kind == yaml.MappingNode && !f.isMap(key) {
		f.mapping(key, value, depth)
		return
	}
	if line, seen := f.firstLine[key]; seen {
		f.problem(name, key, fmt.Sprintf("%s is set a second time, first in line %d; remove one of them", key, line))
		return
	}
	f.firstLine[key] = name.Line
	e := entry{key: key, origin: f.origin(name)}
	switch value.Kind {
	case yaml.ScalarNode:
		e.text, e.empty = value.Value, value.Tag == "!!null" && value.Value == ""
	case yaml.SequenceNode:
		var items []string
		items, e.err = scalars(value.Content)
		e.text = formatList(items)
	case yaml.MappingNode:
		var items []string
		items, e.err = scalars(value.Content)
		pairs := make(map[string]string)
		for i := 0; i+1 < len(items); i += 2 {
			pairs[items[i]] = items[i+1]
		}
		e.text = formatMap(pairs)
	}
	f.entries = append(f.entries, e)
}
