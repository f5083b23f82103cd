package ewslab

import (
	"strings"
	"testing"
	"time"
)

func TestAnAnswerIsCounted(t *testing.T) {
	l := example(t)
	alice, bob, carol := l.as("alice"), l.as("bob"), l.as("carol")
	m := alice.invite("Vote", "2026-03-04T10:00:00Z", "bob", "carol")
	before := alice.get(m.item())
	l.clock.advance(90 * time.Minute)
	bob.answer("AcceptItem", bob.only("inbox", "Vote"), "gladly")
	l.clock.advance(time.Minute)
	carol.ok(respond("TentativelyAcceptItem", `<t:Body BodyType="Text">later?</t:Body>`+reference(carol.only("calendar", "Vote"))+
		`<t:ProposedStart>2026-03-04T13:00:00Z</t:ProposedStart><t:ProposedEnd>2026-03-04T14:00:00Z</t:ProposedEnd>`))
	own := alice.get(m.item())
	equal(t, tally(own), "bob=Accept carol=Tentative")
	if own.kid("ItemId").attr("ChangeKey") == before.kid("ItemId").attr("ChangeKey") {
		t.Error("an answer leaves the organiser's copy as it was")
	}
	list := own.kid("RequiredAttendees").Kids
	equal(t, list[0].text("LastResponseTime"), "2026-03-02T09:30:00Z")
	equal(t, list[1].text("ProposedStart")+" "+list[1].text("ProposedEnd"), "2026-03-04T13:00:00Z 2026-03-04T14:00:00Z")

	word := alice.only("inbox", "Accepted: Vote")
	equal(t, word.Name+" "+word.text("ItemClass")+" "+word.text("ResponseType"), "MeetingResponse IPM.Schedule.Meeting.Resp.Pos Accept")
	equal(t, word.kid("AssociatedCalendarItemId").attr("Id"), m.ID)
	if !strings.Contains(word.text("Body"), "gladly") {
		t.Errorf("the answer says %q", word.text("Body"))
	}
	equal(t, alice.only("inbox", "New Time Proposed: Vote").text("ProposedStart"), "2026-03-04T13:00:00Z")
	entry := bob.only("calendar", "Vote")
	equal(t, entry.text("MyResponseType")+" "+entry.text("LegacyFreeBusyStatus")+" "+entry.text("AppointmentReplyTime"), "Accept Busy 2026-03-02T09:30:00Z")
	equal(t, carol.only("calendar", "Vote").text("LegacyFreeBusyStatus"), "Tentative")
	// The answered request goes where deleted ones lie, the answer is kept.
	equal(t, len(bob.inFolder("inbox", "Vote")), 0)
	equal(t, len(bob.inFolder("deleteditems", "Vote")), 1)
	equal(t, bob.only("sentitems", "Accepted: Vote").Name, "MeetingResponse")
}

func TestASilentAnswerIsNotSeen(t *testing.T) {
	l := example(t)
	alice, bob := l.as("alice"), l.as("bob")
	m := alice.invite("Silent", "2026-03-04T10:00:00Z", "bob")
	bob.ok(strings.Replace(respond("AcceptItem", reference(bob.only("inbox", "Silent"))), "SendAndSaveCopy", "SaveOnly", 1))
	equal(t, bob.only("calendar", "Silent").text("MyResponseType"), "Accept")
	equal(t, tally(alice.get(m.item())), "bob=Unknown")
	equal(t, len(alice.inFolder("inbox", "Silent")), 0)
	// Without a copy.
	bob.ok(strings.Replace(respond("DeclineItem", reference(bob.only("calendar", "Silent"))), "SendAndSaveCopy", "SendOnly", 1))
	equal(t, tally(alice.get(m.item())), "bob=Decline")
	equal(t, len(bob.inFolder("sentitems", "Silent")), 0)
}

func TestWhoDeclinedMayComeBack(t *testing.T) {
	l := example(t)
	alice, bob := l.as("alice"), l.as("bob")
	m := alice.invite("Return", "2026-03-04T10:00:00Z", "bob")
	bob.answer("DeclineItem", bob.only("calendar", "Return"), "")
	equal(t, len(bob.inFolder("calendar", "Return")), 0)
	bob.answer("AcceptItem", bob.only("inbox", "Return"), "after all")
	equal(t, bob.only("calendar", "Return").text("MyResponseType"), "Accept")
	equal(t, tally(alice.get(m.item())), "bob=Accept")
	equal(t, len(alice.inFolder("inbox", "Return")), 2) // told both times
}

