package ews

import (
	"context"
	"errors"
	"strings"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// An address book by the beginnings of names, for servers that cannot be asked for everybody: a to z, and where a
// beginning has as many candidates as the server gives, each longer one.

// letters are what names and addresses begin and go on with. Exchange compares without accents: é is found by e.
const letters = "abcdefghijklmnopqrstuvwxyz0123456789"

// further are what can follow a beginning, too.
const further = letters + "-. '"

// beyond are alphabets that are asked for by their letters, with those of ours that Exchange does not fold.
const beyond = "øßþæœабвгдежзийклмнопрстуфхцчшщэюяαβγδεζηθικλμνξοπρστυφχψω"

type spelling struct {
	b     *addressBook
	a     *access
	v     voice
	asked int
}

// all asks for every beginning.
func (s *spelling) all(ctx context.Context) error {
	for _, r := range letters + beyond {
		if err := s.beginning(ctx, string(r)); err != nil {
			return err
		}
	}
	return nil
}

// beginning asks for one, and for longer ones where there may be more people than were given.
func (s *spelling) beginning(ctx context.Context, text string) error {
	if s.asked++; s.asked > maxBeginnings {
		return portal.Fail(portal.ErrUnavailable, "exchange.book").Because(errBookTooLarge)
	}
	found, more, err := s.candidates(ctx, text)
	if err != nil {
		return err
	}
	for _, r := range found {
		if err := s.b.add(s.b.c.ofResolution(s.v, r)); err != nil {
			return err
		}
	}
	if !more || len([]rune(text)) >= maxBeginning {
		return nil
	}
	for _, r := range further {
		if err := s.beginning(ctx, text+string(r)); err != nil {
			return err
		}
	}
	return nil
}

// candidates are those that a beginning has; more: the server may know more.
func (s *spelling) candidates(ctx context.Context, text string) (found []soap.Resolution, more bool, err error) {
	res, err := s.a.ResolveNames(ctx, s.a.as, &soap.ResolveNames{FullContact: true, SearchScope: "ActiveDirectory", ContactShape: soap.AllProperties, Entry: text})
	var m *soap.ResolveNamesMessage
	if err == nil {
		m, err = one(res.Messages)
	}
	switch {
	case soap.Code(err) == "ErrorNameResolutionNoResults", soap.Code(err) == "ErrorInvalidNameForNameResolution":
		return nil, false, nil
	case err != nil && !errors.Is(err, portal.ErrNotFound):
		return nil, false, err
	case err != nil || m.Set == nil:
		return nil, false, nil
	}
	found = m.Set.Resolutions
	return found, len(found) >= maxResolved || m.Set.IncludesLast != nil && !*m.Set.IncludesLast, nil
}

// ofResolution makes a person of a candidate; without an address it is nobody.
func (c *Connector) ofResolution(v voice, r soap.Resolution) portal.Person {
	if r.Mailbox.Type == "Room" {
		return portal.Person{}
	}
	p := portal.Person{DisplayName: tidy(r.Mailbox.Name), Email: v.email(r.Mailbox), Group: r.Mailbox.Type == "PublicDL"}
	var im []string
	if r.Contact != nil {
		c.fillCard(v, &p, r.Contact)
		im = entries(r.Contact.ImAddresses)
	}
	return c.addressed(p, im...)
}

// fillCard takes what a contact says of somebody.
func (c *Connector) fillCard(v voice, p *portal.Person, x *soap.Contact) {
	if name := tidy(x.DisplayName); name != "" {
		p.DisplayName = name
	}
	set := func(field *string, value string) {
		if value = tidy(value); value != "" {
			*field = value
		}
	}
	set(&p.Title, x.JobTitle)
	set(&p.Department, x.Department)
	set(&p.Office, x.OfficeLocation)
	set(&p.Company, x.CompanyName)
	for _, n := range x.PhoneNumbers {
		if kind := numberKind(n.Key); kind != "" {
			addNumber(p, kind, n.Value)
		}
	}
	if x.ManagerMailbox != nil {
		p.Manager = c.addressed(portal.Person{Email: v.email(x.ManagerMailbox.Mailbox)}).URI
	}
}

// entries are the values of a dictionary.
func entries(list []soap.Entry) []string {
	var out []string
	for _, e := range list {
		if v := strings.TrimSpace(e.Value); v != "" {
			out = append(out, v)
		}
	}
	return out
}
