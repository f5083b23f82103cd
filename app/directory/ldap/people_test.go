package ldap_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"portico/app/directory/ldap"
	"portico/app/portal"
)

// jpeg and png begin as pictures do.
const (
	jpegHead = "\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01"
	pngHead  = "\x89PNG\r\n\x1a\n\x00\x00"
)

func binary(name, value string) string {
	return name + ":: " + base64.StdEncoding.EncodeToString([]byte(value))
}

// small is a directory of a few people and groups.
func small() string {
	return worker("anna", "Anna Ångström", binary("displayName", "Anna  Ångström"), "mail: anna.office@elsewhere.test", "mail: anna@example.test", "title: Chief", "departmentNumber: Sales",
		"o: Example Ltd", "physicalDeliveryOfficeName: Berlin 4", "telephoneNumber: +49 30 1", "telephoneNumber: +49 30 2", "mobile: +49 170 1", "homePhone: none", binary("jpegPhoto", jpegHead+strings.Repeat("x", 1000))) +
		worker("ben", "Ben Brown", "mail: BEN@Example.TEST", "manager: UID=anna, ou=People,  dc=example,dc=test", binary("jpegPhoto", "no picture")) +
		worker("cleo", "Cleo Clark", "mail: cleo@example.test", "manager: uid=gone,"+base) +
		worker("dan", "Dan Elsewhere", "mail: dan@elsewhere.test") +
		worker("nomail", "No Mail") +
		worker("double", "Second Ben", "mail: ben@example.test") +
		worker("odd", "Odd One", "mail: odd one@example.test", "mail: <odd@example.test>") +
		entry("cn=sales,"+base, "objectClass: groupOfNames", "objectClass: extensibleObject", "cn: Sales", "mail: sales@lists.test",
			"member: uid=anna,ou=people,"+base, "member: UID=Ben,ou=people,"+base, "member: cn=inner,"+base, "member: uid=gone,"+base, "member: uid=dan,ou=people,"+base) +
		entry("cn=inner,"+base, "objectClass: groupOfNames", "cn: inner", "member: cn=sales,"+base, "member: uid=cleo,ou=people,"+base, "member: uid=anna,ou=people,"+base) +
		entry("cn=nomail,"+base, "objectClass: groupOfNames", "cn: nomail", "member: uid=anna,ou=people,"+base)
}

func TestPeopleOfAnInetOrgPersonDirectory(t *testing.T) {
	s := startSlapd(t, settings{}, small()+numbered(1000, thousandth))
	d := s.directory(nil)
	people, err := d.People(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := d.LastReading()
	// Dan, nomail, odd and two of the groups have no address; the second Ben is one too many.
	if len(people) != 1004 || r.People != 1003 || r.Groups != 1 || r.NoAddress != 5 || r.Doubles != 1 || r.Managers != 1 {
		t.Fatalf("%d people, %d and %d groups, %d without address, %d doubles, %d managers", len(people), r.People, r.Groups, r.NoAddress, r.Doubles, r.Managers)
	}
	by := byURI(people)
	want := portal.Person{URI: "sip:anna@example.test", DisplayName: "Anna Ångström", Email: "anna.office@elsewhere.test", Title: "Chief", Department: "Sales", Company: "Example Ltd", Office: "Berlin 4",
		Phones:  []string{"+49 30 1", "+49 30 2", "+49 170 1"},
		Numbers: []portal.Number{{Kind: "work", Number: "+49 30 1"}, {Kind: "work", Number: "+49 30 2"}, {Kind: "mobile", Number: "+49 170 1"}}}
	if got := by["sip:anna@example.test"]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("anna is\n%+v, not\n%+v", got, want)
	}
	if ben := by["sip:ben@example.test"]; ben.Manager != "sip:anna@example.test" || ben.DisplayName != "Ben Brown" {
		t.Errorf("ben: %+v", ben)
	}
	if by["sip:cleo@example.test"].Manager != "" {
		t.Error("somebody who is not there is a manager")
	}
	if g := by["sip:sales@lists.test"]; !g.Group || g.DisplayName != "Sales" || g.Email != "sales@lists.test" {
		t.Errorf("the group: %+v", g)
	}
	if d.Name() != "ldap" {
		t.Errorf("it is called %q", d.Name())
	}
}

