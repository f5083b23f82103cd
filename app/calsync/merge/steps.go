package merge

import (
	"time"

	"portico/app/portal"
)

// Step is one thing to do. The set is closed: see the types of this file.
type Step interface{ step() }

// CreateExchange makes an entry in somebody's calendar. Exceptions, deleted occurrences and files follow as steps of their own, whose
// Ref has no RemoteID: the entry that this step made is meant.
type CreateExchange struct {
	Mailbox     portal.Address
	Appointment portal.Appointment
	// ChangeID is the stamp (the CRM record's ID): Exchange.Find finds by it what an earlier try made.
	ChangeID string
	// Send: the invitations go out.
	Send bool
}

// UpdateExchange changes an entry or, where Change.Occurrence is set, one occurrence. Ref is the entry as it was read; after an earlier
// step on it the engine takes what that gave back, and of the Change what Still leaves.
type UpdateExchange struct {
	Mailbox portal.Address
	Ref     portal.Entry
	Change  portal.AppointmentChange
	// ChangeID is the same for the same change made from the same version, and another for every other.
	ChangeID string
	// Send: those invited are told.
	Send bool
}

// RemoveExchange takes an entry away, or one occurrence where that is not zero. Quiet: nobody is told.
type RemoveExchange struct {
	Mailbox    portal.Address
	Ref        portal.Entry
	Occurrence time.Time
	Quiet      bool
}

// AttachExchange puts a file of CRM to an entry; nobody is told.
type AttachExchange struct {
	Mailbox portal.Address
	Ref     portal.Entry
	File    portal.CRMFile
}

// DetachExchange takes a file off an entry.
type DetachExchange struct {
	Mailbox      portal.Address
	Ref          portal.Entry
	AttachmentID string
	Name         string
}

// PutCRM stores a record, made from its Revision (0: a new one).
type PutCRM struct {
	Record portal.CRMAppointment
	// Fetch are the files of Exchange (IDs of the entry of Mailbox) that come to the record's: the engine reads each, keeps it and adds
	// it to Kept and Attachments.
	Mailbox portal.Address
	Fetch   []portal.Attachment
	// Alert: those who take part are told as of a change by hand.
	Alert bool
}

// Answer answers an invitation in the mailbox of who was invited, as they answered in CRM.
type Answer struct {
	Mailbox    portal.Address
	Ref        portal.Entry
	Occurrence time.Time
	Response   portal.Response
	Comment    string
	// Send: the organiser is told, as by Outlook's "send the response now".
	Send bool
}

// Adopt: nothing is written anywhere; both sides have it, and that is noted.
type Adopt struct{}

// Skip: nothing is to be done, and nothing is wrong. Reason is a catalogue key.
type Skip struct{ Reason string }

// Wait: it cannot be decided yet; the job is to be tried again. Reason is a catalogue key.
type Wait struct{ Reason string }

// Refuse: it cannot be carried and will not be by trying again. Reason is a catalogue key, Cause the operator's text.
type Refuse struct{ Reason, Cause string }

func (CreateExchange) step() {}
func (UpdateExchange) step() {}
func (RemoveExchange) step() {}
func (AttachExchange) step() {}
func (DetachExchange) step() {}
func (PutCRM) step()         {}
func (Answer) step()         {}
func (Adopt) step()          {}
func (Skip) step()           {}
func (Wait) step()           {}
func (Refuse) step()         {}

// Steps is a plan.
type Steps struct {
	// List is what to do, in this order. A plan of nothing but Skip, Wait or Refuse has exactly that one step.
	List []Step
	// Conflicts are to be stored with the outcome. Their IDs follow from what they are about, so that a retry stores none twice.
	Conflicts []portal.SyncConflict
	// Pair is what is to be noted when all was carried, as far as it is known beforehand: give it to Settle. Nil: nothing is noted.
	Pair *portal.SyncPair
	// What is the word of the transaction log: "create", "update", "delete", "cancel", "answer", "adopt" or "skip"; Direction which way
	// the main step goes. Before and After are the fields that change, for the log; texts of private ones are left out.
	What          string
	Direction     portal.Direction
	Before, After map[string]string

	// What Settle has to know: what both sides were, are to be, and then agree on.
	before, target, noted Agreed
	wrote                 wrote
	plan                  *planning
}

// Mail reports whether people get mail from a plan.
func (s Steps) Mail() bool {
	for _, st := range s.List {
		switch st := st.(type) {
		case CreateExchange:
			if st.Send {
				return true
			}
		case UpdateExchange:
			if st.Send {
				return true
			}
		case RemoveExchange:
			if !st.Quiet {
				return true
			}
		case Answer:
			if st.Send {
				return true
			}
		}
	}
	return false
}
