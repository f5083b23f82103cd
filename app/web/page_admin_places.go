package web

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// The smaller pages of administration: origins of presence buttons, the address books, sign-ins.

// maxOrigin is the longest origin that a form takes, in bytes.
const maxOrigin = 300

// originsPage shows which pages of the intranet may show presence.
func (s *Server) originsPage(c echo.Context) error {
	v := views.OriginsPage{}
	if done := c.QueryParam("done"); done == "allow" || done == "refuse" {
		v.Done = s.reader(c).Text("origins.done-" + done)
	}
	return s.showOrigins(c, http.StatusOK, v)
}

func (s *Server) showOrigins(c echo.Context, status int, v views.OriginsPage) error {
	f, err := s.adminFrame(c, "origins.title")
	if err != nil {
		return err
	}
	f.Problem, f.Here = v.Problem, views.OriginsPath
	v.Frame = f
	base, _ := s.here(c.Request())
	v.Script, v.Example = base+embedPrefix+"presence.js", s.person(c)
	ctx := c.Request().Context()
	if v.Origins, err = s.Policies.Origins(ctx); err != nil {
		return err
	}
	v.Names = s.scopeNames(ctx, nil)
	for _, o := range v.Origins {
		s.called(ctx, v.Names, o.By)
	}
	return s.render(c, status, views.OriginsView(v))
}

// changeOrigins lets pages of an origin show presence, or no longer.
func (s *Server) changeOrigins(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	origin, do := strings.TrimSpace(clip(c.FormValue("origin"), maxOrigin)), c.FormValue("do")
	err := s.decideOrigin(c, do, origin)
	if err == nil {
		return c.Redirect(http.StatusSeeOther, views.WithQuery(views.OriginsPath, "done", do))
	}
	v := views.OriginsPage{Typed: origin}
	status, err := s.mendable(c, &v.Frame, &v.Notice, err)
	if err != nil {
		return err
	}
	return s.showOrigins(c, status, v)
}

// decideOrigin carries out what is said about an origin.
func (s *Server) decideOrigin(c echo.Context, do, origin string) error {
	ctx, me := c.Request().Context(), s.person(c)
	var err error
	switch do {
	case "allow":
		err = s.Policies.AllowOrigin(ctx, me, origin)
	case "refuse":
		err = s.Policies.RefuseOrigin(ctx, me, origin)
	default:
		return portal.Fail(portal.ErrInvalid, "policies.what")
	}
	s.auditAct(c, "origin of presence buttons: "+do, portal.Audited{Kind: portal.AuditOrigin, Subject: origin, Detail: do}, err, slog.String("origin", origin))
	return err
}

// bookPage shows how the address books are.
func (s *Server) bookPage(c echo.Context) error {
	v := views.BookPage{}
	if c.QueryParam("done") == "refresh" {
		v.Done = s.reader(c).Text("book.done")
	}
	return s.showBook(c, http.StatusOK, v)
}

func (s *Server) showBook(c echo.Context, status int, v views.BookPage) error {
	f, err := s.adminFrame(c, "book.title")
	if err != nil {
		return err
	}
	f.Problem, f.Here = v.Problem, views.BookPath
	v.Frame, v.Books = f, s.Books.States()
	return s.render(c, status, views.BookView(v))
}

// refreshBook reads every address book now. What fails stands with the book that it is about.
func (s *Server) refreshBook(c echo.Context) error {
	if err := s.readBooks(c); err != nil {
		v := views.BookPage{}
		v.Problem = s.reader(c).Text("book.not-all")
		c.Set(failedKey, err)
		return s.showBook(c, http.StatusOK, v)
	}
	return c.Redirect(http.StatusSeeOther, views.WithQuery(views.BookPath, "done", "refresh"))
}

// readBooks reads them, and logs who wanted it.
func (s *Server) readBooks(c echo.Context) error {
	err := s.Books.RefreshNow(c.Request().Context())
	s.auditAct(c, "address book refreshed", portal.Audited{Kind: portal.AuditBook}, err)
	return err
}

// pageOfIncidents is how many lines of a log of problems stand on a page.
const pageOfIncidents = 50

// signinsPage shows everybody's log of problems, or somebody's; whose was read is logged.
func (s *Server) signinsPage(c echo.Context) error {
	f, err := s.adminFrame(c, "signins.title")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	v := views.SigninsPage{Frame: f, Typed: strings.TrimSpace(clip(c.QueryParam("who"), maxQuery))}
	if c.QueryParam("done") == "ended" {
		v.Done = f.Text("signins.ended")
	}
	var who portal.Address
	if v.Typed != "" {
		if who, err = s.theOne(ctx, v.Typed); err != nil {
			status, err := s.mendable(c, &v.Frame, &v.Notice, err)
			if err != nil {
				return err
			}
			return s.render(c, status, views.SigninsView(v))
		}
		v.Who = s.Directory.Lookup(ctx, who)
		v.Who.URI = who
	}
	before, err := wholeNumber(c.QueryParam("before"), 0)
	if err != nil {
		return err
	}
	if err := s.lookedInto(c, who); err != nil {
		return err
	}
	if v.Log, err = s.incidentLog(c, who, before, func(older string) string {
		return views.WithQuery(views.SigninsPath, "who", who.Bare(), "before", older)
	}); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.SigninsView(v))
}

// endSessionsByForm signs somebody out everywhere, for administrators.
func (s *Server) endSessionsByForm(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	who, err := portal.ParseAddress(c.FormValue("uri"))
	if err != nil {
		return err
	}
	if err := s.endSessionsOf(c, who); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, views.WithQuery(views.SigninsPath, "who", who.Bare(), "done", "ended"))
}

// endSessionsOf ends every session of somebody, and notes who wanted it.
func (s *Server) endSessionsOf(c echo.Context, who portal.Address) error {
	err := s.Account.EndAll(c.Request().Context(), who)
	s.auditAct(c, "signed out by an administrator", portal.Audited{Kind: portal.AuditSessionEnded, About: who, Detail: "by an administrator"}, err, slog.String("about", string(who)))
	return err
}

// lookedInto logs that an administrator reads somebody's log of problems, or with "" everybody's.
func (s *Server) lookedInto(c echo.Context, who portal.Address) error {
	s.auditAct(c, "log of problems read", portal.Audited{Kind: portal.AuditIncidentsRead, About: who}, nil, slog.String("about", string(who)))
	return nil
}
