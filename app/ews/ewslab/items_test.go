package ewslab

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

func createItem(attrs, item string) string {
	return `<m:CreateItem ` + attrs + `><m:Items>` + item + `</m:Items></m:CreateItem>`
}

func TestWhatARequestLacks(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	meeting := `<t:CalendarItem><t:Subject>x</t:Subject></t:CalendarItem>`
	equal(t, alice.code(createItem(``, meeting)), "ErrorSendMeetingInvitationsRequired")
	equal(t, alice.code(createItem(``, `<t:Message><t:Subject>x</t:Subject></t:Message>`)), "ErrorMessageDispositionRequired")
	one := alice.meet("x", "2026-03-03T09:00:00Z")
	equal(t, alice.code(`<m:UpdateItem ConflictResolution="AutoResolve"><m:ItemChanges><t:ItemChange>`+one.item()+`<t:Updates>`+setField("item:Subject", "<t:Subject>y</t:Subject>")+
		`</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`), "ErrorSendMeetingInvitationsOrCancellationsRequired")
	equal(t, alice.code(`<m:DeleteItem DeleteType="HardDelete"><m:ItemIds>`+one.item()+`</m:ItemIds></m:DeleteItem>`), "ErrorSendMeetingCancellationsRequired")
	task := refOf(alice.ok(createItem(``, `<t:Task><t:Subject>x</t:Subject></t:Task>`)).kid("Items", "Task", "ItemId"))
	equal(t, alice.code(`<m:DeleteItem DeleteType="HardDelete"><m:ItemIds>`+task.item()+`</m:ItemIds></m:DeleteItem>`), "ErrorAffectedTaskOccurrencesRequired")
	for name, body := range map[string]string{
		"order":       createItem(`SendMeetingInvitations="SendToNone"`, `<t:CalendarItem><t:Location>here</t:Location><t:Subject>x</t:Subject></t:CalendarItem>`),
		"unknown":     createItem(`SendMeetingInvitations="SendToNone"`, `<t:CalendarItem><t:Colour>red</t:Colour></t:CalendarItem>`),
		"no item":     createItem(`SendMeetingInvitations="SendToNone"`, `<t:Cake/>`),
		"empty":       createItem(`SendMeetingInvitations="SendToNone"`, ``),
		"attribute":   createItem(`SendMeetingInvitations="SendToSome"`, meeting),
		"time":        createItem(`SendMeetingInvitations="SendToNone"`, `<t:CalendarItem><t:Start>tomorrow</t:Start></t:CalendarItem>`),
		"boolean":     createItem(`SendMeetingInvitations="SendToNone"`, `<t:CalendarItem><t:IsAllDayEvent>maybe</t:IsAllDayEvent></t:CalendarItem>`),
		"enumeration": createItem(`SendMeetingInvitations="SendToNone"`, `<t:CalendarItem><t:LegacyFreeBusyStatus>Asleep</t:LegacyFreeBusyStatus></t:CalendarItem>`),
		"reminder":    createItem(`SendMeetingInvitations="SendToNone"`, `<t:CalendarItem><t:ReminderMinutesBeforeStart>-5</t:ReminderMinutesBeforeStart></t:CalendarItem>`),
		"body":        createItem(`SendMeetingInvitations="SendToNone"`, `<t:CalendarItem><t:Body>x</t:Body></t:CalendarItem>`),
		"resolution":  `<m:UpdateItem><m:ItemChanges/></m:UpdateItem>`,
		"delete type": `<m:DeleteItem><m:ItemIds>` + one.item() + `</m:ItemIds></m:DeleteItem>`,
		"no ids":      `<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ItemIds/></m:GetItem>`,
		"field":       `<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="item:Taste"/></t:AdditionalProperties></m:ItemShape><m:ItemIds>` + one.item() + `</m:ItemIds></m:GetItem>`,
	} {
		if code := alice.refused(body); code != errorSchemaValidation {
			t.Errorf("%s: %s", name, code)
		}
	}
}

