package ews

import (
	"slices"
	"strings"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// People: attendees, organisers and their answers, in Exchange's words and in the portal's.

var responses = map[string]portal.Response{
	"Organizer": portal.ResponseOrganizer,
	"Accept":    portal.ResponseAccepted,
	"Tentative": portal.ResponseTentative,
	"Decline":   portal.ResponseDeclined,
	// Unknown and NoResponseReceived are both "has not answered".
}

func response(said string) portal.Response {
	if r, ok := responses[said]; ok {
		return r
	}
	return portal.ResponseNone
}

// voice turns the addresses of one mailbox's items into people.
type voice struct {
	person func(email string) portal.Address
	// smtp gives the e-mail address behind one of the directory's own form ("/O=…"); nil: unknown.
	smtp func(address string) string
}

// email is the e-mail address of a mailbox, "" where it has none that mail could go to.
func (v voice) email(m soap.Mailbox) string {
	address := strings.TrimSpace(m.EmailAddress)
	if strings.EqualFold(m.RoutingType, "EX") || strings.HasPrefix(address, "/") {
		if v.smtp == nil {
			return ""
		}
		return v.smtp(address)
	}
	if rest, ok := cutPrefixFold(address, "smtp:"); ok {
		address = rest
	}
	return address
}

func (v voice) attendee(m soap.Mailbox) portal.Attendee {
	a := portal.Attendee{Name: m.Name, Email: v.email(m), Role: portal.RoleRequired, Response: portal.ResponseNone,
		List: m.Type == "PublicDL" || m.Type == "PrivateDL"}
	if a.Name == "" {
		a.Name = a.Email
	}
	if !a.List && a.Email != "" {
		a.URI = v.person(a.Email)
	}
	return a
}

// attendees are the invited of an item: required, optional, resources. Somebody who is listed twice keeps the first place.
func (v voice) attendees(it *soap.CalendarItem) []portal.Attendee {
	out := []portal.Attendee{}
	seen := map[string]bool{}
	for _, list := range []struct {
		role portal.AttendeeRole
		of   []soap.Attendee
	}{{portal.RoleRequired, it.RequiredAttendees}, {portal.RoleOptional, it.OptionalAttendees}, {portal.RoleResource, it.Resources}} {
		for _, said := range list.of {
			a := v.attendee(said.Mailbox)
			a.Role, a.Response = list.role, response(said.ResponseType)
			if a.Response != portal.ResponseNone {
				a.RespondedAt = happened(said.LastResponseTime)
			}
			a.ProposedStart, a.ProposedEnd = happened(said.ProposedStart), happened(said.ProposedEnd)
			key := strings.ToLower(a.Email)
			if key == "" {
				key = "\x00" + a.Name
			}
			if !seen[key] {
				seen[key] = true
				out = append(out, a)
			}
		}
	}
	return out
}

// invited writes attendees of the given role as Exchange wants them; people without an e-mail address cannot be invited.
func invited(list []portal.Attendee, role portal.AttendeeRole) []soap.Attendee {
	var out []soap.Attendee
	for _, a := range list {
		r := a.Role
		if r == "" {
			r = portal.RoleRequired
		}
		if r == role && a.Email != "" {
			out = append(out, soap.Attendee{Mailbox: mailbox(a)})
		}
	}
	return out
}

// mailbox is somebody as an address.
func mailbox(a portal.Attendee) soap.Mailbox {
	m := soap.Mailbox{Name: sayable(a.Name), EmailAddress: sayable(a.Email), RoutingType: "SMTP"}
	if m.Name == m.EmailAddress {
		m.Name = ""
	}
	return m
}

func mailboxes(list []portal.Attendee) []soap.Mailbox {
	var out []soap.Mailbox
	for _, a := range list {
		if a.Email != "" {
			out = append(out, mailbox(a))
		}
	}
	return out
}

// sameAttendees tells whether both lists invite the same people in the same roles.
func sameAttendees(a, b []portal.Attendee) bool {
	key := func(list []portal.Attendee) []string {
		var out []string
		for _, x := range list {
			out = append(out, strings.ToLower(x.Email)+" "+string(x.Role))
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(key(a), key(b))
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
		return s[len(prefix):], true
	}
	return s, false
}
