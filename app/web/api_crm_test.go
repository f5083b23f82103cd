package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/app/hook"
	"portico/app/portal"
)

// faulted expects the answer to name these things, each with why.
func (r *reply) faulted(want ...string) {
	r.t.Helper()
	if r.status != http.StatusBadRequest {
		r.t.Fatalf("%d %s, want 400", r.status, r.body)
	}
	var p problem
	r.into(&p)
	var got []string
	for _, f := range p.Errors {
		if f.Detail == "" {
			r.t.Errorf("%s: no words", f.Where)
		}
		got = append(got, f.Where+" "+f.Reason)
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		r.t.Errorf("wrong: %v, want %v", got, want)
	}
}

func TestCRMPartiesOverTheAPI(t *testing.T) {
	h := newHouse(t)
	a, b := h.signIn(alice), h.signIn(bob)
	var company portal.CRMCompany
	a.call("POST", "/api/v1/crm/companies", map[string]any{"name": "Acme", "city": "Wien"}, 201).into(&company)
	var first, again portal.CRMPerson
	keyed := a.with(keyHeader, "k-1")
	keyed.call("POST", "/api/v1/crm/people", map[string]any{"last_name": "Berger", "email": "eva@acme.test", "company": company.ID}, 201).into(&first)
	keyed.call("POST", "/api/v1/crm/people", map[string]any{"last_name": "Berger", "email": "eva@acme.test", "company": company.ID}, 201).into(&again)
	if first != again || first.CompanyName != "Acme" && first.Company != company.ID {
		t.Errorf("a repeat made %+v of %+v", again, first)
	}
	var list []portal.CRMPerson
	b.call("GET", "/api/v1/crm/people?q=ber", nil, 200).into(&list)
	if len(list) != 1 || list[0].ID != first.ID {
		t.Errorf("found: %+v", list)
	}
	b.call("GET", "/api/v1/crm/people?limit=0", nil, 400).problem("sync.number")
	b.call("GET", "/api/v1/crm/people/"+first.ID, nil, 200)
	b.call("PUT", "/api/v1/crm/people/"+first.ID, map[string]any{"title": "CEO"}, 200).into(&again)
	if again.Title != "CEO" || again.LastName != "Berger" || again.Version != 2 {
		t.Errorf("changed: %+v", again)
	}
	b.call("PUT", "/api/v1/crm/people/"+first.ID, map[string]any{"title": "CFO", "version": 1}, 409).problem("crm.conflict")
	b.call("PUT", "/api/v1/crm/people/nobody", map[string]any{}, 404).problem("crm.no-person")
	a.send("POST", "/api/v1/crm/people", map[string]any{"email": "x", "phone": strings.Repeat("1", 256)}).faulted("last_name crm.name-missing", "phone crm.too-long", "email crm.email")
	a.send("POST", "/api/v1/crm/companies", map[string]any{}).faulted("name crm.name-missing")
	a.with(keyHeader, strings.Repeat("k", 201)).call("POST", "/api/v1/crm/companies", map[string]any{"name": "X"}, 400).problem("crm.idempotency-key")
	b.call("DELETE", "/api/v1/crm/people/"+first.ID+"?version=1", nil, 409).problem("crm.conflict")
	b.call("DELETE", "/api/v1/crm/people/"+first.ID, nil, 204)
	b.call("DELETE", "/api/v1/crm/people/"+first.ID, nil, 404).problem("crm.no-person")
	b.call("PUT", "/api/v1/crm/companies/"+company.ID, map[string]any{"city": "Linz"}, 200)
	var companies []portal.CRMCompany
	b.call("GET", "/api/v1/crm/companies?q=linz", nil, 200).into(&companies)
	if len(companies) != 1 {
		t.Errorf("companies: %+v", companies)
	}
	b.call("GET", "/api/v1/crm/companies/"+company.ID, nil, 200)
	b.call("DELETE", "/api/v1/crm/companies/"+company.ID+"?version=2", nil, 204)
	b.call("GET", "/api/v1/crm/companies/"+company.ID, nil, 404).problem("crm.no-company")
	h.guest().call("GET", "/api/v1/crm/people", nil, 401).problem("unauthenticated")
}

