package ewslab

import (
	"fmt"
	"strings"
	"testing"
)

// weekly is a series on Tuesdays, 9 to 10 UTC, from 3 March 2026.
func weekly(subject string, count int) string {
	return fmt.Sprintf(`<t:Subject>%s</t:Subject><t:Start>2026-03-03T09:00:00Z</t:Start><t:End>2026-03-03T10:00:00Z</t:End><t:Recurrence><t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Tuesday</t:DaysOfWeek></t:WeeklyRecurrence>`+
		`<t:NumberedRecurrence><t:StartDate>2026-03-03</t:StartDate><t:NumberOfOccurrences>%d</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>`, subject, count)
}

func occurrenceID(r ref, index int) string {
	return fmt.Sprintf(`<t:OccurrenceItemId RecurringMasterId="%s" InstanceIndex="%d"/>`, r.ID, index)
}

func (c caller) getCode(id string) string {
	c.t.Helper()
	return c.code(`<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ItemIds>` + id + `</m:ItemIds></m:GetItem>`)
}

func TestASeriesAndItsOccurrences(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	series := alice.create(weekly("Series", 5))
	master := alice.get(series.item())
	equal(t, master.text("CalendarItemType")+" "+master.text("IsRecurring"), "RecurringMaster false")
	equal(t, master.text("FirstOccurrence", "Start")+" "+master.text("LastOccurrence", "Start"), "2026-03-03T09:00:00Z 2026-03-31T09:00:00Z")

	second := alice.get(occurrenceID(series, 2))
	equal(t, second.text("CalendarItemType")+" "+second.text("IsRecurring")+" "+second.text("Start")+" "+second.text("RecurrenceId"), "Occurrence true 2026-03-10T09:00:00Z 2026-03-10T09:00:00Z")
	if second.kid("Recurrence") != nil {
		t.Error("an occurrence shows the recurrence")
	}
	back := alice.get(`<t:RecurringMasterItemId OccurrenceId="` + second.kid("ItemId").attr("Id") + `"/>`)
	equal(t, back.kid("ItemId").attr("Id"), series.ID)

	alice.ok(alice.update(occurrenceID(series, 2), "AlwaysOverwrite", setField("item:Subject", "<t:Subject>Moved</t:Subject>"), setField("calendar:Start", "<t:Start>2026-03-11T14:00:00Z</t:Start>"),
		setField("calendar:End", "<t:End>2026-03-11T15:00:00Z</t:End>")))
	changed := alice.get(refOf(second.kid("ItemId")).item())
	equal(t, changed.text("CalendarItemType")+" "+changed.text("Start")+" "+changed.text("OriginalStart")+" "+changed.text("Subject"), "Exception 2026-03-11T14:00:00Z 2026-03-10T09:00:00Z Moved")
	alice.ok(alice.remove(occurrenceID(series, 3)))
	alice.ok(alice.remove(occurrenceID(series, 1)))
	master = alice.get(series.item())
	equal(t, master.text("ModifiedOccurrences", "Occurrence", "Start"), "2026-03-11T14:00:00Z")
	equal(t, strings.Join(texts(master.kid("DeletedOccurrences").Kids), " "), "2026-03-03T09:00:00Z 2026-03-17T09:00:00Z")
	equal(t, master.text("FirstOccurrence", "Start"), "2026-03-11T14:00:00Z")
	equal(t, alice.view("2026-03-01T00:00:00Z", "2026-04-30T00:00:00Z"), "[2026-03-11T14:00:00Z Moved 2026-03-24T09:00:00Z Series 2026-03-31T09:00:00Z Series]")
	if before := series.Key; before == master.kid("ItemId").attr("ChangeKey") {
		t.Error("the series' change key is as before")
	}

	for name, c := range map[string]struct{ id, want string }{
		"deleted":       {occurrenceID(series, 3), "ErrorCalendarOccurrenceIsDeletedFromRecurrence"},
		"beyond":        {occurrenceID(series, 6), "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange"},
		"zero":          {occurrenceID(series, 0), "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange"},
		"no series":     {occurrenceID(alice.meet("x", "2026-05-01T09:00:00Z"), 1), "ErrorCalendarCannotUseIdForOccurrenceId"},
		"no occurrence": {`<t:RecurringMasterItemId OccurrenceId="` + series.ID + `"/>`, "ErrorCalendarCannotUseIdForRecurringMasterId"},
		"still there":   {occurrenceID(series, 4), "NoError"},
	} {
		if code := alice.getCode(c.id); code != c.want {
			t.Errorf("%s: %s, want %s", name, code, c.want)
		}
	}
}

