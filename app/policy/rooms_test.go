package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// letters writes rights down: one letter for each that is given.
func letters(r RoomRights) string {
	var b strings.Builder
	for _, l := range []struct {
		is bool
		as byte
	}{{r.Read, 'r'}, {r.Speak, 's'}, {r.Manage, 'm'}, {r.Invite, 'i'}, {r.Join, 'j'}, {r.Leave, 'l'}, {r.Pin, 'p'}, {r.Archive, 'a'}, {r.Delete, 'd'}, {r.Roles, 'o'}} {
		if l.is {
			b.WriteByte(l.as)
		}
	}
	return b.String()
}

func TestRightsIn(t *testing.T) {
	cases := []struct {
		name                                    string
		room                                    portal.Room
		outside, member, presenter, manager     string
		seen, found, archivedFound, memberFound bool
	}{
		{"open", portal.Room{Kind: portal.LastingRoom, Access: portal.RoomOpen}, "j", "rsil", "rsilp", "rsmilpado", true, true, false, true},
		{"closed", portal.Room{Kind: portal.LastingRoom, Access: portal.RoomClosed}, "", "rsl", "rslp", "rsmilpado", true, true, false, true},
		{"secret", portal.Room{Kind: portal.LastingRoom, Access: portal.RoomSecret}, "", "rsl", "rslp", "rsmilpado", false, false, false, true},
		{"auditorium", portal.Room{Kind: portal.LastingRoom, Access: portal.RoomOpen, PresentersOnly: true}, "j", "ril", "rsilp", "rsmilpado", true, true, false, true},
		{"group", portal.Room{Kind: portal.GroupRoom, Access: portal.RoomSecret}, "", "rsmilp", "rsmilp", "rsmilpdo", false, false, false, false},
		{"archived", portal.Room{Kind: portal.LastingRoom, Access: portal.RoomOpen, Archived: true}, "", "rl", "rl", "rmla", true, false, false, true},
		{"on the server", portal.Room{Kind: portal.ServerRoom, Access: portal.RoomOpen}, "j", "rsl", "rsl", "rsl", true, false, false, false},
	}
	for _, c := range cases {
		got := []string{}
		for _, role := range []portal.RoomRole{portal.NoRole, portal.RoleMember, portal.RolePresenter, portal.RoleManager} {
			got = append(got, letters(RightsIn(c.room, portal.Membership{Role: role})))
		}
		if want := []string{c.outside, c.member, c.presenter, c.manager}; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", c.name, got, want)
		}
		if SeesRoom(c.room, portal.Membership{}) != c.seen || !SeesRoom(c.room, portal.Membership{Role: portal.RoleMember}) {
			t.Errorf("%s is seen wrongly", c.name)
		}
		if FindsRoom(c.room, portal.Membership{}) != c.found || FindsRoom(c.room, portal.Membership{Role: portal.RoleMember}) != c.memberFound {
			t.Errorf("%s is found wrongly", c.name)
		}
	}
}

// Whoever may do something to a room or its messages may read it too, and nobody both joins and leaves.
func TestRightsHangTogether(t *testing.T) {
	for _, kind := range []portal.RoomKind{portal.LastingRoom, portal.GroupRoom, portal.ServerRoom} {
		for _, access := range []portal.RoomAccess{portal.RoomOpen, portal.RoomClosed, portal.RoomSecret} {
			for _, role := range []portal.RoomRole{portal.NoRole, portal.RoleMember, portal.RolePresenter, portal.RoleManager} {
				for flags := range 4 {
					room := portal.Room{Kind: kind, Access: access, Archived: flags&1 > 0, PresentersOnly: flags&2 > 0}
					mine := portal.Membership{Role: role}
					r := RightsIn(room, mine)
					rest := r
					rest.Read, rest.Join = false, false
					if rest != (RoomRights{}) && !r.Read || r.Join && (r.Leave || r.Read) || r.Read != role.Valid() {
						t.Errorf("%+v as %q: %s", room, role, letters(r))
					}
					if (MaySpeak(room, mine) == nil) != r.Speak {
						t.Errorf("%+v as %q: speaking", room, role)
					}
				}
			}
		}
	}
}

