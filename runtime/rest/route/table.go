// Package route has the REST API's endpoints as data: how a request finds its endpoint, and how path and query are read and checked.
package route

import (
	"net/url"
	"strings"
)

// Route is an endpoint.
type Route struct {
	Method string
	// Path has parameters as segments that begin with a colon: "/jobs/:jobid".
	Path string
	// Success is the status of a good answer.
	Success int
	// Query names the parameters that the endpoint reads; others are ignored.
	Query []string
	// Body is a value of the type that the request's body is decoded into, nil if there is none. Answer is one of what is answered, nil for a
	// file. They are for documentation.
	Body, Answer any
	// Upload says that the body is multipart/form-data with a file.
	Upload bool
	// Summary says in a few words what the endpoint does.
	Summary string
}

// Table finds routes. It is immutable once built.
type Table struct {
	root   *node
	routes []Route
}

// node is a segment of paths.
type node struct {
	fixed    map[string]*node
	variable *node
	// routes are those that end here, by method: indexes into the table.
	routes map[string]int
}

// NewTable returns a table of these routes. Two routes for the same requests are a mistake, and panic.
func NewTable(routes []Route) *Table {
	t := &Table{root: newNode(), routes: routes}
	for i, r := range routes {
		at := t.root
		for _, segment := range split(r.Path) {
			at = at.child(segment)
		}
		if _, taken := at.routes[r.Method]; taken {
			panic("two routes " + r.Method + " " + r.Path)
		}
		at.routes[r.Method] = i
	}
	return t
}

func newNode() *node { return &node{fixed: map[string]*node{}, routes: map[string]int{}} }

func (n *node) child(segment string) *node {
	if strings.HasPrefix(segment, ":") {
		if n.variable == nil {
			n.variable = newNode()
		}
		return n.variable
	}
	if n.fixed[segment] == nil {
		n.fixed[segment] = newNode()
	}
	return n.fixed[segment]
}

func split(path string) []string {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// Match returns the index of the route that answers a request of this method and path, as it was sent, with %XX in it; and the values of the path's
// parameters by name. A fixed segment counts before a parameter. found is false if there is none, or if the path is not encoded as it should be.
func (t *Table) Match(method, escapedPath string) (index int, values map[string]string, found bool) {
	segments := split(escapedPath)
	for i, s := range segments {
		decoded, err := url.PathUnescape(s)
		if err != nil || decoded == "" {
			return 0, nil, false
		}
		segments[i] = decoded
	}
	index, found = find(t.root, method, segments)
	if !found {
		return 0, nil, false
	}
	values = map[string]string{}
	for i, segment := range split(t.routes[index].Path) {
		if name, ok := strings.CutPrefix(segment, ":"); ok {
			values[name] = segments[i]
		}
	}
	return index, values, true
}

func find(at *node, method string, segments []string) (index int, found bool) {
	if len(segments) == 0 {
		index, found = at.routes[method]
		return index, found
	}
	if next := at.fixed[segments[0]]; next != nil {
		if index, found = find(next, method, segments[1:]); found {
			return index, true
		}
	}
	if at.variable != nil {
		return find(at.variable, method, segments[1:])
	}
	return 0, false
}
