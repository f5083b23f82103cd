package web

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
)

// elsewhere is an account in which another change comes just before one, after what its request read.
type elsewhere struct {
	Account
	meanwhile func(*portal.Settings)
}

func (e elsewhere) ChangeSettings(ctx context.Context, who portal.Address, change func(*portal.Settings) error) error {
	if err := e.Account.ChangeSettings(ctx, who, func(set *portal.Settings) error { e.meanwhile(set); return nil }); err != nil {
		return err
	}
	return e.Account.ChangeSettings(ctx, who, change)
}

// What somebody changed elsewhere meanwhile is not lost by a change of something else.
func TestSettingsChangedMeanwhile(t *testing.T) {
	h := peopleHouseFor(t)
	a, page := h.signIn(alice), h.browse(alice)
	for name, change := range map[string]func(){
		"api":  func() { a.call("PUT", "/api/v1/me/settings", map[string]string{"theme": "dark"}, 200) },
		"form": func() { page.submit("/settings", "theme", "dark").leadsTo("/settings?saved=1") },
	} {
		h.server.Account = elsewhere{h.account, func(set *portal.Settings) { set.Sort, set.PresenceProvider = "status", "Linphone" }}
		change()
		set, err := h.account.Settings(t.Context(), alice)
		if err != nil || set.Theme != "dark" || set.Sort != "status" || set.PresenceProvider != "Linphone" {
			t.Errorf("%s: kept %+v, %v", name, set, err)
		}
		h.must(h.account.ChangeSettings(t.Context(), alice, func(set *portal.Settings) error { *set = portal.DefaultSettings(); return nil }))
	}
	h.server.Account = elsewhere{h.account, func(set *portal.Settings) { set.Theme = "light" }}
	page.submit("/contacts/sort", "sort", "status").leadsTo("/contacts")
	if set, err := h.account.Settings(t.Context(), alice); err != nil || set.Theme != "light" || set.Sort != "status" {
		t.Errorf("sorting: kept %+v, %v", set, err)
	}
}

// The forms of the own status are refused to silent sessions as their calls are.
func TestSilentSessionsByForm(t *testing.T) {
	h := peopleHouseFor(t)
	quiet := h.silently(alice)
	for path, fields := range map[string][]string{
		"/me/presence": {"availability", "available"}, "/me/note": {"note", "here"}, "/me/whereabouts": {"location", "Office"},
	} {
		if got := quiet.submit(path, fields...); got.status != http.StatusForbidden {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	if h.isThere(alice) || h.presence.Note(alice).Text != "" || h.presence.Whereabouts(alice).Location != "" {
		t.Errorf("alice is %+v", h.presence.Own(alice))
	}
}

// forgetful is privacy that may be asked nothing of the database.
type forgetful struct {
	Privacy
	t *testing.T
}

func (f forgetful) Settings(ctx context.Context, who portal.Address) (portal.Privacy, []portal.Tie, error) {
	f.t.Error("the store is asked for privacy")
	return f.Privacy.Settings(ctx, who)
}

func (f forgetful) Relationship(ctx context.Context, owner, of portal.Address) (portal.Relationship, error) {
	f.t.Error("the store may be asked for a relationship")
	return f.Privacy.Relationship(ctx, owner, of)
}

// Whether somebody is hidden is not told by the time that their card takes: everybody is answered out of memory.
func TestCardsAskMemory(t *testing.T) {
	h := peopleHouseFor(t)
	h.browse(alice)
	p := portal.Person{URI: alice, Numbers: []portal.Number{{Kind: "work", Number: "1"}}, Phones: []string{"1"}}
	for _, r := range []portal.Relationship{portal.Team, portal.Company, portal.Public, portal.Blocked} {
		h.must(h.privacy.Give(t.Context(), alice, bob, r))
		h.server.Privacy = forgetful{h.privacy, t}
		h.server.shownTo(bob, p)
		h.server.Privacy = h.privacy
	}
}

// Why an address book could not be read is for administrators.
func TestDiagnosisHidesOperatorsTexts(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.facts.with(func(f *fakeFacts) { f.facts = wellKnown(t) })
	const secret = "dial tcp 192.0.2.9:636: refused"
	h.server.Books = brokenBooks{{Name: "ldap", At: time.Unix(1, 0), Failed: secret}, {Name: "exchange", Failed: secret}, {Name: "lab"}}
	for who, want := range map[portal.Address][]string{
		alice: {secret, secret, ""}, bob: {"In use, but the last reading failed", "Cannot be read", ""},
	} {
		var facts factsJSON
		h.signIn(who).call("GET", "/api/v1/diagnostics", nil, 200).into(&facts)
		got := []string{}
		for _, b := range facts.Books {
			got = append(got, b.Failed)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s is told %q", who, got)
		}
		page := h.browse(who)
		for _, path := range []string{"/diagnostics", "/diagnostics.txt"} {
			page.call("GET", path, nil, 200).says(200, want[0])
		}
	}
	if doc := h.browse(bob).page("/settings", 200); doc.Find(`main a[href="/diagnostics"]`).Length() != 1 {
		t.Error("the settings do not lead to the diagnostics")
	}
}

// brokenBooks are address books of which some cannot be read.
type brokenBooks []portal.BookState

func (b brokenBooks) States() []portal.BookState           { return b }
func (b brokenBooks) RefreshNow(ctx context.Context) error { return ctx.Err() }
