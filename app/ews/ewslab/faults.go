package ewslab

// Faults on purpose: a switchboard that makes the server busy, slow, broken or forgetful, for tests and for the demo.

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// FaultKind says how a request goes wrong.
type FaultKind string

// The kinds of faults.
const (
	FaultBusy503      FaultKind = "busy503"      // HTTP 503, Retry-After from BackOff
	FaultBusy500      FaultKind = "busy500"      // HTTP 500 fault ErrorServerBusy with BackOffMilliseconds
	FaultBusy200      FaultKind = "busy200"      // HTTP 200, ErrorInternalServerError with an inner ErrorServerBusy
	FaultSlow         FaultKind = "slow"         // answers after Delay
	FaultDown         FaultKind = "down"         // the connection breaks before anything is done; open streams break too
	FaultHalf         FaultKind = "half"         // the work is done, the answer is cut in the middle
	FaultDrop         FaultKind = "drop"         // the work is done, the connection breaks without an answer
	FaultUnauthorized FaultKind = "401"          // HTTP 401
	FaultError        FaultKind = "error"        // HTTP 500 fault with Code
	FaultHTML         FaultKind = "html"         // HTTP 200 with a page, as a proxy in between answers
	FaultSilent       FaultKind = "silent"       // streams, open ones and those that are opened, stay open and say nothing more, neither events nor signs of life
	FaultLost         FaultKind = "lost"         // at once: subscriptions are forgotten
	FaultCloseStreams FaultKind = "closestreams" // at once: open streams end as if their time were over
	FaultCutStreams   FaultKind = "cutstreams"   // at once: open streams break
)

// atOnce says whether a kind happens when it is set and is over then.
func (k FaultKind) atOnce() bool {
	return k == FaultLost || k == FaultCloseStreams || k == FaultCutStreams
}

func faultKinds() []FaultKind {
	return []FaultKind{FaultBusy503, FaultBusy500, FaultBusy200, FaultSlow, FaultDown, FaultHalf, FaultDrop, FaultUnauthorized, FaultError, FaultHTML,
		FaultSilent, FaultLost, FaultCloseStreams, FaultCutStreams}
}

// Fault is one fault. It strikes requests that fit Operation and Mailbox, until For is over or it has struck Count times or it is lifted.
type Fault struct {
	Kind      FaultKind
	Operation string        // as CreateItem; "" = every one
	Mailbox   string        // user name or address of who is acted for; "" = everybody
	For       time.Duration // 0 = no end
	Count     int           // 0 = any number of times
	BackOff   time.Duration // of the busy kinds; 0 = the usual 5 s
	Delay     time.Duration // of FaultSlow
	Code      string        // of FaultError; "" = ErrorInternalServerError
}

// faultBoard holds the faults that are set. Its zero value has none.
type faultBoard struct {
	mu   sync.Mutex
	next int
	set  []*setFault
}

// setFault is one of them.
type setFault struct {
	Fault
	number int
	until  time.Time // zero = no end
	left   int       // when Count is not 0
	struck int
}

// Fault sets a fault and returns what lifts it again. A kind that happens at once is over when Fault returns.
func (s *Server) Fault(f Fault) (lift func(), err error) {
	if !slices.Contains(faultKinds(), f.Kind) {
		return nil, fmt.Errorf("ewslab: unknown fault %q", f.Kind)
	}
	var box *mailbox
	if f.Mailbox != "" {
		if box = s.people.mailbox(f.Mailbox); box == nil {
			return nil, fmt.Errorf("ewslab: fault for %q, who has no mailbox", f.Mailbox)
		}
		f.Mailbox = box.User
	}
	if f.Kind.atOnce() {
		s.strikeAtOnce(f.Kind, box)
		return func() {}, nil
	}
	lift = s.faults.add(f, s.now()) // first: a stream that is opened anew at once is struck too
	if f.Kind == FaultDown {
		s.bells.streamsOf(box, func(st *stream) { ringOnce(st.cut) })
	}
	if f.Kind == FaultSilent {
		s.bells.streamsOf(box, func(st *stream) { st.silent = true })
	}
	return lift, nil
}

// strikeAtOnce does what is over at once.
func (s *Server) strikeAtOnce(kind FaultKind, box *mailbox) {
	switch kind {
	case FaultLost:
		var row int64
		if box != nil {
			row = box.ID
		}
		s.bells.lose(row)
	case FaultCloseStreams:
		s.bells.streamsOf(box, func(st *stream) { ringOnce(st.end) })
	case FaultCutStreams:
		s.bells.streamsOf(box, func(st *stream) { ringOnce(st.cut) })
	}
}

// streamsOf does something to the streams that carry a mailbox's subscriptions, nil for all streams.
func (n *notifier) streamsOf(box *mailbox, do func(*stream)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for st := range n.streams {
		fits := box == nil
		if box != nil {
			for sub := range n.byBox[box.ID] {
				fits = fits || sub.stream == st
			}
		}
		if fits {
			do(st)
		}
	}
}

// ClearFaults lifts all faults.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	s.faults.set = nil
	s.faults.mu.Unlock()
}

func (b *faultBoard) add(f Fault, now time.Time) (lift func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	one := &setFault{Fault: f, number: b.next, left: f.Count}
	if f.For > 0 {
		one.until = now.Add(f.For)
	}
	b.set = append(b.set, one)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.set = slices.DeleteFunc(b.set, func(o *setFault) bool { return o == one })
	}
}

