package ews

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/app/ews/ewslab"
	"portico/app/portal"
)

// Servers that differ: what they are known to answer otherwise is put into the answers of the real one.

// rewriting passes requests on and changes answers.
type rewriting struct {
	next   http.RoundTripper
	mu     sync.Mutex
	change func(operation string, answer []byte) []byte
}

func (r *rewriting) RoundTrip(req *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.Body = io.NopCloser(bytes.NewReader(sent))
	resp, err := r.next.RoundTrip(req)
	if err != nil || bytes.Contains(sent, []byte("GetStreamingEvents")) {
		return resp, err
	}
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if err := resp.Body.Close(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.change != nil {
		got = r.change(string(sent), got)
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(got)), int64(len(got))
	resp.Header.Del("Content-Length")
	return resp, nil
}

func (r *rewriting) set(change func(operation string, answer []byte) []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.change = change
}

func differing(t *testing.T, more func(*Options)) (*peer, *Connector, *rewriting) {
	t.Helper()
	p := newPeer(t, func(*ewslab.Config) {})
	r := &rewriting{}
	c := p.connector(t, func(o *Options) {
		r.next = o.Servers[0].HTTP.Transport
		o.Servers[0].HTTP = &http.Client{Transport: r}
		if more != nil {
			more(o)
		}
	})
	return p, c, r
}

// One item that breaks the answer it is in, one that makes no sense, one that the server cannot give: the others are
// read, the broken ones are counted, tried again a few times and then left alone, until they change.
func TestBrokenItemsStopNobodyElse(t *testing.T) {
	var mu sync.Mutex
	var why []string
	p, c, r := differing(t, func(o *Options) {
		o.Skipped = func(w string) { mu.Lock(); defer mu.Unlock(); why = append(why, w) }
	})
	me := p.person("alice")
	_, state := all(t, c, me)
	outlook := p.connector(t, nil) // what this connector has written itself it would not read again
	for _, s := range []string{"Good 1", "Wrong markup", "Good 2", "No beginning", "Refused", "Good 3"} {
		book(t, outlook, me, s)
	}
	r.set(func(_ string, answer []byte) []byte {
		s := strings.ReplaceAll(string(answer), "Wrong markup", "Wrong </t:oops> markup")
		if at := strings.Index(s, "No beginning"); at >= 0 {
			if from := strings.Index(s[at:], "<t:Start>"); from >= 0 {
				to := strings.Index(s[at+from:], "</t:Start>")
				s = s[:at+from] + s[at+from+to+len("</t:Start>"):]
			}
		}
		if at := strings.Index(s, "Refused"); at >= 0 {
			from := strings.LastIndex(s[:at], "<m:GetItemResponseMessage ")
			end := "</m:GetItemResponseMessage>"
			to := strings.Index(s[at:], end)
			if from >= 0 && to >= 0 {
				s = s[:from] + `<m:GetItemResponseMessage ResponseClass="Error"><m:MessageText>x</m:MessageText><m:ResponseCode>ErrorCorruptData</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey><m:Items/>` + s[at+to:]
			}
		}
		return []byte(s)
	})
	d, err := c.Changes(t.Context(), me, me, state)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range d.Changed {
		got = append(got, e.Subject)
	}
	slices.Sort(got)
	if !slices.Equal(got, []string{"Good 1", "Good 2", "Good 3"}) {
		t.Errorf("read: %q", got)
	}
	slices.Sort(why)
	if !slices.Equal(why, []string{"server", "server", "time"}) {
		t.Errorf("skipped: %q", why)
	}
	for range parkedTries {
		before := d.State
		if d, err = c.Changes(t.Context(), me, me, d.State); err != nil || len(d.Changed) != 0 {
			t.Fatalf("%+v %v", d, err)
		}
		if d.State == before {
			t.Error("the tries are not counted")
		}
	}
	if s, _ := parseState(d.State); len(s.Parked) != 0 {
		t.Errorf("still parked: %v", s.Parked)
	}
	if len(why) != 3 {
		t.Errorf("counted again: %q", why)
	}
	// What can be understood after all is read while it is parked.
	r.set(nil)
	other := p.connector(t, nil)
	again, err := other.Changes(t.Context(), me, me, syncState{Sync: mustSync(t, d.State), Parked: map[string]int{"bm8gaXRlbQ==": 1}}.String())
	if err != nil || again.Reset {
		t.Errorf("a parked item that is no item: %+v %v", again, err)
	}
}

func mustSync(t *testing.T, state string) string {
	t.Helper()
	s, ok := parseState(state)
	if !ok {
		t.Fatalf("no state: %q", state)
	}
	return s.Sync
}

func TestParkedItemIsReadWhenItCanBe(t *testing.T) {
	p, c, r := differing(t, nil)
	me := p.person("alice")
	_, state := all(t, c, me)
	book(t, p.connector(t, nil), me, "Broken now")
	r.set(func(_ string, answer []byte) []byte {
		return bytes.ReplaceAll(answer, []byte("Broken now"), []byte("</t:oops>"))
	})
	d, err := c.Changes(t.Context(), me, me, state)
	if err != nil || len(d.Changed) != 0 {
		t.Fatalf("%+v %v", d, err)
	}
	r.set(nil)
	d, err = c.Changes(t.Context(), me, me, d.State)
	if err != nil || len(d.Changed) != 1 || d.Changed[0].Subject != "Broken now" {
		t.Errorf("%+v %v", d, err)
	}
}

// Nine digits of a second, dates with times, no zone: what servers other than Exchange send.
func TestServersThatWriteTimesOtherwise(t *testing.T) {
	p, c, r := differing(t, nil)
	me := p.person("alice")
	made, err := c.Create(t.Context(), me, me, series4(t, "Otherwise"), portal.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r.set(func(_ string, answer []byte) []byte {
		s := strings.ReplaceAll(string(answer), "T13:00:00Z<", "T13:00:00.123456789Z<")
		for _, name := range []string{"StartDate", "EndDate"} {
			s = strings.ReplaceAll(s, "</t:"+name+">", "T00:00:00.000000000Z</t:"+name+">")
			s = strings.ReplaceAll(s, "ZT00:00:00", "T00:00:00")
		}
		return []byte(s)
	})
	e, err := c.Entry(t.Context(), me, me, made.RemoteID)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(instants(t, e, 9), " ") != strings.Join(instants(t, made, 9), " ") || e.Recurrence != made.Recurrence {
		t.Errorf("%s %q", instants(t, e, 9), e.Recurrence)
	}
}

// A folder of somebody else that may be read and not synchronised is listed.
func TestServersThatDoNotSynchroniseAForeignFolder(t *testing.T) {
	for _, code := range []string{"ErrorSyncFolderNotFound", "ErrorInvalidOperation"} {
		t.Run(code, func(t *testing.T) {
			p := newPeer(t, func(*ewslab.Config) {})
			c := p.connector(t, nil)
			me := p.person("alice")
			p.fault(t, ewslab.Fault{Kind: ewslab.FaultError, Operation: "SyncFolderItems", Code: code})
			book(t, c, me, "One")
			got, state := all(t, c, me)
			if bySubject(got, "One") == nil {
				t.Fatal("it is not listed")
			}
			two := book(t, c, me, "Two")
			d, err := c.Changes(t.Context(), me, me, state)
			if err != nil || len(d.Changed) != 1 || d.Changed[0].RemoteID != two.RemoteID || d.Reset {
				t.Errorf("%+v %v", d, err)
			}
		})
	}
}

// Where a folder could not be synchronised once that is tried again after a while.
func TestServersThatSynchroniseAgain(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	c := p.connector(t, nil)
	me := p.person("alice")
	book(t, c, me, "One")
	d, err := c.Changes(t.Context(), me, me, syncState{Listing: true, Lists: maxLists - 1}.String())
	if err != nil || d.Reset || len(d.Changed) == 0 {
		t.Fatalf("%+v %v", d, err)
	}
	d, err = c.Changes(t.Context(), me, me, d.State)
	if s, ok := parseState(d.State); err != nil || !d.Reset || len(d.Changed) == 0 || !ok || s.Listing || s.Sync == "" {
		t.Errorf("%+v %v", d, err)
	}
}

// A folder that one may not see is told of as if it were not there.
func TestServersThatHideForeignFolders(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	c := p.connector(t, nil)
	p.fault(t, ewslab.Fault{Kind: ewslab.FaultError, Operation: "SyncFolderItems", Code: "ErrorFolderNotFound"})
	if _, err := c.Changes(t.Context(), p.person("alice"), p.person("bob"), ""); !errors.Is(err, portal.ErrForbidden) {
		t.Errorf("somebody else's: %v", err)
	}
	if _, err := c.Changes(t.Context(), p.person("bob"), p.person("bob"), ""); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("one's own: %v", err)
	}
}

// A server that says nothing of changed occurrences: that is noticed at the first one changed here, and from then on changes
// by others are found too.
func TestServersThatSayNothingOfOccurrences(t *testing.T) {
	now := at(t, "2026-03-20T10:00:00Z")
	p, c, r := differing(t, func(o *Options) { o.Now = func() time.Time { return now } })
	me := p.person("alice")
	made, err := c.Create(t.Context(), me, me, series4(t, "Quiet"), portal.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, state := all(t, c, me)
	other := p.connector(t, nil)
	loud, err := other.Update(t.Context(), me, me, made, portal.AppointmentChange{Scope: portal.ScopeOne, Occurrence: made.Start, Location: ptr("Hall")}, portal.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.Changes(t.Context(), me, me, state)
	if err != nil || len(d.Changed) != 1 || c.hosts[0].quiet.Load() {
		t.Fatalf("a server that says it: %+v %v", d, err)
	}
	r.set(func(sent string, answer []byte) []byte {
		if from, to := bytes.Index(answer, []byte("<m:Changes>")), bytes.Index(answer, []byte("</m:Changes>")); strings.Contains(sent, "SyncFolderItems") && from >= 0 && to >= 0 {
			return append(slices.Clone(answer[:from]), append([]byte("<m:Changes>"), answer[to:]...)...)
		}
		return answer
	})
	ours, err := c.Update(t.Context(), me, me, loud, portal.AppointmentChange{Scope: portal.ScopeOne, Occurrence: made.Start, Location: ptr("Room 2")}, portal.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if d, err = c.Changes(t.Context(), me, me, d.State); err != nil || len(d.Changed) != 1 || d.Changed[0].Exceptions[0].Location != "Room 2" || !c.hosts[0].quiet.Load() {
		t.Fatalf("our own: %+v %v", d, err)
	}
	if err := other.Delete(t.Context(), me, me, ours, at(t, "2026-03-30T12:00:00Z"), ""); err != nil {
		t.Fatal(err)
	}
	now = now.Add(compareEvery)
	if d, err = c.Changes(t.Context(), me, me, d.State); err != nil || len(d.Changed) != 1 || len(d.Changed[0].Deleted) != 1 {
		t.Fatalf("by others: %+v %v", d, err)
	}
	now = now.Add(compareEvery)
	if d, err = c.Changes(t.Context(), me, me, d.State); err != nil || len(d.Changed) != 0 {
		t.Errorf("nothing happened: %+v %v", d, err)
	}
}

// Operations that are missing are done without.
func TestServersThatLackOperations(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	c := p.connector(t, nil)
	me := p.person("alice")
	for _, op := range []string{"GetMailTips", "GetRoomLists", "FindPeople", "GetDelegate", "GetUserPhoto"} {
		p.fault(t, ewslab.Fault{Kind: ewslab.FaultError, Operation: op, Code: "ErrorInvalidRequest"})
	}
	if got, err := c.Tips(t.Context(), me, []string{p.email("bob")}); err != nil || len(got) != 0 {
		t.Errorf("tips: %v %v", got, err)
	}
	if got, err := c.Rooms(t.Context(), me); err != nil || len(got) != 0 {
		t.Errorf("rooms: %v %v", got, err)
	}
	if got, err := c.Resolve(t.Context(), me, "nobody of this name"); err != nil || len(got) != 0 {
		t.Errorf("people: %v %v", got, err)
	}
	if got, err := c.Delegates(t.Context(), me); err != nil || len(got) != 0 {
		t.Errorf("delegates: %v %v", got, err)
	}
	if _, _, err := c.Photo(t.Context(), me, p.email("bob")); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("photo: %v", err)
	}
}

// An Exchange 2010 does not know "working elsewhere" nor proposals.
func TestServersThatAreOlder(t *testing.T) {
	p := newPeer(t, func(cfg *ewslab.Config) { cfg.Schema = "Exchange2010_SP2" })
	c := p.connector(t, nil)
	alice, bob := p.person("alice"), p.person("bob")
	if _, err := c.Changes(t.Context(), alice, alice, ""); err != nil {
		t.Fatal(err)
	}
	a := meeting(t, "Older", who(p, "bob", ""))
	a.Show = portal.ShowElsewhere
	made, err := c.Create(t.Context(), alice, alice, a, portal.WriteOptions{Send: true})
	if err != nil {
		t.Fatal(err)
	}
	if made.Show != portal.ShowFree {
		t.Errorf("shows as %s", made.Show)
	}
	mine := entryIn(t, c, bob, "Older", nil)
	propose := portal.Proposal{Start: at(t, "2026-03-24T13:00:00Z"), End: at(t, "2026-03-24T14:00:00Z")}
	if err := c.Respond(t.Context(), bob, bob, mine, time.Time{}, portal.ResponseTentative, "Later?", propose, true); err != nil {
		t.Fatalf("answer: %v", err)
	}
	entryIn(t, c, alice, "Older", func(e portal.Entry) bool {
		return strings.HasPrefix(attendeeOf(e, p.email("bob")).Comment, "Later?")
	})
}

// Where no address is given Autodiscover names the server.
func TestServersThatAreFoundByAutodiscover(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	for _, path := range []string{"/autodiscover/autodiscover.xml", "/autodiscover/autodiscover.svc"} {
		c := p.connector(t, func(o *Options) {
			o.Servers[0].Autodiscover = []string{strings.TrimSuffix(p.lab.URL(), ewslab.Path) + path}
			o.Servers[0].URL = ""
		})
		me := p.person("alice")
		if _, err := c.Changes(t.Context(), me, me, ""); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	lost := p.connector(t, func(o *Options) {
		o.Servers[0].Autodiscover, o.Servers[0].URL = []string{"http://127.0.0.1:1/autodiscover/autodiscover.xml"}, ""
	})
	me := p.person("alice")
	if _, err := lost.Changes(t.Context(), me, me, ""); err == nil || portal.Meaning(err) == nil {
		t.Errorf("no Autodiscover: %v", err)
	}
}
