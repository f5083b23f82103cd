package ewslab

// From an HTTP request to an operation and back: who asks, in whose name, in which version, which method answers.

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// operation is one entry of the table. Exactly one of run and stream is set.
type operation struct {
	run    func(*call) (*node, error) // answers the m:XxxResponse element
	stream func(*call) error          // writes the answer by itself (GetStreamingEvents)
	since  string                     // first version that has it; "" = all
}

// operations is the whole table; each file of services brings its own part.
func (s *Server) operations() map[string]operation {
	ops := s.coreOperations()
	for name, op := range s.serviceOperations() {
		ops[name] = op
	}
	return ops
}

// coreOperations are folders, items, search, synchronisation and attachments.
func (s *Server) coreOperations() map[string]operation {
	return map[string]operation{
		"GetFolder":            {run: s.opGetFolder},
		"FindFolder":           {run: s.opFindFolder},
		"CreateFolder":         {run: s.opCreateFolder},
		"UpdateFolder":         {run: s.opUpdateFolder},
		"DeleteFolder":         {run: s.opDeleteFolder},
		"MoveFolder":           {run: s.opMoveFolder},
		"EmptyFolder":          {run: s.opEmptyFolder, since: "Exchange2010_SP1"},
		"CreateItem":           {run: s.opCreateItem},
		"GetItem":              {run: s.opGetItem},
		"UpdateItem":           {run: s.opUpdateItem},
		"DeleteItem":           {run: s.opDeleteItem},
		"MoveItem":             {run: s.opMoveItem},
		"CopyItem":             {run: s.opCopyItem},
		"SendItem":             {run: s.opSendItem},
		"FindItem":             {run: s.opFindItem},
		"SyncFolderItems":      {run: s.opSyncFolderItems},
		"SyncFolderHierarchy":  {run: s.opSyncFolderHierarchy},
		"CreateAttachment":     {run: s.opCreateAttachment},
		"GetAttachment":        {run: s.opGetAttachment},
		"DeleteAttachment":     {run: s.opDeleteAttachment},
		"ConvertId":            {run: s.opConvertID},
		"GetUserConfiguration": {run: s.opGetUserConfiguration},
	}
}

// call is one request on its way.
type call struct {
	ctx     context.Context
	s       *Server
	name    string         // of the operation
	req     *node          // its element
	dialect int            // place of the request's version in dialects()
	zone    *time.Location // for times without offset
	zoneID  string         // Windows id that the caller named, "" = UTC
	account string         // who signed in: user name, or the service account's
	service bool           // the service account, which may act for anybody
	me      *mailbox       // in whose name: the impersonated, else the caller's own; nil for the service account by itself
	found   int            // objects of finds that the call is charged for. Guarded by limiter.mu
	w       http.ResponseWriter
	r       *http.Request
}

// view runs f in a transaction that reads.
func (c *call) view(f func(*tx) error) error { return c.s.view(c.ctx, f) }

// update runs f in a transaction that writes; its changes are announced after the commit.
func (c *call) update(f func(*tx) error) error { return c.s.update(c.ctx, f) }

// serveEWS answers one request on the service's address.
func (s *Server) serveEWS(w http.ResponseWriter, r *http.Request) {
	account, ok := s.auth.authenticate(w, r)
	if !ok {
		return
	}
	if s.serveSigned(w, r, account) {
		return
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if _, err := io.WriteString(w, "<html><body>Exchange Web Services are here; the service description is Microsoft's.</body></html>"); err != nil {
			s.log.Debug("the lab Exchange's answer was not read", "error", err)
		}
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if err := s.servePost(w, r, account); err != nil {
		s.log.Debug("the lab Exchange's answer was not read", "error", err)
	}
}

// servePost reads the envelope, runs the operation and writes what it answers. The error is one of writing.
func (s *Server) servePost(w http.ResponseWriter, r *http.Request, account signedIn) error {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			http.Error(w, "the request is too large", http.StatusRequestEntityTooLarge)
			return nil
		}
		return err
	}
	header, operation, err := readEnvelope(bytes.NewReader(data))
	if err != nil {
		return s.answerFault(w, &fault{Code: errorSchemaValidation, Text: "The request failed schema validation: " + err.Error()})
	}
	c := &call{ctx: r.Context(), s: s, name: strings.TrimSuffix(operation.Name, "Request"), req: operation, account: account.user, service: account.service, w: w, r: r}
	if err := s.readHeader(c, header); err != nil {
		return s.answerError(c, err)
	}
	return s.perform(c)
}

