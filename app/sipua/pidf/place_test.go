package pidf

import (
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// Place and time zone of others (RFC 4480 sections 3.7 and 3.12), in the tuple or in the person.
func TestWhereOthersAre(t *testing.T) {
	for name, tc := range map[string]struct{ body, location, zone string }{
		"registered place":   {`<rpid:place-type><lt:public-transport xmlns:lt="urn:ietf:params:xml:ns:location-type"/></rpid:place-type>`, "public transport", ""},
		"a text":             {`<rpid:place-type><rpid:other> at  home </rpid:other></rpid:place-type>`, "at home", ""},
		"a note alone":       {`<rpid:place-type><rpid:unknown/><rpid:note>somewhere</rpid:note></rpid:place-type>`, "somewhere", ""},
		"nothing in it":      {`<rpid:place-type/>`, "", ""},
		"whole hours east":   {`<rpid:time-offset>120</rpid:time-offset>`, "", "Etc/GMT-2"},
		"whole hours west":   {`<rpid:time-offset> -300 </rpid:time-offset>`, "", "Etc/GMT+5"},
		"Greenwich":          {`<rpid:time-offset>0</rpid:time-offset>`, "", "Etc/GMT"},
		"half hours":         {`<rpid:time-offset>330</rpid:time-offset>`, "", ""},
		"named":              {`<rpid:time-offset description="Asia/Kolkata">330</rpid:time-offset>`, "", "Asia/Kolkata"},
		"described in words": {`<rpid:time-offset description="New York">-240</rpid:time-offset>`, "", "Etc/GMT+4"},
		"out of this world":  {`<rpid:time-offset>6000</rpid:time-offset>`, "", ""},
		"no number":          {`<rpid:time-offset>noon</rpid:time-offset>`, "", ""},
		"a path":             {`<rpid:time-offset description="../../etc/passwd">x</rpid:time-offset>`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			inPerson := tuple("1", "open", "") + `<dm:person id="p">` + tc.body + `</dm:person>`
			alone := `<dm:person id="p">` + tc.body + `</dm:person>`
			for _, body := range []string{tuple("1", "open", tc.body), inPerson, alone} {
				_, got, err := Parse(doc(body))
				if err != nil || len(got) != 1 || got[0].Location != tc.location || got[0].TimeZone != tc.zone {
					t.Errorf("%s: %+v, %v; want %q %q", body, got, err, tc.location, tc.zone)
				}
			}
		})
	}
}

