// Package realtime delivers to browsers: it knows people, connections and bytes, not chat or calendars.
//
// A Hub holds the live connections of everybody. A Frame is one event, rendered on first need once for
// each Audience and shared by all connections of that audience. Frames are of two classes: durable ones
// carry a number, are delivered in order and are replayed from the log after an absence; current ones
// carry a key, and a newer value replaces an older one that was not yet written. Sending never blocks
// and does no I/O; each connection has one bounded queue and at most one writer at a time, and a reader
// that is too slow is told to come back and is replayed what it missed.
package realtime
