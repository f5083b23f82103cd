package main

// The example customers of the lab: companies, people of theirs, and appointments with them, so that CRM is not empty on the
// first day. Frank and Judy keep their diary in CRM alone.

import (
	"context"
	"errors"
	"slices"
	"time"

	"portico/app/portal"
)

// crmOnly are the example people whose mailbox is not kept in step with CRM.
func crmOnly() []string { return []string{"frank", "judy"} }

func exampleCompanies() []portal.CRMCompany {
	return []portal.CRMCompany{
		{ID: "alpenmilch", Name: "Alpenmilch GmbH", City: "Salzburg", Phone: "+43 662 555 0100", Web: "https://alpenmilch.example"},
		{ID: "northwind", Name: "Northwind Traders", City: "Hamburg", Phone: "+49 40 555 0101", Web: "https://northwind.example"},
		{ID: "contoso", Name: "Contoso Logistics", City: "Rotterdam", Phone: "+31 10 555 0102", Web: "https://contoso.example"},
		{ID: "danubia", Name: "Danubia Shipyards", City: "Linz", Phone: "+43 732 555 0103", Web: "https://danubia.example"},
	}
}

func exampleCustomers() []portal.CRMPerson {
	return []portal.CRMPerson{
		{ID: "moser", FirstName: "Maria", LastName: "Moser", Email: "maria.moser@alpenmilch.example", Title: "Purchasing", Company: "alpenmilch"},
		{ID: "lindner", FirstName: "Paul", LastName: "Lindner", Email: "paul.lindner@alpenmilch.example", Title: "Managing director", Company: "alpenmilch"},
		{ID: "petersen", FirstName: "Nina", LastName: "Petersen", Email: "nina.petersen@northwind.example", Title: "Head of logistics", Company: "northwind"},
		{ID: "devries", FirstName: "Joris", LastName: "de Vries", Email: "joris.devries@contoso.example", Title: "Planner", Company: "contoso"},
		{ID: "wagner", FirstName: "Eva", LastName: "Wagner", Email: "eva.wagner@danubia.example", Title: "Chief engineer", Company: "danubia"},
	}
}

// exampleUsers is the example people as CRM users.
func exampleUsers(domain string) []portal.CRMUser {
	var out []portal.CRMUser
	people, _ := labBook{domain}.People(context.Background()) // a list in memory
	for i, who := range people {
		first, last := labPeople()[i].names()
		out = append(out, portal.CRMUser{Address: who.URI, FirstName: first, LastName: last, Email: who.Email})
	}
	return out
}

// names are an example person's first and last name.
func (p labPerson) names() (first, last string) {
	for i, c := range p.name {
		if c == ' ' {
			return p.name[:i], p.name[i+1:]
		}
	}
	return "", p.name
}

// exampleAppointments are made by their owners in CRM; day is midnight of the next working day in the office's zone.
func exampleAppointments(b labBook, day time.Time) map[portal.Address][]portal.Appointment {
	at := func(days, hour, minutes int, subject, place, person, company string, with ...string) portal.Appointment {
		start := time.Date(day.Year(), day.Month(), day.Day()+days, hour, 0, 0, 0, day.Location())
		a := portal.Appointment{Subject: subject, Location: place, Start: start, End: start.Add(time.Duration(minutes) * time.Minute),
			TimeZone: day.Location().String(), People: []string{person}, Companies: []string{company}, Source: portal.SourceCRM, Show: portal.ShowBusy}
		for _, user := range with {
			a.Attendees = append(a.Attendees, portal.Attendee{URI: b.address(user), Email: user + "@" + b.domain, Role: portal.RoleRequired})
		}
		return a
	}
	return map[portal.Address][]portal.Appointment{
		b.address("bob"):   {at(0, 16, 60, "Price talks", "Salzburg", "moser", "alpenmilch"), at(1, 15, 45, "Delivery dates", "By phone", "petersen", "northwind", "dave")},
		b.address("frank"): {at(0, 10, 60, "Pilot: first impressions", "Linz", "wagner", "danubia", "judy"), at(2, 9, 90, "Roadmap with the customer", "Vienna", "devries", "contoso")},
		b.address("judy"):  {at(1, 14, 30, "Interface questions", "Online", "devries", "contoso")},
	}
}

// seedCRM fills CRM with the examples where it has nobody yet, and switches the synchronisation on for most.
func (h *house) seedCRM(ctx context.Context) error {
	err := h.seedOnce(ctx)
	if err != nil && ctx.Err() == nil {
		h.log.Error("example customers", "error", err)
	}
	<-ctx.Done()
	return nil
}

func (h *house) seedOnce(ctx context.Context) error {
	there, err := h.crm.Users(ctx)
	if err != nil || len(there) > 0 {
		return err
	}
	const by = "lab"
	users, err := h.crm.PutUsers(ctx, exampleUsers(h.cfg.SIP.Domain), by)
	if err != nil {
		return err
	}
	book := labBook{h.cfg.SIP.Domain}
	alice := book.address("alice")
	for _, c := range exampleCompanies() {
		if _, err := h.crm.SaveCompany(ctx, alice, by+" "+c.ID, c); err != nil {
			return err
		}
	}
	for _, p := range exampleCustomers() {
		if _, err := h.crm.SavePerson(ctx, alice, by+" "+p.ID, p); err != nil {
			return err
		}
	}
	zone, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		return err
	}
	for who, list := range exampleAppointments(book, nextWorkingDay(time.Now().In(zone))) {
		for _, a := range list {
			if _, err := h.crm.Create(ctx, who, "", a); err != nil {
				return err
			}
		}
	}
	if h.panel == nil {
		return nil
	}
	var chosen []portal.Address
	for _, u := range users {
		if !slices.Contains(crmOnly(), u.Address.User()) {
			chosen = append(chosen, u.Address)
		}
	}
	_, err = h.panel.RunUsers(ctx, by, chosen, false)
	if errors.Is(err, portal.ErrConflict) { // it runs already
		return nil
	}
	return err
}

// nextWorkingDay is midnight of the first weekday after t.
func nextWorkingDay(t time.Time) time.Time {
	day := time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, t.Location())
	for day.Weekday() == time.Saturday || day.Weekday() == time.Sunday {
		day = day.AddDate(0, 0, 1)
	}
	return day
}
