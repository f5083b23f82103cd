package portal

import (
	"errors"
	"strings"
	"testing"
)

func TestAddressesAreReadAsPeopleAndPeersWriteThem(t *testing.T) {
	for in, want := range map[string]Address{
		"sip:alice@example.test":                              "sip:alice@example.test",
		"alice@example.test":                                  "sip:alice@example.test",
		" SIP:alice@EXAMPLE.Test. ":                           "sip:alice@example.test",
		"sips:alice@example.test:5061;transport=tls":          "sip:alice@example.test",
		"alice@example.test:5060":                             "sip:alice@example.test",
		"sip:alice;x=y@example.test?subject=hi":               "sip:alice@example.test",
		"sip:alice:secret@example.test":                       "sip:alice@example.test",
		"sip:a%6cice@example.test":                            "sip:alice@example.test",
		"sip:Alice@example.test":                              "sip:Alice@example.test",
		"sip:+43-1-234@gw.example.test;user=phone":            "sip:+43-1-234@gw.example.test",
		"sip:m%C3%BCller@example.test":                        "sip:m%C3%BCller@example.test",
		"müller@example.test":                                 "sip:m%C3%BCller@example.test",
		"sip:a%40b@example.test":                              "sip:a%40b@example.test",
		"sip:bob@[2001:DB8::1]:5060":                          "sip:bob@[2001:db8::1]",
		"sip:bob@192.0.2.1":                                   "sip:bob@192.0.2.1",
		"sip:j_user.name-1@under_score.example.test;lr;maddr": "sip:j_user.name-1@under_score.example.test",
	} {
		got, err := ParseAddress(in)
		if err != nil || got != want {
			t.Errorf("ParseAddress(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestWhatIsNoAddressIsRefusedWithASentence(t *testing.T) {
	for in, key := range map[string]string{
		"":                          "address.form",
		"alice":                     "address.form",
		"@example.test":             "address.form",
		"sip:@example.test":         "address.form",
		"mailto:alice@example.test": "address.scheme",
		"sip:al%zzice@example.test": "address.user",
		"sip:al%0aice@example.test": "address.user",
		"sip:a<b@example.test":      "address.user",
		"sip:alice@":                "address.host",
		"sip:alice@ex..test":        "address.host",
		"sip:alice@-x.test":         "address.host",
		"sip:alice@exa mple.test":   "address.host",
		"sip:alice@[zz]":            "address.host",
		"sip:" + strings.Repeat("a", 250) + "@example.test": "address.too-long",
		strings.Repeat("a", 4000) + "@x.test":               "address.too-long",
	} {
		got, err := ParseAddress(in)
		if !errors.Is(err, ErrInvalid) || Reason(err) != key || got != "" {
			t.Errorf("ParseAddress(%.40q) = %q, %v; want key %s", in, got, err, key)
		}
	}
}

func TestThePartsOfAnAddress(t *testing.T) {
	a := MustAddress("alice@example.test")
	if a.User() != "alice" || a.Domain() != "example.test" || a.Bare() != "alice@example.test" {
		t.Errorf("parts %q %q %q", a.User(), a.Domain(), a.Bare())
	}
	if a.Path() != "sip:alice@example.test" || MustAddress("a/b@x.test").Path() != "sip:a%2Fb@x.test" {
		t.Errorf("path %q, %q", a.Path(), MustAddress("a/b@x.test").Path())
	}
}

func TestMustAddressPanicsOnNonsense(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	MustAddress("nonsense")
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"sip:alice@example.test", "alice@[::1]:5060;x", "sip:%41@x", "sips:a:b@c?d", "sip:\x00@x.test", "müller@x.test"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatalf("error without a meaning: %v", err)
			}
			return
		}
		again, err := ParseAddress(string(a))
		if err != nil || again != a {
			t.Fatalf("%q is read again as %q, %v", a, again, err)
		}
		if len(a) > MaxAddressLen || a.User() == "" || a.Domain() == "" || strings.ContainsAny(string(a), " \r\n<>\"") {
			t.Fatalf("not canonical: %q", a)
		}
	})
}
