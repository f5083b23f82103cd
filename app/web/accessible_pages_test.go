package web

import (
	"net/http"
	"path"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
	"portico/views"
)

// What the walk over all pages goes through: a house with something of everything, and every page in it, with what can be
// opened on it.

// sight is one thing to look at: a page, as it is or with something open.
type sight struct {
	name, path string
	// open is an expression that opens something on the page, and until the condition that it is there. Both may be empty.
	open, until string
	// alone is a page outside of the frame, which has no navigation.
	alone bool
	// of is who looks; empty: alice, who has something of everything.
	of portal.Address
}

// fullHouse is a house in which every page has something to show to alice, and nothing to bob but what others did to him.
func fullHouse(t *testing.T) *house {
	h := peopleHouseFor(t, at(wednesday(t)))
	busyDesk(h)
	busyPanel(h)
	h.crowd(t)
	h.talked()
	h.missed()
	h.listed("Team", bob, carol)
	h.must(h.lists.Favourite(t.Context(), alice, bob, true))
	h.must(h.lists.Tag(t.Context(), alice, bob, true))
	_, err := h.lists.AddDistributionGroup(t.Context(), alice, salesList, "Sales people")
	h.must(err)
	h.must(h.lists.Put(t.Context(), carol, portal.Contact{URI: alice}))
	h.must(h.history.Hold(t.Context(), alice, bob, "case 12"))
	h.exchange.Publish(bob, portal.Claim{Endpoint: "x", Availability: portal.Busy, Note: "until noon", Location: "Vienna", TimeZone: "Asia/Tokyo", At: time.Now()})
	room := h.room("lobby", bob, carol)
	first := h.tells(bob, room, "hello `code`\n```\nlines\n```\n- a\n> q")
	h.tells(carol, room, "@alice see https://example.test/", answering(first))
	h.tells(alice, room, "*thanks*")
	h.must(h.rooms.React(t.Context(), bob, room, first.Place, "👍", true))
	h.must(h.rooms.Pin(t.Context(), alice, room, first.Place, true))
	return h
}

// sights are all pages of a full house. Addresses that the house made up are looked up on the pages that lead there.
func (h *house) sights() []sight {
	t := h.t
	t.Helper()
	a := h.viennese(alice, "en")
	href := func(page, selector, word string) string {
		t.Helper()
		var found string
		eventually(t, page+" leads to "+word, func() bool {
			for _, e := range a.page(page, http.StatusOK).Find(selector).EachIter() {
				if strings.Contains(e.Text(), word) {
					found = e.AttrOr("href", "")
					return true
				}
			}
			return false
		})
		return found
	}
	meeting, invitation := href(thisWeek, ".event", "Tender"), href(thisWeek, ".event", "Invited")
	room := roomPath("sip:lobby@rooms.example.test")
	company, person := h.acme()
	groups, err := h.admin.Groups(t.Context())
	h.must(err)
	all := []sight{
		{name: "sign-in", path: "/signin", alone: true, of: nobody},
		{name: "missing", path: "/nothing/here", alone: true},
		{name: "forbidden", path: "/admin", alone: true, of: bob},
		{name: "links", path: "/links"},
	}
	add := func(paths ...string) {
		for _, p := range paths {
			all = append(all, sight{name: p, path: p})
		}
	}
	add("/contacts", "/contacts?q=o&expand=sip:"+salesList, "/contacts?q=zzz", views.ContactPath(bob), "/privacy?as=bob@example.test", "/settings",
		"/chat", chatWith(bob), "/rooms", "/rooms?do=find", "/rooms?do=new", "/rooms?do=words", "/rooms?do=group&from="+bob.Path(),
		room, room+"?side=people", room+"?side=search&q=hello", room+"?side=pinned", room+"?side=files", room+"/settings", room+"/messages/1",
		thisWeek, "/calendar?view=day&date=2026-11-25&with=bob@example.test", "/calendar?view=month&date=2026-11-25", "/calendar?view=agenda&date=2026-11-25",
		"/calendar/new?at=20261125T130000Z", meeting, invitation, meeting+"/edit", "/calendar/planner?at=20261125T130000Z&with=bob@example.test", "/calendar/import", "/calendar/link",
		"/calendar/changes", "/responses", "/responses?meeting="+path.Base(meeting), "/history", "/history?q=offer", href("/history?q=invoice", ".hit a", ""),
		href("/history?kind=exchange", ".episode a", ""), "/calls", "/crm", "/crm?view=calendar", "/crm?kind=companies", "/crm/people/"+person.ID, "/crm/people/"+person.ID+"/edit",
		"/crm/people/new", "/crm/companies/"+company.ID, "/crm/companies/new")
	add("/admin", "/admin/policies", "/admin/policies/DisableIM", "/admin/policies/MaxFileSize", "/admin/policies/groups", "/admin/policies/groups/"+groups[0].ID+"?q=a",
		"/admin/policies/person?q=bob@example.test", "/admin/policies/changes", "/admin/policies/file", "/admin/custom-states", "/admin/origins", "/admin/book", "/admin/signins",
		"/admin/history", "/admin/audit", "/admin/sync", "/admin/sync/settings", "/admin/sync/users?plan=1", "/admin/sync/queue", "/admin/sync/transactions", "/admin/sync/conflicts",
		"/admin/sync/diagnostics", "/admin/sync/rules", "/admin/sync/hooks", "/diagnostics", "/help", "/help/keyboard", "/help/policies")
	return append(append(all, openedSights(room)...), emptySights()...)
}

