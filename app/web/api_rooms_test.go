package web

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"portico/app/portal"
	"portico/views"
)

// TestRoomsOverTheAPI goes through what programs do in rooms; every exchange is held to the OpenAPI document.
func TestRoomsOverTheAPI(t *testing.T) {
	h := newHouse(t)
	a, b := h.signIn(alice), h.signIn(bob)
	var room portal.RoomEntry
	a.call("POST", "/api/v1/rooms", `{"name":"lobby","title":"Lobby","topic":"all","open":true,"members":["carol@example.test"]}`, 201).into(&room)
	if room.Access != portal.RoomOpen || room.Members != 2 || room.Mine.Role != portal.RoleManager {
		t.Fatalf("made %+v", room)
	}
	a.call("POST", "/api/v1/rooms", `{"name":"lobby","title":"Lobby"}`, 409)
	var found []portal.RoomEntry
	b.call("GET", "/api/v1/rooms?q=lob", nil, 200).into(&found)
	if len(found) != 1 || found[0].Mine.Role != "" {
		t.Fatalf("bob finds %+v", found)
	}
	b.call("GET", "/api/v1/rooms/lobby/messages", nil, 403)
	b.call("PUT", "/api/v1/rooms/lobby/members/"+bob.Path(), nil, 204)
	var said, again portal.RoomMessage
	b.call("POST", "/api/v1/rooms/lobby/messages", `{"id":"x1","text":"hello @alice"}`, 201).into(&said)
	b.call("POST", "/api/v1/rooms/lobby/messages", `{"id":"x1","text":"hello @alice"}`, 201).into(&again)
	if said.Place != 1 || again.Place != 1 || len(said.Mentions) != 1 {
		t.Errorf("said %+v, again %+v", said, again)
	}
	a.call("POST", "/api/v1/conversations/"+room.URI.Path()+"/messages", `{"id":"y1","text":"hi","reply_to":1}`, 202)
	a.call("POST", "/api/v1/conversations/"+room.URI.Path()+"/typing", `{"typing":true}`, 204)
	a.call("POST", "/api/v1/conversations/"+room.URI.Path()+"/read", `{"id":"x1"}`, 204)
	a.call("POST", "/api/v1/conversations/"+room.URI.Path()+"/read", `{"id":"none"}`, 404).problem("message.not-found")
	var all []portal.RoomMessage
	a.call("GET", "/api/v1/rooms/lobby/messages?after=1", nil, 200).into(&all)
	if len(all) != 1 || all[0].Quote == nil || all[0].Quote.Text != "hello @alice" {
		t.Errorf("after the first: %+v", all)
	}
	a.call("GET", "/api/v1/conversations/"+room.URI.Path()+"/messages", nil, 200).into(&all)
	if len(all) != 2 {
		t.Errorf("%d messages", len(all))
	}
	b.call("PATCH", "/api/v1/rooms/lobby/messages/1", `{"text":"good day @alice"}`, 200)
	a.call("PATCH", "/api/v1/rooms/lobby/messages/1", `{"text":"not mine"}`, 403)
	a.call("PUT", "/api/v1/rooms/lobby/messages/1/reactions/%F0%9F%91%8D", nil, 204)
	a.call("PUT", "/api/v1/rooms/lobby/messages/1/pin", nil, 204)
	a.call("GET", "/api/v1/rooms/lobby/pinned", nil, 200).into(&all)
	if len(all) != 1 || len(all[0].Reactions) != 1 {
		t.Errorf("pinned %+v", all)
	}
	a.call("DELETE", "/api/v1/rooms/lobby/messages/1/pin", nil, 204)
	a.call("DELETE", "/api/v1/rooms/lobby/messages/1/reactions/%F0%9F%91%8D", nil, 204)
	a.call("POST", "/api/v1/rooms/lobby/read", `{"place":2}`, 204)
	var readers readersJSON
	b.call("GET", "/api/v1/rooms/lobby/messages/1/readers", nil, 200).into(&readers)
	if readers.Total != 1 || readers.By[0].DisplayName != "Alice Adams" {
		t.Errorf("read by %+v", readers)
	}
	if got := a.call("GET", "/api/v1/rooms/lobby/search?q=good", nil, 200); !strings.Contains(string(got.body), `"order":1`) {
		t.Errorf("found %s", got.body)
	}
	a.call("DELETE", "/api/v1/rooms/lobby/messages/1", nil, 204)
	a.call("GET", "/api/v1/rooms/lobby/messages/1", nil, 200).into(&said)
	if said.DeletedBy != alice || said.Text != "" {
		t.Errorf("taken back: %+v", said)
	}
	b.call("PUT", "/api/v1/rooms/lobby/notify", `{"notify":"none"}`, 204)
	b.call("PUT", "/api/v1/rooms/lobby/notify", `{"notify":"loudly"}`, 400).problem("room.notify")
	a.call("PATCH", "/api/v1/rooms/lobby", `{"topic":"new","version":999}`, 409)
	a.call("PATCH", "/api/v1/rooms/lobby", `{"presenters_only":true}`, 200)
	b.call("POST", "/api/v1/rooms/lobby/messages", `{"text":"may I?"}`, 403).problem("room.presenters-only")
	a.call("PUT", "/api/v1/rooms/lobby/members/"+bob.Path(), `{"role":"presenter"}`, 204)
	b.call("POST", "/api/v1/rooms/lobby/messages", `{"text":"thank you"}`, 201)
	a.call("DELETE", "/api/v1/rooms/lobby/members/"+alice.Path(), nil, 409)
	b.call("DELETE", "/api/v1/rooms/lobby/members/"+bob.Path(), nil, 204)
	a.call("GET", "/api/v1/rooms/lobby/members?q=carol", nil, 200)
	a.call("GET", "/api/v1/rooms", nil, 200)
	a.call("PUT", "/api/v1/me/words", `{"words":["budget"]}`, 200)
	a.call("GET", "/api/v1/me/words", nil, 200)
	a.call("POST", "/api/v1/groups", `{"from":"bob@example.test","with":["carol@example.test"]}`, 201)
	a.call("GET", "/api/v1/server-rooms", nil, 200)
	a.call("GET", "/api/v1/rooms/nothing", nil, 404)
}

