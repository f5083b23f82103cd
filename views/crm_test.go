package views

import (
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"portico/app/portal"
)

// wellFormed holds a page to what the policy of the portal allows, and to labels that lead somewhere.
func wellFormed(t *testing.T, name string, doc *goquery.Document) {
	t.Helper()
	ids := map[string]bool{}
	doc.Find("*").Each(func(_ int, e *goquery.Selection) {
		for _, a := range e.Nodes[0].Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") || a.Key == "hx-trigger" && strings.Contains(a.Val, "[") {
				t.Errorf("%s: %s=%q", name, a.Key, a.Val)
			}
			if a.Key == "id" {
				if ids[a.Val] {
					t.Errorf("%s: the id %q is there twice", name, a.Val)
				}
				ids[a.Val] = true
			}
		}
	})
	doc.Find("label[for], [aria-describedby], [aria-labelledby]").Each(func(_ int, e *goquery.Selection) {
		for _, attr := range []string{"for", "aria-describedby", "aria-labelledby"} {
			if to, ok := e.Attr(attr); ok && !ids[to] {
				t.Errorf("%s: %s leads to %q, which is not there", name, attr, to)
			}
		}
	})
	doc.Find("main input:not([type=hidden]), main select, main textarea").Each(func(_ int, e *goquery.Selection) {
		id := e.AttrOr("id", "")
		if e.Closest("label").Length() == 0 && doc.Find(`label[for="`+id+`"]`).Length() == 0 && e.AttrOr("aria-label", "") == "" {
			t.Errorf("%s: a field %s has no name", name, e.AttrOr("name", ""))
		}
	})
	if n := doc.Find("style, script:not([src]):not([type='application/json'])").Length(); n > 0 {
		t.Errorf("%s has %d inline scripts or styles", name, n)
	}
}

func crmPage(locale string) CRMPage {
	f := frameFor(locale, CRM)
	return CRMPage{Frame: f, List: CRMList{Reader: f.Reader, Kind: KindPeople, Query: "ber", Open: "p1", People: []portal.CRMPerson{
		{ID: "p1", FirstName: "Eva", LastName: "Berger", Title: "CEO", Company: "c1", CompanyName: "Acme", Email: "eva@acme.test", Phone: "+43 1 234", Version: 3},
		{ID: "p2", Email: "only@mail.test"},
	}}}
}

func crmEntry(id, subject string, change func(*portal.Appointment)) CRMEntry {
	a := portal.Appointment{ID: id, Subject: subject, Start: en0.Add(time.Hour), End: en0.Add(2 * time.Hour), Source: portal.SourceCRM, Status: portal.StatusPending, Sync: portal.SyncState{State: portal.SyncDone}}
	if change != nil {
		change(&a)
	}
	return CRMEntry{Appointment: a}
}

func TestCRMHome(t *testing.T) {
	v := crmPage("en")
	v.Home = &CRMHome{Days: []CRMDay{{Date: en0, Entries: []CRMEntry{
		crmEntry("crm-1", "Offer", nil),
		crmEntry("crm-2", "Waits", func(a *portal.Appointment) { a.Sync.State, a.Source = portal.SyncPending, portal.SourceExchange }),
		crmEntry("crm-3", "Refused", func(a *portal.Appointment) {
			a.Sync, a.Status = portal.SyncState{State: portal.SyncFailed, Error: "sync.no-organizer"}, portal.StatusComplete
		}),
	}}}}
	doc := render(t, CRMView(v))
	expect(t, doc, map[string]string{
		".parties li:nth-child(1) b": "Eva Berger", ".parties li:nth-child(2) b": "only@mail.test", ".crm-entries li:nth-child(1) .step": "CRM in step", ".crm-entries li:nth-child(2) .step": "Exchange waiting",
		".crm-entries li:nth-child(3) .step": "CRM not in step", ".crm-entries li:nth-child(3) .tag": "Complete",
	})
	for selector, want := range map[string]int{
		`#crm-query[hx-get="/crm/find?kind=people"][value=ber]`: 1, `form[action="/crm/quick"]`: 1, `.parties a[aria-current=page]`: 1, `.frame.three:not(.open)`: 1, `a[href="/calendar/new?back=%2Fcrm&source=crm"]`: 1, `.tabs a[aria-current=page]`: 1,
	} {
		if got := doc.Find(selector).Length(); got != want {
			t.Errorf("%s: %d, want %d", selector, got, want)
		}
	}
	wellFormed(t, "home", doc)
	empty := CRMPage{Frame: frameFor("de", CRM), List: CRMList{Reader: frameFor("de", CRM).Reader, Kind: KindCompanies}, Home: &CRMHome{}}
	doc = render(t, CRMView(empty))
	expect(t, doc, map[string]string{".list .empty-line": "Es gibt noch keine Firmen.", "main .empty p": "In den nächsten 14 Tagen steht nichts in Ihrem CRM-Kalender."})
	wellFormed(t, "empty home", doc)
}

