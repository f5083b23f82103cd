package ews

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"portico/app/ews/ewslab"
	"portico/app/ews/soap"
	"portico/app/portal"
)

// The address book as a whole, a person's own contacts, and the record of what is said.

// organisation is a lab with people who have cards, one who has no address of ours, a room and lists.
func organisation(t *testing.T, change func(*ewslab.Config)) *peer {
	t.Helper()
	return newPeer(t, func(c *ewslab.Config) {
		c.People = append(c.People, ewslab.Person{User: "erin", Name: "Erin  Évans", Password: "portico", Title: "Chief", Department: "Sales", Office: "Berlin 4.02",
			Phones: []string{"+49 30 5550 105", "+49 170 5550 105", "+49 30 5550 999"}, Manager: "alice"})
		if change != nil {
			change(c)
		}
	})
}

func sorted(people []portal.Person) []portal.Person {
	slices.SortFunc(people, func(a, b portal.Person) int { return cmp.Compare(a.URI, b.URI) })
	return people
}

func find(people []portal.Person, who portal.Address) portal.Person {
	for _, p := range people {
		if p.URI == who {
			return p
		}
	}
	return portal.Person{}
}

func checkBook(t *testing.T, p *peer, people []portal.Person) {
	t.Helper()
	erin := find(people, p.person("erin"))
	want := portal.Person{URI: p.person("erin"), DisplayName: "Erin Évans", Email: p.email("erin"), Title: "Chief", Department: "Sales", Office: "Berlin 4.02", Manager: p.person("alice"),
		Phones:  []string{"+49 30 5550 105", "+49 170 5550 105", "+49 30 5550 999"},
		Numbers: []portal.Number{{Kind: "work", Number: "+49 30 5550 105"}, {Kind: "mobile", Number: "+49 170 5550 105"}, {Kind: "home", Number: "+49 30 5550 999"}}}
	if fmt.Sprint(erin) != fmt.Sprint(want) {
		t.Errorf("erin is\n%+v, not\n%+v", erin, want)
	}
	if team := find(people, p.person("team")); !team.Group || team.Email != p.email("team") || team.DisplayName != "Team" {
		t.Errorf("the list: %+v", team)
	}
	if room := find(people, p.person("room1")); room.URI != "" {
		t.Errorf("a room is in the address book: %+v", room)
	}
}

func TestTheWholeAddressBook(t *testing.T) {
	p := organisation(t, nil)
	c := p.connector(t, nil)
	people, err := c.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	checkBook(t, p, people)
	if len(people) != 7 { // alice bob carol dave erin, team inner
		t.Errorf("%d entries: %+v", len(people), sorted(people))
	}
	again, err := c.Directory(t.Context())
	if err != nil || fmt.Sprint(again) != fmt.Sprint(people) {
		t.Errorf("a second reading differs: %v\n%+v\n%+v", err, again, people)
	}
	// On behalf of a person, and of nobody.
	who := p.person("bob")
	read := p.connector(t, func(o *Options) { o.Reader = func() portal.Address { return who } })
	if theirs, err := read.Directory(t.Context()); err != nil || len(theirs) != 7 {
		t.Errorf("read for bob: %d, %v", len(theirs), err)
	}
	who = ""
	if _, err := read.Directory(t.Context()); !errors.Is(err, portal.ErrUnavailable) || portal.Reason(err) != "exchange.no-reader" {
		t.Errorf("read for nobody: %v", err)
	}
}

// A server before FindPeople is asked for the beginnings of names, longer ones where it knows more than it gives.
func TestTheAddressBookOfAnOldServer(t *testing.T) {
	const more = 250
	p := organisation(t, func(c *ewslab.Config) {
		c.Schema = "Exchange2010_SP2"
		c.People = append(c.People, ewslab.Person{User: "rooms", Name: "Rooms", List: []string{"room1"}})
		for i := range more {
			c.People = append(c.People, ewslab.Person{User: fmt.Sprintf("mm%c%c%d", 'a'+i%3, 'a'+i%11, i), Name: fmt.Sprintf("Mm%c%c %d", 'a'+i%3, 'a'+i%11, i), Password: "portico"})
		}
		c.People = append(c.People, ewslab.Person{User: "zhukov", Name: "Жуков", Password: "portico"})
	})
	var mu sync.Mutex
	asked := map[string]int{}
	c := p.connector(t, func(o *Options) {
		o.Reader = func() portal.Address { return p.person("bob") }
		o.Tracing = func(portal.Address) bool { return true }
		o.Trace = func(_ portal.Address, tr portal.Traffic) {
			mu.Lock()
			defer mu.Unlock()
			for _, op := range []string{"<m:FindPeople", "<m:ResolveNames "} {
				if tr.Sent && strings.Contains(tr.Text, op) {
					asked[op]++
				}
			}
		}
	})
	people, err := c.Directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	checkBook(t, p, people)
	if len(people) != 7+more+1+1 { // the list of rooms is one, the room is none
		t.Errorf("%d entries", len(people))
	}
	if find(people, p.person("zhukov")).DisplayName != "Жуков" {
		t.Error("a name in another alphabet is not found")
	}
	mu.Lock()
	defer mu.Unlock()
	if asked["<m:ResolveNames "] < len(letters) || asked["<m:ResolveNames "] > 1000 || asked["<m:FindPeople"] == 0 {
		t.Errorf("asked %v", asked)
	}
}

