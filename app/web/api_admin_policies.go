package web

import (
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/app/policy"
	"portico/app/portal"
)

// The API of policies: it does what the pages under /admin/policies do, for administrators alone.

// policyCalls is the part of the route table about what administrators decide.
func (s *Server) policyCalls() []call {
	return []call{
		{http.MethodGet, "/admin/policies", rulers, s.apiPolicies, aboutPolicies},
		{http.MethodPut, "/admin/policies/rules/:name", rulers, s.apiSetRule, aboutSetRule},
		{http.MethodDelete, "/admin/policies/rules/:name", rulers, s.apiDropRule, aboutDropRule},
		{http.MethodPost, "/admin/policies/groups", rulers, s.apiMakeGroup, aboutMakeGroup},
		{http.MethodPut, "/admin/policies/groups/:id", rulers, s.apiPutPolicyGroup, aboutPutPolicyGroup},
		{http.MethodDelete, "/admin/policies/groups/:id", rulers, s.apiDropPolicyGroup, aboutDropPolicyGroup},
		{http.MethodGet, "/admin/policies/effective", rulers, s.apiEffective, aboutEffective},
		{http.MethodGet, "/admin/policies/changes", rulers, s.apiPolicyChanges, aboutPolicyChanges},
		{http.MethodGet, "/admin/policies/export", rulers, s.exportPolicies, aboutExportPolicies},
		{http.MethodPost, "/admin/policies/import", rulers, s.apiImportPolicies, aboutImportPolicies},

		{http.MethodGet, "/admin/custom-states", rulers, s.apiCustomStates, aboutCustomStates},
		{http.MethodPut, "/admin/custom-states", rulers, s.apiPutCustomStates, aboutPutCustomStates},
		{http.MethodDelete, "/admin/custom-states", rulers, s.apiDropCustomStates, aboutDropCustomStates},

		{http.MethodGet, "/admin/origins", rulers, s.apiOrigins, aboutOrigins},
		{http.MethodPost, "/admin/origins", rulers, s.apiAllowOrigin, aboutAllowOrigin},
		{http.MethodDelete, "/admin/origins", rulers, s.apiRefuseOrigin, aboutRefuseOrigin},

		{http.MethodGet, "/admin/book", librarians, s.apiBooks, aboutBooks},
		{http.MethodPost, "/admin/book/refresh", librarians, s.apiRefreshBooks, aboutRefreshBooks},
	}
}

// policiesJSON is all that is decided, with what can be.
type policiesJSON struct {
	Definitions []policy.Definition  `json:"definitions"`
	Rules       []portal.PolicyRule  `json:"rules"`
	Groups      []portal.PolicyGroup `json:"groups"`
}

