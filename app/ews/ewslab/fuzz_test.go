package ewslab

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// FuzzOperations sends whole operations to a server that holds a few things: whatever comes, it answers with an envelope.
func FuzzOperations(f *testing.F) {
	now := func() time.Time { return time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC) }
	s, err := New(Config{People: people(), Now: now})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := s.Close(); err != nil {
			f.Error(err)
		}
	})
	for _, body := range operationsOfAllKinds() {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if strings.Contains(body, "StreamingEvents") {
			t.Skip("a stream hangs by design")
		}
		r, err := http.NewRequest(http.MethodPost, Path, strings.NewReader(envelopeOf("", body)))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("alice", "portico")
		w := &recorder{header: http.Header{}}
		s.Handler().ServeHTTP(w, r)
		if root, err := readTree(strings.NewReader(w.text.String())); err != nil || root.Name != "Envelope" {
			t.Fatalf("no envelope: %v %q", err, w.text.String())
		}
		if strings.Contains(w.text.String(), ">"+errorInternal+"<") {
			t.Fatalf("the server does not know what went wrong: %s", w.text.String())
		}
	})
}

// operationsOfAllKinds are requests that a server with one item in its first mailbox can understand.
func operationsOfAllKinds() []string {
	calendar := `<m:ParentFolderIds>` + folderID("calendar") + `</m:ParentFolderIds>`
	one := id{Kind: kindItem, Mailbox: 1, Row: 1}.String()
	return []string{
		getInbox, createItem(`SendMeetingInvitations="SendToNone"`, `<t:CalendarItem>`+weekly("s", 3)+`</t:CalendarItem>`),
		createItem(`MessageDisposition="SaveOnly"`, `<t:Message><t:Subject>x</t:Subject><t:Attachments><t:FileAttachment><t:Name>a</t:Name><t:Content>YQ==</t:Content></t:FileAttachment></t:Attachments></t:Message>`),
		createItem(`MessageDisposition="SendOnly"`, `<t:AcceptItem><t:ReferenceItemId Id="`+one+`"/></t:AcceptItem>`),
		caller{}.update(`<t:ItemId Id="`+one+`"/>`, "AlwaysOverwrite", setField("item:Subject", "<t:Subject>x</t:Subject>"), `<t:DeleteItemField><t:FieldURI FieldURI="calendar:Location"/></t:DeleteItemField>`),
		caller{}.update(occurrenceID(ref{ID: one}, 2), "AutoResolve", setField("calendar:Start", "<t:Start>2026-03-11T09:00:00Z</t:Start>")),
		caller{}.remove(occurrenceID(ref{ID: one}, 1)), getAttachment(one), syncItems("", 5),
		`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:CalendarView StartDate="2026-03-01T00:00:00Z" EndDate="2026-04-01T00:00:00Z"/>` + calendar + `</m:FindItem>`,
		`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape><m:Restriction><t:Not><t:Exists><t:ExtendedFieldURI PropertyTag="0x1a" PropertyType="String"/></t:Exists></t:Not></m:Restriction>` +
			`<m:SortOrder><t:FieldOrder Order="Ascending"><t:FieldURI FieldURI="calendar:Start"/></t:FieldOrder></m:SortOrder>` + calendar + `</m:FindItem>`,
		createFolder(folderID("inbox"), `<t:Folder><t:DisplayName>a</t:DisplayName></t:Folder>`),
		`<m:UpdateFolder><m:FolderChanges><t:FolderChange>` + folderID("inbox") + `<t:Updates><t:SetFolderField><t:ExtendedFieldURI PropertyTag="1" PropertyType="String"/><t:Folder/></t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>`,
		`<m:MoveItem><m:ToFolderId>` + folderID("inbox") + `</m:ToFolderId><m:ItemIds><t:ItemId Id="` + one + `"/></m:ItemIds></m:MoveItem>`,
		`<m:ConvertId DestinationFormat="OwaId"><m:SourceIds><t:AlternateId Format="EwsId" Id="` + one + `" Mailbox="a"/></m:SourceIds></m:ConvertId>`,
		`<m:ResolveNames ReturnFullContactData="true"><m:UnresolvedEntry>bob</m:UnresolvedEntry></m:ResolveNames>`,
		`<m:GetUserAvailabilityRequest><t:TimeZone><t:Bias>0</t:Bias></t:TimeZone><m:MailboxDataArray><t:MailboxData><t:Email><t:Address>bob@example.test</t:Address></t:Email></t:MailboxData></m:MailboxDataArray></m:GetUserAvailabilityRequest>`,
		`<m:GetDelegate IncludePermissions="true"><m:Mailbox><t:EmailAddress>alice@example.test</t:EmailAddress></m:Mailbox></m:GetDelegate>`,
		`<m:Subscribe><m:PullSubscriptionRequest><t:FolderIds>` + folderID("calendar") + `</t:FolderIds><t:EventTypes><t:EventType>CreatedEvent</t:EventType></t:EventTypes><t:Timeout>5</t:Timeout></m:PullSubscriptionRequest></m:Subscribe>`,
	}
}

// Every request is sent again without each of its elements, texts and attributes: none is taken for granted.
func TestNothingIsTakenForGranted(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	sent := 0
	for _, body := range operationsOfAllKinds() {
		root, err := readTree(strings.NewReader(envelopeOf("", body)))
		if err != nil {
			t.Fatal(err)
		}
		for _, without := range maimed(root.kid("Body").Kids[0]) {
			alice.create(weekly("s", 3)) // something to break
			status, text := alice.raw(envelopeOf("", without))
			sent++
			if strings.Contains(text, ">"+errorInternal+"<") || status != http.StatusOK && status != http.StatusInternalServerError {
				t.Errorf("%d %s\nto %s", status, text, without)
			}
		}
	}
	if sent < 200 {
		t.Errorf("only %d requests", sent)
	}
}

// maimed are the texts of an element without each thing that is in it.
func maimed(root *node) []string {
	var out []string
	var walk func(n *node)
	walk = func(n *node) {
		for i, k := range n.Kids {
			n.Kids = append(append([]*node(nil), n.Kids[:i]...), n.Kids[i+1:]...)
			out = append(out, root.String())
			n.Kids = append(append(append([]*node(nil), n.Kids[:i]...), k), n.Kids[i:]...)
			kids, text := k.Kids, k.Text
			k.Kids, k.Text = nil, ""
			out = append(out, root.String())
			k.Kids, k.Text = kids, text
		}
		for i := range n.Attrs {
			old := n.Attrs[i].Value
			n.Attrs[i].Value = "?"
			out = append(out, root.String())
			n.Attrs[i].Value = old
			all := n.Attrs
			n.Attrs = append(append([]attr(nil), all[:i]...), all[i+1:]...)
			out = append(out, root.String())
			n.Attrs = all
		}
		for _, k := range n.Kids {
			walk(k)
		}
	}
	walk(root)
	return out
}
