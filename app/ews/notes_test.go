package ews

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/ews/ewslab"
	"portico/app/ews/soap"
	"portico/app/portal"
)

// Conversations: written once, changed where they are, left alone where their owner deleted them.

// talk is a conversation of alice with bob.
func talk(t *testing.T, name string) portal.ConversationNote {
	t.Helper()
	start := at(t, "2026-02-20T09:00:00Z")
	return portal.ConversationNote{Class: portal.ClassConversation, Stamp: stamp(t, name), Subject: "Conversation with Bob", HTML: "<p>Hello &amp; goodbye " + name + "</p>",
		From: portal.NoteParty{Name: "Alice", Email: "alice@example.test"}, To: []portal.NoteParty{{Name: "Bob", Email: "bob@example.test"}, {Name: "Nobody's mail"}},
		Start: start, End: start.Add(10 * time.Minute), Read: true}
}

// notes lists all of somebody's notes, page by page.
func notes(t testing.TB, c *Connector, who portal.Address, q portal.HistoryQuery) []portal.ConversationNote {
	t.Helper()
	var out []portal.ConversationNote
	for range 1000 {
		list, next, err := c.Notes(t.Context(), who, q)
		if err != nil {
			t.Fatalf("notes: %v", err)
		}
		out = append(out, list...)
		if next == "" {
			return out
		}
		q.Cursor = next
	}
	t.Fatal("the pages do not end")
	return nil
}

// mine are the notes of this test alone: a server may outlive it.
func mine(t *testing.T, list []portal.ConversationNote) []portal.ConversationNote {
	t.Helper()
	return slices.DeleteFunc(list, func(n portal.ConversationNote) bool { return !strings.HasPrefix(n.Stamp, t.Name()+" ") })
}

