package mapping

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"portico/app/portal"
)

func yes() *bool { v := true; return &v }
func no() *bool  { v := false; return &v }

func meeting() Item {
	return Item{Subject: "Quarter figures", Body: "All of them", Location: "Room 1", Categories: []string{"Sales", "Red"}, Show: portal.ShowBusy,
		Meeting: true, Organizer: "alice@example.test", Mailbox: "alice@example.test"}
}

func compile(t testing.TB, rs ...Rule) *Mapper {
	t.Helper()
	for i := range rs {
		rs[i].On = true
		if rs[i].Name == "" {
			rs[i].Name = fmt.Sprint("rule ", i)
		}
	}
	m, err := Rules(rs).Compile()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestRulesAreForWhatTheySay(t *testing.T) {
	for _, c := range []struct {
		name string
		when When
		fits bool
	}{
		{"everything", When{}, true},
		{"part of the subject", When{SubjectContains: "FIGURES"}, true},
		{"another subject", When{SubjectContains: "holiday"}, false},
		{"expression", When{SubjectMatches: `^Quarter\s`}, true},
		{"another expression", When{SubjectMatches: `^figures`}, false},
		{"category", When{Category: "sales"}, true},
		{"another category", When{Category: "blue"}, false},
		{"private", When{Private: yes()}, false},
		{"not private", When{Private: no()}, true},
		{"all-day", When{AllDay: yes()}, false},
		{"meeting", When{Meeting: yes()}, true},
		{"no meeting", When{Meeting: no()}, false},
		{"busy", When{Show: portal.ShowBusy}, true},
		{"free", When{Show: portal.ShowFree}, false},
		{"organiser", When{Organizer: "sip:Alice@example.test"}, true},
		{"organiser's domain", When{Organizer: "@example.test"}, true},
		{"another domain", When{Organizer: "@test"}, false},
		{"mailbox", When{Mailbox: "bob@example.test"}, false},
		{"all at once", When{Category: "Red", SubjectContains: "quarter", Meeting: yes()}, true},
		{"one of them not", When{Category: "Red", SubjectContains: "quarter", Meeting: no()}, false},
	} {
		o := compile(t, Rule{When: c.when, Do: Do{LeaveOut: true}}).Apply(portal.ToExchange, meeting())
		if o.LeftOut != c.fits || (len(o.Trace) == 1) != c.fits {
			t.Errorf("%s: left out %v, trace %v", c.name, o.LeftOut, o.Trace)
		}
	}
}

func TestRulesDoWhatTheySay(t *testing.T) {
	for _, c := range []struct {
		name string
		do   Do
		want func(it *Item)
		what string
	}{
		{"prefix", Do{Subject: Text{Prefix: "[CRM] "}}, func(it *Item) { it.Subject = "[CRM] Quarter figures" }, DidSubject},
		{"replace", Do{Subject: Text{Find: `(\w+) figures`, Replace: "$1 numbers"}}, func(it *Item) { it.Subject = "Quarter numbers" }, DidSubject},
		{"replace and prefix", Do{Subject: Text{Find: "figures", Replace: "numbers", Prefix: "! "}}, func(it *Item) { it.Subject = "! Quarter numbers" }, DidSubject},
		{"drop", Do{Body: Text{Drop: true}}, func(it *Item) { it.Body = "" }, DidBody},
		{"template", Do{Body: Text{Template: "{subject} in {location} by {organizer} [{categories}]\n{text}"}},
			func(it *Item) {
				it.Body = "Quarter figures in Room 1 by alice@example.test [Sales, Red]\nAll of them"
			}, DidBody},
		{"place", Do{Location: Text{Template: "somewhere"}}, func(it *Item) { it.Location = "somewhere" }, DidLocation},
		{"add a category", Do{AddCategories: []string{"CRM", "red"}}, func(it *Item) { it.Categories = []string{"Sales", "Red", "CRM"} }, DidCategories},
		{"remove a category", Do{RemoveCategories: []string{"RED"}}, func(it *Item) { it.Categories = []string{"Sales"} }, DidCategories},
		{"map categories", Do{MapCategories: map[string]string{"sales": "Green", "Red": ""}}, func(it *Item) { it.Categories = []string{"Green"} }, DidCategories},
		{"private", Do{Private: yes()}, func(it *Item) { it.Private = true }, DidPrivate},
		{"show", Do{Show: portal.ShowFree}, func(it *Item) { it.Show = portal.ShowFree }, DidShow},
	} {
		want := meeting()
		c.want(&want)
		given := meeting()
		o := compile(t, Rule{Do: c.do}).Apply(portal.ToExchange, given)
		if fmt.Sprint(o.Item) != fmt.Sprint(want) || len(o.Trace) != 1 || !slices.Equal(o.Trace[0].What, []string{c.what}) {
			t.Errorf("%s: %+v, trace %+v", c.name, o.Item, o.Trace)
		}
		if fmt.Sprint(given) != fmt.Sprint(meeting()) {
			t.Errorf("%s: what was given was changed", c.name)
		}
	}
}

func TestRulesFollowEachOther(t *testing.T) {
	m := compile(t,
		Rule{Name: "a", Do: Do{AddCategories: []string{"CRM"}}},
		Rule{Name: "b", When: When{Category: "CRM"}, Do: Do{Subject: Text{Prefix: "[b] "}}},
		Rule{Name: "back", Direction: portal.ToCRM, Do: Do{Subject: Text{Prefix: "never"}}},
		Rule{Name: "out", When: When{SubjectContains: "[b]"}, Do: Do{LeaveOut: true}},
		Rule{Name: "not reached", Do: Do{Body: Text{Drop: true}}})
	o := m.Apply(portal.ToExchange, meeting())
	var names []string
	for _, d := range o.Trace {
		names = append(names, d.Rule)
	}
	if !o.LeftOut || strings.Join(names, ",") != "a,b,out" || o.Item.Body == "" {
		t.Errorf("left out %v, trace %v", o.LeftOut, names)
	}
}

func TestRulesThatAreOffDoNothing(t *testing.T) {
	m, err := Rules{{Name: "off", Do: Do{LeaveOut: true}}}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	if o := m.Apply(portal.ToExchange, meeting()); o.LeftOut || len(o.Trace) != 0 {
		t.Errorf("%+v", o)
	}
	var none *Mapper
	if o := none.Apply(portal.ToCRM, meeting()); o.LeftOut || o.Item.Subject != "Quarter figures" {
		t.Errorf("no rules: %+v", o)
	}
}

func TestRulesAreCarriedOutOnce(t *testing.T) {
	m := compile(t,
		Rule{Do: Do{Subject: Text{Prefix: "[CRM] "}, Body: Text{Template: "<< {text} >>"}, AddCategories: []string{"x"}}},
		Rule{Do: Do{Location: Text{Prefix: "at "}}})
	once := m.Apply(portal.ToExchange, meeting()).Item
	twice := m.Apply(portal.ToExchange, once).Item
	if fmt.Sprint(once) != fmt.Sprint(twice) {
		t.Errorf("once %+v, twice %+v", once, twice)
	}
}

func TestWhatARulePutsAroundATextIsTakenOffOnTheWayBack(t *testing.T) {
	m := compile(t,
		Rule{Direction: portal.ToExchange, Do: Do{Subject: Text{Prefix: "[CRM] "}}},
		Rule{Direction: portal.ToExchange, Do: Do{Subject: Text{Prefix: "! "}, Body: Text{Template: "{text}\n--\nfrom CRM"}}},
		Rule{Direction: portal.ToExchange, When: When{Category: "Blue"}, Do: Do{Location: Text{Prefix: "B "}}})
	there := m.Apply(portal.ToExchange, meeting())
	if there.Item.Subject != "! [CRM] Quarter figures" || there.Item.Body != "All of them\n--\nfrom CRM" {
		t.Fatalf("there %+v", there.Item)
	}
	back := m.Apply(portal.ToCRM, there.Item)
	if fmt.Sprint(back.Item) != fmt.Sprint(meeting()) || len(back.Trace) != 2 || !back.Trace[0].Undone {
		t.Errorf("back %+v, trace %+v", back.Item, back.Trace)
	}
	edited := there.Item
	edited.Subject, edited.Location = "Written anew", "B 12"
	if back = m.Apply(portal.ToCRM, edited); back.Item.Subject != "Written anew" || back.Item.Location != "B 12" {
		t.Errorf("what no rule put there was taken off: %+v", back.Item)
	}
}

func TestTextsDoNotGrowWithoutEnd(t *testing.T) {
	it := meeting()
	it.Subject, it.Body = strings.Repeat("ä", maxLine), strings.Repeat("x", maxBody)
	o := compile(t, Rule{Do: Do{Subject: Text{Find: "ä", Replace: "äää"}, Body: Text{Find: "x", Replace: "xxxx"}}}).Apply(portal.ToExchange, it)
	if len(o.Item.Subject) > maxLine || len(o.Item.Body) > maxBody || strings.ContainsRune(o.Item.Subject, '\ufffd') {
		t.Errorf("%d and %d bytes", len(o.Item.Subject), len(o.Item.Body))
	}
}

func TestFaultsAreAllNamed(t *testing.T) {
	long := strings.Repeat("x", MaxTemplate+1)
	for _, c := range []struct {
		rule   Rule
		field  string
		reason string
	}{
		{Rule{Do: Do{LeaveOut: true}}, "name", FaultName},
		{Rule{Name: "n"}, "do", FaultNothing},
		{Rule{Name: "n", Direction: "sideways", Do: Do{LeaveOut: true}}, "direction", FaultDirection},
		{Rule{Name: "n", When: When{SubjectMatches: "("}, Do: Do{LeaveOut: true}}, "when.subject_matches", FaultPattern},
		{Rule{Name: "n", When: When{SubjectMatches: `(?=a)`}, Do: Do{LeaveOut: true}}, "when.subject_matches", FaultPattern},
		{Rule{Name: "n", When: When{SubjectMatches: long}, Do: Do{LeaveOut: true}}, "when.subject_matches", FaultLong},
		{Rule{Name: "n", When: When{Category: long}, Do: Do{LeaveOut: true}}, "when.category", FaultLong},
		{Rule{Name: "n", When: When{Show: "sleeping"}, Do: Do{LeaveOut: true}}, "when.show", FaultShow},
		{Rule{Name: "n", Do: Do{Show: portal.ShowNoData}}, "do.show", FaultShow},
		{Rule{Name: "n", Do: Do{Subject: Text{Drop: true, Prefix: "x"}}}, "do.subject", FaultText},
		{Rule{Name: "n", Do: Do{Body: Text{Template: "x", Find: "y"}}}, "do.body", FaultText},
		{Rule{Name: "n", Do: Do{Body: Text{Replace: "y"}}}, "do.body", FaultText},
		{Rule{Name: "n", Do: Do{Body: Text{Template: long}}}, "do.body.template", FaultLong},
		{Rule{Name: "n", Do: Do{Body: Text{Template: "{password}"}}}, "do.body.template", FaultPlaceholder},
		{Rule{Name: "n", Do: Do{Body: Text{Template: "{text"}}}, "do.body.template", FaultPlaceholder},
		{Rule{Name: "n", Do: Do{Location: Text{Find: "*"}}}, "do.location.find", FaultPattern},
		{Rule{Name: "n", Do: Do{MapCategories: map[string]string{"a": long}}}, "do.map_categories", FaultLong},
		{Rule{Name: "n", Do: Do{AddCategories: make([]string, maxList+1)}}, "do.add_categories", FaultLong},
	} {
		faults := Rules{c.rule}.Validate()
		if !slices.ContainsFunc(faults, func(f Fault) bool { return f.Field == c.field && f.Reason == c.reason && f.Rule == c.rule.Name }) {
			t.Errorf("%+v: %+v, want %s at %s", c.rule, faults, c.reason, c.field)
		}
		if _, err := (Rules{c.rule}).Compile(); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("compiled: %v", err)
		}
	}
	two := Rules{{Name: "Same", Do: Do{LeaveOut: true}}, {Name: "same", Do: Do{LeaveOut: true}}, {Name: "", Do: Do{Show: "x"}}}
	if faults := two.Validate(); len(faults) != 3 || faults[0].Reason != FaultTwice || faults[0].Index != 1 || faults[1].Index != 2 {
		t.Errorf("faults %+v", faults)
	}
	if faults := make(Rules, MaxRules+1).Validate(); len(faults) != 1 || faults[0].Reason != FaultMany {
		t.Errorf("too many rules: %+v", faults)
	}
}

