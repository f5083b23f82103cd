package web

import (
	"net/http"
	"testing"
	"time"

	"portico/app/portal"
)

// promised are the members that every appointment has.
var promised = []string{"id", "subject", "body", "location", "start", "end", "all_day", "time_zone", "recurrence", "organizer", "attendees",
	"status", "reminder_minutes", "private", "source", "people", "companies", "sync", "version"}

func TestAPIAppointments(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.signIn(alice)
	var list []map[string]any
	a.call("GET", "/api/v1/appointments?from=2026-11-23T00:00:00%2B01:00&to=2026-11-28T00:00:00%2B01:00", nil, 200).into(&list)
	if len(list) != 0 {
		t.Fatalf("an empty calendar has %d appointments", len(list))
	}
	made := map[string]any{}
	post := map[string]any{
		"id": "chosen-1", "subject": "Review", "start": "2026-11-26T10:00:00+01:00", "end": "2026-11-26T11:00:00+01:00", "time_zone": "Europe/Vienna",
		"attendees": []any{map[string]any{"uri": "bob@example.test"}, map[string]any{"email": "zoe@elsewhere.test", "role": "optional"}}, "categories": []any{"Sales"},
	}
	for range 2 {
		a.call("POST", "/api/v1/appointments", post, 201).into(&made)
	}
	for _, name := range promised {
		if _, ok := made[name]; !ok {
			t.Errorf("an appointment has no %s", name)
		}
	}
	if made["id"] != "chosen-1" || made["sync"].(map[string]any)["state"] != "done" || h.mail.writes != 1 {
		t.Errorf("made %v, %d writes", made, h.mail.writes)
	}
	e, _ := h.mail.inBox(alice, "Review")
	if got := emails(e.Attendees); got != "bob@example.test, zoe@elsewhere.test" || e.Attendees[0].Name != "Bob Brown" || e.Attendees[1].Role != portal.RoleOptional {
		t.Errorf("invited are %s", got)
	}
	changed := map[string]any{}
	a.call("PATCH", "/api/v1/appointments/chosen-1", map[string]any{"version": made["version"], "subject": "Review 2", "reminder_minutes": nil}, 200).into(&changed)
	if changed["subject"] != "Review 2" || changed["version"] == made["version"] || len(changed["attendees"].([]any)) != 2 {
		t.Errorf("changed %v", changed)
	}
	a.call("PATCH", "/api/v1/appointments/chosen-1", map[string]any{"version": made["version"], "subject": "Review 3"}, 409)
	a.call("PATCH", "/api/v1/appointments/chosen-1", map[string]any{"subject": "Review 3"}, 400)
	a.call("GET", "/api/v1/appointments/chosen-1", nil, 200).into(&changed)
	if changed["subject"] != "Review 2" {
		t.Errorf("it is called %v", changed["subject"])
	}
	a.call("GET", "/api/v1/appointments/nothing", nil, 404)
	a.call("DELETE", "/api/v1/appointments/chosen-1", map[string]any{"comment": "no longer needed"}, 204)
	a.call("GET", "/api/v1/appointments/chosen-1", nil, 404)
	if e, _ := h.mail.inBox(bob, "Review 2"); e.Status != portal.StatusCancelled {
		t.Errorf("bob's copy is %q", e.Status)
	}
}

func TestAPIAnswers(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a, b := h.signIn(alice), h.signIn(bob)
	made := map[string]any{}
	a.call("POST", "/api/v1/appointments", map[string]any{"subject": "Tender", "start": "2026-11-26T10:00:00Z", "end": "2026-11-26T11:00:00Z",
		"attendees": []any{map[string]any{"uri": string(bob)}}}, 201).into(&made)
	var list []map[string]any
	eventually(t, "bob sees the invitation", func() bool {
		b.call("GET", "/api/v1/appointments?from=2026-11-23T00:00:00Z&to=2026-11-28T00:00:00Z", nil, 200).into(&list)
		return len(list) == 1
	})
	at := "/api/v1/appointments/" + list[0]["id"].(string)
	b.call("POST", at+"/response", map[string]any{"response": "perhaps"}, 400)
	b.call("POST", at+"/response", map[string]any{"response": "tentative", "comment": "maybe", "propose": map[string]any{"start": "2026-11-26T12:00:00Z", "end": "2026-11-26T11:00:00Z"}}, 400)
	b.call("POST", at+"/response", map[string]any{"response": "tentative", "comment": "maybe", "propose": map[string]any{"start": "2026-11-26T12:00:00Z", "end": "2026-11-26T13:00:00Z"}}, 200)
	var answers responsesJSON
	eventually(t, "alice sees the answer", func() bool {
		answers = responsesJSON{}
		a.call("GET", "/api/v1/appointments/"+made["id"].(string)+"/responses", nil, 200).into(&answers)
		return answers.Tally.Tentative == 1
	})
	if row := answers.Responses[0]; row.Comment != "maybe" || row.ProposedStart.Hour() != 12 || row.Presence == nil || row.Presence.URI != bob {
		t.Errorf("bob's answer is %+v", row)
	}
	var overview overviewJSON
	a.call("GET", "/api/v1/responses?who=own&days=7", nil, 200).into(&overview)
	if len(overview.Meetings) != 1 || overview.Totals.Tentative != 1 {
		t.Errorf("the overview: %+v", overview)
	}
	a.call("POST", "/api/v1/responses/looked", nil, 204)
	b.call("POST", at+"/forward", map[string]any{"to": []any{map[string]any{"uri": string(carol)}}, "comment": "for you"}, 204)
	eventually(t, "carol is invited", func() bool { _, ok := h.mail.inBox(carol, "Tender"); return ok })
}

