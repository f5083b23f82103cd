package pidf

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
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
	b = appendCapabilities(b, c)
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

// appendState writes the extension: what everybody may see in one element, the rest in elements of its own each, so that
// rules on the server can take out what somebody may not see.
func appendState(b []byte, id string, c portal.Claim) []byte {
	b = append(b, "<portico:state"...)
	b = markup.AppendAttr(b, "availability", string(c.Availability))
	b = markup.AppendAttr(b, "activity", string(c.Activity))
	b = markup.AppendAttr(b, "source", string(c.Source))
	b = markup.AppendAttr(b, "provider", line(c.Provider, maxEndpoint))
	b = markup.AppendAttr(b, "label", line(c.Label, maxEndpoint))
	if c.NoIM {
		b = markup.AppendAttr(b, "im", "no")
	}
	if id != c.Endpoint {
		b = append(b, ` endpoint="`...) // said even when empty
		b = markup.AppendText(b, c.Endpoint)
		b = append(b, '"')
	}
	b = append(appendCustom(append(b, '>'), c.Custom), "</portico:state>"...)
	b = appendTime(b, "portico:since", c.Since)
	b = appendAhead(b, c)
	b = appendPlace(b, c)
	if ooo := text(c.OutOfOffice); ooo != "" {
		b = append(b, "<portico:out-of-office>"...)
		b = markup.AppendText(b, ooo)
		b = append(b, "</portico:out-of-office>"...)
	}
	return b
}

// appendCustom writes the texts of a custom state, by language.
func appendCustom(b []byte, texts portal.StateTexts) []byte {
	table := texts.Table()
	for _, lcid := range slices.Sorted(maps.Keys(table)) {
		b = append(b, `<portico:text lcid="`...)
		b = strconv.AppendInt(b, int64(lcid), 10)
		b = append(b, '"', '>')
		b = markup.AppendText(b, table[lcid])
		b = append(b, "</portico:text>"...)
	}
	return b
}

// appendAhead writes what is known of the time to come.
func appendAhead(b []byte, c portal.Claim) []byte {
	if c.Until.IsZero() && !c.Agenda.Known {
		return b
	}
	b = append(b, "<portico:ahead"...)
	b = markup.AppendAttr(b, "until", markup.Time(c.Until))
	if c.Agenda.Known {
		b = markup.AppendAttr(b, "calendar", "known")
		b = markup.AppendAttr(b, "busy-until", markup.Time(c.Agenda.BusyUntil))
	}
	return append(b, "/>"...)
}

func appendPlace(b []byte, c portal.Claim) []byte {
	location, zone := line(c.Location, portal.MaxLocationLen), zoneName(c.TimeZone)
	if location == "" && zone == "" {
		return b
	}
	b = append(b, "<portico:place"...)
	b = markup.AppendAttr(b, "location", location)
	b = markup.AppendAttr(b, "zone", zone)
	return append(b, "/>"...)
}

// appendCapabilities says what can be sent to the contact (RFC 5196).
func appendCapabilities(b []byte, c portal.Claim) []byte {
	if !c.TakesCPIM && !c.NoIM {
		return b
	}
	b = append(b, `<caps:servcaps xmlns:caps="urn:ietf:params:xml:ns:pidf:caps">`...)
	if c.NoIM {
		b = append(b, `<caps:message>false</caps:message><caps:methods><caps:notsupported><caps:MESSAGE/></caps:notsupported></caps:methods><caps:text>false</caps:text>`...)
	} else {
		b = append(b, `<caps:text>true</caps:text><caps:type>text/plain</caps:type>`...)
	}
	if c.TakesCPIM {
		b = append(b, `<caps:type>message/cpim</caps:type>`...)
	}
	return append(b, "</caps:servcaps>"...)
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
	if custom := c.Custom.For(portal.EnglishLCID); custom != "" && other == "" && c.Availability != portal.Offline {
		other = custom
	}
	b = append(b, "<rpid:activities"...) // without from and until, which rules on a server could not take out
	if len(names) == 0 && other == "" {
		b = append(b, "/>"...)
	} else {
		b = append(b, '>')
		for _, name := range names {
			b = append(append(append(b, "<rpid:"...), name...), "/>"...)
		}
		if other != "" {
			b = append(markup.AppendText(append(b, "<rpid:other>"...), other), "</rpid:other>"...)
		}
		b = append(b, "</rpid:activities>"...)
	}
	b = appendWhereabouts(b, c)
	b = appendUserInput(b, c)
	if note != "" {
		b = append(b, "<dm:note>"...)
		b = markup.AppendText(b, note)
		b = append(b, "</dm:note>"...)
	}
	b = appendTime(b, "dm:timestamp", c.At)
	return append(b, "</dm:person>\r\n"...)
}

// appendWhereabouts writes place and time zone as RPID has them; the offset is that of the time of the claim.
func appendWhereabouts(b []byte, c portal.Claim) []byte {
	if location := line(c.Location, portal.MaxLocationLen); location != "" {
		b = append(b, "<rpid:place-type><rpid:other>"...)
		b = append(markup.AppendText(b, location), "</rpid:other></rpid:place-type>"...)
	}
	when := c.At
	if when.IsZero() {
		when = c.Since
	}
	name := zoneName(c.TimeZone)
	zone, err := time.LoadLocation(name)
	if name == "" || err != nil || when.IsZero() {
		return b // an offset without a time means nothing
	}
	_, seconds := when.In(zone).Zone()
	b = append(b, "<rpid:time-offset"...)
	b = markup.AppendAttr(b, "description", name)
	b = strconv.AppendInt(append(b, '>'), int64(seconds/60), 10)
	return append(b, "</rpid:time-offset>"...)
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

// line is s on one line, at most limit characters.
func line(s string, limit int) string {
	s = strings.Join(strings.Fields(s), " ")
	count := 0
	for i := range s {
		if count++; count > limit {
			return strings.TrimSpace(s[:i])
		}
	}
	return s
}

// zoneName is s where it can be the name of a time zone ("Europe/Berlin", "Etc/GMT-2"), else empty.
func zoneName(s string) string {
	if len(s) > 64 || s == "Local" || strings.HasPrefix(s, "/") || strings.Contains(s, "..") {
		return ""
	}
	for i := range len(s) {
		ch := s[i]
		if (ch|0x20 < 'a' || ch|0x20 > 'z') && (ch < '0' || ch > '9') && !strings.ContainsRune("/_+-", rune(ch)) {
			return ""
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
