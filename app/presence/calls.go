package presence

// Calls of a person's own devices, as the SIP server tells of them.

import "portico/app/portal"

// InCall says whether who is in a call on a telephone of theirs: busy while it lasts. By hand beats it, it beats
// the calendar and activity, and it says nothing of somebody who is not there.
func (s *Service) InCall(who portal.Address, talking bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[who]
	if p == nil || p.inCall == talking {
		return
	}
	p.inCall = talking
	s.update(p, s.o.Now())
}
