package ewslab

import (
	"strings"
	"testing"
)

func TestAnInvitationArrives(t *testing.T) {
	l := example(t)
	alice, bob := l.as("alice"), l.as("bob")
	m := alice.invite("Plan", "2026-03-04T10:00:00Z", "bob", "carol")
	own := alice.get(m.item())
	equal(t, own.text("MeetingRequestWasSent")+own.text("IsMeeting")+own.text("MyResponseType"), "truetrueOrganizer")
	equal(t, tally(own), "bob=Unknown carol=Unknown")

	req := bob.only("inbox", "Plan")
	entry := bob.only("calendar", "Plan")
	equal(t, req.Name, "MeetingRequest")
	for name, want := range map[string]string{
		"ItemClass": "IPM.Schedule.Meeting.Request", "UID": own.text("UID"), "MeetingRequestType": "NewMeetingRequest", "IsOutOfDate": "false", "IsDelegated": "false",
		"Start": "2026-03-04T10:00:00Z", "IntendedFreeBusyStatus": "Busy", "MyResponseType": "NoResponseReceived", "IsRead": "false", "CalendarItemType": "Single",
	} {
		if got := req.text(name); got != want {
			t.Errorf("the request's %s is %q, want %q", name, got, want)
		}
	}
	equal(t, req.kid("AssociatedCalendarItemId").attr("Id"), entry.kid("ItemId").attr("Id"))
	equal(t, req.text("From", "Mailbox", "EmailAddress"), "alice@example.test")
	if !strings.Contains(req.text("Body"), "Agenda") {
		t.Errorf("the request says %q", req.text("Body"))
	}
	for name, want := range map[string]string{
		"UID": own.text("UID"), "MyResponseType": "NoResponseReceived", "LegacyFreeBusyStatus": "Tentative", "IsMeeting": "true", "ReminderIsSet": "true", "IsOrganizer": "false",
	} {
		if got := entry.text(name); got != want {
			t.Errorf("the entry's %s is %q, want %q", name, got, want)
		}
	}
	equal(t, entry.text("Organizer", "Mailbox", "EmailAddress"), "alice@example.test")
	equal(t, tally(entry), "bob=Unknown carol=Unknown")
	equal(t, alice.only("sentitems", "Plan").Name, "MeetingRequest")
}

func TestNobodyIsToldWhoWasNotToBe(t *testing.T) {
	l := example(t)
	alice, bob := l.as("alice"), l.as("bob")
	m := alice.create(`<t:Subject>Draft</t:Subject><t:Start>2026-03-04T10:00:00Z</t:Start><t:End>2026-03-04T11:00:00Z</t:End>` + attendeeList("RequiredAttendees", "bob"))
	equal(t, len(bob.inFolder("inbox", "Draft"))+len(bob.inFolder("calendar", "Draft")), 0)
	equal(t, alice.get(m.item()).text("MeetingRequestWasSent"), "false")
	// Sent later it is a new meeting, cancelled without ever having been sent it is nothing.
	alice.updateAndSend(m.item(), "SendToAllAndSaveCopy", setField("item:Subject", `<t:Subject>Draft no longer</t:Subject>`))
	equal(t, bob.only("inbox", "Draft").text("MeetingRequestType"), "NewMeetingRequest")
	quiet := alice.create(`<t:Subject>Quiet</t:Subject><t:Start>2026-03-04T10:00:00Z</t:Start><t:End>2026-03-04T11:00:00Z</t:End>` + attendeeList("RequiredAttendees", "bob"))
	alice.ok(strings.Replace(alice.remove(quiet.item()), "SendToNone", "SendToAllAndSaveCopy", 1))
	equal(t, len(bob.inFolder("inbox", "Quiet")), 0)
}

func TestAnUpdateThatAsksAnew(t *testing.T) {
	l := example(t)
	alice, bob, carol := l.as("alice"), l.as("bob"), l.as("carol")
	m := alice.invite("Shift", "2026-03-04T10:00:00Z", "bob", "carol")
	bob.answer("AcceptItem", bob.only("calendar", "Shift"), "yes")
	carol.answer("DeclineItem", carol.only("calendar", "Shift"), "no")
	equal(t, tally(alice.get(m.item())), "bob=Accept carol=Decline")
	equal(t, len(carol.inFolder("calendar", "Shift")), 0)

	alice.updateAndSend(m.item(), "SendToAllAndSaveCopy", move("2026-03-05T10:00:00Z", "2026-03-05T11:00:00Z")...)
	own := alice.get(m.item())
	equal(t, tally(own)+" "+own.text("AppointmentSequenceNumber"), "bob=Unknown carol=Unknown 1")
	entry := bob.only("calendar", "Shift")
	equal(t, entry.text("Start")+" "+entry.text("MyResponseType"), "2026-03-05T10:00:00Z NoResponseReceived")
	equal(t, carol.only("calendar", "Shift").text("Start"), "2026-03-05T10:00:00Z")
	var kinds []string
	for _, req := range carol.inFolder("inbox", "Shift") {
		kinds = append(kinds, req.text("MeetingRequestType")+" outdated="+req.text("IsOutOfDate"))
	}
	equal(t, strings.Join(kinds, ", "), "FullUpdate outdated=false, NewMeetingRequest outdated=true")
}

