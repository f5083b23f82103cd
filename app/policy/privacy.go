package policy

// Who may see what of whom: relationships, what each shows, and what is left of a presence and of a claim under a sight.

import (
	"time"

	"portico/app/portal"
)

// StandardSight is what a relationship shows where the person changed nothing. What is no relationship shows as much as
// public does.
func StandardSight(r portal.Relationship) portal.Sight {
	switch r {
	case portal.Personal, portal.Team:
		return portal.FullSight()
	case portal.Company:
		return portal.Sight{Activity: true, FreeBusy: true, Note: true, Numbers: true, LastActive: true}
	case portal.Blocked:
		return portal.Sight{Hidden: true}
	}
	return portal.Sight{}
}

// SightOf is what a relationship shows as the person decided. Blocked shows nothing whatever the rules say.
func SightOf(p portal.Privacy, r portal.Relationship) portal.Sight {
	if r == portal.Blocked {
		return StandardSight(r)
	}
	s, changed := p.Rules[r]
	if !changed {
		return StandardSight(r)
	}
	return plain(s)
}

// RelationshipOf is the relationship a person has given to viewer: that of the tie, else the one of colleagues for people
// of ownDomain and that of others for everybody else.
func RelationshipOf(p portal.Privacy, ties []portal.Tie, viewer portal.Address, ownDomain string) portal.Relationship {
	given, _ := tieWith(ties, viewer)
	return RelationshipBy(p, given, viewer, ownDomain)
}

// RelationshipBy is RelationshipOf for one who knows what was given to viewer; empty: nothing.
func RelationshipBy(p portal.Privacy, given portal.Relationship, viewer portal.Address, ownDomain string) portal.Relationship {
	if given.Valid() {
		return given
	}
	r, standard := p.Others, portal.Public
	if ownDomain != "" && viewer.Domain() == ownDomain {
		r, standard = p.Colleagues, portal.Company
	}
	if !r.Valid() {
		return standard
	}
	return r
}

// SightFor is what a person shows to viewer, whose tie with the person says given; tied: there is one. With ContactsOnly
// the person is hidden from everybody else.
func SightFor(p portal.Privacy, given portal.Relationship, tied bool, viewer portal.Address, ownDomain string) portal.Sight {
	if p.ContactsOnly && !tied {
		return portal.Sight{Hidden: true}
	}
	return SightOf(p, RelationshipBy(p, given, viewer, ownDomain))
}

// Narrower is what both a and b show.
func Narrower(a, b portal.Sight) portal.Sight {
	return plain(portal.Sight{
		Hidden: a.Hidden || b.Hidden, Activity: a.Activity && b.Activity, FreeBusy: a.FreeBusy && b.FreeBusy, Meeting: a.Meeting && b.Meeting, Note: a.Note && b.Note,
		Numbers: a.Numbers && b.Numbers, Location: a.Location && b.Location, LastActive: a.LastActive && b.LastActive, Pierces: a.Pierces && b.Pierces,
	})
}

func tieWith(ties []portal.Tie, viewer portal.Address) (portal.Relationship, bool) {
	for _, t := range ties {
		if t.With == viewer {
			return t.Relationship, true
		}
	}
	return "", false
}

// plain is s in the one form it has: who is hidden shows nothing else.
func plain(s portal.Sight) portal.Sight {
	if s.Hidden {
		return portal.Sight{Hidden: true}
	}
	return s
}

// Limit is what policies leave of a sight. DisableMeetingSubjectAndLocation has no effect of its own where
// DisableCalendarPresence holds: then the calendar says nothing at all.
func Limit(s portal.Sight, f portal.InForce) portal.Sight {
	s = plain(s)
	s.FreeBusy = s.FreeBusy && !f.DisableFreeBusyInfo && !f.DisableCalendarPresence
	s.Meeting = s.Meeting && !f.DisableMeetingSubjectAndLocation && !f.DisableCalendarPresence
	s.Note = s.Note && !f.DisablePresenceNote
	return s
}

// See is what somebody with sight s sees of p, never what is the person's own alone. Nobody sees since when somebody is
// offline: who is hidden has no such time, and would be told by its lack.
func See(p portal.Presence, s portal.Sight) portal.Presence {
	if s.Hidden {
		return HiddenOf(p.URI)
	}
	p = OthersSee(p)
	if !s.LastActive || p.Availability == portal.Offline {
		p.Since = time.Time{}
	}
	if !s.Activity {
		p.Activity, p.Custom, p.Text = portal.NoActivity, "", ""
	}
	if !s.FreeBusy {
		p.Agenda, p.Calendar = portal.Agenda{}, ""
	}
	if !s.Meeting {
		p.Meeting, p.MeetingPlace = "", ""
	}
	if !s.Note {
		p.Note, p.OutOfOffice = "", ""
	}
	if !s.Location {
		p.Location, p.TimeZone = "", ""
	}
	return p
}

// HiddenOf is the presence of somebody who hides from the reader: that of one who is offline.
func HiddenOf(who portal.Address) portal.Presence {
	return portal.Presence{URI: who, Availability: portal.Offline}
}

// OnTheWire is what is published of a claim where the server hands the same to all who may watch and the least trusted
// of them has sight s. Availability is always told: it is all a server without rules can be given.
// Subject and place of meetings are no part of a claim; the end of a state that was not set by hand is the calendar's. Who
// appears offline says nothing else, whatever the sight: a note or a calendar that comes and goes with them, or that it was
// chosen, would tell that they are there.
func OnTheWire(c portal.Claim, s portal.Sight) portal.Claim {
	if c.Availability == portal.Offline {
		return portal.Claim{Endpoint: c.Endpoint, Availability: portal.Offline, Source: portal.SourceUnknown, At: c.At}
	}
	s = plain(s)
	if !s.LastActive {
		c.Since = time.Time{}
	}
	if !s.Activity {
		c.Activity, c.Custom = portal.NoActivity, ""
	}
	if !s.FreeBusy {
		c.Agenda = portal.Agenda{}
		if c.Source != portal.SourceHand {
			c.Until = time.Time{}
		}
	}
	if !s.Note {
		c.Note, c.OutOfOffice = "", ""
	}
	if !s.Location {
		c.Location, c.TimeZone = "", ""
	}
	return c
}