func TestWhoTakesNoMessages(t *testing.T) {
	for name, tc := range map[string]struct {
		caps string
		want bool
	}{
		"nothing said":           {``, false},
		"neither":                {`<caps:message>false</caps:message><caps:text>false</caps:text>`, true},
		"no messages":            {`<caps:message>0</caps:message>`, true},
		"text alone":             {`<caps:message>false</caps:message><caps:text>true</caps:text>`, false},
		"method not supported":   {`<caps:methods><caps:notsupported><caps:MESSAGE/></caps:notsupported></caps:methods><caps:text>true</caps:text>`, true},
		"method supported":       {`<caps:methods><caps:supported><caps:MESSAGE/></caps:supported></caps:methods><caps:message>false</caps:message>`, false},
		"another is not":         {`<caps:methods><caps:notsupported><caps:INVITE/></caps:notsupported></caps:methods>`, false},
		"messages, but no audio": {`<caps:audio>false</caps:audio><caps:message>true</caps:message>`, false},
	} {
		_, got, err := Parse(doc(tuple("1", "open", "<caps:servcaps>"+tc.caps+"</caps:servcaps>")))
		if err != nil || len(got) != 1 || got[0].NoIM != tc.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestWhatEndpointsAreCalled(t *testing.T) {
	for body, want := range map[string]string{
		tuple("1", "open", ""): "",
		tuple("1", "open", "<caps:servcaps><caps:description xml:lang='en'> My  phone </caps:description></caps:servcaps>"): "My phone",
		tuple("1", "open", "<devcaps><description>Desk</description></devcaps>"):                                            "Desk",
		tuple("t4109", "closed", ""):  "baresip",
		tuple("pjxyz", "open", ""):    "",
		tuple("pj", "open", ""):       "",
		tuple("pj0a1b2c", "open", ""): "PJSIP",
		tuple("t41090", "open", ""):   "",
		`<tuple id="x"><status><basic>open</basic><o:online xmlns:o="http://www.linphone.org/xsds/pidfonline.xsd"/></status></tuple>`: "Linphone",
	} {
		_, got, err := Parse(doc(body))
		if err != nil || len(got) != 1 || got[0].Label != want {
			t.Errorf("%s: %+v, %v; want %q", body, got, err, want)
		}
	}
}

// What not everybody may see stands in elements of its own, by the names that the rules take out; and in no attribute
// of what stays.
func TestWhatCanBeTakenOut(t *testing.T) {
	c := portal.Claim{Endpoint: "e", Availability: portal.Busy, Activity: "custom-1", Source: portal.SourceCalendar, Note: "SECRET note", OutOfOffice: "SECRET away",
		Since: at("2031-01-01T00:00:00Z"), Until: at("2031-02-02T00:00:00Z"), At: at("2031-03-03T00:00:00Z"),
		Agenda:   portal.Agenda{Known: true, BusyUntil: at("2031-04-04T00:00:00Z"), NextFrom: at("2031-05-05T00:00:00Z"), NextUntil: at("2031-06-06T00:00:00Z")},
		Location: "SECRET place", TimeZone: "Asia/Tokyo", Custom: portal.NewStateTexts(map[int]string{1033: "Open text"}), Label: "L", TakesCPIM: true}
	b, err := Encode(alice, c)
	if err != nil {
		t.Fatal(err)
	}
	rest := string(b)
	for _, name := range []string{"note", "out-of-office", "timed-status", "ahead", "place-type", "time-offset", "place", "timestamp", "user-input", "since"} {
		rest = without(rest, name)
	}
	for _, secret := range []string{"SECRET", "2031", "Tokyo"} {
		if strings.Contains(rest, secret) {
			t.Errorf("%s is left in %s", secret, rest)
		}
	}
	_, got, err := Parse([]byte(rest))
	want := portal.Claim{Endpoint: "e", Availability: portal.Busy, Activity: "custom-1", Source: portal.SourceCalendar, Custom: c.Custom, Label: "L", TakesCPIM: true}
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, %v", got, err)
	}
}

// without takes every element of the local name out.
func without(doc, name string) string {
	for _, prefix := range []string{"", "dm:", "rpid:", "portico:", "ts:"} {
		open, end := "<"+prefix+name, "</"+prefix+name+">"
		for from := 0; ; {
			i := strings.Index(doc[from:], open)
			if i < 0 {
				break
			}
			i += from
			after := doc[i+len(open):]
			if after[0] != '>' && after[0] != ' ' && after[0] != '/' { // a longer name
				from = i + 1
				continue
			}
			tagEnd := i + strings.IndexByte(doc[i:], '>') + 1
			if strings.HasSuffix(doc[:tagEnd], "/>") {
				doc = doc[:i] + doc[tagEnd:]
				continue
			}
			doc = doc[:i] + doc[i+strings.Index(doc[i:], end)+len(end):]
		}
	}
	return doc
}

// The standard part of the whereabouts, for clients of others.
func TestWhereaboutsInTheStandardPart(t *testing.T) {
	c := portal.Claim{Endpoint: "e", Availability: portal.Busy, Location: "Room <5>", TimeZone: "Europe/Berlin", At: at("2026-07-01T12:00:00Z")}
	b, err := Encode(alice, c)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<rpid:time-offset description="Europe/Berlin">120</rpid:time-offset>`, `<rpid:place-type><rpid:other>Room &lt;5&gt;</rpid:other></rpid:place-type>`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s is not in %s", want, b)
		}
	}
	_, got, err := Parse([]byte(strings.ReplaceAll(string(b), Extension, "urn:other")))
	if err != nil || len(got) != 1 || got[0].Location != c.Location || got[0].TimeZone != c.TimeZone {
		t.Errorf("without the extension: %+v, %v", got, err)
	}
	c.TimeZone, c.Location, c.At = "/etc/passwd", strings.Repeat("x", 200), time.Time{}
	if b, err = Encode(alice, c); err != nil || strings.Contains(string(b), "passwd") || strings.Contains(string(b), strings.Repeat("x", portal.MaxLocationLen+1)) {
		t.Errorf("%v: %s", err, b)
	}
}
