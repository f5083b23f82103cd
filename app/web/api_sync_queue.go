package web

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/calsync/mapping"
	"portico/app/hook"
	"portico/app/portal"
	"portico/views/catalogue"
)

// The API of the queue, the log, the conflicts, the rules and the webhooks.

var (
	seqParam    = param{name: "seq", in: "path", schema: "Seq", about: "its number"}
	queueParams = []param{
		{name: "state", in: "query", schema: "JobState", about: "those that wait, are held or failed"}, {name: "direction", in: "query", schema: "Direction", about: "the way they are to be carried"},
		{name: "mailbox", in: "query", schema: "Address", about: "whose calendar they are about"}, {name: "q", in: "query", schema: "Query", about: "a text in the subject, the key or the cause"},
		{name: "after", in: "query", schema: "Seq", about: "those with a number above it"},
	}
	logParams = []param{
		{name: "q", in: "query", schema: "Query", about: "a text that occurs in it"}, {name: "direction", in: "query", schema: "Direction", about: "which way"},
		{name: "what", in: "query", schema: "Text", about: "what was done"}, {name: "result", in: "query", schema: "Text", about: "what came of it"},
		{name: "mailbox", in: "query", schema: "Address", about: "in whose calendar"}, {name: "crm", in: "query", schema: "Text", about: "about which CRM record"},
		{name: "from", in: "query", schema: "DayOrTime", about: "not before this"}, {name: "to", in: "query", schema: "DayOrTime", about: "before this; of a date its end"},
		{name: "before", in: "query", schema: "Seq", about: "those with a number below it"},
	}
	countParam = param{name: "limit", in: "query", schema: "Limit", about: "how many at most (100)"}

	aboutQueue           = operation{summary: "What waits to be carried, is held or was refused", params: append(queueParams, countParam), answers: []answer{{status: 200, schema: "SyncJob", list: true}}, errors: []int{400}}
	aboutDownloadQueue   = operation{summary: "The queue as an XML file", params: queueParams, answers: []answer{{status: 200, schema: "QueueFile", media: xmlType, about: "the file"}}, errors: []int{400}}
	aboutImportQueue     = operation{summary: "Take in a queue from an XML file", body: "QueueFile", bodyType: xmlType, answers: []answer{{status: 200, schema: "Counted"}}, errors: []int{400, 413, 415}}
	aboutRetryJobs       = operation{summary: "Try some jobs now, or all that failed or wait for their next try", body: "JobsChosen", bodyOptional: true, answers: []answer{{status: 200, schema: "Counted"}}, errors: []int{400, 413, 415}}
	aboutJob             = operation{summary: "One job", params: []param{seqParam}, answers: []answer{{status: 200, schema: "SyncJob"}}, errors: []int{400, 404}}
	aboutDiscardJob      = operation{summary: "Give a job up, with the reason in the log", params: []param{seqParam, {name: "reason", in: "query", schema: "Text", about: "why"}}, answers: []answer{{status: 204, about: "gone"}}, errors: []int{400, 404, 409}}
	aboutTransactions    = operation{summary: "The transaction log, the newest first", params: append(logParams, countParam), answers: []answer{{status: 200, schema: "SyncTransaction", list: true}}, errors: []int{400}}
	aboutTransactionsCSV = operation{summary: "The transaction log as a table", params: logParams, answers: []answer{{status: 200, schema: "CSV", media: csvType, about: "the table, with a head"}}, errors: []int{400}}
	aboutSyncConflicts   = operation{summary: "What was changed on both sides, the newest first", params: []param{{name: "crm", in: "query", schema: "Text", about: "about which CRM record"}, countParam}, answers: []answer{{status: 200, schema: "SyncConflict", list: true}}, errors: []int{400}}
	aboutConflict        = operation{summary: "One conflict", params: []param{idParam}, answers: []answer{{status: 200, schema: "SyncConflict"}}, errors: []int{404}}
	aboutTakeBack        = operation{summary: "Take the version back that was given up", params: []param{idParam}, answers: []answer{{status: 200, schema: "SyncConflict"}}, errors: []int{400, 404, 409}}

	aboutRules        = operation{summary: "The rules of the mapping", answers: []answer{{status: 200, schema: "SyncRules"}}}
	aboutSaveRules    = operation{summary: "Store the rules of the mapping; all that is wrong with them is said", body: "SyncRules", answers: []answer{{status: 200, schema: "SyncRules"}}, errors: []int{400, 409, 413, 415}}
	aboutPreviewRules = operation{summary: "What rules would make of a real appointment", body: "SyncRulesTry", answers: []answer{{status: 200, schema: "SyncRulesPreview"}}, errors: []int{400, 413, 415}}

	aboutHooks      = operation{summary: "The programs outside that hear of the CRM side's changes", answers: []answer{{status: 200, schema: "Hook", list: true}}}
	aboutAddHook    = operation{summary: "Add one; its secret is told this once", body: "NewHook", answers: []answer{{status: 201, schema: "HookMade"}}, errors: []int{400, 413, 415}}
	aboutHook       = operation{summary: "One of them", params: []param{idParam}, answers: []answer{{status: 200, schema: "Hook"}}, errors: []int{404}}
	aboutSaveHook   = operation{summary: "Change one", params: []param{idParam}, body: "HookChange", answers: []answer{{status: 200, schema: "Hook"}}, errors: []int{400, 404, 409, 413, 415}}
	aboutDeleteHook = operation{summary: "Forget one with its deliveries", params: []param{idParam}, answers: []answer{{status: 204, about: "gone"}}, errors: []int{404}}
	aboutNewSecret  = operation{summary: "Give one another secret, which is told this once", params: []param{idParam}, answers: []answer{{status: 200, schema: "HookMade"}}, errors: []int{404, 409}}
	aboutDeliveries = operation{
		summary: "What was sent to one, the newest first",
		params:  []param{idParam, {name: "state", in: "query", schema: "DeliveryState", about: "those that wait, arrived or were given up"}, {name: "before", in: "query", schema: "Seq", about: "those with a number below it"}, countParam},
		answers: []answer{{status: 200, schema: "HookDelivery", list: true}}, errors: []int{400, 404},
	}
	aboutResend = operation{summary: "Send a delivery again now", params: []param{seqParam}, answers: []answer{{status: 204, about: "it is tried now"}}, errors: []int{400, 404, 409}}
)