func TestIdsThatPointNowhere(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	one := alice.meet("x", "2026-03-03T09:00:00Z")
	get := func(id string) string {
		return alice.code(`<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ItemIds>` + id + `</m:ItemIds></m:GetItem>`)
	}
	equal(t, get(one.item()), "NoError")
	equal(t, get(ref{ID: "AAMk"}.item()), errorIDMalformed)
	equal(t, get(ref{one.ID, "junk"}.item()), "ErrorInvalidChangeKey")
	alice.ok(alice.remove(one.item()))
	equal(t, get(one.item()), errorItemNotFound)
	equal(t, alice.code(alice.remove(one.item())), errorItemNotFound)
	folder := refOf(alice.ok(getFolder(folderID("inbox"), "IdOnly")).kid("Folders", "Folder", "FolderId"))
	equal(t, get(folder.item()), "ErrorCannotUseFolderIdForItemId")
}

func TestConflicts(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	old := alice.meet("one", "2026-03-03T09:00:00Z")
	subject := func(r ref, how, text string) string {
		return alice.code(alice.update(r.item(), how, setField("item:Subject", "<t:Subject>"+text+"</t:Subject>")))
	}
	equal(t, subject(old, "NeverOverwrite", "two"), "NoError")
	equal(t, subject(old, "NeverOverwrite", "three"), "ErrorIrresolvableConflict")
	equal(t, subject(ref{ID: old.ID}, "NeverOverwrite", "three"), "ErrorChangeKeyRequiredForWriteOperations")
	equal(t, subject(ref{old.ID, "junk"}, "AlwaysOverwrite", "three"), "ErrorInvalidChangeKey")
	equal(t, alice.get(old.item()).text("Subject"), "two")
	equal(t, subject(old, "AutoResolve", "three"), "NoError")
	equal(t, subject(old, "AlwaysOverwrite", "four"), "NoError")
	now := alice.get(old.item())
	equal(t, now.text("Subject"), "four")
	if key := now.kid("ItemId").attr("ChangeKey"); key == old.Key {
		t.Error("the change key did not change")
	}
	equal(t, subject(refOf(now.kid("ItemId")), "NeverOverwrite", "five"), "NoError")
}

func TestUpdatesOfEveryKind(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	one := ref{ID: alice.create(`<t:Subject>one</t:Subject><t:Body BodyType="Text">a</t:Body><t:Categories><t:String>red</t:String></t:Categories><t:Start>2026-03-03T09:00:00Z</t:Start><t:End>2026-03-03T10:00:00Z</t:End>` +
		`<t:Location>here</t:Location><t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>bob@example.test</t:EmailAddress></t:Mailbox></t:Attendee></t:RequiredAttendees>`).ID}
	app := func(uri, value string) string {
		return `<t:AppendToItemField><t:FieldURI FieldURI="` + uri + `"/><t:CalendarItem>` + value + `</t:CalendarItem></t:AppendToItemField>`
	}
	del := func(uri string) string {
		return `<t:DeleteItemField><t:FieldURI FieldURI="` + uri + `"/></t:DeleteItemField>`
	}
	attendee := func(address string) string {
		return `<t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>` + address + `</t:EmailAddress></t:Mailbox></t:Attendee></t:RequiredAttendees>`
	}
	alice.ok(alice.update(one.item(), "AlwaysOverwrite", app("item:Body", `<t:Body BodyType="Text">b</t:Body>`), app("item:Categories", `<t:Categories><t:String>red</t:String><t:String>blue</t:String></t:Categories>`),
		app("calendar:RequiredAttendees", attendee("carol@example.test")), app("calendar:RequiredAttendees", attendee("BOB@example.test")), del("calendar:Location"), setField("item:Sensitivity", "<t:Sensitivity>Private</t:Sensitivity>")))
	n := alice.get(one.item())
	equal(t, n.text("Body")+"|"+strings.Join(texts(one0(n.kid("Categories"))), ",")+"|"+n.text("Location")+"|"+n.text("Sensitivity"), "ab|red,blue||Private")
	equal(t, n.text("DisplayTo"), "Bob Berg; Carol Conti")
	equal(t, n.text("IsMeeting"), "true")
	for name, c := range map[string]struct{ update, want string }{
		"read-only":     {setField("item:Size", "<t:Size>3</t:Size>"), "ErrorInvalidPropertySet"},
		"mismatch":      {setField("item:Subject", "<t:Location>x</t:Location>"), "ErrorUpdatePropertyMismatch"},
		"two":           {setField("item:Subject", "<t:Subject>x</t:Subject><t:Sensitivity>Normal</t:Sensitivity>"), "ErrorIncorrectUpdatePropertyCount"},
		"none":          {setField("item:Subject", ""), "ErrorIncorrectUpdatePropertyCount"},
		"foreign":       {`<t:SetItemField><t:FieldURI FieldURI="task:PercentComplete"/><t:Task><t:PercentComplete>3</t:PercentComplete></t:Task></t:SetItemField>`, "ErrorInvalidPropertyRequest"},
		"append":        {app("item:Subject", "<t:Subject>x</t:Subject>"), "ErrorInvalidPropertyAppend"},
		"delete":        {del("calendar:Start"), "ErrorInvalidPropertyDelete"},
		"end too early": {setField("calendar:End", "<t:End>2026-03-01T00:00:00Z</t:End>"), "ErrorCalendarEndDateIsEarlierThanStartDate"},
	} {
		if code := alice.code(alice.update(one.item(), "AlwaysOverwrite", c.update)); code != c.want {
			t.Errorf("%s: %s, want %s", name, code, c.want)
		}
	}
	equal(t, alice.get(one.item()).kid("ItemId").attr("ChangeKey"), n.kid("ItemId").attr("ChangeKey"))
}