func TestReadingRules(t *testing.T) {
	text := `[{"name":"a","on":true,"direction":"crm-to-exchange","when":{"category":"x","private":false},"do":{"subject":{"prefix":"[C] "},"map_categories":{"a":"b"}}}]`
	rs, err := Read([]byte(text))
	if err != nil || len(rs) != 1 || *rs[0].When.Private || rs[0].Do.Subject.Prefix != "[C] " {
		t.Fatalf("%+v, %v", rs, err)
	}
	data, err := json.Marshal(rs)
	if err != nil || string(data) != text {
		t.Errorf("written %s, %v", data, err)
	}
	for _, bad := range []string{``, `{}`, `[{"name":1}]`, `[{"unknown":1}]`, `[] []`, `[{"name":"a","do":{"exec":"rm"}}]`,
		`[` + strings.Repeat(`{},`, MaxRules) + `{}]`, `[{"name":"` + strings.Repeat("x", MaxDocument) + `"}]`} {
		if _, err := Read([]byte(bad)); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%.40s: %v", bad, err)
		}
	}
}

func TestPreviewShowsBeforeAndAfter(t *testing.T) {
	rs := Rules{{Name: "a", On: true, Do: Do{Subject: Text{Prefix: "x "}}}}
	s, err := Preview(rs, portal.ToExchange, meeting())
	if err != nil || s.Before.Subject != "Quarter figures" || s.After.Subject != "x Quarter figures" || s.LeftOut || len(s.Trace) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := Preview(Rules{{Name: "bad"}}, portal.ToExchange, meeting()); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("a faulty rule: %v", err)
	}
}