func TestPartyCards(t *testing.T) {
	v := crmPage("en")
	v.Person, v.Ties = &v.List.People[0], []CRMEntry{crmEntry("crm-1", "<Offer>", nil)}
	doc := render(t, CRMView(v))
	expect(t, doc, map[string]string{".facts dd:nth-of-type(2)": "Acme", ".crm-entries a": "<Offer>"})
	for selector, want := range map[string]int{
		`.frame.three.open`: 1, `a[href="mailto:eva@acme.test"]`: 1, `a[href="/crm/companies/c1"]`: 1, `a[href="/crm/people/p1/edit"]`: 1, `form[action="/crm/people/p1/delete"] input[value="3"]`: 1, `input[name=person][value=p1]`: 1, `input[name=company][value=c1]`: 1,
	} {
		if got := doc.Find(selector).Length(); got != want {
			t.Errorf("%s: %d, want %d", selector, got, want)
		}
	}
	wellFormed(t, "person", doc)
	c := CRMPage{Frame: frameFor("de", CRM), List: CRMList{Reader: v.Reader, Kind: KindCompanies}, Company: &portal.CRMCompany{ID: "c1", Name: "Acme", City: "Wien", Web: "javascript:alert(1)"}, Of: v.List.People[:1]}
	doc = render(t, CRMView(c))
	if doc.Find(`a[href^="javascript"]`).Length() != 0 || doc.Find(".parties.inline li").Length() != 1 || !strings.Contains(doc.Find(".facts").Text(), "Wien") {
		t.Error("the company's card is not what it should be")
	}
	c.Company.Web = "acme.test"
	if got := render(t, CRMView(c)).Find(`.facts a[target=_blank]`).AttrOr("href", ""); got != "https://acme.test" {
		t.Errorf("the web address leads to %q", got)
	}
	expect(t, doc, map[string]string{"#crm-pane .muted": "Noch ist kein Termin damit verbunden."})
}

func TestPartyForms(t *testing.T) {
	v := crmPage("en")
	v.Form = &PartyForm{Kind: KindPeople, Person: portal.CRMPerson{LastName: "Berger", Email: "nonsense", Company: "c1"}, Companies: []portal.CRMCompany{{ID: "c1", Name: "Acme"}}}
	v.Faults = []portal.SyncFault{{Where: "email", Reason: "crm.email"}}
	doc := render(t, CRMView(v))
	if doc.Find(`#email[aria-invalid=true][aria-describedby=fault-email]`).Length() != 1 || doc.Find("#fault-email").Length() != 1 || doc.Find(`#company option[value=c1][selected]`).Length() != 1 || doc.Find(`#last_name[value=Berger]`).Length() != 1 {
		t.Error("the form loses what was typed, or does not say what is wrong")
	}
	wellFormed(t, "form", doc)
	v.Faults, v.Form = nil, &PartyForm{Kind: KindCompanies, Company: portal.CRMCompany{ID: "c1", Name: "Acme", Version: 2}}
	doc = render(t, CRMView(v))
	if doc.Find(`input[name=version][value="2"]`).Length() != 1 || doc.Find(`a[href="/crm/companies/c1"]`).Length() == 0 || doc.Find(".fault").Length() != 0 {
		t.Error("the company's form is not whole")
	}
}

