package ews

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"portico/app/ews/ewslab"
	"portico/app/ews/ewstest"
	"portico/app/portal"
)

// What others read of what the connector wrote, and what it reads of what they wrote.

// kept is an item of Conversation History as exchangelib sees it.
type kept struct {
	Subject, Class, Text, Stamp, Number, From, Came, Sent string
	Draft, Read                                           bool
	To                                                    []string
}

func TestPeersReadConversationsAndLeaveVoiceMail(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	c := p.connector(t, nil)
	me := p.person("alice")
	n := talk(t, "peers")
	n.To = []portal.NoteParty{{Name: "Bob", Email: p.email("bob")}, {Name: "Carol", Email: p.email("carol")}}
	n.HTML = "<table><tr><td>Bob</td><td>Grüße &amp; Küsse</td></tr></table>"
	call := talk(t, "call")
	call.Class, call.Subject, call.Phone, call.Read = portal.ClassMissedCall, "Missed call", "+49 30 5550 102", false
	call.Start = call.Start.Add(time.Hour)
	call.End = call.Start
	for _, w := range []portal.ConversationNote{n, call} {
		if _, _, err := c.WriteNote(t.Context(), me, w); err != nil {
			t.Fatal(err)
		}
	}
	end := ewstest.Endpoint{URL: p.url}
	t.Run("davmail", func(t *testing.T) {
		t.Parallel()
		mails, err := ewstest.StartDavMail(t, end).Mails(t.Context(), "alice", historyDisplay)
		all := strings.Join(mails, "\n")
		if err != nil || !strings.Contains(all, "Subject: Conversation with Bob") || !strings.Contains(all, `From: "Alice" <alice@example.test>`) || strings.Contains(all, `\Draft`) {
			t.Errorf("as mail: %v\n%s", err, all)
		}
		for _, m := range mails {
			if strings.Contains(m, "Subject: Conversation with Bob") && (!strings.Contains(m, `\Seen`) || !strings.Contains(mailText(t, m), "Grüße &amp; Küsse")) {
				t.Errorf("the conversation is\n%s", m)
			}
		}
	})
	t.Run("exchangelib", func(t *testing.T) {
		t.Parallel()
		found := ewstest.Exchangelib(t, end, ewstest.ExchangelibOptions{Steps: []string{"keeps_conversations", "leaves_voicemail"}, Keep: true})
		seen := map[string]kept{}
		for _, k := range decode[[]kept](t, found["keeps_conversations"].Facts["seen"]) {
			seen[k.Class] = k
		}
		if k := seen[portal.ClassConversation]; k.Subject != n.Subject || k.Draft || !k.Read || k.Stamp != n.Stamp || k.From != p.email("alice") || strings.Join(k.To, " ") != "bob@example.test carol@example.test" ||
			k.Sent != "2026-02-20T09:00:00Z" || k.Came != "2026-02-20T09:10:00Z" || !strings.Contains(k.Text, "Grüße &amp; Küsse") {
			t.Errorf("the conversation: %+v", k)
		}
		if k := seen[portal.ClassMissedCall]; k.Draft || k.Read || k.Number != call.Phone {
			t.Errorf("the missed call: %+v", k)
		}
		readsWhatExchangelibWrote(t, p, c, found)
	})
}

func readsWhatExchangelibWrote(t *testing.T, p *peer, c *Connector, found map[string]ewstest.Step) {
	t.Helper()
	me := p.person("alice")
	foreign := notes(t, c, me, portal.HistoryQuery{Peer: p.person("carol"), Q: "another program"})
	if len(foreign) != 1 || foreign[0].Subject != found["keeps_conversations"].Facts["subject"] || foreign[0].Stamp != "" || foreign[0].Class != portal.ClassConversation {
		t.Fatalf("kept by another: %+v", foreign)
	}
	got, err := c.Note(t.Context(), me, foreign[0].ItemID)
	if err != nil || got.From.Email != p.email("carol") || got.From.Name != "Carol" || !strings.Contains(got.HTML, "words of another program") ||
		!got.Start.Equal(at(t, "2031-03-24T08:00:00Z")) || !got.End.Equal(at(t, "2031-03-24T08:30:00Z")) {
		t.Errorf("read: %+v %v", got, err)
	}
	list := voicemails(t, c, me)
	if len(list) != 1 || list[0].From != p.person("bob") || list[0].Name != "Bob B." || list[0].Seconds != 9 || list[0].Number != "+49 30 5550 102" || list[0].Heard || !strings.Contains(list[0].Text, "left by a program") {
		t.Fatalf("voice mail: %+v", list)
	}
	kind, audio, err := c.Recording(t.Context(), me, list[0], 1<<20)
	if err != nil || kind != "audio/wav" || float64(len(audio)) != found["leaves_voicemail"].Facts["bytes"] {
		t.Errorf("played: %q, %d bytes, %v", kind, len(audio), err)
	}
	if err := c.MarkHeard(t.Context(), me, list[0].ID, true); err != nil || !voicemails(t, p.connector(t, nil), me)[0].Heard {
		t.Errorf("marked: %v", err)
	}
}

// decode reads a fact again as what it is.
func decode[T any](t testing.TB, fact any) (out T) {
	t.Helper()
	data, err := json.Marshal(fact)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var base64Lines = regexp.MustCompile(`(?:[A-Za-z0-9+/=]{4,76}\r?\n)+`)

// mailText is a mail with its texts made readable.
func mailText(t testing.TB, mail string) string {
	t.Helper()
	return base64Lines.ReplaceAllStringFunc(mail, func(lines string) string {
		raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(lines), ""))
		if err != nil {
			return lines
		}
		return string(raw)
	})
}
