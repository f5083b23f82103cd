package web

// Going on in another session: drafts of conversations and rooms, and the page that was open last.

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// Resume keeps what people go on with in another session.
type Resume interface {
	// Drafts are the texts that owner has begun, newest first.
	Drafts(ctx context.Context, owner portal.Address) ([]portal.Draft, error)
	// Draft is one of them: without text where it was sent or deleted, without a time where there never was one.
	Draft(ctx context.Context, owner, conversation portal.Address) (portal.Draft, error)
	// SaveDraft keeps d unless a newer one is kept, and gives the one that is.
	SaveDraft(ctx context.Context, owner portal.Address, d portal.Draft) (portal.Draft, error)
	// Went notes that who opened a page, Gone that it is no longer there. Place is the one opened last.
	Went(who portal.Address, path string)
	Gone(ctx context.Context, who portal.Address, path string) error
	Place(ctx context.Context, who portal.Address) (portal.LastPlace, error)
}

// rereadHeader comes with a page that a page's script reads again: nobody has gone there.
const rereadHeader = "Portico-Reread"

func (s *Server) resumeCalls() []call {
	return []call{
		{http.MethodGet, "/me/drafts", resumers, s.apiDrafts, aboutDrafts},
		{http.MethodGet, "/me/place", resumers, s.apiPlace, aboutPlace},
		{http.MethodGet, "/conversations/:peer/draft", resumers, s.apiDraft, aboutDraft},
		{http.MethodPut, "/conversations/:peer/draft", resumers, s.apiSaveDraft, aboutSaveDraft},
	}
}

// withResume answers with 503 where nothing is kept.
func (s *Server) withResume(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.Resume == nil {
			return portal.Fail(portal.ErrUnavailable, "resume.none")
		}
		return next(c)
	}
}

// draftJSON is a draft whose time is left out where there never was one.
type draftJSON struct {
	portal.Draft
	At *time.Time `json:"at,omitempty"`
}

func newDraftJSON(d portal.Draft) draftJSON {
	out := draftJSON{Draft: d}
	if !d.At.IsZero() {
		out.At = &d.At
	}
	return out
}

var aboutDrafts = operation{
	summary: "What the person has begun to write, in conversations and rooms, the newest first",
	answers: []answer{{status: 200, schema: "Draft", list: true}},
	errors:  []int{503},
}

func (s *Server) apiDrafts(c echo.Context) error {
	all, err := s.Resume.Drafts(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	out := make([]draftJSON, len(all))
	for i, d := range all {
		out[i] = newDraftJSON(d)
	}
	return s.json(c, http.StatusOK, out)
}

var aboutDraft = operation{
	summary: "What the person has begun to write in a conversation or a room", params: []param{uriParam("peer")},
	answers: []answer{{status: 200, schema: "Draft", about: "without text where it was sent or deleted, without a time where there never was one"}},
	errors:  []int{400, 503},
}

func (s *Server) apiDraft(c echo.Context) error {
	with, err := pathAddress(c, "peer")
	if err != nil {
		return err
	}
	d, err := s.Resume.Draft(c.Request().Context(), s.person(c), with)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, newDraftJSON(d))
}

type draftBody struct {
	Text *string    `json:"text"`
	At   *time.Time `json:"at"`
}

var aboutSaveDraft = operation{
	summary: "Keep what the person has begun to write, unless something newer is kept; an empty text says that it was sent or deleted",
	params:  []param{uriParam("peer")}, body: "DraftChange",
	answers: []answer{{status: 200, schema: "Draft", about: "what is kept now"}},
	errors:  []int{400, 413, 415, 503},
}

