package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Every place where what is said could be kept or shown later, for somebody of whom policy lets nothing be kept and for
// somebody of whom it does, in sessions that are open while it is decided.

// keeper is such a place: kept tells whether somebody finds word there; forbidden says that they are told why not.
type keeper struct {
	name string
	kept func(c *client, word string) (kept, forbidden bool)
}

// answers is a keeper that is a call of the API.
func answers(path func(c *client, word string) string) func(c *client, word string) (kept, forbidden bool) {
	return func(c *client, word string) (bool, bool) {
		c.t.Helper()
		status, text := c.problem(http.MethodGet, path(c, word), nil)
		return status == http.StatusOK && strings.Contains(text, word), status == http.StatusForbidden && strings.Contains(text, "history.forbidden")
	}
}

// keepers are all of them.
func keepers(exchange *reader) []keeper {
	user := func(c *client) string { return strings.TrimSuffix(strings.TrimPrefix(c.who, "sip:"), "@example.test") }
	return []keeper{
		{"a transcript", func(c *client, word string) (kept, forbidden bool) {
			var page struct{ Episodes []episode }
			status := c.call(http.MethodGet, "/history?kind=im&peer="+person("carol"), nil, &page)
			for _, e := range page.Episodes {
				_, text := c.problem(http.MethodGet, "/history/"+e.ID, nil)
				kept = kept || strings.Contains(text, word)
			}
			opened, _ := c.problem(http.MethodGet, "/history/e1", nil)
			return kept, status == http.StatusForbidden && opened == http.StatusForbidden
		}},
		{"the search", answers(func(_ *client, word string) string { return "/history?q=" + word })},
		{"the export", answers(func(*client, string) string { return "/history/export?format=text" })},
		{"the search of rooms", answers(func(_ *client, word string) string { return "/rooms/team/search?q=" + word })},
		{"the page", func(c *client, word string) (bool, bool) {
			_, found := c.page("/history?q=" + word)
			return strings.Contains(found, word+"</mark>"), strings.Contains(found, "Your organisation has decided that conversations are not kept.")
		}},
		{"the mailbox", func(c *client, word string) (kept, forbidden bool) {
			for _, item := range exchange.conversations(user(c)) {
				kept = kept || strings.Contains(item.Text+item.Subject, word)
			}
			return kept, !kept
		}},
		{"the list of what was missed", func(c *client, word string) (kept, forbidden bool) {
			list, _ := c.calls()
			for _, missed := range list {
				kept = kept || strings.Contains(missed.Text, word)
			}
			return kept, !kept
		}},
	}
}

// stoodBefore is the round in which is looked for what was kept when it was allowed.
const stoodBefore = "what stood before"

func TestEveryKeeperObeysThePolicy(t *testing.T) {
	t.Parallel()
	x := exchangeOf(t, labMailboxes())
	e := exchangelib(t, x.URL())
	p := atOffice(t, x, "", "PORTICO_POLICY_ENABLE_AUTO_ARCHIVING=on")
	alice, bob, carol := p.signIn("alice"), p.signIn("bob"), p.signIn("carol")
	carol.makeRoom(map[string]any{"name": "team", "title": "Team", "open": true})
	for _, c := range []*client{alice, bob} {
		c.does(http.MethodPut, "/rooms/team/members/"+c.who, map[string]string{}, nil)
	}
	said := 0
	// says lets carol write to both, and the room, and waits until the one who may keep it has it everywhere.
	says := func(word string) {
		t.Helper()
		said++
		carol.does(http.MethodPost, "/rooms/team/messages", map[string]string{"id": fmt.Sprint("r", said), "text": word + " for all"}, nil)
		for _, user := range []string{"alice", "bob"} {
			carol.say(user, fmt.Sprint(user, said), word+" for "+user)
		}
		for _, c := range []*client{alice, bob} {
			await(t, longest, word+" at "+c.who, func() bool {
				for _, m := range c.messages("carol") {
					if strings.HasPrefix(m.Text, word) {
						return true
					}
				}
				return false
			})
		}
	}
	// stands checks every keeper, of the one who may keep it and of the other.
	stands := func(when, word string, forbidden, kept map[*client]bool) {
		t.Helper()
		for c, no := range forbidden {
			for _, k := range keepers(e) {
				if when == stoodBefore && k.name == "the mailbox" {
					continue // what was kept there when it was allowed is the mailbox's
				}
				if no {
					if there, told := k.kept(c, word); there || !told {
						t.Errorf("%s: %s of %s has it: %v, and says why not: %v", when, k.name, c.who, there, told)
					}
					continue
				}
				if !kept[c] {
					if there, _ := k.kept(c, word); there {
						t.Errorf("%s: %s of %s has what was said while nothing was to be kept", when, k.name, c.who)
					}
					continue
				}
				await(t, longest, when+": "+k.name+" of "+c.who, func() bool { there, _ := k.kept(c, word); return there })
			}
		}
	}
	alice.sets("DisableSavingIM", "on", "person", alice.who)
	says("quartz")
	stands("bob alone may", "quartz", map[*client]bool{bob: false, alice: true}, map[*client]bool{bob: true})
	if all := alice.messages("carol"); len(all) != 1 {
		t.Errorf("alice, whose conversation goes on, sees %d messages of it", len(all))
	}
	alice.sets("DisableSavingIM", "off", "person", alice.who)
	alice.sets("DisableSavingIM", "on", "person", bob.who)
	for _, c := range []*client{alice, bob} { // what comes now is an entry of its own
		if status := c.call(http.MethodPost, "/calls/seen", nil, nil); status != http.StatusNoContent {
			t.Fatalf("seen: status %d", status)
		}
	}
	says("granite")
	stands("alice alone may", "granite", map[*client]bool{bob: true, alice: false}, map[*client]bool{alice: true})
	stands(stoodBefore, "quartz", map[*client]bool{bob: true}, nil)
}
