package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// The API of the control panel: it does what the pages under /admin/sync do, for administrators alone.

// syncCalls is the part of the route table that controls the synchronisation.
func (s *Server) syncCalls() []call {
	return []call{
		{http.MethodGet, "/admin/sync", admins, s.apiSyncStatus, aboutSyncStatus},
		{http.MethodPost, "/admin/sync/held/:source", admins, s.apiSettleHeld, aboutSettleHeld},
		{http.MethodGet, "/admin/sync/settings", admins, s.apiSyncSettings, aboutSyncSettings},
		{http.MethodPut, "/admin/sync/settings", admins, s.apiSaveSyncSettings, aboutSaveSyncSettings},
		{http.MethodPost, "/admin/sync/settings/check", admins, s.apiCheckSyncSettings, aboutCheckSyncSettings},
		{http.MethodGet, "/admin/sync/users", admins, s.apiSyncUsers, aboutSyncUsers},
		{http.MethodGet, "/admin/sync/users/plan", admins, s.apiPlanUsers, aboutPlanUsers},
		{http.MethodGet, "/admin/sync/users/run", admins, s.apiUsersRun, aboutUsersRun},
		{http.MethodPost, "/admin/sync/users/run", admins, s.apiRunUsers, aboutRunUsers},
		{http.MethodDelete, "/admin/sync/users/run", admins, s.apiStopUsers, aboutStopUsers},
		{http.MethodDelete, "/admin/sync/users/:uri/exchange-id", admins, s.apiClearUser, aboutClearUser},

		{http.MethodGet, "/admin/sync/queue", admins, s.apiQueue, aboutQueue},
		{http.MethodGet, "/admin/sync/queue.xml", admins, s.downloadQueue, aboutDownloadQueue},
		{http.MethodPost, "/admin/sync/queue.xml", admins, s.apiImportQueue, aboutImportQueue},
		{http.MethodPost, "/admin/sync/queue/retry", admins, s.apiRetryJobs, aboutRetryJobs},
		{http.MethodGet, "/admin/sync/queue/:seq", admins, s.apiJob, aboutJob},
		{http.MethodDelete, "/admin/sync/queue/:seq", admins, s.apiDiscardJob, aboutDiscardJob},
		{http.MethodGet, "/admin/sync/transactions", admins, s.apiTransactions, aboutTransactions},
		{http.MethodGet, "/admin/sync/transactions.csv", admins, s.downloadLog, aboutTransactionsCSV},
		{http.MethodGet, "/admin/sync/conflicts", admins, s.apiSyncConflicts, aboutSyncConflicts},
		{http.MethodGet, "/admin/sync/conflicts/:id", admins, s.apiConflict, aboutConflict},
		{http.MethodPost, "/admin/sync/conflicts/:id/take-back", admins, s.apiTakeBack, aboutTakeBack},

		{http.MethodGet, "/admin/sync/diagnostics", admins, s.apiDiagnostics, aboutDiagnostics},
		{http.MethodPut, "/admin/sync/diagnostics", admins, s.apiLogLevel, aboutLogLevel},
		{http.MethodPost, "/admin/sync/diagnostics/:uri", admins, s.apiDiagnose, aboutDiagnose},
		{http.MethodGet, "/admin/sync/rules", admins, s.apiRules, aboutRules},
		{http.MethodPut, "/admin/sync/rules", admins, s.apiSaveRules, aboutSaveRules},
		{http.MethodPost, "/admin/sync/rules/preview", admins, s.apiPreviewRules, aboutPreviewRules},
		{http.MethodGet, "/admin/sync/hooks", admins, s.apiHooks, aboutHooks},
		{http.MethodPost, "/admin/sync/hooks", admins, s.apiAddHook, aboutAddHook},
		{http.MethodGet, "/admin/sync/hooks/:id", admins, s.apiHook, aboutHook},
		{http.MethodPut, "/admin/sync/hooks/:id", admins, s.apiSaveHook, aboutSaveHook},
		{http.MethodDelete, "/admin/sync/hooks/:id", admins, s.apiDeleteHook, aboutDeleteHook},
		{http.MethodPost, "/admin/sync/hooks/:id/secret", admins, s.apiNewSecret, aboutNewSecret},
		{http.MethodGet, "/admin/sync/hooks/:id/deliveries", admins, s.apiDeliveries, aboutDeliveries},
		{http.MethodPost, "/admin/sync/deliveries/:seq/resend", admins, s.apiResend, aboutResend},
	}
}

