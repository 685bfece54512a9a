package state

// eachAlive is each of a list whose elements have a time to live. Elements that have expired are passed over, or seen
// together with the live ones until none is live or reading renews those.
func (b *boundList[T]) eachAlive(yield func(T) bool) {
	all := b.whole()
	defer func() { b.spare = all }()
	now := b.life.now()
	live, total := b.census(all, now)
	if b.life.renewed && live > 0 || live == 0 || !b.life.seen && 2*live <= total {
		b.rewrite(all, now, b.life.renewed)
	}
	for rest := all; len(rest) > 0; {
		last := timeOf(rest)
		var value T
		value, rest = b.decode(rest[timeBytes:])
		if b.life.over(last, now) && !b.life.seen {
			continue
		}
		if !yield(value) {
			return
		}
	}
}

// whole copies the elements with their times.
func (b *boundList[T]) whole() []byte {
	all := b.spare[:0]
	b.spare = nil
	for n := 0; ; n++ {
		chunk, ok := b.cell.Chunk(n)
		if !ok {
			return all
		}
		all = append(all, chunk...)
	}
}

// next returns what follows the first of elements.
func (b *boundList[T]) next(elements []byte) (rest []byte) {
	rest, err := b.check.Next(elements)
	if err != nil {
		panic(&Failure{State: b.name, Action: "decode", Cause: err})
	}
	return rest
}

// census counts elements and those that live.
func (b *boundList[T]) census(all []byte, now int64) (live, total int) {
	for rest := all; len(rest) > 0; rest = b.next(rest) {
		total++
		if !b.life.over(timeOf(rest), now) {
			live++
		}
	}
	return live, total
}

// rewrite keeps the elements that live, at the present time if they are renewed.
func (b *boundList[T]) rewrite(all []byte, now int64, renew bool) {
	if len(all) == 0 {
		return
	}
	b.cell.Clear()
	for rest := all; len(rest) > 0; {
		element := rest
		rest = b.next(rest)
		element = element[:len(element)-len(rest)]
		last := timeOf(element)
		if b.life.over(last, now) {
			continue
		}
		if renew {
			last = now
		}
		b.encoded = append(appendTime(b.encoded[:0], last), element[timeBytes:]...)
		b.cell.Append(b.encoded)
	}
}

// expire drops the elements whose time is over.
func (b *boundList[T]) expire() {
	all := b.whole()
	now := b.life.now()
	if live, total := b.census(all, now); live < total {
		b.rewrite(all, now, false)
	}
	b.spare = all
}
