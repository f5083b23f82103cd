package soap

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"portico/app/ews/soap/binding"
)

// Every request, with all its fields and with few, is valid by the official schema.

// schemaFolder finds the schema: by the environment, or in a sibling of the checkout.
func schemaFolder(t *testing.T) string {
	t.Helper()
	missing := func(why string) string {
		if os.Getenv("PORTICO_REQUIRE_PEERS") == "1" {
			t.Fatal(why)
		}
		t.Skip(why)
		return ""
	}
	dir := os.Getenv("PORTICO_EWS_SCHEMA")
	if dir == "" {
		at, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for dir == "" && at != filepath.Dir(at) {
			at = filepath.Dir(at)
			if _, err := os.Stat(filepath.Join(at, "shared", "ews-schema", "messages.xsd")); err == nil {
				dir = filepath.Join(at, "shared", "ews-schema")
			}
		}
	}
	if dir == "" {
		return missing("the EWS schema is not at hand: set PORTICO_EWS_SCHEMA to its folder")
	}
	for _, tool := range []string{"xmllint", "xsltproc"} {
		if _, err := exec.LookPath(tool); err != nil {
			return missing(tool + " is not installed (libxml2-utils, xsltproc)")
		}
	}
	return dir
}

// filler fills structs with values that the schema allows.
type filler struct {
	enums map[string]string
	depth int
}

func newFiller() *filler {
	return &filler{enums: map[string]string{
		"BaseShape": IDOnly, "BodyType": "HTML", "Traversal": "Shallow", "BasePoint": "Beginning", "Order": "Descending",
		"Sensitivity": "Private", "Importance": "High", "Culture": "de-DE", "FlagStatus": "Flagged",
		"LegacyFreeBusyStatus": "Tentative", "IntendedFreeBusyStatus": "Busy", "CalendarItemType": "Single", "MyResponseType": "Accept", "ResponseType": "Tentative",
		"MailboxType": "Mailbox", "PropertyType": "String", "DistinguishedPropertySetId": "PublicStrings", "PropertySetId": "00020329-0000-0000-c000-000000000046",
		"PropertyTag": "0x10f3", "PropertyId": "33315", "MeetingRequestType": "NewMeetingRequest",
		"DaysOfWeek": "Monday", "FirstDayOfWeek": "Sunday", "DayOfWeekIndex": "Last", "Month": "October", "StartDate": "2026-10-25", "EndDate": "2026-12-24",
		"Interval": "2", "DayOfMonth": "15", "NumberOfOccurrences": "10",
		"MessageDisposition": SendAndSaveCopy, "SendMeetingInvitations": SendToAllAndSaveCopy, "SendMeetingCancellations": SendOnlyToAll,
		"SendMeetingInvitationsOrCancellations": SendToChangedAndSaveCopy, "ConflictResolution": NeverOverwrite,
		"DeleteType": MoveToDeletedItems, "AffectedTaskOccurrences": "AllOccurrences", "SyncScope": "NormalItems", "MaxChangesReturned": "512",
		"ReminderMinutesBeforeStart": "15", "ContactSource": "ActiveDirectory", "MaxEntriesReturned": "10",
		"AttendeeType": "Required", "MergedFreeBusyIntervalInMinutes": "15", "RequestedView": "DetailedMerged", "MinimumSuggestionQuality": "Good",
		"GoodThreshold": "25", "MaximumResultsByDay": "10", "MaximumNonWorkHourResultsByDay": "0", "MeetingDurationInMinutes": "60",
		"Bias": "-60", "Time": "02:00:00", "DayOrder": "5", "DayOfWeek": "Sunday", "Year": "2026", "AbsoluteDate": "2026-10-25", "lang": "de",
		"OofState": "Scheduled", "ExternalAudience": "Known", "MailTipsRequested": "OutOfOfficeMessage", "SearchScope": "ActiveDirectory", "ContactDataShape": DefaultShape,
		"SizeRequested": "HR96x96", "DistinguishedUser": "Default", "Format": "HexEntryId", "DestinationFormat": "EwsId",
		"EventType": CreatedEvent, "Timeout": "30", "ConnectionTimeout": "10", "Watermark": "AQAAAA==", "SubscriptionId": "s1",
		"PermissionLevel": "Custom", "CalendarPermissionLevel": "Custom", "EditItems": "Owned", "DeleteItems": "All", "ReadItems": "FullDetails",
		"SharingEffectiveRights": "FullDetails", "DistinguishedFolderId": "calendar", "InstanceIndex": "3", "ContainmentMode": "Substring", "ContainmentComparison": "IgnoreCase",
		"Kind": "Period", "Mailbox": "a@example.org",
	}}
}

