package calendar

import (
	"slices"

	"portico/app/calendar/series"
	"portico/app/portal"
)

// overlay lays intents over the entries of a mirror, in their order, as if the server had carried them out. What they
// touched is marked pending or failed.
func overlay(entries []portal.KeptEntry, intents []portal.Intent) []portal.Entry {
	out := make([]portal.Entry, 0, len(entries)+1)
	for i := range entries {
		e := entries[i].Entry
		e.Sync = portal.SyncState{State: portal.SyncDone}
		out = append(out, e)
	}
	for i := range intents {
		out = lay(out, &intents[i])
	}
	for i := range out {
		out[i].Version = series.EntryVersion(&out[i])
	}
	return out
}

func lay(list []portal.Entry, in *portal.Intent) []portal.Entry {
	at := slices.IndexFunc(list, func(e portal.Entry) bool { return e.ID == in.Entry })
	if in.Kind == portal.IntentCreate {
		if at < 0 && in.Appointment != nil { // else the server has it already, and told
			e := portal.Entry{Appointment: *in.Appointment, ChangeID: in.ID}
			e.Sync = syncOf(in)
			list = append(list, e)
		}
		return list
	}
	if at < 0 {
		return layGone(list, in)
	}
	e := &list[at]
	switch in.Kind {
	case portal.IntentChange:
		layChange(e, in)
	case portal.IntentDelete:
		return layDelete(list, at, in)
	case portal.IntentRespond:
		layResponse(e, in)
	case portal.IntentForward:
		e.Sync = syncOf(in)
	}
	return list
}

// layGone keeps in sight what was changed here and deleted by somebody else meanwhile.
func layGone(list []portal.Entry, in *portal.Intent) []portal.Entry {
	if in.Kind == portal.IntentCreate || in.State != portal.IntentFailed || !listed(in) {
		return list
	}
	e := portal.Entry{Appointment: series.Apply(*in.Base, *in.Change)}
	e.ID, e.Sync = in.Entry, syncOf(in)
	return append(list, e)
}

// layLost shows at the series what failed at an occurrence that is no more.
func layLost(e *portal.Entry, in *portal.Intent) {
	if in.State == portal.IntentFailed {
		e.Sync = syncOf(in)
	}
}

// listed reports whether an intent that failed is shown although its entry is gone.
func listed(in *portal.Intent) bool {
	return in.Kind == portal.IntentCreate || in.Kind == portal.IntentChange && in.Base != nil && in.Change.Occurrence.IsZero()
}

func layChange(e *portal.Entry, in *portal.Intent) {
	ch := *in.Change
	if in.State == portal.IntentFailed && in.Reason == keyConflict {
		e.Sync = syncOf(in) // what the server has is shown; what was wanted waits for a decision
		return
	}
	if ch.Occurrence.IsZero() {
		was := e.Recurrence
		e.Appointment = series.Apply(e.Appointment, ch)
		e.Sync = syncOf(in)
		series.KeepExceptions(e, ch, was)
		return
	}
	x := series.Changed(e, ch.Occurrence)
	if x == nil {
		layLost(e, in)
		return
	}
	*x = series.Apply(*x, ch)
	x.Sync = syncOf(in)
}

func layDelete(list []portal.Entry, at int, in *portal.Intent) []portal.Entry {
	e := &list[at]
	switch {
	case in.State == portal.IntentFailed:
		e.Sync = syncOf(in) // it is still there, and nobody may think otherwise
	case in.Occurrence.IsZero():
		return slices.Delete(list, at, at+1)
	default:
		e.Exceptions = slices.DeleteFunc(slices.Clone(e.Exceptions), func(x portal.Appointment) bool { return x.RecurrenceID.Equal(in.Occurrence) })
		e.Deleted = append(slices.Clone(e.Deleted), in.Occurrence)
		e.Sync = syncOf(in)
	}
	return list
}

func layResponse(e *portal.Entry, in *portal.Intent) {
	a := &e.Appointment
	if !in.Occurrence.IsZero() {
		if a = series.Changed(e, in.Occurrence); a == nil {
			layLost(e, in)
			return
		}
	}
	a.Sync = syncOf(in)
	if in.State == portal.IntentFailed {
		return
	}
	a.Response = in.Response
	switch in.Response {
	case portal.ResponseAccepted:
		a.Show = portal.ShowBusy
	case portal.ResponseTentative:
		a.Show = portal.ShowTentative
	case portal.ResponseDeclined:
		a.Show = portal.ShowFree
	}
}

func syncOf(in *portal.Intent) portal.SyncState {
	if in.State == portal.IntentFailed {
		return portal.SyncState{State: portal.SyncFailed, Error: in.Reason}
	}
	return portal.SyncState{State: portal.SyncPending, Error: in.Reason}
}
