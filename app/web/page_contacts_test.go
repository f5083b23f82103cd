package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"portico/app/contacts"
	"portico/app/portal"
	"portico/views"
)

// headings are the sections of a contact list with the names under each.
func headings(doc *goquery.Document) string {
	var out []string
	doc.Find("#contact-list > section").Each(func(_ int, section *goquery.Selection) {
		var names []string
		section.Find("li.contact .name b").Each(func(_ int, b *goquery.Selection) { names = append(names, b.Text()) })
		out = append(out, section.AttrOr("aria-label", "")+": "+strings.Join(names, ", "))
	})
	return strings.Join(out, "; ")
}

func (h *house) headings(who caller, want string) {
	h.t.Helper()
	if got := headings(who.page("/contacts", http.StatusOK)); got != want {
		h.t.Errorf("the list is %q, want %q", got, want)
	}
}

func TestGroupsByForm(t *testing.T) {
	h := peopleHouseFor(t)
	a := h.browse(alice)
	a.submit("/contacts/groups", "do", "add", "name", " Friends ").leadsTo("/contacts")
	a.submit("/contacts/groups", "do", "add", "name", "Work").leadsTo("/contacts")
	h.headings(a, "Friends: ; Work: ")
	a.submit("/contacts", "uri", string(bob), "group", "Work").leadsTo("/contacts")
	a.submit("/contacts", "uri", string(carol)).leadsTo("/contacts")
	h.headings(a, "Friends: ; Work: Bob Brown; Other contacts: Carol Clark")
	a.submit("/contacts/groups", "do", "up", "name", "Work").leadsTo("/contacts")
	a.submit("/contacts/groups", "do", "up", "name", "Work").leadsTo("/contacts") // it is the first already
	a.submit("/contacts/move", "uri", string(carol), "from", "", "to", "Friends").leadsTo("/contacts")
	a.submit("/contacts/move", "uri", string(bob), "to", "Friends", "copy", "on").leadsTo("/contacts")
	h.headings(a, "Work: Bob Brown; Friends: Bob Brown, Carol Clark")
	a.submit("/contacts/groups", "do", "rename", "name", "Friends", "to", "Family").leadsTo("/contacts")
	a.submit("/contacts/groups", "do", "fold", "name", "Work").leadsTo("/contacts")
	doc := a.page("/contacts", http.StatusOK)
	if got := headings(doc); got != "Work: ; Family: Bob Brown, Carol Clark" {
		t.Errorf("renamed and folded: %q", got)
	}
	if got := doc.Find(`section[data-name=Work] [aria-expanded=false]`).Length(); got != 1 {
		t.Error("the folded group does not say so")
	}
	if got := strings.Join(strings.Fields(doc.Find(`section[data-name=Work] h2`).Text()), " "); got != "Work 1 person" {
		t.Errorf("the folded group is headed %q", got)
	}
	a.submit("/contacts/groups", "do", "unfold", "name", "Work").leadsTo("/contacts")
	a.submit("/contacts/groups", "do", "remove", "name", "Family").leadsTo("/contacts")
	h.headings(a, "Work: Bob Brown; Other contacts: Carol Clark")
	a.submit("/contacts/groups", "do", "dance", "name", "Work").says(http.StatusBadRequest, "This cannot be done with a contact.")
	a.submit("/contacts/move", "uri", "nonsense", "to", "Work").says(http.StatusBadRequest, "That is not a SIP address.")
}

func TestPlainListsOfferNoMore(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	put(t, h, bob, "Friends")
	doc := a.page("/contacts", http.StatusOK)
	if doc.Find(".contact-tools, .fold, [draggable=true], [data-takes]").Length() != 0 {
		t.Error("what cannot be kept is offered")
	}
	a.submit("/contacts/groups", "do", "add", "name", "x").says(http.StatusServiceUnavailable, "plain contact lists only")
	a.call(http.MethodGet, "/privacy", nil, http.StatusServiceUnavailable).says(http.StatusServiceUnavailable, "keeps no relationships")
	a.call(http.MethodGet, "/contacts/"+bob.Path(), nil, http.StatusOK).says(http.StatusOK, "Move to this group")
}

