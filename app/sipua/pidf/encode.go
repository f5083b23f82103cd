package pidf

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"portico/app/portal"
	"portico/app/sipua/markup"
)

const (
	prolog = `<?xml version="1.0" encoding="UTF-8"?>` + "\r\n" +
		`<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"` +
		` xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" xmlns:portico="` + Extension + `" entity="`
	// capabilities says what can be sent to the contact (RFC 5196).
	capabilities = `<caps:servcaps xmlns:caps="urn:ietf:params:xml:ns:pidf:caps"><caps:text>true</caps:text>` +
		`<caps:type>text/plain</caps:type><caps:type>message/cpim</caps:type></caps:servcaps>`
)

// Encode writes what one endpoint claims about who. The claim must have a valid availability,
// activity and source; else the error means portal.ErrInvalid. Texts lose what XML cannot carry and
// the white space around them, and are cut at the portal's limit. Times are written in UTC.
func Encode(who portal.Address, c portal.Claim) ([]byte, error) {
	if who == "" || !c.Availability.Valid() || !c.Activity.Valid() || !validSource(c.Source) {
		return nil, fmt.Errorf("%w: PIDF: %q claims availability %q, activity %q, source %q",
			portal.ErrInvalid, who, c.Availability, c.Activity, c.Source)
	}
	id := tupleID(c.Endpoint)
	note := text(c.Note)
	b := make([]byte, 0, 1536+len(note)+len(c.OutOfOffice))
	b = append(b, prolog...)
	b = markup.AppendText(b, string(who))
	b = append(b, "\">\r\n"...)
	b = appendTuple(b, who, id, note, c)
	b = appendPerson(b, id, note, c)
	return append(b, "</presence>\r\n"...), nil
}

func validSource(s portal.Source) bool {
	switch s {
	case portal.SourceHand, portal.SourceCall, portal.SourceCalendar, portal.SourceActivity, portal.SourceUnknown:
		return true
	}
	return false
}

// appendTuple writes the service: basic status, extension, capabilities, contact, note, timestamp,
// in the order of the schema of RFC 3863.
func appendTuple(b []byte, who portal.Address, id, note string, c portal.Claim) []byte {
	b = append(b, `<tuple id="`...)
	b = markup.AppendText(b, id)
	b = append(b, `"><status>`...)
	switch c.Availability {
	case portal.Unknown:
	case portal.Offline:
		b = append(b, "<basic>closed</basic>"...)
	default:
		b = append(b, "<basic>open</basic>"...)
	}
	b = append(b, "</status>"...)
	b = appendState(b, id, c)
	b = appendTimedStatus(b, c.Agenda)
	if c.TakesCPIM {
		b = append(b, capabilities...)
	}
	b = append(b, "<contact>"...)
	b = markup.AppendText(b, string(who))
	b = append(b, "</contact>"...)
	if note != "" {
		b = append(b, "<note>"...)
		b = markup.AppendText(b, note)
		b = append(b, "</note>"...)
	}
	b = appendTime(b, "timestamp", c.At)
	return append(b, "</tuple>\r\n"...)
}

func appendState(b []byte, id string, c portal.Claim) []byte {
	b = append(b, "<portico:state"...)
	b = markup.AppendAttr(b, "availability", string(c.Availability))
	b = markup.AppendAttr(b, "activity", string(c.Activity))
	b = markup.AppendAttr(b, "source", string(c.Source))
	b = markup.AppendAttr(b, "since", markup.Time(c.Since))
	b = markup.AppendAttr(b, "until", markup.Time(c.Until))
	if c.Agenda.Known {
		b = markup.AppendAttr(b, "calendar", "known")
		b = markup.AppendAttr(b, "busy-until", markup.Time(c.Agenda.BusyUntil))
	}
	if id != c.Endpoint {
		b = append(b, ` endpoint="`...) // said even when empty
		b = markup.AppendText(b, c.Endpoint)
		b = append(b, '"')
	}
	if ooo := text(c.OutOfOffice); ooo != "" {
		b = append(b, "><portico:out-of-office>"...)
		b = markup.AppendText(b, ooo)
		return append(b, "</portico:out-of-office></portico:state>"...)
	}
	return append(b, "/>"...)
}

