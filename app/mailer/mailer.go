// Package mailer is the portal's way out for e-mail: plain text to people who look after it, over SMTP (RFC 5321).
package mailer

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// Options say over which server mails go.
type Options struct {
	// Addr is the SMTP server, host and port; empty: there is none, and Send says so.
	Addr string
	// From is the sender of every mail.
	From string
	// Username and Password sign in where the server offers it; both empty: nobody signs in.
	Username, Password string
	// TLS is "opportunistic" (also ""), "required" (STARTTLS), "implicit" (TLS from the first byte) or "none".
	TLS string
	// Timeout bounds the sending of one mail; zero: 30 seconds.
	Timeout time.Duration
	// HELO is the name the portal says it has; empty: that of the machine.
	HELO string
}

// ErrNoServer is that no mail server is configured.
var ErrNoServer = errors.New("no mail server is configured")

// MaxSubject and MaxBody bound what is sent, in bytes; what is longer is cut with a mark.
const (
	MaxSubject = 200
	MaxBody    = 256 << 10
)

// Mailer sends mails. It keeps no connection and may be used from any goroutine.
type Mailer struct{ o Options }

// New makes a Mailer; nothing is sent or tried before Send or Check.
func New(o Options) (*Mailer, error) {
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	m := &Mailer{o}
	if o.Addr == "" {
		return m, nil
	}
	if _, err := m.client(context.Background()); err != nil {
		return nil, err
	}
	if err := mail.NewMsg().From(o.From); err != nil {
		return nil, fmt.Errorf("mailer: sender: %w", err)
	}
	return m, nil
}

// Configured reports whether there is a server to send over.
func (m *Mailer) Configured() bool { return m.o.Addr != "" }

// client makes a connection's worth of settings; what it connects lives no longer than ctx.
func (m *Mailer) client(ctx context.Context) (*mail.Client, error) {
	host, text, err := net.SplitHostPort(m.o.Addr)
	if err != nil {
		return nil, fmt.Errorf("mailer: %w", err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("mailer: port %q: %w", text, err)
	}
	set := []mail.Option{mail.WithTimeout(m.o.Timeout), mail.WithDialContextFunc(m.dial(ctx))}
	switch m.o.TLS {
	case "", "opportunistic":
		set = append(set, mail.WithTLSPolicy(mail.TLSOpportunistic))
	case "required":
		set = append(set, mail.WithTLSPolicy(mail.TLSMandatory))
	case "implicit":
		set = append(set, mail.WithSSL())
	case "none":
		set = append(set, mail.WithTLSPolicy(mail.NoTLS))
	default:
		return nil, fmt.Errorf("mailer: TLS is opportunistic, required, implicit or none, not %q", m.o.TLS)
	}
	if m.o.Username != "" {
		how := mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover)
		if m.o.TLS == "implicit" { // the client does not see that what dial gives it is encrypted, and would not offer all
			how = mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthCramMD5, mail.SMTPAuthPlain, mail.SMTPAuthLogin)
		}
		set = append(set, how, mail.WithUsername(m.o.Username), mail.WithPassword(m.o.Password))
	}
	if m.o.HELO != "" {
		set = append(set, mail.WithHELO(m.o.HELO))
	}
	return mail.NewClient(host, append(set, mail.WithPort(port))...)
}

// dial gives what connects; the connection is cut when ctx ends, since a server that says nothing would be waited for until the timeout.
func (m *Mailer) dial(ctx context.Context) mail.DialContextFunc {
	return func(dialling context.Context, network, addr string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		c, err := (&net.Dialer{}).DialContext(dialling, network, addr)
		if err != nil {
			return nil, err
		}
		var conn net.Conn = &bound{c, context.AfterFunc(ctx, func() { _ = c.Close() })} // whoever reads from it has the error
		if m.o.TLS == "implicit" {
			conn = tls.Client(conn, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12})
		}
		return conn, nil
	}
}

// bound is a connection that a context can cut.
type bound struct {
	net.Conn
	free func() bool
}

// Close closes the connection and lets the context go.
func (b *bound) Close() error {
	b.free()
	return b.Conn.Close()
}

// Send sends a plain text to one address. It returns when the server has taken the mail, or will not. A subject
// with a line break in it is written on one line: it cannot add a header (RFC 5322 section 2.2).
func (m *Mailer) Send(ctx context.Context, to, subject, body string) error {
	if !m.Configured() {
		return ErrNoServer
	}
	msg := mail.NewMsg()
	if err := msg.From(m.o.From); err != nil {
		return fmt.Errorf("mailer: sender: %w", err)
	}
	if err := msg.To(to); err != nil {
		return fmt.Errorf("mailer: %q is no address: %w", to, err)
	}
	msg.Subject(line(subject, MaxSubject))
	msg.SetBodyString(mail.TypeTextPlain, cut(body, MaxBody))
	msg.SetDate()
	msg.SetMessageID()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834 section 5: nobody's holiday note answers
	ctx, cancel := context.WithTimeout(ctx, m.o.Timeout)
	defer cancel()
	c, err := m.client(ctx)
	if err != nil {
		return err
	}
	if err := c.DialAndSendWithContext(ctx, msg); err != nil {
		return fmt.Errorf("mailer: %s: %w", m.o.Addr, m.discreet(err))
	}
	return nil
}

// Check says hello to the server, signs in where that is set, and takes leave: nil, or why mails will not go out.
func (m *Mailer) Check(ctx context.Context) error {
	if !m.Configured() {
		return ErrNoServer
	}
	ctx, cancel := context.WithTimeout(ctx, m.o.Timeout)
	defer cancel()
	c, err := m.client(ctx)
	if err != nil {
		return err
	}
	if err := c.DialWithContext(ctx); err != nil {
		return fmt.Errorf("mailer: %s: %w", m.o.Addr, m.discreet(err))
	}
	return c.Close()
}

// discreet is an error without the password in any form in which it goes out: servers there are that say back what they refuse.
func (m *Mailer) discreet(err error) error {
	if m.o.Password == "" {
		return err
	}
	text := err.Error()
	for _, form := range []string{
		m.o.Password, strings.Trim(strconv.Quote(m.o.Password), `"`), base64.StdEncoding.EncodeToString([]byte(m.o.Password)),
		base64.StdEncoding.EncodeToString([]byte("\x00" + m.o.Username + "\x00" + m.o.Password)),
	} {
		text = strings.ReplaceAll(text, form, "…")
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

// line writes s on one line of at most max bytes.
func line(s string, max int) string {
	return cut(strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\r' || r == '\n' || r == 0 }), " "), max)
}

// cut shortens s to at most max bytes, between two characters.
func cut(s string, max int) string {
	if len(s) <= max {
		return s
	}
	const mark = " …"
	return strings.ToValidUTF8(s[:max-len(mark)], "") + mark
}