func (s *Server) apiSaveDraft(c echo.Context) error {
	with, err := pathAddress(c, "peer")
	if err != nil {
		return err
	}
	var in draftBody
	if err := body(c, &in); err != nil {
		return err
	}
	if in.Text == nil {
		return portal.Fail(portal.ErrInvalid, "json.type").With("field", "text")
	}
	d := portal.Draft{Conversation: with, Text: *in.Text}
	if in.At != nil {
		d.At = *in.At
	}
	kept, err := s.Resume.SaveDraft(c.Request().Context(), s.person(c), d)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, newDraftJSON(kept))
}

// placeJSON is where somebody was last; the zero value: that is not known.
type placeJSON struct {
	Path string     `json:"path"`
	At   *time.Time `json:"at,omitempty"`
}

var aboutPlace = operation{
	summary: "The page that the person had open last, where a sign-in leads",
	answers: []answer{{status: 200, schema: "LastPlace", about: "with an empty path where that is not known"}},
	errors:  []int{503},
}

func (s *Server) apiPlace(c echo.Context) error {
	p, err := s.Resume.Place(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	out := placeJSON{Path: p.Path}
	if !p.At.IsZero() {
		out.At = &p.At
	}
	return s.json(c, http.StatusOK, out)
}

// begun puts into a page what its reader had begun to write there. What was refused just now goes before it; a page without
// it is better than none.
func (s *Server) begun(c echo.Context, f *views.Frame, with portal.Address, text *string) {
	if s.Resume == nil || *text != "" || f.Problem != "" {
		return
	}
	d, err := s.Resume.Draft(c.Request().Context(), s.person(c), with)
	if err != nil {
		s.Logger.Warn("a draft could not be read", slog.Any("error", err))
		return
	}
	*text, f.DraftAt = d.Text, d.At
}

// sent ends the draft of what was said by a form; one that cannot be ended is no reason to say it twice.
func (s *Server) sent(c echo.Context, with portal.Address) {
	if s.Resume == nil {
		return
	}
	if _, err := s.Resume.SaveDraft(c.Request().Context(), s.person(c), portal.Draft{Conversation: with}); err != nil {
		s.Logger.Warn("a draft could not be ended", slog.Any("error", err))
	}
}

// placed notes which page a person opened in a browser. One that is not there is no place to lead anybody to.
func (s *Server) placed(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		r := c.Request()
		if s.Resume == nil || r.Method != http.MethodGet || !visited(c) {
			return err
		}
		known, failed := s.session(c)
		if failed != nil || known.person == "" || known.bearer || known.silent {
			return err
		}
		path := r.URL.RequestURI()
		answer := c.Response()
		switch {
		case err != nil:
			if f := classify(err); f.status == http.StatusNotFound || f.status == http.StatusForbidden {
				if gone := s.Resume.Gone(r.Context(), known.person, path); gone != nil {
					s.Logger.Warn("a place could not be forgotten", slog.Any("error", gone))
				}
			}
		case answer.Status == http.StatusOK && strings.HasPrefix(answer.Header().Get(echo.HeaderContentType), echo.MIMETextHTML) &&
			answer.Header().Get(echo.HeaderContentDisposition) == "" && relativeTarget(path) == path:
			s.Resume.Went(known.person, path)
		}
		return err
	}
}

// visited reports whether a request is of somebody who goes to a page, and not of a script or of a browser that reads ahead.
func visited(c echo.Context) bool {
	h := c.Request().Header
	dest := h.Get("Sec-Fetch-Dest")
	return !partial(c) && h.Get(rereadHeader) == "" && (dest == "" || dest == "document") && h.Get("Sec-Purpose") == "" && h.Get("Purpose") == ""
}

// landing is where a sign-in leads: where it was asked to, else where the person was last.
func (s *Server) landing(c echo.Context, who portal.Address, next string) string {
	if next != "/" || s.Resume == nil {
		return next
	}
	p, err := s.Resume.Place(c.Request().Context(), who)
	if err != nil {
		s.Logger.Warn("where somebody was last could not be read", slog.Any("error", err))
		return next
	}
	return relativeTarget(p.Path)
}
