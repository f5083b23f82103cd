// Package recurrence knows when a series happens: RFC 5545 rules read, written, checked and expanded in
// the time zone of their organiser, exceptions laid over them, series cut in two, and the recurrence
// patterns of Exchange translated both ways. It is pure: no clock, no I/O, no state.
//
// A rule counts by the wall clock of its start. Where daylight time makes a wall time come twice, the
// first is meant; where it does not exist, the time moves forward by the gap (RFC 5545 section 3.3.5),
// so that a daily meeting is not lost on that day. All-day series are dates, in no zone at all.
package recurrence
