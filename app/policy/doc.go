// Package policy holds the pure decisions of the house: which word on a person's presence wins, what a
// person may say and set by hand, and how long somebody waits after wrong passwords. It does no I/O,
// keeps no state and reads no clock: the time is always an argument.
package policy
