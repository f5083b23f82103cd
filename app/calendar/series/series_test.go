package series

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

func on(day, hour, minute int) time.Time {
	return time.Date(2026, 3, day, hour, minute, 0, 0, time.UTC)
}

// starts are the beginnings of appointments by the clock of a zone.
func starts(list []portal.Appointment, zone string) string {
	var out []string
	for _, a := range list {
		out = append(out, a.Start.In(Place(zone)).Format("0102T1504"))
	}
	return strings.Join(out, " ")
}

// weekly is a series of Mondays at ten in Vienna, over the change of clocks at the end of March.
func weekly() portal.Entry {
	return portal.Entry{Appointment: portal.Appointment{ID: "s", UID: "u", Subject: "Stand-up", Start: on(16, 9, 0), End: on(16, 10, 0), TimeZone: "Europe/Vienna",
		Recurrence: "FREQ=WEEKLY;COUNT=4;BYDAY=MO", Kind: portal.KindMaster, Attendees: []portal.Attendee{{Email: "a@b"}}}}
}

func expanded(t *testing.T, e portal.Entry) []portal.Appointment {
	t.Helper()
	list, err := Expand(&e, on(1, 0, 0), on(90, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	Sort(list, time.UTC)
	return list
}

func TestExpansion(t *testing.T) {
	e := weekly()
	if got := starts(expanded(t, e), "Europe/Vienna"); got != "0316T1000 0323T1000 0330T1000 0406T1000" {
		t.Errorf("by the wall clock: %s", got)
	}
	x := e.Appointment
	x.RecurrenceID, x.Start, x.End, x.Subject = on(23, 9, 0), on(24, 9, 0), on(24, 10, 0), "Moved"
	e.Exceptions, e.Deleted = []portal.Appointment{x}, []time.Time{on(16, 9, 0)}
	list := expanded(t, e)
	if got := starts(list, "Europe/Vienna"); got != "0324T1000 0330T1000 0406T1000" {
		t.Errorf("with an exception: %s", got)
	}
	if list[0].ID != portal.OccurrenceID("s", on(23, 9, 0)) || list[0].Kind != portal.KindException || list[0].Series != "s" || list[0].UID != "u" {
		t.Errorf("the exception: %+v", list[0])
	}
	if list[1].Kind != portal.KindOccurrence || list[1].Version == "" {
		t.Errorf("an occurrence: %+v", list[1])
	}
	for _, a := range list {
		_, id := portal.SplitOccurrenceID(a.ID)
		one, err := At(&e, id)
		if err != nil || one.ID != a.ID || !one.Start.Equal(a.Start) || one.Version != a.Version {
			t.Errorf("alone: %+v, %v", one, err)
		}
	}
	for _, id := range []time.Time{on(16, 9, 0), on(17, 9, 0), on(2, 9, 0)} {
		if _, err := At(&e, id); portal.Meaning(err) != portal.ErrNotFound {
			t.Errorf("%s: %v", id, err)
		}
	}
	single := portal.Entry{Appointment: portal.Appointment{ID: "1", Start: on(95, 0, 0), End: on(95, 1, 0)}}
	if got := expanded(t, single); len(got) != 0 {
		t.Errorf("outside of the window: %+v", got)
	}
	broken := weekly()
	broken.Recurrence = "FREQ=NEVER"
	if _, err := Expand(&broken, on(1, 0, 0), on(2, 0, 0)); err == nil {
		t.Error("a rule that nobody understands is followed")
	}
}

func TestDaysCountByTheViewersClock(t *testing.T) {
	a := portal.Appointment{AllDay: true, Start: on(10, 0, 0), End: on(11, 0, 0)}
	vienna := Place("Europe/Vienna")
	start, end := Bounds(&a, vienna)
	if !start.Equal(on(9, 23, 0)) || !end.Equal(on(10, 23, 0)) {
		t.Errorf("in Vienna from %s to %s", start, end)
	}
	if Touches(&a, on(10, 23, 0).In(vienna), on(11, 0, 0).In(vienna)) || !Touches(&a, on(10, 22, 59).In(vienna), on(11, 0, 0).In(vienna)) {
		t.Error("it ends at midnight in Vienna")
	}
	point := portal.Appointment{Start: on(10, 9, 0), End: on(10, 9, 0)}
	if !Touches(&point, on(10, 9, 0), on(10, 10, 0)) || Touches(&point, on(10, 8, 0), on(10, 9, 0)) {
		t.Error("what takes no time is where it begins")
	}
	if Place("Nowhere/Land") != time.UTC || Place("") != time.UTC {
		t.Error("a zone that nobody knows is UTC")
	}
}

func TestAChangeOfOneOccurrenceForAll(t *testing.T) {
	e := weekly()
	second, err := At(&e, on(30, 8, 0))
	if err != nil {
		t.Fatal(err)
	}
	start, end, subject := on(31, 12, 0), on(31, 14, 0), "Talk" // a day and four hours later, twice as long
	ch := Whole(e, second, portal.AppointmentChange{Start: &start, End: &end, Subject: &subject, Scope: portal.ScopeAll})
	after := e
	after.Appointment = Apply(e.Appointment, ch)
	list := expanded(t, after)
	if got := starts(list, "Europe/Vienna"); got != "0317T1400 0324T1400 0331T1400 0407T1400" {
		t.Errorf("moved to %s by %s", got, after.Recurrence)
	}
	if list[0].Subject != subject || list[0].End.Sub(list[0].Start) != 2*time.Hour {
		t.Errorf("changed to %+v", list[0])
	}
	same := Whole(e, second, portal.AppointmentChange{Start: &second.Start, End: &second.End, Subject: &subject})
	if same.Start != nil || same.End != nil || same.Scope != portal.ScopeAll {
		t.Errorf("the same times: %+v", same)
	}
}

func TestADayOfSeveralIsDraggedToAnother(t *testing.T) {
	e := weekly()
	e.Recurrence = "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=4"
	wednesday, err := At(&e, on(18, 9, 0))
	if err != nil {
		t.Fatal(err)
	}
	start, end := on(19, 9, 0), on(19, 10, 0)
	after := e
	after.Appointment = Apply(e.Appointment, Whole(e, wednesday, portal.AppointmentChange{Start: &start, End: &end}))
	if got := starts(expanded(t, after), "Europe/Vienna"); got != "0316T1000 0319T1000 0323T1000 0326T1000" {
		t.Errorf("dragged to %s by %s", got, after.Recurrence)
	}
}

func TestASeriesIsCutInTwo(t *testing.T) {
	e := weekly()
	head, tail, err := Parts(&e, on(30, 8, 0))
	if err != nil {
		t.Fatal(err)
	}
	first, later := e, e
	first.Recurrence = head.Rule.String()
	later.Start, later.End, later.Recurrence = tail.Start.UTC(), tail.End.UTC(), tail.Rule.String()
	if got := starts(expanded(t, first), "Europe/Vienna") + " | " + starts(expanded(t, later), "Europe/Vienna"); got != "0316T1000 0323T1000 | 0330T1000 0406T1000" {
		t.Errorf("cut into %s", got)
	}
	if _, _, err := Parts(&e, on(16, 9, 0)); portal.Meaning(err) != portal.ErrInvalid {
		t.Errorf("before its first: %v", err)
	}
	hidden := weekly()
	hidden.Exceptions = []portal.Appointment{{RecurrenceID: on(23, 9, 0), Masked: true}}
	if _, _, err := Parts(&hidden, on(30, 8, 0)); portal.Meaning(err) != portal.ErrForbidden {
		t.Errorf("with what nobody may read: %v", err)
	}
	subject := "Talk"
	now, err := At(&e, on(30, 8, 0))
	if err != nil {
		t.Fatal(err)
	}
	start, end := on(30, 10, 0), on(30, 11, 0)
	ch := WholeOf(later.Appointment, now, portal.AppointmentChange{Subject: &subject, Start: &start, End: &end, Scope: portal.ScopeFollowing})
	later.Appointment = Apply(later.Appointment, ch)
	if got := starts(expanded(t, later), "Europe/Vienna"); got != "0330T1200 0406T1200" || ch.Scope != "" {
		t.Errorf("the later part is at %s", got)
	}
}

func TestExceptionsThatStillMeanSomething(t *testing.T) {
	with := func() portal.Entry {
		e := weekly()
		x := e.Appointment
		x.RecurrenceID, x.Subject = on(23, 9, 0), "Other"
		late := x
		late.RecurrenceID = time.Date(2026, 4, 6, 8, 0, 0, 0, time.UTC)
		e.Exceptions, e.Deleted = []portal.Appointment{x, late}, []time.Time{on(30, 8, 0)}
		return e
	}
	for name, c := range map[string]struct {
		change     portal.AppointmentChange
		left, gone int
	}{
		"another subject": {portal.AppointmentChange{Subject: new(string)}, 2, 1},
		"another time":    {portal.AppointmentChange{Start: ptr(on(17, 9, 0))}, 0, 0},
		"another rule":    {portal.AppointmentChange{Recurrence: ptr("FREQ=DAILY;COUNT=4")}, 0, 0},
		"an earlier end":  {portal.AppointmentChange{Recurrence: ptr("FREQ=WEEKLY;COUNT=2;BYDAY=MO")}, 1, 0},
	} {
		e := with()
		was := e.Recurrence
		e.Appointment = Apply(e.Appointment, c.change)
		KeepExceptions(&e, c.change, was)
		if len(e.Exceptions) != c.left || len(e.Deleted) != c.gone {
			t.Errorf("%s: %d exceptions and %d deleted, want %d and %d", name, len(e.Exceptions), len(e.Deleted), c.left, c.gone)
		}
	}
	e := with()
	if x := Changed(&e, on(16, 9, 0)); x == nil || x.Kind != portal.KindException || len(e.Exceptions) != 3 || ExceptionOf(&e, on(16, 9, 0)) == nil {
		t.Errorf("a new exception: %+v", x)
	}
	if Changed(&e, on(17, 9, 0)) != nil || ExceptionOf(&e, on(17, 9, 0)) != nil {
		t.Error("an exception of what does not take place")
	}
}

func TestADifferenceMakesTheOther(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	whole := weekly().Appointment
	for i := range 300 {
		x := whole
		x.Kind, x.RecurrenceID = portal.KindException, on(23, 9, 0)
		x.Start, x.End = on(23, 9, 0), on(23, 10, 0)
		base := x
		for _, change := range []func(){
			func() { x.Subject = "Other" }, func() { x.Body = "text" }, func() { x.Location = "Attic" }, func() { x.Show = portal.ShowFree },
			func() { x.Private = true }, func() { x.ReminderMinutes = ptr(5) }, func() { x.Categories = []string{"red"} },
			func() { x.Attendees = []portal.Attendee{{Email: "c@d"}} }, func() { x.Start, x.End = on(24, 8, 0), on(24, 8, 30) },
		} {
			if r.IntN(2) == 0 {
				change()
			}
		}
		ch := Difference(&whole, &x)
		if after := Apply(base, ch); Version(&after) != Version(&x) {
			t.Fatalf("%d: %+v makes %+v, not %+v", i, ch, after, x)
		}
		if left := Differing(&whole, &x, ch); !left.Empty() {
			t.Fatalf("%d: of what is so already %+v is left", i, left)
		}
		if !Achieved(ch, &x) || Achieved(portal.AppointmentChange{Subject: ptr("Never")}, &x) {
			t.Fatalf("%d: what is achieved is not known", i)
		}
	}
}

func TestChangesThatCollide(t *testing.T) {
	base := weekly().Appointment
	moved, renamed := base, base
	moved.Start, moved.End = base.Start.Add(time.Hour), base.End.Add(time.Hour)
	renamed.Subject = "Theirs"
	ch := portal.AppointmentChange{Subject: ptr("Ours")}
	if Overlaps(ch, &base, &moved) || !Overlaps(ch, &base, &renamed) {
		t.Error("a subject collides with a subject, and with nothing else")
	}
	if ch.Subject = ptr("Theirs"); Overlaps(ch, &base, &renamed) {
		t.Error("both want the same")
	}
}

func TestTimesAreBroughtIntoOneForm(t *testing.T) {
	a, err := Timed(portal.Appointment{AllDay: true, Start: on(10, 9, 30), End: on(10, 9, 30)})
	if err != nil || !a.Start.Equal(on(10, 0, 0)) || !a.End.Equal(on(11, 0, 0)) {
		t.Errorf("a day: %s to %s, %v", a.Start, a.End, err)
	}
	a, err = Timed(portal.Appointment{Start: on(10, 9, 0).Add(time.Millisecond), End: on(10, 10, 0), TimeZone: "Europe/Vienna", Recurrence: "BYDAY=TU;COUNT=2;FREQ=WEEKLY"})
	if err != nil || !a.Start.Equal(on(10, 9, 0)) || !strings.HasPrefix(a.Recurrence, "FREQ=WEEKLY") {
		t.Errorf("a series: %s %s, %v", a.Start, a.Recurrence, err)
	}
	for key, a := range map[string]portal.Appointment{
		"calendar.times":               {Start: on(10, 9, 0), End: on(10, 8, 0)},
		"calendar.recurrence":          {Start: on(10, 9, 0), End: on(10, 10, 0), Recurrence: "FREQ"},
		"calendar.recurrence-exchange": {Start: on(10, 9, 0), End: on(10, 10, 0), Recurrence: "FREQ=HOURLY;COUNT=2"},
	} {
		if _, err := Timed(a); portal.Reason(err) != key {
			t.Errorf("%s: %v", key, err)
		}
	}
	if _, err := Timed(portal.Appointment{Start: on(10, 9, 0), End: on(10, 9, 0).Add(MaxLength + time.Second)}); portal.Reason(err) != "calendar.times" {
		t.Errorf("too long: %v", err)
	}
}

func TestASpanEnclosesAllThatExpands(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	rules := []string{"", "FREQ=DAILY;COUNT=9", "FREQ=WEEKLY;BYDAY=MO,FR;COUNT=7", "FREQ=MONTHLY;UNTIL=20260901T000000Z", "FREQ=YEARLY;COUNT=2", "FREQ=DAILY;INTERVAL=3"}
	zones := []string{"Europe/Vienna", "America/New_York", "Asia/Kathmandu", ""}
	for range 300 {
		start := on(1+r.IntN(60), r.IntN(24), 0)
		e := portal.Entry{Appointment: portal.Appointment{ID: "s", Start: start, End: start.Add(time.Duration(r.IntN(72)) * time.Hour), TimeZone: zones[r.IntN(len(zones))], Recurrence: rules[r.IntN(len(rules))]}}
		if list, err := Expand(&e, on(1, 0, 0), on(300, 0, 0)); err == nil && e.Recurrence != "" && len(list) > 0 && r.IntN(2) == 0 {
			x := list[r.IntN(len(list))]
			x.Start, x.End = x.Start.AddDate(0, 0, 20-r.IntN(40)), x.End.AddDate(0, 0, 40)
			e.Exceptions = []portal.Appointment{x}
		}
		from, until := Span(&e)
		list, err := Expand(&e, on(1, 0, 0).AddDate(-1, 0, 0), on(1, 0, 0).AddDate(3, 0, 0))
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range list {
			if a.Start.Before(from) || a.End.After(until) {
				t.Fatalf("%s %s: %s to %s is not in %s to %s", e.Recurrence, e.TimeZone, a.Start, a.End, from, until)
			}
		}
	}
}

func TestAppointmentsInTheirOrder(t *testing.T) {
	list := []portal.Appointment{
		{ID: "4", Start: on(2, 9, 0), End: on(2, 10, 0), Subject: "b"}, {ID: "3", Start: on(2, 9, 0), End: on(2, 10, 0), Subject: "a"},
		{ID: "2", Start: on(2, 9, 0), End: on(2, 12, 0), Subject: "z"}, {ID: "1", AllDay: true, Start: on(2, 0, 0), End: on(3, 0, 0)}, {ID: "0", Start: on(1, 23, 0), End: on(2, 9, 0)},
	}
	Sort(list, time.UTC)
	var got string
	for _, a := range list {
		got += a.ID
	}
	if got != "01234" {
		t.Errorf("ordered %s", got)
	}
}

func TestAnEntrysVersionKnowsItsParts(t *testing.T) {
	e := weekly()
	versions := []string{EntryVersion(&e)}
	e.Deleted = []time.Time{on(16, 9, 0)}
	versions = append(versions, EntryVersion(&e))
	x := e.Appointment
	x.RecurrenceID, x.Subject = on(23, 9, 0), "Other"
	e.Exceptions = []portal.Appointment{x}
	versions = append(versions, EntryVersion(&e))
	e.Exceptions[0].Subject = "Another"
	versions = append(versions, EntryVersion(&e))
	slices.Sort(versions)
	if len(slices.Compact(versions)) != 4 {
		t.Errorf("versions: %v", versions)
	}
	if SettledText("a \r\n b\u00a0\r\n\r\n") != "a\n b" {
		t.Errorf("settled: %q", SettledText("a \r\n b\u00a0\r\n\r\n"))
	}
}

func TestVersions(t *testing.T) {
	base := portal.Appointment{Subject: "s", Body: "text", Start: on(2, 9, 0), End: on(2, 10, 0), TimeZone: "Europe/Vienna", Attendees: []portal.Attendee{{Email: "a@b"}}}
	for name, c := range map[string]struct {
		change func(*portal.Appointment)
		same   bool
	}{
		"line ends":     {func(a *portal.Appointment) { a.Body = "text \r\n\r\n" }, true},
		"an answer":     {func(a *portal.Appointment) { a.Attendees[0].Response = portal.ResponseAccepted }, true},
		"capitals":      {func(a *portal.Appointment) { a.Attendees[0].Email = "A@B" }, true},
		"another name":  {func(a *portal.Appointment) { a.TimeZone = "Europe/Berlin" }, true},
		"the server's":  {func(a *portal.Appointment) { a.Sequence, a.UpdatedAt, a.UID = 7, on(1, 0, 0), "u" }, true},
		"subject":       {func(a *portal.Appointment) { a.Subject = "t" }, false},
		"text":          {func(a *portal.Appointment) { a.Body = "other" }, false},
		"a minute":      {func(a *portal.Appointment) { a.Start = a.Start.Add(time.Minute) }, false},
		"one more":      {func(a *portal.Appointment) { a.Attendees = append(a.Attendees, portal.Attendee{Email: "c@d"}) }, false},
		"own answer":    {func(a *portal.Appointment) { a.Response = portal.ResponseAccepted }, false},
		"reminder":      {func(a *portal.Appointment) { a.ReminderMinutes = new(int) }, false},
		"private":       {func(a *portal.Appointment) { a.Private = true }, false},
		"series' zone":  {func(a *portal.Appointment) { a.Recurrence, a.TimeZone = "FREQ=DAILY", "Europe/Berlin" }, false},
		"an attachment": {func(a *portal.Appointment) { a.Attachments = []portal.Attachment{{ID: "1"}} }, false},
	} {
		a := base
		a.Attendees = slices.Clone(a.Attendees)
		c.change(&a)
		if same := Version(&a) == Version(&base); same != c.same {
			t.Errorf("%s: the same version %v, want %v", name, same, c.same)
		}
	}
}
