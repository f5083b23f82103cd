package web

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"portico/app/calls"
	"portico/app/history"
	"portico/app/portal"
)

// pastHouse is what a house has of history and calls: the real archive, a mailbox, and a list of calls.
type pastHouse struct {
	history *history.Service
	notes   *fakeNotes
	calls   *calls.Service
	mailbox *fakeMailbox
	saving  *fakeSaving
}

// newPast makes them; the house's store is there already.
func (h *house) newPast(lookup func(context.Context, portal.Address) portal.Person, now func() time.Time) {
	h.notes, h.saving = &fakeNotes{}, &fakeSaving{s: portal.Saving{History: true, Calls: true}}
	h.mailbox = &fakeMailbox{audio: tone(h.t, 3)}
	h.calls = calls.New(h.store, h.mailbox, h.notes, calls.Options{
		Changed: func(who portal.Address) { h.chat.Recount(who) }, Lookup: lookup, Now: now, Saving: h.saving.Saving, Every: 20 * time.Millisecond, Rest: time.Millisecond,
	})
	h.history = history.New(h.store, h.notes, history.Options{
		Lookup: lookup, Find: h.personOf, Spans: h.rooms.Spans, Saving: h.saving.Saving, Now: now, Every: 20 * time.Millisecond, Rest: time.Millisecond,
		Zone: func(context.Context, portal.Address) *time.Location { return vienna(h.t) },
	})
}

// countCalls counts for the badge beside Calls.
func (h *house) countCalls(ctx context.Context, who portal.Address, ev *portal.CountsEvent) (err error) {
	ev.Calls, ev.Voicemail, err = h.calls.Counts(ctx, who)
	return err
}

// fakeSaving is what policy and people say about keeping.
type fakeSaving struct {
	mu sync.Mutex
	s  portal.Saving
}

func (f *fakeSaving) Saving(context.Context, portal.Address) (portal.Saving, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.s, nil
}

func (f *fakeSaving) set(s portal.Saving) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.s = s
}

// fakeNotes is the Conversation History of every mailbox.
type fakeNotes struct {
	mu    sync.Mutex
	items []portal.ConversationNote
	away  bool
	last  int
}

func (f *fakeNotes) setAway(away bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = away
}

// put adds an item that another program wrote.
func (f *fakeNotes) put(n portal.ConversationNote) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	n.ItemID, n.Class = "item"+strconv.Itoa(f.last), portal.ClassConversation
	f.items = append(f.items, n)
}

func (f *fakeNotes) locked(do func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return portal.Fail(portal.ErrUnavailable, "exchange.away")
	}
	return do()
}

func (f *fakeNotes) WriteNote(_ context.Context, _ portal.Address, n portal.ConversationNote) (id, key string, err error) {
	err = f.locked(func() error {
		i := slices.IndexFunc(f.items, func(x portal.ConversationNote) bool { return x.Stamp == n.Stamp })
		if i < 0 {
			f.last++
			n.ItemID = "item" + strconv.Itoa(f.last)
			f.items = append(f.items, n)
			i = len(f.items) - 1
		}
		n.ItemID, n.ChangeKey = f.items[i].ItemID, "k"
		f.items[i], id, key = n, n.ItemID, "k"
		return nil
	})
	return id, key, err
}

func (f *fakeNotes) Notes(_ context.Context, _ portal.Address, _ portal.HistoryQuery) (list []portal.ConversationNote, next string, err error) {
	err = f.locked(func() error {
		list = slices.Clone(f.items)
		slices.SortFunc(list, func(a, b portal.ConversationNote) int { return b.End.Compare(a.End) })
		return nil
	})
	return list, "", err
}

func (f *fakeNotes) Note(_ context.Context, _ portal.Address, id string) (n portal.ConversationNote, err error) {
	err = f.locked(func() error {
		i := slices.IndexFunc(f.items, func(x portal.ConversationNote) bool { return x.ItemID == id })
		if i < 0 {
			return portal.Fail(portal.ErrNotFound, "history.not-found")
		}
		n = f.items[i]
		return nil
	})
	return n, err
}

func (f *fakeNotes) DeleteNote(_ context.Context, _ portal.Address, id string) error {
	return f.locked(func() error {
		f.items = slices.DeleteFunc(f.items, func(x portal.ConversationNote) bool { return x.ItemID == id })
		return nil
	})
}

// fakeMailbox is alice's voice mail; the others have none.
type fakeMailbox struct {
	mu    sync.Mutex
	list  []portal.Voicemail
	audio []byte
	away  bool
	rung  func()
}

// change does something to the mailbox and rings.
func (f *fakeMailbox) change(do func()) {
	f.mu.Lock()
	do()
	rung := f.rung
	f.mu.Unlock()
	if rung != nil {
		rung()
	}
}

func (f *fakeMailbox) leave(m portal.Voicemail) { f.change(func() { f.list = append(f.list, m) }) }

func (f *fakeMailbox) setAway(away bool) { f.change(func() { f.away = away }) }

// at does something to one message.
func (f *fakeMailbox) at(owner portal.Address, id string, do func(i int)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return portal.Fail(portal.ErrUnavailable, "exchange.away")
	}
	i := slices.IndexFunc(f.list, func(m portal.Voicemail) bool { return m.ID == id })
	if owner != alice || i < 0 {
		return portal.Fail(portal.ErrNotFound, "voicemail.not-found")
	}
	do(i)
	return nil
}

func (f *fakeMailbox) Voicemails(_ context.Context, owner portal.Address) ([]portal.Voicemail, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.away:
		return nil, portal.Fail(portal.ErrUnavailable, "exchange.away")
	case owner != alice:
		return nil, nil
	}
	return slices.Clone(f.list), nil
}

func (f *fakeMailbox) Recording(_ context.Context, owner portal.Address, v portal.Voicemail, _ int64) (kind string, audio []byte, err error) {
	err = f.at(owner, v.ID, func(i int) { kind, audio = f.list[i].Type, f.audio })
	return kind, audio, err
}

func (f *fakeMailbox) MarkHeard(_ context.Context, owner portal.Address, id string, heard bool) error {
	return f.at(owner, id, func(i int) { f.list[i].Heard = heard })
}

func (f *fakeMailbox) DeleteVoicemail(_ context.Context, owner portal.Address, id string) error {
	return f.at(owner, id, func(i int) { f.list = slices.Delete(f.list, i, i+1) })
}

func (f *fakeMailbox) WatchVoicemail(owner portal.Address, rung func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if owner == alice {
		f.rung = rung
	}
}

func (f *fakeMailbox) UnwatchVoicemail(owner portal.Address) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if owner == alice {
		f.rung = nil
	}
}

// tone is a WAV file of so many seconds (RIFF, PCM, 8 kHz, 16 bits, one channel).
func tone(t testing.TB, seconds int) []byte {
	t.Helper()
	const rate = 8000
	samples := make([]int16, rate*seconds)
	for i := range samples {
		samples[i] = int16(3000 * math.Sin(2*math.Pi*440*float64(i)/rate))
	}
	var b bytes.Buffer
	size := uint32(2 * len(samples))
	for _, part := range []any{
		[]byte("RIFF"), 36 + size, []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1), uint32(rate), uint32(2 * rate), uint16(2), uint16(16), []byte("data"), size, samples,
	} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}
