package web

import (
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/diagnosis"
	"portico/app/portal"
	"portico/views"
)

// Diagnosis for each person: the configuration information, their own log of problems, and the trace of their own traffic.

// shownTraffic is how many of the newest messages of a trace a page shows; the file has all.
const shownTraffic = 60

// diagnosticPages registers them.
func (s *Server) diagnosticPages(g *echo.Group) {
	g.GET("/diagnostics", s.diagnosticsPage)
	g.GET("/diagnostics.txt", s.factsFile)
	g.GET("/diagnostics/trace", s.diagnosticsPage, s.withDiagnosis)
	g.POST("/diagnostics/trace", s.switchTrace, s.withDiagnosis)
	g.GET("/diagnostics/trace.txt", s.traceFile, s.withDiagnosis)
}

// diagnosticsPage shows all of it.
func (s *Server) diagnosticsPage(c echo.Context) error {
	f, err := s.frame(c, views.Diagnostics, "nav.diagnostics")
	if err != nil {
		return err
	}
	v := views.DiagnosticsPage{Frame: f, HasLog: s.Diagnosis != nil}
	switch c.QueryParam("done") {
	case "start":
		v.Done = f.Text("diagnostics.done-start")
	case "stop":
		v.Done = f.Text("diagnostics.done-stop")
	case "forget":
		v.Done = f.Text("diagnostics.done-forget")
	}
	if v.Groups, err = s.factGroups(c); err != nil {
		return err
	}
	if s.Diagnosis == nil {
		return s.render(c, http.StatusOK, views.DiagnosticsView(v))
	}
	before, err := wholeNumber(c.QueryParam("before"), 0)
	if err != nil {
		return err
	}
	if v.Log, err = s.incidentLog(c, s.person(c), before, func(older string) string {
		return views.WithQuery("/diagnostics", "before", older) + "#log-title"
	}); err != nil {
		return err
	}
	v.Trace = s.tracePart(s.person(c))
	return s.render(c, http.StatusOK, views.DiagnosticsView(v))
}

// tracePart is the trace as a page shows it: the newest first.
func (s *Server) tracePart(who portal.Address) *views.Trace {
	state, caught := s.Diagnosis.Traced(who), s.Diagnosis.Lines(who)
	t := &views.Trace{On: state.On, Until: state.Until, Left: max(0, len(caught)-shownTraffic), Dropped: state.Dropped}
	t.Caught = slices.Clone(caught[t.Left:])
	slices.Reverse(t.Caught)
	return t
}

// incidentLog is a page of a log of problems; older makes the path of the next one.
func (s *Server) incidentLog(c echo.Context, who portal.Address, before int64, older func(string) string) (views.IncidentLog, error) {
	var log views.IncidentLog
	ctx := c.Request().Context()
	lines, err := s.Diagnosis.Incidents(ctx, who, before, pageOfIncidents+1)
	if err != nil {
		return log, err
	}
	if len(lines) > pageOfIncidents {
		lines = lines[:pageOfIncidents]
		log.Older = older(strconv.FormatInt(lines[pageOfIncidents-1].Seq, 10))
	}
	for _, l := range lines {
		item := views.IncidentItem{Incident: l}
		if who == "" {
			item.Person = s.Directory.Lookup(ctx, l.Who)
		}
		log.Lines = append(log.Lines, item)
	}
	return log, nil
}

// factsFile is the configuration information as text.
func (s *Server) factsFile(c echo.Context) error {
	groups, err := s.factGroups(c)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="portico-diagnostics.txt"`)
	return c.Blob(http.StatusOK, "text/plain; charset=utf-8", []byte(views.FactsText(s.reader(c), groups)))
}

// switchTrace switches the trace of the person's own traffic on for a while, or off.
func (s *Server) switchTrace(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	do := c.FormValue("do")
	switch do {
	case "start":
		minutes, err := wholeNumber(c.FormValue("minutes"), 0)
		if err != nil {
			return err
		}
		if _, err := s.startTrace(c, minutes); err != nil {
			return err
		}
	case "stop":
		s.stopTrace(c)
	case "forget":
		s.forgetTrace(c)
	default:
		return portal.Fail(portal.ErrInvalid, "policies.what")
	}
	return c.Redirect(http.StatusSeeOther, views.WithQuery("/diagnostics", "done", do)+"#trace")
}

// startTrace starts it for one of the times there are.
func (s *Server) startTrace(c echo.Context, minutes int64) (diagnosis.TraceState, error) {
	if !slices.ContainsFunc(views.TraceMinutes(), func(m int) bool { return int64(m) == minutes }) {
		return diagnosis.TraceState{}, portal.Fail(portal.ErrInvalid, "diagnosis.minutes")
	}
	state, err := s.Diagnosis.StartTrace(s.person(c), time.Duration(minutes)*time.Minute)
	s.auditAct(c, "trace switched on", portal.Audited{Kind: portal.AuditTrace, Subject: "on", Detail: strconv.FormatInt(minutes, 10) + " min"}, err, slog.Int64("minutes", minutes))
	return state, err
}

func (s *Server) stopTrace(c echo.Context) {
	s.Diagnosis.StopTrace(s.person(c))
	s.auditAct(c, "trace switched off", portal.Audited{Kind: portal.AuditTrace, Subject: "off"}, nil)
}

func (s *Server) forgetTrace(c echo.Context) {
	s.Diagnosis.ForgetTrace(s.person(c))
	s.auditAct(c, "trace forgotten", portal.Audited{Kind: portal.AuditTrace, Subject: "forgotten"}, nil)
}

// traceFile is all that the trace caught, as text.
func (s *Server) traceFile(c echo.Context) error {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/plain; charset=utf-8")
	h.Set(echo.HeaderContentDisposition, `attachment; filename="portico-trace.txt"`)
	c.Response().WriteHeader(http.StatusOK)
	s.auditAct(c, "trace downloaded", portal.Audited{Kind: portal.AuditTraceFile}, nil)
	return s.Diagnosis.WriteTrace(s.person(c), c.Response())
}
