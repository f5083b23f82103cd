package ewslab

// Values that are computed from others: of appointments, contacts and tasks, and extended properties that mirror fields.

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// calendarValue is a computed property of an appointment, nil when it is as stored.
func (i *item) calendarValue(name string) *node {
	switch name {
	case "CalendarItemType":
		return t(name, i.calendarType())
	case "IsRecurring":
		return t(name, i.Master != 0)
	case "IsMeeting":
		return t(name, i.isMeeting())
	case "IsCancelled", "MeetingRequestWasSent", "IsOnlineMeeting":
		return t(name, i.flag(name))
	case "IsAllDayEvent":
		return t(name, i.flag(name))
	case "IsResponseRequested":
		return t(name, i.get(name) == nil || i.flag(name))
	case "LegacyFreeBusyStatus":
		if i.get(name) == nil {
			return t(name, "Busy")
		}
	case "MyResponseType":
		return t(name, i.myResponse())
	case "IsOrganizer":
		return t(name, i.myResponse() == "Organizer")
	case "Duration":
		return t(name, isoDuration(i.time("End").Sub(i.time("Start"))))
	case "TimeZone":
		if id := i.get("StartTimeZone").attr("Id"); id != "" {
			return t(name, zoneName(id))
		}
	case "OriginalStart":
		if i.Master != 0 {
			return t(name, i.Original)
		}
	case "RecurrenceId":
		if i.Master != 0 {
			return t(name, i.Original)
		}
	case "DateTimeStamp":
		if i.get(name) == nil {
			return t(name, i.Created)
		}
	case "AppointmentSequenceNumber":
		if i.get(name) == nil {
			return t(name, 0)
		}
	case "AppointmentState":
		return t(name, i.state())
	case "AllowNewTimeProposal":
		return t(name, i.get(name) == nil || i.flag(name))
	case "StartWallClock", "EndWallClock":
		return t(name, i.time(strings.TrimSuffix(name, "WallClock")).In(itemZone(i)).Format("2006-01-02T15:04:05-07:00"))
	case "StartTimeZoneId", "EndTimeZoneId":
		if id := i.get(strings.TrimSuffix(name, "Id")).attr("Id"); id != "" {
			return t(name, id)
		}
	}
	return nil
}

func zoneName(id string) string {
	if z, ok := zoneTable().byID[strings.ToLower(id)]; ok {
		return z.Name
	}
	return id
}

func (i *item) calendarType() string {
	switch {
	case i.Master != 0 && i.ID != 0:
		return "Exception"
	case i.Master != 0:
		return "Occurrence"
	case i.isSeries():
		return "RecurringMaster"
	}
	return "Single"
}

// isMeeting says whether others were invited, or oneself was.
func (i *item) isMeeting() bool {
	return i.flag("IsMeeting") || len(i.get("RequiredAttendees").kids())+len(i.get("OptionalAttendees").kids())+len(i.get("Resources").kids()) > 0
}

// myResponse is the answer of the mailbox's owner; who was not invited is the organiser.
func (i *item) myResponse() string {
	if r := i.text("MyResponseType"); r != "" {
		return r
	}
	return "Organizer"
}

// state is the appointment's state (MS-OXOCAL 2.2.1.10): 1 a meeting, 2 received, 4 cancelled.
func (i *item) state() int {
	n := 0
	if i.isMeeting() {
		n |= 1
		if i.myResponse() != "Organizer" {
			n |= 2
		}
	}
	if i.flag("IsCancelled") {
		n |= 4
	}
	return n
}

// responseObjects are what CreateItem can do with an item.
func (i *item) responseObjects() *node {
	var names []string
	switch {
	case i.Elem == "MeetingRequest" || i.Elem == "CalendarItem" && i.isMeeting() && i.myResponse() != "Organizer" && !i.flag("IsCancelled"):
		names = []string{"AcceptItem", "TentativelyAcceptItem", "DeclineItem", "ReplyToItem", "ReplyAllToItem", "ForwardItem"}
	case i.Elem == "MeetingCancellation" || i.Elem == "CalendarItem" && i.flag("IsCancelled"):
		names = []string{"RemoveItem"}
	case i.Elem == "CalendarItem" && i.isMeeting():
		names = []string{"CancelCalendarItem", "ForwardItem"}
	case i.Elem == "Message", i.Elem == "MeetingResponse":
		names = []string{"ReplyToItem", "ReplyAllToItem", "ForwardItem"}
	default:
		names = []string{"ForwardItem"}
	}
	out := t("ResponseObjects")
	for _, n := range names {
		out.add(t(n))
	}
	return out
}

