package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/policy"
	"portico/app/portal"
	"portico/app/privacy"
	"portico/views"
)

// saved is the form of the table as a browser sends it, with some fields otherwise.
func saved(rules map[portal.Relationship]portal.Sight, more ...string) []string {
	form := []string{"colleagues", "company", "others", "public"}
	for _, r := range views.Shown() {
		sight, ok := rules[r]
		if !ok {
			sight = policy.StandardSight(r)
		}
		for _, item := range views.SightItems() {
			if *item.Of(&sight) {
				form = append(form, string(r)+"."+item.Key, "on")
			}
		}
	}
	return append(form, more...)
}

// ruleServer is a SIP server's store of rules; it takes none while it answers with an error.
type ruleServer struct{ answer atomic.Pointer[error] }

func (r *ruleServer) PutRules(context.Context, portal.Address, privacy.RuleSet) error {
	if err := r.answer.Load(); err != nil {
		return *err
	}
	return nil
}

// The banner says that the server has not taken what was decided, and goes when it has; who decided nothing new sees none.
func TestWhatTheServerHasNotTakenIsSaid(t *testing.T) {
	server := &ruleServer{}
	h := peopleHouseFor(t, func(set *settings) { set.rules = server })
	a, german := h.browse(alice), h.browse(bob).with("Accept-Language", "de")
	taken := func(who portal.Address) func() bool { return func() bool { return h.privacy.OnServer(who).Current } }
	h.privacy.SignedIn(alice)
	h.privacy.SignedIn(bob)
	eventually(t, "alice's rules at the server", taken(alice))
	eventually(t, "bob's rules at the server", taken(bob))
	banner := func(c caller) string {
		return squeezed(c.page("/privacy", http.StatusOK).Find("#rules-waiting[role=status]").Text())
	}
	if got := banner(a); got != "" {
		t.Errorf("with the server's word it says %q", got)
	}
	for _, why := range []error{portal.Fail(portal.ErrUnavailable, "line.down"), fmt.Errorf("xcap: %w: 403", portal.ErrForbidden)} {
		server.answer.Store(&why)
		for who, c := range map[portal.Address]caller{alice: a, bob: german} {
			h.must(h.privacy.Give(t.Context(), who, carol, portal.Personal))
			eventually(t, "a miss", func() bool { return h.privacy.OnServer(who).Misses > 0 })
			want := map[portal.Address]string{alice: "The SIP server has not taken your last changes yet (last tried ", bob: "Der SIP-Server hat "}[who]
			if got := banner(c); !strings.HasPrefix(got, want) {
				t.Errorf("%v: %s reads %q", why, who, got)
			}
		}
		server.answer.Store(nil)
		for who, c := range map[portal.Address]caller{alice: a, bob: german} {
			eventually(t, "the rules at the server", taken(who))
			if got := banner(c); got != "" {
				t.Errorf("when the server has them %s reads %q", who, got)
			}
			h.must(h.privacy.TakeBack(t.Context(), who, carol))
			eventually(t, "the rules without it", taken(who))
		}
	}
}

func TestPrivacyTable(t *testing.T) {
	h := peopleHouseFor(t)
	a := h.browse(alice)
	doc := a.page("/privacy", http.StatusOK)
	for _, r := range views.Shown() {
		sight := policy.StandardSight(r)
		for _, item := range views.SightItems() {
			_, ticked := doc.Find(`input[name="` + string(r) + "." + item.Key + `"]`).Attr("checked")
			if ticked != *item.Of(&sight) {
				t.Errorf("%s %s: ticked %v", r, item.Key, ticked)
			}
		}
	}
	sight := policy.StandardSight(portal.Company)
	sight.Note = false
	a.submit("/privacy", saved(map[portal.Relationship]portal.Sight{portal.Company: sight}, "contacts_only", "on")...).leadsTo("/privacy?saved=1")
	p, _, err := h.privacy.Settings(t.Context(), alice)
	h.must(err)
	if len(p.Rules) != 1 || p.Rules[portal.Company] != sight || !p.ContactsOnly {
		t.Errorf("kept: %+v", p)
	}
	a.submit("/privacy", "colleagues", "company", "others", "public", "do", "standard").leadsTo("/privacy?saved=1")
	p, _, err = h.privacy.Settings(t.Context(), alice)
	h.must(err)
	if len(p.Rules) != 0 || p.ContactsOnly {
		t.Errorf("back to the standard: %+v", p)
	}
	a.submit("/privacy", "colleagues", "friends", "others", "public").says(http.StatusBadRequest, "")
}

