package main

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

// A meeting made in CRM with people of both sides: colleagues who keep their diary in CRM alone see it at once and get no mail, those
// with a mailbox get one invitation, and the answers come back to it.
func TestAMeetingOfBothSides(t *testing.T) {
	t.Parallel()
	x, p := keptAsOne(t)
	day := dayAhead(t)
	const subject = "Launch with the customer"
	bob, carol, frank := p.signIn("bob").loaded(), p.signIn("carol").loaded(), p.signIn("frank").loaded()
	bobs, carols, daves, karls := outlook(t, x.URL(), "bob"), outlook(t, x.URL(), "carol"), outlook(t, x.URL(), "dave"), outlook(t, x.URL(), "karl")

	made := bob.inCRM("launch-of-both-sides", subject, clock(day, 10, 0), map[string]any{"location": "Room 7", "body": "Agenda:\none\ntwo", "people": []string{"moser"}, "companies": []string{"alpenmilch"}},
		"carol", "dave", "frank", "karl", "guest@elsewhere.test")
	// At once: what the answer to the request says is stored.
	if got := frank.meets(day, subject); len(got) != 1 || got[0].ID != made.ID || got[0].Response != "none" {
		t.Fatalf("frank has at once %+v", got)
	}
	invitation := carols.one(subject, func(i item) bool { return i.Start.Equal(clock(day, 10, 0)) && i.Location == "Room 7" })
	karls.one(subject, nil)
	own := bobs.get(bobs.one(subject, nil))
	var invited []string
	for _, r := range own.Required {
		invited = append(invited, r.Email)
	}
	slices.Sort(invited)
	if want := []string{"carol@example.test", "dave@example.test", "guest@elsewhere.test", "karl@example.test"}; !slices.Equal(invited, want) {
		t.Errorf("Exchange invites %q, not %q", invited, want)
	}
	got := bob.reads(made.ID, "karl's answer", func(m meeting) bool {
		return m.guest("karl@example.test").Response == "accepted" && m.Sync.State == "done"
	})
	if !slices.Equal(got.People, []string{"moser"}) || !slices.Equal(got.Companies, []string{"alpenmilch"}) || len(got.Attendees) != 5 {
		t.Errorf("the record has %q, %q and %d attendees", got.People, got.Companies, len(got.Attendees))
	}

	// Carol declines in Outlook, Frank accepts in the portal.
	carols.respond(invitation, "DeclineItem", "At the dentist")
	bob.reads(made.ID, "carol's answer", func(m meeting) bool {
		g := m.guest("carol@example.test")
		return g.Response == "declined" && g.Comment == "At the dentist"
	})
	await(t, longest, "what carol declined to leave her calendar", func() bool { return len(carol.meets(day, subject)) == 0 })
	if status := frank.call(http.MethodPost, "/appointments/"+made.ID+"/response", map[string]string{"response": "accepted", "comment": "with cake"}, nil); status != http.StatusOK {
		t.Fatalf("frank's answer: status %d", status)
	}
	bob.reads(made.ID, "frank's answer", func(m meeting) bool { return m.guest("frank@example.test").Comment == "with cake" })
	atRest(t, p)
	for _, m := range []*mail{carols, daves} {
		if n := m.of(requestLetter, subject); n != 1 {
			t.Errorf("%s got %d invitations", m.user, n)
		}
	}

	// Another time: one update to everybody in Exchange, none to Frank, who sees it at once.
	bob.changes(made.ID, map[string]any{"start": clock(day, 14, 0), "end": clock(day, 15, 30)})
	if got := frank.meets(day, subject); len(got) != 1 || !got[0].Start.Equal(clock(day, 14, 0)) {
		t.Errorf("frank has after the move %+v", got)
	}
	bobs.one(subject, func(i item) bool { return i.Start.Equal(clock(day, 14, 0)) && i.End.Equal(clock(day, 15, 30)) })
	await(t, longest, "the updates", func() bool { return carols.of(requestLetter, subject) == 2 && daves.of(requestLetter, subject) == 2 })
	karls.one(subject, func(i item) bool { return i.Start.Equal(clock(day, 14, 0)) })

	// What nobody invited sees (ties, completing) sends nothing.
	bob.marks(made.ID, "complete")
	atRest(t, p)
	bob.marks(made.ID, "pending")
	atRest(t, p)
	if got := bob.read(made.ID); got.ID != made.ID || got.Sync.State != "done" {
		t.Errorf("the meeting is now %s, %s", got.ID, got.Sync.State)
	}
	for _, m := range []*mail{carols, daves} {
		if n := m.of(requestLetter, subject); n != 2 {
			t.Errorf("%s got %d requests", m.user, n)
		}
		if n := m.of(cancelLetter, subject); n != 0 {
			t.Errorf("%s got %d cancellations too early", m.user, n)
		}
	}

	// Cancelled: one cancellation each, and it is nowhere any more.
	bob.deletes(made.ID)
	for _, m := range []*mail{carols, daves} {
		await(t, longest, "the cancellation to "+m.user, func() bool { return m.of(cancelLetter, subject) == 1 })
	}
	await(t, longest, "it to leave the calendars", func() bool {
		return len(bobs.with(subject)) == 0 && len(bob.meets(day, subject)) == 0 && len(frank.meets(day, subject)) == 0 && len(carol.meets(day, subject)) == 0
	})
	atRest(t, p)
	for m, want := range map[*mail][2]int{carols: {2, 1}, daves: {2, 1}} {
		if r, c := m.of(requestLetter, subject), m.of(cancelLetter, subject); r != want[0] || c != want[1] {
			t.Errorf("%s got %d requests and %d cancellations, not %v", m.user, r, c, want)
		}
	}
}

