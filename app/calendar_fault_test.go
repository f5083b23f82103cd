package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// An Exchange server that is busy, slow, away or loses its answers, and a portal that is killed while changes wait:
// nothing that was accepted is lost, and nothing is in a mailbox twice.

// booked is an appointment as the API tells it.
type booked struct {
	ID, Subject, Location, Version, Series string
	Start, End                             time.Time
	Response                               string
	Attendees                              []struct{ Email, Response, Comment string }
	Sync                                   struct{ State, Error string }
}

// appointments are somebody's between two times.
func (c *client) appointments(from, to time.Time) []booked {
	c.t.Helper()
	var out []booked
	query := url.Values{"from": {from.UTC().Format(time.RFC3339)}, "to": {to.UTC().Format(time.RFC3339)}}
	if status := c.call(http.MethodGet, "/appointments?"+query.Encode(), nil, &out); status != http.StatusOK {
		c.t.Fatalf("appointments of %s: status %d", c.who, status)
	}
	return out
}

// called are those of a day with a subject.
func (c *client) called(day time.Time, subject string) []booked {
	c.t.Helper()
	return slices.DeleteFunc(c.appointments(day, day.AddDate(0, 0, 1)), func(b booked) bool { return b.Subject != subject })
}

// books makes an appointment of an hour.
func (c *client) books(id, subject string, start time.Time, invite ...string) booked {
	c.t.Helper()
	in := map[string]any{"id": id, "subject": subject, "start": start, "end": start.Add(time.Hour), "time_zone": "Europe/Vienna"}
	var people []map[string]string
	for _, user := range invite {
		people = append(people, map[string]string{"uri": "sip:" + user + "@example.test"})
	}
	if people != nil {
		in["attendees"] = people
	}
	var out booked
	if status := c.call(http.MethodPost, "/appointments", in, &out); status != http.StatusCreated {
		c.t.Fatalf("book %s: status %d", subject, status)
	}
	return out
}

// sent waits until the server has everything of a day that somebody changed.
func (c *client) sent(day time.Time) {
	c.t.Helper()
	await(c.t, longest, "all changes of "+c.who+" at Exchange", func() bool {
		return !slices.ContainsFunc(c.appointments(day, day.AddDate(0, 0, 1)), func(b booked) bool { return b.Sync.State != "done" })
	})
}

// facingExchange starts a portal beside a lab of its own process.
func facingExchange(t testing.TB, more ...string) (l, p *program) {
	t.Helper()
	l, proxy := aside(t)
	environ := append([]string{"PORTICO_EWS_SERVER_0_NAME=lab", "PORTICO_EWS_SERVER_0_URL=" + l.exchange, "PORTICO_EWS_SERVER_0_USERNAME=" + labService,
		"PORTICO_EWS_SERVER_0_PASSWORD=" + labPassword}, more...)
	return l, facing(t, proxy, environ...)
}

