// Package resttest has a cluster that shows what a recorded cluster of Flink has shown, and compares answers with the recorded ones by their shape. It is for tests.
package resttest

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"sync"
)

//go:embed testdata/recorded.zip
var archive []byte

// Recorded has the recorded answers: index.json, and responses below it.
var Recorded = sync.OnceValue(func() fs.FS {
	reader, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		panic(fmt.Sprintf("the recorded answers cannot be read: %v", err))
	}
	return reader
})

// Call is a recorded call.
type Call struct {
	State       string  `json:"state"`
	Method      string  `json:"method"`
	Path        string  `json:"path"`
	Template    string  `json:"template"`
	RequestBody *string `json:"request_body"`
	Status      int     `json:"status"`
	ContentType string  `json:"content_type"`
	File        string  `json:"file"`
	// Headers are those beside the usual ones.
	Headers map[string]string `json:"headers"`
}

// Calls returns the calls of a state in their order; those of all states for "".
func Calls(state string) []Call {
	var all, some []Call
	if err := json.Unmarshal(read("index.json"), &all); err != nil {
		panic(err)
	}
	for _, c := range all {
		if state == "" || c.State == state {
			some = append(some, c)
		}
	}
	return some
}

// Answer returns the body of the call's answer.
func (c Call) Answer() []byte { return read(c.File) }

// AdaptiveShapes are the keys and the types of values that Flink's classes declare for answers of its adaptive scheduler.
func AdaptiveShapes() map[string]any {
	var shapes map[string]any
	if err := json.Unmarshal(read("adaptive-shapes.json"), &shapes); err != nil {
		panic(err)
	}
	return shapes
}

func read(name string) []byte {
	content, err := fs.ReadFile(Recorded(), name)
	if err != nil {
		panic(err)
	}
	return content
}

// node is a part of a recorded answer. What is not there reads as zero.
type node struct{ value any }

// load reads a recorded answer of a state; there is false if there is none.
func load(state, file string) (n node, there bool) {
	content, err := fs.ReadFile(Recorded(), "responses/"+state+"/"+file+".json")
	if err != nil || json.Unmarshal(content, &n.value) != nil {
		return node{}, false
	}
	return n, true
}

func (n node) at(keys ...string) node {
	for _, key := range keys {
		object, _ := n.value.(map[string]any)
		n = node{object[key]}
	}
	return n
}

func (n node) list() []node {
	var all []node
	items, _ := n.value.([]any)
	for _, item := range items {
		all = append(all, node{item})
	}
	return all
}

func (n node) object() map[string]any { o, _ := n.value.(map[string]any); return o }
func (n node) text() string           { s, _ := n.value.(string); return s }
func (n node) float() float64         { f, _ := n.value.(float64); return f }
func (n node) int() int64             { return int64(n.float()) }
func (n node) yes() bool              { b, _ := n.value.(bool); return b }
func (n node) isNull() bool           { return n.value == nil }
