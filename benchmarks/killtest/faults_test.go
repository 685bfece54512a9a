package main

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestEachFaultComesBeforeAnyComesAgain, whatever the seed, and lasts as its name says.
func TestEachFaultComesBeforeAnyComesAgain(t *testing.T) {
	const timeout = 2 * time.Second
	short := map[fault]bool{freezeShort: true, freezeAllShort: true, freezeJobManagerShort: true, holdShort: true, holdPeersShort: true}
	long := map[fault]bool{freezeLong: true, freezeAllLong: true, freezeJobManagerLong: true, holdLong: true, holdPeersLong: true, isolate: true}
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		d := deck{random: random}
		for round := 1; round <= 3; round++ {
			seen := map[fault]int{}
			for range faults {
				f := d.next()
				seen[f]++
				switch lasts := f.lasts(timeout, random); {
				case short[f] && lasts >= timeout*3/4, long[f] && lasts <= timeout*6/5:
					t.Errorf("seed %d: %s lasts %v", seed, f, lasts)
				}
			}
			if len(seen) != len(faults) {
				t.Fatalf("seed %d: round %d has %d faults of %d", seed, round, len(seen), len(faults))
			}
		}
	}
}

func TestAFaultThatNeverCameIsNotEnough(t *testing.T) {
	all := func() *tally {
		k := &tally{checkpoints: 100, restores: 10, faults: map[fault]int{}, underFire: progress{records: 500}}
		for _, f := range faults {
			k.faults[f] = 2
		}
		return k
	}
	if err := all().enoughForCluster(options{}, 1000); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*tally){
		"a fault":     func(k *tally) { k.faults[isolate] = 0 },
		"checkpoints": func(k *tally) { k.checkpoints = 0 },
		"restores":    func(k *tally) { k.restores = 0 },
		"progress":    func(k *tally) { k.underFire.records = 50 },
	} {
		k := all()
		spoil(k)
		if k.enoughForCluster(options{}, 1000) == nil {
			t.Errorf("%s: it is enough", name)
		}
	}
}

func TestTheParallelismChanges(t *testing.T) {
	c := &campaign{killing: &killing{options: options{taskManagers: 4}, random: rand.New(rand.NewPCG(1, 2))}, parallelism: 3}
	for range 50 {
		next := c.someParallelism()
		if next == c.parallelism || next < 1 || next > 3 {
			t.Fatalf("%d after %d", next, c.parallelism)
		}
		c.parallelism = next
	}
}
