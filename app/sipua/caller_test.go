package sipua

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/emiago/sipgo/sip"

	"portico/app/portal"
)

// invite is an INVITE from whoever the header lines say.
func invite(t testing.TB, callID string, lines ...string) *sip.Request {
	t.Helper()
	raw := "INVITE sip:alice@example.test SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nTo: <sip:alice@example.test>\r\nCall-ID: " + callID +
		"\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n" + strings.Join(lines, "\r\n") + "\r\nContent-Length: 0\r\n\r\n"
	msg, err := newParser().ParseSIP([]byte(raw))
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return msg.(*sip.Request)
}

func TestWhoCalls(t *testing.T) {
	a := &Agent{cfg: Config{Domain: "example.test"}}
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		lines              []string
		from, name, number string
	}{
		"a person":           {[]string{`From: "Bob Brown" <sip:bob@example.test>;tag=1`}, "sip:bob@example.test", "Bob Brown", ""},
		"no name":            {[]string{`From: <sip:bob@example.test>;tag=1`}, "sip:bob@example.test", "", ""},
		"bare":               {[]string{`From: sip:bob@example.test;tag=1`}, "sip:bob@example.test", "", ""},
		"without quotes":     {[]string{`From: Bob B <sip:bob@example.test>;tag=1`}, "sip:bob@example.test", "Bob B", ""},
		"quoted quote":       {[]string{`From: "Bob \"B\" <x>" <sip:bob@example.test>;tag=1`}, "sip:bob@example.test", `Bob "B" <x>`, ""},
		"another script":     {[]string{`From: "Бо́рис" <sip:boris@example.test>;tag=1`}, "sip:boris@example.test", "Бо́рис", ""},
		"right to left":      {[]string{"From: \"B\u202eob\u0007\" <sip:bob@example.test>;tag=1"}, "sip:bob@example.test", "Bob", ""},
		"extension":          {[]string{`From: "Desk" <sip:204@example.test>;tag=1`}, "sip:204@example.test", "Desk", "204"},
		"one digit":          {[]string{`From: <sip:7@example.test>;tag=1`}, "sip:7@example.test", "", ""},
		"number":             {[]string{`From: <sip:+49301234567@gw.example.test;user=phone>;tag=1`}, "sip:+49301234567@gw.example.test", "", "+49301234567"},
		"said to be one":     {[]string{`From: <sip:030-123.45(6)@gw.example.test;user=phone>;tag=1`}, "sip:030-123.45(6)@gw.example.test", "", "030123456"},
		"not said to be":     {[]string{`From: <sip:030-123@gw.example.test>;tag=1`}, "sip:030-123@gw.example.test", "", ""},
		"user parameter":     {[]string{`From: <sip:+4930123;phone-context=x@gw.example.test;user=phone>;tag=1`}, "sip:+4930123@gw.example.test", "", "+4930123"},
		"telephone":          {[]string{`From: "Mum" <tel:+49-30-1234567>;tag=1`}, "sip:+49301234567@example.test", "Mum", "+49301234567"},
		"telephone, local":   {[]string{`From: <tel:2204;phone-context=example.test>;tag=1`}, "sip:2204@example.test", "", "2204"},
		"anonymous":          {[]string{`From: "Anonymous" <sip:anonymous@anonymous.invalid>;tag=1`, `P-Asserted-Identity: <sip:bob@example.test>`}, "sip:anonymous@anonymous.invalid", "Anonymous", ""},
		"asserted":           {[]string{`From: <urn:service:sos>;tag=1`, `P-Asserted-Identity: "Bob" <sip:bob@example.test>, <tel:+491>`}, "sip:bob@example.test", "Bob", ""},
		"asserted telephone": {[]string{`From: <urn:x:y>;tag=1`, `P-Asserted-Identity: <tel:+4930123>`}, "sip:+4930123@example.test", "", "+4930123"},
		"nobody":             {[]string{`From: <urn:x:y>;tag=1`}, "", "", ""},
		"long":               {[]string{`From: "` + strings.Repeat("ä", 200) + `" <sip:bob@example.test>;tag=1`}, "sip:bob@example.test", strings.Repeat("ä", maxCallerName), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := a.ringOf("sip:alice@example.test", "c1", invite(t, "c1", c.lines...), now)
			from := portal.Address("")
			if c.from != "" {
				from = portal.MustAddress(c.from)
			}
			want := portal.Ring{To: "sip:alice@example.test", From: from, Name: c.name, Number: c.number, CallID: "c1", At: now}
			if got != want {
				t.Errorf("%+v\nwant %+v", got, want)
			}
		})
	}
}

// Whatever a caller writes: a name that can be shown, a number of digits.
func FuzzCaller(f *testing.F) {
	for _, s := range []string{`"Bob \"B" <sip:bob@example.test;user=phone>;tag=1`, `<tel:+49-30 (1);x=y>`, `sip:%31%32@h`, `"<sip:x@y>`, "\"\xff\u202e\" <sip:+1@h>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		name := displayName(value)
		if !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxCallerName || strings.ContainsAny(name, "\r\n\u202e") {
			t.Errorf("name %q", name)
		}
		n, ok := parseNameAddr(value)
		if !ok {
			return
		}
		if number := numberOf(n.uri); number != "" && strings.Trim(number[1:], "0123456789") != "" {
			t.Errorf("number %q", number)
		}
	})
}
