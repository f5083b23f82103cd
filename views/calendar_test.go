package views

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"portico/app/portal"
)

// calendarOf is alice's calendar with these appointments, shown at a day in Vienna.
func calendarOf(locale string, view CalendarView, day string, items ...portal.Appointment) CalendarPage {
	f := frameFor(locale, Calendar)
	at, err := time.ParseInLocation(time.DateOnly, day, f.Zone)
	if err != nil {
		panic(err) // a test's own mistake
	}
	f.Now = at.Add(10*time.Hour + 7*time.Minute)
	v := CalendarPage{Frame: f, CalendarShow: CalendarShow{View: view, Date: at.Add(12 * time.Hour)},
		Calendars: []CalendarOwner{{Person: portal.Person{URI: alice, DisplayName: "Alice Adler"}, Rights: "owner"}}}
	for i, a := range items {
		if a.ID == "" {
			a.ID = fmt.Sprint("a", i)
		}
		a.Calendar = alice
		v.Items = append(v.Items, CalendarItem{Appointment: a})
	}
	return v
}

// span of time in Vienna: "2026-11-25 09:00" and so long.
func lasting(t testing.TB, subject, start string, length time.Duration) portal.Appointment {
	t.Helper()
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", start, vienna)
	if err != nil {
		t.Fatal(err)
	}
	return portal.Appointment{Subject: subject, Start: at.UTC(), End: at.Add(length).UTC()}
}

func wholeDays(subject, first, after string) portal.Appointment {
	date := func(s string) time.Time {
		t, err := time.Parse(time.DateOnly, s)
		if err != nil {
			panic(err) // a test's own mistake
		}
		return t
	}
	return portal.Appointment{Subject: subject, AllDay: true, Start: date(first), End: date(after)}
}

// placeOf is where an appointment stands: row and column of its cell, then offset, height, lane, lanes and width.
func placeOf(t *testing.T, doc *goquery.Document, subject string) string {
	t.Helper()
	e := doc.Find(".slots .event").FilterFunction(func(_ int, e *goquery.Selection) bool { return strings.Contains(e.Text(), subject) }).First()
	if e.Length() == 0 {
		t.Fatalf("%s is not there", subject)
	}
	td := e.Closest("td")
	h, m := 0, 0
	if _, err := fmt.Sscan(e.AttrOr("data-h", ""), &h); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(e.AttrOr("data-m", ""), &m); err != nil {
		t.Fatal(err)
	}
	row := td.Parent()
	return fmt.Sprintf("row %d col %d, %s+%d, %s of %s over %s", row.Index(), td.PrevAllFiltered("td").Length(), e.AttrOr("data-o", ""), h*12+m,
		e.AttrOr("data-lane", ""), e.AttrOr("data-lanes", ""), e.AttrOr("data-width", ""))
}

func TestGridPlacesAppointments(t *testing.T) {
	doc := render(t, CalendarSheet(calendarOf("en", WorkWeekView, "2026-11-25",
		lasting(t, "Plain", "2026-11-23 09:00", time.Hour),
		lasting(t, "Odd minutes", "2026-11-23 13:10", 35*time.Minute),
		lasting(t, "Long one", "2026-11-25 10:00", 3*time.Hour),
		lasting(t, "First half", "2026-11-25 10:00", time.Hour),
		lasting(t, "Second half", "2026-11-25 11:00", time.Hour),
		lasting(t, "Both free", "2026-11-25 12:00", time.Hour),
		lasting(t, "Short", "2026-11-26 15:00", 5*time.Minute),
		lasting(t, "No length", "2026-11-26 16:00", 0),
	)))
	for subject, want := range map[string]string{
		"Plain": "row 4 col 0, 0+12, 0 of 1 over 1", "Odd minutes": "row 12 col 0, 2+7, 0 of 1 over 1",
		"Long one": "row 6 col 2, 0+36, 0 of 2 over 1", "First half": "row 6 col 2, 0+12, 1 of 2 over 1", "Second half": "row 8 col 2, 0+12, 1 of 2 over 1", "Both free": "row 10 col 2, 0+12, 1 of 2 over 1",
		"Short": "row 16 col 3, 0+6, 0 of 1 over 1", "No length": "row 18 col 3, 0+6, 0 of 1 over 1",
	} {
		if got := placeOf(t, doc, subject); got != want {
			t.Errorf("%s: %s, want %s", subject, got, want)
		}
	}
	expect(t, doc, map[string]string{".calendar-when h2": "23–27 November 2026", "th[aria-current=date] .date": "25", ".slots th": "07:00"})
	if got := doc.Find(".slots tr").Length(); got != 26 {
		t.Errorf("%d half hours from 7 to 20", got)
	}
	if doc.Find(`table[aria-label="Calendar"] th[scope=col]`).Length() != 6 || doc.Find(".slots th[scope=row]").Length() != 13 {
		t.Error("the table's heads do not say what they are for")
	}
}

