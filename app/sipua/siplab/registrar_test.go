package siplab

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestRegisterWithEveryAlgorithm(t *testing.T) {
	for _, alg := range []string{MD5, SHA256} {
		s := newLab(t, func(c *Config) { c.Algorithms = []string{SHA256, MD5} })
		p := newPhone(t, s, "alice", "tcp")
		first := p.do(ask{method: "REGISTER", target: "sip:example.test", to: "<" + p.aor() + ">", noAuth: true})
		if got := first.all("WWW-Authenticate"); first.status != 401 || len(got) != 2 || !strings.Contains(got[0], "algorithm=SHA-256") {
			t.Fatalf("want 401 with SHA-256 before MD5, got %s %v", first.start, got)
		}
		m := p.do(ask{method: "REGISTER", target: "sip:example.test", to: "<" + p.aor() + ">", algorithm: alg,
			headers: []string{"Contact: " + p.contact(), "Expires: 600"}})
		if m.status != 200 || !strings.Contains(m.get("Contact"), ";expires=600") {
			t.Errorf("%s: %s, Contact %q", alg, m.start, m.get("Contact"))
		}
	}
}

func TestOneAlgorithmOnDemand(t *testing.T) {
	s := newLab(t)
	p := newPhone(t, s, "alice", "udp")
	for _, alg := range []string{MD5, SHA256} {
		s.Faults().Algorithms(alg)
		m := p.do(ask{method: "OPTIONS", target: "sip:bob@example.test", noAuth: true})
		if got := m.all("Proxy-Authenticate"); m.status != 407 || len(got) != 1 || !strings.Contains(got[0], "algorithm="+alg) {
			t.Errorf("%s: %s %v", alg, m.start, got)
		}
	}
	s.Faults().Algorithms()
	p.online()
}

func TestWrongPasswordStaysWrong(t *testing.T) {
	s := newLab(t)
	p := newPhone(t, s, "alice", "tcp")
	p.password = "wrong"
	m := p.register()
	if m.status != 401 || strings.Contains(m.get("WWW-Authenticate"), "stale") {
		t.Errorf("wrong password: %s %q, want 401 without stale", m.start, m.get("WWW-Authenticate"))
	}
	if len(s.Bindings("alice")) != 0 {
		t.Error("a wrong password made a binding")
	}
}

// A nonce that is too old, or a count that was used, is answered with stale=true: the client tries again without asking
// the person for a password.
func TestNonces(t *testing.T) {
	s := newLab(t, func(c *Config) { c.NonceLifetime = time.Hour })
	p := newPhone(t, s, "alice", "tcp")
	target := "sip:example.test"
	challenge := p.do(ask{method: "REGISTER", target: target, to: "<" + p.aor() + ">", noAuth: true})
	line := p.credentials(challenge, "REGISTER", target, "")
	send := func(line string) *msg {
		return p.do(ask{method: "REGISTER", target: target, to: "<" + p.aor() + ">", noAuth: true, headers: []string{line}})
	}
	if m := send(line); m.status != 200 {
		t.Fatalf("fresh nonce: %s", m.start)
	}
	if m := send(line); m.status != 401 || !strings.Contains(m.get("WWW-Authenticate"), "stale=true") {
		t.Errorf("replayed count: %s %q, want stale", m.start, m.get("WWW-Authenticate"))
	}
	next := p.do(ask{method: "REGISTER", target: target, to: "<" + p.aor() + ">", noAuth: true})
	line = p.credentials(next, "REGISTER", target, "")
	s.Faults().StaleNonces()
	m := send(line)
	if m.status != 401 || !strings.Contains(m.get("WWW-Authenticate"), "stale=true") {
		t.Errorf("stale nonce: %s %q, want stale", m.start, m.get("WWW-Authenticate"))
	}
	if m := send(p.credentials(m, "REGISTER", target, "")); m.status != 200 {
		t.Errorf("new nonce: %s", m.start)
	}
	forged := strings.Replace(line, challengeParams(next.get("WWW-Authenticate"))["nonce"], "AAAA", 1)
	if m := send(forged); m.status != 401 {
		t.Errorf("forged nonce: %s", m.start)
	}
}

func TestNonceWindow(t *testing.T) {
	var u nonceUse
	for _, c := range []struct {
		nc   uint32
		want bool
	}{{1, true}, {1, false}, {3, true}, {2, true}, {2, false}, {300, true}, {100, true}, {40, false}, {299, true}, {299, false}, {5000, true}, {300, false}, {4999, true}} {
		if got := u.mark(c.nc); got != c.want {
			t.Errorf("count %d: %t, want %t", c.nc, got, c.want)
		}
	}
}

