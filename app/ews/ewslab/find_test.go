package ewslab

import (
	"fmt"
	"strings"
	"testing"
)

// find answers the subjects of a FindItem over a folder; parts are the view, the restriction and so on in schema order.
func (c caller) find(folder string, parts ...string) ([]string, *node) {
	c.t.Helper()
	root := c.ok(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>` + strings.Join(parts, "") + `<m:ParentFolderIds>` + folderID(folder) + `</m:ParentFolderIds></m:FindItem>`).kid("RootFolder")
	out := []string{}
	for _, i := range root.kid("Items").kids() {
		out = append(out, i.text("Subject"))
	}
	return out, root
}

func TestACalendarViewsBounds(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	for _, c := range []string{"2026-03-02T22:00:00Z before", "2026-03-02T23:00:00Z until-start", "2026-03-02T23:30:00Z into", "2026-03-03T00:00:00Z first", "2026-03-03T23:30:00Z across", "2026-03-04T00:00:00Z starts-at-end"} {
		start, subject, _ := strings.Cut(c, " ")
		alice.meet(subject, start)
	}
	alice.create(`<t:Subject>instant</t:Subject><t:Start>2026-03-03T00:00:00Z</t:Start><t:End>2026-03-03T00:00:00Z</t:End>`)
	alice.create(`<t:Subject>week</t:Subject><t:Start>2026-03-01T00:00:00Z</t:Start><t:End>2026-03-08T00:00:00Z</t:End>`)
	view := alice.view("2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z")
	equal(t, strings.Join(view, " "), "2026-03-01T00:00:00Z week 2026-03-02T23:30:00Z into 2026-03-03T00:00:00Z first 2026-03-03T00:00:00Z instant 2026-03-03T23:30:00Z across")
	berlin := alice.in("W. Europe Standard Time")
	equal(t, berlin.view("2026-03-03T00:30:00", "2026-03-03T01:00:00"), "[2026-03-01T00:00:00Z week 2026-03-02T23:00:00Z until-start 2026-03-02T23:30:00Z into]")
	if got, _ := alice.find("calendar", `<m:CalendarView MaxEntriesReturned="2" StartDate="2026-03-03T00:00:00Z" EndDate="2026-03-04T00:00:00Z"/>`); fmt.Sprint(got) != "[week into]" {
		t.Errorf("%v", got)
	}
	_, root := alice.find("calendar", `<m:CalendarView MaxEntriesReturned="2" StartDate="2026-03-03T00:00:00Z" EndDate="2026-03-04T00:00:00Z"/>`)
	equal(t, root.attr("TotalItemsInView")+" "+root.attr("IncludesLastItemInRange"), "5 false")
	code := func(folder, parts string) string {
		return alice.code(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>` + parts + `<m:ParentFolderIds>` + folderID(folder) + `</m:ParentFolderIds></m:FindItem>`)
	}
	equal(t, code("inbox", `<m:CalendarView StartDate="2026-03-03T00:00:00Z" EndDate="2026-03-04T00:00:00Z"/>`), "ErrorCalendarFolderIsInvalidForCalendarView")
	equal(t, code("calendar", `<m:CalendarView StartDate="2026-03-03T00:00:00Z" EndDate="2029-03-04T00:00:00Z"/>`), "ErrorCalendarViewRangeTooBig")
	equal(t, code("calendar", `<m:CalendarView StartDate="2026-03-05T00:00:00Z" EndDate="2026-03-04T00:00:00Z"/>`), "ErrorCalendarEndDateIsEarlierThanStartDate")
	equal(t, alice.refused(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:CalendarView StartDate="soon" EndDate="2026-03-04T00:00:00Z"/><m:ParentFolderIds>`+folderID("calendar")+`</m:ParentFolderIds></m:FindItem>`), errorSchemaValidation)
}

func TestFindItemKeepsPeopleAndBodiesToItself(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	alice.create(`<t:Subject>x</t:Subject><t:Body BodyType="Text">secret</t:Body><t:Start>2026-03-03T09:00:00Z</t:Start><t:End>2026-03-03T10:00:00Z</t:End>` +
		`<t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>bob@example.test</t:EmailAddress></t:Mailbox></t:Attendee></t:RequiredAttendees>`)
	_, root := alice.find("calendar", `<m:CalendarView StartDate="2026-03-03T00:00:00Z" EndDate="2026-03-04T00:00:00Z"/>`)
	i := root.kid("Items", "CalendarItem")
	for _, name := range []string{"Body", "RequiredAttendees", "Attachments", "ResponseObjects"} {
		if i.kid(name) != nil {
			t.Errorf("FindItem shows %s", name)
		}
	}
	equal(t, i.text("Organizer", "Mailbox", "Name")+" "+i.text("Organizer", "Mailbox", "EmailAddress")+i.text("DisplayTo"), "Alice Adler Bob Berg")
}

func TestTooMuchForOneAnswer(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	for range 2 {
		alice.create(`<t:Start>2026-01-01T09:00:00Z</t:Start><t:End>2026-01-01T10:00:00Z</t:End><t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NoEndRecurrence><t:StartDate>2026-01-01</t:StartDate></t:NoEndRecurrence></t:Recurrence>`)
	}
	view := func(limit string) string {
		return `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:CalendarView ` + limit + `StartDate="2026-01-01T00:00:00Z" EndDate="2027-12-31T00:00:00Z"/><m:ParentFolderIds>` + folderID("calendar") + `</m:ParentFolderIds></m:FindItem>`
	}
	equal(t, alice.code(view("")), errorTooMany)
	root := alice.ok(view(`MaxEntriesReturned="1200" `)).kid("RootFolder")
	equal(t, root.attr("TotalItemsInView")+" "+itoa(len(root.kid("Items").Kids))+" "+root.attr("IncludesLastItemInRange"), "1458 1200 false")
}

func TestPages(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	for n := range 7 {
		alice.meet(fmt.Sprintf("s%d", n), fmt.Sprintf("2026-03-0%dT09:00:00Z", n+1))
	}
	order := `<m:SortOrder><t:FieldOrder Order="Ascending"><t:FieldURI FieldURI="calendar:Start"/></t:FieldOrder></m:SortOrder>`
	for _, c := range []struct{ view, want, next, last string }{
		{`<m:IndexedPageItemView MaxEntriesReturned="3" Offset="0" BasePoint="Beginning"/>`, "[s0 s1 s2]", "3", "false"},
		{`<m:IndexedPageItemView MaxEntriesReturned="3" Offset="6" BasePoint="Beginning"/>`, "[s6]", "7", "true"},
		{`<m:IndexedPageItemView MaxEntriesReturned="3" Offset="60" BasePoint="Beginning"/>`, "[]", "7", "true"},
		{`<m:IndexedPageItemView MaxEntriesReturned="3" Offset="0" BasePoint="End"/>`, "[s4 s5 s6]", "3", "false"},
		{`<m:IndexedPageItemView MaxEntriesReturned="5" Offset="3" BasePoint="End"/>`, "[s0 s1 s2 s3]", "7", "true"},
		{`<m:FractionalPageItemView MaxEntriesReturned="2" Numerator="1" Denominator="2"/>`, "[s3 s4]", "5", "false"},
		{``, "[s0 s1 s2 s3 s4 s5 s6]", "7", "true"},
	} {
		got, root := alice.find("calendar", c.view, order)
		equal(t, c.view+fmt.Sprint(got)+root.attr("IndexedPagingOffset")+root.attr("IncludesLastItemInRange")+root.attr("TotalItemsInView"), c.view+c.want+c.next+c.last+"7")
	}
	plain, root := alice.find("calendar", `<m:IndexedPageItemView MaxEntriesReturned="2" Offset="1" BasePoint="Beginning"/>`)
	equal(t, fmt.Sprint(plain)+root.attr("IndexedPagingOffset"), "[s5 s4]3") // the newest first
	equal(t, alice.refused(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:IndexedPageItemView Offset="-1" BasePoint="Beginning"/><m:ParentFolderIds>`+folderID("calendar")+`</m:ParentFolderIds></m:FindItem>`), errorSchemaValidation)
}

