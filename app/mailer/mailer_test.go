package mailer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const longest = 30 * time.Second

// received is a mail as a server got it.
type received struct {
	to   string
	head mail.Header
	body string
}

// listener is an SMTP server of the test's own: every line of the dialogue can be answered in a way of its own.
func listener(t *testing.T, refuse map[string]string) (addr string, mails <-chan received) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan received, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			talk(c, refuse, got)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close() // the accepting ends by it
		<-done
	})
	return l.Addr().String(), got
}

func talk(c net.Conn, refuse map[string]string, got chan<- received) {
	defer c.Close()
	p := textproto.NewConn(c)
	say := func(verb, otherwise string) bool {
		if answer, ok := refuse[verb]; ok {
			otherwise = answer
		}
		return p.PrintfLine("%s", otherwise) == nil && strings.HasPrefix(otherwise, "2") || verb == "DATA"
	}
	var m received
	say("", "220 lab ready")
	for {
		text, err := p.ReadLine()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(text, " ")
		switch strings.ToUpper(verb) {
		case "RCPT":
			m.to = strings.Trim(strings.TrimPrefix(strings.ToUpper(rest), "TO:"), "<>")
			say("RCPT", "250 fine")
		case "DATA":
			say("DATA", "354 go on")
			msg, err := mail.ReadMessage(bufio.NewReader(p.DotReader()))
			if err != nil {
				return
			}
			body, err := io.ReadAll(msg.Body)
			if err != nil {
				return
			}
			m.head, m.body = msg.Header, string(body)
			if say("END", "250 taken") {
				got <- m
			}
		case "QUIT":
			say("QUIT", "221 bye")
			return
		default:
			say(strings.ToUpper(verb), "250 fine")
		}
	}
}

func mailer(t *testing.T, addr string) *Mailer {
	t.Helper()
	m, err := New(Options{Addr: addr, From: "portico@example.test", HELO: "portal.example.test", Timeout: longest})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAMailArrivesWithItsTextAndNothingElse(t *testing.T) {
	addr, mails := listener(t, nil)
	m := mailer(t, addr)
	if err := m.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.Send(t.Context(), "ivan@example.test", "Exchange is away\r\nBcc: everybody@example.test", "Größe: 1\n.\nend\n"); err != nil {
		t.Fatal(err)
	}
	got := <-mails
	if got.to != "IVAN@EXAMPLE.TEST" || got.head.Get("Bcc") != "" || got.head.Get("Auto-Submitted") != "auto-generated" {
		t.Errorf("the server got %+v", got)
	}
	if subject := got.head.Get("Subject"); subject != "Exchange is away Bcc: everybody@example.test" {
		t.Errorf("the subject is %q", subject)
	}
	if !strings.Contains(got.body, "Gr=C3=B6=C3=9Fe: 1") || !strings.Contains(got.body, "\n.\n") {
		t.Errorf("the text is %q", got.body)
	}
}

func TestWhatIsNotSentIsSaid(t *testing.T) {
	for _, c := range []struct {
		name   string
		refuse map[string]string
		to     string
	}{
		{"a recipient that the server does not know", map[string]string{"RCPT": "550 no such user"}, "ivan@example.test"},
		{"a server that is full", map[string]string{"END": "452 out of storage"}, "ivan@example.test"},
		{"no address", nil, "ivan@@example"},
		{"an address with a further header", nil, "ivan@example.test\r\nBcc: all@example.test"},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr, mails := listener(t, c.refuse)
			if err := mailer(t, addr).Send(t.Context(), c.to, "s", "b"); err == nil {
				t.Error("sending succeeded")
			}
			select {
			case m := <-mails:
				t.Errorf("the server took %+v", m)
			default:
			}
		})
	}
}

func TestNoServerIsSaidInSoManyWords(t *testing.T) {
	m, err := New(Options{From: "portico@example.test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Send(t.Context(), "ivan@example.test", "s", "b"); !errors.Is(err, ErrNoServer) || !errors.Is(m.Check(t.Context()), ErrNoServer) {
		t.Errorf("without a server: %v", err)
	}
}

func TestAServerThatNeverAnswersIsLeft(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // it accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, stop := context.WithCancel(t.Context())
	m := mailer(t, l.Addr().String())
	done := make(chan error, 1)
	go func() { done <- m.Send(ctx, "ivan@example.test", "s", "b") }()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	stop()
	select {
	case err := <-done:
		if err == nil {
			t.Error("a silent server took a mail")
		}
	case <-time.After(longest):
		t.Fatal("sending does not end with its context")
	}
}

func TestBadSettingsAreRefusedAtOnce(t *testing.T) {
	for _, o := range []Options{
		{Addr: "mail.example.test", From: "portico@example.test"},
		{Addr: "mail.example.test:x", From: "portico@example.test"},
		{Addr: "mail.example.test:25", From: "nobody"},
		{Addr: "mail.example.test:25", From: "portico@example.test", TLS: "perhaps"},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}

func TestLongTextsAreCutBetweenCharacters(t *testing.T) {
	if got := cut(strings.Repeat("ä", 10), 12); got != "ääää …" {
		t.Errorf("cut to %q", got)
	}
	if got := line("a\r\n\r\nb\x00c", 100); got != "a b c" {
		t.Errorf("on one line: %q", got)
	}
}

// TestAiosmtpdTakesTheMail holds the mailer against an SMTP server that is not ours.
func TestAiosmtpdTakesTheMail(t *testing.T) {
	const python = "/usr/bin/python3"
	if out, err := exec.Command(python, "-c", "import aiosmtpd").CombinedOutput(); err != nil {
		if os.Getenv("PORTICO_REQUIRE_PEERS") == "1" {
			t.Fatalf("python3-aiosmtpd is missing: %s", out)
		}
		t.Skip("python3-aiosmtpd is not installed")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	box := filepath.Join(t.TempDir(), "box")
	host, port, _ := net.SplitHostPort(addr)
	program := fmt.Sprintf(`
import signal, sys
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox
c = Controller(Mailbox(%q), hostname=%q, port=%s)
c.start()
print("ready", flush=True)
sys.stdin.read()
c.stop()
`, box, host, port)
	cmd := exec.Command(python, "-c", program)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Error(err)
		}
	}()
	if said, err := bufio.NewReader(out).ReadString('\n'); err != nil || said != "ready\n" {
		t.Fatalf("aiosmtpd said %q: %v", said, err)
	}
	if err := mailer(t, addr).Send(t.Context(), "ivan@example.test", "Synchronisation: 3 errors", "The mailbox of bob is full.\n"); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(box, "new", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the mailbox holds %v: %v", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Subject: Synchronisation: 3 errors", "From: <portico@example.test>", "To: <ivan@example.test>", "The mailbox of bob is full."} {
		if !strings.Contains(string(data), want) {
			t.Errorf("the mail lacks %q:\n%s", want, data)
		}
	}
}