func TestAnUpdateThatOnlyTells(t *testing.T) {
	l := example(t)
	alice, bob := l.as("alice"), l.as("bob")
	m := alice.invite("Where", "2026-03-04T10:00:00Z", "bob")
	bob.answer("AcceptItem", bob.only("calendar", "Where"), "")
	alice.updateAndSend(m.item(), "SendToAllAndSaveCopy", setField("calendar:Location", `<t:Location>Room 2</t:Location>`))
	entry := bob.only("calendar", "Where")
	equal(t, entry.text("Location")+" "+entry.text("MyResponseType")+" "+entry.text("LegacyFreeBusyStatus"), "Room 2 Accept Busy")
	own := alice.get(m.item())
	equal(t, tally(own)+" "+own.text("AppointmentSequenceNumber"), "bob=Accept 0")
	equal(t, bob.inFolder("inbox", "Where")[0].text("MeetingRequestType"), "InformationalUpdate")
}

func TestPeopleComeAndGo(t *testing.T) {
	l := example(t)
	alice, bob, carol, dave := l.as("alice"), l.as("bob"), l.as("carol"), l.as("dave")
	m := alice.invite("Crowd", "2026-03-04T10:00:00Z", "bob", "carol")
	bob.answer("AcceptItem", bob.only("calendar", "Crowd"), "")
	alice.updateAndSend(m.item(), "SendToChangedAndSaveCopy", setField("calendar:RequiredAttendees", attendeeList("RequiredAttendees", "bob", "dave")))
	equal(t, tally(alice.get(m.item())), "bob=Accept dave=Unknown")
	equal(t, dave.only("inbox", "Crowd").text("MeetingRequestType"), "NewMeetingRequest")
	equal(t, carol.only("calendar", "Crowd").text("IsCancelled"), "true")
	equal(t, len(bob.inFolder("inbox", "Crowd")), 1) // he stays, and is not bothered again
}

func TestACancellation(t *testing.T) {
	l := example(t)
	alice, bob := l.as("alice"), l.as("bob")
	m := alice.invite("Off", "2026-03-04T10:00:00Z", "bob")
	alice.ok(respond("CancelCalendarItem", `<t:ReferenceItemId Id="`+m.ID+`" ChangeKey="`+alice.get(m.item()).kid("ItemId").attr("ChangeKey")+`"/><t:NewBodyContent BodyType="Text">too few of us</t:NewBodyContent>`))
	equal(t, len(alice.inFolder("calendar", "Off")), 0)
	equal(t, len(alice.inFolder("deleteditems", "Off")), 1)
	entry := bob.only("calendar", "Off")
	equal(t, entry.text("Subject")+" "+entry.text("IsCancelled")+" "+entry.text("LegacyFreeBusyStatus"), "Canceled: Off true Free")
	word := bob.only("inbox", "Canceled: Off")
	equal(t, word.Name+" "+word.text("ItemClass"), "MeetingCancellation IPM.Schedule.Meeting.Canceled")
	if !strings.Contains(word.text("Body"), "too few of us") {
		t.Errorf("the cancellation says %q", word.text("Body"))
	}
	equal(t, bob.code(respond("AcceptItem", reference(entry))), "ErrorCalendarIsCancelledForAccept")
	bob.ok(respond("RemoveItem", reference(word)))
	equal(t, len(bob.inFolder("calendar", "Off"))+len(bob.inFolder("inbox", "Canceled: Off")), 0)
}

func TestDeletingAsOrganiserAndAsGuest(t *testing.T) {
	l := example(t)
	alice, bob := l.as("alice"), l.as("bob")
	m := alice.invite("Gone", "2026-03-04T10:00:00Z", "bob")
	send := func(c caller, id string) {
		t.Helper()
		c.ok(strings.Replace(c.remove(id), "SendToNone", "SendToAllAndSaveCopy", 1))
	}
	send(bob, refOf(bob.only("calendar", "Gone").kid("ItemId")).item())
	equal(t, tally(alice.get(m.item())), "bob=Decline")
	equal(t, alice.only("inbox", "Declined: Gone").text("ResponseType"), "Decline")
	send(alice, m.item())
	equal(t, bob.only("inbox", "Canceled: Gone").Name, "MeetingCancellation")
	equal(t, len(bob.inFolder("calendar", "Gone")), 0) // declined before: nothing comes back
}

