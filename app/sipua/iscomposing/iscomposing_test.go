package iscomposing

import (
	"errors"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// As linphone sends it.
const linphone = `<?xml version="1.0" encoding="UTF-8" standalone="no" ?><isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>active</state><refresh>60</refresh></isComposing>`

// The example of RFC 3994 section 4.
const rfc = `<?xml version="1.0" encoding="UTF-8"?>
<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:ietf:params:xml:ns:im-composing iscomposing.xsd">
    <state>idle</state>
    <lastactive>2003-01-27T10:43:00Z</lastactive>
    <contenttype>audio</contenttype>
</isComposing>`

func TestParse(t *testing.T) {
	for in, want := range map[string]Status{
		linphone: {Active: true, Refresh: time.Minute},
		rfc:      {LastActive: time.Date(2003, 1, 27, 10, 43, 0, 0, time.UTC), ContentType: "audio"},
		`<isComposing><state> ACTIVE </state></isComposing>`:                             {Active: true},
		`<isComposing><state>thinking</state></isComposing>`:                             {},
		`<isComposing><state/></isComposing>`:                                            {},
		`<x:isComposing xmlns:x="u"><x:state>active</x:state></x:isComposing>`:           {Active: true},
		`<isComposing><state>active</state><refresh>-5</refresh></isComposing>`:          {Active: true},
		`<isComposing><state>active</state><refresh>99999999999</refresh></isComposing>`: {Active: true},
		`<isComposing><state>active</state><lastactive>now</lastactive></isComposing>`:   {Active: true},
	} {
		if got, err := Parse([]byte(in)); err != nil || got != want {
			t.Errorf("%s: %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "typing", "<isComposing/>", "<presence><state>active</state></presence>", "<!DOCTYPE x><isComposing><state>active</state></isComposing>", "<isComposing><state>active</state>" + strings.Repeat(" ", 8<<10) + "</isComposing>"} {
		if got, err := Parse([]byte(in)); !errors.Is(err, portal.ErrInvalid) || got != (Status{}) {
			t.Errorf("%.60s: %+v, %v", in, got, err)
		}
	}
}

func TestWhatIsEncodedIsParsedBack(t *testing.T) {
	last := time.Date(2026, 11, 21, 22, 12, 23, 0, time.UTC)
	for _, want := range []Status{{}, {Active: true}, {Active: true, Refresh: 90 * time.Second, ContentType: "text/plain", LastActive: last}, {LastActive: last, ContentType: "a<b>"}} {
		if got, err := Parse(Encode(want)); err != nil || got != want {
			t.Errorf("%+v, %v, want %+v\n%s", got, err, want, Encode(want))
		}
	}
	order := string(Encode(Status{Active: true, Refresh: time.Minute, ContentType: "text/plain", LastActive: last}))
	i := -1
	for _, element := range []string{"<state>", "<lastactive>", "<contenttype>", "<refresh>"} { // the schema's sequence
		at := strings.Index(order, element)
		if at <= i {
			t.Errorf("%s is out of order in %s", element, order)
		}
		i = at
	}
}

func TestHowLongAStatusHolds(t *testing.T) {
	for refresh, want := range map[time.Duration]time.Duration{0: DefaultRefresh, time.Minute: time.Minute, 24 * time.Hour: MaxRefresh} {
		if got := (Status{Active: true, Refresh: refresh}).Holds(); got != want {
			t.Errorf("refresh %v holds %v, want %v", refresh, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(linphone))
	f.Add([]byte(rfc))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse(b)
		if err != nil {
			if !errors.Is(err, portal.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		if s.Holds() <= 0 || s.Holds() > MaxRefresh {
			t.Fatalf("holds %v", s.Holds())
		}
		if back, err := Parse(Encode(s)); len(s.ContentType) < 1000 && (err != nil || back != s) {
			t.Fatalf("%+v became %+v, %v", s, back, err)
		}
	})
}
