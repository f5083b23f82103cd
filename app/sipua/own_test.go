package sipua_test

// A person's own calls and voice mail, from a server that knows of them, forgets them, or will not say.

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"portico/app/portal"
	"portico/app/sipua"
)

func watchingOwn(c *sipua.Config) { c.Dialogs, c.MessageSummary = true, true }

// subscribesTo matches the SUBSCRIBE to a package.
func subscribesTo(event string) func(packet) bool {
	return func(p packet) bool { return subscribes(p) && p.get("Event") == event }
}

// silent answers own subscriptions without a NOTIFY, which the test sends itself.
func silent(c *fakeConn, p packet) bool {
	if p.method() != "SUBSCRIBE" || p.get("Event") == "presence" {
		return false
	}
	c.answer(p, 200, "Expires: "+p.get("Expires"), "Contact: <sip:pa@example.test;transport=tcp>")
	return true
}

func dialogInfo(version int, state, dialogs string) string {
	return fmt.Sprintf(`<?xml version="1.0"?><dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="%d" state="%s" entity="sip:alice@example.test">%s</dialog-info>`, version, state, dialogs)
}

func dialogOf(id, direction, state string) string {
	return fmt.Sprintf(`<dialog id="%s" call-id="%s@x" direction="%s"><state>%s</state><remote><identity display="Bob">sip:bob@example.test</identity></remote></dialog>`, id, id, direction, state)
}

const (
	dialogType  = "Content-Type: application/dialog-info+xml"
	summaryType = "Content-Type: application/simple-message-summary"
)

// dialogsOf is every word told of alice's calls: ids and states.
func (h *house) dialogsOf() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []string
	for _, ds := range h.dialogs[alice] {
		var one []string
		for _, d := range ds {
			one = append(one, d.ID+":"+string(d.State))
		}
		all = append(all, strings.Join(one, ","))
	}
	return all
}

