package web

import (
	"strings"
	"testing"
	"time"

	"portico/app/calendar/recurrence"
	"portico/app/portal"
	"portico/views"
)

// What the form makes of a rule says the same again; what it has no fields for it leaves alone.
func TestRepeatFormKeepsRules(t *testing.T) {
	start := wednesday(t).Add(-67 * time.Minute) // 09:00
	for rule, kind := range map[string]string{
		"": "", "FREQ=DAILY": "daily", "FREQ=DAILY;INTERVAL=3;COUNT=5": "daily", "FREQ=WEEKLY;BYDAY=WE": "weekly", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR;UNTIL=20270301T080000Z": "weekly",
		"FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR": "weekly", "FREQ=MONTHLY;BYMONTHDAY=25": "monthly", "FREQ=MONTHLY": "monthly", "FREQ=MONTHLY;BYDAY=-1WE": "monthly-nth", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1": "monthly-nth",
		"FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=2": "monthly-nth", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=1": "monthly-nth", "FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=25": "yearly", "FREQ=YEARLY": "yearly", "FREQ=YEARLY;BYMONTH=5;BYDAY=2SU": "yearly-nth",
		"FREQ=MONTHLY;BYDAY=5MO": "keep", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO": "keep", "FREQ=MONTHLY;BYMONTHDAY=1,15": "keep", "FREQ=HOURLY": "keep", "FREQ=MONTHLY;BYMONTHDAY=-1": "keep", "nonsense": "keep",
	} {
		f := repeatOf(rule, start, false)
		if f.Kind != kind {
			t.Errorf("%q is %q, want %q", rule, f.Kind, kind)
		}
		back, err := ruleOf(f, start, false)
		if rule == "nonsense" {
			if err == nil {
				t.Error("nonsense is a rule")
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", rule, err)
			continue
		}
		if rule == "" || back == rule {
			continue
		}
		a, err := recurrence.Parse(rule)
		if err != nil {
			t.Fatal(err)
		}
		b, err := recurrence.Parse(back)
		if err != nil || !recurrence.SameRule(a, start, b, start, false) {
			t.Errorf("%q comes back as %q (%v)", rule, back, err)
		}
	}
}

func TestRepeatFormRefuses(t *testing.T) {
	start := wednesday(t)
	for _, f := range []views.RepeatForm{
		{Kind: "weekly", Interval: "1"}, {Kind: "daily", Interval: "0"}, {Kind: "daily", Interval: "x"}, {Kind: "monthly", Interval: "1", MonthDay: "32"}, {Kind: "yearly", Interval: "1", MonthDay: "1", Month: "13"},
		{Kind: "monthly-nth", Interval: "1", Nth: "5", NthDay: "1"}, {Kind: "monthly-nth", Interval: "1", Nth: "0", NthDay: "1"}, {Kind: "monthly-nth", Interval: "1", Nth: "1", NthDay: "9"}, {Kind: "sometimes", Interval: "1"},
		{Kind: "daily", Interval: "1", Ends: "count", Count: "0"}, {Kind: "daily", Interval: "1", Ends: "until", Until: "x"}, {Kind: "daily", Interval: "1", Ends: "until", Until: "2020-01-01"}, {Kind: "daily", Interval: "1", Ends: "soon"},
	} {
		if rule, err := ruleOf(f, start, false); err == nil {
			t.Errorf("%+v is %q", f, rule)
		}
	}
}

// A form that nobody touched changes nothing, also in an hour that comes twice.
func TestUntouchedFormChangesNothing(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	reader := views.NewReader("en", "Europe/Vienna", wednesday(t))
	thirty := 30
	second := time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC) // the second 02:30 in Vienna
	for _, a := range []portal.Appointment{
		{ID: "1", Subject: "x", Start: second, End: second.Add(time.Hour), TimeZone: "Europe/Vienna", Show: portal.ShowBusy, Body: "a\r\nb"},
		{ID: "2", Subject: "x", AllDay: true, Start: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC), End: time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC), Show: portal.ShowFree, ReminderMinutes: &thirty},
		{ID: "3", Subject: "x", Start: second, End: second.Add(time.Hour), TimeZone: "America/New_York", Show: portal.ShowOOF, Private: true, Recurrence: "FREQ=MONTHLY;BYMONTHDAY=1,15", Categories: []string{"a", "b"},
			Attendees: []portal.Attendee{{Email: "bob@example.test", Role: portal.RoleRequired}}},
	} {
		v := h.server.formOf(views.Frame{Reader: reader}, a)
		v.Scope = ""
		wanted, ok := h.server.wanted(&v)
		if !ok {
			t.Errorf("%s: %v", a.ID, v.Faults)
		}
		if ch := h.server.changeTo(a, wanted, v); !ch.Empty() {
			t.Errorf("%s: the untouched form changes %+v", a.ID, ch)
		}
		v.Subject = "y"
		wanted, _ = h.server.wanted(&v)
		if ch := h.server.changeTo(a, wanted, v); ch.Subject == nil || *ch.Subject != "y" || ch.Timed() || ch.Attendees != nil || ch.Body != nil {
			t.Errorf("%s: a new name changes %+v", a.ID, ch)
		}
	}
}

func TestFileName(t *testing.T) {
	for name, want := range map[string]string{"plan.pdf": "plan.pdf", `C:\tmp\plan.pdf`: "plan.pdf", "/etc/passwd": "passwd", "..": "file", "": "file", "a<b>\n.txt": "a_b__.txt",
		"invoice\u202egpj.exe": "invoicegpj.exe", "a\u200b\u2066b\u2028.pdf": "ab.pdf", "a\u0085b": "a_b", "\xff.pdf": ".pdf"} {
		if got := fileName(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
	long := fileName(strings.Repeat("ä", 200) + ".pdf")
	if len(long) > maxFileName || !strings.HasSuffix(long, "ä.pdf") {
		t.Errorf("a long name is %q", long)
	}
	if got := fileName("a." + strings.Repeat("x", 300)); len(got) > maxFileName || !strings.HasPrefix(got, "a.x") {
		t.Errorf("a name with a long ending is %q", got)
	}
}

// FuzzAttendeeValue: whatever a form sends as an attendee, it is somebody or nobody, and comes back the same.
func FuzzAttendeeValue(f *testing.F) {
	f.Add("bob@example.test\nrequired\nsip:bob@example.test\n\nBob Brown")
	f.Add("\n\n\n\n")
	f.Add("x\r\ny\r\nz\r\nlist\r\nw")
	f.Fuzz(func(t *testing.T, text string) {
		a, ok := views.ParseAttendeeValue(text)
		if !ok {
			return
		}
		again, ok := views.ParseAttendeeValue(views.AttendeeValue(a))
		if !ok || again.Role != a.Role || again.List != a.List {
			t.Errorf("%q: %+v, then %+v", text, a, again)
		}
	})
}
