package ewslab

// The example people and an example week around now: what a demo starts with.

import (
	"context"
	"fmt"
	"time"
)

// ExamplePeople are the lab's people (karl and lena answer invitations by themselves), two rooms, the list of rooms and the list of the sales team.
func ExamplePeople() []Person {
	const zone = "W. Europe Standard Time"
	one := func(user, name, title, department, office, phone, manager string) Person {
		return Person{User: user, Name: name, Password: "portico", Title: title, Department: department, Office: office, Phones: []string{phone}, Manager: manager, TimeZone: zone, Locale: "en-GB"}
	}
	byItself := func(p Person, answer string) Person {
		p.Answers = answer
		return p
	}
	return []Person{
		one("alice", "Alice Adams", "Head of Sales", "Sales", "Berlin 4.01", "+49 30 5550 101", ""),
		one("bob", "Bob Brown", "Account Manager", "Sales", "Berlin 4.02", "+49 30 5550 102", "alice"),
		one("carol", "Carol Clark", "Account Manager", "Sales", "Berlin 4.03", "+49 30 5550 103", "alice"),
		one("dave", "Dave Davis", "Sales Engineer", "Sales", "Hamburg 2.11", "+49 40 5550 104", "alice"),
		one("erin", "Erin Evans", "Developer", "Engineering", "Berlin 3.07", "+49 30 5550 105", "grace"),
		one("frank", "Frank Fischer", "Developer", "Engineering", "Berlin 3.08", "+49 30 5550 106", "grace"),
		one("grace", "Grace Green", "Head of Engineering", "Engineering", "Berlin 3.01", "+49 30 5550 107", ""),
		one("heidi", "Heidi Hall", "Assistant", "Sales", "Berlin 4.00", "+49 30 5550 108", "alice"),
		one("ivan", "Ivan Ivanov", "Support Engineer", "Support", "Berlin 1.04", "+49 30 5550 109", "judy"),
		one("judy", "Judy Jones", "Head of Support", "Support", "Berlin 1.01", "+49 30 5550 110", ""),
		byItself(one("karl", "Karl König", "Receptionist", "Facilities", "Berlin 0.01", "+49 30 5550 111", "judy"), "Accept"),
		byItself(one("lena", "Lena Lange", "Facility Manager", "Facilities", "Berlin 0.02", "+49 30 5550 112", "judy"), "Tentative"),
		{User: "studio1", Name: "Studio 1", Room: true, Office: "Berlin 4.10", TimeZone: zone},
		{User: "studio2", Name: "Studio 2", Room: true, Office: "Berlin 4.11", TimeZone: zone},
		{User: "studios", Name: "Studios", List: []string{"studio1", "studio2"}},
		{User: "sales", Name: "Sales", List: []string{"alice", "bob", "carol", "dave"}},
	}
}

// seeder writes the example week.
type seeder struct {
	s      *Server
	x      *tx
	monday time.Time // midnight of the week's Monday in the owner's zone
}

// seed puts the example week into a store that has no appointments yet, and the rights that the example speaks of.
func (s *Server) seed(ctx context.Context) error {
	return s.store.update(ctx, func(x *tx) error {
		var have int
		if err := x.QueryRow(`SELECT COUNT(*) FROM items`).Scan(&have); err != nil || have > 0 {
			return err
		}
		if err := s.seedRights(x); err != nil {
			return err
		}
		alice := s.people.mailbox("alice")
		if alice == nil {
			return nil // not the example people
		}
		today := s.now().In(alice.Zone)
		back := (int(today.Weekday()) + 6) % 7
		if back > 4 { // at the weekend the coming week is the one to look at
			back -= 7
		}
		d := seeder{s: s, x: x, monday: time.Date(today.Year(), today.Month(), today.Day()-back, 0, 0, 0, 0, alice.Zone)}
		return d.week()
	}, nil)
}

