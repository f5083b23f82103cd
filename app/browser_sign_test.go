package main

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"portico/app/sipua/siptest"
)

func wrongAtSignIn(t *testing.T, d *desk) {
	p := d.portal()
	b := d.visitor(p).expects("400", "401", "429", "503").show("/signin")
	try := func(address, password, sentence string) {
		t.Helper()
		b.write("textbox", "SIP address", address)
		b.write("textbox", "Password", password)
		b.run(`document.body.dataset.old = "yes"`)
		b.click("button", "Sign in")
		b.until("the sentence "+sentence, `!document.body.dataset.old && document.querySelector("[role=alert]")?.textContent.includes(`+quoted(sentence)+`)`)
		if got := eval[string](b, `document.getElementById("address").value`); got != address {
			t.Errorf("the address became %q", got)
		}
		if got := eval[string](b, `document.getElementById("password").value`); got != "" {
			t.Errorf("the password came back")
		}
	}
	try("alice@example.test", "wrong", "The SIP address or the password is wrong.")
	try("nobody@example.test", "wrong", "The SIP address or the password is wrong.")
	try("no address", "wrong", "That is not a SIP address. It looks like name@example.com.")
	if got := eval[string](b, `document.activeElement.id`); got != "password" {
		t.Errorf("after a wrong sign-in %q has the focus", got)
	}
	locked := false
	for i := 0; i < 20 && !locked; i++ {
		b.write("textbox", "SIP address", "bob@example.test")
		b.write("textbox", "Password", "wrong")
		b.run(`document.body.dataset.old = "yes"`)
		b.click("button", "Sign in")
		b.until("an answer", `!document.body.dataset.old && document.querySelector("[role=alert]") !== null`)
		locked = strings.Contains(eval[string](b, `document.querySelector("[role=alert]").textContent`), "There were too many tries. Try again in ")
	}
	if !locked {
		t.Error("twenty wrong passwords and no end")
	}
	b.signIn("alice", "/contacts") // others are not locked out

	nowhere, dir := siptest.FreeAddr(t), t.TempDir()
	conf := file(t, dir, "away.toml", "[http]\nlisten = \"127.0.0.1:0\"\n[sip]\nproxy = \"sip:"+nowhere+";transport=tcp\"\n")
	b = d.visitor(command(t, dir, nil, "serve", "--config", conf)).expects("503").show("/signin")
	try("alice@example.test", labPassword, "The SIP server does not answer")
	b.speaks("de").show("/signin")
	b.write("textbox", "SIP-Adresse", "alice@example.test")
	b.write("textbox", "Kennwort", labPassword)
	b.click("button", "Anmelden")
	b.until("the sentence in German", `document.querySelector("[role=alert]")?.textContent.includes("SIP-Server")`)
}

func withoutScript(t *testing.T, d *desk) {
	p := d.portal()
	bob := p.signIn("bob")
	bob.live(-1)
	b := d.visitor(p)
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.signIn("alice", "/contacts")
	await(t, patience, "alice to be seen", func() bool { return bob.availability("alice") == "available" })
	bob.say("alice", "b1", "are you there, without script?")
	await(t, patience, "it delivered", func() bool { return bob.state("alice", "b1") == "delivered" })

	b.click("link", "Chats")
	b.click("link", "Bob…")
	b.shows("are you there, without script?", false)
	b.click("button", "Mark 1 message as read")
	await(t, patience, "it read", func() bool { return bob.state("alice", "b1") == "read" })
	b.gone("button", "Mark 1 message as read")
	b.write("textbox", "Message", "Yes, I am\nover two lines")
	b.click("button", "Send")
	b.shows("Yes, I am\nover two lines", true)
	b.until("an empty composer", `document.getElementById("text").value === ""`)
	b.show(with("bob")).shows("Yes, I am\nover two lines", true)
	if got := b.texts(); len(got) != 2 {
		t.Errorf("the page holds %q", got)
	}

	b.click("button", "My status")
	b.click("button", "Busy")
	b.until("own presence", `document.querySelector(".me .presence-word")?.textContent === "Busy"`)
	await(t, patience, "alice busy", func() bool { return bob.availability("alice") == "busy" })
	b.click("button", "My status")
	b.write("textbox", "Note", "on the phone <b>all day</b>")
	b.click("button", "Save")
	b.until("the note", `document.querySelector(".me .note")?.textContent === "on the phone <b>all day</b>"`)

	b.click("link", "Contacts")
	b.click("link", "About Carol Conti")
	b.click("button", "Remove from contacts")
	b.gone("listitem", "Carol Conti…")
	b.write("searchbox", "Find a person", "carol")
	b.enter()
	b.click("button", "Add Carol Conti to contacts")
	b.element("listitem", "Carol Conti…")
	b.click("button", "Sign out")
	b.element("button", "Sign in")
	b.show("/contacts").element("button", "Sign in")
}

