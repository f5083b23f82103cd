package strict

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// tortureDir finds the RFC 4475 messages, which come as files with the sipgo module.
func tortureDir(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/emiago/sipgo").Output()
	dir := filepath.Join(strings.TrimSpace(string(out)), "sip", "testdata", "torture")
	if err == nil {
		_, err = os.Stat(dir)
	}
	if err != nil {
		t.Skipf("the RFC 4475 messages, part of the sipgo module's source, are not on this machine: %v", err)
	}
	return dir
}

// reaction is what RFC 4475 section 3 prescribes for a user agent that knows all methods and
// understands application/sdp in an INVITE.
type reaction struct {
	file, section string
	action        Action
	status        int
	// header is a line the answer must hold.
	header string
	// cause is a part of what the log must say, so that a message is not refused for another reason.
	cause string
	// stream is the status over TCP where it differs.
	stream int
}

var reactions = []reaction{
	// 3.1.1 valid messages: all are taken; the two with a method nobody knows get 501 with Allow.
	{file: "valid/wsinv", section: "3.1.1.1"},
	{file: "valid/intmeth", section: "3.1.1.2", action: Reject, status: 501, header: "Allow: ACK, BYE", cause: "method"},
	{file: "valid/esc01", section: "3.1.1.3"},
	{file: "valid/escnull", section: "3.1.1.4"},
	{file: "valid/esc02", section: "3.1.1.5", action: Reject, status: 501, header: "Allow: ACK, BYE", cause: "RE%47IST%45R"},
	{file: "valid/lwsdisp", section: "3.1.1.6"},
	{file: "valid/longreq", section: "3.1.1.7"},
	{file: "valid/dblreq", section: "3.1.1.8"},
	{file: "valid/semiuri", section: "3.1.1.9"},
	{file: "valid/transports", section: "3.1.1.10"},
	{file: "valid/mpart01", section: "3.1.1.11"},
	{file: "valid/unreason", section: "3.1.1.12"},
	{file: "valid/noreason", section: "3.1.1.13"},
	// 3.1.2 invalid messages
	{file: "invalid/badinv01", section: "3.1.2.1", action: Reject, status: 400, cause: "via"},
	{file: "invalid/clerr", section: "3.1.2.2", action: Reject, status: 400, cause: "shorter than content-length"},
	{file: "invalid/ncl", section: "3.1.2.3", action: Reject, status: 400, cause: "content-length"},
	{file: "invalid/scalar02", section: "3.1.2.4", action: Reject, status: 400, cause: "cseq"},
	{file: "invalid/scalarlg", section: "3.1.2.5", action: Drop, cause: "cseq"},
	{file: "invalid/quotbal", section: "3.1.2.6", action: Reject, status: 400, cause: "to: unbalanced quote"},
	{file: "invalid/ltgtruri", section: "3.1.2.7", action: Reject, status: 400, cause: "Request-URI"},
	{file: "invalid/lwsruri", section: "3.1.2.8", action: Reject, status: 400, cause: "start line"},
	{file: "invalid/lwsstart", section: "3.1.2.9", action: Reject, status: 400, cause: "start line"},
	{file: "invalid/trws", section: "3.1.2.10", action: Reject, status: 400, cause: "start line"},
	{file: "invalid/escruri", section: "3.1.2.11", action: Reject, status: 400, cause: "Request-URI"},
	{file: "invalid/baddate", section: "3.1.2.12"}, // allowed: ignore a Date that is not used
	{file: "invalid/regbadct", section: "3.1.2.13", action: Reject, status: 400, cause: "contact"},
	{file: "invalid/badaspec", section: "3.1.2.14", action: Reject, status: 400, cause: "to"},
	{file: "invalid/baddn", section: "3.1.2.15", action: Reject, status: 400, cause: "from"},
	{file: "invalid/badvers", section: "3.1.2.16", action: Reject, status: 505, cause: "SIP/7.0"},
	{file: "invalid/mismatch01", section: "3.1.2.17", action: Reject, status: 400, cause: "cseq"},
	{file: "invalid/mismatch02", section: "3.1.2.18", action: Reject, status: 400, cause: "cseq"}, // or 501
	{file: "invalid/bigcode", section: "3.1.2.19", action: Drop, cause: "status code"},
	// 3.2 transaction layer semantics
	{file: "invalid/badbranch", section: "3.2.1"},
	// 3.3 application layer semantics
	{file: "invalid/insuf", section: "3.3.1", action: Reject, status: 400, cause: "no from"},
	{file: "invalid/unkscm", section: "3.3.2", action: Reject, status: 416, cause: "nobodyknowsthisscheme"},
	{file: "invalid/novelsc", section: "3.3.3", action: Reject, status: 416, cause: "soap.beep"},
	{file: "invalid/unksm2", section: "3.3.4"},
	{file: "invalid/bext01", section: "3.3.5", action: Reject, status: 420, header: "Unsupported: nothingSupportsThis, nothingSupportsThisEither", cause: "requires"},
	{file: "invalid/invut", section: "3.3.6", action: Reject, status: 415, header: "Accept: application/sdp", cause: "content type"},
	{file: "invalid/regaut01", section: "3.3.7"}, // an unknown Authorization is as none; a registrar challenges
	{file: "invalid/multi01", section: "3.3.8", action: Reject, status: 400, cause: "more than one"},
	{file: "invalid/mcl01", section: "3.3.9", action: Reject, status: 400, cause: "more than one content-length"},
	{file: "invalid/bcast", section: "3.3.10", action: Drop, cause: "more than one Via"},
	{file: "invalid/zeromf", section: "3.3.11"}, // only a proxy answers 483
	{file: "invalid/cparam01", section: "3.3.12"},
	{file: "invalid/cparam02", section: "3.3.13"},
	{file: "invalid/regescrt", section: "3.3.14"},
	{file: "invalid/sdp01", section: "3.3.15", action: Reject, status: 406, cause: "not acceptable"},
	// 3.4 backward compatibility
	{file: "invalid/inv2543", section: "3.4.1", stream: 400}, // no Content-Length: cannot be framed on a stream
}