// contactOrTask is a computed property of a contact or a task.
func (i *item) contactOrTask(name string) *node {
	switch name {
	case "CompleteName":
		c := t(name)
		for _, p := range [][2]string{{"FirstName", "GivenName"}, {"MiddleName", "MiddleName"}, {"LastName", "Surname"}, {"Initials", "Initials"}, {"FullName", "DisplayName"}} {
			if v := i.text(p[1]); v != "" {
				c.add(t(p[0], v))
			}
		}
		return orNil(c)
	case "IsComplete":
		return t(name, i.text("Status") == "Completed")
	case "Status":
		if i.get(name) == nil {
			return t(name, "NotStarted")
		}
	case "PercentComplete":
		if i.get(name) == nil {
			return t(name, 0)
		}
	case "IsRecurring":
		return t(name, i.get("Recurrence") != nil)
	case "IsTeamTask":
		return t(name, false)
	case "ChangeCount":
		return t(name, 1)
	case "HasPicture":
		return t(name, i.flag(name))
	}
	return nil
}

// isoDuration writes an xs:duration as Exchange does: days, hours, minutes.
func isoDuration(d time.Duration) string {
	if d <= 0 {
		return "PT0S"
	}
	days, d := d/(24*time.Hour), d%(24*time.Hour)
	s := "P"
	if days > 0 {
		s += fmt.Sprintf("%dD", days)
	}
	if d > 0 {
		s += "T"
		if h := d / time.Hour; h > 0 {
			s += fmt.Sprintf("%dH", h)
		}
		if m := d % time.Hour / time.Minute; m > 0 {
			s += fmt.Sprintf("%dM", m)
		}
		if sec := d % time.Minute / time.Second; sec > 0 {
			s += fmt.Sprintf("%dS", sec)
		}
	}
	return s
}

// globalID is the meeting's identifier as mail programs keep it (MS-OXOCAL 2.2.1.27) for a UID.
func globalID(uid string) []byte {
	if raw, err := hex.DecodeString(uid); err == nil && strings.HasPrefix(strings.ToUpper(uid), "040000008200E00074C5B7101A82E008") {
		return raw
	}
	raw := []byte{4, 0, 0, 0, 0x82, 0, 0xe0, 0, 0x74, 0xc5, 0xb7, 0x10, 0x1a, 0x82, 0xe0, 0x08}
	raw = append(raw, make([]byte, 20)...)
	data := append([]byte("vCal-Uid\x01\x00\x00\x00"), append([]byte(uid), 0)...)
	return append(binary.LittleEndian.AppendUint32(raw, uint32(len(data))), data...)
}

// mirror is an extended property that shows a field.
type mirror struct {
	key   extKey
	value func(*item) string
}

