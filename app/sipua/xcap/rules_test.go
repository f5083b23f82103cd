package xcap

import (
	"encoding/xml"
	"slices"
	"strings"
	"testing"

	"portico/app/portal"
)

// The document as a server of its own reads it.
type ruleset struct {
	Rules []rule `xml:"urn:ietf:params:xml:ns:common-policy rule"`
}

type rule struct {
	ID       string `xml:"id,attr"`
	Identity struct {
		One []struct {
			ID string `xml:"id,attr"`
		} `xml:"one"`
		Many []struct {
			Domain string `xml:"domain,attr"`
			Except []struct {
				ID     string `xml:"id,attr"`
				Domain string `xml:"domain,attr"`
			} `xml:"except"`
		} `xml:"many"`
	} `xml:"conditions>identity"`
	Handling string `xml:"actions>sub-handling"`
	Shown    struct {
		All      *struct{} `xml:"provide-all-attributes"`
		Note     bool      `xml:"provide-note"`
		Place    bool      `xml:"provide-place-type"`
		Services *struct{} `xml:"provide-services>all-services"`
		Unknown  []struct {
			NS   string `xml:"ns,attr"`
			Name string `xml:"name,attr"`
		} `xml:"provide-unknown-attribute"`
	} `xml:"transformations"`
}

// matches is RFC 4745 section 7.1.
func (r rule) matches(who portal.Address) bool {
	for _, o := range r.Identity.One {
		if o.ID == string(who) {
			return true
		}
	}
	for _, m := range r.Identity.Many {
		in := m.Domain == "" || m.Domain == who.Domain()
		for _, e := range m.Except {
			in = in && e.ID != string(who) && (e.Domain == "" || e.Domain != who.Domain())
		}
		if in {
			return true
		}
	}
	return false
}

// firstInKamailio is the rule that Kamailio takes, with its mistakes: domains of the same length are the same, exceptions
// of addresses are overlooked.
func firstInKamailio(rs ruleset, who portal.Address) *rule {
	for i, r := range rs.Rules {
		for _, o := range r.Identity.One {
			if o.ID == string(who) {
				return &rs.Rules[i]
			}
		}
		for _, m := range r.Identity.Many {
			in := m.Domain == "" || len(m.Domain) == len(who.Domain()) || m.Domain == who.Domain()
			for _, e := range m.Except {
				in = in && (e.Domain == "" || e.Domain != who.Domain())
			}
			if in {
				return &rs.Rules[i]
			}
		}
	}
	return nil
}

func encoded(t *testing.T, r RuleSet, owner portal.Address) ruleset {
	t.Helper()
	b := r.Encode(owner)
	var rs ruleset
	if err := xml.Unmarshal(b, &rs); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	return rs
}

// shows is what a rule shows of what goes over the wire.
func (r rule) shows() portal.Sight {
	if r.Handling == "polite-block" {
		return portal.Sight{Hidden: true}
	}
	if r.Shown.All != nil {
		return portal.Sight{Note: true, FreeBusy: true, Location: true, LastActive: true}
	}
	unknown := func(name string) bool {
		return slices.ContainsFunc(r.Shown.Unknown, func(u struct {
			NS   string `xml:"ns,attr"`
			Name string `xml:"name,attr"`
		}) bool {
			return u.Name == name
		})
	}
	return portal.Sight{Note: r.Shown.Note && unknown("out-of-office"), FreeBusy: unknown("timed-status") && unknown("ahead"),
		Location: r.Shown.Place && unknown("place"), LastActive: unknown("since")}
}

// onWire is what of a sight the rules decide.
func onWire(s portal.Sight) portal.Sight {
	if s.Hidden {
		return portal.Sight{Hidden: true}
	}
	return portal.Sight{Note: s.Note, FreeBusy: s.FreeBusy, Location: s.Location, LastActive: s.LastActive}
}

const (
	alice = portal.Address("sip:alice@example.test")
	bob   = portal.Address("sip:bob@example.test")
)