// A group is made lasting by who could read all of it anyway.
func TestWhoMakesAGroupLasting(t *testing.T) {
	group := portal.Room{Kind: portal.GroupRoom, Access: portal.RoomSecret, CreatedBy: "sip:alice@example.test"}
	lasting, archived := group, group
	lasting.Kind, archived.Archived = portal.LastingRoom, true
	member := portal.Membership{Who: "sip:bob@example.test", Role: portal.RoleMember, First: 1}
	newcomer, manager, maker := member, member, member
	newcomer.First, manager.First, maker.First = 2, 2, 2
	manager.Role, maker.Who = portal.RoleManager, group.CreatedBy
	for name, c := range map[string]struct {
		room portal.Room
		mine portal.Membership
		want bool
	}{
		"from the beginning on": {group, member, true}, "a newcomer": {group, newcomer, false}, "a manager": {group, manager, true},
		"who made it": {group, maker, true}, "nobody there": {group, portal.Membership{}, false},
		"lasting already": {lasting, manager, false}, "archived": {archived, member, false},
	} {
		if got := RightsIn(c.room, c.mine).MakeLasting; got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestMayEditAndDelete(t *testing.T) {
	const me, other = portal.Address("sip:a@x.test"), portal.Address("sip:b@x.test")
	mine := portal.RoomMessage{From: me, At: noon}
	gone := mine
	gone.DeletedAt = noon
	manager := RoomRights{Delete: true}
	for _, c := range []struct {
		name         string
		m            portal.RoomMessage
		who          portal.Address
		rights       RoomRights
		late         time.Duration
		edit, delete string
	}{
		{"own", mine, me, RoomRights{}, time.Hour, "", ""},
		{"own, late", mine, me, RoomRights{}, time.Hour + 1, "room.too-late", "room.too-late"},
		{"another's", mine, other, RoomRights{}, 0, "room.not-yours", "room.not-yours"},
		{"another's as a manager", mine, other, manager, 99 * time.Hour, "room.not-yours", ""},
		{"deleted", gone, me, RoomRights{}, 0, "room.message-gone", "room.message-gone"},
		{"deleted, as a manager", gone, me, manager, 0, "room.message-gone", "room.message-gone"},
	} {
		now := noon.Add(c.late)
		for key, err := range map[string]error{"edit:" + c.edit: MayEdit(c.m, c.who, now, time.Hour), "delete:" + c.delete: MayDelete(c.m, c.who, c.rights, now, time.Hour)} {
			_, want, _ := strings.Cut(key, ":")
			if (err == nil) != (want == "") || err != nil && (portal.Reason(err) != want || !errors.Is(err, portal.ErrForbidden)) {
				t.Errorf("%s: %s gave %v", c.name, key, err)
			}
		}
	}
}

func TestRoomNames(t *testing.T) {
	for name, ok := range map[string]bool{"ops": true, "a": true, "a-b_c.d9": true, "": false, "-a": false, "a.": false, "Ops": false, "a b": false, "ä": false,
		strings.Repeat("x", 64): true, strings.Repeat("x", 65): false, "a/b": false, "a%20": false} {
		if err := RoomName(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
	for title, want := range map[string]string{"Café & Küche": "cafe-kuche", "Straße 5": "strasse-5", "--": "", "日本": "", "A  B": "a-b", "Ｏｐｓ": "ops",
		strings.Repeat("word ", 40): strings.Repeat("word-", 11) + "w"} {
		got := NameFromTitle(title)
		if got != want {
			t.Errorf("%q became %q, want %q", title, got, want)
		}
		if got != "" && RoomName(got+"-999999") != nil {
			t.Errorf("%q leaves no space", got)
		}
	}
}

func TestTitlesAndTopics(t *testing.T) {
	for s, want := range map[string]string{" a\r\n b\t": "a b", "x\u202ey": "xy", "x\u2066y": "xy", "👩\u200d💻 team": "👩\u200d💻 team", "": "", "a\x00b": "ab"} {
		if got, err := RoomTitle(s); err != nil || got != want {
			t.Errorf("%q became %q, %v", s, got, err)
		}
	}
	for _, s := range []string{strings.Repeat("ä", 101), "\xff", strings.Repeat(" ", 10_000)} {
		if got, err := RoomTitle(s); portal.Reason(err) != "room.title" {
			t.Errorf("%.20q became %q, %v", s, got, err)
		}
	}
	if got, err := RoomTopic(strings.Repeat("ä", 1000)); err != nil || len(got) != 2000 {
		t.Errorf("a long topic: %v", err)
	}
	for days, ok := range map[int]bool{-2: false, -1: true, 0: true, 36_500: true, 36_501: false} {
		if err := HistoryDays(days); (err == nil) != ok {
			t.Errorf("%d days: %v", days, err)
		}
	}
}

func TestFileName(t *testing.T) {
	for s, want := range map[string]string{
		"plan.txt": "plan.txt", "../../etc/passwd": "passwd", `C:\Users\x\a.doc`: "a.doc", "": "file", "...": "file", ".profile": "profile",
		"photo\u202egnp.exe": "photognp.exe", "a\x00b\r\nc": "ab c", "a  b\u00a0c": "a b c", `x<y>:"z|?*`: "x_y___z___", "CON": "_CON", "nul.tar.gz": "_nul.tar.gz",
		"com7.txt": "_com7.txt", "comx.txt": "comx.txt", "\xffa": "a", "u\u0308.txt": "ü.txt", "dir/": "file",
		strings.Repeat("ä", 300) + ".pdf": strings.Repeat("ä", 196) + ".pdf", "x." + strings.Repeat("y", 300): "x." + strings.Repeat("y", 198),
	} {
		if got := FileName(s); got != want {
			t.Errorf("%q became %q, want %q", s, got, want)
		}
	}
}

func TestSign(t *testing.T) {
	for _, s := range []string{"👍", "👍🏽", "❤️", "❤", "🇦🇹", "1️⃣", "#⃣", "👩‍💻", "👨‍👩‍👧‍👦", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🎉", "☑️", "✅", "⭐", "‼️", "🏳️‍🌈", "©️"} {
		if err := Sign(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"", "a", "yes", "👍👍", "1", "🇦", "🇦🇹🇩🇪", "\u200d", "👩\u200d", "<b>", "\xff", " 👍", "👍 ", "🏽", "ä", "日", strings.Repeat("👩\u200d", 9) + "👩", "🏴\U000e0067", "\ufe0f"} {
		if err := Sign(s); portal.Reason(err) != "room.sign" {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestTokens(t *testing.T) {
	for s, want := range map[string][]string{
		"":                              nil,
		"Hello, WORLD!":                 {"hello", "world"},
		"Straße STRASSE":                {"strasse", "strasse"},
		"bob's _italic_ go-live":        {"bob", "s", "italic", "go", "live"},
		"E\u0301te\u0301":               {"été"},
		"我在日本工作":                        {"我", "在", "日", "本", "工", "作"},
		"v2 ２ ⅷ":                        {"v2", "2", "viii"},
		"mixed日本mixed":                  {"mixed", "日", "本", "mixed"},
		"Ελλάδα ΕΛΛΆΔΑ":                 {"ελλάδα", "ελλάδα"},
		"\xff\xfea":                     {"a"},
		"https://example.test/alice?x=": {"https", "example", "test", "alice", "x"},
	} {
		if got := Tokens(s); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

func TestHandles(t *testing.T) {
	for s, want := range map[string]string{
		"no one": "[]", "@": "[]", "a@b.test": "[]", "@Alice": "[[alice]]", "(@alice.adams.)": "[[alice.adams alice]]",
		"@a @b": "[[a] [b]]", "@alice@example.test:": "[[alice@example.test alice@example alice]]", "@@alice": "[[alice]]",
		"@-x": "[]", "é@x": "[]", "@" + strings.Repeat("x", 200): "[]", "@Ärger": "[[ärger]]",
	} {
		if got := fmt.Sprint(Handles(s)); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	got, err := Words([]string{" go  live ", "Go-Live", "", "CI", "ci ", "C++"})
	if err != nil || !slices.Equal(got, []string{"go live", "CI", "C++"}) {
		t.Errorf("%q %v", got, err)
	}
	for _, w := range []string{"!!", strings.Repeat("x", 61), "\xff", strings.Repeat("x", 9999)} {
		if _, err := Words([]string{w}); portal.Reason(err) != "room.words" {
			t.Errorf("%.20q: %v", w, err)
		}
	}
	var many []string
	for i := range portal.MaxWords + 1 {
		many = append(many, fmt.Sprint("word", i))
	}
	if _, err := Words(many); portal.Reason(err) != "room.words-many" {
		t.Errorf("%v", err)
	}
	if got, err := Words(many[:portal.MaxWords]); err != nil || len(got) != portal.MaxWords {
		t.Errorf("%d %v", len(got), err)
	}
}
