package portal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// AppointmentChange is what is to be different about an appointment. A nil field leaves as it is what it
// names: a change says nothing about what its author did not touch.
type AppointmentChange struct {
	Subject  *string `json:"subject,omitempty"`
	Location *string `json:"location,omitempty"`
	// Body is plain text.
	Body *string `json:"body,omitempty"`
	// Start and End are as in Appointment (instants; midnights in UTC where the appointment is all-day).
	Start  *time.Time `json:"start,omitempty"`
	End    *time.Time `json:"end,omitempty"`
	AllDay *bool      `json:"all_day,omitempty"`
	// TimeZone is the IANA zone in which the times are meant from now on.
	TimeZone *string `json:"time_zone,omitempty"`
	// Recurrence is an RRULE without its name; "" makes a series a single appointment.
	Recurrence *string `json:"recurrence,omitempty"`
	// Attendees is the whole list that its author wants, out of the Known ones that they saw: see AttendeesOver.
	Attendees *[]Attendee `json:"attendees,omitempty"`
	// Known are the e-mail addresses of the attendees in the version that the change was made from.
	Known   []string  `json:"known,omitempty"`
	Show    *FreeBusy `json:"show,omitempty"`
	Private *bool     `json:"private,omitempty"`
	// ReminderMinutes points to nil to switch the reminder off.
	ReminderMinutes **int     `json:"-"`
	Categories      *[]string `json:"categories,omitempty"`
	// Scope says how much of a series is meant; of a single appointment it says nothing.
	Scope Scope `json:"scope,omitempty"`
	// Occurrence is the RecurrenceID of the occurrence that ScopeOne means; zero otherwise.
	Occurrence time.Time `json:"occurrence,omitzero"`
}

// Empty reports whether the change changes nothing.
func (c AppointmentChange) Empty() bool {
	return c.Subject == nil && c.Location == nil && c.Body == nil && c.Start == nil && c.End == nil && c.AllDay == nil &&
		c.TimeZone == nil && c.Recurrence == nil && c.Attendees == nil && c.Show == nil && c.Private == nil &&
		c.ReminderMinutes == nil && c.Categories == nil
}

// Timed reports whether the change says anything about when the appointment happens.
func (c AppointmentChange) Timed() bool {
	return c.Start != nil || c.End != nil || c.AllDay != nil || c.TimeZone != nil || c.Recurrence != nil
}

// AttendeesOver is the list of attendees after the change: the wanted ones, with what now knows of their
// answers, and after them those of now of whom the author of the change did not know. So an attendee
// is removed only by somebody who saw them.
func (c AppointmentChange) AttendeesOver(now []Attendee) []Attendee {
	if c.Attendees == nil {
		return now
	}
	out := make([]Attendee, 0, len(*c.Attendees)+1)
	seen := map[string]bool{}
	for _, a := range *c.Attendees {
		key := strings.ToLower(a.Email)
		if seen[key] {
			continue
		}
		seen[key] = true
		if at := slices.IndexFunc(now, func(n Attendee) bool { return strings.EqualFold(n.Email, a.Email) }); at >= 0 {
			old := now[at]
			a.Response, a.RespondedAt, a.Comment = old.Response, old.RespondedAt, old.Comment
			a.ProposedStart, a.ProposedEnd = old.ProposedStart, old.ProposedEnd
		} else {
			a.Response = ResponseNone
		}
		out = append(out, a)
	}
	for _, a := range now {
		known := slices.ContainsFunc(c.Known, func(k string) bool { return strings.EqualFold(k, a.Email) })
		if !known && !seen[strings.ToLower(a.Email)] {
			out = append(out, a)
		}
	}
	return out
}

// changeForm is a change in JSON: a reminder that is switched off is null, an untouched one is absent.
type changeForm struct {
	plainChange
	ReminderMinutes json.RawMessage `json:"reminder_minutes,omitempty"`
}

type plainChange AppointmentChange

// MarshalJSON writes only what the change touches.
func (c AppointmentChange) MarshalJSON() ([]byte, error) {
	form := changeForm{plainChange: plainChange(c)}
	if c.ReminderMinutes != nil {
		raw, err := json.Marshal(*c.ReminderMinutes)
		if err != nil {
			return nil, fmt.Errorf("encode a reminder: %w", err)
		}
		form.ReminderMinutes = raw
	}
	return json.Marshal(form)
}

// UnmarshalJSON reads what MarshalJSON wrote; absent members leave as it is what they name.
func (c *AppointmentChange) UnmarshalJSON(data []byte) error {
	var form changeForm
	if err := json.Unmarshal(data, &form); err != nil {
		return err
	}
	*c = AppointmentChange(form.plainChange)
	if form.ReminderMinutes == nil {
		return nil
	}
	var minutes *int
	if !bytes.Equal(bytes.TrimSpace(form.ReminderMinutes), []byte("null")) {
		minutes = new(int)
		if err := json.Unmarshal(form.ReminderMinutes, minutes); err != nil {
			return err
		}
	}
	c.ReminderMinutes = &minutes
	return nil
}

// WriteOptions go with a write to the server.
type WriteOptions struct {
	// ChangeID is the stamp that a retry finds its own work by.
	ChangeID string
	// Send: invitations, updates and cancellations go out to the attendees.
	Send bool
	// Zone is the IANA zone of the person who writes, for what the server words in a local time; empty: UTC.
	Zone string
}

// Proposal is another time that an invited person proposes with their answer. The zero value proposes none.
type Proposal struct {
	Start time.Time `json:"start,omitzero"`
	End   time.Time `json:"end,omitzero"`
}

// Made reports whether another time is proposed.
func (p Proposal) Made() bool { return !p.Start.IsZero() }
