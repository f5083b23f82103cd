package ewslab

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/teambition/rrule-go"
)

// datesOf lists the first dates of a pattern written as XML.
func datesOf(t *testing.T, xml string, limit int) []string {
	t.Helper()
	n, err := readTree(strings.NewReader(`<Recurrence>` + strings.NewReplacer("t:", "").Replace(xml) + `</Recurrence>`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := parsePattern(n)
	if err != nil {
		t.Fatalf("%s: %v", xml, err)
	}
	var out []string
	p.dates(func(n int, d time.Time) bool {
		out = append(out, d.Format("060102"))
		return n < limit
	})
	return out
}

func TestPatterns(t *testing.T) {
	noEnd := func(start string) string {
		return `<NoEndRecurrence><StartDate>` + start + `</StartDate></NoEndRecurrence>`
	}
	for _, c := range []struct{ name, pattern, span, want string }{
		{"every third day", `<DailyRecurrence><Interval>3</Interval></DailyRecurrence>`, noEnd("2026-02-26"), "260226 260301 260304 260307 260310"},
		{"weekly", `<WeeklyRecurrence><Interval>1</Interval><DaysOfWeek>Monday Friday</DaysOfWeek></WeeklyRecurrence>`, noEnd("2026-03-04"), "260306 260309 260313 260316 260320"},
		{"fortnight, week from Monday", `<WeeklyRecurrence><Interval>2</Interval><DaysOfWeek>Tuesday Sunday</DaysOfWeek><FirstDayOfWeek>Monday</FirstDayOfWeek></WeeklyRecurrence>`, noEnd("1997-08-05"), "970805 970810 970819 970824 970902"},
		{"fortnight, week from Sunday", `<WeeklyRecurrence><Interval>2</Interval><DaysOfWeek>Tuesday Sunday</DaysOfWeek><FirstDayOfWeek>Sunday</FirstDayOfWeek></WeeklyRecurrence>`, noEnd("1997-08-05"), "970805 970817 970819 970831 970902"},
		{"the 31st", `<AbsoluteMonthlyRecurrence><Interval>1</Interval><DayOfMonth>31</DayOfMonth></AbsoluteMonthlyRecurrence>`, noEnd("2026-01-31"), "260131 260228 260331 260430 260531"},
		{"every second month", `<AbsoluteMonthlyRecurrence><Interval>2</Interval><DayOfMonth>5</DayOfMonth></AbsoluteMonthlyRecurrence>`, noEnd("2026-11-20"), "270105 270305 270505 270705 270905"},
		{"last Friday", `<RelativeMonthlyRecurrence><Interval>1</Interval><DaysOfWeek>Friday</DaysOfWeek><DayOfWeekIndex>Last</DayOfWeekIndex></RelativeMonthlyRecurrence>`, noEnd("2026-01-01"), "260130 260227 260327 260424 260529"},
		{"last weekday", `<RelativeMonthlyRecurrence><Interval>1</Interval><DaysOfWeek>Weekday</DaysOfWeek><DayOfWeekIndex>Last</DayOfWeekIndex></RelativeMonthlyRecurrence>`, noEnd("2026-01-01"), "260130 260227 260331 260430 260529"},
		{"second day of the weekend", `<RelativeMonthlyRecurrence><Interval>1</Interval><DaysOfWeek>WeekendDay</DaysOfWeek><DayOfWeekIndex>Second</DayOfWeekIndex></RelativeMonthlyRecurrence>`, noEnd("2026-01-01"), "260104 260207 260307 260405 260503"},
		{"fourth day", `<RelativeMonthlyRecurrence><Interval>1</Interval><DaysOfWeek>Day</DaysOfWeek><DayOfWeekIndex>Fourth</DayOfWeekIndex></RelativeMonthlyRecurrence>`, noEnd("2026-01-05"), "260204 260304 260404 260504 260604"},
		{"leap day", `<AbsoluteYearlyRecurrence><DayOfMonth>29</DayOfMonth><Month>February</Month></AbsoluteYearlyRecurrence>`, noEnd("2027-01-01"), "270228 280229 290228 300228 310228"},
		{"Thanksgiving", `<RelativeYearlyRecurrence><DaysOfWeek>Thursday</DaysOfWeek><DayOfWeekIndex>Fourth</DayOfWeekIndex><Month>November</Month></RelativeYearlyRecurrence>`, noEnd("2026-01-01"), "261126 271125 281123 291122 301128"},
		{"up to a date", `<DailyRecurrence><Interval>1</Interval></DailyRecurrence>`, `<EndDateRecurrence><StartDate>2026-02-27Z</StartDate><EndDate>2026-03-01+02:00</EndDate></EndDateRecurrence>`, "260227 260228 260301"},
		{"a number", `<DailyRecurrence><Interval>1</Interval></DailyRecurrence>`, `<NumberedRecurrence><StartDate>2026-02-27</StartDate><NumberOfOccurrences>2</NumberOfOccurrences></NumberedRecurrence>`, "260227 260228"},
	} {
		t.Run(c.name, func(t *testing.T) { equal(t, strings.Join(datesOf(t, c.pattern+c.span, 5), " "), c.want) })
	}
}

// The dates are those of a library that knows nothing of Exchange, wherever both have a form for a pattern.
func TestPatternsAgainstRRule(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	weekdays := []rrule.Weekday{rrule.SU, rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA}
	names := []string{"First", "Second", "Third", "Fourth", "Last"}
	for range 300 {
		start := time.Date(2020+random.IntN(10), time.Month(1+random.IntN(12)), 1+random.IntN(28), 0, 0, 0, 0, time.UTC)
		interval, day := 1+random.IntN(4), random.IntN(7)
		o := rrule.ROption{Dtstart: start, Interval: interval, Count: 12, Wkst: rrule.MO}
		xml := fmt.Sprintf(`<Interval>%d</Interval>`, interval)
		switch random.IntN(4) {
		case 0:
			o.Freq = rrule.DAILY
			xml = `<DailyRecurrence>` + xml + `</DailyRecurrence>`
		case 1:
			other := random.IntN(7)
			o.Freq, o.Byweekday = rrule.WEEKLY, []rrule.Weekday{weekdays[day], weekdays[other]}
			xml = fmt.Sprintf(`<WeeklyRecurrence>%s<DaysOfWeek>%s %s</DaysOfWeek><FirstDayOfWeek>Monday</FirstDayOfWeek></WeeklyRecurrence>`, xml, time.Weekday(day), time.Weekday(other))
		case 2:
			n := 1 + random.IntN(28)
			o.Freq, o.Bymonthday = rrule.MONTHLY, []int{n}
			xml = fmt.Sprintf(`<AbsoluteMonthlyRecurrence>%s<DayOfMonth>%d</DayOfMonth></AbsoluteMonthlyRecurrence>`, xml, n)
		default:
			n := random.IntN(5)
			position := n + 1
			if n == 4 {
				position = -1
			}
			o.Freq, o.Byweekday = rrule.MONTHLY, []rrule.Weekday{weekdays[day].Nth(position)}
			xml = fmt.Sprintf(`<RelativeMonthlyRecurrence>%s<DaysOfWeek>%s</DaysOfWeek><DayOfWeekIndex>%s</DayOfWeekIndex></RelativeMonthlyRecurrence>`, xml, time.Weekday(day), names[n])
		}
		rule, err := rrule.NewRRule(o)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, d := range rule.All() {
			want = append(want, d.Format("060102"))
		}
		got := datesOf(t, xml+`<NumberedRecurrence><StartDate>`+start.Format("2006-01-02")+`</StartDate><NumberOfOccurrences>12</NumberOfOccurrences></NumberedRecurrence>`, 100)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%s from %s\ngot  %v\nwant %v", xml, start, got, want)
		}
	}
}

func TestAViewFarFromTheBeginning(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	alice.create(`<t:Subject>d</t:Subject><t:Start>2001-01-01T09:00:00Z</t:Start><t:End>2001-01-01T10:00:00Z</t:End><t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NoEndRecurrence><t:StartDate>2001-01-01</t:StartDate></t:NoEndRecurrence></t:Recurrence>`)
	equal(t, alice.view("2061-05-01T09:30:00Z", "2061-05-02T09:00:00Z"), "[2061-05-01T09:00:00Z d]")
	n := alice.ok(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ParentFolderIds>`+folderID("calendar")+`</m:ParentFolderIds></m:FindItem>`).kid("RootFolder", "Items")
	master := alice.get(refOf(n.Kids[0].kid("ItemId")).item())
	equal(t, master.text("CalendarItemType")+" "+master.text("FirstOccurrence", "Start"), "RecurringMaster 2001-01-01T09:00:00Z")
	if master.kid("LastOccurrence") != nil {
		t.Error("a series without end has a last occurrence")
	}
}
