package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/calsync/mapping"
	"portico/app/portal"
	"portico/views"
)

// sampleLines is how many lines of the log are looked through for appointments to try rules on.
const sampleLines = 100

// maxSamples is how many appointments are offered to try rules on.
const maxSamples = 40

// syncRulesPage shows the rules of the mapping, as a form or as text.
func (s *Server) syncRulesPage(c echo.Context) error {
	f, err := s.adminFrame(c, "sync.tab.rules")
	if err != nil {
		return err
	}
	raw, revision, err := s.SyncAdmin.Rules(c.Request().Context())
	if err != nil {
		return err
	}
	v := views.SyncRulesPage{Frame: f, Revision: revision, Direction: portal.ToExchange, AsText: c.QueryParam("as") == "text", JSON: indented(raw)}
	if c.QueryParam("saved") == "1" {
		v.Done = f.Text("sync.rules.saved")
	}
	if err := setRules(&v, raw); err != nil { // what somebody stored by another way is shown as it is
		v.AsText = true
		v.Problem = f.Failure(err)
	}
	return s.showRules(c, http.StatusOK, v)
}

// setRules fills the form's rows from rules as JSON.
func setRules(v *views.SyncRulesPage, raw []byte) error {
	rules, err := mapping.Read(raw)
	if err != nil {
		return err
	}
	v.Rules = nil
	for _, r := range rules {
		v.Rules = append(v.Rules, ruleRow(r))
	}
	return nil
}

// indented is JSON as people read it; what is none stays as it is.
func indented(raw []byte) string {
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return string(raw)
	}
	return out.String()
}

// showRules renders the page with appointments that have been carried lately, to try rules on.
func (s *Server) showRules(c echo.Context, status int, v views.SyncRulesPage) error {
	lines, err := s.Sync.Log(c.Request().Context(), portal.SyncLogFilter{Limit: sampleLines})
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	add := func(id, subject string, at time.Time) {
		if id != "" && subject != "" && !seen[id] && len(v.Samples) < maxSamples { // what has no subject is private
			seen[id] = true
			v.Samples = append(v.Samples, views.RuleSample{ID: id, Subject: clip(subject, 120), At: at})
		}
	}
	for _, t := range lines {
		add(t.CRM, t.Subject, t.At)
	}
	now := s.Now()
	own, err := s.CRM.Entries(c.Request().Context(), s.person(c), now.AddDate(0, -1, 0), now.AddDate(0, 1, 0))
	if err != nil {
		return err
	}
	slices.SortStableFunc(own, func(x, y portal.CRMAppointment) int { return y.Start.Compare(x.Start) })
	for i := range own { // before anything has been carried there are one's own
		if !own[i].Private {
			add(own[i].ID, own[i].Subject, own[i].Start)
		}
	}
	return s.render(c, status, views.SyncRulesView(v))
}

// editSyncRules does what the button that was pressed says: stores the rules, tries them on an appointment, adds one, or
// changes between form and text. Nothing that was typed is lost on the way.
func (s *Server) editSyncRules(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	f, err := s.adminFrame(c, "sync.tab.rules")
	if err != nil {
		return err
	}
	v := views.SyncRulesPage{Frame: f, AsText: c.FormValue("as") == "text", Sample: strings.TrimSpace(clip(c.FormValue("sample"), 200))}
	if v.Direction, err = directionOf(c.FormValue("try_direction")); err != nil || v.Direction == "" {
		v.Direction = portal.ToExchange
	}
	if v.Revision, err = wholeNumber(c.FormValue("revision"), 0); err != nil {
		return err
	}
	raw, err := typedRules(c, &v)
	if err == nil {
		var saved bool
		if saved, err = s.rulesStep(c, &v, raw); saved {
			return c.Redirect(http.StatusSeeOther, views.WithQuery(views.SyncPath+"/rules", "saved", "1"))
		}
	}
	status := http.StatusOK
	if err != nil {
		if status, err = s.faulty(c, &v.Frame, &v.Notice, err); err != nil {
			return err
		}
	}
	return s.showRules(c, status, v)
}

// typedRules are the rules that were sent, as JSON: from the rows, or from the text.
func typedRules(c echo.Context, v *views.SyncRulesPage) ([]byte, error) {
	if v.AsText {
		v.JSON = c.FormValue("json")
		if strings.TrimSpace(v.JSON) == "" {
			return []byte("[]"), nil
		}
		return []byte(v.JSON), nil
	}
	v.Rules = ruleRows(c.Request().Form)
	rules := make(mapping.Rules, 0, len(v.Rules))
	for _, row := range v.Rules {
		rules = append(rules, ruleFromRow(row))
	}
	return encodeJSON(rules)
}

// rulesStep does what the button says; saved: the rules are stored.
func (s *Server) rulesStep(c echo.Context, v *views.SyncRulesPage, raw []byte) (saved bool, _ error) {
	ctx := c.Request().Context()
	switch c.FormValue("do") {
	case "add":
		v.Rules = append(v.Rules, views.RuleRow{On: true})
	case "text":
		v.AsText, v.JSON = true, indented(raw)
	case "form":
		if err := setRules(v, raw); err != nil {
			return false, err
		}
		v.AsText = false
	case "preview":
		if v.Sample == "" {
			return false, portal.Fail(portal.ErrInvalid, "sync.rules.sample")
		}
		preview, err := s.SyncAdmin.PreviewRules(ctx, raw, v.Direction, v.Sample)
		if err != nil {
			return false, sampleFailure(err)
		}
		v.Preview = &preview
	default:
		_, err := s.SyncAdmin.SaveRules(ctx, s.person(c), raw, v.Revision)
		return err == nil, err
	}
	return false, nil
}

// sampleFailure says that there is no such appointment where one to try rules on is not found.
func sampleFailure(err error) error {
	if portal.Meaning(err) == portal.ErrNotFound {
		return portal.Fail(portal.ErrInvalid, "sync.rules.sample").Because(err)
	}
	return err
}
