package siptest

// What the two kinds of real client have in common: who they are, what they print, and waiting for it.

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// clientStart is how long a client may take until it is registered.
const clientStart = 60 * time.Second

// clientQuit is how long a client may take to unregister when it is asked to quit.
const clientQuit = 30 * time.Second

// ClientOptions says who a client signs in as, and where.
type ClientOptions struct {
	Proxy     string   // host:port of the SIP server
	Transport string   // udp, tcp or tls; tcp where empty
	CAFile    string   // PEM file with the server's certificate authority, for tls
	User      string   // user part
	Domain    string   // SIP domain and realm; Domain where empty
	Password  string   // Password where empty
	Contacts  []string // user parts or addresses whose presence is watched; baresip can write to these only
	Expires   int      // lease of registration and publication in seconds; 600 where zero
	NoPublish bool     // do not publish presence
	NoWait    bool     // return at once, without waiting until the client is registered
}

// Message is a text that a client has received.
type Message struct {
	From string // address of record of the sender, with its scheme
	Text string
}

// State is presence in a client's own words, lower-case and hyphenated. Both clients know StateOnline and
// StateOffline; linphone also tells "away", "busy", "be-right-back", "on-the-phone", "do-not-disturb" and more,
// baresip StateBusy and StateUnknown.
type State string

// The states that tests need by name.
const (
	StateOnline  State = "online"
	StateOffline State = "offline"
	StateBusy    State = "busy"
	StateAway    State = "away"
	StateUnknown State = "unknown"
)

// Client is what both kinds of client can do. Each call that cannot be done fails the test.
type Client interface {
	// URI is the client's address of record.
	URI() string
	// Send writes a message; to is a user part or an address. It returns before the message is answered.
	Send(to, text string)
	// Expect waits until a message with exactly this text has come, earlier or now, and returns it.
	Expect(text string, timeout time.Duration) Message
	// Received is every message so far, in order, repeats included.
	Received() []Message
	// ExpectPresence waits until the contact is shown in this state.
	ExpectPresence(contact string, state State, timeout time.Duration)
	// Close quits as a person does: unpublishes, unregisters. It may be called more than once.
	Close()
	// Kill ends the client at once, like a power cut.
	Kill()
	// Log is all that the client has printed.
	Log() string
}

// client is the common part.
type client struct {
	t    testing.TB
	kind string
	opts ClientOptions
	dir  string
	proc *process
	// received finds each message in the output: submatch 1 is the sender, the text starts at its end.
	received *regexp.Regexp
	// textEnd follows the text in the output.
	textEnd string
}

// withDefaults fills in what a test left open.
func (o ClientOptions) withDefaults(t testing.TB) ClientOptions {
	t.Helper()
	if o.Proxy == "" || o.User == "" {
		t.Fatal("a SIP client needs a proxy and a user")
	}
	if _, _, err := net.SplitHostPort(o.Proxy); err != nil {
		t.Fatalf("a SIP client's proxy is host:port: %v", err)
	}
	o.Transport = orElse(o.Transport, "tcp")
	o.Domain = orElse(o.Domain, Domain)
	o.Password = orElse(o.Password, Password)
	o.Expires = orElse(o.Expires, 600)
	return o
}

// proxyURI is the server as a URI.
func (o ClientOptions) proxyURI() string { return "sip:" + o.Proxy + ";transport=" + o.Transport }

// address completes a user part to an address of record.
func (o ClientOptions) address(who string) string {
	who = strings.TrimPrefix(who, "sip:")
	if !strings.Contains(who, "@") {
		who += "@" + o.Domain
	}
	return "sip:" + who
}

// URI is the client's address of record.
func (c *client) URI() string { return c.opts.address(c.opts.User) }

// Log is all that the client has printed.
func (c *client) Log() string { return c.proc.output() }

// Received is every message so far, in order, repeats included. Only texts of one line are told whole.
func (c *client) Received() []Message {
	var all []Message
	out := c.Log()
	for _, at := range c.received.FindAllStringSubmatchIndex(out, -1) {
		line, _, _ := strings.Cut(out[at[1]:], "\n")
		all = append(all, Message{From: out[at[2]:at[3]], Text: strings.TrimSuffix(line, strings.TrimSuffix(c.textEnd, "\n"))})
	}
	return all
}

// Expect waits until a message with exactly this text has come, earlier or now, and returns it.
func (c *client) Expect(text string, timeout time.Duration) Message {
	c.t.Helper()
	var found *Message
	c.await(timeout, func() bool {
		out := c.Log()
		for _, at := range c.received.FindAllStringSubmatchIndex(out, -1) {
			if strings.HasPrefix(out[at[1]:], text+c.textEnd) {
				found = &Message{From: out[at[2]:at[3]], Text: text}
				return true
			}
		}
		return false
	})
	if found == nil {
		c.t.Fatalf("%s: no message %q within %s; received: %q", c, text, timeout, c.Received())
	}
	return *found
}

// await polls until cond is true, the client has ended or the time is up.
func (c *client) await(timeout time.Duration, cond func() bool) bool {
	met := false
	Eventually(timeout, func() bool {
		met = cond()
		return met || c.proc.ended()
	})
	return met
}

// String names the client in messages.
func (c *client) String() string { return c.kind + " as " + c.URI() }

// Kill ends the client at once, like a power cut.
func (c *client) Kill() {
	c.t.Helper()
	if err := c.proc.kill(); err != nil {
		c.t.Errorf("%s: %v", c, err)
	}
}

// Pause freezes the client: its connection stays open and nothing is answered, until Resume.
func (c *client) Pause() { c.signal("pause", syscall.SIGSTOP) }

// Resume ends a Pause.
func (c *client) Resume() { c.signal("resume", syscall.SIGCONT) }

func (c *client) signal(what string, sig syscall.Signal) {
	c.t.Helper()
	if err := c.proc.signal(sig); err != nil {
		c.t.Fatalf("%s %s: %v", what, c, err)
	}
}

// quit asks the client to end and insists when it does not.
func (c *client) quit(ask func() error) {
	c.t.Helper()
	if c.proc.ended() {
		return
	}
	if err := errors.Join(c.proc.signal(syscall.SIGCONT), ask()); err != nil {
		c.t.Errorf("quit %s: %v", c, err)
	}
	timer := time.NewTimer(clientQuit)
	defer timer.Stop()
	select {
	case <-c.proc.done:
	case <-timer.C:
	}
	if err := c.proc.kill(); err != nil {
		c.t.Errorf("quit %s: %v", c, err)
	}
}

// writeAll writes a small file's lines.
func lines(l ...string) []byte {
	var b bytes.Buffer
	for _, s := range l {
		fmt.Fprintln(&b, s)
	}
	return b.Bytes()
}
