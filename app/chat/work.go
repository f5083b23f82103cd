package chat

// The work on one lane: the next message, one try, what became of it.

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"portico/app/portal"
)

const (
	// refillPage is how many messages are read at once when a lane goes on from the archive.
	refillPage = 100
	// maxRetryAfter bounds what a server may ask us to wait.
	maxRetryAfter = time.Hour
	// maxSettling is how many answered messages of one conversation may wait for their state to be on disk
	// while the next is sent. So many are sent again, under the same ids, after a crash at that moment.
	maxSettling = 4
)

// work sends for l, and for others in turn when they wait for a place, until nothing can go.
func (b *outbox) work(ctx context.Context, l *lane) {
	for l != nil {
		b.mu.Lock()
		m, ok := l.head()
		refill := !ok && l.mustRefill()
		lifted, spills := l.lifted, l.spills
		if b.sending == nil || !ok && !refill || l.due.After(b.o.Now()) {
			l = b.leave(l)
			b.mu.Unlock()
			continue
		}
		b.mu.Unlock()
		if refill {
			b.refill(ctx, l, spills)
		} else {
			b.one(ctx, l, m, lifted)
		}
		b.mu.Lock()
		if len(b.ready) > 0 && b.sending != nil {
			l = b.leave(l)
		}
		b.mu.Unlock()
	}
}

// leave ends this goroutine's work on l and gives the lane to go on with, nil for none. A lane that
// could go on goes to the end of the ready list when others wait.
func (b *outbox) leave(l *lane) *lane {
	l.running = false
	if b.sending == nil || len(b.ready) == 0 {
		b.busy--
		b.wake(l)
		return nil
	}
	next := b.ready[0]
	b.ready[0] = nil
	b.ready = b.ready[1:]
	next.listed, next.running = false, true
	b.wake(l)
	return next
}

// one tries one message.
func (b *outbox) one(ctx context.Context, l *lane, m portal.Message, lifted int) {
	st, reason, retry, again := b.try(ctx, m)
	if ctx.Err() != nil && again {
		return
	}
	if again {
		b.o.Counted("out", "retried")
		b.mu.Lock()
		b.wait(l, retry, lifted)
		b.mu.Unlock()
		return
	}
	b.o.Took(b.o.Now().Sub(m.At))
	b.mu.Lock()
	l.failures, l.told = 0, false
	if l.done(m) {
		b.queued--
	}
	l.settling++
	ahead := l.settling < maxSettling
	b.mu.Unlock()
	finish := func() {
		if b.settle(ctx, m, st, reason) {
			b.o.Counted("out", string(st))
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		l.settling--
		b.wake(l)
	}
	if ahead {
		b.wg.Go(finish)
	} else {
		finish()
	}
}

// try sends m once. again: it has no final answer; retry is how long the other side wants us to wait.
func (b *outbox) try(ctx context.Context, m portal.Message) (st portal.State, reason string, retry time.Duration, again bool) {
	if b.o.Now().Sub(m.At) >= b.o.MaxAge {
		return portal.Failed, "send.gave-up", 0, false
	}
	if b.o.NoIM(m.From) {
		// It waited while policy took messages from its sender.
		return portal.Failed, "chat.disabled", 0, false
	}
	ctx, cancel := context.WithTimeout(ctx, b.o.SendTimeout)
	defer cancel()
	out, err := b.line.Send(ctx, m.From, portal.Outgoing{To: m.Conversation, ID: m.ID, Text: m.Text, At: m.At})
	if err == nil {
		switch out.State {
		case portal.Delivered, portal.Stored, portal.Read:
			return out.State, "", 0, false
		}
		return portal.Sent, "", 0, false
	}
	if portal.Meaning(err) == portal.ErrUnavailable || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		var e *portal.Error
		if errors.As(err, &e) {
			retry = min(e.RetryAfter, maxRetryAfter)
		}
		b.o.Logger.Debug("chat: no final answer yet", "from", m.From, "to", m.Conversation, "id", m.ID, "err", err)
		return "", "", retry, true
	}
	if portal.Meaning(err) == nil {
		b.o.Logger.Error("chat: sending failed", "from", m.From, "to", m.Conversation, "id", m.ID, "err", err)
	}
	return portal.Failed, portal.Reason(err), 0, false
}