// Who was given which relationship sees what it shows, in the card, by the API and on the page "how others see me".
func TestEachRelationshipSeesItsOwn(t *testing.T) {
	h := peopleHouseFor(t, func(set *settings) { set.noCalendar = true })
	a, b := h.browse(alice), h.browse(bob)
	api := h.signIn(alice)
	_, err := h.presence.SetNote(t.Context(), alice, "in the lab", time.Time{})
	h.must(err)
	_, err = h.presence.SetWhereabouts(t.Context(), alice, portal.Whereabouts{Location: "Room 7", TimeZone: "Asia/Tokyo"})
	h.must(err)
	for _, r := range []portal.Relationship{portal.Personal, portal.Team, portal.Company, portal.Public, portal.Blocked} {
		a.submit("/privacy/ties", "uri", bob.Bare(), "relationship", string(r), "do", "give").leadsTo("/privacy#ties")
		want := policy.StandardSight(r)
		h.showsTo(bob, alice, func(s portal.Sight) bool { return s == want })
		text := func(who caller, path string) string {
			return strings.Join(strings.Fields(who.page(path, http.StatusOK).Find(".person").Text()), " ")
		}
		own := text(a, "/privacy?as="+url.QueryEscape(bob.Bare()))
		var theirs string
		eventually(t, "bob's card of alice as "+string(r), func() bool {
			theirs = text(b, views.ContactPath(alice))
			return strings.Contains(theirs, "in the lab") == want.Note && strings.Contains(theirs, "Room 7") == want.Location
		})
		if strings.Contains(own, "in the lab") != want.Note || strings.Contains(own, "Room 7") != want.Location {
			t.Errorf("%s: alice is told that bob sees %q, and he sees %q", r, own, theirs)
		}
		var seen seenByJSON
		api.call(http.MethodGet, "/api/v1/me/seen-by/"+bob.Path(), nil, http.StatusOK).into(&seen)
		if seen.Sight != want || seen.Relationship != r || (seen.Presence.Note != "") != want.Note || (seen.Presence.Availability == portal.Offline) != want.Hidden {
			t.Errorf("%s: seen by bob: %+v", r, seen)
		}
	}
	a.submit("/privacy/ties", "uri", bob.Bare(), "do", "take-back").leadsTo("/privacy#ties")
	h.showsTo(bob, alice, func(s portal.Sight) bool { return s == policy.StandardSight(portal.Company) })
	a.call(http.MethodGet, "/privacy?as=nobody+of+that+name", nil, http.StatusOK).says(http.StatusOK, `role="alert"`)
}

func TestWhoAddedMe(t *testing.T) {
	h := peopleHouseFor(t)
	a := h.browse(alice)
	h.must(h.lists.Put(t.Context(), bob, portal.Contact{URI: alice}))
	h.must(h.lists.Put(t.Context(), carol, portal.Contact{URI: alice}))
	doc := a.page("/privacy", http.StatusOK)
	if got := doc.Find("#admirers li .new").Length(); got != 2 {
		t.Fatalf("%d are new", got)
	}
	if got := doc.Find("#watchers-total .badge > [aria-hidden]").Text(); got != "2" {
		t.Errorf("the badge says %q", got)
	}
	a.submit("/privacy/decide", "uri", string(bob), "do", "accept", "relationship", "team", "add", "on").leadsTo("/privacy#admirers")
	a.submit("/privacy/decide", "uri", string(carol), "do", "block", "relationship", "company").leadsTo("/privacy#admirers")
	doc = a.page("/privacy", http.StatusOK)
	if doc.Find("#admirers li .new").Length() != 0 {
		t.Error("somebody is still new")
	}
	c, err := h.lists.Contact(t.Context(), alice, bob)
	if err != nil || c.Relationship != portal.Team {
		t.Errorf("bob is %+v (%v)", c, err)
	}
	h.showsTo(carol, alice, func(s portal.Sight) bool { return s.Hidden })
	a.submit("/privacy/decide", "uri", "nonsense", "do", "accept").says(http.StatusBadRequest, "")
	a.submit("/privacy/decide", "uri", string(bob), "do", "accept", "relationship", "enemy").says(http.StatusBadRequest, "")
}

// Home and mobile numbers are for personal and team; who is blocked sees what people without a relationship see.
func TestNumbersAreCut(t *testing.T) {
	all := portal.Person{URI: alice, Numbers: []portal.Number{{Kind: "work", Number: "1"}, {Kind: "mobile", Number: "2"}, {Kind: "home", Number: "3"}}, Phones: []string{"1", "2", "3"}}
	h := peopleHouseFor(t)
	h.browse(alice)
	for r, want := range map[portal.Relationship]string{portal.Personal: "1 2 3", portal.Team: "1 2 3", portal.Company: "1", portal.Public: "", portal.Blocked: "1"} {
		h.must(h.privacy.Give(t.Context(), alice, bob, r))
		h.showsTo(bob, alice, func(s portal.Sight) bool { return s == policy.StandardSight(r) })
		got := h.server.shownTo(bob, all)
		if strings.Join(got.Phones, " ") != want || len(got.Numbers) != len(strings.Fields(want)) {
			t.Errorf("%s sees %v, want %q", r, got.Phones, want)
		}
	}
	if own := h.server.shownTo(alice, all); len(own.Numbers) != 3 {
		t.Errorf("own numbers: %v", own.Numbers)
	}
}

