package strict

import (
	"net"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// request is a MESSAGE as Kamailio relays it, with lines replaced or added by the caller.
func request(edits ...string) []byte {
	s := "MESSAGE sip:bob@127.0.0.1:40001;transport=tcp SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK87b5.1f3a;rport\r\n" +
		"Via: SIP/2.0/UDP 127.0.0.1:40000;branch=z9hG4bK-aa;rport=40000;received=127.0.0.1\r\n" +
		"From: \"Alice\" <sip:alice@example.test>;tag=a1\r\n" +
		"To: <sip:bob@example.test>\r\n" +
		"Call-ID: 8f7e@127.0.0.1\r\n" +
		"CSeq: 7 MESSAGE\r\n" +
		"Max-Forwards: 69\r\n" +
		"Date: Sat, 21 Nov 2026 18:47:25 GMT\r\n" +
		"Content-Type: text/plain;charset=UTF-8\r\n" +
		"Content-Length: 5\r\n\r\nhello"
	for i := 0; i+1 < len(edits); i += 2 {
		if !strings.Contains(s, edits[i]) {
			panic("no " + edits[i])
		}
		s = strings.Replace(s, edits[i], edits[i+1], 1)
	}
	return []byte(s)
}

func TestAnOrdinaryMessagePassesUntouched(t *testing.T) {
	in := request()
	v := Inspect(in, "TCP", DefaultRules())
	if v.Action != Accept || &v.Message[0] != &in[0] || len(v.Message) != len(in) {
		t.Fatalf("%v %s\n%s", v.Action, v.Cause, v.Message)
	}
}

func TestWhatIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		edits  []string
		status int
		cause  string
	}{
		"version 2.1":               {[]string{"SIP/2.0\r\nVia", "SIP/2.1\r\nVia"}, 505, "SIP/2.1"},
		"no version":                {[]string{" SIP/2.0\r\nVia", "\r\nVia"}, 400, "start line"},
		"method in lower case":      {[]string{"MESSAGE sip", "message sip", "7 MESSAGE", "7 message"}, 501, "message"},
		"method no token":           {[]string{"MESSAGE sip", "MESS@GE sip", "7 MESSAGE", "7 MESS@GE"}, 400, "method"},
		"tel URI":                   {[]string{"sip:bob@127.0.0.1:40001;transport=tcp", "tel:+4930123456"}, 416, "tel"},
		"URI without scheme":        {[]string{"sip:bob@127.0.0.1:40001;transport=tcp", "bob"}, 400, "Request-URI"},
		"URI without host":          {[]string{"sip:bob@127.0.0.1:40001;transport=tcp", "sip:bob@"}, 400, "Request-URI"},
		"URI port":                  {[]string{"127.0.0.1:40001;transport=tcp", "127.0.0.1:99999"}, 400, "Request-URI"},
		"bare IPv6 in URI":          {[]string{"bob@127.0.0.1:40001;transport=tcp", "2001:db8::10"}, 400, "Request-URI"},
		"unclosed IPv6 in URI":      {[]string{"bob@127.0.0.1:40001;transport=tcp", "bob@[2001:db8::10"}, 400, "Request-URI"},
		"no Call-ID":                {[]string{"Call-ID: 8f7e@127.0.0.1\r\n", ""}, 400, "no call-id"},
		"no CSeq":                   {[]string{"CSeq: 7 MESSAGE\r\n", ""}, 400, "no cseq"},
		"no To":                     {[]string{"To: <sip:bob@example.test>\r\n", ""}, 400, "no to"},
		"two Call-IDs":              {[]string{"CSeq", "i: other\r\nCSeq"}, 400, "more than one call-id"},
		"two Content-Types":         {[]string{"CSeq", "c: text/html\r\nCSeq"}, 400, "more than one content-type"},
		"Call-ID of two words":      {[]string{"8f7e@127.0.0.1", "8f7e 127.0.0.1"}, 400, "call-id"},
		"CSeq too large":            {[]string{"7 MESSAGE", "2147483648 MESSAGE"}, 400, "cseq"},
		"CSeq negative":             {[]string{"7 MESSAGE", "-7 MESSAGE"}, 400, "cseq"},
		"Max-Forwards too large":    {[]string{"Max-Forwards: 69", "Max-Forwards: 256"}, 400, "max-forwards"},
		"Max-Forwards in words":     {[]string{"Max-Forwards: 69", "Max-Forwards: many"}, 400, "max-forwards"},
		"Via of other protocol":     {[]string{"Via: SIP/2.0/UDP 127.0.0.1:5060", "Via: HTTP/1.1/TCP 127.0.0.1"}, 400, "via"},
		"Via without sent-by":       {[]string{"UDP 127.0.0.1:5060;branch=z9hG4bK87b5.1f3a;rport", "UDP ;branch=z9hG4bKx"}, 400, "via"},
		"Via parameter without end": {[]string{"branch=z9hG4bK87b5.1f3a;rport", `branch="z9hG4bK`}, 400, "via"},
		"From without closing >":    {[]string{"<sip:alice@example.test>", "<sip:alice@example.test"}, 400, "from"},
		"From with comma in name":   {[]string{`"Alice"`, "Doe, Alice"}, 400, "from"},
		"To without scheme":         {[]string{"<sip:bob@example.test>", "bob@example.test"}, 400, "to"},
		"header without colon":      {[]string{"CSeq", "Nonsense\r\nCSeq"}, 400, "header line"},
		"header name with blank":    {[]string{"CSeq", "Non sense: x\r\nCSeq"}, 400, "header line"},
		"folded first line":         {[]string{"SIP/2.0\r\nVia", "SIP/2.0\r\n Via"}, 400, "before the first header"},
		"bare LF":                   {[]string{"CSeq", "X: a\nB: b\r\nCSeq"}, 400, "CR or LF"},
		"Content-Length in hex":     {[]string{"Content-Length: 5", "Content-Length: 0x5"}, 400, "content-length"},
		"Content-Length too long":   {[]string{"Content-Length: 5", "Content-Length: 6"}, 400, "shorter"},
		"Content-Length huge":       {[]string{"Content-Length: 5", "Content-Length: 99999999999999999999"}, 400, "content-length"},
		"no Content-Length":         {[]string{"Content-Length: 5\r\n", ""}, 400, "no content-length"},
		"Contact with bare header":  {[]string{"CSeq", "m: sip:alice@example.test?Route=x\r\nCSeq"}, 400, "contact"},
		"Route unclosed":            {[]string{"CSeq", "Route: <sip:p.example.test;lr\r\nCSeq"}, 400, "route"},
		"Content-Type empty":        {[]string{"text/plain;charset=UTF-8", ""}, 400, "content-type"},
		"Require":                   {[]string{"CSeq", "Require: eventlist, 100rel\r\nCSeq"}, 420, "100rel"},
	} {
		t.Run(name, func(t *testing.T) {
			v := Inspect(request(tc.edits...), "TCP", DefaultRules())
			if v.Action != Reject || v.Status != tc.status || !strings.Contains(v.Cause, tc.cause) {
				t.Errorf("%v %d %q, want %d %q", v.Action, v.Status, v.Cause, tc.status, tc.cause)
			}
		})
	}
}

