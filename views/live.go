package views

import (
	"maps"
	"slices"

	"portico/app/portal"
)

// asLast is the message as the list of conversations shows it: who owns the copy is decided here, because an
// event does not say.
func (m MessageItem) asLast() portal.Message {
	last := m.Message
	if m.Mine() {
		last.Owner = last.From
	} else {
		last.Owner = ""
	}
	return last
}

// totals are the numbers of the rail and of the window's title.
type totals struct{ chats, rooms, mentions int }

// newTotals adds up what waits; room tells rooms from people, nil: there are no rooms.
func newTotals(e portal.CountsEvent, room func(portal.Address) bool) totals {
	var t totals
	for a, n := range e.Unread {
		if room != nil && room(a) {
			t.rooms += n
		} else {
			t.chats += n
		}
	}
	for _, n := range e.Mentions {
		t.mentions += n
	}
	return t
}

// title is the number that the window's title shows: what was said to the reader.
func (t totals) title() int { return t.chats + t.mentions }

// hasDetails reports whether details has anything to say of p.
func (r Reader) hasDetails(p portal.Presence) bool {
	return p.OutOfOffice != "" && p.Note != "" || p.Meeting != "" || p.Location != "" ||
		r.Agenda(p) != "" && (p.OutOfOffice != "" || p.Note != "") || r.lastActive(p) != ""
}

func sorted(unread map[portal.Address]int) []portal.Address {
	return slices.Sorted(maps.Keys(unread))
}
