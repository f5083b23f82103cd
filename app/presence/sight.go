package presence

// What of a person's presence another may see: asked for once for each pair, kept as a few bits, and shared by all who
// may see the same.

import (
	"slices"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

// class is the part of a sight that presence shows, in bits.
type class uint16

const (
	classHidden class = 1 << iota
	classActivity
	classFreeBusy
	classMeeting
	classNote
	classLocation
	classLastActive
	// classKnown tells a class that was asked for from the zero value.
	classKnown
	// classUnread: what the subject decided was not read yet.
	classUnread
)

func classOf(s portal.Sight) class {
	if s.Hidden {
		return classKnown | classHidden
	}
	c := classKnown
	for _, bit := range []struct {
		shown bool
		class class
	}{{s.Activity, classActivity}, {s.FreeBusy, classFreeBusy}, {s.Meeting, classMeeting}, {s.Note, classNote}, {s.Location, classLocation}, {s.LastActive, classLastActive}} {
		if bit.shown {
			c |= bit.class
		}
	}
	return c
}

func (c class) sight() portal.Sight {
	return portal.Sight{Hidden: c&classHidden != 0, Activity: c&classActivity != 0, FreeBusy: c&classFreeBusy != 0, Meeting: c&classMeeting != 0,
		Note: c&classNote != 0, Location: c&classLocation != 0, LastActive: c&classLastActive != 0}
}

// hidden reports whether somebody of this class sees nothing but somebody who is offline.
func (c class) hidden() bool { return c&classHidden != 0 }

// unread reports whether it is not known yet what somebody of this class sees: nothing, until it is.
func (c class) unread() bool { return c&classUnread != 0 }

// class is what p may see of an entry's subject; the lock is held.
func (s *Service) class(p *person, e *entry) class {
	if e.class&classKnown == 0 {
		e.class = s.classFor(e.subject.address, p.address)
	}
	return e.class
}

func (s *Service) classFor(of, viewer portal.Address) class {
	if of == viewer {
		return classOf(portal.FullSight())
	}
	sight, known := s.o.Sight(of, viewer)
	if !known {
		return classKnown | classUnread
	}
	return classOf(policy.Limit(sight, s.o.InForce(of)))
}

// Recheck says that what others may see of somebody changed, or what is published of them. Options.Sight and
// Options.Wire give the new answer already.
func (s *Service) Recheck(of portal.Address) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recheck(of)
}

func (s *Service) recheck(of portal.Address) {
	sub := s.subjects[of]
	if sub == nil {
		return
	}
	for _, number := range sub.watchers {
		s.reclass(s.numbered[number], sub)
	}
	if sub.local != nil {
		sub.local.publishDirty = true
		s.touch(sub.local)
	}
}

// reclass asks anew what p may see of sub, if they watch.
func (s *Service) reclass(p *person, sub *subject) {
	i, there := p.find(sub)
	if !there {
		return
	}
	e := &p.entries[i]
	before := e.class
	if e.class = s.classFor(sub.address, p.address); e.class == before || before&classKnown == 0 {
		return
	}
	if (e.class^before)&(classHidden|classUnread) != 0 {
		// Who is shown, or hides, from now on has not come or gone.
		e.was = 0
	}
	s.mark(p, e)
}

// spread notes that all who watch sub may have to be told; view: only those who hold it.
func (s *Service) spread(sub *subject, v *view) {
	for _, number := range sub.watchers {
		p := s.numbered[number]
		if i, there := p.find(sub); there && (v == nil || p.entries[i].view == v) {
			s.mark(p, &p.entries[i])
		}
	}
}

// refresh brings a view up to now; what changed is told to all who hold it.
func (s *Service) refresh(sub *subject, v *view, now time.Time) {
	if v.refresh(sub.address, now) {
		s.spread(sub, v)
	}
}

// seen is the presence that p's entry shows at now; the lock is held.
func (s *Service) seen(p *person, e *entry, now time.Time) portal.Presence {
	class, fresh := s.class(p, e), e.fresh(now)
	switch {
	case class.hidden() && (fresh || e.silent):
		// Where the server itself refuses them, they are to believe that nobody is there.
		return s.hiddenOf(e.subject.address)
	case !fresh || class.unread():
		return policy.UnknownOf(e.subject.address)
	}
	s.refresh(e.subject, e.view, now)
	return policy.See(s.whole(e.subject, e.view, now), class.sight())
}

// hiddenOf is what somebody sees of one who hides from them: what all see who are offline. That policy lets them have no
// messages is seen of everybody.
func (s *Service) hiddenOf(of portal.Address) portal.Presence {
	p := policy.HiddenOf(of)
	p.NoIM = s.o.InForce(of).DisableIM
	return p
}

// whole is what a view comes to with nothing left out. Availability is the server's word. Of somebody of this portal the
// details are those of the portal's own word, which says more than what is published; so is what they are doing, as long as
// both say the same availability.
func (s *Service) whole(sub *subject, v *view, now time.Time) portal.Presence {
	out := v.presence
	out.NoIM = out.NoIM || s.o.InForce(sub.address).DisableIM
	p := sub.local
	if p == nil || !p.line || !p.present || out.Availability == portal.Offline {
		// Who appears offline is not to be told from who is by what else is known of them.
		return out
	}
	ours := slices.IndexFunc(v.claims, func(c portal.Claim) bool { return s.mine(c.Endpoint) })
	if ours < 0 {
		return out
	}
	claims := make([]portal.Claim, 0, len(v.claims))
	for _, c := range v.claims {
		if !s.mine(c.Endpoint) {
			claims = append(claims, c)
		}
	}
	d := policy.Compose(append(claims, p.claim), now)
	out.Note, out.OutOfOffice, out.Agenda, out.Location, out.TimeZone = d.Note, d.OutOfOffice, d.Agenda, d.Location, d.TimeZone
	out.NoIM = out.NoIM || d.NoIM
	if d.Availability == out.Availability {
		out.Activity, out.Custom = d.Activity, d.Custom
	}
	if d.Availability == out.Availability && !d.Since.IsZero() && (out.Since.IsZero() || d.Since.Before(out.Since)) {
		out.Since = d.Since
	}
	out.Meeting, out.MeetingPlace = p.meeting.subject, p.meeting.place
	return out
}

// As is what somebody with a sight sees of a person of this portal ("how they see me"), the person's policies applied.
func (s *Service) As(of portal.Address, sight portal.Sight) portal.Presence {
	s.mu.Lock()
	defer s.mu.Unlock()
	sight = policy.Limit(sight, s.o.InForce(of))
	if sight.Hidden {
		return s.hiddenOf(of)
	}
	p := s.people[of]
	if p == nil {
		return policy.UnknownOf(of)
	}
	own := s.own(p, s.o.Now())
	if own.Availability == portal.Offline {
		return s.hiddenOf(of)
	}
	return policy.See(own, sight)
}