func TestAnExceptionInheritsWhatItDidNotChange(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	series := alice.create(weekly("Series", 4))
	alice.ok(alice.update(occurrenceID(series, 2), "AlwaysOverwrite", setField("calendar:Location", "<t:Location>There</t:Location>")))
	alice.ok(alice.update(series.item(), "AlwaysOverwrite", setField("item:Subject", "<t:Subject>New name</t:Subject>")))
	second := alice.get(occurrenceID(series, 2))
	equal(t, second.text("Subject")+" "+second.text("Location")+" "+second.text("CalendarItemType"), "New name There Exception")
	alice.ok(alice.update(series.item(), "AlwaysOverwrite", setField("calendar:Location", "<t:Location>Here</t:Location>")))
	equal(t, alice.get(occurrenceID(series, 2)).text("Location")+" "+alice.get(occurrenceID(series, 3)).text("Location"), "There Here")
	alice.ok(alice.update(occurrenceID(series, 2), "AlwaysOverwrite", `<t:DeleteItemField><t:FieldURI FieldURI="calendar:Location"/></t:DeleteItemField>`))
	equal(t, alice.get(occurrenceID(series, 2)).text("Location"), "")
}

func TestChangingTheSeriesForgetsExceptions(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	series := alice.create(weekly("Series", 3))
	alice.ok(alice.update(occurrenceID(series, 1), "AlwaysOverwrite", setField("item:Subject", "<t:Subject>Other</t:Subject>")))
	alice.ok(alice.remove(occurrenceID(series, 2)))
	alice.ok(alice.update(series.item(), "AlwaysOverwrite", setField("calendar:Start", "<t:Start>2026-03-03T11:00:00Z</t:Start>"), setField("calendar:End", "<t:End>2026-03-03T12:00:00Z</t:End>")))
	equal(t, alice.view("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"), "[2026-03-03T11:00:00Z Series 2026-03-10T11:00:00Z Series 2026-03-17T11:00:00Z Series]")
	alice.ok(alice.remove(occurrenceID(series, 2)))
	alice.ok(alice.update(series.item(), "AlwaysOverwrite", `<t:DeleteItemField><t:FieldURI FieldURI="calendar:Recurrence"/></t:DeleteItemField>`))
	equal(t, alice.view("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"), "[2026-03-03T11:00:00Z Series]")
}

