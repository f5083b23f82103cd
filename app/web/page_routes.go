package web

import "github.com/labstack/echo/v4"

// pages registers the pages. Everything in g needs a sign-in (a browser without one is led to /signin
// and back), is private (no-store), compressed, and shows the person as active where they have no script.
func (s *Server) pages(g *echo.Group) {
	g.GET("/", s.frontPage)

	s.contactPages(g)
	s.privacyPages(g)

	g.GET("/chat", s.chatPage)
	g.GET("/chat/:uri", s.conversationPage)
	g.GET("/chat/:uri/messages", s.olderMessages)
	g.POST("/chat/:uri", s.sayByForm)
	g.POST("/chat/:uri/read", s.readByForm)

	g.POST("/me/presence", s.setPresenceByForm)
	g.POST("/me/note", s.setNoteByForm)
	g.POST("/me/whereabouts", s.setWhereaboutsByForm)

	g.GET("/settings", s.settingsPage)
	g.POST("/settings", s.saveSettings)
	g.POST("/settings/places", s.changePlaces)
	g.POST("/thin", s.answerThin)
	g.POST("/signout/everywhere", s.signOutEverywhere)

	g.GET("/help", s.helpPage)
	g.GET("/help/:topic", s.helpPage)

	s.calendarPages(g)
	s.crmPages(g)
	s.syncPages(g)

	s.roomsPages(g)

	s.historyPages(g)
	s.historyAdminPages(g)
	s.callPages(g)

	s.adminPages(g)
	s.diagnosticPages(g)
	s.openPages(g)
}
