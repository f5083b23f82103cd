package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// Invitations answered, and the answers seen.

func TestAnswering(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a, b := h.viennese(alice, "en"), h.viennese(bob, "en")
	m := h.lesson("Tender", 14, time.Hour)
	m.Attendees = []portal.Attendee{{URI: bob, Name: "Bob Brown", Email: "bob@example.test", Role: portal.RoleRequired, Response: portal.ResponseNone},
		{Name: "Zoe Zimmer", Email: "zoe@elsewhere.test", Role: portal.RoleOptional, Response: portal.ResponseNone}}
	m.UID = "tender@example.test"
	e := h.mail.add(alice, m)
	h.mail.mu.Lock()
	h.mail.invite(e)
	h.mail.notes["zoe@elsewhere.test"] = portal.OutOfOfficeNote{State: "enabled", Internal: "please write to Heidi"}
	h.mail.mu.Unlock()
	invitation := b.shows(thisWeek, `.slots .event[data-answer=none]`, 1).Find(".slots .event").AttrOr("href", "")
	b.submit(invitation+"/response", "response", "maybe", "comment", "hm").says(http.StatusBadRequest, "Choose accept")
	b.submit(invitation+"/response", "response", "tentative", "comment", "ten is fine", "propose_date", "2026-11-26", "propose_start", "10:00", "propose_end", "11:00").leadsTo(invitation + "?saved=answered")

	own := a.shows(thisWeek, ".slots .event", 1).Find(".slots .event").AttrOr("href", "")
	doc := a.shows(own, `table[aria-label="Responses"] tr[data-a=tentative]`, 1)
	row := doc.Find("tr[data-a=tentative]")
	if got := text(row); !strings.Contains(got, "Bob Brown") || !strings.Contains(got, "Tentative") || !strings.Contains(got, "ten is fine") || !strings.Contains(got, "proposes Thu 26 Nov, 10:00–11:00 Take it") {
		t.Errorf("bob's answer: %q", got)
	}
	if got := text(doc.Find("tr[data-a=none]")); !strings.Contains(got, "Zoe Zimmer optional") || !strings.Contains(got, "please write to Heidi") || !strings.Contains(got, "invited 3 days ago") {
		t.Errorf("zoe's row: %q", got)
	}
	take := row.Find("form[action$='/take']")
	a.submit(take.AttrOr("action", ""), "version", take.Find("[name=version]").AttrOr("value", ""), "start", take.Find("[name=start]").AttrOr("value", ""), "end", take.Find("[name=end]").AttrOr("value", "")).leadsTo(own + "?saved=moved")
	if e, _ := h.mail.inBox(alice, "Tender"); !e.Start.Equal(time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("it begins %v", e.Start)
	}
	a.submit(own+"/instead", "out", "zoe@elsewhere.test", "in", "carol").leadsTo(own + "?saved=invited")
	e, _ = h.mail.inBox(alice, "Tender")
	if got := emails(e.Attendees); got != "bob@example.test, carol@example.test" {
		t.Errorf("invited are %s", got)
	}
	a.submit(own+"/nudge", "who", string(carol)).leadsTo(own + "?saved=nudged")
	said, err := h.chat.Messages(t.Context(), alice, carol, 0, 10)
	if err != nil || len(said) != 1 || !strings.Contains(said[0].Text, "“Tender” (Thu 26 Nov, 10:00–11:00)") {
		t.Errorf("said to carol: %v %v", said, err)
	}
	a.submit(own+"/nudge", "who", string(nobody)).says(http.StatusBadRequest, "is not somebody who can be invited")
}

