package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// acme is a company with a person, as bob made them.
func (h *house) acme() (portal.CRMCompany, portal.CRMPerson) {
	h.t.Helper()
	company, err := h.crm.SaveCompany(h.t.Context(), bob, "", portal.CRMCompany{Name: "Acme", City: "Wien"})
	if err != nil {
		h.t.Fatal(err)
	}
	person, err := h.crm.SavePerson(h.t.Context(), bob, "", portal.CRMPerson{FirstName: "Eva", LastName: "Berger", Email: "eva@acme.test", Company: company.ID})
	if err != nil {
		h.t.Fatal(err)
	}
	return company, person
}

// works makes CRM users of people, who have no mailbox that is kept in step.
func (h *house) works(people ...portal.Address) {
	h.t.Helper()
	for _, who := range people {
		if _, err := h.crm.SaveUser(h.t.Context(), alice, portal.CRMUser{Address: who, FirstName: who.User(), Email: who.Bare()}); err != nil {
			h.t.Fatal(err)
		}
	}
}

func TestPeopleAreFoundFromTheFirstLetter(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	if got := a.page("/crm", http.StatusOK).Find(".list .empty-line").Text(); got != "There are no people yet." {
		t.Errorf("an empty list says %q", got)
	}
	company, person := h.acme()
	for query, want := range map[string]int{"?q=b": 1, "?q=eva": 1, "?q=acme": 1, "?q=zz": 0, "?kind=companies&q=a": 1, "?kind=companies&q=berger": 0, "": 1} {
		if got := a.page("/crm"+query, http.StatusOK).Find("#crm-found li").Length(); got != want {
			t.Errorf("%s finds %d, want %d", query, got, want)
		}
	}
	if got := a.with("HX-Request", "true").page("/crm/find?q=e", http.StatusOK); got.Find("li").Length() != 1 || got.Find("nav").Length() != 0 {
		t.Error("the list alone is not the list alone")
	}
	doc := a.page("/crm/people/"+person.ID, http.StatusOK)
	if doc.Find("main h1").Text() != "Eva Berger" || doc.Find(`.facts a[href="/crm/companies/`+company.ID+`"]`).Length() != 1 || doc.Find("#crm-found a[aria-current=page]").Length() != 1 {
		t.Error("the card of a person is not whole")
	}
	if got := a.page("/crm/companies/"+company.ID, http.StatusOK).Find(".parties.inline li").Length(); got != 1 {
		t.Errorf("%d people of the company", got)
	}
	a.page("/crm/people/nobody", http.StatusNotFound)
	a.page("/crm/companies/nothing", http.StatusNotFound)
	a.call(http.MethodGet, "/crm/people", nil, http.StatusSeeOther).leadsTo("/crm?kind=people")
}

func TestPartiesByForm(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	for _, path := range []string{"/crm/people/new", "/crm/companies/new"} {
		if got := a.page(path, http.StatusOK).Find("form.party-form").Length(); got != 1 {
			t.Errorf("%s has no form", path)
		}
	}
	bad := a.submit("/crm/people", "email", "nonsense", "title", strings.Repeat("x", 256))
	for _, sentence := range []string{"A name is missing.", "This is no e-mail address.", "At most 255 characters", `value="nonsense"`} {
		bad.says(http.StatusBadRequest, sentence)
	}
	a.submit("/crm/companies", "city", "Wien").says(http.StatusBadRequest, "A name is missing.")
	made := a.submit("/crm/companies", "name", " Acme ", "city", "Wien")
	company := made.header.Get("Location")
	if made.status != http.StatusSeeOther || !strings.HasPrefix(company, "/crm/companies/") {
		t.Fatalf("%d to %s", made.status, company)
	}
	id := strings.TrimPrefix(company, "/crm/companies/")
	person := a.submit("/crm/people", "first_name", "Eva", "last_name", "Berger", "company", id).header.Get("Location")
	edit := a.page(person+"/edit", http.StatusOK)
	if edit.Find(`#company option[selected]`).Text() != "Acme" || edit.Find(`input[name=version]`).AttrOr("value", "") != "1" {
		t.Error("the form of a person is not filled in")
	}
	personID := strings.TrimPrefix(person, "/crm/people/")
	a.submit("/crm/people", "id", personID, "version", "1", "last_name", "Huber").leadsTo(person)
	a.submit("/crm/people", "id", personID, "version", "1", "last_name", "Late").says(http.StatusConflict, "Late")
	a.submit("/crm/people", "version", "x", "last_name", "Odd").says(http.StatusBadRequest, "not a number")
	a.submit(person+"/delete", "version", "1").says(http.StatusConflict, "")
	a.submit(person+"/delete", "version", "2").leadsTo("/crm?deleted=1&kind=people")
	a.submit(company+"/delete", "version", "1").leadsTo("/crm?deleted=1&kind=companies")
	a.page(person, http.StatusNotFound)
}

