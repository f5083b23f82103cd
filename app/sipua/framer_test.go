package sipua

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

const ping = "OPTIONS sip:x SIP/2.0\r\nCSeq: 1 OPTIONS\r\n"

func frames(t *testing.T, r io.Reader) (got []string, pairs []int, err error) {
	t.Helper()
	f := newFramer(r, func(n int) { pairs = append(pairs, n) })
	for range 1000 {
		raw, err := f.next()
		switch {
		case err == nil:
			got = append(got, string(raw))
		case errors.Is(err, errOversize):
			got = append(got, "oversize "+string(raw))
		default:
			return got, pairs, err
		}
	}
	t.Fatal("no end")
	return nil, nil, nil
}

func TestFramer(t *testing.T) {
	big := strings.Repeat("x", maxBodySize+1)
	for _, c := range []struct {
		name, in string
		want     []string
		pairs    []int
		err      error
	}{
		{"two", ping + "Content-Length: 3\r\n\r\nabc" + ping + "l:0\r\n\r\n", []string{ping + "Content-Length: 3\r\n\r\nabc", ping + "l:0\r\n\r\n"}, nil, io.EOF},
		{"folded", ping + "Content-Length :\r\n 2\r\n\r\nab", []string{ping + "Content-Length :\r\n 2\r\n\r\nab"}, nil, io.EOF},
		{"ping and pong", "\r\n\r\n" + ping + "l: 0\r\n\r\n\r\n", []string{ping + "l: 0\r\n\r\n"}, []int{2, 1}, io.EOF},
		{"twice the same", ping + "l: 1\r\nContent-Length: 1\r\n\r\na", []string{ping + "l: 1\r\nContent-Length: 1\r\n\r\na"}, nil, io.EOF},
		{"oversize", ping + fmt.Sprintf("l: %d\r\n\r\n", len(big)) + big + ping + "l: 0\r\n\r\n", []string{"oversize " + ping + fmt.Sprintf("l: %d\r\n\r\n", len(big)), ping + "l: 0\r\n\r\n"}, nil, io.EOF},
		{"no length", ping + "\r\n", nil, nil, errFraming},
		{"two lengths", ping + "l: 1\r\nl: 2\r\n\r\nab", nil, nil, errFraming},
		{"negative", ping + "l: -1\r\n\r\n", nil, nil, errFraming},
		{"endless head", strings.Repeat("x: y\r\n", maxHeadSize), nil, nil, errFraming},
		{"endless body", ping + "l: 999999999\r\n\r\n", nil, nil, errFraming},
		{"cut short", ping + "l: 5\r\n\r\nabc", nil, nil, io.EOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, pairs, err := frames(t, strings.NewReader(c.in))
			if fmt.Sprint(got) != fmt.Sprint(c.want) || !errors.Is(err, c.err) || fmt.Sprint(pairs) != fmt.Sprint(c.pairs) {
				t.Errorf("got %.200q %v %v", got, pairs, err)
			}
			slow, _, err := frames(t, iotest.OneByteReader(strings.NewReader(c.in)))
			if fmt.Sprint(slow) != fmt.Sprint(got) || !errors.Is(err, c.err) {
				t.Errorf("byte by byte: %.200q %v", slow, err)
			}
		})
	}
}

// However the bytes arrive, the messages are the same.
func FuzzFramer(f *testing.F) {
	f.Add([]byte(ping+"Content-Length: 3\r\n\r\nabc"+ping+"l:0\r\n\r\n"), uint8(3))
	f.Add([]byte("\r\n\r\n"+ping+"\r\n"), uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, chunk uint8) {
		whole, _, err1 := frames(t, bytes.NewReader(in))
		parts, _, err2 := frames(t, &chunked{in, int(chunk%16) + 1})
		if fmt.Sprint(whole) != fmt.Sprint(parts) || (err1 == nil) != (err2 == nil) || errors.Is(err1, errFraming) != errors.Is(err2, errFraming) {
			t.Errorf("at once %q %v, in parts %q %v", whole, err1, parts, err2)
		}
	})
}

type chunked struct {
	b []byte
	n int
}

func (c *chunked) Read(p []byte) (int, error) {
	if len(c.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.n)], c.b)
	c.b = c.b[n:]
	return n, nil
}