// strike finds the first fault that fits a request and counts it.
func (b *faultBoard) strike(operation string, user string, now time.Time) (Fault, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set = slices.DeleteFunc(b.set, func(o *setFault) bool { return !o.until.IsZero() && !now.Before(o.until) || o.Count > 0 && o.left == 0 })
	for _, o := range b.set {
		if o.Operation != "" && o.Operation != operation || o.Mailbox != "" && o.Mailbox != user {
			continue
		}
		if o.Kind == FaultSilent && operation != "GetStreamingEvents" {
			continue
		}
		o.left--
		o.struck++
		return o.Fault, true
	}
	return Fault{}, false
}

// isDown says whether the whole server is down, not only for an operation or a mailbox, and counts it.
func (b *faultBoard) isDown(now time.Time) bool {
	b.mu.Lock()
	down := slices.ContainsFunc(b.set, func(o *setFault) bool { return o.Kind == FaultDown && o.Operation == "" && o.Mailbox == "" })
	b.mu.Unlock()
	if !down {
		return false
	}
	f, hit := b.strike("", "", now)
	return hit && f.Kind == FaultDown
}

// silentKey marks the context of a stream that is to say nothing.
type silentKey struct{}

// injure does what a fault that is set asks for before an operation runs; true: the request has been answered.
func (s *Server) injure(c *call) (bool, error) {
	user := ""
	if c.me != nil {
		user = c.me.User
	}
	f, hit := s.faults.strike(c.name, user, s.now())
	if !hit {
		return false, nil
	}
	switch f.Kind {
	case FaultBusy503:
		c.w.Header().Set("Retry-After", strconv.Itoa(int((f.backOff()+time.Second-1)/time.Second)))
		http.Error(c.w, "Service Unavailable", http.StatusServiceUnavailable)
		return true, nil
	case FaultBusy500:
		return true, s.answerFault(c.w, f.busy())
	case FaultBusy200:
		return true, s.answerBusyInside(c, f)
	case FaultSlow:
		wait := time.NewTimer(f.Delay)
		defer wait.Stop()
		select {
		case <-wait.C:
			return false, nil
		case <-c.ctx.Done():
			return true, c.ctx.Err()
		case <-s.done:
			panic(http.ErrAbortHandler)
		}
	case FaultDown:
		panic(http.ErrAbortHandler)
	case FaultHalf, FaultDrop:
		c.w = &breakingWriter{ResponseWriter: c.w, half: f.Kind == FaultHalf}
		return false, nil
	case FaultSilent:
		c.ctx = context.WithValue(c.ctx, silentKey{}, true)
		return false, nil
	case FaultUnauthorized:
		s.auth.refuse(c.w)
		return true, nil
	case FaultError:
		code := f.Code
		if code == "" {
			code = errorInternal
		}
		return true, s.answerFault(c.w, &fault{Code: code, Text: usualText(code)})
	case FaultHTML:
		c.w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, err := c.w.Write([]byte("<html><body><h1>It works!</h1></body></html>"))
		return true, err
	}
	return false, nil
}

func (f Fault) backOff() time.Duration {
	if f.BackOff > 0 {
		return f.BackOff
	}
	return 5 * time.Second
}

// busy is the fault of throttling.
func (f Fault) busy() *fault { return busyFault(f.backOff()) }

// answerBusyInside answers throttling in the third shape: a whole answer in which each message says that something inside was busy.
func (s *Server) answerBusyInside(c *call, f Fault) error {
	busy := f.busy()
	inner := &failure{Code: errorInternal, Text: "An internal server error occurred. The operation failed.", Values: append([]attr{
		{"InnerErrorMessageText", busy.Text}, {"InnerErrorResponseCode", busy.Code}, {"InnerErrorDescriptiveLinkKey", "0"}}, busy.Values...)}
	msg, err := c.message(nil, inner)
	if err != nil {
		return err
	}
	var resp *node
	switch c.name {
	case "GetUserAvailability":
		msg.Name = "ResponseMessage"
		resp = m(c.name+"Response", m("FreeBusyResponseArray", m("FreeBusyResponse", msg)))
	case "GetUserOofSettings", "SetUserOofSettings":
		msg.Name = "ResponseMessage"
		resp = m(c.name+"Response", msg)
	case "GetMailTips", "GetDelegate", "AddDelegate", "UpdateDelegate", "RemoveDelegate":
		msg.Name = c.name + "Response"
		resp = msg
	case "GetRoomLists", "GetRooms", "FindPeople", "GetPersona", "GetUserPhoto", "GetReminders", "PerformReminderAction":
		return s.answerFault(c.w, busy) // their answers have no place for it
	default:
		resp = m(c.name+"Response", m("ResponseMessages", msg))
	}
	return s.answer(c.w, resp)
}

// breakingWriter lets the work be done and breaks the connection when the answer is written: after half of it, or before.
type breakingWriter struct {
	http.ResponseWriter
	half bool
}

// WriteHeader holds the status back until the first half is written.
func (w *breakingWriter) WriteHeader(status int) {
	if w.half {
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write breaks off.
func (w *breakingWriter) Write(p []byte) (int, error) {
	if w.half {
		// What the client makes of it is the point; whether it is still there is not.
		_, _ = bytes.NewReader(p[:len(p)/2]).WriteTo(w.ResponseWriter)
		_ = http.NewResponseController(w.ResponseWriter).Flush()
	}
	panic(http.ErrAbortHandler)
}

// Unwrap lets http.ResponseController reach the server's own writer.
func (w *breakingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
