package web

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"
)

// The API of the audit trail and of other people's sessions, for administrators alone.

func (s *Server) auditCalls() []call {
	return []call{
		{http.MethodGet, "/admin/audit", auditors, s.apiAudit, aboutAudit},
		{http.MethodGet, "/admin/audit.csv", auditors, s.auditFile, aboutAuditCSV},
		{http.MethodGet, "/admin/audit.json", auditors, s.auditFile, aboutAuditJSON},
		{http.MethodDelete, "/admin/sessions/:uri", stewards, s.apiEndSessionsOf, aboutEndSessionsOf},
	}
}

var (
	auditParams = []param{
		{name: "who", in: "query", schema: "Text", about: "by whom or about whom: an address, or a name that only one person of the address book has"},
		{name: "kind", in: "query", schema: "AuditKind", about: "what was done"},
		{name: "result", in: "query", schema: "AuditResult", about: "refused: only what was not done"},
		{name: "from", in: "query", schema: "DayOrTime", about: "the first day, or an instant"},
		{name: "to", in: "query", schema: "DayOrTime", about: "the last day, or the instant before which it was"},
	}
	aboutAudit = operation{
		summary: "The audit trail, newest first; reading about somebody stands in it too",
		params: append(slices.Clone(auditParams), param{name: "before", in: "query", schema: "Seq", about: "lines older than this one; left out: from the newest"},
			param{name: "limit", in: "query", schema: "Limit", about: "how many lines at most (50)"}),
		answers: []answer{{status: 200, schema: "AuditLine", list: true}}, errors: []int{400},
	}
	aboutAuditCSV = operation{
		summary: "All that a search of the audit trail finds, as a table, at most a million lines; taking it stands in the trail", params: auditParams,
		answers: []answer{{status: 200, schema: "AuditTable", media: "text/csv"}}, errors: []int{400},
	}
	aboutAuditJSON = operation{
		summary: "All that a search of the audit trail finds, as a file, at most a million lines; taking it stands in the trail", params: auditParams,
		answers: []answer{{status: 200, schema: "AuditLine", list: true}}, errors: []int{400},
	}
	aboutEndSessionsOf = operation{
		summary: "Sign somebody out everywhere", params: []param{uriParam("uri")},
		answers: []answer{{status: 204, about: "every token of the person is dead"}}, errors: []int{400},
	}
)

func (s *Server) apiAudit(c echo.Context) error {
	limit, err := limitParam(c, defaultMessages, maxMessages)
	if err != nil {
		return err
	}
	q, err := s.auditQuery(c)
	if err != nil {
		return err
	}
	lines, err := s.searchAudit(c, q, limit)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, listed(lines))
}

func (s *Server) apiEndSessionsOf(c echo.Context) error {
	who, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	if err := s.endSessionsOf(c, who); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
