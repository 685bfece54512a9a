package resttest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// shape is what values have in common: which kinds they are, and of which shape their parts.
type shape struct {
	kinds   []string
	objects int // how many objects were seen
	keys    map[string]*shape
	always  map[string]int // in how many of the objects a key was
	items   *shape
	classes map[string]*shape // of objects with a className, each class by itself
}

// Objects whose keys are data: only the shapes of their values count.
var dataKeys = regexp.MustCompile(`(user-config|accumulator-results|user-task-accumulators|failureLabels)$`)

// Values that are null in some answers and not in others.
var mayBeNull = regexp.MustCompile(`(latest\.(completed|savepoint|failed|restored)|savepointFormat|failure_message|external_path|end-timestamp|value)$`)

// Quantiles, which are "NaN" where there are no values.
var quantile = regexp.MustCompile(`\.p\d+$`)

var hexID = regexp.MustCompile(`^[0-9a-f]{32}$`)

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "list"
	}
	return "object"
}

func (s *shape) add(v any) *shape {
	if kind := kindOf(v); !slices.Contains(s.kinds, kind) {
		s.kinds = append(s.kinds, kind)
	}
	switch v := v.(type) {
	case map[string]any:
		if class, ok := v["className"].(string); ok {
			if s.classes == nil {
				s.classes = map[string]*shape{}
			}
			if s.classes[class] == nil {
				s.classes[class] = &shape{}
			}
			s.classes[class].addKeys(v)
			return s
		}
		s.addKeys(v)
	case []any:
		for _, item := range v {
			if s.items == nil {
				s.items = &shape{}
			}
			s.items.add(item)
		}
	}
	return s
}

func (s *shape) addKeys(v map[string]any) {
	s.objects++
	if s.keys == nil {
		s.keys, s.always = map[string]*shape{}, map[string]int{}
	}
	for key, value := range v {
		if s.keys[key] == nil {
			s.keys[key] = &shape{}
		}
		s.keys[key].add(value)
		s.always[key]++
	}
}

// Differences lists how the shape of an answer is another than that of the recorded one: keys that are missing or are too many, and values of another kind. Both are
// decoded JSON.
func Differences(recorded, got any) []string {
	var found []string
	(&shape{}).add(recorded).compare(got, "$", &found)
	slices.Sort(found)
	return slices.Compact(found)
}

func (s *shape) compare(v any, path string, found *[]string) {
	report := func(format string, args ...any) { *found = append(*found, path+fmt.Sprintf(format, args...)) }
	kind := kindOf(v)
	switch {
	case len(s.kinds) == 1 && s.kinds[0] == "null", v == "NaN" && quantile.MatchString(path), kind == "number" && quantile.MatchString(path):
		return
	case kind == "null" && mayBeNull.MatchString(path):
		return
	case !slices.Contains(s.kinds, kind) && len(s.kinds) > 0:
		report(": %s, recorded %s", kind, strings.Join(s.kinds, " or "))
		return
	}
	switch v := v.(type) {
	case map[string]any:
		s.compareObject(v, path, found)
	case []any:
		for _, item := range v {
			if s.items != nil {
				s.items.compare(item, path+"[]", found)
			}
		}
	}
}

func (s *shape) compareObject(v map[string]any, path string, found *[]string) {
	if s.classes != nil {
		class, _ := v["className"].(string)
		if of := s.classes[class]; of != nil {
			of.compareKeys(v, path, found)
		} else if class == "" {
			*found = append(*found, path+".className: missing")
		}
		return
	}
	if dataKeys.MatchString(path) || allIDs(v) && len(v) > 0 {
		any := &shape{}
		for _, of := range s.keys {
			any.merge(of)
		}
		for _, value := range v {
			if len(s.keys) > 0 {
				any.compare(value, path+".*", found)
			}
		}
		return
	}
	s.compareKeys(v, path, found)
}

func (s *shape) compareKeys(v map[string]any, path string, found *[]string) {
	for key, of := range s.keys {
		value, there := v[key]
		if there {
			of.compare(value, path+"."+key, found)
		} else if s.always[key] == s.objects {
			*found = append(*found, path+"."+key+": missing")
		}
	}
	for key := range v {
		if s.keys[key] == nil {
			*found = append(*found, path+"."+key+": not in the record; Flink's client refuses keys that it does not know")
		}
	}
}

// merge adds what was seen by another shape.
func (s *shape) merge(other *shape) {
	for _, kind := range other.kinds {
		if !slices.Contains(s.kinds, kind) {
			s.kinds = append(s.kinds, kind)
		}
	}
	s.objects += other.objects
	for key, of := range other.keys {
		if s.keys == nil {
			s.keys, s.always = map[string]*shape{}, map[string]int{}
		}
		if s.keys[key] == nil {
			s.keys[key] = &shape{}
		}
		s.keys[key].merge(of)
		s.always[key] += other.always[key]
	}
	if s.items == nil {
		s.items = other.items
	}
}

func allIDs(v map[string]any) bool {
	for key := range v {
		if !hexID.MatchString(key) {
			return false
		}
	}
	return true
}
