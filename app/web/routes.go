package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/static"
)

// access says who may ask for a route.
type access int

const (
	anyone     access = iota
	person            // somebody who has signed in
	calendars         // somebody who has signed in, where the portal has calendars
	members           // somebody who has signed in, where the portal keeps a CRM
	talkers           // somebody who has signed in, where the portal has rooms
	archives          // somebody who has signed in, where the portal keeps an archive
	archivists        // an administrator, where the portal keeps an archive
	callers           // somebody who has signed in, where the portal keeps a list of calls
	admins            // an administrator, where CRM is kept in step with Exchange
	rulers            // an administrator, where the portal has policies
	auditors          // an administrator, where an audit trail is kept
	stewards          // an administrator
	librarians        // an administrator, where the address book tells how it is
	watched           // somebody who has signed in, where logs of problems are kept
	resumers          // somebody who has signed in, where drafts and places are kept
)

// call is one operation of the API: a line of the route table, and with about what OpenAPI says of it.
type call struct {
	method, path string
	access       access
	handle       echo.HandlerFunc
	about        operation
}

// apiPrefix is where the API lives.
const apiPrefix = "/api/v1"

// calls is the API's route table; the OpenAPI document is made from it, so that neither has what the
// other lacks. Paths are Echo's; ":uri" is an address as one segment.
func (s *Server) calls() []call {
	return slices.Concat(s.ownCalls(), s.roomCalls(), s.historyCalls(), s.callCalls(), s.crmCalls(), s.syncCalls(), s.contactCalls(), s.privacyCalls(), s.policyCalls(), s.diagnosticCalls(), s.providerCalls(), s.auditCalls(), s.resumeCalls())
}