// The same the other way: what bob does in Outlook reaches CRM, and those who keep their diary there.
func TestAMeetingMadeInOutlook(t *testing.T) {
	t.Parallel()
	x, p := keptAsOne(t)
	day := dayAhead(t)
	const subject = "Review from Outlook"
	bob, carol, frank := p.signIn("bob").loaded(), p.signIn("carol").loaded(), p.signIn("frank").loaded()
	bobs, carols := outlook(t, x.URL(), "bob"), outlook(t, x.URL(), "carol")

	made := bobs.create(subject, clock(day, 9, 0), clock(day, 10, 0), `<t:Body BodyType="Text">first
second</t:Body>`, text("Location", "Room 1")+required("carol", "frank", "karl"))
	seen := frank.shows(day, subject, func(m meeting) bool {
		return m.Location == "Room 1" && m.Body == "first\nsecond" && m.Organizer.Email == "bob@example.test" && m.guest("karl@example.test").Response == "accepted"
	})
	own := bob.shows(day, subject, func(m meeting) bool { return m.guest("karl@example.test").Response == "accepted" })
	// Answers: Carol's in Outlook is seen by everybody.
	carols.respond(carols.one(subject, nil), "TentativelyAcceptItem", "Perhaps")
	frank.reads(seen.ID, "carol's answer", func(m meeting) bool {
		g := m.guest("carol@example.test")
		return g.Response == "tentative" && g.Comment == "Perhaps"
	})
	made = bobs.set(made, "calendar:Location", "Room 2")
	made = bobs.set(made, "item:Subject", subject+" (new)")
	frank.reads(seen.ID, "the change", func(m meeting) bool { return m.Location == "Room 2" && m.Subject == subject+" (new)" })
	bobs.move(made, clock(day, 16, 0), clock(day, 17, 0))
	frank.reads(seen.ID, "the move", func(m meeting) bool { return m.Start.Equal(clock(day, 16, 0)) && m.End.Equal(clock(day, 17, 0)) })
	atRest(t, p)
	for _, c := range []*client{bob, carol, frank} {
		if got := c.meets(day, subject+" (new)"); len(got) != 1 {
			t.Errorf("%s has it %d times: %+v", c.who, len(got), got)
		}
	}
	if got := bob.read(own.ID); got.ID != own.ID || got.Sync.State != "done" {
		t.Errorf("bob's is now %s, %s", got.ID, got.Sync.State)
	}
	requests := carols.about(subject)
	bobs.remove(bobs.one(subject+" (new)", nil))
	frank.reads(seen.ID, "the cancellation", func(m meeting) bool { return m.Status == "cancelled" })
	for _, c := range []*client{bob, frank} { // what had people in it does not vanish from CRM
		c.shows(day, subject+" (new)", func(m meeting) bool { return m.Status == "cancelled" && m.ID == seen.ID })
	}
	atRest(t, p)
	if n := carols.about(subject); n != requests+1 {
		t.Errorf("carol got %d letters more than the cancellation", n-requests-1)
	}
	if n := len(bobs.with(subject + " (new)")); n != 0 {
		t.Errorf("it came back into bob's mailbox %d times", n)
	}
}

// move changes when an item takes place.
func (m *mail) move(i item, start, end time.Time) item {
	m.t.Helper()
	field := func(name string, at time.Time) string {
		return `<t:SetItemField><t:FieldURI FieldURI="calendar:` + name + `"/><t:CalendarItem>` + text(name, instant(at)) + `</t:CalendarItem></t:SetItemField>`
	}
	got := m.do(`<m:UpdateItem ConflictResolution="AlwaysOverwrite" SendMeetingInvitationsOrCancellations="SendToAllAndSaveCopy"><m:ItemChanges><t:ItemChange>` +
		i.ref() + `<t:Updates>` + field("Start", start) + field("End", end) + `</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`)
	if len(got) != 1 {
		m.t.Fatalf("EWS of %s: %d items moved", m.user, len(got))
	}
	return got[0]
}
