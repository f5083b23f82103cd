package ews

import "portico/app/portal"

// tracer tells of what is said on somebody's behalf, while they want to see it; nil where they do not.
func (c *Connector) tracer(who portal.Address, h *host) func(sent bool, text string) {
	if c.o.Trace == nil || c.o.Tracing == nil || !c.o.Tracing(who) {
		return nil
	}
	return func(sent bool, text string) {
		c.o.Trace(who, portal.Traffic{At: c.o.Now().UTC(), Protocol: "ews", Sent: sent, Peer: h.s.Name, Text: text})
	}
}
