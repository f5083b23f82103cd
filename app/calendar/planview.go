package calendar

import (
	"time"

	"portico/app/portal"
)

// PlanRequest asks for the free times of people and rooms.
type PlanRequest struct {
	// Attendees are asked for by Email, or by URI where that is empty; the asker is added where they are not among them.
	Attendees []portal.Attendee
	// From and To are the window that is shown and searched, at most MaxPlanDays apart.
	From, To time.Time
	// Minutes is the meeting's length, 1 to 1440.
	Minutes int
	// Location is the asker's zone: suggestions begin at full and half hours of its clock; nil: UTC.
	Location *time.Location
	// Except is an appointment of the asker whose own time does not count (the one that is being moved); "" if none.
	Except string
}

// Plan is everybody's time in a window and the best times for a meeting.
type Plan struct {
	// Attendees and Rows belong together by index; the asker comes first.
	Attendees []portal.Attendee
	Rows      []portal.Availabilities
	// Suggestions are the best first: no conflicts before few, a required person's before an optional one's,
	// inside working hours before outside, certain before tentative, soon before late.
	Suggestions []portal.Suggestion
	From, To    time.Time
	Minutes     int
}
