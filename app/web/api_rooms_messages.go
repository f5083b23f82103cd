package web

import (
	"context"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/realtime"
)

// The API of what is said in rooms, and the live connection's ways there.

var aboutRoomMessages = operation{
	summary: "A stretch of a room's messages, the newest last; without a cursor the newest",
	params: []param{roomParam,
		{name: "before", in: "query", schema: "Seq", about: "only messages whose place is below this"},
		{name: "after", in: "query", schema: "Seq", about: "those that follow this place"},
		{name: "around", in: "query", schema: "Seq", about: "those around this place"},
		{name: "from", in: "query", schema: "Time", about: "those from this instant on"},
		{name: "limit", in: "query", schema: "Limit", about: "the most messages to answer with"}},
	answers: []answer{{status: 200, schema: "RoomMessage", list: true}}, errors: []int{400, 404},
}

func (s *Server) apiRoomMessages(c echo.Context) error {
	page, err := roomPageOf(c)
	if err != nil {
		return err
	}
	if text := c.QueryParam("around"); text != "" {
		if page.Around, err = place(text); err != nil {
			return err
		}
	}
	if page.From, err = fromParam(c, "from"); err != nil {
		return err
	}
	if page.Limit, err = limitParam(c, defaultMessages, maxMessages); err != nil {
		return err
	}
	room, err := s.pathRoom(c)
	if err != nil {
		return err
	}
	return s.answerRoomMessages(c, room, page)
}

func (s *Server) answerRoomMessages(c echo.Context, room portal.Address, page portal.RoomPage) error {
	messages, err := s.Rooms.Messages(c.Request().Context(), s.person(c), room, page)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, append([]portal.RoomMessage{}, messages...))
}

var aboutSayInRoom = operation{
	summary: "Say something in a room. A repeat of an id changes nothing and is answered with what is there", params: []param{roomParam}, body: "RoomSay",
	answers: []answer{{status: 201, schema: "RoomMessage", about: "it is stored, in its place"}}, errors: []int{400, 404, 409, 413, 415},
}

func (s *Server) apiSayInRoom(c echo.Context) error {
	var in sayBody
	if err := body(c, &in); err != nil {
		return err
	}
	if in.ID == "" {
		in.ID = uuid.NewString()
	}
	return s.inRoom(c, func(ctx context.Context, who, room portal.Address) error {
		m, err := s.Rooms.Say(ctx, who, room, portal.RoomSaying{ID: in.ID, Text: in.Text, Replies: in.Replies, Files: in.Files})
		if err != nil {
			return err
		}
		s.there(c)
		return s.json(c, http.StatusCreated, m)
	})
}

// atPlace does something with the message that the path names.
func (s *Server) atPlace(c echo.Context, do func(ctx context.Context, who, room portal.Address, at int64) error) error {
	at, err := pathPlace(c)
	if err != nil {
		return err
	}
	return s.inRoom(c, func(ctx context.Context, who, room portal.Address) error { return do(ctx, who, room, at) })
}

var aboutRoomMessage = operation{
	summary: "One message of a room", params: []param{roomParam, placeParam}, answers: []answer{{status: 200, schema: "RoomMessage"}}, errors: []int{400, 404},
}

func (s *Server) apiRoomMessage(c echo.Context) error {
	return s.atPlace(c, func(ctx context.Context, who, room portal.Address, at int64) error {
		m, err := s.Rooms.Message(ctx, who, room, at)
		if err != nil {
			return err
		}
		return s.json(c, http.StatusOK, m)
	})
}

var aboutEditMessage = operation{
	summary: "Change the text of one's own message", params: []param{roomParam, placeParam}, body: "RoomEdit",
	answers: []answer{{status: 200, schema: "RoomMessage"}}, errors: []int{400, 404, 409, 413, 415},
}

func (s *Server) apiEditMessage(c echo.Context) error {
	var in struct {
		Text *string `json:"text"`
	}
	if err := body(c, &in); err != nil {
		return err
	}
	if in.Text == nil {
		return portal.Fail(portal.ErrInvalid, "json.type").With("field", "text")
	}
	return s.atPlace(c, func(ctx context.Context, who, room portal.Address, at int64) error {
		m, err := s.Rooms.Edit(ctx, who, room, at, *in.Text)
		if err != nil {
			return err
		}
		return s.json(c, http.StatusOK, m)
	})
}

