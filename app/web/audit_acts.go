package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// Which requests are lines of the audit trail by their route alone. What needs more of the handler's knowledge is noted by
// the handler; it stands in the table without a kind, so that a test can hold the table against all routes of administration.

// act says what a request is in the audit trail.
type act struct {
	kind string
	// tell fills the line from the request once it is answered; false: it is none after all. nil: there is no more to say.
	tell func(c echo.Context, l *portal.Audited) bool
}

// noted is an act that its handler notes.
func noted() act { return act{} }

// typed is a field of the form that the handler has read; where it read none, there is none.
func typed(c echo.Context, field string) string {
	return clip(c.Request().PostForm.Get(field), maxQuery)
}

// about fills in whom a text means.
func about(l *portal.Audited, text string) {
	if who, err := portal.ParseAddress(text); err == nil {
		l.About = who
	}
}

// subject is an act about something with a name that is always the same.
func subject(kind, name string) act {
	return act{kind, func(_ echo.Context, l *portal.Audited) bool { l.Subject = name; return true }}
}

// named is an act about what a part of the path or a field of the form names; a field "do" says what is done.
func named(kind, name string) act {
	return act{kind, func(c echo.Context, l *portal.Audited) bool {
		if l.Subject = clip(c.Param(name), maxQuery); l.Subject == "" {
			l.Subject = typed(c, name)
		}
		l.Detail = typed(c, "do")
		return true
	}}
}

// ofMailbox is an act about somebody whom a part of the path or a field of the form names.
func ofMailbox(kind, name string) act {
	return act{kind, func(c echo.Context, l *portal.Audited) bool {
		text, err := pathText(c, name)
		if err != nil || text == "" {
			text = typed(c, name)
		}
		if about(l, text); l.About == "" {
			l.Subject = text
		}
		l.Detail = typed(c, "do")
		return true
	}}
}

// only is an act where a field of the form is one of some words.
func only(a act, field string, words ...string) act {
	return act{a.kind, func(c echo.Context, l *portal.Audited) bool {
		for _, w := range words {
			if typed(c, field) == w {
				return a.tell == nil || a.tell(c, l)
			}
		}
		return false
	}}
}

// acts are the requests that stand in the trail, by method and route.
func acts() map[string]act {
	table := map[string]act{}
	for _, part := range []map[string]act{ownActs(), deskActs(), syncActs(), hookActs()} {
		for route, a := range part {
			table[route] = a
		}
	}
	return table
}

// ownActs are people's own: what opens a door to their data or closes one.
func ownActs() map[string]act {
	return map[string]act{
		"POST /settings/places":                     only(leftPlace("id"), "do", "sign-out"),
		"DELETE " + apiPrefix + "/me/places/:id":    leftPlace("id"),
		"POST /calendar/link":                       subject(portal.AuditCalendarLink, "made"),
		"POST /calendar/link/revoke":                subject(portal.AuditCalendarLink, "revoked"),
		"POST " + apiPrefix + "/me/calendar-link":   subject(portal.AuditCalendarLink, "made"),
		"DELETE " + apiPrefix + "/me/calendar-link": subject(portal.AuditCalendarLink, "revoked"),
	}
}

// leftPlace is a session or a device that its person ends from elsewhere; the trail says which of the two.
func leftPlace(name string) act {
	return act{portal.AuditSessionEnded, func(c echo.Context, l *portal.Audited) bool {
		id, err := pathText(c, name)
		if err != nil || id == "" {
			id = typed(c, name)
		}
		l.Subject, _, _ = strings.Cut(id, ":")
		l.Detail = "from elsewhere"
		return true
	}}
}

// deskActs are the administrators' beside the synchronisation. Their handlers know what was decided.
func deskActs() map[string]act {
	table := map[string]act{}
	for _, route := range []string{
		"POST /admin/policies/groups", "POST /admin/policies/groups/:id", "POST /admin/policies/file", "POST /admin/policies/:name",
		"POST /admin/custom-states", "POST /admin/origins", "POST /admin/book", "POST /admin/signins",
		"POST /admin/history/hold", "POST /admin/history/release", "POST /admin/history/export",
		"PUT " + apiPrefix + "/admin/policies/rules/:name", "DELETE " + apiPrefix + "/admin/policies/rules/:name",
		"POST " + apiPrefix + "/admin/policies/groups", "PUT " + apiPrefix + "/admin/policies/groups/:id", "DELETE " + apiPrefix + "/admin/policies/groups/:id",
		"POST " + apiPrefix + "/admin/policies/import", "PUT " + apiPrefix + "/admin/custom-states", "DELETE " + apiPrefix + "/admin/custom-states",
		"POST " + apiPrefix + "/admin/origins", "DELETE " + apiPrefix + "/admin/origins", "POST " + apiPrefix + "/admin/book/refresh",
		"DELETE " + apiPrefix + "/admin/sessions/:uri", "PUT " + apiPrefix + "/admin/history/holds/:uri", "DELETE " + apiPrefix + "/admin/history/holds/:uri",
		"POST " + apiPrefix + "/admin/history/export",
	} {
		table[route] = noted()
	}
	return table
}

