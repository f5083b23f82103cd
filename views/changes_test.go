package views

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"portico/app/portal"
)

func to[T any](v T) *T { return &v }

// What was asked for is said in words, with what it was before where that is known.
func TestWhatWasAskedForInWords(t *testing.T) {
	r := frameFor("en", Calendar).Reader
	was := lasting(t, "Budget", "2026-11-26 10:00", time.Hour)
	was.Attendees = []portal.Attendee{{Name: "Bob Berger", Email: "bob@example.test"}}
	start, end := was.Start.Add(24*time.Hour), was.End.Add(24*time.Hour)
	own := portal.Appointment{Meeting: true, Mine: true}
	for name, c := range map[string]struct {
		of   portal.Appointment
		ch   AskedChange
		want []string
	}{
		"new":                                {was, AskedChange{Kind: portal.IntentCreate}, []string{"A new appointment"}},
		"delete":                             {was, AskedChange{Kind: portal.IntentDelete}, []string{"Delete it"}},
		"cancel":                             {own, AskedChange{Kind: portal.IntentDelete, Comment: "sorry"}, []string{"Cancel the meeting", "Comment: “sorry”"}},
		"answer":                             {was, AskedChange{Kind: portal.IntentRespond, Response: portal.ResponseTentative, Proposal: portal.Proposal{Start: start, End: end}}, []string{"Answer: Tentative", "Proposed time: Fri 27 Nov, 10:00–11:00"}},
		"forward":                            {was, AskedChange{Kind: portal.IntentForward, To: []portal.Attendee{{Name: "Zoe"}, {Email: "carol@example.test"}}}, []string{"Forward to Zoe, carol@example.test"}},
		"one of it":                          {was, AskedChange{Kind: portal.IntentDelete, Occurrence: start}, []string{"Delete it", "Only the one of Fri 27 Nov, 10:00"}},
		"moved":                              {was, AskedChange{Kind: portal.IntentChange, Was: &was, Wanted: &portal.AppointmentChange{Start: &start, End: &end}}, []string{"When: Thu 26 Nov, 10:00–11:00 → Fri 27 Nov, 10:00–11:00"}},
		"its start":                          {was, AskedChange{Kind: portal.IntentChange, Was: &was, Wanted: &portal.AppointmentChange{Start: &start}}, []string{"When: Thu 26 Nov, 10:00–11:00 → Fri 27 Nov, 10:00–11:00"}},
		"moved, from nobody knows when":      {was, AskedChange{Kind: portal.IntentChange, Wanted: &portal.AppointmentChange{Start: &start, End: &end}}, []string{"When: Fri 27 Nov, 10:00–11:00"}},
		"an end alone, of nobody knows what": {was, AskedChange{Kind: portal.IntentChange, Wanted: &portal.AppointmentChange{End: &end}}, nil},
		"texts": {was, AskedChange{Kind: portal.IntentChange, Was: &was, Wanted: &portal.AppointmentChange{Subject: to("Budget 2"), Location: to("Room 1"), Body: to("x")}},
			[]string{"Subject: Budget → Budget 2", "Place: Room 1", "Text: changed"}},
		"the rest": {was, AskedChange{Kind: portal.IntentChange, Was: &was, Wanted: &portal.AppointmentChange{Attendees: &[]portal.Attendee{}, Show: to(portal.ShowFree), Categories: &[]string{"Sales"},
			Recurrence: to(""), ReminderMinutes: new(*int), Private: to(true), TimeZone: to("UTC")}},
			[]string{"Attendees: none any more", "Show as: free", "Categories: Sales", "Repeats: changed", "Reminder: changed", "Private: changed", "Time zone: changed"}},
		"nothing that is known": {was, AskedChange{Kind: portal.IntentChange}, nil},
	} {
		if got := r.asked(c.of, c.ch); !slices.Equal(got, c.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, c.want)
		}
	}
}

