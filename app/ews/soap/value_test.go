package soap

import (
	"errors"
	"strings"
	"testing"
	"time"

	"portico/app/ews/soap/binding"
	"portico/app/portal"
)

func TestDateTimeReadsWhatServersWrite(t *testing.T) {
	berlin := time.FixedZone("", 3600)
	cases := map[string]struct {
		utc      time.Time
		floating bool
	}{
		"2026-11-22T09:30:00Z":           {time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC), false},
		"2026-11-22T09:30:00+01:00":      {time.Date(2026, 11, 22, 8, 30, 0, 0, time.UTC), false},
		"2026-11-22T09:30:00.5-05:30":    {time.Date(2026, 11, 22, 15, 0, 0, 500000000, time.UTC), false},
		"2026-11-22T09:30:00.123456789Z": {time.Date(2026, 11, 22, 9, 30, 0, 123456789, time.UTC), false},
		"2026-11-22T09:30:00":            {time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC), true},
		"2026-11-22T09:30:00.0000000":    {time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC), true},
		"2026-11-22T09:30":               {time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC), true},
		"2026-11-22":                     {time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), true},
		"2026-11-22+01:00":               {time.Date(2026, 11, 21, 23, 0, 0, 0, time.UTC), false},
		" 2026-11-22 09:30:00 ":          {time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC), true},
		"0001-01-01T00:00:00":            {time.Time{}, true},
		"9999-12-31T23:59:59Z":           {time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), false},
	}
	for in, want := range cases {
		var d DateTime
		if err := d.UnmarshalText([]byte(in)); err != nil || !d.Equal(want.utc) || d.Floating != want.floating {
			t.Errorf("%q is %v floating %v, %v", in, d.Time, d.Floating, err)
		}
	}
	for _, in := range []string{"", "soon", "2026-13-01T00:00:00Z", "2026-02-30", "09:30:00", strings.Repeat("2", 100)} {
		if err := new(DateTime).UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q is read", in)
		}
	}
	floating := &DateTime{Time: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC), Floating: true}
	if got := floating.In(berlin); !got.Equal(time.Date(2026, 11, 22, 8, 30, 0, 0, time.UTC)) {
		t.Errorf("in Berlin it is %v", got)
	}
	if got := At(time.Unix(0, 0)).In(berlin); !got.Equal(time.Unix(0, 0)) {
		t.Errorf("an instant became %v", got)
	}
	var none *DateTime
	if !none.In(berlin).IsZero() || !none.UTC().IsZero() {
		t.Error("nothing is some time")
	}
}

func TestDateTimeWrites(t *testing.T) {
	at := time.Date(2026, 3, 29, 3, 15, 30, 999, time.FixedZone("", 7200))
	for want, d := range map[string]*DateTime{"2026-03-29T01:15:30Z": At(at), "2026-03-29T03:15:30": Wall(at)} {
		if b, err := d.MarshalText(); err != nil || string(b) != want {
			t.Errorf("%s %v, want %s", b, err, want)
		}
	}
	if b, err := At(time.Date(10000, 1, 2, 0, 0, 0, 0, time.UTC)).MarshalText(); err == nil {
		t.Errorf("wrote %s", b)
	}
}

func TestDates(t *testing.T) {
	for _, in := range []string{"2026-11-22", " 2026-11-22Z", "2026-11-22+01:00", "2026-11-22T00:00:00Z"} {
		var d Date
		if err := d.UnmarshalText([]byte(in)); err != nil || d != "2026-11-22" || d.Time() != time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC) {
			t.Errorf("%q is %q, %v", in, d, err)
		}
	}
	for _, in := range []string{"", "22.11.2026", "2026-02-30"} {
		if err := new(Date).UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q is read", in)
		}
		if _, err := Date(in).MarshalText(); err == nil {
			t.Errorf("%q is written", in)
		}
	}
	if got := DateOf(time.Date(2026, 1, 1, 23, 0, 0, 0, time.FixedZone("", -3600))); got != "2026-01-01" || !Date("").Time().IsZero() {
		t.Errorf("%q", got)
	}
}

func TestSpans(t *testing.T) {
	cases := map[string]time.Duration{"PT0S": 0, "-PT60M": -time.Hour, "PT1H30M": 90 * time.Minute, "P1DT2H": 26 * time.Hour, "P1W": 168 * time.Hour, "PT5.75S": 5 * time.Second, "-PT5H30M15S": -(5*time.Hour + 30*time.Minute + 15*time.Second)}
	for in, want := range cases {
		var s, again Span
		if err := s.UnmarshalText([]byte(in)); err != nil || time.Duration(s) != want {
			t.Errorf("%s is %v, %v", in, time.Duration(s), err)
		}
		b, err := s.MarshalText()
		if err != nil || again.UnmarshalText(b) != nil || again != s {
			t.Errorf("%s is written %s, %v", in, b, err)
		}
	}
	for _, in := range []string{"", "P", "PT", "1H", "PT1", "P1Y", "P1M", "PT1D", "P1H", "PTT1H", "P99999999999D", "PT-1H", "P9999DT9999H9999M", "P1DT"} {
		if err := new(Span).UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q is read", in)
		}
	}
}