// syncActs are those of the control panel of the synchronisation.
func syncActs() map[string]act {
	const api = apiPrefix + "/admin/sync"
	return map[string]act{
		"POST /admin/sync/held":                     ofMailbox(portal.AuditSyncHeld, "mailbox"),
		"POST " + api + "/held/:source":             ofMailbox(portal.AuditSyncHeld, "source"),
		"POST /admin/sync/settings":                 named(portal.AuditSyncSettings, ""),
		"PUT " + api + "/settings":                  subject(portal.AuditSyncSettings, ""),
		"POST " + api + "/settings/check":           subject(portal.AuditSyncTest, "settings"),
		"POST /admin/sync/users/run":                subject(portal.AuditSyncUsers, "run"),
		"POST " + api + "/users/run":                subject(portal.AuditSyncUsers, "run"),
		"POST /admin/sync/users/stop":               subject(portal.AuditSyncUsers, "stop"),
		"DELETE " + api + "/users/run":              subject(portal.AuditSyncUsers, "stop"),
		"POST /admin/sync/users/clear":              ofMailbox(portal.AuditSyncUser, "who"),
		"DELETE " + api + "/users/:uri/exchange-id": ofMailbox(portal.AuditSyncUser, "uri"),
		"GET /admin/sync/queue.xml":                 subject(portal.AuditQueueFile, "download"),
		"GET " + api + "/queue.xml":                 subject(portal.AuditQueueFile, "download"),
		"POST /admin/sync/queue/upload":             subject(portal.AuditQueueFile, "upload"),
		"POST " + api + "/queue.xml":                subject(portal.AuditQueueFile, "upload"),
		"POST /admin/sync/queue/retry":              named(portal.AuditQueueRetry, "seq"),
		"POST " + api + "/queue/retry":              {kind: portal.AuditQueueRetry},
		"POST /admin/sync/queue/discard":            named(portal.AuditQueueDiscard, "seq"),
		"DELETE " + api + "/queue/:seq":             named(portal.AuditQueueDiscard, "seq"),
		"GET /admin/sync/transactions.csv":          {kind: portal.AuditSyncLog},
		"GET " + api + "/transactions.csv":          {kind: portal.AuditSyncLog},
		"POST /admin/sync/conflicts/take-back":      named(portal.AuditConflict, "id"),
		"POST " + api + "/conflicts/:id/take-back":  named(portal.AuditConflict, "id"),
		"POST /admin/sync/diagnostics/test":         ofMailbox(portal.AuditSyncTest, "mailbox"),
		"POST " + api + "/diagnostics/:uri":         ofMailbox(portal.AuditSyncTest, "uri"),
		"POST /admin/sync/diagnostics/level":        subject(portal.AuditSyncSettings, "log level"),
		"PUT " + api + "/diagnostics":               subject(portal.AuditSyncSettings, "log level"),
		"POST /admin/sync/rules":                    only(act{kind: portal.AuditSyncRules}, "do", "", "save"), // the other words try rules out
		"PUT " + api + "/rules":                     {kind: portal.AuditSyncRules},
		"POST " + api + "/rules/preview":            noted(), // changes nothing
	}
}

// hookActs are those of the webhooks.
func hookActs() map[string]act {
	const api = apiPrefix + "/admin/sync"
	return map[string]act{
		"POST /admin/sync/hooks":                  subject(portal.AuditHook, "new"),
		"POST " + api + "/hooks":                  subject(portal.AuditHook, "new"),
		"POST /admin/sync/hooks/:id":              named(portal.AuditHook, "id"),
		"PUT " + api + "/hooks/:id":               named(portal.AuditHook, "id"),
		"DELETE " + api + "/hooks/:id":            {portal.AuditHook, removed},
		"POST " + api + "/hooks/:id/secret":       {portal.AuditHook, freshSecret},
		"POST " + api + "/deliveries/:seq/resend": {portal.AuditHook, resent},
	}
}

func removed(c echo.Context, l *portal.Audited) bool {
	l.Subject, l.Detail = clip(c.Param("id"), maxQuery), "remove"
	return true
}

func freshSecret(c echo.Context, l *portal.Audited) bool {
	l.Subject, l.Detail = clip(c.Param("id"), maxQuery), "secret"
	return true
}

func resent(c echo.Context, l *portal.Audited) bool {
	l.Subject, l.Detail = clip(c.Param("seq"), maxQuery), "resend"
	return true
}

// recorded puts requests into the audit trail that are acts. It stands before what refuses people who are no administrators,
// whose tries stand in the trail too: those of acts that handlers note as well.
func (s *Server) recorded(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		a, ok := s.acts[c.Request().Method+" "+c.Path()]
		if !ok && !refusedAtTheDoor(c) {
			return err
		}
		failed := err
		if failed == nil { // a page that tells what is wrong is answered without an error
			failed, _ = c.Get(failedKey).(error)
		}
		l := portal.Audited{Kind: a.kind}
		switch {
		case a.kind == "" && refusedAtTheDoor(c):
			l.Kind, l.Subject = portal.AuditForbidden, c.Request().Method+" "+c.Path()
		case a.kind == "":
			return err
		case a.tell != nil && !a.tell(c, &l):
			return err
		}
		s.auditAct(c, strings.ReplaceAll(l.Kind, "-", " "), l, failed)
		return err
	}
}

// refusedKey is where it stands that somebody was refused before the handler was asked.
const refusedKey = "portico.refused"

// refusedAtTheDoor reports whether somebody was refused who is no administrator.
func refusedAtTheDoor(c echo.Context) bool {
	refused, _ := c.Get(refusedKey).(bool)
	return refused && c.Request().Method != http.MethodHead
}