func TestQuickCRMAppointment(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	_, person := h.acme()
	card := "/crm/people/" + person.ID
	a.submit("/crm/quick", "text", "Offer tomorrow 10:00-11:00", "person", person.ID, "here", card).leadsTo(card)
	doc := a.page(card, http.StatusOK)
	if got := text(doc.Find(".crm-entries li")); !strings.Contains(got, "Offer") || !strings.Contains(got, "CRM") {
		t.Errorf("the card says %q", got)
	}
	home := a.page("/crm", http.StatusOK)
	if got := text(home.Find(".crm-day")); !strings.Contains(got, "Thursday 26 November") || !strings.Contains(got, "10:00–11:00 Offer") {
		t.Errorf("the own calendar says %q", got)
	}
	bad := a.submit("/crm/quick", "text", "31 November", "person", person.ID, "here", card)
	if bad.status != http.StatusBadRequest || !strings.Contains(string(bad.body), `value="31 November"`) || !strings.Contains(string(bad.body), "Eva Berger") {
		t.Errorf("%d: a line that was not understood is lost: %s", bad.status, bad.body)
	}
}

// An appointment that lives in CRM: made by the form, tied, completed, on its page and in the calendar.
func TestCRMAppointmentByForm(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	company, person := h.acme()
	form := a.page("/calendar/new?source=crm&person="+person.ID, http.StatusOK)
	if form.Find(`input[name=source][value=crm][checked]`).Length() != 1 || form.Find(`input[name=crm_person][value="`+person.ID+`"]`).Length() != 1 {
		t.Fatal("the form does not have what the address says")
	}
	typed := []string{"new_id", "one", "subject", "Contract", "start_date", "2026-11-26", "start_time", "14:00", "end_date", "2026-11-26", "end_time", "15:00", "zone", "Europe/Vienna", "show", "busy", "source", "crm", "crm_person", person.ID}
	step := a.submit("/calendar/form", append(typed, "crm_query", "acm", "crm_find", "1")...)
	step.says(http.StatusOK, `name="crm_add_company" value="`+company.ID+`"`)
	step = a.submit("/calendar/form", append(typed, "crm_add_company", company.ID)...)
	step.says(http.StatusOK, `name="crm_company" value="`+company.ID+`"`)
	a.submit("/calendar/form", append(typed, "crm_drop_person", person.ID)...).says(http.StatusOK, "CRM")
	if got := a.submit("/calendar", append(typed, "crm_company", company.ID)...); got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.body)
	}
	list, err := h.crm.Window(t.Context(), alice, wednesday(t), wednesday(t).AddDate(0, 0, 3), time.UTC)
	if err != nil || len(list) != 1 || len(list[0].People) != 1 || len(list[0].Companies) != 1 || list[0].Subject != "Contract" {
		t.Fatalf("CRM has %+v (%v)", list, err)
	}
	id := list[0].ID
	ties := a.page("/crm/appointments/"+id+"/ties?q=acme", http.StatusOK)
	if ties.Find("#ties-pane li").Length() != 2 || ties.Find("#tie-found li").Length() != 0 {
		t.Error("what is tied already can be tied again")
	}
	a.submit("/crm/appointments/"+id+"/ties", "remove_company", company.ID).leadsTo("/crm/appointments/" + id + "/ties")
	if got := a.page("/crm/appointments/"+id+"/ties?q=acme", http.StatusOK).Find(`#tie-found button[name=add_company]`).Length(); got != 1 {
		t.Error("the tie is not removed")
	}
	a.submit("/crm/appointments/"+id+"/status", "status", "complete", "here", "/crm").leadsTo("/crm")
	if got := text(a.page("/crm", http.StatusOK).Find(".crm-entries li")); !strings.Contains(got, "Complete") {
		t.Errorf("the list says %q", got)
	}
	a.submit("/crm/appointments/"+id+"/status", "status", "odd").says(http.StatusBadRequest, "pending, complete or cancelled")
	a.submit("/crm/appointments/"+id+"/status", "status", "pending", "version", "1").says(http.StatusConflict, "")
	h.browse(carol).page("/crm/appointments/"+id+"/ties", http.StatusOK) // who is tied to somebody outside is everybody's history
	h.browse(carol).submit("/crm/appointments/"+id+"/status", "status", "pending").says(http.StatusForbidden, "")
	a.page("/crm/appointments/crm-nothing/ties", http.StatusNotFound)
	if got := url.PathEscape(id); got != id {
		t.Errorf("the id %q needs escaping", id)
	}
}
