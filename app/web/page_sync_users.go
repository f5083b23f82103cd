package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// syncUsersPage shows the CRM users and how Sync users stands; with plan=1 what it would do.
func (s *Server) syncUsersPage(c echo.Context) error {
	f, err := s.adminFrame(c, "sync.tab.users")
	if err != nil {
		return err
	}
	v := views.SyncUsersPage{Frame: f}
	if c.QueryParam("cleared") != "" {
		v.Done = f.Text("sync.users.cleared", "Name", clip(c.QueryParam("cleared"), maxQuery))
	}
	if done := c.QueryParam("done"); done == "started" || done == "stopped" {
		v.Done = f.Text("sync.users." + done)
	}
	status := http.StatusOK
	if c.QueryParam("plan") == "1" {
		if v.Plan, err = s.SyncAdmin.PlanUsers(c.Request().Context()); err == nil {
			v.Planned = true
		} else if status, err = s.faulty(c, &v.Frame, &v.Notice, err); err != nil {
			return err
		}
	}
	return s.showSyncUsers(c, status, v)
}

func (s *Server) showSyncUsers(c echo.Context, status int, v views.SyncUsersPage) error {
	ctx := c.Request().Context()
	var err error
	if v.Users, err = s.CRM.Users(ctx); err != nil {
		return err
	}
	if v.Run, err = s.SyncAdmin.UsersRun(ctx); err != nil {
		return err
	}
	return s.render(c, status, views.SyncUsersView(v))
}

// runSyncUsers carries out what was chosen from the plan, or takes up a run that was stopped.
func (s *Server) runSyncUsers(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	resume := c.FormValue("resume") == "1"
	chosen, err := addresses(c.Request().Form["who"])
	if err == nil && !resume && len(chosen) == 0 {
		err = portal.Fail(portal.ErrInvalid, "sync.users.nobody-chosen")
	}
	if err == nil {
		_, err = s.SyncAdmin.RunUsers(c.Request().Context(), s.person(c), chosen, resume)
	}
	return s.usersDone(c, err)
}

// addresses reads a list of addresses.
func addresses(texts []string) ([]portal.Address, error) {
	out := make([]portal.Address, 0, len(texts))
	for _, text := range texts {
		a, err := portal.ParseAddress(text)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

func (s *Server) stopSyncUsers(c echo.Context) error {
	_, err := s.SyncAdmin.StopUsers(c.Request().Context(), s.person(c))
	return s.usersDone(c, err)
}

// usersDone leads back to the page, or says on it what did not work.
func (s *Server) usersDone(c echo.Context, failure error) error {
	if failure == nil {
		return s.done(c, views.SyncPath+"/users")
	}
	f, err := s.adminFrame(c, "sync.tab.users")
	if err != nil {
		return err
	}
	v := views.SyncUsersPage{Frame: f}
	status, err := s.faulty(c, &v.Frame, &v.Notice, failure)
	if err != nil {
		return err
	}
	return s.showSyncUsers(c, status, v)
}

// clearSyncUser stops somebody's synchronisation.
func (s *Server) clearSyncUser(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	who, err := portal.ParseAddress(c.FormValue("who"))
	if err != nil {
		return err
	}
	if _, err := s.SyncAdmin.ClearUser(c.Request().Context(), s.person(c), who); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, views.WithQuery(views.SyncPath+"/users", "cleared", who.Bare()))
}
