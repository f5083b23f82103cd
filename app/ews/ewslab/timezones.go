package ewslab

// Time zones as rules: what the zone database says of a year, written as Exchange writes it, and the rules that a
// request for free/busy brings along.

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// changeover is one of a zone's two changes in a year, by its rule.
type changeover struct {
	Offset  int // seconds east of UTC afterwards
	Month   time.Month
	Order   int // 1..4, 5 = the last
	Weekday time.Weekday
	Clock   time.Duration // after midnight, by the clock before the change
}

// zoneRule is what holds in a zone in one year.
type zoneRule struct {
	Standard int // seconds east of UTC
	Summer   *changeover
	Winter   *changeover // both or neither
}

// ruleOf finds the rule of a zone for a year. A zone that changes in another way than twice in the year, once forward and
// once back, is taken as it stands at the year's beginning.
func ruleOf(loc *time.Location, year int) zoneRule {
	_, standard := time.Date(year, 1, 1, 0, 0, 0, 0, loc).Zone()
	found := changesIn(loc, year)
	if len(found) != 2 || found[0].after == found[1].after {
		return zoneRule{Standard: standard}
	}
	summer, winter := found[0], found[1]
	if summer.after < winter.after {
		summer, winter = winter, summer
	}
	return zoneRule{Standard: winter.after, Summer: changeoverOf(summer), Winter: changeoverOf(winter)}
}

// zoneChange is one moment at which a zone's offset changes.
type zoneChange struct {
	at            time.Time
	before, after int
}

// changesIn lists the changes of a year.
func changesIn(loc *time.Location, year int) []zoneChange {
	var out []zoneChange
	at := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	end := at.AddDate(1, 0, 0)
	for at.Before(end) {
		_, next := at.In(loc).ZoneBounds()
		if next.IsZero() || !next.Before(end) {
			break
		}
		_, before := next.Add(-time.Second).In(loc).Zone()
		_, after := next.In(loc).Zone()
		if before != after {
			out = append(out, zoneChange{next, before, after})
		}
		at = next
	}
	return out
}

// changeoverOf makes a rule of one change. A change in the last week of its month is taken for the last such day.
func changeoverOf(c zoneChange) *changeover {
	wall := c.at.UTC().Add(time.Duration(c.before) * time.Second)
	midnight := time.Date(wall.Year(), wall.Month(), wall.Day(), 0, 0, 0, 0, time.UTC)
	order := (wall.Day() + 6) / 7
	if wall.AddDate(0, 0, 7).Month() != wall.Month() {
		order = 5
	}
	return &changeover{Offset: c.after, Month: wall.Month(), Order: order, Weekday: wall.Weekday(), Clock: wall.Sub(midnight)}
}

// on is the moment of the change in a year, the offset before it being given.
func (c changeover) on(year, before int) time.Time {
	first := time.Date(year, c.Month, 1, 0, 0, 0, 0, time.UTC)
	day := 1 + (int(c.Weekday)-int(first.Weekday())+7)%7 + (c.Order-1)*7
	for day > first.AddDate(0, 1, -1).Day() {
		day -= 7
	}
	return first.AddDate(0, 0, day-1).Add(c.Clock - time.Duration(before)*time.Second)
}

// offset is the offset in force at an instant.
func (r zoneRule) offset(at time.Time) int {
	if r.Summer == nil || r.Winter == nil {
		return r.Standard
	}
	year := at.UTC().Add(time.Duration(r.Standard) * time.Second).Year()
	begin, end := r.Summer.on(year, r.Standard), r.Winter.on(year, r.Summer.Offset)
	inside := !at.Before(begin) && at.Before(end)
	if end.Before(begin) { // the southern half of the world
		inside = !at.Before(begin) || at.Before(end)
	}
	if inside {
		return r.Summer.Offset
	}
	return r.Standard
}

// local writes an instant as the zone's wall time without an offset, as free/busy answers have it.
func (r zoneRule) local(at time.Time) string {
	return at.UTC().Add(time.Duration(r.offset(at)) * time.Second).Format("2006-01-02T15:04:05")
}

// instant reads an xs:dateTime; one without an offset is wall time of the zone.
func (r zoneRule) instant(s string) (time.Time, bool) {
	wall, ok := instant(s, time.UTC)
	if !ok || hasOffset(s) {
		return wall, ok
	}
	at := wall.Add(-time.Duration(r.Standard) * time.Second)
	return wall.Add(-time.Duration(r.offset(at)) * time.Second), true
}

// hasOffset says whether a dateTime ends in Z or an offset.
func hasOffset(s string) bool {
	s = strings.TrimSpace(s)
	if strings.HasSuffix(s, "Z") || strings.HasSuffix(s, "z") {
		return true
	}
	_, clock, _ := strings.Cut(s, "T")
	return strings.ContainsAny(clock, "+-")
}

