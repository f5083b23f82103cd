package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/hook"
	"portico/app/portal"
	"portico/views"
)

// pageOfDeliveries is how many deliveries of a hook stand on a page.
const pageOfDeliveries = 100

// maxHookName is the longest name of an endpoint, in bytes.
const maxHookName = 100

// hooksPage shows the addresses of an outside CRM that are told of changes.
func (s *Server) hooksPage(c echo.Context) error {
	f, err := s.adminFrame(c, "sync.tab.hooks")
	if err != nil {
		return err
	}
	return s.showHooks(c, http.StatusOK, views.HooksPage{Frame: f})
}

func (s *Server) showHooks(c echo.Context, status int, v views.HooksPage) error {
	ctx := c.Request().Context()
	hooks, err := s.Hooks.Endpoints(ctx)
	if err != nil {
		return err
	}
	for _, h := range hooks {
		row := views.HookRow{HookEndpoint: h}
		if row.Waiting, err = s.counted(ctx, h.ID, portal.HookWaiting); err != nil {
			return err
		}
		if row.Failed, err = s.counted(ctx, h.ID, portal.HookFailed); err != nil {
			return err
		}
		v.Hooks = append(v.Hooks, row)
	}
	return s.render(c, status, views.HooksView(v))
}

// counted is how many deliveries of an endpoint are in a state, as far as one page counts them.
func (s *Server) counted(ctx context.Context, id, state string) (string, error) {
	list, err := s.Hooks.Deliveries(ctx, id, state, 0, pageOfDeliveries+1)
	if len(list) > pageOfDeliveries {
		return strconv.Itoa(pageOfDeliveries) + "+", err
	}
	return strconv.Itoa(len(list)), err
}

// hookOf is one endpoint.
func (s *Server) hookOf(c echo.Context, id string) (portal.HookEndpoint, error) {
	hooks, err := s.Hooks.Endpoints(c.Request().Context())
	if err != nil {
		return portal.HookEndpoint{}, err
	}
	for _, h := range hooks {
		if h.ID == id {
			return h, nil
		}
	}
	return portal.HookEndpoint{}, portal.Fail(portal.ErrNotFound, "hook.not-found")
}

// hookForm reads what is to be told to whom.
func hookForm(c echo.Context, h portal.HookEndpoint) portal.HookEndpoint {
	h.Name, h.URL, h.Private = strings.TrimSpace(clip(c.FormValue("name"), 200)), strings.TrimSpace(clip(c.FormValue("url"), 2001)), c.FormValue("private") == "on"
	h.Writes = c.FormValue("writes") == "on"
	return h
}

// checkHook says all that is wrong with an endpoint.
func checkHook(h portal.HookEndpoint) error {
	var faults []portal.SyncFault
	if h.Name == "" || len(h.Name) > maxHookName {
		faults = append(faults, portal.SyncFault{Where: "name", Reason: "hook.name"})
	}
	if h.URL != "" {
		if err := hook.CheckURL(h.URL); err != nil {
			faults = append(faults, portal.SyncFault{Where: "url", Reason: portal.Reason(err)})
		}
	}
	return faultsOf(faults)
}

// faultsOf is the error that these things are wrong; nil where nothing is.
func faultsOf(faults []portal.SyncFault) error {
	if len(faults) == 0 {
		return nil
	}
	return &portal.FaultsError{Faults: faults}
}

// addHook makes an endpoint; its secret stands on the page that answers, and on no other.
func (s *Server) addHook(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	f, err := s.adminFrame(c, "sync.tab.hooks")
	if err != nil {
		return err
	}
	v := views.HooksPage{Frame: f, Draft: hookForm(c, portal.HookEndpoint{Active: true})}
	err = checkHook(v.Draft)
	if err == nil {
		v.Made, v.Secret, err = s.Hooks.Save(c.Request().Context(), v.Draft, true)
	}
	status := http.StatusOK
	if err != nil {
		if status, err = s.faulty(c, &v.Frame, &v.Notice, err); err != nil {
			return err
		}
	} else {
		v.Draft = portal.HookEndpoint{}
	}
	return s.showHooks(c, status, v)
}

