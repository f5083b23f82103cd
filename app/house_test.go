package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"portico/app/sipua/siptest"
)

func TestTwoPeopleSignInSeeEachOtherAndTalk(t *testing.T) {
	p := demo(t)
	alice, bob := p.signIn("alice"), p.signIn("bob")
	fromAlice, fromBob := alice.live(-1), bob.live(-1)
	await(t, longest, "bob to be seen", func() bool { return alice.availability("bob") == "available" })

	fromAlice.send(map[string]any{"op": "send", "id": "m1", "conversation": "sip:bob@example.test", "text": "Morning, Bob"})
	got := fromBob.until("the message", func(e event) bool { return e.Event == "message" && e.ID == "m1" })
	if got.ID != "m1" || got.Text != "Morning, Bob" || got.From != alice.who || got.Conversation != alice.who || got.Seq == 0 {
		t.Errorf("bob got %+v", got)
	}
	fromAlice.until("its delivery", func(e event) bool { return e.Event == "state" && e.ID == "m1" && e.State == "delivered" })

	fromBob.send(map[string]any{"op": "typing", "conversation": alice.who, "typing": true})
	fromAlice.until("bob typing", func(e event) bool { return e.Event == "typing" && e.Typing && e.From == bob.who })

	fromBob.send(map[string]any{"op": "read", "conversation": alice.who, "id": "m1"})
	fromAlice.until("the reading", func(e event) bool { return e.Event == "state" && e.ID == "m1" && e.State == "read" })

	if status := bob.call(http.MethodPut, "/me/presence", map[string]string{"availability": "busy", "note": "writing the offer"}, nil); status != http.StatusOK {
		t.Errorf("set presence: status %d", status)
	}
	fromAlice.until("bob busy", func(e event) bool { return e.Event == "presence" && e.URI == bob.who && e.Availability == "busy" })

	// A live connection that goes takes the presence along after a while; signing out does at once.
	if status := bob.call(http.MethodDelete, "/session", nil, nil); status != http.StatusNoContent {
		t.Errorf("sign out: status %d", status)
	}
	fromAlice.until("bob gone", func(e event) bool { return e.Event == "presence" && e.URI == bob.who && e.Availability == "offline" })
	if e, err := fromBob.next(longest); err == nil && e.Event != "bye" {
		for err == nil && e.Event != "bye" {
			e, err = fromBob.next(longest)
		}
		if err != nil {
			t.Errorf("no good-bye on sign-out: %v", err)
		}
	}
	if status := bob.call(http.MethodGet, "/me", nil, nil); status != http.StatusUnauthorized {
		t.Errorf("the token lives on: status %d", status)
	}
}

func TestRobotsAnswerAndAreMarked(t *testing.T) {
	p := demo(t)
	alice := p.signIn("alice")
	l := alice.live(-1)
	alice.say("karl", "m1", "Hello Karl")
	l.until("karl's answer", func(e event) bool { return e.Event == "message" && e.From == "sip:karl@example.test" })
	var found []struct {
		URI   string
		Robot bool
	}
	if status := alice.call(http.MethodGet, "/directory?q=karl", nil, &found); status != http.StatusOK || len(found) != 1 || !found[0].Robot {
		t.Errorf("directory: status %d, %+v", status, found)
	}
}

func TestStatesOfMessagesThatDoNotArriveAtOnce(t *testing.T) {
	p := demo(t)
	alice := p.signIn("alice")
	alice.say("nobody", "n", "anybody there?")
	alice.say("erin", "e", "for later")
	await(t, longest, "the failure", func() bool { return alice.state("nobody", "n") == "failed" })
	await(t, longest, "the store", func() bool { return alice.state("erin", "e") == "stored" })
	for _, m := range alice.messages("nobody") {
		if m.Reason == "" {
			t.Error("a failure without a reason")
		}
	}
	erin := p.signIn("erin")
	await(t, longest, "what was kept for erin", func() bool {
		got := erin.messages("alice")
		return len(got) == 1 && got[0].Text == "for later"
	})
}

