package realtime

import (
	"context"
	"time"

	"portico/app/portal"
)

// Client says whose connection it is and how it wants to be told.
type Client struct {
	Person portal.Address
	// Session names the sign-in the connection came with; ID the connection itself, unique in this process.
	Session, ID string
	Audience    Audience
	// Seen is what the client says that its page shows of what is in force, in the door's own terms.
	Seen string
	// Since is the number of the last event the browser has, if HasSince.
	Since    int64
	HasSince bool
	// Thin: the connection is of a thin session; ThinFrom is what says so (portal.Me.ThinFrom).
	Thin     bool
	ThinFrom string
	// Packed: both ends of a WebSocket agreed on permessage-deflate (OffersDeflate).
	Packed bool
	// Gather is how long frames that may wait (Frame.About, Frame.MayWait) are gathered before they are sent together; zero: not at all.
	Gather time.Duration
	// Shows: the client says what it shows (Hub.Show), and shows nobody until it does; it matters where there is Gather.
	Shows bool
}

// Door is what stands behind a connection: it makes the frames that only the house can make and takes
// what the browser sends. Its methods are called from connections' goroutines, for one connection never
// two of Hello, Replay and Snapshot at a time; Receive in the order the frames came.
type Door interface {
	// Hello is the first frame; without HasSince the connection starts after its Seq-th event.
	Hello(ctx context.Context, c Client) (hello *Frame, head int64, err error)
	// Replay gives the next durable frames for c after since, in order; none when it has caught up.
	// resync means that the log does not reach back that far.
	Replay(ctx context.Context, c Client, since int64) (frames []*Frame, resync bool, err error)
	// Snapshot gives the current values now in force.
	Snapshot(ctx context.Context, c Client) ([]*Frame, error)
	// Resync and Bye make these two frames. after is when to come back; negative: not at all.
	Resync(c Client) *Frame
	Bye(c Client, reason string, after time.Duration) *Frame
	// Receive takes one frame from the browser and returns the answer, or nil.
	Receive(ctx context.Context, c Client, frame []byte) *Frame
	// Attached and Detached bracket the connection's life.
	Attached(c Client)
	Detached(c Client)
}

// Reasons why the server ends a connection, as the door's Bye gets them.
const (
	ReasonDraining     = "draining"
	ReasonSessionEnded = "session-ended"
	ReasonTooSlow      = "too-slow"
	ReasonTooMany      = "too-many-connections"
	ReasonUnavailable  = "unavailable"
)

// WebSocket close codes (RFC 6455 section 7.4.2) for those reasons. CloseCode gives the one of a reason.
const (
	CloseComeBack = 4000 // come back after bye's reconnect_after_ms
	CloseEnded    = 4001 // do not come back with this session
	CloseTooSlow  = 4002 // come back; what was missed is replayed
	CloseTooMany  = 4003 // too many connections of one person; come back later
)

// CloseCode is the WebSocket close code of a reason.
func CloseCode(reason string) int {
	switch reason {
	case ReasonSessionEnded:
		return CloseEnded
	case ReasonTooSlow:
		return CloseTooSlow
	case ReasonTooMany:
		return CloseTooMany
	}
	return CloseComeBack
}