func TestOrdersOfTheList(t *testing.T) {
	h := peopleHouseFor(t)
	a, b := h.browse(alice), h.signIn(bob)
	b.dial(protocolJSON, "").next("hello")
	h.listed("Team", bob, carol)
	eventually(t, "bob is available", func() bool { return h.presence.Of(alice, bob).Availability == portal.Available })
	eventually(t, "carol is known", func() bool { return h.presence.Of(alice, carol).Availability == portal.Offline })
	a.submit("/contacts/sort", "sort", "status").leadsTo("/contacts")
	h.headings(a, "Available: Bob Brown; Offline: Carol Clark")
	if a.page("/contacts", http.StatusOK).Find("#by-status").Length() != 1 {
		t.Error("the list by status is not read again when a status changes")
	}
	a.submit("/contacts/sort", "sort", "relationship").leadsTo("/contacts")
	h.headings(a, "Company: Bob Brown, Carol Clark")
	h.hear(carol, "c1", "hello", time.Now())
	a.submit("/contacts/sort", "sort", "recent").leadsTo("/contacts")
	h.headings(a, "Recent people: Carol Clark; Earlier: Bob Brown")
	a.submit("/contacts/sort", "sort", "").leadsTo("/contacts")
	h.headings(a, "Team: Bob Brown, Carol Clark; Recent people: Carol Clark")
	a.submit("/contacts/sort", "sort", "length").says(http.StatusBadRequest, "")
	if got := a.submit("/contacts/sort", "compact", "on"); got.status != http.StatusSeeOther || !strings.Contains(strings.Join(got.header.Values("Set-Cookie"), " "), compactCookie+"=1") {
		t.Errorf("compact: %d %v", got.status, got.header)
	}
}

func TestDistributionGroupUnfolds(t *testing.T) {
	h := peopleHouseFor(t)
	a := h.browse(alice)
	a.submit("/contacts/distribution", "email", salesList, "name", "Sales people").leadsTo("/contacts")
	doc := a.page("/contacts", http.StatusOK)
	link, ok := doc.Find("li.distribution > a[data-expand]").Attr("href")
	if !ok || doc.Find("li.distribution .dot").Length() != 0 {
		t.Fatal("the group cannot be unfolded, or has a presence")
	}
	doc = a.page(link, http.StatusOK)
	var names []string
	doc.Find("li.distribution ul li .name b").Each(func(_ int, b *goquery.Selection) { names = append(names, b.Text()) })
	if got := strings.Join(names, ", "); got != "Bob Brown, Carol Clark" {
		t.Errorf("its members are %q", got)
	}
	if back := doc.Find("li.distribution > a[data-expand]").AttrOr("href", ""); back != "/contacts" {
		t.Errorf("folding leads to %q", back)
	}
	a.submit("/contacts/distribution", "email", "not one").says(http.StatusBadRequest, "")
	h.must(h.lists.Remove(t.Context(), alice, "sip:sales@example.test"))
	_, err := h.lists.AddDistributionGroup(t.Context(), alice, "other@example.test", "")
	h.must(err)
	away := a.page("/contacts?expand=sip:other@example.test", http.StatusOK)
	if got := away.Find(".members-of [role=status]").Text(); got != "The members cannot be read at the moment." {
		t.Errorf("without members it says %q", got)
	}
}

