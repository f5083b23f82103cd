package realtime

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
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
	if err := s.write(Audience{}, NewFrame(7, "", text("hello"))); err != nil {
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

// stuck is a response whose reader never reads: a write ends with its deadline alone.
type stuck struct {
	*httptest.ResponseRecorder
	writing chan struct{}
	over    chan struct{}
}

func (s *stuck) SetWriteDeadline(t time.Time) error {
	if !t.IsZero() && t.Before(time.Now()) {
		close(s.over)
	}
	return nil
}

func (s *stuck) Write([]byte) (int, error) {
	close(s.writing)
	<-s.over
	return 0, os.ErrDeadlineExceeded
}

// A stream that is cut frees its writer at once, writes no more, and leaves alone a response that has ended.
func TestACutStreamFreesItsWriter(t *testing.T) {
	w := &stuck{ResponseRecorder: httptest.NewRecorder(), writing: make(chan struct{}), over: make(chan struct{})}
	s := &stream{w: w, ctl: http.NewResponseController(w), cancel: func() {}}
	written := make(chan error, 1)
	go func() { written <- s.write(Audience{}, NewFrame(1, "", text("hello"))) }()
	<-w.writing
	s.cut()
	if err := <-written; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the stuck write ended with %v", err)
	}
	if err := s.ping(); !errors.Is(err, errWire) {
		t.Errorf("a write after the cut: %v", err)
	}
	s.cut() // twice is fine

	ended := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	s = &stream{w: ended, ctl: http.NewResponseController(ended), cancel: func() {}}
	s.leave()
	s.cut()
	if !ended.now.IsZero() {
		t.Errorf("the deadline of an ended response was set to %v", ended.now)
	}
}
