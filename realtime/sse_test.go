package realtime

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// deadlines is a response that notes the write deadline in force, and that at each write.
type deadlines struct {
	*httptest.ResponseRecorder
	now     time.Time
	atWrite []time.Time
}

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.now = t
	return nil
}

func (d *deadlines) Write(b []byte) (int, error) {
	d.atWrite = append(d.atWrite, d.now)
	return d.ResponseRecorder.Write(b)
}

// Over HTTP/2 a write deadline that passes ends the stream even while nothing is written, so a quiet
// stream must not be left with one; a write that hangs must have one.
func TestAQuietStreamHasNoDeadline(t *testing.T) {
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	s := &stream{w: w, ctl: http.NewResponseController(w)}
	if err := s.write(NewFrame(7, "", text("hello")), Audience{}); err != nil {
		t.Fatal(err)
	}
	if err := s.ping(); err != nil {
		t.Fatal(err)
	}
	if len(w.atWrite) != 2 {
		t.Fatalf("%d writes", len(w.atWrite))
	}
	for i, at := range w.atWrite {
		if left := time.Until(at); left <= 0 || left > writeTimeout {
			t.Errorf("write %d had %v", i, left)
		}
	}
	if !w.now.IsZero() {
		t.Errorf("a deadline is left behind: %v", w.now)
	}
	if got, want := w.Body.String(), "id: 7\ndata: hello\n\n: ping\n\n"; got != want {
		t.Errorf("written %q, want %q", got, want)
	}
}
