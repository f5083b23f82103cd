package views

import (
	"fmt"
	"slices"

	"portico/app/portal"
)

func (v RoomsPage) arrangement() string {
	if v.Do != "" {
		return "three open rooms"
	}
	return "three rooms"
}

// opensArchive reports whether the open room is one of those behind the fold.
func (v RoomList) opensArchive() bool {
	return slices.ContainsFunc(v.Archived, func(item RoomItem) bool { return item.URI == v.Open })
}

// lineKey and quoteKey name the places where a message stands besides its own.
func lineKey(room portal.Address, place int64) string { return fmt.Sprintf("line:%s/%d", room, place) }

func quoteKey(room portal.Address, place int64) string {
	return fmt.Sprintf("quote:%s/%d", room, place)
}

func holds(all []portal.Address, one portal.Address) bool {
	return one != "" && slices.Contains(all, one)
}

// takenBack says that a message was taken back, and by whom where that was somebody else.
func takenBack(r Reader, m RoomMessageItem) string {
	if m.DeletedBy != "" && m.DeletedBy != m.From {
		return r.Text("rooms.taken-back-by", "Name", name(m.TakenBackBy))
	}
	return r.Text("rooms.taken-back")
}

// foundAccess is the key of what kind of room one has found.
func foundAccess(e portal.RoomEntry) string {
	if e.Kind == portal.ServerRoom {
		return "server"
	}
	return string(e.Access)
}

func joinPath(e portal.RoomEntry) string {
	if e.Kind == portal.ServerRoom {
		return "/rooms/~server/join"
	}
	return RoomPath(e.URI) + "/join"
}

// histories are the choices of how much newcomers may read, with the present one where it is none of the usual.
func (v RoomForm) histories() []string {
	all := Histories()
	if v.History != "" && !slices.Contains(all, v.History) {
		all = append(all, v.History)
	}
	return all
}

func (f Frame) historyText(days string) string {
	switch days {
	case "-1":
		return f.Text("rooms.history-all")
	case "0":
		return f.Text("rooms.history-none")
	}
	n := 0
	if _, err := fmt.Sscan(days, &n); err != nil {
		return days
	}
	return f.Count("rooms.history-days", n)
}

// shows reports whether the panel's tab is the open one.
func (v RoomSide) shows(side string) bool { return v.Show == side }

// why is why the reader cannot write in the room; empty if they can.
func (v RoomView) why(r Reader) string {
	switch {
	case v.Rights.Speak:
		return ""
	case v.Archived:
		return r.Text("rooms.why-archived")
	case v.Rights.Join:
		return r.Text("rooms.why-join")
	case !v.Rights.Read:
		return r.Text("rooms.why-members")
	}
	return r.Text("rooms.why-presenters")
}

func (v RoomView) arrangement() string { return "three open rooms" }

// subtitle is the topic, else what kind of room it is.
func (v RoomView) subtitle(r Reader) string {
	if v.Topic != "" {
		return v.Topic
	}
	if v.Kind == portal.GroupRoom {
		return r.Text("rooms.group")
	}
	return r.Text("rooms.access." + string(v.Access))
}

// roleText is a member's role, where it is more than that.
func (r Reader) roleText(role portal.RoomRole) string {
	if role == portal.RoleMember || role == portal.NoRole {
		return ""
	}
	return r.Text("rooms.role." + string(role))
}
