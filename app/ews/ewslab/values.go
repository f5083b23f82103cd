package ewslab

// Values that are computed from others: of appointments, contacts and tasks, and extended properties that mirror fields.

import (
	"fmt"
	"html"
	"regexp"
	"strings"
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
