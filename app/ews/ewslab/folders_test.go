package ewslab

import (
	"fmt"
	"strings"
	"testing"
)

func getFolder(refs, base string, extra ...string) string {
	more := ""
	if len(extra) > 0 {
		more = `<t:AdditionalProperties>` + strings.Join(extra, "") + `</t:AdditionalProperties>`
	}
	return `<m:GetFolder><m:FolderShape><t:BaseShape>` + base + `</t:BaseShape>` + more + `</m:FolderShape><m:FolderIds>` + refs + `</m:FolderIds></m:GetFolder>`
}

func (r ref) folder() string { return `<t:FolderId Id="` + r.ID + `"` + keyAttr(r.Key) + `/>` }

func TestWellKnownFolders(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	for name, want := range map[string]string{"root": "Folder Root", "msgfolderroot": "Folder Top of Information Store", "inbox": "Folder Inbox", "sentitems": "Folder Sent Items",
		"drafts": "Folder Drafts", "outbox": "Folder Outbox", "deleteditems": "Folder Deleted Items", "calendar": "CalendarFolder Calendar", "contacts": "ContactsFolder Contacts",
		"tasks": "TasksFolder Tasks", "notes": "Folder Notes", "journal": "Folder Journal", "voicemail": "Folder Voice Mail", "conversationhistory": "Folder Conversation History"} {
		f := alice.ok(getFolder(folderID(name), "AllProperties")).kid("Folders").Kids[0]
		equal(t, f.Name+" "+f.text("DisplayName"), want)
		equal(t, f.text("DistinguishedFolderId"), name)
		byID := alice.ok(getFolder(refOf(f.kid("FolderId")).folder(), "Default")).kid("Folders").Kids[0]
		equal(t, byID.text("DisplayName"), f.text("DisplayName"))
	}
	equal(t, alice.code(getFolder(folderID("archiveroot"), "IdOnly")), errorFolderNotFound)
	equal(t, alice.refused(getFolder(folderID("inbox"), "Some")), errorSchemaValidation)
	equal(t, alice.code(getFolder(`<t:FolderId Id="AAAA"/>`, "IdOnly")), errorIDMalformed)
	equal(t, alice.code(getFolder(strings.Replace(l.as("alice").meet("x", "2026-03-03T09:00:00Z").item(), "ItemId", "FolderId", 1), "IdOnly")), "ErrorCannotUseItemIdForFolderId")
	equal(t, alice.code(getFolder(`<t:DistinguishedFolderId Id="calendar"><t:Mailbox><t:EmailAddress>bob@example.test</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>`, "IdOnly")), errorAccessDenied)
	equal(t, alice.code(getFolder(`<t:DistinguishedFolderId Id="inbox"><t:Mailbox><t:EmailAddress>bob@example.test</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>`, "IdOnly")), errorFolderNotFound)
	equal(t, alice.code(getFolder(`<t:DistinguishedFolderId Id="calendar"><t:Mailbox><t:EmailAddress>nobody@example.test</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>`, "IdOnly")), "ErrorNonExistentMailbox")
	msgs := alice.do(getFolder(folderID("inbox")+folderID("archiveroot")+folderID("calendar"), "IdOnly")).kid("ResponseMessages").Kids
	equal(t, []string{msgs[0].text("ResponseCode"), msgs[1].text("ResponseCode"), msgs[2].text("ResponseCode")}, "[NoError ErrorFolderNotFound NoError]")
}

func createFolder(parent, folder string) string {
	return `<m:CreateFolder><m:ParentFolderId>` + parent + `</m:ParentFolderId><m:Folders>` + folder + `</m:Folders></m:CreateFolder>`
}

func (c caller) makeFolder(parent, elem, name string) ref {
	c.t.Helper()
	return refOf(c.ok(createFolder(parent, `<t:`+elem+`><t:DisplayName>`+name+`</t:DisplayName></t:`+elem+`>`)).kid("Folders", elem, "FolderId"))
}