// perform runs the operation of a call whose headers are read.
func (s *Server) perform(c *call) error {
	op, ok := s.ops[c.name]
	if _, since := dialectNamed(op.since); !ok || op.since != "" && since > s.top {
		return s.answerError(c, invalid("the element '%s' is not known.", c.req.Name))
	}
	leave := func() {}
	if op.stream == nil {
		var err error
		if leave, err = s.limiter.enter(c, s.now()); err != nil {
			return s.answerLimited(c, err)
		}
		leave = sync.OnceFunc(leave)
		defer leave()
	}
	if done, err := s.injure(c); done {
		return err
	}
	if op.stream != nil {
		if err := op.stream(c); err != nil {
			return s.answerError(c, err)
		}
		return nil
	}
	resp, err := op.run(c)
	leave() // who has the answer may ask the next at once
	if err != nil {
		return s.answerError(c, err)
	}
	return s.answer(c.w, resp)
}

// answerError turns an error of the whole request into a fault.
func (s *Server) answerError(c *call, err error) error {
	var whole *fault
	if errors.As(err, &whole) {
		return s.answerFault(c.w, whole)
	}
	var one *failure
	if errors.As(err, &one) {
		return s.answerFault(c.w, &fault{Code: one.Code, Text: one.Text, Values: one.Values})
	}
	if !errors.Is(err, context.Canceled) {
		s.log.Error("the lab Exchange failed", "operation", c.name, "error", err)
	}
	return s.answerFault(c.w, &fault{Code: errorInternal, Text: usualText(errorInternal)})
}

// readHeader takes version, zone and impersonation from the SOAP headers.
func (s *Server) readHeader(c *call, header *node) error {
	c.dialect, c.zone = s.top, time.UTC
	if v := header.kid("RequestServerVersion"); v != nil {
		_, place := dialectNamed(v.attr("Version"))
		if place < 0 || place > s.top {
			return faultf("ErrorInvalidServerVersion", "The specified server version is invalid.")
		}
		c.dialect = place
	}
	if def := header.kid("TimeZoneContext", "TimeZoneDefinition"); def != nil {
		loc, err := locationOf(def)
		if err != nil {
			return err
		}
		c.zone, c.zoneID = loc, def.attr("Id")
	}
	return s.impersonate(c, header.kid("ExchangeImpersonation", "ConnectingSID"))
}

// impersonate decides in whose name the call is made.
func (s *Server) impersonate(c *call, sid *node) error {
	if sid == nil {
		if !c.service {
			c.me = s.people.mailbox(c.account)
		}
		return nil
	}
	if len(sid.Kids) != 1 || sid.Kids[0].Text == "" {
		return faultf("ErrorInvalidExchangeImpersonationHeaderData", "The ExchangeImpersonation header data is invalid.")
	}
	if sid.Kids[0].Name == "SID" {
		return faultf("ErrorImpersonationFailed", "A SID is not known here.")
	}
	target := s.people.mailbox(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(sid.Kids[0].Text)), "smtp:"))
	if !c.service && (target == nil || target.User != c.account) {
		return faultf("ErrorImpersonateUserDenied", "The account does not have permission to impersonate the requested user.")
	}
	if target == nil {
		return faultf("ErrorNonExistentMailbox", "%s", usualText("ErrorNonExistentMailbox"))
	}
	c.me = target
	return nil
}

// messages makes an operation's response with one message for each of n things; do answers what belongs into the i-th message. A
// failure of one does not touch the others; a fault ends all.
func (c *call) messages(n int, do func(i int) ([]*node, error)) (*node, error) {
	list := m("ResponseMessages")
	for i := range n {
		parts, err := do(i)
		msg, err := c.message(parts, err)
		if err != nil {
			return nil, err
		}
		list.add(msg)
	}
	return m(c.name+"Response", list), nil
}

// message is one response message: what was answered, or the failure.
func (c *call) message(parts []*node, err error) (*node, error) {
	msg := m(c.name+"ResponseMessage", at("ResponseClass", "Success"))
	if err == nil {
		return msg.add(m("ResponseCode", "NoError")).add(parts...), nil
	}
	var f *failure
	if !errors.As(err, &f) {
		return nil, err
	}
	class := "Error"
	if f.Warning {
		class = "Warning"
	}
	msg.setAttr("ResponseClass", class).add(m("MessageText", f.Text), m("ResponseCode", f.Code), m("DescriptiveLinkKey", "0"))
	if len(f.Values) > 0 {
		xml := m("MessageXml")
		for _, v := range f.Values {
			xml.add(t("Value", at("Name", v.Name), v.Value))
		}
		msg.add(xml)
	}
	return msg.add(parts...), nil
}
