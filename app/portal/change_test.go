package portal

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func pointer[T any](v T) *T { return &v }

func TestChangeSaysOnlyWhatItTouches(t *testing.T) {
	ten := 10
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for name, c := range map[string]struct {
		change AppointmentChange
		want   string
	}{
		"nothing":       {AppointmentChange{}, `{}`},
		"subject":       {AppointmentChange{Subject: pointer("")}, `{"subject":""}`},
		"reminder":      {AppointmentChange{ReminderMinutes: pointer(&ten)}, `{"reminder_minutes":10}`},
		"no reminder":   {AppointmentChange{ReminderMinutes: new(*int)}, `{"reminder_minutes":null}`},
		"nobody":        {AppointmentChange{Attendees: &[]Attendee{}, Known: []string{"a@b"}}, `{"attendees":[],"known":["a@b"]}`},
		"one of series": {AppointmentChange{Start: &at, Scope: ScopeOne, Occurrence: at}, `{"start":"2026-03-04T05:06:07Z","scope":"one","occurrence":"2026-03-04T05:06:07Z"}`},
	} {
		data, err := json.Marshal(c.change)
		if err != nil || string(data) != c.want {
			t.Errorf("%s: %s, %v; want %s", name, data, err, c.want)
		}
		var back AppointmentChange
		if err := json.Unmarshal(data, &back); err != nil || !reflect.DeepEqual(back, c.change) {
			t.Errorf("%s came back as %+v, %v", name, back, err)
		}
		if got := c.change.Empty(); got != (name == "nothing") {
			t.Errorf("%s is empty: %v", name, got)
		}
		if got := c.change.Timed(); got != (name == "one of series") {
			t.Errorf("%s is about time: %v", name, got)
		}
	}
	for _, bad := range []string{`{"reminder_minutes":"soon"}`, `{"start":5}`, `[]`} {
		if err := json.Unmarshal([]byte(bad), new(AppointmentChange)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

// A partial update never removes attendees that its author did not know.
func TestAttendeesOverKeepsTheUnknown(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	now := []Attendee{
		{Email: "Bob@example.test", Response: ResponseAccepted, RespondedAt: at, Comment: "fine"},
		{Email: "carol@example.test", Response: ResponseDeclined},
		{Email: "late@example.test", Response: ResponseTentative},
	}
	c := AppointmentChange{
		Attendees: &[]Attendee{{Email: "bob@example.test", Role: RoleOptional}, {Email: "new@example.test", Response: ResponseAccepted}, {Email: "BOB@example.test"}},
		Known:     []string{"bob@example.test", "carol@example.test"},
	}
	want := []Attendee{
		{Email: "bob@example.test", Role: RoleOptional, Response: ResponseAccepted, RespondedAt: at, Comment: "fine"},
		{Email: "new@example.test", Response: ResponseNone},
		{Email: "late@example.test", Response: ResponseTentative},
	}
	if got := c.AttendeesOver(now); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := (AppointmentChange{}).AttendeesOver(now); !reflect.DeepEqual(got, now) {
		t.Errorf("an untouched list became %+v", got)
	}
}