func (c caller) children(parent, traversal, restriction string) []string {
	c.t.Helper()
	msg := c.ok(`<m:FindFolder Traversal="` + traversal + `"><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>` + restriction + `<m:ParentFolderIds>` + parent + `</m:ParentFolderIds></m:FindFolder>`)
	out := []string{}
	for _, f := range msg.kid("RootFolder", "Folders").kids() {
		out = append(out, f.text("DisplayName"))
	}
	return out
}

func TestALifeOfAFolder(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	inbox := folderID("inbox")
	one := alice.makeFolder(inbox, "Folder", "One")
	two := alice.makeFolder(one.folder(), "CalendarFolder", "Two")
	equal(t, alice.children(inbox, "Shallow", ""), "[One]")
	equal(t, alice.children(inbox, "Deep", ""), "[One Two]")
	equal(t, alice.code(createFolder(inbox, `<t:Folder><t:DisplayName>ONE</t:DisplayName></t:Folder>`)), "ErrorFolderExists")
	equal(t, alice.code(createFolder(inbox, `<t:Folder><t:DisplayName> </t:DisplayName></t:Folder>`)), "ErrorFolderSaveFailed")
	byName := `<m:Restriction><t:IsEqualTo><t:FieldURI FieldURI="folder:DisplayName"/><t:FieldURIOrConstant><t:Constant Value="Two"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction>`
	equal(t, alice.children(folderID("msgfolderroot"), "Deep", byName), "[Two]")
	equal(t, alice.ok(getFolder(two.folder(), "AllProperties")).text("Folders", "CalendarFolder", "FolderClass"), "IPF.Appointment")

	change := func(r ref, update string) string {
		return `<m:UpdateFolder><m:FolderChanges><t:FolderChange>` + r.folder() + `<t:Updates>` + update + `</t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>`
	}
	renamed := refOf(alice.ok(change(one, `<t:SetFolderField><t:FieldURI FieldURI="folder:DisplayName"/><t:Folder><t:DisplayName>Uno</t:DisplayName></t:Folder></t:SetFolderField>`)).kid("Folders", "Folder", "FolderId"))
	if renamed.ID != one.ID || renamed.Key == one.Key {
		t.Errorf("%v became %v", one, renamed)
	}
	ext := `<t:ExtendedFieldURI PropertySetId="c11ff724-aa03-4555-9952-8fa248a11c3e" PropertyName="Mark" PropertyType="String"/>`
	alice.ok(change(one, `<t:SetFolderField>`+ext+`<t:Folder><t:ExtendedProperty>`+ext+`<t:Value>v</t:Value></t:ExtendedProperty></t:Folder></t:SetFolderField>`))
	equal(t, alice.ok(getFolder(one.folder(), "IdOnly", ext)).text("Folders", "Folder", "ExtendedProperty", "Value"), "v")
	equal(t, alice.code(change(one, `<t:SetFolderField><t:FieldURI FieldURI="folder:TotalCount"/><t:Folder><t:TotalCount>3</t:TotalCount></t:Folder></t:SetFolderField>`)), "ErrorInvalidPropertySet")

	move := func(r ref, to string) string {
		return `<m:MoveFolder><m:ToFolderId>` + to + `</m:ToFolderId><m:FolderIds>` + r.folder() + `</m:FolderIds></m:MoveFolder>`
	}
	equal(t, alice.code(move(one, two.folder())), "ErrorMoveCopyFailed")
	alice.ok(move(two, folderID("drafts")))
	equal(t, alice.children(folderID("drafts"), "Shallow", ""), "[Two]")

	del := func(r, how string) string {
		return `<m:DeleteFolder DeleteType="` + how + `"><m:FolderIds>` + r + `</m:FolderIds></m:DeleteFolder>`
	}
	equal(t, alice.code(del(folderID("calendar"), "HardDelete")), "ErrorDeleteDistinguishedFolder")
	alice.ok(del(one.folder(), "MoveToDeletedItems"))
	equal(t, alice.children(folderID("deleteditems"), "Shallow", ""), "[Uno]")
	alice.ok(del(one.folder(), "HardDelete"))
	equal(t, alice.code(getFolder(one.folder(), "IdOnly")), errorFolderNotFound)
}

