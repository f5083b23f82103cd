package web

import (
	"context"
	"log/slog"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/prometheus/client_golang/prometheus"

	"portico/app/chat"
	"portico/app/portal"
	"portico/realtime"
	"portico/views/catalogue"
)

// Deps is what the edge stands on. All but Calendar, Logger, Registry, Now and Ready are needed.
type Deps struct {
	Account   Account
	Chat      Chat
	Presence  Presence
	Contacts  Contacts
	Directory Directory
	Events    EventLog
	// Calendar is nil where the portal has none.
	Calendar Calendar
	// CRM and Hooks are nil where there is no CRM side, Sync and SyncAdmin where it is not kept in step with Exchange.
	CRM       CRM
	Hooks     Hooks
	Sync      Sync
	SyncAdmin SyncAdmin
	// History, Savings and Calls are nil where the portal keeps no archive and no list of calls.
	History History
	Savings Savings
	Calls   Calls
	// Rooms is nil where the portal has none.
	Rooms Rooms
	// Policies and Diagnosis are nil where nobody keeps such decisions and logs, Books where the address book does not tell how it is.
	Policies  Policies
	Diagnosis Diagnosis
	Books     Books
	// Facts tells of somebody's connections; nil: nothing is known of them.
	Facts func(ctx context.Context, who portal.Address) (Facts, error)
	// PeopleDeps is what the pages of people stand on.
	PeopleDeps
	// Resume is nil where drafts and places are not kept.
	Resume Resume
	// OIDC is the sign-in at an identity provider, then the only one; nil: people type a password here.
	OIDC OIDC
	// Audit is the audit trail; nil: what would stand in it is only logged.
	Audit Audit
	// Embeds tells whose pages may show presence; nil: those of Config.EmbedOrigins alone.
	Embeds Embeds
	// Sessions keeps session data. It is to keep hashes of the tokens, not the tokens.
	Sessions scs.CtxStore
	Hub      *realtime.Hub
	Config   Config
	Logger   *slog.Logger
	Registry *prometheus.Registry
	// Languages are the texts of pages; nil: those that the portal comes with.
	Languages *catalogue.Set
	// Ready are asked, all at once, by /readyz.
	Ready []Probe
	Now   func() time.Time
}

// Probe says whether one backend answers.
type Probe struct {
	// Name is what /readyz calls the backend ("storage", "sip").
	Name  string
	Check func(ctx context.Context) error
}

// EventLog is the log of durable events.
type EventLog interface {
	// EventHead is the number of the newest event.
	EventHead(ctx context.Context) (int64, error)
	// EventsSince gives who's next events after since, oldest first; resync when the log does not reach
	// back that far or too much was missed.
	EventsSince(ctx context.Context, who portal.Address, since int64, limit int) (evs []portal.Logged, resync bool, err error)
}

// Account signs people in and keeps their sign-ins and settings.
type Account interface {
	// SignInFrom signs somebody in from a remote address, in a browser that keeps a token of Device ("": in another).
	SignInFrom(ctx context.Context, address, password, remote, device string) (portal.Address, error)
	// Device gives what the browser of somebody who has signed in is to keep, in the place of token.
	Device(token string, who portal.Address, typed string) (string, error)
	Began(ctx context.Context, who portal.Address, sessionKey, agent, remote string) error
	Ended(ctx context.Context, sessionKey string) error
	EndAll(ctx context.Context, who portal.Address) error
	Me(ctx context.Context, who portal.Address) (portal.Me, error)
	Settings(ctx context.Context, who portal.Address) (portal.Settings, error)
	// ChangeSettings keeps what change makes of somebody's settings, one change after the other; change must not make another.
	ChangeSettings(ctx context.Context, who portal.Address, change func(*portal.Settings) error) error
	Sessions(ctx context.Context, who portal.Address) ([]portal.Signin, error)
	// SignInAs signs in somebody for whom an identity provider has vouched.
	SignInAs(ctx context.Context, who portal.Address, remote string) error
	LineState(who portal.Address) portal.LineEvent
	// Whose is the person of a session that lives; ErrUnauthenticated for any other. It is asked of memory, and counts as use of
	// the session.
	Whose(ctx context.Context, sessionKey string) (portal.Address, error)
}

// Chat says and keeps what is said.
type Chat interface {
	Say(ctx context.Context, from portal.Address, d chat.Draft) (portal.Message, error)
	Typing(ctx context.Context, from, conversation portal.Address, typing bool) error
	MarkRead(ctx context.Context, owner, conversation portal.Address, id string) error
	Messages(ctx context.Context, owner, conversation portal.Address, before int64, limit int) ([]portal.Message, error)
	Conversations(ctx context.Context, owner portal.Address) ([]portal.Conversation, error)
	Unread(ctx context.Context, owner portal.Address) (map[portal.Address]int, error)
	// Counts is all that waits for somebody, beside unread messages also in rooms and in the list of calls.
	Counts(ctx context.Context, who portal.Address) (portal.CountsEvent, error)
	TypingNow(owner portal.Address) []portal.TypingEvent
}

// Presence is the board.
type Presence interface {
	Attach(who portal.Address, conn string)
	Detach(who portal.Address, conn string)
	Active(who portal.Address, conn string)
	Idle(who portal.Address, conn string)
	Touch(who portal.Address)
	SetByHand(ctx context.Context, who portal.Address, m portal.Manual) (portal.Presence, error)
	Reset(ctx context.Context, who portal.Address) (portal.Presence, error)
	SetNote(ctx context.Context, who portal.Address, note string, until time.Time) (portal.Presence, error)
	Own(who portal.Address) portal.Presence
	Of(watcher, whom portal.Address) portal.Presence
	Query(ctx context.Context, watcher portal.Address, whom []portal.Address) ([]portal.Presence, error)
	Watch(who portal.Address, conn string, uris []portal.Address)
	// Moment is to be had before a page is made, and Snapshot leaves out what did not change since.
	Moment() uint64
	Snapshot(who portal.Address, since uint64) []portal.Presence
}

// Contacts is the contact list.
type Contacts interface {
	List(ctx context.Context, owner portal.Address) ([]portal.Contact, error)
	Put(ctx context.Context, owner portal.Address, c portal.Contact) error
	// Amend is Put that leaves the group of an old entry as it is.
	Amend(ctx context.Context, owner portal.Address, c portal.Contact) error
	Remove(ctx context.Context, owner, uri portal.Address) error
}

// Directory is the address book.
type Directory interface {
	Search(ctx context.Context, q string, limit int) ([]portal.Person, error)
	Lookup(ctx context.Context, a portal.Address) portal.Person
}
