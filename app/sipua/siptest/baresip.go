package siptest

// baresip as a test peer, driven over its control connection (JSON in netstrings on loopback TCP).

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BaresipClient is a running baresip. It publishes its presence and watches its contacts. It can write to its
// contacts only, and takes no content type but text/plain: everything else it answers with 415.
type BaresipClient struct {
	client
	control string // host:port
}

var (
	_ Client = (*LinphoneClient)(nil)
	_ Client = (*BaresipClient)(nil)
)

// Baresip starts baresip for one person and returns when it is registered and its presence published. It is closed at
// the test's cleanup.
//
// Its first publication says <basic>unknown</basic>; linphone refuses that with 488 and so loses its subscription. Start
// baresip before a linphone that watches it.
func Baresip(t testing.TB, opts ClientOptions) *BaresipClient {
	t.Helper()
	path := program(t, "baresip", "baresip-core")
	opts = opts.withDefaults(t)
	dir := t.TempDir()
	b := &BaresipClient{client: client{
		t: t, kind: "baresip", opts: opts, dir: dir,
		received: regexp.MustCompile(`(?m)^\r?(sip:[^\s:]+): "`),
		textEnd:  "\"\n",
	}}
	logPath := filepath.Join(dir, "baresip.log")
	t.Cleanup(func() {
		if b.proc != nil {
			b.Close()
		}
		showOnFailure(t, b.String(), logPath)
	})
	for try := 0; ; try++ {
		b.control = loopback(FreePort(t))
		err := b.launch(path, logPath)
		if err == nil {
			break
		}
		// Somebody else may have taken the control port.
		if try == 3 {
			t.Fatalf("start %s: %v", b, err)
		}
	}
	if opts.NoWait {
		b.must("insmod", "presence.so")
		return b
	}
	b.WaitRegistered(clientStart)
	b.must("insmod", "presence.so")
	if !opts.NoPublish {
		b.publishFirst()
	}
	return b
}

// publishFirst sees to it that "open" is published once and nothing else stays. Its presence module publishes "unknown"
// 10 ms after it is loaded and "open" when the client is registered; were it loaded from the start, both could be on
// their way at once, as two publications, of which the server keeps either as the newer one.
func (b *BaresipClient) publishFirst() {
	b.t.Helper()
	if !b.await(clientStart, func() bool { return published(b.Log()) != "" }) {
		b.t.Fatalf("%s: nothing is published within %s", b, clientStart)
	}
	b.SetPresence(StateOnline)
}

// launch starts the process and waits until it takes commands.
func (b *BaresipClient) launch(path, logPath string) error {
	if err := b.writeConfig(); err != nil {
		return err
	}
	proc, err := start(spec{name: "baresip", path: path, dir: b.dir, log: logPath, stdin: true, args: []string{"-f", b.dir, "-s"},
		env: []string{"HOME=" + b.dir, "TMPDIR=" + b.dir, "LC_ALL=C.UTF-8"}})
	if err != nil {
		return err
	}
	b.proc = proc
	err = errors.New("ended at once")
	if b.await(clientStart, func() bool {
		_, err = b.command("contacts", "")
		return err == nil
	}) {
		return nil
	}
	return errors.Join(err, proc.kill())
}