func TestResponsesPage(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	if got := a.shows("/responses", ".empty", 1); !strings.Contains(text(got.Find(".empty")), "No meetings with answers") {
		t.Error("an empty overview does not say so")
	}
	m := h.lesson("=Quarterly numbers", 15, time.Hour)
	m.UID = "q@example.test"
	m.Attendees = []portal.Attendee{{URI: bob, Name: "Bob Brown", Email: "bob@example.test", Role: portal.RoleRequired, Response: portal.ResponseNone},
		{URI: carol, Name: "Carol Clark", Email: "carol@example.test", Role: portal.RoleRequired, Response: portal.ResponseAccepted, RespondedAt: wednesday(t).Add(-time.Hour)}}
	h.mail.add(alice, m)
	doc := a.shows("/responses", ".meetings tbody tr", 1)
	if got := text(doc.Find(".meetings tbody tr")); !strings.HasPrefix(got, "=Quarterly numbers organised by me Wed 25 Nov, 15:00–16:00 1 0 0 1") {
		t.Errorf("the meeting: %q", got)
	}
	open, _, _ := strings.Cut(doc.Find(".meetings tbody a").AttrOr("href", ""), "#")
	r := openIn(t, h, a, open)
	wantCard(t, r.doc, `tr[data-a=accepted] th`, carol)
	wantCard(t, r.doc, `tr[data-a=none] th`, bob)
	r.becomes("an answer", "see you", "", func() {
		h.mail.answers("q@example.test", "bob@example.test", portal.ResponseAccepted, "see you", portal.Proposal{})
	})
	if got := text(r.doc.Find(".meetings tbody .number").First()); got != "2" {
		t.Errorf("the overview counts %q who accepted", got)
	}
	a.shows("/responses?only=waiting", ".meetings tbody tr", 0)
	doc = a.page("/responses", http.StatusOK)
	if !strings.Contains(text(doc.Find("#responses-lead")), "1 new answer") {
		t.Errorf("the lead: %q", text(doc.Find("#responses-lead")))
	}
	a.submit("/responses/looked", "here", "/responses").leadsTo("/responses")
	if doc = a.page("/responses", http.StatusOK); strings.Contains(text(doc.Find("#responses-lead")), "new answer") {
		t.Error("what was seen is still new")
	}
	csv := a.call(http.MethodGet, "/responses.csv", nil, http.StatusOK)
	if !strings.Contains(string(csv.body), "'=Quarterly numbers") || !strings.HasPrefix(csv.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the table: %s", csv.body)
	}
	if ics := a.call(http.MethodGet, "/responses.ics", nil, http.StatusOK); !strings.Contains(string(ics.body), "SUMMARY:=Quarterly numbers") {
		t.Errorf("the calendar: %s", ics.body)
	}
}

// While Exchange is away a fresh page does not keep silent about automatic replies: what was known stands there with its
// age, and else that nothing is known now.
func TestAutomaticRepliesWhileExchangeIsAway(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	m := h.lesson("Tender", 14, time.Hour)
	m.Attendees = []portal.Attendee{{URI: bob, Name: "Bob Brown", Email: "bob@example.test", Role: portal.RoleRequired, Response: portal.ResponseNone},
		{Name: "Zoe Zimmer", Email: "zoe@elsewhere.test", Role: portal.RoleRequired, Response: portal.ResponseNone},
		{Name: "Studio 1", Email: "studio1@example.test", Role: portal.RoleResource, Response: portal.ResponseDeclined}}
	h.mail.add(alice, m)
	h.mail.mu.Lock()
	h.mail.notes["zoe@elsewhere.test"] = portal.OutOfOfficeNote{State: "enabled", Internal: "please write to Heidi"}
	h.mail.mu.Unlock()
	doc := a.shows("/responses", ".meetings tbody tr", 1)
	if got := text(doc.Find(".meetings tbody tr")); !strings.Contains(got, "Studio 1 not available") || !strings.HasSuffix(got, " 0 0 0 2") {
		t.Errorf("a room that is not to be had: %q", got)
	}
	if got := a.page("/responses?only=declined", http.StatusOK).Find(".meetings tbody tr").Length(); got != 1 {
		t.Errorf("%d meetings without their room among those that somebody declined", got)
	}
	open, _, _ := strings.Cut(doc.Find(".meetings tbody a").AttrOr("href", ""), "#")
	row := func(name string) string {
		return text(a.page(open, http.StatusOK).Find(".answers-table tr:contains('" + name + "')"))
	}
	if got := row("Zoe Zimmer"); !strings.Contains(got, "Out of office: “please write to Heidi”") || strings.Contains(got, "as of") {
		t.Errorf("zoe, asked now: %q", got)
	}
	if got := row("Bob Brown"); strings.Contains(got, "not known") {
		t.Errorf("bob, asked now: %q", got)
	}
	h.mail.pull(true)
	if got := row("Zoe Zimmer"); !strings.Contains(got, "Out of office: “please write to Heidi” (as of 10:07)") {
		t.Errorf("zoe, while Exchange is away: %q", got)
	}
	if got := row("Bob Brown"); !strings.Contains(got, "Whether they are away is not known at the moment") {
		t.Errorf("bob, while Exchange is away: %q", got)
	}
	if got := row("Studio 1"); strings.Contains(got, "away") {
		t.Errorf("a room: %q", got)
	}
	nudge := a.page(open, http.StatusOK).Find("form[action$='/nudge']").First()
	here := nudge.Find("[name=here]").AttrOr("value", "")
	a.submit(nudge.AttrOr("action", ""), "who", string(bob), "here", here).leadsTo(here + "&saved=nudged#answers-pane")
	if got := text(a.page(here+"&saved=nudged", http.StatusOK).Find(".banner.ok")); got != "A message has been sent." {
		t.Errorf("after a nudge: %q", got)
	}
}

