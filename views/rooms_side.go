package views

import (
	"fmt"
	"net/url"

	"portico/app/portal"
)

// RoomSide is the panel beside a room's messages.
type RoomSide struct {
	// Show is what it holds: "people", "pinned", "files", "search", "invite" or "none"; Asked: the address says so.
	Show  string
	Asked bool
	// Members is a page of the room's people, Query what they are searched by, Next the address after which there are more.
	Members []RoomMember
	Query   string
	Next    portal.Address
	// Messages are the pinned ones, or those with files.
	Messages []RoomMessageItem
	// Words are what the room is searched for; Hits is what was found, More the cursor to the rest.
	Words string
	Hits  []RoomHit
	More  string
	// People are contacts who are not in the room yet.
	People []portal.Person
	// Older is the place before which there may be more files; zero: there are none.
	Older int64
}

// RoomMember is one of a room's people.
type RoomMember struct {
	portal.Membership
	Person   portal.Person
	Presence portal.Presence
}

// RoomHit is a message that was found.
type RoomHit struct {
	portal.Hit
	Sender portal.Person
}

// Sides are what the panel can hold, in the order of its tabs.
func Sides() []string { return []string{"people", "pinned", "files", "search"} }

// sidePath is the path of the room with that in its panel.
func (v RoomView) sidePath(side string) string {
	return RoomPath(v.URI) + "?side=" + side
}

func (v RoomView) moreMembers() string {
	return fmt.Sprintf("%s?side=people&who=%s&next=%s", RoomPath(v.URI), url.QueryEscape(v.Side.Query), url.QueryEscape(string(v.Side.Next)))
}

func (v RoomView) moreHits() string {
	return fmt.Sprintf("%s?side=search&q=%s&next=%s", RoomPath(v.URI), url.QueryEscape(v.Side.Words), url.QueryEscape(v.Side.More))
}

func (v RoomView) moreFiles() string {
	return fmt.Sprintf("%s?side=files&next=%d", RoomPath(v.URI), v.Side.Older)
}

// RoomMessagePage is the page of one message with all that can be done to it; it works without script.
type RoomMessagePage struct {
	Frame
	Room    RoomView
	Message RoomMessageItem
	// Readers are some of those who have read it, of ReadBy in all.
	Readers []portal.Person
	ReadBy  int
	// Editable and Deletable: the reader may change it, take it back.
	Editable, Deletable bool
	// Editing is what stands in the field of the edit.
	Editing string
}

// RoomSettingsPage is the page where a room is managed.
type RoomSettingsPage struct {
	Frame
	Room  RoomView
	Form  RoomForm
	Saved bool
}

// sideIcon is the sign of one of the panel's tabs.
func sideIcon(side string) string {
	switch side {
	case "people":
		return "contacts"
	case "pinned":
		return "pin"
	case "files":
		return "file"
	}
	return "search"
}

func (v RoomSettingsPage) nextRoles() string {
	return fmt.Sprintf("%s/settings?next=%s", RoomPath(v.Room.URI), url.QueryEscape(string(v.Room.Side.Next)))
}