// wait plans the next try of a lane.
func (b *outbox) wait(l *lane, retry time.Duration, lifted int) {
	l.failures++
	delay := b.backoff(l.failures)
	l.told = retry > delay
	if l.told {
		delay = retry
	} else if l.lifted != lifted {
		// The line came up while this try was failing.
		l.failures, delay = 0, 0
	}
	l.due = b.o.Now().Add(delay)
}

// backoff is the wait after n failures: doubling, with half of it left to chance so that many do not
// come back at the same moment.
func (b *outbox) backoff(n int) time.Duration {
	d := b.o.MaxRetry
	if n <= 20 {
		d = min(b.o.FirstRetry<<(n-1), b.o.MaxRetry)
	}
	return d/2 + rand.N(d/2+1)
}

// settle records what became of m, trying until storage takes it; false: the outbox ended before.
func (b *outbox) settle(ctx context.Context, m portal.Message, st portal.State, reason string) bool {
	for n := 1; ; n++ {
		_, err := b.log.SetMessageState(ctx, m.Owner, m.From, m.ID, st, reason)
		switch portal.Meaning(err) {
		case portal.ErrNotFound, portal.ErrInvalid:
			b.o.Logger.Error("chat: a sent message's state was not taken", "owner", m.Owner, "id", m.ID, "err", err)
			return true
		}
		if err == nil {
			return true
		}
		b.o.Logger.Warn("chat: a sent message's state was not stored; tried again", "owner", m.Owner, "id", m.ID, "err", err)
		timer := time.NewTimer(b.backoff(n))
		select {
		case <-ctx.Done():
			timer.Stop()
			return false
		case <-timer.C:
		}
	}
}

// refill reads a lane's oldest pending messages from the archive. spills is the lane's count when the
// goroutine decided to read: what was left on disk since then is read next time.
func (b *outbox) refill(ctx context.Context, l *lane, spills int) {
	b.mu.Lock()
	floor, since := l.floor, l.since
	if l.unsure {
		floor = 0
	}
	b.mu.Unlock()
	oldest, more, err := b.pendingOf(ctx, l.key, floor, since)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
			b.o.Logger.Warn("chat: pending messages of a conversation could not be read", "owner", l.key.owner, "err", err)
		}
		b.wait(l, 0, l.lifted)
		return
	}
	l.failures = 0
	if l.spilled = more || l.spills != spills; !l.spilled {
		l.unsure, l.since = false, time.Time{}
	}
	for _, m := range oldest {
		// What is in the archive came after nothing that is still being committed.
		if l.put(m, 0) {
			b.queued++
		}
	}
}

// pendingOf gives the oldest pending messages of a conversation, at most LaneQueue of them, oldest first.
// It looks back to the message floor, or to since or the end of our patience, whichever is earlier.
func (b *outbox) pendingOf(ctx context.Context, key laneKey, floor int64, since time.Time) (oldest []portal.Message, more bool, err error) {
	horizon := b.o.Now().Add(-b.o.MaxAge - time.Hour)
	if !since.IsZero() && since.Before(horizon) {
		horizon = since
	}
	for before := int64(0); ; {
		page, err := b.log.Messages(ctx, key.owner, key.conversation, before, refillPage)
		if err != nil {
			return nil, false, err
		}
		var pending []portal.Message
		past := len(page) < refillPage
		for _, m := range page {
			past = past || m.Order < floor || m.Mine() && m.At.Before(horizon)
			if m.Mine() && m.State == portal.Pending && m.Order >= floor {
				pending = append(pending, m)
			}
		}
		oldest = append(pending, oldest...)
		if len(oldest) > b.o.LaneQueue {
			oldest, more = oldest[:b.o.LaneQueue:b.o.LaneQueue], true
		}
		if past {
			return oldest, more, nil
		}
		before = page[0].Order
	}
}
