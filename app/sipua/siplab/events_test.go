package siplab

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func dialogInfo(id, state string) string {
	return `<?xml version="1.0"?><d:dialog-info xmlns:d="urn:ietf:params:xml:ns:dialog-info" version="0" state="full" entity="sip:alice@example.test">` +
		`<d:dialog id="` + id + `" call-id="c-` + id + `" direction="recipient"><d:state>` + state + `</d:state></d:dialog></d:dialog-info>`
}

const waitingMail = "Messages-Waiting: yes\r\nVoice-Message: 1/2\r\n"

// tell publishes somebody's calls or voice mail.
func (p *phone) tell(who, event, media, body, etag string, headers ...string) *msg {
	p.t.Helper()
	headers = append(headers, "Event: "+event)
	if body != "" {
		headers = append(headers, "Content-Type: "+media)
	}
	if etag != "" {
		headers = append(headers, "SIP-If-Match: "+etag)
	}
	return p.do(ask{method: "PUBLISH", target: "sip:" + who + "@example.test", body: body, headers: headers})
}

func TestCallsAreToldToTheirOwner(t *testing.T) {
	s := newLab(t, func(c *Config) { c.Publishers = []string{"dave"} })
	a, device, pbx := newPhone(t, s, "alice", "tcp").online(), newPhone(t, s, "alice", "tcp").online(), newPhone(t, s, "dave", "tcp").online()
	sub := a.watch("alice", "Event: dialog", "Expires: 600")
	if sub.status != 200 {
		t.Fatal(sub.start)
	}
	hears := func(version int, contains ...string) {
		t.Helper()
		m := a.hearOf(sub)
		if m.get("Event") != "dialog" || m.get("Content-Type") != typeDialog || !strings.Contains(m.body, fmt.Sprintf(`version="%d" state="full" entity="sip:alice@example.test"`, version)) {
			t.Errorf("%s %q: %s", m.get("Event"), m.get("Content-Type"), m.body)
		}
		for _, c := range contains {
			if !strings.Contains(m.body, c) {
				t.Errorf("no %q in %s", c, m.body)
			}
		}
		if got, want := strings.Count(m.body, "</d:dialog>"), len(contains); got != want {
			t.Errorf("%d dialogs, want %d: %s", got, want, m.body)
		}
		if err := wellFormed([]byte(m.body)); err != nil {
			t.Errorf("%v: %s", err, m.body)
		}
	}
	hears(0)
	one := device.tell("alice", "dialog", typeDialog, dialogInfo("x", "early"), "", "Expires: 600")
	if one.status != 200 || one.get("SIP-ETag") == "" {
		t.Fatal(one.start)
	}
	hears(1, ">early<")
	if m := pbx.tell("alice", "dialog", typeDialog, dialogInfo("x", "trying"), "", "Expires: 600"); m.status != 200 {
		t.Fatalf("the PBX: %s", m.start)
	}
	hears(2, ">trying<", ">early<") // two devices, one id: told apart
	one = device.tell("alice", "dialog", typeDialog, dialogInfo("x", "confirmed"), one.get("SIP-ETag"))
	hears(3, ">confirmed<", ">trying<")
	if m := device.tell("alice", "dialog", typeDialog, "", one.get("SIP-ETag"), "Expires: 0"); m.status != 200 {
		t.Fatal(m.start)
	}
	hears(4, ">trying<")
	if m := a.again(sub, "Event: dialog", "Expires: 600"); m.status != 200 {
		t.Errorf("refresh: %s", m.start)
	}
	hears(5, ">trying<")
	if len(s.Publications("alice")) != 0 {
		t.Error("a call became a presence")
	}
}