// readZoneRule reads t:TimeZone of a free/busy request. Rules that say nothing (month 0, no difference) mean no change.
func readZoneRule(n *node) (zoneRule, error) {
	bias, err := strconv.Atoi(strings.TrimSpace(n.text("Bias")))
	if n == nil || err != nil {
		return zoneRule{}, invalid("the element 'TimeZone' has no valid 'Bias'.")
	}
	standard, okStandard := readChangeover(n.kid("StandardTime"), bias)
	daylight, okDaylight := readChangeover(n.kid("DaylightTime"), bias)
	r := zoneRule{Standard: -60 * bias}
	if okStandard {
		r.Standard = standard.Offset
	}
	if okStandard && okDaylight && standard.Offset != daylight.Offset {
		r.Summer, r.Winter = daylight, standard
	}
	return r, nil
}

func readChangeover(n *node, bias int) (*changeover, bool) {
	own, err1 := strconv.Atoi(strings.TrimSpace(n.text("Bias")))
	order, err2 := strconv.Atoi(strings.TrimSpace(n.text("DayOrder")))
	month, err3 := strconv.Atoi(strings.TrimSpace(n.text("Month")))
	clock, err4 := time.Parse("15:04:05", strings.TrimSpace(n.text("Time")))
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil || month < 1 || month > 12 {
		return nil, false
	}
	if order < 1 || order > 5 {
		order = 5
	}
	c := &changeover{Offset: -60 * (bias + own), Month: time.Month(month), Order: order,
		Clock: clock.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC))}
	for d := time.Sunday; d <= time.Saturday; d++ {
		if n.text("DayOfWeek") == d.String() {
			c.Weekday = d
			return c, true
		}
	}
	return nil, false
}

// serializable writes a rule as t:TimeZone of working hours.
func (r zoneRule) serializable() *node {
	side := func(name string, c *changeover) *node {
		if c == nil {
			return t(name, t("Bias", 0), t("Time", "00:00:00"), t("DayOrder", 0), t("Month", 0), t("DayOfWeek", "Sunday"))
		}
		clock := time.Time{}.Add(c.Clock).Format("15:04:05")
		return t(name, t("Bias", (r.Standard-c.Offset)/60), t("Time", clock), t("DayOrder", c.Order), t("Month", int(c.Month)), t("DayOfWeek", c.Weekday.String()))
	}
	return t("TimeZone", t("Bias", -r.Standard/60), side("StandardTime", r.Winter), side("DaylightTime", r.Summer))
}

// opGetServerTimeZones answers the zones that were asked for, all without ids.
func (s *Server) opGetServerTimeZones(c *call) (*node, error) {
	var want []windowsZone
	if ids := c.req.kid("Ids"); ids != nil {
		for _, id := range ids.all("Id") {
			if z, ok := zoneTable().byID[strings.ToLower(strings.TrimSpace(id.Text))]; ok {
				want = append(want, z)
			}
		}
	} else {
		want = zoneTable().list
	}
	full := c.req.attr("ReturnFullTimeZoneData") == "" || isTrue(c.req.attr("ReturnFullTimeZoneData"))
	year := s.now().Year()
	list := m("TimeZoneDefinitions")
	for _, z := range want {
		def := t("TimeZoneDefinition", at("Id", z.ID), at("Name", z.Name))
		if full {
			def.add(ruleOf(z.Loc, year).definition(z.ID)...)
		}
		list.add(def)
	}
	return c.messages(1, func(int) ([]*node, error) { return []*node{list}, nil })
}

// definition writes a rule as the children of t:TimeZoneDefinition: its periods, one group of transitions, and that this
// group holds always.
func (r zoneRule) definition(id string) []*node {
	standard, daylight := "trule:Microsoft/Registry/"+id+"/1-Standard", "trule:Microsoft/Registry/"+id+"/1-Daylight"
	periods := t("Periods", t("Period", at("Bias", duration(-r.Standard)), at("Name", "Standard"), at("Id", standard)))
	group := t("TransitionsGroup", at("Id", "0"))
	if r.Summer == nil {
		group.add(t("Transition", t("To", at("Kind", "Period"), standard)))
	} else {
		periods.add(t("Period", at("Bias", duration(-r.Summer.Offset)), at("Name", "Daylight"), at("Id", daylight)))
		group.add(r.Summer.transition(daylight), r.Winter.transition(standard))
	}
	return []*node{periods, t("TransitionsGroups", group), t("Transitions", t("Transition", t("To", at("Kind", "Group"), "0")))}
}

func (c changeover) transition(period string) *node {
	order := c.Order
	if order == 5 {
		order = -1
	}
	return t("RecurringDayTransition", t("To", at("Kind", "Period"), period), t("TimeOffset", duration(int(c.Clock/time.Second))),
		t("Month", int(c.Month)), t("DayOfWeek", c.Weekday.String()), t("Occurrence", order))
}

// duration writes seconds as xs:duration.
func duration(seconds int) string {
	sign := ""
	if seconds < 0 {
		sign, seconds = "-", -seconds
	}
	out := fmt.Sprintf("%sPT%dH", sign, seconds/3600)
	if seconds%3600 != 0 {
		out += fmt.Sprintf("%dM", seconds%3600/60)
	}
	if seconds%60 != 0 {
		out += fmt.Sprintf("%dS", seconds%60)
	}
	return out
}