// shares puts a file into a room.
func (c caller) shares(room, name string, data []byte, status int) *reply {
	c.h.t.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	part, err := w.CreateFormFile("file", name)
	c.h.must(err)
	_, err = part.Write(data)
	c.h.must(err)
	c.h.must(w.Close())
	return c.with("Content-Type", w.FormDataContentType()).call(http.MethodPost, "/api/v1/rooms/"+room+"/files", buf.Bytes(), status)
}

// TestFilesOfRooms: only members see them, nothing in them runs, parts can be asked for, and none is larger than allowed.
func TestFilesOfRooms(t *testing.T) {
	h := newHouse(t)
	a, b, c := h.signIn(alice), h.signIn(bob), h.signIn(carol)
	room := h.room("lobby", bob)
	var f portal.File
	a.shares("lobby", `..\evil "name".html`, []byte("<script>alert(1)</script>"), 201).into(&f)
	path := fmt.Sprintf("/rooms/lobby/files/%s", f.ID)
	b.call("GET", path, nil, 404) // no message brings it yet
	h.tells(alice, room, "see", func(in *portal.RoomSaying) { in.Files = []string{f.ID} })
	for _, at := range []string{path, "/api/v1" + path} {
		got := b.call("GET", at, nil, 200)
		for name, want := range map[string]string{
			"Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; sandbox",
		} {
			if got.header.Get(name) != want {
				t.Errorf("%s: %s is %q", at, name, got.header.Get(name))
			}
		}
		if d := got.header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment;") || strings.Contains(d, `\`) || strings.Contains(d, "..") {
			t.Errorf("%s: %q", at, d)
		}
	}
	if got := b.with("Range", "bytes=1-6").call("GET", path, nil, 206); string(got.body) != "script" {
		t.Errorf("a part is %q", got.body)
	}
	c.call("GET", path, nil, 403)
	h.must(h.rooms.Leave(t.Context(), bob, room))
	b.call("GET", path, nil, 403)
	a.shares("lobby", "large", bytes.Repeat([]byte("x"), smallFile+1), 413)
	a.with("Content-Type", "application/json").call("POST", "/api/v1/rooms/lobby/files", "{}", 415)
}

// TestFormsOfManyParts: a form brings no more parts than a page makes, whoever sends it; else its fields would fill the memory.
func TestFormsOfManyParts(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	h.room("lobby")
	send := func(path string, parts, status int) *reply {
		var buf bytes.Buffer
		w := multipart.NewWriter(&buf)
		h.must(w.WriteField("id", "1"))
		h.must(w.WriteField("text", "hello"))
		for i := 2; i < parts; i++ {
			h.must(w.WriteField(fmt.Sprint("f", i), "x"))
		}
		h.must(w.Close())
		return a.with("Content-Type", w.FormDataContentType()).call(http.MethodPost, path, buf.Bytes(), status)
	}
	send("/rooms/lobby", maxParts, http.StatusSeeOther)
	if got := send("/rooms/lobby", maxParts+1, http.StatusBadRequest); document(t, got).Find(`[role="alert"]`).Length() == 0 {
		t.Errorf("nothing is said: %s", got.body)
	}
	a = h.signIn(alice)
	send("/api/v1/rooms/lobby/files", maxParts+1, http.StatusBadRequest).problem("form")
}

