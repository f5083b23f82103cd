// Package views is what people see: pages and live fragments, made of the same components, each from a struct
// made for it. It decides how things are shown and nothing else.
package views

import (
	"fmt"
	"hash/fnv"
	"net/url"
	"strings"
	"time"
	"unicode"

	"portico/app/portal"
	"portico/views/catalogue"
)

// Reader is for whom something is rendered: their language with how they write dates and numbers, their time zone and what time it is.
type Reader struct {
	*catalogue.Catalogue
	Zone *time.Location
	Now  time.Time
	// Thin: the reader's session is a thin one, in which no picture is shown that was not asked for.
	Thin bool
	// Shared is the path of what pages have in common (Specimen); empty: nothing is kept of them.
	Shared string
}

// NewReader makes a Reader from a locale and an IANA zone; a zone that the system does not know is UTC.
func NewReader(locale, zone string, now time.Time) Reader {
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" {
		loc = time.UTC
	}
	return Reader{Catalogue: catalogue.For(locale), Zone: loc, Now: now.In(loc)}
}

// scriptTag is the locale with which scripts write dates and hours: as the server does. English without a country has 24 hours
// and the day before the month here.
func (r Reader) scriptTag() string {
	if r.Tag() == "en" {
		return "en-GB"
	}
	return r.Tag()
}

func (r Reader) clock(t time.Time) string  { return r.Clock(t.In(r.Zone)) }
func (r Reader) day(t time.Time) string    { return r.Day(t.In(r.Zone), r.Now) }
func (r Reader) short(t time.Time) string  { return r.Short(t.In(r.Zone), r.Now) }
func (r Reader) moment(t time.Time) string { return r.Moment(t.In(r.Zone), r.Now) }
func (r Reader) since(t time.Time) string  { return r.Since(t.In(r.Zone), r.Now) }
func (r Reader) full(t time.Time) string   { return r.Full(t.In(r.Zone)) }

// Agenda says what somebody's calendar says of their time: until when they are busy or free. It is empty where
// no calendar says anything.
func (r Reader) Agenda(p portal.Presence) string {
	a := p.Agenda
	switch {
	case !a.Known || p.Availability == portal.Unknown || p.Availability == portal.Offline:
		return ""
	case a.BusyUntil.After(r.Now):
		return r.Text("presence.busy-until", "Time", r.moment(a.BusyUntil))
	case a.NextFrom.After(r.Now):
		return r.Text("presence.free-until", "Time", r.moment(a.NextFrom))
	}
	return r.Text("presence.free")
}

// stamp is t for a datetime attribute.
func (r Reader) stamp(t time.Time) string { return t.In(r.Zone).Format(time.RFC3339) }

// dayKey names t's day in the reader's zone: "2026-11-21".
func (r Reader) dayKey(t time.Time) string { return t.In(r.Zone).Format(time.DateOnly) }

// Frame is what every page of a signed-in person has around it.
type Frame struct {
	Reader
	// Title names the page without the product's name.
	Title   string
	Section Section
	Me      portal.Person
	Own     portal.Presence
	Admin   bool
	Unread  map[portal.Address]int
	// Counts is all that waits for the reader: Unread, and what waits in rooms and in the list of calls.
	Counts portal.CountsEvent
	// IsRoom tells rooms from people; nil: there are no rooms.
	IsRoom func(portal.Address) bool
	Line   portal.LineEvent
	// Settings decide theme, sound and notifications.
	Settings portal.Settings
	// Head is the number of the last event that the page already contains.
	Head int64
	// Seen are the marks of what is in force for the reader, for the page's connection to be told only of what is not.
	Seen string
	// Here is the page's own path, to come back to after a form.
	Here string
	// Reminders are those that are due.
	Reminders []portal.ReminderEvent
	// Conversation is whose conversation is open; empty if none.
	Conversation portal.Address
	// DraftAt is when what stands in the composer was written; zero where nothing ever was, or what was just refused stands there.
	DraftAt time.Time
	// Problem is a sentence about what just went wrong; empty if nothing did.
	Problem string
	// Mine is what the menu of the own status offers.
	Mine Mine
	// HasPrivacy: the portal keeps relationships; Watching is how many people wait for a word on what they may see.
	HasPrivacy bool
	Watching   int
	// ThinFrom is what decided on the kind of session (portal.Me.ThinFrom). MayOfferThin: nothing did, and a thin one may be
	// offered; OffersThin: the browser has said already that it would be glad of it.
	ThinFrom                 string
	MayOfferThin, OffersThin bool
}

// draftAt is Frame.DraftAt in Unix milliseconds, as the composer's script takes it; now is the server's clock for it.
func (f Frame) draftAt() string {
	if f.DraftAt.IsZero() {
		return "0"
	}
	return fmt.Sprint(f.DraftAt.UnixMilli())
}

func (f Frame) now() string { return fmt.Sprint(f.Reader.Now.UnixMilli()) }

func (f Frame) totals() totals {
	e := f.Counts
	e.Unread = f.Unread
	return newTotals(e, f.IsRoom)
}

// windowTitle is what the browser's tab says.
func (f Frame) windowTitle() string {
	title := f.Title + " · Portico"
	if n := f.totals().title(); n > 0 {
		return fmt.Sprintf("(%d) %s", n, title)
	}
	return title
}

// badge is a number of unread messages as it fits a small place.
func badge(n int) string {
	if n > 99 {
		return "99+"
	}
	return fmt.Sprint(n)
}

// initials are the first letters of the first and the last word of a name.
func initials(name string) string {
	words := strings.FieldsFunc(name, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
	if len(words) == 0 {
		return "?"
	}
	first := []rune(words[0])[:1]
	if len(words) > 1 {
		first = append(first, []rune(words[len(words)-1])[0])
	}
	return strings.ToUpper(string(first))
}

// hue picks one of the eight tints of initials, always the same for a person.
func hue(a portal.Address) string {
	h := fnv.New32a()
	h.Write([]byte(a))
	return fmt.Sprint(h.Sum32() % 8)
}

// name is how a person is called: the display name, else the address.
func name(p portal.Person) string {
	if p.DisplayName != "" {
		return p.DisplayName
	}
	return p.URI.Bare()
}

// ChatPath is where a conversation is read.
func ChatPath(a portal.Address) string { return "/chat/" + url.PathEscape(string(a)) }

// messageID is a message's element id; unique because a sender's ids are.
func messageID(from portal.Address, id string) string {
	return "m-" + string(from) + "/" + url.PathEscape(id)
}
