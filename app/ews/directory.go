package ews

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// The address book: names, lists, rooms, pictures, delegates.

// maxExpanded bounds the members of a list with all the lists in it, expandDepth how deep and maxInside how many of those are
// followed.
const (
	maxExpanded = 2000
	expandDepth = 8
	maxInside   = 200
)

// Resolve looks somebody up by a part of their name or address.
func (c *Connector) Resolve(ctx context.Context, who portal.Address, text string) ([]portal.Attendee, error) {
	out := []portal.Attendee{}
	text = strings.TrimSpace(text)
	if text == "" {
		return out, nil
	}
	err := c.do(ctx, who, who, func(a *access) error {
		found, err := a.resolve(ctx, text)
		if err != nil {
			return err
		}
		v := a.voice(ctx)
		for _, r := range found {
			if p, ok := person(v, r); ok {
				out = append(out, p)
			}
		}
		if len(out) == 0 {
			out, err = a.people(ctx, text)
		}
		return err
	})
	return out, err
}

func person(v voice, r soap.Resolution) (portal.Attendee, bool) {
	p := v.attendee(r.Mailbox)
	if r.Contact != nil && r.Contact.DisplayName != "" && p.Name == p.Email {
		p.Name = r.Contact.DisplayName
	}
	if r.Mailbox.Type == "Room" {
		p.Role = portal.RoleResource
	}
	return p, p.Email != ""
}

// people searches the organisation's list by words, which finds what a name's beginning does not; only newer servers
// can.
func (a *access) people(ctx context.Context, text string) ([]portal.Attendee, error) {
	out := []portal.Attendee{}
	directory := soap.WellKnown("directory", "")
	res, err := a.FindPeople(ctx, a.as, &soap.FindPeople{Page: *soap.Page(0, 50), Parent: &directory, Query: sayable(cut(text, 255))})
	if err == nil {
		err = res.Err()
	}
	if err != nil {
		if errors.Is(err, portal.ErrUnavailable) && !soap.Unsupported(err) || errors.Is(err, portal.ErrUnauthenticated) {
			return out, err
		}
		return out, nil // no such search here
	}
	v := a.voice(ctx)
	for _, p := range res.People {
		m := soap.Mailbox{Name: p.DisplayName}
		if p.EmailAddress != nil {
			m = *p.EmailAddress
		} else if len(p.EmailAddresses) > 0 {
			m = p.EmailAddresses[0]
		}
		if m.Name == "" {
			m.Name = p.DisplayName
		}
		if at := v.attendee(m); at.Email != "" {
			out = append(out, at)
		}
	}
	return out, nil
}

// Expand gives the members of a distribution list, those of lists in it included, each once. Lists that hold each
// other, very deep and very large ones are followed as far as the bounds go; what is not followed stays a list.
func (c *Connector) Expand(ctx context.Context, who portal.Address, email string) ([]portal.Attendee, error) {
	var out []portal.Attendee
	err := c.do(ctx, who, who, func(a *access) error {
		e := expansion{a: a, v: a.voice(ctx), seen: map[string]bool{strings.ToLower(email): true}}
		err := e.list(ctx, soap.Mailbox{EmailAddress: sayable(email), RoutingType: "SMTP"}, 0)
		out = e.out
		return err
	})
	if out == nil {
		out = []portal.Attendee{}
	}
	return out, err
}

type expansion struct {
	a     *access
	v     voice
	seen  map[string]bool
	lists int
	out   []portal.Attendee
}

func (e *expansion) list(ctx context.Context, m soap.Mailbox, depth int) error {
	e.lists++
	res, err := e.a.ExpandDL(ctx, e.a.as, &soap.ExpandDL{Mailbox: m})
	var found *soap.ExpandDLMessage
	if err == nil {
		found, err = one(res.Messages)
	}
	if err != nil {
		if depth == 0 || errors.Is(err, portal.ErrUnavailable) {
			return err
		}
		e.add(m, true) // a list that may not be looked into
		return nil
	}
	if found.Expansion == nil {
		return nil
	}
	for _, member := range found.Expansion.Mailboxes {
		list := member.Type == "PublicDL" || member.Type == "PrivateDL"
		key := strings.ToLower(member.EmailAddress)
		if member.ItemID != nil {
			key = member.ItemID.ID
		}
		if e.seen[key] {
			continue
		}
		e.seen[key] = true
		if list && depth < expandDepth && e.lists < maxInside && len(e.out) < maxExpanded {
			if err := e.list(ctx, member, depth+1); err != nil {
				return err
			}
			continue
		}
		e.add(member, list)
	}
	return nil
}

func (e *expansion) add(m soap.Mailbox, list bool) {
	if at := e.v.attendee(m); at.Email != "" && len(e.out) < maxExpanded {
		at.List = list
		e.out = append(e.out, at)
	}
}

// Rooms gives the meeting rooms of the organisation; a server without lists of rooms has none.
func (c *Connector) Rooms(ctx context.Context, who portal.Address) ([]portal.Attendee, error) {
	out := []portal.Attendee{}
	err := c.do(ctx, who, who, func(a *access) (err error) {
		out, err = a.rooms(ctx)
		return err
	})
	slices.SortFunc(out, func(x, y portal.Attendee) int {
		return strings.Compare(strings.ToLower(x.Name), strings.ToLower(y.Name))
	})
	return out, err
}

