package views

import (
	"fmt"
	"strings"
	"time"

	"portico/app/portal"
)

// ChatPage is the page /chat.
type ChatPage struct {
	Frame
	Conversations []ConversationItem
	// Open is the conversation beside the list; nil: none.
	Open *Conversation
}

// ConversationItem is one line of the list of conversations.
type ConversationItem struct {
	Peer     portal.Person
	Presence portal.Presence
	// Last is the newest message; the zero message where nothing was said yet.
	Last   portal.Message
	Unread int
}

// Conversation is an open conversation, or a stretch of it.
type Conversation struct {
	Peer     portal.Person
	Presence portal.Presence
	// Messages is a stretch of the conversation, newest last.
	Messages []MessageItem
	// More is whether there are older messages than these.
	More bool
	// Unread is how many of the last messages the reader has not read, ReadUpTo the order of the last read one.
	Unread   int
	ReadUpTo int64
	Typing   bool
	// Silenced: a policy keeps the reader from writing and receiving.
	Silenced bool
	// NewID is the id of the message that is written without script.
	NewID string
	// Draft is what stands in the composer.
	Draft string
	// IsContact, Group and Groups: whether and where the other person is in the reader's contact list.
	IsContact bool
	Group     string
	Groups    []string
	// Card is the other person's; nil: it is made of the above.
	Card *Card
}

// card is what is shown of the other person.
func (v Conversation) card(f Frame) Card {
	if v.Card != nil {
		return *v.Card
	}
	c := Card{Person: v.Peer, Presence: v.Presence, Groups: v.Groups, MayGroup: f.IsRoom != nil && !f.IsRoom(v.Peer.URI)}
	if v.IsContact {
		c.Contact = &portal.Contact{URI: v.Peer.URI, Group: v.Group}
	}
	return c
}

// MessageItem is one message as it is shown.
type MessageItem struct {
	portal.Message
	// Sender is who said it.
	Sender portal.Person
	// Follows is set where the same person went on within five minutes; Gap where an hour or more was quiet.
	Follows, Gap bool
	// Quiet: nothing is to draw attention to it.
	Quiet bool
}

// The pauses that group messages, and part them. The page's script knows the same two.
const (
	followsWithin = 5 * time.Minute
	gapFrom       = time.Hour
)

// Items makes the messages of one conversation showable; who looks people up.
func Items(messages []portal.Message, who func(portal.Address) portal.Person) []MessageItem {
	items := make([]MessageItem, len(messages))
	for i, m := range messages {
		items[i] = MessageItem{Message: m, Sender: who(m.From)}
	}
	return items
}

// Mine reports whether the reader said it. An event knows no owner: there the state tells, because only one's
// own messages have one on their way.
func (m MessageItem) Mine() bool {
	if m.Owner == "" {
		return m.State != "" && m.State != portal.Received
	}
	return m.Message.Mine()
}

// after places m behind the message before it; nil if it is the first of its stretch.
func (m MessageItem) after(r Reader, previous *MessageItem) MessageItem {
	if previous == nil || r.dayKey(previous.At) != r.dayKey(m.At) {
		return m
	}
	pause := m.At.Sub(previous.At)
	m.Follows = previous.From == m.From && pause < followsWithin
	m.Gap = pause >= gapFrom
	return m
}

// sender is who speaks, for those who hear the page.
func (r Reader) sender(m MessageItem) string {
	if m.Mine() {
		return r.Text("chat.you-said")
	}
	return r.Text("chat.they-said", "Name", name(m.Sender))
}

func (v ChatPage) arrangement() string {
	if v.Open != nil {
		return "three open"
	}
	return "three"
}

// preview is the beginning of the last message on one line.
func (c ConversationItem) preview() string {
	text := strings.Join(strings.Fields(emoticons(c.Last.Text)), " ")
	if runes := []rune(text); len(runes) > 120 {
		return string(runes[:120]) + "…"
	}
	return text
}

// oldest is the cursor to the messages before this stretch; 0 where there are none.
func (v Conversation) oldest() int64 {
	if !v.More || len(v.Messages) == 0 {
		return 0
	}
	return v.Messages[0].Order
}

func (v Conversation) earlierPath() string {
	return fmt.Sprintf("%s?before=%d", ChatPath(v.Peer.URI), v.oldest())
}

func (v Conversation) olderPath() string {
	return fmt.Sprintf("%s/messages?before=%d", ChatPath(v.Peer.URI), v.oldest())
}

func (v Conversation) previous(i int) *MessageItem {
	if i == 0 {
		return nil
	}
	return &v.Messages[i-1]
}

// marksUnread reports whether the unread mark stands before message i: the first one of others beyond what
// was read.
func (v Conversation) marksUnread(i int) bool {
	if v.Unread == 0 {
		return false
	}
	news := func(m MessageItem) bool { return !m.Mine() && m.Order > v.ReadUpTo }
	if !news(v.Messages[i]) {
		return false
	}
	for _, m := range v.Messages[:i] {
		if news(m) {
			return false
		}
	}
	return true
}

// blank is the message that the script fills with what was just written, until the real one comes.
func (v Conversation) blank(me portal.Address) MessageItem {
	return MessageItem{Message: portal.Message{Owner: me, From: me, State: portal.Pending}, Sender: portal.Person{URI: me}}
}

// dialable is a phone number as a tel: link takes it.
func dialable(phone string) string {
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c == '+' {
			return c
		}
		return -1
	}, phone)
}

// mine reports whether the reader said the last message.
func (c ConversationItem) mine() bool { return c.Last.From != "" && c.Last.Mine() }