// focused is the element that has the focus, as assistive technology names it; it must be seen to have it.
func (b *tab) focused() (role, name string) {
	b.t.Helper()
	active := eval[*runtime.RemoteObject](b, `document.activeElement`)
	got := call(b, accessibility.GetPartialAXTree, accessibility.GetPartialAXTreeParams{ObjectID: active.ObjectID, FetchRelatives: new(bool)})
	if len(got.Nodes) == 0 {
		return "", ""
	}
	role, name = value(got.Nodes[0].Role), value(got.Nodes[0].Name)
	if !eval[bool](b, `(() => {
	  const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();
	  if (e === document.body || e.matches("main")) return true;
	  return e.matches(":focus-visible") && s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 && r.width > 0 && r.height > 0
	    && r.right > 0 && r.bottom > 0 && r.left < innerWidth && r.top < innerHeight;
	})()`) {
		b.t.Errorf("%s %q has the focus and does not show it", role, name)
	}
	return role, name
}

// tabTo presses Tab until an element has the focus; a name that ends in "…" is a beginning.
func (b *tab) tabTo(role, name string, options ...chromedp.KeyOption) {
	b.t.Helper()
	beginning, partial := strings.CutSuffix(name, "…")
	var passed []string
	for range 120 {
		b.keys("\t", options...)
		r, n := b.focused()
		if r == role && (n == name || partial && strings.HasPrefix(n, beginning)) {
			return
		}
		passed = append(passed, r+" "+n)
	}
	b.t.Fatalf("no Tab leads to %s %q, but to %q", role, name, passed)
}

func byKeyboardAlone(t *testing.T, d *desk) {
	p := d.portal()
	bob := p.signIn("bob")
	bob.live(-1)
	b := d.visitor(p).show("/signin")
	b.until("the address has the focus", `document.activeElement.id === "address"`)
	call(b, input.InsertText, input.InsertTextParams{Text: "alice@example.test"})
	b.tabTo("textbox", "Password")
	call(b, input.InsertText, input.InsertTextParams{Text: labPassword})
	b.enter()
	b.element("navigation", "Main")
	b.live()

	b.keys("\t")
	if role, name := b.focused(); role != "link" || name != "Skip to content" {
		t.Errorf("the first Tab leads to %s %q", role, name)
	}
	b.enter()
	b.tabTo("searchbox", "Find a person")
	call(b, input.InsertText, input.InsertTextParams{Text: "ivan"})
	b.element("link", "Ivan…")
	b.until("the search's answer", `document.querySelector("#found .contact") !== null`)
	b.keys("k", chromedp.KeyModifiers(chromedp.ModifierAlt))
	b.run(`document.activeElement.select()`)
	call(b, input.InsertText, input.InsertTextParams{Text: "berger"})
	b.until("the next answer", `document.querySelectorAll("#found .contact").length === 1 && document.querySelector("#found b").textContent === "Bob Berger"`)
	b.tabTo("link", "Bob…")
	b.enter()
	b.until("the conversation", `location.pathname.startsWith("/chat/")`)
	b.live()
	b.until("the composer has the focus", `document.activeElement.id === "text"`)
	call(b, input.InsertText, input.InsertTextParams{Text: "typed, not clicked"})
	b.enter()
	b.becomes("typed, not clicked", "delivered")
	b.keys("\t")
	b.keys("m", chromedp.KeyModifiers(chromedp.ModifierAlt))
	if role, name := b.focused(); role != "textbox" || name != "Message" {
		t.Errorf("Alt+M leads to %s %q", role, name)
	}
	b.keys("l", chromedp.KeyModifiers(chromedp.ModifierAlt))
	if role, name := b.focused(); role != "log" || name != "Messages" {
		t.Errorf("Alt+L leads to %s %q", role, name)
	}

	b.keys("s", chromedp.KeyModifiers(chromedp.ModifierAlt))
	b.until("the menu", `document.getElementById("my-status").matches(":popover-open")`)
	b.tabTo("button", "Do not disturb")
	b.enter()
	b.until("own presence", `document.querySelector(".me .presence-word").textContent === "Do not disturb"`)
	b.until("the menu closed", `!document.getElementById("my-status").matches(":popover-open")`)
	await(t, patience, "bob to see it", func() bool { return bob.availability("alice") == "do-not-disturb" })
	if role, name := b.focused(); role != "log" || name != "Messages" {
		t.Errorf("after the menu %s %q has the focus, not what had it before", role, name)
	}
	b.keys("s", chromedp.KeyModifiers(chromedp.ModifierAlt))
	b.until("the menu again", `document.getElementById("my-status").matches(":popover-open")`)
	b.keys("\x1b")
	b.until("Escape closes it", `!document.getElementById("my-status").matches(":popover-open")`)
	b.tabTo("button", "Sign out")
	b.enter()
	b.element("button", "Sign in")
}

