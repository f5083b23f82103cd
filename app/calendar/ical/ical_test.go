package ical

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	ics "github.com/arran4/golang-ical"

	"portico/app/portal"
)

var now = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

func vienna(t testing.TB) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func ptr[T any](v T) *T { return &v }

// samples are entries of every kind that the portal makes.
func samples() []portal.Entry {
	at := func(m time.Month, d, h, min int) time.Time { return time.Date(2026, m, d, h, min, 0, 0, time.UTC) }
	base := portal.Appointment{UID: "u1", Subject: "Offer review; first, second \\ \"third\"", Location: "Studio 2", Body: "line one\nline two, ümläut 🍜\n", Start: at(3, 26, 9, 0), End: at(3, 26, 10, 0),
		TimeZone: "Europe/Vienna", Kind: portal.KindSingle, Status: portal.StatusConfirmed, Show: portal.ShowBusy, Source: portal.SourceExchange,
		ReminderMinutes: ptr(15), Categories: []string{"Red, dark", "Blue"}, Sequence: 3}
	meeting := base
	meeting.UID, meeting.Meeting = "u2", true
	meeting.Organizer = portal.Attendee{Name: `Alice "Al"; Adler`, Email: "alice@example.test", Role: portal.RoleRequired, Response: portal.ResponseOrganizer}
	meeting.Attendees = []portal.Attendee{
		{Name: "Bob: Berger", Email: "bob@example.test", Role: portal.RoleRequired, Response: portal.ResponseAccepted},
		{Email: "carol@example.test", Role: portal.RoleOptional, Response: portal.ResponseDeclined},
		{Name: "Studio 1", Email: "studio1@example.test", Role: portal.RoleResource, Response: portal.ResponseTentative},
		{Name: "All", Email: "all@example.test", Role: portal.RoleRequired, Response: portal.ResponseNone, List: true},
	}
	allDay := base
	allDay.UID, allDay.AllDay, allDay.Start, allDay.End, allDay.Show = "u3", true, at(3, 28, 0, 0), at(3, 31, 0, 0), portal.ShowFree
	private := base
	private.UID, private.Private, private.Show, private.TimeZone = "u4", true, portal.ShowOOF, "UTC"
	series := base
	series.UID, series.Kind, series.Recurrence = "u5", portal.KindMaster, "FREQ=WEEKLY;COUNT=10;BYDAY=TH"
	x := series
	x.Kind, x.Recurrence, x.RecurrenceID, x.Start, x.End, x.Subject = portal.KindException, "", at(4, 2, 8, 0), at(4, 3, 12, 0), at(4, 3, 13, 0), "Moved"
	return []portal.Entry{{Appointment: base}, {Appointment: meeting}, {Appointment: allDay}, {Appointment: private},
		{Appointment: series, Exceptions: []portal.Appointment{x}, Deleted: []time.Time{at(4, 9, 8, 0)}}}
}

