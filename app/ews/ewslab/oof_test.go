package ewslab

import (
	"strings"
	"testing"
	"time"
)

func getOof(user string) string {
	return `<m:GetUserOofSettingsRequest><t:Mailbox><t:Address>` + user + `@example.test</t:Address></t:Mailbox></m:GetUserOofSettingsRequest>`
}

func setOof(user, state, more string) string {
	return `<m:SetUserOofSettingsRequest><t:Mailbox><t:Address>` + user + `@example.test</t:Address></t:Mailbox><t:UserOofSettings><t:OofState>` + state + `</t:OofState><t:ExternalAudience>Known</t:ExternalAudience>` +
		more + `<t:InternalReply><t:Message>&lt;b&gt;away&lt;/b&gt;</t:Message></t:InternalReply><t:ExternalReply><t:Message>closed</t:Message></t:ExternalReply></t:UserOofSettings></m:SetUserOofSettingsRequest>`
}

func mailTips(of ...string) string {
	var b strings.Builder
	for _, user := range of {
		b.WriteString(`<t:Mailbox><t:EmailAddress>` + user + `@example.test</t:EmailAddress></t:Mailbox>`)
	}
	return `<m:GetMailTips><m:SendingAs><t:EmailAddress>alice@example.test</t:EmailAddress></m:SendingAs><m:Recipients>` + b.String() + `</m:Recipients><m:MailTipsRequested>All</m:MailTipsRequested></m:GetMailTips>`
}

const march = `<t:Duration><t:StartTime>2026-03-03T00:00:00</t:StartTime><t:EndTime>2026-03-05T00:00:00Z</t:EndTime></t:Duration>`

// send mails somebody.
func (c caller) send(to, subject string) {
	c.t.Helper()
	c.ok(`<m:CreateItem MessageDisposition="SendOnly"><m:Items><t:Message><t:Subject>` + subject + `</t:Subject><t:ToRecipients><t:Mailbox><t:EmailAddress>` + to +
		`@example.test</t:EmailAddress></t:Mailbox></t:ToRecipients></t:Message></m:Items></m:CreateItem>`)
}

func TestOutOfOffice(t *testing.T) {
	l := example(t)
	alice, bob, dave := l.as("alice"), l.as("bob"), l.as("dave")
	equal(t, dave.do(getOof("dave")).text("OofSettings", "OofState"), "Disabled")
	equal(t, dave.do(setOof("dave", "Scheduled", march)).text("ResponseMessage", "ResponseCode"), "NoError")
	got := dave.do(getOof("dave")).kid("OofSettings")
	equal(t, got.text("OofState")+" "+got.text("ExternalAudience")+" "+got.text("Duration", "StartTime")+" "+got.text("InternalReply", "Message")+" "+got.text("ExternalReply", "Message"),
		"Scheduled Known 2026-03-03T00:00:00Z <b>away</b> closed")
	tip := func() string {
		return alice.do(mailTips("dave")).text("ResponseMessages", "MailTipsResponseMessageType", "MailTips", "OutOfOffice", "ReplyBody", "Message")
	}
	replies := func(c caller) int { return len(c.inFolder("inbox", "Automatic reply")) }
	// Not yet.
	bob.send("dave", "First")
	equal(t, tip(), "")
	equal(t, replies(bob), 0)
	l.clock.advance(24 * time.Hour)
	equal(t, tip(), "<b>away</b>")
	bob.send("dave", "Second")
	bob.send("dave", "Third")
	alice.invite("Meeting", "2026-03-10T10:00:00Z", "dave")
	equal(t, replies(bob), 1)
	reply := bob.only("inbox", "Automatic reply")
	equal(t, reply.text("Subject")+" "+reply.text("ItemClass"), "Automatic reply: Second "+oofClass)
	equal(t, alice.only("inbox", "Automatic reply").text("Subject"), "Automatic reply: Meeting")
	// Who is away too does not answer the answer.
	bob.do(setOof("bob", "Enabled", ""))
	dave.send("bob", "To one who is away")
	equal(t, replies(dave), 1)
	// Set anew, everybody is told anew; over, nobody.
	dave.do(setOof("dave", "Scheduled", march))
	bob.send("dave", "Fourth")
	equal(t, replies(bob), 2)
	l.clock.advance(48 * time.Hour)
	equal(t, tip(), "")
	l.as("carol").send("dave", "Fifth")
	equal(t, replies(l.as("carol")), 0)
}

func TestOutOfOfficeThatCannotBe(t *testing.T) {
	l := example(t)
	dave := l.as("dave")
	for body, want := range map[string]string{
		setOof("dave", "Scheduled", ""):                                          "ErrorInvalidScheduledOofDuration",
		setOof("dave", "Scheduled", strings.Replace(march, "03-05", "03-01", 1)): "ErrorInvalidScheduledOofDuration",
		setOof("bob", "Enabled", ""):                                             "ErrorAccessDenied",
		setOof("nobody", "Enabled", ""):                                          "ErrorMailRecipientNotFound",
	} {
		equal(t, dave.do(body).text("ResponseMessage", "ResponseCode"), want)
	}
	for _, body := range []string{strings.Replace(setOof("dave", "Enabled", ""), ">Known<", ">Some<", 1), setOof("dave", "Perhaps", "")} {
		equal(t, dave.loose(body).text("ResponseMessage", "ResponseCode"), "ErrorInvalidUserOofSettings")
	}
	equal(t, dave.do(getOof("bob")).text("ResponseMessage", "ResponseCode"), "ErrorAccessDenied")
	equal(t, dave.do(getOof("dave")).text("OofSettings", "OofState"), "Disabled")
}

func TestMailTipsOfListsAndStrangers(t *testing.T) {
	l := example(t)
	all := l.as("alice").do(mailTips("sales", "stranger", "bob")).kid("ResponseMessages").Kids
	var got []string
	for _, m := range all {
		tips := m.kid("MailTips")
		got = append(got, tips.text("RecipientAddress", "EmailAddress")+" "+tips.text("TotalMemberCount")+" "+tips.text("InvalidRecipient"))
	}
	equal(t, strings.Join(got, ", "), "sales@example.test 4 false, stranger@example.test  true, bob@example.test 1 false")
}