// countsJSON is the queue in numbers.
type countsJSON struct {
	Waiting  int       `json:"waiting"`
	Retrying int       `json:"retrying"`
	Held     int       `json:"held"`
	Failed   int       `json:"failed"`
	Oldest   time.Time `json:"oldest,omitzero"`
}

// statusJSON is how the synchronisation stands.
type statusJSON struct {
	portal.SyncStatus
	Mailboxes []mailboxJSON       `json:"mailboxes"`
	Minutes   []portal.SyncMinute `json:"minutes"`
	Queue     countsJSON          `json:"queue"`
}

// mailboxJSON is a mailbox with why it is not in step, in words.
type mailboxJSON struct {
	portal.MailboxStatus
	Error string `json:"error,omitempty"`
}

// findingJSON is a finding with its cause and cure in words.
type findingJSON struct {
	portal.SyncFinding
	Text string `json:"text"`
	Cure string `json:"cure,omitempty"`
}

var (
	aboutSyncStatus = operation{summary: "How the synchronisation of CRM and Exchange stands", answers: []answer{{status: 200, schema: "SyncStatus"}}}
	aboutSettleHeld = operation{
		summary: "Decide about a mass deletion that waits: let it be carried, or undo it where it was made",
		params:  []param{{name: "source", in: "path", schema: "Address", about: `whose mailbox, or "crm"`}}, body: "HeldDecision",
		answers: []answer{{status: 204, about: "decided"}}, errors: []int{400, 404, 409, 413, 415},
	}
	aboutSyncSettings      = operation{summary: "The settings of the synchronisation, without passwords", answers: []answer{{status: 200, schema: "SyncSettings"}}}
	aboutSaveSyncSettings  = operation{summary: "Store the settings and check them at once against the real servers", body: "SyncSettingsChange", answers: []answer{{status: 200, schema: "SyncSettingsSaved"}}, errors: []int{400, 409, 413, 415}}
	aboutCheckSyncSettings = operation{summary: "Check settings against the real servers without storing them", body: "SyncSettingsChange", answers: []answer{{status: 200, schema: "SyncFinding", list: true}}, errors: []int{400, 413, 415}}
	aboutSyncUsers         = operation{summary: "The CRM users with who they are in Exchange", answers: []answer{{status: 200, schema: "CRMUser", list: true}}}
	aboutPlanUsers         = operation{summary: "What Sync users would do with each person of the address book", answers: []answer{{status: 200, schema: "SyncUserPlan", list: true}}}
	aboutUsersRun          = operation{summary: "How far carrying Sync users out has got", answers: []answer{{status: 200, schema: "SyncUsersRun"}}}
	aboutRunUsers          = operation{summary: "Carry Sync users out for some people, or take a stopped run up again", body: "SyncUsersStart", answers: []answer{{status: 202, schema: "SyncUsersRun"}}, errors: []int{400, 409, 413, 415}}
	aboutStopUsers         = operation{summary: "Stop Sync users after the person under way", answers: []answer{{status: 200, schema: "SyncUsersRun"}}, errors: []int{409}}
	aboutClearUser         = operation{summary: "Clear a user's Exchange ID, which stops their synchronisation", params: []param{uriParam("uri")}, answers: []answer{{status: 200, schema: "CRMUser"}}, errors: []int{400, 404, 409}}
	aboutDiagnostics       = operation{
		summary: "Lines of the live log after a number, with its level",
		params:  []param{{name: "after", in: "query", schema: "Seq", about: "the number of the last line that is known"}, {name: "limit", in: "query", schema: "Limit", about: "how many lines at most (200)"}},
		answers: []answer{{status: 200, schema: "SyncLiveLog"}}, errors: []int{400},
	}
	aboutLogLevel = operation{summary: "Say how much the live log holds", body: "SyncLogLevel", answers: []answer{{status: 204, about: "stored"}}, errors: []int{400, 409, 413, 415}}
	aboutDiagnose = operation{summary: "Test the connection to somebody's mailbox", params: []param{uriParam("uri")}, answers: []answer{{status: 200, schema: "SyncFinding"}}, errors: []int{400}}
)

