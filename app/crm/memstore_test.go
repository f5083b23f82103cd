package crm

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"portico/app/calendar/series"
	"portico/app/portal"
)

// memory is a Store that stores, in memory.
type memory struct {
	mu        sync.Mutex
	records   map[string][]byte
	users     map[portal.Address]portal.CRMUser
	people    map[string]portal.CRMPerson
	companies map[string]portal.CRMCompany
	files     map[string][]byte
	answers   map[string]any
	log       []portal.CRMChange
	events    []portal.Addressed
	now       func() time.Time
	// before is called, outside of the lock, before records are stored: what another hand does in between.
	before func()
	// fail is what every call fails with; nil: none does.
	fail error
}

func newMemory(now func() time.Time) *memory {
	return &memory{records: map[string][]byte{}, users: map[portal.Address]portal.CRMUser{}, people: map[string]portal.CRMPerson{},
		companies: map[string]portal.CRMCompany{}, files: map[string][]byte{}, answers: map[string]any{}, now: now}
}

type stored struct {
	portal.CRMAppointment
	Files []portal.CRMFile
}

func pack(r portal.CRMAppointment) []byte {
	data, err := json.Marshal(stored{r, r.Kept})
	if err != nil {
		panic(err)
	}
	return data
}

func unpack(data []byte) portal.CRMAppointment {
	var s stored
	if err := json.Unmarshal(data, &s); err != nil {
		panic(err)
	}
	s.Kept = s.Files
	return s.CRMAppointment
}

func (m *memory) note(kind, id, by string, change portal.Change, revision int64) {
	m.log = append(m.log, portal.CRMChange{Seq: int64(len(m.log) + 1), Kind: kind, ID: id, Change: change, By: by, At: m.now(), Revision: revision})
}

func (m *memory) CRMAppointment(_ context.Context, id string) (portal.CRMAppointment, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return portal.CRMAppointment{}, m.fail
	}
	data, ok := m.records[id]
	if !ok {
		return portal.CRMAppointment{}, portal.ErrNotFound
	}
	return unpack(data), nil
}

// living gives the records that are not gone, by start. The caller holds the lock.
func (m *memory) living(fits func(*portal.CRMAppointment) bool) []portal.CRMAppointment {
	var out []portal.CRMAppointment
	for _, data := range m.records {
		if r := unpack(data); r.Gone.IsZero() && fits(&r) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b portal.CRMAppointment) int {
		return strings.Compare(a.Start.UTC().Format(time.RFC3339)+a.ID, b.Start.UTC().Format(time.RFC3339)+b.ID)
	})
	return out
}

func (m *memory) CRMAppointmentByUID(_ context.Context, uid string) (portal.CRMAppointment, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.living(func(r *portal.CRMAppointment) bool { return r.UID == uid })
	if len(list) == 0 {
		return portal.CRMAppointment{}, portal.ErrNotFound
	}
	return list[0], nil
}

func (m *memory) CRMAppointmentsAlike(_ context.Context, owner portal.Address, start, end time.Time, allDay bool) ([]portal.CRMAppointment, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.living(func(r *portal.CRMAppointment) bool {
		return r.Calendar == owner && r.Start.Equal(start) && r.End.Equal(end) && r.AllDay == allDay
	}), nil
}

func (m *memory) CRMWindow(_ context.Context, who portal.Address, from, to time.Time) ([]portal.CRMAppointment, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, m.fail
	}
	return m.living(func(r *portal.CRMAppointment) bool {
		start, end := series.Span(&r.Entry)
		return slices.Contains(participants(r), who) && start.Before(to) && !end.Before(from)
	}), nil
}

func (m *memory) CRMAppointmentsOf(_ context.Context, person, company string, limit int) ([]portal.CRMAppointment, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.living(func(r *portal.CRMAppointment) bool {
		return person != "" && slices.Contains(r.People, person) || company != "" && slices.Contains(r.Companies, company)
	})
	slices.Reverse(list)
	return list[:min(limit, len(list))], nil
}

func (m *memory) PutCRMAppointments(_ context.Context, key string, list []portal.CRMAppointment, evs ...portal.Addressed) ([]portal.CRMAppointment, error) {
	if m.before != nil {
		m.before()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, m.fail
	}
	if first, ok := m.answers[key].([]portal.CRMAppointment); ok {
		return slices.Clone(first), nil
	}
	out := slices.Clone(list)
	for i, r := range out {
		data, ok := m.records[r.ID]
		if ok != (r.Revision > 0) || ok && unpack(data).Revision != r.Revision {
			return nil, portal.ErrConflict
		}
		twins := m.living(func(o *portal.CRMAppointment) bool { return o.UID == r.UID && o.ID != r.ID })
		if r.Gone.IsZero() && len(twins) > 0 {
			return nil, fmt.Errorf("the UID %s: %w", r.UID, portal.ErrConflict)
		}
		out[i].Revision++
	}
	for _, r := range out {
		kind := portal.Updated
		switch {
		case !r.Gone.IsZero():
			kind = portal.Deleted
		case r.Revision == 1:
			kind = portal.Created
		}
		m.records[r.ID] = pack(r)
		m.note("appointment", r.ID, r.ChangedBy, kind, r.Revision)
	}
	m.events = append(m.events, evs...)
	if key != "" {
		m.answers[key] = slices.Clone(out)
	}
	return out, nil
}

