package web

import (
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

func TestAPIAttendees(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.mail.lists = map[string][]portal.Attendee{"sales@example.test": {{Name: "Bob Brown", Email: "bob@example.test"}, {Name: "Zoe", Email: "zoe@elsewhere.test"}}}
	h.mail.rooms = []portal.Attendee{{Name: "Studio 1", Email: "studio1@example.test"}}
	a := h.signIn(alice)
	find := func(q string) (out []portal.Attendee) {
		a.call("GET", "/api/v1/attendees?q="+q, nil, 200).into(&out)
		return out
	}
	if got := find("bo"); len(got) != 1 || got[0].URI != bob || got[0].Email != "bob@example.test" || got[0].Role != portal.RoleRequired {
		t.Errorf("bo: %+v", got)
	}
	if got := find("sales"); len(got) != 1 || !got[0].List {
		t.Errorf("a list: %+v", got)
	}
	if got := find("someone@elsewhere.test"); len(got) != 1 || got[0].Email != "someone@elsewhere.test" {
		t.Errorf("a whole address: %+v", got)
	}
	var members, rooms []portal.Attendee
	a.call("GET", "/api/v1/attendees/sales@example.test/members", nil, 200).into(&members)
	if emails(members) != "bob@example.test, zoe@elsewhere.test" {
		t.Errorf("members: %+v", members)
	}
	a.call("GET", "/api/v1/attendees/rooms", nil, 200).into(&rooms)
	if len(rooms) != 1 || rooms[0].Role != portal.RoleResource {
		t.Errorf("rooms: %+v", rooms)
	}
	for _, bad := range []string{"", "?q=b", "?q=" + strings.Repeat("x", 101), "?q=%ff%ff"} {
		a.call("GET", "/api/v1/attendees"+bad, nil, 400).problem("calendar.search")
	}
	a.call("GET", "/api/v1/attendees/nonsense/members", nil, 400).problem("appointment.attendee")
	a.call("GET", "/api/v1/attendees/none@example.test/members", nil, 404)
	h.mail.pull(true)
	if got := find("bo"); len(got) != 1 {
		t.Errorf("while the server is away: %+v", got)
	}
	a.call("GET", "/api/v1/attendees/rooms", nil, 503)
	a.call("GET", "/api/v1/attendees/sales@example.test/members", nil, 503)
}

func TestAPIConflicts(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.signIn(alice)
	one := a.made("In the way")
	var found []appointmentJSON
	a.call("GET", "/api/v1/appointments/conflicts?from=2026-11-26T10:30:00Z&to=2026-11-26T12:00:00Z", nil, 200).into(&found)
	if len(found) != 1 || found[0].ID != one.ID {
		t.Errorf("conflicts: %+v", found)
	}
	a.call("GET", "/api/v1/appointments/conflicts?from=2026-11-26T10:30:00Z&to=2026-11-26T12:00:00Z&except="+one.ID, nil, 200).into(&found)
	if len(found) != 0 {
		t.Errorf("with itself: %+v", found)
	}
	a.call("GET", "/api/v1/appointments/conflicts?from=2026-11-26T10:30:00Z&to=2026-11-26T10:00:00Z", nil, 400).problem("appointment.from-to")
	a.call("GET", "/api/v1/appointments/conflicts?from=tomorrow", nil, 400).problem("appointment.from-to")
}

func TestAPIQuick(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.signIn(alice).inViennaToo()
	var made appointmentJSON
	for range 2 {
		a.call("POST", "/api/v1/appointments/quick", map[string]any{"id": "lunch", "text": "Lunch tomorrow 12:30"}, 201).into(&made)
	}
	if made.ID != "lunch" || made.Subject != "Lunch" || !made.Start.Equal(time.Date(2026, 11, 26, 11, 30, 0, 0, time.UTC)) || h.mail.writes != 1 {
		t.Errorf("made %+v, %d writes", made, h.mail.writes)
	}
	for _, bad := range []string{`{}`, `{"text":""}`, `{"text":"Lunch some time"}`, `{"text":"` + strings.Repeat("x ", 400) + `tomorrow 12:30"}`, `{"id":"../x","text":"Lunch tomorrow 12:30"}`} {
		a.call("POST", "/api/v1/appointments/quick", bad, 400)
	}
	a.with("Content-Type", "text/plain").call("POST", "/api/v1/appointments/quick", "Lunch tomorrow 12:30", 415)
}

func TestAPINudge(t *testing.T) {
	h := newHouse(t, at(wednesday(t)), unpaced)
	a, b := h.signIn(alice), h.signIn(bob)
	var made appointmentJSON
	a.call("POST", "/api/v1/appointments", map[string]any{"subject": "Tender", "start": "2026-11-26T10:00:00Z", "end": "2026-11-26T11:00:00Z",
		"attendees": []any{map[string]any{"uri": string(bob)}}}, 201).into(&made)
	path := "/api/v1/appointments/" + made.ID + "/nudge"
	var said sayAnswer
	a.call("POST", path, map[string]any{"who": "bob@example.test"}, 202).into(&said)
	if said.ID == "" || said.State == "" {
		t.Errorf("said %+v", said)
	}
	eventually(t, "bob has the message", func() bool {
		return strings.Contains(string(b.call("GET", messagesPath(alice), nil, 200).body), "Tender")
	})
	a.call("POST", path, map[string]any{"who": "carol@example.test"}, 400).problem("appointment.attendee")
	a.call("POST", path, map[string]any{"who": "@"}, 400).problem("appointment.who")
	a.call("POST", path, `{}`, 400).problem("appointment.who")
	a.call("POST", "/api/v1/appointments/nothing/nudge", map[string]any{"who": "bob@example.test"}, 404)
}

func TestAPICalendarState(t *testing.T) {
	h := newHouse(t, at(wednesday(t)), hasty)
	h.mail.delegates[carol] = []portal.Delegate{{Email: "alice@example.test", Calendar: "editor"}}
	a := h.signIn(alice)
	state := func(of portal.Address) (out calendarJSON) {
		a.call("GET", "/api/v1/calendars/"+of.Path(), nil, 200).into(&out)
		return out
	}
	eventually(t, "their rights are known", func() bool {
		return !state(alice).Loading && state(carol).Rights == "editor" && state(bob).Rights == "freebusy"
	})
	if own := state(alice); own.Rights != "owner" || own.State != "up" || own.Name != "Alice Adams" || own.Waiting != 0 || own.Failed != 0 {
		t.Errorf("her own: %+v", own)
	}
	far := a.far("far")
	h.mail.pull(true)
	a.renamed(far)
	eventually(t, "it is said that the server is away", func() bool {
		own := state(alice)
		return own.State == "down" && own.Waiting == 1 && own.ErrorKey != "" && own.Error != "" && !own.Since.IsZero()
	})
	h.refuseNext(alice)
	eventually(t, "the refused one is counted", func() bool { own := state(alice); return own.State == "up" && own.Failed == 1 && own.Waiting == 0 })
	a.call("GET", "/api/v1/calendars/@", nil, 400)
}

// The planner has one limit, and says it.
func TestAPIPlannerSaysHowFarItLooks(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.signIn(alice).inViennaToo()
	ask := func(to string, more map[string]any) map[string]any {
		body := map[string]any{"attendees": []any{"bob@example.test"}, "from": "2026-11-26T00:00:00+01:00", "to": to, "minutes": 30}
		for k, v := range more {
			body[k] = v
		}
		return body
	}
	a.call("POST", "/api/v1/planner", ask("2027-01-27T00:00:00+01:00", nil), 200)
	p := a.call("POST", "/api/v1/planner", ask("2027-01-28T00:00:00+01:00", nil), 400).problem("calendar.plan-days")
	if p.Detail != "The planner looks at 62 days at most at once." {
		t.Errorf("it says %q", p.Detail)
	}
	a.call("POST", "/api/v1/planner", ask("2026-11-27T00:00:00+01:00", map[string]any{"minutes": 1441}), 400).problem("calendar.minutes")
	own := a.made("Mine")
	var with, without planJSON
	a.call("POST", "/api/v1/planner", ask("2026-11-27T00:00:00+01:00", nil), 200).into(&with)
	a.call("POST", "/api/v1/planner", ask("2026-11-27T00:00:00+01:00", map[string]any{"except": own.ID}), 200).into(&without)
	if len(with.Attendees[0].Busy) != 1 || len(without.Attendees[0].Busy) != 0 {
		t.Errorf("busy with %+v, without what is moved %+v", with.Attendees[0].Busy, without.Attendees[0].Busy)
	}
}
