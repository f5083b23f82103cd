package calsync

import (
	"context"
	"errors"

	"portico/app/portal"
)

// The engine, driven step by step by tests: what Run does in goroutines, in the order that a test chooses.

// ErrCrashed is what a Service ends with after Options.Fault gave an error.
var ErrCrashed = errCrashed

// Begin reads what Run reads first.
func (s *Service) Begin(ctx context.Context) error { return s.refresh(ctx) }

// ReadDue reads the mailboxes that are due.
func (s *Service) ReadDue(ctx context.Context) error {
	for {
		who, _, ok := s.boxes.take(s.o.Now())
		if !ok {
			return nil
		}
		if err := s.readBox(ctx, who); err != nil {
			return err
		}
	}
}

// ReadOne reads one mailbox that is due, and reports whether there was one.
func (s *Service) ReadOne(ctx context.Context) (bool, error) {
	who, _, ok := s.boxes.take(s.o.Now())
	if !ok {
		return false, nil
	}
	return true, s.readBox(ctx, who)
}

// ReadCRM reads CRM's change log to its end.
func (s *Service) ReadCRM(ctx context.Context) error { return s.readCRM(ctx) }

// CarryOne carries one of the due jobs, chosen by pick, and reports whether there was one that may go.
func (s *Service) CarryOne(ctx context.Context, pick func(n int) int) (bool, error) {
	list, err := s.l.DueSyncJobs(ctx, s.o.Now(), handPer, handMost)
	if err != nil {
		return false, err
	}
	for len(list) > 0 {
		i := pick(len(list))
		j := list[i]
		switch v, at := s.admit(j.Mailbox, s.o.Now()); v {
		case mayGo:
			err := s.carry(ctx, j)
			s.leave(j.Mailbox)
			for len(s.marked) > 0 {
				s.markSome(ctx, s.waitingMarks(<-s.marked))
			}
			return true, err
		case mustDefer:
			if err := s.deferTo(ctx, j, at); err != nil {
				return false, err
			}
		}
		list = append(list[:i:i], list[i+1:]...)
	}
	return false, nil
}

// Crashed reports whether an error is a crash.
func Crashed(err error) bool { return errors.Is(err, errCrashed) }

// BoxOf gives how a mailbox stands.
func (s *Service) BoxOf(who portal.Address) portal.MailboxStatus {
	b, ok := s.boxes.look(who)
	if !ok {
		return portal.MailboxStatus{Mailbox: who, State: portal.MailboxOff}
	}
	return b.status(s.known())
}

// MarkAll tells of records in one batch.
func (s *Service) MarkAll(ctx context.Context, ids []string, states []portal.SyncState) {
	var list []mark
	for i := range ids {
		list = append(list, mark{ids[i], states[i]})
	}
	s.markSome(ctx, list)
}