func changesPageFor(t *testing.T, locale string) ChangesPage {
	at := lasting(t, "<b>Budget</b>", "2029-05-03 10:00", time.Hour)
	at.ID, at.Calendar = "far", alice
	gone := lasting(t, "Unwanted", "2026-11-26 10:00", time.Hour)
	gone.ID, gone.Calendar = "gone", bob
	return ChangesPage{Frame: frameFor(locale, Calendar), State: portal.ExchangeEvent{State: "up", Failed: 1, Waiting: 1}, Rows: []UnsentRow{
		{Appointment: at, Shown: true, Owner: portal.Person{URI: alice, DisplayName: "Alice Adler"}, State: portal.SyncFailed,
			Changes: []AskedChange{{Kind: portal.IntentCreate, State: portal.SyncFailed, Reason: "exchange.forbidden", MadeAt: en0}}},
		{Appointment: gone, Owner: portal.Person{URI: bob, DisplayName: "Bob Berger"}, State: portal.SyncPending,
			Changes: []AskedChange{{Kind: portal.IntentDelete, State: portal.SyncPending, MadeAt: en0}, {Kind: portal.IntentDelete, State: portal.SyncPending, Reason: "exchange.down", MadeAt: en0}}},
	}}
}

func TestChangesPage(t *testing.T) {
	doc := render(t, ChangesView(changesPageFor(t, "en")))
	expect(t, doc, map[string]string{
		`.unsent > li[data-sync=failed] h2 a[href="/calendar/far"]`: "<b>Budget</b>",
		`.unsent > li[data-sync=failed] .result`:                    "Refused: The calendar server does not allow this.",
		`.unsent > li[data-sync=failed] time`:                       "Thu 3 May 2029, 10:00–11:00",
		`.unsent > li[data-sync=pending] h2`:                        "Unwanted",
		`.unsent > li[data-sync=pending] .result`:                   "Waiting to be sent",
		`[data-live=exchange] .unsent-link`:                         "1 change was refused. Look at them",
	})
	if n := doc.Find(`form[action$="/retry"]`).Length(); n != 1 {
		t.Errorf("%d can be tried again", n)
	}
	if doc.Find(`form[action="/calendar/gone/discard?of=bob%40example.test"] button[aria-label="Discard: Unwanted"]`).Length() != 1 || doc.Find("li[data-sync=pending] h2 a").Length() != 0 {
		t.Error("what is shown nowhere cannot be given up, or is linked to")
	}
	if got := doc.Find("li[data-sync=pending] .result").FilterFunction(func(i int, _ *goquery.Selection) bool { return i == 1 }).Text(); got != "Waiting to be sent: The calendar server does not answer." {
		t.Errorf("why it waits: %q", got)
	}
	german := render(t, ChangesView(changesPageFor(t, "de"))).Find("main").Text()
	for _, want := range []string{"Abgelehnt:", "Ein neuer Termin", "Bob Berger", "Wartet auf das Senden"} {
		if !strings.Contains(german, want) {
			t.Errorf("the German page lacks %q", want)
		}
	}
	expect(t, render(t, ChangesView(ChangesPage{Frame: frameFor("en", Calendar)})), map[string]string{"#changes-pane .empty": "Nothing waits and nothing was refused."})
}

// The banner leads to what was refused, also while the server answers; where all is well it is hidden.
func TestTheBannerLeadsToWhatWasRefused(t *testing.T) {
	r := frameFor("en", Calendar).Reader
	for name, c := range map[string]struct {
		ev     portal.ExchangeEvent
		links  int
		hidden bool
	}{
		"all is well":         {portal.ExchangeEvent{State: "up"}, 0, true},
		"something waits":     {portal.ExchangeEvent{State: "up", Waiting: 1}, 0, true},
		"refused":             {portal.ExchangeEvent{State: "up", Failed: 2}, 1, false},
		"away":                {portal.ExchangeEvent{State: "down"}, 0, false},
		"away, and some wait": {portal.ExchangeEvent{State: "down", Waiting: 3}, 1, false},
	} {
		doc := render(t, exchangeBanner(r, c.ev))
		_, hidden := doc.Find("[data-live=exchange]").Attr("hidden")
		if n := doc.Find(`a[href="/calendar/changes"]`).Length(); n != c.links || hidden != c.hidden {
			t.Errorf("%s: %d links, hidden %v", name, n, hidden)
		}
	}
}