// changeHook does what the button that was pressed says with a hook.
func (s *Server) changeHook(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	ctx := c.Request().Context()
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	h, err := s.hookOf(c, id)
	if err != nil {
		return err
	}
	if text := c.FormValue("version"); text != "" {
		if h.Version, err = wholeNumber(text, 0); err != nil {
			return err
		}
	}
	switch c.FormValue("do") {
	case "on", "off":
		h.Active = c.FormValue("do") == "on"
		_, _, err = s.Hooks.Save(ctx, h, false)
	case "save":
		return s.saveHook(c, hookForm(c, h))
	case "secret":
		return s.newSecret(c, h)
	case "remove":
		err = s.Hooks.Delete(ctx, id)
	case "resend":
		return s.resend(c, h)
	default:
		err = portal.Fail(portal.ErrInvalid, "sync.decision")
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, views.SyncPath+"/hooks")
}

// resend tries a delivery again.
func (s *Server) resend(c echo.Context, h portal.HookEndpoint) error {
	seq, err := wholeNumber(c.FormValue("delivery"), 0)
	if err != nil {
		return err
	}
	if err := s.Hooks.Resend(c.Request().Context(), seq); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, views.SyncAt("hooks", h.ID))
}

// saveHook stores what was changed about an endpoint; what is wrong with it stands on its page.
func (s *Server) saveHook(c echo.Context, h portal.HookEndpoint) error {
	err := checkHook(h)
	if err == nil {
		_, _, err = s.Hooks.Save(c.Request().Context(), h, false)
	}
	if err == nil {
		return c.Redirect(http.StatusSeeOther, views.SyncAt("hooks", h.ID))
	}
	f, ferr := s.adminFrame(c, "sync.tab.hooks")
	if ferr != nil {
		return ferr
	}
	v := views.DeliveriesPage{Frame: f, Hook: h}
	status, err := s.faulty(c, &v.Frame, &v.Notice, err)
	if err != nil {
		return err
	}
	return s.showDeliveries(c, status, v)
}

// newSecret gives an endpoint another secret, which the page that answers shows.
func (s *Server) newSecret(c echo.Context, h portal.HookEndpoint) error {
	made, secret, err := s.Hooks.Save(c.Request().Context(), h, true)
	if err != nil {
		return err
	}
	f, err := s.adminFrame(c, "sync.tab.hooks")
	if err != nil {
		return err
	}
	return s.showHooks(c, http.StatusOK, views.HooksPage{Frame: f, Made: made, Secret: secret})
}

// deliveriesPage shows what a hook was told.
func (s *Server) deliveriesPage(c echo.Context) error {
	f, err := s.adminFrame(c, "sync.tab.hooks")
	if err != nil {
		return err
	}
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	h, err := s.hookOf(c, id)
	if err != nil {
		return err
	}
	f.Title = h.Name
	return s.showDeliveries(c, http.StatusOK, views.DeliveriesPage{Frame: f, Hook: h})
}

func (s *Server) showDeliveries(c echo.Context, status int, v views.DeliveriesPage) error {
	if state := c.QueryParam("state"); slices.Contains([]string{portal.HookWaiting, portal.HookDone, portal.HookFailed}, state) {
		v.State = state
	}
	before, err := wholeNumber(c.QueryParam("before"), 0)
	if err != nil {
		return err
	}
	if v.Deliveries, err = s.Hooks.Deliveries(c.Request().Context(), v.Hook.ID, v.State, before, pageOfDeliveries+1); err != nil {
		return err
	}
	if len(v.Deliveries) > pageOfDeliveries {
		v.Deliveries = v.Deliveries[:pageOfDeliveries]
		v.Next = v.Deliveries[pageOfDeliveries-1].Seq
	}
	return s.render(c, status, views.DeliveriesView(v))
}