func TestPathsAreComparedByWhatTheyMean(t *testing.T) {
	hex, dec := TaggedProperty(0x10f3, "String"), Path{Kind: "ExtendedFieldURI", PropertyTag: "4339", PropertyType: "String"}
	if !hex.Same(dec) || hex.PropertyTag != "0x10f3" {
		t.Errorf("%+v %+v", hex, dec)
	}
	if !NamedProperty("PublicStrings", "x", "String").Same(NamedProperty("publicstrings", "x", "String")) || NamedProperty("PublicStrings", "x", "String").Same(NamedProperty("PublicStrings", "X", "String")) {
		t.Error("sets without, names with regard to case")
	}
	if Field("item:Subject").Same(Indexed("item:Subject", "a")) || hex.Same(TaggedProperty(0x10f3, "Integer")) || NumberedProperty("Appointment", 1, "String").Same(NumberedProperty("Appointment", 2, "String")) {
		t.Error("different ones are the same")
	}
	item := &Item{ExtendedProperties: []ExtendedProperty{{Path: dec.extended()}, Extend(dec, "v")}}
	if v, ok := item.Extended(hex); !ok || v != "v" {
		t.Errorf("%q %v", v, ok)
	}
	if _, ok := (*Item)(nil).Extended(hex); ok {
		t.Error("nothing has a property")
	}
}

// read decodes the body of an answer.
func readAnswer(t *testing.T, body string, element string, into any) {
	t.Helper()
	a, err := decode(reader(&binding.Codec{}, strings.NewReader(envelope(body)), 1<<20), element, into)
	if err != nil || a.fault != nil || len(a.problems) > 0 {
		t.Fatal(err, a.fault, a.problems)
	}
}

func TestAnswersOfEveryShapeAreRead(t *testing.T) {
	var sync SyncFolderItemsResponse
	readAnswer(t, `<SyncFolderItemsResponse xmlns="m" xmlns:t="t"><ResponseMessages><SyncFolderItemsResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode><SyncState>s2</SyncState><IncludesLastItemInRange>false</IncludesLastItemInRange><Changes>
		<t:Create><t:CalendarItem><t:ItemId Id="1"/></t:CalendarItem></t:Create><t:Update><t:Task><t:ItemId Id="2"/><t:Subject>x</t:Subject></t:Task></t:Update><t:Delete><t:ItemId Id="3"/></t:Delete><t:ReadFlagChange><t:ItemId Id="4"/><t:IsRead>1</t:IsRead></t:ReadFlagChange></Changes></SyncFolderItemsResponseMessage></ResponseMessages></SyncFolderItemsResponse>`, "SyncFolderItemsResponse", &sync)
	m := sync.Messages[0]
	kinds := ""
	for _, c := range m.Changes {
		id := c.Item.ID().ID
		if c.ItemID != nil {
			id = c.ItemID.ID
		}
		kinds += c.Kind + id + " "
	}
	if kinds != "Create1 Update2 Delete3 ReadFlagChange4 " || m.State != "s2" || Is(m.IncludesLast) || m.Changes[1].Item.Other.Kind != "Task" || !Is(m.Changes[3].IsRead) {
		t.Errorf("%s %+v", kinds, m)
	}
	var free GetUserAvailabilityResponse
	readAnswer(t, `<GetUserAvailabilityResponse xmlns="m"><FreeBusyResponseArray><FreeBusyResponse><ResponseMessage ResponseClass="Success"><ResponseCode>NoError</ResponseCode></ResponseMessage><FreeBusyView><FreeBusyViewType xmlns="t">DetailedMerged</FreeBusyViewType><MergedFreeBusy>0123</MergedFreeBusy>
		<CalendarEventArray><CalendarEvent><StartTime>2026-11-22T09:00:00</StartTime><EndTime>2026-11-22T10:00:00</EndTime><BusyType>OOF</BusyType><CalendarEventDetails><Subject>s</Subject><IsPrivate>true</IsPrivate></CalendarEventDetails></CalendarEvent></CalendarEventArray>
		<WorkingHours><TimeZone><Bias>-60</Bias><StandardTime><Bias>0</Bias><Time>03:00:00</Time><DayOrder>5</DayOrder><Month>10</Month><DayOfWeek>Sunday</DayOfWeek></StandardTime></TimeZone><WorkingPeriodArray><WorkingPeriod><DayOfWeek>Monday Tuesday</DayOfWeek><StartTimeInMinutes>480</StartTimeInMinutes><EndTimeInMinutes>1020</EndTimeInMinutes></WorkingPeriod></WorkingPeriodArray></WorkingHours></FreeBusyView></FreeBusyResponse>
		<FreeBusyResponse><ResponseMessage ResponseClass="Error"><ResponseCode>ErrorMailRecipientNotFound</ResponseCode></ResponseMessage></FreeBusyResponse></FreeBusyResponseArray>
		<SuggestionsResponse><ResponseMessage ResponseClass="Success"/><SuggestionDayResultArray><SuggestionDayResult><Date>2026-11-22T00:00:00</Date><DayQuality>Good</DayQuality><SuggestionArray><Suggestion><MeetingTime>2026-11-22T11:00:00</MeetingTime><IsWorkTime>true</IsWorkTime><SuggestionQuality>Good</SuggestionQuality><AttendeeConflictDataArray><IndividualAttendeeConflictData><BusyType>Busy</BusyType></IndividualAttendeeConflictData><UnknownAttendeeConflictData/></AttendeeConflictDataArray></Suggestion></SuggestionArray></SuggestionDayResult></SuggestionDayResultArray></SuggestionsResponse></GetUserAvailabilityResponse>`, "GetUserAvailabilityResponse", &free)
	view := free.FreeBusy[0].View
	if view.Merged != "0123" || !view.Events[0].Start.Floating || !view.Events[0].Details.IsPrivate || strings.Join(view.WorkingHours.Periods[0].DayOfWeek, "+") != "Monday+Tuesday" || view.WorkingHours.Zone.StandardTime.DayOrder != 5 {
		t.Errorf("%+v", view)
	}
	wantMeaning(t, free.FreeBusy[1].Err(), portal.ErrNotFound)
	if c := free.Suggestions.Days[0].Suggestions[0].Conflicts; free.Suggestions.Err() != nil || c[0].BusyType != "Busy" || c[1].Kind != "UnknownAttendeeConflictData" {
		t.Errorf("%+v", free.Suggestions)
	}
}