// What overlaps too much is counted, and hours outside the usual ones come only when something lies in them.
func TestGridGrowsAndCounts(t *testing.T) {
	var many []portal.Appointment
	for i := range 9 {
		many = append(many, lasting(t, fmt.Sprint("Clash ", i), "2026-11-24 09:00", time.Hour))
	}
	many = append(many, lasting(t, "Early", "2026-11-24 05:30", time.Hour), lasting(t, "Over midnight", "2026-11-25 23:00", 2*time.Hour))
	doc := render(t, CalendarSheet(calendarOf("en", WorkWeekView, "2026-11-25", many...)))
	if got := doc.Find(".slots .event:contains(Clash)").Length(); got != mostLanes {
		t.Errorf("%d stand side by side", got)
	}
	expect(t, doc, map[string]string{".hidden-more": "4 more", ".slots th": "00:00"})
	if got := doc.Find(".slots .event:contains(midnight)"); got.Length() != 2 || got.First().AttrOr("id", "") == got.Last().AttrOr("id", "") {
		t.Errorf("%d parts of what reaches over midnight", got.Length())
	}
	if got := placeOf(t, doc, "Over midnight"); got != "row 0 col 3, 0+12, 0 of 1 over 1" {
		t.Errorf("the part after midnight: %s", got)
	}
}

// On the days on which the clocks change a day has 23 or 25 hours, and every appointment is as long as it is.
func TestGridWhenTheClocksChange(t *testing.T) {
	back := calendarOf("en", WeekView, "2026-10-25", lasting(t, "Night", "2026-10-25 01:00", 4*time.Hour), lasting(t, "Other day", "2026-10-24 01:00", 3*time.Hour))
	vienna := back.Zone
	first, second := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC), time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC)
	if first.In(vienna).Format("15:04") != second.In(vienna).Format("15:04") {
		t.Fatal("the tests' zone does not change then")
	}
	back.Items = append(back.Items, CalendarItem{Appointment: portal.Appointment{ID: "f", Subject: "First time", Start: first, End: first.Add(30 * time.Minute)}},
		CalendarItem{Appointment: portal.Appointment{ID: "s", Subject: "Second time", Start: second, End: second.Add(30 * time.Minute)}})
	back.AllHours = true
	doc := render(t, CalendarSheet(back))
	if got := doc.Find(".slots tr").Length(); got != 50 {
		t.Errorf("%d half hours on a day of 25 hours", got)
	}
	for subject, want := range map[string]string{
		"Night": "row 2 col 6, 0+48, 0 of 2 over 1", "First time": "row 5 col 6, 0+6, 1 of 2 over 1", "Second time": "row 7 col 6, 0+6, 1 of 2 over 1",
		"Other day": "row 2 col 5, 0+48, 0 of 1 over 1", // over the rows of the hour that it does not have
	} {
		if got := placeOf(t, doc, subject); got != want {
			t.Errorf("%s: %s, want %s", subject, got, want)
		}
	}
	if got := doc.Find(".slots td.missing").Length(); got != 12 {
		t.Errorf("%d cells are missing, want two on each of six days", got)
	}
	expect(t, doc, map[string]string{".slots tr:nth-child(7) th": "02:00 again"})

	forward := calendarOf("en", WeekView, "2027-03-28", lasting(t, "Short night", "2027-03-28 01:00", 3*time.Hour))
	forward.AllHours = true
	doc = render(t, CalendarSheet(forward))
	if got := doc.Find(".slots td.missing"); got.Length() != 2 || got.Find("a").Length() != 0 {
		t.Errorf("%d half hours do not exist", got.Length())
	}
	if got := placeOf(t, doc, "Short night"); got != "row 2 col 6, 0+48, 0 of 1 over 1" { // from 1 to 5 on the clock
		t.Errorf("the short night: %s", got)
	}
}

