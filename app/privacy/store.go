package privacy

// What the room asks of storage.

import (
	"context"

	"portico/app/portal"
)

// Store keeps decisions on privacy. Each call is one transaction; the event goes to the log in it.
type Store interface {
	// Privacy is what a person decided and every relationship they gave: those of their contact list (Tie.Contact) and of
	// others. Somebody who never decided has the zero Privacy.
	Privacy(ctx context.Context, owner portal.Address) (portal.Privacy, []portal.Tie, error)
	// SavePrivacy replaces what a person decided.
	SavePrivacy(ctx context.Context, owner portal.Address, p portal.Privacy) error
	// PutTie gives a relationship, to a contact in their entry of the list (ev is logged then) or to somebody else.
	PutTie(ctx context.Context, tie portal.Tie, ev portal.Addressed) error
	// DropTie takes back the relationship given to somebody who is not on the list; no error where there was none.
	DropTie(ctx context.Context, owner, with portal.Address) error
	// Admirers are the people of this portal who have the person on their contact list, by address, at most limit.
	Admirers(ctx context.Context, of portal.Address, limit int) ([]portal.Address, error)
	// Known are those of whom the person has said before what is to become of them; Acknowledge adds some.
	Known(ctx context.Context, owner portal.Address) ([]portal.Address, error)
	Acknowledge(ctx context.Context, owner portal.Address, who []portal.Address) error
}

// Rules is the SIP server's side of privacy, where it keeps presence rules (RFC 5025, RFC 4827).
type Rules interface {
	// PutRules tells the server who may see what. It is asked in the background and repeated until it works.
	// ErrUnavailable: try again; ErrNotFound: this server keeps no rules.
	PutRules(ctx context.Context, owner portal.Address, r RuleSet) error
}

// RuleSet is a person's presence rules as the SIP server is told them.
type RuleSet struct {
	// Own is the person's own domain.
	Own string
	// By is whom each sight is for; somebody stands in one of them alone.
	By map[portal.Relationship][]portal.Address
	// Sights is what each relationship shows.
	Sights map[portal.Relationship]portal.Sight
	// Colleagues and Others are the relationships of those who stand nowhere; ContactsOnly hides from them instead.
	Colleagues, Others portal.Relationship
	ContactsOnly       bool
}
