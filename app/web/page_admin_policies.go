package web

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/policy"
	"portico/app/portal"
	"portico/views"
)

// maxPolicyValue is the longest value of a policy that a form takes, in bytes.
const maxPolicyValue = 2000

// decisions is all that is decided: rules, groups, and what holds for those of whom no rule speaks.
type decisions struct {
	rules    []portal.PolicyRule
	groups   []portal.PolicyGroup
	everyone []portal.Decision
}

func (s *Server) decisions(ctx context.Context) (decisions, error) {
	var d decisions
	var err error
	if d.rules, err = s.Policies.Rules(ctx); err != nil {
		return d, err
	}
	if d.groups, err = s.Policies.Groups(ctx); err != nil {
		return d, err
	}
	d.everyone, err = s.Policies.Effective(ctx, "")
	return d, err
}

// policy is what there is to know of one of them.
func (d decisions) policy(def policy.Definition) views.Policy {
	p := views.Policy{
		Name: def.Name, Kind: def.Kind, Doc: def.Doc, Values: def.Values, Scopes: def.Scopes,
		Everyone: portal.Decision{Name: def.Name, Value: def.Default, From: portal.PolicyScope{Kind: portal.ScopeDefault}},
	}
	if i := slices.IndexFunc(d.everyone, func(e portal.Decision) bool { return e.Name == def.Name }); i >= 0 {
		p.Everyone = d.everyone[i]
	}
	for _, r := range d.rules {
		if r.Name == def.Name {
			p.Rules = append(p.Rules, r)
		}
	}
	return p
}

// policiesPage shows every policy with what holds for whom.
func (s *Server) policiesPage(c echo.Context) error {
	f, err := s.adminFrame(c, "policies.title")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	d, err := s.decisions(ctx)
	if err != nil {
		return err
	}
	v := views.PoliciesPage{Frame: f, Names: s.scopeNames(ctx, d.groups)}
	s.calledIn(ctx, v.Names, d.rules)
	for _, def := range policy.Definitions() {
		v.Policies = append(v.Policies, d.policy(def))
	}
	return s.render(c, http.StatusOK, views.PoliciesView(v))
}

// policyOf finds the policy that a path names.
func policyOf(c echo.Context) (policy.Definition, error) {
	name, err := pathText(c, "name")
	if err != nil {
		return policy.Definition{}, err
	}
	def, ok := policy.Defined(name)
	if !ok {
		return def, portal.Fail(portal.ErrNotFound, "not-found")
	}
	return def, nil
}

// policyPage shows one policy with its rules.
func (s *Server) policyPage(c echo.Context) error {
	v := views.PolicyPage{}
	if who := clip(c.QueryParam("who"), maxQuery); who != "" {
		v.Typed.Scope = portal.PolicyScope{Kind: portal.ScopePerson, Who: who}
	}
	switch c.QueryParam("done") {
	case "set":
		v.Done = s.reader(c).Text("policies.done-set")
	case "drop":
		v.Done = s.reader(c).Text("policies.done-drop")
	}
	return s.showPolicy(c, http.StatusOK, v)
}

func (s *Server) showPolicy(c echo.Context, status int, v views.PolicyPage) error {
	def, err := policyOf(c)
	if err != nil {
		return err
	}
	f, err := s.adminFrame(c, "policies.title")
	if err != nil {
		return err
	}
	f.Title, f.Problem, f.Here = def.Name, v.Problem, views.PoliciesPath+"/"+def.Name
	v.Frame = f
	ctx := c.Request().Context()
	d, err := s.decisions(ctx)
	if err != nil {
		return err
	}
	v.Policy, v.Groups, v.Names = d.policy(def), d.groups, s.scopeNames(ctx, d.groups)
	s.calledIn(ctx, v.Names, v.Policy.Rules)
	return s.render(c, status, views.PolicyView(v))
}

// changePolicy sets or removes a rule of a policy.
func (s *Server) changePolicy(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	def, err := policyOf(c)
	if err != nil {
		return err
	}
	typed := portal.PolicyRule{
		Name: def.Name, Value: strings.TrimSpace(clip(c.FormValue("value"), maxPolicyValue)),
		Scope: portal.PolicyScope{Kind: c.FormValue("kind"), Who: strings.TrimSpace(clip(c.FormValue("scope"), maxQuery))},
	}
	done := c.FormValue("do")
	if err := s.decideBy(c, done, typed); err != nil {
		v := views.PolicyPage{Typed: typed}
		status, err := s.mendable(c, &v.Frame, &v.Notice, err)
		if err != nil {
			return err
		}
		return s.showPolicy(c, status, v)
	}
	return c.Redirect(http.StatusSeeOther, views.WithQuery(views.PoliciesPath+"/"+def.Name, "done", done))
}

// decideBy carries out what a form or a program says about a rule.
func (s *Server) decideBy(c echo.Context, do string, rule portal.PolicyRule) error {
	ctx := c.Request().Context()
	scope, err := s.scopeOf(ctx, rule.Scope)
	if err != nil {
		return err
	}
	rule.Scope = scope
	line := portal.Audited{Kind: portal.AuditPolicy, Subject: rule.Name}
	if scope.Kind == portal.ScopePerson {
		line.About = portal.Address(scope.Who)
	}
	attrs := []slog.Attr{slog.String("policy", rule.Name), slog.String("scope", scope.Kind), slog.String("about", scope.Who)}
	switch do {
	case "set":
		if rule.Value, err = s.policyValue(rule); err == nil {
			err = s.Policies.SetRule(ctx, s.person(c), rule)
		}
		line.Detail = scope.Kind + ": " + rule.Value
		s.auditAct(c, "policy set", line, err, append(attrs, slog.String("value", rule.Value))...)
	case "drop":
		err = s.Policies.DropRule(ctx, s.person(c), rule)
		line.Detail = scope.Kind + ": removed"
		s.auditAct(c, "policy removed", line, err, attrs...)
	default:
		return portal.Fail(portal.ErrInvalid, "policies.what")
	}
	return err
}

// policyValue is the canonical form of a rule's value. A language must be one that the portal has texts in.
func (s *Server) policyValue(rule portal.PolicyRule) (string, error) {
	value, err := policy.Parse(rule.Name, rule.Value)
	if err != nil || rule.Name != portal.Language || value == policy.Choose {
		return value, err
	}
	if tag, ok := s.Languages.Chosen(value); ok {
		return tag, nil
	}
	return "", portal.Fail(portal.ErrInvalid, "policy.language").With("value", clip(value, maxQuery))
}

// scopeOf reads for whom a rule is to hold: a person also by what is typed of their name.
func (s *Server) scopeOf(ctx context.Context, scope portal.PolicyScope) (portal.PolicyScope, error) {
	switch scope.Kind {
	case portal.ScopeEveryone:
		return portal.PolicyScope{Kind: scope.Kind}, nil
	case portal.ScopePerson:
		who, err := s.theOne(ctx, scope.Who)
		return portal.PolicyScope{Kind: scope.Kind, Who: string(who)}, err
	}
	return scope, nil // a group, or what the service refuses
}
