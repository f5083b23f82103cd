package rooms

// Saying something, and changing what was said.

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

// maxQuote is how much of a message is quoted in an answer to it, in characters.
const maxQuote = 200

// Say stores what who says in a room, in the next place of its order, and returns once it is committed. A repeat of
// an ID changes nothing and gives what is there. Errors: ErrInvalid (text, id, "file.not-found", "file.many",
// "message.not-found" for what it answers), ErrNotFound, ErrForbidden (as policy.MaySpeak, "chat.disabled"), ErrTooMany
// ("room.flood", with RetryAfter), ErrUnavailable: then it is not known whether the message was kept, and a repeat
// with the same ID is the way to find out.
func (s *Service) Say(ctx context.Context, who, at portal.Address, d portal.RoomSaying) (portal.RoomMessage, error) {
	if err := policy.MessageID(d.ID); err != nil {
		return portal.RoomMessage{}, err
	}
	return s.say(ctx, who, at, d)
}

// say is Say for an ID that may be any text.
func (s *Service) say(ctx context.Context, who, at portal.Address, d portal.RoomSaying) (portal.RoomMessage, error) {
	text := ""
	if len(d.Files) == 0 || strings.TrimSpace(d.Text) != "" {
		var err error
		if text, err = policy.Text(d.Text); err != nil {
			return portal.RoomMessage{}, err
		}
	}
	words, called := policy.Tokens(text), policy.Handles(text)
	r, release, err := s.take(ctx, at, 1)
	if err != nil {
		return portal.RoomMessage{}, err
	}
	defer release()
	v, err := s.look(r, who)
	if err != nil {
		return portal.RoomMessage{}, err
	}
	if err := s.mayTalk(v, who); err != nil {
		return portal.RoomMessage{}, err
	}
	if err := s.calm(who, v.room.URI, "say"); err != nil {
		return portal.RoomMessage{}, err
	}
	s.mu.RLock()
	meant := s.means(r, who, words, called)
	s.mu.RUnlock()
	m := portal.RoomMessage{Room: v.room.URI, ID: d.ID, From: who, Text: text, At: s.now(), Replies: d.Replies,
		Mentions: meant.mentions, MentionsAll: meant.all, Version: 1}
	if m.Quote, err = s.quote(ctx, v, d.Replies); err != nil {
		return portal.RoomMessage{}, err
	}
	if m.Files, err = s.attach(ctx, v.room.URI, who, d); err != nil {
		if there, again := s.repeated(ctx, v.room.URI, who, d, err); again {
			return shown(v.mine, there), nil
		}
		return portal.RoomMessage{}, err
	}
	return s.keep(ctx, r, v, m, meant.named)
}

// mayTalk asks the room, and policy, whether who may say anything in it.
func (s *Service) mayTalk(v sight, who portal.Address) error {
	if err := policy.MaySpeak(v.room, v.mine); err != nil {
		return err
	}
	if s.o.InForce(who).DisableIM {
		return disabled()
	}
	return nil
}

func disabled() error { return portal.Fail(portal.ErrForbidden, "chat.disabled") }

// keep stores m and takes it up. The caller holds a part of the room's turn.
func (s *Service) keep(ctx context.Context, r *room, v sight, m portal.RoomMessage, named []portal.Address) (portal.RoomMessage, error) {
	said := s.told(r, v, math.MaxInt64, m, func(m *portal.RoomMessage) portal.Durable {
		return portal.MessageEvent{Conversation: m.Room, ID: m.ID, From: m.From, Text: m.Text, At: m.At, Room: m}
	})
	stored, created, err := s.store.AddRoomMessage(ctx, m, named, said...)
	if err != nil {
		s.mu.Lock()
		r.unsure = true
		s.mu.Unlock()
		return portal.RoomMessage{}, err
	}
	s.mu.Lock()
	r.heard(stored)
	if from := r.members[m.From]; from != nil {
		from.read(stored.Place)
	}
	for _, who := range named {
		if n := r.members[who]; n != nil {
			n.mention(stored.Place)
		}
	}
	sip := slices.Clip(r.sip)
	s.mu.Unlock()
	if stored.Quote == nil && created {
		stored.Quote = m.Quote
	}
	s.typists.end(m.Room, m.From)
	if len(sip) > 0 { // a repetition too: the first may have been committed without word of it
		s.carrier.said(r, stored, sip)
	}
	s.news.room(r, m.From, named)
	return shown(v.mine, stored), nil
}

// heard takes up that m is in the room. Called with the lock held.
func (r *room) heard(m portal.RoomMessage) {
	if m.Place < r.Last {
		return
	}
	r.Last, r.LastAt = m.Place, m.At
	r.newest, r.known = &m, true
}

