package web

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// frontPage leads to who is there.
func (s *Server) frontPage(c echo.Context) error { return c.Redirect(http.StatusSeeOther, "/contacts") }

// frame gathers what every page has around it. The head of the event log is read first: what happens while
// the page's data are read then comes to the browser as an event, and once too often rather than not at all.
func (s *Server) frame(c echo.Context, section views.Section, title string) (views.Frame, error) {
	ctx := c.Request().Context()
	who := s.person(c)
	head, err := s.Events.EventHead(ctx)
	if err != nil {
		return views.Frame{}, err
	}
	moment := s.Presence.Moment()
	me, err := s.me(c)
	if err != nil {
		return views.Frame{}, err
	}
	settings, err := s.Account.Settings(ctx, who)
	if err != nil {
		return views.Frame{}, err
	}
	counts, err := s.Chat.Counts(ctx, who)
	if err != nil {
		return views.Frame{}, err
	}
	r := s.reader(c)
	f := views.Frame{
		Reader: r, Title: r.Text(title), Section: section, Me: s.Directory.Lookup(ctx, who),
		Own: s.Presence.Own(who), Admin: slices.Contains(me.Roles, portal.RoleAdmin),
		Unread: counts.Unread, Counts: counts, Line: s.Account.LineState(who), Settings: settings, Head: head, Here: c.Request().URL.EscapedPath(),
		Reminders: s.dueReminders(ctx, who),
	}
	f.Seen = s.seen(ctx, s.audience(c), moment, f.Line, f.Own)
	if s.Rooms != nil {
		f.IsRoom = s.Rooms.IsRoom
	}
	session := s.thin(c)
	f.ThinFrom, f.MayOfferThin = session.From, session.From == portal.ThinDefault && cookieValue(c.Request(), thinCookie) != thinNotNow
	f.OffersThin = f.MayOfferThin && session.Offer
	f.Mine, f.HasPrivacy = s.mine(who), s.Privacy != nil
	if s.Privacy != nil {
		if f.Watching, err = s.Privacy.NewOnes(ctx, who); err != nil {
			return views.Frame{}, err
		}
	}
	if me.DisplayName != "" {
		f.Me.DisplayName = me.DisplayName
	}
	return f, nil
}

// done answers a form that did its work: with nothing to the page's script, which hears of the change as an
// event, and else by leading back to the page the form was on.
func (s *Server) done(c echo.Context, otherwise string) error {
	if partial(c) {
		return c.NoContent(http.StatusNoContent)
	}
	here := c.FormValue("here")
	if here == "" {
		here = otherwise
	}
	return c.Redirect(http.StatusSeeOther, relativeTarget(here))
}

// form reads the request's form.
func form(c echo.Context) error {
	if err := c.Request().ParseForm(); err != nil {
		return formError(err)
	}
	return nil
}