func TestBarsOverDays(t *testing.T) {
	doc := render(t, CalendarSheet(calendarOf("en", WeekView, "2026-11-25",
		wholeDays("Fair", "2026-11-24", "2026-11-27"), wholeDays("Holiday", "2026-11-20", "2026-11-24"), wholeDays("Birthday", "2026-11-24", "2026-11-25"), wholeDays("Into next week", "2026-11-28", "2026-12-02"),
		lasting(t, "Journey", "2026-11-26 18:00", 30*time.Hour))))
	for subject, want := range map[string]string{"Fair": "3", "Holiday": "1", "Birthday": "1", "Into next week": "2", "Journey": "2"} {
		td := doc.Find(".bars .event:contains('" + subject + "')").Closest("td")
		if got := td.AttrOr("colspan", ""); got != want {
			t.Errorf("%s reaches over %s days, want %s", subject, got, want)
		}
	}
	if got := doc.Find(".bars tr").Length(); got != 2 {
		t.Errorf("%d rows of bars", got)
	}
	doc.Find(".bars tr").Each(func(i int, tr *goquery.Selection) {
		columns := 0
		tr.Find("td").Each(func(_ int, td *goquery.Selection) {
			n := 1
			if _, err := fmt.Sscan(td.AttrOr("colspan", "1"), &n); err != nil {
				t.Error(err)
			}
			columns += n
		})
		if columns != 7 {
			t.Errorf("row %d of bars has %d columns", i, columns)
		}
	})
	if doc.Find(`.event[data-before=true]:contains(Holiday)`).Length() != 1 || doc.Find(`.event[data-after=true]:contains("Into next week")`).Length() != 1 {
		t.Error("nothing says that a bar goes on")
	}
}

// Nothing is told by colour alone.
func TestMarksAreWords(t *testing.T) {
	at := func(hour int) string { return fmt.Sprintf("2026-11-25 %02d:00", hour) }
	tentative, oof, free, private := lasting(t, "T", at(7), time.Hour), lasting(t, "O", at(8), time.Hour), lasting(t, "F", at(9), time.Hour), lasting(t, "P", at(10), time.Hour)
	tentative.Show, oof.Show, free.Show, private.Private = portal.ShowTentative, portal.ShowOOF, portal.ShowFree, true
	cancelled, pending, failed, crm := lasting(t, "C", at(11), time.Hour), lasting(t, "W", at(12), time.Hour), lasting(t, "X", at(13), time.Hour), lasting(t, "M", at(14), time.Hour)
	cancelled.Status, pending.Sync.State, failed.Sync.State, crm.Source = portal.StatusCancelled, portal.SyncPending, portal.SyncFailed, portal.SourceCRM
	invited, masked, meeting := lasting(t, "I", at(15), time.Hour), lasting(t, "Secret", at(16), time.Hour), lasting(t, "A", at(17), time.Hour)
	invited.Meeting, invited.Response, masked.Masked = true, portal.ResponseNone, true
	masked.Subject = ""
	meeting.Meeting, meeting.Mine = true, true
	meeting.Attendees = []portal.Attendee{{Response: portal.ResponseAccepted}, {Response: portal.ResponseNone}, {Response: portal.ResponseAccepted, Role: portal.RoleResource}}
	items := []portal.Appointment{tentative, oof, free, private, cancelled, pending, failed, crm, invited, masked, meeting}
	for locale, want := range map[string][]string{
		"en": {"tentative", "out of office", "free", "private", "cancelled", "waiting to be sent", "not changed", "CRM", "not answered", "busy", "1 of 2 accepted"},
		"de": {"mit Vorbehalt", "abwesend", "frei", "privat", "abgesagt", "noch nicht übertragen", "nicht geändert", "CRM", "nicht beantwortet", "beschäftigt", "1 von 2 zugesagt"},
	} {
		doc := render(t, CalendarSheet(calendarOf(locale, DayView, "2026-11-25", items...)))
		events := doc.Find(".slots .event")
		if events.Length() != len(items) {
			t.Fatalf("%d of %d", events.Length(), len(items))
		}
		events.Each(func(i int, e *goquery.Selection) {
			if !strings.Contains(e.Text(), want[i]) {
				t.Errorf("%s: %q does not say %q", locale, strings.Join(strings.Fields(e.Text()), " "), want[i])
			}
		})
		if doc.Find(".event[data-version]").Length() != 8 {
			t.Errorf("%d can be moved", doc.Find(".event[data-version]").Length())
		}
	}
}

