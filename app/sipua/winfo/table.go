package winfo

import (
	"slices"
	"strings"
	"time"
	"unique"

	"portico/app/portal"
)

// Table is what a sequence of documents of one subscription says. The zero value is ready; it is not
// safe for concurrent use.
type Table struct {
	version uint32
	started bool
	entries map[string]row
}

// row is one subscription of somebody, as small as it can be: a portal keeps such a table for each of its people.
type row struct {
	who    portal.Address
	since  int64 // Unix seconds
	status string
}

// Apply takes the next document into the table, at the instant now. Documents that are not newer than
// the last one are ignored. refresh is true when one in between was lost: the table then has what is
// known, and a refresh of the subscription brings a full document (RFC 3857 section 4.7 and RFC 3858 section 3.2).
func (t *Table) Apply(d Document, now time.Time) (changed, refresh bool) {
	if t.started && d.Version <= t.version {
		return false, false
	}
	refresh = !d.Full && (!t.started || d.Version != t.version+1)
	before := t.Watchers()
	if d.Full || t.entries == nil {
		t.replace(d, now)
	} else {
		for _, e := range d.Entries {
			t.put(e, now)
		}
	}
	t.version, t.started = d.Version, true
	return !slices.EqualFunc(before, t.Watchers(), same), refresh
}

// Reset forgets everything; for a new subscription, whose versions start anew.
func (t *Table) Reset() { *t = Table{} }

// replace takes a full document; what was known about when a subscription began is kept.
func (t *Table) replace(d Document, now time.Time) {
	old := t.entries
	t.entries = make(map[string]row, len(d.Entries))
	for _, e := range d.Entries {
		if r, ok := old[key(e)]; ok && e.Subscribed == 0 {
			t.entries[key(e)] = r
		}
		t.put(e, now)
	}
}

func (t *Table) put(e Entry, now time.Time) {
	k := key(e)
	if e.Status == "terminated" {
		delete(t.entries, k)
		return
	}
	r, known := t.entries[k]
	switch {
	case e.Subscribed > 0:
		r.since = now.Add(-e.Subscribed).Unix()
	case !known || r.status != e.Status:
		r.since = now.Unix()
	}
	if !known && len(t.entries) >= MaxWatchers {
		return
	}
	r.who, r.status = portal.Address(unique.Make(string(e.Who)).Value()), unique.Make(e.Status).Value()
	t.entries[strings.Clone(k)] = r
}

// key tells subscriptions apart; of the package of most of them the id alone is enough.
func key(e Entry) string {
	if e.Package == "presence" || e.Package == "" {
		return e.ID
	}
	return e.Package + "\x00" + e.ID
}

// Watchers are the people who watch, each once (their strongest status, the earliest since), sorted by
// address. Those that are not SIP addresses are left out.
func (t *Table) Watchers() []portal.Watcher {
	byWho := make(map[portal.Address]portal.Watcher, len(t.entries))
	for _, r := range t.entries {
		if r.who == "" {
			continue
		}
		w, ok := byWho[r.who]
		since := time.Unix(r.since, 0).UTC()
		switch {
		case !ok, rank(r.status) > rank(w.Status):
			w = portal.Watcher{Who: r.who, Status: r.status, Since: since}
		case rank(r.status) == rank(w.Status) && since.Before(w.Since):
			w.Since = since
		}
		byWho[r.who] = w
	}
	out := make([]portal.Watcher, 0, len(byWho))
	for _, w := range byWho {
		out = append(out, w)
	}
	slices.SortFunc(out, func(a, b portal.Watcher) int { return strings.Compare(string(a.Who), string(b.Who)) })
	return out
}

// same ignores Since, which a server that counts in whole seconds lets jitter.
func same(a, b portal.Watcher) bool { return a.Who == b.Who && a.Status == b.Status }