func TestCRMSectionOfAnAppointment(t *testing.T) {
	r := NewReader("en", "Europe/Vienna", en0)
	rec := portal.CRMAppointment{Entry: portal.Entry{Appointment: crmEntry("crm-1", "Offer", func(a *portal.Appointment) {
		a.Sync, a.Version = portal.SyncState{State: portal.SyncFailed, Error: "unavailable"}, "4"
		a.Attendees = []portal.Attendee{
			{URI: bob, Name: "Bob", Email: "bob@example.test", Response: portal.ResponseAccepted, RespondedAt: en0, Comment: "fine"}, {URI: karl, Name: "Karl", Email: "karl@example.test"},
			{Name: "Guest", Email: "guest@elsewhere.test", Response: portal.ResponseDeclined}, {Name: "Room", Email: "room@example.test", Role: portal.RoleResource},
		}
	}).Appointment}}
	v := &CRMSection{Reader: r, Record: rec, Me: alice, Here: "/calendar/x", People: []portal.CRMPerson{{ID: "p1", LastName: "Berger"}}, Companies: []portal.CRMCompany{{ID: "c1", Name: "Acme"}}, Mailboxes: map[portal.Address]bool{bob: true}, MayChange: true, MayTie: true}
	doc := render(t, CRMPart(v))
	expect(t, doc, map[string]string{"#crm-answers": "Responses from Exchange", "tr[data-a=accepted] th span": "Bob", "tr[data-a=accepted] td:nth-child(4)": "fine", "tr[data-a=declined] th span": "Guest", ".chips li:nth-child(1)": "Berger", ".chips li:nth-child(2)": "Acme"})
	for selector, want := range map[string]int{
		"tbody tr": 2, `form[action="/crm/appointments/crm-1/status"] button`: 2, `button[value=complete]`: 1, `button[value=cancelled].danger`: 1, `a[href="/crm/appointments/crm-1/ties"]`: 1, `input[name=version][value="4"]`: 1, `input[name=here][value="/calendar/x?saved=saved"]`: 1, ".banner.error": 1,
	} {
		if got := doc.Find(selector).Length(); got != want {
			t.Errorf("%s: %d, want %d", selector, got, want)
		}
	}
	v.MayChange, v.MayTie, v.Record.Stub, v.Record.Attendees, v.People, v.Companies = false, false, true, nil, nil, nil
	doc = render(t, CRMPart(v))
	if doc.Find("button, a.button, table").Length() != 0 || doc.Find("p.muted").Length() != 1 {
		t.Error("what somebody outside organises can be changed here")
	}
	if got := render(t, CRMPart(nil)).Find("section").Length(); got != 0 {
		t.Error("CRM adds something to what it does not know")
	}
}

func TestTiesPageAndFields(t *testing.T) {
	f := frameFor("en", CRM)
	section := CRMSection{Reader: f.Reader, Record: portal.CRMAppointment{Entry: portal.Entry{Appointment: crmEntry("crm-1", "Offer", nil).Appointment}}, People: []portal.CRMPerson{{ID: "p1", LastName: "Berger"}}}
	v := TiesPage{Frame: f, Section: section, Query: "ac", Searched: true, FoundCompanies: []portal.CRMCompany{{ID: "c1", Name: "Acme"}}}
	doc := render(t, TiesView(v))
	if doc.Find(`button[name=remove_person][value=p1]`).Length() != 1 || doc.Find(`button[name=add_company][value=c1][aria-label="Tie to Acme"]`).Length() != 1 {
		t.Error("ties cannot be changed")
	}
	wellFormed(t, "ties", doc)
	expect(t, render(t, FoundTies(TiesPage{Frame: f, Query: "zz", Searched: true})), map[string]string{".empty-line": "Nothing was found for “zz”."})
	fields := &CRMFields{Source: portal.SourceCRM, Choose: true, People: section.People, FoundCompanies: v.FoundCompanies}
	doc = render(t, CRMFormPart(f.Reader, fields))
	for selector, want := range map[string]int{
		`input[type=radio][name=source]`: 2, `input[name=source][value=crm][checked]`: 1, `input[name=crm_person][value=p1]`: 1, `button[name=crm_add_company][value=c1][formaction="/calendar/form"]`: 1, `button[name=crm_drop_person]`: 1,
	} {
		if got := doc.Find(selector).Length(); got != want {
			t.Errorf("%s: %d, want %d", selector, got, want)
		}
	}
	var a portal.Appointment
	fields.Over(&a)
	if a.Source != portal.SourceCRM || len(a.People) != 1 || a.People[0] != "p1" || len(a.Companies) != 0 {
		t.Errorf("the appointment is %+v", a)
	}
	(*CRMFields)(nil).Over(&a)
	if a.Source != portal.SourceCRM {
		t.Error("a form without the fields changes where it lives")
	}
}

func TestWhereAnEntryLives(t *testing.T) {
	r := NewReader("en", "UTC", en0)
	for want, a := range map[string]portal.Appointment{
		"":                   {Source: portal.SourceExchange, Status: portal.StatusConfirmed},
		"CRM · in step":      {Source: portal.SourceCRM},
		"Exchange · in step": {Source: portal.SourceExchange, Status: portal.StatusPending},
		"CRM":                {Source: portal.SourceCRM, Sync: portal.SyncState{State: portal.SyncPending}},
	} {
		if got := r.livesText(a); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := r.livesText(portal.Appointment{Source: portal.SourceCRM, Masked: true}); got != "" {
		t.Errorf("a masked one says %q", got)
	}
}