func (s *Server) ownCalls() []call {
	return []call{
		{http.MethodPost, "/session", anyone, s.apiSignIn, aboutSignIn},
		{http.MethodDelete, "/session", person, s.apiSignOut, aboutSignOut},

		{http.MethodGet, "/me", person, s.apiMe, aboutMe},
		{http.MethodGet, "/me/settings", person, s.apiSettings, aboutSettings},
		{http.MethodPut, "/me/settings", person, s.apiSaveSettings, aboutSaveSettings},
		{http.MethodGet, "/me/sessions", person, s.apiSessions, aboutSessions},
		{http.MethodDelete, "/me/sessions", person, s.apiEndSessions, aboutEndSessions},
		{http.MethodPut, "/me/presence", person, s.apiSetPresence, aboutSetPresence},
		{http.MethodDelete, "/me/presence", person, s.apiResetPresence, aboutResetPresence},
		{http.MethodPost, "/me/activity", person, s.apiActivity, aboutActivity},
		{http.MethodPost, "/me/watch", person, s.apiWatch, aboutWatch},

		{http.MethodGet, "/presence/:uri", person, s.apiPresence, aboutPresence},
		{http.MethodPost, "/presence/query", person, s.apiQueryPresence, aboutQueryPresence},

		{http.MethodGet, "/contacts", person, s.apiContacts, aboutContacts},
		{http.MethodPut, "/contacts/:uri", person, s.apiPutContact, aboutPutContact},
		{http.MethodDelete, "/contacts/:uri", person, s.apiDeleteContact, aboutDeleteContact},
		{http.MethodGet, "/directory", person, s.apiDirectory, aboutDirectory},

		{http.MethodGet, "/conversations", person, s.apiConversations, aboutConversations},
		{http.MethodGet, "/conversations/:peer/messages", person, s.apiMessages, aboutMessages},
		{http.MethodPost, "/conversations/:peer/messages", person, s.apiSay, aboutSay},
		{http.MethodPost, "/conversations/:peer/typing", person, s.apiTyping, aboutTyping},
		{http.MethodPost, "/conversations/:peer/read", person, s.apiRead, aboutRead},

		{http.MethodGet, "/appointments", calendars, s.apiAppointments, aboutAppointments},
		{http.MethodPost, "/appointments", calendars, s.apiCreateAppointment, aboutCreateAppointment},
		{http.MethodGet, "/appointments/changes", calendars, s.apiUnsent, aboutUnsent},
		{http.MethodGet, "/appointments/conflicts", calendars, s.apiConflicts, aboutConflicts},
		{http.MethodGet, "/appointments/export.ics", calendars, s.exportCalendar, aboutExport},
		{http.MethodPost, "/appointments/import", calendars, s.apiImport, aboutImport},
		{http.MethodPost, "/appointments/quick", calendars, s.apiQuick, aboutQuick},
		{http.MethodGet, "/appointments/:id", calendars, s.apiAppointment, aboutAppointment},
		{http.MethodPatch, "/appointments/:id", calendars, s.apiChangeAppointment, aboutChangeAppointment},
		{http.MethodDelete, "/appointments/:id", calendars, s.apiDeleteAppointment, aboutDeleteAppointment},
		{http.MethodPost, "/appointments/:id/response", calendars, s.apiRespond, aboutRespond},
		{http.MethodGet, "/appointments/:id/responses", calendars, s.apiAppointmentResponses, aboutAppointmentResponses},
		{http.MethodPost, "/appointments/:id/forward", calendars, s.apiForward, aboutForward},
		{http.MethodPost, "/appointments/:id/retry", calendars, s.apiRetry, aboutRetry},
		{http.MethodPost, "/appointments/:id/discard", calendars, s.apiDiscard, aboutDiscard},
		{http.MethodPost, "/appointments/:id/nudge", calendars, s.apiNudge, aboutNudge},
		{http.MethodGet, "/appointments/:id/export.ics", calendars, s.exportAppointment, aboutExportOne},
		{http.MethodGet, "/appointments/:id/attachments", calendars, s.apiAttachments, aboutAttachments},
		{http.MethodPost, "/appointments/:id/attachments", calendars, s.apiAttach, aboutAttach},
		{http.MethodGet, "/appointments/:id/attachments/:file", calendars, s.downloadFile, aboutDownload},
		{http.MethodDelete, "/appointments/:id/attachments/:file", calendars, s.apiDetach, aboutDetach},
		{http.MethodGet, "/attendees", calendars, s.apiFindAttendees, aboutFindAttendees},
		{http.MethodGet, "/attendees/rooms", calendars, s.apiBookableRooms, aboutRooms},
		{http.MethodGet, "/attendees/:email/members", calendars, s.apiMembers, aboutMembers},
		{http.MethodPost, "/planner", calendars, s.apiPlanner, aboutPlanner},
		{http.MethodGet, "/responses", calendars, s.apiOverview, aboutOverview},
		{http.MethodGet, "/responses.csv", calendars, s.responsesCSV, aboutResponsesCSV},
		{http.MethodGet, "/responses.ics", calendars, s.responsesCalendar, aboutResponsesCalendar},
		{http.MethodPost, "/responses/looked", calendars, s.apiLooked, aboutLooked},
		{http.MethodGet, "/reminders", calendars, s.apiReminders, aboutReminders},
		{http.MethodPost, "/reminders/:id", calendars, s.apiReminder, aboutReminder},
		{http.MethodGet, "/calendars", calendars, s.apiCalendars, aboutCalendars},
		{http.MethodGet, "/calendars/:uri", calendars, s.apiCalendar, aboutCalendar},
		{http.MethodPut, "/calendars/:uri", calendars, s.apiShareCalendar, aboutShareCalendar},
		{http.MethodDelete, "/calendars/:uri", calendars, s.apiUnshareCalendar, aboutUnshareCalendar},
		{http.MethodGet, "/me/calendar-link", calendars, s.apiLink, aboutLink},
		{http.MethodPost, "/me/calendar-link", calendars, s.apiMakeLink, aboutMakeLink},
		{http.MethodDelete, "/me/calendar-link", calendars, s.apiRevokeLink, aboutRevokeLink},
		{http.MethodGet, "/me/out-of-office", calendars, s.apiOutOfOffice, aboutOutOfOffice},
		{http.MethodPut, "/me/out-of-office", calendars, s.apiSetOutOfOffice, aboutSetOutOfOffice},

		{http.MethodGet, "/events", person, s.apiEvents, aboutEvents},
		{http.MethodGet, "/openapi.json", anyone, s.apiDocument, aboutDocument},
	}
}

