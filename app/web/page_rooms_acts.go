package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/policy"
	"portico/app/portal"
	"portico/views"
)

// What people do in a room by forms: say, change, react, pin, read, join, leave, invite.

// sayInRoom says what the composer holds, with its files. What cannot be said stays in the composer, with the reason.
func (s *Server) sayInRoom(c echo.Context) error {
	room, err := s.pathRoom(c)
	if err != nil {
		return err
	}
	in, err := s.roomSaying(c, room)
	if err == nil {
		_, err = s.Rooms.Say(c.Request().Context(), s.person(c), room, in)
	}
	if saidWrong(err) {
		f := classify(err)
		c.Set(failedKey, err)
		setRetryAfter(c, f)
		return s.showRoom(c, f.status, room, in.Text, s.reader(c).Failure(err))
	}
	if err != nil {
		return err
	}
	s.sent(c, room)
	return c.Redirect(http.StatusSeeOther, views.RoomPath(room))
}

// reactByForm puts a sign under a message, or takes the person's own away.
func (s *Server) reactByForm(c echo.Context) error {
	return s.onMessage(c, func(ctx context.Context, who, room portal.Address, at int64) error {
		sign := strings.TrimSpace(clip(c.FormValue("sign"), 64))
		m, err := s.Rooms.Message(ctx, who, room, at)
		if err != nil {
			return err
		}
		on := !slices.ContainsFunc(m.Reactions, func(x portal.Reaction) bool { return x.Sign == sign && slices.Contains(x.By, who) })
		return s.Rooms.React(ctx, who, room, at, sign, on)
	})
}

// editByForm changes a message's text.
func (s *Server) editByForm(c echo.Context) error {
	return s.onMessage(c, func(ctx context.Context, who, room portal.Address, at int64) error {
		_, err := s.Rooms.Edit(ctx, who, room, at, c.FormValue("text"))
		return err
	})
}

// takeBackByForm takes a message back.
func (s *Server) takeBackByForm(c echo.Context) error { return s.onMessage(c, s.Rooms.Delete) }

// pinByForm pins a message, or takes the pin off.
func (s *Server) pinByForm(c echo.Context) error {
	return s.onMessage(c, func(ctx context.Context, who, room portal.Address, at int64) error {
		m, err := s.Rooms.Message(ctx, who, room, at)
		if err != nil {
			return err
		}
		return s.Rooms.Pin(ctx, who, room, at, !m.Pinned)
	})
}

// onMessage does something to a message and leads back to it.
func (s *Server) onMessage(c echo.Context, do func(ctx context.Context, who, room portal.Address, at int64) error) error {
	if err := form(c); err != nil {
		return err
	}
	room, err := s.pathRoom(c)
	if err != nil {
		return err
	}
	at, err := pathPlace(c)
	if err != nil {
		return err
	}
	err = do(c.Request().Context(), s.person(c), room, at)
	if saidWrong(err) {
		return s.showRoomMessage(c, room, at, err)
	}
	if err != nil {
		return err
	}
	if partial(c) {
		return c.NoContent(http.StatusNoContent)
	}
	if side := c.FormValue("side"); slices.Contains(views.Sides(), side) {
		return c.Redirect(http.StatusSeeOther, views.RoomPath(room)+"?side="+side)
	}
	return c.Redirect(http.StatusSeeOther, views.AtPath(room, at))
}

// roomMessagePage shows one message with what can be done to it.
func (s *Server) roomMessagePage(c echo.Context) error {
	room, err := s.pathRoom(c)
	if err != nil {
		return err
	}
	at, err := pathPlace(c)
	if err != nil {
		return err
	}
	return s.showRoomMessage(c, room, at, nil)
}

