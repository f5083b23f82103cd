package web

import (
	"testing"
	"time"

	"portico/app/portal"
)

// far gives an appointment of the caller's own that lies outside of any week that is shown.
func (c caller) far(id string) (a appointmentJSON) {
	c.h.t.Helper()
	c.call("POST", "/api/v1/appointments", map[string]any{"id": id, "subject": "Far away", "start": "2029-05-03T10:00:00Z", "end": "2029-05-03T11:00:00Z"}, 201).into(&a)
	return a
}

// renamed changes it while the server is away.
func (c caller) renamed(a appointmentJSON) {
	c.h.t.Helper()
	c.call("PATCH", "/api/v1/appointments/"+a.ID, map[string]any{"version": a.Version, "subject": "Further away"}, 200).into(&a)
	if a.Sync.State != portal.SyncPending || a.Subject != "Further away" {
		c.h.t.Fatalf("it does not wait: %+v", a)
	}
}

// hasty is a house whose pages do not wait long for the server, and whose callers may ask as often as they like.
func hasty(s *settings) {
	s.patience = 50 * time.Millisecond
	unpaced(s)
}

// unpaced lets callers ask as often as a test that waits for something does.
func unpaced(s *settings) { s.web.APIRate, s.web.APIBurst = 1e6, 1e6 }

// inViennaToo is a program whose person lives in Vienna and reads English.
func (c caller) inViennaToo() caller {
	return c.with("Accept-Language", "en").with("Cookie", zoneCookie+"=Europe%2FVienna")
}

// refuseNext makes the server answer again, with a refusal of the next write.
func (h *house) refuseNext(who portal.Address) {
	h.mail.mu.Lock()
	h.mail.refuse, h.mail.down = portal.Fail(portal.ErrForbidden, "exchange.forbidden"), nil
	h.mail.mu.Unlock()
	h.calendar.Rang(who)
}

// What waits or was refused is listed wherever it lies, tried again and given up.
func TestAPIChangesThatDidNotArrive(t *testing.T) {
	h := newHouse(t, at(wednesday(t)), hasty)
	a, b := h.signIn(alice), h.signIn(bob)
	near := a.made("Near")
	var list []unsentJSON
	a.call("GET", "/api/v1/appointments/changes", nil, 200).into(&list)
	if list == nil || len(list) != 0 {
		t.Errorf("at first: %+v", list)
	}
	far := a.far("far")
	h.mail.pull(true)
	a.renamed(far)
	var moved appointmentJSON
	a.call("PATCH", "/api/v1/appointments/"+near.ID, map[string]any{"version": near.Version, "start": "2028-01-01T10:00:00Z", "end": "2028-01-01T11:00:00Z"}, 200).into(&moved)
	a.call("GET", "/api/v1/appointments/changes", nil, 200).into(&list)
	if len(list) != 2 || list[0].ID != "far" || list[0].State != "pending" || list[0].Changes[0].Kind != portal.IntentChange || *list[0].Changes[0].Wanted.Subject != "Further away" || list[0].Calendar != alice {
		t.Fatalf("what waits: %+v", list)
	}
	if ch := list[1].Changes[0]; ch.Kind != portal.IntentChange || ch.Was == nil || ch.Was.Start.Year() != 2026 || ch.Wanted.Start.Year() != 2028 || list[1].Appointment.Start.Year() != 2028 {
		t.Errorf("a move that waits: %+v", list[1])
	}
	eventually(t, "the move is given up, between two tries", func() bool {
		got := a.send("POST", "/api/v1/appointments/"+near.ID+"/discard", nil)
		if got.status != 204 {
			got.problem("calendar.under-way")
		}
		return got.status == 204
	})
	h.refuseNext(alice)
	eventually(t, "the refused one is listed", func() bool {
		list = nil
		a.call("GET", "/api/v1/appointments/changes", nil, 200).into(&list)
		return len(list) == 1 && list[0].State == "failed"
	})
	if ch := list[0].Changes[0]; ch.ErrorKey != "exchange.forbidden" || ch.Error == "" || ch.MadeAt.IsZero() || list[0].Appointment.Subject != "Further away" {
		t.Errorf("refused: %+v", list[0])
	}
	var theirs []unsentJSON
	b.call("GET", "/api/v1/appointments/changes", nil, 200).into(&theirs)
	if len(theirs) != 0 {
		t.Errorf("bob sees %+v", theirs)
	}
	b.call("POST", "/api/v1/appointments/far/retry", nil, 404).problem("calendar.nothing-to-retry")
	a.call("POST", "/api/v1/appointments/far/retry", nil, 204)
	eventually(t, "it has arrived", func() bool { _, ok := h.mail.inBox(alice, "Further away"); return ok })
	eventually(t, "nothing waits", func() bool {
		list = nil
		a.call("GET", "/api/v1/appointments/changes", nil, 200).into(&list)
		return len(list) == 0
	})
	a.call("POST", "/api/v1/appointments/far/discard", nil, 404).problem("calendar.nothing-to-retry")
}

// The words of the portal's own addresses name no appointment.
func TestAPIWordsNameNoAppointment(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.signIn(alice)
	for _, word := range []string{"changes", "conflicts", "import", "quick", "new", "planner", "people", "link"} {
		body := map[string]any{"id": word, "subject": "x", "start": "2026-11-26T10:00:00Z", "end": "2026-11-26T11:00:00Z"}
		a.call("POST", "/api/v1/appointments", body, 400).problem("appointment.id-reserved")
		a.call("POST", "/api/v1/appointments/quick", map[string]any{"id": word, "text": "Lunch tomorrow 12:30"}, 400).problem("appointment.id-reserved")
	}
	if h.mail.writes != 0 {
		t.Errorf("%d writes", h.mail.writes)
	}
}

// Who declines is told what: the invitation as it was, and that it has left the calendar.
func TestAPIDecline(t *testing.T) {
	h := newHouse(t, at(wednesday(t)), unpaced)
	a, b := h.signIn(alice), h.signIn(bob)
	a.call("POST", "/api/v1/appointments", map[string]any{"subject": "Tender", "location": "Room 1", "start": "2026-11-26T10:00:00Z", "end": "2026-11-26T11:00:00Z",
		"attendees": []any{map[string]any{"uri": string(bob)}}}, 201)
	var list []appointmentJSON
	eventually(t, "bob sees the invitation", func() bool {
		b.call("GET", "/api/v1/appointments?from=2026-11-23T00:00:00Z&to=2026-11-28T00:00:00Z", nil, 200).into(&list)
		return len(list) == 1
	})
	var got appointmentJSON
	b.call("POST", "/api/v1/appointments/"+list[0].ID+"/response", map[string]any{"response": "declined", "comment": "no time"}, 200).into(&got)
	if got.Subject != "Tender" || got.Location != "Room 1" || !got.Start.Equal(list[0].Start) || !got.End.Equal(list[0].End) || len(got.Attendees) != 1 {
		t.Errorf("declined: %+v", got)
	}
	if got.Response != portal.ResponseDeclined || got.Status != portal.StatusRemoved || got.Sync.State != portal.SyncDone {
		t.Errorf("its answer: %s, %s, %+v", got.Response, got.Status, got.Sync)
	}
	b.call("POST", "/api/v1/appointments/"+list[0].ID+"/response", map[string]any{"response": "accepted", "scope": "following"}, 400)
}
