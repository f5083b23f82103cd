package rooms

// What SIP clients send to rooms.

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

const (
	// commandAge is how long a command is known again: retransmissions and forks come within it.
	commandAge = 2 * time.Minute
	// maxNamed is how many people "/who" names.
	maxNamed = 50
)

// Receive takes a MESSAGE for a room and returns nil only when what it says is done: stored, or the command carried
// out. Errors, each told to the sender in words too where that helps: ErrNotFound (no such room, or none they may know
// of), ErrForbidden, ErrInvalid, ErrTooMany, ErrUnavailable.
func (s *Service) Receive(ctx context.Context, in portal.RoomIncoming) error {
	if in.From == "" || in.ID == "" {
		return portal.Fail(portal.ErrInvalid, "message.id")
	}
	r, v, err := s.peek(in.From, s.plain(in.Room))
	if err != nil {
		return err
	}
	if !v.mine.Role.Valid() && !s.welcome(ctx, in.From) {
		return portal.Fail(portal.ErrForbidden, "room.unknown-person").With("Who", in.From.Bare())
	}
	if s.o.InForce(in.From).DisableIM { // without words of the room: they get no messages
		return disabled()
	}
	name, rest, text, is := command(in.Text)
	if !is {
		return s.hear(ctx, r, v, in, text)
	}
	key := "command " + string(v.room.URI) + " " + string(in.From) + " " + in.ID
	if err, again := s.recent.seen(key, s.o.Now()); again {
		return err
	}
	if err := s.calm(in.From, v.room.URI, "command"); err != nil {
		return s.flooded(r, in.From, err)
	}
	err = s.obey(ctx, r, v, in.From, name, rest)
	if portal.Meaning(err) == portal.ErrConflict { // for good, as far as a client is concerned
		err = portal.Fail(portal.ErrForbidden, portal.Reason(err)).Because(err)
	}
	if m := portal.Meaning(err); err == nil || m == portal.ErrForbidden || m == portal.ErrInvalid {
		s.recent.note(key, err, s.o.Now(), commandAge)
	}
	return err
}

// hear says what somebody sent.
func (s *Service) hear(ctx context.Context, r *room, v sight, in portal.RoomIncoming, text string) error {
	id := in.ID
	if policy.MessageID(id) != nil {
		sum := sha256.Sum256([]byte(id))
		id = "sha256-" + hex.EncodeToString(sum[:16])
	}
	_, err := s.say(ctx, in.From, v.room.URI, portal.RoomSaying{ID: id, Text: text})
	switch reason := portal.Reason(err); {
	case err == nil:
	case portal.Meaning(err) == portal.ErrTooMany:
		return s.flooded(r, in.From, err)
	case reason == "room.join-first":
		s.unasked(r, in.From, WordJoinFirst, "Room", title(v.room))
	case reason == "room.members-only":
		s.unasked(r, in.From, WordClosed, "Room", title(v.room))
	case reason == "room.presenters-only":
		s.unasked(r, in.From, WordPresenters)
	case reason == "room.archived":
		s.unasked(r, in.From, WordArchived)
	}
	return err
}

// flooded tells somebody who was too quick, once in a while, and gives the error back.
func (s *Service) flooded(r *room, who portal.Address, err error) error {
	var e *portal.Error
	wait := time.Second
	if errors.As(err, &e) {
		wait = max(wait, e.RetryAfter)
	}
	s.unasked(r, who, WordFlood, "Seconds", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return err
}

// unasked explains something that was refused: each sentence at most once every WordsEvery to one person in one room.
func (s *Service) unasked(r *room, who portal.Address, word string, args ...string) {
	if s.recent.first("words "+word+" "+string(r.address(s))+" "+string(who), s.o.Now(), s.o.WordsEvery) {
		s.answer(r, who, word, args...)
	}
}

// answer sends words of the room.
func (s *Service) answer(r *room, who portal.Address, word string, args ...string) {
	s.carrier.tell(r, who, s.word(who, word, args...))
}

// word is a sentence in the language of to.
func (s *Service) word(to portal.Address, key string, args ...string) string {
	named := make(map[string]string, len(args)/2)
	for i := 0; i+1 < len(args); i += 2 {
		named[args[i]] = args[i+1]
	}
	return cmp.Or(s.o.Say(to, key, named), filled(english(key), args))
}

// title is what a room is called in a sentence.
func title(r portal.Room) string { return cmp.Or(r.Title, r.Name) }

// obey carries a command out. It is answered in words, and refused on the wire where the sender has no right to it.
func (s *Service) obey(ctx context.Context, r *room, v sight, who portal.Address, name, rest string) error {
	switch name {
	case commandHelp:
		s.answer(r, who, WordHelp, "Room", title(v.room))
		return nil
	case commandJoin:
		return s.answered(r, who, v, s.join(ctx, who, v.room.URI, true), WordJoined)
	case commandLeave:
		if !v.mine.Role.Valid() {
			s.answer(r, who, WordNotMember)
			return nil
		}
		return s.answered(r, who, v, s.Leave(ctx, who, v.room.URI), WordLeft)
	case commandWho, commandTopic:
		if !v.mine.Role.Valid() {
			return s.answered(r, who, v, policy.MaySpeak(v.room, v.mine), "")
		}
	default:
		s.answer(r, who, WordUnknown, "Command", "/"+name)
		return portal.Fail(portal.ErrInvalid, "room.command")
	}
	switch {
	case name == commandWho:
		s.tellWho(r, v, who)
	case rest != "":
		return s.setTopic(ctx, r, v, who, rest)
	case v.room.Topic == "":
		s.answer(r, who, WordNoTopic)
	default:
		s.answer(r, who, WordTopic, "Topic", v.room.Topic)
	}
	return nil
}

// answered says how a command ended: well with word, or why not.
func (s *Service) answered(r *room, who portal.Address, v sight, err error, word string) error {
	if err != nil {
		var known bool
		if word, known = refusals(portal.Reason(err)); !known {
			return err
		}
	}
	if word != "" {
		s.answer(r, who, word, "Room", title(v.room), "Topic", v.room.Topic, "Max", strconv.Itoa(portal.MaxRoomTopic))
	}
	return err
}

// refusals is the sentence for the key of an error.
func refusals(reason string) (word string, known bool) {
	switch reason {
	case "room.closed", "room.members-only":
		return WordClosed, true
	case "room.join-first":
		return WordJoinFirst, true
	case "room.archived":
		return WordArchived, true
	case "room.last-manager":
		return WordLastOne, true
	case "room.managers-only":
		return WordManagers, true
	case "room.full":
		return WordFull, true
	case "room.topic":
		return WordTopicLong, true
	}
	return "", false
}

// tellWho names the room's people.
func (s *Service) tellWho(r *room, v sight, who portal.Address) {
	names := make([]string, 0, maxNamed)
	for _, w := range v.people[:min(len(v.people), maxNamed)] {
		names = append(names, s.called(w))
	}
	slices.Sort(names)
	word := WordWho
	if len(v.people) > maxNamed {
		word = WordWhoSome
	}
	s.answer(r, who, word, "Count", strconv.Itoa(len(v.people)), "Names", strings.Join(names, ", "))
}

// setTopic changes the topic.
func (s *Service) setTopic(ctx context.Context, r *room, v sight, who portal.Address, topic string) error {
	e, err := s.Change(ctx, who, v.room.URI, portal.RoomChange{Topic: &topic})
	v.room.Topic = e.Topic
	return s.answered(r, who, v, err, WordTopicSet)
}
