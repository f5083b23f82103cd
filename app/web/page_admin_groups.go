package web

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

const (
	// maxGroupName and maxDepartment are in bytes.
	maxGroupName, maxDepartment = 200, 300
	// usualRank is that of a group of which none is said.
	usualRank = 100
)

// policyGroupsPage lists the groups.
func (s *Server) policyGroupsPage(c echo.Context) error {
	v := views.PolicyGroupsPage{}
	if c.QueryParam("done") == "drop" {
		v.Done = s.reader(c).Text("policies.done-group-drop")
	}
	return s.showPolicyGroups(c, http.StatusOK, v)
}

func (s *Server) showPolicyGroups(c echo.Context, status int, v views.PolicyGroupsPage) error {
	f, err := s.adminFrame(c, "policies.groups")
	if err != nil {
		return err
	}
	f.Problem, f.Here = v.Problem, views.PoliciesPath+"/groups"
	v.Frame = f
	ctx := c.Request().Context()
	if v.Groups, err = s.Policies.Groups(ctx); err != nil {
		return err
	}
	v.Names = s.scopeNames(ctx, v.Groups)
	return s.render(c, status, views.PolicyGroupsView(v))
}

// makePolicyGroup makes a group and leads to it.
func (s *Server) makePolicyGroup(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	name := strings.TrimSpace(clip(c.FormValue("name"), maxGroupName))
	rank, err := rankOf(c.FormValue("rank"))
	var made portal.PolicyGroup
	if err == nil {
		made, err = s.keepGroup(c, portal.PolicyGroup{Name: name, Rank: rank})
	}
	if err != nil {
		v := views.PolicyGroupsPage{NewName: name, NewRank: clip(c.FormValue("rank"), 10)}
		status, err := s.mendable(c, &v.Frame, &v.Notice, err)
		if err != nil {
			return err
		}
		return s.showPolicyGroups(c, status, v)
	}
	return c.Redirect(http.StatusSeeOther, views.GroupPath(made.ID))
}

// rankOf reads a group's rank.
func rankOf(text string) (int, error) {
	if text = strings.TrimSpace(text); text == "" {
		return usualRank, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, portal.Fail(portal.ErrInvalid, "policies.rank").Because(err)
	}
	return n, nil
}

// keepGroup stores a group, and logs it.
func (s *Server) keepGroup(c echo.Context, g portal.PolicyGroup) (portal.PolicyGroup, error) {
	kept, err := s.Policies.PutGroup(c.Request().Context(), s.person(c), g)
	s.auditAct(c, "policy group saved", portal.Audited{Kind: portal.AuditPolicyGroup, Subject: g.Name, Detail: strconv.Itoa(len(g.Members)) + " members"}, err, slog.String("group", g.Name), slog.Int("members", len(g.Members)))
	return kept, err
}

// policyGroup finds the group that a path names.
func (s *Server) policyGroup(c echo.Context) (portal.PolicyGroup, error) {
	id, err := pathText(c, "id")
	if err != nil {
		return portal.PolicyGroup{}, err
	}
	groups, err := s.Policies.Groups(c.Request().Context())
	if err != nil {
		return portal.PolicyGroup{}, err
	}
	i := slices.IndexFunc(groups, func(g portal.PolicyGroup) bool { return g.ID == id })
	if i < 0 {
		return portal.PolicyGroup{}, portal.Fail(portal.ErrNotFound, "policy.no-group")
	}
	return groups[i], nil
}

// policyGroupPage shows one group.
func (s *Server) policyGroupPage(c echo.Context) error {
	v := views.PolicyGroupPage{Query: strings.TrimSpace(clip(c.QueryParam("q"), maxQuery))}
	switch c.QueryParam("done") {
	case "saved":
		v.Done = s.reader(c).Text("policies.done-group")
	case "add", "department":
		v.Done = s.reader(c).Text("policies.done-add")
	}
	return s.showPolicyGroup(c, http.StatusOK, v)
}