func TestTheFiguresOfTheContractAreThere(t *testing.T) {
	p := demo(t)
	alice := p.signIn("alice")
	alice.say("karl", "m1", "Hello")
	await(t, longest, "the delivery", func() bool { return alice.state("karl", "m1") == "delivered" })
	for _, want := range []string{
		"portico_sessions 1\n", "portico_live_connections 0\n", "portico_registrations 1\n", `portico_messages_total{direction="out",result="delivered"} 1`,
		"portico_message_delivery_seconds_count 1\n", "portico_presence_changes_total", `portico_sip_requests_total{direction="out",method="REGISTER",status="200"}`,
		`portico_sip_request_seconds_count{direction="out",method="MESSAGE"} 1`,
	} {
		// What happened is counted right after it can be seen.
		await(t, longest, want, func() bool {
			resp, err := http.Get(p.url + "/metrics")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return strings.Contains(string(b), want)
		})
	}
}

func TestWhatABlockedPersonWritesNeverArrives(t *testing.T) {
	p := demo(t)
	alice, bob := p.signIn("alice"), p.signIn("bob")
	if status := alice.call(http.MethodPut, "/contacts/"+person("bob"), map[string]string{"group": "", "relationship": "blocked"}, nil); status >= 300 {
		t.Fatalf("block: status %d", status)
	}
	bob.say("alice", "b1", "let me in")
	await(t, longest, "what the server says of people who are away", func() bool { return bob.state("alice", "b1") == "stored" })
	if got := alice.messages("bob"); len(got) != 0 {
		t.Errorf("alice got %+v", got)
	}
	p.signIn("carol").say("alice", "c1", "nobody holds me up")
	await(t, longest, "the message of somebody else", func() bool { return len(alice.messages("carol")) == 1 })
}

func TestTheProgramDrainsOnSIGTERM(t *testing.T) {
	p := demo(t)
	alice := p.signIn("alice")
	l := alice.live(-1)
	done := make(chan int, 1)
	go func() { done <- p.stop() }()
	bye := l.until("good-bye", func(e event) bool { return e.Event == "bye" })
	if bye.ReconnectAfterMS <= 0 || bye.Reason == "" {
		t.Errorf("good-bye %+v", bye)
	}
	if _, err := l.next(longest); !websocket.IsCloseError(err, 4000) {
		t.Errorf("closed with %v", err)
	}
	if status := <-done; status != exitFine { // also when the budget for closing was not kept
		t.Errorf("exit status %d\n%s", status, p.logged())
	}
}

func TestAPersonStaysSignedInOverARestart(t *testing.T) {
	p := demo(t)
	alice, bob := p.signIn("alice"), p.signIn("bob")
	before := alice.live(-1)
	hello := before.until("hello", func(e event) bool { return e.Event == "hello" })
	if status := p.stop(); status != exitFine {
		t.Fatalf("exit status %d", status)
	}
	p.again()
	await(t, longest, "bob's line", func() bool {
		status, err := bob.try(http.MethodGet, "/me", nil, nil)
		return err == nil && status == http.StatusOK
	})
	bob.say("alice", "after", "still there?")
	l := alice.live(hello.Seq)
	l.until("the message after the restart", func(e event) bool { return e.Event == "message" && e.ID == "after" })
}

func TestUsageAndConfigurationErrorsEndWithStatus2(t *testing.T) {
	dir := t.TempDir()
	bad := file(t, dir, "bad.toml", "[http]\nlisten = \"nowhere\"\nlissten = \"x\"\n")
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"dance"}, []string{`"dance"`}},
		{[]string{"serve", "--nonsense"}, []string{"nonsense"}},
		{[]string{"serve", "--config", bad, "more"}, []string{`"more"`}},
		{[]string{"check"}, []string{"--config"}},
		{[]string{"serve", "--config", bad}, []string{"http.listen", "2", "lissten", "3"}},
		{[]string{"serve", "--config", dir + "/missing.toml"}, []string{"missing.toml"}},
	} {
		p := command(t, dir, nil, c.args...)
		if status := p.wait(longest); status != exitUsage {
			t.Errorf("%v: exit status %d", c.args, status)
		}
		for _, want := range c.want {
			if !strings.Contains(p.logged(), want) {
				t.Errorf("%v: %q does not name %s", c.args, p.logged(), want)
			}
		}
	}
}