func TestEmptyFolder(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	sub := alice.makeFolder(folderID("contacts"), "ContactsFolder", "Sub")
	for range 2 {
		alice.ok(`<m:CreateItem><m:SavedItemFolderId>` + sub.folder() + `</m:SavedItemFolderId><m:Items><t:Contact><t:GivenName>A</t:GivenName></t:Contact></m:Items></m:CreateItem>`)
	}
	empty := func(r, how string, subs bool) string {
		return fmt.Sprintf(`<m:EmptyFolder DeleteType="%s" DeleteSubFolders="%v"><m:FolderIds>%s</m:FolderIds></m:EmptyFolder>`, how, subs, r)
	}
	count := func(r string) string {
		return alice.ok(getFolder(r, "Default")).kid("Folders").Kids[0].text("TotalCount")
	}
	equal(t, count(sub.folder()), 2)
	alice.ok(empty(sub.folder(), "MoveToDeletedItems", false))
	equal(t, count(sub.folder())+" "+count(folderID("deleteditems")), "0 2")
	alice.ok(empty(folderID("deleteditems"), "HardDelete", false))
	equal(t, count(folderID("deleteditems")), 0)
	alice.ok(empty(folderID("contacts"), "HardDelete", true))
	equal(t, alice.code(getFolder(sub.folder(), "IdOnly")), errorFolderNotFound)
	equal(t, alice.code(empty(folderID("calendar"), "HardDelete", false)), "ErrorCannotEmptyFolder")
}

// permissions sets one line of a calendar's permissions.
func (c caller) permit(email, level string) {
	c.t.Helper()
	c.ok(`<m:UpdateFolder><m:FolderChanges><t:FolderChange>` + folderID("calendar") + `<t:Updates><t:SetFolderField><t:FieldURI FieldURI="folder:PermissionSet"/><t:CalendarFolder><t:PermissionSet><t:CalendarPermissions>` +
		`<t:CalendarPermission><t:UserId><t:PrimarySmtpAddress>` + email + `</t:PrimarySmtpAddress></t:UserId><t:CalendarPermissionLevel>` + level + `</t:CalendarPermissionLevel></t:CalendarPermission>` +
		`</t:CalendarPermissions></t:PermissionSet></t:CalendarFolder></t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>`)
}

