package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/policy"
	"portico/app/portal"
	"portico/views"
)

// The pages of administration beside the control panel: each is for administrators alone, and everything they do is in
// the record and in the log.

// adminPages registers them. /admin itself stands with the control panel's.
func (s *Server) adminPages(g *echo.Group) {
	g = g.Group("", s.adminsOnly)
	g.GET("/admin/people", s.adminPeople)

	decided := g.Group("", s.withPolicies)
	decided.GET("/admin/policies", s.policiesPage)
	decided.GET("/admin/policies/groups", s.policyGroupsPage)
	decided.POST("/admin/policies/groups", s.makePolicyGroup)
	decided.GET("/admin/policies/groups/:id", s.policyGroupPage)
	decided.POST("/admin/policies/groups/:id", s.changePolicyGroup)
	decided.GET("/admin/policies/person", s.policyPersonPage)
	decided.GET("/admin/policies/changes", s.policyRecordPage)
	decided.GET("/admin/policies/file", s.policyFilePage)
	decided.GET("/admin/policies/file.json", s.exportPolicies)
	decided.POST("/admin/policies/file", s.importPolicies)
	decided.GET("/admin/policies/:name", s.policyPage)
	decided.POST("/admin/policies/:name", s.changePolicy)

	decided.GET("/admin/custom-states", s.statesPage)
	decided.POST("/admin/custom-states", s.changeStates)
	decided.GET("/admin/origins", s.originsPage)
	decided.POST("/admin/origins", s.changeOrigins)

	g.GET("/admin/book", s.bookPage, s.withBooks)
	g.POST("/admin/book", s.refreshBook, s.withBooks)
	g.GET("/admin/signins", s.signinsPage, s.withDiagnosis)
	g.POST("/admin/signins", s.endSessionsByForm, s.withDiagnosis)
	s.auditPages(g)
}

// withPolicies refuses what needs policies where the portal has none.
func (s *Server) withPolicies(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.Policies == nil {
			return portal.Fail(portal.ErrUnavailable, "policies.none")
		}
		return next(c)
	}
}

// withBooks refuses what needs to know how the address book is where nobody tells.
func (s *Server) withBooks(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.Books == nil {
			return portal.Fail(portal.ErrUnavailable, "book.none")
		}
		return next(c)
	}
}

// withDiagnosis refuses what needs logs of problems where nobody keeps them.
func (s *Server) withDiagnosis(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.Diagnosis == nil {
			return portal.Fail(portal.ErrUnavailable, "diagnosis.none")
		}
		return next(c)
	}
}

// adminPage leads to what administrators control.
func (s *Server) adminPage(c echo.Context) error {
	f, err := s.adminFrame(c, "nav.admin")
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.AdminView(views.AdminPage{
		Frame: f, Sync: s.Sync != nil, History: s.History != nil, Policies: s.Policies != nil, Book: s.Books != nil, Log: s.Diagnosis != nil, Audit: s.Audit != nil,
	}))
}

// maxFound is how many people a search of administration shows.
const maxFound = 20

// adminPeople offers people for what is typed, for the script of a page; "for" names the field.
func (s *Server) adminPeople(c echo.Context) error {
	q := strings.TrimSpace(clip(c.QueryParam(c.QueryParam("for")), maxQuery))
	var found []portal.Person
	if q != "" {
		var err error
		if found, err = s.Directory.Search(c.Request().Context(), q, maxFound); err != nil {
			return err
		}
	}
	return s.render(c, http.StatusOK, views.AdminPeople(found))
}

// whoIs finds whom a text means: an address, or the one person of the address book that is found for it. Where there are
// several, they are found, and nobody is meant yet.
func (s *Server) whoIs(ctx context.Context, text string) (who portal.Address, found []portal.Person, err error) {
	text = strings.TrimSpace(clip(text, maxQuery))
	if text == "" {
		return "", nil, nil
	}
	if a, err := portal.ParseAddress(text); err == nil {
		return a, nil, nil
	}
	found, err = s.Directory.Search(ctx, text, maxFound)
	if err != nil {
		return "", nil, err
	}
	if len(found) == 1 {
		return found[0].URI, nil, nil
	}
	return "", found, nil
}

// theOne is whoIs where a form needs somebody.
func (s *Server) theOne(ctx context.Context, text string) (portal.Address, error) {
	who, found, err := s.whoIs(ctx, text)
	switch {
	case err != nil:
		return "", err
	case who != "":
		return who, nil
	case len(found) > 1:
		return "", portal.Fail(portal.ErrInvalid, "policies.several").With("text", clip(text, 60))
	}
	return "", portal.Fail(portal.ErrInvalid, "policies.nobody").With("text", clip(text, 60))
}

// scopeNames names what scopes and people mean.
func (s *Server) scopeNames(ctx context.Context, groups []portal.PolicyGroup) views.ScopeNames {
	n := views.ScopeNames{Groups: map[string]string{}, People: map[string]portal.Person{}}
	for _, g := range groups {
		n.Groups[g.ID] = g.Name
		for _, m := range g.Members {
			s.called(ctx, n, m)
		}
	}
	return n
}

// called looks up how somebody is called.
func (s *Server) called(ctx context.Context, n views.ScopeNames, who portal.Address) {
	if who == "" {
		return
	}
	if _, known := n.People[string(who)]; !known {
		n.People[string(who)] = s.Directory.Lookup(ctx, who)
	}
}

// calledIn looks up everybody that rules name.
func (s *Server) calledIn(ctx context.Context, n views.ScopeNames, rules []portal.PolicyRule) {
	for _, r := range rules {
		s.called(ctx, n, r.By)
		if r.Scope.Kind == portal.ScopePerson {
			s.called(ctx, n, portal.Address(r.Scope.Who))
		}
	}
}

// calledAbout looks up everybody that changes name.
func (s *Server) calledAbout(ctx context.Context, n views.ScopeNames, changes []portal.PolicyChange) {
	for _, c := range changes {
		s.called(ctx, n, c.By)
		if c.Scope.Kind == portal.ScopePerson {
			s.called(ctx, n, portal.Address(c.Scope.Who))
		}
	}
}

// mendable puts what is wrong into a page that is not made yet: faulty in the reader's language.
func (s *Server) mendable(c echo.Context, f *views.Frame, n *views.Notice, err error) (int, error) {
	f.Reader = s.reader(c)
	return s.faulty(c, f, n, faultsIn(err))
}

// faultsIn turns an error that names several things at once, as that of a file of custom states, into one whose things
// are told one by one.
func faultsIn(err error) error {
	if err == nil {
		return nil
	}
	var many *portal.FaultsError
	if errors.As(err, &many) {
		return err
	}
	all := policy.Faults(err)
	if len(all) < 2 {
		return err
	}
	out := &portal.FaultsError{}
	for _, f := range all {
		out.Faults = append(out.Faults, portal.SyncFault{Where: lineOf(f), Reason: f.Key, Args: f.Args})
	}
	return out
}

// lineOf names the line that a fault is about, for programs; people read it in the sentence.
func lineOf(f *portal.Error) string {
	if line := f.Args["line"]; line != "" {
		return "line " + line
	}
	return ""
}
