package views

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/a-h/templ"

	"portico/app/portal"
	"portico/views/catalogue"
)

// What pages have in common, for browsers that keep it and are then sent only what differs (RFC 9842).

// specimenTime is when the specimen is: always the same, so that its bytes are.
func specimenTime() time.Time { return time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC) }

// Specimen is what pages in one language have in common: those that people open most, of nobody in particular, one behind the
// other and the frame around them once. It is the same for the same program, whoever asks and whenever.
func Specimen(ctx context.Context, c *catalogue.Catalogue) ([]byte, error) {
	r := Reader{Catalogue: c, Zone: time.UTC, Now: specimenTime()}
	you := portal.Person{URI: "sip:you@example.test", DisplayName: "You", Photo: "/photos/sip:you@example.test"}
	f := Frame{
		Reader: r, Me: you, MayOfferThin: true, HasPrivacy: true, Admin: true, Own: specimenPresence(you.URI),
		Mine: Mine{Decided: true, InForce: portal.InForce{EnableAppearOffline: true}, Kept: true, Places: true},
	}
	pages := []templ.Component{specimenContacts(f), specimenChat(f), specimenRoom(f), specimenCalendar(f), SignIn(SignInPage{Reader: r, Domain: "example.test"})}
	var out, page bytes.Buffer
	for i, p := range pages {
		page.Reset()
		if err := p.Render(ctx, &page); err != nil {
			return nil, fmt.Errorf("specimen: %w", err)
		}
		own := page.Bytes()
		if main := bytes.Index(own, []byte("<main")); i > 0 && main > 0 {
			own = own[main:]
		}
		out.Write(own)
	}
	return out.Bytes(), nil
}

func specimenPresence(who portal.Address) portal.Presence {
	return portal.Presence{URI: who, Availability: portal.Available, Since: specimenTime(), Agenda: portal.Agenda{Known: true}}
}

func specimenPerson(portal.Address) portal.Person {
	return portal.Person{URI: "sip:other@example.test", DisplayName: "Other", Photo: "/photos/sip:other@example.test"}
}

func specimenContacts(f Frame) templ.Component {
	f.Section, f.Title, f.Here = Contacts, f.Text("nav.contacts"), "/contacts"
	other := specimenPerson("")
	item := ContactItem{Person: other, Presence: specimenPresence(other.URI), Group: "Group", Listed: true}
	return ContactsView(ContactsPage{Frame: f, Managed: true, Outlook: true, Named: []string{"Group"}, Groups: []ContactGroup{
		{Kind: GroupNamed, Name: "Group", Contacts: []ContactItem{item}, Count: 1}, {Kind: GroupNone, Contacts: []ContactItem{item}, Count: 1},
	}})
}

func specimenChat(f Frame) templ.Component {
	f.Section, f.Title = Chats, f.Text("nav.chats")
	other := specimenPerson("")
	f.Conversation, f.Here = other.URI, "/chat/"+string(other.URI)
	said := []portal.Message{
		{Owner: f.Me.URI, Conversation: other.URI, ID: "1", From: other.URI, Text: "Text", At: specimenTime(), Order: 1, State: portal.Received},
		{Owner: f.Me.URI, Conversation: other.URI, ID: "2", From: f.Me.URI, Text: "Text", At: specimenTime(), Order: 2, State: portal.Read},
	}
	return Chat(ChatPage{
		Frame: f, Conversations: []ConversationItem{{Peer: other, Presence: specimenPresence(other.URI), Last: said[1]}},
		Open: &Conversation{Peer: other, Presence: specimenPresence(other.URI), Messages: Items(said, specimenPerson), ReadUpTo: 2, IsContact: true, Group: "Group", Groups: []string{"Group"}},
	})
}

func specimenRoom(f Frame) templ.Component {
	f.Section, f.Title = Rooms, f.Text("nav.rooms")
	room := portal.RoomEntry{Room: portal.Room{URI: "sip:room@example.test", Name: "room", Topic: "Topic"}}
	f.Conversation, f.Here = room.URI, "/rooms/room"
	other := specimenPerson("")
	said := []portal.RoomMessage{{Room: room.URI, Place: 1, ID: "1", From: other.URI, Text: "Text", At: specimenTime(), Version: 1}}
	return RoomPageView(RoomPage{
		Frame: f, List: RoomList{Rooms: []RoomItem{{RoomEntry: room, Title: "Room"}}, Open: room.URI},
		Room: RoomView{
			RoomEntry: room, Called: "Room", Rights: RoomRights{Read: true, Speak: true, Invite: true, Leave: true, Pin: true}, EditWindow: time.Hour,
			Stretch: RoomStretch{Room: room.URI, Messages: RoomItems(said, f.Me.URI, specimenPerson), ReadUpTo: 1},
			Side:    RoomSide{Show: "people", Members: []RoomMember{{Person: other, Presence: specimenPresence(other.URI)}}},
		},
	})
}

func specimenCalendar(f Frame) templ.Component {
	f.Section, f.Title, f.Here = Calendar, f.Text("nav.calendar"), "/calendar"
	return CalendarSheet(CalendarPage{Frame: f, CalendarShow: CalendarShow{View: DayView, Date: specimenTime()}})
}
