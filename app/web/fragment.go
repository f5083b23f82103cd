package web

import (
	"bytes"
	"context"
	"log/slog"

	"github.com/a-h/templ"

	"portico/app/portal"
	"portico/realtime"
	"portico/views"
)

// fragment renders ev as the pages of audience a take it, from the components that pages are made of; nil
// where pages do not show it.
func (s *Server) fragment(ctx context.Context, a realtime.Audience, ev portal.Event, seq int64) []byte {
	r := s.readerOf(a)
	component := s.fragmentOf(ctx, r, ev, seq)
	if component == nil {
		return nil
	}
	var buf bytes.Buffer
	if err := component.Render(ctx, &buf); err != nil {
		s.Logger.Error("an event could not be rendered", slog.String("event", ev.Name()), slog.Any("error", err))
		return nil
	}
	return buf.Bytes()
}

func (s *Server) fragmentOf(ctx context.Context, r views.Reader, ev portal.Event, seq int64) templ.Component {
	switch e := ev.(type) {
	case portal.MessageEvent:
		if e.Room != nil {
			return views.LiveRoomMessage(r, seq, views.NewRoomMessageItem(*e.Room, s.lookup(ctx)))
		}
		m := portal.Message{Conversation: e.Conversation, ID: e.ID, From: e.From, Text: e.Text, At: e.At, State: e.State, Order: e.Order}
		return views.LiveMessage(r, seq, views.MessageItem{Message: m, Sender: s.Directory.Lookup(ctx, e.From), Quiet: e.Quiet}, s.Directory.Lookup(ctx, e.Conversation))
	case portal.StateEvent:
		return views.LiveState(r, seq, e)
	case portal.ContactsEvent:
		return views.LiveContacts(seq, e)
	case portal.PresenceEvent:
		return views.LivePresence(r, e.Presence)
	case portal.RoomEvent:
		if e.Message != nil {
			return views.LiveRoomChanged(r, seq, e, views.NewRoomMessageItem(*e.Message, s.lookup(ctx)))
		}
		return views.LiveRoom(seq, e)
	case portal.TypingEvent:
		if s.isRoom(e.Conversation) {
			return views.LiveRoomTyping(e, s.Directory.Lookup(ctx, e.From))
		}
		return views.LiveTyping(r, e, s.Directory.Lookup(ctx, e.From))
	case portal.CountsEvent:
		return views.LiveCounts(r, e, s.isRoom)
	case portal.LineEvent:
		return views.LiveLine(r, e)
	case portal.CalendarEvent:
		return views.LiveCalendar(seq, e)
	case portal.ResponsesEvent:
		return views.LiveResponses(seq, e)
	case portal.ExchangeEvent:
		return views.LiveExchange(r, e)
	case portal.NoticeEvent:
		by := portal.Person{}
		if e.By != "" {
			by = s.Directory.Lookup(ctx, e.By)
		}
		return views.LiveNotice(r, seq, e, by)
	case portal.SyncEvent:
		return views.LiveSync(seq, e)
	case portal.PoliciesEvent:
		return views.LivePolicies(e)
	case portal.WatchersEvent:
		return views.LiveWatchers(r, e)
	case portal.TaggedEvent:
		return views.LiveTagged(r, e, s.Directory.Lookup(ctx, e.URI))
	case portal.CallEvent:
		return views.LiveCall(seq, e)
	case portal.VoicemailEvent:
		return views.LiveVoicemail(seq, e)
	case portal.ReminderEvent:
		return views.LiveReminder(r, e)
	}
	return nil
}
