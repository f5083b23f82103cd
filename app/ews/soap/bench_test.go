package soap

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"portico/app/ews/soap/binding"
)

// thousand is an answer with 1,000 appointments of some forty properties each.
func thousand(b *testing.B) []byte {
	b.Helper()
	yes, n := true, 15
	attendee := Attendee{Mailbox: Mailbox{Name: "Bob Bauer", EmailAddress: "bob@example.org", RoutingType: "SMTP", Type: "Mailbox"}, ResponseType: "Accept", LastResponseTime: At(time.Unix(1e9, 0))}
	messages := make([]ItemMessage, 1000)
	for i := range messages {
		start := time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC).AddDate(0, 0, i)
		messages[i] = ItemMessage{ResponseMessage: ResponseMessage{Class: "Success", Code: "NoError"}, Items: []AnyItem{{CalendarItem: &CalendarItem{
			Item: Item{ItemID: &ItemID{strings.Repeat("AAMk", 30) + fmt.Sprint(i), "DwAAABYAAAA="}, ParentFolderID: &FolderID{strings.Repeat("AAMk", 20), "AQAAAA=="}, ItemClass: "IPM.Appointment", Subject: fmt.Sprintf("Besprechung & Übergabe %d", i),
				Sensitivity: "Normal", Body: &Body{Type: "Text", Text: strings.Repeat("Tagesordnung\r\n", 20)}, Categories: []string{"Projekt"}, Importance: "Normal", ReminderIsSet: &yes, ReminderMinutesBeforeStart: &n, HasAttachments: &yes,
				LastModifiedTime: At(start), ExtendedProperties: []ExtendedProperty{Extend(NamedProperty("PublicStrings", "stamp", "String"), "0123456789")}},
			UID: strings.Repeat("0400", 28), Start: At(start), End: At(start.Add(time.Hour)), IsAllDayEvent: &yes, LegacyFreeBusyStatus: "Busy", Location: "Saal", IsMeeting: &yes, IsCancelled: &yes, IsRecurring: &yes, MeetingRequestWasSent: &yes, IsResponseRequested: &yes,
			CalendarItemType: "Single", MyResponseType: "Organizer", Organizer: &Recipient{Mailbox{Name: "Ann Arber", EmailAddress: "ann@example.org", RoutingType: "SMTP"}},
			RequiredAttendees: []Attendee{attendee, attendee, attendee}, OptionalAttendees: []Attendee{attendee}, AppointmentSequenceNumber: &n, StartTimeZone: &TimeZoneDefinition{ID: "W. Europe Standard Time", Name: "(UTC+01:00) Amsterdam, Berlin"}}}}}
	}
	out, err := (&binding.Codec{}).Append(nil, "m:GetItemResponse", GetItemResponse{Messages: messages})
	if err != nil {
		b.Fatal(err)
	}
	return []byte(envelope(string(out)))
}

func BenchmarkReadThousandItems(b *testing.B) {
	in := string(thousand(b))
	codec := &binding.Codec{}
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		var resp GetItemResponse
		if _, err := decode(reader(codec, strings.NewReader(in), 64<<20), "GetItemResponse", &resp); err != nil || len(resp.Messages) != 1000 {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteRequest(b *testing.B) {
	codec := &binding.Codec{}
	req := getItem("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := encode(codec, "Exchange2016", As{Impersonate: "ann@example.org"}, req); err != nil {
			b.Fatal(err)
		}
	}
}
