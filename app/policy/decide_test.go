package policy

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
)

const (
	ann = portal.Address("sip:ann@example.test")
	ben = portal.Address("sip:ben@example.test")
)

func everyone(name, value string) portal.PolicyRule {
	return portal.PolicyRule{Name: name, Scope: portal.PolicyScope{Kind: portal.ScopeEveryone}, Value: value}
}

func ofGroup(name, id, value string) portal.PolicyRule {
	return portal.PolicyRule{Name: name, Scope: portal.PolicyScope{Kind: portal.ScopeGroup, Who: id}, Value: value}
}

func ofPerson(name string, who portal.Address, value string) portal.PolicyRule {
	return portal.PolicyRule{Name: name, Scope: portal.PolicyScope{Kind: portal.ScopePerson, Who: string(who)}, Value: value}
}

// two gives for each policy values that differ from its default and from each other, as far as there are such.
func two(d Definition) (a, b string) {
	switch d.Kind {
	case KindSwitch:
		if d.Default == On {
			return Off, On
		}
		return On, Off
	case KindChoice:
		return On, Off
	case KindDuration:
		if d.Name == portal.GalDownloadInitialDelay {
			return "5m", "10m"
		}
		return "7d", "30d"
	case KindSize:
		return "5MB", "7MB"
	}
	if d.Kind == KindLanguage {
		return "de-AT", "en"
	}
	return "https://a.example.test/states.xml", "http://b.example.test/states.xml"
}

// read is what is in force of a policy, in words.
func read(in portal.InForce, name string) string {
	on, word, bytes, span := field(&in, name)
	switch {
	case on != nil && *on:
		return On
	case on != nil:
		return Off
	case word != nil:
		return *word
	case bytes != nil:
		return sizeText(*bytes)
	}
	return spanText(*span)
}

// inWords is how a canonical value reads when it is in force.
func inWords(d Definition, value string) string {
	switch {
	case value == Choose || value == None:
		return ""
	case value == "" && d.Kind == KindSize:
		return "0B"
	case value == "":
		return "0s"
	}
	return value
}

