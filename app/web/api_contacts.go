package web

import (
	"context"
	"net/http"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// maxGroupLen is the longest name of a contact group, in characters.
const maxGroupLen = 64

var aboutContacts = operation{
	summary: "The contact list",
	answers: []answer{{status: 200, schema: "Contact", list: true}},
}

func (s *Server) apiContacts(c echo.Context) error {
	list, err := s.Contacts.List(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	if list == nil {
		list = []portal.Contact{}
	}
	return s.json(c, http.StatusOK, list)
}

// contactBody is a change of an entry: what is not in it stays as it is. The group "" is none.
type contactBody struct {
	Group        *string             `json:"group"`
	Groups       []string            `json:"groups"`
	Relationship portal.Relationship `json:"relationship"`
	DisplayName  string              `json:"display_name"`
	Nickname     *string             `json:"nickname"`
	Favourite    *bool               `json:"favourite"`
	Tagged       *bool               `json:"tagged"`
}

var aboutPutContact = operation{
	summary: "Add somebody to the contact list, or change their entry", params: []param{uriParam("uri")}, body: "ContactChange", bodyOptional: true,
	answers: []answer{{status: 200, schema: "Contact"}},
	errors:  []int{400, 404, 409, 413, 415},
}

func (s *Server) apiPutContact(c echo.Context) error {
	uri, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	var in contactBody
	if err := optionalBody(c, &in); err != nil {
		return err
	}
	put, group := s.Contacts.Amend, ""
	if in.Group != nil {
		put, group = s.Contacts.Put, *in.Group
	}
	if in.Groups != nil {
		put = s.Contacts.Put
	}
	if utf8.RuneCountInString(group) > maxGroupLen {
		return portal.Fail(portal.ErrInvalid, "contact.group-too-long")
	}
	more := in.Nickname != nil || in.Favourite != nil || in.Tagged != nil || in.Groups != nil
	if more && s.Book == nil {
		return portal.Fail(portal.ErrUnavailable, "contacts.plain")
	}
	// Without one, a new contact is of the company and an old one, blocked say, stays what it is.
	if in.Relationship != "" && !in.Relationship.Valid() {
		return portal.Fail(portal.ErrInvalid, "contact.relationship")
	}
	ctx, who := c.Request().Context(), s.person(c)
	entry := portal.Contact{URI: uri, DisplayName: in.DisplayName, Group: group, Groups: in.Groups, Relationship: in.Relationship}
	if err := put(ctx, who, entry); err != nil {
		return err
	}
	if in.Relationship != "" && s.Privacy != nil {
		if err := s.Privacy.Give(ctx, who, uri, in.Relationship); err != nil {
			return err
		}
	}
	if err := s.refine(ctx, who, uri, in); err != nil {
		return err
	}
	return s.contact(c, uri)
}

// refine changes what of an entry is not its place and its relationship.
func (s *Server) refine(ctx context.Context, who, uri portal.Address, in contactBody) error {
	if in.Nickname != nil {
		if err := s.Book.Nickname(ctx, who, uri, *in.Nickname); err != nil {
			return err
		}
	}
	if in.Favourite != nil {
		if err := s.Book.Favourite(ctx, who, uri, *in.Favourite); err != nil {
			return err
		}
	}
	if in.Tagged != nil {
		return s.Book.Tag(ctx, who, uri, *in.Tagged)
	}
	return nil
}

// contact answers with an entry as the list now has it.
func (s *Server) contact(c echo.Context, uri portal.Address) error {
	list, err := s.Contacts.List(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	for _, have := range list {
		if have.URI == uri {
			return s.json(c, http.StatusOK, have)
		}
	}
	return portal.Fail(portal.ErrNotFound, "contact.not-found")
}

var aboutDeleteContact = operation{
	summary: "Take somebody off the contact list", params: []param{uriParam("uri")},
	answers: []answer{{status: 204, about: "gone"}},
	errors:  []int{400, 404},
}

func (s *Server) apiDeleteContact(c echo.Context) error {
	uri, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	if err := s.Contacts.Remove(c.Request().Context(), s.person(c), uri); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
