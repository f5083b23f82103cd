package policy

// What somebody may do in a room.

import (
	"time"

	"portico/app/portal"
)

// RoomRights is what one person may do in one room.
type RoomRights struct {
	// Read: see what is said (from the first message they may see), its files and people.
	Read bool
	// Speak: say something, edit one's own, put files there.
	Speak bool
	// Manage: change title, topic, access and history; in a lasting room also roles, and remove people.
	Manage bool
	// Invite: add people. Join: come in by oneself. Leave: go.
	Invite, Join, Leave bool
	// Pin messages, and take the pin off.
	Pin bool
	// Archive the room, and reopen it.
	Archive bool
	// Delete what others said.
	Delete bool
	// Roles: give members other roles and remove them.
	Roles bool
	// MakeLasting: make a group a lasting room and set who may come in and read what was said; for those who may read all of it
	// themselves, or manage or made the group.
	MakeLasting bool
}

// RightsIn decides what the person with the membership mine (the zero value: no member) may do in r. Rights of
// content end when a room is archived, except reading and leaving; its managers may reopen it.
func RightsIn(r portal.Room, mine portal.Membership) RoomRights {
	if r.Kind == portal.ServerRoom {
		member := mine.Role.Valid()
		return RoomRights{Read: member, Speak: member, Join: !member, Leave: member}
	}
	if !mine.Role.Valid() {
		return RoomRights{Join: r.Kind == portal.LastingRoom && r.Access == portal.RoomOpen && !r.Archived}
	}
	open, group := !r.Archived, r.Kind == portal.GroupRoom
	manager := mine.Role == portal.RoleManager
	presents := manager || mine.Role == portal.RolePresenter
	return RoomRights{
		Read:    true,
		Speak:   open && (presents || !r.PresentersOnly),
		Manage:  manager || group && open,
		Invite:  open && (manager || group || r.Access == portal.RoomOpen),
		Leave:   true,
		Pin:     open && (presents || group),
		Archive: manager && !group,
		Delete:  open && manager,
		Roles:   open && manager,

		MakeLasting: open && group && (manager || mine.First <= 1 || mine.Who != "" && mine.Who == r.CreatedBy),
	}
}

// SeesRoom reports whether somebody may know at all that r is there.
func SeesRoom(r portal.Room, mine portal.Membership) bool {
	return mine.Role.Valid() || r.Access != portal.RoomSecret && r.Kind != portal.GroupRoom
}

// FindsRoom reports whether r stands in the list of rooms to find and join.
func FindsRoom(r portal.Room, mine portal.Membership) bool {
	return r.Kind == portal.LastingRoom && SeesRoom(r, mine) && (!r.Archived || mine.Role.Valid())
}

// MaySpeak is why somebody may not speak in a room, nil if they may. Errors mean ErrForbidden: "room.archived",
// "room.members-only", "room.join-first" (an open room, of which they are no member) or "room.presenters-only".
func MaySpeak(r portal.Room, mine portal.Membership) error {
	switch rights := RightsIn(r, mine); {
	case rights.Speak:
		return nil
	case r.Archived:
		return portal.Fail(portal.ErrForbidden, "room.archived")
	case rights.Join:
		return portal.Fail(portal.ErrForbidden, "room.join-first")
	case !mine.Role.Valid():
		return portal.Fail(portal.ErrForbidden, "room.members-only")
	default:
		return portal.Fail(portal.ErrForbidden, "room.presenters-only")
	}
}

// MayEdit is why somebody may not change the text of m at now: it is not theirs ("room.not-yours"), was taken back
// ("room.message-gone") or is older than window ("room.too-late"). Errors mean ErrForbidden.
func MayEdit(m portal.RoomMessage, who portal.Address, now time.Time, window time.Duration) error {
	switch {
	case m.From != who:
		return portal.Fail(portal.ErrForbidden, "room.not-yours")
	case !m.DeletedAt.IsZero():
		return portal.Fail(portal.ErrForbidden, "room.message-gone")
	case now.Sub(m.At) > window:
		return portal.Fail(portal.ErrForbidden, "room.too-late")
	}
	return nil
}

// MayDelete is MayEdit for taking m back; who has the right to delete what others said may do so at any time.
func MayDelete(m portal.RoomMessage, who portal.Address, rights RoomRights, now time.Time, window time.Duration) error {
	if rights.Delete && m.DeletedAt.IsZero() {
		return nil
	}
	return MayEdit(m, who, now, window)
}
