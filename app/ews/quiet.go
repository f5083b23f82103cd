package ews

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"time"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Servers that say nothing of a changed occurrence: Exchange reports its series as updated, some others do not. That
// a server is one of them is learned from our own changes of occurrences, which have to come back as changes of their
// series; from then on its series are compared with what was read of them last.

// seriesBook remembers the series of each reader's calendars. Bounded: a full book is begun anew, and fills again with
// the next reading.
type seriesBook struct {
	mu sync.Mutex
	of map[calendarKey]*seriesPage
}

type calendarKey struct{ reader, owner portal.Address }

// seriesPage is what is known of one calendar's series: how each was read last, which of our own changes have not come
// back yet (true: the write is done), and when they were compared.
type seriesPage struct {
	known    map[string]uint64
	awaited  map[string]bool
	compared time.Time
}

const (
	maxSeriesPages = 10_000
	maxSeries      = 2_000 // of one calendar
	maxCompared    = 300   // at once
	compareEvery   = time.Minute
)

func newSeriesBook() *seriesBook { return &seriesBook{of: map[calendarKey]*seriesPage{}} }

// page needs the mutex.
func (b *seriesBook) page(k calendarKey) *seriesPage {
	p := b.of[k]
	if p == nil {
		if len(b.of) >= maxSeriesPages {
			clear(b.of)
		}
		p = &seriesPage{known: map[string]uint64{}, awaited: map[string]bool{}}
		b.of[k] = p
	}
	return p
}

// learn notes how a series was read.
func (b *seriesBook) learn(k calendarKey, it *soap.CalendarItem) {
	if it.Recurrence == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(k)
	if len(p.known) >= maxSeries {
		clear(p.known)
	}
	p.known[it.ItemID.ID] = fingerprint(it)
}

// await notes that an occurrence of a series is being written, or that it has been.
func (b *seriesBook) await(k calendarKey, id string, done bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(k)
	if len(p.awaited) >= maxSeries {
		clear(p.awaited)
	}
	if _, waits := p.awaited[id]; waits || !done { // one that came back meanwhile is not waited for again
		p.awaited[id] = done
	}
}

// due are the series of which a done write should be among the changes from now on.
func (b *seriesBook) due(k calendarKey) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for id, done := range b.page(k).awaited {
		if done {
			out = append(out, id)
		}
	}
	return out
}

// saw notes what came back as changed or gone.
func (b *seriesBook) saw(k calendarKey, ids ...[]string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(k)
	for _, list := range ids {
		for _, id := range list {
			delete(p.awaited, id)
		}
	}
}

// missing are those of due that did not come back; they are waited for no longer.
func (b *seriesBook) missing(k calendarKey, due []string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(k)
	var out []string
	for _, id := range due {
		if _, waits := p.awaited[id]; waits {
			delete(p.awaited, id)
			out = append(out, id)
		}
	}
	return out
}

// compare gives the series to compare now, none where that was done a moment ago.
func (b *seriesBook) compare(k calendarKey, now time.Time) map[string]uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.page(k)
	if now.Sub(p.compared) < compareEvery {
		return nil
	}
	p.compared = now
	return maps.Clone(p.known)
}

func (b *seriesBook) forget(k calendarKey, id string) {
	b.mu.Lock()
	delete(b.page(k).known, id)
	b.mu.Unlock()
}

// fingerprint differs where the occurrences of a series differ from its rule in another way.
func fingerprint(it *soap.CalendarItem) uint64 {
	h := fnv.New64a()
	for _, m := range it.ModifiedOccurrences {
		fmt.Fprintf(h, "%s %d %d %d\n", m.ItemID.ChangeKey, m.OriginalStart.UTC().Unix(), m.Start.UTC().Unix(), m.End.UTC().Unix())
	}
	for _, d := range it.DeletedOccurrences {
		fmt.Fprintf(h, "- %d\n", d.Start.UTC().Unix())
	}
	return h.Sum64()
}

func (a *access) key() calendarKey { return calendarKey{a.reader, a.owner} }

// quietly adds the series whose occurrences changed without a word of the server.
func (a *access) quietly(ctx context.Context, due, changed, gone []string) ([]string, error) {
	book := a.c.series
	book.saw(a.key(), changed, gone)
	for _, id := range book.missing(a.key(), due) {
		if !a.host.quiet.Swap(true) {
			a.c.o.Logger.Info("the server says nothing of changed occurrences, series are compared", "server", a.host.s.Name)
		}
		changed = append(changed, id)
	}
	if !a.host.quiet.Load() {
		return changed, nil
	}
	known := book.compare(a.key(), a.c.o.Now())
	var ids []string
	for _, id := range slices.Sorted(maps.Keys(known)) {
		if !slices.Contains(changed, id) && !slices.Contains(gone, id) && len(ids) < maxCompared {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return changed, nil
	}
	got, err := a.fetch(ctx, ids, stateFields())
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		switch it := got.asked[id]; {
		case it == nil:
			book.forget(a.key(), id)
		case fingerprint(it) != known[id]:
			changed = append(changed, id)
		}
	}
	return changed, nil
}
