package sipua

// What a person's own devices and voice mail say: calls under way (RFC 4235), messages that wait (RFC 3842). Two
// subscriptions to the person's own address, each only where it is configured.

import (
	"slices"

	"portico/app/portal"
	"portico/app/sipua/dialoginfo"
	"portico/app/sipua/mwi"
)

// own is guarded by its line's mutex.
type own struct {
	dialogs, summary *sub
	table            dialoginfo.Table
	calls            word[[]portal.Dialog]
	waiting          word[portal.Waiting]
}

// word is what is to be told, and what was: calls of the handler are in order and the newest word is the last.
type word[T any] struct {
	now, told T
	telling   bool
	// untold: nothing was said yet, so the first word is news whatever it is.
	untold bool
}

// wantOwn begins what is configured. The caller holds the mutex, and enqueues everything afterwards.
func (l *line) wantOwn() {
	if l.own != nil || !l.a.cfg.Dialogs && !l.a.cfg.MessageSummary {
		return
	}
	l.own = &own{calls: word[[]portal.Dialog]{untold: true}} // what the handler knows of a line before this one may not hold
	if l.a.cfg.Dialogs {
		l.own.dialogs = &sub{l: l, of: l.who, kind: kindDialogs, flags: subWanted}
	}
	if l.a.cfg.MessageSummary {
		l.own.summary = &sub{l: l, of: l.who, kind: kindSummary, flags: subWanted}
	}
}

// append adds the subscriptions that there are.
func (o *own) append(all []*sub) []*sub {
	for _, s := range []*sub{o.dialogs, o.summary} {
		if s != nil {
			all = append(all, s)
		}
	}
	return all
}

// drop takes a subscription out and reports whether it was one of these.
func (o *own) drop(s *sub) bool {
	switch s {
	case o.dialogs:
		o.dialogs = nil
	case o.summary:
		o.summary = nil
	default:
		return false
	}
	return true
}

// readDialogs keeps the table of the person's calls.
func (s *sub) readDialogs(n *notice) {
	l := s.l
	if n.state == "pending" {
		l.sayDialogs(nil)
		return
	}
	var doc dialoginfo.Document
	if len(n.body) > 0 {
		var err error
		if doc, err = dialoginfo.Parse(n.body); err != nil {
			l.a.cfg.Logger.Info("dialog information not understood", "person", l.who, "error", err)
			return
		}
	}
	l.mu.Lock()
	if n.dialog != s.id { // of a subscription before this one, whose versions mean nothing here
		l.mu.Unlock()
		return
	}
	refresh := false
	if len(n.body) == 0 { // the server has nothing: nobody talks
		l.own.table.Reset()
	} else {
		_, refresh = l.own.table.Apply(doc)
	}
	ds := l.own.table.Dialogs()
	l.mu.Unlock()
	for _, d := range ds {
		if d.State == portal.DialogConfirmed && !d.Initiator {
			l.a.confirmed(l.who, d.CallID)
		}
	}
	l.sayDialogs(ds)
	if refresh {
		s.enqueue(false)
	}
}

// readSummary passes on what waits. A server whose voice mail system has not said anything yet sends nothing.
func (s *sub) readSummary(n *notice) {
	l := s.l
	if n.state == "pending" || len(n.body) == 0 {
		l.sayWaiting(portal.Waiting{})
		return
	}
	w, err := mwi.Parse(n.body)
	if err != nil {
		l.a.cfg.Logger.Info("message summary not understood", "person", l.who, "error", err)
		return
	}
	l.sayWaiting(w)
}

// unsaid takes back the server's word, because it does not hold any more.
func (s *sub) unsaid() {
	l := s.l
	l.mu.Lock()
	holds := s.live()
	l.mu.Unlock()
	switch {
	case holds:
	case s.kind == kindDialogs:
		l.sayDialogs(nil)
	default:
		l.sayWaiting(portal.Waiting{})
	}
}

// ownUnknown: the line is down, so whatever was said may not be true any more. It is said again after the
// subscriptions were renewed.
func (l *line) ownUnknown() {
	l.mu.Lock()
	none := l.own == nil
	l.mu.Unlock()
	if !none {
		l.sayDialogs(nil)
		l.sayWaiting(portal.Waiting{})
	}
}

func (l *line) sayDialogs(ds []portal.Dialog) {
	say(l, &l.own.calls, ds, slices.Equal, l.a.h.Dialogs)
}

func (l *line) sayWaiting(w portal.Waiting) {
	say(l, &l.own.waiting, w, func(a, b portal.Waiting) bool { return a == b }, l.a.h.MessageWaiting)
}

// say tells the handler a word that is news, in order and never under the lock.
func say[T any](l *line, w *word[T], now T, same func(a, b T) bool, tell func(portal.Address, T)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.now = now
	if w.telling {
		return
	}
	w.telling = true
	for w.untold || !same(w.now, w.told) {
		w.told, w.untold = w.now, false
		told := w.told
		l.mu.Unlock()
		func() {
			defer rescue(l.a.cfg.Logger, "telling of a person's own", nil)
			tell(l.who, told)
		}()
		l.mu.Lock()
	}
	w.telling = false
}
