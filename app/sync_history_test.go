package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The first synchronisation of somebody with a past: what was there before, on both sides, is joined and nobody gets a letter; doing it
// again, or stopping and beginning again, changes nothing.
func TestTheFirstSynchronisationOfAHistory(t *testing.T) {
	t.Parallel()
	const there, here = 60, 12
	x := officeLab(t)
	day := dayAhead(t)
	daves := outlook(t, x.URL(), "dave")
	guests := []*mail{outlook(t, x.URL(), "carol"), outlook(t, x.URL(), "erin"), outlook(t, x.URL(), "karl")}
	for n := range there { // most of them over, one a day
		daves.noted(fmt.Sprintf("History of Outlook %02d", n), clock(day.AddDate(0, 0, n-50), 9, 0), required("carol", "erin", "karl", "frank"))
	}
	p := facingOffice(t, atServer(0, "lab", x)...)
	synced(t, p)
	alice, dave, carol, frank := p.signIn("alice").loaded(), p.signIn("dave").loaded(), p.signIn("carol").loaded(), p.signIn("frank").loaded()

	// The second history is CRM's: it was made while Dave's mailbox was not kept in step.
	alice.clears("dave")
	for n := range here {
		dave.inCRM(fmt.Sprintf("history-of-crm-%02d", n), fmt.Sprintf("History of CRM %02d", n), clock(day.AddDate(0, 0, n-6), 15, 0), nil, "carol", "frank", "guest@elsewhere.test")
	}
	history := func(c *client) (outlook, crm int) {
		for _, m := range c.meetings(day.AddDate(0, 0, -60), day.AddDate(0, 0, 60)) {
			switch {
			case strings.HasPrefix(m.Subject, "History of Outlook "):
				outlook++
			case strings.HasPrefix(m.Subject, "History of CRM "):
				crm++
			}
		}
		return outlook, crm
	}
	mailbox := func() (outlook, crm int) {
		for _, i := range daves.all() {
			switch {
			case strings.HasPrefix(i.Subject, "History of Outlook "):
				outlook++
			case strings.HasPrefix(i.Subject, "History of CRM "):
				crm++
			}
		}
		return outlook, crm
	}
	silent := func(when string) {
		t.Helper()
		for _, m := range append(guests, daves) {
			if n := m.about("History of"); n != 0 {
				t.Errorf("%s: %s got %d letters", when, m.user, n)
			}
		}
	}
	whole := func(when string) {
		t.Helper()
		await(t, longest, "the history to be whole "+when, func() bool {
			o, c := mailbox()
			fo, fc := history(frank)
			do, dc := history(dave)
			return o == there && c == here && fo == there && fc == here && do == there && dc == here
		})
		if _, n := history(carol); n != here {
			t.Errorf("%s: carol sees %d of CRM's history", when, n)
		}
		silent(when)
	}
	silent("before")
	var plan []struct {
		Action string
		Person struct{ URI string }
	}
	if status := alice.call(http.MethodGet, "/admin/sync/users/plan", nil, &plan); status != http.StatusOK {
		t.Fatalf("the plan: status %d", status)
	}
	for _, row := range plan {
		if want := map[bool]string{true: "resume", false: "none"}[row.Person.URI == "sip:dave@example.test"]; row.Action != want && !strings.Contains(row.Person.URI, "frank") && !strings.Contains(row.Person.URI, "judy") {
			t.Errorf("the plan for %s is %s, not %s", row.Person.URI, row.Action, want)
		}
	}
	if run := alice.runUsers("dave"); run.State != "done" || run.Resumed != 1 || len(run.Again) != 1 {
		t.Errorf("taken up again: %+v", run)
	}
	whole("after the first synchronisation")
	atRest(t, p)
	whole("at rest")

	if run := alice.runUsers("alice", "bob", "carol", "dave", "erin", "grace", "heidi", "ivan", "karl", "lena"); run.State != "done" || run.Resumed+run.Linked+run.Created != 0 {
		t.Errorf("sync users once more: %+v", run)
	}
	for range 2 {
		alice.clears("dave")
		if run := alice.runUsers("dave"); run.Resumed != 1 {
			t.Errorf("taken up again: %+v", run)
		}
		atRest(t, p)
		whole("after stopping and beginning again")
	}

	// From now on it is a calendar like any other: what is made tells those invited.
	dave.inCRM("the-present-of-crm", "The present", clock(day, 18, 0), nil, "carol")
	guests[0].one("The present", nil)
	atRest(t, p)
	if n := guests[0].of(requestLetter, "The present"); n != 1 {
		t.Errorf("carol got %d invitations to what is new", n)
	}
}

// noted makes a meeting of an hour in the mailbox without telling anybody.
func (m *mail) noted(subject string, start time.Time, after string) {
	m.t.Helper()
	m.do(`<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem>` + text("Subject", subject) +
		text("Start", instant(start)) + text("End", instant(start.Add(time.Hour))) + after + `</t:CalendarItem></m:Items></m:CreateItem>`)
}
