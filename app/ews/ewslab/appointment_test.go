package ewslab

import (
	"strings"
	"testing"
)

func TestTimesAndTheirZones(t *testing.T) {
	l := start(t)
	for _, c := range []struct{ name, context, start, end, zone, wantStart, wantEnd, wantZone string }{
		{"with offset", "", "2026-03-03T09:00:00+01:00", "2026-03-03T10:00:00+01:00", "", "2026-03-03T08:00:00Z", "2026-03-03T09:00:00Z", "UTC"},
		{"fractions", "", "2026-03-03T09:00:00.1234567Z", "2026-03-03T10:00:00.5Z", "", "2026-03-03T09:00:00Z", "2026-03-03T10:00:00Z", "UTC"},
		{"zoneless is UTC", "", "2026-03-03T09:00:00", "2026-03-03T10:00:00", "", "2026-03-03T09:00:00Z", "2026-03-03T10:00:00Z", "UTC"},
		{"zoneless in the context", "W. Europe Standard Time", "2026-07-03T09:00:00", "2026-07-03T10:00:00", "", "2026-07-03T07:00:00Z", "2026-07-03T08:00:00Z", "W. Europe Standard Time"},
		{"zoneless beside its zone", "W. Europe Standard Time", "2026-07-03T09:00:00", "2026-07-03T10:00:00", "Tokyo Standard Time", "2026-07-03T00:00:00Z", "2026-07-03T01:00:00Z", "Tokyo Standard Time"},
		{"offset beats the context", "Pacific Standard Time", "2026-07-03T09:00:00Z", "2026-07-03T10:00:00Z", "", "2026-07-03T09:00:00Z", "2026-07-03T10:00:00Z", "Pacific Standard Time"},
		{"a zone of the database", "", "2026-07-03T09:00:00Z", "2026-07-03T10:00:00Z", "Europe/Berlin", "2026-07-03T09:00:00Z", "2026-07-03T10:00:00Z", "W. Europe Standard Time"},
		{"the hour that is skipped", "W. Europe Standard Time", "2026-03-29T02:30:00", "2026-03-29T04:00:00", "", "2026-03-29T01:30:00Z", "2026-03-29T02:00:00Z", "W. Europe Standard Time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			alice := l.as("alice")
			if c.context != "" {
				alice = alice.in(c.context)
			}
			zone := ""
			if c.zone != "" {
				zone = `<t:StartTimeZone Id="` + c.zone + `"/><t:EndTimeZone Id="` + c.zone + `"/>`
			}
			n := l.as("alice").get(alice.create(`<t:Start>` + c.start + `</t:Start><t:End>` + c.end + `</t:End>` + zone).item())
			equal(t, n.text("Start")+" "+n.text("End")+" "+n.kid("StartTimeZone").attr("Id"), c.wantStart+" "+c.wantEnd+" "+c.wantZone)
		})
	}
	equal(t, l.as("alice").code(createItem(`SendMeetingInvitations="SendToNone"`, `<t:CalendarItem><t:StartTimeZone Id="Nowhere Time"/></t:CalendarItem>`)), "ErrorTimeZone")
	equal(t, l.as("alice").in("Nowhere Time").refused(getInbox), "ErrorTimeZone")
}

func TestAllDayEvents(t *testing.T) {
	l := start(t)
	for _, c := range []struct{ name, user, context, start, end, wantStart, wantEnd string }{
		{"a day in Berlin", "alice", "W. Europe Standard Time", "2026-03-29T00:00:00", "2026-03-30T00:00:00", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
		{"stretched to midnights", "alice", "W. Europe Standard Time", "2026-03-03T10:00:00", "2026-03-03T11:00:00", "2026-03-02T23:00:00Z", "2026-03-03T23:00:00Z"},
		{"without length", "alice", "W. Europe Standard Time", "2026-03-03T00:00:00", "2026-03-03T00:00:00", "2026-03-02T23:00:00Z", "2026-03-03T23:00:00Z"},
		{"three days", "alice", "W. Europe Standard Time", "2026-03-03T00:00:00", "2026-03-06T00:00:00", "2026-03-02T23:00:00Z", "2026-03-05T23:00:00Z"},
		{"the owner's zone without a context", "carol", "", "2026-03-03T08:00:00Z", "2026-03-04T08:00:00Z", "2026-03-03T08:00:00Z", "2026-03-04T08:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			who := l.as(c.user)
			if c.context != "" {
				who = who.in(c.context)
			}
			n := l.as(c.user).get(who.create(`<t:Start>` + c.start + `</t:Start><t:End>` + c.end + `</t:End><t:IsAllDayEvent>true</t:IsAllDayEvent>`).item())
			equal(t, n.text("Start")+" "+n.text("End")+" "+n.text("IsAllDayEvent"), c.wantStart+" "+c.wantEnd+" true")
		})
	}
}

