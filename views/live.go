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

func sum(unread map[portal.Address]int) int {
	total := 0
	for _, n := range unread {
		total += n
	}
	return total
}

func sorted(unread map[portal.Address]int) []portal.Address {
	return slices.Sorted(maps.Keys(unread))
}
