package web

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/policy"
	"portico/app/portal"
	"portico/views"
)

// pageOfChanges is how many lines of the record stand on a page.
const pageOfChanges = 100

// maxPolicyFile is the largest file of policies, in bytes; the text of one comes back with the form that does what was shown.
const maxPolicyFile = 4 << 20

// policyPersonPage shows what holds for somebody and where it comes from.
func (s *Server) policyPersonPage(c echo.Context) error {
	f, err := s.adminFrame(c, "policies.for-person")
	if err != nil {
		return err
	}
	v := views.PolicyPersonPage{Frame: f}
	ctx := c.Request().Context()
	var who portal.Address
	if text := c.QueryParam("uri"); text != "" {
		if who, err = portal.ParseAddress(text); err != nil {
			return err
		}
		v.Query = who.Bare()
	} else {
		v.Query = clip(c.QueryParam("q"), maxQuery)
		if who, v.Found, err = s.whoIs(ctx, v.Query); err != nil {
			return err
		}
	}
	groups, err := s.Policies.Groups(ctx)
	if err != nil {
		return err
	}
	v.Names = s.scopeNames(ctx, groups)
	if who != "" {
		s.called(ctx, v.Names, who)
		v.Who = s.Directory.Lookup(ctx, who)
		v.Who.URI = who
		if v.Decisions, err = s.Policies.Effective(ctx, who); err != nil {
			return err
		}
	}
	return s.render(c, http.StatusOK, views.PolicyPersonView(v))
}

// policyRecordPage shows who changed what.
func (s *Server) policyRecordPage(c echo.Context) error {
	f, err := s.adminFrame(c, "policies.record")
	if err != nil {
		return err
	}
	before, err := wholeNumber(c.QueryParam("before"), 0)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	v := views.PolicyRecordPage{Frame: f}
	if v.Changes, err = s.Policies.Changes(ctx, before, pageOfChanges+1); err != nil {
		return err
	}
	if len(v.Changes) > pageOfChanges {
		v.Changes = v.Changes[:pageOfChanges]
		v.Older = v.Changes[pageOfChanges-1].Seq
	}
	groups, err := s.Policies.Groups(ctx)
	if err != nil {
		return err
	}
	v.Names = s.scopeNames(ctx, groups)
	s.calledAbout(ctx, v.Names, v.Changes)
	return s.render(c, http.StatusOK, views.PolicyRecordView(v))
}

// policyFilePage offers export and import.
func (s *Server) policyFilePage(c echo.Context) error {
	v := views.PolicyFilePage{}
	if c.QueryParam("done") == "import" {
		n, err := wholeNumber(c.QueryParam("n"), 0)
		if err != nil {
			return err
		}
		v.Done = s.reader(c).Count("policies.done-import", int(min(n, 1<<31-1)))
	}
	return s.showPolicyFile(c, http.StatusOK, v)
}

func (s *Server) showPolicyFile(c echo.Context, status int, v views.PolicyFilePage) error {
	f, err := s.adminFrame(c, "policies.file-title")
	if err != nil {
		return err
	}
	f.Problem, f.Here = v.Problem, views.PoliciesPath+"/file"
	v.Frame = f
	ctx := c.Request().Context()
	groups, err := s.Policies.Groups(ctx)
	if err != nil {
		return err
	}
	v.Names = s.scopeNames(ctx, groups)
	s.calledAbout(ctx, v.Names, v.Changes)
	return s.render(c, status, views.PolicyFileView(v))
}

// exportPolicies downloads everything that is decided.
func (s *Server) exportPolicies(c echo.Context) error {
	data, err := s.Policies.Export(c.Request().Context())
	s.auditAct(c, "policies exported", portal.Audited{Kind: portal.AuditPolicyFile, Subject: "export", Detail: strconv.Itoa(len(data)) + " bytes"}, err, slog.Int("bytes", len(data)))
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="portico-policies.json"`)
	return c.Blob(http.StatusOK, "application/json", data)
}

// importPolicies shows what a file would change, and does it once that has been seen: if something else came in between,
// what would change now is shown first.
func (s *Server) importPolicies(c echo.Context) error {
	v := views.PolicyFilePage{}
	do, file, err := policyFile(c)
	if err == nil {
		v.Changes, err = s.takePolicies(c, file, true)
	}
	if err == nil {
		v.File, v.Mark = string(file), markOf(v.Changes)
		switch {
		case do == "preview":
		case do != "import":
			err = portal.Fail(portal.ErrInvalid, "policies.what")
		case c.FormValue("mark") != v.Mark:
			err = portal.Fail(portal.ErrConflict, "policies.import-changed")
		default:
			return s.importSeen(c, file)
		}
	}
	status := http.StatusOK
	if err != nil {
		if status, err = s.mendable(c, &v.Frame, &v.Notice, err); err != nil {
			return err
		}
	}
	return s.showPolicyFile(c, status, v)
}

// importSeen carries out what was seen.
func (s *Server) importSeen(c echo.Context, file []byte) error {
	done, err := s.takePolicies(c, file, false)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, views.WithQuery(views.PoliciesPath+"/file", "done", "import", "n", strconv.Itoa(len(done))))
}

// takePolicies makes what is decided as a file says, and logs it; dry only tells what would change.
func (s *Server) takePolicies(c echo.Context, file []byte, dry bool) ([]portal.PolicyChange, error) {
	changes, err := s.Policies.Import(c.Request().Context(), s.person(c), file, dry)
	if !dry {
		s.auditAct(c, "policies imported", portal.Audited{Kind: portal.AuditPolicyFile, Subject: "import", Detail: strconv.Itoa(len(changes)) + " changes"}, err, slog.Int("changes", len(changes)))
	}
	return changes, err
}

// policyFile reads the file that a form holds, uploaded or as the text that an earlier page gave back.
func policyFile(c echo.Context) (do string, file []byte, err error) {
	if isUpload(c) {
		_, _, file, err = uploaded(c, maxPolicyFile)
		return c.FormValue("do"), file, err
	}
	if err := form(c); err != nil {
		return "", nil, err
	}
	text := c.FormValue("text")
	if text == "" {
		return "", nil, portal.Fail(portal.ErrInvalid, "appointment.file-missing")
	}
	return c.FormValue("do"), []byte(text), nil
}

// isUpload reports whether a form comes with files.
func isUpload(c echo.Context) bool {
	return strings.HasPrefix(c.Request().Header.Get(echo.HeaderContentType), echo.MIMEMultipartForm)
}

// markOf tells changes apart from others, whenever they are looked at.
func markOf(changes []portal.PolicyChange) string {
	sum := sha256.New()
	for _, c := range changes {
		line, err := json.Marshal([]string{c.What, c.Name, c.Scope.Kind, c.Scope.Who, c.Before, c.After})
		if err != nil {
			return "" // strings can be written
		}
		sum.Write(append(line, '\n'))
	}
	return base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:12])
}

// deskBodyLimit is the largest body of what brings files of policies or custom states. The text of a file comes back in a
// form, where most of its signs take three bytes each.
func deskBodyLimit(path string) int64 {
	switch path {
	case "/admin/policies/file":
		return 3*maxPolicyFile + uploadExtra
	case "/admin/policies/import":
		return maxPolicyFile + uploadExtra
	case "/admin/custom-states":
		return 4*policy.MaxCustomStatesSize + uploadExtra
	}
	return maxBody
}
