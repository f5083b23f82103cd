package web

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/policy"
	"portico/app/portal"
	"portico/views"
)

// statesPage shows the sets of custom states: whence they come, how each state looks, what went wrong.
func (s *Server) statesPage(c echo.Context) error {
	v := views.StatesPage{}
	if done := c.QueryParam("done"); slices.Contains([]string{"upload", "drop", "address", "forget", "refresh"}, done) {
		v.Done = s.reader(c).Text("states.done-" + done)
	}
	return s.showStates(c, http.StatusOK, v)
}

func (s *Server) showStates(c echo.Context, status int, v views.StatesPage) error {
	f, err := s.adminFrame(c, "states.title")
	if err != nil {
		return err
	}
	f.Problem, f.Here = v.Problem, views.StatesPath
	v.Frame = f
	ctx := c.Request().Context()
	if v.Sets, err = s.Policies.CustomStates(ctx); err != nil {
		return err
	}
	if v.Groups, err = s.Policies.Groups(ctx); err != nil {
		return err
	}
	rules, err := s.Policies.Rules(ctx)
	if err != nil {
		return err
	}
	for _, r := range rules {
		if r.Name == portal.CustomStateURL {
			v.Addresses = append(v.Addresses, r)
		}
	}
	v.Failures = map[string][]string{}
	for _, set := range v.Sets {
		if err := s.Policies.Failure(set.Source); set.Source != "" && err != nil {
			v.Failures[set.Source] = failureSentences(f.Reader, err)
		}
	}
	v.Names = s.scopeNames(ctx, v.Groups)
	s.calledIn(ctx, v.Names, v.Addresses)
	for _, set := range v.Sets {
		s.called(ctx, v.Names, set.By)
	}
	return s.render(c, status, views.StatesView(v))
}

// changeStates uploads a set, drops it, or says at which address one is for whom.
func (s *Server) changeStates(c echo.Context) error {
	v := views.StatesPage{}
	do, err := s.actOnStates(c, &v)
	if err == nil {
		return c.Redirect(http.StatusSeeOther, views.WithQuery(views.StatesPath, "done", do))
	}
	status, err := s.mendable(c, &v.Frame, &v.Notice, err)
	if err != nil {
		return err
	}
	return s.showStates(c, status, v)
}

func (s *Server) actOnStates(c echo.Context, v *views.StatesPage) (do string, err error) {
	if isUpload(c) {
		// The reader of such files says itself how large one may be.
		_, _, file, err := uploaded(c, 4*policy.MaxCustomStatesSize)
		if err == nil {
			err = s.uploadStates(c, file)
		}
		return "upload", err
	}
	if err := form(c); err != nil {
		return "", err
	}
	switch do = c.FormValue("do"); do {
	case "drop":
		return do, s.dropStates(c)
	case "refresh":
		return do, s.Policies.RefreshStates(c.Request().Context(), clip(c.FormValue("url"), maxPolicyValue))
	case "forget":
		return do, s.decideBy(c, "drop", portal.PolicyRule{Name: portal.CustomStateURL, Scope: portal.PolicyScope{Kind: c.FormValue("kind"), Who: clip(c.FormValue("scope"), maxQuery)}})
	case "address":
		kind, who, _ := strings.Cut(c.FormValue("whom"), ":")
		if kind == portal.ScopePerson {
			who = strings.TrimSpace(clip(c.FormValue("scope"), maxQuery))
		}
		v.TypedURL, v.TypedKind, v.TypedWho = strings.TrimSpace(clip(c.FormValue("url"), maxPolicyValue)), kind, who
		return do, s.decideBy(c, "set", portal.PolicyRule{Name: portal.CustomStateURL, Value: v.TypedURL, Scope: portal.PolicyScope{Kind: kind, Who: who}})
	}
	return "", portal.Fail(portal.ErrInvalid, "policies.what")
}

// uploadStates keeps a file of custom states.
func (s *Server) uploadStates(c echo.Context, file []byte) error {
	err := s.Policies.UploadCustomStates(c.Request().Context(), s.person(c), file)
	s.auditAct(c, "custom states uploaded", portal.Audited{Kind: portal.AuditStates, Subject: "upload", Detail: strconv.Itoa(len(file)) + " bytes"}, err, slog.Int("bytes", len(file)))
	return err
}

func (s *Server) dropStates(c echo.Context) error {
	err := s.Policies.DropCustomStates(c.Request().Context(), s.person(c))
	s.auditAct(c, "custom states dropped", portal.Audited{Kind: portal.AuditStates, Subject: "drop"}, err)
	return err
}

// failureSentences say what went wrong, thing by thing.
func failureSentences(r views.Reader, err error) []string {
	var many *portal.FaultsError
	if err = faultsIn(err); !errors.As(err, &many) {
		return []string{r.Failure(err)}
	}
	var out []string
	for _, f := range many.Faults {
		out = append(out, r.Sentence(f.Reason, f.Args))
	}
	return out
}
