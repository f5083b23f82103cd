package ewslab

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Messages that were not sent: conversations, missed calls, voice mail.

const (
	episode   = `<t:ExtendedFieldURI DistinguishedPropertySetId="PublicStrings" PropertyName="PorticoEpisode" PropertyType="String"/>`
	tagFlags  = `<t:ExtendedFieldURI PropertyTag="0x0E07" PropertyType="Integer"/>`
	tagSent   = `<t:ExtendedFieldURI PropertyTag="57" PropertyType="SystemTime"/>` // 0x0039
	tagCame   = `<t:ExtendedFieldURI PropertyTag="0x0E06" PropertyType="SystemTime"/>`
	tagPhone  = `<t:ExtendedFieldURI PropertyTag="0x6802" PropertyType="String"/>`
	tagLength = `<t:ExtendedFieldURI PropertyTag="0x6801" PropertyType="Integer"/>`
)

func extended(path, value string) string {
	return `<t:ExtendedProperty>` + path + `<t:Value>` + value + `</t:Value></t:ExtendedProperty>`
}

// note makes a conversation in a folder as a program without a mail server behind it does.
func (c caller) note(folder, class, subject, stamp string, at time.Time) ref {
	c.t.Helper()
	when := at.UTC().Format(time.RFC3339)
	return refOf(c.ok(`<m:CreateItem MessageDisposition="SaveOnly"><m:SavedItemFolderId>`+folder+`</m:SavedItemFolderId><m:Items><t:Message><t:ItemClass>`+class+
		`</t:ItemClass><t:Subject>`+subject+`</t:Subject><t:Body BodyType="HTML">&lt;p&gt;`+subject+`&lt;/p&gt;</t:Body>`+extended(tagFlags, "1")+extended(tagSent, when)+
		extended(tagCame, when)+extended(episode, stamp)+extended(tagPhone, "+49 30 1")+
		`<t:ToRecipients><t:Mailbox><t:Name>Alice</t:Name><t:EmailAddress>alice@example.test</t:EmailAddress></t:Mailbox></t:ToRecipients>`+
		`<t:From><t:Mailbox><t:Name>Bob</t:Name><t:EmailAddress>bob@example.test</t:EmailAddress></t:Mailbox></t:From><t:IsRead>true</t:IsRead></t:Message></m:Items></m:CreateItem>`).
		kid("Items", "Message", "ItemId"))
}

func equalTo(path, value string) string {
	return `<t:IsEqualTo>` + path + `<t:FieldURIOrConstant><t:Constant Value="` + value + `"/></t:FieldURIOrConstant></t:IsEqualTo>`
}

const itemClass = `<t:FieldURI FieldURI="item:ItemClass"/>`

// subjectsWhere finds by a condition, newest first, a page of two at a time.
func (c caller) subjectsWhere(folder, condition string) []string {
	c.t.Helper()
	var out []string
	for offset := 0; ; {
		root := c.ok(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape><m:IndexedPageItemView MaxEntriesReturned="2" Offset="` +
			itoa(offset) + `" BasePoint="Beginning"/><m:Restriction>` + condition + `</m:Restriction><m:SortOrder><t:FieldOrder Order="Descending"><t:FieldURI FieldURI="item:DateTimeReceived"/></t:FieldOrder></m:SortOrder><m:ParentFolderIds>` +
			folder + `</m:ParentFolderIds></m:FindItem>`).kid("RootFolder")
		for _, it := range root.kid("Items").kids() {
			out = append(out, it.text("Subject"))
		}
		if root.attr("IncludesLastItemInRange") == "true" {
			return out
		}
		offset += 2
	}
}

