package siplab

// Looking inside: for tests, and for the operator of a demonstration.

import (
	"cmp"
	"slices"
	"time"
)

// Binding is one device of a person.
type Binding struct {
	Contact   string // URI
	Instance  string // +sip.instance, empty where the device gave none
	RegID     string
	Network   string // UDP, TCP or TLS
	Source    string // host:port it registered from
	UserAgent string
	Q         float64 // preference, 0 to 1
	Expires   time.Time
}

// Publication is what one device says of a person.
type Publication struct {
	ETag    string
	Expires time.Time
	Parts   int // tuples, persons, devices, notes
	Bytes   int // size of the published document
}

// Subscription is one watcher's dialog.
type Subscription struct {
	Watcher string // sip: URI
	Target  string // sip: URI of the person or list
	Package string // presence or presence.winfo
	State   string // active, pending or terminated
	Expires time.Time
	Source  string // host:port NOTIFYs go to
}

// Counters are totals since New.
type Counters struct {
	Requests    map[string]int64         // by method; methods that SIP does not know are OTHER
	Responses   map[string]map[int]int64 // by method and status
	Malformed   int64                    // messages refused before they reached a transaction
	Stray       int64                    // answers that belonged to nothing
	Stored      int64                    // messages kept for people who were away
	Delivered   int64                    // of those, handed over
	Notified    int64                    // NOTIFYs sent
	SlowReaders int64                    // connections closed because the peer did not read
}

// Bindings returns the devices of a person (local part), best first; nil for an unknown person.
func (s *Server) Bindings(name string) []Binding {
	a := s.account(name)
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]Binding, 0, len(a.bindings))
	for _, b := range a.bindings {
		out = append(out, Binding{Contact: b.contact.String(), Instance: b.instance, RegID: b.regID, Network: b.flow.network,
			Source: b.flow.remote, UserAgent: b.agent, Q: float64(b.q) / 1000, Expires: b.expires})
	}
	return out
}

// Publications returns what a person's devices published, newest first.
func (s *Server) Publications(name string) []Publication {
	a := s.account(name)
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]Publication, 0, len(a.pubs))
	for _, p := range a.pubs {
		out = append(out, Publication{ETag: p.etag, Expires: p.expires, Parts: len(p.parts), Bytes: p.size})
	}
	return out
}

// Document returns the presence document that watchers of a person get now; nil for an unknown person.
func (s *Server) Document(name string) []byte {
	a := s.account(name)
	if a == nil {
		return nil
	}
	return slices.Clone(a.document())
}

// Subscriptions returns every dialog of the presence agent, by watcher and target.
func (s *Server) Subscriptions() []Subscription {
	var out []Subscription
	s.subs.each(func(sub *subscription) {
		target := ""
		if sub.list != nil {
			target = sub.list.uri
		} else {
			target = sub.owner.aor
		}
		sub.mu.Lock()
		defer sub.mu.Unlock()
		state := "active"
		switch {
		case sub.ended != "":
			state = "terminated"
		case sub.pending:
			state = "pending"
		}
		out = append(out, Subscription{Watcher: sub.watcher, Target: target, Package: sub.pkg, State: state, Expires: sub.expires,
			Source: sub.flow.remote})
	})
	slices.SortFunc(out, func(a, b Subscription) int {
		return cmp.Or(cmp.Compare(a.Watcher, b.Watcher), cmp.Compare(a.Target, b.Target), cmp.Compare(a.Package, b.Package))
	})
	return out
}

// Stored returns how many messages wait for a person.
func (s *Server) Stored(name string) int {
	a := s.account(name)
	if a == nil {
		return 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.inbox.queue)
}

// Counters returns the totals.
func (s *Server) Counters() Counters {
	c := &s.counters
	out := Counters{Requests: map[string]int64{}, Responses: map[string]map[int]int64{}, Malformed: c.malformed.Load(), Stray: c.stray.Load(),
		Stored: c.stored.Load(), Delivered: c.delivered.Load(), Notified: c.notified.Load(), SlowReaders: c.slowReaders.Load()}
	c.each(func(k statusKey, n int64) {
		if k.status == 0 {
			out.Requests[k.method] = n
			return
		}
		if out.Responses[k.method] == nil {
			out.Responses[k.method] = map[int]int64{}
		}
		out.Responses[k.method][k.status] = n
	})
	return out
}

// Load is what the server holds at this moment: for tests that look for leaks.
type Load struct {
	Connections  int // open TCP and TLS connections
	Transactions int // client and server transactions
	Bindings     int
	Dialogs      int // subscriptions
	Publications int
	Messages     int // stored
}

// Load counts what the server holds.
func (s *Server) Load() Load {
	var l Load
	if t := s.current.Load(); t != nil {
		t.mu.Lock()
		l.Connections = len(t.flows)
		t.mu.Unlock()
		l.Transactions = t.servers.len() + t.clients.len()
	}
	for _, a := range s.allAccounts() {
		a.mu.Lock()
		l.Bindings += len(a.bindings)
		l.Publications += len(a.pubs)
		l.Messages += len(a.inbox.queue)
		a.mu.Unlock()
	}
	l.Dialogs = s.subs.len()
	return l
}