func (f *filler) fill(v reflect.Value, tag string) {
	name, _, _ := strings.Cut(tag, ",")
	name = name[strings.LastIndexAny(name, ":>@")+1:]
	switch v.Interface().(type) {
	case DateTime:
		v.Set(reflect.ValueOf(*At(time.Date(2026, 10, 25, 1, 30, 0, 0, time.UTC))))
		return
	case Span:
		v.Set(reflect.ValueOf(Span(-time.Hour)))
		return
	case Path:
		v.Set(reflect.ValueOf(f.path(tag)))
		return
	case ExtendedPath:
		v.Set(reflect.ValueOf(TaggedProperty(0x10f3, "String").extended()))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), tag)
	case reflect.Struct:
		f.object(v)
	case reflect.Slice:
		f.slice(v, tag)
	case reflect.String:
		s, ok := f.enums[name]
		if !ok {
			s = "a <b> & \"c\" ü \U0001F600"
		}
		v.SetString(s)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(7)
		if s, ok := f.enums[name]; ok {
			var n int64
			if _, err := fmt.Sscan(s, &n); err == nil {
				v.SetInt(n)
			}
		}
	}
}

// aContact has values in every dictionary, whose keys differ.
func aContact() Contact {
	return Contact{Item: Item{Subject: "Ann & Bob"}, FileAs: "a", DisplayName: "b", GivenName: "c", Initials: "d", MiddleName: "e", Nickname: "f", CompanyName: "g <h>",
		EmailAddresses:    []Entry{{Key: "EmailAddress1", Name: "n", RoutingType: "SMTP", MailboxType: "Contact", Value: "a@example.org"}, {Key: "EmailAddress3", Value: "b@example.org"}},
		PhysicalAddresses: []PhysicalAddress{{Key: "Business", Street: "s", City: "c", State: "t", Country: "u", PostalCode: "p"}},
		PhoneNumbers:      []Entry{{Key: "BusinessPhone", Value: "1"}, {Key: "OtherTelephone", Value: "2"}}, AssistantName: "i", Department: "j",
		ImAddresses: []Entry{{Key: "ImAddress1", Value: "sip:a@example.org"}}, JobTitle: "k", Manager: "l", OfficeLocation: "m", Surname: "o"}
}

func (f *filler) path(tag string) Path {
	switch {
	case strings.Contains(tag, "IndexedFieldURI"):
		return Indexed("contacts:PhoneNumber", "BusinessPhone")
	case strings.Contains(tag, "ExtendedFieldURI"):
		return NumberedProperty("Appointment", 0x8223, "Boolean")
	}
	return Field("calendar:Start")
}

// object fills all fields of a struct, of a choice the first.
func (f *filler) object(v reflect.Value) {
	f.depth++
	defer func() { f.depth-- }()
	switch v.Interface().(type) {
	case Body:
		v.Set(reflect.ValueOf(Body{Type: "HTML", Text: "<b>x</b> & y"}))
		return
	case ExtendedProperty:
		v.Set(reflect.ValueOf(Extend(NamedProperty("PublicStrings", "stamp", "String"), "1")))
		return
	case DistinguishedFolderID:
		v.Set(reflect.ValueOf(*WellKnown("calendar", "boss@example.org").Distinguished))
		return
	case Flag:
		v.Set(reflect.ValueOf(Flag{Status: "Complete", CompleteDate: At(time.Unix(0, 0))}))
		return
	case Contact:
		v.Set(reflect.ValueOf(aContact()))
		return
	case TimeChange:
		f.choiceOfChange(v)
		return
	case ItemRef, FolderRef, PathElement, Operand, AnyItem, NewItem, Attachment, Subscribe, Recurrence:
		f.choice(v, 0)
		return
	case Restriction:
		v.Set(reflect.ValueOf(*Where(everyExpression())))
		return
	}
	for i := range v.NumField() {
		tag, ok := v.Type().Field(i).Tag.Lookup("ews")
		if !ok && !v.Type().Field(i).Anonymous || f.depth > 14 {
			continue
		}
		f.fill(v.Field(i), tag)
	}
}

// choice sets the n-th field alone and tells whether there is one.
func (f *filler) choice(v reflect.Value, n int) bool {
	if r, ok := v.Addr().Interface().(*Recurrence); ok {
		return f.recurrence(r, n)
	}
	if n >= v.NumField() || v.Type().Field(n).Tag.Get("ews") == "?" {
		return false
	}
	f.fill(v.Field(n), v.Type().Field(n).Tag.Get("ews"))
	return true
}

