package dialoginfo

import (
	"maps"
	"slices"
	"strings"

	"portico/app/portal"
)

// Table is what a sequence of documents of one subscription says. The zero value is ready; it is not safe
// for concurrent use.
type Table struct {
	version uint32
	started bool
	dialogs map[string]portal.Dialog
}

// Apply takes the next document into the table. Documents that are not newer than the last one are ignored.
// refresh is true when one in between was lost: the table then has what is known, and a refresh of the
// subscription brings a full document (RFC 4235 section 4.3).
func (t *Table) Apply(d Document) (changed, refresh bool) {
	if t.started && d.Version <= t.version {
		return false, false
	}
	refresh = !d.Full && (!t.started || d.Version != t.version+1)
	t.version, t.started = d.Version, true
	before := t.dialogs
	t.dialogs = map[string]portal.Dialog{}
	if !d.Full {
		maps.Copy(t.dialogs, before)
	}
	for _, one := range d.Dialogs {
		_, known := t.dialogs[one.ID]
		switch {
		case one.State == portal.DialogTerminated:
			delete(t.dialogs, one.ID)
		case known || len(t.dialogs) < MaxDialogs:
			t.dialogs[one.ID] = one
		}
	}
	return !maps.Equal(before, t.dialogs), refresh
}

// Reset forgets everything; for a new subscription, whose versions start anew.
func (t *Table) Reset() { *t = Table{} }

// Dialogs are the calls under way, sorted by id.
func (t *Table) Dialogs() []portal.Dialog {
	return slices.SortedFunc(maps.Values(t.dialogs), func(a, b portal.Dialog) int { return strings.Compare(a.ID, b.ID) })
}
