package diagnosis

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"portico/app/portal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	ann = portal.Address("sip:ann@example.test")
	ben = portal.Address("sip:ben@example.test")
)

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// memory is a store in memory that keeps to the contract of Store, and can be away or slow.
type memory struct {
	mu    sync.Mutex
	lines []portal.Incident
	seq   int64
	away  bool
	tries int
	drops []time.Time
	hold  chan struct{} // where not nil, adding waits for it
}

var errAway = errors.New("away on purpose")

func (m *memory) AddIncident(ctx context.Context, i portal.Incident) error {
	m.mu.Lock()
	hold := m.hold
	m.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tries++
	if m.away {
		return errAway
	}
	for n, l := range slices.Backward(m.lines) {
		if l.Who == i.Who && l.Part == i.Part {
			if l.Good == i.Good && l.Cause == i.Cause && l.Detail == i.Detail {
				m.lines[n].Times, m.lines[n].At = l.Times+1, i.At
				return nil
			}
			break
		}
	}
	m.seq++
	i.Seq = m.seq
	m.lines = append(m.lines, i)
	return nil
}

func (m *memory) Incidents(_ context.Context, who portal.Address, before int64, limit int) ([]portal.Incident, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []portal.Incident
	for _, l := range slices.Backward(m.lines) {
		if (who == "" || l.Who == who) && (before == 0 || l.Seq < before) && len(list) < limit {
			list = append(list, l)
		}
	}
	return list, nil
}

func (m *memory) DropIncidents(_ context.Context, before time.Time, most int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away {
		return errAway
	}
	m.drops = append(m.drops, before)
	m.lines = slices.DeleteFunc(m.lines, func(i portal.Incident) bool { return i.At.Before(before) })
	return nil
}

func (m *memory) set(change func(m *memory)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m)
}

func (m *memory) causes() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []string
	for _, l := range m.lines {
		list = append(list, l.Cause)
	}
	return list
}