// seedRights makes heidi alice's delegate and lets alice read what her team does.
func (s *Server) seedRights(x *tx) error {
	alice, heidi := s.people.mailbox("alice"), s.people.find("heidi")
	if alice == nil || heidi == nil {
		return nil
	}
	if err := x.setDelivery(alice.ID, "DelegatesAndMe"); err != nil {
		return err
	}
	d := delegate{who: heidi, copies: true, levels: map[string]string{"calendar": "Editor", "tasks": "Editor", "inbox": "None", "contacts": "None", "notes": "None", "journal": "None"}}
	if err := x.setDelegate(alice.ID, d); err != nil {
		return err
	}
	for _, user := range []string{"bob", "carol", "dave"} {
		b := s.people.mailbox(user)
		if b == nil {
			continue
		}
		f, err := x.standard(b.ID, "calendar")
		if err != nil {
			return err
		}
		if err := x.setGrant(grant{Folder: f.ID, Email: alice.Email, Level: "Reviewer"}); err != nil {
			return err
		}
	}
	return nil
}

// at is a wall time of the week: day 0 is Monday.
func (d *seeder) at(day, hour, minute int) time.Time {
	m := d.monday
	return time.Date(m.Year(), m.Month(), m.Day()+day, hour, minute, 0, 0, m.Location())
}

// entry makes an appointment in somebody's calendar; nil when that person is not there.
func (d *seeder) entry(user, subject string, from, to time.Time, parts ...*node) (*item, error) {
	who := d.s.people.mailbox(user)
	if who == nil {
		return nil, nil
	}
	f, err := d.x.standard(who.ID, "calendar")
	if err != nil {
		return nil, err
	}
	it := &item{Mailbox: who.ID, Folder: f.ID, Elem: "CalendarItem", Read: true, ModifiedBy: who.Person.Name, Props: t("CalendarItem")}
	it.put("Subject", subject)
	it.put("Start", from)
	it.put("End", to)
	it.put("LegacyFreeBusyStatus", "Busy")
	it.put("ReminderIsSet", true)
	it.put("ReminderMinutesBeforeStart", 15)
	for _, p := range parts {
		it.set(p)
	}
	if err := d.s.finishAppointment(it, who, who.ZoneID); err != nil {
		return nil, err
	}
	return it, d.x.insertItem(it)
}

// people makes a list of attendees.
func (d *seeder) people(list string, users ...string) *node {
	n := t(list)
	for _, user := range users {
		if e := d.s.people.find(user); e != nil {
			n.add(t("Attendee", e.mailboxNode("Mailbox"), t("ResponseType", "Unknown")))
		}
	}
	return n
}

// text makes a body.
func text(words string) *node { return t("Body", at("BodyType", "Text"), words) }

// meeting makes an appointment and invites its attendees.
func (d *seeder) meeting(user, subject string, from, to time.Time, parts ...*node) (*item, error) {
	it, err := d.entry(user, subject, from, to, parts...)
	if err != nil || it == nil {
		return nil, err
	}
	return it, d.s.sendInvitations(d.x, nil, it, "SendToAllAndSaveCopy")
}

// answers has somebody answer a meeting.
func (d *seeder) answers(meeting *item, user string, r response) error {
	who := d.s.people.mailbox(user)
	if who == nil || meeting == nil {
		return nil
	}
	entry, err := d.x.findMeeting(who.ID, meeting.text("UID"))
	if err != nil || entry == nil {
		return err
	}
	if err := d.s.tellOrganizer(d.x, who, entry, r, nil); err != nil {
		return err
	}
	_, err = d.s.settle(d.x, who, entry, r)
	return err
}

// week writes the example week.
func (d *seeder) week() error {
	for _, part := range []func() error{d.teamRound, d.meetings, d.alone, d.away, d.mail, d.contacts} {
		if err := part(); err != nil {
			return fmt.Errorf("ewslab: example week: %w", err)
		}
	}
	return nil
}

// teamRound is a weekly series since three weeks, with this week's round an hour later.
func (d *seeder) teamRound() error {
	start := d.at(-21, 9, 30)
	weekly := t("Recurrence", t("WeeklyRecurrence", t("Interval", 1), t("DaysOfWeek", "Monday"), t("FirstDayOfWeek", "Monday")),
		t("NumberedRecurrence", t("StartDate", start.Format("2006-01-02Z")), t("NumberOfOccurrences", 30)))
	round, err := d.meeting("alice", "Team round", start, d.at(-21, 10, 0), t("Location", "Studio 1"), weekly, text("What is on, what is in the way."),
		d.people("RequiredAttendees", "bob", "carol", "dave"), d.people("Resources", "studio1"))
	if err != nil || round == nil {
		return err
	}
	for user, kind := range map[string]string{"bob": "Accept", "carol": "Accept", "dave": "Tentative"} {
		if err := d.answers(round, user, response{kind: kind}); err != nil {
			return err
		}
	}
	if round, err = d.x.item(round.ID); err != nil {
		return err
	}
	before, err := d.x.occurrence(round, d.at(0, 9, 30).UTC())
	if err != nil {
		return err
	}
	after := *before
	after.Props = before.Props.copy()
	after.put("Start", d.at(0, 10, 30))
	after.put("End", d.at(0, 11, 0))
	return d.s.sendUpdates(d.x, nil, before, &after, "SendToAllAndSaveCopy")
}

