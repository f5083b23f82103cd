package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/calendar"
	"portico/app/portal"
	"portico/views"
)

// Cards: what one person may know of another. Everything of it comes through the same gate as presence does, the sight
// that the other lets the reader have.

// The hours of a day that a card's bar shows.
const (
	barFrom = 7
	barTo   = 20
)

// cardPage is somebody's card on a page of its own, or alone for the page's script.
func (s *Server) cardPage(c echo.Context) error {
	of, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	if partial(c) {
		card, err := s.card(c, of, true)
		if err != nil {
			return err
		}
		settings, err := s.Account.Settings(c.Request().Context(), s.person(c))
		if err != nil {
			return err
		}
		return s.render(c, http.StatusOK, views.PersonCard(s.reader(c), settings, card))
	}
	f, err := s.frame(c, views.Contacts, "contacts.title")
	if err != nil {
		return err
	}
	card, err := s.card(c, of, true)
	if err != nil {
		return err
	}
	f.Title = card.Person.DisplayName
	return s.render(c, http.StatusOK, views.CardView(views.CardPage{Frame: f, Card: card}))
}

// card is what the request's person may know of somebody, and what they can do. whole asks the mail server too.
func (s *Server) card(c echo.Context, of portal.Address, whole bool) (views.Card, error) {
	ctx, who := c.Request().Context(), s.person(c)
	card, err := s.cardFor(ctx, who, of)
	if err != nil {
		return card, err
	}
	card.Self = of == who
	if card.Self {
		card.Presence = s.Presence.Own(who)
		return card, nil
	}
	card.MaySchedule = s.Calendar != nil
	card.MayGroup = s.Rooms != nil && !s.isRoom(of) && !card.Person.Group
	if err := s.entryOf(ctx, who, &card); err != nil {
		return card, err
	}
	if s.Privacy != nil {
		if card.Relationship, err = s.Privacy.Relationship(ctx, who, of); err != nil {
			return card, err
		}
	}
	if sight := s.sight(of, who); sight.FreeBusy && !card.IsGroup() {
		card.Day = s.dayOf(ctx, s.reader(c), who, card, whole)
	}
	return card, nil
}

// cardFor is what a viewer may know of somebody: the address book's facts, and presence, cut by the other's privacy.
func (s *Server) cardFor(ctx context.Context, viewer, of portal.Address) (views.Card, error) {
	person := s.shownTo(viewer, s.Directory.Lookup(ctx, of))
	card := views.Card{Person: person}
	if !person.Group {
		card.Presence = s.Presence.Of(viewer, of)
	}
	if person.Manager != "" {
		manager := s.Directory.Lookup(ctx, person.Manager)
		card.Manager = &manager
	}
	if s.Reports != nil {
		var err error
		if card.Reports, err = s.Reports(ctx, of); err != nil {
			return card, err
		}
	}
	card.Zone = s.zones.find(card.Presence.TimeZone)
	if card.Zone == nil {
		card.Zone = s.zones.find(person.TimeZone)
	}
	return card, nil
}

// entryOf adds the other's place on the person's list.
func (s *Server) entryOf(ctx context.Context, who portal.Address, card *views.Card) error {
	list, err := s.Contacts.List(ctx, who)
	if err != nil {
		return err
	}
	for _, contact := range list {
		if contact.URI == card.URI {
			card.Contact = &contact
		}
		if contact.Group != "" && !slices.Contains(card.Groups, contact.Group) {
			card.Groups = append(card.Groups, contact.Group)
		}
	}
	slices.Sort(card.Groups)
	if s.Book == nil {
		return nil
	}
	card.Managed, card.Outlook = true, s.Calendar != nil
	groups, err := s.Book.Groups(ctx, who)
	if err != nil {
		return err
	}
	card.Groups = nil
	for _, g := range groups {
		card.Groups = append(card.Groups, g.Name)
	}
	return nil
}

// shownTo is a person of the address book as a viewer may see them: telephone numbers are cut by the other's privacy.
// Personal and team see every number, others the one at work. Who is hidden from the viewer shows what they show to
// people without a relationship, so that nobody can tell by it; all answers come from memory, so that nobody can tell by the
// time either.
func (s *Server) shownTo(viewer portal.Address, p portal.Person) portal.Person {
	if s.Privacy == nil || p.URI == viewer || p.Group || len(p.Phones)+len(p.Numbers) == 0 {
		return p
	}
	relationship, sight := s.Privacy.Standing(p.URI, viewer)
	return withNumbers(p, sight.Numbers, relationship == portal.Personal || relationship == portal.Team)
}

// withNumbers leaves of a person's numbers those that are shown: none, those at work, or all.
func withNumbers(p portal.Person, shown, all bool) portal.Person {
	switch {
	case !shown:
		p.Numbers, p.Phones = nil, nil
	case !all && len(p.Numbers) > 0:
		p.Numbers = slices.DeleteFunc(slices.Clone(p.Numbers), func(n portal.Number) bool { return n.Kind == "home" || n.Kind == "mobile" })
		p.Phones = nil
		for _, n := range p.Numbers {
			p.Phones = append(p.Phones, n.Number)
		}
	}
	return p
}

