package policy

// One presence out of what several devices claim.

import (
	"cmp"
	"slices"
	"time"

	"portico/app/portal"
)

// The levels of precedence: a claim of a higher level silences all claims below it.
const (
	levelActivity = iota
	levelCalendar
	levelCall
	levelHand
)

// Compose makes one presence out of the claims of all of a person's endpoints, in any order:
//
//   - a claim whose Until has come says nothing any more, except by its notes;
//   - by hand beats call, call beats calendar, calendar beats activity;
//   - by hand, the latest choice wins; on the other levels do-not-disturb beats busy beats available
//     beats be-right-back beats away beats a claim nobody understands beats offline;
//   - the newest note, the newest out-of-office note, the newest place and time zone and the newest word of a
//     calendar are shown, whichever endpoint they come from;
//   - instant messages are not taken where every endpoint that is there says so;
//   - where a claim names a Provider that is among the endpoints, the word of that one alone counts, with the
//     notes, place and calendar of the claim that names it; a provider that is gone changes nothing;
//   - no claim at all means offline: nobody is there.
//
// Since is when the first of the endpoints that say the winning availability began to say it; zero when
// none of them tells. ByHand and Until describe the winning choice by hand; OthersSee removes them.
func Compose(claims []portal.Claim, now time.Time) portal.Presence {
	p := portal.Presence{Availability: portal.Offline}
	claims, details := counting(claims, now)
	p.NoIM = noIM(claims, now)
	p.Location, p.TimeZone = whereabouts(details)
	p.Note = newest(details, func(c portal.Claim) string { return c.Note })
	p.OutOfOffice = newest(details, func(c portal.Claim) string { return c.OutOfOffice })
	p.Agenda = agenda(details)
	best, top := portal.Claim{}, -1
	for _, c := range claims {
		if ended(c, now) {
			continue
		}
		level := levelOf(c)
		if level > top || level == top && stronger(level, c, best) {
			best, top = c, level
		}
	}
	if top < 0 {
		return p
	}
	p.Availability, p.Activity, p.Custom = known(best.Availability), best.Activity, best.Custom
	if top == levelHand {
		p.ByHand, p.Until, p.Since = true, best.Until, best.Since
		return p
	}
	for _, c := range claims {
		if ended(c, now) || levelOf(c) != top || known(c.Availability) != p.Availability || c.Since.IsZero() {
			continue
		}
		if p.Since.IsZero() || c.Since.Before(p.Since) {
			p.Since = c.Since
		}
	}
	return p
}

// NextChange is when Compose of the same claims may next give something else by the mere passing of
// time: the earliest Until after now. Zero: never.
func NextChange(claims []portal.Claim, now time.Time) time.Time {
	var next time.Time
	for _, c := range claims {
		if c.Until.After(now) && (next.IsZero() || c.Until.Before(next)) {
			next = c.Until
		}
	}
	return next
}

// Follow corrects the Since of next by what was seen before it, without a gap in between: the same
// availability has lasted since it was first seen, and another one cannot have begun before the one it
// replaces. A previous presence that is unknown teaches nothing.
func Follow(previous, next portal.Presence, now time.Time) portal.Presence {
	switch {
	case previous.Availability == "" || previous.Availability == portal.Unknown:
	case previous.Availability == next.Availability && previous.ByHand == next.ByHand:
		if !previous.Since.IsZero() && (next.Since.IsZero() || next.Since.After(previous.Since)) {
			next.Since = previous.Since
		}
	case previous.Availability != next.Availability:
		if next.Since.IsZero() || !previous.Since.IsZero() && !next.Since.After(previous.Since) {
			next.Since = now
		}
	}
	return next
}

// OthersSee is p without what only the person themselves may see of it.
func OthersSee(p portal.Presence) portal.Presence {
	p.ByHand, p.Until, p.Provider = false, time.Time{}, ""
	return p
}

// UnknownOf is the presence of somebody of whom there is no fresh word.
func UnknownOf(who portal.Address) portal.Presence {
	return portal.Presence{URI: who, Availability: portal.Unknown}
}

