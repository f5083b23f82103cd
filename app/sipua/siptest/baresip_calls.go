package siptest

// Calls with baresip. Its sound goes nowhere.

import (
	"strings"
	"time"
)

// CallState is how far a client's call is, in baresip's own words.
type CallState string

// The states that tests need by name. NoCall: there is none.
const (
	NoCall          CallState = ""
	CallIncoming    CallState = "INCOMING"
	CallEstablished CallState = "ESTABLISHED"
)

// Dial calls somebody, a user part or an address. It returns before anybody answers.
func (b *BaresipClient) Dial(to string) {
	b.t.Helper()
	b.must("dial", b.opts.address(to))
}

// Answer waits until somebody calls, and takes the call.
func (b *BaresipClient) Answer(timeout time.Duration) {
	b.t.Helper()
	b.ExpectCall(CallIncoming, timeout)
	b.must("accept", "")
	b.ExpectCall(CallEstablished, timeout)
}

// HangUp ends the current call, or gives up calling.
func (b *BaresipClient) HangUp() {
	b.t.Helper()
	b.must("hangup", "")
	b.ExpectCall(NoCall, clientQuit)
}

// Call is the state of the current call.
func (b *BaresipClient) Call() CallState {
	b.t.Helper()
	for line := range strings.Lines(b.must("listcalls", "")) {
		if fields := strings.Fields(line); len(fields) > 4 && fields[0] == ">" {
			return CallState(fields[4])
		}
	}
	return NoCall
}

// ExpectCall waits until the current call is in that state.
func (b *BaresipClient) ExpectCall(state CallState, timeout time.Duration) {
	b.t.Helper()
	var got CallState
	if !b.await(timeout, func() bool {
		got = b.Call()
		return got == state
	}) {
		b.t.Fatalf("%s: its call is %q, want %q within %s", b, got, state, timeout)
	}
}