// Every relationship, for somebody of the own domain and of another of the same length, who is listed or not: servers
// of both kinds take the same one rule, and it shows what the sight says.
func TestEverybodyHasOneRule(t *testing.T) {
	sights := map[portal.Relationship]portal.Sight{
		portal.Personal: portal.FullSight(), portal.Team: {FreeBusy: true, Note: true, Location: true, LastActive: true},
		portal.Company: {FreeBusy: true, Note: true, LastActive: true}, portal.Public: {},
		portal.Blocked: portal.FullSight(), // whatever is said: blocked is hidden
	}
	for _, only := range []bool{false, true} {
		r := RuleSet{Own: "example.test", Sights: sights, Colleagues: portal.Company, Others: portal.Public, ContactsOnly: only, By: map[portal.Relationship][]portal.Address{}}
		want := map[portal.Address]portal.Sight{alice: {Note: true, FreeBusy: true, Location: true, LastActive: true},
			"sip:nobody@example.test": onWire(sights[portal.Company]), "sip:nobody@foreign.test": onWire(sights[portal.Public]), "sip:nobody@far.test": onWire(sights[portal.Public])}
		if only {
			want["sip:nobody@example.test"], want["sip:nobody@foreign.test"], want["sip:nobody@far.test"] = portal.Sight{Hidden: true}, portal.Sight{Hidden: true}, portal.Sight{Hidden: true}
		}
		for _, rel := range relationships() {
			for _, domain := range []string{"example.test", "foreign.test"} {
				who := portal.Address("sip:" + string(rel) + "@" + domain)
				r.By[rel] = append(r.By[rel], who)
				want[who] = onWire(sights[rel])
				if rel == portal.Blocked {
					want[who] = portal.Sight{Hidden: true}
				}
			}
		}
		rs := encoded(t, r, alice)
		for who, sight := range want {
			var matching []rule
			for _, rule := range rs.Rules {
				if rule.matches(who) {
					matching = append(matching, rule)
				}
			}
			if len(matching) != 1 || matching[0].shows() != sight {
				t.Errorf("contacts only %v, %s: %d rules, %+v; want %+v", only, who, len(matching), matching, sight)
			}
			if first := firstInKamailio(rs, who); first == nil || first.shows() != sight {
				t.Errorf("contacts only %v, %s at Kamailio: %+v; want %+v", only, who, first, sight)
			}
		}
		for _, rule := range rs.Rules {
			if rule.Handling != "allow" && rule.Handling != "polite-block" {
				t.Errorf("rule %s says %q", rule.ID, rule.Handling)
			}
			if rule.Handling == "allow" && rule.Shown.Services == nil {
				t.Errorf("rule %s shows no services", rule.ID)
			}
		}
	}
}

// Every combination of what can be shown.
func TestEverySight(t *testing.T) {
	for bits := range 16 {
		s := portal.Sight{Note: bits&1 != 0, FreeBusy: bits&2 != 0, Location: bits&4 != 0, LastActive: bits&8 != 0}
		r := RuleSet{By: map[portal.Relationship][]portal.Address{portal.Team: {bob}}, Sights: map[portal.Relationship]portal.Sight{portal.Team: s}}
		rs := encoded(t, r, alice)
		if got := firstInKamailio(rs, bob); got == nil || got.shows() != s {
			t.Errorf("%+v: %+v", s, got)
		}
		if got := firstInKamailio(rs, "sip:x@y.test"); got == nil || !got.shows().Hidden { // a relationship that nobody explained
			t.Errorf("others see %+v", got)
		}
	}
}

func TestOddPeopleInRules(t *testing.T) {
	odd := portal.Address(`sip:o'neil&"<x>@example.test`)
	r := RuleSet{Own: "example.test", Sights: map[portal.Relationship]portal.Sight{portal.Team: portal.FullSight(), portal.Company: {}}, Colleagues: portal.Company, Others: portal.Company,
		By: map[portal.Relationship][]portal.Address{portal.Team: {bob, bob, odd, alice}, portal.Blocked: {bob}}}
	rs := encoded(t, r, alice)
	if got := firstInKamailio(rs, bob); got.ID != "blocked" {
		t.Errorf("who stands in two has the stricter: %+v", got)
	}
	if got := firstInKamailio(rs, odd); got.ID != "team" || len(got.Identity.One) != 1 {
		t.Errorf("%+v", got)
	}
	if got := firstInKamailio(rs, alice); got.ID != "own" {
		t.Errorf("oneself: %+v", got)
	}
	if strings.Count(string(r.Encode(alice)), `<one id="sip:bob@`) != 1 {
		t.Error("bob stands more than once")
	}
}

// FuzzPresRules: whatever the names, the document can be read and has one rule for each.
func FuzzPresRules(f *testing.F) {
	f.Add("sip:bob@example.test", "example.test", "sip:alice@example.test")
	f.Add(`sip:"<&'>@x`, `"`, "\x00\xff")
	f.Add("", "", "")
	f.Fuzz(func(t *testing.T, listed, own, owner string) {
		r := RuleSet{Own: own, By: map[portal.Relationship][]portal.Address{portal.Team: {portal.Address(listed)}, portal.Blocked: {"sip:b@b.test"}},
			Sights: map[portal.Relationship]portal.Sight{portal.Team: {Note: true}, portal.Public: {}}, Colleagues: portal.Team, Others: portal.Public}
		b := r.Encode(portal.Address(owner))
		if _, root, _, err := parseTree(b); err != nil || !root.is(commonPolicy, "ruleset") {
			t.Fatalf("%v\n%s", err, b)
		}
		var rs ruleset
		if err := xml.Unmarshal(b, &rs); err != nil || len(rs.Rules) < 3 || rs.Rules[0].ID != "own" {
			t.Fatalf("%v\n%s", err, b)
		}
	})
}
