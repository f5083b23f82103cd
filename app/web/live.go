package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"portico/app/policy"
	"portico/app/portal"
	"portico/realtime"
)

const (
	// replayBatch is how many durable events are read from the log at a time.
	replayBatch = 200
	// opTimeout is how long one frame from a browser may keep the house busy.
	opTimeout = 15 * time.Second

	defaultLiveRate  = 30
	defaultLiveBurst = 120
	// manyPages is how many connections' allowance one person has, however many they open.
	manyPages = 4
)

// Live turns events into frames for the hub, and is the door behind every live connection.
type Live struct {
	*Server
	rate  rate.Limit
	burst int
	// people paces each person over all their connections, of which there can be many.
	people *personLimits

	mu      sync.Mutex
	paces   map[string]*rate.Limiter // by connection; entries live as long as the connection
	silent  map[string]bool          // the connections of silent sessions
	streams map[string][]string      // by session: the connections that are event streams
}

func newLive(s *Server) *Live {
	l := &Live{Server: s, rate: rate.Limit(s.Config.LiveRate), burst: s.Config.LiveBurst, paces: map[string]*rate.Limiter{}, silent: map[string]bool{}, streams: map[string][]string{}}
	if l.rate <= 0 {
		l.rate = defaultLiveRate
	}
	if l.burst <= 0 {
		l.burst = defaultLiveBurst
	}
	l.people = newPersonLimits(manyPages*float64(l.rate), manyPages*l.burst, s.Now)
	return l
}

// Logged hands durable events on, in the order of the log. It is storage's sink: memory only.
func (l *Live) Logged(evs []portal.Logged) {
	for _, ev := range evs {
		l.metrics.events.WithLabelValues(ev.Event.Name()).Inc()
		l.Hub.Send(ev.For, l.frame(ev.Event, ev.Seq, ""))
	}
}

// Current hands a current value on to one person.
func (l *Live) Current(to portal.Address, ev portal.Current) {
	l.CurrentMany([]portal.Address{to}, ev)
}

// CurrentMany hands one current value on to many people, rendered once for each audience among them.
func (l *Live) CurrentMany(to []portal.Address, ev portal.Current) {
	l.metrics.events.WithLabelValues(ev.Name()).Inc()
	if _, ok := ev.(portal.PresenceEvent); ok {
		l.metrics.presence.Inc()
	}
	l.Hub.Send(to, l.frame(ev, 0, ev.Key()))
}

// frame renders ev on demand: as JSON for programs, as the fragments of pages for browsers.
func (l *Live) frame(ev portal.Event, seq int64, key string) *realtime.Frame {
	f := realtime.NewFrame(seq, key, func(a realtime.Audience) []byte { return l.event(a, ev, seq) })
	switch e := ev.(type) {
	case portal.PresenceEvent:
		f.About(e.URI)
	case portal.CountsEvent: // what is said in an open conversation is counted, and read at once
		f.MayWait()
	}
	return f
}

// event renders ev for one audience; nothing where that fails, so that it costs this event alone.
func (l *Live) event(a realtime.Audience, ev portal.Event, seq int64) []byte {
	defer l.caught("render "+ev.Name(), "", nil)
	if a.Encoding == realtime.HTML {
		// Rendering is memory only; there is nothing for a context to end.
		return l.fragment(context.Background(), a, ev, seq)
	}
	body, err := eventJSON(l.readerOf(a), ev, seq)
	if err != nil {
		l.Logger.Error("an event could not be written as JSON", slog.String("event", ev.Name()), slog.Any("error", err))
		return nil
	}
	return body
}

// caught is deferred where a connection's own goroutine enters: a panic there would end the portal for
// everybody. It costs the frame, or with err the connection.
func (l *Live) caught(where, connection string, err *error) {
	r := recover()
	if r == nil {
		return
	}
	l.metrics.panics.Inc()
	l.Logger.Error("panic", "where", where, "connection", connection, "panic", r, "stack", string(debug.Stack()))
	if err != nil {
		*err = fmt.Errorf("panic: %v", r)
	}
}

