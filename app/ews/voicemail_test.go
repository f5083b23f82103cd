package ews

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/ews/ewslab"
	"portico/app/ews/soap"
	"portico/app/portal"
)

// Voice mail: what was left is listed, played, marked and put away; its bell rings on the streams of the calendars.

func leave(t testing.TB, p *peer, v ewslab.VoiceMessage) string {
	t.Helper()
	id, err := p.lab.LeaveVoicemail(context.Background(), v)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func voicemails(t testing.TB, c *Connector, who portal.Address) []portal.Voicemail {
	t.Helper()
	list, err := c.Voicemails(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestRoundOfVoiceMail(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	c := p.connector(t, nil)
	me := p.person("alice")
	if list := voicemails(t, c, me); len(list) != 0 {
		t.Fatalf("before: %+v", list)
	}
	when := at(t, "2026-02-20T09:00:00Z")
	first := leave(t, p, ewslab.VoiceMessage{Mailbox: "alice", From: p.email("bob"), Number: "+49 30 5550 102", Seconds: 2, At: when, Text: "Call me <back>"})
	second := leave(t, p, ewslab.VoiceMessage{Mailbox: "alice", Name: "Harbour", Number: "+44 20 1", Seconds: 7, At: when.Add(time.Hour), Heard: true,
		Class: "IPM.Note.Microsoft.Voicemail.UM", Audio: []byte("ID3 and so on"), File: "hello.mp3", Type: "application/octet-stream"})
	locked := leave(t, p, ewslab.VoiceMessage{Mailbox: "alice", Name: "Legal", At: when.Add(2 * time.Hour), Protect: true})
	reply := leave(t, p, ewslab.VoiceMessage{Mailbox: "alice", From: p.email("carol"), At: when.Add(3 * time.Hour), Class: "IPM.Note.Microsoft.Voicemail"})
	leave(t, p, ewslab.VoiceMessage{Mailbox: "alice", Class: "IPM.Note", At: when.Add(4 * time.Hour)}) // mail with a sound is no voice mail
	list := voicemails(t, c, me)
	if len(list) != 4 || list[0].ID != reply || list[1].ID != locked || list[2].ID != second || list[3].ID != first {
		t.Fatalf("listed: %+v", list)
	}
	if v := list[3]; v.From != p.person("bob") || v.Name != "Bob" || v.Number != "+49 30 5550 102" || v.Seconds != 2 || v.Heard || v.Protected || !v.At.Equal(when) ||
		v.Type != "audio/wav" || v.Size < 16000 || !strings.Contains(v.Text, "Call me <back>") || v.Attachment == "" || v.ChangeKey == "" {
		t.Errorf("the first: %+v", v)
	}
	if v := list[2]; v.From != "" || v.Name != "Harbour" || v.Seconds != 7 || !v.Heard || v.Type != "audio/mpeg" {
		t.Errorf("the second: %+v", v)
	}
	if v := list[1]; !v.Protected || v.Attachment != "" {
		t.Errorf("the protected one: %+v", v)
	}
	for heard, id := range map[bool]string{true: first, false: second} {
		if err := c.MarkHeard(t.Context(), me, id, heard); err != nil {
			t.Fatal(err)
		}
	}
	if list = voicemails(t, c, me); !list[3].Heard || list[2].Heard || list[3].Name != "Bob" {
		t.Errorf("after listening: %+v", list)
	}
	for range 2 { // what is gone already is no error
		if err := c.DeleteVoicemail(t.Context(), me, first); err != nil {
			t.Fatal(err)
		}
	}
	if list = voicemails(t, c, me); len(list) != 3 {
		t.Errorf("after the deletion: %+v", list)
	}
	for _, id := range []string{first, "no id"} {
		if err := c.MarkHeard(t.Context(), me, id, true); portal.Meaning(err) != portal.ErrNotFound {
			t.Errorf("%q, which is not there: %v", id, err)
		}
	}
	var bin int
	if err := c.do(t.Context(), me, me, func(a *access) error {
		bin = mentions(t, a, "deleteditems", "Voice Mail from Bob (2 seconds)")
		return nil
	}); err != nil || bin != 1 {
		t.Errorf("%d of it in Deleted Items, %v", bin, err)
	}
}

func TestRecordingsOfVoiceMail(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	c := p.connector(t, nil)
	me := p.person("alice")
	when := at(t, "2026-02-20T09:00:00Z")
	leave(t, p, ewslab.VoiceMessage{Mailbox: "alice", Seconds: 2, At: when})
	leave(t, p, ewslab.VoiceMessage{Mailbox: "alice", At: when.Add(time.Hour), Audio: []byte("<html>no sound"), File: "x.wav"})
	leave(t, p, ewslab.VoiceMessage{Mailbox: "alice", At: when.Add(2 * time.Hour), Protect: true})
	list := voicemails(t, c, me)
	if len(list) != 3 {
		t.Fatalf("%+v", list)
	}
	wav := list[2]
	for name, change := range map[string]func(*portal.Voicemail){
		"as listed": func(*portal.Voicemail) {}, "by its id alone": func(v *portal.Voicemail) { *v = portal.Voicemail{ID: v.ID} },
		"an attachment of before": func(v *portal.Voicemail) { v.Attachment += "x" },
	} {
		v := wav
		change(&v)
		kind, audio, err := c.Recording(t.Context(), me, v, 1<<20)
		if err != nil || kind != "audio/wav" || len(audio) != 44+2*8000 || !bytes.HasPrefix(audio, []byte("RIFF")) {
			t.Errorf("%s: %q, %d bytes, %v", name, kind, len(audio), err)
		}
	}
	for name, x := range map[string]struct {
		v       portal.Voicemail
		max     int64
		meaning error
	}{
		"too large":              {wav, 1000, portal.ErrInvalid},
		"of a size that lies":    {portal.Voicemail{ID: wav.ID, Attachment: wav.Attachment, Size: 1}, 16000, portal.ErrInvalid},
		"a page":                 {list[1], 1 << 20, portal.ErrNotFound},
		"protected":              {list[0], 1 << 20, portal.ErrForbidden},
		"protected, not so said": {portal.Voicemail{ID: list[0].ID}, 1 << 20, portal.ErrNotFound},
		"of nothing":             {portal.Voicemail{ID: list[0].ID + "x"}, 1 << 20, portal.ErrNotFound},
	} {
		if kind, audio, err := c.Recording(t.Context(), me, x.v, x.max); portal.Meaning(err) != x.meaning || kind != "" || audio != nil {
			t.Errorf("%s: %q, %d bytes, %v", name, kind, len(audio), err)
		}
	}
}

// What lies in the voice mail folder itself is listed too, and what is in both once; a mailbox may lack the folder.
func TestVoiceMailOfItsOwnFolder(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	me := p.person("alice")
	before := len(voicemails(t, c, me))
	var id string
	err := c.do(t.Context(), me, me, func(a *access) error {
		it := &soap.Message{}
		it.ItemClass, it.Subject = portal.ClassVoicemailCall, "In its own folder"
		it.ExtendedProperties = []soap.ExtendedProperty{soap.Extend(tagVoiceSeconds, "12"), soap.Extend(tagSenderNumber, "123"), soap.Extend(tagVoiceSender, "Somebody")}
		folder := a.folder(voicemailName)
		res, err := a.CreateItem(t.Context(), a.as, &soap.CreateItem{Disposition: soap.SaveOnly, Folder: &folder, Items: []soap.NewItem{{Message: it}}})
		if err != nil {
			return err
		}
		m, err := one(res.Messages)
		if err == nil {
			id = m.Items[0].ID().ID
		}
		return err
	})
	if soap.Code(err) == "ErrorFolderNotFound" {
		t.Skip("the server has no voice mail folder")
	}
	if err != nil {
		t.Fatal(err)
	}
	list := voicemails(t, c, me)
	if len(list) != before+1 || list[0].ID != id || list[0].Seconds != 12 || list[0].Number != "123" || list[0].Name != "Somebody" || list[0].Attachment != "" {
		t.Errorf("%+v", list)
	}
	if err := c.DeleteVoicemail(t.Context(), me, id); err != nil {
		t.Error(err)
	}
	if p.lab == nil {
		return
	}
	other := p.connector(t, nil)
	lift := p.fault(t, ewslab.Fault{Kind: ewslab.FaultError, Operation: "FindItem", Code: "ErrorFolderNotFound"})
	_, err = other.Voicemails(t.Context(), me) // then the Inbox is missing too
	lift()
	if portal.Meaning(err) != portal.ErrNotFound {
		t.Errorf("without an Inbox: %v", err)
	}
	other.noted.setLacksVoice(p.email("alice"))
	if list, err := other.Voicemails(t.Context(), me); err != nil || len(list) != before {
		t.Errorf("without the folder: %+v %v", list, err)
	}
}

// What is remembered of voice mail is bounded, whoever it is of, and forgotten only to be read again.
func TestVoiceMailThatIsRemembered(t *testing.T) {
	b := newNoteBook(time.Now)
	many := func(n int) map[string]heardMail {
		out := map[string]heardMail{}
		for i := range n {
			out[fmt.Sprint(i)] = heardMail{}
		}
		return out
	}
	b.setHeard("a@example.test", many(maxHeardKnown/2))
	b.setHeard("A@example.test", many(10)) // instead of those
	b.setHeard("b@example.test", many(maxHeardKnown/2))
	if len(b.heardOf("a@example.test")) != 10 || b.known != maxHeardKnown/2+10 {
		t.Errorf("%d remembered", b.known)
	}
	b.setHeard("c@example.test", many(maxHeardKnown/2))
	if len(b.heardOf("a@example.test")) != 0 || len(b.heardOf("b@example.test")) != 0 || len(b.heardOf("c@example.test")) != maxHeardKnown/2 || b.known != maxHeardKnown/2 {
		t.Errorf("%d remembered when there were too many", b.known)
	}
}

// A kind of sound is known by how it begins, else by its name, else by what it is called.
func TestKindsOfSound(t *testing.T) {
	for _, x := range []struct{ name, kind, content, want string }{
		{"a.mp3", "application/octet-stream", "RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"},
		{"a", "", "ID3\x03", "audio/mpeg"},
		{"a", "", "\xff\xfb\x90\x00", "audio/mpeg"},
		{"a", "", "\xff\xf1\x50", "audio/aac"},
		{"a", "", "OggS", "audio/ogg"},
		{"a", "", "\x00\x00\x00\x18ftypM4A ", "audio/mp4"},
		{"a", "", "#!AMR\n", "audio/amr"},
		{"a", "", "fLaC", "audio/flac"},
		{"a", "", "\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", "audio/x-ms-wma"},
		{"a.WAV", "", "", "audio/wav"},
		{"a.gsm", "application/octet-stream", "\xd0\x11", "audio/gsm"},
		{"a", "Audio/X-Wav; codec=1", "\x01\x02\x03", "audio/wav"},
		{"a", "audio/mp3", "", "audio/mpeg"},
		{"a.wav", "audio/wav", "<!DOCTYPE html>", ""},
		{"a.wav", "audio/wav", " <svg onload=x>", ""},
		{"a.mp3", "", "%PDF-1.7", ""},
		{"a.html", "text/html", "", ""},
		{"a", "audio/x-unheard-of", "\x01", ""},
	} {
		if got := audioType(&soap.FileAttachment{Name: x.name, ContentType: x.kind}, []byte(x.content)); got != x.want {
			t.Errorf("%q %q %q is %q, want %q", x.name, x.kind, x.content, got, x.want)
		}
	}
}

// Of several files the recording is the last that the message names, else the first sound.
func TestWhichFileIsTheRecording(t *testing.T) {
	file := func(name string) soap.Attachment {
		return soap.Attachment{File: &soap.FileAttachment{AttachmentID: &soap.AttachmentID{ID: name}, Name: name}}
	}
	files := []soap.Attachment{file("picture.png"), {Item: &soap.ItemAttachment{Name: "old.wav"}}, file("first.wav"), file("Second.wav"), {File: &soap.FileAttachment{Name: "none.wav"}}}
	for order, want := range map[string]string{"": "first.wav", "first.wav; second.wav": "Second.wav", "second.wav;first.wav;": "first.wav", "gone.wav": "first.wav", ";;": "first.wav"} {
		it := &soap.Item{Attachments: files, ExtendedProperties: []soap.ExtendedProperty{soap.Extend(tagVoiceOrder, order)}}
		if f := recordingOf(it); f == nil || f.Name != want {
			t.Errorf("named %q: %+v", order, f)
		}
	}
	if f := recordingOf(&soap.Item{Attachments: files[:2]}); f != nil {
		t.Errorf("of no sound: %+v", f)
	}
}

// hearing watches somebody's voice mail until the test ends, and counts its rings.
func hearing(t testing.TB, c *Connector, who portal.Address) *atomic.Int64 {
	t.Helper()
	var rings atomic.Int64
	c.WatchVoicemail(who, func() { rings.Add(1) })
	until(t, "the voice mail's bell hangs", func() bool { return rings.Load() > 0 })
	return &rings
}

func TestVoiceMailRings(t *testing.T) {
	for name, operations := range map[string][]string{"streaming": nil, "asked": {"GetStreamingEvents"}, "by the timer": {"GetStreamingEvents", "Subscribe"}} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t, func(*ewslab.Config) {})
			for _, op := range operations {
				p.fault(t, ewslab.Fault{Kind: ewslab.FaultError, Operation: op, Code: "ErrorInvalidRequest"})
			}
			c, l := watching(t, p, "alice")
			alice, bob := p.person("alice"), p.person("bob")
			rings := hearing(t, c, alice)
			before := rings.Load()
			id := leave(t, p, ewslab.VoiceMessage{Mailbox: "alice"})
			until(t, "voice mail rings", func() bool { return rings.Load() > before })
			before = rings.Load()
			if err := p.connector(t, nil).MarkHeard(t.Context(), alice, id, true); err != nil {
				t.Fatal(err)
			}
			until(t, "it rings when it was heard elsewhere", func() bool { return rings.Load() > before })
			c.UnwatchVoicemail(alice)
			others := hearing(t, c, bob) // whose calendar nobody watches
			before = others.Load()
			leave(t, p, ewslab.VoiceMessage{Mailbox: "bob"})
			until(t, "bob's rings", func() bool { return others.Load() > before })
			book(t, p.connector(t, nil), alice, "as before")
			until(t, "alice's calendar rings as before", func() bool { return l.rings(alice) > 1 })
			if l.rings(bob) != 0 {
				t.Error("bob's calendar rang")
			}
		})
	}
}

