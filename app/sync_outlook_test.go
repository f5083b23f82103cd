package main

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// What else an appointment has goes both ways too: a series with an exception and a cancelled occurrence, whole days, privacy, files,
// subject and text.

func TestASeriesMadeInOutlook(t *testing.T) {
	t.Parallel()
	x, p := keptAsOne(t)
	day := dayAhead(t)
	const subject = "Weekly with CRM"
	frank := p.signIn("frank").loaded()
	bobs, carols := outlook(t, x.URL(), "bob"), outlook(t, x.URL(), "carol")
	master := bobs.create(subject, clock(day, 9, 0), clock(day, 10, 0), "", required("carol", "frank")+weekly(day, 4)+vienneseClock)
	starts := func() []time.Time {
		var out []time.Time
		for _, m := range frank.meetings(day, day.AddDate(0, 0, 35)) {
			if m.Subject == subject && m.Status != "cancelled" {
				out = append(out, m.Start.UTC())
			}
		}
		return out
	}
	week := func(n, hour int) time.Time { return clock(day.AddDate(0, 0, 7*n), hour, 0).UTC() }
	await(t, longest, "four occurrences", func() bool {
		return slices.EqualFunc(starts(), []time.Time{week(0, 9), week(1, 9), week(2, 9), week(3, 9)}, time.Time.Equal)
	})
	occurrence := func(n int) item {
		from := day.AddDate(0, 0, 7*n)
		got := slices.DeleteFunc(bobs.inView(from, from.AddDate(0, 0, 1)), func(i item) bool { return i.Subject != subject })
		if len(got) != 1 {
			t.Fatalf("%d occurrences in week %d", len(got), n)
		}
		return got[0]
	}
	bobs.move(occurrence(1), clock(day.AddDate(0, 0, 7), 15, 0), clock(day.AddDate(0, 0, 7), 16, 0))
	bobs.remove(occurrence(2))
	await(t, longest, "the exception and the cancelled occurrence", func() bool {
		return slices.EqualFunc(starts(), []time.Time{week(0, 9), week(1, 15), week(3, 9)}, time.Time.Equal)
	})
	atRest(t, p)
	requests := carols.of(requestLetter, subject)
	bobs.set(bobs.get(master), "calendar:Location", "Hall")
	await(t, longest, "the new place of the occurrences", func() bool {
		all := frank.meetings(day, day.AddDate(0, 0, 35))
		all = slices.DeleteFunc(all, func(m meeting) bool { return m.Subject != subject || m.Status == "cancelled" })
		return len(all) == 3 && all[0].Location == "Hall" && all[2].Location == "Hall"
	})
	atRest(t, p)
	if n := carols.of(requestLetter, subject); n != requests+1 {
		t.Errorf("carol got %d requests for one change in Outlook", n-requests)
	}
	if got := bobs.with(subject); len(got) != 1 || got[0].ItemID.ID != master.ItemID.ID {
		t.Errorf("bob's mailbox has %d series", len(got))
	}
}

