package policy

// Presence from a person's own activity.

import (
	"time"

	"portico/app/portal"
)

// Thresholds are how long somebody is without input before it shows.
type Thresholds struct {
	// Inactive is when "available" gets the activity "inactive", Away when it turns into "away".
	Inactive, Away time.Duration
}

// DefaultThresholds are those of the field: inactive after 5 minutes, away after 15.
func DefaultThresholds() Thresholds {
	return Thresholds{Inactive: 5 * time.Minute, Away: 15 * time.Minute}
}

// Automatic says what the person's input means at now: last is when there was input last, connections
// the number of places (tabs, script-less pages) from which input could come. next is when the answer
// will change if nothing happens; zero: it will not.
func (t Thresholds) Automatic(last time.Time, connections int, now time.Time) (a portal.Availability, act portal.Activity, next time.Time) {
	switch quiet := now.Sub(last); {
	case connections <= 0:
		return portal.Offline, portal.NoActivity, time.Time{}
	case quiet < min(t.Inactive, t.Away):
		return portal.Available, portal.NoActivity, last.Add(min(t.Inactive, t.Away))
	case quiet < t.Away:
		return portal.Available, portal.Inactive, last.Add(t.Away)
	default:
		return portal.Away, portal.NoActivity, time.Time{}
	}
}

// Manual checks a state that a person sets by hand and gives it in the form to be kept. Errors mean
// ErrInvalid: not an availability that can be chosen, an activity nobody knows, an end that is not in
// the future, a note that is too long.
func Manual(m portal.Manual, now time.Time) (portal.Manual, error) {
	if !m.Availability.Settable() {
		return portal.Manual{}, portal.Fail(portal.ErrInvalid, "presence.availability")
	}
	if !m.Activity.Valid() {
		return portal.Manual{}, portal.Fail(portal.ErrInvalid, "presence.activity")
	}
	if !m.Until.IsZero() && !m.Until.After(now) {
		return portal.Manual{}, portal.Fail(portal.ErrInvalid, "presence.until")
	}
	if m.Note != nil {
		note, err := Note(*m.Note)
		if err != nil {
			return portal.Manual{}, err
		}
		m.Note = &note
	}
	m.Until, m.SetAt = m.Until.UTC(), now.UTC()
	return m, nil
}