func TestAnswersThatCannotBe(t *testing.T) {
	l := example(t)
	alice, bob := l.as("alice"), l.as("bob")
	m := alice.invite("No", "2026-03-04T10:00:00Z", "bob")
	own, req := alice.get(m.item()), bob.only("inbox", "No")
	for kind, code := range map[string]string{
		"AcceptItem": "ErrorCalendarIsOrganizerForAccept", "TentativelyAcceptItem": "ErrorCalendarIsOrganizerForTentative", "DeclineItem": "ErrorCalendarIsOrganizerForDecline",
	} {
		equal(t, alice.code(respond(kind, reference(own))), code)
	}
	equal(t, bob.code(respond("CancelCalendarItem", reference(bob.only("calendar", "No")))), "ErrorCalendarIsNotOrganizer")
	equal(t, bob.code(respond("AcceptItem", `<t:ReferenceItemId Id="`+req.kid("ItemId").attr("Id")+`"/>`)), "ErrorChangeKeyRequired")
	equal(t, bob.code(respond("AcceptItem", reference(req)+`<t:ProposedStart>2026-03-04T13:00:00Z</t:ProposedStart><t:ProposedEnd>2026-03-04T12:00:00Z</t:ProposedEnd>`)), "ErrorCalendarEndDateIsEarlierThanStartDate")
	alice.updateAndSend(m.item(), "SendToAllAndSaveCopy", move("2026-03-05T10:00:00Z", "2026-03-05T11:00:00Z")...)
	old := bob.inFolder("inbox", "No")[1]
	equal(t, old.text("IsOutOfDate"), "true")
	equal(t, bob.code(respond("AcceptItem", reference(old))), "ErrorCalendarMeetingRequestIsOutOfDate")
	// Somebody else's entry.
	equal(t, l.as("dave").code(respond("AcceptItem", reference(req))), "ErrorAccessDenied")
}

func TestAForwardedMeeting(t *testing.T) {
	l := example(t)
	alice, bob, dave := l.as("alice"), l.as("bob"), l.as("dave")
	m := alice.invite("Pass on", "2026-03-04T10:00:00Z", "bob")
	bob.ok(respond("ForwardItem", `<t:ToRecipients><t:Mailbox><t:EmailAddress>dave@example.test</t:EmailAddress></t:Mailbox></t:ToRecipients>`+
		reference(bob.only("calendar", "Pass on"))+`<t:NewBodyContent BodyType="Text">for you too</t:NewBodyContent>`))
	req := dave.only("inbox", "Pass on")
	equal(t, req.text("From", "Mailbox", "EmailAddress")+" "+req.text("Sender", "Mailbox", "EmailAddress"), "alice@example.test bob@example.test")
	if !strings.Contains(req.text("Body"), "for you too") {
		t.Errorf("the request says %q", req.text("Body"))
	}
	equal(t, tally(alice.get(m.item())), "bob=Unknown dave=Unknown")
	equal(t, alice.only("inbox", "Meeting Forward Notification: Pass on").text("ItemClass"), "IPM.Schedule.Meeting.Notification.Forward")
	dave.answer("AcceptItem", req, "")
	equal(t, tally(alice.get(m.item())), "bob=Unknown dave=Accept")
	equal(t, bob.code(respond("ForwardItem", `<t:ToRecipients><t:Mailbox><t:EmailAddress>x@elsewhere.test</t:EmailAddress></t:Mailbox></t:ToRecipients>`+
		reference(bob.only("calendar", "Pass on")))), "ErrorInvalidRecipients")
	// The organiser forwards too: those are invited like others.
	alice.ok(respond("ForwardItem", `<t:ToRecipients><t:Mailbox><t:EmailAddress>erin@example.test</t:EmailAddress></t:Mailbox></t:ToRecipients>`+reference(alice.get(m.item()))))
	equal(t, l.as("erin").only("calendar", "Pass on").text("MyResponseType"), "NoResponseReceived")
	equal(t, len(alice.inFolder("inbox", "Meeting Forward Notification")), 1)
}

func TestAttachmentsTravelAlong(t *testing.T) {
	l := example(t)
	alice, bob := l.as("alice"), l.as("bob")
	alice.sendItem(`<t:Subject>Papers</t:Subject><t:Attachments><t:FileAttachment><t:Name>plan.txt</t:Name><t:Content>aGVsbG8=</t:Content></t:FileAttachment></t:Attachments>` +
		`<t:Start>2026-03-04T10:00:00Z</t:Start><t:End>2026-03-04T11:00:00Z</t:End>` + attendeeList("RequiredAttendees", "bob"))
	for _, folder := range []string{"inbox", "calendar"} {
		n := bob.only(folder, "Papers")
		equal(t, n.text("Attachments", "FileAttachment", "Name")+" "+n.text("HasAttachments"), "plan.txt true")
	}
}

func TestADraftOfAReply(t *testing.T) {
	l := example(t)
	alice, bob := l.as("alice"), l.as("bob")
	alice.invite("Answer me", "2026-03-04T10:00:00Z", "bob", "carol")
	req := bob.only("inbox", "Answer me")
	made := bob.ok(strings.Replace(respond("ReplyAllToItem", reference(req)+`<t:NewBodyContent BodyType="Text">who else?</t:NewBodyContent>`), "SendAndSaveCopy", "SaveOnly", 1))
	draft := bob.get(refOf(made.kid("Items", "Message", "ItemId")).item())
	equal(t, draft.text("IsDraft")+" "+draft.text("Subject"), "true RE: Answer me")
	equal(t, draft.text("ToRecipients", "Mailbox", "EmailAddress"), "alice@example.test")
	equal(t, len(alice.inFolder("inbox", "Answer me")), 0)
	equal(t, bob.code(respond("SuppressReadReceipt", reference(req))), "ErrorUnsupportedTypeForConversion")
}