// TestRoomsByForm: everything works by links and forms.
func TestRoomsByForm(t *testing.T) {
	h := newHouse(t)
	a, b := h.browse(alice), h.browse(bob)
	h.browse(carol)
	put(t, h, bob, "Friends")
	a.submit("/rooms", "title", "Green lobby", "topic", "t", "access", "open", "history_days", "-1", "member", string(carol)).leadsTo("/rooms/green-lobby")
	if got := b.page("/rooms?do=find&q=green", 200).Find(".found-room button").Text(); got != "Join" {
		t.Errorf("bob is offered %q", got)
	}
	b.submit("/rooms/green-lobby/join").leadsTo("/rooms/green-lobby")
	b.submit("/rooms/green-lobby", "id", "1", "text", "hello *you*").leadsTo("/rooms/green-lobby")
	doc := a.page("/rooms/green-lobby?side=people", 200)
	if got := doc.Find(".said .text strong").Text(); got != "you" {
		t.Errorf("the page shows %q", got)
	}
	if card := doc.Find(`.member[data-user=bob] a[data-card]`); card.AttrOr("href", "") != views.ContactPath(bob) || card.AttrOr("aria-label", "") == "" {
		t.Errorf("bob's card is not to be reached: %s", card.AttrOr("href", ""))
	}
	if from := doc.Find(".said .from").First(); from.AttrOr("href", "") != views.ContactPath(bob) || from.AttrOr("data-card", "") != string(bob) {
		t.Errorf("the name beside what bob said leads to %q", from.AttrOr("href", ""))
	}
	if doc.Find(".member").Length() != 3 || doc.Find(`.member[data-user=bob] a`).AttrOr("href", "") != chatWith(bob) {
		t.Error("not everybody is in the panel, or they lead elsewhere")
	}
	a.submit("/rooms/green-lobby/messages/1/react", "sign", "👍")
	a.submit("/rooms/green-lobby/messages/1/pin")
	b.submit("/rooms/green-lobby/messages/1/edit", "text", "hello all")
	doc = a.page("/rooms/green-lobby/messages/1", 200)
	if doc.Find(`.reactions button[aria-pressed=true]`).Length() != 1 || doc.Find(".pinned").Length() != 1 || doc.Find(".one-message .text").Text() != "hello all" {
		t.Error("what was done does not show")
	}
	if doc.Find(`form[action$="/edit"]`).Length() != 0 || doc.Find(`form[action$="/delete"]`).Length() != 1 {
		t.Error("a manager may take back, and not edit, what others said")
	}
	a.submit("/rooms/green-lobby/messages/1/delete")
	if got := b.page("/rooms/green-lobby", 200).Find(".gone .text").Text(); !strings.Contains(got, "taken back by Alice Adams") {
		t.Errorf("bob reads %q", got)
	}
	a.submit("/rooms/green-lobby/settings", "title", "Lobby", "topic", "x", "access", "closed", "presenters_only", "on", "history_days", "7", "version", "0").leadsTo("/rooms/green-lobby/settings?saved=1")
	b.submit("/rooms/green-lobby", "id", "2", "text", "may I?").says(http.StatusForbidden, "may I?")
	a.submit("/rooms/green-lobby/role", "uri", string(bob), "role", "presenter")
	b.submit("/rooms/green-lobby", "id", "3", "text", "now I may").leadsTo("/rooms/green-lobby")
	a.submit("/rooms/green-lobby/archive", "archived", "yes")
	if b.page("/rooms/green-lobby", 200).Find("#room-may .why").Length() != 1 || b.page("/rooms", 200).Find("#rooms-archived li").Length() != 1 {
		t.Error("the room is not archived")
	}
	a.submit("/rooms/~words", "words", "budget\noffer").leadsTo("/rooms?do=words&saved=1")
	a.submit("/rooms/~group", "from", string(bob), "member", string(carol))
	a.page("/rooms?do=nothing", 404)
	a.page("/rooms/none-such", 404)
	a.page("/rooms/green-lobby?at=x", 400)
	a.submit("/rooms/green-lobby/leave").says(http.StatusConflict, "manager")
	b.submit("/rooms/green-lobby/leave").leadsTo("/rooms")
	if got := b.page("/rooms/green-lobby", 200); got.Find(".said").Length() != 0 {
		t.Error("who left reads on")
	}
	if doc := a.page(chatWith(bob), 200); doc.Find(`#peer-card a[href^="/rooms?do=group"]`).Length() != 1 {
		t.Error("a conversation does not lead to a group")
	}
}

