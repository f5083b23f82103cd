package ewslab

import (
	"testing"
	"time"
)

func TestIdentifiersAreReadBack(t *testing.T) {
	seen := map[string]bool{}
	for _, want := range []id{{Kind: kindFolder, Mailbox: 1, Row: 2}, {Kind: kindItem, Mailbox: 1, Row: 2}, {Kind: kindItem, Mailbox: 2, Row: 1}, {Kind: kindAttachment, Mailbox: 1, Row: 2},
		{Kind: kindOccurrence, Mailbox: 1, Row: 2, Original: time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC)}} {
		got, err := parseID(want.String())
		if err != nil || got != want {
			t.Errorf("%v: %v %v", want, got, err)
		}
		if seen[want.String()] {
			t.Errorf("%v has no identifier of its own", want)
		}
		seen[want.String()] = true
	}
}

func TestIdentifiersThatAreNotOurs(t *testing.T) {
	good := id{Kind: kindItem, Mailbox: 1, Row: 2}.String()
	for _, s := range []string{"", "DUMMY", "AAMkAD==", good[:len(good)-4], good + "AAAA", "B" + good[1:], good[:40] + "z" + good[41:]} {
		if _, err := parseID(s); !isCode(err, errorIDMalformed) {
			t.Errorf("%q: %v", s, err)
		}
		if _, err := parseChangeKey(s); s != "" && !isCode(err, "ErrorInvalidChangeKey") {
			t.Errorf("change key %q: %v", s, err)
		}
	}
	if mod, err := parseChangeKey(changeKey(kindItem, 42)); mod != 42 || err != nil {
		t.Errorf("%d %v", mod, err)
	}
	if mod, err := parseChangeKey(""); mod != 0 || err != nil {
		t.Errorf("%d %v", mod, err)
	}
}

func FuzzParseID(f *testing.F) {
	f.Add(id{Kind: kindOccurrence, Mailbox: 1, Row: 2}.String())
	f.Add("AAMk")
	f.Fuzz(func(t *testing.T, s string) {
		i, err := parseID(s)
		if err == nil && i.String() != s {
			again, err := parseID(i.String())
			if err != nil || again != i {
				t.Fatalf("%q is read as %v, which is not read back", s, i)
			}
		}
	})
}