func TestWhatIsTaken(t *testing.T) {
	for name, edits := range map[string][]string{
		"unquoted name in other script": {`"Alice"`, "Алиса Müller"},
		"name with dots":                {`"Alice"`, "A. Bell"},
		"IPv6":                          {"bob@127.0.0.1:40001;transport=tcp", "bob@[2001:db8::1]:5060", "UDP 127.0.0.1:5060", "UDP [2001:db8::9]:5060"},
		"sips":                          {"MESSAGE sip:", "MESSAGE sips:"},
		"received with brackets":        {"received=127.0.0.1", "received=[2001:db8::1]"},
		"known extension":               {"CSeq", "Require: eventlist\r\nCSeq"},
		"many in one Contact":           {"CSeq", `Contact: "a,b;c" <sip:a@b.test>;q=0.5 , <sip:c@d.test;lr?X=%20>;expires=3` + "\r\nCSeq"},
		"lower-case version":            {"SIP/2.0\r\nVia", "sip/2.0\r\nVia"},
		"no Max-Forwards":               {"Max-Forwards: 69\r\n", ""},
		"phone with hash":               {"sip:bob@127.0.0.1:40001;transport=tcp", "sip:#31#0301@127.0.0.1"},
		"trailing bytes":                {"hello", "hello and more"},
		"empty lines first":             {"MESSAGE sip", "\r\n\r\nMESSAGE sip"},
	} {
		t.Run(name, func(t *testing.T) {
			v := Inspect(request(edits...), "TCP", DefaultRules())
			if v.Action != Accept {
				t.Fatalf("%v %d %s", v.Action, v.Status, v.Cause)
			}
			msg, err := sip.ParseMessage(v.Message)
			if err != nil {
				t.Fatalf("%v\n%s", err, v.Message)
			}
			if string(msg.Body()) != "hello" {
				t.Errorf("body %q", msg.Body())
			}
		})
	}
}

