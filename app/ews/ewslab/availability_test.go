package ewslab

import (
	"strconv"
	"strings"
	"testing"
)

// berlinRule is the zone of a request, as clients send it.
const berlinRule = `<t:TimeZone><t:Bias>-60</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>03:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>` +
	`<t:DaylightTime><t:Bias>-60</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>`

// mailboxes writes a MailboxDataArray of "user" or "user/AttendeeType".
func mailboxes(who ...string) string {
	var b strings.Builder
	for _, w := range who {
		user, kind, ok := strings.Cut(w, "/")
		if !ok {
			kind = "Required"
		}
		b.WriteString(`<t:MailboxData><t:Email><t:Address>` + user + `@example.test</t:Address></t:Email><t:AttendeeType>` + kind + `</t:AttendeeType></t:MailboxData>`)
	}
	return `<m:MailboxDataArray>` + b.String() + `</m:MailboxDataArray>`
}

// availability asks for one person's view by Berlin's clock, in intervals of an hour.
func availability(who, view, from, to string) string {
	return `<m:GetUserAvailabilityRequest>` + berlinRule + mailboxes(strings.Split(who, ",")...) + `<t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>` + from + `</t:StartTime><t:EndTime>` + to +
		`</t:EndTime></t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>60</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>` + view + `</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>`
}

// busyView asks and answers the view of the n-th person.
func (c caller) busyView(who, view string) *node {
	c.t.Helper()
	return c.do(availability(who, view, "2026-03-30T00:00:00", "2026-03-31T00:00:00")).kid("FreeBusyResponseArray").Kids[0]
}

func (l *lab) busyMonday() {
	bob := l.as("bob")
	// Monday after the clocks changed: 9 h in Berlin is 7 h universal time.
	bob.create(`<t:Subject>Secret plan</t:Subject><t:ReminderIsSet>true</t:ReminderIsSet><t:Start>2026-03-30T07:00:00Z</t:Start><t:End>2026-03-30T08:00:00Z</t:End><t:Location>Lab</t:Location>`)
	bob.create(`<t:Subject>Doctor</t:Subject><t:Sensitivity>Private</t:Sensitivity><t:Start>2026-03-30T09:00:00Z</t:Start><t:End>2026-03-30T10:00:00Z</t:End><t:LegacyFreeBusyStatus>OOF</t:LegacyFreeBusyStatus>`)
	bob.create(`<t:Subject>Maybe</t:Subject><t:Start>2026-03-30T07:30:00Z</t:Start><t:End>2026-03-30T08:30:00Z</t:End><t:LegacyFreeBusyStatus>Tentative</t:LegacyFreeBusyStatus>`)
	bob.create(`<t:Subject>Free</t:Subject><t:Start>2026-03-30T12:00:00Z</t:Start><t:End>2026-03-30T13:00:00Z</t:End><t:LegacyFreeBusyStatus>Free</t:LegacyFreeBusyStatus>`)
	bob.create(`<t:Subject>Home</t:Subject><t:Start>2026-03-30T13:00:00Z</t:Start><t:End>2026-03-30T14:00:00Z</t:End><t:LegacyFreeBusyStatus>WorkingElsewhere</t:LegacyFreeBusyStatus>`)
	bob.create(`<t:Subject>Series</t:Subject><t:Start>2026-03-23T15:00:00Z</t:Start><t:End>2026-03-23T15:30:00Z</t:End><t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>` +
		`<t:NoEndRecurrence><t:StartDate>2026-03-23</t:StartDate></t:NoEndRecurrence></t:Recurrence><t:StartTimeZone Id="W. Europe Standard Time"/>`)
}

