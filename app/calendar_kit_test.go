package main

// What the tests of the calendar in the whole house share: another client of the same mailboxes, which speaks plain
// Exchange Web Services, the lab's faults, and days that no machine's clock brings into trouble.

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// vienna is where the example people's browsers are.
func vienna(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// dayAhead is midnight of a Wednesday two to three weeks from now: beyond the lab's example week, within what the
// overview of answers shows, never today, and with nothing of the weekly example series in it.
func dayAhead(t testing.TB) time.Time {
	t.Helper()
	now := time.Now().In(vienna(t))
	ahead := (int(time.Wednesday-now.Weekday())+7)%7 + 14
	return time.Date(now.Year(), now.Month(), now.Day()+ahead, 0, 0, 0, 0, now.Location())
}

// clock is a time of the clock on a day.
func clock(day time.Time, hour, minute int) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), hour, minute, 0, 0, day.Location())
}

// onDay is the path of the calendar's day.
func onDay(day time.Time, more ...string) string {
	return "/calendar?view=day&date=" + day.Format(time.DateOnly) + strings.Join(more, "")
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// mail is somebody's other client: it speaks to the mailbox itself.
type mail struct {
	t              testing.TB
	url, user      string
	password, head string
	http           *http.Client
}

// outlook is a client of an example person at an Exchange server.
func outlook(t testing.TB, server, user string) *mail {
	t.Helper()
	m := &mail{t: t, url: server, user: user, password: labPassword, http: &http.Client{Timeout: longest, Transport: &http.Transport{}}}
	t.Cleanup(m.http.CloseIdleConnections)
	return m
}

// item is a calendar item as the server has it.
type item struct {
	ItemID struct {
		ID  string `xml:"Id,attr"`
		Key string `xml:"ChangeKey,attr"`
	} `xml:"ItemId"`
	Subject, UID, Location, MyResponseType, CalendarItemType string
	Start, End                                               time.Time
	IsCancelled                                              bool
	Required                                                 []struct {
		Email    string `xml:"Mailbox>EmailAddress"`
		Response string `xml:"ResponseType"`
	} `xml:"RequiredAttendees>Attendee"`
}

// ref is t:ItemId with the present key.
func (i item) ref() string {
	return fmt.Sprintf(`<t:ItemId Id=%q ChangeKey=%q/>`, i.ItemID.ID, i.ItemID.Key)
}

// reference is the same as the object of an answer.
func (i item) reference() string { return strings.Replace(i.ref(), "t:ItemId", "t:ReferenceItemId", 1) }

// do sends an operation and gives the items in its answer; everything but success ends the test.
func (m *mail) do(operation string) []item {
	m.t.Helper()
	status, body := m.post(operation)
	if status != http.StatusOK {
		m.t.Fatalf("EWS of %s: status %d: %s", m.user, status, body)
	}
	var got struct {
		Body struct {
			Response struct {
				Messages struct {
					All []struct {
						Class string `xml:"ResponseClass,attr"`
						Code  string `xml:"ResponseCode"`
						Text  string `xml:"MessageText"`
						Items []item `xml:"Items>CalendarItem"`
						Found []item `xml:"RootFolder>Items>CalendarItem"`
					} `xml:",any"`
				} `xml:"ResponseMessages"`
			} `xml:",any"`
		}
	}
	if err := xml.Unmarshal(body, &got); err != nil {
		m.t.Fatalf("EWS of %s: %v in %s", m.user, err, body)
	}
	var out []item
	for _, one := range got.Body.Response.Messages.All {
		if one.Class != "Success" {
			m.t.Fatalf("EWS of %s: %s %s to %s", m.user, one.Code, one.Text, operation)
		}
		out = append(append(out, one.Items...), one.Found...)
	}
	return out
}

func (m *mail) post(operation string) (int, []byte) {
	m.t.Helper()
	envelope := `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"` +
		` xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">` +
		`<s:Header><t:RequestServerVersion Version="Exchange2013"/>` + m.head + `</s:Header><s:Body>` + operation + `</s:Body></s:Envelope>`
	req, err := http.NewRequest(http.MethodPost, m.url, strings.NewReader(envelope))
	if err != nil {
		m.t.Fatal(err)
	}
	req.SetBasicAuth(m.user, m.password)
	req.Header.Set("Content-Type", "text/xml; charset=utf-8")
	resp, err := m.http.Do(req)
	if err != nil {
		m.t.Fatalf("EWS of %s: %v", m.user, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		m.t.Fatalf("EWS of %s: %v", m.user, err)
	}
	return resp.StatusCode, body
}

// text is a property of a calendar item.
func text(name, value string) string {
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(value)); err != nil {
		panic(err) // a buffer takes everything
	}
	return "<t:" + name + ">" + b.String() + "</t:" + name + ">"
}

// create books a time. Properties between the subject and the start, and between the end and the attendees, go where
// the schema has them: more is what comes before Start, after what comes after End.
func (m *mail) create(subject string, start, end time.Time, more, after string) item {
	m.t.Helper()
	send := "SendToNone"
	if strings.Contains(after, "Attendees") {
		send = "SendToAllAndSaveCopy"
	}
	got := m.do(`<m:CreateItem SendMeetingInvitations="` + send + `"><m:Items><t:CalendarItem>` + text("Subject", subject) + more +
		text("Start", instant(start)) + text("End", instant(end)) + after + `</t:CalendarItem></m:Items></m:CreateItem>`)
	if len(got) != 1 {
		m.t.Fatalf("EWS of %s: %d items created", m.user, len(got))
	}
	return got[0]
}

// required are people who are asked to come.
func required(users ...string) string {
	var b strings.Builder
	for _, u := range users {
		b.WriteString(`<t:Attendee><t:Mailbox>` + text("EmailAddress", u+"@example.test") + `</t:Mailbox></t:Attendee>`)
	}
	return `<t:RequiredAttendees>` + b.String() + `</t:RequiredAttendees>`
}

// set changes one property of an item.
func (m *mail) set(i item, field, value string) item {
	m.t.Helper()
	name := field[strings.LastIndexByte(field, ':')+1:]
	got := m.do(`<m:UpdateItem ConflictResolution="AlwaysOverwrite" SendMeetingInvitationsOrCancellations="SendToAllAndSaveCopy"><m:ItemChanges><t:ItemChange>` +
		i.ref() + `<t:Updates><t:SetItemField><t:FieldURI FieldURI="` + field + `"/><t:CalendarItem>` + text(name, value) +
		`</t:CalendarItem></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`)
	if len(got) != 1 {
		m.t.Fatalf("EWS of %s: %d items changed", m.user, len(got))
	}
	return got[0]
}

// remove takes an item away; a meeting of one's own is cancelled.
func (m *mail) remove(i item) {
	m.t.Helper()
	m.do(`<m:DeleteItem DeleteType="MoveToDeletedItems" SendMeetingCancellations="SendToAllAndSaveCopy"><m:ItemIds>` + i.ref() + `</m:ItemIds></m:DeleteItem>`)
}

// respond answers an invitation: "AcceptItem", "TentativelyAcceptItem" or "DeclineItem".
func (m *mail) respond(i item, how, comment string) {
	m.t.Helper()
	m.do(`<m:CreateItem MessageDisposition="SendAndSaveCopy"><m:Items><t:` + how + `><t:Body BodyType="Text">` + comment + `</t:Body>` +
		i.reference() + `</t:` + how + `></m:Items></m:CreateItem>`)
}

// get reads an item with all its properties.
func (m *mail) get(i item) item {
	m.t.Helper()
	got := m.do(`<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:ItemIds><t:ItemId Id="` + i.ItemID.ID + `"/></m:ItemIds></m:GetItem>`)
	if len(got) != 1 {
		m.t.Fatalf("EWS of %s: %d items read", m.user, len(got))
	}
	return got[0]
}

// all is everything in the calendar, series once.
func (m *mail) all() []item {
	m.t.Helper()
	return m.do(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>` +
		`<m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds></m:FindItem>`)
}

// with are the items of a subject.
func (m *mail) with(subject string) []item {
	m.t.Helper()
	return slices.DeleteFunc(m.all(), func(i item) bool { return i.Subject != subject })
}

// one waits until exactly one item has the subject and is as wanted, and gives it.
func (m *mail) one(subject string, ok func(item) bool) item {
	m.t.Helper()
	var got []item
	await(m.t, longest, fmt.Sprintf("%q in the mailbox of %s", subject, m.user), func() bool {
		got = m.with(subject)
		return len(got) == 1 && (ok == nil || ok(got[0]))
	})
	return got[0]
}

// inView is "subject" of what takes place between two times, series expanded.
func (m *mail) inView(from, to time.Time) []item {
	m.t.Helper()
	return m.do(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:CalendarView StartDate="` + instant(from) +
		`" EndDate="` + instant(to) + `"/><m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds></m:FindItem>`)
}

// away switches the automatic reply on.
func (m *mail) away(note string) {
	m.t.Helper()
	status, body := m.post(`<m:SetUserOofSettingsRequest><t:Mailbox>` + text("Address", m.user+"@example.test") + `</t:Mailbox><t:UserOofSettings><t:OofState>Enabled</t:OofState>` +
		`<t:ExternalAudience>None</t:ExternalAudience><t:InternalReply>` + text("Message", note) + `</t:InternalReply><t:ExternalReply><t:Message/></t:ExternalReply></t:UserOofSettings></m:SetUserOofSettingsRequest>`)
	if status != http.StatusOK || !bytes.Contains(body, []byte("NoError")) {
		m.t.Fatalf("the automatic reply of %s: status %d: %s", m.user, status, body)
	}
}

// fault is a fault of the lab Exchange, as its switchboard takes it; times are milliseconds.
type fault struct {
	Kind      string `json:"kind"`
	Operation string `json:"operation,omitempty"`
	Mailbox   string `json:"mailbox,omitempty"`
	Count     int    `json:"count,omitempty"`
	BackOff   int    `json:"back_off_ms,omitempty"`
	Delay     int    `json:"delay_ms,omitempty"`
	Struck    int    `json:"struck,omitempty"`
}

func faultDoor(t testing.TB, server, method string, in any) []byte {
	t.Helper()
	at, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	at.Path = "/lab/faults"
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(method, at.String(), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	client := &http.Client{Timeout: longest}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("the lab's faults: %v", err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("the lab's faults: status %d: %s %v", resp.StatusCode, got, err)
	}
	return got
}

// goWrong sets a fault at the lab.
func goWrong(t testing.TB, server string, f fault) {
	t.Helper()
	faultDoor(t, server, http.MethodPost, f)
}

// goRight lifts all faults; idle are the mailboxes and operations whose faults struck nothing. A fault that struck as
// often as it could is no longer among them.
func goRight(t testing.TB, server string) (idle []string) {
	t.Helper()
	var set []fault
	if err := json.Unmarshal(faultDoor(t, server, http.MethodGet, nil), &set); err != nil {
		t.Fatal(err)
	}
	for _, f := range set {
		if f.Struck == 0 {
			idle = append(idle, f.Kind+" "+f.Operation+" "+f.Mailbox)
		}
	}
	faultDoor(t, server, http.MethodDelete, nil)
	return idle
}
