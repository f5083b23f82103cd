package merge

import (
	"time"

	"portico/app/calsync/mapping"
	"portico/app/portal"
)

// Facts are all that a plan is made from, read afresh.
type Facts struct {
	// Record is CRM's side; nil: there is none. One that was deleted has Gone.
	Record *portal.CRMAppointment
	// Copies are the copies of the appointment's UID in all mailboxes (and that of Pair.RemoteID), Gone ones included.
	Copies []portal.SyncItem
	// Pair is what was last agreed; nil: nothing yet.
	Pair *portal.SyncPair
	// AlikeCopies are, for a record without pair and copies, the copies in its owner's mailbox that have its times, are not gone and
	// have no pair. AlikeRecords are, for copies without record and pair, the living records of the organiser with those times
	// without a pair. Plan compares the rest.
	AlikeCopies  []portal.SyncItem
	AlikeRecords []portal.CRMAppointment
	Users        Users
	Options      Options
	// Rules may be nil.
	Rules *mapping.Mapper
	// Unread are the mailboxes that were not read to their end yet.
	Unread []portal.Address
	// NewID is the ID of the record that is made if one has to be: CRMPrefix and something new.
	NewID string
	// Quiet: it belongs to a first synchronisation, or a restored one; nobody gets mail or an alert.
	Quiet bool
	Now   time.Time
}

// Options are the settings that a plan depends on.
type Options struct {
	// ToExchange and ToCRM: this way is switched on.
	ToExchange, ToCRM bool
	CopyReminders     bool
	// SyncUser is who sends invitations for owners without a mailbox; empty: nobody.
	SyncUser portal.Address
	// MaxAttachment is the largest file that is carried, in bytes; 0: no bound.
	MaxAttachment int64
}