// rooms are the members of all lists of rooms, each once.
func (a *access) rooms(ctx context.Context) ([]portal.Attendee, error) {
	out := []portal.Attendee{}
	res, err := a.GetRoomLists(ctx, a.as, &soap.GetRoomLists{})
	if err == nil {
		err = res.Err()
	}
	if err != nil {
		if soap.Unsupported(err) {
			return out, nil
		}
		return out, err
	}
	seen := map[string]bool{}
	v := a.voice(ctx)
	for _, list := range res.Lists[:min(len(res.Lists), maxInside)] {
		rooms, err := a.GetRooms(ctx, a.as, &soap.GetRooms{List: list})
		if err == nil {
			err = rooms.Err()
		}
		if err != nil {
			return out, err
		}
		for _, r := range rooms.Rooms {
			if r.ID == nil {
				continue
			}
			at := v.attendee(*r.ID)
			if at.Email == "" || seen[strings.ToLower(at.Email)] {
				continue
			}
			seen[strings.ToLower(at.Email)] = true
			at.Role = portal.RoleResource
			out = append(out, at)
		}
	}
	return out, nil
}

// maxPhoto is the largest picture that is passed on.
const maxPhoto = 4 << 20

// Photo gives somebody's picture; ErrNotFound where there is none.
func (c *Connector) Photo(ctx context.Context, who portal.Address, email string) (data []byte, contentType string, err error) {
	err = c.do(ctx, who, who, func(a *access) error {
		res, err := a.GetUserPhoto(ctx, a.as, &soap.GetUserPhoto{Email: sayable(email), Size: "HR96x96"})
		if err == nil {
			err = res.Err()
		}
		none := portal.Fail(portal.ErrNotFound, "exchange.photo")
		if err != nil {
			if soap.Unsupported(err) || errors.Is(err, portal.ErrNotFound) || soap.Code(err) == "ErrorRecipientNotFound" {
				return none.Because(err)
			}
			return err
		}
		contentType = http.DetectContentType(res.Picture)
		if len(res.Picture) == 0 || len(res.Picture) > maxPhoto || !strings.HasPrefix(contentType, "image/") {
			return none
		}
		data = res.Picture
		return nil
	})
	return data, contentType, err
}

// Delegates gives whom somebody lets act for them.
func (c *Connector) Delegates(ctx context.Context, who portal.Address) ([]portal.Delegate, error) {
	out := []portal.Delegate{}
	err := c.do(ctx, who, who, func(a *access) error {
		res, err := a.GetDelegate(ctx, a.as, &soap.GetDelegate{IncludePermissions: true, Mailbox: soap.Mailbox{EmailAddress: a.email}})
		if err == nil {
			err = res.Err()
		}
		if err != nil {
			switch soap.Code(err) {
			case "ErrorDelegateNoUser", "ErrorDelegateMissingConfiguration":
				return nil
			}
			if soap.Unsupported(err) {
				return nil
			}
			return err
		}
		for i := range res.Messages {
			m := &res.Messages[i]
			if m.Err() != nil || m.User == nil {
				continue
			}
			u := m.User
			d := portal.Delegate{Email: u.UserID.PrimarySMTP, Name: u.UserID.DisplayName, Calendar: "none",
				SeesPrivate: soap.Is(u.ViewPrivateItems), GetsMeetings: soap.Is(u.ReceiveCopies)}
			if u.Permissions != nil && u.Permissions.Calendar != "" {
				d.Calendar = strings.ToLower(u.Permissions.Calendar)
			}
			if d.Email != "" {
				out = append(out, d)
			}
		}
		return nil
	})
	return out, err
}

// Rights gives what a reader may do with an owner's calendar: "owner", "editor", "reviewer" or "freebusy".
func (c *Connector) Rights(ctx context.Context, reader, owner portal.Address) (rights string, err error) {
	if reader == owner {
		return "owner", nil
	}
	rights = "freebusy"
	err = c.do(ctx, reader, owner, func(a *access) error {
		res, err := a.GetFolder(ctx, a.as, &soap.GetFolder{Shape: soap.FolderShape{BaseShape: soap.IDOnly,
			AdditionalProperties: soap.Fields("folder:EffectiveRights")}, Folders: []soap.FolderRef{a.folder("calendar")}})
		var m *soap.FolderMessage
		if err == nil {
			m, err = one(res.Messages)
		}
		if errors.Is(err, portal.ErrForbidden) || errors.Is(err, portal.ErrNotFound) {
			return nil // the folder is not even seen
		}
		if err != nil || len(m.Folders) == 0 || m.Folders[0].EffectiveRights == nil {
			return err
		}
		switch r := m.Folders[0].EffectiveRights; {
		case r.Read && r.CreateContents && r.Modify:
			rights = "editor"
		case r.Read:
			rights = "reviewer"
		}
		return nil
	})
	if errors.Is(err, portal.ErrForbidden) {
		return rights, nil
	}
	return rights, err
}