func TestPeopleOfActiveDirectory(t *testing.T) {
	user := func(account, name string, lines ...string) string {
		_, surname, _ := strings.Cut(name, " ")
		return entry("cn="+name+",ou=people,"+base, append([]string{"objectClass: user", "objectCategory: person", "cn: " + name, "sn: " + surname, "sAMAccountName: " + account,
			"userPrincipalName: " + account + "@corp.test", "userPassword: pw-" + account}, lines...)...)
	}
	s := startSlapd(t, settings{}, user("anna", "Anna Adams", "userAccountControl: 512", "msRTCSIP-PrimaryUserAddress: sip:Anna.Adams@example.test", "mail: adams@corp.test",
		"department: Sales", "company: Example", "proxyAddresses: sip:other@example.test", binary("thumbnailPhoto", jpegHead))+
		user("ben", "Ben Brown", "userAccountControl: 512", "proxyAddresses: smtp:b.brown@corp.test", "proxyAddresses: SIP:ben@example.test", "proxyAddresses: SMTP:ben.brown@corp.test",
			"manager: cn=Anna Adams,ou=people,"+base, "otherTelephone: tel:+49 30 7", "telephoneNumber: 77")+
		user("cleo", "Cleo Clark", "userAccountControl: 512", "proxyAddresses: smtp:cleo@example.test")+
		user("left", "Left Long", "userAccountControl: 514", "mail: left@example.test")+
		entry("cn=All,"+base, "objectClass: group", "objectCategory: group", "cn: All", "mail: all@example.test", "member: cn=Anna Adams,ou=people,"+base, "member: cn=Left Long,ou=people,"+base)+
		entry("cn=Admins,"+base, "objectClass: group", "objectCategory: group", "cn: Admins"))
	d := s.directory(func(c *ldap.Config, _ *ldap.Options) { c.Preset, c.Name = ldap.PresetAD, "corp" })
	people, err := d.People(t.Context())
	if err != nil || len(people) != 4 || d.Name() != "corp" {
		t.Fatalf("%d people, %v", len(people), err)
	}
	by := byURI(people)
	if a := by["sip:Anna.Adams@example.test"]; a.Email != "adams@corp.test" || a.Department != "Sales" || a.Company != "Example" {
		t.Errorf("anna: %+v", a)
	}
	if b := by["sip:ben@example.test"]; b.Email != "ben.brown@corp.test" || b.Manager != "sip:Anna.Adams@example.test" || !slices.Equal(b.Phones, []string{"77", "+49 30 7"}) {
		t.Errorf("ben: %+v", b)
	}
	if by["sip:cleo@example.test"].DisplayName != "Cleo Clark" || !by["sip:all@example.test"].Group {
		t.Errorf("read: %+v", by)
	}
	members, err := d.Members(t.Context(), "sip:all@example.test")
	if err != nil || len(members) != 1 || members[0].DisplayName != "Anna Adams" { // who is disabled is nobody
		t.Errorf("members: %+v, %v", members, err)
	}
	if data, kind, err := d.Photo(t.Context(), "sip:Anna.Adams@example.test"); err != nil || kind != "image/jpeg" || string(data) != jpegHead {
		t.Errorf("photo: %q %q %v", data, kind, err)
	}
	for login, want := range map[string]portal.Address{`CORP\anna`: "sip:Anna.Adams@example.test", "anna": "sip:Anna.Adams@example.test", "anna@corp.test": "sip:Anna.Adams@example.test",
		"adams@corp.test": "sip:Anna.Adams@example.test", "sip:Anna.Adams@example.test": "sip:Anna.Adams@example.test", "sip:other@example.test": "sip:Anna.Adams@example.test"} {
		if who, err := d.Check(t.Context(), login, "pw-anna"); err != nil || who != want {
			t.Errorf("%s is %q, %v", login, who, err)
		}
	}
}

// What a directory calls its attributes can be told, and addresses are completed.
func TestAttributesByTheConfiguration(t *testing.T) {
	s := startSlapd(t, settings{}, worker("anna", "Anna A", "employeeType: Boss", "mail: anna@corp.test", "description: x")+worker("ben", "Ben B", "employeeType: Clerk"))
	d := s.directory(func(c *ldap.Config, _ *ldap.Options) {
		c.Attributes = map[string]string{ldap.AttrSIP: "uid", ldap.AttrTitle: "employeeType", ldap.AttrMail: "-"}
		c.Filter, c.GroupFilter = "(&(objectClass=inetOrgPerson)(employeeType=Boss))", "-"
	})
	people, err := d.People(t.Context())
	if err != nil || len(people) != 1 || people[0].URI != "sip:anna@example.test" || people[0].Title != "Boss" || people[0].Email != "" {
		t.Errorf("%+v, %v", people, err)
	}
	// Who is not in the address book may sign in all the same.
	for _, login := range []string{"ben", "ben@example.test"} {
		if who, err := d.Check(t.Context(), login, "pw-ben"); err != nil || who != "sip:ben@example.test" {
			t.Errorf("%s is %q, %v", login, who, err)
		}
	}
	if _, err := d.Members(t.Context(), "sip:x@example.test"); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("a group of a directory without groups: %v", err)
	}
}