func TestWhoMayRegisterWhat(t *testing.T) {
	s := newLab(t)
	for _, c := range []struct {
		name, to, target string
		headers          []string
		want             int
	}{
		{"another person", "<sip:bob@example.test>", "sip:example.test", nil, 403},
		{"nobody", "<sip:nobody@example.test>", "sip:example.test", nil, 404},
		{"another domain", "<sip:alice@example.test>", "sip:elsewhere.test", nil, 403},
		{"To of another domain", "<sip:alice@elsewhere.test>", "sip:example.test", nil, 403},
		{"too brief", "<sip:alice@example.test>", "sip:example.test", []string{"Contact: <sip:alice@127.0.0.1:9>;expires=1"}, 423},
		{"star with time", "<sip:alice@example.test>", "sip:example.test", []string{"Contact: *", "Expires: 60"}, 400},
		{"star and more", "<sip:alice@example.test>", "sip:example.test", []string{"Contact: *", "Contact: <sip:a@b>", "Expires: 0"}, 400},
		{"no SIP contact", "<sip:alice@example.test>", "sip:example.test", []string{"Contact: <mailto:a@b>"}, 400},
		{"unknown extension", "<sip:alice@example.test>", "sip:example.test", []string{"Require: magic"}, 420},
		{"query", "<sip:alice@example.test>", "sip:example.test", nil, 200},
	} {
		p := newPhone(t, s, "alice", "tcp")
		s.Faults().MinExpires(2 * time.Second)
		m := p.do(ask{method: "REGISTER", target: c.target, to: c.to, headers: c.headers})
		if m.status != c.want {
			t.Errorf("%s: %s, want %d", c.name, m.start, c.want)
		}
		if c.want == 423 && m.get("Min-Expires") != "2" {
			t.Errorf("%s: Min-Expires %q", c.name, m.get("Min-Expires"))
		}
		if c.want == 420 && m.get("Unsupported") != "magic" {
			t.Errorf("%s: Unsupported %q", c.name, m.get("Unsupported"))
		}
	}
}

func TestBindings(t *testing.T) {
	s := newLab(t)
	p := newPhone(t, s, "alice", "tcp")
	add := func(uri, rest string) *msg {
		return p.register("Contact: <"+uri+">"+rest, "Expires: 600")
	}
	add("sip:alice@127.0.0.1:1001", ";q=0.5")
	add("sip:alice@127.0.0.1:1002", ";q=0.9")
	m := add("sip:alice@127.0.0.1:1001", `;q=0.7;expires=60;methods="MESSAGE, INVITE"`)
	if got := m.all("Contact"); len(got) != 2 || !strings.Contains(got[0], ":1002") || !strings.Contains(got[1], `methods="MESSAGE, INVITE";expires=60`) {
		t.Errorf("two bindings, the preferred first, parameters kept: got %q", got)
	}
	if m := add("sip:alice@127.0.0.1:1002", ";expires=0"); len(m.all("Contact")) != 1 {
		t.Errorf("one removed: %q", m.all("Contact"))
	}
	if m := add("sip:alice@127.0.0.1:1003", ";expires=99999999999999999999"); !strings.Contains(strings.Join(m.all("Contact"), " "), ":1003>;expires=3600") {
		t.Errorf("an overlarge time is cut: %q", m.all("Contact"))
	}
	if m := p.register("Contact: *", "Expires: 0"); m.status != 200 || len(m.all("Contact")) != 0 || len(s.Bindings("alice")) != 0 {
		t.Errorf("all removed: %s %q", m.start, m.all("Contact"))
	}
}

// RFC 5626: the same device on a new connection takes the place of the old one.
func TestInstanceReplacesItsOldFlow(t *testing.T) {
	s := newLab(t)
	one, two := newPhone(t, s, "alice", "tcp"), newPhone(t, s, "alice", "tcp")
	register := func(p *phone, reg int) *msg {
		return p.register("Supported: outbound", "Expires: 600", fmt.Sprintf(`Contact: %s;+sip.instance="<urn:uuid:1;2,3>";reg-id=%d`, p.contact(), reg))
	}
	if m := register(one, 1); m.status != 200 || m.get("Require") != "outbound" {
		t.Fatalf("%s Require %q", m.start, m.get("Require"))
	}
	if m := register(two, 1); len(m.all("Contact")) != 1 {
		t.Errorf("the new flow replaces the old: %q", m.all("Contact"))
	}
	if b := s.Bindings("alice"); len(b) != 1 || b[0].Source != two.conn.LocalAddr().String() || b[0].Instance != "<urn:uuid:1;2,3>" {
		t.Errorf("bindings %+v", b)
	}
	if m := register(one, 2); len(m.all("Contact")) != 2 {
		t.Errorf("another reg-id is another flow: %q", m.all("Contact"))
	}
	two.close()
	eventually(t, "the binding goes with its connection", func() bool { return len(s.Bindings("alice")) == 1 })
}