func TestCRMUsersOverTheAPI(t *testing.T) {
	h := newHouse(t)
	a, b := h.signIn(alice), h.signIn(bob)
	path := "/api/v1/crm/users/" + carol.Path()
	a.call("GET", path, nil, 404).problem("crm.no-user")
	b.call("PUT", path, map[string]any{"first_name": "Carol"}, 403).problem("crm.admin")
	var u portal.CRMUser
	a.call("PUT", path, map[string]any{"first_name": "Carol", "last_name": "Clark"}, 200).into(&u)
	if u.Address != carol || u.Name() != "Carol Clark" || u.Version != 1 || u.Email != "carol@example.test" {
		t.Errorf("made: %+v", u)
	}
	a.call("PUT", path, map[string]any{"resource": true}, 200).into(&u)
	if !u.Resource || u.LastName != "Clark" {
		t.Errorf("changed: %+v", u)
	}
	a.call("PUT", path, map[string]any{"version": 1}, 409)
	a.send("PUT", path, map[string]any{"email": "x", "first_name": strings.Repeat("x", 256)}).faulted("first_name crm.too-long", "email crm.email")
	var found []portal.CRMUser
	b.call("GET", "/api/v1/crm/users?q=clark", nil, 200).into(&found)
	if len(found) != 1 {
		t.Errorf("found: %+v", found)
	}
	b.call("GET", "/api/v1/crm/users/nonsense", nil, 400)
}

func TestCRMAppointmentsOverTheAPI(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a, b := h.signIn(alice), h.signIn(bob)
	company, person := h.acme()
	h.works(alice, bob)
	in := map[string]any{
		"description": "Contract\nBring the papers", "start": "2026-11-26T14:00:00+01:00", "end": "2026-11-26T15:00:00+01:00", "attendees": []any{map[string]string{"uri": string(bob)}},
		"people": []string{person.ID},
	}
	var made, again crmAppointmentJSON
	keyed := a.with(keyHeader, "once")
	keyed.call("POST", "/api/v1/crm/appointments", in, 201).into(&made)
	keyed.call("POST", "/api/v1/crm/appointments", in, 201).into(&again)
	if made.ID != again.ID || made.Subject != "Contract" || made.Body != "Bring the papers" || made.Description != "Contract\nBring the papers" || made.Origin != "crm" || made.Source != "crm" || made.Status != portal.StatusPending || len(made.People) != 1 {
		t.Errorf("made %+v, again %s", made, again.ID)
	}
	var window []appointmentJSON
	for _, c := range []caller{a, b} {
		c.call("GET", "/api/v1/crm/appointments?from=2026-11-26T00:00:00Z&to=2026-11-27T00:00:00Z", nil, 200).into(&window)
		if len(window) != 1 || window[0].Subject != "Contract" {
			t.Errorf("the window: %+v", window)
		}
	}
	a.call("GET", "/api/v1/crm/appointments?person="+person.ID, nil, 200).into(&window)
	if len(window) != 1 {
		t.Errorf("tied: %+v", window)
	}
	path := "/api/v1/crm/appointments/" + made.ID
	a.call("PATCH", path, map[string]any{"description": "Contract, second round", "version": made.Version}, 200).into(&again)
	if again.Subject != "Contract, second round" || again.Body != "" || again.Revision <= made.Revision {
		t.Errorf("changed: %+v", again)
	}
	a.call("PATCH", path, map[string]any{"subject": "late", "version": made.Version}, 409)
	a.call("PATCH", path, map[string]any{"subject": "none"}, 400).problem("json.type")
	b.call("PATCH", path, map[string]any{"subject": "not mine", "version": again.Version}, 403)
	b.call("POST", path+"/response", map[string]any{"response": "accepted", "comment": "fine"}, 200).into(&again)
	if again.Attendees[0].Response != portal.ResponseAccepted {
		t.Errorf("answered: %+v", again.Attendees)
	}
	b.call("POST", path+"/response", map[string]any{"response": "perhaps"}, 400).problem("appointment.response")
	a.call("PUT", path+"/ties", map[string]any{"companies": []string{company.ID}}, 200).into(&again)
	if len(again.People) != 0 || len(again.Companies) != 1 {
		t.Errorf("ties: %+v %+v", again.People, again.Companies)
	}
	a.call("PUT", path+"/ties", map[string]any{"people": []string{"nobody"}}, 400)
	a.call("PUT", path+"/status", map[string]any{"status": "complete"}, 200).into(&again)
	if again.Status != portal.StatusComplete {
		t.Errorf("status: %+v", again.Status)
	}
	a.call("PUT", path+"/status", map[string]any{"status": "odd"}, 400).problem("crm.status")
	a.call("DELETE", path+"?version=1", nil, 409)
	a.call("DELETE", path, nil, 204)
	a.call("GET", "/api/v1/crm/appointments/crm-none", nil, 404)
	a.send("POST", "/api/v1/crm/appointments", map[string]any{"time_zone": "Mars/Base", "attendees": []any{map[string]string{"name": "Who"}}}).faulted(
		"subject appointment.subject-missing", "start appointment.start", "end appointment.end", "time_zone settings.time-zone", "attendees.0 appointment.attendee")
	a.call("GET", "/api/v1/crm/appointments?from=x", nil, 400)
	var changes []portal.CRMChange
	a.call("GET", "/api/v1/crm/changes?limit=3", nil, 200).into(&changes)
	if len(changes) != 3 || changes[0].Kind == "" {
		t.Errorf("changes: %+v", changes)
	}
	b.call("GET", "/api/v1/crm/changes", nil, 403).problem("forbidden")
	a.call("GET", "/api/v1/crm/changes?after=x", nil, 400).problem("sync.number")
}

