package ews

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"net/url"
	"time"

	"portico/app/portal"
)

// Options and their defaults: what the connector is told about its servers and its house.

// Server is one Exchange server (or organisation) as the configuration describes it.
type Server struct {
	// Name is what logs and figures call it; it has to be unique.
	Name string
	// URL is the EWS endpoint; empty: found by Autodiscover for each mail domain.
	URL string
	// Autodiscover are the addresses to ask where URL is empty; none: those that follow from the mail domain.
	Autodiscover []string
	// Auth is "basic", "ntlm", "kerberos" or "oauth2".
	Auth     string
	Username string
	Password string
	// Domain is the Windows domain (NTLM) or realm (Kerberos).
	Domain string
	// Tenant and ClientID are for oauth2; the client's secret is Password. Scope and TokenURL override what follows from them.
	TokenURL, ClientID, Scope string
	// Krb5Conf, Keytab and SPN are for kerberos; empty: the system's defaults.
	Krb5Conf, Keytab, SPN string
	// Impersonate: the account may act as everybody. False: see Options.Credentials.
	Impersonate bool
	// Version is the highest schema version to offer; empty: the newest known.
	Version string
	// Timeout of one request; zero: one minute.
	Timeout time.Duration
	// Concurrency bounds the requests under way at once; zero: ten.
	Concurrency int
	// Streams bounds the notification connections held open at once; zero: ten. Exchange 2013 allows three.
	Streams int
	// HTTP carries the transport (TLS roots, proxies); nil: the default one.
	HTTP *http.Client
}

// Handler hears what happens at the mailboxes. Its methods must return at once.
type Handler interface {
	// Rang: something may have changed in the mailbox's calendar.
	Rang(mailbox portal.Address)
	// Reached and Lost: the mailbox's bell hangs and its server answers (again), or no longer. Of each watched mailbox Reached is
	// told once that is so, and then each once per change. They are called in their order and must not call the connector.
	Reached(mailbox portal.Address)
	Lost(mailbox portal.Address, err error)
}

// Options are what a Connector needs.
type Options struct {
	// Servers, the first of which is the primary: it is asked first for a mailbox whose home is unknown.
	Servers []Server
	// Credentials gives the user name and password of a person, for servers that do not impersonate. Nil: the
	// server's own account is used, and only owners read their calendars.
	Credentials func(ctx context.Context, who portal.Address) (user, password string, err error)
	// Mailbox is the e-mail address of a person; nil: the address without its scheme.
	Mailbox func(who portal.Address) string
	// Person is the SIP address of an e-mail address, "" for people who have none; nil: every e-mail address of
	// Domain is one.
	Person func(email string) portal.Address
	// Domain is the portal's own domain.
	Domain string
	// Reader is on whose behalf the address book is read (see Connector.Directory), "" for nobody at present; nil: the
	// server's own account reads it.
	Reader func() portal.Address
	// Tracing tells of whom Trace is to be told what is said to the server on their behalf and what it answers, without
	// credentials and at most soap.TraceMax bytes of each; streams of notifications are left out. Both must be quick;
	// nil: of nobody.
	Tracing func(who portal.Address) bool
	Trace   func(who portal.Address, t portal.Traffic)
	Handler Handler
	Logger  *slog.Logger
	// Observe counts requests: the operation, "ok" or a response code, and how long it took.
	Observe func(op, result string, took time.Duration)
	// Skipped counts calendar items that could not be understood; why is one of a few words.
	Skipped func(why string)
	Now     func() time.Time
	// Jitter spreads a wait; nil: up to a quarter more.
	Jitter func(time.Duration) time.Duration
	// Places bounds the calls of each server that nobody waits for (see Connector.Place); zero: 16.
	Places int
	// Bells are the times of the notifications; zero fields take their defaults.
	Bells Bells
}

// Bells are the times that govern notifications.
type Bells struct {
	// Stream is how long one connection stays open, in whole minutes (1 to 30); zero: 29.
	Stream time.Duration
	// Silence is how long a stream may say nothing, not even that it lives; zero: two minutes.
	Silence time.Duration
	// Gather is how long to wait for further mailboxes before streams are opened anew for them; zero: half a second.
	Gather time.Duration
	// Pull is how often a mailbox is asked where the server cannot stream; zero: 15 seconds.
	Pull time.Duration
	// Poll is how often a mailbox is rung where the server has no notifications at all; zero: one minute.
	Poll time.Duration
	// Retry is the first wait after a failure, doubled up to Backoff; zero: one second and two minutes.
	Retry, Backoff time.Duration
	// PerStream is how many subscriptions share a connection; zero, and at most: 200.
	PerStream int
}

func (b Bells) withDefaults() Bells {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&b.Stream, 29*time.Minute)
	def(&b.Silence, 2*time.Minute)
	def(&b.Gather, 500*time.Millisecond)
	def(&b.Pull, 15*time.Second)
	def(&b.Poll, time.Minute)
	def(&b.Retry, time.Second)
	def(&b.Backoff, 2*time.Minute)
	b.Stream = min(max(b.Stream.Truncate(time.Minute), time.Minute), 30*time.Minute)
	if b.PerStream < 1 || b.PerStream > maxPerStream {
		b.PerStream = maxPerStream
	}
	return b
}

// maxPerStream is how many subscriptions GetStreamingEvents takes.
const maxPerStream = 200

func (o Options) withDefaults() (Options, error) {
	seen := map[string]bool{}
	for i, s := range o.Servers {
		if s.Name == "" || seen[s.Name] {
			return o, fmt.Errorf("ews: server %d: the name %q is empty or given twice: %w", i, s.Name, portal.ErrInvalid)
		}
		seen[s.Name] = true
		if u, err := url.Parse(s.URL); s.URL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			return o, fmt.Errorf("ews: server %s: the address is no http(s) address: %w", s.Name, portal.ErrInvalid)
		}
	}
	if o.Mailbox == nil {
		o.Mailbox = portal.Address.Bare
	}
	if o.Person == nil {
		o.Person = personOf(o.Domain)
	}
	if o.Handler == nil {
		o.Handler = nobody{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(string, string, time.Duration) {}
	}
	if o.Skipped == nil {
		o.Skipped = func(string) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Jitter == nil {
		o.Jitter = jitter
	}
	if o.Places < 1 {
		o.Places = 16
	}
	o.Bells = o.Bells.withDefaults()
	return o, nil
}

// personOf takes the e-mail addresses of a domain for SIP addresses, as the portal does where nothing says otherwise.
func personOf(domain string) func(string) portal.Address {
	return func(email string) portal.Address {
		a, err := portal.ParseAddress(email)
		if err != nil || domain == "" || a.Domain() != domain {
			return ""
		}
		return a
	}
}

// jitter adds up to a quarter, so that many who wait for the same thing do not come back at once.
func jitter(d time.Duration) time.Duration {
	if d < 4 {
		return d
	}
	n, err := rand.Int(rand.Reader, big.NewInt(int64(d/4)))
	if err != nil {
		return d
	}
	return d + time.Duration(n.Int64())
}

// nobody is a handler that nobody gave.
type nobody struct{}

func (nobody) Rang(portal.Address)        {}
func (nobody) Reached(portal.Address)     {}
func (nobody) Lost(portal.Address, error) {}