// TestPrecedence: for each policy, whoever is nearest to the person decides.
func TestPrecedence(t *testing.T) {
	groups := []portal.PolicyGroup{
		{ID: "late", Name: "Late", Rank: 9, Members: []portal.Address{ann}},
		{ID: "first", Name: "First", Rank: 1, Departments: []string{"Field  Service"}},
		{ID: "equal", Name: "Also first", Rank: 1, Members: []portal.Address{ann}},
		{ID: "others", Name: "Others", Rank: 0, Members: []portal.Address{ben}},
	}
	const dept = "field service"
	for _, d := range Definitions() {
		a, b := two(d)
		config := func(value string) func(string) (string, bool) {
			return func(name string) (string, bool) { return value, name == d.Name }
		}
		n := d.Name
		for _, c := range []struct {
			what      string
			rules     []portal.PolicyRule
			config    string
			want      string
			from      string
			fromWho   string
			narrow    bool // only for policies that are not for everyone alone
			undecided bool
		}{
			{what: "nothing", want: d.Default, from: portal.ScopeDefault, undecided: true},
			{what: "configuration", config: a, want: a, from: portal.ScopeConfiguration},
			{what: "a bad configuration", config: "sideways:", want: d.Default, from: portal.ScopeDefault, undecided: true},
			{what: "everyone", config: b, rules: []portal.PolicyRule{everyone(n, a)}, want: a, from: portal.ScopeEveryone},
			{what: "a bad rule", config: a, rules: []portal.PolicyRule{everyone(n, "sideways:")}, want: a, from: portal.ScopeConfiguration},
			{what: "group", narrow: true, rules: []portal.PolicyRule{ofGroup(n, "late", a), everyone(n, b)}, want: a, from: portal.ScopeGroup, fromWho: "late"},
			{what: "group by department", narrow: true, rules: []portal.PolicyRule{everyone(n, b), ofGroup(n, "first", a)}, want: a, from: portal.ScopeGroup, fromWho: "first"},
			{what: "groups by rank", narrow: true, rules: []portal.PolicyRule{ofGroup(n, "late", b), ofGroup(n, "first", a)}, want: a, from: portal.ScopeGroup, fromWho: "first"},
			{what: "groups of equal rank by name", narrow: true, rules: []portal.PolicyRule{ofGroup(n, "first", b), ofGroup(n, "equal", a)}, want: a, from: portal.ScopeGroup, fromWho: "equal"},
			{what: "a group of others", narrow: true, config: a, rules: []portal.PolicyRule{ofGroup(n, "others", b)}, want: a, from: portal.ScopeConfiguration},
			{what: "a group that is gone", narrow: true, config: a, rules: []portal.PolicyRule{ofGroup(n, "gone", b)}, want: a, from: portal.ScopeConfiguration},
			{what: "person", narrow: true, config: b, rules: []portal.PolicyRule{everyone(n, b), ofGroup(n, "first", b), ofPerson(n, ann, a)}, want: a, from: portal.ScopePerson, fromWho: string(ann)},
			{what: "another person", narrow: true, rules: []portal.PolicyRule{everyone(n, a), ofPerson(n, ben, b)}, want: a, from: portal.ScopeEveryone},
			{what: "only for everyone", rules: []portal.PolicyRule{everyone(n, a), {Name: n, Scope: portal.PolicyScope{Kind: "planet"}, Value: b}}, want: a, from: portal.ScopeEveryone},
		} {
			if c.narrow && !d.CanBe(portal.ScopePerson) {
				c.rules = slices.DeleteFunc(c.rules, func(r portal.PolicyRule) bool { return r.Scope.Kind == portal.ScopeEveryone })
				if c.config == "" {
					c.config = a
				}
				c.want, c.from, c.fromWho = c.config, portal.ScopeConfiguration, ""
			}
			var configured func(string) (string, bool)
			if c.config != "" {
				configured = config(c.config)
			}
			decided := Decide(c.rules, groups, ann, dept, configured)
			i := slices.IndexFunc(decided, func(x portal.Decision) bool { return x.Name == n })
			want := portal.Decision{Name: n, Value: c.want, From: portal.PolicyScope{Kind: c.from, Who: c.fromWho}, Decided: !c.undecided}
			if decided[i] != want {
				t.Errorf("%s, %s: %+v, want %+v", n, c.what, decided[i], want)
			}
			if got := read(InForce(decided), n); got != inWords(d, c.want) {
				t.Errorf("%s, %s: in force %q, want %q", n, c.what, got, c.want)
			}
			if got := read(Compile(c.rules, groups, configured).InForce(ann, dept), n); got != inWords(d, c.want) {
				t.Errorf("%s, %s: compiled and in force %q, want %q", n, c.what, got, c.want)
			}
		}
	}
}

// TestLifting: a narrower rule can give back what a wider one took.
func TestLifting(t *testing.T) {
	rules := []portal.PolicyRule{everyone(portal.EnableAutoArchiving, Off), ofPerson(portal.EnableAutoArchiving, ann, Choose),
		everyone(portal.CustomStateURL, "https://a.example.test/x"), ofPerson(portal.CustomStateURL, ann, None)}
	p := Compile(rules, nil, nil)
	if in := p.InForce(ann, ""); in.EnableAutoArchiving != "" || in.CustomStateURL != "" {
		t.Errorf("lifted: %+v", in)
	}
	if in := p.InForce(ben, ""); in.EnableAutoArchiving != Off || in.CustomStateURL != "https://a.example.test/x" {
		t.Errorf("not lifted: %+v", in)
	}
	for _, d := range p.Decide(ann, "") {
		if d.Name == portal.EnableAutoArchiving && (d.Decided || d.From.Kind != portal.ScopePerson) {
			t.Errorf("what is given back is decided: %+v", d)
		}
	}
}