// outside is a CRM outside that has been given a secret.
type outside struct {
	caller
	secret []byte
}

// tell sends a signed message to the inbox.
func (o outside) tell(id, kind string, data any) *reply {
	o.h.t.Helper()
	return o.tellAt(id, kind, data, o.h.server.Now())
}

func (o outside) tellAt(id, kind string, data any, at time.Time) *reply {
	o.h.t.Helper()
	message, err := json.Marshal(map[string]any{"type": kind, "data": data})
	if err != nil {
		o.h.t.Fatal(err)
	}
	header := http.Header{}
	hook.Sign(header, o.secret, id, at, message)
	c := o.caller
	for name := range header {
		c = c.with(name, header.Get(name))
	}
	return c.send("POST", "/api/v1/crm/inbox", string(message))
}

func TestTheInboxTakesSignedChangesIn(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	_, secret, err := h.hooks.Save(t.Context(), portal.HookEndpoint{Name: "Other CRM", Active: true}, true)
	if err != nil {
		t.Fatal(err)
	}
	key, err := hook.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	o := outside{h.guest(), key}
	var answer struct {
		ID     string             `json:"id"`
		Record crmAppointmentJSON `json:"record"`
	}
	meeting := map[string]any{"id": "4711", "calendar": string(alice), "description": "From outside\nwith a text", "start": "2026-11-26T09:00:00Z", "end": "2026-11-26T10:00:00Z", "time_zone": "Europe/Vienna"}
	for range 2 { // a repeat changes nothing
		got := o.tell("m-1", "appointment.created", meeting)
		if got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
		got.into(&answer)
		if answer.ID != "crm-4711" || answer.Record.Subject != "From outside" || answer.Record.Body != "with a text" || answer.Record.Revision != 1 {
			t.Fatalf("taken in: %s", got.body)
		}
	}
	meeting["description"] = "Moved"
	if got := o.tell("m-2", "appointment.updated", meeting); got.status != http.StatusOK || !strings.Contains(string(got.body), `"subject":"Moved"`) {
		t.Errorf("changed: %d %s", got.status, got.body)
	}
	for range 2 { // what is gone is gone
		if got := o.tell("m-3", "appointment.deleted", map[string]string{"id": "4711"}); got.status != http.StatusOK {
			t.Errorf("deleted: %d %s", got.status, got.body)
		}
	}
	if rec, err := h.crm.Record(t.Context(), "crm-4711"); err != nil || rec.Gone.IsZero() {
		t.Errorf("still there: %+v (%v)", rec.Gone, err)
	}
	for id, c := range map[string]struct {
		kind string
		data any
	}{
		"m-4": {"person.created", map[string]string{"id": "p-9", "last_name": "Outside"}}, "m-5": {"company.created", map[string]string{"id": "c-9", "name": "Outside Ltd"}},
		"m-6": {"user.created", map[string]string{"uri": "sip:new@example.test", "first_name": "New"}},
	} {
		if got := o.tell(id, c.kind, c.data); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", c.kind, got.status, got.body)
		}
	}
	for id, kind := range map[string]string{"m-7": "person.deleted", "m-8": "company.deleted"} {
		name := strings.Replace(map[string]string{"m-7": "p-9", "m-8": "c-9"}[id], "\"", "", -1)
		if got := o.tell(id, kind, map[string]string{"id": name}); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", kind, got.status, got.body)
		}
	}
	if _, err := h.crm.Person(t.Context(), "p-9"); err == nil {
		t.Error("the person is still there")
	}
}