func TestASeriesKeepsItsWallTime(t *testing.T) {
	l := start(t)
	berlin := l.as("alice").in("W. Europe Standard Time")
	day := func(all, start, end string) string {
		return `<t:Start>` + start + `</t:Start><t:End>` + end + `</t:End><t:IsAllDayEvent>` + all + `</t:IsAllDayEvent><t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:EndDateRecurrence><t:StartDate>2026-03-28</t:StartDate><t:EndDate>2026-03-30</t:EndDate></t:EndDateRecurrence></t:Recurrence>`
	}
	one := berlin.create(`<t:Subject>t</t:Subject>` + day("false", "2026-03-28T09:00:00", "2026-03-28T10:00:00"))
	equal(t, l.as("alice").view("2026-03-28T00:00:00Z", "2026-04-01T00:00:00Z"), "[2026-03-28T08:00:00Z t 2026-03-29T07:00:00Z t 2026-03-30T07:00:00Z t]")
	equal(t, l.as("alice").get(one.item()).text("Recurrence", "EndDateRecurrence", "StartDate"), "2026-03-28+01:00")
	l.as("alice").ok(l.as("alice").remove(one.item()))
	all := berlin.create(`<t:Subject>d</t:Subject>` + day("true", "2026-03-28T00:00:00", "2026-03-29T00:00:00"))
	equal(t, l.as("alice").view("2026-03-28T00:00:00Z", "2026-04-01T00:00:00Z"), "[2026-03-27T23:00:00Z d 2026-03-28T23:00:00Z d 2026-03-29T22:00:00Z d]")
	equal(t, l.as("alice").get(occurrenceID(all, 2)).text("End"), "2026-03-29T22:00:00Z") // a day of 23 hours
}

func TestAnAppointmentIsCompleted(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	n := alice.get(alice.create(`<t:Subject>x</t:Subject>`).item())
	equal(t, n.text("Start")+" "+n.text("End"), "2026-03-02T08:30:00Z 2026-03-02T09:00:00Z")
	equal(t, n.text("Organizer", "Mailbox", "EmailAddress")+" "+n.text("MyResponseType")+" "+n.text("LegacyFreeBusyStatus")+" "+n.text("IsMeeting")+" "+n.text("AppointmentState"), "alice@example.test Organizer Busy false 0")
	if uid := n.text("UID"); !strings.HasPrefix(uid, "040000008200E00074C5B7101A82E008") || len(uid) != 112 {
		t.Errorf("UID %q", uid)
	}
	equal(t, alice.get(alice.create(`<t:Subject>x</t:Subject><t:UID>my-own</t:UID>`).item()).text("UID"), "my-own")
	equal(t, alice.code(createItem(`SendMeetingInvitations="SendToNone"`, `<t:CalendarItem><t:Start>2026-03-03T09:00:00Z</t:Start><t:End>2026-03-03T08:00:00Z</t:End></t:CalendarItem>`)), "ErrorCalendarEndDateIsEarlierThanStartDate")
	equal(t, alice.code(createItem(`SendMeetingInvitations="SendToNone"`, `<t:CalendarItem><t:Start>2026-03-03T09:00:00Z</t:Start><t:End>2036-03-03T08:00:00Z</t:End></t:CalendarItem>`)), "ErrorCalendarDurationIsTooLong")
	equal(t, alice.code(`<m:CreateItem SendMeetingInvitations="SendToNone"><m:SavedItemFolderId>`+folderID("inbox")+`</m:SavedItemFolderId><m:Items><t:CalendarItem><t:Subject>x</t:Subject></t:CalendarItem></m:Items></m:CreateItem>`), "ErrorCannotCreateCalendarItemInNonCalendarFolder")
}

func TestAnswersAreNotForTheClientToGive(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	attendees := func(list ...string) string {
		out := ""
		for _, a := range list {
			out += `<t:Attendee><t:Mailbox><t:Name>N</t:Name><t:EmailAddress>` + a + `</t:EmailAddress></t:Mailbox><t:ResponseType>Accept</t:ResponseType></t:Attendee>`
		}
		return `<t:RequiredAttendees>` + out + `</t:RequiredAttendees>`
	}
	one := alice.create(`<t:Subject>x</t:Subject><t:Start>2026-03-03T09:00:00Z</t:Start><t:End>2026-03-03T10:00:00Z</t:End>` + attendees("bob@example.test", "guest@elsewhere.test"))
	n := alice.get(one.item())
	for _, a := range n.kid("RequiredAttendees").Kids {
		equal(t, a.text("ResponseType"), "Unknown")
	}
	equal(t, n.text("IsMeeting")+" "+n.text("AppointmentState")+" "+n.text("DisplayTo"), "true 1 N; N")
	equal(t, n.kid("RequiredAttendees").Kids[0].text("Mailbox", "MailboxType")+" "+n.kid("RequiredAttendees").Kids[1].text("Mailbox", "MailboxType"), "Mailbox OneOff")
}