func (s *Server) apiSyncStatus(c echo.Context) error {
	st, err := s.Sync.Status(c.Request().Context())
	if err != nil {
		return err
	}
	words := s.catalogue(c)
	out := statusJSON{SyncStatus: st, Queue: countsJSON(st.Queue), Mailboxes: []mailboxJSON{}, Minutes: st.Minutes}
	for _, m := range st.Mailboxes {
		row := mailboxJSON{MailboxStatus: m}
		if m.Reason != "" {
			row.Error = sentence(words, m.Reason, nil)
		}
		out.Mailboxes = append(out.Mailboxes, row)
	}
	if out.Minutes == nil {
		out.Minutes = []portal.SyncMinute{}
	}
	return s.json(c, http.StatusOK, out)
}

func (s *Server) apiSettleHeld(c echo.Context) error {
	var in struct {
		Decision string `json:"decision"`
	}
	if err := body(c, &in); err != nil {
		return err
	}
	text, err := pathText(c, "source")
	if err != nil {
		return err
	}
	mailbox, err := heldMailbox(text)
	if err != nil {
		return err
	}
	if err := s.decide(c, in.Decision, mailbox); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// decide releases or restores what is held.
func (s *Server) decide(c echo.Context, decision string, mailbox portal.Address) error {
	ctx, me := c.Request().Context(), s.person(c)
	switch decision {
	case "release":
		return s.Sync.Release(ctx, me, mailbox)
	case "restore":
		return s.Sync.Restore(ctx, me, mailbox)
	}
	return portal.Fail(portal.ErrInvalid, "sync.decision")
}

func (s *Server) apiSyncSettings(c echo.Context) error {
	set, err := s.SyncAdmin.Settings(c.Request().Context())
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, settingsShown(set))
}

// settingsShown are settings as they are told: no list is null, and no password is in them.
func settingsShown(set portal.SyncSettings) portal.SyncSettings {
	if set.OffsetMinutes == nil {
		set.OffsetMinutes = map[string]int{}
	}
	servers := make([]portal.SyncServerSpec, 0, len(set.Servers))
	for _, srv := range set.Servers {
		srv.Password = ""
		servers = append(servers, srv)
	}
	set.Servers = servers
	return set
}

// settingsBody reads settings: what is left out stays as it is.
func (s *Server) settingsBody(c echo.Context) (portal.SyncSettings, error) {
	set, err := s.SyncAdmin.Settings(c.Request().Context())
	if err != nil {
		return set, err
	}
	if err := body(c, &set); err != nil {
		return set, err
	}
	return set, checkSyncSettings(set)
}

// checkSyncSettings says all that is wrong with settings as they are written.
func checkSyncSettings(set portal.SyncSettings) error {
	var faults []portal.SyncFault
	for _, r := range []struct {
		where          string
		n, least, most int
	}{{"log_level", set.LogLevel, 0, 5}, {"keep_log_days", set.KeepLog, 1, 3650}, {"max_share", set.MaxShare, 1, 100}} {
		if r.n < r.least || r.n > r.most {
			faults = append(faults, outOfRange(r.where, r.least, r.most))
		}
	}
	if set.NotifyEmail != "" && !plainEmail(set.NotifyEmail) {
		faults = append(faults, portal.SyncFault{Where: "notify_email", Reason: "crm.email"})
	}
	for name, minutes := range set.OffsetMinutes {
		if minutes < -maxOffset || minutes > maxOffset {
			faults = append(faults, portal.SyncFault{Where: "offset_minutes." + name, Reason: "sync.settings.offset"})
		}
	}
	return faultsOf(faults)
}

