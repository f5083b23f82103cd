package ewslab

import (
	"testing"
	"time"

	"portico/app/ews/ewstest"
)

func TestSomeAnswerByThemselves(t *testing.T) {
	l := example(t, func(c *Config) { c.AnswerAfter = time.Millisecond })
	alice := l.as("alice")
	m := alice.invite("Tour", "2026-03-04T10:00:00Z", "bob", "karl", "lena")
	await := func(want string) {
		t.Helper()
		if !ewstest.Eventually(time.Minute, func() bool { return tally(alice.get(m.item())) == want }) {
			t.Errorf("the answers are %s, want %s", tally(alice.get(m.item())), want)
		}
	}
	await("bob=Unknown karl=Accept lena=Tentative")
	alice.updateAndSend(m.item(), "SendToAllAndSaveCopy", move("2026-03-05T10:00:00Z", "2026-03-05T11:00:00Z")...)
	await("bob=Unknown karl=Accept lena=Tentative")
	equal(t, l.as("karl").only("calendar", "Tour").text("MyResponseType"), "Accept")
}

func TestNobodyAnswersWhatThereIsNot(t *testing.T) {
	if s, err := New(Config{People: []Person{{User: "max", Answers: "Perhaps"}}}); err == nil {
		t.Errorf("taken: %v", s.Close())
	}
}