// TestRoomsOfAPortalWithout: the API says so and the page is the one of a part to come.
func TestRoomsOfAPortalWithout(t *testing.T) {
	h := newHouse(t, func(set *settings) { set.noRooms = true })
	h.signIn(alice).call("GET", "/api/v1/rooms", nil, 503).problem("rooms.none")
	h.browse(alice).page("/rooms", 200)
}

// TestInvitingAgainKeepsRoles: whoever is added as a member, by form or by the API, keeps the role they have; nor can anybody
// be added to a room who may not know of it.
func TestInvitingAgainKeepsRoles(t *testing.T) {
	h := newHouse(t)
	room := h.room("lobby", bob, carol)
	h.must(h.rooms.PutMember(t.Context(), alice, room, bob, portal.RolePresenter))
	h.must(h.rooms.PutMember(t.Context(), alice, room, carol, portal.RoleManager))
	h.browse(alice).submit("/rooms/lobby/invite", "members", "bob@example.test\ncarol@example.test\nalice@example.test").leadsTo("/rooms/lobby")
	h.signIn(alice).call("PUT", "/api/v1/rooms/lobby/members/"+bob.Path(), nil, 204)
	for who, want := range map[portal.Address]portal.RoomRole{alice: portal.RoleManager, bob: portal.RolePresenter, carol: portal.RoleManager} {
		entry, err := h.rooms.Get(t.Context(), who, room)
		if err != nil || entry.Mine.Role != want {
			t.Errorf("%s is %q, not %q (%v)", who, entry.Mine.Role, want, err)
		}
	}
	secret, err := h.rooms.Create(t.Context(), alice, portal.RoomDraft{Name: "vault", Title: "Vault", Access: portal.RoomSecret, Members: []portal.Address{carol}})
	h.must(err)
	h.signIn(bob).call("PUT", "/api/v1/rooms/"+secret.URI.User()+"/members/"+carol.Path(), nil, 404)
}

// TestTranscriptOfARoom: it looks as the room's log does, and its files lead to where they can be opened; who left
// has neither any more.
func TestTranscriptOfARoom(t *testing.T) {
	h := newHouse(t)
	room := h.room("lobby", bob)
	a, b := h.browse(alice), h.browse(bob)
	var f portal.File
	h.signIn(alice).shares("lobby", "notes.txt", []byte("some text"), 201).into(&f)
	h.tells(alice, room, "see *this* @bob", func(in *portal.RoomSaying) { in.Files = []string{f.ID} })
	open := func(who caller) (href string) {
		href, _, _ = strings.Cut(who.page("/history?kind=room", 200).Find(".episode a").First().AttrOr("href", ""), "?")
		return href
	}
	doc := b.page(open(b), 200)
	if doc.Find(".line .text strong").Text() != "this" || doc.Find(".line .text .call").Text() != "@bob" {
		t.Errorf("the line is %s", squeezed(doc.Find(".line").Text()))
	}
	file := doc.Find(".line a.file").AttrOr("href", "")
	if got := b.call(http.MethodGet, file, nil, 200); string(got.body) != "some text" {
		t.Errorf("%s holds %q", file, got.body)
	}
	if to := doc.Find(".peer a.button.primary").AttrOr("href", ""); to != "/rooms/lobby" {
		t.Errorf("it goes on at %q", to)
	}
	id := open(a)
	h.must(h.rooms.PutMember(t.Context(), alice, room, bob, portal.RoleManager))
	h.must(h.rooms.Leave(t.Context(), alice, room))
	a.call(http.MethodGet, file, nil, 403)
	a.page(id, 404)
}

// TestContinueElsewhere: a conversation of two goes on in the program that one chose.
func TestContinueElsewhere(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.talked()
	a := h.browse(alice)
	h.signIn(alice).call("PUT", "/api/v1/me/settings", map[string]string{"preferred_client": "other"}, 200)
	href, _ := a.page("/history?peer=bob@example.test", http.StatusOK).Find(".episode a").First().Attr("href")
	if to := a.page(href, http.StatusOK).Find(".peer a.button.primary").AttrOr("href", ""); to != string(bob) {
		t.Errorf("it goes on at %q", to)
	}
	if to := a.page("/contacts/find?q=bob", http.StatusOK).Find(".contact > a").First().AttrOr("href", ""); to != string(bob) {
		t.Errorf("who is found is written to at %q", to)
	}
}