func TestConversationsAreMessagesThatCame(t *testing.T) {
	alice := start(t).as("alice")
	history, at := folderID("conversationhistory"), alice.clock.now().Add(-48*time.Hour)
	made := alice.note(history, "IPM.Note.Microsoft.Conversation", "With Bob", "e-1", at)
	alice.note(history, "IPM.Note.Microsoft.Conversation.Voice", "Call", "e-2", at.Add(time.Hour))
	alice.note(history, "IPM.Note.Microsoft.Missed.Voice", "Missed call", "e-3", at.Add(2*time.Hour))
	alice.note(history, "IPM.Note", "Mail", "e-4", at.Add(3*time.Hour))
	got := alice.get(made.item(), episode, tagPhone, tagCame, tagSent)
	equal(t, got.text("ItemClass")+" "+got.text("IsDraft")+" "+got.text("IsRead"), "IPM.Note.Microsoft.Conversation false true")
	equal(t, got.text("DateTimeReceived")+" "+got.text("DateTimeSent"), stamp(at)+" "+stamp(at))
	equal(t, got.text("From", "Mailbox", "EmailAddress")+" "+got.kid("ToRecipients").Kids[0].text("EmailAddress"), "bob@example.test alice@example.test")
	equal(t, strings.Join(texts(got.all("ExtendedProperty")), " "), "e-1 +49 30 1 "+stamp(at)+" "+stamp(at))
	for condition, want := range map[string]string{
		`<t:Contains ContainmentMode="Prefixed" ContainmentComparison="IgnoreCase">` + itemClass + `<t:Constant Value="ipm.note.microsoft."/></t:Contains>`: "Missed call Call With Bob",
		`<t:Contains ContainmentMode="Substring" ContainmentComparison="IgnoreCase">` + itemClass + `<t:Constant Value=".Conversation"/></t:Contains>`:      "Call With Bob",
		equalTo(itemClass, "IPM.Note.Microsoft.Conversation"):                                                                                "With Bob",
		`<t:Or>` + equalTo(itemClass, "IPM.Note.Microsoft.Conversation") + equalTo(itemClass, "IPM.Note.Microsoft.Missed.Voice") + `</t:Or>`: "Missed call With Bob",
		equalTo(episode, "e-2"):                               "Call",
		`<t:Not><t:Exists>` + episode + `</t:Exists></t:Not>`: "",
	} {
		equal(t, strings.Join(alice.subjectsWhere(history, condition), " "), want)
	}
	// An old version is not written over unless one says so.
	subject := func(words string) string {
		return `<t:SetItemField><t:FieldURI FieldURI="item:Subject"/><t:Message><t:Subject>` + words + `</t:Subject></t:Message></t:SetItemField>`
	}
	later := `<t:SetItemField>` + tagCame + `<t:Message>` + extended(tagCame, stamp(at.Add(time.Minute))) + `</t:Message></t:SetItemField>`
	changed := refOf(alice.ok(alice.update(made.item(), "NeverOverwrite", subject("Longer"), later)).kid("Items", "Message", "ItemId"))
	equal(t, alice.code(alice.update(made.item(), "NeverOverwrite", subject("Lost"))), "ErrorIrresolvableConflict")
	got = alice.get(changed.item())
	equal(t, got.text("Subject")+" "+got.text("DateTimeReceived"), "Longer "+stamp(at.Add(time.Minute)))
	// Into Deleted Items it goes under another identifier; for good it is gone.
	equal(t, alice.code(`<m:DeleteItem DeleteType="MoveToDeletedItems"><m:ItemIds>`+ref{changed.ID, ""}.item()+`</m:ItemIds></m:DeleteItem>`), "NoError")
	equal(t, alice.code(`<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ItemIds>`+ref{changed.ID, ""}.item()+`</m:ItemIds></m:GetItem>`), "ErrorItemNotFound")
	equal(t, strings.Join(alice.subjectsWhere(folderID("deleteditems"), equalTo(episode, "e-1")), " "), "Longer")
}

func TestReadingAMessageIsAChangeOfItsOwn(t *testing.T) {
	alice := start(t).as("alice")
	history := folderID("conversationhistory")
	made := alice.note(history, "IPM.Note.Microsoft.Conversation", "With Bob", "e-1", alice.clock.now())
	sync := func(state string) *node {
		return alice.ok(`<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId>` + history + `</m:SyncFolderId>` + state +
			`<m:MaxChangesReturned>100</m:MaxChangesReturned></m:SyncFolderItems>`)
	}
	first := sync("")
	equal(t, first.kid("Changes").Kids[0].Name, "Create")
	read := `<t:SetItemField><t:FieldURI FieldURI="message:IsRead"/><t:Message><t:IsRead>false</t:IsRead></t:Message></t:SetItemField>`
	alice.ok(alice.update(ref{made.ID, ""}.item(), "AlwaysOverwrite", read))
	second := sync(`<m:SyncState>` + first.text("SyncState") + `</m:SyncState>`)
	change := second.kid("Changes").Kids
	if len(change) != 1 || change[0].Name != "ReadFlagChange" || change[0].text("IsRead") != "false" || change[0].kid("ItemId").attr("Id") != made.ID {
		t.Errorf("the changes are %v", change)
	}
}

