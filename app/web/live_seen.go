package web

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"strconv"

	"portico/app/portal"
	"portico/realtime"
)

// A page shows what is in force, and the live connection that it then opens tells all of that once more: with two hundred contacts
// a hundred times what is news. So a page says what it was made with, its connection names that, and what is still the same is
// not told again: of others by the moment at which the board began to be read, of oneself and of the line by a mark of the
// value itself. What changes while the page is made is told once too often rather than not at all.

const (
	// markLen is a mark's length: 48 bits in base64.
	markLen = 8
	// momentLen is the length of a moment, in base 36 with leading zeros.
	momentLen = 13
	seenLen   = momentLen + 2*markLen
)

// mark is a few characters that stand for bytes.
func mark(frame []byte) string {
	sum := sha256.Sum256(frame)
	return base64.RawURLEncoding.EncodeToString(sum[:markLen*6/8])
}

// seen is what a page says that was made with these values, and with what was in force at a moment.
func (s *Server) seen(ctx context.Context, a realtime.Audience, moment uint64, line portal.LineEvent, own portal.Presence) string {
	at := strconv.FormatUint(moment, 36)
	out := make([]byte, momentLen-len(at), seenLen)
	for i := range out {
		out[i] = '0'
	}
	out = append(out, at...)
	for _, ev := range []portal.Current{line, portal.PresenceEvent{Presence: own}} {
		out = append(out, mark(s.fragment(ctx, a, ev, 0))...)
	}
	return string(out)
}

// news is the state of the line and presence as they are in force, without what the browser has seen. Programs, and a browser
// that names nothing, get everything.
func (l *Live) news(c realtime.Client) []*realtime.Frame {
	var moment uint64
	var marks [2]string
	if len(c.Seen) == seenLen && c.Audience.Encoding == realtime.HTML {
		if at, err := strconv.ParseUint(c.Seen[:momentLen], 36, 64); err == nil {
			moment = at
			marks = [2]string{c.Seen[momentLen : momentLen+markLen], c.Seen[momentLen+markLen:]}
		}
	}
	current := []portal.Current{l.Account.LineState(c.Person)}
	for _, p := range l.Presence.Snapshot(c.Person, moment) {
		current = append(current, portal.PresenceEvent{Presence: p})
	}
	frames := make([]*realtime.Frame, 0, len(current))
	for i, ev := range current { // the line first, then oneself
		f := l.frame(ev, 0, ev.Key())
		if i >= len(marks) || marks[i] == "" || marks[i] != mark(f.Body(c.Audience)) {
			frames = append(frames, f)
		}
	}
	return frames
}

// seenOf is what a connection says that its page was made with; anything else is nothing.
func seenOf(raw string) string {
	if len(raw) != seenLen {
		return ""
	}
	return raw
}
