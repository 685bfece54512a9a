package sim

import (
	"os"
	"runtime/debug"
	"testing"
	"time"
)

// TestMain lets worlds, which are small and short-lived, make more garbage before it is collected.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// fixed are seeds that have found faults of the engine, which are mended, with what they had found.
var fixed = map[uint64]string{
	11:  "files of a snapshot whose location is a URL were looked for elsewhere",
	15:  "a restored source that had finished sent no last watermark, so that windows behind it never fired",
	66:  "the state of a source's coordinator that came after its checkpoint was given up held back splits, which the next checkpoint lost",
	68:  "a leader that woke late had its job go on from a metadata file that another one, deposed as well, had left under the same number",
	92:  "a leader that woke while it claimed the log began the finished job anew",
	161: "a restored source that had finished read all of its input again",
}

func TestFixedSeeds(t *testing.T) {
	for seed, found := range fixed {
		if r := Run(seed, Options{}); r.Violation != nil {
			t.Errorf("%v\n\tit had found that %s", r.Violation, found)
		}
	}
}

func TestSeeds(t *testing.T) {
	seeds := 2000
	if testing.Short() || slow {
		seeds = 100
	}
	counts := RunMany(1, seeds, Options{}, func(r Result) { t.Error(r.Violation) })
	t.Log(counts)
	if err := counts.Enough(seeds); err != nil {
		t.Error(err)
	}
}

// TestAdaptiveSeeds has the job rescaled while everything goes wrong. Results are those of an undisturbed run all the same.
func TestAdaptiveSeeds(t *testing.T) {
	seeds := 120
	if testing.Short() || slow {
		seeds = 30
	}
	counts := RunMany(1, seeds, Options{Adaptive: true}, func(r Result) { t.Error(r.Violation) })
	t.Log(counts)
	if counts.Rescales < seeds/2 {
		t.Errorf("%d rescales in %d seeds", counts.Rescales, seeds)
	}
	for seed := range uint64(5) {
		first, again := Run(seed, Options{Adaptive: true}), Run(seed, Options{Adaptive: true})
		if first.Hash != again.Hash {
			t.Errorf("seed %d: trace %016x, and then %016x", seed, first.Hash, again.Hash)
		}
	}
}

func TestTooLittleIsNotEnough(t *testing.T) {
	good := Counts{Frozen: 1, Holes: 1, Restores: 1, Torn: 1, Chains: 500, LongChains: 400, LongestChain: 3}
	for i := range good.Disasters {
		good.Disasters[i] = 1
	}
	if err := good.Enough(2000); err != nil {
		t.Error(err)
	}
	for _, spoil := range []func(*Counts){
		func(c *Counts) { c.Disasters[nodeDies] = 0 }, func(c *Counts) { c.Holes = 0 }, func(c *Counts) { c.Torn = 0 },
		func(c *Counts) { c.LongChains = 399 }, func(c *Counts) { c.LongestChain = 2 },
	} {
		bad := good
		if spoil(&bad); bad.Enough(2000) == nil {
			t.Errorf("enough: %v", bad)
		}
	}
}

// TestNothingGoesWrong: without faults the job ends as well, and soon.
func TestNothingGoesWrong(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		r := Run(seed, Options{Quiet: true})
		if r.Violation != nil {
			t.Error(r.Violation)
		}
		if r.Counts.Restores != 0 || r.Counts.Commits == 0 || r.Took > 20*time.Second {
			t.Errorf("seed %d: %v after %v", seed, r.Counts, r.Took)
		}
	}
}

func TestASeedIsRepeated(t *testing.T) {
	for seed := uint64(1); seed <= 25; seed++ {
		first, again := Run(seed, Options{}), Run(seed, Options{})
		if first.Hash != again.Hash {
			t.Errorf("seed %d: trace %016x, and then %016x", seed, first.Hash, again.Hash)
		}
	}
}

// planted has the first seed from 1 on that finds each fault, and the invariant that it breaks.
var planted = map[Plant]struct {
	seed      uint64
	invariant string
}{
	SkipClaim:            {1, "a fenced leader publishes and deletes nothing"},
	DeleteFirst:          {1, "needed files are kept"},
	AckBeforeUpload:      {2, "acknowledged means durable"},
	CommitFirst:          {1, "only complete checkpoints are committed"},
	BarrierBlocksNothing: {196, "exactly once"},
	DeleteTooEarly:       {2, "needed files are kept"},
	OverwriteSlots:       {9, "a fenced leader publishes and deletes nothing"},
	LoseSplit:            {66, "exactly once"},
}

func TestPlantedFaultsAreFound(t *testing.T) {
	for _, plant := range Plants() {
		t.Run(string(plant), func(t *testing.T) {
			want := planted[plant]
			if r := Run(want.seed, Options{}); r.Violation != nil {
				t.Errorf("without the fault: %v", r.Violation)
			}
			// What a seed does changes with the engine: if this one does not find it any more, another one must.
			for seed := want.seed; seed < want.seed+200; seed++ {
				r := Run(seed, Options{Plant: plant})
				if r.Violation == nil {
					continue
				}
				if r.Violation.Invariant != want.invariant {
					t.Errorf("found as %q, want %q: %.200s", r.Violation.Invariant, want.invariant, r.Violation.Problem)
				}
				t.Logf("found by seed %d: %.200s", seed, r.Violation.Problem)
				return
			}
			t.Error("not found")
		})
	}
}