// inFolder counts the items of a stamp in a well-known folder, and gives the last.
func inFolder(t testing.TB, c *Connector, who portal.Address, folder, stamp string) (n int, last *soap.Message) {
	t.Helper()
	err := c.do(t.Context(), who, who, func(a *access) error {
		shape := soap.ItemShape{BaseShape: soap.DefaultShape, AdditionalProperties: []soap.Path{soap.Field("item:ItemClass"), soap.Field("item:DateTimeReceived"), stampNote, tagSenderNumber}}
		res, err := a.FindItem(t.Context(), a.as, &soap.FindItem{Traversal: "Shallow", Shape: shape, Restriction: soap.Where(soap.Equal(stampNote, stamp)), Parents: []soap.FolderRef{a.folder(folder)}})
		if err != nil {
			return err
		}
		m, err := one(res.Messages)
		if err != nil {
			return err
		}
		n = len(m.Root.Items)
		if n > 0 {
			last = m.Root.Items[n-1].Message
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n, last
}

func TestRoundOfANote(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	me := p.person("alice")
	n := talk(t, "round")
	id, key, err := c.WriteNote(t.Context(), me, n)
	if err != nil || id == "" || key == "" {
		t.Fatalf("write: %q %q %v", id, key, err)
	}
	got, err := c.Note(t.Context(), me, id)
	if err != nil {
		t.Fatal(err)
	}
	if got.Class != n.Class || got.Stamp != n.Stamp || got.Subject != n.Subject || !strings.Contains(got.HTML, "Hello &amp; goodbye round") || !got.Read || got.From.Email != "alice@example.test" ||
		len(got.To) != 1 || got.To[0].Email != "bob@example.test" || !got.Start.Equal(n.Start) || !got.End.Equal(n.End) || got.ItemID != id {
		t.Errorf("read back: %+v", got)
	}
	if list := mine(t, notes(t, c, me, portal.HistoryQuery{})); len(list) != 1 || list[0].ItemID != id || list[0].HTML != "" || list[0].From.Email != "alice@example.test" || len(list[0].To) != 1 {
		t.Errorf("listed: %+v", list)
	}
	// It goes on: one more is in it, and it lasts longer.
	n.ItemID, n.ChangeKey, n.HTML, n.End, n.Read = id, key, "<p>More</p>", n.End.Add(time.Hour), false
	n.Subject, n.To = "Conversation with Bob and Carol", append(n.To, portal.NoteParty{Name: "Carol", Email: "carol@example.test"})
	again, newer, err := c.WriteNote(t.Context(), me, n)
	if err != nil || again != id || newer == key {
		t.Fatalf("write again: %q %q %v", again, newer, err)
	}
	// And again with a change key that is no longer the present one, and after its id was lost.
	n.Read = true
	if again, _, err = c.WriteNote(t.Context(), me, n); err != nil || again != id {
		t.Fatalf("with an old change key: %q %v", again, err)
	}
	n.ItemID, n.ChangeKey = "", ""
	if again, _, err = c.WriteNote(t.Context(), me, n); err != nil || again != id {
		t.Fatalf("by its stamp: %q %v", again, err)
	}
	got, err = c.Note(t.Context(), me, id)
	if err != nil || got.Subject != n.Subject || !strings.Contains(got.HTML, "More") || len(got.To) != 2 || !got.End.Equal(n.End) || !got.Start.Equal(n.Start) || !got.Read {
		t.Errorf("changed: %+v %v", got, err)
	}
	for range 2 { // what is gone already is no error
		if err := c.DeleteNote(t.Context(), me, id); err != nil {
			t.Fatalf("delete: %v", err)
		}
	}
	if _, err := c.Note(t.Context(), me, id); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	if list := mine(t, notes(t, c, me, portal.HistoryQuery{})); len(list) != 0 {
		t.Errorf("after the deletion: %+v", list)
	}
}

// What its owner deleted, or put elsewhere, is not made again.
func TestADeletedNoteStaysDeleted(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	me := p.person("alice")
	for name, how := range map[string]string{"for good": soap.HardDelete, "into the bin": soap.MoveToDeletedItems} {
		t.Run(name, func(t *testing.T) {
			n := talk(t, name)
			id, key, err := c.WriteNote(t.Context(), me, n)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.do(t.Context(), me, me, func(a *access) error { return a.takeAway(t.Context(), id, how) }); err != nil {
				t.Fatal(err)
			}
			n.ItemID, n.ChangeKey = id, key
			for range 2 {
				if _, _, err := c.WriteNote(t.Context(), me, n); portal.Meaning(err) != portal.ErrNotFound {
					t.Errorf("written again: %v", err)
				}
			}
			if list := mine(t, notes(t, c, me, portal.HistoryQuery{})); len(list) != 0 {
				t.Errorf("it is back: %+v", list)
			}
		})
	}
}

// Missed calls are history, with the caller's number; a missed conversation is mail, unread.
func TestMissedOnes(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	me := p.person("alice")
	call := talk(t, "call")
	call.Class, call.Phone, call.Read, call.From = portal.ClassMissedCall, "+49 30 5550 999", false, portal.NoteParty{Name: "+49 30 5550 999"}
	id, _, err := c.WriteNote(t.Context(), me, call)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Note(t.Context(), me, id)
	if err != nil || got.Class != portal.ClassMissedCall || got.Phone != call.Phone || got.Read || got.From != call.From {
		t.Errorf("the call: %+v %v", got, err)
	}
	call.ItemID, call.Class = id, portal.ClassVoiceCall // another device had taken it
	if _, _, err := c.WriteNote(t.Context(), me, call); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Note(t.Context(), me, id); err != nil || got.Class != portal.ClassVoiceCall || got.Phone != call.Phone {
		t.Errorf("the call that was taken: %+v %v", got, err)
	}
	missed := talk(t, "missed")
	missed.Class, missed.Read = portal.ClassMissed, false
	if missed.ItemID, missed.ChangeKey, err = c.WriteNote(t.Context(), me, missed); err != nil {
		t.Fatal(err)
	}
	if _, _, err = c.WriteNote(t.Context(), me, missed); err != nil {
		t.Fatal(err)
	}
	n, it := inFolder(t, c, me, "inbox", missed.Stamp)
	if n != 1 || soap.Is(it.IsRead) || soap.Is(it.IsDraft) || it.ItemClass != portal.ClassMissed {
		t.Errorf("%d missed conversations in the Inbox: %+v", n, it)
	}
	for _, s := range []string{missed.ItemID, id} {
		if err := c.DeleteNote(t.Context(), me, s); err != nil {
			t.Error(err)
		}
	}
}

// dropFolder deletes one of alice's folders for good, as her mail program would.
func (p *peer) dropFolder(t testing.TB, id string) error {
	t.Helper()
	body := `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><s:Body>` +
		`<DeleteFolder xmlns="http://schemas.microsoft.com/exchange/services/2006/messages" DeleteType="HardDelete"><FolderIds><t:FolderId Id="` + id + `"/></FolderIds></DeleteFolder></s:Body></s:Envelope>`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.SetBasicAuth(p.email("alice"), "portico")
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if !strings.Contains(string(answer), "NoError") {
		return fmt.Errorf("%s", answer)
	}
	return nil
}

// A mailbox without the folder is given one, once, whoever comes first; one that is taken away is made again.
func TestNotesWithoutTheirFolder(t *testing.T) {
	p := newPeer(t, func(cfg *ewslab.Config) { cfg.People[0].NoHistory = true })
	first, second := p.connector(t, nil), p.connector(t, nil)
	me := p.person("alice")
	if list, next, err := first.Notes(t.Context(), me, portal.HistoryQuery{}); err != nil || len(list) != 0 || next != "" {
		t.Fatalf("of no folder: %v %q %v", list, next, err)
	}
	errs := make(chan error, 8)
	for i := range 8 {
		go func() {
			_, _, err := []*Connector{first, second}[i%2].WriteNote(context.Background(), me, talk(t, fmt.Sprint("race ", i)))
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if list := notes(t, second, me, portal.HistoryQuery{}); len(list) != 8 {
		t.Fatalf("%d notes in one folder", len(list))
	}
	drop := func(c *Connector) {
		t.Helper()
		err := c.do(t.Context(), me, me, func(a *access) error {
			id, err := a.displayed(t.Context(), historyDisplay)
			if err != nil || id == "" {
				return fmt.Errorf("%q: %w", id, err)
			}
			return p.dropFolder(t, id)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	drop(first)
	id, _, err := second.WriteNote(t.Context(), me, talk(t, "afterwards"))
	if err != nil || id == "" {
		t.Fatalf("after the folder went: %v", err)
	}
	if list := notes(t, first, me, portal.HistoryQuery{}); len(list) != 1 || list[0].ItemID != id {
		t.Errorf("listed afterwards: %+v", list)
	}
	drop(first)
	n := talk(t, "afterwards")
	n.ItemID = id
	if _, _, err := second.WriteNote(t.Context(), me, n); portal.Meaning(err) != portal.ErrNotFound {
		t.Errorf("a note that went with its folder: %v", err)
	}
}

// Pages by a cursor hold each note once though others are written and deleted meanwhile, many of them in one second.
func TestPagesOfNotes(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	c := p.connector(t, nil)
	me := p.person("alice")
	began := at(t, "2026-02-01T08:00:00Z")
	write := func(name string, when time.Time) string {
		t.Helper()
		n := talk(t, name)
		n.Start, n.End = when, when
		id, _, err := c.WriteNote(t.Context(), me, n)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	var ids []string
	for i := range 24 {
		when := began.Add(time.Duration(i) * time.Hour)
		if i >= 8 && i < 18 {
			when = began.Add(8 * time.Hour)
		}
		ids = append(ids, write(fmt.Sprint("page ", i), when))
	}
	var got []portal.ConversationNote
	q := portal.HistoryQuery{Limit: 5}
	for pages := 0; ; pages++ {
		list, next, err := c.Notes(t.Context(), me, q)
		if err != nil || len(list) > q.Limit || pages > 10 {
			t.Fatalf("page %d: %d notes, %v", pages, len(list), err)
		}
		got = append(got, list...)
		if next == "" {
			break
		}
		q.Cursor = next
		write(fmt.Sprint("newer ", pages), began.Add(100*time.Hour)) // before all that was read
		if pages == 1 {
			if err := c.DeleteNote(t.Context(), me, got[0].ItemID); err != nil {
				t.Fatal(err)
			}
		}
	}
	var read []string
	for i, n := range got {
		read = append(read, n.ItemID)
		if i > 0 && n.End.After(got[i-1].End) {
			t.Errorf("the note %d is newer than the one before", i)
		}
	}
	slices.Sort(read)
	slices.Sort(ids)
	if !slices.Equal(read, ids) {
		t.Errorf("read %d notes of %d", len(read), len(ids))
	}
	for _, bad := range []string{"x", "e30", "eyJ0IjoiMDAwMS0wMS0wMVQwMDowMDowMFoifQ", strings.Repeat("A", maxCursor+1)} {
		if _, _, err := c.Notes(t.Context(), me, portal.HistoryQuery{Cursor: bad}); portal.Meaning(err) != portal.ErrInvalid {
			t.Errorf("the cursor %.20q: %v", bad, err)
		}
	}
}

// What is looked for narrows the list down, whether or not the server can search texts.
func TestNotesThatAreLookedFor(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	me := p.person("alice")
	began := at(t, "2026-02-01T08:00:00Z")
	writer := p.connector(t, nil)
	for i, x := range []struct{ with, text string }{{"bob", "the price list"}, {"carol", "the list of prices & Größen"}, {"bob", "lunch"}} {
		n := talk(t, x.text)
		n.Start = began.Add(time.Duration(i) * 24 * time.Hour)
		n.End = n.Start.Add(time.Minute)
		n.To = []portal.NoteParty{{Email: x.with + "@example.test"}}
		n.HTML = "<p>About " + strings.ReplaceAll(x.text, "&", "&amp;") + "</p>"
		if i == 2 {
			n.Stamp = "" // as another program writes it
		}
		if _, _, err := writer.WriteNote(t.Context(), me, n); err != nil {
			t.Fatal(err)
		}
	}
	for _, local := range []bool{false, true} {
		c := p.connector(t, nil)
		for _, x := range []struct {
			q    portal.HistoryQuery
			want string
		}{
			{portal.HistoryQuery{}, "3 2 1"},
			{portal.HistoryQuery{Peer: p.person("bob")}, "3 1"},
			{portal.HistoryQuery{Peer: p.person("dave")}, ""},
			{portal.HistoryQuery{Q: "LIST"}, "2 1"},
			{portal.HistoryQuery{Q: `price "list"`}, "2 1"},
			{portal.HistoryQuery{Q: `"price list"`}, "1"},
			{portal.HistoryQuery{Q: "größen"}, "2"},
			{portal.HistoryQuery{Q: "list", Peer: p.person("carol")}, "2"},
			{portal.HistoryQuery{From: began.Add(24 * time.Hour)}, "3 2"},
			{portal.HistoryQuery{To: began.Add(24 * time.Hour)}, "1"},
			{portal.HistoryQuery{From: began.Add(time.Hour), To: began.Add(30 * time.Hour), Limit: 1}, "2"},
			{portal.HistoryQuery{From: began.Add(30 * time.Second), To: began.Add(50 * time.Second)}, "1"},
			{portal.HistoryQuery{From: began.Add(2 * time.Minute), To: began.Add(time.Hour)}, ""},
		} {
			lift := func() {}
			if local && x.q.Q != "" {
				lift = p.fault(t, ewslab.Fault{Kind: ewslab.FaultError, Operation: "FindItem", Code: "ErrorUnsupportedPathForQuery", Count: 1})
			}
			var days []string
			for _, n := range notes(t, c, me, x.q) {
				days = append(days, fmt.Sprint(n.Start.Day()))
			}
			lift()
			if got := strings.Join(days, " "); got != x.want {
				t.Errorf("%+v, words here: %t: %q, want %q", x.q, local, got, x.want)
			}
		}
	}
}

// A server that does not let what was received be changed is given a new item in its place.
func TestANoteThatMayNotBeChanged(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	c := p.connector(t, nil)
	me := p.person("alice")
	n := talk(t, "fixed")
	id, key, err := c.WriteNote(t.Context(), me, n)
	if err != nil {
		t.Fatal(err)
	}
	n.ItemID, n.ChangeKey, n.Subject = id, key, "Longer"
	lift := p.fault(t, ewslab.Fault{Kind: ewslab.FaultError, Operation: "UpdateItem", Code: "ErrorInvalidPropertySet", Count: 1})
	again, _, err := c.WriteNote(t.Context(), me, n)
	lift()
	if err != nil || again != id {
		t.Fatalf("where some properties may not be changed: %q %v", again, err)
	}
	n.Subject = "Longest"
	lift = p.fault(t, ewslab.Fault{Kind: ewslab.FaultError, Operation: "UpdateItem", Code: "ErrorInvalidPropertySet"})
	again, _, err = c.WriteNote(t.Context(), me, n)
	lift()
	if err != nil || again == id {
		t.Fatalf("where nothing may be changed: %q %v", again, err)
	}
	if list := notes(t, c, me, portal.HistoryQuery{}); len(list) != 1 || list[0].ItemID != again || list[0].Subject != "Longest" {
		t.Errorf("listed: %+v", list)
	}
}

// Whatever becomes of a request or its answer: exactly one item, and it says what was said last.
func TestFaultsDoubleNoNote(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	c := p.connector(t, func(o *Options) { o.Servers[0].Timeout = impatience })
	look := p.connector(t, nil)
	me := p.person("alice")
	for _, kind := range []ewslab.FaultKind{ewslab.FaultBusy500, ewslab.FaultBusy200, ewslab.FaultDown, ewslab.FaultHalf, ewslab.FaultDrop, ewslab.FaultHTML, ewslab.FaultError} {
		t.Run(string(kind), func(t *testing.T) {
			n := talk(t, string(kind))
			fault := ewslab.Fault{Kind: kind, Operation: "CreateItem", Count: 2, BackOff: 50 * time.Millisecond}
			persist := func() {
				t.Helper()
				until(t, "the note gets through", func() bool {
					id, key, err := c.WriteNote(context.Background(), me, n)
					if err != nil && !errors.Is(err, portal.ErrUnavailable) {
						t.Fatalf("write: %v", err)
					}
					if err == nil {
						n.ItemID, n.ChangeKey = id, key
					}
					return err == nil
				})
			}
			lift := p.fault(t, fault)
			persist()
			lift()
			fault.Operation, n.Subject = "UpdateItem", "Then "+string(kind)
			lift = p.fault(t, fault)
			persist()
			lift()
			list := mine(t, notes(t, look, me, portal.HistoryQuery{}))
			if len(list) != 1 || list[0].Subject != n.Subject || list[0].ItemID != n.ItemID {
				t.Errorf("there are %d: %+v", len(list), list)
			}
		})
	}
}

// A first request that is carried out after its retry leaves one item: the retry looks once more.
func TestALateFirstRequestLeavesOneNote(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	c, late := p.connector(t, nil), p.connector(t, nil)
	me := p.person("alice")
	n := talk(t, "late")
	lift := p.fault(t, ewslab.Fault{Kind: ewslab.FaultDown, Operation: "CreateItem"})
	if _, _, err := c.WriteNote(t.Context(), me, n); portal.Meaning(err) != portal.ErrUnavailable {
		t.Fatalf("the server was away: %v", err)
	}
	lift()
	c.noted.doubt("alice@example.test", n.Stamp) // as after a connection that broke in the middle

	err := late.do(t.Context(), me, me, func(a *access) (err error) {
		return a.inHistory(t.Context(), true, func(folder soap.FolderRef) error {
			_, err = a.makeNote(t.Context(), folder, n)
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	var id soap.ItemID
	err = c.do(t.Context(), me, me, func(a *access) (err error) { // the search of the retry came before it
		return a.inHistory(t.Context(), true, func(folder soap.FolderRef) error {
			id, err = a.makeNote(t.Context(), folder, n)
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if list := notes(t, c, me, portal.HistoryQuery{}); len(list) != 1 || list[0].ItemID != id.ID {
		t.Errorf("there are %d of it", len(list))
	}
}

// Each with their own password, and with an account that acts as itself.
func TestNotesByEveryWayIn(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	me := p.person("alice")
	c := p.connector(t, func(o *Options) {
		o.Servers[0].Impersonate, o.Servers[0].Username, o.Servers[0].Password = false, "", ""
		o.Credentials = func(_ context.Context, who portal.Address) (string, string, error) { return who.Bare(), "portico", nil }
	})
	n := talk(t, "own")
	id, _, err := c.WriteNote(t.Context(), me, n)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.connector(t, nil).Note(t.Context(), me, id); err != nil || got.Stamp != n.Stamp {
		t.Errorf("%+v %v", got, err)
	}
	wrong := p.connector(t, func(o *Options) {
		o.Servers[0].Impersonate = false
		o.Credentials = func(_ context.Context, who portal.Address) (string, string, error) { return who.Bare(), "wrong", nil }
	})
	if _, _, err := wrong.WriteNote(t.Context(), me, n); portal.Meaning(err) != portal.ErrUnauthenticated {
		t.Errorf("a wrong password: %v", err)
	}
}