func TestAnAddressBookOfSeveralPages(t *testing.T) {
	const many = 2*bookPage + 7
	p := newPeer(t, func(c *ewslab.Config) {
		for i := range many {
			c.People = append(c.People, ewslab.Person{User: fmt.Sprintf("p%04d", i), Name: fmt.Sprintf("Person %04d", i), Password: "portico"})
		}
	})
	people, err := p.connector(t, nil).Directory(t.Context())
	if err != nil || len(people) != many+6 {
		t.Errorf("%d entries, %v", len(people), err)
	}
}

// Nobody takes half of an address book for the whole.
func TestAnAddressBookThatCannotBeRead(t *testing.T) {
	p, c, r := differing(t, nil)
	r.set(func(op string, answer []byte) []byte {
		if strings.Contains(op, "<m:ResolveNames") {
			return []byte("<html>no</html>")
		}
		return answer
	})
	if people, err := c.Directory(t.Context()); !errors.Is(err, portal.ErrUnavailable) || people != nil {
		t.Errorf("%d people, %v", len(people), err)
	}
	r.set(nil)
	if people, err := c.Directory(t.Context()); err != nil || len(people) != 6 {
		t.Errorf("afterwards: %d people, %v", len(people), err)
	}
	none, err := New(Options{Domain: p.domain})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := none.Directory(t.Context()); portal.Reason(err) != "calendar.none" {
		t.Errorf("without a server: %v", err)
	}
}

