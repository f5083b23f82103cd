package ewslab

import (
	"bytes"
	"encoding/base64"
	"image/jpeg"
	"io"
	"net/http"
	"strings"
	"testing"
)

func resolve(typed, attrs string) string {
	return `<m:ResolveNames ReturnFullContactData="true"` + attrs + `><m:UnresolvedEntry>` + typed + `</m:UnresolvedEntry></m:ResolveNames>`
}

func TestResolveNames(t *testing.T) {
	l := example(t)
	alice := l.as("alice")
	found := func(typed string) string {
		msg := alice.do(resolve(typed, "")).kid("ResponseMessages").Kids[0]
		var out []string
		for _, r := range msg.kid("ResolutionSet").kids() {
			user, _, _ := strings.Cut(r.text("Mailbox", "EmailAddress"), "@")
			out = append(out, user)
		}
		return msg.attr("ResponseClass") + " " + msg.text("ResponseCode") + " " + strings.Join(out, " ")
	}
	for typed, want := range map[string]string{
		"bob":                   "Success NoError bob",
		"Brown":                 "Success NoError bob",
		"smtp:BOB@example.test": "Success NoError bob",
		"=bob":                  "Success NoError bob",
		"=bo":                   "Error ErrorNameResolutionNoResults ",
		"konig":                 "Success NoError karl",
		"König":                 "Success NoError karl",
		"sales":                 "Success NoError sales",
		"Studio":                "Warning ErrorNameResolutionMultipleResults studio1 studio2 studios",
		"zzz":                   "Error ErrorNameResolutionNoResults ",
		" ":                     "Error ErrorInvalidNameForNameResolution ",
	} {
		equal(t, typed+": "+found(typed), typed+": "+want)
	}
	c := alice.ok(resolve("bob", ` ContactDataShape="AllProperties"`)).kid("ResolutionSet", "Resolution", "Contact")
	equal(t, strings.Join([]string{c.text("GivenName"), c.text("Surname"), c.text("JobTitle"), c.text("Department"), c.text("OfficeLocation"), c.text("PhoneNumbers", "Entry"),
		c.text("ManagerMailbox", "Mailbox", "EmailAddress")}, "|"), "Bob|Brown|Account Manager|Sales|Berlin 4.02|+49 30 5550 102|alice@example.test")
	c = alice.ok(resolve("alice", ` ContactDataShape="AllProperties"`)).kid("ResolutionSet", "Resolution", "Contact")
	equal(t, len(c.kid("DirectReports").kids()), 4)
	equal(t, alice.ok(resolve("sales", "")).text("ResolutionSet", "Resolution", "Mailbox", "MailboxType"), "PublicDL")
}

func TestResolveOwnContacts(t *testing.T) {
	l := example(t)
	alice := l.as("alice")
	alice.ok(`<m:CreateItem><m:Items><t:Contact><t:DisplayName>Zoe Zimmer</t:DisplayName><t:EmailAddresses><t:Entry Key="EmailAddress1">zoe@elsewhere.test</t:Entry></t:EmailAddresses></t:Contact></m:Items></m:CreateItem>`)
	got := alice.ok(resolve("Zimmer", "")).kid("ResolutionSet", "Resolution")
	equal(t, got.text("Mailbox", "EmailAddress")+" "+got.text("Mailbox", "MailboxType")+" "+got.text("Contact", "ContactSource"), "zoe@elsewhere.test Contact Store")
	equal(t, l.as("bob").code(resolve("Zimmer", "")), "ErrorNameResolutionNoResults")
	equal(t, alice.code(resolve("Zimmer", ` SearchScope="ActiveDirectory"`)), "ErrorNameResolutionNoResults")
	equal(t, alice.code(resolve("bob", ` SearchScope="Contacts"`)), "ErrorNameResolutionNoResults")
}

