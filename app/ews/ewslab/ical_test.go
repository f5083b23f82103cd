package ewslab

import (
	"encoding/base64"
	"strings"
	"testing"
)

func vevent(lines ...string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

// mime creates an appointment of iCalendar and answers its response code and reference.
func (c caller) mime(text string) (string, ref) {
	c.t.Helper()
	msg := c.do(createItem(`SendMeetingInvitations="SendToNone"`, `<t:CalendarItem><t:MimeContent>`+base64.StdEncoding.EncodeToString([]byte(text))+`</t:MimeContent></t:CalendarItem>`)).kid("ResponseMessages").Kids[0]
	return msg.text("ResponseCode"), refOf(msg.kid("Items", "CalendarItem", "ItemId"))
}

// asICal reads an appointment as iCalendar.
func (c caller) asICal(r ref) string {
	c.t.Helper()
	n := c.ok(`<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent></m:ItemShape><m:ItemIds>` + r.item() + `</m:ItemIds></m:GetItem>`).kid("Items").Kids[0]
	raw, err := base64.StdEncoding.DecodeString(n.text("MimeContent"))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(raw)
}

func TestAppointmentsOutOfICalendar(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	code, one := alice.mime(vevent("UID:u-1", "DTSTART;TZID=W. Europe Standard Time:20260710T100000", "DTEND;TZID=\"W. Europe Standard Time\":20260710T113000", `SUMMARY:Plan\, agree\; go`, `DESCRIPTION:one\ntwo`,
		"LOCATION:Room", "CLASS:PRIVATE", "PRIORITY:1", "TRANSP:TRANSPARENT", "CATEGORIES:red,blue", "ORGANIZER:mailto:alice@example.test", "ATTENDEE;CN=Bob;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION:mail", " to:bob@example.test",
		"ATTENDEE;ROLE=OPT-PARTICIPANT:MAILTO:carol@example.test", "ATTENDEE;CUTYPE=ROOM:mailto:room@example.test", "ATTENDEE:mailto:alice@example.test", "BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-P1DT2H", "END:VALARM"))
	equal(t, code, "NoError")
	n := alice.get(one.item())
	equal(t, n.text("UID")+"|"+n.text("Start")+"|"+n.text("End")+"|"+n.kid("StartTimeZone").attr("Id"), "u-1|2026-07-10T08:00:00Z|2026-07-10T09:30:00Z|W. Europe Standard Time")
	equal(t, n.text("Subject")+"|"+n.text("Body")+"|"+n.text("Location")+"|"+n.text("Sensitivity")+"|"+n.text("Importance")+"|"+n.text("LegacyFreeBusyStatus"), "Plan, agree; go|one\ntwo|Room|Private|High|Free")
	equal(t, n.text("DisplayTo")+"|"+n.text("DisplayCc")+"|"+n.text("DisplayBcc")+"|"+n.text("ReminderMinutesBeforeStart")+"|"+strings.Join(texts(n.kid("Categories").Kids), ","), "Bob|Carol Conti|room@example.test|1560|red,blue")

	for name, c := range map[string]struct{ lines, start, end, allDay string }{
		"a day":             {"DTSTART;VALUE=DATE:20260710|DTEND;VALUE=DATE:20260712", "2026-07-09T22:00:00Z", "2026-07-11T22:00:00Z", "true"},
		"a day without end": {"DTSTART;VALUE=DATE:20260710", "2026-07-09T22:00:00Z", "2026-07-10T22:00:00Z", "true"},
		"a duration":        {"DTSTART:20260710T080000Z|DURATION:PT45M", "2026-07-10T08:00:00Z", "2026-07-10T08:45:00Z", "false"},
		"a database zone":   {"DTSTART;TZID=America/New_York:20260710T080000|DTEND;TZID=America/New_York:20260710T090000", "2026-07-10T12:00:00Z", "2026-07-10T13:00:00Z", "false"},
		"an unknown zone":   {"DTSTART;TZID=My Zone:20260710T080000|DTEND;TZID=My Zone:20260710T090000", "2026-07-10T06:00:00Z", "2026-07-10T07:00:00Z", "false"},
	} {
		_, r := alice.mime(vevent(strings.Split(c.lines, "|")...))
		n := alice.get(r.item())
		equal(t, name+" "+n.text("Start")+" "+n.text("End")+" "+n.text("IsAllDayEvent"), name+" "+c.start+" "+c.end+" "+c.allDay)
	}
}

func TestICalendarThatIsNone(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	for name, text := range map[string]string{
		"nothing": "", "no calendar": "hello", "no event": "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "no start": vevent("SUMMARY:x"), "bad time": vevent("DTSTART:soon"), "not closed": "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20260710T080000Z\r\n",
		"crossed": "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\nEND:VEVENT\r\n", "a line without colon": vevent("DTSTART:20260710T080000Z", "SUMMARY"), "too deep": strings.Repeat("BEGIN:VCALENDAR\r\n", 20),
	} {
		if code, _ := alice.mime(text); code != "ErrorMimeContentInvalid" {
			t.Errorf("%s: %s", name, code)
		}
	}
	for _, rule := range []string{"FREQ=SECONDLY", "FREQ=MONTHLY;BYDAY=MO", "FREQ=WEEKLY;BYDAY=XX", "FREQ=MONTHLY;BYDAY=M", "", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=9"} {
		if code, _ := alice.mime(vevent("DTSTART:20260710T080000Z", "RRULE:"+rule)); code != "ErrorCalendarInvalidRecurrence" {
			t.Errorf("%s: %s", rule, code)
		}
	}
	msg := alice.do(createItem(`SendMeetingInvitations="SendToNone"`, `<t:CalendarItem><t:MimeContent>====</t:MimeContent></t:CalendarItem>`))
	equal(t, msg.kid("ResponseMessages").Kids[0].text("ResponseCode"), "ErrorMimeContentInvalidBase64String")
}

func TestRulesThereAndBack(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	for _, c := range []struct{ rule, want string }{
		{"FREQ=DAILY;INTERVAL=2;COUNT=3", "FREQ=DAILY;INTERVAL=2;COUNT=3"},
		{"FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260801T080000Z", "FREQ=WEEKLY;INTERVAL=1;UNTIL=20260801T080000Z;BYDAY=MO,WE;WKST=MO"},
		{"FREQ=WEEKLY", "FREQ=WEEKLY;INTERVAL=1;BYDAY=FR;WKST=MO"},
		{"FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR;WKST=MO"},
		{"FREQ=MONTHLY;BYMONTHDAY=31", "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=28,29,30,31;BYSETPOS=-1"},
		{"FREQ=MONTHLY;BYDAY=-1FR", "FREQ=MONTHLY;INTERVAL=1;BYDAY=-1FR"},
		{"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "FREQ=MONTHLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"},
		{"FREQ=MONTHLY", "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=10"},
		{"FREQ=YEARLY", "FREQ=YEARLY;INTERVAL=1;BYMONTH=7;BYMONTHDAY=10"},
		{"FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "FREQ=YEARLY;INTERVAL=1;BYMONTH=11;BYDAY=4TH"},
	} {
		code, r := alice.mime(vevent("DTSTART:20260710T080000Z", "DTEND:20260710T090000Z", "RRULE:"+c.rule))
		if code != "NoError" {
			t.Errorf("%s: %s", c.rule, code)
			continue
		}
		if got := alice.asICal(r); !strings.Contains(got, "RRULE:"+c.want+"\r\n") {
			t.Errorf("%s became\n%s", c.rule, got)
		}
	}
}

func TestAppointmentsAsICalendar(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	_, series := alice.mime(vevent("UID:s", "SUMMARY:"+strings.Repeat("lång ", 30), "DTSTART;TZID=Pacific Standard Time:20260302T090000", "DTEND;TZID=Pacific Standard Time:20260302T100000", "RRULE:FREQ=DAILY;COUNT=5",
		"EXDATE;TZID=Pacific Standard Time:20260303T090000,20260305T090000", "BEGIN:VALARM", "TRIGGER:-PT10M", "ACTION:DISPLAY", "END:VALARM"))
	alice.ok(alice.update(occurrenceID(series, 3), "AlwaysOverwrite", setField("item:Subject", "<t:Subject>other</t:Subject>")))
	text := alice.asICal(series)
	for _, want := range []string{"TZID:Pacific Standard Time\r\n", "TZOFFSETFROM:-0800\r\nTZOFFSETTO:-0700\r\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=2SU;BYMONTH=3\r\n", "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=1SU;BYMONTH=11\r\n",
		"DTSTART;TZID=Pacific Standard Time:20260302T090000\r\n", "EXDATE;TZID=Pacific Standard Time:20260303T090000\r\n", "EXDATE;TZID=Pacific Standard Time:20260305T090000\r\n", "RECURRENCE-ID;TZID=Pacific Standard Time:20260304T090000\r\n",
		"SUMMARY:other\r\n", "TRIGGER;RELATED=START:-PT10M\r\n", "UID:s\r\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	for line := range strings.Lines(text) {
		if len(strings.TrimRight(line, "\r\n")) > 75 {
			t.Errorf("a line of %d bytes", len(line))
		}
	}
	cal, err := parseICal(text)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, cal.Parts[1].text("SUMMARY"), strings.Repeat("lång ", 30))
	equal(t, alice.view("2026-03-01T00:00:00Z", "2026-03-20T00:00:00Z"), "[2026-03-02T17:00:00Z "+strings.Repeat("lång ", 30)+" 2026-03-04T17:00:00Z other 2026-03-06T17:00:00Z "+strings.Repeat("lång ", 30)+"]")
	if day := alice.asICal(alice.in("W. Europe Standard Time").create(`<t:Start>2026-03-28T23:00:00Z</t:Start><t:End>2026-03-29T22:00:00Z</t:End><t:IsAllDayEvent>true</t:IsAllDayEvent>`)); !strings.Contains(day, "DTSTART;VALUE=DATE:20260329\r\nDTEND;VALUE=DATE:20260330\r\n") {
		t.Errorf("%s", day)
	}
}

func TestMailInAndOut(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	mail := "From: Guest <guest@elsewhere.test>\r\nTo: alice@example.test, \"Bob\" <bob@example.test>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nDate: Mon, 02 Mar 2026 10:00:00 +0100\r\nMessage-ID: <1@x>\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nplain =3D\r\n--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGI+aHRtbDwvYj4=\r\n--b--\r\n"
	r := refOf(alice.ok(createItem(`MessageDisposition="SaveOnly"`, `<t:Message><t:MimeContent>`+base64.StdEncoding.EncodeToString([]byte(mail))+`</t:MimeContent></t:Message>`)).kid("Items", "Message", "ItemId"))
	n := alice.get(r.item())
	equal(t, n.text("Subject")+"|"+n.text("Body")+"|"+n.text("From", "Mailbox", "EmailAddress")+"|"+n.text("DisplayTo")+"|"+n.text("InternetMessageId")+"|"+n.text("DateTimeReceived"), "Grüße|<b>html</b>|guest@elsewhere.test|Alice Adler; Bob|<1@x>|2026-03-02T09:00:00Z")
	if out := alice.asICal(r); !strings.Contains(out, "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n") || !strings.Contains(out, "To: \"Alice Adler\" <alice@example.test>, \"Bob\" <bob@example.test>\r\n") || !strings.Contains(out, "\r\n\r\nPGI+aHRtbDwvYj4=\r\n") {
		t.Errorf("%s", out)
	}
	bad := alice.do(createItem(`MessageDisposition="SaveOnly"`, `<t:Message><t:MimeContent>`+base64.StdEncoding.EncodeToString([]byte("no header"))+`</t:MimeContent></t:Message>`))
	equal(t, bad.kid("ResponseMessages").Kids[0].text("ResponseCode"), "ErrorMimeContentInvalid")
}

func FuzzICal(f *testing.F) {
	f.Add(vevent("UID:1", "DTSTART;TZID=Europe/Berlin:20260310T100000", "DURATION:PT1H", "RRULE:FREQ=MONTHLY;BYDAY=-1FR;COUNT=3", "EXDATE:20260310T090000Z", "ATTENDEE;CN=\"B;ob\":mailto:bob@example.test"))
	f.Add(vevent("DTSTART;VALUE=DATE:20260310", "RRULE:FREQ=YEARLY", "BEGIN:VALARM", "TRIGGER:-PT5M", "END:VALARM"))
	f.Add("BEGIN:VCALENDAR\nEND:VCALENDAR")
	dir := &directory{domain: "example.test", byName: map[string]*entry{}}
	s := &Server{people: dir, now: (&clockHand{}).now}
	zone, _ := zoneNamed("W. Europe Standard Time")
	f.Fuzz(func(t *testing.T, text string) {
		c := &call{s: s, zone: zone, me: &mailbox{ID: 1, User: "alice", Email: "alice@example.test", Zone: zone, ZoneID: "W. Europe Standard Time"}}
		it := &item{Mailbox: 1, Elem: "CalendarItem", Props: &node{Space: "t", Name: "CalendarItem"}}
		if c.readICal(it, text) != nil || s.finishAppointment(it, nil, "") != nil {
			return
		}
		if it.time("Start").IsZero() || it.time("End").Before(it.time("Start")) {
			t.Fatalf("an appointment from %s to %s", it.text("Start"), it.text("End"))
		}
		if it.isSeries() {
			if p, err := seriesOf(it); err != nil || p.edge(nil, false).IsZero() {
				t.Fatalf("a series without occurrence: %v", err)
			}
		}
	})
}
