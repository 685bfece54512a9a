package state

// ttlMap is a MapCell each value of which has a time to live, kept before it.
type ttlMap struct {
	cell MapCell
	*lifetime
	key, value []byte
}

// Get drops an expired value, or prolongs a life.
func (m *ttlMap) Get(key []byte) ([]byte, bool) {
	value, ok := m.cell.Get(key)
	if !ok {
		return nil, false
	}
	return m.read(key, value)
}

// read treats a value that is being read; what it returns is valid until the next change.
func (m *ttlMap) read(key, value []byte) ([]byte, bool) {
	now := m.now()
	switch last := timeOf(value); {
	case m.over(last, now):
		m.value = append(m.value[:0], value...)
		m.cell.Remove(key)
		return m.value[timeBytes:], m.seen
	case m.renewed && last != now:
		m.value = append(appendTime(m.value[:0], now), value[timeBytes:]...)
		m.cell.Put(key, m.value)
		return m.value[timeBytes:], true
	}
	return value[timeBytes:], true
}

// Put stores a value with the present time.
func (m *ttlMap) Put(key, value []byte) {
	m.value = append(appendTime(m.value[:0], m.now()), value...)
	m.cell.Put(key, m.value)
}

// Remove reports whether the key was there, expired or not.
func (m *ttlMap) Remove(key []byte) bool { return m.cell.Remove(key) }

// Len counts expired values, too, that nobody has touched.
func (m *ttlMap) Len() int { return m.cell.Len() }

// Each reads all values.
func (m *ttlMap) Each(f func(key, value []byte) bool) {
	m.cell.Each(func(key, value []byte) bool {
		own := append(m.key[:0], key...) // reading may change the map
		m.key = nil
		defer func() { m.key = own }()
		value, ok := m.read(own, value)
		return !ok || f(own, value)
	})
}

// Clear removes all.
func (m *ttlMap) Clear() { m.cell.Clear() }

// expire drops the values whose time is over.
func (m *ttlMap) expire() {
	now := m.now()
	m.cell.Each(func(key, value []byte) bool {
		if m.over(timeOf(value), now) {
			m.key = append(m.key[:0], key...)
			m.cell.Remove(m.key)
		}
		return true
	})
}