// meetings are single ones with answers of every kind.
func (d *seeder) meetings() error {
	pricing, err := d.meeting("alice", "Pricing for the spring fair", d.at(2, 14, 0), d.at(2, 15, 0), t("Location", "Studio 2"), text("Please bring last year's figures."),
		d.people("RequiredAttendees", "bob", "carol", "grace"), d.people("OptionalAttendees", "erin"), d.people("Resources", "studio2"))
	if err != nil {
		return err
	}
	for _, a := range []struct {
		user string
		r    response
	}{
		{"bob", response{kind: "Accept", body: text("I bring the figures.")}},
		{"grace", response{kind: "Tentative", body: text("May be a little late."), start: d.at(2, 15, 0).UTC(), end: d.at(2, 16, 0).UTC()}},
		{"erin", response{kind: "Decline", body: text("Release day, sorry.")}},
	} {
		if err := d.answers(pricing, a.user, a.r); err != nil {
			return err
		}
	}
	demo, err := d.meeting("bob", "Customer demo", d.at(3, 10, 0), d.at(3, 11, 30), t("Location", "Customer's office"), d.people("RequiredAttendees", "alice", "dave"))
	if err != nil {
		return err
	}
	if err := d.answers(demo, "dave", response{kind: "Accept"}); err != nil {
		return err
	}
	_, err = d.meeting("grace", "Architecture review", d.at(4, 13, 0), d.at(4, 14, 30), d.people("RequiredAttendees", "erin", "frank"), d.people("OptionalAttendees", "alice"))
	return err
}

// alone are entries without attendees: all-day, private, out of office.
func (d *seeder) alone() error {
	for _, e := range []struct {
		user, subject string
		from, to      time.Time
		parts         []*node
	}{
		{"alice", "Trade fair", d.at(3, 0, 0), d.at(5, 0, 0), []*node{t("IsAllDayEvent", true), t("LegacyFreeBusyStatus", "Free"), t("Location", "Exhibition Centre"), t("Categories", t("String", "Fair"))}},
		{"alice", "Dentist", d.at(1, 8, 0), d.at(1, 9, 0), []*node{t("Sensitivity", "Private"), t("LegacyFreeBusyStatus", "OOF")}},
		{"alice", "Prepare the quarter's report", d.at(1, 13, 0), d.at(1, 15, 0), []*node{t("Categories", t("String", "Focus"))}},
		{"bob", "Call with the distributor", d.at(1, 11, 0), d.at(1, 11, 30), nil},
		{"bob", "School meeting", d.at(2, 16, 0), d.at(2, 17, 0), []*node{t("Sensitivity", "Private")}},
		{"dave", "Travel to Berlin", d.at(0, 6, 0), d.at(0, 9, 0), []*node{t("LegacyFreeBusyStatus", "OOF")}},
		{"erin", "Release", d.at(2, 13, 0), d.at(2, 17, 0), nil},
	} {
		if _, err := d.entry(e.user, e.subject, e.from, e.to, e.parts...); err != nil {
			return err
		}
	}
	return nil
}

// away is carol's holiday, with a note.
func (d *seeder) away() error {
	carol := d.s.people.mailbox("carol")
	if carol == nil {
		return nil
	}
	if _, err := d.entry("carol", "Holiday", d.at(2, 0, 0), d.at(7, 0, 0), t("IsAllDayEvent", true), t("LegacyFreeBusyStatus", "OOF"), t("ReminderIsSet", false)); err != nil {
		return err
	}
	return d.x.setOof(carol.ID, oofSettings{State: "Scheduled", Audience: "All", From: d.at(-1, 0, 0).UTC(), To: d.at(7, 0, 0).UTC(),
		Internal: "I am on holiday until Sunday. Bob takes care of urgent things.", External: "I am out of the office until Sunday."})
}