var (
	ruleErrors = []int{400, 404, 413, 415, 429}

	aboutPolicies = operation{summary: "The policies there are, the rules that are set, and the groups", answers: []answer{{status: 200, schema: "Policies"}}}
	aboutSetRule  = operation{
		summary: "Set a policy for everyone, a group or a person", params: []param{policyParam("name")}, body: "PolicyRuleChange",
		answers: []answer{{status: 204, about: "it holds"}}, errors: ruleErrors,
	}
	aboutDropRule = operation{
		summary: "Remove what is set for everyone, a group or a person",
		params: []param{
			policyParam("name"), {name: "kind", in: "query", schema: "PolicyScopeKind", about: "everyone, group or person; everyone where it is left out"},
			{name: "who", in: "query", schema: "PolicyWho", about: "a person's address or a group's id"},
		},
		answers: []answer{{status: 204, about: "it is not set any more"}}, errors: []int{400, 404},
	}
	aboutMakeGroup       = operation{summary: "Make a group of people for whom policies are set together", body: "NewPolicyGroup", answers: []answer{{status: 201, schema: "PolicyGroup"}}, errors: ruleErrors}
	aboutPutPolicyGroup  = operation{summary: "Replace a group", params: []param{policyGroupParam()}, body: "NewPolicyGroup", answers: []answer{{status: 200, schema: "PolicyGroup"}}, errors: ruleErrors}
	aboutDropPolicyGroup = operation{summary: "Remove a group with what is set for it", params: []param{policyGroupParam()}, answers: []answer{{status: 204, about: "it is gone"}}, errors: []int{400, 404}}
	aboutEffective       = operation{
		summary: "What holds for somebody, and where that comes from",
		params:  []param{{name: "uri", in: "query", schema: "Address", about: "whom it is about; left out: those of whom no rule of a group or a person speaks"}},
		answers: []answer{{status: 200, schema: "PolicyDecision", list: true}}, errors: []int{400},
	}
	aboutPolicyChanges = operation{
		summary: "The record of who changed what, newest first",
		params:  []param{{name: "before", in: "query", schema: "Seq", about: "lines before this number; left out: from the newest"}, {name: "limit", in: "query", schema: "Limit", about: "how many lines at most (50)"}},
		answers: []answer{{status: 200, schema: "PolicyChange", list: true}}, errors: []int{400},
	}
	aboutExportPolicies = operation{summary: "Rules and groups as a file", answers: []answer{{status: 200, schema: "PolicyFile"}}}
	aboutImportPolicies = operation{
		summary: "Replace rules and groups by those of a file, or say what that would change",
		params:  []param{{name: "dry", in: "query", schema: "Flag", about: "true: only say what would change"}}, body: "PolicyFile",
		answers: []answer{{status: 200, schema: "PolicyChange", list: true, about: "what changed, or would"}}, errors: []int{400, 413, 415},
	}
	aboutCustomStates     = operation{summary: "The sets of custom states that were loaded", answers: []answer{{status: 200, schema: "CustomStateSet", list: true}}}
	aboutPutCustomStates  = operation{summary: "Upload a file of custom states for all for whom no policy names an address", body: "CustomStatesXML", bodyType: "application/xml", answers: []answer{{status: 204, about: "they can be chosen"}}, errors: []int{400, 413, 415}}
	aboutDropCustomStates = operation{summary: "Remove the uploaded custom states", answers: []answer{{status: 204, about: "they are gone"}}, errors: []int{404}}

	aboutOrigins      = operation{summary: "The origins whose pages may show presence", answers: []answer{{status: 200, schema: "Origin", list: true}}}
	aboutAllowOrigin  = operation{summary: "Let pages of an origin show presence", body: "NewOrigin", answers: []answer{{status: 204, about: "they may"}}, errors: ruleErrors}
	aboutRefuseOrigin = operation{
		summary: "Let pages of an origin show presence no longer", params: []param{{name: "origin", in: "query", schema: "OriginName", about: "scheme, host and port"}},
		answers: []answer{{status: 204, about: "they may not"}}, errors: []int{400, 404},
	}
	aboutBooks        = operation{summary: "The address books: how old they are, how large, when they are read again", answers: []answer{{status: 200, schema: "BookState", list: true}}}
	aboutRefreshBooks = operation{summary: "Read every address book now", answers: []answer{{status: 200, schema: "BookState", list: true, about: "how they are now; one that could not be read says why"}}}
)

func policyParam(name string) param {
	return param{name: name, in: "path", schema: "PolicyName", about: "the policy's name"}
}

func policyGroupParam() param {
	return param{name: "id", in: "path", schema: "PolicyGroupID", about: "the group"}
}

func (s *Server) apiPolicies(c echo.Context) error {
	ctx := c.Request().Context()
	out := policiesJSON{Definitions: policy.Definitions()}
	rules, err := s.Policies.Rules(ctx)
	if err != nil {
		return err
	}
	groups, err := s.Policies.Groups(ctx)
	if err != nil {
		return err
	}
	out.Rules, out.Groups = append([]portal.PolicyRule{}, rules...), groupsShown(groups)
	return s.json(c, http.StatusOK, out)
}

// groupsShown are groups of which no list is null.
func groupsShown(groups []portal.PolicyGroup) []portal.PolicyGroup {
	out := make([]portal.PolicyGroup, len(groups))
	for i, g := range groups {
		g.Members, g.Departments = append([]portal.Address{}, g.Members...), append([]string{}, g.Departments...)
		out[i] = g
	}
	return out
}

