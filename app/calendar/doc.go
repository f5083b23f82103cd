// Package calendar is the room of appointments: it keeps a mirror of the calendars that people of the
// portal look at, carries what they change to Exchange in order and exactly once, and makes of it what
// people want to see: views, answers, free times, reminders, presence.
//
// Reading never waits for the server once a calendar has been read: what is shown are the mirrored
// entries with the intents that wait (changes that were accepted and not yet carried out) laid over
// them. Writing commits an intent first and waits a little for its outcome. One goroutine owns each
// open calendar, its lane: it alone sends that calendar's intents and reads its changes, so that what
// is compared with what never moves underneath. A notification of the server is a doorbell: it makes the
// lane read the changes since the last state, and nothing else.
//
// Times follow the house's rule: instants in UTC, series in their organiser's zone, all-day ones as
// dates; the viewer's zone is for display, and for which days an all-day appointment touches.
package calendar