func (s *Server) showRoomMessage(c echo.Context, room portal.Address, at int64, failed error) error {
	ctx, who := c.Request().Context(), s.person(c)
	m, err := s.Rooms.Message(ctx, who, room, at)
	if err != nil {
		return err
	}
	f, err := s.frame(c, views.Rooms, "rooms.acts")
	if err != nil {
		return err
	}
	open, err := s.roomView(ctx, f.Reader, who, room)
	if err != nil {
		return err
	}
	by, total, err := s.Rooms.ReadBy(ctx, who, room, at)
	if err != nil {
		return err
	}
	v := views.RoomMessagePage{Frame: f, Room: open, Message: views.RoomItems([]portal.RoomMessage{m}, who, s.lookup(ctx))[0], ReadBy: total, Editing: m.Text}
	for _, a := range by {
		v.Readers = append(v.Readers, s.Directory.Lookup(ctx, a))
	}
	v.Editable = open.Rights.Speak && policy.MayEdit(m, who, s.Now(), s.editWindow()) == nil
	v.Deletable = policy.MayDelete(m, who, policy.RightsIn(open.Room, open.Mine), s.Now(), s.editWindow()) == nil && !open.Archived
	status := http.StatusOK
	if failed != nil {
		said := classify(failed)
		c.Set(failedKey, failed)
		setRetryAfter(c, said)
		status, v.Problem = said.status, f.Failure(failed)
		if c.FormValue("text") != "" {
			v.Editing = c.FormValue("text")
		}
	}
	return s.render(c, status, views.RoomMessageView(v))
}

// readRoom marks a room as read where no script does.
func (s *Server) readRoom(c echo.Context) error {
	return s.onRoom(c, func(ctx context.Context, who, room portal.Address) error {
		return s.Rooms.MarkRead(ctx, who, room, 0)
	})
}

func (s *Server) joinRoom(c echo.Context) error {
	return s.onRoom(c, func(ctx context.Context, who, room portal.Address) error {
		_, err := s.Rooms.Join(ctx, who, room)
		return err
	})
}

// leaveRoom leaves, and leads to the list of rooms.
func (s *Server) leaveRoom(c echo.Context) error {
	return s.onRoomThen(c, s.Rooms.Leave, func(portal.Address) error { return c.Redirect(http.StatusSeeOther, "/rooms") })
}

// notifyOfRoom sets of what the person is told.
func (s *Server) notifyOfRoom(c echo.Context) error {
	return s.onRoom(c, func(ctx context.Context, who, room portal.Address) error {
		notify := portal.RoomNotify(c.FormValue("notify"))
		if !notify.Valid() {
			return portal.Fail(portal.ErrInvalid, "room.notify")
		}
		return s.Rooms.Notify(ctx, who, room, notify)
	})
}

// inviteToRoom adds people as members; who is in already keeps their role.
func (s *Server) inviteToRoom(c echo.Context) error {
	return s.onRoom(c, func(ctx context.Context, who, room portal.Address) error {
		people, err := typedPeople(c, roomForm(c))
		if err != nil {
			return err
		}
		for _, a := range people {
			if err := s.addMember(ctx, who, room, a); err != nil {
				return err
			}
		}
		return nil
	})
}

// onRoom does something to a room and leads back to its page; what cannot be done is said there.
func (s *Server) onRoom(c echo.Context, do func(ctx context.Context, who, room portal.Address) error) error {
	return s.onRoomThen(c, do, func(room portal.Address) error { return s.done(c, views.RoomPath(room)) })
}

// onRoomThen is onRoom that leads elsewhere.
func (s *Server) onRoomThen(c echo.Context, do func(ctx context.Context, who, room portal.Address) error, then func(room portal.Address) error) error {
	if err := form(c); err != nil {
		return err
	}
	room, err := s.pathRoom(c)
	if err != nil {
		return err
	}
	err = do(c.Request().Context(), s.person(c), room)
	if saidWrong(err) && !partial(c) {
		f := classify(err)
		if f.status == http.StatusNotFound {
			return err
		}
		c.Set(failedKey, err)
		setRetryAfter(c, f)
		return s.showRoom(c, f.status, room, "", s.reader(c).Failure(err))
	}
	if err != nil {
		return err
	}
	return then(room)
}