func TestMeetingSubjectNeedsCalendarPresence(t *testing.T) {
	for _, c := range []struct {
		rules []portal.PolicyRule
		want  bool
		idle  []string
	}{
		{nil, false, nil},
		{[]portal.PolicyRule{everyone(portal.DisableMeetingSubjectAndLocation, On)}, true, nil},
		{[]portal.PolicyRule{everyone(portal.DisableMeetingSubjectAndLocation, On), everyone(portal.DisableCalendarPresence, On)}, false, []string{portal.DisableMeetingSubjectAndLocation}},
		{[]portal.PolicyRule{everyone(portal.DisableMeetingSubjectAndLocation, On), everyone(portal.DisableCalendarPresence, On), ofPerson(portal.DisableCalendarPresence, ann, Off)}, true, nil},
		{[]portal.PolicyRule{everyone(portal.DisableCalendarPresence, On)}, false, nil},
	} {
		p := Compile(c.rules, nil, nil)
		if got := p.InForce(ann, "").DisableMeetingSubjectAndLocation; got != c.want {
			t.Errorf("%+v: %v", c.rules, got)
		}
		if got := InForce(p.Decide(ann, "")).DisableMeetingSubjectAndLocation; got != c.want {
			t.Errorf("%+v, decided: %v", c.rules, got)
		}
		if got := Idle(p.Decide(ann, "")); !slices.Equal(got, c.idle) {
			t.Errorf("%+v: idle %v", c.rules, got)
		}
	}
}

// TestTheTwoWaysAgree: what is in force is what the decisions say, whatever rules there are.
func TestTheTwoWaysAgree(t *testing.T) {
	random := rand.New(rand.NewSource(6))
	defs := Definitions()
	for range 300 {
		var groups []portal.PolicyGroup
		for i := range random.Intn(6) {
			g := portal.PolicyGroup{ID: fmt.Sprint("g", i), Name: fmt.Sprint("G", random.Intn(3)), Rank: random.Intn(3)}
			if random.Intn(2) == 0 {
				g.Members = append(g.Members, ann)
			}
			if random.Intn(2) == 0 {
				g.Departments = append(g.Departments, "sales", "Sales ")
			}
			groups = append(groups, g)
		}
		var rules []portal.PolicyRule
		for range random.Intn(40) {
			d := defs[random.Intn(len(defs))]
			a, b := two(d)
			value := []string{a, b, d.Default, Choose, "?"}[random.Intn(5)]
			rules = append(rules, []portal.PolicyRule{everyone(d.Name, value), ofGroup(d.Name, fmt.Sprint("g", random.Intn(7)), value), ofPerson(d.Name, ann, value)}[random.Intn(3)])
		}
		p := Compile(rules, groups, nil)
		for _, dept := range []string{"", "SALES"} {
			if fast, slow := p.InForce(ann, dept), InForce(p.Decide(ann, dept)); fast != slow {
				t.Fatalf("in force\n%+v\ndecided\n%+v\nrules %+v\ngroups %+v", fast, slow, rules, groups)
			}
		}
	}
}

