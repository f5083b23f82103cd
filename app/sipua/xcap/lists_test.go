package xcap

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"portico/app/portal"
)

// foreign is a document as other clients write it: prefixes, groups within groups, references, elements of their own.
const foreign = `<?xml version="1.0" encoding="UTF-8"?>
<!-- kept -->
<rl:resource-lists xmlns:rl="urn:ietf:params:xml:ns:resource-lists" xmlns:x="urn:other" x:v="2">
  <rl:list name="RootGroup">
    <rl:entry uri="sip:Carol@EXAMPLE.test"/>
    <rl:entry uri="tel:+49301234"><rl:display-name>Front desk</rl:display-name></rl:entry>
  </rl:list>
  <rl:list name="g1" x:colour="blue">
    <rl:display-name xml:lang="en">Close
      friends</rl:display-name>
    <rl:entry uri="sip:bob@example.test" x:ring="loud"><rl:display-name>Bob &amp; Co</rl:display-name><x:photo>abc</x:photo></rl:entry>
    <rl:entry-ref ref="resource-lists/users/sip:bill@example.test/index/~~/resource-lists/list%5b@name=%22list1%22%5d/entry"/>
    <rl:list name="inner"><rl:entry uri="pres:dave@example.test"/></rl:list>
    <x:settings><x:fold/></x:settings>
  </rl:list>
  <rl:list name="Empty"/>
</rl:resource-lists>
<!-- the end -->
`