func TestPlacesByForm(t *testing.T) {
	h := peopleHouseFor(t)
	a := h.browse(alice)
	doc := a.page("/settings", http.StatusOK)
	if got := strings.Join(strings.Fields(doc.Find("#places li").Text()), " "); !strings.Contains(got, "Firefox on Linux") || !strings.Contains(got, "Busy, in a call") {
		t.Errorf("places: %q", got)
	}
	a.submit("/settings/places", "do", "choose", "provider", "Linphone").leadsTo("/settings#places")
	if h.places.chosen != "Linphone" {
		t.Errorf("chosen: %q", h.places.chosen)
	}
	a.submit("/settings/places", "do", "choose", "provider", "somebody else's").says(http.StatusBadRequest, "This place does not exist.")
	a.submit("/settings/places", "do", "sign-out", "id", "device:phone").leadsTo("/settings#places")
	if got := a.page("/settings", http.StatusOK).Find("#places-list li").Length(); got != 1 {
		t.Errorf("%d places are left", got)
	}
	a.submit("/settings/places", "do", "sign-out", "id", "device:other").says(http.StatusNotFound, "This place does not exist.")
	a.submit("/settings/places", "do", "dance").says(http.StatusBadRequest, "This place does not exist.")
}

func TestOwnStatusMenu(t *testing.T) {
	h := peopleHouseFor(t)
	a := h.browse(alice)
	doc := a.page("/contacts", http.StatusOK)
	if got := strings.TrimSpace(doc.Find(`#my-status button[value="custom-1"]`).Text()); got != "In the lab" {
		t.Errorf("the custom state is called %q", got)
	}
	a.submit("/me/presence", "availability", "custom-1", "for", "at", "at", "23:59").leadsTo("/contacts")
	own := h.presence.Own(alice)
	if own.Availability != portal.Busy || own.Activity != "custom-1" || own.Until.IsZero() {
		t.Errorf("own status: %+v", own)
	}
	if got := a.page("/contacts", http.StatusOK).Find(".me .presence-word").Text(); got != "Busy, In the lab" {
		t.Errorf("shown as %q", got)
	}
	a.submit("/me/presence", "availability", "custom-4").says(http.StatusBadRequest, "")
	a.submit("/me/presence", "availability", "busy", "for", "at", "at", "soon").says(http.StatusBadRequest, "The end time is not a time.")
	a.submit("/me/note", "note", "back soon", "for", "1h").leadsTo("/contacts")
	if n := h.presence.Note(alice); n.Text != "back soon" || n.Until.IsZero() {
		t.Errorf("the note: %+v", n)
	}
	a.submit("/me/whereabouts", "location", "Office", "time_zone", "Asia/Tokyo").leadsTo("/contacts")
	if w := h.presence.Whereabouts(alice); w.Location != "Office" || w.TimeZone != "Asia/Tokyo" {
		t.Errorf("whereabouts: %+v", w)
	}
	a.submit("/me/whereabouts", "time_zone", "Mars/Olympus").says(http.StatusBadRequest, "")
	h.decide(func(f *portal.InForce) { f.EnableAppearOffline, f.DisablePresenceNote = false, true })
	doc = a.page("/contacts", http.StatusOK)
	if doc.Find(`#my-status button[value="offline"], #status-note`).Length() != 0 || !strings.Contains(doc.Find("#my-status").Text(), "does not allow appearing offline") {
		t.Error("what policy decides is still offered, or is not said")
	}
	a.submit("/me/presence", "availability", "offline").says(http.StatusForbidden, "")
}

func TestEndAtATime(t *testing.T) {
	vienna := vienna(t)
	now := time.Date(2026, 10, 24, 22, 30, 0, 0, vienna) // in this night the clocks go back
	for at, want := range map[string]time.Time{
		"23:00": time.Date(2026, 10, 24, 23, 0, 0, 0, vienna), "22:30": time.Date(2026, 10, 25, 22, 30, 0, 0, vienna), "08:15": time.Date(2026, 10, 25, 8, 15, 0, 0, vienna),
	} {
		if got, err := endAt("at", at, now); err != nil || !got.Equal(want) {
			t.Errorf("at %s ends %v (%v), want %v", at, got, err, want)
		}
	}
}