func TestFreeBusyViews(t *testing.T) {
	l := example(t)
	l.busyMonday()
	alice, bob := l.as("alice"), l.as("bob")
	const merged = "000000000213000020000000"
	// Of others the times alone, by default.
	for view, want := range map[string]string{"MergedOnly": "MergedOnly " + merged + " 0 0", "FreeBusy": "FreeBusy  6 0", "FreeBusyMerged": "FreeBusyMerged " + merged + " 6 0",
		"Detailed": "FreeBusy  6 0", "DetailedMerged": "FreeBusyMerged " + merged + " 6 0"} {
		equal(t, summary(alice.busyView("bob", view)), want)
	}
	equal(t, summary(bob.busyView("bob", "DetailedMerged")), "DetailedMerged "+merged+" 6 6")
	var events []string
	for _, e := range bob.busyView("bob", "Detailed").kid("FreeBusyView", "CalendarEventArray").Kids {
		d := e.kid("CalendarEventDetails")
		events = append(events, e.text("StartTime")[11:16]+" "+e.text("BusyType")+" "+d.text("Subject")+" "+d.text("IsRecurring")+d.text("IsPrivate")+d.text("IsReminderSet"))
	}
	equal(t, strings.Join(events, "\n"), "09:00 Busy Secret plan falsefalsetrue\n09:30 Tentative Maybe falsefalsefalse\n11:00 OOF Doctor falsetruefalse\n"+
		"14:00 Free Free falsefalsefalse\n15:00 WorkingElsewhere Home falsefalsefalse\n16:00 Busy Series truefalsefalse")
}

// summary is a view in a line: what was granted, merged, how many events, how many with details.
func summary(r *node) string {
	v := r.kid("FreeBusyView")
	details := 0
	for _, e := range v.kid("CalendarEventArray").kids() {
		if e.kid("CalendarEventDetails") != nil {
			details++
		}
	}
	return v.text("FreeBusyViewType") + " " + v.text("MergedFreeBusy") + " " + strconv.Itoa(len(v.kid("CalendarEventArray").kids())) + " " + strconv.Itoa(details)
}

func TestFreeBusyFollowsTheRights(t *testing.T) {
	l := example(t)
	l.busyMonday()
	alice, bob := l.as("alice"), l.as("bob")
	bob.permit("alice@example.test", "Reviewer")
	v := alice.busyView("bob", "DetailedMerged")
	equal(t, summary(v), "DetailedMerged 000000000213000020000000 6 6")
	for _, e := range v.kid("FreeBusyView", "CalendarEventArray").Kids {
		if d := e.kid("CalendarEventDetails"); d.flag("IsPrivate") && (d.text("Subject") != "" || d.text("Location") != "" || d.text("ID") != "") {
			t.Errorf("a private entry says %v", d)
		}
	}
	bob.permit("alice@example.test", "Contributor")
	equal(t, alice.busyView("bob", "Detailed").text("ResponseMessage", "ResponseCode"), "ErrorNoFreeBusyAccess")
	// Setting permissions replaced what everybody else had.
	equal(t, l.as("carol").busyView("bob", "Detailed").text("ResponseMessage", "ResponseCode"), "ErrorNoFreeBusyAccess")
	equal(t, summary(l.service("bob@example.test").busyView("bob", "Detailed")), "Detailed  6 6")
}

func TestFreeBusyOfSeveral(t *testing.T) {
	l := example(t)
	l.busyMonday()
	all := l.as("alice").do(availability("alice,nobody,sales,studio1", "FreeBusyMerged", "2026-03-30T00:00:00", "2026-03-31T00:00:00")).kid("FreeBusyResponseArray").Kids
	var codes []string
	for _, r := range all {
		codes = append(codes, r.text("ResponseMessage", "ResponseCode")+" "+r.text("FreeBusyView", "MergedFreeBusy"))
	}
	none := strings.Repeat("0", 24)
	equal(t, strings.Join(codes, "\n"), "NoError "+none+"\nErrorMailRecipientNotFound \nNoError 000000000213000020000000\nNoError "+none)
	hours := all[0].kid("FreeBusyView", "WorkingHours")
	equal(t, hours.text("TimeZone", "Bias")+" "+hours.text("TimeZone", "DaylightTime", "Bias")+" "+hours.text("TimeZone", "DaylightTime", "Month"), "-60 -60 3")
	equal(t, hours.text("WorkingPeriodArray", "WorkingPeriod", "StartTimeInMinutes"), "480")
}

