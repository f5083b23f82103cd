package ewstest

// A person's round through DavMail: calendars by CalDAV, the inbox by IMAP, the address book by LDAP.

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// deliveryTimeout is how long it may take until something has come from one mailbox to another.
const deliveryTimeout = time.Minute

// davmailTimeout bounds the whole round, on a machine that has much else to do.
const davmailTimeout = 6 * time.Minute

// berlin is the zone of the round's events, as a calendar program sends it.
const berlin = "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\n" +
	"BEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nTZNAME:CET\r\nEND:STANDARD\r\n" +
	"BEGIN:DAYLIGHT\r\nDTSTART:19700329T020000\r\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nTZNAME:CEST\r\nEND:DAYLIGHT\r\n" +
	"END:VTIMEZONE\r\n"

// icalendar makes an object of events, each the lines between BEGIN and END.
func icalendar(events ...[]string) string {
	var b strings.Builder
	b.WriteString("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//round//EN\r\n" + berlin)
	for _, lines := range events {
		b.WriteString("BEGIN:VEVENT\r\n" + strings.Join(lines, "\r\n") + "\r\nDTSTAMP:20310101T000000Z\r\nEND:VEVENT\r\n")
	}
	b.WriteString("END:VCALENDAR\r\n")
	return b.String()
}

// davmailRound is the state of one round. The days are those of March 2031, with the change to summer time on the 30th.
type davmailRound struct {
	ctx   context.Context
	d     *DavMail
	mark  string // in every subject
	alice *calDAV
	bob   *calDAV
}

// DavMailRound drives the endpoint by DavMail: list, create, update, conflict, a series with an exception and a deleted
// occurrence, invitation, answer and tracking, free/busy, cancellation, the inbox and the address book. Each step is a
// subtest.
func DavMailRound(t *testing.T, e Endpoint) {
	t.Helper()
	d := StartDavMail(t, e)
	ctx, cancel := context.WithTimeout(t.Context(), davmailTimeout)
	defer cancel()
	r := &davmailRound{ctx: ctx, d: d, mark: rand.Text()[:8], alice: d.calDAV("alice"), bob: d.calDAV("bob")}
	for _, step := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"lists", r.lists}, {"creates and updates", r.writes}, {"all-day", r.allDay}, {"series", r.series}, {"invites and answers", r.meets}, {"free/busy", r.freeBusy},
		{"inbox", r.inbox}, {"address book", r.addressBook}, {"cancels", r.cancels},
	} {
		if !t.Run(step.name, step.run) {
			return // a later step builds on it
		}
	}
}

// uid names an event of the round.
func (r *davmailRound) uid(name string) string { return name + "-" + strings.ToLower(r.mark) }

// summary is an event's subject.
func (r *davmailRound) summary(name string) string { return name + " " + r.mark }

// file is the path of an event.
func (r *davmailRound) file(name string) string {
	return r.alice.path("calendar") + r.uid(name) + ".ics"
}

// event makes the lines of one.
func (r *davmailRound) event(name, start, end string, more ...string) []string {
	return append([]string{"UID:" + r.uid(name), "SUMMARY:" + r.summary(name), "DTSTART;TZID=Europe/Berlin:" + start, "DTEND;TZID=Europe/Berlin:" + end}, more...)
}

// window is the time that is looked at.
func (r *davmailRound) window() (from, to time.Time) {
	return time.Date(2031, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2031, 5, 1, 0, 0, 0, 0, time.UTC)
}

// eventually asks until there is an answer.
func (r *davmailRound) eventually(t *testing.T, what string, ask func() (bool, error)) {
	t.Helper()
	var last error
	if !Eventually(deliveryTimeout, func() bool {
		ok, err := ask()
		last = err
		return ok && err == nil
	}) {
		t.Fatalf("not seen in time: %s: %v", what, last)
	}
}

func (r *davmailRound) lists(t *testing.T) {
	if _, err := r.alice.list(r.ctx, "calendar"); err != nil {
		t.Fatal(err)
	}
	status, _, body, err := r.alice.do(r.ctx, "PROPFIND", "/principals/users/"+r.alice.user+"/", map[string]string{"Depth": "0"},
		`<?xml version="1.0"?><propfind xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><prop><displayname/><C:calendar-home-set/></prop></propfind>`)
	if err != nil || status != http.StatusMultiStatus || !strings.Contains(body, "calendar-home-set") {
		t.Errorf("the principal: %d, %v, %s", status, err, body)
	}
	wrong := *r.alice
	wrong.password = "wrong"
	if status, _, _, err := wrong.do(r.ctx, "PROPFIND", wrong.path("calendar"), nil, ""); err != nil || status != http.StatusUnauthorized {
		t.Errorf("a wrong password is answered %d, %v", status, err)
	}
}

