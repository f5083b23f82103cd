package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// access says who may ask for a route.
type access int

const (
	anyone access = iota
	person        // somebody who has signed in
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

		{http.MethodGet, "/events", person, s.apiEvents, aboutEvents},
		{http.MethodGet, "/openapi.json", anyone, s.apiDocument, aboutDocument},
	}
}

// later are the API's families of calls that this release does not have. They answer 501 to those who
// are signed in, and OpenAPI does not name them.
func later() []string {
	return []string{"/rooms", "/history", "/calls", "/voicemail", "/appointments", "/planner", "/crm", "/admin"}
}

// router puts the whole edge together. Middleware runs from top to bottom.
func (s *Server) router() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.answerError
	e.IPExtractor = s.realIP()
	e.Use(s.observe, s.recoverPanic, s.secureHeaders, s.sane, s.sameOrigin)

	e.GET("/healthz", s.healthz)
	e.GET("/readyz", s.readyz)
	e.GET("/metrics", s.serveMetrics)
	//ASSETS

	e.GET("/ws", s.webSocket, s.signedIn)
	api := e.Group(apiPrefix, s.compress(), s.private)
	for _, call := range s.calls() {
		if call.access == person {
			api.Add(call.method, call.path, call.handle, s.signedIn, s.paced)
		} else {
			api.Add(call.method, call.path, call.handle)
		}
	}
	for _, family := range later() {
		api.Any(family, s.apiLater, s.signedIn)
		api.Any(family+"/*", s.apiLater, s.signedIn)
	}

	public := e.Group("", s.compress(), s.private)
	public.GET("/signin", s.signinPage)
	public.POST("/signin", s.signIn)
	public.POST("/signout", s.signOut)
	s.pages(e.Group("", s.compress(), s.private, s.signedIn, s.noticed))
	return e
}
