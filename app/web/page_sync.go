package web

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// The control panel of the synchronisation: every page of it is for administrators alone.

// syncPages registers the pages of administration.
func (s *Server) syncPages(g *echo.Group) {
	g = g.Group("", s.adminsOnly)
	g.GET("/admin", s.adminPage)
	g = g.Group("", s.withSync)
	g.GET("/admin/sync", s.syncPage)
	g.POST("/admin/sync/held", s.settleHeld)

	g.GET("/admin/sync/settings", s.syncSettingsPage)
	g.POST("/admin/sync/settings", s.saveSyncSettings)

	g.GET("/admin/sync/users", s.syncUsersPage)
	g.POST("/admin/sync/users/run", s.runSyncUsers)
	g.POST("/admin/sync/users/stop", s.stopSyncUsers)
	g.POST("/admin/sync/users/clear", s.clearSyncUser)

	g.GET("/admin/sync/queue", s.syncQueuePage)
	g.GET("/admin/sync/queue.xml", s.downloadQueue)
	g.POST("/admin/sync/queue/retry", s.retryJobs)
	g.POST("/admin/sync/queue/discard", s.discardJob)
	g.POST("/admin/sync/queue/upload", s.uploadQueue)

	g.GET("/admin/sync/transactions", s.syncLogPage)
	g.GET("/admin/sync/transactions.csv", s.downloadLog)
	g.GET("/admin/sync/conflicts", s.syncConflictsPage)
	g.POST("/admin/sync/conflicts/take-back", s.takeBackConflict)

	g.GET("/admin/sync/diagnostics", s.syncDiagnosticsPage)
	g.POST("/admin/sync/diagnostics/test", s.testMailboxes)
	g.POST("/admin/sync/diagnostics/level", s.setLogLevel)

	g.GET("/admin/sync/rules", s.syncRulesPage)
	g.POST("/admin/sync/rules", s.editSyncRules)

	// Pages that answer a form keep its address: what reads them again finds the page itself there.
	g.GET("/admin/sync/queue/upload", s.syncQueuePage)
	g.GET("/admin/sync/conflicts/take-back", s.syncConflictsPage)
	g.GET("/admin/sync/diagnostics/test", s.syncDiagnosticsPage)
	for _, path := range []string{"run", "stop"} {
		g.GET("/admin/sync/users/"+path, s.syncUsersPage)
	}

	g.GET("/admin/sync/hooks", s.hooksPage)
	g.POST("/admin/sync/hooks", s.addHook)
	g.GET("/admin/sync/hooks/:id", s.deliveriesPage)
	g.POST("/admin/sync/hooks/:id", s.changeHook)
}

// adminsOnly refuses everybody who is no administrator.
func (s *Server) adminsOnly(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		me, err := s.me(c)
		if err != nil {
			return err
		}
		if !slices.Contains(me.Roles, portal.RoleAdmin) {
			c.Set(refusedKey, true)
			return portal.Fail(portal.ErrForbidden, "forbidden")
		}
		return next(c)
	}
}

// withSync refuses what needs the synchronisation where the portal has none.
func (s *Server) withSync(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.Sync == nil || s.SyncAdmin == nil || s.Hooks == nil || s.CRM == nil {
			return portal.Fail(portal.ErrUnavailable, "sync.none")
		}
		return next(c)
	}
}

// withCRM refuses what needs CRM where the portal has none.
func (s *Server) withCRM(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.CRM == nil {
			return portal.Fail(portal.ErrUnavailable, "crm.none")
		}
		return next(c)
	}
}

// adminFrame is the frame of a page of administration, which knows its query too.
func (s *Server) adminFrame(c echo.Context, title string) (views.Frame, error) {
	f, err := s.frame(c, views.Admin, title)
	f.Here = relativeTarget(c.Request().URL.RequestURI())
	return f, err
}

// syncPage is how the synchronisation stands.
func (s *Server) syncPage(c echo.Context) error {
	f, err := s.adminFrame(c, "sync.title")
	if err != nil {
		return err
	}
	st, err := s.Sync.Status(c.Request().Context())
	if err != nil {
		return err
	}
	v := views.SyncPage{Frame: f, Status: st}
	if c.QueryParam("done") == "decided" {
		v.Done = f.Text("sync.held-decided")
	}
	return s.render(c, http.StatusOK, views.SyncView(v))
}

// settleHeld decides about a mass deletion that waits.
func (s *Server) settleHeld(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	mailbox, err := heldMailbox(c.FormValue("mailbox"))
	if err != nil {
		return err
	}
	if err := s.decide(c, c.FormValue("do"), mailbox); err != nil {
		return err
	}
	return s.done(c, views.SyncPath)
}

// heldSource is the name under which what CRM's own changes hold is decided about.
const heldSource = "crm"

// heldMailbox reads whose held changes are meant.
func heldMailbox(text string) (portal.Address, error) {
	if text == heldSource {
		return heldSource, nil
	}
	return portal.ParseAddress(text)
}

// wholeNumber reads a number that a form, a query or a path holds; otherwise stands for none.
func wholeNumber(text string, otherwise int64) (int64, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, portal.Fail(portal.ErrInvalid, "sync.number").With("text", clip(text, 40)).Because(err)
	}
	return n, nil
}