// quote is the beginning of what is answered.
func (s *Service) quote(ctx context.Context, v sight, place int64) (*portal.RoomQuote, error) {
	if place == 0 {
		return nil, nil
	}
	gone := portal.Fail(portal.ErrInvalid, "message.not-found")
	if place < v.mine.First || place < 0 {
		return nil, gone
	}
	m, err := s.store.RoomMessage(ctx, v.room.URI, place)
	if portal.Meaning(err) == portal.ErrNotFound {
		return nil, gone.Because(err)
	}
	if err != nil {
		return nil, err
	}
	text := []rune(m.Text)
	return &portal.RoomQuote{Place: place, From: m.From, Text: string(text[:min(len(text), maxQuote)])}, nil
}

// attach finds the files of a message: put there by who, and not in a message yet.
func (s *Service) attach(ctx context.Context, at, who portal.Address, d portal.RoomSaying) ([]portal.File, error) {
	if len(d.Files) > portal.MaxFiles {
		return nil, portal.Fail(portal.ErrInvalid, "file.many")
	}
	var files []portal.File
	for i, id := range d.Files {
		if slices.Contains(d.Files[:i], id) {
			continue
		}
		f, by, place, _, err := s.store.File(ctx, at, id)
		if portal.Meaning(err) == portal.ErrNotFound || err == nil && (by != who || place != 0) {
			return nil, portal.Fail(portal.ErrInvalid, "file.not-found").Because(err)
		}
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// repeated finds the message that a saying with files, which are in a message already, is the repetition of.
func (s *Service) repeated(ctx context.Context, at, who portal.Address, d portal.RoomSaying, err error) (portal.RoomMessage, bool) {
	if portal.Reason(err) != "file.not-found" {
		return portal.RoomMessage{}, false
	}
	there, err := s.store.RoomMessageByID(ctx, at, who, d.ID)
	return there, err == nil
}

// errSame ends a change that changes nothing.
var errSame = errors.New("nothing changes")

// Edit changes the text of who's own message. Errors: ErrInvalid (text), ErrNotFound ("message.not-found"),
// ErrForbidden (as policy.MayEdit and Say).
func (s *Service) Edit(ctx context.Context, who, at portal.Address, place int64, text string) (portal.RoomMessage, error) {
	text, err := policy.Text(text)
	if err != nil {
		return portal.RoomMessage{}, err
	}
	words, called := policy.Tokens(text), policy.Handles(text)
	return s.alter(ctx, who, at, place, func(r *room, v sight, m *portal.RoomMessage) error {
		if err := s.mayTalk(v, who); err != nil {
			return err
		}
		now := s.now()
		if err := policy.MayEdit(*m, who, now, s.o.EditWindow); err != nil {
			return err
		}
		if m.Text == text {
			return errSame
		}
		s.mu.RLock()
		meant := s.means(r, who, words, called)
		s.mu.RUnlock()
		m.Text, m.EditedAt, m.Mentions, m.MentionsAll = text, now, meant.mentions, meant.all
		return nil
	})
}

// Delete takes a message back: who's own, or anybody's if they manage the room. What was deleted stays so. Errors: as
// Edit, "chat.disabled" too.
func (s *Service) Delete(ctx context.Context, who, at portal.Address, place int64) error {
	_, err := s.alter(ctx, who, at, place, func(_ *room, v sight, m *portal.RoomMessage) error {
		if !m.DeletedAt.IsZero() {
			return errSame
		}
		switch {
		case v.room.Archived:
			return portal.Fail(portal.ErrForbidden, "room.archived")
		case s.o.InForce(who).DisableIM:
			return disabled()
		}
		now := s.now()
		if err := policy.MayDelete(*m, who, policy.RightsIn(v.room, v.mine), now, s.o.EditWindow); err != nil {
			return err
		}
		m.Text, m.Files, m.Reactions, m.Mentions, m.MentionsAll, m.Pinned = "", nil, nil, nil, false, false
		m.EditedAt, m.DeletedAt, m.DeletedBy = time.Time{}, now, who
		return nil
	})
	return err
}

// React puts a sign under a message in who's name, or takes it away. Errors: ErrInvalid ("room.sign"), ErrNotFound,
// ErrForbidden ("room.archived", "room.message-gone", "chat.disabled"), ErrConflict ("room.signs-many",
// "room.signed-many").
func (s *Service) React(ctx context.Context, who, at portal.Address, place int64, sign string, on bool) error {
	if err := policy.Sign(sign); err != nil {
		return err
	}
	_, err := s.alter(ctx, who, at, place, func(_ *room, v sight, m *portal.RoomMessage) error {
		switch {
		case v.room.Archived:
			return portal.Fail(portal.ErrForbidden, "room.archived")
		case !m.DeletedAt.IsZero():
			return portal.Fail(portal.ErrForbidden, "room.message-gone")
		case s.o.InForce(who).DisableIM:
			return disabled()
		}
		return react(m, who, sign, on)
	})
	return err
}

// react changes m's reactions; what it had is not touched, others may hold it.
func react(m *portal.RoomMessage, who portal.Address, sign string, on bool) error {
	signs := slices.Clone(m.Reactions)
	i := slices.IndexFunc(signs, func(r portal.Reaction) bool { return r.Sign == sign })
	has := i >= 0 && slices.Contains(signs[i].By, who)
	switch {
	case has == on:
		return errSame
	case on && i >= 0 && len(signs[i].By) >= portal.MaxReactors:
		return portal.Fail(portal.ErrConflict, "room.signed-many")
	case on && i >= 0:
		signs[i].By = append(slices.Clone(signs[i].By), who)
	case on && len(signs) >= portal.MaxReactions:
		return portal.Fail(portal.ErrConflict, "room.signs-many")
	case on:
		signs = append(signs, portal.Reaction{Sign: sign, By: []portal.Address{who}})
	default:
		if signs[i].By = without(signs[i].By, who); len(signs[i].By) == 0 {
			signs = slices.Delete(signs, i, i+1)
		}
	}
	m.Reactions = signs
	return nil
}

// Pin pins a message or takes the pin off. Errors: ErrNotFound, ErrForbidden ("room.managers-only", "room.archived",
// "room.message-gone", "chat.disabled"), ErrConflict ("room.pins-many").
func (s *Service) Pin(ctx context.Context, who, at portal.Address, place int64, on bool) error {
	_, err := s.alter(ctx, who, at, place, func(_ *room, v sight, m *portal.RoomMessage) error {
		switch {
		case v.room.Archived:
			return portal.Fail(portal.ErrForbidden, "room.archived")
		case !policy.RightsIn(v.room, v.mine).Pin:
			return portal.Fail(portal.ErrForbidden, "room.managers-only")
		case s.o.InForce(who).DisableIM:
			return disabled()
		case m.Pinned == on:
			return errSame
		case on && !m.DeletedAt.IsZero():
			return portal.Fail(portal.ErrForbidden, "room.message-gone")
		}
		m.Pinned = on
		return nil
	})
	return err
}

// alter changes one message that who may read; change is called in the store's transaction.
func (s *Service) alter(ctx context.Context, who, at portal.Address, place int64, change func(*room, sight, *portal.RoomMessage) error) (portal.RoomMessage, error) {
	r, release, err := s.take(ctx, at, 1)
	if err != nil {
		return portal.RoomMessage{}, err
	}
	defer release()
	v, err := s.look(r, who)
	if err != nil {
		return portal.RoomMessage{}, err
	}
	if !v.mine.Role.Valid() {
		return portal.RoomMessage{}, portal.Fail(portal.ErrForbidden, "room.members-only")
	}
	if place < max(1, v.mine.First) {
		return portal.RoomMessage{}, portal.Fail(portal.ErrNotFound, "message.not-found")
	}
	if err := s.calm(who, v.room.URI, "change"); err != nil {
		return portal.RoomMessage{}, err
	}
	var was portal.RoomMessage
	stored, err := s.store.ChangeRoomMessage(ctx, v.room.URI, place, func(m *portal.RoomMessage) error {
		was = *m
		return change(r, v, m)
	}, func(now portal.RoomMessage) []portal.Addressed {
		return s.told(r, v, place, now, func(m *portal.RoomMessage) portal.Durable {
			return portal.RoomEvent{ID: v.room.URI, Change: portal.Updated, What: portal.RoomMessageChanged, Place: place, Message: m, By: who}
		})
	})
	if errors.Is(err, errSame) {
		return shown(v.mine, was), nil
	}
	if err != nil {
		return portal.RoomMessage{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.altered(was, stored)
	return shown(v.mine, stored), nil
}

// altered follows a change of a message, as the store does: one that is taken back names nobody, another text those
// whom it names with an "@". Called with the lock held.
func (r *room) altered(was, now portal.RoomMessage) {
	r.changes++
	if r.newest != nil && r.newest.Place == now.Place && now.Version > r.newest.Version {
		r.newest = &now
	}
	forget := was.Mentions
	if !now.DeletedAt.IsZero() {
		forget = r.people
	}
	for _, who := range forget {
		if m := r.members[who]; m != nil && !slices.Contains(now.Mentions, who) {
			m.unmention(now.Place)
		}
	}
	for _, who := range now.Mentions {
		if m := r.members[who]; m != nil && who != now.From && !slices.Contains(was.Mentions, who) {
			m.mention(now.Place)
		}
	}
}
