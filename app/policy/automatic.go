package policy

// Presence from a person's own activity.

import (
	"strings"
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
	var err error
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
	if m.NoteUntil, err = NoteEnd(m.NoteUntil, now); err != nil {
		return portal.Manual{}, err
	}
	m.Until, m.SetAt = m.Until.UTC(), now.UTC()
	return m, nil
}

// NoteEnd checks when a note is to end; zero: never. An error means ErrInvalid: it is over already.
func NoteEnd(until, now time.Time) (time.Time, error) {
	if !until.IsZero() && !until.After(now) {
		return time.Time{}, portal.Fail(portal.ErrInvalid, "presence.note-until")
	}
	return until.UTC(), nil
}

// CustomState finds the custom state that an activity names, "custom-1" to "custom-4"; false: it is none of states.
func CustomState(act portal.Activity, states []portal.CustomState) (portal.CustomState, bool) {
	for _, st := range states {
		if IsCustom(act) && string(act) == "custom-"+itoa(st.ID) {
			return st, true
		}
	}
	return portal.CustomState{}, false
}

// IsCustom reports whether an activity is that of a custom state.
func IsCustom(act portal.Activity) bool {
	return act.Valid() && strings.HasPrefix(string(act), "custom-")
}
