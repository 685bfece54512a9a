package generator

import "strconv"

// channel is where a bid was made.
type channel struct{ name, url string }

// newChannel puts name and URL next to each other, since whoever reads one is likely to read the other.
func newChannel(text *slab, name string, url ...string) channel {
	joined := text.join(append([]string{name}, url...)...)
	return channel{joined[:len(name)], joined[len(name):]}
}

const (
	channels    = 10_000
	channelSeed = ^random(0) // -1
)

// The hot channels, each of an eighth of the bids, and the others.
var hotChannels, otherChannels = func() (hot [4]channel, others [channels]channel) {
	r, text, scratch := channelSeed, new(slab), new(slab)
	for i, name := range []string{"Google", "Facebook", "Baidu", "Apple"} {
		hot[i] = newChannel(text, name, r.baseURL(scratch))
	}
	for i := range others {
		url := []string{r.baseURL(scratch)}
		if r.below(10) > 0 {
			url = append(url, "&channel_id=", strconv.Itoa(int(absReversed(uint32(i)))))
		}
		others[i] = newChannel(text, "channel-"+strconv.Itoa(i), url...)
	}
	return hot, others
}()

func (r *random) baseURL(text *slab) string {
	first, second, third := r.text(text, 5, '_'), r.text(text, 5, '_'), r.text(text, 5, '_')
	return text.join("https://www.nexmark.com/", first, "/", second, "/", third, "/item.htm?query=1")
}

var (
	firstNames = []string{"Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"}
	lastNames  = []string{"Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"}
	cities     = []string{"Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne"}
	states     = []string{"AZ", "CA", "ID", "OR", "WA", "WY"}
)

// names has each first name with each last name.
var names = func() (all [][]string) {
	for _, first := range firstNames {
		var row []string
		for _, last := range lastNames {
			row = append(row, first+" "+last)
		}
		all = append(all, row)
	}
	return all
}()
