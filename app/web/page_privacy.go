package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/policy"
	"portico/app/portal"
	"portico/views"
)

// The page /privacy: who sees what of the person, who would like to, and how somebody sees them.

func (s *Server) privacyPages(g *echo.Group) {
	g = g.Group("", s.withPrivacy)
	g.GET("/privacy", s.privacyPage)
	g.POST("/privacy", s.savePrivacy)
	g.POST("/privacy/ties", s.tieByForm)
	g.POST("/privacy/decide", s.decideByForm)
}

// withPrivacy refuses what needs relationships where the portal has none.
func (s *Server) withPrivacy(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.Privacy == nil {
			return portal.Fail(portal.ErrUnavailable, "privacy.none")
		}
		return next(c)
	}
}

func (s *Server) privacyPage(c echo.Context) error {
	f, err := s.frame(c, views.Contacts, "privacy.title")
	if err != nil {
		return err
	}
	ctx, who := c.Request().Context(), s.person(c)
	decided, ties, err := s.Privacy.Settings(ctx, who)
	if err != nil {
		return err
	}
	admirers, err := s.Privacy.Admirers(ctx, who)
	if err != nil {
		return err
	}
	page := views.PrivacyPage{Frame: f, Privacy: decided, Saved: c.QueryParam("saved") == "1", Server: s.Privacy.OnServer(who),
		Sights: map[portal.Relationship]portal.Sight{}, Standards: map[portal.Relationship]portal.Sight{}}
	for _, r := range views.Shown() {
		page.Sights[r], page.Standards[r] = policy.SightOf(decided, r), policy.StandardSight(r)
	}
	for _, t := range ties {
		page.Ties = append(page.Ties, views.TiedPerson{Tie: t, Person: s.Directory.Lookup(ctx, t.With), Presence: s.Presence.Of(who, t.With)})
	}
	slices.SortStableFunc(page.Ties, func(a, b views.TiedPerson) int {
		return strings.Compare(strings.ToLower(a.Person.DisplayName), strings.ToLower(b.Person.DisplayName))
	})
	for _, a := range admirers {
		page.Admirers = append(page.Admirers, views.AdmiringPerson{Admirer: a, Person: s.Directory.Lookup(ctx, a.Who), Presence: s.Presence.Of(who, a.Who)})
	}
	slices.SortStableFunc(page.Admirers, func(a, b views.AdmiringPerson) int {
		return cmp.Or(newFirst(b.New)-newFirst(a.New), strings.Compare(strings.ToLower(a.Person.DisplayName), strings.ToLower(b.Person.DisplayName)))
	})
	if err := s.seenOnPage(c, &page); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.PrivacyView(page))
}

func newFirst(first bool) int {
	if first {
		return 1
	}
	return 0
}

// seenOnPage shows the person as somebody else sees them, where the request asks for it. A name leads to the one person
// that the address book finds by it.
func (s *Server) seenOnPage(c echo.Context, page *views.PrivacyPage) error {
	page.Query = clip(strings.TrimSpace(c.QueryParam("as")), maxQuery)
	if page.Query == "" {
		return nil
	}
	ctx := c.Request().Context()
	viewer, err := s.oneOf(ctx, page.Query)
	if err == nil {
		var seen views.SeenBy
		if seen, err = s.seenBy(ctx, s.person(c), viewer); err == nil {
			page.As = &seen
			return nil
		}
	}
	var said *portal.Error
	if errors.As(err, &said) {
		page.NotFound = page.Failure(err)
		return nil
	}
	return err
}

// oneOf is the person whom a text means: an address, or a name that one person alone has.
func (s *Server) oneOf(ctx context.Context, text string) (portal.Address, error) {
	a, err := portal.ParseAddress(text)
	if err == nil {
		return a, nil
	}
	found, serr := s.Directory.Search(ctx, text, 2)
	if serr != nil {
		return "", serr
	}
	if len(found) == 1 {
		return found[0].URI, nil
	}
	return "", err
}

