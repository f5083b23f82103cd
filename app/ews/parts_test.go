package ews

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// The small parts: comments, reachability, what errors become, options.

func TestOwnWordsOfAnAnswer(t *testing.T) {
	for text, want := range map[string]string{
		"":                 "",
		" Yes, gladly. \n": "Yes, gladly.",
		"When: Monday\nWhere: Room 1\n\n*~*~*~*~*~*~*~*~*~*\n\nI am late.": "I am late.",
		"When: Monday\n*~*~*~*~*~*~*~*~*~*\n":                              "",
	} {
		if got := ownWords(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func answerFrom(email, uid, words string, at time.Time) *soap.AnyItem {
	r := &soap.MeetingResponse{}
	r.UID, r.Body, r.DateTimeReceived = uid, &soap.Body{Type: "Text", Text: words}, soap.At(at)
	r.From = &soap.Recipient{Mailbox: soap.Mailbox{EmailAddress: email}}
	return &soap.AnyItem{MeetingResponse: r}
}

// The newest answer counts, also where it comes first.
func TestNewestAnswerCounts(t *testing.T) {
	m := &mailboxAnswers{}
	m.reset()
	v := voice{person: personOf("example.test")}
	now := at(t, "2026-03-02T10:00:00Z")
	m.learn(v, answerFrom("bob@example.test", "U", "second", now))
	m.learn(v, answerFrom("BOB@example.test", "u", "first", now.Add(-time.Hour)))
	m.learn(v, answerFrom("bob@example.test", "other", "elsewhere", now.Add(time.Hour)))
	m.learn(v, &soap.AnyItem{Message: &soap.Message{}})
	m.learn(v, &soap.AnyItem{MeetingResponse: &soap.MeetingResponse{}})
	a := portal.Appointment{Attendees: []portal.Attendee{{Email: "Bob@Example.test", Response: portal.ResponseAccepted}, {Email: "carol@example.test", Response: portal.ResponseNone}}}
	m.write(&a, "u", time.Time{})
	if got := a.Attendees[0]; got.Comment != "second" || !got.RespondedAt.Equal(now) {
		t.Errorf("%+v", got)
	}
	if a.Attendees[1].Comment != "" {
		t.Errorf("%+v", a.Attendees[1])
	}
}

func TestReachabilityIsToldOncePerChange(t *testing.T) {
	l := &listener{}
	h := newHealth(l)
	h.watch([]portal.Address{alice})
	h.bell(&host{}, alice, nil)
	down := portal.Fail(portal.ErrUnavailable, "exchange.down")
	for _, err := range []error{nil, down, down, portal.Fail(portal.ErrUnauthenticated, "exchange.signin"), nil, nil, portal.Fail(portal.ErrNotFound, "exchange.not-found"), portal.Fail(portal.ErrTooMany, "x"), portal.ErrConflict} {
		h.note(alice, err)
	}
	if reached, lost := l.counts(); reached != 3 || lost != 2 {
		t.Errorf("reached %d, lost %d", reached, lost)
	}
}

func TestErrorsAlwaysHaveAMeaningAndASentence(t *testing.T) {
	for _, c := range []struct {
		err     error
		meaning error
		key     string
	}{
		{errors.New("connection reset"), portal.ErrUnavailable, "exchange.down"},
		{context.DeadlineExceeded, portal.ErrUnavailable, "exchange.down"},
		{fmt.Errorf("wrapped: %w", portal.ErrConflict), portal.ErrConflict, "calendar.conflict"},
		{fmt.Errorf("wrapped: %w", portal.ErrTooMany), portal.ErrTooMany, "exchange.down"},
		{portal.Fail(portal.ErrInvalid, "calendar.times"), portal.ErrInvalid, "calendar.times"},
		{&soap.ResponseError{Code: "ErrorOfTomorrow"}, portal.ErrInvalid, "exchange.refused"},
	} {
		got := translate(c.err)
		if portal.Meaning(got) != c.meaning || portal.Reason(got) != c.key {
			t.Errorf("%v became %v", c.err, got)
		}
	}
	if translate(nil) != nil || !errors.Is(translate(context.Canceled), context.Canceled) {
		t.Error("no error, or who gave up, became something else")
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	ok := Server{Name: "a", URL: "http://127.0.0.1:1/EWS/Exchange.asmx"}
	for name, servers := range map[string][]Server{
		"no name":       {{URL: ok.URL}},
		"a name twice":  {ok, ok},
		"no address":    {{Name: "a", URL: "mail.example.test"}},
		"another way":   {{Name: "a", URL: "ftp://mail.example.test"}},
		"unknown login": {{Name: "a", URL: ok.URL, Auth: "telepathy"}},
	} {
		if _, err := New(Options{Servers: servers}); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, auth := range []string{"", "basic", "ntlm"} {
		s := ok
		s.Auth = auth
		if _, err := New(Options{Servers: []Server{s}}); err != nil {
			t.Errorf("%q: %v", auth, err)
		}
	}
	b := Bells{Stream: 90 * time.Minute, PerStream: 1000}.withDefaults()
	if b.Stream != 30*time.Minute || b.PerStream != maxPerStream || b.Silence <= 0 || b.Poll <= 0 {
		t.Errorf("%+v", b)
	}
	if d := jitter(time.Second); d < time.Second || d > 1250*time.Millisecond {
		t.Errorf("jitter: %s", d)
	}
}

func TestPeopleOfADomain(t *testing.T) {
	p := personOf("example.test")
	for email, want := range map[string]portal.Address{"bob@example.test": "sip:bob@example.test", "bob@Example.TEST": "sip:bob@example.test", "x@elsewhere.test": "", "": "", "no address": ""} {
		if got := p(email); got != want {
			t.Errorf("%q is %q", email, got)
		}
	}
}

func TestHomesAreForgottenInTime(t *testing.T) {
	now := at(t, "2026-03-02T10:00:00Z")
	h := newHomes(func() time.Time { return now })
	there := &host{}
	h.set("Bob@example.test", there)
	h.set("nobody@example.test", nil)
	if got, ok := h.get("bob@EXAMPLE.test"); !ok || got.host != there {
		t.Error("a known home is not known")
	}
	now = now.Add(noneLasts)
	if _, ok := h.get("nobody@example.test"); ok {
		t.Error("that nobody has it is believed for too long")
	}
	now = now.Add(homeLasts)
	if _, ok := h.get("bob@example.test"); ok {
		t.Error("a home is believed for too long")
	}
}
