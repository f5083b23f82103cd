// Package calendar is the room of appointments: when they happen, how they repeat, in whose time
// zone they were meant, and who answered them.
package calendar