// An invited person's copy says what is known of the answers, and nothing of what is not; a proposal that cannot be
// sent is not to be typed again.
func TestInvitationAsTheInvitedSeeIt(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	b := h.viennese(bob, "en")
	m := h.lesson("Tender", 14, time.Hour)
	m.Meeting, m.Mine, m.Response, m.Organizer = true, false, portal.ResponseTentative, portal.Attendee{URI: alice, Name: "Alice Adams", Email: "alice@example.test"}
	m.Attendees = []portal.Attendee{{URI: bob, Name: "Bob Brown", Email: "bob@example.test", Role: portal.RoleRequired, Response: portal.ResponseNone},
		{URI: carol, Name: "Carol Clark", Email: "carol@example.test", Role: portal.RoleRequired, Response: portal.ResponseNone},
		{Name: "Dave Drake", Email: "dave@example.test", Role: portal.RoleOptional, Response: portal.ResponseAccepted}}
	h.mail.add(bob, m)
	path := b.shows(thisWeek, ".slots .event", 1).Find(".slots .event").AttrOr("href", "")
	doc := b.page(path, http.StatusOK)
	if got := text(doc.Find("ul.attendees")); got != "Bob Brown Tentative Carol Clark Dave Drake optional Accepted" {
		t.Errorf("the invited: %q", got)
	}
	refused := b.submit(path+"/response", "response", "tentative", "comment", "earlier?", "propose_date", "2026-11-26", "propose_start", "11:00", "propose_end", "10:00")
	refused.says(http.StatusBadRequest, "not a date with a start and an end")
	doc = document(t, refused)
	if got := doc.Find("#propose-date").AttrOr("value", "") + " " + doc.Find("#propose-start").AttrOr("value", "") + " " + doc.Find("#propose-end").AttrOr("value", "") + " " + doc.Find("#comment").Text(); got != "2026-11-26 11:00 10:00 earlier?" {
		t.Errorf("of the proposal %q is left", got)
	}
	if _, open := doc.Find(".answer-form details").Attr("open"); !open {
		t.Error("the proposal is folded away")
	}
	refused = b.submit(path+"/forward", "to", "nobody at all", "comment", "please")
	refused.says(http.StatusBadRequest, "is not somebody who can be invited")
	doc = document(t, refused)
	if got := doc.Find("#forward-to").AttrOr("value", "") + ": " + doc.Find("#forward-comment").Text(); got != "nobody at all: please" {
		t.Errorf("of the forwarding %q is left", got)
	}
}
