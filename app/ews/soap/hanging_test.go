package soap

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
)

// A call that hangs holds its place; one that goes ahead takes none, and once the server is known to be back what may be repeated is
// sent again at once.
func TestCallsThatHangAreRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := scripted(t, func(o *Options) { o.Concurrency, o.Timeout = 2, time.Hour }, hang, hang, xmlReply(itemAnswer("a")))
		read, written := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := c.GetItem(t.Context(), As{}, getItem("a"))
			read <- err
		}()
		synctest.Wait()
		go func() {
			_, err := c.CreateItem(t.Context(), As{}, createItem())
			written <- err
		}()
		synctest.Wait()
		waiting := make(chan error, 1)
		go func() {
			_, err := c.GetItem(t.Context(), As{}, getItem("a"))
			waiting <- err
		}()
		time.Sleep(time.Minute)
		if s.count() != 2 || len(waiting) != 0 {
			t.Fatalf("%d requests went out while both places are taken", s.count())
		}
		if _, err := c.GetItem(t.Context(), As{Ahead: true}, getItem("a")); err != nil {
			t.Errorf("the call that goes ahead: %v", err)
		}
		c.Renew(2 * time.Minute)
		synctest.Wait()
		if len(read) != 0 {
			t.Error("a call that is not that old was renewed")
		}
		c.Renew(time.Minute)
		if err := <-read; err != nil {
			t.Errorf("the read that hung: %v", err)
		}
		if err := <-waiting; err != nil {
			t.Errorf("the read that waited: %v", err)
		}
		if len(written) != 0 {
			t.Error("a write was given up, which may be done yet")
		}
		wantMeaning(t, <-written, portal.ErrUnavailable) // in its own time
		if n := s.count(); n != 5 {
			t.Errorf("%d requests, want two that hung and three that were answered", n)
		}
	})
}

func TestSentIsToldOfRequestsAndAnswers(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	c, _ := scripted(t, func(o *Options) {
		o.Sent = func() func(bool) {
			mu.Lock()
			seen = append(seen, "sent")
			mu.Unlock()
			return func(ok bool) {
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, map[bool]string{true: "answered", false: "not answered"}[ok])
			}
		}
		o.Jitter = func() float64 { return 0 }
	}, failing, reply(502, "text/html", ""), xmlReply(itemAnswer("a")))
	if _, err := c.GetItem(t.Context(), As{}, getItem("a")); err != nil {
		t.Fatal(err)
	}
	if want := []string{"sent", "not answered", "sent", "answered", "sent", "answered"}; !slices.Equal(seen, want) {
		t.Errorf("told %q", seen)
	}
}

func TestUnreachedIsNoConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := scripted(t, nil, failing)
		_, err := c.GetItem(t.Context(), As{}, getItem("a"))
		if !Unreached(err) {
			t.Errorf("no connection: %v", err)
		}
		c, _ = scripted(t, nil, hang)
		_, err = c.GetItem(t.Context(), As{}, getItem("a"))
		if Unreached(err) {
			t.Errorf("a connection without an answer: %v", err)
		}
		if Unreached(nil) {
			t.Error("no error")
		}
	})
}
