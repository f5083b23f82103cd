package rlmi

// Sequence watches the versions of one list subscription's notifications. The zero value is ready; it
// is not safe for concurrent use.
type Sequence struct {
	version uint32
	started bool
}

// Next takes note of a document. fresh is false for a repeated or overtaken one, which is to be
// ignored. refresh is true when one in between was lost, so that a refresh of the subscription must
// bring the full state (RFC 4662 section 5.2); what the document says still holds.
func (s *Sequence) Next(d Document) (fresh, refresh bool) {
	if s.started && d.Version <= s.version {
		return false, false
	}
	refresh = !d.Full && (!s.started || d.Version != s.version+1)
	s.version, s.started = d.Version, true
	return true, refresh
}
