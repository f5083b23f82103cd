package merge

import "portico/app/portal"

// Plan decides what has to be done. It never fails: what cannot be done is a step that says so.
func Plan(f Facts) Steps {
	return Steps{List: []Step{Skip{Reason: "sync.nothing"}}, What: "skip"}
}

// Settle makes the pair to be noted after a plan was carried, from both sides as they are now: the record as the last PutCRM gave it back (or
// as it was), the entry as the last write gave it back (or as it was; nil where it is no more). again: one of them is not as planned
// (somebody was quicker, or the server made something else of it), so that the appointment has to be looked at once more.
func Settle(f Facts, s Steps, record *portal.CRMAppointment, entry *portal.Entry) (pair portal.SyncPair, again bool, err error) {
	return portal.SyncPair{}, false, nil
}

// Still is what an entry does not have yet of a change: of an earlier step's consequences and of retries nothing is written twice.
func Still(entry portal.Entry, ch portal.AppointmentChange) portal.AppointmentChange {
	return ch
}

// wrote is what a plan writes to Exchange.
type wrote struct{}