func inTwoLanguages(t *testing.T, d *desk) {
	p := d.portal()
	b := d.visitor(p).speaks("de-AT,de;q=0.9,en;q=0.5").show("/signin")
	lang := func(want string) {
		t.Helper()
		b.until("the page in "+want, `document.documentElement.lang === `+quoted(want))
	}
	lang("de")
	b.write("textbox", "SIP-Adresse", "alice@example.test")
	b.write("textbox", "Kennwort", labPassword)
	b.click("button", "Anmelden")
	b.element("navigation", "Hauptnavigation")
	lang("de")
	b.show(with("bob")).live()
	b.write("textbox", "Nachricht", "Guten Morgen")
	b.click("button", "Senden")
	b.until("the state in German", `document.querySelector(".msg.mine .state")?.textContent.includes("zugestellt")`)
	if english := eval[[]string](b, words(`/\b(Sign|Settings|Contacts|Available|Message|Send|Today|since|and|the)\b/`)); len(english) > 0 {
		t.Errorf("English on the German page: %q", english)
	}

	b.show("/settings").live().mark()
	b.click("link", "Einstellungen")
	b.until("the language on the page that the link leads to", `!window.marked && document.readyState === "complete" && document.getElementById("locale") !== null`)
	b.run(`document.getElementById("locale").value = "en"`)
	b.click("button", "Speichern")
	lang("en")
	b.element("navigation", "Main")
	b.show(with("bob")).live()
	bob := p.signIn("bob")
	bob.live(-1)
	bob.call("POST", "/conversations/"+person("alice")+"/typing", map[string]bool{"typing": true}, nil)
	b.until("live sentences in the chosen language", `document.querySelector(".typing").textContent.trim() === "Bob Berger is typing"`)
	if german := eval[[]string](b, words(`/\b(Abmelden|Einstellungen|Kontakte|Verfügbar|Nachricht|Senden|Heute|seit|und|die)\b/`)); len(german) > 0 {
		t.Errorf("German on the English page: %q", german)
	}

	// The sign-in page offers both, whatever the browser asks for.
	guest := d.visitor(p).speaks("en").show("/signin")
	guest.click("link", "Deutsch")
	guest.element("button", "Anmelden")
	guest.until("the page in German", `document.documentElement.lang === "de"`)
	guest.click("link", "English")
	guest.element("button", "Sign in")
}

// words gives the lines of the page that match a pattern, apart from what people wrote.
func words(pattern string) string {
	return `(() => { const copy = document.body.cloneNode(true); copy.querySelectorAll(".text, .last, [lang], script, template").forEach((e) => e.remove());
	  return copy.textContent.split("\n").map((s) => s.trim()).filter((s) => ` + pattern + `.test(s)); })()`
}
