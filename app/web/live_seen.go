package web

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"portico/app/portal"
	"portico/realtime"
)

// A page shows what is in force, and the live connection that it then opens tells all of that once more: with two hundred contacts
// a hundred times what is news. So a page carries a mark of each current value that it was made after, its connection names
// them, and what is still the same is not told again.

const (
	// markLen is a mark's length: 24 bits in base64. That one of a few hundred values changes within the second between page and
	// connection, and to the same mark, is for nobody to see.
	markLen = 4
	// maxSeen is the number of marks that a page carries; one with more carries none, and is told everything.
	maxSeen = 500
)

// mark is a few characters that stand for bytes.
func mark(frame []byte) string {
	sum := sha256.Sum256(frame)
	return base64.RawURLEncoding.EncodeToString(sum[:markLen*6/8])
}

// marks are the marks of what is in force for a person and shown by every page that shows it at all, one after the other.
func (s *Server) marks(ctx context.Context, a realtime.Audience, who portal.Address) string {
	shown := s.live.shown(who)
	if len(shown) > maxSeen {
		return ""
	}
	var out strings.Builder
	for _, ev := range shown {
		out.WriteString(mark(s.fragment(ctx, a, ev, 0)))
	}
	return out.String()
}

// shown are the current values that pages are made with.
func (l *Live) shown(who portal.Address) []portal.Current {
	current := []portal.Current{l.Account.LineState(who)}
	for _, p := range l.Presence.Snapshot(who) {
		current = append(current, portal.PresenceEvent{Presence: p})
	}
	return current
}

// news leaves out of what is in force what the browser has seen. Programs, and a browser that names nothing, get everything.
func (l *Live) news(c realtime.Client, current []portal.Current) []*realtime.Frame {
	seen := make(map[string]bool, len(c.Seen)/markLen)
	for at := 0; at+markLen <= len(c.Seen) && c.Audience.Encoding == realtime.HTML; at += markLen {
		seen[c.Seen[at:at+markLen]] = true
	}
	frames := make([]*realtime.Frame, 0, len(current))
	for _, ev := range current {
		f := l.frame(ev, 0, ev.Key())
		if len(seen) == 0 || !seen[mark(f.Body(c.Audience))] {
			frames = append(frames, f)
		}
	}
	return frames
}

// seenOf is what a connection says that its page shows; too much of it is nothing.
func seenOf(raw string) string {
	if len(raw) > maxSeen*markLen {
		return ""
	}
	return raw
}