func TestTheInboxAnswersNoMoreThanItsSenderMayKnow(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	for name, c := range map[string]struct {
		url             string
		writes, private bool
		status          int
	}{
		"hears alone": {"https://crm.example.test/hook", false, true, http.StatusForbidden}, "writes": {"https://crm.example.test/hook", true, false, http.StatusOK},
		"may know": {"", false, true, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			_, secret, err := h.hooks.Save(t.Context(), portal.HookEndpoint{Name: name, URL: c.url, Writes: c.writes, Private: c.private, Active: true}, true)
			if err != nil {
				t.Fatal(err)
			}
			key, err := hook.ParseSecret(secret)
			if err != nil {
				t.Fatal(err)
			}
			start := wednesday(t).Add(24 * time.Hour)
			r, err := h.crm.Create(t.Context(), alice, "", portal.Appointment{Subject: "Surgery", Body: "at noon", Location: "Hospital", Start: start, End: start.Add(time.Hour), TimeZone: "UTC", Private: true})
			if err != nil {
				t.Fatal(err)
			}
			sent := map[string]any{"id": r.ID, "calendar": string(alice), "subject": r.Subject, "body": r.Body, "location": r.Location, "private": true, "start": start.Add(time.Hour), "end": start.Add(2 * time.Hour), "time_zone": "UTC"}
			if !c.private {
				sent["subject"], sent["body"], sent["location"] = "", "", ""
			}
			got := outside{h.guest(), key}.tell("p-"+strings.ReplaceAll(name, " ", "-"), "appointment.updated", sent)
			if got.status != c.status {
				t.Fatalf("%d %s", got.status, got.body)
			}
			if c.status == http.StatusForbidden {
				got.problem("hook.read-only")
				return
			}
			for _, word := range []string{"Surgery", "noon", "Hospital"} {
				if strings.Contains(string(got.body), word) != c.private {
					t.Errorf("%q in %s", word, got.body)
				}
			}
			is, err := h.crm.Record(t.Context(), r.ID)
			if err != nil || is.Subject != "Surgery" || is.Body != "at noon" || is.Location != "Hospital" || !is.Start.Equal(start.Add(time.Hour)) {
				t.Errorf("kept: %+v, %v", is, err)
			}
		})
	}
}

func TestTheInboxRefuses(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	_, secret, err := h.hooks.Save(t.Context(), portal.HookEndpoint{Name: "Other CRM", Active: true}, true)
	if err != nil {
		t.Fatal(err)
	}
	key, err := hook.ParseSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	o := outside{h.guest(), key}
	h.guest().call("POST", "/api/v1/crm/inbox", `{"type":"person.created","data":{}}`, 401)
	forged := outside{h.guest(), []byte("another secret of enough bytes..")}
	for what, got := range map[string]*reply{
		"a forged signature": forged.tell("x-1", "person.created", map[string]string{"last_name": "X"}), "an old one": o.tellAt("x-2", "person.created", map[string]string{"last_name": "X"}, h.server.Now().Add(-6*time.Minute)),
	} {
		if got.status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
	}
	for what, got := range map[string]*reply{
		"an unknown kind": o.tell("x-3", "meeting.created", map[string]string{}), "no object": o.tell("x-4", "person.created", []int{1}), "a wrong type": o.tell("x-5", "person.created", map[string]any{"last_name": 5}),
		"nothing named": o.tell("x-6", "person.deleted", map[string]string{}), "a user's end": o.tell("x-7", "user.deleted", map[string]string{"id": string(bob)}), "no owner": o.tell("x-8", "appointment.created", map[string]string{"id": "1"}),
	} {
		if got.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
	}
	list, err := h.crm.People(t.Context(), "", 10)
	if err != nil || len(list) != 0 {
		t.Errorf("something was taken in: %+v (%v)", list, err)
	}
}
