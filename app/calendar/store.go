package calendar

import (
	"context"
	"time"

	"portico/app/portal"
)

// Store keeps the mirrors, the intents and what people set about their calendars. Each call is one
// transaction; events reach the log in the same one. What is not there is ErrNotFound where a single
// thing is asked for.
type Store interface {
	Mirrors
	Intents
	Choices
}

// Mirrors are the calendars as they were last read.
type Mirrors interface {
	// CalendarMirror is how far a calendar has been read; the zero state where it never was.
	CalendarMirror(ctx context.Context, key portal.CalendarKey) (portal.Mirror, error)
	// SaveCalendar stores one step of reading. An entry's ID and RemoteID are each unique within its mirror;
	// an entry that is put replaces the one of its RemoteID.
	SaveCalendar(ctx context.Context, c portal.MirrorChange, evs ...portal.Addressed) error
	// DropCalendar forgets a mirror with its entries; its intents stay.
	DropCalendar(ctx context.Context, key portal.CalendarKey, evs ...portal.Addressed) error
	// CalendarWindow gives the entries of which anything may lie in from ≤ t < to, by From. All-day
	// ones are compared as midnights in UTC: ask for a day more on both sides.
	CalendarWindow(ctx context.Context, key portal.CalendarKey, from, to time.Time) ([]portal.KeptEntry, error)
	CalendarEntry(ctx context.Context, key portal.CalendarKey, id string) (portal.KeptEntry, error)
	// CalendarEntries finds entries by their RemoteIDs; those that are not there are left out.
	CalendarEntries(ctx context.Context, key portal.CalendarKey, remoteIDs []string) ([]portal.KeptEntry, error)
	// CalendarUIDs gives those of the UIDs that have an entry, with its ID.
	CalendarUIDs(ctx context.Context, key portal.CalendarKey, uids []string) (map[string]string, error)
	// FindCalendarEntry gives the mirrors in which an entry of this ID stands.
	FindCalendarEntry(ctx context.Context, id string) ([]portal.CalendarKey, error)
	// StaleCalendarEntries gives up to limit entries of a generation before the given one.
	StaleCalendarEntries(ctx context.Context, key portal.CalendarKey, generation int64, limit int) ([]portal.KeptEntry, error)
	// StaleCalendarUIDs gives the entries of a generation before the given one that have one of the UIDs.
	StaleCalendarUIDs(ctx context.Context, key portal.CalendarKey, generation int64, uids []string) ([]portal.KeptEntry, error)
}

// Intents are the changes that wait for the server.
type Intents interface {
	// AddIntents stores intents in their order and gives them their Seq. An ID that is there already is ErrConflict.
	AddIntents(ctx context.Context, list []portal.Intent, evs ...portal.Addressed) ([]portal.Intent, error)
	// CalendarIntents gives a calendar's intents by Seq, those of one entry where that is not empty.
	CalendarIntents(ctx context.Context, key portal.CalendarKey, entry string) ([]portal.Intent, error)
	// ReaderIntents gives all intents of a reader, calendar by calendar, by Seq.
	ReaderIntents(ctx context.Context, reader portal.Address) ([]portal.Intent, error)
	// NextIntent gives a calendar's first intent that has not failed; none: false.
	NextIntent(ctx context.Context, key portal.CalendarKey) (portal.Intent, bool, error)
	// SaveIntent replaces an intent where it still has the given Revision (else ErrConflict) and raises that.
	SaveIntent(ctx context.Context, in portal.Intent, evs ...portal.Addressed) (portal.Intent, error)
	// EndIntents removes intents of a calendar and stores what came of them in its mirror: put replaces or adds an
	// entry, gone (RemoteIDs) removes some. An intent that is no longer there is no error.
	EndIntents(ctx context.Context, key portal.CalendarKey, ids []string, put *portal.KeptEntry, gone []string, evs ...portal.Addressed) error
	// IntentCalendars gives the calendars that have intents.
	IntentCalendars(ctx context.Context) ([]portal.CalendarKey, error)
	// CountIntents counts a reader's intents that wait and those that failed.
	CountIntents(ctx context.Context, reader portal.Address) (waiting, failed int, err error)
}

// Choices are what people set: dismissed reminders, calendars beside their own, the subscribe address, the last look at the answers.
type Choices interface {
	ReminderMarks(ctx context.Context, who portal.Address) ([]portal.ReminderMark, error)
	// SaveReminderMarks puts marks and forgets those whose Start is before forget.
	SaveReminderMarks(ctx context.Context, who portal.Address, marks []portal.ReminderMark, forget time.Time) error
	SharedCalendars(ctx context.Context, who portal.Address) ([]portal.CalendarRef, error)
	SaveSharedCalendar(ctx context.Context, who portal.Address, ref portal.CalendarRef) error
	DeleteSharedCalendar(ctx context.Context, who, owner portal.Address) error
	CalendarLink(ctx context.Context, who portal.Address) (portal.CalendarLink, error)
	// SaveCalendarLink replaces the person's link.
	SaveCalendarLink(ctx context.Context, l portal.CalendarLink) error
	// NoteCalendarLink keeps when the link with this hash was last used; one that has been replaced or ended stays so.
	NoteCalendarLink(ctx context.Context, hash string, used time.Time) error
	DeleteCalendarLink(ctx context.Context, who portal.Address) error
	FindCalendarLink(ctx context.Context, hash string) (portal.CalendarLink, error)
	// ResponsesLook is when somebody last looked at the answers; zero: never.
	ResponsesLook(ctx context.Context, who portal.Address) (time.Time, error)
	SaveResponsesLook(ctx context.Context, who portal.Address, at time.Time) error
}