// mirrors are the extended properties that clients read though nobody set them.
var mirrors = sync.OnceValue(func() []mirror {
	flag := func(b bool) string { return strconv.FormatBool(b) }
	text := func(name string) func(*item) string { return func(i *item) string { return i.text(name) } }
	when := func(name string) func(*item) string {
		return func(i *item) string {
			if at := i.time(name); !at.IsZero() {
				return stamp(at)
			}
			return ""
		}
	}
	meeting := func(i *item) string {
		if i.Elem != "CalendarItem" && !isMeetingMessage(i.Elem) {
			return ""
		}
		return base64.StdEncoding.EncodeToString(globalID(i.text("UID")))
	}
	return []mirror{
		{tagged(0x001a, "String"), (*item).class},
		{tagged(0x0037, "String"), text("Subject")},
		{tagged(0x0e1d, "String"), func(i *item) string { return topic(i.text("Subject")) }},
		{tagged(0x0e08, "Integer"), func(i *item) string { return strconv.Itoa(i.Size) }},
		{tagged(0x0e07, "Integer"), func(i *item) string { return strconv.Itoa(i.messageFlags()) }},
		{tagged(0x0e06, "SystemTime"), func(i *item) string { return stamp(i.Received) }},
		{tagged(0x0e23, "Integer"), func(i *item) string { return strconv.FormatInt(max(i.ID, i.Master), 10) }},
		{tagged(0x3007, "SystemTime"), func(i *item) string { return stamp(i.Created) }},
		{tagged(0x3008, "SystemTime"), func(i *item) string { return stamp(i.Modified) }},
		{tagged(0x1035, "String"), text("InternetMessageId")},
		{tagged(0x10f3, "String"), func(i *item) string { return strconv.FormatInt(max(i.ID, i.Master), 10) + ".EML" }},
		{tagged(0x1000, "String"), (*item).plainBody},
		{named("Appointment", 0x8205, "Integer"), func(i *item) string { return strconv.Itoa(busyNumber(i.text("LegacyFreeBusyStatus"))) }},
		{named("Appointment", 0x8208, "String"), text("Location")},
		{named("Appointment", 0x820d, "SystemTime"), when("Start")},
		{named("Appointment", 0x820e, "SystemTime"), when("End")},
		{named("Appointment", 0x8215, "Boolean"), func(i *item) string { return flag(i.flag("IsAllDayEvent")) }},
		{named("Appointment", 0x8217, "Integer"), func(i *item) string { return strconv.Itoa(i.state()) }},
		{named("Appointment", 0x8223, "Boolean"), func(i *item) string { return flag(i.isSeries()) }},
		{named("Common", 0x8503, "Boolean"), func(i *item) string { return flag(i.flag("ReminderIsSet")) }},
		{named("Common", 0x8506, "Boolean"), func(i *item) string { return flag(i.text("Sensitivity") == "Private") }},
		{named("Meeting", 3, "Binary"), meeting},
		{named("Meeting", 35, "Binary"), meeting},
		{extKey{propertySet("PublicStrings"), "name:urn:schemas:calendar:instancetype", "Integer"}, func(i *item) string {
			return map[string]string{"Single": "0", "RecurringMaster": "1", "Occurrence": "2", "Exception": "3"}[i.calendarType()]
		}},
	}
})

// extendedValue is an extended property that was asked for, nil when there is none.
func (i *item) extendedValue(want path) *node {
	if e := i.Props.extended(want.Ext); e != nil {
		return t("ExtendedProperty", want.node.copy().inTypes(), valueNodes(e))
	}
	for _, m := range mirrors() {
		if m.key.same(want.Ext) {
			if v := m.value(i); v != "" {
				return t("ExtendedProperty", want.node.copy().inTypes(), t("Value", v))
			}
		}
	}
	return nil
}

func valueNodes(e *node) []*node {
	if v := e.kid("Values"); v != nil {
		return []*node{v}
	}
	return []*node{t("Value", e.text("Value"))}
}

// messageFlags are PidTagMessageFlags: 1 read, 8 unsent, 16 with attachments is left out.
func (i *item) messageFlags() int {
	n := 0
	if i.Read {
		n |= 1
	}
	if i.Draft {
		n |= 8
	}
	return n
}

func busyNumber(s string) int {
	switch s {
	case "Free":
		return 0
	case "Tentative":
		return 1
	case "OOF":
		return 3
	case "WorkingElsewhere":
		return 4
	}
	return 2
}

var (
	htmlBreak = regexp.MustCompile(`(?i)<(br|/p|/div|/li|/tr|/h[1-6])[^>]*>`)
	htmlGone  = regexp.MustCompile(`(?is)<(head|style|script)\b.*?</(head|style|script)>|<!--.*?-->`)
	htmlTag   = regexp.MustCompile(`(?s)<[^>]*>`)
)

// textOfHTML is what remains of a body without its marks.
func textOfHTML(s string) string {
	s = htmlGone.ReplaceAllString(s, "")
	s = htmlBreak.ReplaceAllString(s, "\r\n")
	s = html.UnescapeString(htmlTag.ReplaceAllString(s, ""))
	return strings.Trim(s, "\r\n")
}

// htmlOfText is a text as a page.
func htmlOfText(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "<br>\r\n")
	return "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"></head><body>" + escapeLines(s) + "</body></html>"
}

func escapeLines(s string) string {
	parts := strings.Split(s, "<br>\r\n")
	for i, p := range parts {
		parts[i] = html.EscapeString(p)
	}
	return strings.Join(parts, "<br>\r\n")
}
