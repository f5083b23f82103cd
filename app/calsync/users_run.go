package calsync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"portico/app/portal"
)

// Carrying Sync users out: a run is a document of the ledger, so that it can be stopped, outlives a restart, and is taken up
// again where it was.

const blobUsers = "users-run"

// The states of a run.
const (
	runRunning = "running"
	runStopped = "stopped"
	runDone    = "done"
	runFailed  = "failed"
)

// usersRun is a run with whom it has still to deal with.
type usersRun struct {
	portal.SyncUsersRun
	Todo     []portal.Address `json:"todo"`
	revision int64
}

func (p *Panel) loadRun(ctx context.Context) (usersRun, error) {
	var r usersRun
	raw, rev, err := p.l.SyncBlob(ctx, blobUsers)
	if errors.Is(err, portal.ErrNotFound) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("read the run of Sync users: %w", err)
	}
	r.revision = rev
	return r, nil
}

func (p *Panel) saveRun(ctx context.Context, r *usersRun) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the run of Sync users: %w", err)
	}
	if err := p.l.SaveSyncBlob(ctx, blobUsers, raw, r.revision); err != nil {
		return err
	}
	r.revision++
	p.Service.o.Told()
	return nil
}

// UsersRun is how far the last run of Sync users has got; one that never was has no State.
func (p *Panel) UsersRun(ctx context.Context) (portal.SyncUsersRun, error) {
	r, err := p.loadRun(ctx)
	return r.SyncUsersRun, err
}

// RunUsers begins a run of Sync users for the chosen people (none: everybody in the address book), or with resume takes up the
// one that was stopped. It returns at once; one that is under way is ErrConflict.
func (p *Panel) RunUsers(ctx context.Context, by portal.Address, chosen []portal.Address, resume bool) (portal.SyncUsersRun, error) {
	r, err := p.loadRun(ctx)
	if err != nil {
		return r.SyncUsersRun, err
	}
	if r.State == runRunning {
		return r.SyncUsersRun, portal.Fail(portal.ErrConflict, "sync.users.running")
	}
	if resume {
		if len(r.Todo) == 0 {
			return r.SyncUsersRun, portal.Fail(portal.ErrConflict, "sync.users.nothing")
		}
	} else {
		people, err := p.book(ctx)
		if err != nil {
			return r.SyncUsersRun, err
		}
		r = usersRun{revision: r.revision}
		for _, who := range people {
			if len(chosen) == 0 || slices.Contains(chosen, who.URI) {
				r.Todo = append(r.Todo, who.URI)
			}
		}
		if len(r.Todo) == 0 {
			return r.SyncUsersRun, portal.Fail(portal.ErrInvalid, "sync.users.nobody")
		}
		r.Of, r.Started = len(r.Todo), p.o.Now().UTC()
	}
	r.State, r.By, r.Reason = runRunning, string(by), ""
	p.mu.Lock()
	p.stop = false
	p.mu.Unlock()
	if err := p.saveRun(ctx, &r); err != nil {
		return r.SyncUsersRun, err
	}
	ring(p.runs)
	return r.SyncUsersRun, nil
}

// StopUsers lets the run under way end after the people in hand; it can be taken up again.
func (p *Panel) StopUsers(ctx context.Context, _ portal.Address) (portal.SyncUsersRun, error) {
	p.mu.Lock()
	p.stop = true
	p.mu.Unlock()
	return p.UsersRun(ctx)
}

func (p *Panel) stopping() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stop
}

