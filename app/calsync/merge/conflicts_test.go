package merge

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// told fails where a text of what is private is told.
func told(t *testing.T, where string, texts ...map[string]string) {
	t.Helper()
	for _, m := range texts {
		for f, text := range m {
			if strings.Contains(text, "secret") {
				t.Errorf("%s: %s tells %q", where, f, text)
			}
		}
	}
}

func secretSeries(private bool) (Content, string) {
	at := time.Date(2030, 1, 7, 9, 0, 0, 0, time.UTC)
	c := Content{Subject: "jour fixe", Start: at, End: at.Add(time.Hour), Recurrence: "FREQ=DAILY"}
	x := c
	x.Recurrence, x.Subject, x.Location, x.Private = "", "secret occurrence", "secret place", true
	if private {
		c.Private, c.Subject, c.Location, c.Body, c.Categories = true, "secret series", "secret place", "secret body", []string{"secret"}
		x.Private = false
	}
	c.except(Stamp(at), x)
	return c, Stamp(at)
}

func TestConflictsKeepPrivateTextsBack(t *testing.T) {
	c, _ := secretSeries(true)
	for _, fields := range [][]string{{"deleted"}, {"occurrence"}, {"subject", "location", "body", "categories", "occurrences"}} {
		for _, gone := range []bool{false, true} {
			l := &Loss{Fields: fields, Given: c, Kept: c, KeptDeleted: gone}
			kept, given := versions(l, true)
			told(t, fmt.Sprint(fields, gone), kept, given)
			if fields[0] != "subject" && (given["when"] == "" || given["private"] != "true") {
				t.Errorf("%v: when it is is not told: %v", fields, given)
			}
		}
	}
}

func TestPrivateOccurrencesOfOpenSeriesAreKeptBack(t *testing.T) {
	c, id := secretSeries(false)
	plain, _ := secretSeries(false)
	x := plain.Exceptions[id]
	x.Private = false // it was open before
	plain.except(id, x)
	before, after := texts(&plain, &c)
	told(t, "the log", before, after)
	none := c
	none.Exceptions = nil
	before, after = texts(&none, &c)
	told(t, "the log of a new one", before, after)
	if !strings.Contains(after["occurrences"], "2030-01-07") {
		t.Errorf("that there is one is not told: %v", after)
	}
	kept, given := versions(&Loss{Fields: []string{"deleted"}, Given: plain, Kept: c}, false)
	told(t, "a conflict", kept, given)
	if given["subject"] != "jour fixe" {
		t.Errorf("what is open is kept back: %v", given)
	}
}