// appendTimedStatus writes the next busy time of the calendar (RFC 4481): open, in a meeting.
func appendTimedStatus(b []byte, a portal.Agenda) []byte {
	if !a.Known || a.NextFrom.IsZero() {
		return b
	}
	b = append(b, `<ts:timed-status xmlns:ts="urn:ietf:params:xml:ns:pidf:timed-status"`...)
	b = markup.AppendAttr(b, "from", markup.Time(a.NextFrom))
	b = markup.AppendAttr(b, "until", markup.Time(a.NextUntil))
	return append(b, `><ts:basic>open</ts:basic><rpid:activities><rpid:meeting/></rpid:activities></ts:timed-status>`...)
}

// appendPerson writes the same for clients that do not know our extension.
func appendPerson(b []byte, id, note string, c portal.Claim) []byte {
	b = append(b, `<dm:person id="p-`...)
	b = markup.AppendText(b, id)
	b = append(b, '"', '>')
	names, other := activitiesOf(c.Availability, c.Activity)
	b = append(b, "<rpid:activities"...)
	if len(names) > 0 {
		b = markup.AppendAttr(b, "from", markup.Time(c.Since))
		b = markup.AppendAttr(b, "until", markup.Time(end(c)))
	}
	if len(names) == 0 && other == "" {
		b = append(b, "/>"...)
	} else {
		b = append(b, '>')
		for _, name := range names {
			b = append(append(append(b, "<rpid:"...), name...), "/>"...)
		}
		if other != "" {
			b = append(append(append(b, "<rpid:other>"...), other...), "</rpid:other>"...)
		}
		b = append(b, "</rpid:activities>"...)
	}
	b = appendUserInput(b, c)
	if note != "" {
		b = append(b, "<dm:note>"...)
		b = markup.AppendText(b, note)
		b = append(b, "</dm:note>"...)
	}
	b = appendTime(b, "dm:timestamp", c.At)
	return append(b, "</dm:person>\r\n"...)
}

// end is when a claim's activity is expected to end.
func end(c portal.Claim) time.Time {
	if c.Until.IsZero() && c.Source == portal.SourceCalendar {
		return c.Agenda.BusyUntil
	}
	return c.Until
}

func appendUserInput(b []byte, c portal.Claim) []byte {
	switch {
	case c.Activity == portal.Inactive, c.Availability == portal.Away, c.Availability == portal.BeRightBack:
		b = append(b, "<rpid:user-input"...)
		b = markup.AppendAttr(b, "last-input", markup.Time(c.Since))
		return append(b, ">idle</rpid:user-input>"...)
	case c.Availability == portal.Available && c.Activity == portal.NoActivity:
		return append(b, "<rpid:user-input>active</rpid:user-input>"...)
	}
	return b
}

func appendTime(b []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	b = append(append(append(b, '<'), name...), '>')
	b = markup.AppendTime(b, t)
	return append(append(append(b, "</"...), name...), '>')
}

// text is s as it is carried: trimmed and cut at the portal's limit for notes.
func text(s string) string {
	s = strings.TrimSpace(s)
	if len(s) <= portal.MaxNoteLen || utf8.RuneCountInString(s) <= portal.MaxNoteLen {
		return s
	}
	count := 0
	for i := range s {
		if count++; count > portal.MaxNoteLen {
			return strings.TrimSpace(s[:i])
		}
	}
	return s
}

// tupleID is the endpoint where it can stand as an xs:ID, else one made from its bytes.
func tupleID(endpoint string) string {
	if isName(endpoint) {
		return endpoint
	}
	const hash = 14695981039346656037
	sum := uint64(hash)
	for i := range len(endpoint) {
		sum = (sum ^ uint64(endpoint[i])) * 1099511628211
	}
	return fmt.Sprintf("e%016x", sum)
}

// isName reports whether s is an ASCII NCName of reasonable length.
func isName(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		ch := s[i]
		letter := ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z' || ch == '_'
		if !letter && (i == 0 || (ch < '0' || ch > '9') && ch != '-' && ch != '.') {
			return false
		}
	}
	return true
}
