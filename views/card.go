package views

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// Card is what one person may know of another, and what can be done.
type Card struct {
	portal.Person
	Presence portal.Presence
	// Contact is their entry on the reader's list; nil: they are not on it.
	Contact *portal.Contact
	// Managed: the list keeps groups, favourites and tags; Groups are the reader's.
	Managed bool
	Groups  []string
	// Relationship is what the reader gave them; empty where the portal knows no privacy.
	Relationship portal.Relationship
	Given        bool
	Manager      *portal.Person
	Reports      []portal.Person
	// Zone is where their clock stands; nil: not known, or not to be seen.
	Zone *time.Location
	// Day is their free/busy time of today; nil: not to be seen, or nobody knows.
	Day *Day
	// MaySchedule: the portal has calendars; Outlook: the person can be saved among one's own contacts there.
	MaySchedule, Outlook bool
	// Shown: it is what somebody else sees, to look at only. Self: it is the reader's own.
	Shown, Self bool
	// MayGroup: a conversation with them can become a group's.
	MayGroup bool
}

// CardPage is the page /contacts/{uri}.
type CardPage struct {
	Frame
	Card Card
}

// Day is somebody's time between two instants.
type Day struct {
	From, To time.Time
	Busy     []portal.BusyTime
}

// dayWidth is the width of the bar of a day in its own units.
const dayWidth = 720

type dayBar struct {
	x, width string
	kind     string
}

// bars are the busy times as parts of the bar.
func (d Day) bars() []dayBar {
	whole := d.To.Sub(d.From)
	var out []dayBar
	for _, b := range d.Busy {
		from, to := later(b.Start, d.From), earlier(b.End, d.To)
		if !to.After(from) || whole <= 0 {
			continue
		}
		place := func(t time.Time) float64 { return float64(t.Sub(d.From)) / float64(whole) * dayWidth }
		out = append(out, dayBar{x: fmt.Sprintf("%.1f", place(from)), width: fmt.Sprintf("%.1f", max(3, place(to)-place(from))), kind: string(b.Show)})
	}
	return out
}

// now is where the present is in the bar; empty: outside.
func (d Day) now(t time.Time) string {
	if t.Before(d.From) || t.After(d.To) {
		return ""
	}
	return fmt.Sprintf("%.1f", float64(t.Sub(d.From))/float64(d.To.Sub(d.From))*dayWidth)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// dayMark tells whether a card shows the day that a presence speaks of, and the clock of the right zone. It says no more
// than the presence does.
func dayMark(p portal.Presence) string {
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format("0215:04")
	}
	a := p.Agenda
	if !a.Known && p.TimeZone == "" {
		return ""
	}
	return fmt.Sprintf("%t %s %s-%s %s", a.Known, at(a.BusyUntil), at(a.NextFrom), at(a.NextUntil), p.TimeZone)
}

// dayText is a day in words: when somebody is busy, in the reader's time.
func (r Reader) dayText(d Day) string {
	var parts []string
	for _, b := range d.Busy {
		from, to := later(b.Start, d.From), earlier(b.End, d.To)
		switch {
		case to.After(from) && b.Start.Equal(r.Now): // what is under way, and nobody said since when
			parts = append(parts, r.Text("presence.busy-until", "Time", r.clock(to)))
		case to.After(from):
			key := "card.busy." + cmp.Or(string(b.Show), string(portal.ShowBusy))
			if !r.Has(key) {
				key = "card.busy.busy"
			}
			parts = append(parts, r.Text(key, "From", r.clock(from), "To", r.clock(to)))
		}
	}
	if len(parts) == 0 {
		return r.Text("card.free-today")
	}
	return strings.Join(parts, ", ")
}

// localTime says what time it is there: "14:05 there, 2 hours ahead". It is empty where the clocks show the same.
func (r Reader) localTime(zone *time.Location) string {
	there := r.Now.In(zone)
	_, theirs := there.Zone()
	_, mine := r.Now.In(r.Zone).Zone()
	ahead := time.Duration(theirs-mine) * time.Second
	clock := r.Clock(there)
	switch {
	case ahead == 0:
		return r.Text("card.same-time", "Time", clock)
	case ahead > 0:
		return r.Text("card.ahead", "Time", clock, "Span", r.hours(ahead))
	}
	return r.Text("card.behind", "Time", clock, "Span", r.hours(-ahead))
}

// hours is a difference of clocks: "2 hours", "30 minutes", "5:30 hours".
func (r Reader) hours(d time.Duration) string {
	whole, minutes := int(d/time.Hour), int(d%time.Hour/time.Minute)
	switch {
	case minutes == 0:
		return r.Count("card.hours", whole)
	case whole == 0:
		return r.Count("time.minutes", minutes)
	}
	return r.Text("card.hours-minutes", "Time", fmt.Sprintf("%d:%02d", whole, minutes))
}

// called is what the reader calls the person.
func (c Card) called() string {
	if c.Contact != nil && c.Contact.Nickname != "" {
		return c.Contact.Nickname
	}
	return name(c.Person)
}

// inGroup reports whether the contact is in a group.
func (c Card) inGroup(group string) bool {
	return c.Contact != nil && (slices.Contains(c.Contact.Groups, group) || c.Contact.Group == group)
}

// numbers are the telephone numbers with their kinds; those of a source that has no kinds are of none.
func (c Card) numbers() []portal.Number {
	if len(c.Numbers) > 0 {
		return c.Numbers
	}
	var out []portal.Number
	for _, phone := range c.Phones {
		out = append(out, portal.Number{Kind: "other", Number: phone})
	}
	return out
}

func (c Card) dials() string {
	if n := c.numbers(); len(n) > 0 {
		return "tel:" + dialable(n[0].Number)
	}
	return ""
}

func (r Reader) numberKind(n portal.Number) string {
	if key := "person.number." + n.Kind; n.Kind != "other" && r.Has(key) {
		return r.Text(key)
	}
	return r.Text("person.phone")
}

// lastActive is since when somebody is away from their keys, where that is shown.
func (r Reader) lastActive(p portal.Presence) string {
	if p.Since.IsZero() || (p.Availability != portal.Away && p.Availability != portal.BeRightBack && p.Availability != portal.Offline) {
		return ""
	}
	return r.moment(p.Since)
}

// schedulePath leads to the form of an appointment with the person in it.
func (c Card) schedulePath() string { return "/calendar/new?with=" + c.URI.Path() }

// relationships are those that can be given.
func relationships() []portal.Relationship {
	return []portal.Relationship{portal.Personal, portal.Team, portal.Company, portal.Public, portal.Blocked}
}

// IsGroup reports whether the card is of a distribution group.
func (c Card) IsGroup() bool {
	return c.Group || c.Contact != nil && c.Contact.IsGroup
}

// group is the first of the contact's groups.
func (c Card) group() string {
	if c.Contact == nil {
		return ""
	}
	return c.Contact.Group
}

func onOff(on bool, yes, no string) string {
	if on {
		return yes
	}
	return no
}
