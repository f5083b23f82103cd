package web

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"portico/app/calendar"
	"portico/app/portal"
)

// made gives an appointment of the caller's own over the API.
func (c caller) made(subject string) appointmentJSON {
	c.h.t.Helper()
	var a appointmentJSON
	c.call("POST", "/api/v1/appointments", map[string]any{"subject": subject, "start": "2026-11-26T10:00:00Z", "end": "2026-11-26T11:00:00Z"}, 201).into(&a)
	return a
}

// sends sends a form with one file.
func (c caller) sends(path, field, name string, data []byte) *reply {
	c.h.t.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	part, err := w.CreateFormFile(field, name)
	if err == nil {
		_, err = part.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		c.h.t.Fatal(err)
	}
	return c.with("Content-Type", w.FormDataContentType()).send("POST", path, buf.Bytes())
}

func TestAPIAttachments(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.signIn(alice)
	path := "/api/v1/appointments/" + a.made("With a file").ID + "/attachments"
	var list []portal.Attachment
	a.call("GET", path, nil, 200).into(&list)
	if list == nil || len(list) != 0 {
		t.Errorf("files at first: %+v", list)
	}
	var with appointmentJSON
	got := a.sends(path, "file", "offer.txt", []byte("42 pieces"))
	if got.into(&with); got.status != 201 || len(with.Attachments) != 1 || with.Attachments[0].Name != "offer.txt" {
		t.Fatalf("added: %d %s", got.status, got.body)
	}
	a.call("GET", path, nil, 200).into(&list)
	if len(list) != 1 {
		t.Fatalf("files: %+v", list)
	}
	file := path + "/" + url.PathEscape(list[0].ID)
	back := a.call("GET", file, nil, 200)
	if string(back.body) != "42 pieces" || !strings.HasPrefix(back.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("read: %q %v", back.body, back.header)
	}
	a.call("DELETE", file, nil, 200).into(&with)
	if len(with.Attachments) != 0 || with.Version == "" {
		t.Errorf("taken away: %+v", with)
	}
	a.call("GET", file, nil, 404).problem("calendar.not-found")
	a.call("DELETE", file, nil, 404).problem("calendar.not-found")
}

func TestAPIAttachmentsRefuse(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a, b := h.signIn(alice), h.signIn(bob)
	path := "/api/v1/appointments/" + a.made("With a file").ID + "/attachments"
	a.call("POST", path, `{"file":"x"}`, 415).problem("media-type")
	a.with("Content-Type", "multipart/form-data; boundary=x").call("POST", path, "nonsense", 400)
	if got := a.sends(path, "other", "x.txt", []byte("x")); got.status != 400 {
		t.Errorf("without a file: %d %s", got.status, got.body)
	}
	if got := a.sends(path, "file", "x.bin", make([]byte, calendar.MaxAttachment+1)); got.status != 413 {
		t.Errorf("too large: %d %s", got.status, got.body)
	}
	if got := a.sends("/api/v1/appointments/nothing/attachments", "file", "x.txt", []byte("x")); got.status != 404 {
		t.Errorf("to nothing: %d %s", got.status, got.body)
	}
	a.call("GET", "/api/v1/appointments/nothing/attachments", nil, 404)
	b.call("GET", path, nil, 404)
	if got := b.sends(path+"?of="+alice.Path(), "file", "x.txt", []byte("x")); got.status != 403 && got.status != 404 {
		t.Errorf("to somebody else's: %d %s", got.status, got.body)
	}
}

func TestAPIImportAndExport(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.signIn(alice)
	one := a.made("Exported")
	single := a.call("GET", "/api/v1/appointments/"+one.ID+"/export.ics", nil, 200)
	all := a.call("GET", "/api/v1/appointments/export.ics?from=2026-11-23&to=2026-11-28", nil, 200)
	for _, got := range []*reply{single, all} {
		if !strings.Contains(string(got.body), "SUMMARY:Exported") || !strings.HasPrefix(got.header.Get("Content-Type"), icalType) {
			t.Errorf("%v %s", got.header, got.body)
		}
	}
	file := strings.ReplaceAll(string(single.body), "Exported", "Imported")
	file = strings.Replace(file, "UID:", "UID:other-", 1)
	ical := a.with("Content-Type", calendarType)
	var done importedJSON
	ical.call("POST", "/api/v1/appointments/import", file, 200).into(&done)
	if done.Added != 1 || done.Present != 0 || len(done.Refused) != 0 {
		t.Errorf("imported: %+v", done)
	}
	ical.call("POST", "/api/v1/appointments/import", file, 200).into(&done)
	if done.Added != 0 || done.Present != 1 {
		t.Errorf("once more: %+v", done)
	}
	cancelled := strings.Replace(strings.Replace(file, "UID:", "UID:third-", 1), "BEGIN:VEVENT\r\n", "BEGIN:VEVENT\r\nSTATUS:CANCELLED\r\n", 1)
	cancelled = strings.Replace(cancelled, "STATUS:CONFIRMED\r\n", "", 1)
	ical.call("POST", "/api/v1/appointments/import", cancelled, 200).into(&done)
	if len(done.Refused) != 1 || done.Refused[0].ErrorKey != "calendar.import-cancelled" || done.Refused[0].Error == "" || done.Refused[0].Subject != "Imported" {
		t.Errorf("a cancelled one: %+v", done)
	}
}

