package worker

import (
	"github.com/weir-stream/weir/runtime/operator/source"
	"github.com/weir-stream/weir/runtime/operator/watermark"
)

// Watermark alignment: readers report to their coordinators how far they are. The coordinators of a job's sources are in one
// host, whose loop owns the groups; what these decide goes back through the coordinators.

// align takes a report of a reader.
func (c *coordinator) align(subtask int, report watermark.Report) {
	member := watermark.Member{Source: c.operator, Subtask: subtask}
	c.host.loop.do(func() {
		if c.host.coordinators[c.operator] == c {
			c.host.tellLimits(c.host.groups.Report(member, report))
		}
	})
}

// leave says that a reader has ended: nobody waits for it any longer.
func (c *coordinator) leave(subtask int) {
	member := watermark.Member{Source: c.operator, Subtask: subtask}
	c.host.loop.do(func() { c.host.tellLimits(c.host.groups.Leave(member)) })
}

// leaveAll is leave for all readers of a coordinator that ends. The host's loop calls it.
func (c *coordinator) leaveAll() {
	for subtask := range c.parallelism {
		c.host.tellLimits(c.host.groups.Leave(watermark.Member{Source: c.operator, Subtask: subtask}))
	}
}

// tellLimits has coordinators send new limits to their readers. A reader that is not there needs none: it begins without.
func (h *Host) tellLimits(limits []watermark.Limit) {
	for _, limit := range limits {
		c := h.coordinators[limit.Member.Source]
		if c == nil {
			continue
		}
		c.do(func() error {
			if c.reader(limit.Member.Subtask).attached {
				c.send(limit.Member.Subtask, source.EncodeLimit(limit.At))
			}
			return nil
		})
	}
}
