package web

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// Calls: what was missed, and the voice mail.

// callsLimit is how many entries a page of the list has.
const callsLimit = 50

// callPages registers the pages of calls.
func (s *Server) callPages(g *echo.Group) {
	g = g.Group("", s.withCalls)
	g.GET("/calls", s.callsPage)
	g.POST("/calls/seen", s.seeCalls)
	g.POST("/calls/:id/delete", s.deleteCall)
	g.POST("/calls/voicemail/:id/heard", s.hearVoicemail)
	g.POST("/calls/voicemail/:id/delete", s.deleteVoicemail)
}

// withCalls refuses what needs the list of calls where the portal keeps none.
func (s *Server) withCalls(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.Calls == nil {
			return portal.Fail(portal.ErrUnavailable, "calls.none")
		}
		return next(c)
	}
}

// callsPage shows both. A mailbox that is away costs the voice mail alone.
func (s *Server) callsPage(c echo.Context) error {
	f, err := s.frame(c, views.Calls, "nav.calls")
	if err != nil {
		return err
	}
	f.Here = relativeTarget(c.Request().URL.RequestURI())
	ctx, who, cursor := c.Request().Context(), s.person(c), c.QueryParam("cursor")
	list, next, err := s.Calls.List(ctx, who, cursor, callsLimit)
	if err != nil {
		return err
	}
	v := views.CallsPage{Frame: f, Next: next, Later: cursor != ""}
	for _, call := range list {
		v.Calls = append(v.Calls, views.CallItem{Call: call, Who: s.Directory.Lookup(ctx, call.From), Presence: s.Presence.Of(who, call.From)})
	}
	if v.Unseen, _, err = s.Calls.Counts(ctx, who); err != nil {
		return err
	}
	if err := s.fillVoicemail(ctx, who, &v); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.CallsView(v))
}

// fillVoicemail reads the voice mail into the page, or why it cannot be read.
func (s *Server) fillVoicemail(ctx context.Context, who portal.Address, v *views.CallsPage) error {
	messages, waiting, err := s.Calls.Voicemails(ctx, who)
	v.Waiting = waiting
	switch {
	case errors.Is(err, portal.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		v.Away = v.Text("voicemail.away")
		return nil
	case portal.Meaning(err) != nil: // no mailbox, or none that we may read
		v.Away = v.Failure(err)
		return nil
	case err != nil:
		return err
	}
	for _, m := range messages {
		v.Voicemail = append(v.Voicemail, views.VoicemailItem{Voicemail: m, Who: s.caller(ctx, m)})
	}
	return nil
}

// caller is who left a voice message, as far as the address book knows.
func (s *Server) caller(ctx context.Context, m portal.Voicemail) portal.Person {
	if m.From == "" {
		return portal.Person{}
	}
	return s.Directory.Lookup(ctx, m.From)
}

// seeCalls marks what the form names as seen, all of it where it names nothing.
func (s *Server) seeCalls(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	var ids []string
	if id := c.FormValue("id"); id != "" {
		ids = []string{id}
	}
	if err := s.Calls.See(c.Request().Context(), s.person(c), ids); err != nil {
		return err
	}
	return s.done(c, "/calls")
}

// onEntry does something to what a path names and answers as forms are answered.
func (s *Server) onEntry(c echo.Context, do func(ctx context.Context, who portal.Address, id string) error) error {
	if err := form(c); err != nil {
		return err
	}
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	if err := do(c.Request().Context(), s.person(c), id); err != nil {
		return err
	}
	return s.done(c, "/calls")
}

func (s *Server) deleteCall(c echo.Context) error { return s.onEntry(c, s.Calls.Delete) }

func (s *Server) deleteVoicemail(c echo.Context) error { return s.onEntry(c, s.Calls.DeleteVoicemail) }

// hearVoicemail marks a voice message as heard, or as not heard.
func (s *Server) hearVoicemail(c echo.Context) error {
	return s.onEntry(c, func(ctx context.Context, who portal.Address, id string) error {
		return s.Calls.Heard(ctx, who, id, c.FormValue("heard") != "false")
	})
}

// recording answers with the audio of a voice message, whole or the stretch that a player asks for. It is for this reader alone.
func (s *Server) recording(c echo.Context) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	m, audio, err := s.Calls.Recording(c.Request().Context(), s.person(c), id)
	if err != nil {
		return err
	}
	kind, err := audioType(m.Type, audio)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	name := fileName(s.reader(c).Text("voicemail.file") + "-" + m.At.UTC().Format("2006-01-02-1504") + audioEnding(kind))
	h.Set("Content-Disposition", mime.FormatMediaType("inline", map[string]string{"filename": name}))
	h.Set("Content-Type", kind)
	h.Set("Content-Security-Policy", "default-src 'none'; media-src 'self'; sandbox")
	// The player asks for stretches of it again and again: this browser may keep it, but asks each time whether its reader
	// is still signed in; nobody on the way may keep it.
	h.Set("Cache-Control", "private, no-cache")
	http.ServeContent(c.Response(), c.Request(), name, m.At, audio)
	return nil
}

// audioType is what a recording is by its own bytes; what the mailbox says counts where those do not tell, and only if it is audio.
func audioType(said string, audio io.ReadSeeker) (string, error) {
	head := make([]byte, 512)
	n, err := io.ReadFull(audio, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", err
	}
	if _, err := audio.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	found := http.DetectContentType(head[:n])
	switch {
	case found == "audio/wave":
		return "audio/wav", nil
	case strings.HasPrefix(found, "audio/"):
		return found, nil
	case found == "application/ogg":
		return "audio/ogg", nil
	}
	if kind, _, err := mime.ParseMediaType(said); err == nil && strings.HasPrefix(kind, "audio/") && found == bytesType {
		return kind, nil
	}
	return bytesType, nil
}

// audioEnding is the ending of a recording's file.
func audioEnding(kind string) string {
	switch kind {
	case "audio/wav":
		return ".wav"
	case "audio/mpeg":
		return ".mp3"
	case "audio/ogg":
		return ".ogg"
	case "audio/x-ms-wma":
		return ".wma"
	}
	return ".bin"
}
