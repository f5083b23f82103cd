package policy

// Who may reach whom.

import "portico/app/portal"

// MayReach decides whether somebody may send a person messages and show them that they type, by the
// relationship the person has given them. A blocked sender is answered as one whose receiver is away (ErrNotFound,
// "message.unreachable"), so that they cannot tell. Someone without an entry is no stranger to a portal of one company:
// they may.
func MayReach(r portal.Relationship) error {
	if r == portal.Blocked {
		return Unreachable()
	}
	return nil
}

// Unreachable is the answer to a sender whose receiver is not there, and to one who is to believe so.
func Unreachable() error { return portal.Fail(portal.ErrNotFound, "message.unreachable") }
