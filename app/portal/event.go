package portal

import (
	"encoding/json"
	"fmt"
	"time"
)

// Event is something a person's browsers are told. The set is closed: see the types of this file.
type Event interface {
	// Name is the event's name on the wire.
	Name() string
}

// Durable is an event that is kept in the log of those it concerns and replayed after an absence.
type Durable interface {
	Event
	durable()
}

// Current is an event of which only the newest value counts.
type Current interface {
	Event
	// Key tells values that replace each other from others.
	Key() string
}

// Addressed is a durable event with the people it is for.
type Addressed struct {
	For   []Address
	Event Durable
	// Audience is set where the event is for everyone who follows it (a room): then it is logged once for all
	// of them, however many, and For are those who follow it now. For is not changed by anybody.
	Audience Address
}

// Logged is an addressed event after its commit, with the number the log gave it.
type Logged struct {
	// Seq grows over the whole log, and so for each person.
	Seq int64
	At  time.Time
	Addressed
}

// Change says what happened to the thing an event names.
type Change string

// The changes of the public interface.
const (
	Created Change = "created"
	Updated Change = "updated"
	Deleted Change = "deleted"
)

// MessageEvent: something was said in a conversation of the person (own messages too).
type MessageEvent struct {
	Conversation Address   `json:"conversation"`
	ID           string    `json:"id"`
	From         Address   `json:"from"`
	Text         string    `json:"text"`
	At           time.Time `json:"at"`
	// State is the state the copy was stored in; Order its place in the conversation.
	State State `json:"state,omitempty"`
	Order int64 `json:"order,omitempty"`
	// Room is the message as the room has it, where Conversation is a room of this portal.
	Room *RoomMessage `json:"room,omitempty"`
	// Quiet: the owner is not to be disturbed, and the sender is none of those who may: nothing is to draw attention to it.
	Quiet bool `json:"quiet,omitempty"`
}

// StateEvent: one of the person's own messages got further, or failed.
type StateEvent struct {
	Conversation Address `json:"conversation"`
	ID           string  `json:"id"`
	State        State   `json:"state"`
	// Reason is a catalogue key in the log; the edge turns it into a sentence.
	Reason string `json:"reason,omitempty"`
}

// ContactsEvent: the person's contact list changed at the entry ID names.
type ContactsEvent struct {
	ID     Address `json:"id"`
	Change Change  `json:"change"`
}

// CalendarEvent: the entry ID of the calendar of Calendar changed; an empty ID means many at once. It is a
// doorbell: who hears it reads the calendar.
type CalendarEvent struct {
	ID       string  `json:"id"`
	Calendar Address `json:"calendar"`
	Change   Change  `json:"change"`
}

// ResponsesEvent: the answers to the meeting ID in the calendar of Calendar changed. By names who answered what,
// where that is one person.
type ResponsesEvent struct {
	ID       string   `json:"id"`
	Calendar Address  `json:"calendar"`
	Change   Change   `json:"change"`
	By       string   `json:"by,omitempty"`
	Response Response `json:"response,omitempty"`
}

// ExchangeEvent is whether the person's mailbox can be reached and how many of their changes wait for it.
type ExchangeEvent struct {
	// State is "up" or "down".
	State string `json:"state"`
	// Since is when it went down.
	Since   time.Time `json:"since,omitzero"`
	Waiting int       `json:"waiting"`
	// Failed is the number of changes that the server refused.
	Failed int `json:"failed"`
	// Reason is a catalogue key.
	Reason string `json:"reason,omitempty"`
}

// ReminderEvent: a reminder of the person is due, or (Change deleted) has been dismissed.
type ReminderEvent struct {
	ID      string    `json:"id"`
	Change  Change    `json:"change"`
	Subject string    `json:"subject"`
	Where   string    `json:"location,omitempty"`
	Start   time.Time `json:"start"`
	End     time.Time `json:"end"`
	AllDay  bool      `json:"all_day,omitempty"`
}

// The kinds of a NoticeEvent: the person has been invited, is not invited any more, the appointment takes place at another time, or
// not at all.
const (
	NoticeInvited   = "invited"
	NoticeRemoved   = "removed"
	NoticeMoved     = "moved"
	NoticeCancelled = "cancelled"
)

