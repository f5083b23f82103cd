package siplab

import (
	"strings"
	"testing"
	"time"
)

func withRobots(c *Config) {
	c.Users = append(c.Users[:len(c.Users):len(c.Users)], User{Name: "karl", DisplayName: "Karl", Password: "portico", Robot: true},
		User{Name: "lena", DisplayName: "Lena", Password: "portico", Robot: true})
	c.Robots = RobotPace{Think: time.Millisecond, Type: time.Millisecond, Presence: 50 * time.Millisecond}
}

func robotsOnline(t testing.TB, s *Server) {
	t.Helper()
	eventually(t, "both robots are there", func() bool {
		return len(s.Bindings("karl")) == 1 && len(s.Bindings("lena")) == 1 && len(s.Publications("karl")) == 1
	})
}

func TestRobotAnswersInTheLanguageOfTheQuestion(t *testing.T) {
	s := newLab(t, withRobots)
	robotsOnline(t, s)
	a := newPhone(t, s, "alice", "tcp").online()
	for _, c := range []struct{ text, want string }{
		{"Hello there", "I am Karl"},
		{"Hallo, wie geht es dir", "Ich bin Karl"},
		{"echo  as it is", "as it is"},
		{"Hilfe", "Uhrzeit"},
		{"Danke schön", "Gern"},
		{"status bogus", "available, busy"},
		{"WHY SO SLOW", "shout"},
		{"Why?", "Good question"},
	} {
		if m := a.say("karl", c.text); m.status != 200 {
			t.Fatalf("%q: %s", c.text, m.start)
		}
		if m := a.hear("MESSAGE"); m.get("Content-Type") != typeComposing || !strings.Contains(m.body, "<state>active</state>") {
			t.Fatalf("%q: no typing notice first but %q", c.text, m.body)
		}
		if m := a.hear("MESSAGE"); !strings.Contains(m.body, c.want) {
			t.Errorf("%q was answered %q, want %q in it", c.text, m.body, c.want)
		}
	}
}

func TestRobotSendsTheNoticesThatAreAskedFor(t *testing.T) {
	s := newLab(t, withRobots)
	robotsOnline(t, s)
	a := newPhone(t, s, "alice", "tcp").online()
	cpim := "From: <sip:alice@example.test>\r\nTo: <sip:lena@example.test>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: m-1\r\n" +
		"imdn.Disposition-Notification: positive-delivery, display\r\n\r\nContent-Type: text/plain;charset=UTF-8\r\n\r\nhello"
	if m := a.do(ask{method: "MESSAGE", target: "sip:lena@example.test", body: cpim, headers: []string{"Content-Type: message/cpim"}}); m.status != 200 {
		t.Fatal(m.start)
	}
	for _, want := range []string{"<delivered/>", "<displayed/>"} {
		if m := a.hear("MESSAGE"); !strings.Contains(m.body, want) || !strings.Contains(m.body, "<message-id>m-1</message-id>") {
			t.Fatalf("want %s for m-1, got %q", want, m.body)
		}
	}
	a.hear("MESSAGE") // typing
	if m := a.hear("MESSAGE"); m.get("Content-Type") != typeCPIM || !strings.Contains(m.body, "imdn.Disposition-Notification: positive-delivery, display") {
		t.Fatalf("a CPIM question gets a CPIM answer that asks for notices itself, got %q", m.body)
	}
	if m := a.do(ask{method: "MESSAGE", target: "sip:lena@example.test", body: "x", headers: []string{"Content-Type: image/png"}}); m.status != 415 {
		t.Errorf("an image was answered %s, want 415", m.start)
	}
}

func TestRobotsDoNotTalkToEachOther(t *testing.T) {
	s := newLab(t, withRobots)
	robotsOnline(t, s)
	a := newPhone(t, s, "alice", "tcp").online()
	if m := a.say("karl", "hello", "Auto-Submitted: auto-replied"); m.status != 200 {
		t.Fatal(m.start)
	}
	a.quiet("MESSAGE", 100*time.Millisecond)
}

func TestRobotChangesPresence(t *testing.T) {
	s := newLab(t, withRobots)
	robotsOnline(t, s)
	a := newPhone(t, s, "alice", "tcp").online()
	if m := a.do(ask{method: "SUBSCRIBE", target: "sip:karl@example.test", headers: []string{"Event: presence", "Contact: " + a.contact()}}); m.status != 200 {
		t.Fatal(m.start)
	}
	seen := map[string]bool{}
	for len(seen) < 3 {
		m := a.hear("NOTIFY")
		_, rest, _ := strings.Cut(m.body, "<rpid:activities>")
		activity, _, found := strings.Cut(rest, "</rpid:activities>")
		if !found {
			t.Fatalf("no activities in %q", m.body)
		}
		seen[activity] = true
	}
}

func TestRobotComesBack(t *testing.T) {
	s := newLab(t, withRobots, onItsOwnPort(t))
	robotsOnline(t, s)
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	s.Faults().ExpireRegistrations()
	s.Faults().ExpirePublications()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	robotsOnline(t, s)
}