func TestAnOccurrenceStaysBetweenItsNeighbours(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	series := alice.create(weekly("Series", 3))
	move := func(index int, start string) string {
		return alice.code(alice.update(occurrenceID(series, index), "AlwaysOverwrite", setField("calendar:Start", "<t:Start>"+start+"</t:Start>"), setField("calendar:End", "<t:End>"+start[:11]+"20:00:00Z</t:End>")))
	}
	equal(t, move(2, "2026-03-17T07:00:00Z"), "ErrorOccurrenceCrossingBoundary")
	equal(t, move(2, "2026-03-20T07:00:00Z"), "ErrorOccurrenceCrossingBoundary")
	equal(t, move(2, "2026-03-03T15:00:00Z"), "ErrorOccurrenceCrossingBoundary")
	equal(t, move(2, "2026-03-16T07:00:00Z"), "NoError")
	equal(t, move(3, "2026-03-16T09:00:00Z"), "ErrorOccurrenceCrossingBoundary")
	equal(t, move(1, "2026-02-01T09:00:00Z"), "NoError")
	equal(t, move(3, "2026-12-01T09:00:00Z"), "NoError")
	equal(t, alice.view("2026-11-01T00:00:00Z", "2027-01-01T00:00:00Z"), "[2026-12-01T09:00:00Z Series]") // far beyond the series' own end
	equal(t, alice.view("2026-01-01T00:00:00Z", "2026-02-15T00:00:00Z"), "[2026-02-01T09:00:00Z Series]")
	equal(t, alice.code(alice.update(occurrenceID(series, 2), "AlwaysOverwrite", setField("calendar:Recurrence", `<t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NoEndRecurrence><t:StartDate>2026-03-03</t:StartDate></t:NoEndRecurrence></t:Recurrence>`))), "ErrorInvalidPropertySet")
}

func TestSeriesThatCannotBe(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	for name, c := range map[string]struct{ pattern, span, end, want string }{
		"no days":        {`<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek/></t:WeeklyRecurrence>`, `<t:NoEndRecurrence><t:StartDate>2026-03-03</t:StartDate></t:NoEndRecurrence>`, "10:00:00Z", "ErrorCalendarInvalidRecurrence"},
		"interval":       {`<t:DailyRecurrence><t:Interval>0</t:Interval></t:DailyRecurrence>`, `<t:NoEndRecurrence><t:StartDate>2026-03-03</t:StartDate></t:NoEndRecurrence>`, "10:00:00Z", "ErrorCalendarInvalidRecurrence"},
		"end first":      {`<t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>`, `<t:EndDateRecurrence><t:StartDate>2026-03-03</t:StartDate><t:EndDate>2026-03-02</t:EndDate></t:EndDateRecurrence>`, "10:00:00Z", "ErrorCalendarEndDateIsEarlierThanStartDate"},
		"no occurrence":  {`<t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Monday</t:DaysOfWeek></t:WeeklyRecurrence>`, `<t:EndDateRecurrence><t:StartDate>2026-03-03</t:StartDate><t:EndDate>2026-03-06</t:EndDate></t:EndDateRecurrence>`, "10:00:00Z", "ErrorRecurrenceHasNoOccurrence"},
		"longer than it": {`<t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>`, `<t:NoEndRecurrence><t:StartDate>2026-03-03</t:StartDate></t:NoEndRecurrence>`, "", "ErrorOccurrenceTimeSpanTooBig"},
	} {
		end := "2026-03-03T" + c.end
		if c.end == "" {
			end = "2026-03-05T09:00:00Z"
		}
		body := createItem(`SendMeetingInvitations="SendToNone"`, `<t:CalendarItem><t:Start>2026-03-03T09:00:00Z</t:Start><t:End>`+end+`</t:End><t:Recurrence>`+c.pattern+c.span+`</t:Recurrence></t:CalendarItem>`)
		msgs := alice.loose(body).kid("ResponseMessages").Kids
		if code := msgs[0].text("ResponseCode"); code != c.want {
			t.Errorf("%s: %s, want %s", name, code, c.want)
		}
	}
}

func TestConflictsWithinASeries(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	series := alice.create(weekly("Series", 3))
	second := refOf(alice.get(occurrenceID(series, 2)).kid("ItemId"))
	equal(t, second.Key, series.Key)
	change := func(r ref) string {
		return alice.code(alice.update(r.item(), "NeverOverwrite", setField("item:Subject", "<t:Subject>x</t:Subject>")))
	}
	equal(t, change(second), "NoError")
	equal(t, change(second), "ErrorIrresolvableConflict")
	equal(t, change(series), "ErrorIrresolvableConflict")
	equal(t, change(refOf(alice.get(second.item()).kid("ItemId"))), "NoError")
}
