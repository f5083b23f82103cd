package account

// What goes wrong with signing in and with people's lines, told to whoever keeps a log of it.

import (
	"portico/app/portal"
)

// The causes of good news; those of bad news are the keys of errors and of line events.
const (
	causeSignedIn = "signin.worked"
	causeLineUp   = "line.up"
)

// maxDetail bounds an incident's text for the operator, in bytes.
const maxDetail = 512

// detail is the operator's text of an error. Errors of this house hold no secrets.
func detail(err error) string {
	if err == nil {
		return ""
	}
	return cut(err.Error(), maxDetail)
}

// signedIn tells of a sign-in that failed, and of the first one that works again. What was typed amiss, and people of
// other domains, are nobody's business here.
func (s *Service) signedIn(who portal.Address, remote string, err error) {
	if portal.Meaning(err) == portal.ErrInvalid || s.ours(who) != nil {
		return
	}
	s.mu.Lock()
	troubled := s.troubled[who]
	if err == nil {
		delete(s.troubled, who)
	} else if !troubled {
		room(s.troubled, func(bool) bool { return true })
		s.troubled[who] = true
	}
	s.mu.Unlock()
	in := portal.Incident{Who: who, At: s.o.Now().UTC(), Part: portal.PartSignin, Remote: cut(remoteKey(remote), maxRemote), Times: 1}
	switch {
	case err != nil:
		in.Cause, in.Detail = portal.Reason(err), detail(err)
	case troubled:
		in.Good, in.Cause = true, causeSignedIn
	default:
		return
	}
	s.o.Incident(in)
}

// lineIncident tells of a line that went down, and of its end; the lock is held.
func (s *Service) lineIncident(who portal.Address, m *member, ev portal.LineEvent, why string) {
	in := portal.Incident{Who: who, At: s.o.Now().UTC(), Part: portal.PartSIP, Times: 1}
	switch {
	case ev.State == lineUp && m.lost:
		m.lost = false
		in.Good, in.Cause = true, causeLineUp
	case ev.State != lineUp && ev.Reason != reasonResuming:
		m.lost = true
		in.Cause, in.Detail = ev.Reason, why
	default:
		return
	}
	s.o.Incident(in)
}
