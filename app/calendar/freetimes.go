package calendar

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"sync"
	"time"

	"portico/app/calendar/series"
	"portico/app/portal"
)

const (
	// freeFor is how long somebody's free/busy is shown without asking again, freeStale how long it is shown while
	// the server is away.
	freeFor   = time.Minute
	freeStale = time.Hour
	// freeKept bounds the windows that are remembered; beyond, all are forgotten.
	freeKept = 1024
	// availabilityWindow is the longest window that servers answer in one question.
	availabilityWindow = 42 * 24 * time.Hour
)

// freeTimes remembers for a little while what was answered about the time of those whose calendar may not be read.
type freeTimes struct {
	s  *Service
	mu sync.Mutex
	by map[freeKey]freeAnswer
}

type freeKey struct {
	asker, of portal.Address
	from, to  int64
}

type freeAnswer struct {
	at   time.Time
	busy []portal.BusyTime
}

func newFreeTimes(s *Service) *freeTimes { return &freeTimes{s: s, by: map[freeKey]freeAnswer{}} }

// blocks gives somebody's taken time as appointments that say no more than that. With an error come those last known, if any.
func (f *freeTimes) blocks(ctx context.Context, asker, of portal.Address, from, to time.Time) ([]portal.Appointment, error) {
	key := freeKey{asker, of, from.Unix(), to.Unix()}
	now := f.s.o.Now()
	f.mu.Lock()
	known, ok := f.by[key]
	f.mu.Unlock()
	if ok && now.Sub(known.at) < freeFor {
		return blocksOf(of, known.busy, from, to), nil
	}
	rows, err := f.s.availability(ctx, asker, []string{f.s.emailOf(ctx, of)}, from, to)
	if err == nil && len(rows) == 1 && rows[0].Error != "" {
		err = portal.Fail(portal.ErrForbidden, rows[0].Error)
	}
	if err != nil || len(rows) != 1 {
		if ok && now.Sub(known.at) < freeStale {
			return blocksOf(of, known.busy, from, to), err
		}
		return nil, err
	}
	f.mu.Lock()
	if len(f.by) >= freeKept {
		clear(f.by)
	}
	f.by[key] = freeAnswer{at: now, busy: rows[0].Busy}
	f.mu.Unlock()
	return blocksOf(of, rows[0].Busy, from, to), nil
}

// availability asks for free/busy in windows that servers answer.
func (s *Service) availability(ctx context.Context, asker portal.Address, emails []string, from, to time.Time) ([]portal.Availabilities, error) {
	var out []portal.Availabilities
	for at := from; at.Before(to); at = at.Add(availabilityWindow) {
		end := at.Add(availabilityWindow)
		if end.After(to) {
			end = to
		}
		var rows []portal.Availabilities
		err := s.ask(ctx, func(ctx context.Context) (err error) {
			rows, err = s.x.Availability(ctx, asker, emails, at, end)
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(rows) != len(emails) {
			return nil, portal.Fail(portal.ErrUnavailable, keyInternal)
		}
		if out == nil {
			out = rows
			continue
		}
		for i := range out {
			out[i].Busy = appendBusy(out[i].Busy, rows[i].Busy)
		}
	}
	return out, nil
}

// appendBusy joins the answers of two windows; what lies across both is told by both.
func appendBusy(list, more []portal.BusyTime) []portal.BusyTime {
	for _, b := range more {
		if !slices.ContainsFunc(list, func(o portal.BusyTime) bool { return o.Start.Equal(b.Start) && o.End.Equal(b.End) && o.Show == b.Show }) {
			list = append(list, b)
		}
	}
	return list
}

func blocksOf(of portal.Address, busy []portal.BusyTime, from, to time.Time) []portal.Appointment {
	out := []portal.Appointment{}
	for _, b := range busy {
		if b.Show == portal.ShowFree || b.Show == portal.ShowNoData {
			continue
		}
		sum := sha256.Sum256([]byte(string(of) + series.Stamp(b.Start) + series.Stamp(b.End) + string(b.Show)))
		a := portal.Appointment{ID: "free-" + base64.RawURLEncoding.EncodeToString(sum[:9]), Calendar: of, Subject: b.Subject, Location: b.Location,
			Start: b.Start.UTC(), End: b.End.UTC(), Kind: portal.KindSingle, Response: portal.ResponseNone, Status: portal.StatusConfirmed, Show: b.Show,
			Private: b.Private, Source: portal.SourceExchange, Meeting: b.Meeting, Masked: b.Subject == "" || b.Private, Sync: portal.SyncState{State: portal.SyncDone}}
		if a.Private {
			masked(&a)
		}
		if series.Touches(&a, from, to) {
			out = append(out, a)
		}
	}
	series.Sort(out, from.Location())
	return out
}