func ended(c portal.Claim, now time.Time) bool { return !c.Until.IsZero() && !c.Until.After(now) }

// levelOf places a claim. A call or an appointment that does not occupy the person (free time) is no
// more than activity, and a foreign program that does not say what its word rests on is believed by
// what it says.
func levelOf(c portal.Claim) int {
	occupied := strength(c.Availability) >= strength(portal.Busy)
	switch c.Source {
	case portal.SourceHand:
		return levelHand
	case portal.SourceCall:
		if occupied {
			return levelCall
		}
	case portal.SourceCalendar:
		if occupied || c.Activity == portal.OutOfOffice {
			return levelCalendar
		}
	case portal.SourceActivity:
	default:
		if occupied && (c.Activity == portal.InACall || c.Activity == portal.InAConference) {
			return levelCall
		}
		if occupied && c.Activity == portal.InAMeeting || c.Activity == portal.OutOfOffice {
			return levelCalendar
		}
	}
	return levelActivity
}

// stronger reports whether a wins over b on one level. It is a total order, so that the order in which
// claims arrive decides nothing.
func stronger(level int, a, b portal.Claim) bool {
	byTime := moment(a).Compare(moment(b))
	byStrength := cmp.Or(
		cmp.Compare(strength(a.Availability), strength(b.Availability)),
		cmp.Compare(detail(a.Activity), detail(b.Activity)),
		cmp.Compare(a.Activity, b.Activity), cmp.Compare(a.Custom, b.Custom))
	rest := cmp.Or(a.Until.Compare(b.Until), a.Since.Compare(b.Since), cmp.Compare(a.Endpoint, b.Endpoint))
	if level == levelHand {
		return cmp.Or(byTime, byStrength, rest) > 0
	}
	return cmp.Or(byStrength, byTime, rest) > 0
}

// moment is when a claim's state was entered, or else when the claim was made.
func moment(c portal.Claim) time.Time {
	if c.Since.IsZero() {
		return c.At
	}
	return c.Since
}

// byStrengthAscending lists the availabilities from the one that loses against all others.
var byStrengthAscending = [...]portal.Availability{portal.Offline, portal.Unknown, portal.Away, portal.BeRightBack,
	portal.Available, portal.Busy, portal.DoNotDisturb}

func strength(a portal.Availability) int {
	return slices.Index(byStrengthAscending[:], known(a))
}

// known maps what is no availability at all to Unknown.
func known(a portal.Availability) portal.Availability {
	if !a.Valid() {
		return portal.Unknown
	}
	return a
}

// detail orders activities under the same availability: the one that says most wins; someone inactive
// at one device is not so at another.
func detail(a portal.Activity) int {
	switch a {
	case portal.Inactive:
		return 0
	case portal.NoActivity:
		return 1
	case portal.OutOfOffice:
		return 3
	case portal.InAMeeting:
		return 4
	case portal.InAConference:
		return 5
	case portal.InACall:
		return 6
	}
	return 2
}

// agenda is what the calendar says by the claim that was made last of those that know it.
func agenda(claims []portal.Claim) portal.Agenda {
	var best portal.Claim
	for _, c := range claims {
		if !c.Agenda.Known {
			continue
		}
		later := cmp.Or(c.At.Compare(best.At), c.Agenda.BusyUntil.Compare(best.Agenda.BusyUntil),
			c.Agenda.NextFrom.Compare(best.Agenda.NextFrom), c.Agenda.NextUntil.Compare(best.Agenda.NextUntil))
		if !best.Agenda.Known || later > 0 {
			best = c
		}
	}
	return best.Agenda
}

// newest picks the non-empty text of the claim that was made last.
func newest(claims []portal.Claim, text func(portal.Claim) string) string {
	var best string
	var at time.Time
	for _, c := range claims {
		t, made := text(c), c.At
		if made.IsZero() {
			made = c.Since
		}
		if t == "" {
			continue
		}
		if best == "" || made.After(at) || made.Equal(at) && t > best {
			best, at = t, made
		}
	}
	return best
}