// router puts the whole edge together. Middleware runs from left to right.
func (s *Server) router() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.answerError
	e.IPExtractor = s.realIP()
	e.Use(s.observe, s.recoverPanic, s.secureHeaders, s.sane, s.sameOrigin)

	e.GET("/healthz", s.healthz)
	e.GET("/readyz", s.readyz)
	e.GET("/metrics", s.serveMetrics)
	e.GET(static.Prefix+"*", s.asset)
	e.GET("/ws", s.webSocket, s.signedIn, s.strolled)
	e.GET(discoveryPath, s.discover)
	s.embedRoutes(e)
	e.GET("/calendar/subscribe/:token", s.subscribed, s.compress())

	compress := s.compress()
	for _, call := range s.calls() {
		around := []echo.MiddlewareFunc{compress, s.private}
		if call.about.bare {
			around = nil
		}
		if call.access != anyone {
			around = append(around, s.signedIn, s.paced, s.recorded)
		}
		switch call.access {
		case calendars:
			around = append(around, s.withCalendar)
		case members:
			around = append(around, s.withCRM)
		case archives:
			around = append(around, s.withHistory)
		case archivists:
			around = append(around, s.adminsOnly, s.withHistory)
		case callers:
			around = append(around, s.withCalls)
		case talkers:
			around = append(around, s.withRooms)
		case admins:
			around = append(around, s.adminsOnly, s.withSync)
		case rulers:
			around = append(around, s.adminsOnly, s.withPolicies)
		case stewards:
			around = append(around, s.adminsOnly)
		case auditors:
			around = append(around, s.adminsOnly, s.withAudit)
		case librarians:
			around = append(around, s.adminsOnly, s.withBooks)
		case watched:
			around = append(around, s.withDiagnosis)
		case resumers:
			around = append(around, s.withResume)
		}
		e.Add(call.method, apiPrefix+call.path, call.handle, around...)
	}
	e.GET("/signin", s.signinPage, compress, s.private)
	if s.OIDC != nil {
		e.GET(oidcPath, s.beginOIDC, compress, s.private)
		e.GET(oidcPath+"/callback", s.finishOIDC, compress, s.private)
	}
	e.POST("/signin", s.signIn, compress, s.private)
	e.POST("/signout", s.signOut, compress, s.private)
	if s.Rooms != nil {
		e.GET("/rooms/:room/files/:file", s.roomFile, s.signedIn, s.strolled) // not packed: parts of it can be asked for
	}
	s.pages(e.Group("", compress, s.private, s.signedIn, s.strolled, s.noticed, s.recorded, s.placed))
	e.RouteNotFound("/*", s.notFound) // after the group, which would ask for a sign-in first
	return e
}

// headAsGet routes HEAD to where GET goes; net/http leaves the body out. Not where a connection stays open.
func headAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead && r.URL.Path != "/ws" && r.URL.Path != apiPrefix+"/events" {
			get := *r
			get.Method = http.MethodGet
			r = &get
		}
		next.ServeHTTP(w, r)
	})
}

// notFound answers for paths without a route, and for those that have one for other methods only: Echo's
// groups hide that difference.
func (s *Server) notFound(c echo.Context) error {
	r := c.Request()
	var allow []string
	probe := s.echo.AcquireContext()
	defer s.echo.ReleaseContext(probe)
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe.Reset(r, nil)
		s.echo.Router().Find(method, echo.GetPath(r), probe)
		if probe.Path() != "/*" && probe.Path() != "" {
			allow = append(allow, method)
		}
	}
	if allow == nil {
		return echo.ErrNotFound
	}
	c.Response().Header().Set(echo.HeaderAllow, strings.Join(allow, ", "))
	return failStatus(http.StatusMethodNotAllowed, "method-not-allowed")
}