var aboutDeleteMessage = operation{
	summary: "Take a message back: one's own, or as a manager anybody's", params: []param{roomParam, placeParam},
	answers: []answer{{status: 204, about: "it is gone"}}, errors: []int{400, 404},
}

func (s *Server) apiDeleteMessage(c echo.Context) error {
	return s.atPlace(c, func(ctx context.Context, who, room portal.Address, at int64) error {
		if err := s.Rooms.Delete(ctx, who, room, at); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	})
}

var (
	signParam    = param{name: "sign", in: "path", schema: "Sign", about: "one emoji, percent-encoded"}
	aboutReact   = operation{summary: "React to a message", params: []param{roomParam, placeParam, signParam}, answers: []answer{{status: 204, about: "it is there"}}, errors: []int{400, 404, 409}}
	aboutUnreact = operation{summary: "Take one's own reaction away", params: []param{roomParam, placeParam, signParam}, answers: []answer{{status: 204, about: "it is gone"}}, errors: []int{400, 404, 409}}
	aboutPin     = operation{summary: "Pin a message", params: []param{roomParam, placeParam}, answers: []answer{{status: 204, about: "it is pinned"}}, errors: []int{400, 404, 409}}
	aboutUnpin   = operation{summary: "Take the pin off a message", params: []param{roomParam, placeParam}, answers: []answer{{status: 204, about: "it is not pinned"}}, errors: []int{400, 404, 409}}
)

func (s *Server) apiReact(on bool) echo.HandlerFunc {
	return func(c echo.Context) error {
		sign, err := pathText(c, "sign")
		if err != nil {
			return err
		}
		return s.atPlace(c, func(ctx context.Context, who, room portal.Address, at int64) error {
			if err := s.Rooms.React(ctx, who, room, at, sign, on); err != nil {
				return err
			}
			return c.NoContent(http.StatusNoContent)
		})
	}
}

func (s *Server) apiPin(on bool) echo.HandlerFunc {
	return func(c echo.Context) error {
		return s.atPlace(c, func(ctx context.Context, who, room portal.Address, at int64) error {
			if err := s.Rooms.Pin(ctx, who, room, at, on); err != nil {
				return err
			}
			return c.NoContent(http.StatusNoContent)
		})
	}
}

var aboutReaders = operation{
	summary: "Who has read a message: at most 100 of them, and how many", params: []param{roomParam, placeParam},
	answers: []answer{{status: 200, schema: "Readers"}}, errors: []int{400, 404},
}

// readersJSON is who has read a message.
type readersJSON struct {
	Total int          `json:"total"`
	By    []readerJSON `json:"by"`
}

type readerJSON struct {
	URI         portal.Address `json:"uri"`
	DisplayName string         `json:"display_name"`
}

func (s *Server) apiReaders(c echo.Context) error {
	return s.atPlace(c, func(ctx context.Context, who, room portal.Address, at int64) error {
		by, total, err := s.Rooms.ReadBy(ctx, who, room, at)
		if err != nil {
			return err
		}
		out := readersJSON{Total: total, By: []readerJSON{}}
		for _, a := range by {
			out.By = append(out.By, readerJSON{a, s.Directory.Lookup(ctx, a).DisplayName})
		}
		return s.json(c, http.StatusOK, out)
	})
}

var aboutPinned = operation{
	summary: "A room's pinned messages, the newest pin first", params: []param{roomParam}, answers: []answer{{status: 200, schema: "RoomMessage", list: true}}, errors: []int{404},
}

func (s *Server) apiPinned(c echo.Context) error {
	return s.inRoom(c, func(ctx context.Context, who, room portal.Address) error {
		pinned, err := s.Rooms.Pinned(ctx, who, room)
		if err != nil {
			return err
		}
		return s.json(c, http.StatusOK, append([]portal.RoomMessage{}, pinned...))
	})
}