// weeklyMeeting is a series of three Wednesdays.
func weeklyMeeting(subject string, required ...string) string {
	return `<t:Subject>` + subject + `</t:Subject><t:Start>2026-03-18T09:00:00Z</t:Start><t:End>2026-03-18T10:00:00Z</t:End>` + attendeeList("RequiredAttendees", required...) +
		`<t:Recurrence><t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Wednesday</t:DaysOfWeek></t:WeeklyRecurrence><t:NumberedRecurrence><t:StartDate>2026-03-18</t:StartDate>` +
		`<t:NumberOfOccurrences>3</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence><t:StartTimeZone Id="W. Europe Standard Time"/><t:EndTimeZone Id="W. Europe Standard Time"/>`
}

func TestASeriesGoesToItsGuests(t *testing.T) {
	l := example(t)
	alice, bob := l.as("alice"), l.as("bob")
	m := alice.sendItem(weeklyMeeting("Round", "bob"))
	// The clocks change on the 29th of March: ten o'clock stays ten o'clock.
	want := []string{"2026-03-18T09:00:00Z Round", "2026-03-25T09:00:00Z Round", "2026-04-01T08:00:00Z Round"}
	equal(t, bob.view("2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z"), want)
	equal(t, bob.only("inbox", "Round").text("CalendarItemType"), "RecurringMaster")

	alice.updateAndSend(occurrenceID(m, 2), "SendToAllAndSaveCopy", move("2026-03-26T12:00:00Z", "2026-03-26T13:00:00Z")...)
	want[1] = "2026-03-26T12:00:00Z Round"
	equal(t, bob.view("2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z"), want)
	newest := bob.inFolder("inbox", "Round")[0]
	equal(t, newest.text("CalendarItemType")+" "+newest.text("RecurrenceId"), "Exception 2026-03-25T09:00:00Z")

	// One answer for the whole, one for the exception.
	series := bob.only("calendar", "Round")
	bob.answer("AcceptItem", series, "")
	bob.answer("DeclineItem", newest, "not then")
	equal(t, tally(alice.get(m.item())), "bob=Accept")
	equal(t, tally(alice.get(occurrenceID(m, 2))), "bob=Decline")
	equal(t, tally(alice.get(occurrenceID(m, 3))), "bob=Accept")
	equal(t, bob.view("2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z"), []string{want[0], want[2]})

	alice.ok(strings.Replace(alice.remove(occurrenceID(m, 3)), "SendToNone", "SendToAllAndSaveCopy", 1))
	equal(t, bob.view("2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z"), []string{want[0], "2026-04-01T08:00:00Z Canceled: Round"})
}

func TestWhoIsInvitedToOneOccurrence(t *testing.T) {
	l := example(t)
	alice, dave := l.as("alice"), l.as("dave")
	m := alice.sendItem(weeklyMeeting("Visit", "bob"))
	alice.updateAndSend(occurrenceID(m, 2), "SendToChangedAndSaveCopy", setField("calendar:RequiredAttendees", attendeeList("RequiredAttendees", "bob", "dave")))
	equal(t, dave.view("2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z"), []string{"2026-03-25T09:00:00Z Visit"})
	dave.answer("AcceptItem", dave.only("calendar", "Visit"), "just this once")
	equal(t, tally(alice.get(occurrenceID(m, 2))), "bob=Unknown dave=Accept")
	equal(t, tally(alice.get(m.item())), "bob=Unknown")
}

func TestAGuestOfASeriesWithExceptions(t *testing.T) {
	l := example(t)
	alice, carol := l.as("alice"), l.as("carol")
	m := alice.sendItem(weeklyMeeting("Late", "bob"))
	alice.updateAndSend(occurrenceID(m, 1), "SendToAllAndSaveCopy", move("2026-03-18T15:00:00Z", "2026-03-18T16:00:00Z")...)
	alice.ok(alice.remove(occurrenceID(m, 2)))
	alice.updateAndSend(m.item(), "SendToChangedAndSaveCopy", setField("calendar:RequiredAttendees", attendeeList("RequiredAttendees", "bob", "carol")))
	equal(t, carol.view("2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z"), []string{"2026-03-18T15:00:00Z Late", "2026-04-01T08:00:00Z Late"})
}

