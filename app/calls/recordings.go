package calls

import (
	"context"
	"sync"

	"portico/app/portal"
)

// Recordings are kept in memory for a while: a browser that plays one asks for many pieces of it. What is kept is bounded in bytes; the
// one that was not asked for the longest goes first. At most readingMost are on their way at a time; who wants one more waits.

const readingMost = 4

// recordings is guarded by its mutex.
type recordings struct {
	vm    Voicemail
	max   int64
	bound int64

	mu    sync.Mutex
	size  int64
	clock int64
	kept  map[recordingKey]*recording
	// asking are those that are being read; who else wants one waits for it.
	asking map[recordingKey]*asked
	// room is what is left of readingMost.
	room chan struct{}
}

type recordingKey struct {
	who portal.Address
	id  string
}

type recording struct {
	mediaType string
	audio     []byte
	used      int64
}

// asked is a reading under way: r and err are there when done is closed.
type asked struct {
	done chan struct{}
	r    *recording
	err  error
}

func newRecordings(o Options, vm Voicemail) *recordings {
	return &recordings{vm: vm, max: o.MaxRecording, bound: o.Cache, kept: map[recordingKey]*recording{}, asking: map[recordingKey]*asked{},
		room: make(chan struct{}, readingMost)}
}

// get gives a recording, read once however many ask for it at a time. ErrInvalid ("voicemail.too-large") for one that is too large.
func (c *recordings) get(ctx context.Context, who portal.Address, v portal.Voicemail) (*recording, error) {
	key := recordingKey{who, v.ID}
	if v.Size > c.max {
		return nil, tooLarge()
	}
	for {
		c.mu.Lock()
		if r := c.kept[key]; r != nil {
			c.clock++
			r.used = c.clock
			c.mu.Unlock()
			return r, nil
		}
		a := c.asking[key]
		if a == nil {
			a = &asked{done: make(chan struct{})}
			c.asking[key] = a
			c.mu.Unlock()
			c.ask(ctx, key, v, a)
			return a.r, a.err
		}
		c.mu.Unlock()
		select {
		case <-a.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if a.err == nil || ctx.Err() == nil && !passing(a.err) {
			return a.r, a.err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		// Who asked first gave up, or it failed for now: ask oneself.
	}
}

func tooLarge() error { return portal.Fail(portal.ErrInvalid, "voicemail.too-large") }

// ask reads a recording and keeps it.
func (c *recordings) ask(ctx context.Context, key recordingKey, v portal.Voicemail, a *asked) {
	mediaType, audio, err := c.fetch(ctx, key.who, v)
	if err == nil && int64(len(audio)) > c.max {
		err = tooLarge()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.asking, key)
	defer close(a.done)
	if err != nil {
		a.err = err
		return
	}
	c.clock++
	a.r = &recording{mediaType: mediaType, audio: audio, used: c.clock}
	c.kept[key] = a.r
	c.size += int64(len(audio))
	for c.size > c.bound {
		c.evict()
	}
}

// fetch reads a recording when there is room for it.
func (c *recordings) fetch(ctx context.Context, who portal.Address, v portal.Voicemail) (mediaType string, audio []byte, err error) {
	select {
	case c.room <- struct{}{}:
	case <-ctx.Done():
		return "", nil, ctx.Err()
	}
	defer func() { <-c.room }()
	return c.vm.Recording(ctx, who, v, c.max)
}

// evict drops the recording that was not asked for the longest. The lock is held.
func (c *recordings) evict() {
	var oldest recordingKey
	var at *recording
	for key, r := range c.kept {
		if at == nil || r.used < at.used {
			oldest, at = key, r
		}
	}
	delete(c.kept, oldest)
	c.size -= int64(len(at.audio))
}

// drop forgets one recording, forget all of somebody's.
func (c *recordings) drop(who portal.Address, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.kept[recordingKey{who, id}]; r != nil {
		c.size -= int64(len(r.audio))
		delete(c.kept, recordingKey{who, id})
	}
}

func (c *recordings) forget(who portal.Address) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, r := range c.kept {
		if key.who == who {
			c.size -= int64(len(r.audio))
			delete(c.kept, key)
		}
	}
}
