package ews

import (
	"time"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// What is asked of a calendar item, and the small words of it.

// stampMade and stampDone are our own properties of an item: the change that made it, and the last that was written
// to it. A retry after a lost answer finds its own work by them.
var (
	stampMade = soap.NamedProperty("PublicStrings", "PorticoChange", "String")
	stampDone = soap.NamedProperty("PublicStrings", "PorticoUpdate", "String")
)

// entryFields are the properties of a whole entry. None is newer than Exchange 2010.
func entryFields() []soap.Path {
	return append(soap.Fields("item:ItemClass", "item:Subject", "item:Sensitivity", "item:Body", "item:Attachments", "item:Categories",
		"item:ReminderIsSet", "item:ReminderMinutesBeforeStart", "item:HasAttachments", "item:DateTimeCreated", "item:LastModifiedTime",
		"calendar:UID", "calendar:RecurrenceId", "calendar:Start", "calendar:End", "calendar:OriginalStart", "calendar:IsAllDayEvent",
		"calendar:LegacyFreeBusyStatus", "calendar:Location", "calendar:IsMeeting", "calendar:IsCancelled", "calendar:IsRecurring",
		"calendar:MeetingRequestWasSent", "calendar:CalendarItemType", "calendar:MyResponseType", "calendar:Organizer",
		"calendar:RequiredAttendees", "calendar:OptionalAttendees", "calendar:Resources", "calendar:TimeZone",
		"calendar:AppointmentReplyTime", "calendar:AppointmentSequenceNumber", "calendar:AppointmentState", "calendar:Recurrence",
		"calendar:ModifiedOccurrences", "calendar:DeletedOccurrences", "calendar:MeetingTimeZone", "calendar:StartTimeZone",
		"calendar:EndTimeZone"), stampMade, stampDone)
}

// stateFields are those that tell how an item stands before a write.
func stateFields() []soap.Path {
	return append(soap.Fields("item:ItemClass", "calendar:UID", "calendar:Start", "calendar:End", "calendar:OriginalStart",
		"calendar:IsAllDayEvent", "calendar:IsMeeting", "calendar:IsCancelled", "calendar:MeetingRequestWasSent",
		"calendar:CalendarItemType", "calendar:MyResponseType", "calendar:Organizer", "calendar:RequiredAttendees",
		"calendar:OptionalAttendees", "calendar:Resources", "calendar:AppointmentReplyTime", "calendar:AppointmentState",
		"calendar:Recurrence", "calendar:ModifiedOccurrences", "calendar:DeletedOccurrences", "calendar:StartTimeZone"),
		stampMade, stampDone)
}

// wholeShape asks for the id and these properties, of bodies what the server has.
func wholeShape(fields []soap.Path) soap.ItemShape {
	return soap.ItemShape{BaseShape: "IdOnly", BodyType: "Best", AdditionalProperties: fields}
}

// idShape asks for the id alone.
func idShape() soap.ItemShape { return soap.ItemShape{BaseShape: "IdOnly"} }

var shows = []struct {
	said string
	show portal.FreeBusy
}{
	{"Busy", portal.ShowBusy},
	{"Free", portal.ShowFree},
	{"Tentative", portal.ShowTentative},
	{"OOF", portal.ShowOOF},
	{"WorkingElsewhere", portal.ShowElsewhere},
	{"NoData", portal.ShowNoData},
}

// show reads LegacyFreeBusyStatus; what it does not know counts as busy, so that no taken time looks free.
func show(said string) portal.FreeBusy {
	for _, s := range shows {
		if s.said == said {
			return s.show
		}
	}
	return portal.ShowBusy
}

// legacy writes LegacyFreeBusyStatus. Servers before Exchange 2013 do not know "working elsewhere"; they show it as
// free, as Outlook does there.
func legacy(f portal.FreeBusy, knowsElsewhere bool) string {
	if f == portal.ShowElsewhere && !knowsElsewhere {
		return "Free"
	}
	for _, s := range shows {
		if s.show == f && f != portal.ShowNoData {
			return s.said
		}
	}
	return "Busy"
}

// happened is a time that a server gives, zero for those it fills in where it knows none.
func happened(d *soap.DateTime) time.Time {
	t := d.UTC()
	if t.Year() < 1900 || t.Year() > 4000 {
		return time.Time{}
	}
	return t.Truncate(time.Second)
}