// A mailbox whose voice mail folder cannot be listened to is listened to by its Inbox.
func TestVoiceMailRingsWithoutItsFolder(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	p.fault(t, ewslab.Fault{Kind: ewslab.FaultError, Operation: "Subscribe", Code: "ErrorFolderNotFound", Count: 1})
	c := p.connector(t, func(o *Options) { o.Bells = quick() })
	run(t, c)
	rings := hearing(t, c, p.person("alice"))
	if !c.noted.lacksVoice(p.email("alice")) {
		t.Error("that there is no folder is not remembered")
	}
	before := rings.Load()
	leave(t, p, ewslab.VoiceMessage{Mailbox: "alice"})
	until(t, "voice mail rings", func() bool { return rings.Load() > before })
}

// Each at the server where they live, with their own password.
func TestVoiceMailRingsWhereItsOwnerLives(t *testing.T) {
	first := newPeer(t, func(cfg *ewslab.Config) {
		cfg.People = []ewslab.Person{{User: "alice", Name: "Alice", Password: "portico"}}
	})
	second := newPeer(t, func(cfg *ewslab.Config) {
		cfg.People = []ewslab.Person{{User: "bob", Name: "Bob", Password: "portico"}}
	})
	c := first.connector(t, func(o *Options) {
		two := second.server()
		two.Name, two.HTTP = "second", o.Servers[0].HTTP
		o.Servers = append(o.Servers, two)
		o.Bells = quick()
		for i := range o.Servers {
			o.Servers[i].Impersonate, o.Servers[i].Username, o.Servers[i].Password = false, "", ""
		}
		o.Credentials = func(_ context.Context, who portal.Address) (string, string, error) { return who.User(), "portico", nil }
	})
	run(t, c)
	c.Watch([]portal.Address{first.person("alice")})
	for p, user := range map[*peer]string{first: "alice", second: "bob"} {
		rings := hearing(t, c, p.person(user))
		before := rings.Load()
		leave(t, p, ewslab.VoiceMessage{Mailbox: user})
		until(t, user+"'s voice mail rings", func() bool { return rings.Load() > before })
		if list := voicemails(t, c, p.person(user)); len(list) != 1 {
			t.Errorf("%s has %+v", user, list)
		}
	}
}