// dayOf is somebody's free/busy time of the reader's today: from the mail server where whole asks for it and it answers
// in time, else what presence says of it. Nil where nobody knows.
func (s *Server) dayOf(ctx context.Context, r views.Reader, viewer portal.Address, card views.Card, whole bool) *views.Day {
	at := func(hour int) time.Time {
		return time.Date(r.Now.Year(), r.Now.Month(), r.Now.Day(), hour, 0, 0, 0, r.Zone)
	}
	day := &views.Day{From: at(barFrom), To: at(barTo)}
	if whole && s.Calendar != nil && card.Presence.Availability != portal.Offline {
		// What presence says goes on below where the server knows of nothing: it may have been said elsewhere.
		if busy, ok := s.busyTimes(ctx, viewer, card.Person, day.From, day.To); ok && (len(busy) > 0 || !card.Presence.Agenda.BusyUntil.After(r.Now)) {
			day.Busy = busy
			return day
		}
	}
	agenda := card.Presence.Agenda
	if !agenda.Known {
		return nil
	}
	if agenda.BusyUntil.After(r.Now) {
		day.Busy = append(day.Busy, portal.BusyTime{Start: r.Now, End: agenda.BusyUntil, Show: portal.ShowBusy})
	}
	if agenda.NextFrom.After(r.Now) && agenda.NextFrom.Before(day.To) {
		day.Busy = append(day.Busy, portal.BusyTime{Start: agenda.NextFrom, End: agenda.NextUntil, Show: portal.ShowBusy})
	}
	return day
}

// busyTimes asks the mail server for somebody's busy times, without subjects; false where it does not say.
func (s *Server) busyTimes(ctx context.Context, viewer portal.Address, of portal.Person, from, to time.Time) ([]portal.BusyTime, bool) {
	ctx, cancel := context.WithTimeout(ctx, folderPatience)
	defer cancel()
	plan, err := s.Calendar.Plan(ctx, viewer, calendar.PlanRequest{Attendees: []portal.Attendee{attendeeOf(of)}, From: from, To: to, Minutes: 30, Location: from.Location()})
	if err != nil || len(plan.Rows) < 2 || plan.Rows[1].Error != "" {
		return nil, false
	}
	var busy []portal.BusyTime
	for _, b := range plan.Rows[1].Busy {
		if b.Show == portal.ShowFree || b.Show == portal.ShowNoData {
			continue
		}
		busy = append(busy, portal.BusyTime{Start: b.Start, End: b.End, Show: b.Show})
	}
	return busy, true
}

// actOnContact does what a card's form asks for.
func (s *Server) actOnContact(c echo.Context) error {
	uri, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	if err := form(c); err != nil {
		return err
	}
	do := c.FormValue("do")
	if do == "relationship" {
		err = s.give(c.Request().Context(), s.person(c), uri, portal.Relationship(c.FormValue("relationship")))
	} else {
		err = s.changeEntry(c, uri, do)
	}
	if err != nil {
		return err
	}
	return s.done(c, views.ContactPath(uri))
}

func (s *Server) changeEntry(c echo.Context, uri portal.Address, do string) error {
	if s.Book == nil {
		return portal.Fail(portal.ErrUnavailable, "contacts.plain")
	}
	ctx, who := c.Request().Context(), s.person(c)
	switch do {
	case "favourite", "unfavourite":
		return s.Book.Favourite(ctx, who, uri, do == "favourite")
	case "tag", "untag":
		return s.Book.Tag(ctx, who, uri, do == "tag")
	case "nickname":
		return s.Book.Nickname(ctx, who, uri, c.FormValue("nickname"))
	case "outlook":
		return s.Book.SaveToOutlook(ctx, who, uri)
	case "groups":
		groups := []string{}
		for _, name := range c.Request().PostForm["groups"] {
			if name = strings.TrimSpace(name); name != "" && !slices.Contains(groups, name) {
				groups = append(groups, name)
			}
		}
		return s.Contacts.Put(ctx, who, portal.Contact{URI: uri, Groups: groups})
	}
	return portal.Fail(portal.ErrInvalid, "contacts.act")
}

// give gives somebody a relationship: in the privacy of the portal, else in the entry of the list.
func (s *Server) give(ctx context.Context, who, with portal.Address, r portal.Relationship) error {
	if !r.Valid() {
		return portal.Fail(portal.ErrInvalid, "contact.relationship")
	}
	if s.Privacy != nil {
		return s.Privacy.Give(ctx, who, with, r)
	}
	return s.Contacts.Amend(ctx, who, portal.Contact{URI: with, Relationship: r})
}
