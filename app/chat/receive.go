package chat

// What arrives from the SIP server.

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"
	"unicode/utf8"

	"portico/app/policy"
	"portico/app/portal"
)

const (
	// maxForeignID is the longest foreign message id that is kept as it is.
	maxForeignID = 200
	// maxAhead is how far a foreign clock may be ahead before the time of arrival is believed instead.
	maxAhead = 5 * time.Minute
)

// Receive stores a message that arrived and returns nil only after the commit, also when it was already
// there (a retransmission, a fork, a repeat after a lost answer). Errors: ErrInvalid (nothing to show,
// too long, not UTF-8), ErrNotFound ("message.unreachable": the receiver does not want the sender's messages, or policy
// lets them have none; it is to be answered as if they were away), ErrUnavailable.
func (s *Service) Receive(ctx context.Context, in portal.Incoming) error {
	m, err := s.incoming(ctx, in)
	if err != nil {
		s.o.Counted("in", "refused")
		return err
	}
	stored, created, err := s.log.AddMessage(ctx, m, messageEvent(m, s.o.Quiet(m.Owner, m.From)))
	if err != nil {
		return err
	}
	if !created {
		s.o.Counted("in", "repeated")
		if m.WantsDelivered { // repeated because the news of the first one may be lost too
			s.notify(in.To, in.From, m.ID, portal.Delivered)
		}
		return nil
	}
	s.o.Counted("in", string(portal.Received))
	s.heard.set(in.To, in.From, false, 0)
	s.counts.changed(in.To)
	s.o.Received(stored)
	if stored.WantsDelivered {
		s.notify(in.To, in.From, in.ID, portal.Delivered)
	}
	return nil
}

// incoming turns what arrived into the receiver's copy of the message.
func (s *Service) incoming(ctx context.Context, in portal.Incoming) (portal.Message, error) {
	if in.To == "" || in.From == "" || in.ID == "" {
		return portal.Message{}, portal.Fail(portal.ErrInvalid, "message.id")
	}
	if err := s.mayReach(ctx, in.To, in.From); err != nil {
		return portal.Message{}, err
	}
	text, err := policy.Text(in.Text)
	if err != nil {
		return portal.Message{}, err
	}
	m := portal.Message{Owner: in.To, Conversation: in.From, ID: in.ID, From: in.From, Text: text, At: in.At.UTC(),
		State: portal.Received, WantsDelivered: in.WantsDelivered, WantsRead: in.WantsRead}
	if now := s.o.Now().UTC(); in.At.IsZero() || in.At.After(now.Add(maxAhead)) {
		m.At = now
	}
	if len(m.ID) > maxForeignID || !utf8.ValidString(m.ID) {
		// No notice can name the sender's id later on, so none is promised.
		sum := sha256.Sum256([]byte(m.ID))
		m.ID, m.WantsDelivered, m.WantsRead = "sha256-"+hex.EncodeToString(sum[:16]), false, false
	}
	return m, nil
}

// mayReach asks whether owner may be sent messages, and what they have made of the other side.
func (s *Service) mayReach(ctx context.Context, owner, from portal.Address) error {
	if s.o.NoIM(owner) {
		return policy.Unreachable()
	}
	if s.o.Relationship == nil {
		return nil
	}
	r, err := s.o.Relationship(ctx, owner, from)
	if err != nil {
		s.o.Logger.Warn("chat: the relationship of a sender is not known", "owner", owner, "from", from, "err", err)
		return nil
	}
	return policy.MayReach(r)
}

// ReceiveNotice moves one of owner's own messages on as its receiver n.To says. A notice about a message
// that is not there or went to somebody else is passed over: the one who sent it is owed no answer.
// Errors: ErrInvalid (a state no notice can carry), ErrUnavailable.
func (s *Service) ReceiveNotice(ctx context.Context, owner portal.Address, n portal.Notice) error {
	reason := ""
	switch n.State {
	case portal.Stored, portal.Delivered, portal.Read:
	case portal.Failed:
		reason = "send.failed-later"
	default:
		return portal.Fail(portal.ErrInvalid, "notice.state")
	}
	m, err := s.log.Message(ctx, owner, owner, n.ID)
	if portal.Meaning(err) == portal.ErrNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if m.Conversation != n.To {
		s.o.Logger.Debug("chat: a notice from somebody who did not get the message", "owner", owner, "from", n.To)
		return nil
	}
	if _, err := s.log.SetMessageState(ctx, owner, owner, n.ID, n.State, reason); err != nil {
		return err
	}
	return nil
}

// notify sends a notice beside the conversation: when there are too many it is not sent.
func (s *Service) notify(owner, to portal.Address, id string, st portal.State) {
	n := portal.Notice{To: to, ID: id, State: st, At: s.o.Now().UTC()}
	s.asides.do(owner, to, func(ctx context.Context) {
		if s.mayReach(ctx, owner, to) != nil {
			return // whoever is blocked hears nothing more, not even that something was read
		}
		if err := s.line.SendNotice(ctx, owner, n); err != nil {
			s.o.Logger.Debug("chat: a notice was not sent", "owner", owner, "to", to, "err", err)
		}
	})
}