func TestOldRegisterIsRefused(t *testing.T) {
	s := newLab(t, func(c *Config) { c.Open = true })
	p := newPhone(t, s, "alice", "tcp")
	send := func(cseq int) int {
		text, branch := p.build("REGISTER", "sip:example.test", "same", cseq, "<"+p.aor()+">;tag=1", "<"+p.aor()+">", "", "Contact: "+p.contact(), "Expires: 60")
		return p.roundTrip(text, branch).status
	}
	for _, c := range []struct{ cseq, want int }{{5, 200}, {5, 400}, {4, 400}, {6, 200}} {
		if got := send(c.cseq); got != c.want {
			t.Errorf("CSeq %d: %d, want %d", c.cseq, got, c.want)
		}
	}
}

func TestBindingsExpire(t *testing.T) {
	s := newLab(t)
	p := newPhone(t, s, "alice", "tcp")
	if m := p.register("Contact: "+p.contact(), "Expires: 1"); m.status != 200 {
		t.Fatal(m.start)
	}
	eventually(t, "the binding expires", func() bool { return len(s.Bindings("alice")) == 0 })
	p.online()
	s.Faults().ExpireRegistrations()
	if n := len(s.Bindings("alice")); n != 0 {
		t.Errorf("%d bindings after the fault", n)
	}
}

func TestTrustedIdentity(t *testing.T) {
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	trusting := newLab(t, func(c *Config) { c.Trusted = []netip.Prefix{loopback} })
	p := newPhone(t, trusting, "alice", "tcp")
	pai := "P-Asserted-Identity: <sip:alice@example.test>"
	to := "<" + p.aor() + ">"
	for _, c := range []struct {
		name string
		a    ask
		want int
	}{
		{"register", ask{method: "REGISTER", to: to, target: "sip:example.test", headers: []string{pai, "Contact: " + p.contact(), "Expires: 60"}}, 200},
		{"message", ask{method: "MESSAGE", target: "sip:bob@example.test", headers: []string{pai}}, 202},
		{"no identity", ask{method: "MESSAGE", target: "sip:bob@example.test"}, 407},
		{"unknown identity", ask{method: "MESSAGE", target: "sip:bob@example.test", headers: []string{"P-Asserted-Identity: <sip:x@example.test>"}}, 403},
		{"another From", ask{method: "MESSAGE", target: "sip:bob@example.test", from: "<sip:carol@example.test>;tag=1", headers: []string{pai}}, 403},
	} {
		c.a.noAuth = true
		if m := p.do(c.a); m.status != c.want {
			t.Errorf("%s: %s, want %d", c.name, m.start, c.want)
		}
	}
	wary := newLab(t)
	p = newPhone(t, wary, "alice", "tcp")
	bob := newPhone(t, wary, "bob", "tcp").online()
	if m := p.do(ask{method: "MESSAGE", target: "sip:bob@example.test", headers: []string{pai}, noAuth: true}); m.status != 407 {
		t.Errorf("an untrusted source asserts an identity: %s", m.start)
	}
	if m := p.say("bob", "x", pai); m.status != 200 {
		t.Fatal(m.start)
	}
	if got := bob.hear("MESSAGE").get("P-Asserted-Identity"); got != "" {
		t.Errorf("an untrusted assertion was passed on: %s", got)
	}
}

func TestConfigNamesEveryFault(t *testing.T) {
	_, err := New(Config{Domain: "a b", Listen: "0.0.0.0:0", Users: []User{{Name: "x y"}, {Name: "Ann"}, {Name: "ann"}},
		Algorithms: []string{"SHA-1"}, Routes: map[string]string{"r.test": "http://x"}, MinExpires: 2 * time.Hour})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"domain", "0.0.0.0", "x y", "twice", "SHA-1", "r.test", "MinExpires"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in: %v", want, err)
		}
	}
	if _, err := New(Config{Domain: "example.test", Listen: "0.0.0.0:0", AllowRemote: true}); err != nil {
		t.Errorf("AllowRemote: %v", err)
	}
}
