package ewslab

import (
	"strings"
	"testing"
	"time"
)

// What the tests of the services share: the example people, meetings, and what lies in whose mailbox.

// example starts a lab with the example people and nothing in their mailboxes.
func example(t *testing.T, change ...func(*Config)) *lab {
	t.Helper()
	return start(t, append([]func(*Config){func(c *Config) { c.People = ExamplePeople() }}, change...)...)
}

// attendeeList writes a list of attendees.
func attendeeList(list string, users ...string) string {
	if len(users) == 0 {
		return ""
	}
	var b strings.Builder
	for _, u := range users {
		b.WriteString(`<t:Attendee><t:Mailbox><t:EmailAddress>` + u + `@example.test</t:EmailAddress></t:Mailbox></t:Attendee>`)
	}
	return `<t:` + list + `>` + b.String() + `</t:` + list + `>`
}

// sendItem makes a calendar item of properties and invites its attendees.
func (c caller) sendItem(props string) ref {
	c.t.Helper()
	return refOf(c.ok(`<m:CreateItem SendMeetingInvitations="SendToAllAndSaveCopy"><m:Items><t:CalendarItem>`+props+`</t:CalendarItem></m:Items></m:CreateItem>`).kid("Items", "CalendarItem", "ItemId"))
}

// invite makes a meeting of an hour.
func (c caller) invite(subject, start string, required ...string) ref {
	c.t.Helper()
	at, err := time.Parse(time.RFC3339, start)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.sendItem(`<t:Subject>` + subject + `</t:Subject><t:Body BodyType="Text">Agenda</t:Body><t:Start>` + start + `</t:Start><t:End>` + stamp(at.Add(time.Hour)) +
		`</t:End>` + attendeeList("RequiredAttendees", required...))
}

// inFolder answers the items of a folder with this subject, whole.
func (c caller) inFolder(folder, subject string) []*node {
	c.t.Helper()
	found := c.ok(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:Restriction><t:Contains ContainmentMode="Substring" ContainmentComparison="IgnoreCase"><t:FieldURI FieldURI="item:Subject"/><t:Constant Value="` +
		subject + `"/></t:Contains></m:Restriction><m:ParentFolderIds>` + folderID(folder) + `</m:ParentFolderIds></m:FindItem>`)
	var out []*node
	for _, i := range found.kid("RootFolder", "Items").kids() {
		out = append(out, c.get(refOf(i.kid("ItemId")).item()))
	}
	return out
}

// only answers the one item of a folder with this subject.
func (c caller) only(folder, subject string) *node {
	c.t.Helper()
	found := c.inFolder(folder, subject)
	if len(found) != 1 {
		c.t.Fatalf("%s has %d items %q in %s, want one: %v", c.user, len(found), subject, folder, found)
	}
	return found[0]
}

// respond makes a response object of its parts.
func respond(kind, parts string) string {
	return `<m:CreateItem MessageDisposition="SendAndSaveCopy" SendMeetingInvitations="SendToNone"><m:Items><t:` + kind + `>` + parts + `</t:` + kind + `></m:Items></m:CreateItem>`
}

// reference is t:ReferenceItemId of an item.
func reference(n *node) string {
	r := refOf(n.kid("ItemId"))
	return `<t:ReferenceItemId Id="` + r.ID + `"` + keyAttr(r.Key) + `/>`
}

// answer accepts or declines with a comment.
func (c caller) answer(kind string, to *node, comment string) {
	c.t.Helper()
	c.ok(respond(kind, `<t:Body BodyType="Text">`+comment+`</t:Body>`+reference(to)))
}

// tally answers "user=answer" of everybody in an item's lists.
func tally(n *node) string {
	var out []string
	for _, list := range attendeeLists() {
		for _, a := range n.kid(list).kids() {
			user, _, _ := strings.Cut(a.text("Mailbox", "EmailAddress"), "@")
			out = append(out, user+"="+a.text("ResponseType"))
		}
	}
	return strings.Join(out, " ")
}

// updateAndSend changes a meeting and tells those whom mode means.
func (c caller) updateAndSend(id, mode string, updates ...string) ref {
	c.t.Helper()
	body := strings.Replace(c.update(id, "AutoResolve", updates...), `Cancellations="SendToNone"`, `Cancellations="`+mode+`"`, 1)
	return refOf(c.ok(body).kid("Items").Kids[0].kid("ItemId"))
}

// move sets start and end.
func move(start, end string) []string {
	return []string{setField("calendar:Start", `<t:Start>`+start+`</t:Start>`), setField("calendar:End", `<t:End>`+end+`</t:End>`)}
}