func TestParsePolicies(t *testing.T) {
	for _, c := range []struct{ name, value, want, reason string }{
		{portal.DisableIM, "true", On, ""}, {portal.DisableIM, " $False ", Off, ""}, {portal.DisableIM, "1", On, ""}, {portal.DisableIM, "NO", Off, ""},
		{portal.DisableIM, Choose, "", "policy.value"}, {portal.DisableIM, "", "", "policy.value"}, {portal.DisableIM, "maybe", "", "policy.value"},
		{portal.EnableAutoArchiving, "Choose", Choose, ""}, {portal.EnableAutoArchiving, "on", On, ""}, {portal.ThinSessions, "off", Off, ""},
		{portal.GalDownloadInitialDelay, "30", "30m", ""}, {portal.GalDownloadInitialDelay, "0", "0s", ""}, {portal.GalDownloadInitialDelay, "1h", "1h", ""},
		{portal.GalDownloadInitialDelay, "61", "", "policy.value"}, {portal.GalDownloadInitialDelay, "-1", "", "policy.value"}, {portal.GalDownloadInitialDelay, "90s", "1m30s", ""},
		{portal.RoomRetention, "720h", "30d", ""}, {portal.RoomRetention, "30 d", "30d", ""}, {portal.RoomRetention, "49h", "49h", ""}, {portal.RoomRetention, "0", "0s", ""},
		{portal.RoomRetention, "47h", "", "policy.value"}, {portal.RoomRetention, "99999999999d", "", "policy.value"}, {portal.RoomRetention, "a while", "", "policy.value"},
		{portal.MaxFileSize, "25", "25MB", ""}, {portal.MaxFileSize, "25 mb", "25MB", ""}, {portal.MaxFileSize, "1500 kB", "1500kB", ""}, {portal.MaxFileSize, "2GiB", "2GiB", ""},
		{portal.MaxFileSize, "1001b", "1001B", ""}, {portal.MaxFileSize, "999b", "", "policy.value"}, {portal.MaxFileSize, "101GB", "", "policy.value"},
		{portal.MaxFileSize, "99999999999999999999", "", "policy.value"}, {portal.MaxFileSize, "-5MB", "", "policy.value"}, {portal.MaxFileSize, "MB", "", "policy.value"},
		{portal.CustomStateURL, "none", None, ""}, {portal.CustomStateURL, " HTTPS://Web.Example.Test/A.xml#part ", "https://web.example.test/A.xml", ""},
		{portal.CustomStateURL, "file:///c:/states.xml", "", "customstates.scheme"}, {portal.CustomStateURL, `file://\\server\share\x.xml`, "", "policy.address"},
		{portal.CustomStateURL, "ftp://web.example.test/x", "", "customstates.scheme"}, {portal.CustomStateURL, "javascript:alert(1)", "", "customstates.scheme"},
		{portal.CustomStateURL, "https://me:word@web.example.test/x", "", "policy.address"}, {portal.CustomStateURL, "https:///x", "", "policy.address"},
		{portal.CustomStateURL, "http:web", "", "policy.address"}, {portal.CustomStateURL, "https://a/" + string(make([]byte, 3000)), "", "policy.address"},
		{portal.Language, "DE", "de", ""}, {portal.Language, "en-us", "en-US", ""}, {portal.Language, "Choose", Choose, ""}, {portal.Language, "", "", "policy.value"},
		{portal.Language, "de, en", "", "policy.value"}, {portal.Language, "Deutsch!", "", "policy.value"}, {portal.Language, "und", "", "policy.value"},
		{"EnableFlying", On, "", "policy.unknown"}, {"", "", "", "policy.unknown"},
	} {
		got, err := Parse(c.name, c.value)
		if got != c.want || (err != nil) != (c.reason != "") || err != nil && (portal.Reason(err) != c.reason || portal.Meaning(err) != portal.ErrInvalid) {
			t.Errorf("%s %q: %q %v, want %q %s", c.name, c.value, got, err, c.want, c.reason)
		}
		if again, err := Parse(c.name, got); c.reason == "" && (again != got || err != nil) {
			t.Errorf("%s %q read again: %q %v", c.name, got, again, err)
		}
	}
}

// TestDefinitions: each policy has a place in what is in force, a default it takes, and a name of its own.
func TestDefinitions(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range Definitions() {
		var in portal.InForce
		on, word, bytes, span := field(&in, d.Name)
		if on == nil && word == nil && bytes == nil && span == nil || seen[d.Name] || d.Doc != "policy."+d.Name {
			t.Errorf("%+v", d)
		}
		seen[d.Name] = true
		a, b := two(d)
		for _, value := range []string{a, b, d.Default} {
			if got, err := d.Parse(value); value != "" && (err != nil || got != value) {
				t.Errorf("%s takes %q as %q, %v", d.Name, value, got, err)
			}
		}
	}
	if len(seen) != 16 {
		t.Errorf("%d policies", len(seen))
	}
	in := InForce(Decide(nil, nil, ann, "", nil))
	if want := (portal.InForce{EnableAppearOffline: true, MayCreateRooms: true}); in != want {
		t.Errorf("by default %+v", in)
	}
	if in := InForce([]portal.Decision{{Name: "Other", Value: On}, {Name: portal.DisableIM, Value: "?"}, {Name: portal.RoomRetention, Value: "2d"}}); in != (portal.InForce{RoomRetention: 48 * time.Hour}) {
		t.Errorf("of odd decisions %+v", in)
	}
}
