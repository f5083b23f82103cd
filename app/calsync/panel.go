package calsync

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"portico/app/portal"
)

// Panel is what administrators set up about the synchronisation: settings that are checked against the real servers, users,
// diagnosis, and the e-mail that tells of trouble. Run owns the work that goes on after a call has returned (a run of Sync
// users, the mails). Its methods may be called from any goroutine.
type Panel struct {
	*Service
	o PanelOptions

	// runs holds one request to go on with Sync users.
	runs chan struct{}
	mu   sync.Mutex
	stop bool // the run under way is to end after the person in hand

	trouble *trouble
}

// PanelOptions are what a Panel takes from the rest of the house.
type PanelOptions struct {
	// Book gives everybody in the address book.
	Book func(ctx context.Context) ([]portal.Person, error)
	// Seal and Open keep the servers' passwords at rest.
	Seal func(plain []byte) ([]byte, error)
	Open func(sealed []byte) ([]byte, error)
	// Fixed are the servers of the configuration file, the primary first, without passwords.
	Fixed []portal.SyncServerSpec
	// Try signs in to a server that is not in use yet; its Password is the plain one.
	Try func(ctx context.Context, spec portal.SyncServerSpec) error
	// Apply puts the servers beside the fixed ones into use, with their plain passwords.
	Apply func(ctx context.Context, extra []portal.SyncServerSpec) error
	// Mail is the way out for e-mail; nil: there is none. CheckMail says hello to the mail server; nil: nothing to check.
	Mail      Mail
	CheckMail func(ctx context.Context) error
	// Site is the portal's address, for the mails.
	Site   string
	Logger *slog.Logger
	Now    func() time.Time
	// Gather is how long the first errors of an incident are collected before the mail goes out (30 s); Remind is after how
	// long of the same trouble a further one goes (24 h).
	Gather, Remind time.Duration
	// Parallel bounds the people who are looked up in Exchange at the same time (8).
	Parallel int
}

// NewPanel makes the panel of a service. The service's Options.Incident is to call Trouble.
func NewPanel(s *Service, o PanelOptions) *Panel {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Gather <= 0 {
		o.Gather = 30 * time.Second
	}
	if o.Remind <= 0 {
		o.Remind = 24 * time.Hour
	}
	if o.Parallel <= 0 {
		o.Parallel = 8
	}
	p := &Panel{Service: s, o: o, runs: make(chan struct{}, 1)}
	p.trouble = newTrouble(p)
	return p
}

// Run puts the stored servers into use and then works until ctx ends. A run of Sync users that is under way then is taken up again
// with RunUsers.
func (p *Panel) Run(ctx context.Context) error {
	if err := p.applyStored(ctx); err != nil && ctx.Err() == nil {
		p.o.Logger.ErrorContext(ctx, "calsync: the servers that an administrator added cannot be used", "err", err)
	}
	var all sync.WaitGroup
	all.Go(func() { p.trouble.run(ctx) })
	all.Go(func() { p.usersLoop(ctx) })
	all.Wait()
	return nil
}