// seenBy is how a viewer sees a person: what the portal would hand out to them, through the functions that do.
func (s *Server) seenBy(ctx context.Context, who, viewer portal.Address) (views.SeenBy, error) {
	out := views.SeenBy{Who: s.Directory.Lookup(ctx, viewer), Default: true}
	_, ties, err := s.Privacy.Settings(ctx, who)
	if err != nil {
		return out, err
	}
	out.Default = !slices.ContainsFunc(ties, func(t portal.Tie) bool { return t.With == viewer })
	if out.Relationship, err = s.Privacy.Relationship(ctx, who, viewer); err != nil {
		return out, err
	}
	out.Sight = s.sight(who, viewer)
	out.Card = views.Card{Person: s.shownTo(viewer, s.Directory.Lookup(ctx, who)), Shown: true}
	if s.Mine != nil {
		out.Card.Presence = s.Mine.As(who, out.Sight)
	} else {
		out.Card.Presence = policy.See(s.Presence.Own(who), out.Sight)
	}
	out.Card.Zone = s.zones.find(out.Card.Presence.TimeZone)
	return out, nil
}

// savePrivacy stores the table and the defaults. What the table says as the standard does is not kept, so that a later
// standard holds for it.
func (s *Server) savePrivacy(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	ctx, who := c.Request().Context(), s.person(c)
	decided, _, err := s.Privacy.Settings(ctx, who)
	if err != nil {
		return err
	}
	p := portal.Privacy{Rules: map[portal.Relationship]portal.Sight{}, ContactsOnly: c.FormValue("contacts_only") == "on"}
	if p.Colleagues, err = formRelationship(c, "colleagues"); err != nil {
		return err
	}
	if p.Others, err = formRelationship(c, "others"); err != nil {
		return err
	}
	if c.FormValue("do") != "standard" {
		for _, r := range views.Shown() {
			sight := policy.SightOf(decided, r)
			for _, item := range views.SightItems() {
				*item.Of(&sight) = c.FormValue(string(r)+"."+item.Key) == "on"
			}
			if sight != policy.StandardSight(r) {
				p.Rules[r] = sight
			}
		}
	}
	if err := s.Privacy.Save(ctx, who, p); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/privacy?saved=1")
}

func formRelationship(c echo.Context, field string) (portal.Relationship, error) {
	r := portal.Relationship(c.FormValue(field))
	if !r.Valid() {
		return "", portal.Fail(portal.ErrInvalid, "contact.relationship")
	}
	return r, nil
}

// tieByForm gives somebody a relationship, or takes it back.
func (s *Server) tieByForm(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	ctx, who := c.Request().Context(), s.person(c)
	with, err := s.oneOf(ctx, c.FormValue("uri"))
	if err != nil {
		return err
	}
	if c.FormValue("do") == "take-back" {
		err = s.Privacy.TakeBack(ctx, who, with)
	} else {
		err = s.give(ctx, who, with, portal.Relationship(c.FormValue("relationship")))
	}
	if err != nil {
		return err
	}
	return s.privacyDone(c, "ties")
}

// decideByForm is the person's word on somebody who added them.
func (s *Server) decideByForm(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	uri, err := portal.ParseAddress(c.FormValue("uri"))
	if err != nil {
		return err
	}
	r, accept := portal.Blocked, c.FormValue("do") == "accept"
	if accept {
		if r, err = formRelationship(c, "relationship"); err != nil {
			return err
		}
	}
	ctx, who := c.Request().Context(), s.person(c)
	if err := s.Privacy.Decide(ctx, who, uri, accept, r); err != nil {
		return err
	}
	if accept && c.FormValue("add") == "on" {
		entry := portal.Contact{URI: uri, DisplayName: s.Directory.Lookup(ctx, uri).DisplayName, Relationship: r}
		if err := s.Contacts.Amend(ctx, who, entry); err != nil {
			return err
		}
	}
	return s.privacyDone(c, "admirers")
}

// privacyDone leads back to the part of the page that the form was in.
func (s *Server) privacyDone(c echo.Context, part string) error {
	return c.Redirect(http.StatusSeeOther, "/privacy#"+part)
}