func TestFreeBusyQuestionsThatAreNone(t *testing.T) {
	l := example(t)
	alice := l.as("alice")
	good := availability("bob", "FreeBusy", "2026-03-30T00:00:00", "2026-03-31T00:00:00")
	hundred := make([]string, maxAvailability+1)
	for i := range hundred {
		hundred[i] = "bob"
	}
	for code, body := range map[string]string{
		"ErrorInvalidTimeInterval":           strings.Replace(good, "2026-03-31T", "2026-03-30T", 1),
		"ErrorTimeIntervalTooBig":            strings.Replace(good, "2026-03-31T", "2026-06-30T", 1),
		"ErrorInvalidMergedFreeBusyInterval": strings.Replace(good, ">60</t:Merged", ">4</t:Merged", 1),
		"ErrorInvalidFreeBusyViewType":       strings.Replace(good, ">FreeBusy<", ">Everything<", 1),
		"ErrorMailboxDataArrayEmpty":         strings.Replace(good, mailboxes("bob"), `<m:MailboxDataArray/>`, 1),
		"ErrorMailboxDataArrayTooBig":        strings.Replace(good, mailboxes("bob"), mailboxes(hundred...), 1),
		"ErrorSchemaValidation":              strings.Replace(good, "<t:Bias>-60</t:Bias><t:StandardTime>", "<t:Bias>x</t:Bias><t:StandardTime>", 1),
	} {
		equal(t, alice.refused(body), code)
	}
}

func TestSuggestions(t *testing.T) {
	l := example(t)
	l.busyMonday()
	ask := func(who, options string) []*node {
		body := `<m:GetUserAvailabilityRequest>` + berlinRule + mailboxes(strings.Split(who, ",")...) + `<t:SuggestionsViewOptions>` + options +
			`<t:DetailedSuggestionsWindow><t:StartTime>2026-03-30T00:00:00</t:StartTime><t:EndTime>2026-04-01T00:00:00</t:EndTime></t:DetailedSuggestionsWindow></t:SuggestionsViewOptions></m:GetUserAvailabilityRequest>`
		return l.as("alice").do(body).kid("SuggestionsResponse", "SuggestionDayResultArray").Kids
	}
	times := func(day *node) string {
		var out []string
		for _, s := range day.kid("SuggestionArray").kids() {
			out = append(out, s.text("MeetingTime")[11:16]+" "+s.text("SuggestionQuality"))
		}
		return day.text("Date")[:10] + " " + day.text("DayQuality") + ": " + strings.Join(out, ", ")
	}
	days := ask("alice/Organizer,bob", `<t:MaximumResultsByDay>4</t:MaximumResultsByDay><t:MeetingDurationInMinutes>60</t:MeetingDurationInMinutes>`)
	equal(t, len(days), 2)
	equal(t, times(days[0]), "2026-03-30 Excellent: 08:00 Excellent, 12:00 Excellent, 12:30 Excellent, 13:00 Excellent")
	equal(t, times(days[1]), "2026-03-31 Excellent: 08:00 Excellent, 08:30 Excellent, 09:00 Excellent, 09:30 Excellent")
	days = ask("bob,nobody,sales,studio1/Room", `<t:MaximumResultsByDay>48</t:MaximumResultsByDay><t:MaximumNonWorkHourResultsByDay>2</t:MaximumNonWorkHourResultsByDay><t:MinimumSuggestionQuality>Poor</t:MinimumSuggestionQuality>`)
	first := days[0].kid("SuggestionArray").Kids
	nine := first[0]
	for _, s := range first {
		if s.text("MeetingTime") == "2026-03-30T09:00:00" {
			nine = s
		}
	}
	var conflicts []string
	for _, k := range nine.kid("AttendeeConflictDataArray").kids() {
		conflicts = append(conflicts, k.Name+" "+k.text("BusyType")+k.text("NumberOfMembers"))
	}
	equal(t, strings.Join(conflicts, ", "), "IndividualAttendeeConflictData Busy, UnknownAttendeeConflictData , GroupAttendeeConflictData 4, IndividualAttendeeConflictData Free")
	outside := 0
	for _, s := range first {
		if s.text("IsWorkTime") == "false" {
			outside++
		}
	}
	equal(t, outside, 2)
}
