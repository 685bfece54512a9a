package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// compare returns how what came out of a step differs from what should have; "" if it does not.
//
// Records of one key have their order, and those of different keys have none; each side output is by itself. Watermarks and
// the like have their places among the records.
func (p *program) compare(got, want []item) string {
	g, w := p.canonical(got), p.canonical(want)
	if slices.Equal(g, w) {
		return ""
	}
	return fmt.Sprintf("  expected %s\n  got      %s", list(w), list(g))
}

func list(items []string) string {
	if len(items) == 0 {
		return "nothing"
	}
	return strings.Join(items, "\n           ")
}

// canonical writes items so that those which are as good as equal are equal: what stands between two events is sorted by key,
// where its order is free.
func (p *program) canonical(items []item) []string {
	if p.parallelism > 1 {
		items = recordsFirst(items)
	}
	var lines []string
	for from := 0; from < len(items); {
		if !items[from].isRecord() {
			i := items[from]
			if slices.Contains(p.sets, invokedAgain) {
				i.InvokedAgain = slices.Sorted(slices.Values(i.InvokedAgain))
			}
			lines = append(lines, i.String())
			from++
			continue
		}
		to := from
		for to < len(items) && items[to].isRecord() && items[to].Side == items[from].Side {
			to++
		}
		lines = append(lines, p.sorted(items[from:to])...)
		from = to
	}
	return lines
}

// recordsFirst moves the records in front of the last event before the first one: of several subtasks, all records are told
// before the watermarks that they have in common.
func recordsFirst(items []item) []item {
	last := len(items)
	for last > 0 && items[last-1].isRecord() {
		last--
	}
	moved := slices.Clone(items)
	slices.SortStableFunc(moved[:last], func(a, b item) int {
		switch {
		case a.isRecord() == b.isRecord():
			return 0
		case a.isRecord():
			return -1
		}
		return 1
	})
	return moved
}

// sorted writes the records between two events.
func (p *program) sorted(records []item) []string {
	records = slices.Clone(records)
	slices.SortStableFunc(records, func(a, b item) int { return strings.Compare(p.orderOf(a), p.orderOf(b)) })
	if p.tied {
		renumber(records)
	}
	lines := make([]string, len(records))
	for i, r := range records {
		p.sortSets(&r)
		lines[i] = r.normal().String()
	}
	if p.unordered {
		slices.Sort(lines)
	}
	return lines
}

// orderOf is equal for those records of a step that come out in a certain order: those of one key. Timers of one time have
// none, though they are of one key: those of different windows, which their time tells apart, and of unordered records without
// answer.
func (p *program) orderOf(i item) string {
	record, _ := i.Record.(map[string]any)
	key := fmt.Sprint(record["key"])
	if p.isOfAll() {
		key = ""
	}
	switch {
	case !p.tied:
		return key
	case record["timeout"] != nil:
		return i.String()
	case i.TS != nil:
		return fmt.Sprint(key, *i.TS)
	}
	return key
}

// isOfAll reports whether all records are of one key, whatever they say theirs is.
func (p *program) isOfAll() bool { return p.params.values["kind"] == "windowAll" }

// keyFirings is the counter of all firings of a key.
const keyFirings = "keyFirings"

// renumber counts the firings of each key anew in records whose order was free.
func renumber(records []item) {
	counts := map[string][]any{}
	for _, i := range records {
		if record, ok := i.Record.(map[string]any); ok && record[keyFirings] != nil {
			key := fmt.Sprint(record["key"])
			counts[key] = append(counts[key], record[keyFirings])
		}
	}
	for key := range counts {
		slices.SortFunc(counts[key], func(a, b any) int { return cmp.Compare(ordinal(a), ordinal(b)) })
	}
	for n, i := range records {
		record, ok := i.Record.(map[string]any)
		if !ok || record[keyFirings] == nil {
			continue
		}
		key := fmt.Sprint(record["key"])
		record = maps.Clone(record)
		record[keyFirings], counts[key] = counts[key][0], counts[key][1:]
		records[n].Record = record
	}
}

// sortSets brings the elements of fields whose order is arbitrary into an order.
func (p *program) sortSets(i *item) {
	record, ok := i.Record.(map[string]any)
	if !ok || len(p.sets) == 0 {
		return
	}
	sorted := map[string]any{}
	for name, value := range record {
		if elements, ok := value.([]any); ok && slices.Contains(p.sets, name) {
			elements = slices.Clone(elements)
			slices.SortFunc(elements, func(a, b any) int { return int(ordinal(a) - ordinal(b)) })
			value = elements
		}
		sorted[name] = value
	}
	i.Record = sorted
}

func ordinal(v any) int64 {
	number, _ := v.(json.Number)
	n, _ := number.Int64()
	return n
}
