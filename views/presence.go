package views

import "portico/app/portal"

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
