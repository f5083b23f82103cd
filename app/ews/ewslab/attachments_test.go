package ewslab

import (
	"encoding/base64"
	"strings"
	"testing"
)

// attach hangs a file on an item and answers the attachment's identifier and the item's new version.
func (c caller) attach(r ref, name, content string) (string, ref) {
	c.t.Helper()
	id := c.ok(`<m:CreateAttachment><m:ParentItemId Id="`+r.ID+`"/><m:Attachments><t:FileAttachment><t:Name>`+name+`</t:Name><t:ContentType>text/plain</t:ContentType><t:Content>`+
		base64.StdEncoding.EncodeToString([]byte(content))+`</t:Content></t:FileAttachment></m:Attachments></m:CreateAttachment>`).kid("Attachments", "FileAttachment", "AttachmentId")
	return id.attr("Id"), ref{id.attr("RootItemId"), id.attr("RootItemChangeKey")}
}

func getAttachment(id string) string {
	return `<m:GetAttachment><m:AttachmentIds><t:AttachmentId Id="` + id + `"/></m:AttachmentIds></m:GetAttachment>`
}

func TestAFileComesAndGoes(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	one := alice.meet("x", "2026-03-03T09:00:00Z")
	id, root := alice.attach(one, "a.txt", "content")
	if root.ID != one.ID || root.Key == one.Key {
		t.Errorf("root %v of %v", root, one)
	}
	n := alice.get(one.item())
	equal(t, n.text("HasAttachments")+" "+n.text("Attachments", "FileAttachment", "Name")+" "+n.text("Attachments", "FileAttachment", "Size"), "true a.txt 7")
	if n.kid("Attachments", "FileAttachment", "Content") != nil {
		t.Error("GetItem gives the content away")
	}
	a := alice.ok(getAttachment(id)).kid("Attachments", "FileAttachment")
	data, err := base64.StdEncoding.DecodeString(a.text("Content"))
	if err != nil || string(data) != "content" || a.text("ContentType") != "text/plain" {
		t.Errorf("%q %v %v", data, err, a)
	}
	equal(t, l.as("bob").code(getAttachment(id)), errorAccessDenied)
	del := `<m:DeleteAttachment><m:AttachmentIds><t:AttachmentId Id="` + id + `"/></m:AttachmentIds></m:DeleteAttachment>`
	gone := alice.ok(del).kid("RootItemId")
	equal(t, gone.attr("RootItemId"), one.ID)
	equal(t, alice.get(one.item()).text("HasAttachments"), "false")
	equal(t, alice.code(del), errorItemNotFound)
	equal(t, alice.code(getAttachment(one.ID)), "ErrorInvalidAttachmentId")
	equal(t, alice.code(getAttachment("junk")), "ErrorInvalidAttachmentId")
}

func TestAttachmentsInsideCreateItem(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	one := alice.create(`<t:Subject>x</t:Subject><t:Attachments><t:FileAttachment><t:Name>a</t:Name><t:Content>YQ==</t:Content></t:FileAttachment><t:ItemAttachment><t:Name>m</t:Name><t:Message><t:Subject>inner</t:Subject></t:Message></t:ItemAttachment></t:Attachments>` +
		`<t:Start>2026-03-03T09:00:00Z</t:Start><t:End>2026-03-03T10:00:00Z</t:End>`)
	list := alice.get(one.item()).kid("Attachments")
	equal(t, len(list.Kids), 2)
	inner := alice.ok(getAttachment(list.kid("ItemAttachment", "AttachmentId").attr("Id"))).kid("Attachments", "ItemAttachment", "Message")
	equal(t, inner.text("Subject"), "inner")
	if inner.kid("ItemId") != nil {
		t.Error("an attached item has an identifier")
	}
	equal(t, alice.refused(createItem(`SendMeetingInvitations="SendToNone"`, `<t:CalendarItem><t:Attachments><t:FileAttachment><t:Name>a</t:Name><t:Content>***</t:Content></t:FileAttachment></t:Attachments></t:CalendarItem>`)), errorSchemaValidation)
	equal(t, alice.view("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"), "[2026-03-03T09:00:00Z x]")
}

func TestAnAttachmentThatIsTooLarge(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	one := alice.meet("x", "2026-03-03T09:00:00Z")
	huge := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", maxAttachment+1)))
	status, text := alice.raw(envelopeOf("", `<m:CreateAttachment><m:ParentItemId Id="`+one.ID+`"/><m:Attachments><t:FileAttachment><t:Name>a</t:Name><t:Content>`+huge+`</t:Content></t:FileAttachment></m:Attachments></m:CreateAttachment>`))
	if status != 200 || !strings.Contains(text, "ErrorAttachmentSizeLimitExceeded") {
		t.Errorf("%d %.300s", status, text)
	}
	equal(t, alice.get(one.item()).text("HasAttachments"), "false")
}

func TestAnAttachmentOfOneOccurrence(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	series := alice.create(weekly("Series", 3))
	second := refOf(alice.get(occurrenceID(series, 2)).kid("ItemId"))
	id, _ := alice.attach(second, "agenda.txt", "points")
	equal(t, alice.get(occurrenceID(series, 2)).text("HasAttachments")+" "+alice.get(occurrenceID(series, 3)).text("HasAttachments"), "true false")
	equal(t, alice.get(occurrenceID(series, 2)).text("CalendarItemType"), "Exception")
	equal(t, alice.ok(getAttachment(id)).text("Attachments", "FileAttachment", "Name"), "agenda.txt")
	alice.attach(series, "all.txt", "all")
	equal(t, alice.get(occurrenceID(series, 3)).text("HasAttachments"), "true")
	equal(t, len(alice.get(occurrenceID(series, 2)).kid("Attachments").Kids), 2)
}