// NoticeEvent: somebody changed the appointment ID of the calendar of Calendar so that its owner has to hear of it in words.
type NoticeEvent struct {
	ID       string    `json:"id"`
	Calendar Address   `json:"calendar"`
	Kind     string    `json:"kind"`
	Subject  string    `json:"subject"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	AllDay   bool      `json:"all_day,omitempty"`
	// By is who changed it.
	By Address `json:"by,omitempty"`
}

// PresenceEvent is the newest word on somebody's presence.
type PresenceEvent struct{ Presence }

// TaggedEvent: somebody of whom the person wanted to be told so has become available.
type TaggedEvent struct {
	URI          Address      `json:"uri"`
	Availability Availability `json:"availability"`
	At           time.Time    `json:"at"`
}

// TypingEvent: somebody began or stopped typing in a conversation.
type TypingEvent struct {
	Conversation Address `json:"conversation"`
	From         Address `json:"from"`
	Typing       bool    `json:"typing"`
}

// CountsEvent is the person's number of unread messages by conversation (only those above zero).
type CountsEvent struct {
	Unread map[Address]int `json:"unread"`
	// Mentions counts, by room, the unread messages that name the person or a word they watch.
	Mentions map[Address]int `json:"mentions,omitempty"`
	// Calls are the entries of the list of calls that the person has not seen, Voicemail the messages not heard.
	Calls     int `json:"calls"`
	Voicemail int `json:"voicemail"`
}

// LineEvent is whether the person's own line to the SIP server works: "up", "down", "refused".
type LineEvent struct {
	State string `json:"state"`
	// Reason is a catalogue key.
	Reason string `json:"reason,omitempty"`
}

// Name is the event's name on the wire.
func (MessageEvent) Name() string { return "message" }

// Name is the event's name on the wire.
func (StateEvent) Name() string { return "state" }

// Name is the event's name on the wire.
func (ContactsEvent) Name() string { return "contacts" }

// Name is the event's name on the wire.
func (PresenceEvent) Name() string { return "presence" }

// Name is the event's name on the wire.
func (TaggedEvent) Name() string { return "tagged" }

// Key tells values that replace each other from others.
func (e TaggedEvent) Key() string { return "tagged:" + string(e.URI) }

// Name is the event's name on the wire.
func (TypingEvent) Name() string { return "typing" }

// Name is the event's name on the wire.
func (CountsEvent) Name() string { return "counts" }

// Name is the event's name on the wire.
func (LineEvent) Name() string { return "line" }

// Name is the event's name on the wire.
func (CalendarEvent) Name() string { return "calendar" }

// Name is the event's name on the wire.
func (ResponsesEvent) Name() string { return "responses" }

// Name is the event's name on the wire.
func (ExchangeEvent) Name() string { return "exchange" }

// Name is the event's name on the wire.
func (ReminderEvent) Name() string { return "reminder" }

// Name is the event's name on the wire.
func (NoticeEvent) Name() string { return "notice" }

func (MessageEvent) durable()   {}
func (StateEvent) durable()     {}
func (ContactsEvent) durable()  {}
func (CalendarEvent) durable()  {}
func (ResponsesEvent) durable() {}
func (NoticeEvent) durable()    {}

// Key tells values that replace each other from others.
func (ExchangeEvent) Key() string { return "exchange" }

// Key tells values that replace each other from others.
func (e ReminderEvent) Key() string { return "reminder:" + e.ID }

// Key tells values that replace each other from others.
func (e PresenceEvent) Key() string { return "presence:" + string(e.URI) }

// Key tells values that replace each other from others.
func (e TypingEvent) Key() string { return "typing:" + string(e.Conversation) + ":" + string(e.From) }

// Key tells values that replace each other from others.
func (CountsEvent) Key() string { return "counts" }

// Key tells values that replace each other from others.
func (LineEvent) Key() string { return "line" }

// EncodeEvent gives the form in which a durable event is kept in the log.
func EncodeEvent(e Durable) (name string, payload []byte, err error) {
	payload, err = json.Marshal(e)
	if err != nil {
		return "", nil, fmt.Errorf("encode %s event: %w", e.Name(), err)
	}
	return e.Name(), payload, nil
}

// DecodeEvent reads what EncodeEvent wrote. A name it does not know is an error.
func DecodeEvent(name string, payload []byte) (Durable, error) {
	switch name {
	case MessageEvent{}.Name():
		return decode[MessageEvent](payload)
	case StateEvent{}.Name():
		return decode[StateEvent](payload)
	case ContactsEvent{}.Name():
		return decode[ContactsEvent](payload)
	case CalendarEvent{}.Name():
		return decode[CalendarEvent](payload)
	case ResponsesEvent{}.Name():
		return decode[ResponsesEvent](payload)
	case NoticeEvent{}.Name():
		return decode[NoticeEvent](payload)
	case RoomEvent{}.Name():
		return decode[RoomEvent](payload)
	case CallEvent{}.Name():
		return decode[CallEvent](payload)
	case VoicemailEvent{}.Name():
		return decode[VoicemailEvent](payload)
	case SyncEvent{}.Name():
		return decode[SyncEvent](payload)
	}
	return nil, fmt.Errorf("event of unknown name %q", name)
}

func decode[E Durable](payload []byte) (Durable, error) {
	var e E
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, fmt.Errorf("decode %s event: %w", e.Name(), err)
	}
	return e, nil
}