func TestOutlookContactsAreFoundAndTakenOver(t *testing.T) {
	h := peopleHouseFor(t)
	a := h.browse(alice)
	doc := a.page("/contacts?q=olg", http.StatusOK)
	if got := strings.Join(strings.Fields(doc.Find("#found li.contact .name").Text()), " "); got != "Olga OutlookOutlook" {
		t.Fatalf("found %q", got)
	}
	a.submit("/contacts/import", "uri", "sip:olga@elsewhere.test").leadsTo("/contacts")
	h.headings(a, "Other contacts: Olga Outlook")
	h.listed("", bob)
	a.submit("/contacts/"+bob.Path(), "do", "outlook").leadsTo("/contacts/" + bob.Path())
	if len(h.folder.saved) != 1 || h.folder.saved[0].DisplayName != "Bob Brown" {
		t.Errorf("saved: %+v", h.folder.saved)
	}
	a.submit("/contacts/"+bob.Path(), "do", "outlook").says(http.StatusConflict, "")
}

func TestAllOutlookContactsAreTakenOver(t *testing.T) {
	h := peopleHouseFor(t)
	a := h.browse(alice)
	if n := a.page("/contacts", http.StatusOK).Find("form.import-all button").Length(); n != 1 {
		t.Errorf("%d buttons to import everybody", n)
	}
	a.submit("/contacts/import", "all", "on").leadsTo("/contacts?imported=1")
	h.headings(a, "Other contacts: Olga Outlook")
	if got := a.page("/contacts?imported=1", http.StatusOK).Find(".banner.ok").Text(); got != "1 person was taken over from Outlook." {
		t.Errorf("it says %q", got)
	}
	a.submit("/contacts/import", "all", "on").leadsTo("/contacts?imported=0")
	h.headings(a, "Other contacts: Olga Outlook")
}

func TestAllOutlookContactsAreTakenOverByPrograms(t *testing.T) {
	h := peopleHouseFor(t)
	a := h.browse(alice)
	const path = "/api/v1/outlook-contacts/import-all"
	for _, want := range []string{`{"imported":1}`, `{"imported":0}`} {
		if got := strings.TrimSpace(string(a.call(http.MethodPost, path, nil, http.StatusOK).body)); got != want {
			t.Errorf("it says %s, want %s", got, want)
		}
	}
	h.headings(a, "Other contacts: Olga Outlook")
	for i := range contacts.DefaultLimit {
		if err := h.folder.SaveContact(t.Context(), alice, portal.Person{URI: portal.Address(fmt.Sprintf("sip:p%d@elsewhere.test", i)), DisplayName: "P"}); err != nil {
			t.Fatal(err)
		}
	}
	a.call(http.MethodPost, path, nil, http.StatusConflict).problem("contacts.full")
	h.headings(a, "Other contacts: Olga Outlook")
	h.folder.breaks(portal.Fail(portal.ErrUnavailable, "calendar.none"))
	a.call(http.MethodPost, path, nil, http.StatusServiceUnavailable).problem("calendar.none")
}

func TestTheAgeOfAddressBooksShowsWithoutASearch(t *testing.T) {
	h := peopleHouseFor(t)
	a := h.browse(alice)
	for _, path := range []string{"/contacts", "/contacts?q=bob"} {
		ages := a.page(path, http.StatusOK).Find(".book-ages")
		if ages.Length() != 1 || ages.Find("li").Length() == 0 || ages.Find("form[action='/contacts/refresh'] button").Length() != 1 {
			t.Errorf("%s shows %d: %q", path, ages.Length(), ages.Text())
		}
	}
}