func TestWhoAPersonaIs(t *testing.T) {
	c, err := New(Options{Domain: "example.test"})
	if err != nil {
		t.Fatal(err)
	}
	mail := func(address string) *soap.Mailbox { return &soap.Mailbox{EmailAddress: address, RoutingType: "SMTP"} }
	for name, one := range map[string]struct {
		p    soap.Persona
		want portal.Address
	}{
		"by the address for messages": {soap.Persona{ImAddress: "SIP:Ann@other.test", EmailAddress: mail("ann@example.test")}, "sip:Ann@other.test"},
		"one that is none":            {soap.Persona{ImAddress: "ann@messenger.test", EmailAddress: mail("ann@example.test")}, "sip:ann@example.test"},
		"a broken one":                {soap.Persona{ImAddress: "sip:@@", EmailAddress: mail("smtp:ann@EXAMPLE.test")}, "sip:ann@example.test"},
		"of another domain":           {soap.Persona{EmailAddress: mail("ann@elsewhere.test")}, ""},
		"a list elsewhere":            {soap.Persona{PersonaType: "DistributionList", EmailAddress: mail("all@elsewhere.test")}, "sip:all@elsewhere.test"},
		"several addresses":           {soap.Persona{EmailAddresses: []soap.Mailbox{*mail("ann@example.test"), *mail("x@example.test")}}, "sip:ann@example.test"},
		"a room":                      {soap.Persona{PersonaType: "Room", EmailAddress: mail("r@example.test")}, ""},
		"of the directory's own form": {soap.Persona{EmailAddress: &soap.Mailbox{EmailAddress: "/O=X/CN=Y", RoutingType: "EX"}}, ""},
		"nothing":                     {soap.Persona{}, ""},
	} {
		if got := c.ofPersona(voice{person: c.o.Person}, one.p); got.URI != one.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	long := c.ofPersona(voice{}, soap.Persona{DisplayName: "A\n\x00 B" + strings.Repeat("ü", 500), EmailAddress: mail("a@example.test")})
	if len(long.DisplayName) > maxLine || !strings.HasPrefix(long.DisplayName, "A ") || strings.ContainsAny(long.DisplayName, "\n\x00") {
		t.Errorf("the name is %q", long.DisplayName)
	}
}

// What FindPeople leaves out is asked for some people at a time, and not for longer than there is time.
func TestCardsFillUpReadingByReading(t *testing.T) {
	const many = askedCards + 30
	p := newPeer(t, func(c *ewslab.Config) {
		for i := range many {
			c.People = append(c.People, ewslab.Person{User: fmt.Sprintf("p%04d", i), Name: fmt.Sprintf("Person %04d", i), Password: "portico", Manager: "alice"})
		}
	})
	c := p.connector(t, nil)
	managed := func(ctx context.Context) (n int) {
		t.Helper()
		people, err := c.Directory(ctx)
		if err != nil || len(people) != many+6 {
			t.Fatalf("%d entries, %v", len(people), err)
		}
		for _, one := range people {
			if one.Manager == p.person("alice") {
				n++
			}
		}
		return n
	}
	first := managed(t.Context())
	if first > askedCards || first < askedCards-6 { // some of those asked for have no manager
		t.Errorf("%d managers after the first reading", first)
	}
	if second := managed(t.Context()); second != many {
		t.Errorf("%d managers after the second reading", second)
	}
}

func TestOwnContacts(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	c := p.connector(t, nil)
	me := p.person("alice")
	if got, err := c.OutlookContacts(t.Context(), me); err != nil || len(got) != 0 {
		t.Fatalf("an empty folder: %+v, %v", got, err)
	}
	rita := portal.Person{URI: "sip:rita@chat.test", DisplayName: "Rita Round", Email: "rita@round.test", Company: "Round & Co", Title: "Rounder", Department: "R", Office: "1",
		Numbers: []portal.Number{{Kind: "work", Number: "+49 1"}, {Kind: "mobile", Number: "+49 2"}, {Kind: "work", Number: "+49 3"}, {Kind: "work", Number: "+49 4"}}}
	for range 2 { // the second time they are there
		if err := c.SaveOutlookContact(t.Context(), me, rita); err != nil {
			t.Fatal(err)
		}
	}
	got, err := c.OutlookContacts(t.Context(), me)
	want := rita
	want.Numbers = []portal.Number{{Kind: "work", Number: "+49 1"}, {Kind: "mobile", Number: "+49 2"}, {Kind: "work", Number: "+49 3"}}
	want.Phones = []string{"+49 1", "+49 2", "+49 3"}
	if err != nil || len(got) != 1 || !sameSet(got[0], want) {
		t.Fatalf("read %+v, %v\nnot  %+v", got, err, want)
	}
	// What somebody has written is left alone, what is missing is filled in.
	if err := c.SaveOutlookContact(t.Context(), me, portal.Person{Email: "Sam@Elsewhere.test", DisplayName: "Sam"}); err != nil {
		t.Fatal(err)
	}
	if err := c.SaveOutlookContact(t.Context(), me, portal.Person{URI: "sip:sam@elsewhere.test", DisplayName: "Samuel", Email: "sam@elsewhere.test", Title: "Sommelier",
		Numbers: []portal.Number{{Kind: "home", Number: "+49 9"}}}); err != nil {
		t.Fatal(err)
	}
	got, err = c.OutlookContacts(t.Context(), me)
	sam := find(got, "sip:sam@elsewhere.test")
	if err != nil || len(got) != 2 || sam.DisplayName != "Sam" || sam.Title != "Sommelier" || sam.Email != "Sam@Elsewhere.test" || !slices.Equal(sam.Phones, []string{"+49 9"}) {
		t.Errorf("completed: %+v of %d, %v", sam, len(got), err)
	}
	if err := c.SaveOutlookContact(t.Context(), me, portal.Person{DisplayName: "Nobody"}); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("a contact without an address: %v", err)
	}
	if theirs, err := c.OutlookContacts(t.Context(), p.person("bob")); err != nil || len(theirs) != 0 {
		t.Errorf("bob has %+v, %v", theirs, err)
	}
}

// sameSet compares without the order of numbers.
func sameSet(a, b portal.Person) bool {
	for _, p := range []*portal.Person{&a, &b} {
		p.Numbers, p.Phones = slices.Clone(p.Numbers), slices.Clone(p.Phones)
		slices.SortFunc(p.Numbers, func(x, y portal.Number) int { return cmp.Compare(x.Number, y.Number) })
		slices.Sort(p.Phones)
	}
	return fmt.Sprint(a) == fmt.Sprint(b)
}

