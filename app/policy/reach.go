package policy

// Who may reach whom.

import "portico/app/portal"

// MayReach decides whether somebody may send a person messages and show them that they type, by the
// relationship the person has given them. A blocked sender is refused with ErrForbidden
// ("message.refused"), a sentence that does not tell whether they are blocked or the person takes no
// messages at all. Someone without an entry is no stranger to a portal of one company: they may.
func MayReach(r portal.Relationship) error {
	if r == portal.Blocked {
		return portal.Fail(portal.ErrForbidden, "message.refused")
	}
	return nil
}