func TestADateThatIsNotGMTIsTakenOut(t *testing.T) {
	v := Inspect(request("18:47:25 GMT", "18:47:25 EST"), "TCP", DefaultRules())
	if v.Action != Accept || strings.Contains(string(v.Message), "EST") || !strings.HasSuffix(string(v.Message), "\r\n\r\nhello") {
		t.Errorf("%v %s\n%s", v.Action, v.Cause, v.Message)
	}
}

func TestACKAndResponsesAreNeverAnswered(t *testing.T) {
	ack := Inspect(request("MESSAGE sip", "ACK sip", "7 MESSAGE", "7 INVITE"), "UDP", DefaultRules())
	if ack.Action != Drop || ack.Status != 0 || ack.Response(nil) != nil {
		t.Errorf("ACK: %v %d", ack.Action, ack.Status)
	}
	const ok = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKx\r\nFrom: <sip:a@b.test>;tag=1\r\nTo: <sip:c@d.test>;tag=2\r\nCall-ID: x\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n"
	if v := Inspect([]byte(ok), "UDP", DefaultRules()); v.Action != Accept {
		t.Errorf("a good response: %v %s", v.Action, v.Cause)
	}
	for _, edit := range [][2]string{
		{"200 OK", "99 Low"}, {"200 OK", "700 High"}, {"200 OK", "2000 OK"}, {"SIP/2.0 200", "SIP/3.0 200"}, {"From: <sip:a@b.test>;tag=1\r\n", ""},
		{"branch=z9hG4bKx\r\n", "branch=z9hG4bKx, SIP/2.0/UDP 127.0.0.1:5061;branch=z9hG4bKy\r\n"}, {"Content-Length: 0", "Content-Length: 8"}, {"Call-ID: x", "Call-ID"},
	} {
		v := Inspect([]byte(strings.Replace(ok, edit[0], edit[1], 1)), "UDP", DefaultRules())
		if v.Action != Drop || v.Response(nil) != nil {
			t.Errorf("%q: %v %s", edit[1], v.Action, v.Cause)
		}
	}
	bare := Inspect([]byte(strings.Replace(ok, "200 OK", "200", 1)), "UDP", DefaultRules())
	if _, err := sip.ParseMessage(bare.Message); bare.Action != Accept || err != nil {
		t.Errorf("a status line that ends with the code: %v %s, %v", bare.Action, bare.Cause, err)
	}
}

func TestTheAnswerFindsItsWayBack(t *testing.T) {
	v := Inspect(request("Max-Forwards: 69", "Max-Forwards: x", "Call-ID", "CALL-ID", "To:", "t :"), "UDP", DefaultRules())
	answer := string(v.Response(&net.UDPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 4321}))
	msg, err := sip.ParseMessage([]byte(answer))
	if err != nil {
		t.Fatalf("%v\n%s", err, answer)
	}
	res := msg.(*sip.Response)
	via := res.Via()
	received, _ := via.Params.Get("received")
	rport, _ := via.Params.Get("rport")
	tag, tagged := res.To().Params.Get("tag")
	if res.StatusCode != 400 || received != "10.0.0.7" || rport != "4321" || !tagged || tag == "" || len(res.GetHeaders("Via")) != 2 || res.CallID().Value() != "8f7e@127.0.0.1" {
		t.Errorf("%s", answer)
	}
	again := Inspect(request("Max-Forwards: 69", "Max-Forwards: x", "Call-ID", "CALL-ID", "To:", "t :"), "UDP", DefaultRules())
	if second := string(again.Response(&net.UDPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 4321})); second != answer {
		t.Errorf("a retransmission is answered differently:\n%s\n%s", answer, second)
	}
	inDialog := Inspect(request("<sip:bob@example.test>", "<sip:bob@example.test;tag=no>;tag=b7", "7 MESSAGE", "7 INFO"), "TCP", DefaultRules())
	if s := string(inDialog.Response(nil)); !strings.Contains(s, "To: <sip:bob@example.test;tag=no>;tag=b7\r\n") {
		t.Errorf("the tag of a dialog is kept:\n%s", s)
	}
}

