// Package cpim reads and writes message/cpim wrappers (RFC 3862) with the instant message
// disposition headers (RFC 5438), and the IMDN documents that tell what became of a message.
package cpim

import (
	"slices"
	"strings"
	"time"
)

// MediaType is the content type of a wrapped message.
const MediaType = "message/cpim"

// NamespaceIMDN names the header extension of RFC 5438.
const NamespaceIMDN = "urn:ietf:params:imdn"

// The disposition notifications a sender can ask for (RFC 5438 section 6.2).
const (
	PositiveDelivery = "positive-delivery"
	NegativeDelivery = "negative-delivery"
	Processing       = "processing"
	Display          = "display"
)

// Party is somebody a CPIM header names.
type Party struct {
	// Name is the formal name, unquoted; often empty.
	Name string
	// URI is as written between the angle brackets.
	URI string
}

// Header is a CPIM message header we have no field for.
type Header struct {
	// Namespace is the URI its prefix was declared with, empty for the headers of RFC 3862 and for
	// a prefix without declaration (which then stays part of Name).
	Namespace string
	Name      string
	// Params are as written after the name, with the leading semicolon (";lang=de"); mostly empty.
	Params string
	// Value is unescaped.
	Value string
}

// MIMEHeader is one header of the wrapped content.
type MIMEHeader struct{ Name, Value string }

// Message is a CPIM message.
type Message struct {
	From Party
	// To has at least one entry in a parsed message.
	To []Party
	CC []Party
	// DateTime is zero where the message carries none.
	DateTime time.Time
	// Subject is the first one, whatever its language.
	Subject string
	// MessageID, Dispositions, OriginalTo and RecordRoute are the imdn headers of RFC 5438. Dispositions
	// are in lower case, without parameters.
	MessageID    string
	Dispositions []string
	OriginalTo   *Party
	RecordRoute  []Party
	// Route is IMDN-Route: where a notification is sent by way of.
	Route []Party
	// Require names headers the reader must understand (RFC 3862 section 4.6).
	Require []string
	// Headers are all others in their order.
	Headers []Header

	// ContentType is the value of the content's Content-Type; "text/plain" where it has none.
	ContentType string
	// Disposition is its Content-Disposition, "notification" for an IMDN; mostly empty.
	Disposition string
	// ContentHeaders are its other MIME headers (not Content-Length).
	ContentHeaders []MIMEHeader
	// Body is the content, with Content-Transfer-Encoding undone.
	Body []byte
}

// Wants reports whether the sender asked for the given disposition notification.
func (m Message) Wants(disposition string) bool { return slices.Contains(m.Dispositions, disposition) }

// IsNotification reports whether the message carries an IMDN document rather than something said.
func (m Message) IsNotification() bool {
	disposition, _, _ := strings.Cut(m.Disposition, ";")
	return mediaType(m.ContentType) == MediaTypeIMDN || strings.EqualFold(strings.TrimSpace(disposition), "notification")
}

func mediaType(contentType string) string {
	t, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(t))
}
