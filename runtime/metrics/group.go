package metrics

import (
	"fmt"
	"slices"
	"strings"
)

// Group makes the metrics of one scope and the groups below it. Asking twice for the same name gives the same metric or group. Any
// goroutine may use a group.
//
// A name that is taken by a metric of another kind is a mistake that must not fail a job: the caller gets a metric that works but is not
// listed, and the registry reports it.
type Group struct {
	registry *Registry
	parent   *Group
	path     string // in the parent
	scope    *Scope

	// Guarded by the registry's lock.
	closed   bool
	children map[string]*Group
	metrics  map[string]metric
}

// Scope returns where the group's metrics belong.
func (g *Group) Scope() *Scope { return g.scope }

// Child returns the group one level down, as the task of a job: variables are added to those of this group. The runtime calls it; users add
// groups of their own with [Group.Add] and [Group.AddPair].
func (g *Group) Child(level Level, variables ...Variable) *Group {
	path := string(level)
	for _, v := range variables {
		path += "\x00" + v.Name + "\x00" + v.Value
	}
	return g.child("level\x00"+path, func() *Scope {
		return &Scope{Level: level, Variables: slices.Concat(g.scope.Variables, variables)}
	})
}

// Add returns a group whose metrics have name as a further component.
func (g *Group) Add(name string) *Group {
	return g.child("name\x00"+name, func() *Scope {
		return g.scope.below(nil, []string{name}, []string{name})
	})
}

// AddPair returns a group whose metrics have the key and the value as further components, and the pair as a variable, which reporters with labels
// show as one. This is Flink's addGroup(key, value).
func (g *Group) AddPair(key, value string) *Group {
	return g.child("pair\x00"+key+"\x00"+value, func() *Scope {
		return g.scope.below([]Variable{{Name: key, Value: value}}, []string{key, value}, []string{key})
	})
}

func (s *Scope) below(variables []Variable, user, logical []string) *Scope {
	return &Scope{
		Level:       s.Level,
		Variables:   slices.Concat(s.Variables, variables),
		User:        slices.Concat(s.User, user),
		UserLogical: slices.Concat(s.UserLogical, logical),
	}
}

func (g *Group) child(path string, scope func() *Scope) *Group {
	g.registry.mu.Lock()
	defer g.registry.mu.Unlock()
	if child := g.children[path]; child != nil {
		return child
	}
	child := g.registry.newGroup(scope())
	child.parent, child.path, child.closed = g, path, g.closed
	if !g.closed {
		g.children[path] = child
	}
	return child
}

// Close takes the group, its metrics and all groups below it out of the registry. Their metrics keep working for whoever holds them, and are not
// listed any more, nor are new ones. A group of the same name, as of the next attempt, is a new one. Closing twice does nothing.
func (g *Group) Close() {
	g.registry.mu.Lock()
	defer g.registry.mu.Unlock()
	if g.closed {
		return
	}
	if g.parent != nil {
		delete(g.parent.children, g.path)
	} else {
		g.registry.roots = slices.DeleteFunc(g.registry.roots, func(root *Group) bool { return root == g })
	}
	g.close()
}

func (g *Group) close() {
	g.closed = true
	for _, child := range g.children {
		child.close()
	}
	g.children, g.metrics = nil, nil
}

// Counter returns the counter of this name. It has one writer; for several see [Group.SharedCounter].
func (g *Group) Counter(name string) *Counter { return register(g, name, new(Counter)) }

// SharedCounter returns the counter of this name, which any goroutine may change.
func (g *Group) SharedCounter(name string) *SharedCounter {
	return register(g, name, new(SharedCounter))
}

// Meter returns the meter of this name, with a count of its own.
func (g *Group) Meter(name string) *Meter { return register(g, name, newMeter(g.registry.clock)) }

// MeterOf returns the meter of this name over a counter that somebody else advances.
func (g *Group) MeterOf(name string, events Counting) *MeterView {
	return register(g, name, newMeterView(g.registry.clock, events))
}

// Histogram returns the histogram of this name.
func (g *Group) Histogram(name string) *Histogram { return register(g, name, new(Histogram)) }

// HistogramOf returns the histogram of this name, which looks at the latest so many values if it is new.
func (g *Group) HistogramOf(name string, latest int) *Histogram {
	return register(g, name, &Histogram{most: latest})
}

// Gauge lists a value that is read when somebody looks. read may be called from any goroutine, must not block, and is not called any more once the
// group is closed and calls under way have ended. The name must be free: the first gauge of a name stays.
func Gauge[T int64 | float64 | string | bool](g *Group, name string, read func() T) {
	entry := &gauge{read: func() any { return read() }}
	if register(g, name, entry) != entry {
		g.registry.report(fmt.Sprintf("metric %q of %s: there is a gauge of this name already; the new one is not listed", name, g.scope))
	}
}

// register lists made under the name, or returns what is listed there if it has the same type. Problems are reported without the lock.
func register[M metric](g *Group, name string, made M) M {
	found, taken := g.enter(name, made)
	if !taken {
		return made
	}
	if same, ok := found.(M); ok {
		return same
	}
	g.registry.report(fmt.Sprintf("metric %q of %s: the name is taken by a %s; the new %s is not listed",
		name, g.scope, strings.ToLower(string(found.kind())), strings.ToLower(string(made.kind()))))
	return made
}

func (g *Group) enter(name string, made metric) (found metric, taken bool) {
	g.registry.mu.Lock()
	defer g.registry.mu.Unlock()
	if g.closed {
		return nil, false
	}
	if found, taken = g.metrics[name]; !taken {
		g.metrics[name] = made
	}
	return found, taken
}