// The same made in CRM: Exchange has the series, its exception and the occurrence that is left out.
func TestASeriesMadeInCRM(t *testing.T) {
	t.Parallel()
	x, p := keptAsOne(t)
	day := dayAhead(t)
	const subject = "Weekly from CRM"
	bob, frank := p.signIn("bob").loaded(), p.signIn("frank").loaded()
	bobs, carols := outlook(t, x.URL(), "bob"), outlook(t, x.URL(), "carol")
	made := bob.inCRM("weekly-from-crm", subject, clock(day, 9, 0), map[string]any{"recurrence": "FREQ=WEEKLY;COUNT=4;BYDAY=WE"}, "carol", "frank")
	starts := func(m *mail) []time.Time {
		var out []time.Time
		for _, i := range m.inView(day, day.AddDate(0, 0, 35)) {
			if i.Subject == subject && !i.IsCancelled {
				out = append(out, i.Start.UTC())
			}
		}
		return out
	}
	week := func(n, hour int) time.Time { return clock(day.AddDate(0, 0, 7*n), hour, 0).UTC() }
	await(t, longest, "four occurrences at both", func() bool {
		want := []time.Time{week(0, 9), week(1, 9), week(2, 9), week(3, 9)}
		return slices.EqualFunc(starts(bobs), want, time.Time.Equal) && slices.EqualFunc(starts(carols), want, time.Time.Equal)
	})
	atRest(t, p)
	second := bob.shows(day.AddDate(0, 0, 7), subject, nil)
	third := bob.shows(day.AddDate(0, 0, 14), subject, nil)
	bob.changes(second.ID, map[string]any{"start": clock(day.AddDate(0, 0, 7), 15, 0), "end": clock(day.AddDate(0, 0, 7), 16, 0), "scope": "one"})
	bob.deletes(third.ID)
	await(t, longest, "the exception and the hole at both", func() bool {
		want := []time.Time{week(0, 9), week(1, 15), week(3, 9)}
		return slices.EqualFunc(starts(bobs), want, time.Time.Equal) && slices.EqualFunc(starts(carols), want, time.Time.Equal)
	})
	atRest(t, p)
	if n := carols.of(requestLetter, subject); n != 2 {
		t.Errorf("carol got %d requests: the series' and the exception's were due", n)
	}
	if n := carols.of(cancelLetter, subject); n != 1 {
		t.Errorf("carol got %d cancellations of one occurrence", n)
	}
	if len(bobs.with(subject)) != 1 || frank.read(made.ID).Recurrence == "" {
		t.Error("the series is not one series any more")
	}
}

func TestWhatElseAnAppointmentHas(t *testing.T) {
	t.Parallel()
	x, p := keptAsOne(t)
	day := dayAhead(t)
	bob, frank := p.signIn("bob").loaded(), p.signIn("frank").loaded()
	bobs := outlook(t, x.URL(), "bob")

	// Private, from Outlook: who takes part sees it, its mark comes along; and the subject is nowhere in the log.
	bobs.create("Secret of Outlook", clock(day, 8, 0), clock(day, 9, 0), `<t:Sensitivity>Private</t:Sensitivity>`, required("frank"))
	frank.shows(day, "Secret of Outlook", func(m meeting) bool { return m.Private })
	// Private, from CRM.
	bob.inCRM("secret-of-crm", "Secret of CRM", clock(day, 9, 0), map[string]any{"private": true})
	if got := bobs.one("Secret of CRM", nil); !strings.Contains(bobs.whole(got), "<t:Sensitivity>Private</t:Sensitivity>") {
		t.Error("what is private in CRM is not in Exchange")
	}

	// Whole days, both ways: dates stay dates.
	date := func(n int) time.Time {
		d := day.AddDate(0, 0, n)
		return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, time.UTC)
	}
	bobs.create("Fair", day, day.AddDate(0, 0, 2), "", `<t:IsAllDayEvent>true</t:IsAllDayEvent>`+required("frank")+vienneseClock)
	frank.shows(day, "Fair", func(m meeting) bool { return m.AllDay && m.Start.Equal(date(0)) && m.End.Equal(date(2)) })
	bob.inCRM("holiday-in-crm", "Holiday from CRM", clock(day, 0, 0), map[string]any{"all_day": true, "start": date(0), "end": date(1)})
	if got := bobs.one("Holiday from CRM", nil); !strings.Contains(bobs.whole(got), "<t:IsAllDayEvent>true</t:IsAllDayEvent>") || got.End.Sub(got.Start) != 24*time.Hour {
		t.Errorf("the whole day is in Exchange %s to %s", got.Start, got.End)
	}

	// Files, both ways.
	offer := bobs.create("With a file", clock(day, 11, 0), clock(day, 12, 0), "", required("frank"))
	bobs.attach(offer, "offer.txt", "42 cows")
	seen := frank.shows(day, "With a file", func(m meeting) bool { return len(m.Attachments) == 1 && m.Attachments[0].Name == "offer.txt" })
	if data := frank.download(seen.ID, seen.Attachments[0].ID); data != "42 cows" {
		t.Errorf("frank reads %q", data)
	}
	made := bob.inCRM("with-a-file-of-crm", "With a file of CRM", clock(day, 12, 0), nil)
	bob.attach(made.ID, "plan.txt", "first we sell")
	bobs.one("With a file of CRM", func(i item) bool {
		whole := bobs.whole(i)
		return strings.Contains(whole, "<t:Name>plan.txt</t:Name>") && strings.Count(whole, "<t:FileAttachment>") == 1
	})

	// Subject and text; what Outlook writes into CRM's appointment comes back to it.
	got := bob.inCRM("texts-of-crm", "Texts of CRM", clock(day, 13, 0), map[string]any{"body": "one\ntwo"})
	copied := bobs.one("Texts of CRM", func(i item) bool {
		return strings.Contains(bobs.whole(i), "one\ntwo") || strings.Contains(bobs.whole(i), "one&#xA;two") || strings.Contains(bobs.whole(i), "one\r\ntwo")
	})
	atRest(t, p)
	bobs.set(copied, "item:Subject", "Texts of Outlook")
	bob.reads(got.ID, "the subject of Outlook", func(m meeting) bool { return m.Subject == "Texts of Outlook" && m.Body == "one\ntwo" })
	bob.changes(got.ID, map[string]any{"body": "three"})
	bobs.one("Texts of Outlook", func(i item) bool {
		whole := bobs.whole(i)
		return strings.Contains(whole, "three") && !strings.Contains(whole, "two")
	})
	atRest(t, p)
	if strings.Contains(p.logged(), "Secret of") {
		t.Error("the subject of what is private is in the log")
	}
}