func TestEmptyAndAwayAndLoading(t *testing.T) {
	v := calendarOf("en", AgendaView, "2026-11-25")
	expect(t, render(t, CalendarSheet(v)), map[string]string{".empty p": "Nothing in these 30 days."})
	v = calendarOf("de", WeekView, "2026-11-25")
	v.State = portal.ExchangeEvent{State: "down", Since: v.Now.Add(-55 * time.Minute), Waiting: 2}
	v.Calendars[0].Loading = true
	doc := render(t, CalendarSheet(v))
	expect(t, doc, map[string]string{
		`[data-live=exchange]`: "Exchange ist seit 09:12 nicht erreichbar. Was Sie ändern, bleibt erhalten und wird übertragen, sobald es wieder da ist. 2 Änderungen warten. Was wartet",
		".loading":             "Der Kalender wird zum ersten Mal gelesen. Er erscheint dann von selbst hier.", ".calendar-when h2": "23.–29. November 2026",
	})
}

func TestMonth(t *testing.T) {
	items := []portal.Appointment{wholeDays("Fair", "2026-11-13", "2026-11-17")}
	for i := range 5 {
		items = append(items, lasting(t, fmt.Sprint("Talk ", i), fmt.Sprintf("2026-11-25 %02d:00", 9+i), time.Hour))
	}
	doc := render(t, CalendarSheet(calendarOf("en", MonthView, "2026-11-25", items...)))
	expect(t, doc, map[string]string{".calendar-when h2": "November 2026", ".more-count": "2 more", ".month .date[aria-current=date] a": "25 Wednesday", "tbody th a": "44"})
	if got := doc.Find(".month tbody").Length(); got != 6 {
		t.Errorf("%d weeks", got)
	}
	if got := doc.Find(".event:contains(Fair)").Length(); got != 2 {
		t.Errorf("what reaches over Sunday stands in %d weeks", got)
	}
	v := calendarOf("en", MonthView, "2026-11-25")
	v.Catalogue = v.Set().For("en-US")
	expect(t, render(t, CalendarSheet(v)), map[string]string{".month thead abbr": "Sun"})
}

