package hook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"portico/app/portal"
)

// Source is the CRM side whose changes go out.
type Source interface {
	// Changes gives up to limit lines of the change log after a number, by number.
	Changes(ctx context.Context, after int64, limit int) ([]portal.CRMChange, error)
	// Changed is closed at the next change after it was asked for.
	Changed() <-chan struct{}
	// Last is the number of the newest line.
	Last(ctx context.Context) (int64, error)
	// Data is the record of a change as programs outside see it, as JSON; of private appointments the texts are left out
	// unless private is true. Of a record that is no more it is its id.
	Data(ctx context.Context, c portal.CRMChange, private bool) (json.RawMessage, error)
}

// Options adjust a Service. The zero value of all but Seal and Open is a working set.
type Options struct {
	// Seal and Open keep the secrets at rest. They are needed.
	Seal func(plain []byte) ([]byte, error)
	Open func(sealed []byte) ([]byte, error)
	// Networks are those of one's own to which changes may go.
	Networks []netip.Prefix
	// FirstRetry doubles with each failure up to MaxRetry; after GiveUp tries a delivery is given up. Defaults: 5 s, 1 h, 20.
	FirstRetry, MaxRetry time.Duration
	GiveUp               int
	// Parallel bounds the requests under way (8), Timeout one request (15 s), Keep how long outcomes are listed (14 days).
	Parallel int
	Timeout  time.Duration
	Keep     time.Duration
	Logger   *slog.Logger
	Now      func() time.Time
	// Counted is told of each try: "done", "retried" or "failed".
	Counted func(result string)
}

// Service sends changes to the endpoints outside and takes theirs. Its methods may be called from any goroutine. One goroutine
// (Run) owns what goes out; the log of changes is the queue, so that nothing is lost while an endpoint is away.
type Service struct {
	source Source
	store  Store
	o      Options
	client *http.Client
	nudge  chan struct{}
}

