package ewstest

// As much of IMAP (RFC 3501) as it takes to look into an inbox.

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// imap is a signed-in connection.
type imap struct {
	conn net.Conn
	r    *bufio.Reader
	n    int
}

// imap signs somebody in.
func (d *DavMail) imap(ctx context.Context, user string) (*imap, error) {
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", d.IMAP)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(3 * time.Minute)); err != nil {
		return nil, err
	}
	c := &imap{conn: conn, r: bufio.NewReader(conn)}
	if _, err := c.r.ReadString('\n'); err != nil { // the greeting
		return nil, err
	}
	if _, err := c.command("LOGIN %q %q", d.endpoint.Email(user), d.endpoint.password()); err != nil {
		return nil, err
	}
	return c, nil
}

// command sends one and answers the untagged lines, each with the literals in it.
func (c *imap) command(format string, args ...any) ([]string, error) {
	c.n++
	tag := "a" + strconv.Itoa(c.n)
	line := fmt.Sprintf(format, args...)
	if _, err := fmt.Fprintf(c.conn, "%s %s\r\n", tag, line); err != nil {
		return nil, err
	}
	var out []string
	for {
		l, err := c.line()
		if err != nil {
			return out, err
		}
		if rest, ok := strings.CutPrefix(l, tag+" "); ok {
			if !strings.HasPrefix(rest, "OK") {
				return out, fmt.Errorf("%.20s: %s", line, rest)
			}
			return out, nil
		}
		out = append(out, l)
	}
}

// line reads one with its literals: {12}, then so many bytes, then the line goes on.
func (c *imap) line() (string, error) {
	var whole strings.Builder
	for {
		l, err := c.r.ReadString('\n')
		if err != nil {
			return "", err
		}
		l = strings.TrimRight(l, "\r\n")
		whole.WriteString(l)
		open := strings.LastIndexByte(l, '{')
		if open < 0 || !strings.HasSuffix(l, "}") {
			return whole.String(), nil
		}
		size, err := strconv.Atoi(l[open+1 : len(l)-1])
		if err != nil || size < 0 || size > 16<<20 {
			return whole.String(), nil
		}
		literal := make([]byte, size)
		if _, err := io.ReadFull(c.r, literal); err != nil {
			return "", err
		}
		whole.WriteString("\n" + string(literal))
	}
}

// messages answers the folder's messages, headers and all.
func (c *imap) messages(folder string) ([]string, error) {
	if _, err := c.command("SELECT %q", folder); err != nil {
		return nil, err
	}
	lines, err := c.command("UID FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT FROM TO DATE)])")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, l := range lines {
		if strings.Contains(l, "FETCH") {
			out = append(out, l)
		}
	}
	return out, nil
}

// Mails are the messages in one of somebody's folders, as the gateway shows them: flags, headers and text.
func (d *DavMail) Mails(ctx context.Context, user, folder string) (mails []string, err error) {
	c, err := d.imap(ctx, user)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if _, err := c.command("EXAMINE %q", folder); err != nil {
		return nil, err
	}
	lines, err := c.command("UID FETCH 1:* (UID FLAGS BODY.PEEK[])")
	for _, l := range lines {
		if strings.Contains(l, "FETCH") {
			mails = append(mails, l)
		}
	}
	return mails, err
}

// close says goodbye.
func (c *imap) close() error {
	_, err := c.command("LOGOUT")
	if closeErr := c.conn.Close(); err == nil {
		err = closeErr
	}
	return err
}