func TestVersionAndHelp(t *testing.T) {
	for _, c := range []struct{ arg, want string }{{"version", "portico "}, {"help", "portico check"}, {"--help", "portico check"}} {
		p := command(t, t.TempDir(), nil, c.arg)
		if status := p.wait(longest); status != exitFine || !strings.Contains(p.logged(), c.want) {
			t.Errorf("%s: exit status %d, %q", c.arg, status, p.logged())
		}
	}
}

// labOnly starts the lab without a portal.
func labOnly(t *testing.T) *program {
	t.Helper()
	p := command(t, t.TempDir(), nil, "lab")
	if p.lab == "" {
		t.Fatalf("the lab did not say where it is:\n%s", p.logged())
	}
	return p
}

func TestCheckReallySignsIn(t *testing.T) {
	l := labOnly(t)
	dir := t.TempDir()
	conf := func(name, proxy, password, exchange string) string {
		return file(t, dir, name, "[sip]\nproxy = \"sip:"+proxy+";transport=tcp\"\ncheck_user = \"alice@example.test\"\ncheck_password = \""+password+"\"\n"+
			"[storage]\ndsn = \"sqlite:"+dir+"/check.db\"\ndata_dir = \""+dir+"\"\n"+
			"[[ews.server]]\nname = \"primary\"\n"+exchange)
	}
	nowhere := siptest.FreeAddr(t)
	for _, c := range []struct {
		name, proxy, password string
		exchange              string
		status                int
		want                  []string
	}{
		{"good.toml", l.lab, labPassword, "impersonate = false\n", exitFine, []string{"ok      sip sip:" + l.lab, "ok      exchange primary"}},
		{"wrong.toml", l.lab, "wrong", "impersonate = false\n", exitFailed, []string{"FAILED  sip", "FAILED  exchange"}},
		{"away.toml", nowhere, labPassword, "impersonate = false\n", exitFailed, []string{"FAILED  sip", "ok      exchange"}},
		{"service.toml", l.lab, labPassword, "username = \"svc-portico\"\npassword = \"portico\"\n", exitFine, []string{"ok      exchange primary"}},
		{"may-not.toml", l.lab, labPassword, "username = \"bob\"\npassword = \"portico\"\n", exitFailed, []string{"FAILED  exchange primary"}},
		{"no-mailbox.toml", l.lab, labPassword, "username = \"svc-portico\"\npassword = \"portico\"\ncheck_mailbox = \"nobody@example.test\"\n", exitFailed, []string{"FAILED  exchange primary"}},
		{"no-exchange.toml", l.lab, labPassword, "url = \"http://" + nowhere + "/EWS/Exchange.asmx\"\nimpersonate = false\n", exitFailed, []string{"FAILED  exchange primary"}},
	} {
		if !strings.Contains(c.exchange, "url =") {
			c.exchange += "url = \"" + l.exchange + "\"\n"
		}
		p := command(t, dir, nil, "check", "--config", conf(c.name, c.proxy, c.password, c.exchange))
		status := p.wait(longest)
		for _, want := range c.want {
			if status != c.status || !strings.Contains(p.logged(), want) {
				t.Errorf("%s: exit status %d, want %d and %q\n%s", c.name, status, c.status, want, p.logged())
			}
		}
		if !strings.Contains(p.logged(), "ok      storage") {
			t.Errorf("%s: no line for storage\n%s", c.name, p.logged())
		}
		if strings.Contains(p.logged(), "wrong\"") {
			t.Errorf("%s: the password is in the output", c.name)
		}
	}
}
