package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"portico/app/portal"
	"portico/views"
)

// deskPages are the pages of administration beside the control panel.
func deskPages() []string {
	return []string{"/admin/policies", "/admin/policies/DisableIM", "/admin/policies/groups", "/admin/policies/person", "/admin/policies/changes", "/admin/policies/file", "/admin/policies/file.json", "/admin/custom-states", "/admin/origins", "/admin/book", "/admin/signins", "/admin/people?for=q&q=bo"}
}

func TestTheDeskIsForAdministrators(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a, b := h.browse(alice), h.browse(bob)
	for _, path := range deskPages() {
		a.call(http.MethodGet, path, nil, http.StatusOK)
		b.call(http.MethodGet, path, nil, http.StatusForbidden)
		if got := h.guest().call(http.MethodGet, path, nil, http.StatusSeeOther).header.Get("Location"); !strings.HasPrefix(got, "/signin") {
			t.Errorf("%s leads a stranger to %s", path, got)
		}
	}
	for _, path := range []string{"/policies/DisableIM", "/policies/groups", "/policies/groups/x", "/policies/file", "/custom-states", "/origins", "/book"} {
		if got := b.submit("/admin"+path, "do", "set", "kind", "everyone", "value", "on"); got.status != http.StatusForbidden {
			t.Errorf("%s: somebody else is answered %d", path, got.status)
		}
		if got := a.with("Origin", "https://evil.test").with("Sec-Fetch-Site", "cross-site").send(http.MethodPost, "/admin"+path, nil); got.status != http.StatusForbidden {
			t.Errorf("%s: another page is answered %d", path, got.status)
		}
	}
	if rules, err := h.admin.Rules(t.Context()); err != nil || len(rules) != 0 {
		t.Errorf("somebody else set %v (%v)", rules, err)
	}
	places := a.page("/admin", http.StatusOK).Find(".admin-places a")
	if places.Length() != 7 {
		t.Errorf("the index leads to %d places", places.Length())
	}
	for _, place := range places.EachIter() {
		a.page(place.AttrOr("href", ""), http.StatusOK)
	}
}

func TestWithoutPoliciesAndDiagnosis(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.noDesk = true })
	a, token := h.browse(alice), h.signIn(alice)
	for path, reason := range map[string]string{"/admin/policies": "policies.none", "/admin/custom-states": "policies.none", "/admin/origins": "policies.none", "/admin/book": "book.none"} {
		a.page(path, http.StatusServiceUnavailable)
		token.call(http.MethodGet, "/api/v1"+path, nil, http.StatusServiceUnavailable).problem(reason)
	}
	a.page("/admin/signins", http.StatusServiceUnavailable)
	token.call(http.MethodGet, "/api/v1/diagnostics/trace", nil, http.StatusServiceUnavailable).problem("diagnosis.none")
	if got := a.page("/admin", http.StatusOK).Find(".admin-places a").Length(); got != 1 { // the archive
		t.Errorf("the index leads to %d places that are not there", got)
	}
	doc := a.page("/diagnostics", http.StatusOK)
	if doc.Find("#trace").Length() != 0 || doc.Find("#log-title").Length() != 0 || doc.Find("#facts-person").Length() != 1 {
		t.Error("the diagnosis shows what is not there, or nothing")
	}
	if got := string(token.call(http.MethodGet, "/api/v1/me", nil, http.StatusOK).body); !strings.Contains(got, `"policies":{}`) {
		t.Error(got)
	}
}

