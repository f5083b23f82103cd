// Package iscomposing reads and writes the documents that say that somebody is typing (RFC 3994).
package iscomposing

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"portico/app/portal"
	"portico/app/sipua/markup"
)

// MediaType is the content type of a status document.
const MediaType = "application/im-iscomposing+xml"

// The refresh intervals of RFC 3994: what holds where a document says nothing (section 3.3), and the
// shortest that may be asked for (section 3.2). MaxRefresh bounds what a peer can make us believe.
const (
	DefaultRefresh = 120 * time.Second
	MinRefresh     = 60 * time.Second
	MaxRefresh     = 15 * time.Minute
)

const namespace = "urn:ietf:params:xml:ns:im-iscomposing"

// Status is one status document.
type Status struct {
	// Active is whether the sender is composing; idle otherwise.
	Active bool
	// LastActive is when they last were; zero if unsaid.
	LastActive time.Time
	// ContentType is what is being composed ("text/plain"); empty if unsaid.
	ContentType string
	// Refresh is within what time an active status is repeated, in whole seconds; zero if unsaid.
	Refresh time.Duration
}

// Holds is how long an active status may be believed without a newer one: Refresh, or the default
// of the RFC, bounded by MaxRefresh.
func (s Status) Holds() time.Duration {
	if s.Refresh <= 0 {
		return DefaultRefresh
	}
	return min(s.Refresh, MaxRefresh)
}

// Parse reads a status document. A state other than "active" counts as idle (RFC 3994 section 3.2:
// unknown states are idle). Errors mean portal.ErrInvalid.
func Parse(b []byte) (Status, error) {
	root, err := markup.Parse(b, markup.Limits{Bytes: 8 << 10})
	if err != nil {
		return Status{}, fmt.Errorf("isComposing: %w", err)
	}
	if !strings.EqualFold(root.Local, "isComposing") {
		return Status{}, fmt.Errorf("isComposing: %w: root element %.40q", portal.ErrInvalid, root.Local)
	}
	state := root.Child("state")
	if state == nil {
		return Status{}, fmt.Errorf("isComposing: %w: no state", portal.ErrInvalid)
	}
	s := Status{Active: strings.EqualFold(state.Value(), "active"), ContentType: root.Child("contenttype").Value()}
	if v := root.Child("lastactive").Value(); v != "" {
		if t, err := markup.ParseTime(v); err == nil { // a bad clock does not make the state less true
			s.LastActive = t
		}
	}
	if n, err := strconv.ParseInt(root.Child("refresh").Value(), 10, 32); err == nil && n > 0 {
		s.Refresh = time.Duration(n) * time.Second
	}
	return s, nil
}

// Encode writes a status document with its elements in the order of the schema.
func Encode(s Status) []byte {
	b := make([]byte, 0, 256)
	b = append(b, `<?xml version="1.0" encoding="UTF-8"?>`+"\r\n"+`<isComposing xmlns="`+namespace+`"><state>`...)
	if s.Active {
		b = append(b, "active</state>"...)
	} else {
		b = append(b, "idle</state>"...)
	}
	if !s.LastActive.IsZero() {
		b = append(b, "<lastactive>"...)
		b = markup.AppendTime(b, s.LastActive)
		b = append(b, "</lastactive>"...)
	}
	if s.ContentType != "" {
		b = append(b, "<contenttype>"...)
		b = markup.AppendText(b, s.ContentType)
		b = append(b, "</contenttype>"...)
	}
	if secs := int64(s.Refresh / time.Second); secs > 0 {
		b = append(b, "<refresh>"...)
		b = strconv.AppendInt(b, secs, 10)
		b = append(b, "</refresh>"...)
	}
	return append(b, "</isComposing>"...)
}
