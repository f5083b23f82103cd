package pidf

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"portico/app/portal"
)

// What clients that do not know our extension see: the table of the package comment, row by row.
func TestTheStandardPartSaysTheSame(t *testing.T) {
	for _, tc := range []struct {
		av             portal.Availability
		ac             portal.Activity
		basic, rpid    string
		input          string
		seenBack       portal.Availability
		seenBackRefine portal.Activity
	}{
		{portal.Available, "", "open", "", "active", portal.Available, ""},
		{portal.Available, portal.Inactive, "open", "", "idle", portal.Available, portal.Inactive},
		{portal.Busy, "", "open", "busy", "", portal.Busy, ""},
		{portal.Busy, portal.InACall, "open", "on-the-phone", "", portal.Busy, portal.InACall},
		{portal.Busy, portal.InAMeeting, "open", "meeting", "", portal.Busy, portal.InAMeeting},
		{portal.Busy, portal.InAConference, "open", "on-the-phone", "", portal.Busy, portal.InACall},
		{portal.DoNotDisturb, "", "open", "busy", "", portal.Busy, ""},
		{portal.BeRightBack, "", "open", "away", "idle", portal.Away, ""},
		{portal.Away, "", "open", "away", "idle", portal.Away, ""},
		{portal.Away, portal.OutOfOffice, "open", "away other", "idle", portal.Away, portal.OutOfOffice},
		{portal.Busy, "custom-2", "open", "busy", "", portal.Busy, ""},
		{portal.Offline, portal.InACall, "closed", "", "", portal.Offline, ""},
		{portal.Unknown, "", "", "unknown", "", portal.Unknown, ""},
	} {
		b, err := Encode(alice, portal.Claim{Endpoint: "e", Availability: tc.av, Activity: tc.ac})
		if err != nil {
			t.Fatal(err)
		}
		names, texts := elements(t, b)
		if texts["basic"] != tc.basic || strings.Join(names, " ") != tc.rpid || texts["user-input"] != tc.input {
			t.Errorf("%s %s: basic %q, activities %v, user-input %q\n%s", tc.av, tc.ac, texts["basic"], names, texts["user-input"], b)
		}
		// A portal of another make, without the extension, reads it so:
		plain := strings.ReplaceAll(string(b), Extension, "urn:other")
		_, claims, err := Parse([]byte(plain))
		if err != nil || len(claims) != 1 || claims[0].Availability != tc.seenBack || claims[0].Activity != tc.seenBackRefine {
			t.Errorf("%s %s without the extension: %+v, %v", tc.av, tc.ac, claims, err)
		}
	}
}

// elements gives the names inside rpid:activities and the texts of all elements of a document.
func elements(t *testing.T, b []byte) (activities []string, texts map[string]string) {
	t.Helper()
	texts = map[string]string{}
	d := xml.NewDecoder(bytes.NewReader(b))
	var open []string
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return activities, texts
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if len(open) > 0 && open[len(open)-1] == "activities" {
				activities = append(activities, tok.Name.Local)
			}
			open = append(open, tok.Name.Local)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if s := strings.TrimSpace(string(tok)); s != "" {
				texts[open[len(open)-1]] += s
			}
		}
	}
}

// baresip looks for these strings, not for elements.
func TestBaresipFindsWhatItLooksFor(t *testing.T) {
	for want, c := range map[string]portal.Claim{
		"<basic>open</basic>":   {Availability: portal.Available},
		"<basic>closed</basic>": {Availability: portal.Offline},
		"<rpid:away/>":          {Availability: portal.Away},
		"<rpid:busy/>":          {Availability: portal.DoNotDisturb},
		"<rpid:on-the-phone/>":  {Availability: portal.Busy, Activity: portal.InACall},
	} {
		b, err := Encode(alice, c)
		if err != nil || !strings.Contains(string(b), want) {
			t.Errorf("%s is not in %s (%v)", want, b, err)
		}
	}
}

func TestWhatCannotBeEncoded(t *testing.T) {
	for name, c := range map[string]portal.Claim{
		"availability": {Availability: "dancing"}, "activity": {Availability: portal.Busy, Activity: "wildly"}, "source": {Availability: portal.Busy, Source: "dream"}, "nothing": {},
	} {
		if b, err := Encode(alice, c); !errors.Is(err, portal.ErrInvalid) || b != nil {
			t.Errorf("%s: %s, %v", name, b, err)
		}
	}
	if _, err := Encode("", portal.Claim{Availability: portal.Busy}); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("nobody: %v", err)
	}
}

func TestTextsAreMadeFitForXML(t *testing.T) {
	long := strings.Repeat("ä", portal.MaxNoteLen+7)
	b, err := Encode(alice, portal.Claim{Availability: portal.Busy, Note: " \x00a\x1bb\xffc\tд😀 ", OutOfOffice: long})
	if err != nil {
		t.Fatal(err)
	}
	_, claims, err := Parse(b)
	if err != nil || len(claims) != 1 {
		t.Fatalf("%v\n%s", err, b)
	}
	if got := claims[0].Note; got != "\uFFFDa\uFFFDb\uFFFDc\tд😀" {
		t.Errorf("note %q", got)
	}
	if got := claims[0].OutOfOffice; utf8.RuneCountInString(got) != portal.MaxNoteLen || !strings.HasPrefix(long, got) {
		t.Errorf("out of office has %d characters", utf8.RuneCountInString(got))
	}
}