func TestRecurrencesAndZonesAreRead(t *testing.T) {
	var got GetItemResponse
	readAnswer(t, `<GetItemResponse xmlns="m"><ResponseMessages><GetItemResponseMessage ResponseClass="Success"><Items><CalendarItem xmlns="t"><ExtendedProperty><ExtendedFieldURI PropertyTag="0x10f3" PropertyType="String"/><Value>u</Value></ExtendedProperty>
		<RequiredAttendees><Attendee><Mailbox><Name>B</Name><EmailAddress>b@example.org</EmailAddress></Mailbox><ResponseType>Accept</ResponseType><LastResponseTime>0001-01-01T00:00:00</LastResponseTime></Attendee></RequiredAttendees>
		<Recurrence><WeeklyRecurrence><Interval>2</Interval><DaysOfWeek>Monday Friday</DaysOfWeek></WeeklyRecurrence><EndDateRecurrence><StartDate>2026-10-01Z</StartDate><EndDate>2026-12-01T00:00:00Z</EndDate></EndDateRecurrence></Recurrence>
		<DeletedOccurrences><DeletedOccurrence><Start>2026-10-08T09:00:00Z</Start></DeletedOccurrence></DeletedOccurrences>
		<StartTimeZone Id="Custom" Name="x"><Periods><Period Bias="-PT60M" Name="Standard" Id="std"/><Period Bias="-PT120M" Name="Daylight" Id="dst"/></Periods><TransitionsGroups><TransitionsGroup Id="0"><RecurringDayTransition><To Kind="Period">dst</To><TimeOffset>PT2H</TimeOffset><Month>3</Month><DayOfWeek>Sunday</DayOfWeek><Occurrence>-1</Occurrence></RecurringDayTransition></TransitionsGroup></TransitionsGroups><Transitions><Transition><To Kind="Group">0</To></Transition></Transitions></StartTimeZone></CalendarItem></Items></GetItemResponseMessage></ResponseMessages></GetItemResponse>`, "GetItemResponse", &got)
	c := got.Messages[0].Items[0].CalendarItem
	if r := c.Recurrence; r.Weekly.Interval != 2 || len(r.Weekly.DaysOfWeek) != 2 || r.EndDate.StartDate != "2026-10-01" || r.EndDate.EndDate != "2026-12-01" || r.NoEnd != nil {
		t.Errorf("%+v", r)
	}
	z := c.StartTimeZone
	if z.ID != "Custom" || time.Duration(*z.Periods[1].Bias) != -2*time.Hour || Int(z.Groups[0].Transitions[0].Occurrence) != -1 || z.Transitions.Transitions[0].To != (TransitionTarget{"Group", "0"}) {
		t.Errorf("%+v", z)
	}
	if v, ok := c.Extended(TaggedProperty(0x10f3, "String")); !ok || v != "u" || c.RequiredAttendees[0].Mailbox.EmailAddress != "b@example.org" || !c.RequiredAttendees[0].LastResponseTime.IsZero() || len(c.DeletedOccurrences) != 1 {
		t.Errorf("%+v", c)
	}
}

