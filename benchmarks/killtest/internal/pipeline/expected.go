package pipeline

import (
	"fmt"
	"strconv"
	"strings"
)

// Expected is what the job writes, in no order, worked out from its definition without the engine: each click counts in one bucket of its
// user and in the four windows of its item; a bucket meets the windows of its user's shop that end where it does; and at the
// end each user has a line with all clicks.
func Expected(records int64) []string {
	const size, slide = 2000, 500
	type at struct {
		who  int32
		when int64
	}
	buckets, windows := map[at]Spending{}, map[at]Sales{}
	var totals [users]Spending
	for i := range records {
		c := newClick(i)
		b := at{c.User, c.At / bucket * bucket}
		s := buckets[b]
		buckets[b] = Spending{User: c.User, Bucket: b.when, Clicks: s.Clicks + 1, Spent: s.Spent + c.Price}
		for end := c.At/slide*slide + slide; end <= c.At+size; end += slide {
			w := at{c.Item, end}
			s := windows[w]
			windows[w] = Sales{Item: c.Item, End: end, Sold: s.Sold + 1, Paid: s.Paid + c.Price}
		}
		t := &totals[c.User]
		t.Clicks++
		t.Spent += int64(mix(uint64(c.Item)) >> 40)
	}
	var lines []string
	for _, s := range buckets {
		lines = append(lines, s.line())
		for item := s.User % shops; item < items; item += shops {
			if w, ok := windows[at{item, s.Bucket + bucket}]; ok {
				lines = append(lines, fmt.Sprintf("both %d %d %d %d %d %d ", s.User, s.Bucket, s.Spent, w.Item, w.End, w.Paid))
			}
		}
	}
	for _, w := range windows {
		lines = append(lines, w.line())
	}
	for user, t := range totals {
		if t.Clicks > 0 {
			lines = append(lines, Spending{User: int32(user), Bucket: -1, Clicks: t.Clicks, Spent: t.Spent}.line())
		}
	}
	return lines
}

// Clicks is how many clicks a line stands for that says what a user has spent in a bucket: in the whole output each click is in one of them.
// All other lines stand for none.
func Clicks(line string) int64 {
	line, ok := strings.CutPrefix(line, "user ")
	if !ok || strings.Contains(line, " -1:") {
		return 0
	}
	_, line, _ = strings.Cut(line, ": ")
	digits, _, _ := strings.Cut(line, " ")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