func TestZonesSpeltOut(t *testing.T) {
	l := start(t)
	berlin := `Id="tzone://Microsoft/Custom" Name="Mine"><t:Periods><t:Period Bias="-PT60M" Name="Standard" Id="s"/><t:Period Bias="-PT120M" Name="Daylight" Id="d"/></t:Periods><t:TransitionsGroups><t:TransitionsGroup Id="0">` +
		`<t:RecurringDayTransition><t:To Kind="Period">d</t:To><t:TimeOffset>PT120M</t:TimeOffset><t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>-1</t:Occurrence></t:RecurringDayTransition>` +
		`<t:RecurringDayTransition><t:To Kind="Period">s</t:To><t:TimeOffset>PT180M</t:TimeOffset><t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>-1</t:Occurrence></t:RecurringDayTransition>` +
		`</t:TransitionsGroup></t:TransitionsGroups><t:Transitions><t:Transition><t:To Kind="Group">0</t:To></t:Transition></t:Transitions>`
	fixed := `Id="tzone://Microsoft/Custom" Name="Mine"><t:Periods><t:Period Bias="PT3H30M" Name="Standard" Id="s"/></t:Periods>`
	for _, c := range []struct{ zone, start, want string }{
		{berlin, "2026-03-28T09:00:00", "2026-03-28T08:00:00Z"}, {berlin, "2026-03-30T09:00:00", "2026-03-30T07:00:00Z"}, {berlin, "2026-10-26T09:00:00", "2026-10-26T08:00:00Z"},
		{fixed, "2026-03-28T09:00:00", "2026-03-28T12:30:00Z"}, {fixed, "2026-07-28T09:00:00", "2026-07-28T12:30:00Z"},
	} {
		one := l.as("alice").create(`<t:Start>` + c.start + `</t:Start><t:End>` + c.start + `</t:End><t:StartTimeZone ` + c.zone + `</t:StartTimeZone><t:EndTimeZone ` + c.zone + `</t:EndTimeZone>`)
		n := l.as("alice").get(one.item())
		equal(t, n.text("Start"), c.want)
		equal(t, n.kid("StartTimeZone").attr("Id"), "tzone://Microsoft/Custom")
	}
	for _, bad := range []string{`<t:Periods><t:Period Bias="soon" Name="x" Id="s"/></t:Periods>`, ``} {
		body := createItem(`SendMeetingInvitations="SendToNone"`, `<t:CalendarItem><t:StartTimeZone Id="tzone://Microsoft/Custom" Name="x">`+bad+`</t:StartTimeZone></t:CalendarItem>`)
		equal(t, l.as("alice").loose(body).kid("ResponseMessages").Kids[0].text("ResponseCode"), "ErrorTimeZone")
	}
}

func TestEveryZoneOfTheTableIsKnown(t *testing.T) {
	lines := strings.Count(windowsZones, "\n") + 1
	if got := len(zoneTable().list); got != lines || lines < 130 {
		t.Errorf("%d zones of %d", got, lines)
	}
	equal(t, windowsID("Europe/Berlin"), "W. Europe Standard Time")
	equal(t, windowsID("Mars/Olympus"), "")
}

func TestConvertIdAndOptions(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	one := alice.meet("x", "2026-03-03T09:00:00Z")
	convert := func(from, to, id string) *node {
		return alice.ok(`<m:ConvertId DestinationFormat="` + to + `"><m:SourceIds><t:AlternateId Format="` + from + `" Id="` + id + `" Mailbox="blah@blah.com"/></m:SourceIds></m:ConvertId>`).kid("AlternateId")
	}
	for _, format := range []string{"HexEntryId", "EntryId", "OwaId", "StoreId", "EwsLegacyId"} {
		there := convert("EwsId", format, one.ID)
		equal(t, there.attr("Mailbox")+" "+there.attr("Format"), "alice@example.test "+format)
		equal(t, convert(format, "EwsId", there.attr("Id")).attr("Id"), one.ID)
	}
	dict := alice.ok(`<m:GetUserConfiguration><m:UserConfigurationName Name="OWA.UserOptions">`+folderID("root")+`</m:UserConfigurationName><m:UserConfigurationProperties>All</m:UserConfigurationProperties></m:GetUserConfiguration>`).kid("UserConfiguration", "Dictionary")
	equal(t, dict.Kids[0].text("DictionaryKey", "Value")+"="+dict.Kids[0].text("DictionaryValue", "Value"), "timezone=W. Europe Standard Time")
	equal(t, alice.code(`<m:GetUserConfiguration><m:UserConfigurationName Name="Other">`+folderID("root")+`</m:UserConfigurationName><m:UserConfigurationProperties>All</m:UserConfigurationProperties></m:GetUserConfiguration>`), errorItemNotFound)
}
