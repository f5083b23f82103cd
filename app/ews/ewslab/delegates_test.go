package ewslab

import (
	"strings"
	"testing"
)

func getDelegate(owner string) string {
	return `<m:GetDelegate IncludePermissions="true"><m:Mailbox><t:EmailAddress>` + owner + `@example.test</t:EmailAddress></m:Mailbox></m:GetDelegate>`
}

// delegateRequest is AddDelegate or UpdateDelegate of one user.
func delegateRequest(operation, owner, user, parts, deliver string) string {
	return `<m:` + operation + `><m:Mailbox><t:EmailAddress>` + owner + `@example.test</t:EmailAddress></m:Mailbox><m:DelegateUsers><t:DelegateUser><t:UserId><t:PrimarySmtpAddress>` + user +
		`@example.test</t:PrimarySmtpAddress></t:UserId>` + parts + `</t:DelegateUser></m:DelegateUsers>` + deliver + `</m:` + operation + `>`
}

func removeDelegate(owner, user string) string {
	return `<m:RemoveDelegate><m:Mailbox><t:EmailAddress>` + owner + `@example.test</t:EmailAddress></m:Mailbox><m:UserIds><t:UserId><t:PrimarySmtpAddress>` + user + `@example.test</t:PrimarySmtpAddress></t:UserId></m:UserIds></m:RemoveDelegate>`
}

const editor = `<t:DelegatePermissions><t:CalendarFolderPermissionLevel>Editor</t:CalendarFolderPermissionLevel></t:DelegatePermissions><t:ReceiveCopiesOfMeetingMessages>true</t:ReceiveCopiesOfMeetingMessages>`

// theirs is somebody's calendar, or another folder, by name.
func theirs(folder, owner string) string {
	return `<t:DistinguishedFolderId Id="` + folder + `"><t:Mailbox><t:EmailAddress>` + owner + `@example.test</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>`
}

// createIn makes an appointment in somebody's calendar and answers the code.
func (c caller) createIn(owner, subject string) string {
	c.t.Helper()
	return c.code(`<m:CreateItem SendMeetingInvitations="SendToNone"><m:SavedItemFolderId>` + theirs("calendar", owner) + `</m:SavedItemFolderId><m:Items><t:CalendarItem><t:Subject>` + subject +
		`</t:Subject><t:Start>2026-03-04T10:00:00Z</t:Start><t:End>2026-03-04T11:00:00Z</t:End></t:CalendarItem></m:Items></m:CreateItem>`)
}

// codeOf answers the code of the one delegate of an answer.
func codeOf(n *node) string {
	return n.text("ResponseMessages", "DelegateUserResponseMessageType", "ResponseCode")
}

func TestALifeOfADelegate(t *testing.T) {
	l := example(t)
	alice, heidi := l.as("alice"), l.as("heidi")
	equal(t, alice.do(getDelegate("alice")).text("ResponseCode"), "ErrorDelegateMissingConfiguration")
	equal(t, heidi.createIn("alice", "Too early"), "ErrorAccessDenied")
	equal(t, codeOf(alice.do(delegateRequest("AddDelegate", "alice", "heidi", editor, `<m:DeliverMeetingRequests>DelegatesAndMe</m:DeliverMeetingRequests>`))), "NoError")
	equal(t, codeOf(alice.do(delegateRequest("AddDelegate", "alice", "heidi", editor, ""))), "ErrorDelegateAlreadyExists")
	equal(t, codeOf(alice.do(delegateRequest("AddDelegate", "alice", "alice", editor, ""))), "ErrorDelegateCannotAddOwner")
	equal(t, codeOf(alice.do(delegateRequest("AddDelegate", "alice", "nobody", editor, ""))), "ErrorDelegateNoUser")
	got := alice.do(getDelegate("alice"))
	d := got.kid("ResponseMessages", "DelegateUserResponseMessageType", "DelegateUser")
	equal(t, got.text("DeliverMeetingRequests")+" "+d.text("UserId", "PrimarySmtpAddress")+" "+d.text("DelegatePermissions", "CalendarFolderPermissionLevel")+" "+
		d.text("DelegatePermissions", "InboxFolderPermissionLevel")+" "+d.text("ViewPrivateItems"), "DelegatesAndMe heidi@example.test Editor None false")
	equal(t, heidi.do(getDelegate("alice")).text("ResponseCode"), "ErrorAccessDenied")
	equal(t, heidi.createIn("alice", "In your name"), "NoError")
	equal(t, alice.only("calendar", "In your name").text("Organizer", "Mailbox", "EmailAddress"), "alice@example.test")

	equal(t, codeOf(alice.do(delegateRequest("UpdateDelegate", "alice", "heidi", `<t:DelegatePermissions><t:CalendarFolderPermissionLevel>Reviewer</t:CalendarFolderPermissionLevel></t:DelegatePermissions>`, ""))), "NoError")
	equal(t, heidi.createIn("alice", "No longer"), "ErrorCreateItemAccessDenied")
	equal(t, codeOf(alice.do(delegateRequest("UpdateDelegate", "alice", "bob", editor, ""))), "ErrorNotDelegate")
	equal(t, codeOf(alice.do(removeDelegate("alice", "bob"))), "ErrorNotDelegate")
	equal(t, codeOf(alice.do(removeDelegate("alice", "heidi"))), "NoError")
	got = alice.do(getDelegate("alice"))
	equal(t, got.text("ResponseCode")+codeOf(got), "NoError")
	equal(t, heidi.createIn("alice", "Gone"), "ErrorAccessDenied")
	// One asked for by name.
	one := alice.do(strings.Replace(getDelegate("alice"), `</m:GetDelegate>`, `<m:UserIds><t:UserId><t:PrimarySmtpAddress>bob@example.test</t:PrimarySmtpAddress></t:UserId></m:UserIds></m:GetDelegate>`, 1))
	equal(t, codeOf(one), "ErrorNotDelegate")
}