func one0(n *node) []*node { return []*node{n} }

func TestExtendedProperties(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	own := `<t:ExtendedFieldURI PropertySetId="C11FF724-AA03-4555-9952-8fa248a11c3e" PropertyName="Stamp" PropertyType="String"/>`
	many := `<t:ExtendedFieldURI DistinguishedPropertySetId="PublicStrings" PropertyName="Many" PropertyType="StringArray"/>`
	one := alice.create(`<t:Subject>ext</t:Subject><t:ExtendedProperty>` + own + `<t:Value>abc</t:Value></t:ExtendedProperty><t:ExtendedProperty>` + many +
		`<t:Values><t:Value>a</t:Value><t:Value>b</t:Value></t:Values></t:ExtendedProperty><t:ExtendedProperty><t:ExtendedFieldURI PropertyTag="4339" PropertyType="String"/><t:Value>name.ics</t:Value></t:ExtendedProperty>` +
		`<t:Start>2026-03-03T09:00:00Z</t:Start><t:End>2026-03-03T10:00:00Z</t:End>`)
	n := alice.get(one.item(), own, many, `<t:ExtendedFieldURI PropertyTag="0x10f3" PropertyType="String"/>`, `<t:ExtendedFieldURI PropertyTag="0x1a" PropertyType="String"/>`,
		`<t:ExtendedFieldURI DistinguishedPropertySetId="Appointment" PropertyId="33315" PropertyType="Boolean"/>`, `<t:ExtendedFieldURI PropertyTag="0x6666" PropertyType="String"/>`,
		`<t:ExtendedFieldURI PropertySetId="6ED8DA90-450B-101B-98DA-00AA003F1305" PropertyId="3" PropertyType="Binary"/>`)
	var got []string
	for _, e := range n.all("ExtendedProperty") {
		got = append(got, strings.Join(texts(e.Kids[1:]), "+"))
	}
	if len(got) != 6 {
		t.Fatalf("%q", got)
	}
	equal(t, got[:5], "[abc a+b name.ics IPM.Appointment false]")
	if raw, err := base64.StdEncoding.DecodeString(got[5]); err != nil || !strings.HasPrefix(string(raw), "\x04\x00\x00\x00\x82\x00\xe0\x00") {
		t.Errorf("no global object id: %q %v", got[5], err)
	}
	alice.ok(alice.update(one.item(), "AutoResolve", `<t:SetItemField>`+own+`<t:CalendarItem><t:ExtendedProperty>`+own+`<t:Value>def</t:Value></t:ExtendedProperty></t:CalendarItem></t:SetItemField>`,
		`<t:DeleteItemField>`+many+`</t:DeleteItemField>`))
	n = alice.get(one.item(), own, many)
	equal(t, len(n.all("ExtendedProperty")), 1)
	equal(t, n.text("ExtendedProperty", "Value"), "def")
	equal(t, alice.code(alice.update(one.item(), "AutoResolve", `<t:SetItemField>`+own+`<t:CalendarItem><t:ExtendedProperty>`+many+`<t:Value>x</t:Value></t:ExtendedProperty></t:CalendarItem></t:SetItemField>`)), "ErrorUpdatePropertyMismatch")
	for _, bad := range []string{`PropertyTag="1" PropertyName="x" PropertyType="String"`, `PropertyTag="zz" PropertyType="String"`, `PropertyName="x" PropertyType="String"`,
		`DistinguishedPropertySetId="Common" PropertyType="String"`, `DistinguishedPropertySetId="Common" PropertyId="1" PropertyName="x" PropertyType="String"`} {
		body := `<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:ExtendedFieldURI ` + bad + `/></t:AdditionalProperties></m:ItemShape><m:ItemIds>` + one.item() + `</m:ItemIds></m:GetItem>`
		if code := alice.refused(body); code != "ErrorInvalidExtendedProperty" {
			t.Errorf("%s: %s", bad, code)
		}
	}
}

