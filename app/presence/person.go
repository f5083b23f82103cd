package presence

// One signed-in person: what they watch, where they are connected, what they set.

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"

	"portico/app/portal"
)

// entry is what a person knows of one subject. It is small: a person with 50 contacts has 51 of them.
type entry struct {
	subject *subject
	// view is the word that holds; nil: nothing fresh is known.
	view *view
	// lease is until when it holds, in Unix nanoseconds.
	lease int64
	// brief is until when a question keeps the subject watched, in Unix seconds.
	brief uint32
	// told is a hash of what the person's browsers were told last; 0: nothing.
	told uint32
	// conns is the number of connections that watch the subject beyond the contact list.
	conns uint16
	// contact, self: why it is watched; silent: the server said that there will be no word; dirty: it may
	// have to be told.
	contact, self, silent, dirty bool
	// class is what the person may see of the subject; known says whether it was asked for.
	class class
	// changed is the time of the board's clock when what the person sees of the subject may have changed last.
	changed uint32
	// was is what the subject was when something was known of them last: notAvailable, isAvailable or 0.
	was uint8
}

// What a subject was.
const (
	notAvailable = 1 + iota
	isAvailable
)

// wanted reports whether there is still a reason to watch.
func (e *entry) wanted(now time.Time) bool {
	return e.contact || e.self || e.conns > 0 || int64(e.brief) > now.Unix()
}

// conn is one live connection.
type conn struct {
	id string
	// active: the browser says that the person is at it, for Options.ActiveLease from last on where there is one. last is otherwise when input was
	// seen last.
	active bool
	last   time.Time
	watch  []*subject
	// watching: it has said whom it shows.
	watching bool
}

// meeting is subject and place of one.
type meeting struct{ subject, place string }

// person is owned by the service's lock, but for saving.
type person struct {
	address portal.Address
	// number stands for the person in the lists of those who watch somebody.
	number uint32
	// saving orders what is written to Memory.
	saving sync.Mutex

	// line: SignedIn. loaded: manual and note are those of Memory.
	line, loaded bool
	entries      []entry
	conns        []conn
	// last is when there was input last on connections that are gone, or on pages without script.
	last time.Time
	// touched is until when a page without script counts as a place, detached when the last connection went.
	touched, detached time.Time
	manual            *portal.Manual
	note              portal.PersonalNote
	where             portal.Whereabouts
	// provider is the endpoint that the person chose to count; empty: all together.
	provider string
	// calendar is what the person's calendar says now.
	calendar portal.CalendarState
	// inCall: a device of the person's is in a call.
	inCall bool
	// claim is what the portal says of the person now; present is false for "nobody is there".
	claim   portal.Claim
	present bool
	// meeting is the one the person is in now; it is shown within this portal alone.
	meeting meeting
	// said is what was published last; nil: nothing.
	said *portal.Claim
	// watching is a hash of the set that the line was told last.
	watching uint64
	// ownTold is a hash of the own presence told last.
	ownTold uint32
	// Something of one's own presence, of the entries, of what is published or watched may have to be
	// told; marked: the service knows. gone: this person was removed.
	ownDirty, entriesDirty, publishDirty, watchDirty bool
	marked, gone                                     bool
	waiters                                          []*waiter
	// due is when something of this person changes by itself, index the place in the heap; -1: not there.
	due   int64
	index int
}

// find gives the place of a subject among the entries.
func (p *person) find(s *subject) (int, bool) {
	return slices.BinarySearchFunc(p.entries, s.id, func(e entry, id uint64) int { return cmp.Compare(e.subject.id, id) })
}

// entryFor finds or makes the entry of a subject.
func (s *Service) entryFor(p *person, sub *subject) *entry {
	i, ok := p.find(sub)
	if !ok {
		if len(p.entries) == cap(p.entries) {
			p.entries = slices.Grow(p.entries, 1+len(p.entries)/8)
		}
		// It is told once whatever it is: browsers may still show what they knew of the subject before.
		p.entries = slices.Insert(p.entries, i, entry{subject: sub, dirty: true, changed: s.tick()})
		sub.watched(p.number)
		p.watchDirty, p.entriesDirty = true, true
	}
	return &p.entries[i]
}

// conn finds a connection.
func (p *person) conn(id string) *conn {
	for i := range p.conns {
		if p.conns[i].id == id {
			return &p.conns[i]
		}
	}
	return nil
}

// places is the number of places input can come from, and last when some came last: now where a browser
// says that the person is at it, and has said so within the lease.
func (p *person) places(now time.Time, lease time.Duration) (n int, last time.Time) {
	last = p.last
	for i := range p.conns {
		c := &p.conns[i]
		n++
		if c.holds(now, lease) {
			last = now
		} else if c.last.After(last) {
			last = c.last
		}
	}
	if now.Before(p.touched) {
		n++
	}
	return n, last
}

// holds reports whether what the browser said of input still counts.
func (c *conn) holds(now time.Time, lease time.Duration) bool {
	return c.active && (lease <= 0 || now.Before(c.last.Add(lease)))
}

// never is a due time that does not come.
const never = math.MaxInt64

// peopleHeap is a container/heap by due time.
type peopleHeap []*person

func (h peopleHeap) Len() int           { return len(h) }
func (h peopleHeap) Less(i, j int) bool { return h[i].due < h[j].due }
func (h peopleHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].index, h[j].index = i, j }

// Push is called by container/heap alone.
func (h *peopleHeap) Push(x any) {
	p := x.(*person)
	p.index = len(*h)
	*h = append(*h, p)
}

// Pop is called by container/heap alone.
func (h *peopleHeap) Pop() any {
	old := *h
	p := old[len(old)-1]
	old[len(old)-1] = nil
	p.index = -1
	*h = old[:len(old)-1]
	return p
}