func (r *davmailRound) writes(t *testing.T) {
	if _, err := r.alice.put(r.ctx, r.file("Event"), "", icalendar(r.event("Event", "20310324T090000", "20310324T103000", "LOCATION:Raum Süd", "DESCRIPTION:Zeile eins",
		"BEGIN:VALARM", "TRIGGER:-PT30M", "ACTION:DISPLAY", "DESCRIPTION:x", "END:VALARM"))); err != nil {
		t.Fatal(err)
	}
	got, etag, err := r.alice.get(r.ctx, r.file("Event"))
	if err != nil || len(got) != 1 {
		t.Fatalf("%d events, %v", len(got), err)
	}
	for name, want := range map[string]string{"SUMMARY": r.summary("Event"), "DTSTART": "20310324T090000", "DTEND": "20310324T103000", "LOCATION": "Raum Süd", "UID": r.uid("Event")} {
		if got[0].text(name) != want {
			t.Errorf("%s came back as %q, want %q", name, got[0].line(name), want)
		}
	}
	changed := icalendar(r.event("Event", "20310324T110000", "20310324T120000", "LOCATION:Raum Nord", "CLASS:PRIVATE"))
	if _, err := r.alice.put(r.ctx, r.file("Event"), etag, changed); err != nil {
		t.Fatal(err)
	}
	if _, err := r.alice.put(r.ctx, r.file("Event"), etag, changed); err == nil || !strings.Contains(err.Error(), "412") {
		t.Errorf("a stale entity tag is answered %v", err)
	}
	if got, _, err = r.alice.get(r.ctx, r.file("Event")); err != nil || len(got) != 1 {
		t.Fatalf("%d events, %v", len(got), err)
	}
	if got[0].text("DTSTART") != "20310324T110000" || got[0].text("LOCATION") != "Raum Nord" || got[0].text("CLASS") != "PRIVATE" {
		t.Errorf("the change came back as %q", got[0])
	}
	from, to := r.window()
	path, found, err := r.alice.find(r.ctx, "calendar", r.uid("Event"), from, to)
	if err != nil || found == nil {
		t.Fatalf("not in the calendar: %v", err)
	}
	if status, _, body, err := r.alice.do(r.ctx, http.MethodDelete, path, nil, ""); err != nil || status/100 != 2 {
		t.Fatalf("DELETE: %d, %v, %s", status, err, body)
	}
	if path, _, err := r.alice.find(r.ctx, "calendar", r.uid("Event"), from, to); err != nil || path != "" {
		t.Errorf("deleted and still there: %q, %v", path, err)
	}
}

func (r *davmailRound) allDay(t *testing.T) {
	lines := []string{"UID:" + r.uid("Fair"), "SUMMARY:" + r.summary("Fair"), "DTSTART;VALUE=DATE:20310329", "DTEND;VALUE=DATE:20310331", "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE"}
	if _, err := r.alice.put(r.ctx, r.file("Fair"), "", icalendar(lines)); err != nil {
		t.Fatal(err)
	}
	got, _, err := r.alice.get(r.ctx, r.file("Fair"))
	if err != nil || len(got) != 1 {
		t.Fatalf("%d events, %v", len(got), err)
	}
	if got[0].line("DTSTART") != "DTSTART;VALUE=DATE:20310329" || got[0].line("DTEND") != "DTEND;VALUE=DATE:20310331" {
		t.Errorf("the days came back as %q to %q", got[0].line("DTSTART"), got[0].line("DTEND"))
	}
}

func (r *davmailRound) series(t *testing.T) {
	series := r.event("Series", "20310325T100000", "20310325T110000", "RRULE:FREQ=WEEKLY;COUNT=5;BYDAY=TU")
	if _, err := r.alice.put(r.ctx, r.file("Series"), "", icalendar(series)); err != nil {
		t.Fatal(err)
	}
	got, etag, err := r.alice.get(r.ctx, r.file("Series"))
	if err != nil || len(got) != 1 || !strings.Contains(got[0].text("RRULE"), "FREQ=WEEKLY") || !strings.Contains(got[0].text("RRULE"), "COUNT=5") {
		t.Fatalf("%q, %v", got, err)
	}
	exception := r.event("Series", "20310409T140000", "20310409T150000", "RECURRENCE-ID;TZID=Europe/Berlin:20310408T100000")
	exception[1] = "SUMMARY:" + r.summary("Exception")
	// In universal time, as this gateway looks an occurrence to be deleted up.
	deleted := append(series, "EXDATE:20310415T080000Z")
	if _, err := r.alice.put(r.ctx, r.file("Series"), etag, icalendar(deleted, exception)); err != nil {
		t.Fatal(err)
	}
	if got, _, err = r.alice.get(r.ctx, r.file("Series")); err != nil || len(got) != 2 {
		t.Fatalf("%d events, %v: %q", len(got), err, got)
	}
	if got[1].text("DTSTART") != "20310409T140000" || got[1].text("SUMMARY") != r.summary("Exception") || !strings.Contains(got[1].text("RECURRENCE-ID"), "20310408T") {
		t.Errorf("the exception came back as %q", got[1])
	}
	if !strings.Contains(got[0].text("EXDATE"), "20310415T") {
		t.Errorf("the deleted occurrence came back as %q", got[0])
	}
}