func TestShapesAndBodies(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	one := alice.create(`<t:Subject>s</t:Subject><t:Body BodyType="HTML">&lt;html&gt;&lt;body&gt;&lt;p&gt;One &amp;amp; two&lt;/p&gt;three&lt;/body&gt;&lt;/html&gt;</t:Body><t:Start>2026-03-03T09:00:00Z</t:Start><t:End>2026-03-03T10:30:00Z</t:End>`)
	get := func(shape string) *node {
		return alice.ok(`<m:GetItem><m:ItemShape>`+shape+`</m:ItemShape><m:ItemIds>`+one.item()+`</m:ItemIds></m:GetItem>`).kid("Items", "CalendarItem")
	}
	equal(t, len(get(`<t:BaseShape>IdOnly</t:BaseShape>`).Kids), 1)
	n := get(`<t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="calendar:Duration"/><t:FieldURI FieldURI="item:Subject"/><t:FieldURI FieldURI="item:Preview"/></t:AdditionalProperties>`)
	equal(t, n.text("Subject")+" "+n.text("Duration")+" "+n.text("Preview"), "s PT1H30M One & two three")
	equal(t, len(n.Kids), 4)
	equal(t, get(`<t:BaseShape>Default</t:BaseShape><t:BodyType>Text</t:BodyType>`).text("Body"), "One & two\r\nthree")
	equal(t, get(`<t:BaseShape>Default</t:BaseShape><t:BodyType>HTML</t:BodyType>`).kid("Body").attr("BodyType"), "HTML")
	plain := alice.create(`<t:Body BodyType="Text">1 &lt; 2&#10;x</t:Body><t:Start>2026-03-03T09:00:00Z</t:Start><t:End>2026-03-03T10:30:00Z</t:End>`)
	b := alice.ok(`<m:GetItem><m:ItemShape><t:BaseShape>Default</t:BaseShape><t:BodyType>HTML</t:BodyType></m:ItemShape><m:ItemIds>`+plain.item()+`</m:ItemIds></m:GetItem>`).kid("Items", "CalendarItem", "Body")
	if b.attr("BodyType") != "HTML" || !strings.Contains(b.Text, "1 &lt; 2<br>") {
		t.Errorf("%v", b)
	}
}