// xmlType is the media type of a queue's file.
const xmlType = "application/xml"

// jobJSON is a job with its reason in words.
type jobJSON struct {
	portal.SyncJob
	Error string `json:"error,omitempty"`
}

func jobFor(words *catalogue.Catalogue, j portal.SyncJob) jobJSON {
	out := jobJSON{SyncJob: j}
	if j.Reason != "" {
		out.Error = sentence(words, j.Reason, nil)
	}
	return out
}

func (s *Server) apiQueue(c echo.Context) error {
	f, err := queueFilter(c)
	if err != nil {
		return err
	}
	if f.Limit, err = limitOf(c, pageOfJobs); err != nil {
		return err
	}
	jobs, err := s.Sync.Queue(c.Request().Context(), f)
	if err != nil {
		return err
	}
	out := []jobJSON{}
	for _, j := range jobs {
		out = append(out, jobFor(s.catalogue(c), j))
	}
	return s.json(c, http.StatusOK, out)
}

// pathSeq is the number that a request's address names.
func pathSeq(c echo.Context) (int64, error) { return wholeNumber(c.Param("seq"), 0) }

func (s *Server) apiJob(c echo.Context) error {
	seq, err := pathSeq(c)
	if err != nil {
		return err
	}
	j, err := s.Sync.Job(c.Request().Context(), seq)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, jobFor(s.catalogue(c), j))
}

// counted is how many things something was done to.
type countedJSON struct {
	Count int `json:"count"`
}

func (s *Server) apiImportQueue(c echo.Context) error {
	if kind, _, _ := strings.Cut(c.Request().Header.Get(echo.HeaderContentType), ";"); kind != "application/xml" && kind != "text/xml" {
		return failStatus(http.StatusUnsupportedMediaType, "media-type")
	}
	data, err := io.ReadAll(c.Request().Body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	if err != nil {
		return portal.Fail(portal.ErrInvalid, "sync.queue.file").Because(err)
	}
	n, err := s.Sync.ImportQueue(c.Request().Context(), s.person(c), data)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, countedJSON{n})
}

func (s *Server) apiRetryJobs(c echo.Context) error {
	var in struct {
		Seqs []int64 `json:"seqs"`
	}
	if err := optionalBody(c, &in); err != nil {
		return err
	}
	n, err := s.Sync.Retry(c.Request().Context(), s.person(c), in.Seqs)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, countedJSON{n})
}

