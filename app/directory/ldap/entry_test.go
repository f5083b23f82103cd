package ldap

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"

	"portico/app/portal"
)

func someDirectory(t testing.TB, preset string) *Directory {
	t.Helper()
	d, err := New(Config{URLs: []string{"ldap://localhost"}, Base: "dc=test", Domain: "example.test", Preset: preset}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// What cannot be shown or believed is left out of a person, not made up.
func TestValuesAreChecked(t *testing.T) {
	d := someDirectory(t, PresetAD)
	r := &Reading{}
	p, ok := d.personOf(goldap.NewEntry("cn=x", map[string][]string{
		"displayName":     {"broken \xff", "Ann\n\tBee\u202e"},
		"mail":            {"ann@@x", "a b@example.test", "ann@example.test"},
		"proxyAddresses":  {"sip:@@", "X500:/o=Example", "SMTP:second@example.test"},
		"title":           {strings.Repeat("ü", 400)},
		"telephonenumber": {"+49 30 1", "ext.", "+49 30 1", "tel:+49 30 2", strings.Repeat("1", 100)},
		"mobile":          slices.Repeat([]string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}, 3),
	}), r)
	if !ok || p.URI != "sip:ann@example.test" || p.Email != "ann@example.test" || p.DisplayName != "Ann Bee" || p.Group {
		t.Errorf("%+v", p)
	}
	if len(p.Title) != maxText || !utf8.ValidString(p.Title) || r.Cut != 1 || r.Broken != 1 {
		t.Errorf("a title of %d bytes, %d cut, %d broken", len(p.Title), r.Cut, r.Broken)
	}
	if len(p.Numbers) != 11 || p.Numbers[1] != (portal.Number{Kind: "work", Number: "+49 30 2"}) || p.Numbers[2].Kind != "mobile" || len(p.Phones) != 11 {
		t.Errorf("numbers %+v", p.Numbers)
	}
	for _, sip := range []string{"sip:Ann@Other.test", "sips:Ann@other.test:5061;transport=tls"} {
		if a := d.addressOf(goldap.NewEntry("cn=x", map[string][]string{"msRTCSIP-PrimaryUserAddress": {"sip:", sip}, "mail": {"b@example.test"}})); a != "sip:Ann@other.test" {
			t.Errorf("%s is %q", sip, a)
		}
	}
	if g, ok := d.groupOf(goldap.NewEntry("cn=g", map[string][]string{"mail": {"All@Lists.test"}}), r); !ok || g.URI != "sip:all@lists.test" || g.DisplayName != "All@Lists.test" || !g.Group {
		t.Errorf("group %+v", g)
	}
	if _, ok := d.groupOf(goldap.NewEntry("cn=g", map[string][]string{"cn": {"Nameless"}}), r); ok {
		t.Error("a group without an e-mail address")
	}
}

func TestNamesThatMeanTheSame(t *testing.T) {
	want := nameKey("cn=Anna Adams,ou=People,dc=example,dc=test")
	for _, dn := range []string{"CN=anna adams, OU=people , DC=Example,dc=TEST", `cn=Anna\20Adams,ou=people,dc=example,dc=test`} {
		if got := nameKey(dn); got != want {
			t.Errorf("%s is %q, not %q", dn, got, want)
		}
	}
	if nameKey("cn=Anna,ou=people,dc=example,dc=test") == want || nameKey(strings.Repeat("x", maxDN+1)) != "" {
		t.Error("other names are the same")
	}
}

func TestFurtherMembers(t *testing.T) {
	for name, want := range map[string]string{"member;range=0-1499": "member;range=1500-*", "Member;Range=1500-2999": "Member;range=3000-*", "member;range=3000-*": "", "member": "",
		"member;range=x": "", "member;range=0-x": "", "member;range=0-99999999999": "", "member;binary": ""} {
		if got, ok := rest(name, 10); got != want || ok != (want != "") {
			t.Errorf("%s: %q %v", name, got, ok)
		}
	}
	if _, ok := rest("member;range=0-1499", 0); ok {
		t.Error("a page without members goes on")
	}
}

// FuzzEntry reads entries of whatever values.
func FuzzEntry(f *testing.F) {
	for _, seed := range []string{
		`{"displayName":["Ann"],"mail":["ann@example.test"],"telephoneNumber":["+1"],"proxyAddresses":["sip:a@b.test","SMTP:x@example.test"]}`,
		`{"cn":["\u202e"],"msRTCSIP-PrimaryUserAddress":["sip:","a","sip:a@[::1]"],"mail":["<a@b>","a@b@c"]}`,
		`{"mail":[""],"givenName":["A"],"sn":["B"],"mobile":["tel:1","1"],"manager":["cn=x"]}`, `{}`,
	} {
		f.Add(seed, "cn=x,dc=test")
	}
	d := someDirectory(f, PresetAD)
	f.Fuzz(func(t *testing.T, attributes, dn string) {
		m := map[string][]string{}
		if json.Unmarshal([]byte(attributes), &m) != nil {
			m["displayName"], m["mail"] = []string{attributes}, []string{attributes, attributes + "@example.test"}
		}
		c := &collector{d: d, seen: map[portal.Address]bool{}, managers: map[portal.Address]string{}, read: &Reading{byDN: map[string]portal.Person{}}}
		c.person(goldap.NewEntry(dn, m))
		c.group(goldap.NewEntry(dn, m))
		c.resolveManagers()
		for _, p := range c.people {
			if again, err := portal.ParseAddress(string(p.URI)); err != nil || again != p.URI {
				t.Fatalf("the address %q, %v", p.URI, err)
			}
			for _, s := range append([]string{p.DisplayName, p.Email, p.Title, p.Department, p.Office, p.Company}, p.Phones...) {
				if len(s) > maxText+1+maxText || !readable(s) {
					t.Fatalf("the value %q", s)
				}
			}
			if len(p.Numbers) > maxNumbers || len(p.Phones) != len(p.Numbers) {
				t.Fatalf("numbers %+v", p.Numbers)
			}
		}
		if k := nameKey(dn); len(dn) <= maxDN && k == "" && dn != "" && strings.TrimSpace(dn) != "" {
			if _, err := goldap.ParseDN(dn); err != nil {
				t.Fatalf("the key of %q is empty", dn)
			}
		}
	})
}
