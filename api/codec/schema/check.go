package schema

import "fmt"

// check returns why a tree from outside is no schema, and notes the targets of its references.
func (s *Schema) check() error {
	if s.format < 1 || s.format > Format {
		return fmt.Errorf("schema: format %d is not known to this build, which knows 1 to %d: read it with a newer one", s.format, Format)
	}
	if s.encoding > Key {
		return fmt.Errorf("schema: encoding %d is not known", s.encoding)
	}
	c := checker{targets: map[int]*Type{}}
	if err := c.check(s.root, 0); err != nil {
		return err
	}
	s.targets = make([]*Type, len(c.targets))
	for id, t := range c.targets {
		if id < 1 || id > len(s.targets) {
			return fmt.Errorf("schema: id %d among %d ids", id, len(c.targets))
		}
		s.targets[id-1] = t
	}
	return s.checkFinite(s.root, map[*Type]bool{})
}

// checkFinite refuses types whose values would contain themselves other than through a slice, map, pointer or union.
func (s *Schema) checkFinite(t *Type, open map[*Type]bool) error {
	if t.Kind == Reference {
		return nil // its target is looked at where it is defined
	}
	if err := s.checkInPlace(t, open); err != nil {
		return err
	}
	for _, child := range t.children() {
		if err := s.checkFinite(child, open); err != nil {
			return err
		}
	}
	return nil
}

// checkInPlace follows what lies within t's own bytes. In open, true means being looked at, false looked at.
func (s *Schema) checkInPlace(t *Type, open map[*Type]bool) error {
	t = s.Follow(t)
	if t.Kind != Struct && t.Kind != Array {
		return nil
	}
	if inside, known := open[t]; inside {
		return fmt.Errorf("schema: %s %s contains itself", t.Kind, t.Name)
	} else if known {
		return nil
	}
	open[t] = true
	for _, child := range t.children() {
		if err := s.checkInPlace(child, open); err != nil {
			return err
		}
	}
	open[t] = false
	return nil
}

func (t *Type) children() []*Type {
	var all []*Type
	for _, child := range []*Type{t.Key, t.Elem} {
		if child != nil {
			all = append(all, child)
		}
	}
	for _, f := range t.Fields {
		all = append(all, f.Type)
	}
	return all
}

const maxDepth = 1000 // of a schema from outside

type checker struct{ targets map[int]*Type }

func (c *checker) check(t *Type, depth int) error {
	if t == nil {
		return fmt.Errorf("schema: a type is missing at depth %d", depth)
	}
	if depth > maxDepth {
		return fmt.Errorf("schema: nested deeper than %d", maxDepth)
	}
	if t.Kind == Reference {
		if c.targets[t.Ref] == nil {
			return fmt.Errorf("schema: reference to %d, which is not defined before it", t.Ref)
		}
		return nil
	}
	if t.Kind < Bool || t.Kind > CustomKind {
		return fmt.Errorf("schema: kind %d is not known to this build", t.Kind)
	}
	if t.Len < 0 || t.Version < 0 || t.ID < 0 {
		return fmt.Errorf("schema: a %s has a negative length, version or id", t.Kind)
	}
	if t.ID != 0 {
		if c.targets[t.ID] != nil {
			return fmt.Errorf("schema: id %d is defined twice", t.ID)
		}
		c.targets[t.ID] = t
	}
	if t.Kind == Map {
		if err := c.check(t.Key, depth+1); err != nil {
			return err
		}
	}
	if t.Kind.hasElem() {
		if err := c.check(t.Elem, depth+1); err != nil {
			return err
		}
	}
	names := make(map[string]bool, len(t.Fields))
	for _, f := range t.Fields {
		if names[f.Name] {
			return fmt.Errorf("schema: %s %s has two fields named %q", t.Kind, t.Name, f.Name)
		}
		names[f.Name] = true
		if err := c.check(f.Type, depth+1); err != nil {
			return err
		}
	}
	return nil
}
