package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// maxServers bounds the servers that a form names.
const maxServers = 20

// maxOffset is by how many minutes a server's times can be off at most: the farthest zones lie 14 hours apart from UTC.
const maxOffset = 14 * 60

// outOfRange is that a number is not one of those that make sense.
func outOfRange(where string, least, most int) portal.SyncFault {
	return portal.SyncFault{Where: where, Reason: "sync.settings.range", Args: map[string]string{"least": strconv.Itoa(least), "most": strconv.Itoa(most)}}
}

// syncSettingsPage shows the settings of the synchronisation.
func (s *Server) syncSettingsPage(c echo.Context) error {
	f, err := s.adminFrame(c, "sync.tab.settings")
	if err != nil {
		return err
	}
	set, err := s.SyncAdmin.Settings(c.Request().Context())
	if err != nil {
		return err
	}
	return s.showSyncSettings(c, http.StatusOK, views.SyncSettingsPage{Frame: f, Settings: set})
}

func (s *Server) showSyncSettings(c echo.Context, status int, v views.SyncSettingsPage) error {
	users, err := s.CRM.Users(c.Request().Context())
	if err != nil {
		return err
	}
	v.Users = users
	return s.render(c, status, views.SyncSettingsView(v))
}

// saveSyncSettings stores the settings and checks them at once against the real servers, or only checks them. What is wrong
// stands on the page, with what was typed still in it; passwords never do.
func (s *Server) saveSyncSettings(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	f, err := s.adminFrame(c, "sync.tab.settings")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	typed, faults := syncSettingsOf(c)
	v := views.SyncSettingsPage{Frame: f, Settings: typed, Notice: views.Notice{Faults: faults}}
	if len(faults) > 0 {
		return s.showSyncSettings(c, http.StatusBadRequest, v)
	}
	if c.FormValue("do") == "check" {
		v.Checked = true
		v.Findings, err = s.SyncAdmin.CheckSettings(ctx, typed)
	} else {
		var saved portal.SyncSettings
		if saved, v.Findings, err = s.SyncAdmin.SaveSettings(ctx, s.person(c), typed); err == nil {
			v.Settings, v.Checked, v.Done = saved, true, f.Text("sync.settings.saved")
		}
	}
	status := http.StatusOK
	if err != nil {
		v.Checked = false
		if status, err = s.faulty(c, &v.Frame, &v.Notice, err); err != nil {
			return err
		}
	}
	for i := range v.Settings.Servers {
		v.Settings.Servers[i].Password = ""
	}
	return s.showSyncSettings(c, status, v)
}

// faulty turns an error that people can mend into what a page says of it, with the page's status; any other it gives back.
func (s *Server) faulty(c echo.Context, f *views.Frame, n *views.Notice, err error) (int, error) {
	var many *portal.FaultsError
	var said *portal.Error
	switch {
	case errors.As(err, &many):
		n.Faults = many.Faults
	case errors.As(err, &said) && (errors.Is(err, portal.ErrInvalid) || errors.Is(err, portal.ErrConflict) || errors.Is(err, portal.ErrUnavailable)):
		f.Problem = f.Failure(err)
	case errors.Is(err, portal.ErrInvalid), errors.Is(err, portal.ErrConflict):
		f.Problem = f.Failure(err)
	default:
		return 0, err
	}
	c.Set(failedKey, err)
	answer := classify(err)
	setRetryAfter(c, answer)
	return answer.status, nil
}

// syncSettingsOf reads the settings' form.
func syncSettingsOf(c echo.Context) (portal.SyncSettings, []portal.SyncFault) {
	var faults []portal.SyncFault
	count := func(field string, least, most int) int {
		n, err := strconv.Atoi(strings.TrimSpace(c.FormValue(field)))
		if err != nil || n < least || n > most {
			faults = append(faults, outOfRange(field, least, most))
			return least
		}
		return n
	}
	on := func(field string) bool { return c.FormValue(field) == "on" }
	set := portal.SyncSettings{
		ToExchange: on("to_exchange"), ToCRM: on("to_crm"), CreateUsers: on("create_users"), CopyReminders: on("copy_reminders"), Diagnostic: on("diagnostic"),
		NotifyEmail: strings.TrimSpace(clip(c.FormValue("notify_email"), 254)), LogLevel: count("log_level", 0, 5), KeepLog: count("keep_log_days", 1, 3650), MaxShare: count("max_share", 1, 100),
		OffsetMinutes: map[string]int{},
	}
	if set.NotifyEmail != "" && !plainEmail(set.NotifyEmail) {
		faults = append(faults, portal.SyncFault{Where: "notify_email", Reason: "crm.email"})
	}
	if text := c.FormValue("sync_user"); text != "" {
		user, err := portal.ParseAddress(text)
		if err != nil {
			faults = append(faults, portal.SyncFault{Where: "sync_user", Reason: portal.Reason(err)})
		}
		set.SyncUser = user
	}
	revision, err := wholeNumber(c.FormValue("revision"), 0)
	if err != nil {
		faults = append(faults, portal.SyncFault{Where: "revision", Reason: portal.Reason(err), Args: map[string]string{"text": clip(c.FormValue("revision"), 40)}})
	}
	set.Revision = revision
	return set, append(faults, serversOf(c, &set)...)
}

// serversOf reads the rows of servers; one without a name is none.
func serversOf(c echo.Context, set *portal.SyncSettings) (faults []portal.SyncFault) {
	for n := range maxServers {
		own := func(field string) string {
			return strings.TrimSpace(clip(c.FormValue(fmt.Sprintf("server.%d.%s", n, field)), 1024))
		}
		name := own("name")
		where := fmt.Sprintf("servers.%d", n)
		if name == "" {
			if own("url") != "" || own("username") != "" {
				faults = append(faults, portal.SyncFault{Where: where, Reason: "sync.settings.server-name"})
				set.Servers = append(set.Servers, portal.SyncServerSpec{URL: own("url"), Auth: own("auth"), Username: own("username"), Impersonate: own("impersonate") == "on"})
			}
			continue
		}
		if own("remove") == "on" {
			continue
		}
		if text := own("offset"); text != "" && text != "0" {
			minutes, err := strconv.Atoi(text)
			if err != nil || minutes < -maxOffset || minutes > maxOffset {
				faults = append(faults, portal.SyncFault{Where: where, Reason: "sync.settings.offset"})
			}
			set.OffsetMinutes[name] = minutes
		}
		set.Servers = append(set.Servers, portal.SyncServerSpec{
			Name: name, URL: own("url"), Auth: own("auth"), Username: own("username"), Password: c.FormValue(fmt.Sprintf("server.%d.password", n)),
			Impersonate: own("impersonate") == "on", Fixed: own("fixed") == "on", Primary: c.FormValue("primary") == strconv.Itoa(n),
		})
	}
	return faults
}
