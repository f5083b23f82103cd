package web

import (
	"net/http"
	"strconv"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"portico/app/chat"
	"portico/app/portal"
	"portico/views/catalogue"
)

const (
	defaultMessages = 50
	maxMessages     = 200
)

// messageJSON is a message with the sentence of why it failed.
type messageJSON struct {
	portal.Message
	Reason    string `json:"reason,omitempty"`
	ReasonKey string `json:"reason_key,omitempty"`
}

func newMessageJSON(words *catalogue.Catalogue, m portal.Message) messageJSON {
	out := messageJSON{Message: m}
	if m.Reason != "" {
		out.Reason, out.ReasonKey = sentence(words, m.Reason, nil), m.Reason
	}
	return out
}

// conversationJSON is a conversation with its last message so written.
type conversationJSON struct {
	portal.Conversation
	Last *messageJSON `json:"last"`
}

var aboutConversations = operation{
	summary: "The person's conversations, the newest first",
	answers: []answer{{status: 200, schema: "Conversation", list: true}},
}

func (s *Server) apiConversations(c echo.Context) error {
	all, err := s.Chat.Conversations(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	words := s.catalogue(c)
	out := make([]conversationJSON, len(all))
	for i, conversation := range all {
		out[i].Conversation = conversation
		if conversation.Last != nil {
			last := newMessageJSON(words, *conversation.Last)
			out[i].Last = &last
		}
	}
	return s.json(c, http.StatusOK, out)
}

var aboutMessages = operation{
	summary: "Messages of a conversation, the newest last",
	params: []param{
		uriParam("peer"),
		{name: "before", in: "query", schema: "Seq", about: "only messages whose order is below this"},
		{name: "limit", in: "query", schema: "Limit", about: "the most messages to answer with"},
	},
	answers: []answer{{status: 200, schema: "AnyMessage", list: true}},
	errors:  []int{400, 404},
}

func (s *Server) apiMessages(c echo.Context) error {
	peer, err := pathAddress(c, "peer")
	if err != nil {
		return err
	}
	var before int64
	if text := c.QueryParam("before"); text != "" {
		if before, err = strconv.ParseInt(text, 10, 64); err != nil || before < 0 {
			return portal.Fail(portal.ErrInvalid, "message.before")
		}
	}
	limit, err := limitParam(c, defaultMessages, maxMessages)
	if err != nil {
		return err
	}
	if s.isRoom(peer) {
		return s.answerRoomMessages(c, peer, portal.RoomPage{Before: before, Limit: limit})
	}
	all, err := s.Chat.Messages(c.Request().Context(), s.person(c), peer, before, limit)
	if err != nil {
		return err
	}
	words := s.catalogue(c)
	out := make([]messageJSON, len(all))
	for i, m := range all {
		out[i] = newMessageJSON(words, m)
	}
	return s.json(c, http.StatusOK, out)
}

type sayBody struct {
	ID   string `json:"id"`
	Text string `json:"text"`
	// Replies and Files are for rooms.
	Replies int64    `json:"reply_to"`
	Files   []string `json:"files"`
}

type sayAnswer struct {
	ID    string       `json:"id"`
	State portal.State `json:"state"`
	// Reason and ReasonKey say why a message that is repeated has failed.
	Reason    string `json:"reason,omitempty"`
	ReasonKey string `json:"reason_key,omitempty"`
}

var aboutSay = operation{
	summary: "Say something. A repeat of an id changes nothing and is answered with the present state",
	params:  []param{uriParam("peer")}, body: "Say",
	answers: []answer{{status: 202, schema: "Said", about: "it is stored and will be sent"}},
	errors:  []int{400, 403, 404, 409, 413, 415, 503},
}

func (s *Server) apiSay(c echo.Context) error {
	peer, err := pathAddress(c, "peer")
	if err != nil {
		return err
	}
	var in sayBody
	if err := body(c, &in); err != nil {
		return err
	}
	if in.ID == "" {
		in.ID = uuid.NewString()
	}
	who := s.person(c)
	if s.isRoom(peer) {
		m, err := s.Rooms.Say(c.Request().Context(), who, peer, portal.RoomSaying{ID: in.ID, Text: in.Text, Replies: in.Replies, Files: in.Files})
		if err != nil {
			return err
		}
		s.there(c)
		return s.json(c, http.StatusAccepted, sayAnswer{ID: m.ID, State: portal.Sent})
	}
	m, err := s.Chat.Say(c.Request().Context(), who, chat.Draft{Conversation: peer, ID: in.ID, Text: in.Text})
	if err != nil {
		return err
	}
	s.there(c) // who says something is there
	out := sayAnswer{ID: m.ID, State: m.State}
	if m.Reason != "" {
		out.Reason, out.ReasonKey = sentence(s.catalogue(c), m.Reason, nil), m.Reason
	}
	return s.json(c, http.StatusAccepted, out)
}

type typingBody struct {
	Typing *bool `json:"typing"`
}

var aboutTyping = operation{
	summary: "Tell the other side that the person types, or no longer does", params: []param{uriParam("peer")}, body: "Typing",
	answers: []answer{{status: 204, about: "told"}},
	errors:  []int{400, 413, 415},
}

func (s *Server) apiTyping(c echo.Context) error {
	peer, err := pathAddress(c, "peer")
	if err != nil {
		return err
	}
	var in typingBody
	if err := body(c, &in); err != nil {
		return err
	}
	if in.Typing == nil {
		return portal.Fail(portal.ErrInvalid, "json.type").With("field", "typing")
	}
	if s.isRoom(peer) {
		s.Rooms.Typing(s.person(c), peer, *in.Typing)
		return c.NoContent(http.StatusNoContent)
	}
	if err := s.Chat.Typing(c.Request().Context(), s.person(c), peer, *in.Typing); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

type readBody struct {
	ID    string `json:"id"`
	Place int64  `json:"place"`
}

var aboutRead = operation{
	summary: "Mark a conversation as read, up to a message or all of it", params: []param{uriParam("peer")},
	body: "Read", bodyOptional: true,
	answers: []answer{{status: 204, about: "read"}},
	errors:  []int{400, 404, 413, 415},
}

func (s *Server) apiRead(c echo.Context) error {
	peer, err := pathAddress(c, "peer")
	if err != nil {
		return err
	}
	var in readBody
	if err := optionalBody(c, &in); err != nil {
		return err
	}
	if s.isRoom(peer) {
		err = s.markRoomRead(c.Request().Context(), s.person(c), peer, in.ID, in.Place)
	} else {
		err = s.Chat.MarkRead(c.Request().Context(), s.person(c), peer, in.ID)
	}
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
