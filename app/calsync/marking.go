package calsync

import (
	"context"

	"portico/app/portal"
)

// Telling those who look at records how these stand, many at a time: nobody's next job waits for it.

const (
	// markQueue bounds what waits to be told; a worker that finds it full waits for a place.
	markQueue = 512
	// markBatch is how many records are told of in one call of CRM.
	markBatch = 100
)

// mark is how a record stands.
type mark struct {
	id string
	st portal.SyncState
}

// mark tells those who look at the record how it stands.
func (w *work) mark(ctx context.Context, p *portal.SyncPair, news bool) {
	if p == nil || !news {
		return
	}
	select {
	case w.s.marked <- mark{p.CRM, portal.SyncState{State: p.State, Error: p.Reason}}:
	case <-ctx.Done():
	}
}

// marker tells what waits to be told until done is closed, and then what is left.
func (s *Service) marker(ctx context.Context, done <-chan struct{}) {
	for {
		select {
		case m := <-s.marked:
			s.markSome(ctx, s.waitingMarks(m))
		case <-done:
			for {
				select {
				case m := <-s.marked:
					s.markSome(ctx, s.waitingMarks(m))
				default:
					return
				}
			}
		}
	}
}

// waitingMarks gives a mark and those that wait behind it.
func (s *Service) waitingMarks(first mark) []mark {
	list := []mark{first}
	for len(list) < markBatch {
		select {
		case m := <-s.marked:
			list = append(list, m)
		default:
			return list
		}
	}
	return list
}

// markSome tells of records by how they stand; of one that is named more than once the last word.
func (s *Service) markSome(ctx context.Context, list []mark) {
	last := make(map[string]portal.SyncState, len(list))
	for _, m := range list {
		last[m.id] = m.st
	}
	ids := map[portal.SyncState][]string{}
	var order []portal.SyncState
	for _, m := range list {
		st, ok := last[m.id]
		if !ok {
			continue // it was named before
		}
		delete(last, m.id)
		if ids[st] == nil {
			order = append(order, st)
		}
		ids[st] = append(ids[st], m.id)
	}
	for _, st := range order {
		err := s.call(ctx, func(ctx context.Context) error { return s.crm.Marked(ctx, ids[st], st) })
		if err != nil && ctx.Err() == nil {
			s.o.Logger.WarnContext(ctx, "calsync: nobody could be told how records stand", "records", len(ids[st]), "err", err)
		}
	}
}