func TestCard(t *testing.T) {
	h := peopleHouseFor(t, func(set *settings) { set.now = noon })
	a := h.browse(alice)
	h.listed("Team", bob)
	path := views.ContactPath(bob)
	for _, act := range [][]string{{"do", "favourite"}, {"do", "tag"}, {"do", "nickname", "nickname", "Bobby"}, {"do", "groups", "groups", "Team", "groups", "New one", "groups", ""}, {"do", "relationship", "relationship", "team"}} {
		a.submit(path, act...).leadsTo(path)
	}
	doc := a.page(path, http.StatusOK)
	for selector, want := range map[string]string{
		"main h1": "Bobby", ".switches [aria-pressed=true]": "Favourite", "#card-relationship option[selected]": "Team", ".actions .primary": "Message",
	} {
		if got := strings.TrimSpace(doc.Find(selector).First().Text()); got != want {
			t.Errorf("%s is %q, want %q", selector, got, want)
		}
	}
	if got := doc.Find(".choose-groups input[checked]").Length(); got != 2 {
		t.Errorf("the contact is in %d groups", got)
	}
	if got, want := doc.Find(`.actions a[href^="/calendar/new"]`).AttrOr("href", ""), "/calendar/new?with="+bob.Path(); got != want {
		t.Errorf("scheduling leads to %q", got)
	}
	c, err := h.lists.Contact(t.Context(), alice, bob)
	h.must(err)
	if !c.Favourite || !c.Tagged || c.Nickname != "Bobby" || strings.Join(c.Groups, ",") != "Team,New one" || c.Relationship != portal.Team {
		t.Errorf("kept: %+v", c)
	}
	part := a.with("HX-Request", "true").call(http.MethodGet, path, nil, http.StatusOK)
	if strings.Contains(string(part.body), "<html") || !strings.Contains(string(part.body), `class="person"`) {
		t.Errorf("the part is %s", part.body)
	}
	a.submit(path, "do", "dance").says(http.StatusBadRequest, "This cannot be done with a contact.")
	a.submit(path, "do", "relationship", "relationship", "enemy").says(http.StatusBadRequest, "")
	a.call(http.MethodGet, "/contacts/nonsense", nil, http.StatusBadRequest)
	if own := a.page(views.ContactPath(alice), http.StatusOK); own.Find(".actions, #card-contact").Length() != 0 {
		t.Error("one can write to oneself")
	}
}

func TestPicturesAreOnlyPictures(t *testing.T) {
	h := peopleHouseFor(t)
	a := h.browse(alice)
	got := a.call(http.MethodGet, "/photos/"+bob.Path(), nil, http.StatusOK)
	if got.header.Get("Content-Type") != "image/png" || string(got.body) != string(png) {
		t.Errorf("the picture is %s %q", got.header.Get("Content-Type"), got.body)
	}
	a.call(http.MethodGet, "/photos/"+carol.Path(), nil, http.StatusNotFound)
	a.call(http.MethodGet, "/photos/"+dave.Path(), nil, http.StatusNotFound)
	h.guest().call(http.MethodGet, "/photos/"+bob.Path(), nil, http.StatusSeeOther)
}

// The page that was open and its frames are what a fresh page is, whatever another tab or program does to the list.
func TestArrangedContactsMakeTheFreshPage(t *testing.T) {
	eachLanguage(t, func(t *testing.T, locale string, words views.Reader) {
		h := peopleHouseFor(t)
		h.browse(alice)
		h.listed("Team", bob)
		ctx := t.Context()
		r := open(t, h, locale, "/contacts")
		r.becomes("a new group", "Friends", "", func() { h.must(h.lists.PutGroup(ctx, alice, "Friends")) })
		r.becomes("a copy", `data-group="Friends"`, "", func() { h.must(h.lists.Copy(ctx, alice, bob, "Friends")) })
		r.becomes("another name", "Freunde", "Friends", func() { h.must(h.lists.RenameGroup(ctx, alice, "Friends", "Freunde")) })
		r.becomes("a favourite", words.Text("contacts.favourites"), "", func() { h.must(h.lists.Favourite(ctx, alice, bob, true)) })
		r.becomes("a nickname", "Bobby", "", func() { h.must(h.lists.Nickname(ctx, alice, bob, "Bobby")) })
		r.becomes("folded", `aria-expanded="false"`, "", func() { h.must(h.lists.FoldGroup(ctx, alice, "Team", true)) })
		r.becomes("gone", words.Text("contacts.group-empty"), "Bobby", func() { h.must(h.lists.Remove(ctx, alice, bob)) })
		r.becomes("somebody waits", words.Count("privacy.waiting", 1), "", func() {
			h.must(h.lists.Put(ctx, bob, portal.Contact{URI: alice}))
			h.privacy.Watchers(alice, []portal.Watcher{{Who: bob, Status: "active"}})
		})
	})
}
