package hook

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"portico/app/portal"
)

// memory is a Store that keeps things in memory.
type memory struct {
	mu         sync.Mutex
	endpoints  []portal.HookEndpoint
	deliveries []portal.HookDelivery
}

func (m *memory) HookEndpoints(context.Context) ([]portal.HookEndpoint, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.endpoints), nil
}

func (m *memory) at(id string) int {
	return slices.IndexFunc(m.endpoints, func(e portal.HookEndpoint) bool { return e.ID == id })
}

func (m *memory) HookEndpoint(_ context.Context, id string) (portal.HookEndpoint, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := m.at(id); i >= 0 {
		return m.endpoints[i], nil
	}
	return portal.HookEndpoint{}, portal.Fail(portal.ErrNotFound, "not-found")
}

func (m *memory) SaveHookEndpoint(_ context.Context, e portal.HookEndpoint) (portal.HookEndpoint, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.at(e.ID)
	switch {
	case i < 0 && e.Version == 0:
		e.Version = 1
		m.endpoints = append(m.endpoints, e)
	case i < 0 || m.endpoints[i].Version != e.Version:
		return e, portal.Fail(portal.ErrConflict, "conflict")
	default:
		e.Version++
		e.Cursor = m.endpoints[i].Cursor
		m.endpoints[i] = e
	}
	return e, nil
}

func (m *memory) DeleteHookEndpoint(_ context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.at(id)
	if i < 0 {
		return portal.Fail(portal.ErrNotFound, "not-found")
	}
	m.endpoints = slices.Delete(m.endpoints, i, i+1)
	m.deliveries = slices.DeleteFunc(m.deliveries, func(d portal.HookDelivery) bool { return d.Endpoint == id })
	return nil
}

func (m *memory) TakeHookChanges(_ context.Context, endpoint string, cursor int64, list []portal.HookDelivery) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := m.at(endpoint)
	if i < 0 || m.endpoints[i].Cursor >= cursor {
		return nil
	}
	m.endpoints[i].Cursor = cursor
	for _, d := range list {
		d.Seq = int64(len(m.deliveries) + 1)
		m.deliveries = append(m.deliveries, d)
	}
	return nil
}

func (m *memory) DueHookDeliveries(_ context.Context, now time.Time, limit int) ([]portal.HookDelivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	seen := map[string]bool{}
	var out []portal.HookDelivery
	for _, d := range m.deliveries {
		key := d.Endpoint + " " + d.Key
		i := m.at(d.Endpoint)
		if d.State != portal.HookWaiting || seen[key] || i < 0 || !m.endpoints[i].Active {
			continue
		}
		seen[key] = true
		if !d.NotBefore.After(now) && len(out) < limit {
			out = append(out, d)
		}
	}
	return out, nil
}

func (m *memory) NextHookDelivery(context.Context) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var next time.Time
	for _, d := range m.deliveries {
		if i := m.at(d.Endpoint); d.State == portal.HookWaiting && m.endpoints[i].Active && (next.IsZero() || d.NotBefore.Before(next)) {
			next = d.NotBefore
			if next.IsZero() {
				next = time.Unix(0, 0)
			}
		}
	}
	return next, nil
}

func (m *memory) SaveHookDelivery(_ context.Context, d portal.HookDelivery) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deliveries[d.Seq-1] = d
	return nil
}

func (m *memory) HookDelivery(_ context.Context, seq int64) (portal.HookDelivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if seq < 1 || seq > int64(len(m.deliveries)) {
		return portal.HookDelivery{}, portal.Fail(portal.ErrNotFound, "not-found")
	}
	return m.deliveries[seq-1], nil
}

func (m *memory) HookDeliveries(_ context.Context, endpoint, state string, before int64, limit int) ([]portal.HookDelivery, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []portal.HookDelivery
	for _, d := range slices.Backward(m.deliveries) {
		if d.Endpoint == endpoint && (state == "" || d.State == state) && (before == 0 || d.Seq < before) && len(out) < limit {
			out = append(out, d)
		}
	}
	return out, nil
}

func (m *memory) PruneHookDeliveries(context.Context, time.Time) error { return nil }

// log is a Source: a CRM whose records are their changes.
type log struct {
	mu    sync.Mutex
	lines []portal.CRMChange
	bell  chan struct{}
}

func newLog() *log { return &log{bell: make(chan struct{})} }

// say adds a line.
func (l *log) say(kind, id string, change portal.Change, by string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, portal.CRMChange{Seq: int64(len(l.lines) + 1), Kind: kind, ID: id, Change: change, By: by, At: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)})
	close(l.bell)
	l.bell = make(chan struct{})
}

func (l *log) Changes(_ context.Context, after int64, limit int) ([]portal.CRMChange, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := l.lines[min(int(after), len(l.lines)):]
	return slices.Clone(rest[:min(limit, len(rest))]), nil
}

func (l *log) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bell
}

func (l *log) Last(context.Context) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(len(l.lines)), nil
}

func (l *log) Data(_ context.Context, c portal.CRMChange, private bool) (json.RawMessage, error) {
	data := map[string]any{"id": c.ID}
	if private {
		data["subject"] = "secret"
	}
	return json.Marshal(data)
}

// sealed stands in for the account's key: enough to see that what is kept is not what is shown.
func sealed(plain []byte) ([]byte, error) { return []byte("sealed:" + string(plain)), nil }
func opened(box []byte) ([]byte, error) {
	return []byte(strings.TrimPrefix(string(box), "sealed:")), nil
}
