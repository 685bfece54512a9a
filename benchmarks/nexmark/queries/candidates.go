package queries

// candidates tells which records may be the highest of their window: those that none before them, in the same subtask, exceeds. Only a
// few of many records pass, so that one subtask can look at all that do. It is no state: without what it remembers more
// records pass than must, but never fewer.
type candidates struct {
	// current is the window of the last record, highest its maximum so far.
	current, highest int64
	// others are the maxima of windows before.
	others map[int64]int64
}

// rememberedWindows bounds others.
const rememberedWindows = 16

// add counts a record and reports whether it may be the highest of its window.
func (c *candidates) add(window, value int64) bool {
	if window != c.current {
		c.enter(window)
	}
	if value < c.highest {
		return false
	}
	c.highest = value
	return true
}

// reaches reports whether a value may be that of the highest record of a window, to which it does not belong itself.
func (c *candidates) reaches(window, value int64) bool {
	if window == c.current {
		return value >= c.highest
	}
	return value >= c.others[window]
}

func (c *candidates) enter(window int64) {
	if c.others == nil || len(c.others) >= rememberedWindows {
		c.others = map[int64]int64{}
	}
	c.others[c.current] = c.highest
	c.current, c.highest = window, c.others[window]
}
