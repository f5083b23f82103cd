package contacts

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"portico/app/portal"
)

// MaxNameLen is the longest name or nickname an owner gives a contact, in characters.
const MaxNameLen = 128

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
	if c.Groups, err = groupNames(c); err != nil {
		return c, err
	}
	var ok bool
	if c.DisplayName, ok = line(c.DisplayName, MaxNameLen); !ok {
		return c, badName()
	}
	if c.Nickname, ok = line(c.Nickname, MaxNameLen); !ok {
		return c, badName()
	}
	c.Group = ""
	return grouped(c), nil
}

// groupNames are the groups the contact says it is in, each once; Group alone where Groups is nil.
func groupNames(c portal.Contact) ([]string, error) {
	names := c.Groups
	if names == nil {
		names = []string{c.Group}
	}
	var all []string
	for _, name := range names {
		name, ok := line(name, MaxGroupLen)
		if !ok {
			return nil, badGroup()
		}
		if name != "" && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	if len(all) > MaxGroups {
		return nil, tooManyGroups()
	}
	return all, nil
}

// groupName is the name of a group as it is kept; ErrInvalid for one that cannot be.
func groupName(s string) (string, error) {
	name, ok := line(s, MaxGroupLen)
	switch {
	case !ok:
		return "", badGroup()
	case name == "":
		return "", portal.Fail(portal.ErrInvalid, "contacts.group-empty")
	}
	return name, nil
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

func badGroup() error {
	return portal.Fail(portal.ErrInvalid, "contacts.group").With("max", strconv.Itoa(MaxGroupLen))
}

func badName() error {
	return portal.Fail(portal.ErrInvalid, "contacts.name").With("max", strconv.Itoa(MaxNameLen))
}

func tooMany(limit int) error {
	return portal.Fail(portal.ErrConflict, "contacts.full").With("max", strconv.Itoa(limit))
}

func tooManyGroups() error {
	return portal.Fail(portal.ErrConflict, "contacts.groups-full").With("Max", strconv.Itoa(MaxGroups))
}
