package main

// The call desk: news for the list of calls wait here, so that neither the SIP connector nor a message waits for storage.

import (
	"context"
	"time"

	"portico/app/portal"
)

const (
	// deskQueue bounds the news that wait; what comes beyond is left out and said so in the log: the list of calls is a
	// convenience, the messages themselves are safe in the archive.
	deskQueue = 10_000
	// deskTimeout bounds the work on one of them.
	deskTimeout = 10 * time.Second
)

// callDesk takes the news in the order in which they come. Its goroutine is the stage "call desk".
type callDesk struct {
	h    *house
	news chan func(context.Context)
}

func newDesk(h *house) *callDesk {
	return &callDesk{h: h, news: make(chan func(context.Context), deskQueue)}
}

// put leaves something to be done; it does not block.
func (d *callDesk) put(what string, do func(context.Context)) {
	select {
	case d.news <- do:
	default:
		d.h.log.Warn("the call desk is full; left out", "what", what)
	}
}

// must does at once what there is no room for: nobody stays signed in because the desk is full.
func (d *callDesk) must(do func(context.Context)) {
	select {
	case d.news <- do:
	default:
		do(context.Background())
	}
}

// run does what is put until ctx ends, and then for drainDesk what still waits.
func (d *callDesk) run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() {
		drain := time.NewTimer(drainDesk)
		defer drain.Stop()
		select {
		case <-drain.C:
			stop()
		case <-work.Done():
		}
	})()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case do := <-d.news:
			d.one(work, do)
		}
	}
	for work.Err() == nil {
		select {
		case do := <-d.news:
			d.one(work, do)
		default:
			return nil
		}
	}
	if n := len(d.news); n > 0 {
		d.h.log.Error("the end came before all news of calls were noted", "lost", n)
	}
	return nil
}

func (d *callDesk) one(ctx context.Context, do func(context.Context)) {
	ctx, cancel := context.WithTimeout(ctx, deskTimeout)
	defer cancel()
	do(ctx)
}

// rang notes a call.
func (d *callDesk) rang(r portal.Ring) {
	d.put("call", func(ctx context.Context) {
		if err := d.h.calls.Rang(ctx, r); err != nil && ctx.Err() == nil {
			d.h.log.Error("a call was not noted", "person", r.To, "error", err)
		}
	})
}

// received notes a message that came for somebody who is not there. Rooms have marks of their own.
func (d *callDesk) received(m portal.Message) {
	if d.h.rooms.IsServerRoom(m.Conversation) || !d.h.isAway(m.Owner) {
		return
	}
	d.put("missed conversation", func(ctx context.Context) { d.h.calls.Missed(ctx, m.Owner, m) })
}

// read notes that somebody has read what was missed.
func (d *callDesk) read(owner, conversation portal.Address) {
	d.put("read", func(ctx context.Context) { d.h.calls.Read(ctx, owner, conversation) })
}

// signedIn and signedOut begin and end what is followed of somebody, in order with what their telephones say.
func (d *callDesk) signedIn(who portal.Address) {
	d.must(func(context.Context) { d.h.calls.SignedIn(who) })
}

func (d *callDesk) signedOut(who portal.Address) {
	d.must(func(context.Context) { d.h.calls.SignedOut(who) })
}

// dialogs notes the calls of somebody's telephones.
func (d *callDesk) dialogs(who portal.Address, ds []portal.Dialog) {
	d.put("dialogs", func(ctx context.Context) { d.h.calls.Dialogs(ctx, who, ds) })
}

// waiting notes the voice mail that waits for somebody.
func (d *callDesk) waiting(who portal.Address, w portal.Waiting) {
	d.put("voice mail", func(ctx context.Context) { d.h.calls.Waiting(ctx, who, w) })
}