func TestPoliciesByForm(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.browse(alice)
	const im = "/admin/policies/DisableIM"
	doc := a.page("/admin/policies", http.StatusOK)
	if got := doc.Find(".policies > li").Length(); got != 16 {
		t.Fatalf("%d policies", got)
	}
	if got := cells(doc.Find("#policy-DisableIM .policy-who"), "dt, dd > span"); got != "Everyone | off | As delivered" {
		t.Errorf("it holds: %q", got)
	}
	for _, sentence := range doc.Find(".policy-what p").EachIter() {
		if len(sentence.Text()) < 30 {
			t.Errorf("a policy says only %q", sentence.Text())
		}
	}
	a.submit(im, "do", "set", "kind", "everyone", "value", "on").leadsTo(im + "?done=set")
	a.submit(im, "do", "set", "kind", "person", "scope", "Bob Brown", "value", "false").leads(a, http.StatusOK).says(http.StatusOK, "It holds.")
	doc = a.page(im, http.StatusOK)
	if rows := doc.Find("tbody tr"); rows.Length() != 2 || !strings.Contains(rows.Last().Text(), "Bob Brown") || rows.Last().Find(`option[value=off][selected]`).Length() != 1 {
		t.Errorf("the rules are %s", rows.Text())
	}
	if h.admin.InForce(carol).DisableIM == false || h.admin.InForce(bob).DisableIM {
		t.Error("it does not hold as it is set")
	}
	a.submit(im, "do", "drop", "kind", "person", "scope", string(bob)).leadsTo(im + "?done=drop")
	if !h.admin.InForce(bob).DisableIM {
		t.Error("what was removed holds on")
	}
	a.submit(im, "do", "set", "kind", "person", "scope", "zz", "value", "on").says(http.StatusBadRequest, "Nobody is found for “zz”.")
	again := a.submit("/admin/policies/MaxFileSize", "do", "set", "kind", "person", "scope", "carol@example.test", "value", "huge")
	again.says(http.StatusBadRequest, `value="huge"`)
	again.says(http.StatusBadRequest, `value="carol@example.test"`)
	a.submit("/admin/policies/GalDownloadInitialDelay", "do", "set", "kind", "person", "scope", "carol@example.test", "value", "15m").says(http.StatusBadRequest, "cannot be set for these")
	a.submit(im, "do", "set", "kind", "group", "scope", "gone", "value", "on").says(http.StatusNotFound, "")
	a.submit(im, "do", "explode", "kind", "everyone").says(http.StatusBadRequest, "not one of the things")
	a.page("/admin/policies/Nonsense", http.StatusNotFound)
	if got := a.page("/admin/policies/GalDownloadInitialDelay", http.StatusOK).Find(".rule-form[id]").Length(); got != 1 {
		t.Errorf("a policy for everyone alone has %d forms", got)
	}
}

