package ewslab

// People who answer invitations by themselves, after a moment, so that there is something to see in a demo.

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// usualAnswerAfter is how long they take.
const usualAnswerAfter = 2 * time.Second

// robots are the mailboxes that answer by themselves.
type robots struct {
	boxes map[int64]*mailbox
	bell  chan struct{} // one place: all inboxes are looked at
}

// setUpRobots finds them; what waits from before is answered too.
func (s *Server) setUpRobots() error {
	s.robots = robots{boxes: map[int64]*mailbox{}, bell: make(chan struct{}, 1)}
	for _, b := range s.people.byID {
		switch b.Person.Answers {
		case "":
		case "Accept", "Tentative", "Decline":
			s.robots.boxes[b.ID] = b
		default:
			return fmt.Errorf("ewslab: %s cannot answer %q", b.User, b.Person.Answers)
		}
	}
	ringOnce(s.robots.bell)
	s.onChange(func(changes []change) {
		for _, c := range changes {
			if c.Kind == newMail && s.robots.boxes[c.Mailbox] != nil {
				ringOnce(s.robots.bell)
			}
		}
	})
	return nil
}

// runRobots answers until ctx ends.
func (s *Server) runRobots(ctx context.Context) {
	wait := s.cfg.AnswerAfter
	if wait <= 0 {
		wait = usualAnswerAfter
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.robots.bell:
		}
		moment := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			moment.Stop()
			return
		case <-moment.C:
		}
		for _, b := range s.robots.boxes {
			if err := s.update(ctx, func(x *tx) error { return s.answerInbox(x, b) }); err != nil && !errors.Is(err, context.Canceled) {
				s.log.Error("the lab Exchange could not answer by itself", "user", b.User, "error", err)
			}
		}
	}
}

// answerInbox answers the requests in somebody's inbox that are still to be answered.
func (s *Server) answerInbox(x *tx, who *mailbox) error {
	inbox, err := x.standard(who.ID, "inbox")
	if err != nil {
		return err
	}
	list, err := x.items(`folder = ? AND elem = 'MeetingRequest' ORDER BY id`, inbox.ID)
	if err != nil {
		return err
	}
	words := map[string]string{"Accept": "I will be there.", "Tentative": "I am not sure yet.", "Decline": "I cannot come."}[who.Person.Answers]
	for _, req := range list {
		if req.flag("IsOutOfDate") || req.flag("IsDelegated") {
			continue
		}
		_, entry, err := s.entryFor(x, req)
		if err != nil {
			return err
		}
		if answerable("AcceptItem", req, entry) != nil {
			continue // cancelled meanwhile, or overtaken
		}
		r := response{kind: who.Person.Answers, body: t("Body", at("BodyType", "Text"), words)}
		if err := s.tellOrganizer(x, who, entry, r, nil); err != nil {
			return err
		}
		if _, err := s.settle(x, who, entry, r); err != nil {
			return err
		}
		if _, err := s.dealtWith(x, req, who, entry); err != nil {
			return err
		}
	}
	return nil
}
