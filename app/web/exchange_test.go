package web

import (
	"context"
	"slices"
	"sync"
	"time"

	"portico/app/portal"
)

// exchange stands in for the SIP server and the lines to it: it takes passwords, relays messages between
// those who are signed in, keeps the rest until they are back, and tells watchers what is published.
// Its news go out from one goroutine (run), as they would from a socket.
type exchange struct {
	news chan func()

	mu sync.Mutex
	// trusts: the portal says who somebody is.
	trusts    bool
	passwords map[portal.Address]string
	up        map[portal.Address]bool
	away      bool
	claims    map[portal.Address]portal.Claim
	watching  map[portal.Address][]portal.Address
	kept      map[portal.Address][]portal.Incoming
	houses    []*house
}

const password = "correct horse"

func newExchange(people ...portal.Address) *exchange {
	x := &exchange{
		news: make(chan func(), 10_000), passwords: map[portal.Address]string{}, up: map[portal.Address]bool{},
		claims: map[portal.Address]portal.Claim{}, watching: map[portal.Address][]portal.Address{},
		kept: map[portal.Address][]portal.Incoming{},
	}
	for _, p := range people {
		x.passwords[p] = password
	}
	return x
}

func (x *exchange) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case do := <-x.news:
			do()
		}
	}
}

func (x *exchange) setAway(away bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.away = away
}

func (x *exchange) isUp(who portal.Address) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.up[who]
}

func unreachable() error { return portal.Fail(portal.ErrUnavailable, "signin.unreachable") }

// account.Lines

func (x *exchange) SignIn(_ context.Context, who portal.Address, given string) ([]byte, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch right, known := x.passwords[who]; {
	case x.away:
		return nil, unreachable()
	case x.trusts && given == "":
	case !known || given != right:
		return nil, portal.Fail(portal.ErrUnauthenticated, "signin.wrong")
	}
	x.upLocked(who)
	return []byte(`{"ha1":"secret of ` + who.User() + `"}`), nil
}

func (x *exchange) Resume(who portal.Address, _ []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.upLocked(who)
}

func (x *exchange) upLocked(who portal.Address) {
	x.up[who] = true
	for _, m := range x.kept[who] {
		x.news <- func() { x.deliver(m) }
	}
	delete(x.kept, who)
}

func (x *exchange) SignOut(_ context.Context, who portal.Address) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.up, who)
	x.publishLocked(who, nil)
	return nil
}

// chat.Line

func (x *exchange) Send(_ context.Context, from portal.Address, m portal.Outgoing) (portal.Outcome, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.away {
		return portal.Outcome{}, portal.Fail(portal.ErrUnavailable, "send.unavailable")
	}
	if _, known := x.passwords[m.To]; !known {
		return portal.Outcome{}, portal.Fail(portal.ErrNotFound, "send.not-found")
	}
	in := portal.Incoming{To: m.To, From: from, ID: m.ID, Text: m.Text, At: m.At, WantsRead: true}
	if !x.up[m.To] {
		x.kept[m.To] = append(x.kept[m.To], in)
		return portal.Outcome{State: portal.Stored}, nil
	}
	x.news <- func() { x.deliver(in) }
	return portal.Outcome{State: portal.Delivered}, nil
}

func (x *exchange) deliver(in portal.Incoming) {
	for _, h := range x.houses {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		err := h.chat.Receive(ctx, in)
		cancel()
		if err != nil {
			h.t.Errorf("receive %s: %v", in.ID, err)
		}
	}
}

func (x *exchange) SendTyping(_ context.Context, from, to portal.Address, typing bool) error {
	x.news <- func() {
		for _, h := range x.houses {
			h.chat.ReceiveTyping(to, from, typing, time.Minute)
		}
	}
	return nil
}

func (x *exchange) SendNotice(_ context.Context, from portal.Address, n portal.Notice) error {
	x.news <- func() {
		for _, h := range x.houses {
			back := n
			back.To = from
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			if err := h.chat.ReceiveNotice(ctx, n.To, back); err != nil {
				h.t.Errorf("notice about %s: %v", n.ID, err)
			}
			cancel()
		}
	}
	return nil
}

// presence.Line

func (x *exchange) Publish(who portal.Address, c portal.Claim) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.publishLocked(who, &c)
}

func (x *exchange) Unpublish(who portal.Address) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.publishLocked(who, nil)
}

func (x *exchange) publishLocked(who portal.Address, c *portal.Claim) {
	delete(x.claims, who)
	if c != nil {
		x.claims[who] = *c
	}
	for watcher, whom := range x.watching {
		if slices.Contains(whom, who) {
			x.tellLocked(watcher, who)
		}
	}
}

func (x *exchange) Watch(who portal.Address, whom []portal.Address) {
	x.mu.Lock()
	defer x.mu.Unlock()
	before := x.watching[who]
	x.watching[who] = slices.Clone(whom)
	for _, p := range whom {
		if !slices.Contains(before, p) {
			x.tellLocked(who, p)
		}
	}
}

func (x *exchange) tellLocked(watcher, of portal.Address) {
	if _, known := x.passwords[of]; !known {
		return
	}
	r := portal.Report{Of: of, Lease: time.Now().Add(time.Hour)}
	if c, ok := x.claims[of]; ok {
		r.Claims = []portal.Claim{c}
	}
	x.news <- func() {
		for _, h := range x.houses {
			h.presence.Notified(watcher, r)
		}
	}
}