func TestADelegateGetsCopiesAndAnswers(t *testing.T) {
	l := example(t)
	alice, bob, heidi := l.as("alice"), l.as("bob"), l.as("heidi")
	alice.do(delegateRequest("AddDelegate", "alice", "heidi", editor, `<m:DeliverMeetingRequests>DelegatesOnly</m:DeliverMeetingRequests>`))
	m := bob.invite("For alice", "2026-03-04T10:00:00Z", "alice")
	equal(t, len(alice.inFolder("inbox", "For alice")), 0)
	alice.only("calendar", "For alice")
	req := heidi.only("inbox", "For alice")
	equal(t, req.text("IsDelegated")+" "+req.text("ReceivedRepresenting", "Mailbox", "EmailAddress"), "true alice@example.test")
	equal(t, len(heidi.inFolder("calendar", "For alice")), 0)
	heidi.answer("AcceptItem", req, "alice comes")
	equal(t, tally(bob.get(m.item())), "alice=Accept")
	equal(t, alice.only("calendar", "For alice").text("MyResponseType"), "Accept")
	// Both see it when both are to.
	alice.do(delegateRequest("UpdateDelegate", "alice", "heidi", "", `<m:DeliverMeetingRequests>DelegatesAndMe</m:DeliverMeetingRequests>`))
	bob.invite("For both", "2026-03-05T10:00:00Z", "alice")
	alice.only("inbox", "For both")
	heidi.only("inbox", "For both")
	alice.do(delegateRequest("UpdateDelegate", "alice", "heidi", "", `<m:DeliverMeetingRequests>NoForward</m:DeliverMeetingRequests>`))
	bob.invite("For her alone", "2026-03-06T10:00:00Z", "alice")
	alice.only("inbox", "For her alone")
	equal(t, len(heidi.inFolder("inbox", "For her alone")), 0)
}

func TestPrivateEntriesOfAPrincipal(t *testing.T) {
	l := example(t)
	alice, heidi := l.as("alice"), l.as("heidi")
	private := alice.create(`<t:Subject>Doctor</t:Subject><t:Sensitivity>Private</t:Sensitivity><t:Body BodyType="Text">teeth</t:Body><t:Start>2026-03-04T10:00:00Z</t:Start><t:End>2026-03-04T11:00:00Z</t:End>`)
	alice.do(delegateRequest("AddDelegate", "alice", "heidi", editor, ""))
	seen := heidi.get(private.item())
	if seen.text("Subject") == "Doctor" || strings.Contains(seen.text("Body"), "teeth") {
		t.Errorf("heidi sees %v", seen)
	}
	equal(t, seen.text("Start"), "2026-03-04T10:00:00Z")
	alice.do(delegateRequest("UpdateDelegate", "alice", "heidi", `<t:ViewPrivateItems>true</t:ViewPrivateItems>`, ""))
	equal(t, heidi.get(private.item()).text("Subject"), "Doctor")
}
