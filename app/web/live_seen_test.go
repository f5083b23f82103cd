package web

import (
	"context"
	"strings"
	"testing"

	"portico/app/portal"
	"portico/realtime"
)

// TestAConnectionIsNotToldWhatItsPageShows: of what is in force only what changed since the page was made, and everything to whom
// names nothing, what is broken, or too much, and to programs.
func TestAConnectionIsNotToldWhatItsPageShows(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	var marks string
	eventually(t, "a page with the marks of what is in force", func() bool {
		page := a.call("GET", "/settings", nil, 200)
		_, after, _ := strings.Cut(string(page.body), `data-seen="`)
		marks, _, _ = strings.Cut(after, `"`)
		return len(marks) >= 2*markLen && len(marks)%markLen == 0 && h.server.marks(t.Context(), h.html(), alice) == marks
	})
	told := func(encoding realtime.Encoding, seen string) (all int) {
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
				all++
			}
		}
		return all
	}
	all := told(realtime.HTML, "")
	if all != len(marks)/markLen {
		t.Errorf("%d values in force, %d marks", all, len(marks)/markLen)
	}
	for seen, want := range map[string]int{
		marks: 0, marks[markLen:]: 1, marks[:len(marks)-1]: 1, "????": all, strings.Repeat("A", maxSeen*markLen+1): all,
	} {
		if got := told(realtime.HTML, seen); got != want {
			t.Errorf("%.40q: told %d, not %d", seen, got, want)
		}
	}
	if got := told(realtime.JSON, marks); got != all {
		t.Errorf("a program is told %d of %d", got, all)
	}
	if h.server.live.shown(alice)[0].Key() != (portal.LineEvent{}).Key() {
		t.Error("the line's state is not among what is in force")
	}
}

// html is the audience of a page that says nothing of how it reads.
func (h *house) html() realtime.Audience {
	return realtime.Audience{Encoding: realtime.HTML, Locale: "en", Zone: "UTC"}
}