func (s *Server) apiDiscardJob(c echo.Context) error {
	seq, err := pathSeq(c)
	if err != nil {
		return err
	}
	reason := strings.TrimSpace(clip(c.QueryParam("reason"), maxReason))
	if reason == "" {
		return portal.Fail(portal.ErrInvalid, "sync.reason-missing")
	}
	if err := s.Sync.Discard(c.Request().Context(), s.person(c), seq, reason); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// transactionJSON is a line of the log with its reason in words.
type transactionJSON struct {
	portal.SyncTransaction
	Error string `json:"error,omitempty"`
}

func (s *Server) apiTransactions(c echo.Context) error {
	f, err := logFilter(c, s.reader(c).Zone)
	if err != nil {
		return err
	}
	if f.Limit, err = limitOf(c, pageOfJobs); err != nil {
		return err
	}
	lines, err := s.Sync.Log(c.Request().Context(), f)
	if err != nil {
		return err
	}
	out := []transactionJSON{}
	for _, t := range lines {
		row := transactionJSON{SyncTransaction: t}
		if t.Reason != "" {
			row.Error = sentence(s.catalogue(c), t.Reason, nil)
		}
		out = append(out, row)
	}
	return s.json(c, http.StatusOK, out)
}

// conflictJSON is a conflict as it is told: what would bring the other version back stays here.
type conflictJSON struct {
	portal.SyncConflict
	Lost *struct{} `json:"lost,omitempty"` // stands before the conflict's own, and is always empty
}

func (s *Server) apiSyncConflicts(c echo.Context) error {
	limit, err := limitOf(c, pageOfConflicts)
	if err != nil {
		return err
	}
	list, err := s.Sync.Conflicts(c.Request().Context(), clip(c.QueryParam("crm"), 200), limit)
	if err != nil {
		return err
	}
	out := []conflictJSON{}
	for _, found := range list {
		out = append(out, conflictJSON{SyncConflict: found})
	}
	return s.json(c, http.StatusOK, out)
}

func (s *Server) apiConflict(c echo.Context) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	found, err := s.Sync.Conflict(c.Request().Context(), id)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, conflictJSON{SyncConflict: found})
}

func (s *Server) apiTakeBack(c echo.Context) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	taken, err := s.Sync.TakeBack(c.Request().Context(), s.person(c), id)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, conflictJSON{SyncConflict: taken})
}

// rulesJSON are the rules with the revision that they were read with.
type rulesJSON struct {
	Rules    mapping.Rules `json:"rules"`
	Revision int64         `json:"revision"`
}

func (s *Server) apiRules(c echo.Context) error {
	raw, revision, err := s.SyncAdmin.Rules(c.Request().Context())
	if err != nil {
		return err
	}
	rules, err := mapping.Read(raw)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, rulesJSON{listed(rules), revision})
}

// rawRules are rules as somebody wrote them: what is wrong in their form is said by those who read them.
func rawRules(in []byte) []byte {
	if len(in) == 0 || string(in) == "null" {
		return []byte("[]")
	}
	return in
}

func (s *Server) apiSaveRules(c echo.Context) error {
	var in struct {
		Rules    rawJSON `json:"rules"`
		Revision int64   `json:"revision"`
	}
	if err := body(c, &in); err != nil {
		return err
	}
	ctx, raw := c.Request().Context(), rawRules(in.Rules)
	revision, err := s.SyncAdmin.SaveRules(ctx, s.person(c), raw, in.Revision)
	if err != nil {
		return err
	}
	rules, err := mapping.Read(raw)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, rulesJSON{listed(rules), revision})
}

// rawJSON is a value as it was sent.
type rawJSON []byte

// UnmarshalJSON keeps the value.
func (r *rawJSON) UnmarshalJSON(data []byte) error {
	*r = append((*r)[:0], data...)
	return nil
}

func (s *Server) apiPreviewRules(c echo.Context) error {
	var in struct {
		Rules       rawJSON          `json:"rules"`
		Direction   portal.Direction `json:"direction"`
		Appointment string           `json:"appointment"`
	}
	if err := body(c, &in); err != nil {
		return err
	}
	d, err := directionOf(string(in.Direction))
	if err != nil {
		return err
	}
	if d == "" {
		d = portal.ToExchange
	}
	preview, err := s.SyncAdmin.PreviewRules(c.Request().Context(), rawRules(in.Rules), d, in.Appointment)
	if err != nil {
		return sampleFailure(err)
	}
	preview.By = listed(preview.By)
	for i := range preview.By {
		preview.By[i].Did = listed(preview.By[i].Did)
	}
	return s.json(c, http.StatusOK, preview)
}