func TestContactsAndTasks(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	c := refOf(alice.ok(createItem("", `<t:Contact><t:DisplayName>Ada L</t:DisplayName><t:GivenName>Ada</t:GivenName><t:EmailAddresses><t:Entry Key="EmailAddress1">ada@example.test</t:Entry></t:EmailAddresses>`+
		`<t:PhysicalAddresses><t:Entry Key="Home"><t:Street>S</t:Street><t:City>C</t:City></t:Entry></t:PhysicalAddresses><t:PhoneNumbers><t:Entry Key="BusinessPhone">1</t:Entry></t:PhoneNumbers><t:Surname>Lovelace</t:Surname></t:Contact>`)).kid("Items", "Contact", "ItemId"))
	indexed := func(uri, key string) string {
		return `<t:IndexedFieldURI FieldURI="` + uri + `" FieldIndex="` + key + `"/>`
	}
	set := func(path, value string) string {
		return `<t:SetItemField>` + path + `<t:Contact>` + value + `</t:Contact></t:SetItemField>`
	}
	alice.ok(alice.update(c.item(), "AutoResolve",
		set(indexed("contacts:PhoneNumber", "MobilePhone"), `<t:PhoneNumbers><t:Entry Key="MobilePhone">2</t:Entry></t:PhoneNumbers>`),
		set(indexed("contacts:PhysicalAddress:City", "Home"), `<t:PhysicalAddresses><t:Entry Key="Home"><t:City>D</t:City></t:Entry></t:PhysicalAddresses>`),
		`<t:DeleteItemField>`+indexed("contacts:PhoneNumber", "BusinessPhone")+`</t:DeleteItemField>`, `<t:DeleteItemField>`+indexed("contacts:EmailAddress", "EmailAddress1")+`</t:DeleteItemField>`))
	n := alice.get(c.item())
	equal(t, strings.Join(texts(n.kid("PhoneNumbers").Kids), ",")+"|"+strings.Join(texts(n.kid("PhysicalAddresses").Kids), ",")+"|"+n.text("EmailAddresses")+"|"+n.text("CompleteName", "LastName"), "2|S,D||Lovelace")
	k := refOf(alice.ok(createItem("", `<t:Task><t:Subject>do</t:Subject><t:DueDate>2026-03-09T00:00:00Z</t:DueDate><t:Status>Completed</t:Status></t:Task>`)).kid("Items", "Task", "ItemId"))
	equal(t, alice.get(k.item()).text("IsComplete"), "true")
	alice.ok(`<m:DeleteItem DeleteType="MoveToDeletedItems" AffectedTaskOccurrences="AllOccurrences"><m:ItemIds>` + k.item() + `</m:ItemIds></m:DeleteItem>`)
}

func TestMessages(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	make := func(props string) ref {
		return refOf(alice.ok(createItem(`MessageDisposition="SaveOnly"`, `<t:Message>`+props+`</t:Message>`)).kid("Items", "Message", "ItemId"))
	}
	draft := make(`<t:Subject>Re: hello</t:Subject><t:Body BodyType="Text">x</t:Body><t:ToRecipients><t:Mailbox><t:EmailAddress>bob@example.test</t:EmailAddress></t:Mailbox></t:ToRecipients>`)
	n := alice.get(draft.item())
	equal(t, n.text("IsDraft")+" "+n.text("IsRead")+" "+n.text("ConversationTopic")+" "+n.text("DisplayTo"), "true true hello Bob Berg")
	history := make(`<t:ItemClass>IPM.Note.Microsoft.Conversation</t:ItemClass><t:Subject>chat</t:Subject><t:ExtendedProperty><t:ExtendedFieldURI PropertyTag="0x0e07" PropertyType="Integer"/><t:Value>1</t:Value></t:ExtendedProperty>` +
		`<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag="0x0e06" PropertyType="SystemTime"/><t:Value>2020-01-02T03:04:05Z</t:Value></t:ExtendedProperty>`)
	n = alice.get(history.item())
	equal(t, n.text("ItemClass")+" "+n.text("IsDraft")+" "+n.text("IsRead")+" "+n.text("DateTimeReceived"), "IPM.Note.Microsoft.Conversation false true 2020-01-02T03:04:05Z")
	send := func(r ref) string {
		return alice.code(`<m:SendItem SaveItemToFolder="true"><m:ItemIds>` + r.item() + `</m:ItemIds></m:SendItem>`)
	}
	equal(t, send(ref{ID: draft.ID}), "ErrorChangeKeyRequired")
	alice.ok(alice.update(draft.item(), "AutoResolve", `<t:SetItemField><t:FieldURI FieldURI="message:IsRead"/><t:Message><t:IsRead>false</t:IsRead></t:Message></t:SetItemField>`))
	equal(t, send(draft), "ErrorStaleObject")
	equal(t, send(refOf(alice.get(draft.item()).kid("ItemId"))), "NoError")
	count := func(c caller, folder string) string {
		f := c.ok(getFolder(folderID(folder), "Default")).kid("Folders", "Folder")
		return f.text("TotalCount") + "/" + f.text("UnreadCount")
	}
	equal(t, count(alice, "sentitems")+" "+count(l.as("bob"), "inbox")+" "+count(alice, "outbox"), "1/0 1/1 0/0")
}