func (f *filler) recurrence(r *Recurrence, n int) bool {
	v := reflect.ValueOf(r).Elem()
	f.fill(v.Field(n%6), "")
	f.fill(v.Field(6+n%3), "")
	return n < 6
}

// choiceOfChange leaves one of the two ways to say when out.
func (f *filler) choiceOfChange(v reflect.Value) {
	offset := Span(0)
	v.Set(reflect.ValueOf(TimeChange{Name: "x", Offset: &offset, Time: "02:00:00", RelativeYearly: &RelativeYearly{DaysOfWeek: "Sunday", DayOfWeekIndex: "Last", Month: "March"}}))
}

// slice holds one element, or of choices one of each kind.
func (f *filler) slice(v reflect.Value, tag string) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes([]byte{0, 1, 2, 253})
		return
	}
	kind := reflect.New(v.Type().Elem()).Elem()
	switch kind.Interface().(type) {
	case AnyItem, NewItem, Attachment, ItemRef, FolderRef:
		for n := 0; ; n++ {
			e := reflect.New(v.Type().Elem()).Elem()
			if _, nested := kind.Interface().(AnyItem); f.depth > 8 && n > 0 || nested && n > 0 && f.depth > 6 || !f.choice(e, n) {
				return
			}
			v.Set(reflect.Append(v, e))
		}
	case Path:
		paths := []Path{Field("item:Subject"), Indexed("contacts:EmailAddress", "EmailAddress1"), TaggedProperty(0x0e23, "String"), NamedProperty("PublicStrings", "x", "Integer")}
		if !strings.Contains(tag, ">") {
			paths = paths[:1]
		}
		v.Set(reflect.ValueOf(paths))
	case Folder:
		for _, k := range []string{"Folder", "TasksFolder"} {
			v.Set(reflect.Append(v, reflect.ValueOf(Folder{Kind: k, FolderClass: "IPF.Note", DisplayName: "a"})))
		}
		v.Set(reflect.Append(v, reflect.ValueOf(Folder{Kind: "CalendarFolder", FolderClass: "IPF.Appointment", DisplayName: "Urlaub & Ferien", PermissionSet: &PermissionSet{
			CalendarPermissions: []Permission{{UserID: UserID{Distinguished: "Default"}, CalendarLevel: "Reviewer"}}}})))
	case Transition:
		v.Set(reflect.ValueOf(transitions(v.Type())))
	case Update:
		v.Set(reflect.ValueOf(f.updates()))
	case Expression:
		v.Set(reflect.ValueOf([]Expression{everyExpression()}))
	default:
		e := reflect.New(v.Type().Elem()).Elem()
		f.fill(e, tag)
		v.Set(reflect.Append(v, e))
	}
}

func transitions(reflect.Type) []Transition {
	n, month, offset := -1, 10, Span(3*time.Hour)
	return []Transition{
		{Kind: "Transition", To: TransitionTarget{"Group", "0"}},
		{Kind: "AbsoluteDateTransition", To: TransitionTarget{"Group", "1"}, DateTime: Wall(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))},
		{Kind: "RecurringDayTransition", To: TransitionTarget{"Period", "p"}, TimeOffset: &offset, Month: &month, DayOfWeek: "Sunday", Occurrence: &n},
		{Kind: "RecurringDateTransition", To: TransitionTarget{"Period", "p"}, TimeOffset: &offset, Month: &month, Day: &month},
	}
}

func (f *filler) updates() []Update {
	item := AnyItem{CalendarItem: &CalendarItem{Location: "Saal"}}
	return []Update{
		Set(Field("calendar:Location"), item), Delete(Field("calendar:Recurrence")),
		Append(Field("item:Body"), AnyItem{Message: &Message{Item: Item{Body: &Body{Type: "Text", Text: "x"}}}}),
		Set(NamedProperty("PublicStrings", "stamp", "String"), AnyItem{Item: &Item{ExtendedProperties: []ExtendedProperty{Extend(NamedProperty("PublicStrings", "stamp", "String"), "1")}}}),
	}
}

func everyExpression() Expression {
	p := Field("calendar:Start")
	return And(
		Or(Equal(p, "a"), NotEqual(p, "<&>"), Not(Exists(p))),
		Greater(p, "1"), GreaterOrEqual(p, "1"), Less(p, "1"), LessOrEqual(TaggedProperty(0x1a, "String"), "1"),
		Contains(Field("item:Subject"), "x", "Substring"), Excludes(TaggedProperty(0x0e07, "Integer"), "0x1"))
}

