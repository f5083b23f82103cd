package realtime

import (
	"sync"

	"github.com/gorilla/websocket"

	"portico/app/portal"
)

// Encoding is how a connection wants its events.
type Encoding uint8

// The encodings of the live channel.
const (
	JSON Encoding = iota
	HTML
)

// Audience is a set of connections that read exactly the same bytes. It is comparable; a frame is
// rendered once for each audience that is there to read it.
type Audience struct {
	Encoding Encoding
	// Locale is a catalogue's BCP 47 tag, with the country whose dates and numbers the reader writes where that makes a
	// difference ("de-AT"); Zone is an IANA time zone name.
	Locale, Zone string
	// Thin: the reader's session is a thin one.
	Thin bool
}

// Frame is one event on its way to many connections.
type Frame struct {
	seq    int64
	key    string
	about  portal.Address
	waits  bool
	render func(Audience) []byte

	mu   sync.Mutex
	made []*rendering // one for each audience seen so far; a handful at most
}

type rendering struct {
	audience Audience
	once     sync.Once
	body     []byte
	prepared *websocket.PreparedMessage
	err      error

	packing sync.Once
	packed  []byte // body for those who take it packed; nil where that is not worth it
}

// packedBy is body packed by one of the packers, made when the first asks for it; nil where it is not worth it, or there are no packers.
func (r *rendering) packedBy(packers *sync.Pool) []byte {
	if packers == nil || len(r.body) < packFrom {
		return nil
	}
	r.packing.Do(func() {
		if p, ok := packers.Get().(*packer); ok {
			r.packed = p.pack(r.body)
			packers.Put(p)
		}
	})
	return r.packed
}

// NewFrame makes a frame. seq above zero makes it durable; otherwise a non-empty key makes it current,
// and a frame with neither is an answer to its one reader. render is called at most once for each
// audience, from the goroutine of whichever connection needs it first; it returns one complete event,
// or nothing where that audience is not to get it. It must not block on the connection.
func NewFrame(seq int64, key string, render func(Audience) []byte) *Frame {
	return &Frame{seq: seq, key: key, render: render}
}

// NewAnswer makes a frame of ready bytes for one connection.
func NewAnswer(body []byte) *Frame {
	return &Frame{render: func(Audience) []byte { return body }}
}

// About says that f tells of a person and may wait where a connection gathers, unless they are who reads it or whose
// conversation is open. f must have a key and no number. It is to be called before f is sent, and returns f.
func (f *Frame) About(who portal.Address) *Frame {
	f.about = who
	return f
}

// MayWait says that f, of whomever it tells, may wait where a connection gathers. f must have a key and no number. It is to be
// called before f is sent, and returns f.
func (f *Frame) MayWait() *Frame {
	f.waits = true
	return f
}

// Seq is the event's number in the log, zero where it has none.
func (f *Frame) Seq() int64 { return f.seq }

// Key tells current values that replace each other; empty for durable frames and answers.
func (f *Frame) Key() string { return f.key }

// Body is the frame as a reads it; empty when a does not get it.
func (f *Frame) Body(a Audience) []byte { return f.rendered(a).body }

func (f *Frame) rendered(a Audience) *rendering {
	f.mu.Lock()
	var r *rendering
	for _, have := range f.made {
		if have.audience == a {
			r = have
			break
		}
	}
	if r == nil {
		r = &rendering{audience: a}
		f.made = append(f.made, r)
	}
	f.mu.Unlock()
	r.once.Do(func() {
		r.body = f.render(a)
		if len(r.body) > 0 {
			r.prepared, r.err = websocket.NewPreparedMessage(websocket.TextMessage, r.body)
		}
	})
	return r
}
