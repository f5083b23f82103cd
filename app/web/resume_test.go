package web

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

func draftPath(with portal.Address) string { return "/api/v1/conversations/" + with.Path() + "/draft" }

// A draft is the person's: what one session keeps, another one reads, in the API and in the page.
func TestADraftIsTheSameInEverySession(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.noCalendar = true })
	desk, elsewhere := h.signIn(alice), h.signIn(alice)
	get := func(with portal.Address) (d draftJSON) {
		t.Helper()
		elsewhere.call("GET", draftPath(with), nil, 200).into(&d)
		return d
	}
	if d := get(bob); d.Text != "" || d.At != nil || d.Conversation != bob {
		t.Errorf("of nothing: %+v", d)
	}
	var kept draftJSON
	desk.call("PUT", draftPath(bob), map[string]any{"text": "half a sentence <b>"}, 200).into(&kept)
	if d := get(bob); d.Text != "half a sentence <b>" || d.At == nil || !d.At.Equal(*kept.At) {
		t.Errorf("elsewhere: %+v", d)
	}
	// An older one does not take its place, and the answer says what is kept.
	var still draftJSON
	desk.call("PUT", draftPath(bob), map[string]any{"text": "older", "at": kept.At.Add(-time.Minute)}, 200).into(&still)
	if still.Text != "half a sentence <b>" || !still.At.Equal(*kept.At) {
		t.Errorf("an older one: %+v", still)
	}
	var all []draftJSON
	elsewhere.call("GET", "/api/v1/me/drafts", nil, 200).into(&all)
	if len(all) != 1 || all[0].Conversation != bob {
		t.Errorf("drafts %+v", all)
	}
	h.signIn(bob).call("GET", "/api/v1/me/drafts", nil, 200).into(&all)
	if len(all) != 0 {
		t.Errorf("bob reads %+v", all)
	}
	page := h.browse(alice).page("/chat/"+bob.Path(), 200)
	if text := page.Find("#text").Text(); text != "half a sentence <b>" || page.Find("#composer").AttrOr("data-draft-at", "0") == "0" {
		t.Errorf("the page holds %q", text)
	}
	for name, bad := range map[string]any{"no text": map[string]any{}, "too long": map[string]any{"text": strings.Repeat("x", portal.MaxDraftLen+1)}} {
		if desk.call("PUT", draftPath(bob), bad, 400); get(bob).Text != "half a sentence <b>" {
			t.Errorf("%s: changed it", name)
		}
	}
	desk.call("PUT", draftPath("sip:"), map[string]any{"text": "x"}, 400)
	// Said by the form without script, it is ended.
	h.browse(alice).post("/chat/"+bob.Path(), url.Values{"id": {"m1"}, "text": {"half a sentence, and more"}}, http.StatusSeeOther)
	if d := get(bob); d.Text != "" || d.At == nil {
		t.Errorf("after it was said: %+v", d)
	}
}

// What was refused just now stands in the composer, and not an older draft.
func TestWhatWasRefusedGoesBeforeADraft(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.noCalendar = true })
	h.signIn(alice).call("PUT", draftPath(bob), map[string]any{"text": "a draft"}, 200)
	long := strings.Repeat("x", portal.MaxTextLen+1)
	answer := h.browse(alice).post("/chat/"+bob.Path(), url.Values{"id": {"m1"}, "text": {long}}, 400)
	page := newScreen(t, bytes.NewReader(answer.body)).doc
	if text := page.Find("#text").Text(); text != long || page.Find("#composer").AttrOr("data-draft-at", "") != "0" {
		t.Errorf("the composer holds %.20q of %d", text, len(text))
	}
}

// A sign-in leads to the page that was open last, unless it was asked to lead elsewhere.
func TestASignInLeadsToWhereOneWas(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.noCalendar = true })
	lands := func(next, want string) {
		t.Helper()
		answer := h.guest().post("/signin", url.Values{"address": {string(alice)}, "password": {password}, "next": {next}}, http.StatusSeeOther)
		if got := answer.header.Get("Location"); got != want {
			t.Errorf("with next %q it leads to %q, want %q", next, got, want)
		}
	}
	place := func(want string) {
		t.Helper()
		var p placeJSON
		h.signIn(alice).call("GET", "/api/v1/me/place", nil, 200).into(&p)
		if p.Path != want || (p.At == nil) != (want == "") {
			t.Errorf("place %+v, want %q", p, want)
		}
	}
	place("")
	lands("/", "/")
	b := h.browse(alice)
	b.call(http.MethodGet, "/history?q=offer", nil, 200)
	place("/history?q=offer")
	// A page that the script reads again, a part of a page, what a program asks for, and files are no places.
	b.with(rereadHeader, "1").call(http.MethodGet, "/contacts", nil, 200)
	b.with("Sec-Fetch-Dest", "empty").call(http.MethodGet, "/contacts", nil, 200)
	b.with("Sec-Purpose", "prefetch").call(http.MethodGet, "/contacts", nil, 200)
	h.signIn(alice).call(http.MethodGet, "/contacts", nil, 200)
	b.call(http.MethodGet, "/chat/nonsense@", nil, 400)
	lands("/", "/history?q=offer")
	lands("", "/history?q=offer")
	lands("/settings", "/settings")
	lands("https://evil.test/", "/history?q=offer")
	b.with("Sec-Fetch-Dest", "document").call(http.MethodGet, "/settings", nil, 200)
	lands("/", "/settings")
	// Signing out deletes nothing of it.
	b.post("/signout", nil, http.StatusSeeOther)
	lands("/", "/settings")
}

// Nobody is led to a page that is not there.
func TestAPageThatIsGoneIsNoPlace(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.noCalendar = true })
	h.resume.Went(alice, "/rooms/gone")
	h.browse(alice).call(http.MethodGet, "/rooms/gone", nil, 404)
	if p, err := h.resume.Place(t.Context(), alice); err != nil || p.Path != "" {
		t.Errorf("place %+v, %v", p, err)
	}
}

// A house that keeps nothing of it works without.
func TestWithoutResume(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.noCalendar, s.noResume = true, true })
	a := h.signIn(alice)
	for _, path := range []string{"/api/v1/me/drafts", "/api/v1/me/place", draftPath(bob)} {
		a.call("GET", path, nil, 503).problem("resume.none")
	}
	b := h.browse(alice)
	b.call(http.MethodGet, "/chat/"+bob.Path(), nil, 200)
	b.post("/chat/"+bob.Path(), url.Values{"id": {"m1"}, "text": {"said"}}, http.StatusSeeOther)
}
