package web

import (
	"net/url"
	"strings"
	"testing"

	"portico/app/portal"
)

func TestParseLink(t *testing.T) {
	for link, want := range map[string]portal.Address{
		"sip:bob@example.test":                                   bob,
		"SIP:bob@EXAMPLE.test":                                   bob,
		"sips:bob@example.test:5061;transport=tls":               bob,
		"sip:bob:secret@example.test;user=phone?subject=Hello":   bob,
		"sip:bob@example.test?subject=a@b,%20c":                  bob,
		"sip://bob@example.test/":                                bob,
		"im:bob@example.test":                                    bob,
		"im:bob%40example.test":                                  bob,
		"pres:bob@example.test":                                  bob,
		"sip%3Abob%40example.test":                               bob,
		"web+portico:bob@example.test":                           bob,
		"web+portico:sip:bob@example.test":                       bob,
		"web+portico://bob@example.test":                         bob,
		"web+portico:%22Bob%22%20%3Csip%3Abob%40example.test%3E": bob,
		`"Brown, Bob" <sip:bob@example.test;lr>`:                 bob,
		`sip:"Bob" <sip:bob@example.test>`:                       bob,
		"Bob <sip:bob@example.test>":                             bob,
		"<sip:bob@example.test>":                                 bob,
		"<bob@example.test>":                                     bob,
		"  bob@example.test\n":                                   bob,
		"bob@example.test:5060":                                  bob,
		"bob@example.test#now":                                   bob,
		"sip:%62ob@example.test":                                 bob,
		"sip:m%C3%BCller@example.test":                           "sip:m%C3%BCller@example.test",
	} {
		if got, err := parseLink(link); err != nil || got != want {
			t.Errorf("%s: %s %v", link, got, err)
		}
	}
	for link, reason := range map[string]string{
		"": "open.nothing", "  ": "open.nothing", strings.Repeat("a", maxLink+1): "open.too-long",
		"https://evil.test": "open.scheme", "javascript:alert(1)@x.test": "open.scheme", "mailto:bob@example.test": "open.scheme",
		"tel:+431": "open.scheme", "web+portico:https://bob@evil.test": "open.scheme", "web+portico:web+portico:bob@example.test": "open.scheme",
		"sip:bob@example.test,carol@example.test": "open.several", "im:bob@example.test@evil.test": "open.several",
		`"Bob <sip:bob@example.test>`: "open.form", "<sip:bob@example.test": "open.form", "<<sip:bob@example.test>>": "open.form",
		"bob": "address.form", "sip:@example.test": "address.form", "//evil.test": "open.form", "sip:bob@": "address.host", "sip:b%00b@example.test": "address.user",
	} {
		if got, err := parseLink(link); portal.Reason(err) != reason || got != "" {
			t.Errorf("%q: %q %v", link, got, err)
		}
	}
}

// Whatever a link is, it names an address in canonical form or nobody.
func FuzzParseLink(f *testing.F) {
	for _, seed := range []string{
		"sip:bob@example.test", `"Bob" <sips:bob@example.test;x=y?z>`, "web+portico://im:bob%40example.test", "pres:%22@%3C", "<<>>", "%", "a:b:c@d", "im:a@b,c@d", "//evil.test/@x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, link string) {
		got, err := parseLink(link)
		if err != nil {
			if portal.Meaning(err) != portal.ErrInvalid || got != "" {
				t.Fatalf("%q: %q %v", link, got, err)
			}
			return
		}
		if again, err := portal.ParseAddress(string(got)); err != nil || again != got {
			t.Fatalf("%q: %q is not canonical: %q %v", link, got, again, err)
		}
	})
}

func TestOpen(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	open := func(link string) string { return "/open?uri=" + url.QueryEscape(link) }
	room := h.room("lunch")
	for link, want := range map[string]string{
		"sip:bob@example.test": "/chat/" + bob.Path(), "im:nobody@elsewhere.test": "/chat/sip:nobody@elsewhere.test",
		string(alice): "/contacts/" + alice.Path(), "im:" + room.Bare(): "/rooms/" + room.User(),
	} {
		if got := a.call("GET", open(link), nil, 303); got.header.Get("Location") != want {
			t.Errorf("%s leads to %s, not %s", link, got.header.Get("Location"), want)
		}
	}
	a.call("PUT", "/api/v1/me/settings", map[string]string{"preferred_client": "other"}, 200)
	if got := a.call("GET", open("sip:bob@example.test"), nil, 303); got.header.Get("Location") != "/contacts/"+bob.Path() {
		t.Errorf("with another program: %s", got.header.Get("Location"))
	}
	for _, link := range []string{"https://evil.test/", "//evil.test", "javascript:alert(1)", "\\\\evil.test", "sip:bob@example.test,sip:carol@example.test", ""} {
		got := a.call("GET", open(link), nil, 400)
		if got.header.Get("Location") != "" || !strings.Contains(string(got.body), `role="alert"`) {
			t.Errorf("%s: %v", link, got.header)
		}
	}
	// Without a session: by the sign-in, and back.
	got := h.guest().call("GET", open("sip:bob@example.test"), nil, 303)
	to, err := url.Parse(got.header.Get("Location"))
	if err != nil || to.Path != "/signin" || to.Query().Get("next") != open("sip:bob@example.test") {
		t.Errorf("a guest is sent to %s", got.header.Get("Location"))
	}
}
