package siptest

// baresip's control connection: commands as JSON in netstrings, and what they print.

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"time"
)

// controlTimeout bounds one command to baresip.
const controlTimeout = 30 * time.Second

// maxControl bounds one answer from baresip, in bytes.
const maxControl = 1 << 20

// command sends one command over the control connection and returns what it printed.
func (b *BaresipClient) command(name, params string) (text string, err error) {
	conn, err := net.DialTimeout("tcp", b.control, controlTimeout)
	if err != nil {
		return "", fmt.Errorf("command %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := conn.SetDeadline(time.Now().Add(controlTimeout)); err != nil {
		return "", fmt.Errorf("command %s: %w", name, err)
	}
	token := "siptest"
	request, err := json.Marshal(map[string]string{"command": name, "params": params, "token": token})
	if err != nil {
		return "", fmt.Errorf("command %s: %w", name, err)
	}
	if _, err := fmt.Fprintf(conn, "%d:%s,", len(request), request); err != nil {
		return "", fmt.Errorf("command %s: %w", name, err)
	}
	r := bufio.NewReader(conn)
	for {
		frame, err := readNetstring(r)
		if err != nil {
			return "", fmt.Errorf("command %s: %w", name, err)
		}
		var answer struct {
			Response bool
			OK       bool
			Data     string
			Token    string
		}
		if err := json.Unmarshal(frame, &answer); err != nil {
			return "", fmt.Errorf("command %s: %w", name, err)
		}
		switch {
		case !answer.Response || answer.Token != token: // an event
		case !answer.OK:
			return "", fmt.Errorf("command %s: refused: %s", name, answer.Data)
		default:
			return colours.ReplaceAllString(answer.Data, ""), nil
		}
	}
}

// readNetstring reads LENGTH:BYTES, from the control connection.
func readNetstring(r *bufio.Reader) ([]byte, error) {
	length := 0
	for digits := 0; ; digits++ {
		c, err := r.ReadByte()
		if err != nil {
			return nil, err
		}
		if c == ':' && digits > 0 {
			break
		}
		if c < '0' || c > '9' {
			return nil, fmt.Errorf("netstring: unexpected %q in its length", c)
		}
		if length = length*10 + int(c-'0'); length > maxControl {
			return nil, fmt.Errorf("netstring: longer than %d bytes", maxControl)
		}
	}
	frame := make([]byte, length+1)
	if _, err := io.ReadFull(r, frame); err != nil {
		return nil, err
	}
	if frame[length] != ',' {
		return nil, fmt.Errorf("netstring: ends with %q", frame[length])
	}
	return frame[:length], nil
}

// colours are the escape sequences in baresip's output.
var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")
