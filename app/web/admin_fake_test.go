package web

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"portico/app/admin"
	"portico/app/audit"
	"portico/app/diagnosis"
	"portico/app/directory"
	"portico/app/portal"
)

// deskHouse is what a house has of administration and diagnosis: the real services over the house's storage; only what is
// known of connections is made up.
type deskHouse struct {
	admin     *admin.Service
	diagnosis *diagnosis.Service
	audit     *audit.Service
	facts     *fakeFacts
	book      *directory.Service
}

// newDesk makes them; the house's store and address book are there already. Whose policies change hears of it, and
// administrators hear of every change.
func (h *house) newDesk(book *directory.Service, now func() time.Time, emit func(portal.Address, portal.Current)) {
	h.book, h.facts = book, &fakeFacts{}
	h.diagnosis = diagnosis.New(h.store, diagnosis.Options{Now: now, Attach: []func(portal.Address, func(portal.Traffic)) func(){h.facts.attach}})
	h.audit = audit.New(h.store, audit.Options{Now: now})
	h.admin = admin.New(h.store, h.facts, admin.Options{
		Now: now, Department: func(who portal.Address) string { return book.Lookup(context.Background(), who).Department },
		Changed: func(who []portal.Address, names []string) {
			if who == nil {
				who = []portal.Address{alice, bob, carol}
			}
			for _, a := range append(who, alice) {
				emit(a, portal.PoliciesEvent{Names: names})
			}
		},
	})
}

// desk puts them into the edge's dependencies.
func (h *house) desk(d *Deps) {
	d.Policies, d.Diagnosis, d.Books, d.Facts, d.Audit = h.admin, h.diagnosis, h.book, h.facts.of, h.audit
}

// fakeFacts is what there is to know of connections, where traffic goes that is traced, and the web server on which files
// of custom states lie.
type fakeFacts struct {
	mu      sync.Mutex
	facts   Facts
	failing error
	sinks   map[portal.Address]func(portal.Traffic)
	files   map[string]string
}

func (f *fakeFacts) with(change func(*fakeFacts)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fakeFacts) of(context.Context, portal.Address) (Facts, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.facts, f.failing
}

func (f *fakeFacts) attach(who portal.Address, sink func(portal.Traffic)) func() {
	f.with(func(f *fakeFacts) {
		if f.sinks == nil {
			f.sinks = map[portal.Address]func(portal.Traffic){}
		}
		f.sinks[who] = sink
	})
	return func() { f.with(func(f *fakeFacts) { delete(f.sinks, who) }) }
}

// said hands a message of somebody's traffic to their trace; false: nobody traces it.
func (f *fakeFacts) said(who portal.Address, t portal.Traffic) bool {
	f.mu.Lock()
	sink := f.sinks[who]
	f.mu.Unlock()
	if sink == nil {
		return false
	}
	sink(t)
	return true
}

// Fetch gives a file that lies on the made-up web server.
func (f *fakeFacts) Fetch(_ context.Context, address string, _ admin.Marks) (admin.Fetched, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	file, ok := f.files[address]
	if !ok {
		return admin.Fetched{}, portal.Fail(portal.ErrUnavailable, "customstates.unreachable")
	}
	return admin.Fetched{Body: []byte(file)}, nil
}

// fourStates is a file of custom states as the original has it; the last has no German text.
const fourStates = `<?xml version="1.0" encoding="utf-8"?>
<customStates xmlns="http://schemas.microsoft.com/09/2005/communicator/customStates">
  <customState ID="1" availability="online"><activity LCID="1033">Working from Home</activity><activity LCID="1031">Heimarbeit</activity></customState>
  <customState ID="2" availability="busy"><activity LCID="1033">In a Live Meeting</activity><activity LCID="1031">In einer Live-Besprechung</activity></customState>
  <customState ID="3" availability="busy"><activity LCID="1033">Meeting with Customer</activity><activity LCID="1031">Beim Kunden</activity></customState>
  <customState ID="4" availability="do-not-disturb"><activity LCID="1033">Sleeping</activity></customState>
</customStates>`

// wellKnown is a person whose connections are all up.
func wellKnown(t testing.TB) Facts {
	at := wednesday(t)
	return Facts{
		Version: "1.6.0",
		Line: &portal.LineFacts{
			Proxy: "sip:proxy.example.test;transport=tcp", Server: "kamailio (5.6.3)", Transport: "tcp", Auth: "digest", Contact: "sip:alice@127.0.0.1:5062", RegisteredAt: at.Add(-time.Hour), Until: at.Add(time.Hour),
			Published: at.Add(-time.Minute), XCAP: []string{"resource-lists", "pres-rules"}, LastError: "503 Service Unavailable", LastErrorAt: at.Add(-2 * time.Hour),
			Subscriptions: []portal.SubscriptionFact{
				{Event: "presence", Of: bob, State: "active", Until: at.Add(time.Hour)}, {Event: "presence", Of: carol, State: "pending"},
				{Event: "message-summary", Of: alice, State: "refused"}, {Event: "presence.winfo", Of: alice, State: "waiting"},
			},
		},
		Exchange: []portal.ExchangeFacts{
			{Name: "primary", URL: "https://mail.example.test/EWS/Exchange.asmx", Version: "15.2.1118", Auth: "ntlm", Mailbox: "alice@example.test", State: "up", ReadAt: at.Add(-time.Minute)},
			{Name: "branch", URL: "https://branch.example.test/EWS/Exchange.asmx", Auth: "basic", State: "down", LastError: "connection refused", LastErrorAt: at},
		},
		Contacts: portal.ContactsFacts{Place: "server", Contacts: 7, SyncedAt: at.Add(-5 * time.Minute)},
	}
}

// rule sets a policy for the test.
func (h *house) rule(name, kind, who, value string) {
	h.t.Helper()
	if err := h.admin.SetRule(h.t.Context(), alice, portal.PolicyRule{Name: name, Scope: portal.PolicyScope{Kind: kind, Who: who}, Value: value}); err != nil {
		h.t.Fatal(err)
	}
}

// incident notes a line in somebody's log and waits until it is kept.
func (h *house) incident(i portal.Incident) {
	h.t.Helper()
	before := len(h.incidents(i.Who))
	h.diagnosis.Note(h.t.Context(), i)
	eventually(h.t, "the line is kept", func() bool { return len(h.incidents(i.Who)) > before })
}

func (h *house) incidents(who portal.Address) []portal.Incident {
	h.t.Helper()
	lines, err := h.diagnosis.Incidents(h.t.Context(), who, 0, 200)
	if err != nil {
		h.t.Fatal(err)
	}
	return lines
}

// leadsSomewhere expects an answer that leads on, and goes there.
func (r *reply) leads(c caller, status int) *reply {
	r.t.Helper()
	if r.status != http.StatusSeeOther {
		r.t.Fatalf("%d %s, want to be led on", r.status, r.body)
	}
	return c.call(http.MethodGet, r.header.Get("Location"), nil, status)
}
