package siplab

// Who watches a person (presence.winfo, RFC 3857 and 3858), and whom the person lets watch.

import (
	"bytes"
	"strconv"
)

const typeWinfo = "application/watcherinfo+xml"

// Authorization is what a person decided about a watcher.
type Authorization int

const (
	Allow       Authorization = iota // sees the presence; the default
	Confirm                          // subscription is pending, without a document
	PoliteBlock                      // sees a person who is never there
	Block                            // subscription is refused, or ended with reason rejected
)

// Authorize sets what a person (local part) lets a watcher (local part) see, and tells those concerned.
func (s *Server) Authorize(person, watcher string, decision Authorization) {
	a, w := s.account(person), s.account(watcher)
	if a == nil || w == nil {
		return
	}
	a.mu.Lock()
	a.rules[w.aor] = decision
	var touched []*subscription
	for sub := range a.watchers {
		if sub.watcher == w.aor {
			touched = append(touched, sub)
		}
	}
	a.mu.Unlock()
	for _, sub := range touched {
		if decision == Block && sub.list == nil {
			s.endSubscription(sub, "rejected")
		} else {
			if sub.list != nil {
				sub.list.mark(a)
			}
			s.notify(sub)
		}
	}
	s.winfoChanged(a, nil)
}

func (a *account) authorization(who *account) Authorization {
	if a == who {
		return Allow
	}
	return a.authorizationOf(who.aor)
}

func (a *account) authorizationOf(watcher string) Authorization {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.rules[watcher]
}

// watcherInfo is one line of a watcher list.
type watcherInfo struct {
	id, uri, status, event string
}

// winfoChanged tells a person's own devices that the circle of watchers has changed; left is one who went.
func (s *Server) winfoChanged(a *account, left *subscription) {
	a.mu.Lock()
	subs := make([]*subscription, 0, len(a.winfos))
	for sub := range a.winfos {
		subs = append(subs, sub)
	}
	a.mu.Unlock()
	reason := "timeout"
	if left != nil {
		left.mu.Lock()
		reason = orString(left.ended, reason)
		left.mu.Unlock()
	}
	for _, sub := range subs {
		if left != nil {
			sub.mu.Lock()
			if len(sub.gone) < 100 {
				sub.gone = append(sub.gone, watcherInfo{left.watcherID(), left.watcher, "terminated", reason})
			}
			sub.mu.Unlock()
		}
		s.changed(sub, a)
	}
}

// watcherID names a watcher in documents without giving away the dialog.
func (sub *subscription) watcherID() string { return "w" + hashHex(MD5, sub.id)[:12] }

// winfoDocument lists all watchers of a person, and once those that left since the last document.
func (s *Server) winfoDocument(sub *subscription) []byte {
	a := sub.owner
	a.mu.Lock()
	list := make([]watcherInfo, 0, len(a.watchers))
	for w := range a.watchers {
		info := watcherInfo{w.watcherID(), w.watcher, "active", "subscribe"}
		switch a.rules[w.watcher] {
		case Confirm:
			info.status = "pending"
		case Block:
			info.status, info.event = "terminated", "rejected"
		}
		list = append(list, info)
	}
	a.mu.Unlock()
	sub.mu.Lock()
	list = append(list, sub.gone...)
	sub.gone = nil
	version := sub.version
	sub.version++
	sub.mu.Unlock()
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<watcherinfo xmlns="urn:ietf:params:xml:ns:watcherinfo" version="` +
		strconv.Itoa(version) + `" state="full">` + "\n" + `<watcher-list resource="` + xmlText(a.aor) + `" package="presence">`)
	for _, w := range list {
		b.WriteString("\n" + `<watcher id="` + w.id + `" event="` + xmlText(w.event) + `" status="` + w.status + `">` + xmlText(w.uri) + `</watcher>`)
	}
	b.WriteString("\n</watcher-list>\n</watcherinfo>\n")
	return b.Bytes()
}