func TestAListReachesItsMembers(t *testing.T) {
	l := example(t, func(c *Config) {
		c.People = append(c.People, Person{User: "everybody", Name: "Everybody", List: []string{"sales", "erin", "everybody", "bob"}})
	})
	alice := l.as("alice")
	m := alice.invite("All hands", "2026-03-04T10:00:00Z", "everybody")
	for _, user := range []string{"bob", "carol", "dave", "erin"} {
		l.as(user).only("inbox", "All hands")
	}
	equal(t, len(alice.inFolder("inbox", "All hands")), 0)
	dave := l.as("dave")
	dave.answer("TentativelyAcceptItem", dave.only("calendar", "All hands"), "")
	equal(t, tally(alice.get(m.item())), "everybody=Unknown dave=Tentative")
}

func TestRoomsAnswer(t *testing.T) {
	l := example(t)
	alice, bob := l.as("alice"), l.as("bob")
	book := func(c caller, subject, start, end string) string {
		t.Helper()
		return tally(c.get(c.sendItem(`<t:Subject>` + subject + `</t:Subject><t:Start>` + start + `</t:Start><t:End>` + end + `</t:End>` + attendeeList("Resources", "studio1")).item()))
	}
	equal(t, book(alice, "First", "2026-03-04T10:00:00Z", "2026-03-04T11:00:00Z"), "studio1=Accept")
	equal(t, book(bob, "Overlap", "2026-03-04T10:30:00Z", "2026-03-04T12:00:00Z"), "studio1=Decline")
	equal(t, book(bob, "Next", "2026-03-04T11:00:00Z", "2026-03-04T12:00:00Z"), "studio1=Accept")
	equal(t, bob.only("inbox", "Declined: Overlap").text("From", "Mailbox", "EmailAddress"), "studio1@example.test")
	room := l.service("studio1@example.test")
	// Who has the room is seen, what for is not.
	equal(t, room.view("2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z"), []string{"2026-03-04T10:00:00Z Alice Adams", "2026-03-04T11:00:00Z Bob Brown"})
	equal(t, len(room.inFolder("inbox", "")), 0)

	first := alice.only("calendar", "First")
	alice.ok(strings.Replace(alice.remove(refOf(first.kid("ItemId")).item()), "SendToNone", "SendOnlyToAll", 1))
	equal(t, book(bob, "Again", "2026-03-04T10:00:00Z", "2026-03-04T11:00:00Z"), "studio1=Accept")
	series := alice.sendItem(strings.Replace(weeklyMeeting("Weekly", "carol"), `<t:Recurrence>`, attendeeList("Resources", "studio1")+`<t:Recurrence>`, 1))
	equal(t, tally(alice.get(series.item())), "carol=Unknown studio1=Accept")
	equal(t, book(bob, "In its way", "2026-04-01T08:30:00Z", "2026-04-01T09:30:00Z"), "studio1=Decline")
}

func TestMailIsDelivered(t *testing.T) {
	l := example(t)
	alice, bob := l.as("alice"), l.as("bob")
	send := func(disposition, to string) *node {
		return alice.do(`<m:CreateItem MessageDisposition="` + disposition + `"><m:Items><t:Message><t:Subject>Hello</t:Subject><t:Body BodyType="Text">x</t:Body>` +
			`<t:ToRecipients><t:Mailbox><t:EmailAddress>` + to + `</t:EmailAddress></t:Mailbox></t:ToRecipients></t:Message></m:Items></m:CreateItem>`).kid("ResponseMessages").Kids[0]
	}
	equal(t, send("SendAndSaveCopy", "bob@example.test").text("ResponseCode"), "NoError")
	got := bob.only("inbox", "Hello")
	equal(t, got.text("From", "Mailbox", "EmailAddress")+" "+got.text("IsRead")+" "+got.text("IsDraft"), "alice@example.test false false")
	equal(t, alice.only("sentitems", "Hello").text("IsRead"), "true")
	equal(t, len(alice.inFolder("outbox", "Hello"))+len(alice.inFolder("drafts", "Hello")), 0)
	bob.ok(respond("ReplyToItem", reference(got)+`<t:NewBodyContent BodyType="Text">Hello yourself</t:NewBodyContent>`))
	reply := alice.only("inbox", "RE: Hello")
	if !strings.Contains(reply.text("Body"), "Hello yourself") {
		t.Errorf("the reply says %q", reply.text("Body"))
	}
	bob.ok(respond("ForwardItem", `<t:ToRecipients><t:Mailbox><t:EmailAddress>carol@example.test</t:EmailAddress></t:Mailbox></t:ToRecipients>`+reference(got)+`<t:NewBodyContent BodyType="HTML">&lt;p&gt;see&lt;/p&gt;</t:NewBodyContent>`))
	equal(t, l.as("carol").only("inbox", "FW: Hello").text("Body") != "", true)
}
