package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"portico/app/portal"
)

// told is the record in words.
func told(lines []portal.PolicyChange) []string {
	var list []string
	for _, l := range lines {
		list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s %s %q>%q", l.What, l.Name, l.Scope.Kind, l.Before, l.After)))
	}
	return list
}

// filled is a house with something of everything.
func filled(t *testing.T) *house {
	t.Helper()
	ctx := t.Context()
	h := build(t, newMemory(), nil, nil)
	g, err := h.PutGroup(ctx, boss, portal.PolicyGroup{Name: "Back office", Rank: 2, Members: []portal.Address{ann}, Departments: []string{"Sales"}})
	must(t, err)
	must(t, h.SetRule(ctx, boss, ofGroup(portal.DisableIM, g.ID, "on")))
	must(t, h.SetRule(ctx, boss, ofPerson(portal.MaxFileSize, ben, "30MB")))
	must(t, h.SetRule(ctx, boss, everyone(portal.EnableAutoArchiving, "on")))
	utf16, err := os.ReadFile("../policy/testdata/customstates/utf16le.xml")
	must(t, err)
	must(t, h.UploadCustomStates(ctx, boss, utf16))
	must(t, h.AllowOrigin(ctx, boss, "https://intranet.example.test"))
	h.news()
	return h
}

