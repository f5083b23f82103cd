package presence

// What the portal says of one of its people, and how they see themselves.

import (
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

// Own is a person's presence as they see it themselves: what this portal says, at once, and what their
// other devices say, as far as the server has told.
func (s *Service) Own(who portal.Address) portal.Presence {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[who]
	if p == nil {
		return policy.UnknownOf(who)
	}
	return s.own(p, s.o.Now())
}

// own composes the own presence.
func (s *Service) own(p *person, now time.Time) portal.Presence {
	claims, heard := s.heard(p, now)
	claim, present, _ := s.claimOf(p, now)
	if present {
		claims = append(claims, claim)
	}
	if len(claims) == 0 && !heard {
		return policy.UnknownOf(p.address)
	}
	own := policy.Compose(claims, now)
	own.URI, own.Provider = p.address, p.provider
	own.NoIM = own.NoIM || s.o.InForce(p.address).DisableIM
	if present && own.Availability != portal.Offline {
		in := s.meetingOf(p, now)
		own.Meeting, own.MeetingPlace = in.subject, in.place
	}
	return own
}

// heard is what the server says of p's other endpoints, and whether it says anything. What comes back of our own word is
// not counted.
func (s *Service) heard(p *person, now time.Time) (claims []portal.Claim, fresh bool) {
	_, e := s.entryOf(p.address, p.address)
	if e == nil || !e.fresh(now) {
		return nil, false
	}
	for _, c := range e.view.claims {
		if !s.mine(c.Endpoint) {
			claims = append(claims, c)
		}
	}
	return claims, true
}

// calendarOf is what p's calendar says as far as policy lets it.
func (s *Service) calendarOf(p *person) portal.CalendarState {
	if s.o.InForce(p.address).DisableCalendarPresence {
		return portal.CalendarState{}
	}
	return p.calendar
}

// meetingOf is the meeting p is in, by a calendar state that holds.
func (s *Service) meetingOf(p *person, now time.Time) meeting {
	cal := s.calendarOf(p)
	if !cal.Until.IsZero() && !cal.Until.After(now) {
		return meeting{}
	}
	return meeting{subject: cal.Subject, place: cal.Place}
}

// claimOf is what the portal says of p at now, whether it says anything, and when that will change by
// the mere passing of time.
func (s *Service) claimOf(p *person, now time.Time) (c portal.Claim, present bool, next int64) {
	places, last := p.places(now, s.o.ActiveLease)
	next = never
	soon := func(t time.Time) {
		if t.After(now) {
			next = min(next, t.UnixNano())
		}
	}
	soon(p.touched)
	if grace := p.detached.Add(s.o.Grace); places == 0 && !p.detached.IsZero() && grace.After(now) {
		places = 1
		soon(grace)
	}
	if places == 0 {
		return portal.Claim{}, false, next
	}
	cal := s.calendarOf(p)
	soon(cal.Until)
	c = s.detailsOf(p, cal, now)
	soon(p.note.Until)
	if chosen, ok := s.chosen(p, now); ok {
		soon(chosen.Until)
		c.Source, c.Availability, c.Activity, c.Custom = chosen.Source, chosen.Availability, chosen.Activity, chosen.Custom
		c.Until = chosen.Until
		if c.Since = chosen.Since; c.Since.IsZero() {
			c.Since = s.sinceOf(p, c, now)
		}
		return c, true, next
	}
	if m, ok := s.handOf(p, now); ok {
		soon(m.Until)
		c.Source, c.Availability, c.Activity, c.Since, c.Until = portal.SourceHand, m.Availability, m.Activity, m.SetAt, m.Until
		if st, ok := policy.CustomState(m.Activity, s.states(p.address)); ok {
			c.Custom = st.Texts
		}
		return c, true, next
	}
	switch {
	case p.inCall:
		c.Source, c.Availability, c.Activity = portal.SourceCall, portal.Busy, portal.InACall
	case cal.Availability != "" && (cal.Until.IsZero() || cal.Until.After(now)):
		c.Source, c.Availability, c.Activity = portal.SourceCalendar, cal.Availability, cal.Activity
	default:
		var change time.Time
		c.Availability, c.Activity, change = s.limits.Automatic(last, places, now)
		if held, until := s.held(p, now); held {
			soon(until)
		} else {
			soon(change)
		}
	}
	c.Since = s.sinceOf(p, c, now)
	return c, true, next
}

// held reports whether a browser's word that p is at it counts now, and until when the last such does; the zero time: it has no
// end of its own.
func (s *Service) held(p *person, now time.Time) (held bool, until time.Time) {
	for i := range p.conns {
		c := &p.conns[i]
		if !c.holds(now, s.o.ActiveLease) {
			continue
		}
		held = true
		if end := c.last.Add(s.o.ActiveLease); s.o.ActiveLease > 0 && end.After(until) {
			until = end
		}
	}
	return held, until
}

// detailsOf is what the portal says of p beside the state.
func (s *Service) detailsOf(p *person, cal portal.CalendarState, now time.Time) portal.Claim {
	inForce := s.o.InForce(p.address)
	c := portal.Claim{Endpoint: s.endpoint, Source: portal.SourceActivity, OutOfOffice: cal.OutOfOffice, Agenda: cal.Agenda,
		Location: p.where.Location, TimeZone: p.where.TimeZone, Provider: p.provider, NoIM: inForce.DisableIM}
	if n := p.note; !inForce.DisablePresenceNote && (n.Until.IsZero() || n.Until.After(now)) {
		c.Note = n.Text
	}
	return c
}

// chosen is the word of the endpoint that p chose to count, where that is another than the portal and is there: then the
// portal says the same, so that those agree who know nothing of the choice.
func (s *Service) chosen(p *person, now time.Time) (portal.Claim, bool) {
	if p.provider == "" || p.provider == policy.PortalProvider {
		return portal.Claim{}, false
	}
	others, _ := s.heard(p, now)
	return policy.Chosen(others, p.provider, now)
}

// handOf is what p set by hand as far as it holds: until its end, as the custom states are now, and no appearing offline
// against policy.
func (s *Service) handOf(p *person, now time.Time) (portal.Manual, bool) {
	if p.manual == nil || !p.manual.Until.IsZero() && !p.manual.Until.After(now) {
		return portal.Manual{}, false
	}
	m := *p.manual
	if m.Availability == portal.Offline && !s.o.InForce(p.address).EnableAppearOffline {
		return portal.Manual{}, false
	}
	if policy.IsCustom(m.Activity) && s.o.States != nil {
		st, there := policy.CustomState(m.Activity, s.o.States(p.address))
		if !there {
			m.Activity = portal.NoActivity
		} else {
			m.Availability = st.Availability
		}
	}
	return m, true
}

// states are the custom states who may set.
func (s *Service) states(who portal.Address) []portal.CustomState {
	if s.o.States == nil {
		return nil
	}
	return s.o.States(who)
}

// sinceOf is when p began to say what c says.
func (s *Service) sinceOf(p *person, c portal.Claim, now time.Time) time.Time {
	if p.present && p.claim.Availability == c.Availability {
		return p.claim.Since
	}
	return instant(now)
}