func TestOldRequestsWithoutBranchGetATransaction(t *testing.T) {
	invite := request(`"Alice" <sip:alice@example.test>;tag=a1`, "<sip:alice@example.test>", ";branch=z9hG4bK87b5.1f3a;rport", "")
	v := Inspect(invite, "TCP", DefaultRules())
	msg, err := sip.ParseMessage(v.Message)
	if err != nil || v.Action != Accept {
		t.Fatalf("%v %s %v", v.Action, v.Cause, err)
	}
	branch, _ := msg.(*sip.Request).Via().Params.Get("branch")
	repeat := Inspect(invite, "TCP", DefaultRules())
	other := Inspect([]byte(strings.Replace(string(invite), "8f7e@", "8f7f@", 1)), "TCP", DefaultRules())
	if !strings.HasPrefix(branch, "z9hG4bK-2543-") || string(repeat.Message) != string(v.Message) || strings.Contains(string(other.Message), branch) {
		t.Errorf("branch %q\n%s", branch, other.Message)
	}
}

func TestCheckOfAParsedRequest(t *testing.T) {
	parse := func(b []byte) *sip.Request {
		t.Helper()
		msg, err := sip.ParseMessage(b)
		if err != nil {
			t.Fatal(err)
		}
		return msg.(*sip.Request)
	}
	if v := Check(parse(request()), DefaultRules()); v.Action != Accept {
		t.Errorf("%v %s", v.Action, v.Cause)
	}
	for status, edits := range map[int][]string{
		400: {"CSeq", "Call-ID: other\r\nCSeq"},
		416: {"sip:bob@127.0.0.1:40001;transport=tcp", "tel:+4930123456"},
		420: {"CSeq", "Require: magic\r\nCSeq"},
		501: {"MESSAGE sip", "CONJURE sip", "7 MESSAGE", "7 CONJURE"},
		505: {"SIP/2.0\r\nVia", "SIP/7.0\r\nVia"},
	} {
		if v := Check(parse(request(edits...)), DefaultRules()); v.Action != Reject || v.Status != status {
			t.Errorf("want %d: %v %d %s", status, v.Action, v.Status, v.Cause)
		}
	}
}

func TestCheckRawIsTheShortForm(t *testing.T) {
	if status, reason, ok := CheckRaw(request(), "TCP"); !ok || status != 0 || reason != "" {
		t.Errorf("%d %q %v", status, reason, ok)
	}
	if status, reason, ok := CheckRaw(request("CSeq", "Require: magic\r\nCSeq"), "TCP"); ok || status != 420 || reason != "Bad Extension" {
		t.Errorf("%d %q %v", status, reason, ok)
	}
	if status, _, ok := CheckRaw([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "TCP"); ok || status != 0 {
		t.Errorf("HTTP: %d %v", status, ok)
	}
}

func FuzzInspect(f *testing.F) {
	f.Add(request(), false)
	f.Add(request("CSeq", "Require: magic\r\nCSeq"), true)
	for _, r := range reactions {
		f.Add(readTorture(f, tortureDir(f), r.file), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, udp bool) {
		transport := "TCP"
		if udp {
			transport = "UDP"
		}
		v := Inspect(b, transport, DefaultRules())
		switch v.Action {
		case Accept:
			msg, err := sip.ParseMessage(v.Message)
			if err != nil {
				t.Fatalf("the parser refuses what was accepted: %v\n%q", err, v.Message)
			}
			if again := Inspect(v.Message, transport, DefaultRules()); again.Action != Accept {
				t.Fatalf("accepted, then %v %s\n%q", again.Action, again.Cause, v.Message)
			}
			if req, ok := msg.(*sip.Request); ok && (req.CallID() == nil || req.From() == nil || req.To() == nil || req.Via() == nil || req.CSeq() == nil) {
				t.Fatalf("accepted without what every request has\n%q", v.Message)
			}
		case Reject:
			if v.Status < 400 || v.Response(nil) == nil {
				t.Fatalf("rejected without an answer: %d", v.Status)
			}
		}
	})
}

func BenchmarkInspect(b *testing.B) {
	in := request()
	b.ReportAllocs()
	for b.Loop() {
		if v := Inspect(in, "TCP", Rules{Methods: []string{"MESSAGE"}}); v.Action != Accept {
			b.Fatal(v.Cause)
		}
	}
}