// roomSettingsPage is where a room is managed.
func (s *Server) roomSettingsPage(c echo.Context) error {
	return s.showRoomSettings(c, nil, nil)
}

func (s *Server) showRoomSettings(c echo.Context, typed *views.RoomForm, failed error) error {
	room, err := s.pathRoom(c)
	if err != nil {
		return err
	}
	ctx, who := c.Request().Context(), s.person(c)
	f, err := s.frame(c, views.Rooms, "nav.rooms")
	if err != nil {
		return err
	}
	open, err := s.roomView(ctx, f.Reader, who, room)
	if err != nil {
		return err
	}
	if open.Rights.Read {
		if err := s.fillMembers(ctx, who, room, portal.Address(c.QueryParam("next")), &open.Side); err != nil {
			return err
		}
	}
	v := views.RoomSettingsPage{Frame: f, Room: open, Saved: c.QueryParam("saved") == "1", Form: views.RoomForm{
		Title: open.Title, Topic: open.Topic, Access: open.Access, PresentersOnly: open.PresentersOnly,
		History: strconv.Itoa(open.HistoryDays), Version: open.Version,
	}}
	v.Title = open.Called
	status := http.StatusOK
	if failed != nil {
		said := classify(failed)
		c.Set(failedKey, failed)
		setRetryAfter(c, said)
		status, v.Problem = said.status, f.Failure(failed)
		if typed != nil {
			v.Form = *typed
			v.Form.Version = open.Version
		}
	}
	return s.render(c, status, views.RoomSettingsView(v))
}

// changeRoom changes a room and leads back to its settings.
func (s *Server) changeRoom(c echo.Context, typed *views.RoomForm, change portal.RoomChange) error {
	room, err := s.pathRoom(c)
	if err != nil {
		return err
	}
	changed, err := s.Rooms.Change(c.Request().Context(), s.person(c), room, change)
	if saidWrong(err) && classify(err).status != http.StatusNotFound {
		return s.showRoomSettings(c, typed, err)
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, views.RoomPath(changed.URI)+"/settings?saved=1")
}

// saveRoom changes what the form of the settings holds.
func (s *Server) saveRoom(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	typed := roomForm(c)
	change := portal.RoomChange{Title: &typed.Title, Topic: &typed.Topic, Version: typed.Version}
	if typed.Access != "" {
		days, err := historyDays(typed.History)
		if err != nil {
			return s.showRoomSettings(c, &typed, err)
		}
		change.Access, change.PresentersOnly, change.HistoryDays = &typed.Access, &typed.PresentersOnly, &days
	}
	return s.changeRoom(c, &typed, change)
}

// archiveRoom archives a room or opens it again.
func (s *Server) archiveRoom(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	archived := c.FormValue("archived") == "yes"
	return s.changeRoom(c, nil, portal.RoomChange{Archived: &archived})
}

// makeLasting makes a group a lasting room.
func (s *Server) makeLasting(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	typed, lasting := roomForm(c), true
	change := portal.RoomChange{Lasting: &lasting, Title: &typed.Title}
	if typed.Name != "" {
		change.Name = &typed.Name
	}
	return s.changeRoom(c, &typed, change)
}

// putRole gives a member another role, or takes them out.
func (s *Server) putRole(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	room, err := s.pathRoom(c)
	if err != nil {
		return err
	}
	member, err := portal.ParseAddress(c.FormValue("uri"))
	if err != nil {
		return err
	}
	ctx, who, role := c.Request().Context(), s.person(c), portal.RoomRole(c.FormValue("role"))
	switch {
	case c.FormValue("remove") == "yes":
		err = s.Rooms.RemoveMember(ctx, who, room, member)
	case !role.Valid():
		err = portal.Fail(portal.ErrInvalid, "room.role")
	default:
		err = s.Rooms.PutMember(ctx, who, room, member, role)
	}
	if saidWrong(err) && classify(err).status != http.StatusNotFound {
		return s.showRoomSettings(c, nil, err)
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, views.RoomPath(room)+"/settings?saved=1")
}
