package views

import (
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

const lobby = portal.Address("sip:lobby@rooms.example.test")

// transcriptPage is a transcript of three lines of karl's, the last with files, in a conversation of a kind.
func transcriptPage(kind portal.EpisodeKind, with portal.Address) TranscriptPage {
	v := TranscriptPage{
		Frame:  frameFor("en", History),
		Item:   EpisodeItem{Episode: portal.Episode{ID: "e1", Kind: kind, Conversation: with, Start: en0, End: en0.Add(time.Minute), Messages: 3}, Name: "Lobby"},
		People: []portal.Person{{URI: karl, DisplayName: "Karl König"}},
	}
	for i, text := range []string{"*bold* `a < b` @karl @nobody <i>x</i>", "> said\n```\ncode\n```", ""} {
		l := portal.Line{From: karl, At: en0.Add(time.Duration(i) * time.Second), Text: text, Order: int64(i + 1)}
		if text == "" {
			l.Files = []portal.File{{ID: "f1", Name: "a.txt", Type: "text/plain", Size: 1400}}
		}
		v.Lines = append(v.Lines, LineItem{Line: l, Sender: v.People[0], Opens: true})
	}
	return v
}

func TestTranscriptOfARoomIsFormatted(t *testing.T) {
	for _, kind := range []portal.EpisodeKind{portal.EpisodeRoom, portal.EpisodeGroup} {
		v := transcriptPage(kind, lobby)
		doc := render(t, TranscriptView(v))
		expect(t, doc, map[string]string{
			"#line-1 .text": "bold a < b @karl @nobody <i>x</i>", "#line-1 .text strong": "bold", "#line-1 .text code": "a < b", "#line-1 .text .call": "@karl",
			"#line-2 blockquote": "said", "#line-2 pre": "code", "#line-3 .file": "a.txt 1.4 kB",
		})
		if n := doc.Find("#line-1 .call, #line-1 i").Length(); n != 1 {
			t.Errorf("%d are called, or markup is markup", n)
		}
		if href := doc.Find("#line-3 .file").AttrOr("href", ""); href != "/rooms/lobby/files/f1" {
			t.Errorf("the file is at %q", href)
		}
		v.Lines[2].Opens = false
		doc = render(t, TranscriptView(v))
		if doc.Find("#line-3 a").Length() != 0 || !strings.Contains(doc.Find("#line-3 .tag").Text(), "a.txt") {
			t.Error("a file that cannot be opened is a link, or is missing")
		}
	}
}

func TestTranscriptOfTwoIsAsItWasWritten(t *testing.T) {
	v := transcriptPage(portal.EpisodeIM, karl)
	v.Lines[1].Text, v.Lines[2].Text = "see https://example.test/x :)", ":)"
	doc := render(t, TranscriptView(v))
	expect(t, doc, map[string]string{
		"#line-1 .text": "*bold* `a < b` @karl @nobody <i>x</i>", "#line-2 .text": "see https://example.test/x 🙂", "#line-2 a": "https://example.test/x", "#line-3 .text.jumbo": "🙂",
	})
	if n := doc.Find("#line-1 .text").Children().Length(); n != 0 {
		t.Errorf("%d elements in a text between two", n)
	}
}

func TestListOfTheHistoryShowsRoomsWithoutSigns(t *testing.T) {
	v := HistoryPage{Frame: frameFor("en", History), Month: HistoryMonth{First: en0}}
	for kind, want := range map[portal.EpisodeKind]string{portal.EpisodeRoom: "see code x", portal.EpisodeIM: "see ```code``` `x`"} {
		v.Episodes = []EpisodeItem{{Episode: portal.Episode{ID: "e", Kind: kind, Conversation: karl, Subject: "see ```code``` `x`", Start: en0, End: en0}, Name: "Lobby"}}
		expect(t, render(t, HistoryView(v)), map[string]string{".episode .last": want})
	}
}

func TestFiltersOfTheHistoryAreFoldedUntilUsed(t *testing.T) {
	v := HistoryPage{Frame: frameFor("en", History), Month: HistoryMonth{First: en0}}
	for _, test := range []struct {
		form HistoryForm
		open bool
	}{{HistoryForm{}, false}, {HistoryForm{Q: "offer", Month: "2026-11"}, false}, {HistoryForm{Peer: "bob"}, true}, {HistoryForm{Q: "offer", From: "2026-11-01"}, true}, {HistoryForm{Kind: "im"}, true}} {
		v.Form = test.form
		doc := render(t, HistoryView(v))
		if _, open := doc.Find("form details").Attr("open"); open != test.open {
			t.Errorf("%+v: open is %v", test.form, open)
		}
		if doc.Find("form details [name=peer], form details [name=from], form details [name=to], form details [name=kind]").Length() != 4 || doc.Find("form details [name=q]").Length() != 0 {
			t.Error("the fields are not where they belong")
		}
	}
}

// TestConversationsOpenWhereOneChose: with another program for conversations, people are sip: links wherever one is opened.
func TestConversationsOpenWhereOneChose(t *testing.T) {
	for client, want := range map[string]string{"": ChatPath(bob), portal.OtherClient: "sip:bob@example.test"} {
		f := frameFor("en", Contacts)
		f.Settings.PreferredClient = client
		person := portal.Person{URI: bob, DisplayName: "Bob Berger"}
		contacts := ContactsPage{Frame: f, Groups: []ContactGroup{{Contacts: []ContactItem{{Person: person, Presence: unknown(bob)}}}}}
		found := Found{Reader: f.Reader, Settings: f.Settings, Me: alice, Query: "b", People: []FoundPerson{{Person: person, Presence: unknown(bob)}}}
		calls := CallsPage{
			Frame: f, Calls: []CallItem{{Call: portal.Call{ID: "1", Kind: portal.MissedCall, From: bob, At: en0}, Who: person, Presence: unknown(bob)}},
			Voicemail: []VoicemailItem{{Voicemail: portal.Voicemail{ID: "2", From: bob, At: en0}, Who: person}},
		}
		hits := HistoryPage{Frame: f, Form: HistoryForm{Q: "x"}, Month: HistoryMonth{First: en0}, Hits: []HitItem{{Hit: portal.Hit{Conversation: bob, From: bob, At: en0}, Name: "Bob", Sender: person}}}
		for at, href := range map[string]string{
			"contacts": render(t, ContactsView(contacts)).Find(`#contact-list .contact > a`).AttrOr("href", ""), "found": render(t, FoundView(found)).Find(".contact > a").AttrOr("href", ""),
			"call": render(t, CallsView(calls)).Find(".call .call-actions a").AttrOr("href", ""), "voice mail": render(t, CallsView(calls)).Find(".voicemail .call-actions a").AttrOr("href", ""),
			"hit": render(t, HistoryView(hits)).Find(".hit a").AttrOr("href", ""),
		} {
			if href != want {
				t.Errorf("client %q, %s: leads to %q", client, at, href)
			}
		}
		doc := render(t, ContactsView(contacts))
		if doc.Find(`nav a[href="/chat"]`).Length() == 0 || doc.Find("body").AttrOr("data-client", "none") != client {
			t.Errorf("client %q: no way to the conversations here, or the page's script does not know", client)
		}
	}
}

func TestRoomSettingsDoNotLeadToThemselves(t *testing.T) {
	v := RoomView{RoomEntry: portal.RoomEntry{Room: portal.Room{URI: lobby, Kind: portal.LastingRoom, Title: "Lobby"}}, Called: "Lobby"}
	f := frameFor("en", Rooms)
	if n := render(t, roomActs(f, v, true)).Find(`a[href$="/settings"]`).Length(); n != 1 {
		t.Errorf("%d ways from the room to its settings", n)
	}
	if n := render(t, RoomSettingsView(RoomSettingsPage{Frame: f, Room: v})).Find(`main a[href$="/settings"]`).Length(); n != 0 {
		t.Errorf("%d ways from the settings to the settings", n)
	}
}
