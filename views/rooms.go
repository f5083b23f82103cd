package views

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// RoomsPage is the page /rooms: the rooms that the person follows, and beside them one of the things one can do there.
type RoomsPage struct {
	Frame
	List RoomList
	// Do is what stands beside the list: "" (nothing), "find", "new", "words" or "group".
	Do string
	// Query is what rooms are searched by, Found the answer, with those of the SIP server in Servers.
	Query   string
	Found   []FoundRoom
	Servers []FoundRoom
	// Away is set where the SIP server did not say which rooms it has.
	Away bool
	// Draft is what the form of a new room holds.
	Draft RoomForm
	// Words are those that the person watches, one a line; Saved is set after they were stored.
	Words string
	Saved bool
	// From is whose conversation becomes a group.
	From portal.Person
	// People are the person's contacts, to choose from.
	People []portal.Person
}

// RoomList is the column of the rooms that the person follows.
type RoomList struct {
	Rooms []RoomItem
	// Open is the room beside it; empty: none.
	Open portal.Address
	// Archived are those that are closed for good; they stand behind a fold.
	Archived []RoomItem
}

// RoomItem is one line of the list of rooms.
type RoomItem struct {
	portal.RoomEntry
	// Title is what the reader calls it.
	Title string
	// Sender is who said the last message.
	Sender portal.Person
}

// FoundRoom is a room that may be joined.
type FoundRoom struct {
	portal.RoomEntry
	Title string
	// Member: the person is in already; Joinable: they may come in.
	Member, Joinable bool
}

// RoomForm is what the form of a room holds.
type RoomForm struct {
	Name, Title, Topic string
	Access             portal.RoomAccess
	PresentersOnly     bool
	// History is how much of the past newcomers may read, as the form's value: "0", "1", "7", "30", "365" or "-1".
	History string
	// Members are addresses as they were typed, one a line; Chosen are contacts that were ticked.
	Members string
	Chosen  []portal.Address
	Version int64
}

// RoomTitle is what a room is called: its title, the people of a group without one, else its name.
func (r Reader) RoomTitle(e portal.RoomEntry, me portal.Address, who func(portal.Address) portal.Person) string {
	if e.Title != "" {
		return e.Title
	}
	var names []string
	for _, a := range e.With {
		if a != me {
			names = append(names, name(who(a)))
		}
	}
	const most = 3
	others := e.Members - 1 - min(len(names), most)
	switch {
	case len(names) == 0:
		return e.Name
	case others > 0 && len(names) >= most:
		return r.Count("rooms.and-more", others, "Names", strings.Join(names[:most], ", "))
	}
	return strings.Join(names[:min(len(names), most)], ", ")
}

// unnamed reports whether a room is called by its people.
func unnamed(e portal.RoomEntry) bool { return e.Title == "" && e.Kind == portal.GroupRoom }

// SortRooms puts the rooms with the newest messages first, as their list is kept up to date.
func SortRooms(items []RoomItem) {
	slices.SortStableFunc(items, func(a, b RoomItem) int {
		if d := lastOf(b.RoomEntry).Compare(lastOf(a.RoomEntry)); d != 0 {
			return d
		}
		return strings.Compare(string(a.URI), string(b.URI))
	})
}

func lastOf(e portal.RoomEntry) time.Time {
	if e.LastAt.IsZero() {
		return e.CreatedAt
	}
	return e.LastAt
}

// RoomPage is the page /rooms/{name}.
type RoomPage struct {
	Frame
	List RoomList
	Room RoomView
}

// RoomView is an open room.
type RoomView struct {
	portal.RoomEntry
	// Called is what the reader calls it.
	Called string
	Rights RoomRights
	// EditWindow is how long people may change what they said; zero: not at all.
	EditWindow time.Duration
	Stretch    RoomStretch
	Side       RoomSide
	// Draft is what stands in the composer, Replies the message that it answers.
	Draft   string
	Replies *RoomMessageItem
	NewID   string
	// MaxFile is the largest file that may be put into the room, in bytes; zero: not known.
	MaxFile int64
}

// RoomRights is what the reader may do in a room.
type RoomRights struct {
	Read, Speak, Manage, Invite, Join, Leave, Pin, Archive, Delete, Roles bool
}

// RoomStretch is a stretch of a room's messages, newest last.
type RoomStretch struct {
	Room     portal.Address
	Messages []RoomMessageItem
	// Earlier and Later: there are messages before and behind these.
	Earlier, Later bool
	Unread         int
	ReadUpTo       int64
	// At is the message that the reader came for; zero: none.
	At int64
	// Part is "earlier" or "later" where the stretch goes before or behind what a page has already.
	Part string
}