func (s *Server) apiHooks(c echo.Context) error {
	list, err := s.Hooks.Endpoints(c.Request().Context())
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, listed(list))
}

// hookBody is what can be said of an endpoint: what is left out stays as it is.
type hookBody struct {
	Name    *string `json:"name"`
	URL     *string `json:"url"`
	Private *bool   `json:"private"`
	Writes  *bool   `json:"writes"`
	Active  *bool   `json:"active"`
	Version int64   `json:"version"`
}

func (b hookBody) over(h portal.HookEndpoint) portal.HookEndpoint {
	for to, from := range map[*string]*string{&h.Name: b.Name, &h.URL: b.URL} {
		if from != nil {
			*to = strings.TrimSpace(*from)
		}
	}
	for to, from := range map[*bool]*bool{&h.Private: b.Private, &h.Writes: b.Writes, &h.Active: b.Active} {
		if from != nil {
			*to = *from
		}
	}
	return h
}

// hookMade is an endpoint with its secret, which is told this once.
type hookMade struct {
	portal.HookEndpoint
	Secret string `json:"secret"`
}

func (s *Server) apiAddHook(c echo.Context) error {
	var in hookBody
	if err := body(c, &in); err != nil {
		return err
	}
	h := in.over(portal.HookEndpoint{Active: true})
	if err := checkHook(h); err != nil {
		return err
	}
	made, secret, err := s.Hooks.Save(c.Request().Context(), h, true)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusCreated, hookMade{made, secret})
}

// namedHook is the endpoint that a request's address names.
func (s *Server) namedHook(c echo.Context) (portal.HookEndpoint, error) {
	id, err := pathText(c, "id")
	if err != nil {
		return portal.HookEndpoint{}, err
	}
	return s.hookOf(c, id)
}

func (s *Server) apiHook(c echo.Context) error {
	h, err := s.namedHook(c)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, h)
}

func (s *Server) apiSaveHook(c echo.Context) error {
	var in hookBody
	if err := body(c, &in); err != nil {
		return err
	}
	h, err := s.namedHook(c)
	if err != nil {
		return err
	}
	h = in.over(h)
	if in.Version != 0 {
		h.Version = in.Version
	}
	if err := checkHook(h); err != nil {
		return err
	}
	saved, _, err := s.Hooks.Save(c.Request().Context(), h, false)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, saved)
}

func (s *Server) apiDeleteHook(c echo.Context) error {
	h, err := s.namedHook(c)
	if err != nil {
		return err
	}
	if err := s.Hooks.Delete(c.Request().Context(), h.ID); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) apiNewSecret(c echo.Context) error {
	h, err := s.namedHook(c)
	if err != nil {
		return err
	}
	made, secret, err := s.Hooks.Save(c.Request().Context(), h, true)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, hookMade{made, secret})
}

func (s *Server) apiDeliveries(c echo.Context) error {
	h, err := s.namedHook(c)
	if err != nil {
		return err
	}
	before, err := wholeNumber(c.QueryParam("before"), 0)
	if err != nil {
		return err
	}
	limit, err := limitOf(c, pageOfDeliveries)
	if err != nil {
		return err
	}
	state := c.QueryParam("state")
	if state != "" && state != portal.HookWaiting && state != portal.HookDone && state != portal.HookFailed {
		return portal.Fail(portal.ErrInvalid, "sync.filter").With("text", clip(state, 40))
	}
	list, err := s.Hooks.Deliveries(c.Request().Context(), h.ID, state, before, limit)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, listed(list))
}

func (s *Server) apiResend(c echo.Context) error {
	seq, err := pathSeq(c)
	if err != nil {
		return err
	}
	if err := s.Hooks.Resend(c.Request().Context(), seq); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// Largest bodies that are larger than those of other calls: a queue's file and an outside CRM's message.
func syncBodyLimit(path string) int64 {
	switch {
	case path == "/admin/sync/queue.xml" || path == "/admin/sync/queue/upload":
		return portal.MaxQueueFile + uploadExtra
	case strings.HasPrefix(path, "/admin/sync/rules"):
		return 2 * mapping.MaxDocument
	case strings.HasPrefix(path, "/admin/policies/") || path == "/admin/custom-states":
		return deskBodyLimit(path)
	case path == "/crm/inbox":
		return hook.MaxIncoming
	case strings.HasPrefix(path, "/crm/appointments"):
		return maxAppointmentBody
	}
	return maxBody
}
