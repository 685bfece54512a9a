package pebble

// budget is the memory of all tables of a database.
type budget struct {
	limit, used int64
	// calls counts the batches and single keys that the members were asked for.
	calls   int64
	members []*member
}

// member is a table, or something else that takes memory.
type member struct {
	used int64
	// last is the budget's calls at the last one of this member.
	last int64
	// visited is how many visits of its entries are under way, in which nothing may leave.
	visited int
	// shed makes it take at most so many bytes, if it can.
	shed func(bytes int64)
}

// patience is after how many calls of others nobody holds addresses of a member any more: an operator holds them for a batch
// of records at most.
const patience = 1 << 17

func (b *budget) join(m *member) { b.members = append(b.members, m) }

func (b *budget) leave(m *member) {
	b.used -= m.used
	m.used = 0
	for i, other := range b.members {
		if other == m {
			b.members = append(b.members[:i], b.members[i+1:]...)
			return
		}
	}
}

// note says what a member uses now.
func (b *budget) note(m *member, used int64) {
	b.used += used - m.used
	m.used = used
}

// enough is what the tables keep after something had to leave.
func (b *budget) enough() int64 { return b.limit - b.limit/16 }

// makeRoom has members shed what they can, when the limit is passed during a call of one of them.
func (b *budget) makeRoom(caller *member) {
	for b.used > b.limit {
		idle := b.idlest(caller)
		if idle == nil {
			break
		}
		before := idle.used
		if idle.shed(max(before-(b.used-b.enough()), 0)); idle.used >= before {
			idle.last = b.calls // there is nothing to be had from it
		}
	}
	if b.used <= b.limit || caller.visited > 0 {
		return
	}
	// One that takes little waits for the others' next calls, to some extent.
	if fair := b.limit / int64(len(b.members)); caller.used <= fair/2 && b.used <= b.limit+b.limit/8 {
		return
	}
	caller.shed(max(caller.used-(b.used-b.enough()), 0))
}

// idlest is the member other than the caller that has not been called for longest, nil if all were lately.
func (b *budget) idlest(caller *member) (found *member) {
	for _, m := range b.members {
		if m != caller && m.used > 0 && m.visited == 0 && b.calls-m.last > patience && (found == nil || m.last < found.last) {
			found = m
		}
	}
	return found
}