// usersLoop carries runs out until ctx ends. A run that the last end of the house cut goes on.
func (p *Panel) usersLoop(ctx context.Context) {
	for {
		if err := p.carryRun(ctx); err != nil && ctx.Err() == nil {
			p.o.Logger.ErrorContext(ctx, "calsync: sync users", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-p.runs:
		}
	}
}

// carryRun carries out what the stored run has still to do.
func (p *Panel) carryRun(ctx context.Context) error {
	r, err := p.loadRun(ctx)
	if err != nil || r.State != runRunning {
		return err
	}
	people, err := p.book(ctx)
	if err != nil {
		r.State, r.Reason = runFailed, portal.Reason(err)
		return errors.Join(err, p.saveRun(ctx, &r))
	}
	by := map[portal.Address]portal.Person{}
	for _, who := range people {
		by[who.URI] = who
	}
	for len(r.Todo) > 0 && !p.stopping() {
		if err := p.carrySome(ctx, &r, by); err != nil {
			if ctx.Err() != nil {
				return nil // it goes on after the next start
			}
			r.State, r.Reason = runFailed, portal.Reason(err)
			return errors.Join(err, p.saveRun(ctx, &r))
		}
	}
	r.State = runDone
	if len(r.Todo) > 0 {
		r.State = runStopped
	}
	r.Ended = p.o.Now().UTC()
	return p.saveRun(ctx, &r)
}

// carrySome deals with the next few people of a run.
func (p *Panel) carrySome(ctx context.Context, r *usersRun, book map[portal.Address]portal.Person) error {
	some := r.Todo[:min(p.o.Parallel, len(r.Todo))]
	var people []portal.Person
	for _, who := range some {
		if one, ok := book[who]; ok { // who left the address book meanwhile is nobody to pair
			people = append(people, one)
		}
	}
	rows, err := p.plan(ctx, people)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := p.carryUser(ctx, r, row); err != nil {
			return err
		}
	}
	r.Done += len(some)
	r.Todo = slices.Clone(r.Todo[len(some):])
	if err := p.refresh(ctx); err != nil {
		return err
	}
	return p.saveRun(ctx, r)
}

// carryUser does with one person what was planned. That it cannot be done is counted and logged, and stops nobody else.
func (p *Panel) carryUser(ctx context.Context, r *usersRun, row portal.SyncUserPlan) error {
	u := row.User
	line := portal.SyncTransaction{At: p.o.Now(), What: "users", Mailbox: row.Person.URI, Server: row.Server, Result: "done", By: r.By,
		Before: map[string]string{"exchange_id": u.ExchangeID, "exchange_server": u.Server}}
	switch {
	case row.Action == actionNone && row.Problem == "":
		return nil
	case row.Action == actionNone || row.Action == actionAmbiguous:
		r.Failed++
		line.Result, line.Reason, line.Before = "skipped", row.Problem, nil
		return p.l.LogSync(ctx, line)
	case row.Action == actionCreate:
		u = portal.CRMUser{Address: row.Person.URI, Email: emailFor(row.Person), Resource: true}
		u.FirstName, u.LastName = names(row.Person.DisplayName)
	}
	if !u.Synced() {
		u.Since = p.o.Now().UTC()
	}
	u.ExchangeID, u.Server, u.Cleared = row.ID, row.Server, false
	if u.Email == "" {
		u.Email = emailFor(row.Person)
	}
	line.After = map[string]string{"exchange_id": u.ExchangeID, "exchange_server": u.Server, "action": row.Action}
	_, err := p.crm.PutUsers(ctx, []portal.CRMUser{u}, r.By)
	switch {
	case err == nil:
		p.count(r, row)
	case portal.Meaning(err) == nil || errors.Is(err, portal.ErrUnavailable):
		return err
	default: // somebody changed the user meanwhile, or they cannot be one
		r.Failed++
		line.Result, line.Reason, line.Cause = "failed", portal.Reason(err), err.Error()
	}
	return p.l.LogSync(ctx, line)
}

func (p *Panel) count(r *usersRun, row portal.SyncUserPlan) {
	switch row.Action {
	case actionCreate:
		r.Created++
	case actionResume:
		r.Resumed++
		r.Again = append(r.Again, row.User.Address)
	default:
		r.Linked++
	}
}