func TestExchangeWithFaults(t *testing.T) {
	t.Parallel()
	l, p := facingExchange(t)
	day := dayAhead(t)
	kinds := []fault{
		{Kind: "busy503", Count: 2, BackOff: 100}, {Kind: "busy500", Count: 2, BackOff: 100}, {Kind: "busy200", Count: 2, BackOff: 100},
		{Kind: "slow", Count: 1, Delay: 1500}, {Kind: "down", Count: 2}, {Kind: "half", Count: 1}, {Kind: "drop", Count: 1}, {Kind: "html", Count: 1},
	}
	// Each kind strikes somebody else, who invites the next one.
	var people []*client
	var boxes []*mail
	for _, user := range []string{"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"} {
		people = append(people, p.signIn(user).loaded())
		boxes = append(boxes, outlook(t, l.exchange, user))
	}
	next := func(n int) int { return (n + 1) % len(people) }
	subject := func(n int) string { return "Through " + kinds[n].Kind }
	at := clock(day, 11, 0)
	id := func(n int) string { return fmt.Sprintf("through-%s-%04d", kinds[n].Kind, n) }
	// strike lets everybody do something at the same time while the faults strike whoever does the nth thing.
	strike := func(operation string, who func(int) int, method string, path func(int) string, in func(int) any) {
		t.Helper()
		for n, f := range kinds {
			f.Operation, f.Mailbox = operation, people[who(n)].user()
			goWrong(t, l.exchange, f)
		}
		var all sync.WaitGroup
		for n := range kinds {
			all.Go(func() {
				var got booked
				status, err := people[who(n)].try(method, path(n), in(n), &got)
				if err != nil || status >= 300 || got.Sync.State == "failed" {
					t.Errorf("%s %s: status %d, %v, %+v", kinds[n].Kind, path(n), status, err, got.Sync)
				}
			})
		}
		all.Wait()
		for n := range kinds {
			people[who(n)].sent(day)
		}
		if idle := goRight(t, l.exchange); len(idle) > 0 {
			t.Errorf("struck nothing: %q", idle)
		}
	}
	same := func(n int) int { return n }

	strike("CreateItem", same, http.MethodPost, func(int) string { return "/appointments" }, func(n int) any {
		return map[string]any{"id": id(n), "subject": subject(n), "start": at, "end": at.Add(time.Hour), "time_zone": "Europe/Vienna",
			"attendees": []map[string]string{{"uri": people[next(n)].who}}}
	})
	versions := make([]string, len(kinds))
	for n := range kinds {
		boxes[n].one(subject(n), nil)
		boxes[next(n)].one(subject(n), nil)
		versions[n] = people[n].called(day, subject(n))[0].Version
	}
	strike("UpdateItem", same, http.MethodPatch, func(n int) string { return "/appointments/" + id(n) }, func(n int) any {
		return map[string]any{"location": "Hall " + kinds[n].Kind, "version": versions[n]}
	})
	copies := make([]string, len(kinds))
	for n := range kinds {
		boxes[n].one(subject(n), func(i item) bool { return i.Location == "Hall "+kinds[n].Kind })
		await(t, longest, "the copy of "+subject(n), func() bool {
			found := people[next(n)].called(day, subject(n))
			if len(found) != 1 || found[0].Location != "Hall "+kinds[n].Kind {
				return false
			}
			copies[n] = found[0].ID
			return true
		})
	}
	// An answer is an item that is created in the mailbox of whoever answers.
	strike("CreateItem", next, http.MethodPost, func(n int) string { return "/appointments/" + copies[n] + "/response" }, func(n int) any {
		return map[string]string{"response": "accepted", "comment": "yes " + kinds[n].Kind}
	})
	for n, f := range kinds {
		await(t, longest, "the answer after "+f.Kind, func() bool {
			found := people[n].called(day, subject(n))
			return len(found) == 1 && len(found[0].Attendees) == 1 && found[0].Attendees[0].Response == "accepted" && found[0].Attendees[0].Comment == "yes "+f.Kind
		})
		for _, m := range []*mail{boxes[n], boxes[next(n)]} {
			if got := m.with(subject(n)); len(got) != 1 || !got[0].Start.Equal(at) {
				t.Errorf("%s has %d of %q: %+v", m.user, len(got), subject(n), got)
			}
		}
		if letters := boxes[n].letters("Accepted: " + subject(n)); letters != 1 {
			t.Errorf("%d answers to %q came", letters, subject(n))
		}
	}
}

