package ews

import (
	"testing"
	"time"
	"unicode/utf8"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Whatever a server says of a message: a note and a voice message that hold together; never a crash.
func FuzzMessage(f *testing.F) {
	f.Add("IPM.Note.Microsoft.Conversation", "With Bob", "<p>Hello", "2026-02-20T09:00:00Z", "2026-02-20T09:10:00Z", "Bob", "bob@example.test", "SMTP", "12", "+49 30 1", "a.wav;b.mp3", "b.mp3", []byte("RIFF\x00\x00\x00\x00WAVE"))
	f.Add("IPM.Note.rpmsg.Microsoft.Voicemail.UM", "\x00", "", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "", "/O=ORG/CN=bob", "EX", "-1", "\n", ";;;", "", []byte("<html>"))
	f.Add("", "a\r\nb", "\xff\xfe", "x", "2026-02-20T09:10:00", "+49", "tel:+49", "TEL", "99999999999999999999", "", "", "x.WAV", []byte{0xff, 0xfb})
	f.Fuzz(func(t *testing.T, class, subject, text, sent, came, name, address, routing, seconds, number, order, file string, content []byte) {
		m := &soap.Message{}
		m.ItemID = &soap.ItemID{ID: "x", ChangeKey: "y"}
		m.ItemClass, m.Subject, m.Body = class, subject, &soap.Body{Type: "HTML", Text: text}
		m.DateTimeSent, m.DateTimeReceived = moment(sent), moment(came)
		box := soap.Mailbox{Name: name, EmailAddress: address, RoutingType: routing}
		m.From, m.ToRecipients = &soap.Recipient{Mailbox: box}, []soap.Mailbox{box, {}}
		m.ExtendedProperties = []soap.ExtendedProperty{soap.Extend(tagVoiceSeconds, seconds), soap.Extend(tagSenderNumber, number), soap.Extend(tagVoiceOrder, order), soap.Extend(stampNote, subject)}
		m.Attachments = []soap.Attachment{{}, {File: &soap.FileAttachment{Name: name}}, {File: &soap.FileAttachment{AttachmentID: &soap.AttachmentID{ID: "f"}, Name: file, ContentType: routing}}}
		v := voice{person: personOf("example.test")}
		n := conversationOf(v, &soap.AnyItem{Message: m})
		if n.End.Before(n.Start) || len(n.HTML) > maxHTML || !utf8.ValidString(n.HTML) || len(n.To) > 1 || n.Stamp != subject {
			t.Fatalf("%+v", n)
		}
		for _, p := range append(n.To, n.From) {
			if p.Email != "" && p.Email[0] == '/' {
				t.Fatalf("an address that nobody can write to: %+v", p)
			}
		}
		back := newNote(n)
		if len(noteUpdates(n)) < plainUpdates || back.Body.Type != "HTML" {
			t.Fatalf("%+v", back)
		}
		mail := voicemailOf(v, &soap.AnyItem{Message: m})
		if mail.Seconds < 0 || mail.Seconds > maxVoiceSeconds || mail.Size < 0 || len(mail.Text) > maxVoiceText || mail.Protected && mail.Attachment != "" || mail.At.Year() > 4000 {
			t.Fatalf("%+v", mail)
		}
		switch kind := audioType(m.Attachments[2].File, content); {
		case kind != "" && kind[:6] != "audio/":
			t.Fatalf("a sound of the kind %q", kind)
		}
	})
}

// A cursor that comes back from a browser is ours, or refused.
func FuzzNoteCursor(f *testing.F) {
	f.Add(noteCursor{At: time.Date(2026, 2, 20, 9, 0, 0, 0, time.UTC), Seen: []uint64{1, 1 << 63}}.String(), `some "quoted words" here`)
	f.Add("e30", `"`)
	f.Add("eyJ0IjoiMDAwMS0wMS0wMVQwMDowMDowMFoifQ", "a b c d e f g h i j")
	f.Fuzz(func(t *testing.T, s, words string) {
		if list := noteWords(words); len(list) > maxNoteWords {
			t.Fatalf("%d words", len(list))
		}
		at, err := parseNoteCursor(s)
		if err != nil {
			if portal.Meaning(err) != portal.ErrInvalid {
				t.Fatal(err)
			}
			return
		}
		if s == "" {
			return
		}
		again, err := parseNoteCursor(at.String())
		if err != nil || !again.At.Equal(at.At) || len(again.Seen) != len(at.Seen) {
			t.Fatalf("%+v became %+v, %v", at, again, err)
		}
		if c := (&noteScan{at: at, words: noteWords(words)}).condition(); c == nil {
			t.Fatal("a page that goes on begins anew")
		}
	})
}
