package ewslab

import (
	"strings"
	"testing"
	"time"
)

func TestRulesAgreeWithTheZoneDatabase(t *testing.T) {
	for _, z := range zoneTable().list {
		r := ruleOf(z.Loc, 2026)
		if r.Summer == nil && len(changesIn(z.Loc, 2026)) == 2 {
			t.Errorf("%s changes twice in 2026 and has no rule", z.ID)
		}
		for at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC); at.Year() == 2026; at = at.Add(6 * time.Hour) {
			_, want := at.In(z.Loc).Zone()
			if len(changesIn(z.Loc, 2026)) != 2 && len(changesIn(z.Loc, 2026)) != 0 {
				break // no rule of two changes can tell
			}
			if got := r.offset(at); got != want {
				t.Errorf("%s at %v: %d s, want %d", z.ID, at, got, want)
				break
			}
		}
	}
}

func TestARuleOfARequest(t *testing.T) {
	read := func(xml string) (zoneRule, error) {
		n, err := readTree(strings.NewReader(strings.ReplaceAll(xml, "t:", "")))
		if err != nil {
			t.Fatal(err)
		}
		return readZoneRule(n)
	}
	r, err := read(berlinRule)
	if err != nil {
		t.Fatal(err)
	}
	for wall, want := range map[string]string{
		"2026-03-28T12:00:00": "2026-03-28T11:00:00Z", "2026-03-29T12:00:00": "2026-03-29T10:00:00Z", "2026-10-24T12:00:00": "2026-10-24T10:00:00Z", "2026-10-25T12:00:00": "2026-10-25T11:00:00Z",
		"2026-07-01T12:00:00Z": "2026-07-01T12:00:00Z", "2026-07-01T12:00:00+05:30": "2026-07-01T06:30:00Z",
	} {
		at, ok := r.instant(wall)
		equal(t, stamp(at), want)
		if !ok || !strings.Contains(wall, "Z") && !strings.Contains(wall, "+") && r.local(at) != wall {
			t.Errorf("%s is %v, which is %s", wall, at, r.local(at))
		}
	}
	// No change at all, in the two ways in which clients say so.
	same := strings.Replace(berlinRule, `<t:Bias>-60</t:Bias><t:Time>02`, `<t:Bias>0</t:Bias><t:Time>02`, 1)
	for _, xml := range []string{same, strings.ReplaceAll(strings.ReplaceAll(berlinRule, ">10<", ">0<"), ">3<", ">0<")} {
		r, err := read(xml)
		if err != nil || r.Summer != nil || r.Standard != 3600 {
			t.Errorf("%+v, %v", r, err)
		}
	}
	// The southern half of the world.
	sydney := ruleOf(zoneTable().byID["aus eastern standard time"].Loc, 2026)
	for at, want := range map[time.Time]string{
		time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC): "2026-01-01T11:00:00", time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC): "2026-07-01T10:00:00",
	} {
		equal(t, sydney.local(at), want)
	}
}

func TestGetServerTimeZones(t *testing.T) {
	l := example(t)
	alice := l.as("alice")
	list := func(full, ids string) []*node {
		return alice.ok(`<m:GetServerTimeZones ReturnFullTimeZoneData="` + full + `">` + ids + `</m:GetServerTimeZones>`).kid("TimeZoneDefinitions").Kids
	}
	all := list("true", "")
	equal(t, len(all), len(zoneTable().list))
	if len(all) < 130 {
		t.Errorf("only %d zones", len(all))
	}
	equal(t, len(list("false", "")[0].Kids), 0)
	one := list("1", `<m:Ids><t:Id>W. Europe Standard Time</t:Id><t:Id>No Such Time</t:Id></m:Ids>`)
	equal(t, len(one), 1)
	var rules []string
	for _, p := range one[0].kid("Periods").Kids {
		rules = append(rules, p.attr("Name")+p.attr("Bias"))
	}
	for _, c := range one[0].kid("TransitionsGroups", "TransitionsGroup").Kids {
		rules = append(rules, c.text("Month")+" "+c.text("DayOfWeek")+" "+c.text("Occurrence")+" "+c.text("TimeOffset"))
	}
	equal(t, strings.Join(rules, ", "), "Standard-PT1H, Daylight-PT2H, 3 Sunday -1 PT2H, 10 Sunday -1 PT3H")
	half := list("true", `<m:Ids><t:Id>India Standard Time</t:Id></m:Ids>`)[0]
	equal(t, half.kid("Periods", "Period").attr("Bias")+" "+half.attr("Name")[:11], "-PT5H30M (UTC+05:30)")
}