func TestAMailboxWithoutConversationHistory(t *testing.T) {
	l := start(t, func(c *Config) { c.People[0].NoHistory = true })
	alice := l.as("alice")
	look := `<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>` + folderID("conversationhistory") + `</m:FolderIds></m:GetFolder>`
	equal(t, alice.code(look), "ErrorFolderNotFound")
	equal(t, l.as("bob").code(look), "NoError")
	named := `<m:Restriction>` + equalTo(`<t:FieldURI FieldURI="folder:DisplayName"/>`, "Conversation History") + `</m:Restriction>`
	equal(t, len(alice.children(folderID("msgfolderroot"), "Shallow", named)), 0)
	alice.makeFolder(folderID("msgfolderroot"), "Folder", "Conversation History")
	equal(t, strings.Join(alice.children(folderID("msgfolderroot"), "Shallow", named), " "), "Conversation History")
	again := `<m:CreateFolder><m:ParentFolderId>` + folderID("msgfolderroot") + `</m:ParentFolderId><m:Folders><t:Folder><t:FolderClass>IPF.Note</t:FolderClass><t:DisplayName>conversation history</t:DisplayName></t:Folder></m:Folders></m:CreateFolder>`
	equal(t, alice.code(again), "ErrorFolderExists")
}

// leave leaves a voice message through the door and gives its id.
func (l *lab) leave(v any) (status int, id string) {
	l.t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		l.t.Fatal(err)
	}
	resp, err := l.client.Post("http://"+l.Addr()+VoicemailPath, "application/json", bytes.NewReader(data))
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	var said struct{ ID string }
	if resp.StatusCode == http.StatusCreated {
		if err := json.NewDecoder(resp.Body).Decode(&said); err != nil {
			l.t.Fatal(err)
		}
	}
	return resp.StatusCode, said.ID
}

func TestTheDoorForVoiceMail(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	sub := alice.subscribe("Pull", `<t:Timeout>10</t:Timeout>`, folderID("inbox"))
	at := alice.clock.now().Add(-time.Hour)
	status, id := l.leave(VoiceMessage{Mailbox: "alice", From: "bob@example.test", Number: "+49 30 2", Seconds: 2, At: at, Text: "Call <me>"})
	equal(t, status, http.StatusCreated)
	got := alice.get(ref{id, ""}.item(), tagLength, tagPhone)
	equal(t, got.text("ItemClass")+" "+got.text("IsRead")+" "+got.text("IsDraft")+" "+got.text("DateTimeReceived"), classVoicemail+" false false "+stamp(at))
	equal(t, got.text("From", "Mailbox", "EmailAddress"), "bob@example.test")
	equal(t, strings.Join(texts(got.all("ExtendedProperty")), " "), "2 +49 30 2")
	if !strings.Contains(got.text("Body"), "Call &lt;me&gt;") {
		t.Errorf("the body is %s", got.text("Body"))
	}
	kinds, _, _ := alice.fetchEvents(sub.text("SubscriptionId"), sub.text("Watermark"))
	if !strings.Contains(kinds, "NewMail") || !strings.Contains(kinds, "Created") {
		t.Errorf("told of %s", kinds)
	}
	file := got.kid("Attachments", "FileAttachment")
	equal(t, file.text("Name")+" "+file.text("ContentType"), "+49 30 2 (2 seconds) Voice Mail.wav audio/wav")
	content := alice.ok(`<m:GetAttachment><m:AttachmentIds><t:AttachmentId Id="`+file.kid("AttachmentId").attr("Id")+`"/></m:AttachmentIds></m:GetAttachment>`).text("Attachments", "FileAttachment", "Content")
	wav, err := base64.StdEncoding.DecodeString(content)
	if err != nil || len(wav) != 44+2*toneRate || string(wav[:4])+string(wav[8:16]) != "RIFFWAVEfmt " || int(binary.LittleEndian.Uint32(wav[4:])) != len(wav)-8 {
		t.Errorf("the recording has %d bytes, %v", len(wav), err)
	}
	mime := alice.get(ref{id, ""}.item(), `<t:FieldURI FieldURI="item:MimeContent"/>`).text("MimeContent")
	raw, err := base64.StdEncoding.DecodeString(mime)
	if err != nil || !strings.Contains(string(raw), "X-VoiceMessageDuration: 2\r\n") || !strings.Contains(string(raw), "Content-Type: audio/wav") {
		t.Errorf("as mail it is %.600s, %v", raw, err)
	}
	// One's own sound, one that is sealed, one that has been heard.
	_, id = l.leave(map[string]any{"mailbox": "bob", "name": "Legal", "protected": true, "heard": true})
	sealed := l.as("bob").get(ref{id, ""}.item())
	equal(t, sealed.text("ItemClass")+" "+sealed.text("IsRead")+" "+sealed.text("Attachments", "FileAttachment", "Name"), classProtected+" true message.rpmsg")
}