func TestRoundTrip(t *testing.T) {
	data, err := Encode(samples(), Options{Now: now, Name: "Alice, Adler"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(data, Reading{Zone: vienna(t)})
	if err != nil || len(got.Problems) != 0 || got.Name != "Alice, Adler" {
		t.Fatalf("%v, %+v", err, got.Problems)
	}
	want := samples()
	for i := range want {
		if want[i].AllDay {
			want[i].TimeZone = "Europe/Vienna" // dates have none of their own: the reader's
		}
	}
	for i := range want {
		if !reflect.DeepEqual(got.Entries[i], want[i]) {
			t.Errorf("entry %d\ngot  %+v\nwant %+v", i, got.Entries[i], want[i])
		}
	}
}

// Every line ends with CR LF, none is longer than 75 octets, none breaks a character.
func TestLinesAreFolded(t *testing.T) {
	e := samples()[:1]
	e[0].Subject = strings.Repeat("ä🍜x", 200)
	data, err := Encode(e, Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\r\n")
	if lines[len(lines)-1] != "" {
		t.Error("the last line does not end")
	}
	for _, l := range lines {
		if len(l) > 75 || strings.ContainsAny(l, "\r\n") || strings.ToValidUTF8(l, "?") != l {
			t.Errorf("line %q", l)
		}
	}
	got, err := Decode(data, Reading{})
	if err != nil || got.Entries[0].Subject != e[0].Subject {
		t.Errorf("unfolded: %v", err)
	}
}

// A library that nobody here wrote reads what we write.
func TestAnotherReader(t *testing.T) {
	data, err := Encode(samples(), Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	cal, err := ics.ParseCalendar(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	events := cal.Events()
	if len(events) != 6 {
		t.Fatalf("%d events", len(events))
	}
	if s := events[0].GetProperty(ics.ComponentPropertySummary).Value; s != samples()[0].Subject {
		t.Errorf("summary %q", s)
	}
	start, err := events[1].GetStartAt()
	if err != nil || !start.Equal(samples()[1].Start) {
		t.Errorf("start %v, %v", start, err)
	}
	if got := len(events[1].Attendees()); got != 4 {
		t.Errorf("%d attendees", got)
	}
	day, err := events[2].GetAllDayStartAt()
	if err != nil || day.Format(time.DateOnly) != "2026-03-28" {
		t.Errorf("all-day from %v, %v", day, err)
	}
	if len(cal.Timezones()) != 1 {
		t.Errorf("%d zones", len(cal.Timezones()))
	}
}

// python3-icalendar, where it is installed, reads it too and computes the same instants by our VTIMEZONEs.
func TestPython(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import icalendar").Run(); err != nil {
		if os.Getenv("PORTICO_REQUIRE_PEERS") == "1" {
			t.Fatal("the peer python3-icalendar is missing")
		}
		t.Skip("the peer python3-icalendar is not installed")
	}
	data, err := Encode(samples(), Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", `
import sys, icalendar, datetime
c = icalendar.Calendar.from_ical(sys.stdin.buffer.read())
for e in c.walk("VEVENT"):
    d = e["DTSTART"].dt
    print(e["UID"], d.astimezone(datetime.timezone.utc).isoformat() if isinstance(d, datetime.datetime) else d.isoformat())`)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := "u1 2026-03-26T09:00:00+00:00\nu2 2026-03-26T09:00:00+00:00\nu3 2026-03-28\nu4 2026-03-26T09:00:00+00:00\nu5 2026-03-26T09:00:00+00:00\nu5 2026-04-03T12:00:00+00:00\n"
	if string(out) != want {
		t.Errorf("python reads\n%swant\n%s", out, want)
	}
}

// Each zone that is described is read back, by its description alone, to the same offsets.
func TestDescribedZonesSayTheTruth(t *testing.T) {
	for _, name := range []string{"Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "Europe/Dublin", "Africa/Casablanca", "Pacific/Apia", "America/Santiago"} {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		w := &writer{}
		w.raw("BEGIN:VCALENDAR")
		writeZone(w, name, 2024, 2030)
		w.raw("END:VCALENDAR")
		list, err := calendars([]byte(w.b.String()))
		if err != nil {
			t.Fatal(err)
		}
		o := observances(list[0].parts[0])
		if o == nil {
			t.Fatalf("%s is not described:\n%s", name, w.b.String())
		}
		by, err := o.Compile()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, w.b.String())
		}
		until := 2045
		if name == "Africa/Casablanca" { // its changes follow the moon, no rule
			until = 2029
		}
		for at := time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC); at.Year() < until; at = at.Add(7 * time.Hour) {
			_, want := at.In(loc).Zone()
			if _, got := at.In(by).Zone(); got != want {
				t.Fatalf("%s at %v: %d, want %d\n%s", name, at, got, want, w.b.String())
			}
		}
	}
}

func calendar(events string) []byte {
	return []byte("BEGIN:VCALENDAR\nVERSION:2.0\n" + strings.ReplaceAll(events, "|", "\n") + "\nEND:VCALENDAR\n")
}

func event(lines string) []byte { return calendar("BEGIN:VEVENT|UID:u|" + lines + "|END:VEVENT") }

func TestTimes(t *testing.T) {
	utc := func(s string) time.Time {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return at.UTC()
	}
	odd := "BEGIN:VTIMEZONE|TZID:Customized Time Zone|BEGIN:STANDARD|DTSTART:16011028T030000|RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10|TZOFFSETFROM:+0200|TZOFFSETTO:+0100|END:STANDARD|" +
		"BEGIN:DAYLIGHT|DTSTART:16010325T020000|RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3|TZOFFSETFROM:+0100|TZOFFSETTO:+0200|END:DAYLIGHT|END:VTIMEZONE|"
	for name, c := range map[string]struct {
		data       []byte
		start, end string
		allDay     bool
		zone       string
	}{
		"utc":                  {event("DTSTART:20260326T090000Z|DTEND:20260326T100000Z"), "2026-03-26T09:00:00Z", "2026-03-26T10:00:00Z", false, "UTC"},
		"floating":             {event("DTSTART:20260326T090000|DTEND:20260326T100000"), "2026-03-26T08:00:00Z", "2026-03-26T09:00:00Z", false, "Europe/Vienna"},
		"iana":                 {event("DTSTART;TZID=America/New_York:20260326T090000|DURATION:PT90M"), "2026-03-26T13:00:00Z", "2026-03-26T14:30:00Z", false, "America/New_York"},
		"windows":              {event("DTSTART;TZID=W. Europe Standard Time:20260701T090000|DURATION:PT1H"), "2026-07-01T07:00:00Z", "2026-07-01T08:00:00Z", false, "Europe/Berlin"},
		"quoted display name":  {event(`DTSTART;TZID="(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna":20260701T090000`), "2026-07-01T07:00:00Z", "2026-07-01T07:00:00Z", false, "Europe/Berlin"},
		"microsoft utc":        {event("DTSTART;TZID=tzone://Microsoft/Utc:20260701T090000"), "2026-07-01T09:00:00Z", "2026-07-01T09:00:00Z", false, "UTC"},
		"rules of its own":     {calendar(odd + "BEGIN:VEVENT|UID:u|DTSTART;TZID=Customized Time Zone:20260701T090000|END:VEVENT"), "2026-07-01T07:00:00Z", "2026-07-01T07:00:00Z", false, "Europe/Vienna"},
		"a day":                {event("DTSTART;VALUE=DATE:20260328"), "2026-03-28T00:00:00Z", "2026-03-29T00:00:00Z", true, "Europe/Vienna"},
		"days":                 {event("DTSTART;VALUE=DATE:20260328|DTEND;VALUE=DATE:20260331"), "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z", true, "Europe/Vienna"},
		"a day, ending itself": {event("DTSTART;VALUE=DATE:20260328|DTEND;VALUE=DATE:20260328"), "2026-03-28T00:00:00Z", "2026-03-29T00:00:00Z", true, "Europe/Vienna"},
		"days by duration":     {event("DTSTART;VALUE=DATE:20260328|DURATION:P2D"), "2026-03-28T00:00:00Z", "2026-03-30T00:00:00Z", true, "Europe/Vienna"},
		"no end":               {event("DTSTART:20260326T090000Z"), "2026-03-26T09:00:00Z", "2026-03-26T09:00:00Z", false, "UTC"},
		"no daylight yet":      {event("DTSTART;TZID=Europe/Vienna:20260329T013000|DURATION:PT1H"), "2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", false, "Europe/Vienna"},
	} {
		got, err := Decode(c.data, Reading{Zone: vienna(t)})
		if err != nil || len(got.Entries) != 1 {
			t.Errorf("%s: %v, %+v", name, err, got)
			continue
		}
		e := got.Entries[0]
		if !e.Start.Equal(utc(c.start)) || !e.End.Equal(utc(c.end)) || e.AllDay != c.allDay || e.TimeZone != c.zone {
			t.Errorf("%s: %v to %v, all day %v, in %q", name, e.Start, e.End, e.AllDay, e.TimeZone)
		}
	}
}

func TestSeriesAreJoined(t *testing.T) {
	data := calendar("BEGIN:VEVENT|UID:s|RECURRENCE-ID;TZID=Europe/Vienna:20260402T100000|DTSTART;TZID=Europe/Vienna:20260403T140000|SUMMARY:moved|END:VEVENT|" +
		"BEGIN:VEVENT|UID:s|SUMMARY:weekly|DTSTART;TZID=Europe/Vienna:20260326T100000|DURATION:PT1H|RRULE:FREQ=WEEKLY;COUNT=6|EXDATE;TZID=Europe/Vienna:20260409T100000,20260416T100000|" +
		"EXDATE;VALUE=DATE:20260423|RDATE;TZID=Europe/Vienna:20260501T090000|END:VEVENT|" +
		"BEGIN:VEVENT|UID:s|RECURRENCE-ID;TZID=Europe/Vienna:20260430T100000|DTSTART;TZID=Europe/Vienna:20260430T100000|STATUS:CANCELLED|END:VEVENT|" +
		"BEGIN:VEVENT|UID:orphan|RECURRENCE-ID:20260501T100000Z|DTSTART:20260501T110000Z|SUMMARY:alone|END:VEVENT")
	got, err := Decode(data, Reading{Zone: vienna(t)})
	if err != nil || len(got.Entries) != 3 || len(got.Problems) != 0 {
		t.Fatalf("%v: %+v", err, got)
	}
	e := got.Entries[0]
	at := func(m time.Month, d, h int) time.Time { return time.Date(2026, m, d, h, 0, 0, 0, time.UTC) }
	if e.Recurrence == "" || len(e.Exceptions) != 1 || !e.Exceptions[0].RecurrenceID.Equal(at(4, 2, 8)) || !e.Exceptions[0].Start.Equal(at(4, 3, 12)) {
		t.Errorf("series %+v", e)
	}
	if want := []time.Time{at(4, 9, 8), at(4, 16, 8), at(4, 23, 8), at(4, 30, 8)}; !reflect.DeepEqual(e.Deleted, want) {
		t.Errorf("deleted %v", e.Deleted)
	}
	if x := got.Entries[1]; x.UID != "s-20260501T070000Z" || !x.End.Equal(at(5, 1, 8)) || x.Recurrence != "" {
		t.Errorf("added %+v", x)
	}
	if x := got.Entries[2]; x.Subject != "alone" || x.UID == "orphan" {
		t.Errorf("orphan %+v", x)
	}
}

// What one event has wrong costs that event alone.
func TestProblems(t *testing.T) {
	for reason, lines := range map[string]string{
		"calendar.import-time":  "DTSTART:tomorrow",
		"calendar.import-zone":  "DTSTART;TZID=Nowhere/Land:20260326T090000",
		"calendar.recurrence":   "DTSTART:20260326T090000Z|RRULE:FREQ=SOMETIMES",
		"calendar.import-rules": "DTSTART:20260326T090000Z|RRULE:FREQ=DAILY|RRULE:FREQ=WEEKLY",
		"calendar.import-range": "DTSTART:20260326T090000Z|RECURRENCE-ID;RANGE=THISANDFUTURE:20260326T090000Z",
	} {
		data := calendar("BEGIN:VEVENT|UID:u|SUMMARY:wrong|" + lines + "|END:VEVENT|BEGIN:VEVENT|UID:v|SUMMARY:right|DTSTART:20260326T090000Z|END:VEVENT")
		got, err := Decode(data, Reading{})
		if err != nil || len(got.Entries) != 1 || got.Entries[0].Subject != "right" || len(got.Problems) != 1 || got.Problems[0].Reason != reason ||
			got.Problems[0].Subject != "wrong" || got.Problems[0].Line != 3 {
			t.Errorf("%s: %v, %+v", reason, err, got)
		}
	}
	got, err := Decode(event("DTSTART:20260326T090000Z|DTEND:20260326T080000Z"), Reading{})
	if err != nil || len(got.Problems) != 1 {
		t.Errorf("an end before its start: %v, %+v", err, got)
	}
}

func TestWhatIsNoCalendarIsAnError(t *testing.T) {
	deep := strings.Repeat("BEGIN:VCALENDAR\n", 20)
	for name, data := range map[string]string{
		"nothing":         "",
		"html":            "<!doctype html><title>Sign in</title>",
		"cut off":         "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260326T090000Z\n",
		"crossed":         "BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\nEND:VEVENT\n",
		"outside":         "SUMMARY:x\n",
		"a contact":       "BEGIN:VCARD\nEND:VCARD\n",
		"no UTF-8":        "BEGIN:VCALENDAR\nX:\xff\xfe\nEND:VCALENDAR\n",
		"no property":     "BEGIN:VCALENDAR\nhello\nEND:VCALENDAR\n",
		"quote":           "BEGIN:VCALENDAR\nX;Y=\"z:1\nEND:VCALENDAR\n",
		"too deep":        deep,
		"too long a line": "BEGIN:VCALENDAR\nX:" + strings.Repeat("a", maxLine+1) + "\nEND:VCALENDAR\n",
		"too large":       "BEGIN:VCALENDAR\n" + strings.Repeat("X:"+strings.Repeat("a", 1000)+"\n", MaxBytes/1000) + "END:VCALENDAR\n",
	} {
		if got, err := Decode([]byte(data), Reading{}); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
	many := calendar(strings.Repeat("BEGIN:VEVENT|DTSTART:20260326T090000Z|SUMMARY:x|END:VEVENT|", 3))
	if got, err := Decode(many, Reading{}); err != nil || len(got.Entries) != 1 {
		t.Errorf("the same event without a UID thrice: %v, %d", err, len(got.Entries))
	}
	var b strings.Builder
	for i := range 4 {
		fmt.Fprintf(&b, "BEGIN:VEVENT|UID:%d|DTSTART:20260326T090000Z|END:VEVENT|", i)
	}
	if _, err := Decode(calendar(b.String()), Reading{MaxEntries: 3}); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("too many: %v", err)
	}
}

func TestRemindersPrivacyAndShow(t *testing.T) {
	alarm := func(trigger string) string {
		return "DTSTART:20260326T090000Z|BEGIN:VALARM|ACTION:DISPLAY|" + trigger + "|END:VALARM"
	}
	for lines, want := range map[string]portal.Appointment{
		alarm("TRIGGER:-PT15M"):                                                {ReminderMinutes: ptr(15), Show: portal.ShowBusy},
		alarm("TRIGGER:-P1DT1H"):                                               {ReminderMinutes: ptr(25 * 60), Show: portal.ShowBusy},
		alarm("TRIGGER;VALUE=DATE-TIME:20260326T083000Z"):                      {ReminderMinutes: ptr(30), Show: portal.ShowBusy},
		alarm("TRIGGER:PT15M"):                                                 {Show: portal.ShowBusy},
		alarm("TRIGGER;RELATED=END:-PT15M"):                                    {Show: portal.ShowBusy},
		"DTSTART:20260326T090000Z|CLASS:PRIVATE":                               {Private: true, Show: portal.ShowBusy},
		"DTSTART:20260326T090000Z|CLASS:CONFIDENTIAL|TRANSP:TRANSPARENT":       {Private: true, Show: portal.ShowFree},
		"DTSTART:20260326T090000Z|STATUS:TENTATIVE":                            {Show: portal.ShowTentative},
		"DTSTART:20260326T090000Z|X-MICROSOFT-CDO-BUSYSTATUS:OOF":              {Show: portal.ShowOOF},
		"DTSTART:20260326T090000Z|X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE": {Show: portal.ShowElsewhere},
	} {
		got, err := Decode(event(lines), Reading{})
		if err != nil || len(got.Entries) != 1 {
			t.Errorf("%s: %v", lines, err)
			continue
		}
		e := got.Entries[0]
		if !reflect.DeepEqual(e.ReminderMinutes, want.ReminderMinutes) || e.Private != want.Private || e.Show != want.Show {
			t.Errorf("%s: %+v", lines, e)
		}
	}
}

func FuzzDecode(f *testing.F) {
	data, err := Encode(samples(), Options{Now: now, Name: "x"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(event("DTSTART;TZID=Europe/Vienna:20260326T090000|DURATION:P1W|RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=3|EXDATE:20260326T090000Z"))
	f.Add(event("DTSTART;VALUE=DATE:20260328|BEGIN:VALARM|TRIGGER:-PT15M|END:VALARM|ATTENDEE;CN=\"a^'b\";PARTSTAT=ACCEPTED:mailto:a@b"))
	f.Add([]byte("BEGIN:VCALENDAR\r\nX:\r\n folded\r\nEND:VCALENDAR\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Decode(data, Reading{MaxEntries: 100})
		if err != nil {
			if !errors.Is(err, portal.ErrInvalid) {
				t.Fatalf("an error without a meaning: %v", err)
			}
			return
		}
		// What was read can be written, and what was written is read as the same number of entries.
		out, err := Encode(got.Entries, Options{Now: now})
		if err != nil {
			t.Fatalf("read and not writable: %v", err)
		}
		again, err := Decode(out, Reading{MaxEntries: 1000})
		if err != nil || len(again.Entries) != len(got.Entries) || len(again.Problems) != 0 {
			t.Fatalf("%d entries became %d, %v, %+v\n%s", len(got.Entries), len(again.Entries), err, again.Problems, out)
		}
	})
}