func TestErrorsTellWhatTheyKnow(t *testing.T) {
	m := ResponseMessage{Class: "Error", Code: "ErrorInvalidPropertySet", Text: "no", Details: []Node{{Kind: "FieldURI", FieldURI: "calendar:Start"}, {Kind: "Value", Name: "BackOffMilliseconds", Text: " 99999999999999 "}, {Kind: "Value", Name: "BackOffMilliseconds", Text: "5"}}}
	err := m.Err()
	var e *ResponseError
	if !errors.As(err, &e) || e.Values["FieldURI"] != "calendar:Start" || e.BackOff != maxBackOff || BackOff(err) != e.BackOff {
		t.Errorf("%+v", e)
	}
	for code, want := range map[string]func(error) bool{"ErrorInvalidOperation": Unsupported, "ErrorExpiredSubscription": SubscriptionLost, "ErrorInvalidSyncStateData": SyncStateLost} {
		err := (&ResponseMessage{Class: "Error", Code: code}).Err()
		if !want(err) || want((&ResponseMessage{Class: "Error", Code: "ErrorItemNotFound"}).Err()) || want(errBroken) {
			t.Errorf("%s is not what it is", code)
		}
	}
	if !Unsupported(&ResponseError{Status: 501}) || Unsupported(&ResponseError{Status: 503}) {
		t.Error("by status")
	}
	if (&ResponseMessage{Class: "Warning", Code: "ErrorNameResolutionMultipleResults"}).Err() != nil || (&ResponseMessage{}).Err() != nil || (&ResponseMessage{Code: "ErrorItemNotFound"}).Err() == nil {
		t.Error("classes")
	}
	if Code(errBroken) != "" || BackOff(errBroken) != 0 {
		t.Error("codes of other errors")
	}
}

func TestTheTableOfCodes(t *testing.T) {
	cases := map[string]treatment{
		"ErrorServerBusy": {portal.ErrUnavailable, refused}, "ErrorInternalServerError": {portal.ErrUnavailable, readsOnly}, "ErrorIrresolvableConflict": {portal.ErrConflict, never},
		"ErrorAccessDenied": {portal.ErrForbidden, never}, "ErrorPasswordExpired": {portal.ErrUnauthenticated, never}, "ErrorItemNotFound": {portal.ErrNotFound, never},
		"ErrorExceededFindCountLimit": {portal.ErrTooMany, never}, "ErrorCalendarEndDateIsEarlierThanStartDate": {portal.ErrInvalid, never}, "NoError": {},
	}
	for code, want := range cases {
		if got := treat(code); got != want {
			t.Errorf("%s: %+v", code, got)
		}
	}
}

func TestKindsOfItems(t *testing.T) {
	base := Item{ItemID: &ItemID{ID: "x"}}
	message := Message{Item: base}
	meeting := MeetingMessage{Message: message}
	all := []AnyItem{{Item: &base}, {Message: &message}, {CalendarItem: &CalendarItem{Item: base}}, {MeetingMessage: &meeting}, {MeetingRequest: &MeetingRequest{MeetingMessage: meeting}},
		{MeetingResponse: &MeetingResponse{MeetingMessage: meeting}}, {MeetingCancellation: &MeetingCancellation{MeetingMessage: meeting}}, {Other: &OtherItem{Item: base}}}
	for i, a := range all {
		if a.ID().ID != "x" || (a.Meeting() != nil) != (i >= 3 && i <= 6) {
			t.Errorf("kind %d", i)
		}
	}
	var none *AnyItem
	if (&AnyItem{}).Base() != nil || none.Base() != nil || none.Meeting() != nil || none.ID() != (ItemID{}) {
		t.Error("nothing is something")
	}
	id := &AttachmentID{ID: "a"}
	for i, a := range []Attachment{{File: &FileAttachment{AttachmentID: id}}, {Item: &ItemAttachment{AttachmentID: id}}, {Reference: &ReferenceAttachment{AttachmentID: id}}, {}} {
		if (a.ID().ID == "a") != (i < 3) {
			t.Errorf("attachment %d", i)
		}
	}
	if Reply("x").Text() != "x" || (*ReplyBody)(nil).Text() != "" {
		t.Error("replies")
	}
}