func TestRightsOfOthers(t *testing.T) {
	l := start(t)
	alice, bob := l.as("alice"), l.as("bob")
	hers := alice.meet("Hers", "2026-03-03T09:00:00Z")
	secret := alice.create(`<t:Subject>Doctor</t:Subject><t:Sensitivity>Private</t:Sensitivity><t:Body BodyType="Text">ill</t:Body><t:Start>2026-03-03T11:00:00Z</t:Start><t:End>2026-03-03T12:00:00Z</t:End><t:Location>Clinic</t:Location>`)
	calendar := `<t:DistinguishedFolderId Id="calendar"><t:Mailbox><t:EmailAddress>alice@example.test</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>`
	find := `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape><m:ParentFolderIds>` + calendar + `</m:ParentFolderIds></m:FindItem>`
	get := `<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:ItemIds>` + hers.item() + `</m:ItemIds></m:GetItem>`
	create := `<m:CreateItem SendMeetingInvitations="SendToNone"><m:SavedItemFolderId>` + calendar + `</m:SavedItemFolderId><m:Items><t:CalendarItem><t:Subject>By Bob</t:Subject></t:CalendarItem></m:Items></m:CreateItem>`
	change := bob.update(hers.item(), "AlwaysOverwrite", setField("item:Subject", "<t:Subject>Changed</t:Subject>"))
	own := `<m:UpdateFolder><m:FolderChanges><t:FolderChange>` + calendar + `<t:Updates><t:SetFolderField><t:FieldURI FieldURI="folder:DisplayName"/><t:CalendarFolder><t:DisplayName>X</t:DisplayName></t:CalendarFolder></t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>`
	for _, c := range []struct{ level, want string }{
		{"None", "ErrorAccessDenied ErrorAccessDenied ErrorAccessDenied ErrorAccessDenied ErrorAccessDenied"},
		{"FreeBusyTimeOnly", "ErrorAccessDenied ErrorAccessDenied ErrorAccessDenied ErrorAccessDenied ErrorAccessDenied"},
		{"Contributor", "ErrorAccessDenied ErrorAccessDenied NoError ErrorAccessDenied ErrorAccessDenied"},
		{"Reviewer", "NoError NoError ErrorCreateItemAccessDenied ErrorAccessDenied ErrorAccessDenied"},
		{"Author", "NoError NoError NoError ErrorAccessDenied ErrorAccessDenied"},
		{"Editor", "NoError NoError NoError NoError ErrorAccessDenied"},
		{"Owner", "NoError NoError NoError NoError NoError"},
	} {
		alice.permit("bob@example.test", c.level)
		got := []string{bob.code(find), bob.code(get), bob.code(create), bob.code(change), bob.code(own)}
		equal(t, c.level+" "+strings.Join(got, " "), c.level+" "+c.want)
	}
	alice.permit("bob@example.test", "Editor")
	masked := bob.get(secret.item())
	equal(t, masked.text("Subject")+"|"+masked.text("Location")+"|"+masked.text("Body")+"|"+masked.text("Start"), "Private Appointment|||2026-03-03T11:00:00Z")
	attached, _ := alice.attach(secret, "finding.txt", "ill")
	masked = bob.get(secret.item())
	if masked.kid("Attachments") != nil || masked.kid("HasAttachments") != nil {
		t.Errorf("attachments show: %v", masked)
	}
	equal(t, bob.code(getAttachment(attached)), errorAccessDenied)
	search := func(c caller, subject string) string {
		return c.ok(strings.Replace(find, `<m:ParentFolderIds>`, `<m:Restriction><t:IsEqualTo><t:FieldURI FieldURI="item:Subject"/><t:FieldURIOrConstant><t:Constant Value="`+subject+`"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction><m:ParentFolderIds>`, 1)).kid("RootFolder").attr("TotalItemsInView")
	}
	equal(t, search(alice, "Doctor")+search(bob, "Doctor")+search(bob, "Private Appointment"), "101")
	equal(t, bob.code(bob.update(secret.item(), "AlwaysOverwrite", setField("item:Subject", "<t:Subject>Peek</t:Subject>"))), errorAccessDenied)
	equal(t, bob.code(`<m:CopyItem><m:ToFolderId>`+folderID("calendar")+`</m:ToFolderId><m:ItemIds>`+secret.item()+`</m:ItemIds></m:CopyItem>`), errorAccessDenied)
	equal(t, bob.code(bob.remove(secret.item())), errorAccessDenied)
	equal(t, alice.get(secret.item()).text("Subject"), "Doctor")

	made := refOf(bob.ok(create).kid("Items", "CalendarItem", "ItemId"))
	equal(t, alice.get(made.item()).text("Organizer", "Mailbox", "EmailAddress"), "alice@example.test")
	equal(t, alice.get(made.item()).text("LastModifiedName"), "Bob Berg")

	set := alice.ok(getFolder(folderID("calendar"), "Default", `<t:FieldURI FieldURI="folder:PermissionSet"/>`)).kid("Folders", "CalendarFolder", "PermissionSet", "CalendarPermissions")
	equal(t, set.Kids[0].text("UserId", "PrimarySmtpAddress")+" "+set.Kids[0].text("CalendarPermissionLevel"), "bob@example.test Editor")
}