// Hello is the first frame of a connection: the head of the log and who this is. The session may have
// ended between the request that opened the connection and the hub's knowing of it; then it ends now.
func (l *Live) Hello(ctx context.Context, c realtime.Client) (_ *realtime.Frame, _ int64, err error) {
	defer l.caught("hello", c.ID, &err)
	if _, err := l.Account.Whose(ctx, c.Session); errors.Is(err, portal.ErrUnauthenticated) {
		l.Hub.EndSession(c.Session)
	} else if err != nil {
		return nil, 0, err
	}
	head, err := l.Events.EventHead(ctx)
	if err != nil {
		return nil, 0, err
	}
	me, err := l.meOf(ctx, c.Person)
	if err != nil {
		return nil, 0, err
	}
	return realtime.NewAnswer(helloFrame(c.Audience, head, inForce(me, c.Audience, policy.ThinSession{On: c.Thin, From: c.ThinFrom}), l.Config.IdleAfter)), head, nil
}

// Replay reads the next durable events after since from the log.
func (l *Live) Replay(ctx context.Context, c realtime.Client, since int64) (_ []*realtime.Frame, _ bool, err error) {
	defer l.caught("replay", c.ID, &err)
	evs, resync, err := l.Events.EventsSince(ctx, c.Person, since, replayBatch)
	if err != nil || resync {
		return nil, resync, err
	}
	frames := make([]*realtime.Frame, len(evs))
	for i, ev := range evs {
		frames[i] = l.frame(ev.Event, ev.Seq, "")
	}
	return frames, false, nil
}

// Snapshot gives what is now in force: the state of the line, presence, who types, unread counts.
func (l *Live) Snapshot(ctx context.Context, c realtime.Client) (_ []*realtime.Frame, err error) {
	defer l.caught("snapshot", c.ID, &err)
	frames := l.news(c)
	var current []portal.Current
	for _, t := range l.Chat.TypingNow(c.Person) {
		current = append(current, t)
	}
	counts, err := l.Chat.Counts(ctx, c.Person)
	if err != nil {
		return nil, err
	}
	current = append(current, l.calendarNow(ctx, c.Person)...)
	if l.Privacy != nil {
		waiting, err := l.Privacy.NewOnes(ctx, c.Person)
		if err != nil {
			return nil, err
		}
		current = append(current, portal.WatchersEvent{New: waiting})
	}
	for _, ev := range append(current, counts) {
		frames = append(frames, l.frame(ev, 0, ev.Key()))
	}
	return frames, nil
}

// calendarNow is whether the person's mailbox can be reached, and the reminders that are due. A connection without them
// is better than none: pages say by themselves what is wrong with a calendar.
func (l *Live) calendarNow(ctx context.Context, who portal.Address) []portal.Current {
	if l.Calendar == nil {
		return nil
	}
	var current []portal.Current
	if state, err := l.Calendar.Status(ctx, who); err == nil {
		current = append(current, state)
	} else {
		l.Logger.Debug("the calendar's state for a connection", slog.Any("error", err))
	}
	for _, e := range l.dueReminders(ctx, who) {
		current = append(current, e)
	}
	return current
}

// Resync tells a browser to read everything afresh.
func (l *Live) Resync(c realtime.Client) *realtime.Frame {
	return realtime.NewAnswer(resyncFrame(c.Audience))
}

// Bye tells a browser why the connection ends and when to come back; after below zero: not at all.
func (l *Live) Bye(c realtime.Client, reason string, after time.Duration) *realtime.Frame {
	return realtime.NewAnswer(byeFrame(l.Languages.For(c.Audience.Locale), c.Audience, reason, after))
}

// Attached notes a new connection.
func (l *Live) Attached(c realtime.Client) {
	defer l.caught("attached", c.ID, nil)
	l.mu.Lock()
	l.paces[c.ID] = rate.NewLimiter(l.rate, l.burst)
	l.mu.Unlock()
	l.Presence.Attach(c.Person, c.ID)
}

// Detached forgets a connection.
func (l *Live) Detached(c realtime.Client) {
	defer l.caught("detached", c.ID, nil)
	l.mu.Lock()
	delete(l.paces, c.ID)
	l.mu.Unlock()
	l.Presence.Detach(c.Person, c.ID)
}

// mayGoOn reports whether the connection keeps within its pace, and its person within theirs.
func (l *Live) mayGoOn(c realtime.Client) bool {
	l.mu.Lock()
	pace := l.paces[c.ID]
	l.mu.Unlock()
	if pace != nil && !pace.AllowN(l.Now(), 1) {
		return false
	}
	_, ok := l.people.allow(c.Person)
	return ok
}