func (s *Server) showPolicyGroup(c echo.Context, status int, v views.PolicyGroupPage) error {
	g, err := s.policyGroup(c)
	if err != nil {
		return err
	}
	f, err := s.adminFrame(c, "policies.groups")
	if err != nil {
		return err
	}
	f.Title, f.Problem, f.Here = g.Name, v.Problem, views.GroupPath(g.ID)
	v.Frame, v.Group = f, g
	ctx := c.Request().Context()
	v.Names = s.scopeNames(ctx, []portal.PolicyGroup{g})
	rules, err := s.Policies.Rules(ctx)
	if err != nil {
		return err
	}
	for _, r := range rules {
		if r.Scope == (portal.PolicyScope{Kind: portal.ScopeGroup, Who: g.ID}) {
			v.Rules = append(v.Rules, r)
		}
	}
	if v.Query != "" {
		found, err := s.Directory.Search(ctx, v.Query, maxFound)
		if err != nil {
			return err
		}
		v.Found = slices.DeleteFunc(slices.Clone(found), func(p portal.Person) bool { return slices.Contains(g.Members, p.URI) })
	}
	if v.Departments, err = s.departments(ctx, v.Query, g.Departments); err != nil {
		return err
	}
	return s.render(c, status, views.PolicyGroupView(v))
}

// maxDepartments is how many departments are offered.
const maxDepartments = 200

// departments are those of people whom the address book finds for a text, without some.
func (s *Server) departments(ctx context.Context, q string, without []string) ([]string, error) {
	found, err := s.Directory.Search(ctx, q, maxDepartments)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, p := range found {
		if p.Department != "" && !slices.Contains(without, p.Department) {
			seen[p.Department] = true
		}
	}
	return slices.Sorted(maps.Keys(seen)), nil
}

// changePolicyGroup changes who is in a group, what it is called, or drops it.
func (s *Server) changePolicyGroup(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	s.groupEdits.Lock() // what is added at the same time elsewhere is not lost
	defer s.groupEdits.Unlock()
	g, err := s.policyGroup(c)
	if err != nil {
		return err
	}
	do := c.FormValue("do")
	if do == "drop" {
		if err := s.dropGroup(c, g); err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, views.WithQuery(views.PoliciesPath+"/groups", "done", "drop"))
	}
	if err = amendGroup(c, do, &g); err == nil {
		_, err = s.keepGroup(c, g)
	}
	if err != nil {
		v := views.PolicyGroupPage{}
		status, err := s.mendable(c, &v.Frame, &v.Notice, err)
		if err != nil {
			return err
		}
		return s.showPolicyGroup(c, status, v)
	}
	if do == "save" {
		do = "saved"
	}
	return c.Redirect(http.StatusSeeOther, views.WithQuery(views.GroupPath(g.ID), "done", do))
}

// amendGroup does to a group what a form says.
func amendGroup(c echo.Context, do string, g *portal.PolicyGroup) error {
	g.Members, g.Departments = slices.Clone(g.Members), slices.Clone(g.Departments)
	department := strings.TrimSpace(clip(c.FormValue("department"), maxDepartment))
	switch do {
	case "save":
		rank, err := rankOf(c.FormValue("rank"))
		if err != nil {
			return err
		}
		g.Name, g.Rank = strings.TrimSpace(clip(c.FormValue("name"), maxGroupName)), rank
	case "add", "remove":
		for _, text := range c.Request().Form["member"] {
			who, err := portal.ParseAddress(text)
			if err != nil {
				return err
			}
			g.Members = slices.DeleteFunc(g.Members, func(m portal.Address) bool { return m == who })
			if do == "add" {
				g.Members = append(g.Members, who)
			}
		}
	case "department", "leave-out":
		g.Departments = slices.DeleteFunc(g.Departments, func(d string) bool { return d == department })
		if do == "department" && department != "" {
			g.Departments = append(g.Departments, department)
		}
	default:
		return portal.Fail(portal.ErrInvalid, "policies.what")
	}
	return nil
}

// dropGroup forgets a group with what is set for it, and logs it.
func (s *Server) dropGroup(c echo.Context, g portal.PolicyGroup) error {
	err := s.Policies.DropGroup(c.Request().Context(), s.person(c), g.ID)
	s.auditAct(c, "policy group dropped", portal.Audited{Kind: portal.AuditPolicyGroup, Subject: g.Name, Detail: "dropped"}, err, slog.String("group", g.Name))
	return err
}
