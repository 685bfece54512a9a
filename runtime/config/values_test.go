package config

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "5": 5 * time.Millisecond, "100ms": 100 * time.Millisecond, "10 s": 10 * time.Second, "1 min": time.Minute, "1h": time.Hour,
		" 2  Days ": 48 * time.Hour, "3 m": 3 * time.Minute, "4 µs": 4 * time.Microsecond, "4 μs": 4 * time.Microsecond, "4us": 4 * time.Microsecond,
		"7 nanos": 7, "9223372036854775807 ns": math.MaxInt64, "106751 d": 106751 * 24 * time.Hour,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", " ", "s", "-1 s", "+1 s", "1.5 s", "1 s 2", "1h30m", "106752 d", "9223372036854775807", "9223372036854775808 ns", "1 month"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %v", text, got)
		}
	}
}

func TestParseMemorySize(t *testing.T) {
	for text, want := range map[string]MemorySize{
		"0": 0, "12": 12, "64 mb": 64 << 20, "512MiB": 512 << 20, "1g": 1 << 30, "2 tebibytes": 2 << 40, "3kb": 3 << 10, "4 b": 4, "8388607 tb": 8388607 << 40,
	} {
		if got, err := ParseMemorySize(text); err != nil || got != want {
			t.Errorf("ParseMemorySize(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "mb", "-1 mb", "1.5 gb", "1 pb", "8388608 tb", "9223372036854775808"} {
		if got, err := ParseMemorySize(text); err == nil {
			t.Errorf("ParseMemorySize(%q) = %v", text, got)
		}
	}
	if got := (1536 * Kibibyte).String(); got != "1536 kb" {
		t.Errorf("1.5 mb is written %q", got)
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, seed := range []string{"10 s", "100ms", "1 min", "5", "9223372036854775807 d", "1 µs"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration(text)
		if err != nil {
			return
		}
		if back, err := ParseDuration(FormatDuration(d)); err != nil || back != d || d < 0 {
			t.Errorf("%q is %d ns, written %q, read back %d ns, %v", text, d, FormatDuration(d), back, err)
		}
	})
}

func FuzzParseMemorySize(f *testing.F) {
	for _, seed := range []string{"64 mb", "512MiB", "0", "9223372036854775807 k", "1 bytes"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		size, err := ParseMemorySize(text)
		if err != nil {
			return
		}
		if back, err := ParseMemorySize(size.String()); err != nil || back != size || size < 0 {
			t.Errorf("%q is %d, written %q, read back %d, %v", text, int64(size), size, int64(back), err)
		}
	})
}

// Whatever is accepted must survive the way to another process.
func FuzzParse(f *testing.F) {
	f.Add("parallelism:\n  default: 4\n", "heartbeat.interval=1 s")
	f.Add("a: &x [*x]\n---\n", "=")
	f.Add("pipeline.name: \"\\u0007\"\nrestart-strategy: off\n", "pipeline.name=\x85")
	f.Add("taskmanager.memory.process.size: 1g\nstate:\n", "execution.checkpointing.interval=1")
	f.Fuzz(func(t *testing.T, yaml, property string) {
		c, _, err := Parse("config.yaml", []byte(yaml), []string{property})
		if err != nil {
			return
		}
		var properties []string
		for key, text := range c.Properties() {
			properties = append(properties, key+"="+text)
		}
		back, notices, err := Parse("", nil, properties)
		if err != nil || len(notices) > 0 {
			t.Fatalf("%v, %v", err, notices)
		}
		if diff := cmp.Diff(c.Properties(), back.Properties()); diff != "" {
			t.Errorf("-before +after:\n%s", diff)
		}
	})
}

func FuzzLists(f *testing.F) {
	f.Add("a", "b c", "k:v")
	f.Add("", "\x00\u2028\x85", "'\"{}[],#")
	f.Add("null", "~", "-")
	f.Add(strings.Repeat("key ", 500), "v", "")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		items := []string{strings.ToValidUTF8(a, "?"), strings.ToValidUTF8(b, "?"), strings.ToValidUTF8(c, "?")}
		back, err := parseList(formatList(items))
		if err != nil || cmp.Diff(items, back) != "" {
			t.Errorf("list %q, written %s, read %q, %v", items, formatList(items), back, err)
		}
		entries := map[string]string{items[0]: items[1], items[1]: items[2]}
		backMap, err := parseMap(formatMap(entries))
		if err != nil || cmp.Diff(entries, backMap) != "" {
			t.Errorf("map %q, written %s, read %q, %v", entries, formatMap(entries), backMap, err)
		}
	})
}

func FuzzParsePorts(f *testing.F) {
	for _, text := range []string{"0", "50100-50199", "50100,50200 - 50210", "5-2", "", "65536", "1--2", "-1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := ParsePorts(text)
		if err == nil && len(all) == 0 {
			t.Errorf("%q has no ports", text)
		}
		for _, p := range all {
			if p.First < 0 || p.Last > 65535 || p.Last < p.First {
				t.Errorf("%q has %v", text, p)
			}
		}
	})
}

func TestPortsThatAreNone(t *testing.T) {
	for text, words := range map[string]string{"5-2": "ends before it begins", "65536": "no port", "x": "no port", "": "no port"} {
		if _, _, err := Load("", []string{"taskmanager.data.port=" + text}); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
