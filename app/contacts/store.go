package contacts

// What groups, favourites and the list on the SIP server ask of storage.

import (
	"context"

	"portico/app/portal"
)

// Lists is the part of Store for what goes beyond single entries. Each call is one transaction.
type Lists interface {
	// ContactGroups are the owner's groups by rank and name. A group exists without contacts too.
	ContactGroups(ctx context.Context, owner portal.Address) ([]portal.ContactGroup, error)
	// ChangeContacts is one change of a list, with events (portal.ContactsEvent) for what really changed.
	ChangeContacts(ctx context.Context, owner portal.Address, c ListChange) error
	// Recents are the people with whom the owner had a conversation or a call last, newest first.
	Recents(ctx context.Context, owner portal.Address, limit int) ([]portal.Recent, error)
	// Roster is what is known of the list that the SIP server keeps: its entity tag and the list as both sides last
	// agreed on it (opaque to storage); SaveRoster keeps it.
	Roster(ctx context.Context, owner portal.Address) (etag string, agreed []byte, err error)
	SaveRoster(ctx context.Context, owner portal.Address, etag string, agreed []byte) error
}

// ListChange is one change of a contact list, whole or not at all.
type ListChange = portal.ContactsChange

// Roster is the contact list that the SIP server keeps for a person (XCAP resource-lists, RFC 4826).
type Roster interface {
	// Fetch reads the list. unchanged: it still has the tag. ErrNotFound: the server has no list of the person;
	// ErrForbidden: it keeps none at all; ErrUnavailable: try again.
	Fetch(ctx context.Context, owner portal.Address, etag string) (l RosterList, unchanged bool, err error)
	// Store replaces the list that has the tag (empty: there is none yet) and gives the new tag; ErrConflict: somebody
	// else changed it, fetch it again.
	Store(ctx context.Context, owner portal.Address, l RosterList, etag string) (string, error)
}

// RosterList is a contact list as a server keeps it.
type RosterList struct {
	// ETag is the server's tag of this state; empty where it has no list yet.
	ETag string
	// Groups are the names of the groups as the server writes them, in its order.
	Groups []string
	// Entries are the people: URI, DisplayName and Groups (Group is the first). Whatever stands in the list can be given,
	// also what is no SIP address; Store gets back as it was what this room does not understand. What the server's format
	// has no place for (relationship, tag) is left empty and not written.
	Entries []portal.Contact
}