func TestListsAndRooms(t *testing.T) {
	l := example(t, func(c *Config) {
		c.People = append(c.People, Person{User: "all", Name: "All", List: []string{"sales", "erin"}})
	})
	alice := l.as("alice")
	expand := func(list string) *node {
		return alice.do(`<m:ExpandDL><m:Mailbox><t:EmailAddress>` + list + `@example.test</t:EmailAddress></m:Mailbox></m:ExpandDL>`).kid("ResponseMessages").Kids[0]
	}
	var members []string
	for _, box := range expand("all").kid("DLExpansion").kids() {
		members = append(members, box.text("EmailAddress")+" "+box.text("MailboxType"))
	}
	equal(t, strings.Join(members, ", "), "sales@example.test PublicDL, erin@example.test Mailbox")
	equal(t, expand("bob").text("ResponseCode")+" "+expand("nothing").text("ResponseCode"), "ErrorNameResolutionNoResults ErrorNameResolutionNoResults")
	equal(t, alice.do(`<m:GetRoomLists/>`).text("RoomLists", "Address", "EmailAddress"), "studios@example.test")
	rooms := func(list string) *node {
		return alice.do(`<m:GetRooms><m:RoomList><t:EmailAddress>` + list + `@example.test</t:EmailAddress></m:RoomList></m:GetRooms>`)
	}
	var names []string
	for _, r := range rooms("studios").kid("Rooms").kids() {
		names = append(names, r.text("Id", "Name"))
	}
	equal(t, strings.Join(names, ", "), "Studio 1, Studio 2")
	equal(t, rooms("sales").text("ResponseCode"), "ErrorNameResolutionNoResults")
}

func TestPersonas(t *testing.T) {
	l := example(t)
	alice := l.as("alice")
	find := func(more, query string) *node {
		return alice.do(`<m:FindPeople><m:IndexedPageItemView MaxEntriesReturned="2" Offset="1" BasePoint="Beginning"/>` + more + `<m:ParentFolderId><t:DistinguishedFolderId Id="directory"/></m:ParentFolderId>` + query + `</m:FindPeople>`)
	}
	got := find("", `<m:QueryString>Studio</m:QueryString>`)
	equal(t, got.text("TotalNumberOfPeopleInView")+" "+got.text("People", "Persona", "DisplayName")+" "+got.text("People", "Persona", "PersonaType"), "3 Studio 2 Room")
	contains := func(field, value string) string {
		return `<t:Contains ContainmentMode="Substring" ContainmentComparison="IgnoreCase"><t:FieldURI FieldURI="` + field + `"/><t:Constant Value="` + value + `"/></t:Contains>`
	}
	got = find(`<m:Restriction><t:And>`+contains("persona:Departments", "sale")+`<t:Not>`+contains("persona:DisplayName", "adams")+`</t:Not></t:And></m:Restriction>`, "")
	equal(t, got.text("TotalNumberOfPeopleInView"), "4")
	got = find(`<m:Restriction><t:Or><t:IsEqualTo><t:FieldURI FieldURI="persona:EmailAddress"/><t:FieldURIOrConstant><t:Constant Value="Erin@example.test"/></t:FieldURIOrConstant></t:IsEqualTo>`+
		contains("persona:Title", "support engineer")+`</t:Or></m:Restriction>`, "")
	equal(t, got.text("TotalNumberOfPeopleInView")+" "+got.text("People", "Persona", "DisplayName"), "2 Ivan Ivanov")
	id := got.kid("People", "Persona", "PersonaId").attr("Id")
	one := alice.do(`<m:GetPersona><m:PersonaId Id="` + id + `"/></m:GetPersona>`).kid("Persona")
	equal(t, one.text("DisplayName")+" "+one.text("Title")+" "+one.text("EmailAddress", "EmailAddress"), "Ivan Ivanov Support Engineer ivan@example.test")
	equal(t, alice.do(`<m:GetPersona><m:EmailAddress><t:EmailAddress>bob@example.test</t:EmailAddress></m:EmailAddress></m:GetPersona>`).text("Persona", "Surname"), "Brown")
	equal(t, alice.refused(`<m:GetPersona><m:PersonaId Id="AAAA"/></m:GetPersona>`), "ErrorItemNotFound")
}

