package config

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// flinkKeysText lists the keys of Flink that Weir does not read; its first lines explain its form.
//
//go:embed flink_keys.txt
var flinkKeysText string

// policy is what happens to a key of Flink that Weir does not read.
type policy string

const (
	inert   policy = "inert"   // what it sets does not exist here; a notice says so
	ignored policy = "ignored" // not there yet, and a job is right without it; a notice says so
	refused policy = "refused" // without it a job could lose data, answer otherwise or stand open: an error
)

type flinkRule struct {
	policy policy
	why    string
	// allowed values ask for nothing that Weir lacks, so they are no error although the key is refused.
	allowed []string
}

func (r flinkRule) harmless(e entry) bool {
	return slices.ContainsFunc(r.allowed, func(v string) bool { return strings.EqualFold(v, strings.TrimSpace(e.text)) })
}

// flinkTable holds the rules by key, and by the part before ".*" for families.
type flinkTable struct {
	exact, families map[string]flinkRule
	keys            []string // the exact ones, sorted
}

// lookup returns the rule of the key, or else of the nearest family that it belongs to.
func (t *flinkTable) lookup(key string) (flinkRule, bool) {
	if rule, ok := t.exact[key]; ok {
		return rule, true
	}
	for family := key; family != ""; {
		if rule, ok := t.families[family]; ok {
			return rule, true
		}
		family = family[:max(strings.LastIndexByte(family, '.'), 0)]
	}
	return flinkRule{}, false
}

var flinkKeys = sync.OnceValue(func() *flinkTable {
	table, err := parseFlinkKeys(flinkKeysText)
	if err != nil {
		panic(err) // a bug in the embedded file, which the tests read
	}
	return table
})

func parseFlinkKeys(text string) (*flinkTable, error) {
	t := &flinkTable{exact: make(map[string]flinkRule), families: make(map[string]flinkRule)}
	var current flinkRule
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if header, ok := strings.CutPrefix(line, "@"); ok {
			name, why, _ := strings.Cut(header, " ")
			current = flinkRule{policy: policy(name), why: why}
			if p := current.policy; p != inert && p != ignored && p != refused || (p == ignored) != (why == "") {
				return nil, fmt.Errorf("config: flink_keys.txt line %d: policy %q with reason %q", number, name, why)
			}
			continue
		}
		if current.policy == "" {
			return nil, fmt.Errorf("config: flink_keys.txt line %d: no policy yet", number)
		}
		key, allowed, _ := strings.Cut(line, " = ")
		rule := current
		if allowed != "" {
			rule.allowed = strings.Split(allowed, " | ")
		}
		target := t.exact
		if family, ok := strings.CutSuffix(key, ".*"); ok {
			key, target = family, t.families
		}
		if _, double := target[key]; double || strings.ContainsAny(key, " *") {
			return nil, fmt.Errorf("config: flink_keys.txt line %d: key %q is double or malformed", number, key)
		}
		target[key] = rule
	}
	for key := range t.exact {
		t.keys = append(t.keys, key)
	}
	slices.Sort(t.keys)
	return t, nil
}
