package sim

import "time"

// plan is what a seed has in store: the size of the job and of the cluster, and what goes wrong.
type plan struct {
	records, splits, nodes, parallelism int
	// A source emits bursts of records, each of which takes its pace.
	burst                           int
	pace                            time.Duration
	interval                        time.Duration
	retained, concurrent, tolerable int
	// inline is up to how many bytes a file becomes a part of the metadata.
	inline int
	// latency is the most that a thread waits for a processor, transit and slowest are those of requests to the store, delay that of a message.
	latency, transit, slowest, delay time.Duration

	// Probabilities: of a request to the store, that it fails before it is done, after, is done after it has failed, or is slow.
	refused, unanswered, belated, slow float64
	// Of a message of the control plane, that it is lost or comes twice.
	lost, doubled float64
	// reordered is that of a message that may be overtaken by others between the same two.
	reordered float64
	// busy is that of a commit outside that fails, paused that user code takes its time.
	busy, paused float64
	// frozenAtRelease is the probability that a leader freezes when a release has come to stand in the log.
	frozenAtRelease float64
	// torn is the probability that the newest checkpoint is damaged when a leader is lost before tasks were told of it.
	torn float64

	// disasters happen at their times; faults stop at horizon.
	disasters []disaster
	horizon   time.Duration
	// adaptive says that the job has the adaptive scheduler; elastic are the changes of what it has and wishes.
	adaptive bool
	elastic  []elastic
	// outages are when the store fails all requests.
	outages [][2]time.Duration
}

// disaster is something that goes wrong once.
type disaster struct {
	at   time.Duration
	kind disasterKind
}

type disasterKind uint8

const (
	// taskFails has user code return an error, or panic.
	taskFails disasterKind = iota
	workerDies
	nodeDies
	// leaderDies ends the process of the leader; another one takes over.
	leaderDies
	// leaderFreezes stops the leader's process; others take over, and later it goes on.
	leaderFreezes
	// leaderDeposed has another leader take over from one that lives and knows nothing of it.
	leaderDeposed

	disasterKinds
)

var disasterNames = [disasterKinds]string{"a task fails", "a worker dies", "a node dies", "the leader dies", "the leader freezes", "the leader is deposed"}

// String says what happens.
func (k disasterKind) String() string { return disasterNames[k] }

// quiet is a plan in which nothing goes wrong.
func quiet(r *random) plan {
	p := plan{
		records: 50 + r.below(200), burst: 1 + r.below(8), splits: 1 + r.below(5), nodes: 2 + r.below(2), parallelism: 1 + r.below(3),
		interval: r.between(100*time.Millisecond, 600*time.Millisecond),
		retained: 1 + r.below(2), concurrent: 1 + r.below(2), inline: of(r, 0, 0, 64, 20<<10), tolerable: of(r, 0, 2, 100),
		latency: of(r, 20*time.Microsecond, 200*time.Microsecond, 2*time.Millisecond), transit: of(r, time.Millisecond, 10*time.Millisecond),
		delay: of(r, time.Millisecond, 10*time.Millisecond, 50*time.Millisecond),
	}
	lasts := r.between(time.Second, 4*time.Second)
	p.pace, p.horizon = lasts/time.Duration(p.records), lasts+2*time.Second
	return p
}

// planOf draws the plan of a run.
func planOf(r *random) plan {
	p := quiet(r)
	p.slowest = of(r, 100*time.Millisecond, time.Second, 5*time.Second)
	p.slow = of(r, 0, 0.02, 0.1)
	p.refused, p.unanswered, p.belated = of(r, 0, 0, 0.02, 0.1), of(r, 0, 0, 0.02, 0.1), of(r, 0, 0, 0.02, 0.05)
	p.lost, p.doubled, p.reordered = of(r, 0, 0.01, 0.1), of(r, 0, 0.01, 0.1), of(r, 0, 0.05, 0.3)
	p.busy, p.paused = of(r, 0, 0.02, 0.1), of(r, 0, 0.002, 0.01, 0.03)
	p.frozenAtRelease, p.torn = of(r, 0, 0, 0.1, 0.3), of(r, 0, 0.5)
	for range r.below(7) {
		p.disasters = append(p.disasters, disaster{at: r.between(100*time.Millisecond, p.horizon), kind: disasterKind(r.below(int(disasterKinds)))})
	}
	for range r.below(3) {
		from := r.between(0, p.horizon)
		p.outages = append(p.outages, [2]time.Duration{from, from + r.between(10*time.Millisecond, 800*time.Millisecond)})
	}
	return p
}

func (p *plan) outage(nanos int64) bool {
	for _, o := range p.outages {
		if nanos >= int64(o[0]) && nanos < int64(o[1]) {
			return true
		}
	}
	return false
}