func (s *Server) apiSetRule(c echo.Context) error {
	def, err := policyOf(c)
	if err != nil {
		return err
	}
	var in struct {
		Scope portal.PolicyScope `json:"scope"`
		Value *string            `json:"value"`
	}
	if err := body(c, &in); err != nil {
		return err
	}
	if in.Value == nil {
		return portal.Fail(portal.ErrInvalid, "policy.value").With("name", def.Name).With("value", "")
	}
	if err := s.decideBy(c, "set", portal.PolicyRule{Name: def.Name, Scope: in.Scope, Value: *in.Value}); err != nil {
		return faultsIn(err)
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) apiDropRule(c echo.Context) error {
	def, err := policyOf(c)
	if err != nil {
		return err
	}
	scope := portal.PolicyScope{Kind: c.QueryParam("kind"), Who: c.QueryParam("who")}
	if scope.Kind == "" {
		scope.Kind = portal.ScopeEveryone
	}
	if err := s.decideBy(c, "drop", portal.PolicyRule{Name: def.Name, Scope: scope}); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) apiMakeGroup(c echo.Context) error {
	g, err := s.groupBody(c, "")
	if err != nil {
		return err
	}
	return s.json(c, http.StatusCreated, groupsShown([]portal.PolicyGroup{g})[0])
}

func (s *Server) apiPutPolicyGroup(c echo.Context) error {
	s.groupEdits.Lock()
	defer s.groupEdits.Unlock()
	before, err := s.policyGroup(c)
	if err != nil {
		return err
	}
	g, err := s.groupBody(c, before.ID)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, groupsShown([]portal.PolicyGroup{g})[0])
}

// groupBody keeps the group that a request describes.
func (s *Server) groupBody(c echo.Context, id string) (portal.PolicyGroup, error) {
	in := portal.PolicyGroup{Rank: usualRank}
	if err := body(c, &in); err != nil {
		return in, err
	}
	in.ID = id
	return s.keepGroup(c, in)
}

func (s *Server) apiDropPolicyGroup(c echo.Context) error {
	g, err := s.policyGroup(c)
	if err != nil {
		return err
	}
	if err := s.dropGroup(c, g); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) apiEffective(c echo.Context) error {
	var who portal.Address
	if text := c.QueryParam("uri"); text != "" {
		var err error
		if who, err = portal.ParseAddress(text); err != nil {
			return err
		}
	}
	decided, err := s.Policies.Effective(c.Request().Context(), who)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, append([]portal.Decision{}, decided...))
}

func (s *Server) apiPolicyChanges(c echo.Context) error {
	before, err := wholeNumber(c.QueryParam("before"), 0)
	if err != nil {
		return err
	}
	limit, err := limitParam(c, defaultMessages, maxMessages)
	if err != nil {
		return err
	}
	changes, err := s.Policies.Changes(c.Request().Context(), before, limit)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, append([]portal.PolicyChange{}, changes...))
}

func (s *Server) apiImportPolicies(c echo.Context) error {
	file, err := fileBody(c, "application/json", maxPolicyFile)
	if err != nil {
		return err
	}
	dry := c.QueryParam("dry")
	if dry != "" && dry != "true" && dry != "false" {
		return portal.Fail(portal.ErrInvalid, "policies.what")
	}
	changes, err := s.takePolicies(c, file, dry == "true")
	if err != nil {
		return faultsIn(err)
	}
	return s.json(c, http.StatusOK, append([]portal.PolicyChange{}, changes...))
}

// fileBody is a request's body as it is, of a media type, of at most so many bytes.
func fileBody(c echo.Context, mediaType string, most int64) ([]byte, error) {
	if !hasMediaType(c.Request(), mediaType) {
		return nil, failStatus(http.StatusUnsupportedMediaType, "media-type")
	}
	data, err := io.ReadAll(io.LimitReader(c.Request().Body, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > most {
		return nil, failStatus(http.StatusRequestEntityTooLarge, "too-large")
	}
	return data, nil
}