func TestAddressesOfTheCalendar(t *testing.T) {
	v := calendarOf("en", WorkWeekView, "2026-11-25")
	v.With = []portal.Address{bob}
	for got, want := range map[string]string{
		v.step(v.Reader, 1): "/calendar?date=2026-12-02&view=workweek&with=bob%40example.test", v.as(MonthView): "/calendar?date=2026-11-25&view=month&with=bob%40example.test",
		v.toggled(bob): "/calendar?date=2026-11-25&view=workweek&with=", v.toggled(karl): "/calendar?date=2026-11-25&view=workweek&with=bob%40example.test&with=karl%40example.test",
		AppointmentPath(alice, alice, "x~20261125T090000Z"): "/calendar/x~20261125T090000Z", AppointmentPath(alice, bob, "a/b"): "/calendar/a%2Fb?of=bob%40example.test",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	v.View = MonthView
	if got := v.step(v.Reader, -1); !strings.Contains(got, "date=2026-10-01") {
		t.Errorf("the month before is %s", got)
	}
}

func TestRepeatWords(t *testing.T) {
	en, de := NewReader("en", "Europe/Vienna", en0), NewReader("de", "Europe/Vienna", en0)
	days := RepeatForm{Kind: "weekly", Interval: "2", Ends: "count", Count: "10"}
	days.Days[time.Monday], days.Days[time.Wednesday] = true, true
	for _, c := range []struct {
		f      RepeatForm
		en, de string
	}{
		{RepeatForm{}, "", ""},
		{RepeatForm{Kind: "daily", Interval: "1"}, "every day", "jeden Tag"},
		{days, "every 2 weeks on Monday and Wednesday, 10 times", "alle 2 Wochen: Montag und Mittwoch, 10-mal"},
		{RepeatForm{Kind: "monthly", Interval: "3", MonthDay: "31"}, "every 3 months on day 31", "alle 3 Monate am 31."},
		{RepeatForm{Kind: "monthly-nth", Interval: "1", Nth: "-1", NthDay: "workday"}, "every month on the last weekday (Monday to Friday)", "jeden Monat: letzter Werktag (Montag bis Freitag)"},
		{RepeatForm{Kind: "yearly-nth", Interval: "1", Nth: "2", NthDay: "0", Month: "5"}, "every year on the second Sunday of May", "jedes Jahr: zweiter Sonntag im Mai"},
		{RepeatForm{Kind: "yearly", Interval: "1", MonthDay: "24", Month: "12", Ends: "until", Until: "2030-12-24"}, "every year on 24 December, until 24 Dec 2030", "jedes Jahr am 24. Dezember, bis 24. Dez. 2030"},
	} {
		if got := c.f.Words(en); got != c.en {
			t.Errorf("%+v is %q", c.f, got)
		}
		if got := c.f.Words(de); got != c.de {
			t.Errorf("%+v is %q", c.f, got)
		}
	}
}

// BenchmarkWeek renders a week with so many appointments.
func BenchmarkWeek(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var items []portal.Appointment
			for i := range n {
				items = append(items, lasting(b, fmt.Sprint("Appointment ", i), fmt.Sprintf("2026-11-%02d %02d:%02d", 23+i%7, 8+i/7%10, i%4*15), time.Duration(30+i%3*30)*time.Minute))
			}
			v := calendarOf("en", WeekView, "2026-11-25", items...)
			var buf bytes.Buffer
			b.ReportAllocs()
			for b.Loop() {
				buf.Reset()
				if err := CalendarSheet(v).Render(context.Background(), &buf); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(buf.Len()), "bytes/page")
		})
	}
}

// Scripts write dates as the server does, with the country; English of no country is not American.
func TestTagForScripts(t *testing.T) {
	for locale, want := range map[string]string{"en": "en-GB", "en-US": "en-US", "en-GB": "en-GB", "de": "de", "de-AT": "de-AT", "de-CH": "de-CH"} {
		if got := NewReader(locale, "UTC", en0).scriptTag(); got != want {
			t.Errorf("%s: %s, want %s", locale, got, want)
		}
	}
}

// Readers whose country writes twelve hours read them everywhere; a full hour of the calendar has no minutes.
func TestTwelveHoursInWords(t *testing.T) {
	r := NewReader("en-US", "Europe/Vienna", en0)
	morning := dayOf(r.Now).from.Add(9*time.Hour + 5*time.Minute)
	for want, got := range map[string]string{
		"9:05 AM": r.clock(morning), "9:05 AM ": r.short(morning) + " ", "9:05 PM": r.moment(morning.Add(12 * time.Hour)), "yesterday 9:05 AM": r.moment(morning.AddDate(0, 0, -1)),
		"9 AM": r.hour(morning.Add(-5 * time.Minute)), "12 PM": r.hour(morning.Add(2*time.Hour + 55*time.Minute)), "12:05 AM": r.hour(morning.Add(-9 * time.Hour)),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := r.full(morning); !strings.HasSuffix(got, ", 9:05 AM") {
		t.Errorf("in full: %q", got)
	}
	if got := NewReader("en", "Europe/Vienna", en0).clock(morning); got != "09:05" {
		t.Errorf("with 24 hours: %q", got)
	}
}