func TestAPIPlanner(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.signIn(alice)
	h.mail.add(bob, portal.Appointment{Subject: "x", Start: time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC), End: time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)})
	var plan planJSON
	a.call("POST", "/api/v1/planner", map[string]any{"attendees": []any{"bob@example.test", map[string]any{"email": "carol@example.test"}}, "from": "2026-11-26T07:00:00Z", "to": "2026-11-26T17:00:00Z", "minutes": 60}, 200).into(&plan)
	busy := 0
	for _, row := range plan.Attendees {
		busy += len(row.Busy)
	}
	if len(plan.Attendees) != 3 || busy != 1 || len(plan.Suggestions) == 0 {
		t.Errorf("the plan: %+v", plan)
	}
	for _, bad := range []string{`{"attendees":[],"from":"2026-11-26T07:00:00Z","to":"2026-11-26T17:00:00Z","minutes":60}`,
		`{"attendees":["bob@example.test"],"from":"2026-11-26T07:00:00Z","to":"2026-11-26T06:00:00Z","minutes":60}`,
		`{"attendees":["bob@example.test"],"from":"2026-11-26T07:00:00Z","to":"2026-11-26T17:00:00Z","minutes":0}`, `{"attendees":["@"],"from":"2026-11-26T07:00:00Z","to":"2026-11-26T17:00:00Z","minutes":60}`} {
		a.call("POST", "/api/v1/planner", bad, 400)
	}
}

func TestAPIOutOfOfficeRemindersAndCalendars(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.signIn(alice)
	a.call("PUT", "/api/v1/me/out-of-office", map[string]any{"state": "enabled", "internal": "back soon"}, 200)
	var note portal.OutOfOfficeNote
	a.call("GET", "/api/v1/me/out-of-office", nil, 200).into(&note)
	if note.State != "enabled" || note.Internal != "back soon" {
		t.Errorf("the note: %+v", note)
	}
	a.call("PUT", "/api/v1/calendars/"+bob.Path(), map[string]any{"shown": false}, 204)
	var shared []portal.CalendarRef
	a.call("GET", "/api/v1/calendars", nil, 200).into(&shared)
	if len(shared) != 1 || shared[0].Owner != bob || shared[0].Shown {
		t.Errorf("shared: %+v", shared)
	}
	a.call("DELETE", "/api/v1/calendars/"+bob.Path(), nil, 204)
	soon := h.lesson("Soon", 10, time.Hour)
	soon.Start, soon.End = soon.Start.Add(15*time.Minute), soon.End.Add(15*time.Minute)
	fifteen := 15
	soon.ReminderMinutes = &fifteen
	h.mail.add(alice, soon)
	var due []portal.ReminderEvent
	eventually(t, "a reminder is due", func() bool { a.call("GET", "/api/v1/reminders", nil, 200).into(&due); return len(due) == 1 })
	a.call("POST", "/api/v1/reminders/"+due[0].ID, map[string]any{"minutes": 5}, 204)
	a.call("GET", "/api/v1/reminders", nil, 200).into(&due)
	if len(due) != 0 {
		t.Errorf("still due: %+v", due)
	}
}

// What is wrong with a request is said, whatever it is.
func TestAPIAppointmentsRefuse(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.signIn(alice)
	for _, bad := range []string{
		`{}`, `{"subject":"x"}`, `{"subject":"","start":"2026-11-26T10:00:00Z","end":"2026-11-26T11:00:00Z"}`, `{"subject":"x","start":"tomorrow","end":"2026-11-26T11:00:00Z"}`,
		`{"subject":"x","start":"2026-11-26T10:00:00Z","end":"2026-11-26T11:00:00Z","time_zone":"Mars/Olympus"}`,
		`{"subject":"x","start":"2026-11-26T10:00:00Z","end":"2026-11-26T11:00:00Z","attendees":[{"name":"nobody"}]}`,
		`{"subject":"x","start":"2026-11-26T10:00:00Z","end":"2026-11-26T11:00:00Z","recurrence":"FREQ=SOMETIMES"}`,
		`{"subject":"x","start":"2026-11-26T12:00:00Z","end":"2026-11-26T11:00:00Z"}`, `{"id":"../x","subject":"x","start":"2026-11-26T10:00:00Z","end":"2026-11-26T11:00:00Z"}`,
	} {
		a.call("POST", "/api/v1/appointments", bad, http.StatusBadRequest)
	}
	for _, query := range []string{"from=x", "to=x", "from=2026-11-26T10:00:00Z&to=2026-11-25T10:00:00Z", "from=2026-11-26T10:00:00Z&to=2036-11-25T10:00:00Z", "of=nonsense"} {
		a.call("GET", "/api/v1/appointments?"+query, nil, http.StatusBadRequest)
	}
	if h.mail.writes != 0 {
		t.Errorf("%d writes", h.mail.writes)
	}
}
