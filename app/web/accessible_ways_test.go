package web

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"portico/app/portal"
)

// TestWithoutDraggingOrRemembering is about those who cannot drag (WCAG 2.5.7), do not remember or type passwords (3.3.8), or
// do not stand movement (2.3.3). All share a browser.
func TestWithoutDraggingOrRemembering(t *testing.T) {
	ctx := startChromium(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *chromium)
	}{
		{"AContactIsMovedByClicks", contactMovedByClicks},
		{"AnAppointmentIsMovedByClicks", appointmentMovedByClicks},
		{"SignInFromAPasswordStore", signInFromAStore},
		{"MovementOnlyWhereItIsWanted", movementWhereWanted},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, &chromium{t: t, ctx: ctx}) })
	}
}

// contactMovedByClicks: out of one group and into another, in the card.
func contactMovedByClicks(t *testing.T, c *chromium) {
	h := peopleHouseFor(t)
	h.listed("Team", bob, carol)
	h.must(h.lists.PutGroup(t.Context(), alice, "Work"))
	a := c.visitor(h)
	a.signIn(alice, "/contacts")
	a.connected()
	a.press(`li[data-uri="sip:carol@example.test"] [data-card]`)
	a.until("her card, with her groups", `!!document.querySelector('#person-card input[name=groups][value=Team]:checked')`)
	a.press(`#person-card input[name=groups][value=Team]`)
	a.press(`#person-card input[name=groups][value=Work]`)
	a.press(`#person-card button[value=groups]`)
	a.until("she is there", inGroup("Work", "Carol Clark"))
	a.until("and there alone", inGroup("Team", "Bob Brown"))
	a.untroubled()
}

// appointmentMovedByClicks: its page, its form, another hour.
func appointmentMovedByClicks(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	h.mail.add(alice, h.lesson("Review", 9, time.Hour))
	a := c.visitor(h)
	a.size(1280, 900)
	a.signIn(alice, thisWeek)
	a.until("it is there", shownEvent("Review"))
	a.press(".event")
	a.until("its page", `!!document.querySelector('main a[href$="/edit"]')`)
	a.press(`main a[href$="/edit"]`)
	a.until("its form", `!!document.getElementById("start_time")`)
	a.do(chromedp.SetValue(chromedp.CSS("#start_time"), "14:00"), chromedp.SetValue(chromedp.CSS("#end_time"), "15:00"))
	a.press(".form-buttons button.primary")
	h.has(t, "moved", "Review", func(e portal.Entry) bool { return e.Start.Equal(utc(13, 0)) && e.End.Equal(utc(14, 0)) })
}

// signInFromAStore: the fields say what they are for, take what is pasted, and go with what a password store puts into them.
// Nothing else is asked.
func signInFromAStore(t *testing.T, c *chromium) {
	h := newHouse(t)
	a := c.visitor(h)
	a.open("/signin")
	a.until("the form", `document.readyState === "complete" && document.getElementById("password") !== null`)
	fields := a.list(`[...document.querySelectorAll("main form input:not([type=hidden])")].map((e) => [e.type, e.autocomplete, e.labels.length > 0, e.readOnly].join(" "))`)
	if got := strings.Join(fields, ", "); got != "text username true false, password current-password true false" {
		t.Errorf("the fields are %s", got)
	}
	if got := a.list(`[...document.querySelectorAll("main :is(canvas, iframe, img, audio)")].map((e) => e.outerHTML)`); len(got) != 0 {
		t.Errorf("beside them there is %q", got)
	}
	refused := a.list(`["address", "password"].filter((id) => {
	  const e = document.getElementById(id), clipboard = new DataTransfer();
	  clipboard.setData("text/plain", "pasted");
	  return !e.dispatchEvent(new ClipboardEvent("paste", { clipboardData: clipboard, bubbles: true, cancelable: true }));
	})`)
	if len(refused) != 0 {
		t.Errorf("nothing can be pasted into %q", refused)
	}
	a.eval(`(() => {
	  for (const [id, text] of [["address", ` + quote(alice.Bare()) + `], ["password", ` + quote(password) + `]]) {
	    const e = document.getElementById(id);
	    e.value = text;
	    for (const kind of ["input", "change"]) e.dispatchEvent(new Event(kind, { bubbles: true }));
	  }
	})()`)
	a.press("main form button.primary")
	a.until("signed in", `location.pathname !== "/signin" && document.querySelector("nav[aria-label]") !== null`)
	a.untroubled()
}

// movementWhereWanted: that nothing moves for who asks for less movement is looked for on every page; here is that it would be found.
func movementWhereWanted(t *testing.T, c *chromium) {
	h := peopleHouseFor(t)
	h.listed("Team", bob)
	a := c.visitor(h)
	a.signIn(alice, "/contacts")
	a.connected()
	for _, wish := range []struct {
		said  string
		moves bool
	}{{"no-preference", true}, {"reduce", false}} {
		command(a, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: wish.said}}})
		if got := a.list(`(() => {` + movingRules + `return moving(); })()`); len(got) > 0 != wish.moves {
			t.Errorf("with %s these can move: %q", wish.said, got)
		}
	}
}

// TestWhatIsDraggedHasAnotherWay: each script that knows dragging has a test in which the same is done without.
func TestWhatIsDraggedHasAnotherWay(t *testing.T) {
	ways := map[string]string{ // script: the function of the test
		"62-rooms.js":           "twoPeopleInARoom",         // files: by the button
		"68-contacts.js":        "contactMovedByClicks",     // contacts
		"82-calendar-grid.js":   "calendarByKeyboard",       // a time: by its cell and the form
		"84-calendar-moving.js": "appointmentMovedByClicks", // appointments
	}
	scripts, err := filepath.Glob("../../static/js/*.js")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	drags := regexp.MustCompile(`addEventListener\("(dragstart|drop|pointermove)"`)
	for _, path := range scripts {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := ways[filepath.Base(path)]; ok != drags.Match(source) {
			t.Errorf("%s: dragging %v, another way %v", filepath.Base(path), drags.Match(source), ok)
		}
	}
	tests, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, path := range tests {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all += string(source)
	}
	for script, test := range ways {
		if !strings.Contains(all, "\nfunc "+test+"(t *testing.T, c *chromium) {") {
			t.Errorf("%s: there is no %s", script, test)
		}
	}
}