func TestMovedAndCopied(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	second := alice.makeFolder(folderID("calendar"), "CalendarFolder", "Second")
	one := alice.create(weekly("Series", 4))
	alice.ok(alice.update(occurrenceID(one, 2), "AlwaysOverwrite", setField("item:Subject", "<t:Subject>Other</t:Subject>")))
	alice.ok(alice.remove(occurrenceID(one, 3)))
	alice.attach(one, "a.txt", "content")
	transfer := func(op string, r ref, to string) *node {
		return alice.ok(`<m:` + op + `><m:ToFolderId>` + to + `</m:ToFolderId><m:ItemIds>` + r.item() + `</m:ItemIds></m:` + op + `>`)
	}
	moved := refOf(transfer("MoveItem", one, second.folder()).kid("Items", "CalendarItem", "ItemId"))
	if moved.ID == one.ID {
		t.Error("a moved item kept its identifier")
	}
	equal(t, alice.view("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"), "[]")
	copied := refOf(transfer("CopyItem", moved, folderID("calendar")).kid("Items", "CalendarItem", "ItemId"))
	equal(t, alice.view("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"), "[2026-03-03T09:00:00Z Series 2026-03-10T09:00:00Z Other 2026-03-24T09:00:00Z Series]")
	for _, r := range []ref{moved, copied} {
		equal(t, alice.get(r.item()).text("Attachments", "FileAttachment", "Name"), "a.txt")
	}
	equal(t, alice.code(`<m:MoveItem><m:ToFolderId>`+folderID("inbox")+`</m:ToFolderId><m:ItemIds>`+occurrenceID(copied, 1)+`</m:ItemIds></m:MoveItem>`), "ErrorCalendarCannotMoveOrCopyOccurrence")
	alice.ok(`<m:DeleteItem DeleteType="MoveToDeletedItems" SendMeetingCancellations="SendToNone"><m:ItemIds>` + copied.item() + `</m:ItemIds></m:DeleteItem>`)
	equal(t, alice.code(alice.remove(copied.item())), errorItemNotFound)
	equal(t, alice.ok(getFolder(folderID("deleteditems"), "Default")).text("Folders", "Folder", "TotalCount"), 1)
}

func TestARestartKeepsEverything(t *testing.T) {
	path := t.TempDir() + "/lab.db"
	var one ref
	t.Run("before", func(t *testing.T) {
		l := start(t, func(c *Config) { c.DSN = path })
		one = l.as("alice").create(weekly("Series", 3))
		l.as("alice").attach(one, "a.txt", "content")
	})
	l := start(t, func(c *Config) { c.DSN = path })
	alice := l.as("alice")
	equal(t, alice.view("2026-03-01T00:00:00Z", "2026-03-11T00:00:00Z"), "[2026-03-03T09:00:00Z Series 2026-03-10T09:00:00Z Series]")
	before := alice.get(one.item()).kid("ItemId").attr("ChangeKey")
	alice.ok(alice.update(one.item(), "AutoResolve", setField("item:Subject", "<t:Subject>Again</t:Subject>")))
	if after := alice.get(one.item()).kid("ItemId").attr("ChangeKey"); after == before || after == one.Key {
		t.Error("a change key was used twice")
	}
}

func TestVersionsDifferByTheirTime(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	one := alice.meet("x", "2026-03-03T09:00:00Z")
	seen := map[string]bool{}
	for range 3 { // the clock stands still
		seen[alice.get(one.item()).text("LastModifiedTime")] = true
		alice.ok(alice.update(one.item(), "AutoResolve", setField("item:Subject", "<t:Subject>y</t:Subject>")))
	}
	equal(t, len(seen), 3)
	l.clock.advance(time.Hour)
	alice.ok(alice.update(one.item(), "AutoResolve", setField("item:Subject", "<t:Subject>z</t:Subject>")))
	equal(t, alice.get(one.item()).text("LastModifiedTime"), "2026-03-02T09:00:00Z")
}