func TestExportAndImport(t *testing.T) {
	ctx := t.Context()
	from := filled(t)
	file, err := from.Export(ctx)
	must(t, err)

	// Into the same portal nothing changes.
	lines, err := from.Import(ctx, boss, file, false)
	must(t, err)
	if len(lines) != 0 || len(from.news()) != 0 {
		t.Errorf("into itself: %q", told(lines))
	}

	// Into an empty one everything does; a look beforehand changes nothing.
	to := build(t, newMemory(), nil, nil)
	want := []string{
		`group Back office group "">"Back office, #2, ann@example.test, [Sales]"`,
		`rule EnableAutoArchiving everyone "">"on"`, `rule DisableIM group "">"on"`, `rule MaxFileSize person "">"30MB"`,
		`custom-states   "">"1 available: Working from home; 2 busy: At a customer's site; 3 busy: In the workshop & hard to hear; 4 do-not-disturb: Interviewing"`,
		`origin https://intranet.example.test  "">"https://intranet.example.test"`,
	}
	for _, dry := range []bool{true, true, false} {
		lines, err := to.Import(ctx, cyd, file, dry)
		must(t, err)
		if got := told(lines); !slices.Equal(got, want) {
			t.Errorf("dry %v:\n%s\nwant\n%s", dry, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if dry && (len(to.store.record) != 0 || to.InForce(ann).DisableIM || to.States(ann) != nil) {
			t.Fatal("a look changed something")
		}
	}
	to.expect(t, "import", "all [EnableAutoArchiving DisableIM CustomStateURL MaxFileSize]")
	if !to.InForce(ann).DisableIM || to.InForce(ben).DisableIM || to.InForce(ben).MaxFileSize == 0 || len(to.States(ben)) != 4 || !to.Allowed("https://intranet.example.test") {
		t.Error("what was imported does not hold")
	}
	if got := told(to.store.record); len(got) != len(want)+1 || got[4] != `import   "">"6"` {
		t.Errorf("record %q", got)
	}
	if again := build(t, to.store, nil, nil); !again.InForce(ann).DisableIM || len(again.States(ann)) != 4 {
		t.Error("what was imported was not stored")
	}
	second, err := to.Export(ctx)
	must(t, err)
	if strip(t, second) != strip(t, file) {
		t.Errorf("exported again:\n%s\nwas\n%s", second, file)
	}
}

// strip leaves out what may differ between two portals with the same policies.
func strip(t *testing.T, file []byte) string {
	t.Helper()
	var doc Document
	must(t, json.Unmarshal(file, &doc))
	doc.ExportedAt = doc.ExportedAt.Truncate(0).UTC().AddDate(0, 0, 0)
	out, err := json.Marshal(doc)
	must(t, err)
	return string(out)
}

// TestImportReplaces: what a part of the document does not have goes; a part that is missing is left alone.
func TestImportReplaces(t *testing.T) {
	ctx := t.Context()
	h := filled(t)
	lines, err := h.Import(ctx, cyd, []byte(`{"format":"portico-policies","version":1,"rules":[{"name":"DisableIM","scope":{"kind":"everyone"},"value":"yes"}]}`), false)
	must(t, err)
	want := []string{`rule DisableIM everyone "">"on"`, `rule DisableIM group "on">""`, `rule EnableAutoArchiving everyone "on">""`, `rule MaxFileSize person "30MB">""`}
	if got := told(lines); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if groups, err := h.Groups(ctx); err != nil || len(groups) != 1 || len(h.States(ann)) != 4 || !h.Allowed("https://intranet.example.test") {
		t.Errorf("parts that the document does not have changed: %+v %v", groups, err)
	}
	// The same group from another portal is known by its name; another takes no id that is in use.
	id := h.now.Load().groups[0].ID
	doc := `{"format":"portico-policies","version":1,"groups":[{"id":"x","name":"BACK office","rank":5},{"id":"y","name":"New","members":["ben@example.test"]}],` +
		`"rules":[{"name":"DisableIM","scope":{"kind":"group","who":"x"},"value":"on"},{"name":"DisableIM","scope":{"kind":"group","who":"y"},"value":"off"}],"custom_states":"","origins":[]}`
	lines, err = h.Import(ctx, cyd, []byte(doc), false)
	must(t, err)
	want = []string{`group BACK office group "Back office, #2, ann@example.test, [Sales]">"BACK office, #5"`, `group New group "">"New, #0, ben@example.test"`,
		`rule DisableIM group "">"on"`, `rule DisableIM group "">"off"`, `rule DisableIM everyone "on">""`}
	if got := told(lines); !slices.Equal(got[:5], want) || len(got) != 7 || h.States(ann) != nil || h.Allowed("https://intranet.example.test") {
		t.Errorf("%q", got)
	}
	if groups, err := h.Groups(ctx); err != nil || len(groups) != 2 || groups[0].ID != "y" || groups[1].ID != id {
		t.Errorf("%+v %v", groups, err)
	}
	lines, err = h.Import(ctx, cyd, []byte(`{"format":"portico-policies","version":1,"groups":[]}`), false)
	must(t, err)
	if got := told(lines); len(got) != 4 || len(h.store.rules) != 0 || len(h.store.groups) != 0 {
		t.Errorf("%q", got)
	}
	// A name that another group of the document has under its id is not taken from it.
	g, err := h.PutGroup(ctx, boss, portal.PolicyGroup{Name: "Sales"})
	must(t, err)
	_, err = h.Import(ctx, cyd, fmt.Appendf(nil, `{"format":"portico-policies","version":1,"groups":[{"id":"z","name":"Sales"},{"id":%q,"name":"Field"}]}`, g.ID), false)
	must(t, err)
	if groups, err := h.Groups(ctx); err != nil || len(groups) != 2 || groups[0].ID != g.ID || groups[0].Name != "Field" || groups[1].ID != "z" {
		t.Errorf("%+v %v", groups, err)
	}
}

func TestImportRefuses(t *testing.T) {
	ctx := t.Context()
	h := filled(t)
	before := len(h.store.record)
	rule := func(body string) string { return `{"format":"portico-policies","version":1,"rules":[` + body + `]}` }
	for _, c := range []struct{ file, key, place string }{
		{"", "policy.import-form", "line 1"},
		{"{\n\"format\":\n", "policy.import-form", "line 3"},
		{"[]", "policy.import-form", "line 1"},
		{"{\"format\":\"portico-policies\",\n\"version\":1,\n\"rules\":7}", "policy.import-form", "line 3"},
		{`{"format":"portico-policies","version":1,"surprise":1}`, "policy.import-form", "line 1"},
		{`{"format":"portico-policies","version":1} {}`, "policy.import-form", "line 1"},
		{`{"format":"portico-policies","version":2}`, "policy.import-version", ""},
		{`{"format":"other","version":1}`, "policy.import-version", ""},
		{`{"format":"portico-policies","version":1,"custom_states":"` + strings.Repeat("x", MaxImport) + `"}`, "policy.import-size", ""},
		{rule(`{"name":"DisableIM","scope":{"kind":"everyone"},"value":"on"},{"name":"EnableFlying","scope":{"kind":"everyone"},"value":"on"}`), "policy.unknown", "rules[1]"},
		{rule(`{"name":"DisableIM","scope":{"kind":"everyone"},"value":"perhaps"}`), "policy.value", "rules[0]"},
		{rule(`{"name":"DisableIM","scope":{"kind":"moon"},"value":"on"}`), "policy.scope", "rules[0]"},
		{rule(`{"name":"DisableIM","scope":{"kind":"group","who":"none"},"value":"on"}`), "policy.no-group", "rules[0]"},
		{rule(`{"name":"DisableIM","scope":{"kind":"person","who":"ann"},"value":"on"}`), "policy.person", "rules[0]"},
		{rule(`{"name":"CustomStateURL","scope":{"kind":"everyone"},"value":"file:///x"}`), "customstates.scheme", "rules[0]"},
		{rule(`{"name":"DisableIM","scope":{"kind":"everyone"},"value":"on"},{"name":"DisableIM","scope":{"kind":"everyone","who":"x"},"value":"off"}`), "policy.rule-twice", "rules[1]"},
		{`{"format":"portico-policies","version":1,"groups":[{"name":"A"}]}`, "policy.group-id", "groups[0]"},
		{`{"format":"portico-policies","version":1,"groups":[{"id":"a","name":"A"},{"id":"a","name":"B"}]}`, "policy.group-id", "groups[1]"},
		{`{"format":"portico-policies","version":1,"groups":[{"id":"a","name":"A"},{"id":"b","name":"a"}]}`, "policy.group-twice", "groups[1]"},
		{`{"format":"portico-policies","version":1,"groups":[{"id":"a","name":"A","members":["x"]}]}`, "policy.group-member", "groups[0]"},
		{`{"format":"portico-policies","version":1,"custom_states":"<customStates/>"}`, "customstates.empty", "custom_states"},
		{`{"format":"portico-policies","version":1,"origins":["https://a.example.test","*"]}`, "policy.origin", "origins[1]"},
	} {
		for _, dry := range []bool{true, false} {
			lines, err := h.Import(ctx, boss, []byte(c.file), dry)
			var e *portal.Error
			if !errors.As(err, &e) || e.Key != c.key || e.Args["place"] != c.place || lines != nil || portal.Meaning(err) != portal.ErrInvalid && c.key != "policy.no-group" {
				t.Errorf("%.80s: %v at %q, want %s at %q", c.file, err, e.Args["place"], c.key, c.place)
			}
		}
	}
	if len(h.store.record) != before || len(h.news()) != 0 {
		t.Error("what was refused changed something")
	}
}

// TestImportHalfWay: where storage goes away in the middle, what was stored holds, and the same import does the rest.
func TestImportHalfWay(t *testing.T) {
	ctx := t.Context()
	file, err := filled(t).Export(ctx)
	must(t, err)
	h := build(t, newMemory(), nil, nil)
	h.store.breakAfter(1)
	if _, err := h.Import(ctx, boss, file, false); !errors.Is(err, errAway) {
		t.Fatalf("half-way: %v", err)
	}
	h.store.breakAfter(-1)
	h.expect(t, "half-way", "all [EnableAutoArchiving DisableIM MaxFileSize]")
	if !h.InForce(ann).DisableIM || h.States(ann) != nil {
		t.Error("what was stored does not hold, or more does")
	}
	lines, err := h.Import(ctx, boss, file, false)
	must(t, err)
	if got := told(lines); len(got) != 2 || len(h.States(ann)) != 4 || !h.Allowed("https://intranet.example.test") {
		t.Errorf("the rest: %q", got)
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(`{"format":"portico-policies","version":1,"groups":[{"id":"a","name":"A","members":["sip:ann@example.test"],"departments":["x"]}],"rules":[{"name":"DisableIM","scope":{"kind":"group","who":"a"},"value":"on"}],"custom_states":"","origins":["https://a.example.test"]}`))
	f.Add([]byte(`{"format":"portico-policies","version":1,"rules":[{"name":"MaxFileSize","scope":{"kind":"person","who":"ann@example.test"},"value":"9 mb"}]}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, data []byte) {
		ctx := t.Context()
		h := build(t, newMemory(), nil, nil)
		seen, err := h.Import(ctx, boss, data, true)
		lines, err2 := h.Import(ctx, boss, data, false)
		if (err == nil) != (err2 == nil) || portal.Reason(err) != portal.Reason(err2) || len(seen) != len(lines) {
			t.Fatalf("looked at: %v %v, done: %v %v", seen, err, lines, err2)
		}
		if err != nil {
			return
		}
		if again, err := h.Import(ctx, boss, data, false); err != nil || len(again) != 0 {
			t.Errorf("once more: %q %v", told(again), err)
		}
		file, err := h.Export(ctx)
		must(t, err)
		other := build(t, newMemory(), nil, nil)
		_, err = other.Import(ctx, boss, file, false)
		must(t, err)
		if second, err := other.Export(ctx); err != nil || string(second) != string(file) {
			t.Errorf("exported\n%s\nimported and exported\n%s\n%v", file, second, err)
		}
	})
}