func TestVoiceMailIsToldToItsOwner(t *testing.T) {
	s := newLab(t, func(c *Config) { c.Publishers = []string{"dave"} })
	a, vm := newPhone(t, s, "alice", "tcp").online(), newPhone(t, s, "dave", "tcp").online()
	sub := a.watch("alice", "Event: message-summary", "Accept: "+typeSummary)
	if m := a.hearOf(sub); m.body != "" || m.get("Content-Type") != "" || !strings.HasPrefix(m.get("Subscription-State"), "active") {
		t.Errorf("before anybody has said anything: %q", m.body)
	}
	one := vm.tell("alice", "message-summary", typeSummary, waitingMail, "", "Expires: 2")
	if one.status != 200 {
		t.Fatal(one.start)
	}
	if m := a.hearOf(sub); m.body != waitingMail || m.get("Content-Type") != typeSummary {
		t.Errorf("%q as %q", m.body, m.get("Content-Type"))
	}
	if m := a.hearOf(sub); m.body != "" { // expired
		t.Errorf("afterwards: %q", m.body)
	}
	if m := vm.tell("alice", "message-summary", typeSummary, waitingMail, one.get("SIP-ETag")); m.status != 412 {
		t.Errorf("an expired publication is changed: %s", m.start)
	}
}

func TestOnlyThoseConcernedTellAndHearOfCallsAndVoiceMail(t *testing.T) {
	s := newLab(t, func(c *Config) { c.Publishers = []string{"dave"} })
	a, pbx := newPhone(t, s, "alice", "tcp").online(), newPhone(t, s, "dave", "tcp").online()
	for _, pkg := range []string{"dialog", "message-summary"} {
		if m := a.watch("bob", "Event: "+pkg); m.status != 403 {
			t.Errorf("%s of somebody else: %s", pkg, m.start)
		}
		if m := a.watch("alice", "Event: "+pkg, "Accept: application/pidf+xml"); m.status != 406 {
			t.Errorf("%s as presence: %s", pkg, m.start)
		}
	}
	for name, c := range map[string]struct {
		p                      *phone
		who, event, kind, body string
		want                   int
	}{
		"no publisher":           {a, "bob", "dialog", typeDialog, dialogInfo("x", "early"), 403},
		"the PBX as presence":    {pbx, "alice", "presence", typePIDF, pidfOpen, 403},
		"for nobody":             {pbx, "nobody", "dialog", typeDialog, dialogInfo("x", "early"), 404},
		"another type":           {pbx, "alice", "dialog", typePIDF, dialogInfo("x", "early"), 415},
		"another document":       {pbx, "alice", "dialog", typeDialog, pidfOpen, 415},
		"broken":                 {pbx, "alice", "dialog", typeDialog, "<dialog-info", 415},
		"a summary as calls":     {pbx, "alice", "dialog", typeSummary, waitingMail, 415},
		"calls as a summary":     {pbx, "alice", "message-summary", typeDialog, dialogInfo("x", "early"), 415},
		"a summary that is huge": {pbx, "alice", "message-summary", typeSummary, strings.Repeat("x", maxSummary+1), 415},
	} {
		m := c.p.tell(c.who, c.event, c.kind, c.body, "")
		if m.status != c.want {
			t.Errorf("%s: %s, want %d", name, m.start, c.want)
		}
	}
}

func TestOwnPublicationsAndSubscriptionsEnd(t *testing.T) {
	s := newLab(t)
	a := newPhone(t, s, "alice", "tcp").online()
	sub := a.watch("alice", "Event: dialog", "Expires: 600")
	a.hearOf(sub)
	for i := range maxPublications + 1 {
		if m := a.tell("alice", "dialog", typeDialog, dialogInfo(fmt.Sprint(i), "early"), "", "Expires: 600"); m.status != 200 {
			t.Fatal(m.start)
		}
	}
	eventually(t, "as many as there may be", func() bool {
		m := a.hearOf(sub)
		return strings.Contains(m.body, `id="32"`) && strings.Count(m.body, "<d:state>") == maxPublications
	})
	if m := a.again(sub, "Event: dialog", "Expires: 0"); m.status != 200 {
		t.Errorf("end: %s", m.start)
	}
	for m := a.hearOf(sub); !strings.HasPrefix(m.get("Subscription-State"), "terminated"); m = a.hearOf(sub) {
	}
	eventually(t, "forgotten", func() bool { return s.subs.len() == 0 })
	s.sweepOwn(s.account("alice"), time.Now().Add(time.Hour))
	if d, _ := s.ownDocument(&subscription{pkg: packageDialog, owner: s.account("alice")}); strings.Contains(string(d), "<d:dialog") {
		t.Errorf("after their time: %s", d)
	}
}
