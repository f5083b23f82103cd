package web

import (
	"context"
	"slices"
	"strings"
	"testing"

	"portico/app/portal"
	"portico/realtime"
)

// TestAConnectionIsNotToldWhatItsPageShows: of what is in force only what changed since the page was made, and everything to whom
// names nothing, what is broken, or too much, and to programs.
func TestAConnectionIsNotToldWhatItsPageShows(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.noCalendar = true })
	a := h.browse(alice)
	h.must(h.server.Contacts.Put(t.Context(), alice, portal.Contact{URI: bob}))
	h.exchange.Publish(bob, portal.Claim{Endpoint: "x", Availability: portal.Away})
	eventually(t, "bob is away and alice is told nothing new", func() bool {
		before := h.server.Presence.Moment()
		return h.server.Presence.Of(alice, bob).Availability == portal.Away && len(h.server.Presence.Snapshot(alice, before)) == 1
	})
	page := a.call("GET", "/settings", nil, 200)
	_, after, _ := strings.Cut(string(page.body), `data-seen="`)
	seen, _, _ := strings.Cut(after, `"`)
	if len(seen) != seenLen {
		t.Fatalf("the page says %q", seen)
	}
	told := func(encoding realtime.Encoding, seen string) (all []string) {
		t.Helper()
		client := realtime.Client{Person: alice, Audience: h.html(), Seen: seenOf(seen)}
		if client.Audience.Encoding = encoding; encoding == realtime.JSON {
			client.Audience = jsonAudience(client.Audience)
		}
		frames, err := h.server.live.Snapshot(context.Background(), client)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range frames {
			if strings.HasPrefix(f.Key(), "presence") || strings.HasPrefix(f.Key(), "line") {
				all = append(all, f.Key())
			}
		}
		return all
	}
	line, mine, others := (portal.LineEvent{}).Key(), portal.PresenceEvent{Presence: portal.Presence{URI: alice}}.Key(), portal.PresenceEvent{Presence: portal.Presence{URI: bob}}.Key()
	want := func(what string, encoding realtime.Encoding, seen string, want ...string) {
		t.Helper()
		if got := told(encoding, seen); !slices.Equal(got, want) {
			t.Errorf("%s: told %q, not %q", what, got, want)
		}
	}
	want("nothing changed", realtime.HTML, seen)
	want("no page", realtime.HTML, "", line, mine, others)
	want("a program", realtime.JSON, seen, line, mine, others)
	want("too short", realtime.HTML, seen[1:], line, mine, others)
	want("too long", realtime.HTML, seen+"0", line, mine, others)
	want("no number", realtime.HTML, "-"+seen[1:], line, mine, others)
	want("of before the portal started", realtime.HTML, strings.Repeat("0", momentLen)+seen[momentLen:], others)
	want("another line", realtime.HTML, seen[:momentLen]+"????????"+seen[momentLen+markLen:], line)
	want("another state of one's own", realtime.HTML, seen[:momentLen+markLen]+"????????", mine)
	h.exchange.Publish(bob, portal.Claim{Endpoint: "x", Availability: portal.Busy})
	eventually(t, "bob is busy", func() bool { return h.server.Presence.Of(alice, bob).Availability == portal.Busy })
	want("bob changed", realtime.HTML, seen, others)
}

// html is the audience of a page that says nothing of how it reads.
func (h *house) html() realtime.Audience {
	return realtime.Audience{Encoding: realtime.HTML, Locale: "en", Zone: "UTC"}
}
