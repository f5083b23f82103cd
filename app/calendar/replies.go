package calendar

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"portico/app/portal"
)

// replies owns the automatic replies of those who are signed in: read now and then, for their presence.
type replies struct {
	s    *Service
	bell chan struct{}
	mu   sync.Mutex
	by   map[portal.Address]*reply
}

type reply struct {
	note portal.OutOfOfficeNote
	due  time.Time
}

func newReplies(s *Service) *replies {
	return &replies{s: s, bell: make(chan struct{}, 1), by: map[portal.Address]*reply{}}
}

func (r *replies) ring() {
	select {
	case r.bell <- struct{}{}:
	default:
	}
}

// add begins to read somebody's automatic reply.
func (r *replies) add(who portal.Address) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by[who] == nil {
		r.by[who] = &reply{}
		r.ring()
	}
}

func (r *replies) remove(who portal.Address) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.by, who)
}

// note is somebody's automatic reply as it was last read.
func (r *replies) note(who portal.Address) portal.OutOfOfficeNote {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.by[who]; p != nil {
		return p.note
	}
	return portal.OutOfOfficeNote{}
}

// put keeps a note that was read or set.
func (r *replies) put(who portal.Address, note portal.OutOfOfficeNote) {
	r.mu.Lock()
	p := r.by[who]
	changed := p != nil && p.note != note
	if p != nil {
		p.note = note
	}
	r.mu.Unlock()
	if changed {
		r.s.clock.changed(who)
	}
}

// run reads what is due until ctx is done.
func (r *replies) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		list, wait := r.take()
		var g errgroup.Group
		g.SetLimit(atOnce)
		for _, who := range list {
			g.Go(func() error { r.read(ctx, who); return nil })
		}
		if err := g.Wait(); err != nil {
			return err
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case <-r.bell:
		case <-timer.C:
		}
	}
}

// take gives those whose reply is due to be read, and plans their next time.
func (r *replies) take() ([]portal.Address, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.s.o.Now()
	var list []portal.Address
	wait := r.s.o.OutOfOfficeEvery
	for who, p := range r.by {
		if !p.due.After(now) {
			list = append(list, who)
			p.due = now.Add(r.s.about(r.s.o.OutOfOfficeEvery))
		}
		wait = min(wait, p.due.Sub(now))
	}
	return list, max(wait, 10*time.Millisecond)
}

func (r *replies) read(ctx context.Context, who portal.Address) {
	var note portal.OutOfOfficeNote
	err := r.s.call(ctx, who, func(ctx context.Context) (err error) {
		note, err = r.s.x.OutOfOffice(ctx, who)
		return err
	})
	if err != nil { // the last one holds until the next time
		r.s.o.Logger.DebugContext(ctx, "calendar: automatic reply not read", "of", who, "err", err)
		return
	}
	r.put(who, note)
}

// OutOfOffice is the person's automatic reply.
func (s *Service) OutOfOffice(ctx context.Context, me portal.Address) (note portal.OutOfOfficeNote, err error) {
	err = s.ask(ctx, func(ctx context.Context) (err error) {
		note, err = s.x.OutOfOffice(ctx, me)
		return err
	})
	if err == nil {
		s.oof.put(me, note)
	}
	return note, err
}

// MaxReply bounds the text of an automatic reply, in bytes.
const MaxReply = 64 << 10

// SetOutOfOffice sets the person's automatic reply.
func (s *Service) SetOutOfOffice(ctx context.Context, me portal.Address, note portal.OutOfOfficeNote) error {
	switch {
	case note.State != "disabled" && note.State != "enabled" && note.State != "scheduled":
		return bad("calendar.reply-state")
	case note.Audience != "" && note.Audience != "none" && note.Audience != "known" && note.Audience != "all":
		return bad("calendar.reply-state")
	case note.State == "scheduled" && !note.Until.After(note.From):
		return bad("calendar.times")
	case len(note.Internal) > MaxReply || len(note.External) > MaxReply:
		return bad("calendar.body-long")
	}
	if note.Audience == "" {
		note.Audience = "none"
	}
	err := s.ask(ctx, func(ctx context.Context) error { return s.x.SetOutOfOffice(ctx, me, note) })
	if err == nil {
		s.oof.put(me, note)
	}
	return err
}
