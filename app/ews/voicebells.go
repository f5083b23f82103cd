package ews

import (
	"maps"
	"slices"
	"sync"

	"portico/app/portal"
)

// Whose bells are wanted: calendars by one list, voice mail one by one. Both share the streams of their server.

// watched is what is wanted.
type watched struct {
	mu        sync.Mutex
	calendars []portal.Address
	voices    map[portal.Address]func()
}

func (w *watched) set(calendars []portal.Address) {
	w.mu.Lock()
	w.calendars = slices.Clone(calendars)
	w.mu.Unlock()
}

// posts are all that is wanted.
func (w *watched) posts() []post {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.list()
}

// list needs the mutex.
func (w *watched) list() []post {
	out := make([]post, 0, len(w.calendars)+len(w.voices))
	for _, who := range w.calendars {
		out = append(out, post{who: who})
	}
	for who := range w.voices {
		out = append(out, post{who: who, voice: true})
	}
	return out
}

// spread tells the servers what is wanted. Under the mutex, so that the last word is the newest; it does not block.
func (c *Connector) spread() {
	w := &c.watched
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(c.hosts) == 1 {
		c.hosts[0].bells.watch(w.list())
		return
	}
	people := map[portal.Address]bool{}
	for _, p := range w.list() {
		people[p.who] = true
	}
	c.homes.want(slices.Collect(maps.Keys(people)))
	c.homes.poke() // the same people may want another bell
}

// rang passes a bell's ring on.
func (c *Connector) rang(at post) {
	if !at.voice {
		c.o.Handler.Rang(at.who)
		return
	}
	c.watched.mu.Lock()
	rung := c.watched.voices[at.who]
	c.watched.mu.Unlock()
	if rung != nil {
		rung()
	}
}

// WatchVoicemail has rung called when the owner's voice mail may have changed (whatever happens in their Inbox), and once
// when it begins to be watched; until UnwatchVoicemail, while Run lives. rung must return at once and is not called twice
// at the same time by one stream. Watching somebody anew replaces what is called.
func (c *Connector) WatchVoicemail(owner portal.Address, rung func()) {
	c.watched.mu.Lock()
	if c.watched.voices == nil {
		c.watched.voices = map[portal.Address]func(){}
	}
	_, was := c.watched.voices[owner]
	c.watched.voices[owner] = rung
	c.watched.mu.Unlock()
	if !was {
		c.spread()
	}
}

// UnwatchVoicemail ends a watch; a ring that is under way may still come.
func (c *Connector) UnwatchVoicemail(owner portal.Address) {
	c.watched.mu.Lock()
	_, was := c.watched.voices[owner]
	delete(c.watched.voices, owner)
	c.watched.mu.Unlock()
	if was {
		c.spread()
	}
}
