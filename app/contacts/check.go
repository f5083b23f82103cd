package contacts

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"portico/app/portal"
)

// maxNameLen is the longest name an owner gives a contact, in characters.
const maxNameLen = 128

// checked is the contact in canonical form, or what is wrong with it.
func checked(owner portal.Address, c portal.Contact) (portal.Contact, error) {
	uri, err := portal.ParseAddress(string(c.URI))
	if err != nil {
		return c, err
	}
	c.URI = uri
	if c.URI == owner {
		return c, portal.Fail(portal.ErrInvalid, "contacts.self")
	}
	if !c.Relationship.Valid() {
		return c, portal.Fail(portal.ErrInvalid, "contacts.relationship")
	}
	var ok bool
	if c.Group, ok = line(c.Group, MaxGroupLen); !ok {
		return c, portal.Fail(portal.ErrInvalid, "contacts.group").With("max", strconv.Itoa(MaxGroupLen))
	}
	if c.DisplayName, ok = line(c.DisplayName, maxNameLen); !ok {
		return c, portal.Fail(portal.ErrInvalid, "contacts.name").With("max", strconv.Itoa(maxNameLen))
	}
	return c, nil
}

// line is one line of text without space around it; false when it is too long or not to be shown.
func line(s string, most int) (string, bool) {
	s = strings.TrimSpace(s)
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > most {
		return s, false
	}
	for _, r := range s {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return s, false
		}
	}
	return s, true
}

func tooMany(limit int) error {
	return portal.Fail(portal.ErrConflict, "contacts.full").With("max", strconv.Itoa(limit))
}