var aboutSearchRoom = operation{
	summary: "Search a room's messages, the newest first",
	params: []param{roomParam, {name: "q", in: "query", schema: "Query", about: "words, all of which a message must have; \"quoted words\" stand together"},
		{name: "from", in: "query", schema: "Time", about: "not before this instant"}, {name: "to", in: "query", schema: "Time", about: "before this instant"},
		{name: "cursor", in: "query", schema: "Text", about: "where the page before ended"}, {name: "limit", in: "query", schema: "Limit", about: "the most hits to answer with"}},
	answers: []answer{{status: 200, schema: "RoomHits"}}, errors: []int{400, 404},
}

func (s *Server) apiSearchRoom(c echo.Context) error {
	q := portal.HistoryQuery{Q: clip(c.QueryParam("q"), maxQuery), Cursor: c.QueryParam("cursor")}
	var err error
	if q.From, err = fromParam(c, "from"); err != nil {
		return err
	}
	if q.To, err = fromParam(c, "to"); err != nil {
		return err
	}
	if q.Limit, err = limitParam(c, defaultMessages, maxMessages); err != nil {
		return err
	}
	return s.inRoom(c, func(ctx context.Context, who, room portal.Address) error {
		hits, next, err := s.Rooms.Search(ctx, who, room, q)
		if err != nil {
			return err
		}
		return s.json(c, http.StatusOK, struct {
			Hits []portal.Hit `json:"hits"`
			Next string       `json:"next,omitempty"`
		}{append([]portal.Hit{}, hits...), next})
	})
}

var (
	aboutUpload = operation{
		summary: "Put a file into a room, to be named in a message", params: []param{roomParam}, body: "FileForm", bodyType: formType,
		answers: []answer{{status: 201, schema: "RoomFile", about: "the file, which nobody else sees before a message brings it"}}, errors: []int{400, 404, 413, 415},
	}
	aboutRoomFile = operation{
		summary: "A file of a room; parts of it can be asked for (Range)", params: []param{roomParam, fileParam}, bare: true,
		answers: []answer{{status: 200, schema: "Bytes", media: "*/*", about: "its bytes, whatever they are"}, {status: 206, schema: "Bytes", media: "*/*", about: "a part of them"}, {status: 304, about: "as it was"}},
		errors:  []int{404},
	}
)

func (s *Server) apiUpload(c echo.Context) error {
	if err := asked(c, formType); err != nil {
		return err
	}
	room, err := s.pathRoom(c)
	if err != nil {
		return err
	}
	var made *portal.File
	err = eachPart(c, func(part *multipart.Part) error {
		if part.FormName() != "file" || part.FileName() == "" || made != nil {
			_, err := io.Copy(io.Discard, io.LimitReader(part, maxField))
			return err
		}
		f, err := s.uploadPart(c, room, part)
		made = &f
		return err
	})
	if err != nil {
		return err
	}
	if made == nil {
		return portal.Fail(portal.ErrInvalid, "room.file-missing")
	}
	return s.json(c, http.StatusCreated, *made)
}

// markRoomRead moves the read mark to a place; an id alone names one of the newest messages, neither all of them.
func (s *Server) markRoomRead(ctx context.Context, who, room portal.Address, id string, at int64) error {
	if at < 0 {
		return portal.Fail(portal.ErrInvalid, "room.place")
	}
	if at == 0 && id != "" {
		newest, err := s.Rooms.Messages(ctx, who, room, portal.RoomPage{Limit: maxMessages})
		if err != nil {
			return err
		}
		for _, m := range newest {
			if m.ID == id {
				at = m.Place
			}
		}
		if at == 0 {
			return portal.Fail(portal.ErrNotFound, "message.not-found")
		}
	}
	return s.Rooms.MarkRead(ctx, who, room, at)
}

// sayInRoom is doSend for a room. A first time is answered by the message's own event, a repeat by its state.
func (l *Live) sayInRoom(ctx context.Context, c realtime.Client, room portal.Address, o op) ([]byte, error) {
	asked := l.Now()
	m, err := l.Rooms.Say(ctx, c.Person, room, portal.RoomSaying{ID: o.ID, Text: *o.Text, Replies: o.Replies, Files: o.Files})
	if err != nil {
		return nil, err
	}
	if !m.At.Before(asked) {
		return nil, nil // said just now
	}
	return l.event(c.Audience, portal.StateEvent{Conversation: room, ID: m.ID, State: portal.Sent}, 0), nil
}
