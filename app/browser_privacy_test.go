package main

import (
	"net/http"
	"net/url"
	"testing"
)

// eachSeesTheirOwn: two people with different relationships look at a third at the same time, in the list and on the card, and
// what each sees changes before their eyes when the third changes her mind.
func eachSeesTheirOwn(t *testing.T, d *desk) {
	p := d.portal("PORTICO_PRESENCE_GRACE=500ms")
	const note = "Back at four"
	alice := p.signIn("alice")
	alice.live(-1)
	alice.gives("bob", "team")
	alice.gives("carol", "public")
	alice.does(http.MethodPut, "/me/presence", map[string]string{"availability": "busy", "note": note}, nil)
	card := "/contacts/" + url.PathEscape(alice.who)
	bob, carol := d.visitor(p).signIn("bob", card).live(), d.visitor(p).signIn("carol", card).live()
	list := bob.another().show("/contacts").live()
	sees := func(b *tab, what string, word string, noted bool) {
		t.Helper()
		b.until(what, `(() => {
		  const text = (part) => [...document.querySelectorAll("[data-live='" + part + ":`+alice.who+`']")].map((e) => e.textContent).join(" ");
		  const all = text("status") + text("details") + text("word");
		  return all.includes("`+word+`") && all.includes("`+note+`") === `+map[bool]string{true: "true", false: "false"}[noted]+`;
		})()`)
	}
	sees(bob, "the card with the note", "Busy", true)
	sees(list, "the list with the note", "Busy", true)
	sees(carol, "the card without the note", "Busy", false)

	alice.gives("bob", "blocked")
	alice.gives("carol", "team")
	sees(bob, "the card of somebody offline", "Offline", false)
	sees(list, "the list with somebody offline", "Offline", false)
	sees(carol, "the card with the note", "Busy", true)

	alice.gives("bob", "public")
	sees(bob, "the card without the note", "Busy", false)
	sees(list, "the list without the note", "Busy", false)
}
