package series

import (
	"errors"
	"time"

	"portico/app/calendar/recurrence"
	"portico/app/portal"
)

// MaxLength is how long an appointment may last.
const MaxLength = 5 * 366 * 24 * time.Hour

func bad(key string) *portal.Error { return portal.Fail(portal.ErrInvalid, key) }

// Timed checks when an appointment is, and how it repeats, and brings both into the form in which they are kept: times in UTC to the
// second, an all-day one as whole days, the rule in its canonical order. What is wrong is ErrInvalid with a key of the catalogue.
func Timed(a portal.Appointment) (portal.Appointment, error) {
	if a.Start.IsZero() || a.End.IsZero() || a.End.Before(a.Start) || a.Start.Year() < 1900 || a.End.Year() > 2200 || a.End.Sub(a.Start) > MaxLength {
		return a, bad("calendar.times")
	}
	a.Start, a.End = a.Start.UTC().Truncate(time.Second), a.End.UTC().Truncate(time.Second)
	if a.AllDay {
		a.Start, a.End = a.Start.Truncate(24*time.Hour), a.End.Add(24*time.Hour-time.Second).Truncate(24*time.Hour)
		if !a.End.After(a.Start) {
			a.End = a.Start.Add(24 * time.Hour)
		}
	}
	if a.Recurrence == "" {
		return a, nil
	}
	rule, err := recurrence.Parse(a.Recurrence)
	if err != nil {
		return a, bad("calendar.recurrence").Because(err)
	}
	start, form := a.Start, recurrence.Dates
	if !a.AllDay {
		start, form = a.Start.In(Place(a.TimeZone)), recurrence.Zoned
	}
	rule = rule.Conform(start, form)
	if err := rule.ValidateFor(form); err != nil {
		return a, bad("calendar.recurrence").Because(err)
	}
	if _, _, err := recurrence.ToExchange(rule, start, a.AllDay); err != nil {
		if no := (*recurrence.InexpressibleError)(nil); errors.As(err, &no) {
			return a, bad("calendar.recurrence-exchange").Because(err)
		}
		return a, bad("calendar.recurrence").Because(err)
	}
	a.Recurrence = rule.String()
	return a, nil
}
