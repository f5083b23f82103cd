package ewslab

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheExampleWeek(t *testing.T) {
	// In the middle of a week, late in the evening, three days before the clocks change.
	l := example(t, func(c *Config) {
		c.Seed = true
		c.Now = func() time.Time { return time.Date(2026, 3, 26, 22, 30, 0, 0, time.UTC) }
	})
	alice := l.as("alice")
	equal(t, strings.Join(alice.view("2026-03-23T00:00:00Z", "2026-03-31T00:00:00Z"), "\n"), strings.Join([]string{
		"2026-03-23T09:30:00Z Team round", "2026-03-24T07:00:00Z Dentist", "2026-03-24T12:00:00Z Prepare the quarter's report", "2026-03-25T13:00:00Z Pricing for the spring fair",
		"2026-03-25T23:00:00Z Trade fair", "2026-03-26T09:00:00Z Customer demo", "2026-03-27T12:00:00Z Architecture review", "2026-03-30T07:30:00Z Team round",
	}, "\n"))
	equal(t, tally(alice.only("calendar", "Pricing")), "bob=Accept carol=Unknown grace=Tentative erin=Decline studio2=Accept")
	equal(t, tally(alice.only("calendar", "Team round")), "bob=Accept carol=Accept dave=Tentative studio1=Accept")
	equal(t, alice.only("calendar", "Dentist").text("Sensitivity"), "Private")
	fair := alice.only("calendar", "Trade fair")
	equal(t, fair.text("IsAllDayEvent")+" "+fair.text("End"), "true 2026-03-27T23:00:00Z")
	said := map[string]string{}
	for _, word := range alice.inFolder("inbox", "Pricing") {
		said[word.text("From", "Mailbox", "EmailAddress")] = word.text("Body")
	}
	if !strings.Contains(said["bob@example.test"], "I bring the figures.") || !strings.Contains(said["erin@example.test"], "Release day") {
		t.Errorf("the answers say %v", said)
	}
	equal(t, l.as("carol").do(getOof("carol")).text("OofSettings", "OofState"), "Scheduled")
	equal(t, strings.Contains(alice.do(mailTips("carol")).String(), "on holiday"), true)
	equal(t, codeOf(alice.do(getDelegate("alice"))), "NoError")
	equal(t, summaryOf(alice, "bob"), "Detailed")
	equal(t, summaryOf(l.as("erin"), "bob"), "FreeBusy")
	equal(t, len(l.as("heidi").inFolder("inbox", "Pricing")), len(said))
}

// summaryOf is the view of somebody's times that is granted.
func summaryOf(c caller, who string) string {
	return c.busyView(who, "Detailed").text("FreeBusyView", "FreeBusyViewType")
}

func TestTheExampleWeekComesOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lab.db")
	now := func() time.Time { return time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC) }
	counts := map[int]int{}
	for range 2 {
		s, err := New(Config{People: ExamplePeople(), DSN: file, Seed: true, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := s.view(t.Context(), func(x *tx) error { return x.QueryRow(`SELECT COUNT(*) FROM items`).Scan(&n) }); err != nil {
			t.Fatal(err)
		}
		counts[n]++
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(counts) != 1 || counts[0] > 0 {
		t.Errorf("items at the first and the second start: %v", counts)
	}
}

func TestOtherPeopleGetNoExampleWeek(t *testing.T) {
	l := start(t, func(c *Config) {
		c.Seed = true
		c.People = []Person{{User: "zoe", Name: "Zoe", Password: "portico"}}
	})
	equal(t, len(l.as("zoe").view("2026-02-01T00:00:00Z", "2026-04-01T00:00:00Z")), 0)
}
