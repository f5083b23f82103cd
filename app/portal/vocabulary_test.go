package portal

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"
)

func TestErrorsKeepTheirMeaningSentenceAndCause(t *testing.T) {
	cause := errors.New("connection refused")
	err := fmt.Errorf("sign in: %w", Fail(ErrUnavailable, "signin.unreachable").Because(cause).With("server", "x").After(time.Minute))
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, cause) || errors.Is(err, ErrInvalid) {
		t.Errorf("meaning or cause lost: %v", err)
	}
	var e *Error
	if !errors.As(err, &e) || e.Args["server"] != "x" || e.RetryAfter != time.Minute {
		t.Errorf("details lost: %+v", e)
	}
	if Meaning(err) != ErrUnavailable || Reason(err) != "signin.unreachable" {
		t.Errorf("meaning %v, reason %s", Meaning(err), Reason(err))
	}
}

func TestEveryErrorHasAReason(t *testing.T) {
	for err, want := range map[error]string{
		ErrInvalid: "invalid", ErrUnauthenticated: "unauthenticated", ErrForbidden: "forbidden", ErrNotFound: "not-found",
		ErrConflict: "conflict", ErrTooMany: "too-many", ErrUnavailable: "unavailable", errors.New("disk on fire"): "internal",
	} {
		if got := Reason(fmt.Errorf("somewhere: %w", err)); got != want {
			t.Errorf("%v: reason %q, want %q", err, got, want)
		}
	}
	if Meaning(errors.New("x")) != nil || Meaning(nil) != nil {
		t.Error("a plain error has a meaning")
	}
}

func TestAMessageOnlyGetsFurther(t *testing.T) {
	order := []State{Pending, Failed, Sent, Stored, Delivered, Read}
	for i, was := range order {
		for j, next := range order {
			if got := next.Supersedes(was); got != (j > i) {
				t.Errorf("%s after %s: %v", next, was, got)
			}
		}
	}
}

func TestDurableEventsSurviveTheLog(t *testing.T) {
	at := time.Date(2026, 11, 23, 9, 41, 0, 0, time.UTC)
	for _, e := range []Durable{
		MessageEvent{Conversation: "sip:bob@example.test", ID: "1", From: "sip:alice@example.test", Text: "ä\n<b>", At: at, State: Pending, Order: 7},
		StateEvent{Conversation: "sip:bob@example.test", ID: "1", State: Failed, Reason: "send.not-found"},
		ContactsEvent{ID: "sip:bob@example.test", Change: Deleted},
	} {
		name, payload, err := EncodeEvent(e)
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeEvent(name, payload)
		if err != nil || !reflect.DeepEqual(back, e) {
			t.Errorf("%s: %+v came back as %+v, %v", name, e, back, err)
		}
	}
}

func TestADamagedLogIsAnError(t *testing.T) {
	if _, err := DecodeEvent("nonsense", nil); err == nil {
		t.Error("an unknown name was read")
	}
	if _, err := DecodeEvent("message", []byte("{")); err == nil {
		t.Error("half an event was read")
	}
}

func TestCurrentEventsThatReplaceEachOtherShareAKey(t *testing.T) {
	a, b := Address("sip:a@x.test"), Address("sip:b@x.test")
	keys := map[string]bool{}
	for _, e := range []Current{
		PresenceEvent{Presence{URI: a}}, PresenceEvent{Presence{URI: b}}, TypingEvent{Conversation: a, From: a},
		TypingEvent{Conversation: a, From: b}, CountsEvent{}, LineEvent{},
	} {
		if keys[e.Key()] {
			t.Errorf("key %q twice", e.Key())
		}
		keys[e.Key()] = true
	}
	if (PresenceEvent{Presence{URI: a, Availability: Busy}}).Key() != (PresenceEvent{Presence{URI: a}}).Key() {
		t.Error("two values of one person have two keys")
	}
}

func TestTheClosedSetsKnowTheirMembers(t *testing.T) {
	for _, a := range []Availability{Available, Busy, DoNotDisturb, BeRightBack, Away, Offline, Unknown} {
		if !a.Valid() || a.Settable() != (a != Unknown) {
			t.Errorf("%s: valid %v, settable %v", a, a.Valid(), a.Settable())
		}
	}
	for _, a := range []Activity{NoActivity, InACall, InAMeeting, InAConference, OutOfOffice, Inactive, "custom-1", "custom-4"} {
		if !a.Valid() {
			t.Errorf("%s is not valid", a)
		}
	}
	for _, r := range []Relationship{Personal, Team, Company, Public, Blocked} {
		if !r.Valid() {
			t.Errorf("%s is not valid", r)
		}
	}
	if Availability("online").Valid() || Activity("custom-5").Valid() || Relationship("friend").Valid() {
		t.Error("a stranger is a member")
	}
}

func TestPresenceIsTheSameOnlyIfAReaderSeesTheSame(t *testing.T) {
	at := time.Now()
	p := Presence{URI: "sip:a@x.test", Availability: Busy, Activity: InACall, Note: "n", Since: at}
	q := p
	q.Since = at.UTC()
	if !p.Same(q) {
		t.Error("the zone of a timestamp makes a difference")
	}
	for name, change := range map[string]func(*Presence){
		"availability": func(p *Presence) { p.Availability = Away }, "activity": func(p *Presence) { p.Activity = "" },
		"note": func(p *Presence) { p.Note = "" }, "since": func(p *Presence) { p.Since = at.Add(1) },
		"out of office": func(p *Presence) { p.OutOfOffice = "x" }, "by hand": func(p *Presence) { p.ByHand = true },
		"until": func(p *Presence) { p.Until = at }, "calendar": func(p *Presence) { p.Calendar = "x" },
		"text": func(p *Presence) { p.Text = "x" }, "person": func(p *Presence) { p.URI = "sip:b@x.test" },
	} {
		q := p
		change(&q)
		if p.Same(q) {
			t.Errorf("a change of %s is not seen", name)
		}
	}
}

func TestMine(t *testing.T) {
	if m := (Message{Owner: "sip:a@x.test", From: "sip:a@x.test"}); !m.Mine() {
		t.Error("own message is not mine")
	}
	if m := (Message{Owner: "sip:a@x.test", From: "sip:b@x.test"}); m.Mine() {
		t.Error("another's message is mine")
	}
}