func parsed(t *testing.T, doc string) *ResourceLists {
	t.Helper()
	d, err := ParseResourceLists([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestListsOfOthersAreRead(t *testing.T) {
	d := parsed(t, foreign)
	want := List{
		Groups: []string{"Close friends", "inner", "Empty"},
		Entries: []Entry{
			{URI: "sip:Carol@example.test"}, {URI: "sip:bob@example.test", Name: "Bob & Co", Groups: []string{"Close friends"}},
			{URI: "sip:dave@example.test", Groups: []string{"inner"}},
		},
	}
	if got := d.List(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if string(d.Encode()) != foreign {
		t.Errorf("not written as it was:\n%s", d.Encode())
	}
	d.Set(d.List())
	if string(d.Encode()) != foreign {
		t.Errorf("saying the same changed it:\n%s", d.Encode())
	}
}

// What is changed changes, and all that others wrote stays.
func TestWhatOthersWroteSurvives(t *testing.T) {
	d := parsed(t, foreign)
	d.Set(List{Groups: []string{"Close friends", "New <one>"}, Entries: []Entry{
		{URI: "sip:bob@example.test", Name: "Robert", Groups: []string{"Close friends", "New <one>"}},
		{URI: "sip:erin@example.test", Name: `"E"`, Groups: []string{"Close friends"}},
		{URI: "sip:frank@example.test"},
	}})
	out := string(d.Encode())
	for _, kept := range []string{"<!-- kept -->", "<!-- the end -->", `x:v="2"`, `x:colour="blue"`, `x:ring="loud"`, "<x:photo>abc</x:photo>", "<x:settings><x:fold/></x:settings>",
		`<rl:entry uri="tel:+49301234"><rl:display-name>Front desk</rl:display-name></rl:entry>`, `<rl:entry-ref ref="resource-lists`} {
		if !strings.Contains(out, kept) {
			t.Errorf("%s is lost in\n%s", kept, out)
		}
	}
	for _, gone := range []string{"Carol", "dave@", `name="Empty"`, `name="inner"`, "Bob &amp; Co"} {
		if strings.Contains(out, gone) {
			t.Errorf("%s is left in\n%s", gone, out)
		}
	}
	if at := strings.Index(out, "erin@"); at < strings.Index(out, "entry-ref") || at > strings.Index(out, "<x:settings>") {
		t.Errorf("a new entry stands behind the others and before what is not of resource lists:\n%s", out)
	}
	want := List{Groups: []string{"Close friends", "New <one>"}, Entries: []Entry{
		{URI: "sip:frank@example.test"}, {URI: "sip:bob@example.test", Name: "Robert", Groups: []string{"Close friends", "New <one>"}},
		{URI: "sip:erin@example.test", Name: `"E"`, Groups: []string{"Close friends"}},
	}}
	if got := parsed(t, out).List(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v\n%s", got, want, out)
	}
}

// A group that holds something of others stays when its last contact leaves; one that holds nothing goes.
func TestGroupsWithThingsOfOthersStay(t *testing.T) {
	d := parsed(t, foreign)
	d.Set(List{})
	if got := d.List(); len(got.Entries) != 0 || !slices.Equal(got.Groups, []string{"Close friends"}) {
		t.Errorf("%+v\n%s", got, d.Encode())
	}
}

func TestNamesAreUnique(t *testing.T) {
	d := parsed(t, `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list name="work"><display-name>Arbeit</display-name></list></resource-lists>`)
	d.Set(List{Groups: []string{"Arbeit", "work", "contacts"}, Entries: []Entry{{URI: "sip:bob@example.test", Groups: []string{"work"}}, {URI: "sip:carol@example.test"}}})
	out := string(d.Encode())
	seen := map[string]bool{}
	for _, g := range parsed(t, out).groups() {
		if name := g.at.attr("name"); seen[name] {
			t.Errorf("two lists are named %s\n%s", name, out)
		} else {
			seen[name] = true
		}
	}
	got := parsed(t, out).List()
	if !slices.Equal(got.Groups, []string{"Arbeit", "work", "contacts"}) || len(got.Entries) != 2 {
		t.Errorf("%+v\n%s", got, out)
	}
}

func TestWhatIsNoListIsRefused(t *testing.T) {
	head := `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">`
	for name, doc := range map[string]string{
		"nothing": "", "no XML": "hello", "another root": `<rls-services xmlns="urn:ietf:params:xml:ns:resource-lists"/>`, "no namespace": "<resource-lists/>",
		"cut off": head + `<list name="a">`, "two roots": head + "</resource-lists>" + head + "</resource-lists>",
		"a DTD": `<!DOCTYPE r [<!ENTITY a "b">]>` + head + "</resource-lists>", "an entity": head + "&a;</resource-lists>",
		"not UTF-8": head + "\xff</resource-lists>", "another charset": `<?xml version="1.0" encoding="UTF-16"?>` + head + "</resource-lists>",
		"too deep":        head + strings.Repeat("<list>", maxDepth) + strings.Repeat("</list>", maxDepth) + "</resource-lists>",
		"too long":        head + strings.Repeat(" ", MaxBytes) + "</resource-lists>",
		"too many":        head + strings.Repeat("<a/>", maxElements) + "</resource-lists>",
		"many attributes": head + "<list " + attributes(maxAttributes+1) + "/></resource-lists>",
	} {
		if d, err := ParseResourceLists([]byte(doc)); !errors.Is(err, portal.ErrInvalid) || d != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "a%d='x' ", i)
	}
	return b.String()
}

// Whatever lists follow each other, the document says the last of them.
func TestAnyListCanFollowAnother(t *testing.T) {
	pick := rand.New(rand.NewPCG(6, 2026))
	d := parsed(t, foreign)
	d.Set(List{})
	kept := d.List().Groups // holds things of others
	for range 300 {
		l := randomList(pick, kept)
		d.Set(l)
		got := parsed(t, string(d.Encode())).List()
		if !sameList(got, l) {
			t.Fatalf("got  %+v\nwant %+v\n%s", got, l, d.Encode())
		}
		before := d.Encode()
		if d.Set(got); !bytes.Equal(before, d.Encode()) {
			t.Fatalf("saying the same changed it:\n%s\n%s", before, d.Encode())
		}
	}
	if out := string(d.Encode()); !strings.Contains(out, "<x:settings>") || !strings.Contains(out, "tel:+49301234") {
		t.Errorf("things of others are lost:\n%s", out)
	}
}

func randomList(pick *rand.Rand, kept []string) List {
	l := List{Groups: slices.Clone(kept)}
	for _, g := range []string{"Team", "Family & <friends>", "Zürich", "contacts", "RootGroup"} {
		if pick.IntN(2) == 0 {
			l.Groups = append(l.Groups, g)
		}
	}
	for i := range pick.IntN(8) {
		e := Entry{URI: portal.Address(fmt.Sprintf("sip:p%d@example.test", i))}
		if pick.IntN(3) > 0 {
			e.Name = fmt.Sprintf("Person \"%d\"", pick.IntN(3))
		}
		for _, g := range l.Groups {
			if pick.IntN(3) == 0 {
				e.Groups = append(e.Groups, g)
			}
		}
		l.Entries = append(l.Entries, e)
	}
	return l
}

// sameList compares without order.
func sameList(a, b List) bool {
	order := func(l List) List {
		l.Groups = slices.Sorted(slices.Values(l.Groups))
		l.Entries = slices.Clone(l.Entries)
		for i, e := range l.Entries {
			l.Entries[i].Groups = slices.Sorted(slices.Values(e.Groups))
		}
		slices.SortFunc(l.Entries, func(a, b Entry) int { return strings.Compare(string(a.URI), string(b.URI)) })
		return l
	}
	a, b = order(a), order(b)
	return slices.Equal(a.Groups, b.Groups) && slices.EqualFunc(a.Entries, b.Entries, func(a, b Entry) bool {
		return a.URI == b.URI && a.Name == b.Name && slices.Equal(a.Groups, b.Groups)
	})
}

func TestListService(t *testing.T) {
	b := EncodeListService("sip:alice-contacts@example.test", []portal.Address{bob, `sip:o'n&il@example.test`})
	_, root, _, err := parseTree(b)
	if err != nil || !root.is(rlsServices, "rls-services") {
		t.Fatalf("%v\n%s", err, b)
	}
	service := root.child(rlsServices, "service")
	if service.attr("uri") != "sip:alice-contacts@example.test" || service.child(rlsServices, "packages").child(rlsServices, "package").text() != "presence" {
		t.Errorf("%s", b)
	}
	var people []string
	for _, c := range service.child(rlsServices, "list").children {
		if c.is(resourceLists, "entry") {
			people = append(people, c.attr("uri"))
		}
	}
	if !slices.Equal(people, []string{string(bob), "sip:o'n&il@example.test"}) {
		t.Errorf("%q", people)
	}
}

// FuzzResourceLists: whatever is read is written back byte for byte, and after a change it still can be read, says the
// new list and has lost nothing that is of another namespace.
func FuzzResourceLists(f *testing.F) {
	f.Add([]byte(foreign))
	f.Add(NewResourceLists().Encode())
	f.Add([]byte(`<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list><entry uri="sip:a@b"/><![CDATA[x]]></list></resource-lists>`))
	f.Add([]byte(`<a:resource-lists xmlns:a="urn:ietf:params:xml:ns:resource-lists"><list xmlns="urn:ietf:params:xml:ns:resource-lists" name="x" ><display-name>x</display-name ></list></a:resource-lists >`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		d, err := ParseResourceLists(doc)
		if err != nil {
			if !errors.Is(err, portal.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(d.Encode(), doc) {
			t.Fatalf("%q is written as %q", doc, d.Encode())
		}
		l := d.List()
		want := List{Groups: append(slices.Clone(l.Groups), "A group of the test's"), Entries: append(slices.Clone(l.Entries), Entry{URI: "sip:new@fuzz.test", Name: "N", Groups: []string{"A group of the test's"}})}
		d.Set(want)
		again, err := ParseResourceLists(d.Encode())
		if err != nil {
			t.Fatalf("%v: %q became %q", err, doc, d.Encode())
		}
		if got := again.List(); len(got.Entries) < len(want.Entries) || !slices.Contains(got.Groups, "A group of the test's") {
			t.Fatalf("%+v, want %+v", got, want)
		}
	})
}