// openedSights are pages with what can be opened on them.
func openedSights(room string) []sight {
	popover := func(id string) string { return `document.getElementById("` + id + `").matches(":popover-open")` }
	press := func(selector string) string { return `document.querySelector(` + quote(selector) + `).click()` }
	return []sight{
		{name: "own status", path: "/calls", open: press(".me"), until: popover("my-status")},
		{name: "new group", path: "/contacts", open: press("[popovertarget=new-group]"), until: popover("new-group")},
		{name: "menu of a group", path: "/contacts", open: press("[popovertarget^=group-menu]"), until: `document.querySelector("[id^=group-menu]:popover-open") !== null`},
		{name: "card", path: "/contacts", open: press("li.contact [data-card]"), until: popover("person-card") + ` && document.querySelector("#person-card b") !== null`},
		{name: "peer", path: chatWith(bob), open: press("[popovertarget=peer-card]"), until: popover("peer-card")},
		{name: "signs", path: chatWith(bob), open: press("[popovertarget=emoji]"), until: popover("emoji")},
		{name: "menu of a room", path: room, open: press("[popovertarget=room-menu]"), until: popover("room-menu")},
		{name: "menu of a message", path: room, open: press(".said .acts"), until: popover("message-menu")},
		{name: "names offered", path: room, open: `(() => { const f = document.getElementById("text"); f.focus(); f.value = "@"; f.setSelectionRange(1, 1); f.dispatchEvent(new Event("input", { bubbles: true })); })()`,
			until: `document.querySelectorAll("#completion [role=option]").length > 0`},
		{name: "more of the calendar", path: thisWeek, open: press("[popovertarget=calendar-more]"), until: popover("calendar-more")},
		{name: "new in the calendar", path: thisWeek, open: press(`a.slot[href*="at=20261125T130000Z"]`), until: popover("new-box")},
		{name: "a notice", path: chatWith(carol), open: `document.getElementById("notices").insertAdjacentHTML("beforeend", '<li class="banner"><a href="/contacts">News</a></li>')`, until: `!!document.querySelector("#notices li")`},
		{name: "cut off", path: chatWith(carol), open: `(window.sent = 0, dispatchEvent(new Event("offline")), document.getElementById("cut-off").textContent = "…", document.getElementById("cut-off").hidden = false)`,
			until: `!document.getElementById("cut-off").hidden`},
	}
}

// emptySights are pages that have nothing to show yet.
func emptySights() []sight {
	var all []sight
	for _, p := range []string{"/contacts", "/chat", chatWith(carol), "/rooms?do=find", thisWeek, "/responses", "/history", "/calls", "/privacy", "/crm/people/new", "/diagnostics"} {
		all = append(all, sight{name: "empty " + p, path: p, of: bob})
	}
	return all
}

// notPages are what browsers can ask for without getting a page: files, parts of pages, and what leads elsewhere.
var notPages = []string{"/", "/healthz", "/readyz", "/metrics", "/static/*", "/ws", "/api/*", "/embed/*", "*.csv", "*.ics", "*.xml", "*.txt", "*.json", "/calendar/subscribe/*", "/signin/*",
	"/rooms/:room/files/:file", "/contacts/find", "/photos/:uri", "/calendar/people", "/calendar/:id/attachments/:file", "/crm/find", "/crm/quick", "/history/people", "/history/export",
	"/history/:id/export", "/history/:id/delete", "/admin/history/*", "/open", "/rooms/~find", "/rooms/~mine", "*/messages", "/admin/sync/*/upload", "/admin/sync/*/take-back",
	"/admin/sync/*/test", "/admin/sync/users/*", "/admin/people", "/crm/appointments/:id/ties", "/.well-known/*", "/diagnostics/trace", "/admin/sync/hooks/:id", "/crm/people", "/crm/companies", "/crm/companies/:id/edit"}

// TestEveryPageIsWalked: a page that is new is looked at too. Routes are compared with the paths of the walk; what is not
// a page has its pattern above.
func TestEveryPageIsWalked(t *testing.T) {
	h := fullHouse(t)
	walked := h.sights()
	for _, r := range h.server.echo.Routes() {
		if r.Method != http.MethodGet || matchesAny(r.Path, notPages) {
			continue
		}
		seen := false
		for _, s := range walked {
			p, _, _ := strings.Cut(s.path, "?")
			seen = seen || routeLeads(r.Path, p)
		}
		if !seen {
			t.Errorf("the page %s is in no walk: add it to sights", r.Path)
		}
	}
}

func matchesAny(route string, patterns []string) bool {
	for _, p := range patterns {
		before, after, star := strings.Cut(p, "*")
		if route == p || star && strings.HasPrefix(route, before) && strings.HasSuffix(route, after) {
			return true
		}
	}
	return false
}

// routeLeads reports whether a request for a path takes a route, segment for segment.
func routeLeads(route, path string) bool {
	r, p := strings.Split(route, "/"), strings.Split(path, "/")
	if len(r) != len(p) {
		return false
	}
	for i := range r {
		if r[i] != p[i] && !(strings.HasPrefix(r[i], ":") && p[i] != "") {
			return false
		}
	}
	return true
}
