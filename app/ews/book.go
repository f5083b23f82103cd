package ews

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// The organisation's address book as a whole: by pages of FindPeople where the server has it (Exchange 2013 and later),
// else by ResolveNames over the beginnings of names.

const (
	// maxBook bounds the people and lists of a whole address book: a larger one is refused rather than cut.
	maxBook = 200_000
	// bookPage is how many people are asked for at once; Exchange gives at most 1000.
	bookPage = 500
	// maxResolved is how many candidates ResolveNames gives: so many mean that there may be more.
	maxResolved = 100
	// maxBeginnings bounds the beginnings that are asked for, maxBeginning how long one gets.
	maxBeginnings = 20_000
	maxBeginning  = 6
)

// Directory is everybody in the address books of all servers, with distribution lists as groups (Person.Group); who
// has no address that can be one of SIP is left out, and so are rooms. It is read by the servers' own accounts, or on
// behalf of Options.Reader. Errors: ErrUnavailable, with "exchange.no-reader" where there is nobody to read it for now.
func (c *Connector) Directory(ctx context.Context) ([]portal.Person, error) {
	b := &addressBook{c: c, at: map[portal.Address]int{}}
	if c.o.Reader != nil {
		who := c.o.Reader()
		if who == "" {
			return nil, portal.Fail(portal.ErrUnavailable, "exchange.no-reader")
		}
		err := c.do(ctx, who, who, func(a *access) error { return b.read(ctx, a) })
		return b.people, err
	}
	if len(c.hosts) == 0 {
		return nil, portal.Fail(portal.ErrUnavailable, "calendar.none")
	}
	for _, h := range c.hosts {
		if err := c.readHost(ctx, h, b); err != nil {
			return nil, translate(fmt.Errorf("address book of %s: %w", h.s.Name, err))
		}
	}
	return b.people, nil
}

// readHost reads a server's address book as its own account.
func (c *Connector) readHost(ctx context.Context, h *host, b *addressBook) error {
	if h.s.Username == "" && c.o.Credentials != nil {
		return portal.Fail(portal.ErrUnavailable, "exchange.no-reader")
	}
	turn, err := h.outage.enter()
	if err != nil {
		return err
	}
	if turn != 0 {
		defer h.outage.leave(turn)
	}
	email := h.s.Username
	if !strings.Contains(email, "@") {
		email = "postmaster@" + c.o.Domain
	}
	client, err := h.client(ctx, email)
	if err != nil {
		return err
	}
	a := &access{Client: client, c: c, host: h, as: soap.As{Ahead: turn != 0}, email: email}
	err = b.read(ctx, a)
	if ctx.Err() == nil || err == nil {
		h.learn(err)
	}
	return err
}

// addressBook gathers people.
type addressBook struct {
	c      *Connector
	people []portal.Person
	at     map[portal.Address]int
	// rooms are the e-mail addresses of rooms, which look like people to a server that is asked for names.
	rooms map[string]bool
}

// read reads one server's address book.
func (b *addressBook) read(ctx context.Context, a *access) error {
	found, err := b.pages(ctx, a)
	if err != nil {
		return err
	}
	if !found {
		rooms, err := a.rooms(ctx)
		if err != nil {
			return err
		}
		b.rooms = map[string]bool{}
		for _, r := range rooms {
			b.rooms[strings.ToLower(r.Email)] = true
		}
		w := &spelling{b: b, a: a, v: a.voice(ctx)}
		return w.all(ctx)
	}
	return b.details(ctx, a)
}

// errBookTooLarge is said of an address book that is larger than allowed.
var errBookTooLarge = errors.New("the address book has more entries than are allowed")

func (b *addressBook) add(p portal.Person) error {
	if p.URI == "" || b.rooms[strings.ToLower(p.Email)] {
		return nil
	}
	if _, ok := b.at[p.URI]; ok {
		return nil
	}
	if len(b.people) >= maxBook {
		return portal.Fail(portal.ErrUnavailable, "exchange.book").Because(errBookTooLarge)
	}
	b.at[p.URI] = len(b.people)
	b.people = append(b.people, p)
	return nil
}

// pages asks for page after page; false where the server has no such search, or gives nobody without being asked for
// somebody.
func (b *addressBook) pages(ctx context.Context, a *access) (found bool, err error) {
	directory := soap.WellKnown("directory", "")
	v := a.voice(ctx)
	for offset := 0; ; {
		res, err := a.FindPeople(ctx, a.as, &soap.FindPeople{Shape: personaShape(), Page: *soap.Page(offset, bookPage), Parent: &directory})
		if err == nil {
			err = res.Err()
		}
		switch {
		case err != nil && offset == 0 && cannotBrowse(err):
			return false, nil
		case err != nil:
			return false, err
		}
		for _, p := range res.People {
			if err := b.add(b.c.ofPersona(v, p)); err != nil {
				return false, err
			}
		}
		offset += len(res.People)
		switch {
		case offset == 0:
			return false, nil
		case len(res.People) == 0, res.Total != nil && offset >= *res.Total, res.Total == nil && len(res.People) < bookPage:
			return true, nil
		case offset > maxBook:
			return false, portal.Fail(portal.ErrUnavailable, "exchange.book").Because(errBookTooLarge)
		}
	}
}