func TestRestrictions(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	own := `<t:ExtendedFieldURI PropertySetId="c11ff724-aa03-4555-9952-8fa248a11c3e" PropertyName="Stamp" PropertyType="String"/>`
	flags := `<t:ExtendedFieldURI PropertySetId="c11ff724-aa03-4555-9952-8fa248a11c3e" PropertyName="Flags" PropertyType="Integer"/>`
	alice.create(`<t:Subject>Alpha beta</t:Subject><t:Categories><t:String>red</t:String><t:String>blue</t:String></t:Categories><t:ExtendedProperty>` + own + `<t:Value>abc</t:Value></t:ExtendedProperty>` +
		`<t:ExtendedProperty>` + flags + `<t:Value>5</t:Value></t:ExtendedProperty><t:Start>2026-03-03T09:00:00Z</t:Start><t:End>2026-03-03T10:00:00Z</t:End>`)
	alice.create(`<t:Subject>gamma</t:Subject><t:Start>2026-03-04T09:00:00Z</t:Start><t:End>2026-03-04T10:00:00Z</t:End><t:Location>beta</t:Location>`)
	alice.create(weekly("series", 3))
	field := func(uri string) string { return `<t:FieldURI FieldURI="` + uri + `"/>` }
	cmp := func(op, path, value string) string {
		return `<t:` + op + `>` + path + `<t:FieldURIOrConstant><t:Constant Value="` + value + `"/></t:FieldURIOrConstant></t:` + op + `>`
	}
	contains := func(mode, comparison, path, value string) string {
		return `<t:Contains ContainmentMode="` + mode + `" ContainmentComparison="` + comparison + `">` + path + `<t:Constant Value="` + value + `"/></t:Contains>`
	}
	recurring := `<t:ExtendedFieldURI DistinguishedPropertySetId="Appointment" PropertyId="33315" PropertyType="Boolean"/>`
	subject, start := field("item:Subject"), field("calendar:Start")
	for _, c := range []struct{ where, want string }{
		{cmp("IsEqualTo", subject, "GAMMA"), "[gamma]"},
		{cmp("IsNotEqualTo", subject, "gamma"), "[Alpha beta series]"},
		{cmp("IsGreaterThan", start, "2026-03-03T09:00:00Z"), "[gamma]"},
		{cmp("IsGreaterThanOrEqualTo", start, "2026-03-04T10:00:00+01:00"), "[gamma]"},
		{cmp("IsLessThan", start, "2026-03-04T09:00:00Z"), "[Alpha beta series]"},
		{cmp("IsLessThanOrEqualTo", start, "2026-03-04T09:00:00Z"), "[Alpha beta gamma series]"},
		{contains("Substring", "IgnoreCase", subject, "ALPHA"), "[Alpha beta]"},
		{contains("Substring", "Exact", subject, "ALPHA"), "[]"},
		{contains("Prefixed", "IgnoreCase", subject, "alp"), "[Alpha beta]"},
		{contains("PrefixOnWords", "IgnoreCase", subject, "bet"), "[Alpha beta]"},
		{contains("ExactPhrase", "IgnoreCase", subject, "alpha beta"), "[Alpha beta]"},
		{contains("FullString", "IgnoreCase", subject, "gamma"), "[gamma]"},
		{contains("FullString", "Exact", field("item:Categories"), "blue"), "[Alpha beta]"},
		{cmp("IsEqualTo", own, "abc"), "[Alpha beta]"},
		{`<t:Exists>` + own + `</t:Exists>`, "[Alpha beta]"},
		{`<t:Not><t:Exists>` + own + `</t:Exists></t:Not>`, "[gamma series]"},
		{`<t:Excludes>` + flags + `<t:Bitmask Value="0x4"/></t:Excludes>`, "[gamma series]"},
		{`<t:Excludes>` + flags + `<t:Bitmask Value="2"/></t:Excludes>`, "[Alpha beta gamma series]"},
		{cmp("IsEqualTo", recurring, "true"), "[series]"},
		{cmp("IsEqualTo", recurring, "0"), "[Alpha beta gamma]"},
		{cmp("IsEqualTo", `<t:ExtendedFieldURI DistinguishedPropertySetId="PublicStrings" PropertyName="urn:schemas:calendar:instancetype" PropertyType="Integer"/>`, "1"), "[series]"},
		{`<t:And>` + cmp("IsLessThan", start, "2026-03-04T00:00:00Z") + cmp("IsEqualTo", recurring, "false") + `</t:And>`, "[Alpha beta]"},
		{`<t:Or>` + cmp("IsEqualTo", subject, "gamma") + cmp("IsEqualTo", subject, "series") + `</t:Or>`, "[gamma series]"},
		{`<t:IsEqualTo>` + field("item:Subject") + `<t:FieldURIOrConstant>` + field("calendar:Location") + `</t:FieldURIOrConstant></t:IsEqualTo>`, "[]"},
		{cmp("IsEqualTo", field("calendar:Location"), "beta"), "[gamma]"},
	} {
		got, _ := alice.find("calendar", `<m:Restriction>`+c.where+`</m:Restriction>`, `<m:SortOrder><t:FieldOrder Order="Ascending">`+subject+`</t:FieldOrder></m:SortOrder>`)
		equal(t, c.where+fmt.Sprint(got), c.where+c.want)
	}
	words, _ := alice.find("calendar", ``)
	equal(t, len(words), 3)
	for name, bad := range map[string]string{"empty": ``, "two": cmp("IsEqualTo", subject, "a") + cmp("IsEqualTo", subject, "b"), "and": `<t:And>` + cmp("IsEqualTo", subject, "a") + `</t:And>`, "operator": `<t:Resembles>` + subject + `</t:Resembles>`,
		"no operand": `<t:IsEqualTo>` + subject + `</t:IsEqualTo>`, "mask": `<t:Excludes>` + flags + `<t:Bitmask Value="x"/></t:Excludes>`, "no path": `<t:Exists/>`} {
		body := `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:Restriction>` + bad + `</m:Restriction><m:ParentFolderIds>` + folderID("calendar") + `</m:ParentFolderIds></m:FindItem>`
		if code := alice.refused(body); code != errorSchemaValidation {
			t.Errorf("%s: %s", name, code)
		}
	}
	equal(t, alice.refused(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:CalendarView StartDate="2026-03-03T00:00:00Z" EndDate="2026-03-04T00:00:00Z"/><m:Restriction>`+cmp("IsEqualTo", subject, "a")+
		`</m:Restriction><m:ParentFolderIds>`+folderID("calendar")+`</m:ParentFolderIds></m:FindItem>`), "ErrorInvalidRequest")
}

func TestOrderGroupsAndWords(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	for _, s := range []string{"b 2026-03-03T09:00:00Z", "a 2026-03-04T09:00:00Z", "b 2026-03-05T09:00:00Z"} {
		subject, start, _ := strings.Cut(s, " ")
		alice.meet(subject, start)
	}
	_, root := alice.find("calendar", `<m:SortOrder><t:FieldOrder Order="Ascending"><t:FieldURI FieldURI="item:Subject"/></t:FieldOrder><t:FieldOrder Order="Descending"><t:FieldURI FieldURI="calendar:Start"/></t:FieldOrder></m:SortOrder>`)
	var got []string
	for _, i := range root.kid("Items").Kids {
		got = append(got, i.text("Subject")+i.text("Start")[8:10])
	}
	equal(t, got, "[a04 b05 b03]")
	_, root = alice.find("calendar", `<m:GroupBy Order="Descending"><t:FieldURI FieldURI="item:Subject"/><t:AggregateOn Aggregate="Maximum"><t:FieldURI FieldURI="item:Subject"/></t:AggregateOn></m:GroupBy>`)
	got = nil
	for _, g := range root.kid("Groups").Kids {
		got = append(got, g.text("GroupIndex")+itoa(len(g.kid("Items").Kids)))
	}
	equal(t, got, "[b2 a1]")
	words := alice.ok(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ParentFolderIds>` + folderID("calendar") + `</m:ParentFolderIds><m:QueryString>subject:A</m:QueryString></m:FindItem>`)
	equal(t, words.kid("RootFolder").attr("TotalItemsInView"), 1)
	none := alice.ok(`<m:FindItem Traversal="SoftDeleted"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ParentFolderIds>` + folderID("calendar") + `</m:ParentFolderIds></m:FindItem>`)
	equal(t, none.kid("RootFolder").attr("TotalItemsInView"), 0)
}
