package web

import (
	"encoding/json"
	"strings"
	"testing"

	"portico/app/portal"
)

func TestDecodeJSON(t *testing.T) {
	type target struct {
		Text string `json:"text"`
		N    int    `json:"n"`
	}
	deep := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	for _, test := range []struct{ name, in, reason, field string }{
		{name: "fits", in: `{"text":"hello","n":3}`},
		{name: "white space around", in: " {\"text\":\"x\"}\r\n"},
		{name: "members to come", in: `{"text":"x","later":{"a":[1]}}`},
		{name: "brackets in strings do not nest", in: `{"text":"` + strings.Repeat("[", 100) + `\"{"}`},
		{name: "empty", in: "", reason: "json.object"},
		{name: "null", in: "null", reason: "json.object"},
		{name: "array", in: `[{"text":"x"}]`, reason: "json.object"},
		{name: "cut short", in: `{"text":"x"`, reason: "json.malformed"},
		{name: "trailing garbage", in: `{"text":"x"}x`, reason: "json.malformed"},
		{name: "two objects", in: `{"text":"x"}{}`, reason: "json.malformed"},
		{name: "wrong type", in: `{"text":7}`, reason: "json.type", field: "text"},
		{name: "fraction for a whole number", in: `{"n":1.5}`, reason: "json.type", field: "n"},
		{name: "too large a number", in: `{"n":1e400}`, reason: "json.type", field: "n"},
		{name: "not UTF-8", in: "{\"text\":\"\xff\"}", reason: "json.utf8"},
		{name: "too deep", in: deep, reason: "json.depth"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got target
			err := decodeJSON([]byte(test.in), &got)
			if test.reason == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil {
				t.Fatalf("taken as %+v", got)
			}
			f := classify(err)
			if f.status != 400 || f.reason != test.reason || f.args["field"] != test.field {
				t.Errorf("answered %d %s %v, want 400 %s", f.status, f.reason, f.args, test.reason)
			}
		})
	}
}

// tooDeep has to agree with a real parser about what is deep.
func TestTooDeepCountsLikeAParser(t *testing.T) {
	at := strings.Repeat("[", maxJSONDepth) + strings.Repeat("]", maxJSONDepth)
	if tooDeep([]byte(at)) {
		t.Error("the deepest allowed is refused")
	}
	if !tooDeep([]byte("[" + at + "]")) {
		t.Error("one deeper is allowed")
	}
}

func TestEncodeJSONKeepsTextAsItIs(t *testing.T) {
	out, err := encodeJSON(map[string]string{"text": "<b> & \u2028"})
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]string
	if err := json.Unmarshal(out, &back); err != nil {
		t.Fatal(err)
	}
	if back["text"] != "<b> & \u2028" || strings.Contains(string(out), `\u003c`) {
		t.Errorf("encoded as %s", out)
	}
}

func TestPathAddress(t *testing.T) {
	const alice = portal.Address("sip:alice@example.test")
	for _, test := range []struct {
		segment string
		encoded bool
		want    portal.Address
		bad     bool
	}{
		{segment: "sip:alice@example.test", want: alice},
		{segment: "alice@example.test", want: alice},
		{segment: "sip%3Aalice%40example.test", encoded: true, want: alice},
		{segment: "SIP%3Aalice%40EXAMPLE.test%3A5060", encoded: true, want: alice},
		{segment: "alice%40example.test", encoded: true, want: alice},
		{segment: "a%252Fb%40example.test", encoded: true, want: "sip:a/b@example.test"},
		{segment: "alice", bad: true},
		{segment: "%zz", encoded: true, bad: true},
		{segment: "http%3A%2F%2Fx@y", encoded: true, bad: true},
		{segment: strings.Repeat("a", 600) + "@x", bad: true},
	} {
		got, err := parsePathAddress(test.segment, test.encoded)
		if test.bad {
			if portal.Meaning(err) != portal.ErrInvalid {
				t.Errorf("%q: %q, %v", test.segment, got, err)
			}
			continue
		}
		if err != nil || got != test.want {
			t.Errorf("%q: %q, %v; want %q", test.segment, got, err, test.want)
		}
	}
	// Every canonical address survives its own Path.
	for _, a := range []portal.Address{alice, "sip:100%25@example.test", "sip:a%25b@example.test", "sip:a/b@example.test"} {
		if got, err := parsePathAddress(a.Path(), true); err != nil || got != a {
			t.Errorf("%q: %q, %v", a, got, err)
		}
	}
}

func TestZones(t *testing.T) {
	var z zones
	for _, test := range []struct {
		wishes []string
		want   string
	}{
		{nil, "UTC"},
		{[]string{"", "Europe/Berlin"}, "Europe/Berlin"},
		{[]string{"America/New_York", "Europe/Berlin"}, "America/New_York"},
		{[]string{"Local"}, "UTC"},
		{[]string{"../../etc/passwd"}, "UTC"},
		{[]string{"Mars/Olympus", "Europe/Rome"}, "Europe/Rome"},
		{[]string{strings.Repeat("a", 1000)}, "UTC"},
	} {
		if got := z.pick(test.wishes...); got != test.want {
			t.Errorf("pick(%q) = %q", test.wishes, got)
		}
	}
}
