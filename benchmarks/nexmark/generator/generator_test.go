package generator

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"testing"
)

// reference is event-hashes.json.
type reference struct {
	Random struct {
		Seed           int64
		NextInt        []int32
		ThenNextInt13  []uint32
		ThenNextInt4   []uint32
		ThenNextLong   []string
		ThenNextDouble []float64
		ThenPrice      []int64
	}
	Tables struct {
		HotURLs        []string `json:"hot_urls"`
		ChannelsFirst  []string `json:"channel_table_first"`
		ChannelsSHA256 string   `json:"channel_table_sha256"`
		PoolLength     int      `json:"padding_pool_length"`
		PoolFirst      string   `json:"padding_pool_first_60"`
		PoolSHA256     string   `json:"padding_pool_sha256"`
	}
	C1, C2, C3 map[string]struct {
		SHA256        string
		LastTimestamp int64 `json:"last_timestamp"`
	}
}

func readReference(t *testing.T) (r reference) {
	t.Helper()
	file, err := os.ReadFile("testdata/event-hashes.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(file, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestRandomNumbersAreThoseOfTheReference(t *testing.T) {
	samples := readReference(t).Random
	r := random(samples.Seed)
	check := func(what string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	for _, want := range samples.NextInt {
		check("u32", int32(r.u32()), want)
	}
	for _, want := range samples.ThenNextInt13 {
		check("below 13", r.below(13), want)
	}
	for _, want := range samples.ThenNextInt4 {
		check("below 4", r.below(4), want)
	}
	for _, want := range samples.ThenNextLong {
		check("u64", strconv.FormatInt(int64(r.u64()), 10), want)
	}
	for _, want := range samples.ThenNextDouble {
		check("unit", r.unit(), want)
	}
	for _, want := range samples.ThenPrice {
		check("price", r.price(), want)
	}
}

// Of a million numbers below a bound just over 2^30 half are rejected.
func TestBelowRejects(t *testing.T) {
	const n = 1<<30 + 1
	a, b := random(5), random(5)
	for range 1000 {
		want := uint32(0)
		for {
			if want = b.u32() >> 1; want < n {
				break
			}
		}
		if got := a.below(n); got != want {
			t.Fatalf("%d, want %d", got, want)
		}
	}
}

// before returns the state from which the next draw is of 31 ones, which is rejected below 13 and below 26.
func before(low uint32) random {
	inverse := func(odd uint64) uint64 {
		x := odd
		for range 5 {
			x *= 2 - odd*x
		}
		return x
	}
	z := (math.MaxUint32<<32 | uint64(low)) * inverse(0xCB24D0A5C88C35B3)
	z ^= z>>28 ^ z>>56
	z *= inverse(0x62A9D9ED799705F5)
	z ^= z >> 33
	return random(z) - gamma
}

func TestRejectedDrawsOfTextAreRepeated(t *testing.T) {
	for low := range uint32(20) {
		rejected := before(low)
		if r := rejected; r.u32() != math.MaxUint32 {
			t.Fatal("the draw is not the one sought")
		}
		for draws := range random(6) {
			start := rejected - draws*gamma
			a, b := start, start
			got := a.text(new(slab), 20, '_')
			want := make([]byte, 3+b.below(17))
			for i := range want {
				if want[i] = '_'; b.below(13) > 0 {
					want[i] = 'a' + byte(b.below(26))
				}
			}
			if got != string(want) || a != b {
				t.Fatalf("%q, want %q", got, want)
			}
		}
	}
}

func TestPricesAreRoundedAsExactOnes(t *testing.T) {
	rounded := func(unit float64) int64 {
		whole, fraction := math.Modf(math.Pow(10, unit*6) * 100)
		if fraction >= 0.5 {
			whole++
		}
		return int64(whole)
	}
	check := func(unit float64) {
		if got, want := priceOf(unit), rounded(unit); got != want {
			t.Fatalf("price at %v: %d, want %d", unit, got, want)
		}
	}
	r := random(1)
	for range 300_000 {
		check(r.unit())
	}
	// Units whose price is as near to a half as possible, from both sides, all over the range.
	seeded := rand.New(rand.NewSource(1))
	for range 100_000 {
		half := math.Floor(math.Pow(10, 2+6*seeded.Float64())) + 0.5
		unit := math.Log10(half/100) / 6
		for _, near := range []float64{unit, math.Nextafter(unit, 0), math.Nextafter(unit, 1)} {
			if near >= 0 && near < 1 {
				check(near)
			}
		}
	}
	check(0)
	check(1 - 0x1p-53)
}

func TestTablesAreThoseOfTheReference(t *testing.T) {
	want := readReference(t).Tables
	for i, hot := range hotChannels {
		if hot.url != want.HotURLs[i] {
			t.Errorf("%s: %s, want %s", hot.name, hot.url, want.HotURLs[i])
		}
	}
	var table strings.Builder
	for i, c := range otherChannels {
		line := c.name + "|" + c.url
		if i < len(want.ChannelsFirst) && line != want.ChannelsFirst[i] {
			t.Errorf("channel %d: %s, want %s", i, line, want.ChannelsFirst[i])
		}
		table.WriteString(line + "\n")
	}
	if got := hash(table.String()); got != want.ChannelsSHA256 {
		t.Errorf("table of channels: %s, want %s", got, want.ChannelsSHA256)
	}
	if len(pool) != want.PoolLength || pool[:60] != want.PoolFirst || hash(pool) != want.PoolSHA256 {
		t.Errorf("the padding is another: %q", pool[:60])
	}
}

func TestEventsAreThoseOfTheReference(t *testing.T) {
	want := readReference(t)
	for name, hashes := range map[string]map[string]struct {
		SHA256        string
		LastTimestamp int64 `json:"last_timestamp"`
	}{"C1": want.C1, "C2": want.C2, "C3": want.C3} {
		for key, want := range hashes {
			count, part, _ := strings.Cut(key, "/")
			events, err := strconv.ParseInt(count, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			if events > 100_000 && testing.Short() {
				continue
			}
			index, _ := strconv.Atoi(part)
			c, err := Named(name, events)
			if err != nil {
				t.Fatal(err)
			}
			g, err := New(c, index)
			if err != nil {
				t.Fatal(err)
			}
			sum, last := sha256.New(), int64(0)
			batch, times, line := make([]Event, 1000), make([]int64, 1000), []byte(nil)
			for g.Left() > 0 {
				n := g.Fill(batch, times)
				for i := range batch[:n] {
					if times[i] < last || times[i] != batch[i].DateTime() {
						t.Fatalf("%s %s: time %d after %d, in the event %d", name, key, times[i], last, batch[i].DateTime())
					}
					last = times[i]
					line = append(batch[i].AppendLine(line[:0]), '\n')
					sum.Write(line)
				}
			}
			if got := hex.EncodeToString(sum.Sum(nil)); got != want.SHA256 || last != want.LastTimestamp {
				t.Errorf("%s %s: %s until %d, want %s until %d", name, key, got, last, want.SHA256, want.LastTimestamp)
			}
		}
	}
}

// Whatever the group, its events are those of the same numbers in another order, and the times tell it.
func TestGroupsAreReordered(t *testing.T) {
	g := Generator{group: 7}
	seen := map[int64]bool{}
	for number := range int64(7 * 100) {
		got := g.reordered(number)
		if got/7 != number/7 || seen[got] {
			t.Fatalf("number %d becomes %d", number, got)
		}
		seen[got] = true
	}
	if g.reordered(8) != 7+8*953%7 {
		t.Errorf("number 8 becomes %d", g.reordered(8))
	}
}

func TestConfigurationsAreChecked(t *testing.T) {
	for _, bad := range []Config{
		{Events: -1, Rate: 1, Generators: 1}, {Events: 1, Rate: 0, Generators: 1}, {Events: 1, Rate: math.NaN(), Generators: 1},
		{Events: 1, Rate: math.Inf(1), Generators: 1}, {Events: 1, Rate: 1e-9, Generators: 1}, {Events: 1, Rate: 1},
		{Events: 1, Rate: 1, Generators: 1, OutOfOrderGroup: -1}, {Events: 1 << 50, Rate: 1, Generators: 1},
	} {
		if _, err := New(bad, 0); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if _, err := Named("C4", 1); err == nil || !strings.Contains(err.Error(), "C4") {
		t.Errorf("got %v", err)
	}
	c := Config{Events: 10, Rate: 1, Generators: 3}
	if got := fmt.Sprint(c.Share(0), c.Share(1), c.Share(2)); got != "3 3 4" {
		t.Errorf("shares %s", got)
	}
}

func BenchmarkFill(b *testing.B) {
	g, err := New(Config{Events: mostEvents, Rate: 1e6, Generators: 1}, 0)
	if err != nil {
		b.Fatal(err)
	}
	events, times := make([]Event, 1024), make([]int64, 1024)
	b.ReportAllocs()
	for i := 0; i < b.N; i += len(events) {
		g.Fill(events, times)
	}
}
