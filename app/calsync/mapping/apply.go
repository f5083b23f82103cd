package mapping

import (
	"regexp"

	"portico/app/portal"
)

// Item is of an appointment what rules look at and change.
type Item struct {
	Subject, Body, Location string
	Categories              []string
	Private, AllDay         bool
	Show                    portal.FreeBusy
	// Meeting: others are invited. Organizer and Mailbox are addresses: whose it is, and in whose mailbox it stands or would stand.
	Meeting            bool
	Organizer, Mailbox string
}

// Done is what a rule did.
type Done struct {
	Rule string `json:"rule"`
	// What are "left-out", "subject", "body", "location", "categories", "private", "show"; none: the rule was for it and changed nothing.
	What []string `json:"what"`
}

// Outcome is what rules made of an appointment.
type Outcome struct {
	Item Item
	// LeftOut: it is not carried. Dropped are the texts that are not carried: what the other side has there stays.
	LeftOut bool
	Dropped Dropped
	// Trace are the rules that were for it.
	Trace []Done
}

// Dropped are the texts that are not carried.
type Dropped struct{ Subject, Body, Location bool }

// Mapper is a rule set that is ready for use. It is safe for many goroutines; the nil Mapper changes nothing.
type Mapper struct{ rules []compiled }

type compiled struct {
	Rule
	matches                 *regexp.Regexp
	subject, body, location *regexp.Regexp
}
