package calsync

import (
	"context"
	"time"

	"portico/app/portal"
)

// roundPace is how often it is looked whether a round has come to its end.
const roundPace = 250 * time.Millisecond

// Round reads every mailbox and CRM now and waits until what was found has been carried, or cannot be for now: mailboxes that are
// lost or held, jobs that wait for a further try, are held or failed are waited for no longer. It gives how things stand then.
func (s *Service) Round(ctx context.Context) (portal.SyncStatus, error) {
	began := s.o.Now()
	for _, b := range s.boxes.all() {
		s.boxes.wake(b.who, began, nil)
	}
	ring(s.rang)
	s.ringWork()
	for {
		st, err := s.Status(ctx)
		if err != nil {
			return st, err
		}
		read := st.Running
		for _, m := range st.Mailboxes {
			switch m.State {
			case portal.MailboxLost, portal.MailboxHeld, portal.MailboxOff:
			default:
				read = read && !m.ReadAt.Before(began)
			}
		}
		if read && st.Queue.Waiting == 0 {
			return st, nil
		}
		if !pause(ctx, roundPace) {
			return st, ctx.Err()
		}
	}
}