func TestTheDoorForVoiceMailIsNarrow(t *testing.T) {
	l := start(t)
	status, _ := l.leave(VoiceMessage{Mailbox: "nobody"})
	equal(t, status, http.StatusNotFound)
	status, _ = l.leave([]int{1})
	equal(t, status, http.StatusBadRequest)
	url := "http://" + l.Addr() + VoicemailPath
	for method, want := range map[string]int{http.MethodGet: http.StatusMethodNotAllowed, http.MethodPost: http.StatusUnsupportedMediaType} {
		req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := l.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, resp.StatusCode, want)
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := l.LeaveVoicemail(t.Context(), VoiceMessage{Mailbox: "all"}); err == nil {
		t.Error("a list has voice mail")
	}
}

// The example has something to listen to, and something that another program kept, all of it before now.
func TestTheExampleMail(t *testing.T) {
	l := example(t, func(c *Config) {
		c.Seed = true
		c.Now = func() time.Time { return time.Date(2026, 3, 28, 9, 0, 0, 0, time.UTC) } // a Saturday
	})
	voice := `<t:Contains ContainmentMode="Substring" ContainmentComparison="IgnoreCase">` + itemClass + `<t:Constant Value=".Microsoft.Voicemail"/></t:Contains>`
	equal(t, strings.Join(l.as("alice").subjectsWhere(folderID("inbox"), voice), "; "), "Voice Mail from Bob Brown (6 seconds); Voice Mail from Harbour Hotels (11 seconds)")
	equal(t, strings.Join(l.as("bob").subjectsWhere(folderID("inbox"), voice), "; "), "Voice Mail from Alice Adams (8 seconds); Voice Mail from Legal (19 seconds)")
	kept := l.as("alice").only("conversationhistory", "Conversation with Carol Clark")
	if at := kept.text("DateTimeReceived"); at != "2026-03-27T05:04:00Z" || kept.text("IsDraft") != "false" || !strings.Contains(kept.text("Body"), "[06:00]") {
		t.Errorf("kept %s, %s", at, kept.text("Body"))
	}
}

// A stamp is found among many, in any case of its letters, also beside other conditions; what equals it in another way too.
func TestFindingByAStamp(t *testing.T) {
	alice := start(t).as("alice")
	history, at := folderID("conversationhistory"), alice.clock.now()
	for subject, stamp := range map[string]string{"One": "Grüße-1", "Two": "2", "Three": "Grüße-11", "Four": ""} {
		alice.note(history, "IPM.Note.Microsoft.Conversation", subject, stamp, at)
	}
	subject := func(s string) string { return equalTo(`<t:FieldURI FieldURI="item:Subject"/>`, s) }
	for condition, want := range map[string]string{
		equalTo(episode, "grÜSSE-1"): "", equalTo(episode, "grÜßE-1"): "One", equalTo(episode, "2.0"): "Two", equalTo(episode, "Grüße"): "",
		`<t:And>` + subject("Three") + equalTo(episode, "GRÜßE-11") + `</t:And>`: "Three",
		`<t:And>` + subject("One") + equalTo(episode, "Grüße-11") + `</t:And>`:   "",
		`<t:Or>` + subject("Four") + equalTo(episode, "grüße-1") + `</t:Or>`:     "Four One",
		`<t:Not>` + equalTo(episode, "Grüße-1") + `</t:Not>`:                     "Four Three Two",
	} {
		got := alice.subjectsWhere(history, condition)
		slices.Sort(got)
		equal(t, strings.Join(got, " "), want)
	}
}