func (m *memory) PutCRMFile(_ context.Context, hash string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[hash] = slices.Clone(data)
	return nil
}

func (m *memory) CRMFile(_ context.Context, hash string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.files[hash]
	if !ok {
		return nil, portal.ErrNotFound
	}
	return data, nil
}

func (m *memory) CRMUsers(context.Context) ([]portal.CRMUser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []portal.CRMUser
	for _, u := range m.users {
		out = append(out, u)
	}
	slices.SortFunc(out, func(a, b portal.CRMUser) int { return strings.Compare(string(a.Address), string(b.Address)) })
	return out, nil
}

func (m *memory) CRMUser(_ context.Context, a portal.Address) (portal.CRMUser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, ok := m.users[a]
	if !ok {
		return u, portal.ErrNotFound
	}
	return u, nil
}

// storeAll stores things by their version, all or none.
func storeAll[K comparable, V any](m *memory, kind, key, by string, have map[K]V, list []V, id func(*V) K, version func(*V) *int64) ([]V, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return nil, m.fail
	}
	if first, ok := m.answers[key].([]V); ok {
		return slices.Clone(first), nil
	}
	out := slices.Clone(list)
	for i := range out {
		old, ok := have[id(&out[i])]
		if ok != (*version(&out[i]) > 0) || ok && *version(&old) != *version(&out[i]) {
			return nil, portal.ErrConflict
		}
	}
	for i := range out {
		*version(&out[i])++
		have[id(&out[i])] = out[i]
		m.note(kind, fmt.Sprint(id(&out[i])), by, portal.Updated, 0)
	}
	if key != "" {
		m.answers[key] = slices.Clone(out)
	}
	return out, nil
}

func (m *memory) PutCRMUsers(_ context.Context, key string, list []portal.CRMUser, by string) ([]portal.CRMUser, error) {
	return storeAll(m, "user", key, by, m.users, list, func(u *portal.CRMUser) portal.Address { return u.Address }, func(u *portal.CRMUser) *int64 { return &u.Version })
}

func (m *memory) PutCRMPeople(_ context.Context, key string, list []portal.CRMPerson, by string) ([]portal.CRMPerson, error) {
	return storeAll(m, "person", key, by, m.people, list, func(p *portal.CRMPerson) string { return p.ID }, func(p *portal.CRMPerson) *int64 { return &p.Version })
}

func (m *memory) PutCRMCompanies(_ context.Context, key string, list []portal.CRMCompany, by string) ([]portal.CRMCompany, error) {
	return storeAll(m, "company", key, by, m.companies, list, func(c *portal.CRMCompany) string { return c.ID }, func(c *portal.CRMCompany) *int64 { return &c.Version })
}

func (m *memory) CRMPeople(_ context.Context, text string, limit int) ([]portal.CRMPerson, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []portal.CRMPerson
	for _, p := range m.people {
		if begins(plain(p.Name()+" "+p.Email), plain(text)) {
			out = append(out, m.named(p))
		}
	}
	slices.SortFunc(out, func(a, b portal.CRMPerson) int { return strings.Compare(a.Name(), b.Name()) })
	return out[:min(limit, len(out))], nil
}

func (m *memory) named(p portal.CRMPerson) portal.CRMPerson {
	p.CompanyName = m.companies[p.Company].Name
	return p
}

func (m *memory) CRMPeopleByID(_ context.Context, ids []string) ([]portal.CRMPerson, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []portal.CRMPerson
	for _, id := range ids {
		if p, ok := m.people[id]; ok {
			out = append(out, m.named(p))
		}
	}
	return out, nil
}

func (m *memory) DeleteCRMPerson(_ context.Context, id string, version int64, by string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch p, ok := m.people[id]; {
	case !ok:
		return portal.ErrNotFound
	case p.Version != version:
		return portal.ErrConflict
	}
	delete(m.people, id)
	m.note("person", id, by, portal.Deleted, 0)
	return nil
}

func (m *memory) CRMCompanies(_ context.Context, text string, limit int) ([]portal.CRMCompany, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []portal.CRMCompany
	for _, c := range m.companies {
		if begins(plain(c.Name+" "+c.City), plain(text)) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b portal.CRMCompany) int { return strings.Compare(a.Name, b.Name) })
	return out[:min(limit, len(out))], nil
}

func (m *memory) CRMCompaniesByID(_ context.Context, ids []string) ([]portal.CRMCompany, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []portal.CRMCompany
	for _, id := range ids {
		if c, ok := m.companies[id]; ok {
			out = append(out, c)
		}
	}
	return out, nil
}

func (m *memory) DeleteCRMCompany(_ context.Context, id string, version int64, by string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch c, ok := m.companies[id]; {
	case !ok:
		return portal.ErrNotFound
	case c.Version != version:
		return portal.ErrConflict
	}
	delete(m.companies, id)
	m.note("company", id, by, portal.Deleted, 0)
	return nil
}

func (m *memory) CRMChanges(_ context.Context, after int64, limit int) ([]portal.CRMChange, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := m.log[min(int(after), len(m.log)):]
	return slices.Clone(out[:min(limit, len(out))]), nil
}

func (m *memory) LastCRMChange(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.log)), nil
}

func (m *memory) PruneCRMChanges(context.Context, int64, time.Time) error { return nil }