// writeConfig writes settings, account and contacts.
func (b *BaresipClient) writeConfig() error {
	o := b.opts
	modules, err := moduleDir()
	if err != nil {
		return err
	}
	config := lines(
		"poll_method epoll",
		"sip_listen 127.0.0.1:0",
		"net_interface 127.0.0.1",
		// Calls have sound that goes nowhere.
		"audio_player aubridge,void", "audio_source aubridge,void", "audio_alert aubridge,void",
		"module_path "+modules,
		"module stdio.so", // prints what is received; its input stays open and unused
		"module g711.so", "module aubridge.so",
		"module_app account.so", "module_app contact.so", "module_app menu.so",
		"module ctrl_tcp.so", "ctrl_tcp_listen "+b.control,
	)
	if o.CAFile != "" {
		config = append(config, lines("sip_cafile "+o.CAFile)...)
	}
	publish := ";pubint=" + strconv.Itoa(o.Expires)
	if o.NoPublish {
		publish = ""
	}
	account := fmt.Sprintf("<%s;transport=%s>;auth_user=%s;auth_pass=%s;outbound=%q;regint=%d%s\n",
		b.URI(), o.Transport, o.User, o.Password, o.proxyURI(), o.Expires, publish)
	var contacts strings.Builder
	for _, who := range o.Contacts {
		fmt.Fprintf(&contacts, "%q <%s>;presence=p2p\n", who, o.address(who))
	}
	for name, content := range map[string][]byte{"config": config, "accounts": []byte(account), "contacts": []byte(contacts.String())} {
		if err := os.WriteFile(filepath.Join(b.dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// moduleDir finds baresip's modules, which each system keeps elsewhere.
func moduleDir() (string, error) {
	for _, pattern := range []string{"/usr/lib/baresip/modules", "/usr/lib/*/baresip/modules", "/usr/lib64/baresip/modules", "/usr/local/lib/baresip/modules"} {
		found, err := filepath.Glob(filepath.Join(pattern, "ctrl_tcp.so"))
		if err != nil {
			return "", err
		}
		if len(found) > 0 {
			return filepath.Dir(found[0]), nil
		}
	}
	return "", errors.New("baresip's modules are not where they are looked for")
}

// must runs a command that is expected to work.
func (b *BaresipClient) must(name, params string) string {
	b.t.Helper()
	text, err := b.command(name, params)
	if err != nil {
		b.t.Fatalf("%s: %v", b, err)
	}
	return text
}

// WaitRegistered waits until the server has accepted the registration.
func (b *BaresipClient) WaitRegistered(timeout time.Duration) {
	b.t.Helper()
	var info string
	var err error
	if !b.await(timeout, func() bool {
		info, err = b.command("reginfo", "")
		return err == nil && strings.Contains(info, "OK")
	}) {
		b.t.Fatalf("%s: registration is %q (%v), want OK within %s", b, info, err, timeout)
	}
}

// Send writes a message; to is the user part or the address of a contact.
func (b *BaresipClient) Send(to, text string) {
	b.t.Helper()
	b.choose(b.opts.address(to))
	b.must("message", text)
}

// choose makes a contact the current one. baresip knows only "next", so this goes round once.
func (b *BaresipClient) choose(uri string) {
	b.t.Helper()
	for range len(b.opts.Contacts) + 1 {
		for line := range strings.Lines(b.must("contacts", "")) {
			if strings.HasPrefix(line, ">") && strings.Contains(line, "<"+uri+">") {
				return
			}
		}
		b.must("contact_next", "")
	}
	b.t.Fatalf("%s: %s is not among its contacts", b, uri)
}

// SetPresence publishes StateOnline or StateOffline and returns when the server has taken it; baresip has no command
// for others.
func (b *BaresipClient) SetPresence(state State) {
	b.t.Helper()
	basic, ok := map[State]string{StateOnline: "open", StateOffline: "closed"}[state]
	if !ok {
		b.t.Fatalf("%s cannot publish %q", b, state)
	}
	b.must("presence_"+string(state), "")
	if !b.await(clientStart, func() bool { return published(b.Log()) == basic }) {
		b.t.Fatalf("%s: %q is not published within %s", b, state, clientStart)
	}
}

// published is the basic state of the last PUBLISH in a trace, once the server has accepted it and all others.
func published(trace string) string {
	var basic string
	waiting := make(map[string]string) // Call-ID → CSeq of its last PUBLISH
	for packet := range strings.SplitSeq(trace, "\x1b[36;1m#") {
		id := tracedID.FindAllString(packet, 2)
		if len(id) != 2 {
			continue
		}
		if strings.HasPrefix(id[0], "CSeq") {
			id[0], id[1] = id[1], id[0]
		}
		if m := tracedPublish.FindStringSubmatch(packet); m != nil {
			waiting[id[0]], basic = id[1], m[1]
		} else if waiting[id[0]] == id[1] && strings.Contains(packet, "\nSIP-ETag: ") {
			delete(waiting, id[0])
		}
	}
	if len(waiting) > 0 {
		return ""
	}
	return basic
}

var (
	// tracedID finds what names a transaction within a dialog.
	tracedID = regexp.MustCompile(`(?m)^(Call-ID|CSeq): .*$`)
	// tracedPublish finds a publication and, as submatch 1, its basic state.
	tracedPublish = regexp.MustCompile(`(?s)\nPUBLISH sip:.*<basic>(\w+)</basic>`)
)

// ExpectPresence waits until the contact is shown in this state.
func (b *BaresipClient) ExpectPresence(contact string, state State, timeout time.Duration) {
	b.t.Helper()
	var got State
	if !b.await(timeout, func() bool {
		got = b.Presence(contact)
		return got == state
	}) {
		b.t.Fatalf("%s: %s is shown as %q, want %q within %s", b, contact, got, state, timeout)
	}
}

// Presence is the state that the contact is shown in now; StateUnknown before the first news.
func (b *BaresipClient) Presence(contact string) State {
	b.t.Helper()
	uri := b.opts.address(contact)
	for line := range strings.Lines(b.must("contacts", "")) {
		if strings.Contains(line, "<"+uri+">") {
			return stateOf(strings.Fields(strings.TrimPrefix(line, ">"))[0])
		}
	}
	b.t.Fatalf("%s: %s is not among its contacts", b, uri)
	return ""
}

// Close quits as a person does: unpublishes, unregisters.
func (b *BaresipClient) Close() {
	b.t.Helper()
	b.quit(func() error {
		_, err := b.command("quit", "")
		// The answer is often lost with the connection.
		if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || strings.Contains(fmt.Sprint(err), "reset by peer") {
			return nil
		}
		return err
	})
}