func TestPolicyGroupsByForm(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.browse(alice)
	const groups = "/admin/policies/groups"
	a.submit(groups, "name", " ", "rank", "").says(http.StatusBadRequest, "needs a name")
	a.submit(groups, "name", "Sales", "rank", "first").says(http.StatusBadRequest, `value="Sales"`)
	path := a.submit(groups, "name", "Sales", "rank", "5").header.Get("Location")
	if !strings.HasPrefix(path, groups+"/") {
		t.Fatalf("led to %q", path)
	}
	doc := a.page(path+"?q=c", http.StatusOK)
	if got := doc.Find(`.group-found input[name=member]`).AttrOr("value", ""); got != string(carol) {
		t.Fatalf("found %q", got)
	}
	a.submit(path, "do", "add", "member", string(carol), "member", string(alice)).leads(a, http.StatusOK).says(http.StatusOK, "Carol Clark")
	a.submit(path, "do", "department", "department", "Sales").leadsTo(path + "?done=department")
	a.submit(path, "do", "remove", "member", string(alice)).leadsTo(path + "?done=remove")
	a.submit(path, "do", "save", "name", "Field sales", "rank", "7").leadsTo(path + "?done=saved")
	if got := a.page(path, http.StatusOK).Find(`datalist#departments option[value=Sales]`).Length(); got != 0 {
		t.Error("a department is offered that the group has")
	}
	row := a.page(groups, http.StatusOK).Find("tbody tr")
	if got := cells(row, "th, td"); got != "Field sales | 7 | Carol Clark | Sales" {
		t.Errorf("the group is %q", got)
	}
	id, err := url.PathUnescape(strings.TrimPrefix(path, groups+"/"))
	if err != nil {
		t.Fatal(err)
	}
	a.submit("/admin/policies/DisablePresenceNote", "do", "set", "kind", "group", "scope", id, "value", "on").leadsTo("/admin/policies/DisablePresenceNote?done=set")
	if !h.admin.InForce(bob).DisablePresenceNote || !h.admin.InForce(carol).DisablePresenceNote || h.admin.InForce(alice).DisablePresenceNote {
		t.Error("it does not hold for who is in the group: carol by name, bob by department")
	}
	if got := a.page(path, http.StatusOK).Find(".group-rules li").Length(); got != 1 {
		t.Errorf("%d rules stand with the group", got)
	}
	if got := a.page("/admin/policies/DisablePresenceNote", http.StatusOK).Find("#rule-group option").Length(); got != 0 {
		t.Error("a group is offered that has a rule")
	}
	a.submit(path, "do", "add", "member", "nonsense").says(http.StatusBadRequest, "not a SIP address")
	a.submit(path, "do", "explode").says(http.StatusBadRequest, "not one of the things")
	a.submit(path, "do", "drop").leads(a, http.StatusOK).says(http.StatusOK, "The group is gone")
	a.page(path, http.StatusNotFound)
	if h.admin.InForce(bob).DisablePresenceNote {
		t.Error("what was set for a group outlives it")
	}
}

func TestWhatHoldsForSomebody(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.browse(alice)
	h.rule(portal.DisableIM, portal.ScopePerson, string(bob), "on")
	h.rule(portal.EnableAutoArchiving, portal.ScopeEveryone, "", "on")
	if got := a.page("/admin/policies/person", http.StatusOK).Find("table").Length(); got != 0 {
		t.Error("it holds for nobody")
	}
	if got := a.page("/admin/policies/person?q=zz", http.StatusOK).Find("main").Text(); !strings.Contains(got, "Nobody is found.") {
		t.Error("nobody is found, and it is not said")
	}
	for _, query := range []string{"?q=Brown", "?uri=bob@example.test", "?q=bob@example.test"} {
		doc := a.page("/admin/policies/person"+query, http.StatusOK)
		lines := map[string]string{}
		for _, tr := range doc.Find("tbody tr").EachIter() {
			lines[strings.TrimSpace(tr.Find("th").Text())] = cells(tr, "td")
		}
		for name, want := range map[string]string{
			portal.DisableIM: "on | Bob Brown | the organisation", portal.EnableAutoArchiving: "on | Everyone | the organisation", portal.ThinSessions: "people choose | As delivered | the person",
		} {
			if lines[name] != want || len(lines) != 16 {
				t.Errorf("%s: %s is %q, want %q", query, name, lines[name], want)
			}
		}
	}
	a.page("/admin/policies/person?uri=nonsense", http.StatusBadRequest)
}

func TestTheRecordOfChanges(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.browse(alice)
	if got := a.page("/admin/policies/changes", http.StatusOK).Find(".empty").Length(); got != 1 {
		t.Error("an empty record does not say so")
	}
	h.rule(portal.DisableIM, portal.ScopeEveryone, "", "on")
	h.rule(portal.DisableIM, portal.ScopeEveryone, "", "off")
	first := a.page("/admin/policies/changes", http.StatusOK).Find("tbody tr").First()
	if was, is := first.Find(".was").Text(), first.Find(".is").Text(); was != "on" || is != "off" || !strings.Contains(first.Text(), "Alice Adams") {
		t.Errorf("the newest line is %q", first.Text())
	}
	for i := range pageOfChanges {
		h.rule(portal.MaxFileSize, portal.ScopeEveryone, "", []string{"25MB", "26MB"}[i%2])
	}
	doc := a.page("/admin/policies/changes", http.StatusOK)
	older := doc.Find(`a[href*="before="]`)
	if doc.Find("tbody tr").Length() != pageOfChanges || older.Length() != 1 {
		t.Fatalf("%d lines, %d ways to older ones", doc.Find("tbody tr").Length(), older.Length())
	}
	if got := a.page(older.AttrOr("href", ""), http.StatusOK).Find("tbody tr").Length(); got != 2 {
		t.Errorf("%d older lines", got)
	}
	a.page("/admin/policies/changes?before=x", http.StatusBadRequest)
}