func FuzzRules(f *testing.F) {
	f.Add([]byte(`[{"name":"a","on":true,"direction":"crm-to-exchange","when":{"subject_matches":"a+"},"do":{"subject":{"find":"(a)","replace":"$1$1"},"body":{"template":"{text} {subject}"}}}]`), "subject", "body")
	f.Add([]byte(`[{"name":"b","on":true,"do":{"leave_out":true}},{"name":"c","on":true,"do":{"map_categories":{"x":""},"location":{"prefix":"p"}}}]`), "", "x\ny")
	f.Add([]byte(`[{"name":"d","on":true,"direction":"exchange-to-crm","do":{"body":{"template":"<{text}>"}}}]`), "é", "\xff")
	f.Fuzz(func(t *testing.T, data []byte, subject, body string) {
		rs, err := Read(data)
		if err != nil {
			if !errors.Is(err, portal.ErrInvalid) {
				t.Fatalf("error without a meaning: %v", err)
			}
			return
		}
		m, err := rs.Compile()
		if err != nil {
			if len(rs.Validate()) == 0 {
				t.Fatalf("no faults, and yet %v", err)
			}
			return
		}
		it := meeting()
		it.Subject, it.Body = subject, body
		for _, d := range []portal.Direction{portal.ToExchange, portal.ToCRM} {
			a, b := m.Apply(d, it), m.Apply(d, it)
			if fmt.Sprint(a) != fmt.Sprint(b) {
				t.Fatalf("two answers: %+v and %+v", a, b)
			}
			if len(a.Item.Subject) > max(maxLine, len(subject)) || len(a.Item.Body) > max(maxBody, len(body)) {
				t.Fatalf("%d and %d bytes", len(a.Item.Subject), len(a.Item.Body))
			}
		}
		again, err := json.Marshal(rs)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Read(again); err == nil && len(back) != len(rs) {
			t.Fatalf("%d rules became %d", len(rs), len(back))
		}
	})
}