// readTorture reads one message. The file of baddn lacks the empty line that ends its head; the RFC has it.
func readTorture(t testing.TB, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)+".dat"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, "baddn") {
		b = append(b, "\r\n"...)
	}
	return b
}

func TestTortureMessagesGetTheReactionOfTheRFC(t *testing.T) {
	dir := tortureDir(t)
	if len(reactions) != 49 {
		t.Fatalf("%d reactions, the RFC has 49 messages", len(reactions))
	}
	for _, want := range reactions {
		t.Run(filepath.Base(want.file), func(t *testing.T) {
			b := readTorture(t, dir, want.file)
			v := Inspect(b, "UDP", DefaultRules())
			if v.Action != want.action || v.Status != want.status || !strings.Contains(v.Cause, want.cause) || (want.cause == "") != (v.Cause == "") {
				t.Fatalf("section %s: got %v %d (%s), want %v %d (%s)", want.section, v.Action, v.Status, v.Cause, want.action, want.status, want.cause)
			}
			checkOutcome(t, b, v, want)
			overTCP := Inspect(b, "tcp", DefaultRules())
			status := want.status
			if want.stream != 0 {
				status = want.stream
			}
			if overTCP.Status != status {
				t.Errorf("over TCP: %d (%s), want %d", overTCP.Status, overTCP.Cause, status)
			}
		})
	}
}

func checkOutcome(t *testing.T, b []byte, v Verdict, want reaction) {
	t.Helper()
	answer := string(v.Response(&net.UDPAddr{IP: net.IPv4(192, 0, 2, 99), Port: 5099}))
	switch v.Action {
	case Accept:
		if _, err := sip.ParseMessage(v.Message); err != nil {
			t.Errorf("the parser refuses what was accepted: %v\n%s", err, v.Message)
		}
		if again := Inspect(v.Message, "UDP", DefaultRules()); again.Action != Accept || string(again.Message) != string(v.Message) {
			t.Errorf("not stable: %v %s\n%s", again.Action, again.Cause, again.Message)
		}
	case Drop:
		if answer != "" {
			t.Errorf("a dropped message is answered: %s", answer)
		}
	case Reject:
		head, _, ok := strings.Cut(answer, "\r\n\r\n")
		if !ok || !strings.HasPrefix(answer, "SIP/2.0 "+reasonLine(v)) || !strings.Contains(head, want.header) || !strings.Contains(head, "\r\nVia: ") {
			t.Errorf("answer %q", answer)
		}
		for _, name := range []string{"From", "To", "Call-ID", "CSeq"} {
			if has := strings.Contains(strings.ToLower(string(b)), "\r\n"+strings.ToLower(name)+":"); has != strings.Contains(head, "\r\n"+name+": ") {
				t.Errorf("%s in the request: %v; answer:\n%s", name, has, answer)
			}
		}
	}
}

func reasonLine(v Verdict) string {
	return strings.Join([]string{itoa(v.Status), v.Reason}, " ") + "\r\n"
}

func itoa(n int) string {
	return string([]byte{byte('0' + n/100), byte('0' + n/10%10), byte('0' + n%10)})
}

// The fiftieth file is not of the RFC: a request line without a version, and no Via to answer to.
func TestARequestThatCannotBeAnsweredIsDropped(t *testing.T) {
	v := Inspect(readTorture(t, tortureDir(t), "invalid/test"), "UDP", DefaultRules())
	if v.Action != Drop || v.Cause != "start line" {
		t.Errorf("%v %d %s", v.Action, v.Status, v.Cause)
	}
}

// What wsinv, the first message of the RFC, says must reach the parser whole.
func TestTheTortuousInviteKeepsItsMeaning(t *testing.T) {
	v := Inspect(readTorture(t, tortureDir(t), "valid/wsinv"), "UDP", DefaultRules())
	msg, err := sip.ParseMessage(v.Message)
	if err != nil {
		t.Fatal(err)
	}
	req := msg.(*sip.Request)
	toTag, _ := req.To().Params.Get("tag")
	fromTag, _ := req.From().Params.Get("tag")
	branch, _ := req.Via().Params.Get("branch")
	q, _ := req.Contact().Params.Get("q")
	vias := req.GetHeaders("Via")
	if toTag != "1918181833n" || fromTag != "98asjd8" || branch != "390skdjuw" || q != "0.33" || len(vias) != 3 ||
		req.CSeq().SeqNo != 9 || req.MaxForwards().Val() != 68 || len(req.Body()) != 150 || req.From().DisplayName != `J Rosenberg \\\"` {
		t.Errorf("to tag %q, from tag %q, branch %q, q %q, %d Via, body of %d, from %q\n%s", toTag, fromTag, branch, q, len(vias), len(req.Body()), req.From().DisplayName, v.Message)
	}
	if h := req.GetHeader("NewFangledHeader"); h == nil || h.Value() != "newfangled value continued newfangled value" {
		t.Errorf("folded header: %v", h)
	}
}
