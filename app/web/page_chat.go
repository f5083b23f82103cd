package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"portico/app/chat"
	"portico/app/portal"
	"portico/views"
)

// pageMessages is how many messages a page begins with, and how many more come at a time.
const pageMessages = 50

// chatPage shows the list of conversations.
func (s *Server) chatPage(c echo.Context) error {
	page, err := s.chatList(c)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.Chat(page))
}

// conversationPage shows one conversation beside the list.
func (s *Server) conversationPage(c echo.Context) error {
	peer, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	return s.showConversation(c, http.StatusOK, peer, "", "")
}

// showConversation renders a conversation; draft is what stands in the composer, problem what went wrong.
func (s *Server) showConversation(c echo.Context, status int, peer portal.Address, draft, problem string) error {
	page, err := s.chatList(c)
	if err != nil {
		return err
	}
	before, err := cursor(c)
	if err != nil {
		return err
	}
	open, err := s.conversation(c, peer, before)
	if err != nil {
		return err
	}
	open.Draft = draft
	page.Frame.Conversation, page.Frame.Title, page.Frame.Problem = peer, open.Peer.DisplayName, problem
	s.begun(c, &page.Frame, peer, &open.Draft)
	page.Open = open
	return s.render(c, status, views.Chat(page))
}

// chatList is the page with the list of conversations and none open.
func (s *Server) chatList(c echo.Context) (views.ChatPage, error) {
	ctx, who := c.Request().Context(), s.person(c)
	f, err := s.frame(c, views.Chats, "chat.title")
	if err != nil {
		return views.ChatPage{}, err
	}
	conversations, err := s.Chat.Conversations(ctx, who)
	if err != nil {
		return views.ChatPage{}, err
	}
	page := views.ChatPage{Frame: f}
	for _, conversation := range conversations {
		item := views.ConversationItem{
			Peer: s.Directory.Lookup(ctx, conversation.Peer), Presence: s.Presence.Of(who, conversation.Peer), Unread: conversation.Unread,
		}
		if conversation.Last != nil {
			item.Last = *conversation.Last
			item.Last.Owner = who
		}
		page.Conversations = append(page.Conversations, item)
	}
	return page, nil
}

// conversation reads what the page shows of one conversation, or of a stretch of it.
func (s *Server) conversation(c echo.Context, peer portal.Address, before int64) (*views.Conversation, error) {
	ctx, who := c.Request().Context(), s.person(c)
	open, err := s.stretch(ctx, who, peer, before)
	if err != nil {
		return nil, err
	}
	conversations, err := s.Chat.Conversations(ctx, who)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(conversations, func(x portal.Conversation) bool { return x.Peer == peer }); i >= 0 {
		open.Unread, open.ReadUpTo = conversations[i].Unread, conversations[i].ReadUpTo
	}
	contacts, err := s.Contacts.List(ctx, who)
	if err != nil {
		return nil, err
	}
	for _, contact := range contacts {
		if contact.URI == peer {
			open.IsContact, open.Group = true, contact.Group
		}
		if contact.Group != "" && !slices.Contains(open.Groups, contact.Group) {
			open.Groups = append(open.Groups, contact.Group)
		}
	}
	slices.Sort(open.Groups)
	open.Typing = slices.ContainsFunc(s.Chat.TypingNow(who), func(t portal.TypingEvent) bool { return t.Conversation == peer && t.Typing })
	open.Presence = s.Presence.Of(who, peer)
	open.Silenced = s.inForce(who).DisableIM
	open.NewID = uuid.NewString()
	card, err := s.card(c, peer, false)
	if err != nil {
		return nil, err
	}
	open.Card = &card
	return open, nil
}

// stretch reads the messages before a place in a conversation; one more than is shown tells whether there
// are older ones.
func (s *Server) stretch(ctx context.Context, who, peer portal.Address, before int64) (*views.Conversation, error) {
	messages, err := s.Chat.Messages(ctx, who, peer, before, pageMessages+1)
	if err != nil {
		return nil, err
	}
	open := &views.Conversation{Peer: s.Directory.Lookup(ctx, peer)}
	if len(messages) > pageMessages {
		messages, open.More = messages[len(messages)-pageMessages:], true
	}
	for i := range messages {
		messages[i].Owner = who
	}
	open.Messages = views.Items(messages, func(a portal.Address) portal.Person { return s.Directory.Lookup(ctx, a) })
	return open, nil
}

// olderMessages is the stretch of a conversation before a place, for the page's script.
func (s *Server) olderMessages(c echo.Context) error {
	peer, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	before, err := cursor(c)
	if err != nil {
		return err
	}
	older, err := s.stretch(c.Request().Context(), s.person(c), peer, before)
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.Older(s.reader(c), *older))
}

// cursor is the place in a conversation that a request names; 0 is its end.
func cursor(c echo.Context) (int64, error) {
	text := c.QueryParam("before")
	if text == "" {
		return 0, nil
	}
	before, err := strconv.ParseInt(text, 10, 64)
	if err != nil || before < 0 {
		return 0, portal.Fail(portal.ErrInvalid, "message.before")
	}
	return before, nil
}

// sayByForm says what the composer holds. Who writes has read what stands above. What cannot be said stays
// in the composer, with the reason.
func (s *Server) sayByForm(c echo.Context) error {
	peer, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	if err := form(c); err != nil {
		return err
	}
	ctx, who, text := c.Request().Context(), s.person(c), c.FormValue("text")
	_, err = s.Chat.Say(ctx, who, chat.Draft{Conversation: peer, ID: c.FormValue("id"), Text: text})
	var said *portal.Error
	if errors.As(err, &said) {
		f := classify(err)
		c.Set(failedKey, err)
		setRetryAfter(c, f)
		return s.showConversation(c, f.status, peer, text, s.reader(c).Failure(err))
	}
	if err != nil {
		return err
	}
	s.sent(c, peer)
	if err := s.Chat.MarkRead(ctx, who, peer, ""); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, views.ChatPath(peer))
}

// readByForm marks a conversation as read where no script does.
func (s *Server) readByForm(c echo.Context) error {
	peer, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	if err := s.Chat.MarkRead(c.Request().Context(), s.person(c), peer, ""); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, views.ChatPath(peer))
}