// New makes a Service; nothing is sent before Run.
func New(source Source, store Store, o Options) *Service {
	or := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	or(&o.FirstRetry, 5*time.Second)
	or(&o.MaxRetry, time.Hour)
	or(&o.Timeout, 15*time.Second)
	or(&o.Keep, 14*24*time.Hour)
	if o.GiveUp <= 0 {
		o.GiveUp = 20
	}
	if o.Parallel <= 0 {
		o.Parallel = 8
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Counted == nil {
		o.Counted = func(string) {}
	}
	return &Service{source: source, store: store, o: o, client: newClient(o.Networks, o.Timeout), nudge: make(chan struct{}, 1)}
}

// Endpoints lists the endpoints without their secrets.
func (s *Service) Endpoints(ctx context.Context) ([]portal.HookEndpoint, error) {
	list, err := s.store.HookEndpoints(ctx)
	for i := range list {
		list[i].Secret = nil
	}
	return list, err
}

// maxEndpoints bounds the endpoints: each change is sent to all of them.
const maxEndpoints = 20

// Save makes an endpoint (its Version is zero) or changes one. A new one gets the secret that is given back, in the form
// that is shown once; so does one for which fresh is asked. What changed before an endpoint was made is not sent to it.
func (s *Service) Save(ctx context.Context, e portal.HookEndpoint, fresh bool) (portal.HookEndpoint, string, error) {
	if len(e.Name) > 100 {
		return e, "", portal.Fail(portal.ErrInvalid, "hook.name")
	}
	for _, k := range e.Kinds {
		if !slices.Contains(kinds(), k) {
			return e, "", portal.Fail(portal.ErrInvalid, "hook.type").With("type", clip(k))
		}
	}
	if e.URL != "" {
		if err := CheckURL(e.URL); err != nil {
			return e, "", err
		}
	}
	var shown string
	switch {
	case e.Version == 0:
		list, err := s.store.HookEndpoints(ctx)
		if err != nil {
			return e, "", err
		}
		if len(list) >= maxEndpoints {
			return e, "", portal.Fail(portal.ErrTooMany, "hook.many")
		}
		e.ID, e.CreatedAt, fresh = uuid.NewString(), s.o.Now().UTC(), true
		if e.Cursor, err = s.source.Last(ctx); err != nil {
			return e, "", err
		}
	default:
		old, err := s.store.HookEndpoint(ctx, e.ID)
		if err != nil {
			return e, "", err
		}
		e.Secret, e.CreatedAt, e.CreatedBy = old.Secret, old.CreatedAt, old.CreatedBy
	}
	if fresh {
		secret := NewSecret()
		sealed, err := s.o.Seal(secret)
		if err != nil {
			return e, "", fmt.Errorf("seal a webhook's secret: %w", err)
		}
		e.Secret, shown = sealed, ShowSecret(secret)
	}
	e, err := s.store.SaveHookEndpoint(ctx, e)
	if err != nil {
		return e, "", err
	}
	e.Secret = nil
	s.wake()
	return e, shown, nil
}

// Delete forgets an endpoint and what was on its way to it.
func (s *Service) Delete(ctx context.Context, id string) error {
	return s.store.DeleteHookEndpoint(ctx, id)
}

// Deliveries lists what went and goes to an endpoint, the newest first.
func (s *Service) Deliveries(ctx context.Context, endpoint, state string, before int64, limit int) ([]portal.HookDelivery, error) {
	return s.store.HookDeliveries(ctx, endpoint, state, before, min(max(limit, 1), 500))
}

// Resend lets a delivery be tried again now, whatever became of it.
func (s *Service) Resend(ctx context.Context, seq int64) error {
	d, err := s.store.HookDelivery(ctx, seq)
	if err != nil {
		return err
	}
	d.State, d.Tries, d.NotBefore, d.DoneAt = portal.HookWaiting, 0, time.Time{}, time.Time{}
	if err := s.store.SaveHookDelivery(ctx, d); err != nil {
		return err
	}
	s.wake()
	return nil
}

func (s *Service) wake() {
	select {
	case s.nudge <- struct{}{}:
	default:
	}
}

// Bounds of one round.
const (
	intakeAtOnce = 200
	pruneEvery   = time.Hour
	afterTrouble = 10 * time.Second // when storage does not answer
)

// Run sends until ctx ends; requests under way are cut then, and tried again after the next start.
func (s *Service) Run(ctx context.Context) error {
	defer s.client.CloseIdleConnections()
	pruned := time.Time{}
	for ctx.Err() == nil {
		rung := s.source.Changed() // before reading: a change after it rings
		wait, err := s.round(ctx)
		if err != nil && ctx.Err() == nil {
			s.o.Logger.Error("webhooks", "error", err)
			wait = afterTrouble
		}
		if now := s.o.Now(); now.Sub(pruned) >= pruneEvery {
			if err := s.store.PruneHookDeliveries(ctx, now.Add(-s.o.Keep)); err != nil && ctx.Err() == nil {
				s.o.Logger.Error("webhooks: forget old deliveries", "error", err)
			}
			pruned = now
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-rung:
		case <-s.nudge:
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

// round takes in what changed and sends what is due; it says how long there is nothing more to do.
func (s *Service) round(ctx context.Context) (time.Duration, error) {
	endpoints, err := s.store.HookEndpoints(ctx)
	if err != nil {
		return 0, err
	}
	byID := map[string]portal.HookEndpoint{}
	for _, e := range endpoints {
		byID[e.ID] = e
		if err := s.intake(ctx, e); err != nil {
			return 0, err
		}
	}
	for {
		due, err := s.store.DueHookDeliveries(ctx, s.o.Now(), s.o.Parallel)
		if err != nil {
			return 0, err
		}
		if len(due) == 0 {
			break
		}
		if err := s.sendAll(ctx, byID, due); err != nil {
			return 0, err
		}
	}
	next, err := s.store.NextHookDelivery(ctx)
	if err != nil || next.IsZero() {
		return pruneEvery, err
	}
	return max(next.Sub(s.o.Now()), 10*time.Millisecond), nil
}

// intake makes deliveries of the changes since the endpoint's cursor. Its own changes are not sent back to it.
func (s *Service) intake(ctx context.Context, e portal.HookEndpoint) error {
	for {
		lines, err := s.source.Changes(ctx, e.Cursor, intakeAtOnce)
		if err != nil || len(lines) == 0 {
			return err
		}
		var list []portal.HookDelivery
		for _, c := range lines {
			e.Cursor = c.Seq
			if e.URL == "" || !e.Active || c.By == By(e.ID) || len(e.Kinds) > 0 && !slices.Contains(e.Kinds, c.Kind) {
				continue
			}
			d, err := s.delivery(ctx, e, c)
			if err != nil {
				return err
			}
			list = append(list, d)
		}
		if err := s.store.TakeHookChanges(ctx, e.ID, e.Cursor, list); err != nil {
			return err
		}
		if len(lines) < intakeAtOnce {
			return nil
		}
	}
}

// By is who changed a record where an endpoint did.
func By(endpoint string) string { return "hook:" + endpoint }

// outgoing is the body of a request (Standard Webhooks, "payload structure").
type outgoing struct {
	Type      string          `json:"type"`
	Timestamp time.Time       `json:"timestamp"`
	Data      json.RawMessage `json:"data"`
}

func (s *Service) delivery(ctx context.Context, e portal.HookEndpoint, c portal.CRMChange) (portal.HookDelivery, error) {
	data, err := s.source.Data(ctx, c, e.Private)
	if err != nil {
		return portal.HookDelivery{}, err
	}
	kind := c.Kind + "." + string(c.Change)
	body, err := json.Marshal(outgoing{Type: kind, Timestamp: c.At.UTC(), Data: data})
	if err != nil {
		return portal.HookDelivery{}, fmt.Errorf("write a webhook: %w", err)
	}
	return portal.HookDelivery{
		Endpoint: e.ID, ID: fmt.Sprintf("chg_%d", c.Seq), Key: c.Kind + ":" + c.ID, Type: kind, Payload: body,
		State: portal.HookWaiting, MadeAt: s.o.Now().UTC(),
	}, nil
}

// sendAll sends some deliveries side by side, each of another record.
func (s *Service) sendAll(ctx context.Context, endpoints map[string]portal.HookEndpoint, due []portal.HookDelivery) error {
	errs := make([]error, len(due))
	var all sync.WaitGroup
	for i, d := range due {
		all.Go(func() { errs[i] = s.try(ctx, endpoints[d.Endpoint], d) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// try sends one delivery and keeps what came of it.
func (s *Service) try(ctx context.Context, e portal.HookEndpoint, d portal.HookDelivery) error {
	status, wait, err := s.send(ctx, e, d)
	if ctx.Err() != nil {
		return nil // the house closes: it waits as it did
	}
	d.Tries, d.Status, d.Reason = d.Tries+1, status, ""
	result := "done"
	switch {
	case err == nil:
		d.State, d.DoneAt = portal.HookDone, s.o.Now().UTC()
	case status == http.StatusGone || d.Tries >= s.o.GiveUp:
		d.State, d.Reason, d.DoneAt, result = portal.HookFailed, err.Error(), s.o.Now().UTC(), "failed"
		s.o.Logger.Warn("a webhook was given up", "endpoint", e.Name, "type", d.Type, "tries", d.Tries, "error", err)
	default:
		d.Reason, result = err.Error(), "retried"
		d.NotBefore = s.o.Now().Add(max(wait, s.pause(d.Tries)))
	}
	s.o.Counted(result)
	return s.store.SaveHookDelivery(ctx, d)
}

// pause is the wait after a number of failures: doubled each time up to MaxRetry, and up to a quarter more.
func (s *Service) pause(tries int) time.Duration {
	d := s.o.MaxRetry
	if n := tries - 1; n < 30 {
		d = min(s.o.FirstRetry<<n, s.o.MaxRetry)
	}
	return d + rand.N(d/4+1)
}

// maxAnswer is how much of an answer is read, so that the connection can be used again.
const maxAnswer = 64 << 10

// send makes one request. wait is how long the other side asked to be left alone.
func (s *Service) send(ctx context.Context, e portal.HookEndpoint, d portal.HookDelivery) (status int, wait time.Duration, err error) {
	secret, err := s.o.Open(e.Secret)
	if err != nil {
		return 0, 0, errors.New("the secret cannot be opened: set a fresh one")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(d.Payload))
	if err != nil {
		return 0, 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Portico")
	Sign(req.Header, secret, d.ID, s.o.Now(), d.Payload)
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)); err != nil && resp.StatusCode < 300 {
		return resp.StatusCode, 0, err
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return resp.StatusCode, 0, nil
	}
	return resp.StatusCode, retryAfter(resp.Header, s.o.Now(), s.o.MaxRetry), fmt.Errorf("the answer was %s", resp.Status)
}

// retryAfter reads Retry-After (RFC 9110 section 10.2.3), at most most.
func retryAfter(h http.Header, now time.Time, most time.Duration) time.Duration {
	v := h.Get("Retry-After")
	if v == "" {
		return 0
	}
	d, err := time.ParseDuration(v + "s")
	if err != nil {
		at, err := http.ParseTime(v)
		if err != nil {
			return 0
		}
		d = at.Sub(now)
	}
	return min(max(d, 0), most)
}