func TestContactsOfSeveralPages(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	c := p.connector(t, nil)
	me := p.person("alice")
	const many = contactPage + 20
	err := c.do(t.Context(), me, me, func(a *access) error {
		for from := 0; from < many; from += 55 {
			var batch []soap.NewItem
			for i := from; i < from+55; i++ {
				batch = append(batch, soap.NewItem{Contact: contactOf(portal.Person{DisplayName: fmt.Sprintf("C %03d", i), Email: fmt.Sprintf("c%03d@elsewhere.test", i)})})
			}
			if _, err := a.CreateItem(t.Context(), a.as, &soap.CreateItem{Items: batch}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.OutlookContacts(t.Context(), me)
	if err != nil || len(got) != many {
		t.Errorf("%d contacts, %v", len(got), err)
	}
}

func TestWhatIsSaidIsShownToWhoAskedForIt(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	var mu sync.Mutex
	said := map[portal.Address][]portal.Traffic{}
	c := p.connector(t, func(o *Options) {
		o.Tracing = func(who portal.Address) bool { return who == p.person("alice") }
		o.Trace = func(who portal.Address, tr portal.Traffic) {
			mu.Lock()
			defer mu.Unlock()
			said[who] = append(said[who], tr)
		}
	})
	for _, who := range []string{"alice", "bob"} {
		if _, err := c.OutlookContacts(t.Context(), p.person(who)); err != nil {
			t.Fatal(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	mine := said[p.person("alice")]
	if len(said) != 1 || len(mine) != 2 || !mine[0].Sent || mine[1].Sent || mine[0].Protocol != "ews" || mine[0].Peer != "primary" || mine[0].At.IsZero() {
		t.Fatalf("told %+v", said)
	}
	if !strings.Contains(mine[0].Text, "<m:FindItem ") || !strings.HasPrefix(mine[1].Text, "HTTP/1.1 200 OK\n\n<?xml") || !strings.Contains(mine[1].Text, "FindItemResponse>") {
		t.Errorf("told\n%s\n%s", mine[0].Text, mine[1].Text)
	}
	if all := mine[0].Text + mine[1].Text; regexp.MustCompile(`(?i)authorization|secret|c3ZjOnNlY3JldA`).MatchString(all) {
		t.Error("a credential is told of")
	}
}

// FuzzBook makes people of whatever a server says of them.
func FuzzBook(f *testing.F) {
	f.Add("Ann Bee", "ann@example.test", "sip:ann@example.test", "BusinessPhone", "+49 30 1", "Mailbox")
	f.Add("\x00\u202e", "/O=X/CN=Y", "sip:@@", "HomeFax", "tel:", "PublicDL")
	f.Add("", "", "", "", "", "")
	f.Add("", "\x00", "", "0", "", "0")
	c, err := New(Options{Domain: "example.test"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name, mail, im, key, number, kind string) {
		v := voice{person: c.o.Person}
		x := &soap.Contact{DisplayName: name, CompanyName: name, JobTitle: im, EmailAddresses: []soap.Entry{{Key: "EmailAddress1", Value: mail}}, ImAddresses: []soap.Entry{{Value: im}},
			PhoneNumbers: []soap.Entry{{Key: key, Value: number}, {Key: key, Value: number}}, ManagerMailbox: &soap.Recipient{Mailbox: soap.Mailbox{EmailAddress: mail}}}
		m := soap.Mailbox{Name: name, EmailAddress: mail, Type: kind}
		for _, p := range []portal.Person{c.ofContact(v, x), c.ofResolution(v, soap.Resolution{Mailbox: m, Contact: x}),
			c.ofPersona(v, soap.Persona{DisplayName: name, PersonaType: kind, ImAddress: im, EmailAddress: &m, PhoneNumber: &soap.PersonaPhone{Number: number, Type: key}})} {
			if p.URI != "" && parsed(string(p.URI)) != p.URI {
				t.Fatalf("the address %q", p.URI)
			}
			for _, s := range append([]string{p.DisplayName, p.Company, p.Title}, p.Phones...) {
				if len(s) > maxLine || strings.ContainsAny(s, "\x00\n") {
					t.Fatalf("the value %q", s)
				}
			}
			if len(p.Phones) > 1 || len(p.Phones) != len(p.Numbers) {
				t.Fatalf("numbers %+v", p.Numbers)
			}
			if wrote := contactOf(p); len(wrote.FileAs) > maxLine {
				t.Fatalf("written as %q", wrote.FileAs)
			}
		}
	})
}
