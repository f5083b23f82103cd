package chat

// Reading: history, conversations, what is unread.

import (
	"context"
	"slices"

	"portico/app/portal"
)

// MaxPage is the most messages one page of history holds.
const MaxPage = 200

// defaultPage is the size of a page for which nothing is asked.
const defaultPage = 50

// Messages gives up to limit (0: 50, at most MaxPage) messages whose Order is below before (0: the
// newest ones), newest last, and none that is past (Options.Past).
func (s *Service) Messages(ctx context.Context, owner, conversation portal.Address, before int64, limit int) ([]portal.Message, error) {
	if limit <= 0 {
		limit = defaultPage
	}
	past, err := s.o.Past(ctx, owner, conversation)
	if err != nil {
		return nil, err
	}
	list, err := s.log.Messages(ctx, owner, conversation, max(0, before), min(limit, MaxPage))
	return slices.DeleteFunc(list, func(m portal.Message) bool { return m.Order <= past }), err
}

// Conversations gives a person's conversations, newest first; none of which everything is past.
func (s *Service) Conversations(ctx context.Context, owner portal.Address) ([]portal.Conversation, error) {
	all, err := s.log.Conversations(ctx, owner)
	if err != nil {
		return nil, err
	}
	shown := all[:0]
	for _, c := range all {
		past, err := s.o.Past(ctx, owner, c.Peer)
		if err != nil {
			return nil, err
		}
		if c.Last == nil || c.Last.Order > past {
			shown = append(shown, c)
		}
	}
	return shown, nil
}

// Unread gives the number of unread messages of each conversation that has any.
func (s *Service) Unread(ctx context.Context, owner portal.Address) (map[portal.Address]int, error) {
	return s.log.Unread(ctx, owner)
}

// MarkRead records that owner has read the conversation up to the message id ("": all of it) and tells
// senders who asked for it. An error that means ErrNotFound: no such message.
func (s *Service) MarkRead(ctx context.Context, owner, conversation portal.Address, id string) error {
	upTo, err := s.place(ctx, owner, conversation, id)
	if err != nil || upTo == 0 {
		return err
	}
	newly, err := s.log.MarkRead(ctx, owner, conversation, upTo)
	if err != nil || len(newly) == 0 {
		return err
	}
	s.counts.changed(owner)
	s.o.Seen(owner, conversation)
	for _, m := range newly {
		if m.WantsRead && !m.Mine() {
			s.notify(owner, m.From, m.ID, portal.Read)
		}
	}
	return nil
}

// place is the Order of the message id in the conversation, of the newest one for "", 0 for none.
func (s *Service) place(ctx context.Context, owner, conversation portal.Address, id string) (int64, error) {
	if id == "" {
		last, err := s.log.Messages(ctx, owner, conversation, 0, 1)
		if err != nil || len(last) == 0 {
			return 0, err
		}
		return last[len(last)-1].Order, nil
	}
	m, err := s.log.Message(ctx, owner, conversation, id)
	if portal.Meaning(err) == portal.ErrNotFound {
		m, err = s.log.Message(ctx, owner, owner, id)
	}
	if err != nil {
		return 0, err
	}
	if m.Conversation != conversation {
		return 0, portal.Fail(portal.ErrNotFound, "message.not-found")
	}
	return m.Order, nil
}