func (h *house) awaitDialogs(t *testing.T, want ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("the words %q (told: %q)", want, h.dialogsOf()), func() bool { return len(h.dialogsOf()) >= len(want) })
	if got := h.dialogsOf(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

func (h *house) awaitWaiting(t *testing.T, want ...portal.Waiting) {
	t.Helper()
	h.await(t, "voice mail", func() bool { return len(h.waiting[alice]) >= len(want) })
	h.mu.Lock()
	defer h.mu.Unlock()
	if got := h.waiting[alice]; !slices.Equal(got, want) {
		t.Errorf("told %+v, want %+v", got, want)
	}
}

func TestOwnCallsAreWatched(t *testing.T) {
	f, h, _ := scripted(t, watchingOwn)
	f.setHandle(silent)
	sub := f.awaitSeen("SUBSCRIBE", subscribesTo("dialog"))
	if sub.uri() != string(alice) || sub.get("Accept") != "application/dialog-info+xml" {
		t.Errorf("asked %s for %q", sub.uri(), sub.get("Accept"))
	}
	c := f.on()
	notify := func(cseq int, body string) {
		c.notify(sub, cseq, "active;expires=600", body, dialogType)
	}
	notify(10, dialogInfo(1, "full", "")) // the first word of a line is told, also that nobody talks
	notify(11, dialogInfo(2, "full", dialogOf("a", "recipient", "early")))
	h.awaitDialogs(t, "", "a:early")
	notify(12, dialogInfo(3, "partial", dialogOf("b", "initiator", "trying")))
	h.awaitDialogs(t, "", "a:early", "a:early,b:trying")
	notify(13, dialogInfo(4, "full", dialogOf("a", "recipient", "confirmed")+dialogOf("c", "recipient", "terminated")))
	h.awaitDialogs(t, "", "a:early", "a:early,b:trying", "a:confirmed")
	h.mu.Lock()
	d := h.dialogs[alice][3][0]
	h.mu.Unlock()
	if want := (portal.Dialog{ID: "a", CallID: "a@x", State: portal.DialogConfirmed, Remote: bob, Name: "Bob"}); d != want {
		t.Errorf("%+v", d)
	}
	notify(14, dialogInfo(4, "full", ""))                                         // repeated
	notify(15, "<dialog-info")                                                    // broken
	notify(16, dialogInfo(7, "partial", dialogOf("d", "recipient", "confirmed"))) // something was lost: asked anew
	h.awaitDialogs(t, "", "a:early", "a:early,b:trying", "a:confirmed", "a:confirmed,d:confirmed")
	f.awaitSeen("a refresh", func(p packet) bool { return subscribesTo("dialog")(p) && strings.Contains(p.get("To"), "tag=") })
	notify(17, "") // the server has forgotten everything: nobody talks
	h.awaitDialogs(t, "", "a:early", "a:early,b:trying", "a:confirmed", "a:confirmed,d:confirmed", "")
}

// TestTwoWordsUnderOneNumber: a server whose processes say two things at once under one number is asked, once, which of them holds;
// what it says then is what counts.
func TestTwoWordsUnderOneNumber(t *testing.T) {
	f, h, _ := scripted(t, watchingOwn)
	f.setHandle(silent)
	sub := f.awaitSeen("SUBSCRIBE", subscribesTo("dialog"))
	refreshes := func(p packet) bool { return subscribesTo("dialog")(p) && strings.Contains(p.get("To"), "tag=") }
	notify := func(cseq int, body string) { f.on().notify(sub, cseq, "active;expires=600", body, dialogType) }
	early, confirmed := dialogOf("a", "recipient", "early"), dialogOf("a", "recipient", "confirmed")
	notify(10, dialogInfo(1, "full", early))
	for range 3 {
		notify(10, dialogInfo(1, "full", confirmed))
	}
	h.awaitDialogs(t, "a:early")
	f.awaitSeen("a refresh", refreshes)
	notify(11, dialogInfo(2, "full", confirmed))
	h.awaitDialogs(t, "a:early", "a:confirmed")
	if n := f.count(refreshes); n != 1 {
		t.Errorf("asked %d times", n)
	}
	notify(9, dialogInfo(1, "full", early)) // overtaken: it may be the newer one too
	eventually(t, "another refresh", func() bool { return f.count(refreshes) == 2 })
	notify(12, dialogInfo(3, "full", ""))
	h.awaitDialogs(t, "a:early", "a:confirmed", "")
}

func TestVoiceMailIsWatched(t *testing.T) {
	f, h, _ := scripted(t, watchingOwn)
	f.setHandle(silent)
	sub := f.awaitSeen("SUBSCRIBE", subscribesTo("message-summary"))
	c := f.on()
	notify := func(cseq int, body string) { c.notify(sub, cseq, "active;expires=600", body, summaryType) }
	notify(10, "")
	notify(11, "Messages-Waiting: yes\r\nMessage-Account: sip:vm@example.test\r\nVoice-Message: 2/8 (1/0)\r\n")
	some := portal.Waiting{Known: true, Any: true, New: 2, Old: 8, Urgent: 1, Account: "sip:vm@example.test"}
	h.awaitWaiting(t, some)
	notify(12, "Voice-Message: x") // broken: the last word holds
	notify(13, "Messages-Waiting: no\r\nVoice-Message: 0/10\r\n")
	none := portal.Waiting{Known: true, Old: 10}
	h.awaitWaiting(t, some, none)
	notify(14, "")
	h.awaitWaiting(t, some, none, portal.Waiting{})
}

func TestWhatTheServerWillNotTellIsNotAskedAgain(t *testing.T) {
	for _, status := range []int{489, 405, 403} {
		f, h := newFake(t, func(c *fakeConn, p packet) bool {
			if p.method() == "SUBSCRIBE" && p.get("Event") != "presence" {
				c.answer(p, status)
				return true
			}
			return false
		}), newHouse()
		cfg := f.config()
		watchingOwn(&cfg)
		a := start(t, cfg, h)
		signIn(t, a, alice)
		f.awaitSeen("dialog", subscribesTo("dialog"))
		f.awaitSeen("message-summary", subscribesTo("message-summary"))
		a.Watch(alice, []portal.Address{bob})
		h.awaitAvailability(t, alice, bob, portal.Available)
		if n := f.count(func(p packet) bool { return p.method() == "SUBSCRIBE" && p.get("Event") != "presence" }); n != 2 {
			t.Errorf("%d: asked %d times, want once for each", status, n)
		}
		h.awaitDialogs(t, "") // nothing is known: whatever was said on a line before does not hold
	}
}

// Without being told to, nobody's own state is asked for: most servers would refuse it for everybody.
func TestOwnStateIsAskedForOnlyWhereConfigured(t *testing.T) {
	f, h, a := scripted(t)
	a.Watch(alice, []portal.Address{bob})
	h.awaitAvailability(t, alice, bob, portal.Available)
	if n := f.count(func(p packet) bool { return p.method() == "SUBSCRIBE" && p.get("Event") != "presence" }); n != 0 {
		t.Errorf("asked %d times", n)
	}
}

func TestOwnStateIsUnknownWhileTheServerIsAway(t *testing.T) {
	f, h, _ := scripted(t, watchingOwn)
	talk := func(c *fakeConn, p packet) bool {
		if !silent(c, p) {
			return false
		}
		if p.get("Event") == "dialog" {
			c.notify(p, 20+f.count(subscribesTo("dialog")), "active;expires=600", dialogInfo(f.count(subscribesTo("dialog")), "full", dialogOf("a", "recipient", "confirmed")), dialogType)
		} else {
			c.notify(p, 20+f.count(subscribesTo("message-summary")), "active;expires=600", "Messages-Waiting: yes\r\n", summaryType)
		}
		return true
	}
	f.setHandle(talk)
	f.cut() // what was asked before is asked again
	some := portal.Waiting{Known: true, Any: true}
	eventually(t, "alice talks", func() bool { d := h.dialogsOf(); return len(d) > 0 && d[len(d)-1] == "a:confirmed" })
	h.await(t, "voice mail", func() bool { w := h.waiting[alice]; return len(w) > 0 && w[len(w)-1] == some })
	before := len(h.dialogsOf())
	f.setHandle(func(c *fakeConn, p packet) bool { return true }) // away: nothing is answered
	f.cut()
	eventually(t, "not known whether she does", func() bool { d := h.dialogsOf(); return len(d) > before && d[len(d)-1] == "" })
	h.await(t, "voice mail unknown", func() bool { w := h.waiting[alice]; return !w[len(w)-1].Known })
	f.setHandle(talk)
	f.cut()
	eventually(t, "alice still talks", func() bool { d := h.dialogsOf(); return d[len(d)-1] == "a:confirmed" })
	h.await(t, "voice mail again", func() bool { w := h.waiting[alice]; return w[len(w)-1] == some })
}

// A call that was declined here at once, and is in a confirmed dialog of the person's later: another device has it.
func TestADialogShowsThatACallWasTaken(t *testing.T) {
	f, h, _ := scripted(t, watchingOwn)
	f.setHandle(silent)
	sub := f.awaitSeen("SUBSCRIBE", subscribesTo("dialog"))
	c := f.on()
	f.final(c.ring("a@x"), "INVITE")
	if r := h.awaitRings(t, 1)[0]; r.Taken {
		t.Errorf("%+v", r)
	}
	c.notify(sub, 10, "active;expires=600", dialogInfo(1, "full", dialogOf("a", "recipient", "early")), dialogType)
	c.notify(sub, 11, "active;expires=600", dialogInfo(2, "full", dialogOf("a", "recipient", "confirmed")+dialogOf("b", "recipient", "confirmed")), dialogType)
	if r := h.awaitRings(t, 2)[1]; !r.Taken || r.CallID != "a@x" || r.From != bob {
		t.Errorf("%+v", r)
	}
	c.notify(sub, 12, "active;expires=600", dialogInfo(3, "full", dialogOf("a", "recipient", "confirmed")), dialogType)
	h.awaitDialogs(t, "a:early", "a:confirmed,b:confirmed", "a:confirmed")
	h.awaitRings(t, 2)
}