func TestEntities(t *testing.T) {
	for in, want := range map[string]portal.Address{
		"sip:alice@example.test": alice, "pres:alice@example.test": alice, "SIPS:alice@EXAMPLE.test;x=y": alice, "im:alice@example.test": alice, "alice@example.test": alice,
		"tel:+4930123": "", "": "", "sip:@": "",
	} {
		got, _, err := Parse([]byte(`<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="` + in + `"/>`))
		if err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

func TestDocumentsThatAreRefused(t *testing.T) {
	for name, in := range map[string]string{
		"empty":           "",
		"not XML":         "hello",
		"another root":    `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info"/>`,
		"DTD":             `<!DOCTYPE presence [<!ENTITY a "aaaa">]><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:a@b.test"/>`,
		"external entity": `<presence entity="sip:a@b.test"><tuple id="1"><note>&xxe;</note></tuple></presence>`,
		"too large":       `<presence entity="sip:a@b.test"><note>` + strings.Repeat("x", MaxBytes) + `</note></presence>`,
		"too deep":        strings.Repeat("<presence>", 33) + strings.Repeat("</presence>", 33),
		"too many":        `<presence>` + strings.Repeat("<tuple/>", maxElements) + `</presence>`,
		"cut off":         string(doc(tuple("1", "open", "")))[:300],
		"two roots":       `<presence/><presence/>`,
	} {
		if who, claims, err := Parse([]byte(in)); !errors.Is(err, portal.ErrInvalid) || who != "" || claims != nil {
			t.Errorf("%s: %q %v %v", name, who, claims, err)
		}
	}
}

func TestTheNumberOfClaimsIsBounded(t *testing.T) {
	var b strings.Builder
	for range MaxClaims + 20 {
		b.WriteString(tuple("x", "open", ""))
	}
	_, claims, err := Parse(doc(b.String()))
	if err != nil || len(claims) != MaxClaims {
		t.Errorf("%d claims, %v", len(claims), err)
	}
}

func TestAnEndpointsNameIsBounded(t *testing.T) {
	long := strings.Repeat("x", 5000)
	_, claims, err := Parse(doc(tuple(long+"1", "open", "") + tuple(long+"2", "open", "") + `<tuple id="3"><status/><p:state availability="busy" endpoint="` + long + `3"/></tuple>`))
	if err != nil || len(claims) != 3 {
		t.Fatalf("%+v, %v", claims, err)
	}
	seen := map[string]bool{}
	for _, c := range claims {
		if len(c.Endpoint) > maxEndpoint || seen[c.Endpoint] {
			t.Errorf("endpoint %q", c.Endpoint)
		}
		seen[c.Endpoint] = true
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"linphone-busy.xml", "baresip-open.xml", "kamailio-merged.xml", "kamailio-closed.xml", "asterisk-on-the-phone.xml", "rfc4480.xml", "polycom-busy.xml"} {
		f.Add(read(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, claims, err := Parse(b)
		if err != nil && !errors.Is(err, portal.ErrInvalid) {
			t.Fatalf("an error without meaning: %v", err)
		}
		for _, c := range claims {
			again, err := Encode(alice, c)
			if err != nil {
				t.Fatalf("parsed, but not encodable: %+v: %v", c, err)
			}
			_, back, err := Parse(again)
			if err != nil || len(back) != 1 || back[0] != c {
				t.Fatalf("%+v became %+v, %v", c, back, err)
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	c := portal.Claim{Endpoint: "portico-1a2b", Availability: portal.Busy, Activity: portal.InAMeeting, Source: portal.SourceCalendar, Note: "In room 5", Since: time.Unix(1, 0), At: time.Unix(2, 0), TakesCPIM: true}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Encode(alice, c); err != nil {
			b.Fatal(err)
		}
	}
}

func benchmarkParse(b *testing.B, in []byte) {
	b.Helper()
	b.ReportAllocs()
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if _, claims, err := Parse(in); err != nil || len(claims) == 0 {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseOurs(b *testing.B) {
	in, err := Encode(alice, portal.Claim{Endpoint: "portico-1a2b", Availability: portal.Busy, Activity: portal.InAMeeting, Source: portal.SourceCalendar, Note: "In room 5", At: time.Unix(2, 0), TakesCPIM: true})
	if err != nil {
		b.Fatal(err)
	}
	benchmarkParse(b, in)
}

func BenchmarkParseLinphone(b *testing.B) { benchmarkParse(b, read(b, "linphone-busy.xml")) }
func BenchmarkParseMerged(b *testing.B)   { benchmarkParse(b, read(b, "kamailio-merged.xml")) }
