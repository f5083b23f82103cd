package main

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// The hands and eyes of a test: elements are found as assistive technology finds them, by role and
// accessible name, and used with mouse and keys.

var errNotThere = errors.New("not there")

// find gives the elements that have a role and a name; a name that ends in "…" is a beginning.
func (b *tab) find(role, name string) ([]cdp.BackendNodeID, error) {
	document, err := chromedp.Run(b.ctx, chromedp.Evaluate[*runtime.RemoteObject](`document`))
	if err != nil {
		return nil, err
	}
	beginning, partial := strings.CutSuffix(name, "…")
	query := accessibility.QueryAXTreeParams{ObjectID: document.ObjectID, Role: role}
	if !partial {
		query.AccessibleName = name
	}
	got, err := chromedp.Call(b.ctx, accessibility.QueryAXTree, query)
	if err != nil {
		return nil, err
	}
	var out []cdp.BackendNodeID
	for _, n := range got.Nodes {
		if n.Ignored || partial && !strings.HasPrefix(value(n.Name), beginning) {
			continue
		}
		out = append(out, n.BackendDOMNodeID)
	}
	return out, nil
}

func value(v *accessibility.Value) string {
	var s string
	if v == nil || json.Unmarshal(v.Value, &s) != nil {
		return ""
	}
	return s
}

// element waits for the first element with this role and name.
func (b *tab) element(role, name string) cdp.BackendNodeID {
	b.t.Helper()
	var found cdp.BackendNodeID
	b.wait(role+" "+name, func() (bool, error) {
		all, err := b.find(role, name)
		if err != nil || len(all) == 0 {
			return false, err
		}
		found = all[0]
		return true, nil
	})
	return found
}

// gone waits until no element has this role and name.
func (b *tab) gone(role, name string) {
	b.t.Helper()
	b.wait("no "+role+" "+name, func() (bool, error) {
		all, err := b.find(role, name)
		return len(all) == 0, err
	})
}

// click presses the mouse in the middle of an element.
func (b *tab) click(role, name string) {
	b.t.Helper()
	b.wait("a click on "+role+" "+name, func() (bool, error) {
		all, err := b.find(role, name)
		if err != nil || len(all) == 0 {
			return false, errors.Join(errNotThere, err)
		}
		if _, err := chromedp.Call(b.ctx, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: all[0]}); err != nil {
			return false, err
		}
		got, err := chromedp.Call(b.ctx, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: all[0]})
		if err != nil || len(got.Quads) == 0 {
			return false, errors.Join(errNotThere, err)
		}
		q := got.Quads[0]
		return true, chromedp.Do(b.ctx, chromedp.MouseClickXY((q[0]+q[4])/2, (q[1]+q[5])/2))
	})
}

// write replaces what a field holds.
func (b *tab) write(role, name, text string) {
	b.t.Helper()
	field := b.element(role, name)
	call(b, dom.Focus, dom.FocusParams{BackendNodeID: field})
	b.run(`document.activeElement.select()`)
	if text == "" {
		b.keys("\b")
		return
	}
	call(b, input.InsertText, input.InsertTextParams{Text: text})
}

// keys presses keys, one after the other.
func (b *tab) keys(keys string, options ...chromedp.KeyOption) {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, chromedp.KeyEvent(keys, options...)))
}

// enter presses the Enter key. The key's character is part of it, so that a page can keep it from the field.
func (b *tab) enter() {
	b.t.Helper()
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		e := input.DispatchKeyEventParams{Type: kind, Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13}
		if kind == input.DispatchKeyEventTypeKeyDown {
			e.Text, e.UnmodifiedText = "\r", "\r"
		}
		call(b, input.DispatchKeyEvent, e)
	}
}

// signIn signs a lab person in by the form, as people do.
func (b *tab) signIn(user, next string) *tab {
	b.t.Helper()
	b.show("/signin?next=" + url.QueryEscape(next))
	b.write("textbox", "SIP address", user+"@example.test")
	b.write("textbox", "Password", labPassword)
	b.click("button", "Sign in")
	b.element("navigation", "Main")
	return b
}

// with is the path of the conversation with somebody.
func with(user string) string { return "/chat/" + person(user) }

// say writes a message and sends it with the Enter key.
func (b *tab) say(text string) {
	b.t.Helper()
	b.write("textbox", "Message", text)
	b.enter()
	b.until("an empty composer", `document.getElementById("text").value === ""`)
}

// quoted is a string as JavaScript writes it.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string can always be written
	}
	return string(b)
}

// shows waits for a message in the open conversation; mine tells from whom.
func (b *tab) shows(text string, mine bool) {
	b.t.Helper()
	b.until("the message "+text, `document.querySelectorAll(".msg").values().some((m) => m.classList.contains("mine") === `+
		map[bool]string{true: "true", false: "false"}[mine]+` && m.querySelector(".text").textContent === `+quoted(text)+`)`)
}

// becomes waits until an own message has got so far.
func (b *tab) becomes(text, state string) {
	b.t.Helper()
	b.until(text+" "+state, `document.querySelectorAll(".msg.mine").values().some((m) => m.querySelector(".text").textContent === `+quoted(text)+
		` && m.querySelector(".state").textContent.trim() === `+quoted(state)+`)`)
}

// texts is what the open conversation holds, in order.
func (b *tab) texts() []string {
	b.t.Helper()
	return eval[[]string](b, `[...document.querySelectorAll("#log .msg .text")].map((e) => e.textContent)`)
}

// peerIs waits until the open conversation's header says what the other person is.
func (b *tab) peerIs(word string) {
	b.t.Helper()
	b.until("the other one "+word, `document.querySelector(".peer .presence-word")?.textContent === `+quoted(word))
}