func TestAPIImportAndExportRefuse(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.signIn(alice)
	path := "/api/v1/appointments/import"
	a.call("POST", path, `{}`, 415).problem("media-type")
	ical := a.with("Content-Type", icalType)
	for _, bad := range []string{"", "  \r\n", "nonsense", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"} {
		ical.call("POST", path, bad, 400).problem("calendar.import")
	}
	ical.call("POST", path, strings.Repeat("x", calendar.MaxImport+1), 413)
	for _, query := range []string{"", "from=2026-11-23", "from=x&to=y", "from=2026-11-23&to=2026-11-23", "from=2026-11-23&to=2036-11-23"} {
		a.call("GET", "/api/v1/appointments/export.ics?"+query, nil, 400).problem("appointment.from-to")
	}
	a.call("GET", "/api/v1/appointments/export.ics?from=2026-11-23&to=2026-11-28&of="+bob.Path(), nil, 403)
	a.call("GET", "/api/v1/appointments/nothing/export.ics", nil, 404)
}

func TestAPIPrivateAddress(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.signIn(alice)
	a.made("Subscribed")
	a.call("GET", "/api/v1/me/calendar-link", nil, 404).problem("calendar.no-link")
	var first, second linkJSON
	a.call("POST", "/api/v1/me/calendar-link", nil, 201).into(&first)
	read := func(l linkJSON) *reply { return h.guest().send("GET", strings.TrimPrefix(l.Address, h.url), nil) }
	if got := read(first); got.status != 200 || !strings.Contains(string(got.body), "SUMMARY:Subscribed") {
		t.Errorf("subscribed: %d %s", got.status, got.body)
	}
	var known linkJSON
	a.call("GET", "/api/v1/me/calendar-link", nil, 200).into(&known)
	if known.Address != "" || !known.CreatedAt.Equal(first.CreatedAt) || known.UsedAt.IsZero() {
		t.Errorf("known of it: %+v", known)
	}
	a.call("POST", "/api/v1/me/calendar-link", nil, 201).into(&second)
	if got := read(first); got.status != 404 {
		t.Errorf("the one before: %d", got.status)
	}
	a.call("DELETE", "/api/v1/me/calendar-link", nil, 204)
	if got := read(second); got.status != 404 {
		t.Errorf("a revoked one: %d", got.status)
	}
	a.call("GET", "/api/v1/me/calendar-link", nil, 404)
	a.call("DELETE", "/api/v1/me/calendar-link", nil, 204) // there is none any more, which is what was wanted
}

func TestAPIResponsesAsFiles(t *testing.T) {
	h := newHouse(t, at(wednesday(t)), unpaced)
	a := h.signIn(alice)
	h.mail.delegates[carol] = []portal.Delegate{{Email: "alice@example.test", Calendar: "editor"}}
	start := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	for owner, subject := range map[portal.Address]string{alice: "Mine", bob: "The team's"} {
		h.mail.add(owner, portal.Appointment{Subject: subject, Start: start, End: start.Add(time.Hour), Meeting: true, Mine: true, TimeZone: "Europe/Vienna",
			Organizer: portal.Attendee{Email: owner.Bare()}, Attendees: []portal.Attendee{{Email: "zoe@elsewhere.test", Name: "=Zoe", Response: portal.ResponseNone}}})
	}
	for who, want := range map[string][2]bool{"all": {true, true}, "own": {true, false}, "team": {false, true}, "delegates": {false, false}} {
		query := "?days=7&who=" + who
		eventually(t, "both calendars are read", func() bool {
			var o overviewJSON
			a.call("GET", "/api/v1/responses"+query, nil, 200).into(&o)
			return !o.Loading && o.Missing != nil
		})
		csv, ics := a.call("GET", "/api/v1/responses.csv"+query, nil, 200), a.call("GET", "/api/v1/responses.ics"+query, nil, 200)
		for i, subject := range []string{"Mine", "The team's"} {
			if strings.Contains(string(csv.body), subject) != want[i] || strings.Contains(string(ics.body), "SUMMARY:"+subject) != want[i] {
				t.Errorf("%s: %s is in it or not\n%s\n%s", who, subject, csv.body, ics.body)
			}
		}
		if want[0] && !strings.Contains(string(csv.body), "'=Zoe") {
			t.Errorf("a formula: %s", csv.body)
		}
	}
	for _, kind := range []string{"", ".csv", ".ics"} {
		a.call("GET", fmt.Sprintf("/api/v1/responses%s?from=someday", kind), nil, http.StatusBadRequest)
	}
}