// meeting are the lines of the round's meeting, with bob's answer.
func (r *davmailRound) meeting(answer string) []string {
	return r.event("Meeting", "20310326T140000", "20310326T150000", "ORGANIZER;CN=Alice:mailto:"+r.alice.user,
		"ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN=Alice:mailto:"+r.alice.user,
		"ATTENDEE;ROLE=REQ-PARTICIPANT;RSVP=TRUE;PARTSTAT="+answer+";CN=Bob:mailto:"+r.bob.user)
}

func (r *davmailRound) meets(t *testing.T) {
	if _, err := r.alice.put(r.ctx, r.file("Meeting"), "", icalendar(r.meeting("NEEDS-ACTION"))); err != nil {
		t.Fatal(err)
	}
	from, to := r.window()
	var path string
	r.eventually(t, "the entry in bob's calendar", func() (bool, error) {
		var err error
		path, _, err = r.bob.find(r.ctx, "calendar", r.uid("Meeting"), from, to)
		return path != "", err
	})
	got, etag, err := r.bob.get(r.ctx, path)
	if err != nil || len(got) != 1 {
		t.Fatalf("%d events, %v", len(got), err)
	}
	if !strings.EqualFold(got[0].text("ORGANIZER"), "mailto:"+r.alice.user) || got[0].text("DTSTART") != "20310326T140000" {
		t.Errorf("bob has %q", got[0])
	}
	if _, err := r.bob.put(r.ctx, path, etag, icalendar(r.meeting("ACCEPTED"))); err != nil {
		t.Fatal(err)
	}
	r.eventually(t, "the answer on alice's copy", func() (bool, error) {
		got, _, err := r.alice.get(r.ctx, r.file("Meeting"))
		if err != nil || len(got) == 0 {
			return false, err
		}
		if got[0].partstat(r.bob.user) != "ACCEPTED" {
			return false, fmt.Errorf("so far %q", got[0])
		}
		return true, nil
	})
}

func (r *davmailRound) freeBusy(t *testing.T) {
	ask := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//round//EN\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\nDTSTAMP:20310101T000000Z\r\nORGANIZER:mailto:" + r.alice.user +
		"\r\nDTSTART:20310326T000000Z\r\nDTEND:20310327T000000Z\r\nUID:" + r.uid("busy") + "\r\nATTENDEE:mailto:" + r.bob.user + "\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n"
	status, _, body, err := r.alice.do(r.ctx, http.MethodPost, r.alice.path("outbox"), map[string]string{"Content-Type": "text/calendar"}, ask)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%d, %v: %s", status, err, body)
	}
	if !strings.Contains(body, "FBTYPE=BUSY:20310326T130000Z/20310326T140000Z") {
		t.Errorf("bob is not busy from 14 to 15 h: %s", body)
	}
}

// subjects reads the subjects in somebody's inbox.
func (r *davmailRound) subjects(user string) (string, error) {
	c, err := r.d.imap(r.ctx, user)
	if err != nil {
		return "", err
	}
	list, err := c.messages("INBOX")
	if closeErr := c.close(); err == nil {
		err = closeErr
	}
	return strings.Join(list, "\n"), err
}

func (r *davmailRound) inbox(t *testing.T) {
	bobs, err := r.subjects("bob")
	if err != nil {
		t.Fatal(err)
	}
	alices, err := r.subjects("alice")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(alices, "Accepted: "+r.summary("Meeting")) {
		t.Errorf("alice has no answer:\n%s", alices)
	}
	if strings.Contains(bobs, "Accepted: "+r.summary("Meeting")) {
		t.Errorf("bob has his own answer:\n%s", bobs)
	}
}

func (r *davmailRound) addressBook(t *testing.T) {
	found, err := r.d.ldapSearchFor(r.ctx, "alice", "bob")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		if strings.EqualFold(e["mail"], r.bob.user) {
			return
		}
	}
	t.Errorf("bob is not in the address book: %v", found)
}

func (r *davmailRound) cancels(t *testing.T) {
	if status, _, body, err := r.alice.do(r.ctx, http.MethodDelete, r.file("Meeting"), nil, ""); err != nil || status/100 != 2 {
		t.Fatalf("DELETE: %d, %v, %s", status, err, body)
	}
	r.eventually(t, "the cancellation in bob's inbox", func() (bool, error) {
		got, err := r.subjects("bob")
		return strings.Contains(got, "Canceled: "+r.summary("Meeting")), err
	})
	for _, name := range []string{"Series", "Fair"} {
		if status, _, body, err := r.alice.do(r.ctx, http.MethodDelete, r.file(name), nil, ""); err != nil || status/100 != 2 {
			t.Errorf("DELETE %s: %d, %v, %s", name, status, err, body)
		}
	}
}
