package siptest

// linphonec (liblinphone) as a test peer, driven by its own command line.

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// LinphoneClient is a running linphonec. It publishes "open" when it has registered and "closed" when it is closed;
// it has no command for other states. It asks for delivery and display notices (RFC 5438) and sends them.
type LinphoneClient struct {
	client
	trace string // file with its SIP messages
}

// Linphone starts linphonec for one person and returns when it is registered. It is closed at the test's cleanup.
func Linphone(t testing.TB, opts ClientOptions) *LinphoneClient {
	t.Helper()
	path := program(t, "linphonec", "linphone-cli")
	opts = opts.withDefaults(t)
	dir := t.TempDir()
	l := &LinphoneClient{
		client: client{
			t: t, kind: "linphone", opts: opts, dir: dir,
			received: regexp.MustCompile(`(?m)^(?:linphonec> )?Message received from (?:"[^"\n]*" )?<?(sip:[^\s>]+?)>?: `),
			textEnd:  "\n",
		},
		trace: filepath.Join(dir, "trace.log"),
	}
	rc := filepath.Join(dir, "linphonerc")
	if err := l.writeConfig(rc); err != nil {
		t.Fatalf("prepare %s: %v", l, err)
	}
	logPath := filepath.Join(dir, "linphone.log")
	proc, err := start(spec{
		name: "linphonec", path: path, dir: dir, log: logPath, stdin: true,
		args: []string{"-c", rc, "-d", "6", "-l", l.trace},
		env:  []string{"HOME=" + dir, "TMPDIR=" + dir, "LC_ALL=C.UTF-8"},
	})
	if err != nil {
		t.Fatal(err)
	}
	l.proc = proc
	t.Cleanup(func() {
		l.Close()
		showOnFailure(t, l.String(), logPath)
		l.showTrace()
	})
	if !opts.NoWait {
		l.WaitRegistered(clientStart)
	}
	return l
}

// writeConfig writes the client's settings and the directories that it expects.
func (l *LinphoneClient) writeConfig(rc string) error {
	for _, sub := range []string{".local/share/linphone", ".config/linphone"} {
		if err := os.MkdirAll(filepath.Join(l.dir, sub), 0o700); err != nil {
			return err
		}
	}
	o := l.opts
	expires := strconv.Itoa(o.Expires)
	publish := "1"
	if o.NoPublish {
		publish = "0"
	}
	// -2 opens no listener of one's own: everything goes over the connection to the proxy. 0 switches a protocol off.
	port := map[string]string{"udp": "0", "tcp": "0", "tls": "0"}
	port[o.Transport] = "-2"
	if o.Transport == "udp" {
		port["udp"] = "-1"
	}
	text := lines(
		"[sip]",
		"sip_port="+port["udp"], "sip_tcp_port="+port["tcp"], "sip_tls_port="+port["tls"],
		"default_proxy=0", "register_only_when_network_is_up=0", "guess_hostname=1",
		"root_ca="+o.CAFile, "verify_server_cn=0", // its TLS library knows names only, no addresses
		"[net]", "dns_srv_enabled=0",
		"[proxy_0]",
		"reg_proxy=<"+o.proxyURI()+">", "reg_route=<"+o.proxyURI()+">",
		fmt.Sprintf("reg_identity=%q <%s>", o.User, l.URI()),
		"realm="+o.Domain, "reg_sendregister=1", "reg_expires="+expires,
		"publish="+publish, "publish_expires="+expires, "dial_escape_plus=0",
		"[auth_info_0]",
		"username="+o.User, "passwd="+o.Password, "realm="+o.Domain, "domain="+o.Domain,
	)
	for i, who := range o.Contacts {
		uri := o.address(who)
		text = append(text, lines(fmt.Sprintf("[friend_%d]", i), fmt.Sprintf("url=%q <%s>", who, uri), "pol=accept", "subscribe=1")...)
	}
	return os.WriteFile(rc, text, 0o600)
}

// command types a line.
func (l *LinphoneClient) command(line string) error {
	if _, err := io.WriteString(l.proc.stdin, line+"\n"); err != nil {
		return fmt.Errorf("command %q: %w", line, err)
	}
	return nil
}

// Trace is the client's own log with every SIP message that it sent and received.
func (l *LinphoneClient) Trace() string { return readLog(l.trace) }

// showTrace prints the SIP messages when the test has failed, without the library's chatter.
func (l *LinphoneClient) showTrace() {
	l.t.Helper()
	if !l.t.Failed() {
		return
	}
	var sip strings.Builder
	for line := range strings.Lines(l.Trace()) {
		if !strings.Contains(line, "-message-") && strings.TrimSpace(line) != "" {
			sip.WriteString(line)
		}
	}
	l.t.Logf("%s (trace):\n%s", l, tail(sip.String()))
}

// WaitRegistered waits until the last change of the registration was to success.
func (l *LinphoneClient) WaitRegistered(timeout time.Duration) {
	l.t.Helper()
	var state string
	if !l.await(timeout, func() bool {
		state = l.registration()
		return state == "LinphoneRegistrationOk"
	}) {
		l.t.Fatalf("%s: registration is %q, want ok within %s", l, state, timeout)
	}
}

// registration is the state that the registration moved to last.
func (l *LinphoneClient) registration() string {
	const mark = "to [LinphoneRegistration"
	trace := l.Trace()
	at := strings.LastIndex(trace, mark)
	if at < 0 {
		return ""
	}
	state, _, _ := strings.Cut(trace[at+len("to ["):], "]")
	return state
}

// Send writes a message of one line; to is a user part or an address.
func (l *LinphoneClient) Send(to, text string) {
	l.t.Helper()
	if strings.Contains(text, "\n") {
		l.t.Fatalf("%s cannot send more than one line", l)
	}
	if err := l.command("chat " + l.opts.address(to) + " " + text); err != nil {
		l.t.Fatalf("%s: %v", l, err)
	}
}

// ExpectPresence waits until the contact is shown in this state.
func (l *LinphoneClient) ExpectPresence(contact string, state State, timeout time.Duration) {
	l.t.Helper()
	var got State
	if !l.await(timeout, func() bool {
		got = l.Presence(contact)
		return got == state
	}) {
		l.t.Fatalf("%s: %s is shown as %q, want %q within %s", l, contact, got, state, timeout)
	}
}

// Presence is the state that the contact is shown in now, empty before the first news.
func (l *LinphoneClient) Presence(contact string) State {
	shown := regexp.MustCompile(`(?m)Friend .*<` + regexp.QuoteMeta(l.opts.address(contact)) + `> is (.+)$`)
	all := shown.FindAllStringSubmatch(l.Log(), -1)
	if len(all) == 0 {
		return ""
	}
	return stateOf(all[len(all)-1][1])
}

// stateOf turns a client's words into a State.
func stateOf(words string) State {
	return State(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(words)), " ", "-"))
}

// Close quits as a person does: publishes "closed", unregisters.
func (l *LinphoneClient) Close() {
	l.t.Helper()
	l.quit(func() error { return l.command("quit") })
}
