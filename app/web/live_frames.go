package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"strconv"
	"time"

	"portico/app/portal"
	"portico/realtime"
	"portico/views"
	"portico/views/catalogue"
)

// The frames of the live channel as bytes. Events of the house are written as JSON here and as HTML by
// fragment.go; the channel's own frames (hello, resync, error, pong, bye) in both forms here, since no
// page shows them: they are for the page's script, which reads the attributes.

// eventJSON writes {"event":NAME,"seq":N,…the event's own members}. Seq is left out where there is none.
func eventJSON(r views.Reader, ev portal.Event, seq int64) ([]byte, error) {
	members, err := json.Marshal(localized(r, ev))
	if err != nil {
		return nil, fmt.Errorf("encode %s event: %w", ev.Name(), err)
	}
	out := make([]byte, 0, len(members)+40)
	out = append(out, `{"event":"`...)
	out = append(out, ev.Name()...)
	out = append(out, '"')
	if seq > 0 {
		out = append(out, `,"seq":`...)
		out = strconv.AppendInt(out, seq, 10)
	}
	if len(members) > len("{}") {
		out = append(out, ',')
		out = append(out, members[1:len(members)-1]...)
	}
	return append(out, '}'), nil
}

// stateJSON and lineJSON are the events with the sentence for this reader.
type stateJSON struct {
	portal.StateEvent
	Reason    string `json:"reason,omitempty"`
	ReasonKey string `json:"reason_key,omitempty"`
}

type lineJSON struct {
	portal.LineEvent
	Reason    string `json:"reason,omitempty"`
	ReasonKey string `json:"reason_key,omitempty"`
}

type exchangeJSON struct {
	portal.ExchangeEvent
	Reason    string `json:"reason,omitempty"`
	ReasonKey string `json:"reason_key,omitempty"`
}

// localized is ev with what depends on the reader's language filled in.
func localized(r views.Reader, ev portal.Event) any {
	switch e := ev.(type) {
	case portal.PresenceEvent:
		return presenceFor(r, e.Presence)
	case portal.StateEvent:
		if e.Reason == "" {
			return e
		}
		return stateJSON{StateEvent: e, Reason: sentence(r.Catalogue, e.Reason, nil), ReasonKey: e.Reason}
	case portal.LineEvent:
		if e.Reason == "" {
			return e
		}
		return lineJSON{LineEvent: e, Reason: sentence(r.Catalogue, e.Reason, nil), ReasonKey: e.Reason}
	case portal.ExchangeEvent:
		if e.Reason == "" {
			return e
		}
		return exchangeJSON{ExchangeEvent: e, Reason: sentence(r.Catalogue, e.Reason, nil), ReasonKey: e.Reason}
	}
	return ev
}

// channelFrame is one of the channel's own frames, in either encoding.
type channelFrame struct {
	event string
	// members in order: JSON name, HTML attribute is "data-" + name with hyphens for underscores
	members []member
	// words is what the HTML element holds as text; the JSON form has it as the member "reason".
	words string
}

type member struct {
	name  string
	value any // string, int64, or for JSON only a struct, which HTML leaves out
}

func (f channelFrame) bytes(e realtime.Encoding) []byte {
	if e == realtime.HTML {
		return f.html()
	}
	return f.json()
}

func (f channelFrame) json() []byte {
	var out bytes.Buffer
	out.WriteString(`{"event":`)
	out.Write(mustJSON(f.event))
	for _, m := range f.members {
		out.WriteByte(',')
		out.Write(mustJSON(m.name))
		out.WriteByte(':')
		out.Write(mustJSON(m.value))
	}
	if f.words != "" {
		out.WriteString(`,"reason":`)
		out.Write(mustJSON(f.words))
	}
	out.WriteByte('}')
	return out.Bytes()
}

func (f channelFrame) html() []byte {
	var out bytes.Buffer
	out.WriteString(`<live-event data-event="` + f.event + `"`)
	for _, m := range f.members {
		var value string
		switch v := m.value.(type) {
		case string:
			value = v
		case int64:
			value = strconv.FormatInt(v, 10)
		case portal.Me:
			value = string(v.URI)
		default:
			continue
		}
		fmt.Fprintf(&out, ` data-%s="%s"`, attribute(m.name), html.EscapeString(value))
	}
	out.WriteString(">" + html.EscapeString(f.words) + "</live-event>")
	return out.Bytes()
}

func attribute(name string) string {
	return string(bytes.ReplaceAll([]byte(name), []byte("_"), []byte("-")))
}

// mustJSON encodes strings, numbers and portal.Me; none of them can fail.
func mustJSON(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("web: encode %T: %v", v, err))
	}
	return body
}

// helloFrame has idle_after_ms, how long without input a browser is to wait before it says "idle", where
// that is known.
func helloFrame(a realtime.Audience, head int64, me portal.Me, idleAfter time.Duration) []byte {
	f := channelFrame{event: "hello", members: []member{{"seq", head}, {"me", me}}}
	if idleAfter > 0 {
		f.members = append(f.members, member{"idle_after_ms", idleAfter.Milliseconds()})
	}
	return f.bytes(a.Encoding)
}

func resyncFrame(a realtime.Audience) []byte {
	return channelFrame{event: "resync"}.bytes(a.Encoding)
}

func pongFrame(a realtime.Audience) []byte {
	return channelFrame{event: "pong"}.bytes(a.Encoding)
}

// byeFrame has reconnect_after_ms only where the browser is to come back.
func byeFrame(words *catalogue.Catalogue, a realtime.Audience, reason string, after time.Duration) []byte {
	f := channelFrame{event: "bye", words: sentence(words, "bye."+reason, nil)}
	if after >= 0 {
		f.members = append(f.members, member{"reconnect_after_ms", after.Milliseconds()})
	}
	f.members = append(f.members, member{"reason_key", reason})
	return f.bytes(a.Encoding)
}

// errorFrame answers the frame that called itself id.
func errorFrame(words *catalogue.Catalogue, a realtime.Audience, id string, f failure) []byte {
	members := []member{{"id", id}, {"reason_key", f.reason}}
	if f.retryAfter > 0 {
		members = append(members, member{"retry_after_ms", f.retryAfter.Milliseconds()})
	}
	return channelFrame{event: "error", members: members, words: explain(words, f)}.bytes(a.Encoding)
}
