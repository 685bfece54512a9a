package task

import "github.com/weir-stream/weir/runtime/element"

// valve combines the watermarks of the channels of one input: event time is as far as the slowest channel that is not
// idle, and never goes back. An input whose channels are all idle is idle.
type valve struct {
	channels []valveChannel
	output   int64
	idle     bool
}

type valveChannel struct {
	watermark int64
	idle      bool
	// aligned is false for a channel that came back from idle and has not caught up with the output yet.
	aligned bool
}

func newValve(channels int) *valve {
	v := &valve{channels: make([]valveChannel, channels), output: element.NoWatermark}
	for i := range v.channels {
		v.channels[i] = valveChannel{watermark: element.NoWatermark, aligned: true}
	}
	return v
}

// change is what a valve lets through: a higher watermark, then a change between idle and active.
type change struct {
	watermark    int64
	hasWatermark bool
	status       element.Kind // Idle, Active or 0
}

func (v *valve) watermark(channel int, at int64) change {
	c := &v.channels[channel]
	if c.idle || at <= c.watermark {
		return change{}
	}
	c.watermark = at
	if !c.aligned && at >= v.output {
		c.aligned = true
	}
	return v.advance()
}

// status handles a channel that becomes idle or active. When the last active channel goes idle while it was what held
// the output, the highest watermark of all channels is let through before the input itself goes idle.
func (v *valve) status(channel int, idle bool) change {
	c := &v.channels[channel]
	if c.idle == idle {
		return change{}
	}
	c.idle = idle
	if !idle {
		c.aligned = c.watermark >= v.output
		if v.idle {
			v.idle = false
			return change{status: element.Active}
		}
		return change{}
	}
	c.aligned = false
	if v.anyActive() {
		if c.watermark == v.output {
			return v.advance()
		}
		return change{}
	}
	v.idle = true
	out := change{status: element.Idle}
	if c.watermark == v.output {
		highest := v.output
		for i := range v.channels {
			highest = max(highest, v.channels[i].watermark)
		}
		if highest > v.output {
			v.output = highest
			out.watermark, out.hasWatermark = highest, true
		}
	}
	return out
}

func (v *valve) anyActive() bool {
	for i := range v.channels {
		if !v.channels[i].idle {
			return true
		}
	}
	return false
}

// advance raises the output to the lowest watermark of the aligned, active channels.
func (v *valve) advance() change {
	lowest, found := element.MaxWatermark, false
	for i := range v.channels {
		if c := &v.channels[i]; !c.idle && c.aligned {
			lowest, found = min(lowest, c.watermark), true
		}
	}
	if !found || lowest <= v.output {
		return change{}
	}
	v.output = lowest
	return change{watermark: lowest, hasWatermark: true}
}

// grow adds channels and returns the position of the first one.
func (v *valve) grow(channels int) int {
	first := len(v.channels)
	v.channels = append(v.channels, newValve(channels).channels...)
	return first
}