// vienneseClock says in which zone an item's times are meant; it stands last in one.
const vienneseClock = `<t:StartTimeZone Id="W. Europe Standard Time"/><t:EndTimeZone Id="W. Europe Standard Time"/>`

// weekly is a series of so many weeks from a day on.
func weekly(day time.Time, count int) string {
	return `<t:Recurrence><t:WeeklyRecurrence><t:Interval>1</t:Interval>` + text("DaysOfWeek", day.Weekday().String()) + `</t:WeeklyRecurrence><t:NumberedRecurrence>` +
		text("StartDate", day.Format(time.DateOnly)) + text("NumberOfOccurrences", string(rune('0'+count))) + `</t:NumberedRecurrence></t:Recurrence>`
}

// attach adds a file to an item.
func (m *mail) attach(i item, name, data string) {
	m.t.Helper()
	m.do(`<m:CreateAttachment><m:ParentItemId Id="` + i.ItemID.ID + `"/><m:Attachments><t:FileAttachment>` + text("Name", name) +
		text("Content", base64.StdEncoding.EncodeToString([]byte(data))) + `</t:FileAttachment></m:Attachments></m:CreateAttachment>`)
}

// attach adds a file to an appointment.
func (c *client) attach(id, name, data string) {
	c.t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreateFormFile("file", name)
	if err == nil {
		_, err = io.WriteString(part, data)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, c.base+"/api/v1/appointments/"+url.PathEscape(id)+"/attachments", &b)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		text, _ := io.ReadAll(resp.Body) // for the message alone
		c.t.Fatalf("attach to %s: status %d: %s", id, resp.StatusCode, text)
	}
}

// download reads a file of an appointment.
func (c *client) download(id, file string) string {
	c.t.Helper()
	req, err := http.NewRequest(http.MethodGet, c.base+"/api/v1/appointments/"+url.PathEscape(id)+"/attachments/"+url.PathEscape(file), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		c.t.Fatalf("file of %s: status %d: %v", id, resp.StatusCode, err)
	}
	return string(data)
}
