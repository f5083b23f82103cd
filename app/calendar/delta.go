package calendar

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"time"

	"portico/app/calendar/series"
	"portico/app/portal"
)

// digest is the pure part of reading a calendar: what a delta of the server means for the mirror, and whom to tell what.
type digest struct {
	key portal.CalendarKey
	now time.Time
	// quiet: nobody is told of single entries (the calendar is read for the first time).
	quiet bool
	// watchers hear of answers beside the reader.
	watchers []portal.Address

	put     []portal.KeptEntry
	gone    []string
	done    []string
	entries []portal.CalendarEvent
	answers []portal.ResponsesEvent
	// heard are the answers as watchers hear of them: not whose, and none of what is private. meetings are what they
	// hear of meetings that came, changed or went.
	heard    []portal.ResponsesEvent
	meetings []portal.ResponsesEvent
}

// entryID is the ID of an entry that somebody else made: the same whenever and however often the calendar is read.
func entryID(key portal.CalendarKey, remoteID string) string {
	sum := sha256.Sum256([]byte(string(key.Reader) + "\x00" + string(key.Owner) + "\x00" + remoteID))
	return base64.RawURLEncoding.EncodeToString(sum[:15])
}

// take adds changed entries. old are those of them that the mirror has, by RemoteID; intents are the calendar's.
func (d *digest) take(changed []portal.Entry, old map[string]portal.KeptEntry, intents []portal.Intent, generation bool) {
	for _, e := range newest(changed) {
		e.Calendar = d.key.Owner
		before, known := old[e.RemoteID]
		if known {
			e.ID = before.ID
			d.update(before, e, generation)
			continue
		}
		e.ID = entryID(d.key, e.RemoteID)
		if at := slices.IndexFunc(intents, func(in portal.Intent) bool {
			return in.Kind == portal.IntentCreate && in.ID == e.ChangeID && e.ChangeID != ""
		}); at >= 0 { // our own work, of which no answer came
			e.ID = intents[at].Entry
			d.done = append(d.done, intents[at].ID)
		}
		e = settled(e)
		d.put = append(d.put, kept(e, nil))
		d.tell(nil, &e)
	}
}

// newest leaves of entries that are told more than once the last word.
func newest(list []portal.Entry) []portal.Entry {
	last := make(map[string]int, len(list))
	for i := range list {
		last[list[i].RemoteID] = i
	}
	if len(last) == len(list) {
		return list
	}
	var out []portal.Entry
	for i := range list {
		if last[list[i].RemoteID] == i {
			out = append(out, list[i])
		}
	}
	return out
}

// tell tells of an entry that is now, and was before; nil: it was not there, or is no more.
func (d *digest) tell(was, is *portal.Entry) {
	e := is
	if e == nil {
		e = was
	}
	d.entries = append(d.entries, portal.CalendarEvent{ID: e.ID, Calendar: d.key.Owner, Change: changeOf(was != nil, is != nil)})
	if before, now := watchable(was), watchable(is); before || now {
		d.meetings = append(d.meetings, portal.ResponsesEvent{ID: e.ID, Calendar: d.key.Owner, Change: changeOf(before, now)})
	}
}

func changeOf(before, now bool) portal.Change {
	switch {
	case !before:
		return portal.Created
	case !now:
		return portal.Deleted
	}
	return portal.Updated
}

// watchable reports whether an entry is one whose answers others than its owner may follow.
func watchable(e *portal.Entry) bool {
	return e != nil && e.Meeting && e.Mine && !e.Private && !e.Masked
}

