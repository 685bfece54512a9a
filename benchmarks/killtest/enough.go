package main

import (
	"fmt"
	"time"
)

const (
	// leastKills is after how long at most the next kill has to come, on average.
	leastKills = 2 * time.Second
	// leastRestores is the least share of kills after which a checkpoint was restored, leastUnderFire that of the records whose
	// results are visible when the paced job has been killed for the last time.
	leastRestores, leastUnderFire = 0.75, 0.25
)

// enough fails if so little has happened that the comparison of the output says little.
func (t *tally) enough(o options, records int64) error {
	slowest := max(leastKills, o.every*3/2) // kills that were asked for more seldom come more seldom
	kills := t.kills + t.atEnd
	switch least := int(o.duration / slowest); {
	case t.kills < max(least, 1):
		return fmt.Errorf("the output is right, but the job was killed %d times in %v and should have been %d times: run it on a machine with less to do, or with a smaller --every", t.kills, o.duration, max(least, 1))
	case t.atEnd == 0:
		return fmt.Errorf("the output is right, but the job was not killed at the end of its input")
	case t.checkpoints == 0 || t.restores == 0 || float64(t.restores) < leastRestores*float64(kills):
		return fmt.Errorf("the output is right, but there were %d checkpoints and %d restores with %d kills, and nearly each kill should be followed by a restore: run it on a machine with less to do, or with a larger --every", t.checkpoints, t.restores, kills)
	case float64(t.underFire.records) < leastUnderFire*float64(records):
		return fmt.Errorf("the output is right, but of %d records only %d had visible results before the job ran undisturbed, too few to say anything: run it on a machine with less to do, or with a larger --every", records, t.underFire.records)
	}
	return nil
}

// leastOfCluster is the least share of records whose results are visible when the faults of a cluster are over: for much of the time nothing runs.
const leastOfCluster = 0.1

// enoughForCluster fails if a kind of fault has not come, or if little else has happened.
func (t *tally) enoughForCluster(_ options, records int64) error {
	for _, f := range faults {
		if t.faults[f] == 0 {
			return fmt.Errorf("the output is right, but this never came: %s: give the run more time (--duration)", f)
		}
	}
	switch {
	case t.checkpoints == 0 || t.restores < t.faults[killJobManager]/2:
		return fmt.Errorf("the output is right, but there were %d checkpoints and %d restores: run it on a machine with less to do, or with a larger --every", t.checkpoints, t.restores)
	case float64(t.underFire.records) < leastOfCluster*float64(records):
		return fmt.Errorf("the output is right, but of %d records only %d had visible results when the faults were over: run it on a machine with less to do, or with a larger --every", records, t.underFire.records)
	}
	return nil
}