func (s *Server) apiSaveSyncSettings(c echo.Context) error {
	set, err := s.settingsBody(c)
	if err != nil {
		return err
	}
	saved, found, err := s.SyncAdmin.SaveSettings(c.Request().Context(), s.person(c), set)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, struct {
		Settings portal.SyncSettings `json:"settings"`
		Findings []findingJSON       `json:"findings"`
	}{settingsShown(saved), s.findingsJSON(c, found)})
}

func (s *Server) apiCheckSyncSettings(c echo.Context) error {
	set, err := s.settingsBody(c)
	if err != nil {
		return err
	}
	found, err := s.SyncAdmin.CheckSettings(c.Request().Context(), set)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, s.findingsJSON(c, found))
}

// findingsJSON are findings with their words.
func (s *Server) findingsJSON(c echo.Context, found []portal.SyncFinding) []findingJSON {
	r := s.reader(c)
	out := []findingJSON{}
	for _, f := range found {
		out = append(out, findingJSON{SyncFinding: f, Text: r.FindingText(f), Cure: r.CureText(f)})
	}
	return out
}

func (s *Server) apiSyncUsers(c echo.Context) error {
	users, err := s.CRM.Users(c.Request().Context())
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, listed(users))
}

// listed is a list that is never null.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (s *Server) apiPlanUsers(c echo.Context) error {
	plan, err := s.SyncAdmin.PlanUsers(c.Request().Context())
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, listed(plan))
}

func (s *Server) apiUsersRun(c echo.Context) error {
	run, err := s.SyncAdmin.UsersRun(c.Request().Context())
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, run)
}

func (s *Server) apiRunUsers(c echo.Context) error {
	var in struct {
		People []string `json:"people"`
		Resume bool     `json:"resume"`
	}
	if err := body(c, &in); err != nil {
		return err
	}
	chosen, err := addresses(in.People)
	if err != nil {
		return err
	}
	if !in.Resume && len(chosen) == 0 {
		return portal.Fail(portal.ErrInvalid, "sync.users.nobody-chosen")
	}
	run, err := s.SyncAdmin.RunUsers(c.Request().Context(), s.person(c), chosen, in.Resume)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusAccepted, run)
}

func (s *Server) apiStopUsers(c echo.Context) error {
	run, err := s.SyncAdmin.StopUsers(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, run)
}

func (s *Server) apiClearUser(c echo.Context) error {
	who, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	user, err := s.SyncAdmin.ClearUser(c.Request().Context(), s.person(c), who)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, user)
}

func (s *Server) apiDiagnostics(c echo.Context) error {
	after, err := wholeNumber(c.QueryParam("after"), 0)
	if err != nil {
		return err
	}
	limit, err := limitOf(c, liveLines)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	st, err := s.Sync.Status(ctx)
	if err != nil {
		return err
	}
	var lines []portal.SyncLogLine
	if after == 0 {
		lines, err = s.newestLines(ctx, limit)
	} else {
		lines, err = s.Sync.Lines(ctx, after, limit)
	}
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, struct {
		Level int                  `json:"level"`
		Lines []portal.SyncLogLine `json:"lines"`
	}{st.LogLevel, listed(lines)})
}

// limitOf reads how many are asked for; at most 1000.
func limitOf(c echo.Context, otherwise int64) (int, error) {
	n, err := wholeNumber(c.QueryParam("limit"), otherwise)
	if err != nil {
		return 0, err
	}
	if n < 1 {
		return 0, portal.Fail(portal.ErrInvalid, "sync.number").With("text", strings.TrimSpace(clip(c.QueryParam("limit"), 40)))
	}
	return int(min(n, 1000)), nil
}

func (s *Server) apiLogLevel(c echo.Context) error {
	var in struct {
		Level *int `json:"level"`
	}
	if err := body(c, &in); err != nil {
		return err
	}
	if in.Level == nil || *in.Level < 0 || *in.Level > 5 {
		return portal.Fail(portal.ErrInvalid, "sync.level")
	}
	if err := s.logAt(c.Request().Context(), s.person(c), *in.Level); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) apiDiagnose(c echo.Context) error {
	who, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	found, err := s.tested(c.Request().Context(), []portal.Address{who})
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, s.findingsJSON(c, []portal.SyncFinding{found[who]})[0])
}