func TestPoliciesGoOutAndIn(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.browse(alice)
	const file = "/admin/policies/file"
	h.rule(portal.DisableIM, portal.ScopeEveryone, "", "on")
	out := a.call(http.MethodGet, file+".json", nil, http.StatusOK)
	if !strings.Contains(out.header.Get("Content-Disposition"), "portico-policies.json") {
		t.Error(out.header)
	}
	h.rule(portal.DisableIM, portal.ScopeEveryone, "", "off")
	h.rule(portal.MayCreateRooms, portal.ScopePerson, string(bob), "off")
	shown := a.upload(file, "policies.json", out.body)
	shown.says(http.StatusBadRequest, "not one of the things") // a form without its button
	preview := a.submit(file, "do", "preview", "text", string(out.body))
	preview.says(http.StatusOK, "2 things would change. Nothing has been done yet.")
	if h.admin.InForce(bob).MayCreateRooms || h.admin.InForce(bob).DisableIM {
		t.Fatal("a look at a file has changed something")
	}
	mark := between(t, string(preview.body), `name="mark" value="`, `"`)
	h.rule(portal.MayCreateRooms, portal.ScopePerson, string(carol), "off")
	a.submit(file, "do", "import", "text", string(out.body), "mark", mark).says(http.StatusConflict, "Something was changed in the meantime.")
	preview = a.submit(file, "do", "preview", "text", string(out.body))
	mark = between(t, string(preview.body), `name="mark" value="`, `"`)
	a.submit(file, "do", "import", "text", string(out.body), "mark", mark).leads(a, http.StatusOK).says(http.StatusOK, "3 things were changed.")
	if !h.admin.InForce(bob).MayCreateRooms || !h.admin.InForce(bob).DisableIM {
		t.Error("what the file says does not hold")
	}
	a.submit(file, "do", "preview", "text", string(out.body)).says(http.StatusOK, "Nothing: all is as the file says already.")
	a.submit(file, "do", "preview", "text", `{"format":"other"}`).says(http.StatusBadRequest, "no file of policies")
	a.submit(file, "do", "preview").says(http.StatusBadRequest, "Choose a file first.")
}

// between is what stands between two texts.
func between(t *testing.T, text, before, after string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, before)
	inner, _, closed := strings.Cut(rest, after)
	if !found || !closed {
		t.Fatalf("no %q in %s", before, text)
	}
	return inner
}