// letters counts what of a subject has come into the inbox.
func (m *mail) letters(subject string) int {
	m.t.Helper()
	status, body := m.post(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>` +
		`<m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds></m:FindItem>`)
	if status != http.StatusOK {
		m.t.Fatalf("the inbox of %s: status %d: %s", m.user, status, body)
	}
	return strings.Count(string(body), "Subject>"+subject+"<")
}

// The portal is killed while changes wait for an Exchange server that is away or that drops what it has done, and
// started again: each change arrives once, and in order.
func TestPortalKilledWhileChangesWait(t *testing.T) {
	t.Parallel()
	l, p := facingExchange(t)
	day := dayAhead(t)
	alice := p.signIn("alice").loaded()
	mine, theirs := outlook(t, l.exchange, "alice"), outlook(t, l.exchange, "bob")
	kept := alice.books("kept-from-before", "Kept", clock(day, 8, 0), "bob")
	gone := alice.books("gone-from-before", "Gone", clock(day, 9, 0))
	alice.sent(day)
	rounds := []fault{{Kind: "down"}, {Kind: "drop"}, {Kind: "half"}, {Kind: "busy500", BackOff: 100}}
	for n, f := range rounds {
		goWrong(t, l.exchange, f)
		subject := fmt.Sprintf("Round %d", n)
		answered := make(chan error, 3)
		ask := func(method, path string, in any) {
			go func() {
				status, err := alice.try(method, path, in, nil)
				if err == nil && status >= 300 {
					err = fmt.Errorf("%s %s: status %d", method, path, status)
				}
				answered <- err
			}()
		}
		start := clock(day, 10+n, 0)
		var now booked
		if status := alice.call(http.MethodGet, "/appointments/"+kept.ID, nil, &now); status != http.StatusOK {
			t.Fatalf("read: status %d", status)
		}
		ask(http.MethodPost, "/appointments", map[string]any{"id": fmt.Sprintf("round-%d-made-here", n), "subject": subject, "start": start, "end": start.Add(time.Hour), "time_zone": "Europe/Vienna",
			"attendees": []map[string]string{{"uri": "sip:bob@example.test"}}})
		ask(http.MethodPatch, "/appointments/"+kept.ID, map[string]any{"location": subject, "version": now.Version})
		asked := 2
		if n == 0 {
			ask(http.MethodDelete, "/appointments/"+gone.ID, nil)
			asked++
		}
		// What the API shows is stored: from then on the portal may die.
		await(t, longest, "all of it accepted in "+subject, func() bool {
			moved := alice.called(day, "Kept")
			return len(alice.called(day, subject)) == 1 && len(moved) == 1 && moved[0].Location == subject && len(alice.called(day, "Gone")) == 0
		})
		p.kill()
		for range asked {
			<-answered // an answer, or the portal's end
		}
		goRight(t, l.exchange)
		p = p.again()
		alice.sent(day)
		mine.one(subject, nil)
		mine.one("Kept", func(i item) bool { return i.Location == subject })
		theirs.one(subject, nil)
	}
	if n := len(mine.with("Gone")); n != 0 {
		t.Errorf("what was deleted is there %d times", n)
	}
	for n := range rounds {
		subject := fmt.Sprintf("Round %d", n)
		if a, b := len(mine.with(subject)), len(theirs.with(subject)); a != 1 || b != 1 {
			t.Errorf("%s is there %d and %d times", subject, a, b)
		}
		if n := theirs.letters(subject); n != 1 {
			t.Errorf("bob got %d invitations to %s", n, subject)
		}
	}
	if got := mine.with("Kept"); len(got) != 1 || got[0].Location != "Round 3" {
		t.Errorf("kept: %+v", got)
	}
}

// Each person's mailbox is opened with their own password, by Basic and by NTLM.
func TestMailboxesWithOwnPasswords(t *testing.T) {
	t.Parallel()
	for _, auth := range []string{"basic", "ntlm"} {
		t.Run(auth, func(t *testing.T) {
			l, proxy := aside(t)
			p := facing(t, proxy, "PORTICO_EWS_SERVER_0_NAME=lab", "PORTICO_EWS_SERVER_0_URL="+l.exchange, "PORTICO_EWS_SERVER_0_AUTH="+auth, "PORTICO_EWS_SERVER_0_IMPERSONATE=false")
			day := dayAhead(t)
			alice, bob := p.signIn("alice").loaded(), p.signIn("bob").loaded()
			ears := []*ear{alice.ear(), bob.ear()}
			alice.books("with-own-password", "With my own password", clock(day, 10, 0), "bob")
			alice.sent(day)
			ears[1].until("bob's invitation", func(f frame) bool { return f.Event == "calendar" && f.Change == "created" })
			got := bob.called(day, "With my own password")
			if len(got) != 1 {
				t.Fatalf("bob has %+v", got)
			}
			if status := bob.call(http.MethodPost, "/appointments/"+got[0].ID+"/response", map[string]string{"response": "tentative", "comment": "perhaps"}, nil); status != http.StatusOK {
				t.Fatalf("answer: status %d", status)
			}
			ears[0].until("the answer", func(f frame) bool { return f.Event == "responses" && f.Response == "tentative" })
			outlook(t, l.exchange, "alice").create("From elsewhere", clock(day, 12, 0), clock(day, 13, 0), "", "")
			await(t, longest, "what another client made", func() bool { return len(alice.called(day, "From elsewhere")) == 1 })
			// A restart needs nobody's password again.
			p.kill()
			p = p.again()
			outlook(t, l.exchange, "alice").create("After the restart", clock(day, 14, 0), clock(day, 15, 0), "", "")
			await(t, longest, "what was made after the restart", func() bool { return len(alice.called(day, "After the restart")) == 1 })
			alice.books("made-after-restart", "Made after the restart", clock(day, 16, 0))
			alice.sent(day)
			outlook(t, l.exchange, "alice").one("Made after the restart", nil)
			if strings.Contains(p.logged(), labPassword+" ") || strings.Contains(p.logged(), "password="+labPassword) {
				t.Error("a password is in the log")
			}
		})
	}
}
