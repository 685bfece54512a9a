package watermark

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/ident"
)

// Alignment keeps the sources of a group together: none reads while it is more than MaxDrift milliseconds of event time ahead of
// the slowest. The zero value is no alignment.
type Alignment struct {
	Group          string
	MaxDrift       int64
	UpdateInterval time.Duration
}

// Member is a subtask of a source in an alignment group.
type Member struct {
	Source  ident.OperatorID
	Subtask int
}

// NoLimit is the limit of a source that nothing holds back.
const NoLimit = int64(math.MaxInt64)

// Report is what a member tells: how far it is, and by whose rules. A member that is idle or has ended reports
// element.MaxWatermark, so that nobody waits for it.
type Report struct {
	Group     string
	MaxDrift  int64
	Watermark int64
}

// Limit tells a member how far it may read: while its watermark is higher than At it waits.
type Limit struct {
	Member Member
	At     int64
}

// Groups decides which sources of a job wait for which others. It has neither clock nor goroutine: reports and departures go in,
// new limits come out. A member counts from its first report on.
type Groups struct {
	groups map[string]map[Member]*standing
}

// standing is what a group knows of a member.
type standing struct {
	Report
	told int64
}

// Report takes a member's report and returns the limits that have changed.
func (g *Groups) Report(m Member, r Report) []Limit {
	if g.groups == nil {
		g.groups = map[string]map[Member]*standing{}
	}
	members := g.groups[r.Group]
	if members == nil {
		members = map[Member]*standing{}
		g.groups[r.Group] = members
	}
	if s := members[m]; s != nil {
		s.Report = r
	} else {
		members[m] = &standing{Report: r, told: NoLimit}
	}
	return limits(members)
}

// Leave takes a member out of its group, since its subtask has ended, and returns the limits that have changed. If it starts
// anew it begins without a limit.
func (g *Groups) Leave(m Member) (changed []Limit) {
	for name, members := range g.groups {
		if members[m] == nil {
			continue
		}
		delete(members, m)
		if len(members) == 0 {
			delete(g.groups, name)
		}
		changed = append(changed, limits(members)...)
	}
	return changed
}

// limits are those that the members were not told yet, in a fixed order.
func limits(members map[Member]*standing) (changed []Limit) {
	lowest := element.MaxWatermark
	for _, s := range members {
		lowest = min(lowest, s.Watermark)
	}
	for m, s := range members {
		if at := plus(lowest, s.MaxDrift); at != s.told {
			s.told = at
			changed = append(changed, Limit{m, at})
		}
	}
	slices.SortFunc(changed, func(a, b Limit) int {
		return cmp.Or(cmp.Compare(a.Member.Source.String(), b.Member.Source.String()), cmp.Compare(a.Member.Subtask, b.Member.Subtask))
	})
	return changed
}

// plus adds a drift, which is not negative, without overflow.
func plus(watermark, drift int64) int64 {
	if watermark > math.MaxInt64-drift {
		return NoLimit
	}
	return watermark + drift
}

// maxGroupName is the longest name of a group, in bytes.
const maxGroupName = 1 << 10

// Append encodes a report: watermark and drift, 8 bytes each, the high one first, then the group's name.
func (r Report) Append(to []byte) []byte {
	to = binary.BigEndian.AppendUint64(to, uint64(r.Watermark))
	to = binary.BigEndian.AppendUint64(to, uint64(r.MaxDrift))
	return append(to, r.Group...)
}

var errReport = errors.New("a report for watermark alignment is damaged")

// DecodeReport reads what Append wrote and nothing else.
func DecodeReport(from []byte) (Report, error) {
	if len(from) <= 16 || len(from) > 16+maxGroupName {
		return Report{}, errReport
	}
	r := Report{
		Watermark: int64(binary.BigEndian.Uint64(from)),
		MaxDrift:  int64(binary.BigEndian.Uint64(from[8:])),
		Group:     string(from[16:]),
	}
	if r.MaxDrift < 0 {
		return Report{}, errReport
	}
	return r, nil
}
