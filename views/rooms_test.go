package views

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"portico/app/portal"
)

// TestCrowdOfAReaction: the first are named, the others counted.
func TestCrowdOfAReaction(t *testing.T) {
	crowd := make([]portal.Address, 23)
	for i := range crowd {
		crowd[i] = portal.Address(fmt.Sprintf("sip:p%d@example.test", i))
	}
	who := func(a portal.Address) portal.Person { return portal.Person{URI: a, DisplayName: "N-" + a.User()} }
	for n, want := range map[int]string{0: "", 1: "N-p0", 20: "N-p19", 21: "N-p19 and one more", 23: "N-p19 and 3 more"} {
		x := portal.Reaction{Sign: "👍", By: crowd[:n]}
		m := NewRoomMessageItem(portal.RoomMessage{Reactions: []portal.Reaction{x}}, who)
		got := m.reactors(NewReader("en", "UTC", en0), x)
		if !strings.HasSuffix(got, want) || strings.Count(got, "N-") != min(n, 20) {
			t.Errorf("%d people are %q", n, got)
		}
	}
}

// TestChangedMessageIsQuotedInPart: its answers get the beginning of a long one, whole characters of it.
func TestChangedMessageIsQuotedInPart(t *testing.T) {
	text := strings.Repeat("é", 150) + strings.Repeat("ö", 50) + strings.Repeat("ü", 9000)
	if got := []rune(quoteStart(text)); len(got) != 200 || slices.Contains(got, 'ü') || got[199] != 'ö' {
		t.Errorf("%d characters: %q", len(got), string(got))
	}
	if got := quoteStart("short"); got != "short" {
		t.Errorf("a short one is %q", got)
	}
	m := portal.RoomMessage{Room: "sip:lobby@rooms.example.test", Place: 1, ID: "1", Text: text}
	item := NewRoomMessageItem(m, func(a portal.Address) portal.Person { return portal.Person{URI: a} })
	var b strings.Builder
	ev := portal.RoomEvent{ID: m.Room, What: portal.RoomMessageChanged, Place: 1, Message: &m}
	if err := LiveRoomChanged(NewReader("en", "UTC", en0), 1, ev, item).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if whole := strings.Count(b.String(), strings.Repeat("ü", 9000)); whole != 1 {
		t.Errorf("the whole text stands %d times in the event, not only in its message", whole)
	}
}