func TestPhotosAndMembers(t *testing.T) {
	s := startSlapd(t, settings{}, small())
	d := s.directory(func(_ *ldap.Config, o *ldap.Options) { o.MaxPhoto = 2000 })
	photo := func(who portal.Address) error { _, _, err := d.Photo(t.Context(), who); return err }
	data, kind, err := d.Photo(t.Context(), "sip:anna@example.test")
	if err != nil || kind != "image/jpeg" || len(data) != len(jpegHead)+1000 {
		t.Errorf("%d bytes of %q, %v", len(data), kind, err)
	}
	for _, who := range []portal.Address{"sip:ben@example.test", "sip:cleo@example.test", "sip:nobody@example.test", "sip:anna*@example.test", "sip:sales@lists.test"} {
		wants(t, string(who), photo(who), portal.ErrNotFound, "directory.photo")
	}
	tight := s.directory(func(_ *ldap.Config, o *ldap.Options) { o.MaxPhoto = 500 })
	if _, _, err := tight.Photo(t.Context(), "sip:anna@example.test"); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("a picture that is too large: %v", err)
	}
	// Before the first reading and after it; groups hold each other.
	for range 2 {
		members, err := d.Members(t.Context(), "sip:sales@lists.test")
		var names []string
		for _, m := range members {
			names = append(names, m.DisplayName)
		}
		if err != nil || strings.Join(names, ", ") != "Anna Ångström, Ben Brown, Cleo Clark" {
			t.Errorf("members: %v, %v", names, err)
		}
		if _, err := d.People(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	few := s.directory(func(_ *ldap.Config, o *ldap.Options) { o.MaxMembers = 2 })
	if members, err := few.Members(t.Context(), "sip:sales@lists.test"); err != nil || len(members) != 2 {
		t.Errorf("bounded: %+v, %v", members, err)
	}
	_, err = d.Members(t.Context(), "sip:nosuch@lists.test")
	wants(t, "no such group", err, portal.ErrNotFound, "directory.group")
	_, err = d.Members(t.Context(), "sip:anna@example.test")
	wants(t, "a person", err, portal.ErrNotFound, "directory.group")
}

// A directory gives a hundred entries at once; pages go on. What it does not give is not taken for all there is.
func TestPages(t *testing.T) {
	s := startSlapd(t, settings{}, numbered(250, thousandth))
	d := s.directory(func(_ *ldap.Config, o *ldap.Options) { o.PageSize = 7 })
	if people, err := d.People(t.Context()); err != nil || len(people) != 250 {
		t.Errorf("%d people, %v", len(people), err)
	}
	for what, d := range map[string]*ldap.Directory{
		"more than are allowed":              s.directory(func(_ *ldap.Config, o *ldap.Options) { o.MaxEntries = 249 }),
		"pages larger than the server gives": s.directory(func(_ *ldap.Config, o *ldap.Options) { o.PageSize = 500 }),
	} {
		people, err := d.People(t.Context())
		if what == "more than are allowed" || err != nil {
			wants(t, what, err, portal.ErrUnavailable, "directory.ldap")
			if people != nil {
				t.Errorf("%s: %d people all the same", what, len(people))
			}
		} else if len(people) != 250 {
			t.Errorf("%s: %d people", what, len(people))
		}
	}
	limited := startSlapd(t, settings{limits: "size.soft=100 size.hard=100 size.pr=50 size.prtotal=100"}, numbered(250, thousandth))
	people, err := limited.directory(func(_ *ldap.Config, o *ldap.Options) { o.PageSize = 50 }).People(t.Context())
	wants(t, "a server that gives a hundred in all", err, portal.ErrUnavailable, "directory.ldap")
	if people != nil {
		t.Errorf("%d people all the same", len(people))
	}
}

// An account that may not read sees nobody; nobody's address book is emptied by that.
func TestADirectoryThatShowsNobody(t *testing.T) {
	s := startSlapd(t, settings{}, small())
	for what, change := range map[string]func(*ldap.Config, *ldap.Options){
		"anonymous":     func(c *ldap.Config, _ *ldap.Options) { c.BindDN, c.BindPassword = "", "" },
		"another class": func(c *ldap.Config, _ *ldap.Options) { c.Filter = "(objectClass=device)" },
	} {
		people, err := s.directory(change).People(t.Context())
		wants(t, what, err, portal.ErrUnavailable, "directory.ldap")
		if people != nil {
			t.Errorf("%s: %d people", what, len(people))
		}
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	s := startSlapd(t, settings{}, small())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.directory(nil).People(ctx)
	wants(t, "ended before", err, portal.ErrUnavailable, "directory.ldap")
	s.set(func(d *door) { d.mute = true })
	ctx, cancel = context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { _, err := s.directory(nil).People(ctx); done <- err }()
	eventually(t, "somebody asks", func() bool { return s.count() > 0 })
	cancel()
	wants(t, "ended meanwhile", <-done, portal.ErrUnavailable, "directory.ldap")
}

// BenchmarkReading reads a directory of 20,000 people.
func BenchmarkReading(b *testing.B) {
	s := startSlapd(b, settings{}, numbered(20_000, thousandth))
	d := s.directory(func(_ *ldap.Config, o *ldap.Options) { o.PageSize = 500 })
	for b.Loop() {
		people, err := d.People(b.Context())
		if err != nil || len(people) != 20_000 {
			b.Fatalf("%d people, %v", len(people), err)
		}
	}
	b.ReportMetric(20_000*float64(b.N)/b.Elapsed().Seconds(), "people/s")
}
