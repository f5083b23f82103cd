package calendar

import (
	"portico/app/portal"
)

// View is what of a calendar touches a window.
type View struct {
	// Appointments are single ones and occurrences (masters never), by start; all-day ones of a day first.
	Appointments []portal.Appointment
	// State is whether the calendar's server can be reached, and how many changes of the reader wait.
	State portal.ExchangeEvent
	// Rights are those of the reader: one of the Rights constants. With RightsFreeBusy the appointments are
	// blocks of taken time, Masked where nothing but that may be known.
	Rights string
	// Loading: the calendar has not been read to its end yet; a CalendarEvent without ID tells when it has.
	Loading bool
}
