// Package ical reads and writes iCalendar (RFC 5545): appointments in files and subscribed calendars.
//
// What it writes is strict: folded at 75 octets, zones described by VTIMEZONE, UNTIL in the form of its start. What it reads may be
// as files in the field are: line ends of any kind, zones by whatever name, events without UID or end. What it cannot
// understand of an event makes a Problem of that event and leaves the others alone; bytes that are no calendar are an error.
// Size, depth and number of everything are bounded.
package ical
