package soap

// What is said to the server and what it answers, for a person who looks for the cause of a problem.

import (
	"io"
	"net/http"
	"strings"
)

// TraceMax is how much of a request or an answer is told, in bytes.
const TraceMax = 64 << 10

// traced tells of one text.
func (a As) traced(sent bool, text []byte) {
	if a.Trace == nil {
		return
	}
	a.Trace(sent, shortened(text, len(text)))
}

// shortened is the beginning of a text, with how long the whole is where that is more.
func shortened(text []byte, whole int) string {
	s := strings.ToValidUTF8(string(text[:min(len(text), TraceMax)]), "")
	if whole > TraceMax {
		s += "\n…"
	}
	return s
}

// listen keeps the beginning of an answer while it is read; what it returns tells of it then.
func (a As) listen(resp *http.Response) (tell func()) {
	if a.Trace == nil {
		return func() {}
	}
	kept := &listened{ReadCloser: resp.Body, text: []byte(resp.Proto + " " + resp.Status + "\n\n")}
	resp.Body = kept
	return func() { a.Trace(false, shortened(kept.text, kept.whole)) }
}

// listened is an answer of which the beginning is kept.
type listened struct {
	io.ReadCloser
	text  []byte
	whole int
}

func (l *listened) Read(b []byte) (int, error) {
	n, err := l.ReadCloser.Read(b)
	l.whole += n
	if room := TraceMax - len(l.text); room > 0 {
		l.text = append(l.text, b[:min(n, room)]...)
	}
	return n, err
}
