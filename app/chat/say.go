package chat

// Saying something.

import (
	"context"

	"portico/app/policy"
	"portico/app/portal"
)

// Draft is what a person wants to say.
type Draft struct {
	// Conversation is the other person's address (one's own is a note to self).
	Conversation portal.Address
	// ID is the sender's name for the message, at most portal.MaxIDLen characters.
	ID   string
	Text string
}

// Say stores what from says and returns once it is committed; the outbox sends it from there. A repeat
// of an ID changes nothing and gives the message in its present state. Errors: ErrInvalid (text, id or
// conversation), ErrForbidden where policy takes messages from the sender ("chat.disabled") or the receiver
// ("chat.peer-disabled"), ErrTooMany ("too-many", with RetryAfter) beyond Options.Rate, ErrUnavailable when storage is away; after the latter it is not known whether the message was
// kept, and a repeat with the same ID is the way to find out.
func (s *Service) Say(ctx context.Context, from portal.Address, d Draft) (portal.Message, error) {
	if err := policy.MessageID(d.ID); err != nil {
		return portal.Message{}, err
	}
	text, err := policy.Text(d.Text)
	if err != nil {
		return portal.Message{}, err
	}
	if from == "" || d.Conversation == "" {
		return portal.Message{}, portal.Fail(portal.ErrInvalid, "message.conversation")
	}
	if err := s.mayTalk(from, d.Conversation); err != nil {
		return portal.Message{}, err
	}
	m := portal.Message{Owner: from, Conversation: d.Conversation, ID: d.ID, From: from, Text: text,
		At: s.o.Now().UTC(), State: portal.Pending}
	lane := laneKey{from, d.Conversation}
	if err := s.pace.take(lane, m.At); err != nil {
		return portal.Message{}, err
	}
	ticket := s.outbox.begin(lane)
	stored, created, err := s.log.AddMessage(ctx, m, messageEvent(m, false))
	if err != nil {
		s.outbox.lost(lane, ticket)
		return portal.Message{}, err
	}
	if !created {
		s.outbox.end(lane, ticket, nil)
		s.o.Counted("out", "repeated")
		return stored, nil
	}
	s.outbox.end(lane, ticket, &stored)
	s.spoken.said(from, d.Conversation)
	return stored, nil
}

// mayTalk asks policy whether from may send messages at all, and to may be sent any.
func (s *Service) mayTalk(from, to portal.Address) error {
	switch {
	case s.o.NoIM(from):
		return portal.Fail(portal.ErrForbidden, "chat.disabled")
	case s.o.NoIM(to):
		return portal.Fail(portal.ErrForbidden, "chat.peer-disabled")
	}
	return nil
}

// messageEvent tells all of the owner's browsers of a message; quiet: without drawing attention to it.
func messageEvent(m portal.Message, quiet bool) portal.Addressed {
	return portal.Addressed{For: []portal.Address{m.Owner}, Event: portal.MessageEvent{Conversation: m.Conversation,
		ID: m.ID, From: m.From, Text: m.Text, At: m.At, State: m.State, Quiet: quiet}}
}
