package statetest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/state"
)

// modelled is what the state of one key should be; nil pointers are absent values.
type modelled struct {
	count  *int64
	flag   *bool
	name   *string
	items  []string
	order  []string // keys of counts by insertion
	counts map[string]int64
	sum    *int64
	text   *string
	mean   *mean
}

func (m *modelled) empty() bool {
	return m.count == nil && m.flag == nil && m.name == nil && len(m.items) == 0 && len(m.counts) == 0 && m.sum == nil && m.text == nil && m.mean == nil
}

func (m *modelled) put(key string, value int64) {
	if m.counts == nil {
		m.counts = map[string]int64{}
	}
	if _, had := m.counts[key]; !had {
		m.order = append(m.order, key)
	}
	m.counts[key] = value
}

func (m *modelled) remove(key string) {
	delete(m.counts, key)
	m.order = slices.DeleteFunc(m.order, func(k string) bool { return k == key })
}

// model is the plain interpretation of all operations.
type model map[int]*modelled

func (m model) at(i int) *modelled {
	if m[i] == nil {
		m[i] = &modelled{}
	}
	return m[i]
}

// keys are those that have state.
func (m model) keys() (n int) {
	for _, state := range m {
		if !state.empty() {
			n++
		}
	}
	return n
}

// step does one random operation on the current key, which is key i.
func (s *subject[K]) step(m *modelled) {
	f, r := s.f, s.source
	number := int64(r.Intn(1000))
	word := strings.Repeat(string(rune('a'+r.Intn(26))), r.Intn(12)*r.Intn(12))
	switch r.Intn(22) {
	case 0, 1:
		f.Count.Set(number)
		m.count = &number
	case 2:
		f.Count.Update(func(n *int64) { *n += number })
		if m.count != nil {
			number += *m.count
		}
		m.count = &number
	case 3:
		f.Count.Clear()
		m.count = nil
	case 4:
		yes := number%2 == 0
		f.Flag.Set(yes)
		m.flag = &yes
	case 5:
		f.Flag.Clear()
		m.flag = nil
	case 6, 7:
		f.Name.Set(word)
		m.name = &word
	case 8:
		f.Name.Clear()
		m.name = nil
	case 9, 10:
		f.Items.Add(word)
		m.items = append(m.items, word)
	case 11:
		all := []string{word, "", "last"}
		f.Items.AddAll(all)
		m.items = append(m.items, all...)
	case 12:
		f.Items.Update([]string{word})
		m.items = []string{word}
	case 13:
		f.Items.Clear()
		m.items = nil
	case 14, 15:
		key := fmt.Sprint("user key ", number%17)
		f.Counts.Put(key, number<<(number%40))
		m.put(key, number<<(number%40))
	case 16:
		key := fmt.Sprint("user key ", number%17)
		f.Counts.Remove(key)
		m.remove(key)
	case 17:
		if number%4 == 0 {
			f.Counts.Clear()
			m.order, m.counts = nil, nil
		}
	case 18:
		f.Sum.Add(number)
		if m.sum != nil {
			number += *m.sum
		}
		m.sum = &number
	case 19:
		f.Text.Add(word)
		if m.text != nil {
			word = *m.text + word
		}
		if len(word) > 3000 {
			f.Text.Clear()
			m.text = nil
			return
		}
		m.text = &word
	case 20:
		f.Mean.Add(number)
		if m.mean == nil {
			m.mean = &mean{}
		}
		m.mean = &mean{m.mean.Sum + number, m.mean.N + 1}
	case 21:
		if number%3 == 0 {
			s.clearAll()
			*m = modelled{}
		}
	}
}

// clearAll clears every state of the current key.
func (s *subject[K]) clearAll() {
	f := s.f
	f.Count.Clear()
	f.Flag.Clear()
	f.Name.Clear()
	f.Items.Clear()
	f.Counts.Clear()
	f.Sum.Clear()
	f.Text.Clear()
	f.Mean.Clear()
}

// check compares all state of the current key with the model.
func (s *subject[K]) check(m *modelled) {
	s.t.Helper()
	f, t := s.f, s.t
	same(t, "Count", m.count, f.Count.Get)
	same(t, "Flag", m.flag, f.Flag.Get)
	same(t, "Name", m.name, f.Name.Get)
	same(t, "Sum", m.sum, f.Sum.Get)
	same(t, "Text", m.text, f.Text.Get)
	var result *float64
	if m.mean != nil {
		r := meanOf{}.Result(*m.mean)
		result = &r
	}
	same(t, "Mean", result, f.Mean.Get)
	if got := f.Items.Slice(); !slices.Equal(got, m.items) {
		t.Fatalf("Items: have %d elements, want %d, or they differ", len(got), len(m.items))
	}
	s.checkCounts(m)
}

func (s *subject[K]) checkCounts(m *modelled) {
	s.t.Helper()
	counts := &s.f.Counts
	if counts.Len() != len(m.counts) || counts.IsEmpty() != (len(m.counts) == 0) {
		s.t.Fatalf("Counts has length %d, want %d", counts.Len(), len(m.counts))
	}
	order := slices.Collect(counts.Keys())
	if !slices.Equal(slices.Sorted(slices.Values(order)), slices.Sorted(slices.Values(m.order))) {
		s.t.Fatalf("Counts has keys %q, want %q", order, m.order)
	}
	if got := maps.Collect(counts.All()); !maps.Equal(got, m.counts) {
		s.t.Fatalf("Counts is %v, want %v", got, m.counts)
	}
	values := slices.Collect(counts.Values())
	for i, key := range order {
		got, ok := counts.Get(key)
		if want := m.counts[key]; !ok || got != want || values[i] != want || !counts.Contains(key) {
			s.t.Fatalf("Counts[%q] is %d %t, want %d", key, got, ok, want)
		}
	}
	if _, ok := counts.Get("no such key"); ok || counts.Contains("no such key") {
		s.t.Fatal("Counts has a key that was never put")
	}
}

func same[T comparable](t *testing.T, name string, want *T, get func() (T, bool)) {
	t.Helper()
	got, ok := get()
	var zero T
	switch {
	case ok != (want != nil):
		t.Fatalf("%s: present is %t, want %t", name, ok, want != nil)
	case want != nil && got != *want:
		t.Fatalf("%s is %v, want %v", name, got, *want)
	case want == nil && got != zero:
		t.Fatalf("%s is absent but Get returns %v", name, got)
	}
}

// checkAll visits all keys in both ways.
func (s *subject[K]) checkAll(m model) {
	s.t.Helper()
	if got, want := s.backend.Len(), int64(m.keys()); got != want {
		s.t.Fatalf("Len is %d, want %d", got, want)
	}
	for i := range s.keys {
		s.seek(i)
		s.check(m.at(i))
	}
	index := map[K]int{}
	for i, key := range s.keys {
		index[key] = i
	}
	visited := map[K]bool{}
	s.backend.Each(state.AnyColumn, func(key K) bool {
		if visited[key] {
			s.t.Fatalf("key %v is visited twice", key)
		}
		visited[key] = true
		if s.backend.CurrentKey() != key {
			s.t.Fatalf("current key is %v, want %v", s.backend.CurrentKey(), key)
		}
		s.check(m.at(index[key]))
		return true
	})
	if len(visited) != m.keys() {
		s.t.Fatalf("%d keys are visited, want %d", len(visited), m.keys())
	}
	counted := 0
	s.backend.Each(countColumn, func(K) bool { counted++; return true })
	for _, state := range m {
		if state.count != nil {
			counted--
		}
	}
	if counted != 0 {
		s.t.Fatalf("%d keys too many are visited for one column", counted)
	}
}
