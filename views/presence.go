package views

import (
	"time"

	"portico/app/portal"
)

// Mine is what the menu "My status" offers beside the plain states.
type Mine struct {
	// InForce is what policy decides.
	InForce portal.InForce
	// Decided: there are policies at all.
	Decided bool
	// States are the custom states to choose from.
	States []portal.CustomState
	// Kept: notes can end by themselves, and whereabouts are kept.
	Kept        bool
	NoteUntil   time.Time
	Whereabouts portal.Whereabouts
	// Places: the portal tells where the person is signed in.
	Places bool
}

// MayAppearOffline reports whether policy lets the person appear offline.
func (m Mine) MayAppearOffline() bool { return !m.Decided || m.InForce.EnableAppearOffline }

// stateText is what a custom state is called in the reader's language; where it is missing, the plain state.
func (r Reader) stateText(c portal.CustomState) string {
	if text := c.Texts.For(portal.LCID(r.Tag())); text != "" {
		return text
	}
	return r.Availability(c.Availability)
}

// shape is what a dot looks like: the availability, with unknown for everything that is none.
func shape(p portal.Presence) string {
	if !p.Availability.Valid() {
		return string(portal.Unknown)
	}
	return string(p.Availability)
}

// settable lists what a person can choose, from the most to the least reachable.
func settable() []portal.Availability {
	return []portal.Availability{portal.Available, portal.Busy, portal.DoNotDisturb, portal.BeRightBack, portal.Away, portal.Offline}
}

// Durations lists for how long a state can be set by hand, as values of the form's field "for": "open" is until
// it is reset, "today" until midnight of the person's day, the others are Go durations.
func Durations() []string { return []string{"open", "30m", "1h", "2h", "4h", "today"} }

// unknown is the presence of a person of whom nothing is known yet.
func unknown(a portal.Address) portal.Presence {
	return portal.Presence{URI: a, Availability: portal.Unknown}
}