// allRequests are zero values of every request.
func allRequests() []request {
	return []request{&GetFolder{}, &FindFolder{}, &CreateFolder{}, &SyncFolderHierarchy{}, &FindItem{}, &GetItem{}, &CreateItem{}, &UpdateItem{},
		&DeleteItem{}, &MoveItem{}, &SyncFolderItems{}, &GetUserAvailability{}, &GetUserOofSettings{}, &SetUserOofSettings{}, &GetMailTips{}, &ResolveNames{},
		&ExpandDL{}, &FindPeople{}, &GetUserPhoto{}, &GetRoomLists{}, &GetRooms{}, &GetDelegate{}, &ConvertID{}, &CreateAttachment{}, &GetAttachment{},
		&DeleteAttachment{}, &Subscribe{}, &GetEvents{}, &GetStreamingEvents{}, &Unsubscribe{}, &GetServerTimeZones{}}
}

// oddRequests are requests as a careful caller makes them, and some of the less usual.
func oddRequests() map[string]request {
	yes, zero := true, 0
	start := Wall(time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC))
	calendar := WellKnown("calendar", "boss@example.org")
	idOnly := ItemShape{BaseShape: IDOnly}
	return map[string]request{
		"view":       &FindItem{Traversal: "Shallow", Shape: idOnly, View: &CalendarView{Start: start, End: At(time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC))}, Parents: []FolderRef{calendar}},
		"search":     &FindItem{Traversal: "Shallow", Shape: ItemShape{BaseShape: IDOnly, AdditionalProperties: Fields("item:Subject", "calendar:UID")}, Page: Page(100, 50), Restriction: Where(Equal(Field("calendar:UID"), "x")), Sort: []FieldOrder{OrderBy(Field("calendar:Start"), true)}, Parents: []FolderRef{FolderByID("AQ=="), calendar}},
		"occurrence": &GetItem{Shape: idOnly, Items: []ItemRef{OccurrenceOf("m", "", 1), MasterOf("o"), ItemByID("i", "ck")}},
		"accept":     &CreateItem{Disposition: SendAndSaveCopy, SendInvitations: SendToNone, Items: []NewItem{{AcceptItem: &MeetingAnswer{ReferenceItemID: &ItemID{"a", "b"}, Body: &Body{Type: "Text", Text: "gern"}}}}},
		"propose":    &CreateItem{Disposition: SendAndSaveCopy, Items: []NewItem{{TentativelyAcceptItem: &MeetingAnswer{ReferenceItemID: &ItemID{"a", "b"}, ProposedStart: start, ProposedEnd: start}}}},
		"cancel":     &CreateItem{Disposition: SendAndSaveCopy, Items: []NewItem{{CancelCalendarItem: &SmartResponse{ReferenceItemID: &ItemID{"a", "b"}, NewBodyContent: &Body{Type: "HTML", Text: "<p>aus</p>"}}}}},
		"forward":    &CreateItem{Disposition: SendAndSaveCopy, Items: []NewItem{{ForwardItem: &SmartResponse{ToRecipients: []Mailbox{{EmailAddress: "a@example.org"}}, ReferenceItemID: &ItemID{"a", "b"}}}}},
		"remove":     &CreateItem{Disposition: SaveOnly, Items: []NewItem{{RemoveItem: &RemoveItem{ReferenceItemID: &ItemID{"a", "b"}}}}},
		"zones":      &GetServerTimeZones{Full: &yes},
		"freebusy": &GetUserAvailability{Zone: &SerializableTimeZone{StandardTime: SerializableTurning{Time: "00:00:00", DayOfWeek: "Sunday"}, DaylightTime: SerializableTurning{Time: "00:00:00", DayOfWeek: "Sunday"}},
			Mailboxes: []MailboxData{{Email: EmailAddress{Address: "a@example.org"}, AttendeeType: "Required"}}, FreeBusy: &FreeBusyOptions{Window: Window{start, start}, RequestedView: "Detailed"}},
		"streaming":  &Subscribe{Streaming: &StreamingSubscription{AllFolders: &yes, Events: []string{CreatedEvent, DeletedEvent, ModifiedEvent, MovedEvent}}},
		"pull":       &Subscribe{Pull: &PullSubscription{Folders: []FolderRef{calendar}, Events: []string{NewMailEvent}, Timeout: 10}},
		"emptyReply": &SetUserOofSettings{Mailbox: EmailAddress{Address: "a@example.org"}, Settings: OofSettings{State: "Disabled", ExternalAudience: "None", InternalReply: Reply(""), ExternalReply: Reply("")}},
		"people":     &FindPeople{Page: *Page(0, 20), Parent: &FolderRef{Distinguished: &DistinguishedFolderID{ID: "directory"}}, Query: "ann"},
		"contact":    &CreateItem{Folder: &calendar, Items: []NewItem{{Contact: &Contact{DisplayName: "a", ImAddresses: []Entry{{Key: "ImAddress1", Value: "sip:a@example.org"}}}}}},
		"phone": &UpdateItem{ConflictResolution: AutoResolve, Changes: []ItemChange{{Item: &ItemRef{ID: &ItemID{"a", "b"}}, Updates: []Update{
			Set(Indexed("contacts:PhoneNumber", "MobilePhone"), AnyItem{Contact: &Contact{PhoneNumbers: []Entry{{Key: "MobilePhone", Value: "1"}}}})}}}},
		"sync": &SyncFolderItems{Shape: idOnly, Folder: calendar, Max: 100},
		"series": &CreateItem{SendInvitations: SendToNone, Items: []NewItem{{CalendarItem: &CalendarItem{Item: Item{ReminderMinutesBeforeStart: &zero},
			Start: start, End: start, StartTimeZone: &TimeZoneDefinition{ID: "W. Europe Standard Time"}, Recurrence: &Recurrence{
				Weekly: &Weekly{Interval: 1, DaysOfWeek: []string{"Monday", "Friday"}}, NoEnd: &NoEnd{StartDate: "2026-03-29"}}}}}},
	}
}

