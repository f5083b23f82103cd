package admin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"portico/app/portal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	boss = portal.Address("sip:boss@example.test")
	ann  = portal.Address("sip:ann@example.test")
	ben  = portal.Address("sip:ben@example.test")
	cyd  = portal.Address("sip:cyd@example.test")
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refusedWith checks the key and the meaning of an error.
func refusedWith(t *testing.T, err error, meaning error, key string) {
	t.Helper()
	if portal.Meaning(err) != meaning || portal.Reason(err) != key {
		t.Errorf("%v, want %v: %s", err, meaning, key)
	}
}

// memory is a store in memory that keeps to the contract of Store, and can be away.
type memory struct {
	mu      sync.Mutex
	rules   map[[3]string]portal.PolicyRule
	groups  map[string]portal.PolicyGroup
	record  []portal.PolicyChange
	sets    map[string]portal.CustomStates
	origins map[string]portal.Origin
	// away counts down the calls that still work; below zero all do.
	away int
}

func newMemory() *memory {
	return &memory{rules: map[[3]string]portal.PolicyRule{}, groups: map[string]portal.PolicyGroup{}, sets: map[string]portal.CustomStates{},
		origins: map[string]portal.Origin{}, away: -1}
}

var errAway = portal.Fail(portal.ErrUnavailable, "storage.unavailable").Because(errors.New("on purpose"))

// enter is called with each call; the lock is held afterwards where it gives no error.
func (m *memory) enter() error {
	m.mu.Lock()
	if m.away == 0 {
		m.mu.Unlock()
		return errAway
	}
	if m.away > 0 {
		m.away--
	}
	return nil
}

func (m *memory) breakAfter(calls int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.away = calls
}

func key(r portal.PolicyRule) [3]string { return [3]string{r.Name, r.Scope.Kind, r.Scope.Who} }

func (m *memory) note(lines []portal.PolicyChange) {
	for _, l := range lines {
		l.Seq = int64(len(m.record) + 1)
		m.record = append(m.record, l)
	}
}

func (m *memory) PolicyRules(context.Context) ([]portal.PolicyRule, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.rules)), nil
}

func (m *memory) PolicyGroups(context.Context) ([]portal.PolicyGroup, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.groups)), nil
}

func (m *memory) ChangePolicies(_ context.Context, c Changes) error {
	if err := m.enter(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	for _, r := range c.Drop {
		delete(m.rules, key(r))
	}
	for _, r := range c.Put {
		m.rules[key(r)] = r
	}
	for _, g := range c.PutGroups {
		m.groups[g.ID] = g
	}
	for _, id := range c.DropGroups {
		delete(m.groups, id)
		maps.DeleteFunc(m.rules, func(_ [3]string, r portal.PolicyRule) bool {
			return r.Scope.Kind == portal.ScopeGroup && r.Scope.Who == id
		})
	}
	m.note(c.Record)
	return nil
}

func (m *memory) PolicyChanges(_ context.Context, before int64, limit int) ([]portal.PolicyChange, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	var list []portal.PolicyChange
	for _, l := range slices.Backward(m.record) {
		if (before == 0 || l.Seq < before) && len(list) < limit {
			list = append(list, l)
		}
	}
	return list, nil
}

func (m *memory) CustomStates(context.Context) ([]portal.CustomStates, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.sets)), nil
}

func (m *memory) SaveCustomStates(_ context.Context, set portal.CustomStates, record []portal.PolicyChange) error {
	if err := m.enter(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	m.sets[set.Source] = set
	m.note(record)
	return nil
}

func (m *memory) DropCustomStates(_ context.Context, source string, record []portal.PolicyChange) error {
	if err := m.enter(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	delete(m.sets, source)
	m.note(record)
	return nil
}

func (m *memory) Origins(context.Context) ([]portal.Origin, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.origins)), nil
}

func (m *memory) PutOrigin(_ context.Context, o portal.Origin, record []portal.PolicyChange) error {
	if err := m.enter(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	m.origins[o.Origin] = o
	m.note(record)
	return nil
}

func (m *memory) DropOrigin(_ context.Context, origin string, record []portal.PolicyChange) error {
	if err := m.enter(); err != nil {
		return err
	}
	defer m.mu.Unlock()
	delete(m.origins, origin)
	m.note(record)
	return nil
}

// house is a service upon a store that remembers, with what it told.
type house struct {
	*Service
	store *memory
	mu    sync.Mutex
	told  []string
	dept  map[portal.Address]string
	conf  map[string]string
}

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func build(t testing.TB, store *memory, fetch Fetcher, adjust func(*Options)) *house {
	t.Helper()
	h := &house{store: store, dept: map[portal.Address]string{cyd: "Sales"}, conf: map[string]string{}}
	o := Options{
		Now:        noon,
		Department: func(who portal.Address) string { return h.dept[who] },
		Configured: func(name string) (string, bool) { v, ok := h.conf[name]; return v, ok },
		Changed: func(who []portal.Address, names []string) {
			h.mu.Lock()
			defer h.mu.Unlock()
			if who == nil {
				h.told = append(h.told, fmt.Sprint("all ", names))
				return
			}
			h.told = append(h.told, fmt.Sprint(who, " ", names))
		},
	}
	if adjust != nil {
		adjust(&o)
	}
	h.Service = New(store, fetch, o)
	must(t, h.Load(context.Background()))
	h.news()
	return h
}

// news is what was told since the last time.
func (h *house) news() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	told := h.told
	h.told = nil
	return told
}

func (h *house) expect(t *testing.T, what string, want ...string) {
	t.Helper()
	if got := h.news(); !slices.Equal(got, want) {
		t.Errorf("%s: told %q, want %q", what, got, want)
	}
}

func everyone(name, value string) portal.PolicyRule {
	return portal.PolicyRule{Name: name, Scope: portal.PolicyScope{Kind: portal.ScopeEveryone}, Value: value}
}

func ofGroup(name, id, value string) portal.PolicyRule {
	return portal.PolicyRule{Name: name, Scope: portal.PolicyScope{Kind: portal.ScopeGroup, Who: id}, Value: value}
}

func ofPerson(name string, who portal.Address, value string) portal.PolicyRule {
	return portal.PolicyRule{Name: name, Scope: portal.PolicyScope{Kind: portal.ScopePerson, Who: string(who)}, Value: value}
}

func fourStates(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("../policy/testdata/customstates/four.xml")
	must(t, err)
	return data
}