func TestCustomStatesByForm(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.browse(alice)
	const states = "/admin/custom-states"
	a.upload(states, "states.xml", []byte(fourStates)).leads(a, http.StatusOK).says(http.StatusOK, "The states can be chosen now.")
	doc := a.page(states, http.StatusOK)
	for row, want := range map[string][]string{"1": {"Heimarbeit", "Working from Home"}, "4": {"Nicht stören", "Sleeping"}} {
		var looks []string
		for _, look := range doc.Find("tbody tr").Eq(int(row[0] - '1')).Find(".state-look").EachIter() {
			looks = append(looks, strings.TrimSpace(look.Text()))
		}
		if len(looks) != 2 || looks[0] != want[1] || looks[1] != want[0] {
			t.Errorf("state %s looks like %q", row, looks)
		}
	}
	if len(h.admin.States(bob)) != 4 {
		t.Error("the states cannot be chosen")
	}
	broken := a.upload(states, "states.xml", []byte("<customStates>\n<customState ID=\"9\" availability=\"busy\"></customState>\n<customState ID=\"1\" availability=\"away\"><activity LCID=\"1033\">x</activity></customState></customStates>"))
	broken.says(http.StatusBadRequest, "Line 2: ")
	broken.says(http.StatusBadRequest, "Line 3: “away” is no availability for a custom state.")
	broken.says(http.StatusBadRequest, "Heimarbeit") // what was there holds on
	a.upload(states, "states.xml", []byte(strings.Repeat("x", 100<<10))).says(http.StatusBadRequest, "too large")
	const address = "http://states.example.test/states.xml"
	a.submit(states, "do", "address", "url", "file:///etc/passwd", "whom", "everyone").says(http.StatusBadRequest, "over http or https only")
	h.facts.with(func(f *fakeFacts) { f.files = map[string]string{address: fourStates} })
	a.submit(states, "do", "address", "url", address, "whom", "person", "scope", "Bob").leadsTo(states + "?done=address")
	eventually(t, "the address is read", func() bool {
		return a.page(states, http.StatusOK).Find(".state-source table.states").Length() == 1
	})
	h.facts.with(func(f *fakeFacts) { f.files[address] = "<customStates>\n\n<oops/></customStates>" })
	a.submit(states, "do", "refresh", "url", address).says(http.StatusBadRequest, "Line 3: ")
	// A reading of the file of before may still be under way: it is read until the newer one is what is known.
	eventually(t, "the failure is shown with its line, and what was read before holds on", func() bool {
		a.submit(states, "do", "refresh", "url", address)
		doc := a.page(states, http.StatusOK)
		return strings.Contains(doc.Find(".state-source .error li").Text(), "Line 3") && doc.Find(".state-source table.states").Length() == 1
	})
	a.submit(states, "do", "forget", "kind", "person", "scope", string(bob)).leadsTo(states + "?done=forget")
	a.submit(states, "do", "drop").leadsTo(states + "?done=drop")
	if doc := a.page(states, http.StatusOK); doc.Find("table.states").Length() != 0 || len(h.admin.States(bob)) != 0 {
		t.Error("what was dropped is there")
	}
	a.submit(states, "do", "explode").says(http.StatusBadRequest, "not one of the things")
}

func TestOriginsByForm(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.browse(alice)
	a.submit("/admin/origins", "do", "allow", "origin", "HTTPS://Intranet.example.test:443").leads(a, http.StatusOK).says(http.StatusOK, "https://intranet.example.test")
	if !h.admin.Allowed("https://intranet.example.test") {
		t.Error("the origin is not allowed")
	}
	a.submit("/admin/origins", "do", "allow", "origin", "https://x.test/page").says(http.StatusBadRequest, `value="https://x.test/page"`)
	if got := a.page("/admin/origins", http.StatusOK).Find("pre.code").Text(); !strings.Contains(got, `<script src="`+h.url+`/embed/presence.js" async></script>`) || !strings.Contains(got, `uri="sip:alice@example.test"`) {
		t.Errorf("what goes into a page: %s", got)
	}
	a.submit("/admin/origins", "do", "explode", "origin", "https://x.test").says(http.StatusBadRequest, "not one of the things")
	a.submit("/admin/origins", "do", "refuse", "origin", "https://intranet.example.test").leadsTo("/admin/origins?done=refuse")
	if h.admin.Allowed("https://intranet.example.test") || a.page("/admin/origins", http.StatusOK).Find("table").Length() != 0 {
		t.Error("the origin is still allowed")
	}
}

func TestTheBookByForm(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	a.submit("/admin/book").leads(a, http.StatusOK).says(http.StatusOK, "Every address book was read.")
	book := a.page("/admin/book", http.StatusOK).Find(".books li")
	if got := book.Find("dd").First().Text(); book.Length() != 1 || got != "3" || book.Find(`.state-mark[data-state=done]`).Length() != 1 {
		t.Errorf("the book has %q people: %s", got, book.Text())
	}
}

