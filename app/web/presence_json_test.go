package web

import (
	"testing"
)

// Programs find every promised member, in the API's answers and in live events, also of somebody of whom
// nothing is known.
func TestPresenceHasAllItsMembers(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	complete := func(where string, p map[string]any) {
		t.Helper()
		for _, name := range []string{"uri", "availability", "activity", "text", "note", "out_of_office", "calendar"} {
			if _, is := p[name].(string); !is {
				t.Errorf("%s: %s is %v", where, name, p[name])
			}
		}
		if _, there := p["since"]; !there {
			t.Errorf("%s: no since", where)
		}
	}
	var one map[string]any
	a.call("GET", "/api/v1/presence/"+nobody.Path(), nil, 200).into(&one)
	complete("nobody", one)
	if one["since"] != nil || one["note"] != "" {
		t.Errorf("nobody is known: %v", one)
	}
	var own map[string]any
	a.call("PUT", "/api/v1/me/presence", map[string]any{"availability": "busy"}, 200).into(&own)
	complete("own", own)
	if _, is := own["since"].(string); !is {
		t.Errorf("own since: %v", own)
	}
	var many []map[string]any
	a.call("POST", "/api/v1/presence/query", map[string]any{"uris": []string{string(bob), string(nobody)}}, 200).into(&many)
	if len(many) != 2 {
		t.Fatalf("answer %v", many)
	}
	for _, p := range many {
		complete("query", p)
	}
	live := a.dial(protocolJSON, "")
	complete("live", live.next("presence"))
}
