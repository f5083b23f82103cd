package rooms

// Who is told what of a message: nobody what was said before they may read, not even as a quote.

import "portico/app/portal"

// shown is m as the member mine may read it.
func shown(mine portal.Membership, m portal.RoomMessage) portal.RoomMessage {
	if m.Quote != nil && m.Quote.Place < mine.First {
		m.Quote = nil
	}
	return m
}

// told gives the events of m for those who may read from the place on: one for all who follow the room, or, where some of them may not
// read so far back, ones by name, with what it quotes for those who may read that and without it for the others. The caller
// holds a part of the room's turn, so that nobody comes or goes meanwhile.
func (s *Service) told(r *room, v sight, place int64, m portal.RoomMessage, event func(*portal.RoomMessage) portal.Durable) []portal.Addressed {
	least := place
	if m.Quote != nil {
		least = m.Quote.Place
	}
	if v.late > least {
		if whole, bare := s.parted(r, v, least, place); len(whole) < len(v.people) {
			return named(m, whole, bare, event)
		}
	}
	return []portal.Addressed{v.addressed(event(&m))}
}

// parted are the members who may read from the place least on, and those others who may from place on.
func (s *Service) parted(r *room, v sight, least, place int64) (whole, bare []portal.Address) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, who := range v.people {
		switch m := r.members[who]; {
		case m == nil || absent(m.Membership):
		case m.First <= least:
			whole = append(whole, who)
		case m.First <= place:
			bare = append(bare, who)
		}
	}
	return whole, bare
}

// named are the events of m for the people of whole, and without its quote for those of bare.
func named(m portal.RoomMessage, whole, bare []portal.Address, event func(*portal.RoomMessage) portal.Durable) []portal.Addressed {
	var evs []portal.Addressed
	if len(whole) > 0 {
		evs = append(evs, portal.Addressed{For: whole, Event: event(&m)})
	}
	if len(bare) > 0 {
		plain := m
		plain.Quote = nil
		evs = append(evs, portal.Addressed{For: bare, Event: event(&plain)})
	}
	return evs
}