// What a shape names is told with its source; without a shape it is not.
func TestPersonasAsTheShapeAsks(t *testing.T) {
	l := example(t, func(c *Config) {
		c.People = append(c.People, Person{User: "tess", Name: "Tess Tone", Password: "portico", Office: "Berlin 1", Phones: []string{"+49 1", "+49 2", "+49 3"}})
	})
	find := func(shape string) *node {
		return l.as("alice").do(`<m:FindPeople>`+shape+`<m:IndexedPageItemView MaxEntriesReturned="5" Offset="0" BasePoint="Beginning"/><m:QueryString>Tess</m:QueryString></m:FindPeople>`).kid("People", "Persona")
	}
	plain := find("")
	equal(t, plain.text("ImAddress")+" "+plain.text("Location"), "sip:tess@example.test Berlin 1")
	equal(t, len(plain.all("Attributions"))+len(plain.all("BusinessPhoneNumbers")), 0)
	full := find(`<m:PersonaShape><t:BaseShape>Default</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="persona:BusinessPhoneNumbers"/><t:FieldURI FieldURI="persona:HomePhones"/>` +
		`<t:FieldURI FieldURI="persona:OfficeLocations"/></t:AdditionalProperties></m:PersonaShape>`)
	number := func(list string) string {
		v := full.kid(list, "PhoneNumberAttributedValue")
		return v.text("Value", "Number") + " " + v.text("Value", "Type") + " " + v.text("Attributions", "Attribution")
	}
	equal(t, number("BusinessPhoneNumbers")+"|"+number("HomePhones"), "+49 1 Business 0|+49 3 Home 0")
	equal(t, len(full.all("MobilePhones")), 0) // not asked for
	equal(t, full.text("OfficeLocations", "StringAttributedValue", "Value")+" "+full.text("Attributions", "Attribution", "DisplayName"), "Berlin 1 Global Address List")
}

func TestPhotos(t *testing.T) {
	l := example(t)
	alice := l.as("alice")
	ask := func(who, size string) *node {
		return alice.do(`<m:GetUserPhoto><m:Email>` + who + `@example.test</m:Email><m:SizeRequested>` + size + `</m:SizeRequested></m:GetUserPhoto>`)
	}
	data, err := base64.StdEncoding.DecodeString(ask("bob", "HR96x96").text("PictureData"))
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil || img.Bounds().Dx() != 96 || img.Bounds().Dy() != 96 {
		t.Errorf("%v, %v", img, err)
	}
	equal(t, ask("nobody", "HR96x96").text("ResponseCode")+" "+ask("studio1", "HR96x96").text("ResponseCode"), "ErrorRecipientNotFound ErrorItemNotFound")
	get := func(query, tag string) (int, string, string) {
		t.Helper()
		req, err := http.NewRequest(http.MethodGet, l.URL()+"/s/GetUserPhoto?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("alice", "portico")
		req.Header.Set("If-None-Match", tag)
		resp, err := l.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if closeErr := resp.Body.Close(); err != nil || closeErr != nil {
			t.Fatal(err, closeErr)
		}
		return resp.StatusCode, resp.Header.Get("ETag"), string(body)
	}
	status, tag, body := get("email=bob@example.test&size=HR96X96", "")
	if status != http.StatusOK || body != string(data) {
		t.Errorf("status %d, the same picture: %v", status, body == string(data))
	}
	if status, _, _ := get("email=bob@example.test&size=HR96X96", tag); status != http.StatusNotModified {
		t.Errorf("status %d", status)
	}
	// A size that there is not gives the largest.
	if _, _, body := get("email=bob@example.test&size=HR100x100", ""); len(body) <= len(data) {
		t.Error("the largest is not larger")
	}
	for _, query := range []string{"email=nobody@example.test&size=HR48x48", "email=studio1@example.test&size=HR48x48", "email=bob@example.test&size=big"} {
		if status, _, _ := get(query, ""); status != http.StatusNotFound {
			t.Errorf("%s: status %d", query, status)
		}
	}
	resp, err := l.client.Get(l.URL() + "/s/GetUserPhoto?email=bob@example.test&size=HR48x48")
	if err != nil || resp.StatusCode != http.StatusUnauthorized || resp.Body.Close() != nil {
		t.Errorf("%v, %v", resp, err)
	}
}