func TestSigninsOfEverybody(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.browse(alice)
	h.incident(portal.Incident{Who: bob, Part: portal.PartSignin, Cause: "signin.wrong", Remote: "192.0.2.7", Detail: "401 Unauthorized"})
	h.incident(portal.Incident{Who: carol, Part: portal.PartSIP, Cause: "line.down"})
	doc := a.page("/admin/signins", http.StatusOK)
	if text := doc.Find(".incidents").Text(); !strings.Contains(text, "Bob Brown") || !strings.Contains(text, "Carol Clark") || !strings.Contains(text, "192.0.2.7") {
		t.Errorf("the log of everybody: %s", text)
	}
	doc = a.page("/admin/signins?who=Brown", http.StatusOK)
	if got := doc.Find(".incidents li"); got.Length() != 1 || !strings.Contains(got.Find(".cure").Text(), "Caps Lock") || doc.Find("h2").Text() != "Log of Bob Brown" {
		t.Errorf("bob's log: %s", got.Text())
	}
	if got := a.page("/admin/signins?who=zz", http.StatusBadRequest).Find("#problem").Text(); !strings.Contains(got, "Nobody is found") {
		t.Error(got)
	}
	a.page("/admin/signins?before=x", http.StatusBadRequest)
	if got := a.page("/admin/people?for=who&who=bro", http.StatusOK).Find(`option[value="bob@example.test"]`).Length(); got != 1 {
		t.Error("people are not offered while one types")
	}
}

// cells are the texts of what a selector finds, in order.
func cells(in *goquery.Selection, selector string) string {
	var out []string
	for _, cell := range in.Find(selector).EachIter() {
		out = append(out, strings.Join(strings.Fields(cell.Text()), " "))
	}
	return strings.Join(out, " | ")
}

// namesakes is an address book in which everybody is found for everything.
type namesakes struct{ Directory }

func (namesakes) Search(context.Context, string, int) ([]portal.Person, error) {
	return []portal.Person{{URI: bob, DisplayName: "Bob Brown"}, {URI: carol, DisplayName: "Carol Brown"}}, nil
}

// Whom a text means is not guessed.
func TestOfNamesakesNobodyIsMeant(t *testing.T) {
	s := &Server{Deps: Deps{Directory: namesakes{}}}
	who, found, err := s.whoIs(t.Context(), "Brown")
	if who != "" || len(found) != 2 || err != nil {
		t.Errorf("%q, %v, %v", who, found, err)
	}
	if who, err := s.theOne(t.Context(), "Brown"); who != "" || portal.Reason(err) != "policies.several" {
		t.Errorf("%q, %v", who, err)
	}
	if who, _, err := s.whoIs(t.Context(), " bob@example.test "); who != bob || err != nil {
		t.Errorf("an address is %q, %v", who, err)
	}
}

func TestWhoMayNotWriteIsTold(t *testing.T) {
	h := peopleHouseFor(t)
	b := h.browse(bob)
	path := views.ChatPath(carol)
	if got := b.page(path, http.StatusOK).Find("#silenced").Text(); strings.TrimSpace(got) != "" {
		t.Errorf("without a policy: %q", got)
	}
	h.decide(func(in *portal.InForce) { in.DisableIM = true })
	if got := b.page(path, http.StatusOK).Find("#silenced .no-im").Text(); got != "Instant messages are switched off for you." {
		t.Errorf("bob is told %q", got)
	}
	var live strings.Builder
	if err := views.LivePolicies(portal.PoliciesEvent{}).Render(t.Context(), &live); err != nil || !strings.Contains(live.String(), `data-to="silenced"`) {
		t.Errorf("an open conversation is not read again: %s (%v)", live.String(), err)
	}
}