// cannotBrowse tells whether an error means that the server has no FindPeople, or none that lists everybody.
func cannotBrowse(err error) bool {
	return soap.Unsupported(err) || errors.Is(err, portal.ErrInvalid) || errors.Is(err, portal.ErrNotFound)
}

// personaShape asks for what a card shows.
func personaShape() *soap.FolderShape {
	return &soap.FolderShape{BaseShape: soap.DefaultShape, AdditionalProperties: soap.Fields("persona:DisplayName", "persona:PersonaType", "persona:Title",
		"persona:CompanyName", "persona:EmailAddress", "persona:EmailAddresses", "persona:ImAddress", "persona:PhoneNumber", "persona:BusinessPhoneNumbers",
		"persona:HomePhones", "persona:MobilePhones", "persona:OfficeLocations")}
}

// ofPersona makes a person; without an address it is nobody.
func (c *Connector) ofPersona(v voice, p soap.Persona) portal.Person {
	m := soap.Mailbox{}
	if p.EmailAddress != nil {
		m = *p.EmailAddress
	} else if len(p.EmailAddresses) > 0 {
		m = p.EmailAddresses[0]
	}
	if m.Type == "Room" || p.PersonaType == "Room" {
		return portal.Person{}
	}
	out := portal.Person{DisplayName: tidy(p.DisplayName), Email: v.email(m), Title: tidy(p.Title), Department: tidy(p.Department), Office: tidy(p.Location),
		Company: tidy(p.CompanyName), Group: p.PersonaType == "DistributionList" || m.Type == "PublicDL"}
	for _, o := range p.Offices {
		if out.Office == "" {
			out.Office = tidy(o.Value)
		}
	}
	for _, list := range []struct {
		kind string
		of   []soap.PersonaPhoneValue
	}{{"work", p.WorkPhones}, {"mobile", p.MobilePhones}, {"home", p.HomePhones}} {
		for _, n := range list.of {
			addNumber(&out, list.kind, n.Value.Number)
		}
	}
	if p.PhoneNumber != nil {
		addNumber(&out, numberKind(p.PhoneNumber.Type), p.PhoneNumber.Number)
	}
	return c.addressed(out, p.ImAddress)
}

// addressed gives somebody their SIP address: that for instant messages, else the e-mail address where it is of the
// portal's domain; of a list its e-mail address, whatever domain that is of.
func (c *Connector) addressed(p portal.Person, im ...string) portal.Person {
	if !strings.Contains(p.Email, "@") || strings.ContainsAny(p.Email, " <>\"") || tidy(p.Email) != p.Email {
		p.Email = ""
	}
	if p.DisplayName == "" {
		p.DisplayName = p.Email
	}
	if p.Group {
		p.URI = parsed(strings.ToLower(p.Email))
		return p
	}
	for _, text := range im {
		if rest, ok := cutPrefixFold(strings.TrimSpace(text), "sip:"); ok && p.URI == "" {
			p.URI = parsed(rest)
		}
	}
	if p.URI == "" {
		// Nobody tells e-mail addresses apart by case, and SIP servers know people in lower case.
		if a := parsed(strings.ToLower(p.Email)); a.Domain() == strings.ToLower(c.o.Domain) {
			p.URI = a
		}
	}
	return p
}

// parsed is an address, "" for what is none.
func parsed(text string) portal.Address {
	a, err := portal.ParseAddress(text)
	if err != nil {
		return ""
	}
	return a
}

// maxLine bounds a text of the address book, in bytes.
const maxLine = 256

// tidy is a text of a server's on one line.
func tidy(s string) string { return cut(strings.Join(strings.Fields(sayable(s)), " "), maxLine) }

// maxNumbers bounds the telephone numbers of a person.
const maxNumbers = 12

// addNumber adds a telephone number that is not there yet.
func addNumber(p *portal.Person, kind, number string) {
	number = tidy(number)
	if number == "" || len(number) > 64 || len(p.Numbers) >= maxNumbers || slices.Contains(p.Phones, number) {
		return
	}
	p.Numbers = append(p.Numbers, portal.Number{Kind: kind, Number: number})
	p.Phones = append(p.Phones, number)
}

// numberKind makes a kind of ours of one of Exchange's: BusinessPhone, MobilePhone, HomePhone2, Business …
func numberKind(said string) string {
	switch s := strings.ToLower(said); {
	case strings.Contains(s, "fax"), strings.Contains(s, "pager"), strings.Contains(s, "telex"), strings.Contains(s, "ttytdd"), strings.Contains(s, "isdn"):
		return ""
	case strings.HasPrefix(s, "business"), strings.HasPrefix(s, "companymain"), strings.HasPrefix(s, "primary"):
		return "work"
	case strings.HasPrefix(s, "mobile"):
		return "mobile"
	case strings.HasPrefix(s, "home"):
		return "home"
	}
	return "other"
}