func (d *digest) update(before portal.KeptEntry, e portal.Entry, generation bool) {
	e = settled(e)
	told := news(&before.Entry, &e, d.now)
	same := series.EntryVersion(&before.Entry) == e.Version
	if !same {
		d.tell(&before.Entry, &e)
	}
	if len(told) > 0 {
		d.answers = append(d.answers, d.answered(e.ID, told))
	}
	open := slices.DeleteFunc(slices.Clone(told), func(n portal.AnswerNews) bool {
		x := series.ExceptionOf(&e, n.Occurrence)
		return x != nil && x.Private
	})
	if len(open) > 0 && watchable(&e) {
		ev := d.answered(e.ID, open)
		ev.By = ""
		d.heard = append(d.heard, ev)
	}
	if same && len(told) == 0 && before.ChangeKey == e.ChangeKey && !generation {
		return // an echo
	}
	d.put = append(d.put, kept(e, mergeNews(before.News, told)))
}

// answered tells of answers to a meeting; of a single one, what it is and whose.
func (d *digest) answered(id string, told []portal.AnswerNews) portal.ResponsesEvent {
	ev := portal.ResponsesEvent{ID: id, Calendar: d.key.Owner, Change: portal.Updated}
	if len(told) == 1 {
		ev.By, ev.Response = told[0].Name, told[0].Is
		if ev.By == "" {
			ev.By = told[0].Email
		}
	}
	return ev
}

// settled fills what the mirror keeps beside what the server says.
func settled(e portal.Entry) portal.Entry {
	e.Source = portal.SourceExchange
	e.Sync = portal.SyncState{State: portal.SyncDone}
	if e.Kind == "" || e.Kind == portal.KindSingle || e.Kind == portal.KindMaster {
		e.Kind = portal.KindSingle
		if e.Recurrence != "" {
			e.Kind = portal.KindMaster
		}
	}
	e.Version = series.EntryVersion(&e)
	return e
}

// drop adds entries that are no more.
func (d *digest) drop(old []portal.KeptEntry) {
	for i := range old {
		d.gone = append(d.gone, old[i].RemoteID)
		d.tell(&old[i].Entry, nil)
	}
}

// events are what the reader and the watchers are told: one for each entry, or a single one without an ID where there
// are more than bound.
func (d *digest) events(bound int) []portal.Addressed {
	if d.quiet {
		return nil
	}
	var out []portal.Addressed
	reader := []portal.Address{d.key.Reader}
	if len(d.entries) > bound {
		out = append(out, many(d.key))
	} else {
		for _, ev := range d.entries {
			out = append(out, portal.Addressed{For: reader, Event: ev})
		}
	}
	out = append(out, d.bounded(reader, d.answers, bound)...)
	return append(out, d.watched(bound)...)
}

// watched is what those hear who look at somebody else's meetings.
func (d *digest) watched(bound int) []portal.Addressed {
	watchers := slices.DeleteFunc(slices.Sorted(slices.Values(d.watchers)), func(w portal.Address) bool { return w == d.key.Reader })
	if len(watchers) == 0 {
		return nil
	}
	list := slices.Clone(d.heard)
	for _, ev := range d.meetings {
		if !slices.ContainsFunc(d.heard, func(a portal.ResponsesEvent) bool { return a.ID == ev.ID }) {
			list = append(list, ev)
		}
	}
	return d.bounded(watchers, list, bound)
}

func (d *digest) bounded(to []portal.Address, list []portal.ResponsesEvent, bound int) []portal.Addressed {
	if len(list) > bound {
		return []portal.Addressed{{For: to, Event: portal.ResponsesEvent{Calendar: d.key.Owner, Change: portal.Updated}}}
	}
	var out []portal.Addressed
	for _, ev := range list {
		out = append(out, portal.Addressed{For: to, Event: ev})
	}
	return out
}

// many tells a reader that much of a calendar changed at once.
func many(key portal.CalendarKey) portal.Addressed {
	return portal.Addressed{For: []portal.Address{key.Reader}, Event: portal.CalendarEvent{Calendar: key.Owner, Change: portal.Updated}}
}

// kept makes an entry ready for the mirror.
func kept(e portal.Entry, news []portal.AnswerNews) portal.KeptEntry {
	from, until := series.Span(&e)
	return portal.KeptEntry{Entry: e, From: from, Until: until, News: news}
}