func TestEveryRequestIsValid(t *testing.T) {
	dir := schemaFolder(t)
	codec, out := &binding.Codec{}, t.TempDir()
	var files []string
	write := func(name string, as As, req request) {
		t.Helper()
		b, err := encode(codec, "Exchange2013_SP1", as, req)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		file := filepath.Join(out, name+".xml")
		if err := os.WriteFile(file, bare(t, b), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	full := As{Impersonate: "a&b@example.org", Zone: "W. Europe Standard Time"}
	for _, req := range allRequests() {
		newFiller().fill(reflect.ValueOf(req).Elem(), "")
		name := req.op().element
		if f, ok := req.(*FindItem); ok {
			f.View = nil // one view only
		}
		write("full-"+name, full, req)
	}
	for n := range 2 {
		sub := &Subscribe{}
		newFiller().choice(reflect.ValueOf(sub).Elem(), n)
		write(fmt.Sprintf("subscribe-%d", n), As{}, sub)
	}
	for n := range 6 {
		r := &Recurrence{}
		newFiller().recurrence(r, n)
		write(fmt.Sprintf("recurrence-%d", n), As{}, &CreateItem{Items: []NewItem{{CalendarItem: &CalendarItem{Recurrence: r}}}})
	}
	for name, req := range oddRequests() {
		write("odd-"+name, As{}, req)
	}
	valid(t, "xmllint", append([]string{"--noout", "--nonet", "--schema", filepath.Join(dir, "messages.xsd")}, files...)...)
	b, err := encode(codec, "Exchange2016", full, &GetRoomLists{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(out, "envelope.xml"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	valid(t, filepath.Join(dir, "validate"), filepath.Join(out, "envelope.xml"))
}

// valid runs a validator.
func valid(t *testing.T, name string, args ...string) {
	t.Helper()
	if msg, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
}

// bare takes the operation's element out of its envelope.
func bare(t *testing.T, envelope []byte) []byte {
	t.Helper()
	_, body, ok := strings.Cut(string(envelope), "<soap:Body>")
	body, _, closed := strings.Cut(body, "</soap:Body>")
	end := strings.IndexAny(body[1:], " />") + 1
	if !ok || !closed || end < 1 {
		t.Fatalf("no envelope: %s", envelope)
	}
	const namespaces = ` xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"`
	return []byte(body[:end] + namespaces + body[end:])
}

func TestEveryCodeIsOneOfTheSchema(t *testing.T) {
	schema, err := os.ReadFile(filepath.Join(schemaFolder(t), "messages.xsd"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range []string{"codes.go", "errors.go", "version.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, quoted := range regexp.MustCompile(`"Error[A-Za-z]+"`).FindAllString(string(source), -1) {
			seen++
			if !strings.Contains(string(schema), `<xs:enumeration value=`+quoted+`/>`) && !strings.Contains(string(schema), `<xs:enumeration value=`+quoted+` />`) {
				t.Errorf("%s: %s is no response code", file, quoted)
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d codes were found in the source", seen)
	}
}