// RoomMessageItem is one message of a room as it is shown.
type RoomMessageItem struct {
	portal.RoomMessage
	// Sender is who said it; Quoted who said what it answers; TakenBackBy who took it back.
	Sender, Quoted, TakenBackBy portal.Person
	// Names are those of the people who are named in it and who reacted.
	Names map[portal.Address]portal.Person
	// Mine and Calls: the reader said it, the reader is named in it. An event knows neither; the browser does.
	Mine, Calls bool
	// By is the reader, for what they reacted with; empty in an event.
	By           portal.Address
	Follows, Gap bool
}

// RoomItems makes messages showable to me; who looks people up.
func RoomItems(messages []portal.RoomMessage, me portal.Address, who func(portal.Address) portal.Person) []RoomMessageItem {
	items := make([]RoomMessageItem, len(messages))
	for i, m := range messages {
		items[i] = NewRoomMessageItem(m, who)
		items[i].By, items[i].Mine = me, m.From == me
		items[i].Calls = m.From != me && (m.MentionsAll || slices.Contains(m.Mentions, me))
	}
	return items
}

// NewRoomMessageItem is a message for everybody: it does not know who reads it.
func NewRoomMessageItem(m portal.RoomMessage, who func(portal.Address) portal.Person) RoomMessageItem {
	item := RoomMessageItem{RoomMessage: m, Sender: who(m.From), Names: map[portal.Address]portal.Person{}}
	if m.Quote != nil {
		item.Quoted = who(m.Quote.From)
	}
	if m.DeletedBy != "" {
		item.TakenBackBy = who(m.DeletedBy)
	}
	for _, a := range m.Mentions {
		item.Names[a] = who(a)
	}
	for _, reaction := range m.Reactions {
		for _, a := range reaction.By[:min(len(reaction.By), maxReactors)] {
			item.Names[a] = who(a)
		}
	}
	return item
}

// after places m behind the message before it; nil if it is the first of its stretch.
func (m RoomMessageItem) after(r Reader, previous *RoomMessageItem) RoomMessageItem {
	if previous == nil || r.dayKey(previous.At) != r.dayKey(m.At) {
		return m
	}
	pause := m.At.Sub(previous.At)
	m.Follows = previous.From == m.From && pause < followsWithin
	m.Gap = pause >= gapFrom
	return m
}

func (m RoomMessageItem) gone() bool { return !m.DeletedAt.IsZero() }

// html is the text as it is shown.
func (m RoomMessageItem) html() string {
	tokens := map[string]bool{}
	if m.MentionsAll {
		tokens["all"] = true
	}
	for _, a := range m.Mentions {
		callable(tokens, a, m.Names[a])
	}
	return formatted(m.Text, func(token string) bool { return tokens[token] })
}

// callable adds to tokens the names with which somebody is called: the user part, and the whole name without spaces or with dots.
func callable(tokens map[string]bool, a portal.Address, p portal.Person) {
	tokens[strings.ToLower(a.User())] = true
	if shown := strings.ToLower(name(p)); shown != "" {
		tokens[strings.ReplaceAll(shown, " ", "")] = true
		tokens[strings.ReplaceAll(shown, " ", ".")] = true
	}
}

// named are the people whom the message calls, for the browser to know its reader among them.
func (m RoomMessageItem) named() string {
	if len(m.Mentions) == 0 {
		return ""
	}
	all := make([]string, len(m.Mentions))
	for i, a := range m.Mentions {
		all[i] = string(a)
	}
	return strings.Join(all, " ")
}

func (m RoomMessageItem) path() string { return RoomMessagePath(m.Room, m.Place) }

// RoomMessagePath is the path of one message with what can be done to it.
func RoomMessagePath(room portal.Address, place int64) string {
	return fmt.Sprintf("%s/messages/%d", RoomPath(room), place)
}

// AtPath is the path of a room's page around one message.
func AtPath(room portal.Address, place int64) string {
	return fmt.Sprintf("%s?at=%d#place-%d", RoomPath(room), place, place)
}

// FilePath is the path of a file in a room.
func FilePath(room portal.Address, id string) string {
	return RoomPath(room) + "/files/" + url.PathEscape(id)
}

// preview is the beginning of the last message on one line.
func (m RoomMessageItem) preview(r Reader) string {
	switch {
	case m.gone():
		return r.Text("rooms.taken-back")
	case strings.TrimSpace(m.Text) == "" && len(m.Files) > 0:
		return m.Files[0].Name
	}
	return plainText(m.Text, 120)
}

// quoteText is how a message is quoted under its answers.
func quoteText(r Reader, text string) string {
	if strings.TrimSpace(text) == "" {
		return r.Text("rooms.quote-empty")
	}
	return plainText(quoteStart(text), 140)
}

// quoteStart is as much of a message as goes with its answers.
func quoteStart(text string) string {
	const most = 200
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most])
	}
	return text
}

// maxReactors is how many people of a reaction are named.
const maxReactors = 20

// reactors is the people of a reaction in words: the first of them, and how many there are besides.
func (m RoomMessageItem) reactors(r Reader, x portal.Reaction) string {
	names := make([]string, min(len(x.By), maxReactors))
	for i := range names {
		names[i] = name(m.Names[x.By[i]])
	}
	all := strings.Join(names, ", ")
	if more := len(x.By) - len(names); more > 0 {
		return r.Count("rooms.and-more", more, "Names", all)
	}
	return all
}

func addresses(of []portal.Address) string {
	all := make([]string, len(of))
	for i, a := range of {
		all[i] = string(a)
	}
	return strings.Join(all, " ")
}

// Signs are the reactions that are offered; any other emoji can be typed.
func Signs() []string {
	return []string{"👍", "❤️", "😂", "🎉", "😮", "😢", "👀", "✅"}
}

// The largest a picture is shown in a log, in pixels.
const maxShownWidth, maxShownHeight = 360, 280

// shownSize is how large a picture is shown: its own size, or as much smaller as it must be.
func shownSize(f portal.File) (width, height int) {
	width, height = f.Width, f.Height
	if width > maxShownWidth {
		width, height = maxShownWidth, max(1, height*maxShownWidth/width)
	}
	if height > maxShownHeight {
		width, height = max(1, width*maxShownHeight/height), maxShownHeight
	}
	return width, height
}

// picture reports whether a file is shown as a picture.
func picture(f portal.File) bool {
	return f.Width > 0 && f.Height > 0 && PictureType(f.Type)
}

// PictureType reports whether files of a media type are pictures that a page may show.
func PictureType(media string) bool {
	switch media {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return true
	}
	return false
}

func (v RoomStretch) earlierPath() string {
	return fmt.Sprintf("%s?before=%d", RoomPath(v.Room), v.first())
}

func (v RoomStretch) olderPath() string {
	return fmt.Sprintf("%s/messages?before=%d", RoomPath(v.Room), v.first())
}

func (v RoomStretch) laterPath() string {
	return fmt.Sprintf("%s?after=%d", RoomPath(v.Room), v.last())
}

// first is the cursor to the messages before this stretch, last to those behind it; 0 where there are none.
func (v RoomStretch) first() int64 {
	if !v.Earlier || len(v.Messages) == 0 {
		return 0
	}
	return v.Messages[0].Place
}

func (v RoomStretch) last() int64 {
	if !v.Later || len(v.Messages) == 0 {
		return 0
	}
	return v.Messages[len(v.Messages)-1].Place
}

func (v RoomStretch) previous(i int) *RoomMessageItem {
	if i == 0 {
		return nil
	}
	return &v.Messages[i-1]
}

// marksUnread reports whether the unread mark stands before message i: the first one of others beyond what was read.
func (v RoomStretch) marksUnread(i int) bool {
	if v.Unread == 0 {
		return false
	}
	news := func(m RoomMessageItem) bool { return !m.Mine && m.Place > v.ReadUpTo }
	return news(v.Messages[i]) && !slices.ContainsFunc(v.Messages[:i], news)
}

// blank is the message that the script fills with what was just written, until the real one comes.
func (v RoomView) blank(me portal.Person) RoomMessageItem {
	return RoomMessageItem{RoomMessage: portal.RoomMessage{Room: v.URI, From: me.URI}, Sender: me, Mine: true}
}

// Histories are the choices of how much newcomers may read, as values of the form.
func Histories() []string { return []string{"-1", "0", "1", "7", "30", "365"} }

// Accesses are the choices of who may come in.
func Accesses() []portal.RoomAccess {
	return []portal.RoomAccess{portal.RoomOpen, portal.RoomClosed, portal.RoomSecret}
}

// Notifies are the choices of what a member is told of.
func Notifies() []portal.RoomNotify {
	return []portal.RoomNotify{portal.NotifyAll, portal.NotifyMentions, portal.NotifyNone}
}

// RoomRoles are the roles a member can have.
func RoomRoles() []portal.RoomRole {
	return []portal.RoomRole{portal.RoleMember, portal.RolePresenter, portal.RoleManager}
}

// PersonPath is where a person's entry in a list leads: to the conversation here, or to the program that answers sip: links.
func (f Frame) PersonPath(a portal.Address) string { return personPath(f.Settings, a) }

func personPath(set portal.Settings, a portal.Address) string {
	if set.PreferredClient == portal.OtherClient {
		return string(a)
	}
	return ChatPath(a)
}
