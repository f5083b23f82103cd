package cpim

import (
	"fmt"
	"strings"
	"time"

	"portico/app/portal"
	"portico/app/sipua/markup"
)

// MediaTypeIMDN is the content type of a disposition notification document.
const MediaTypeIMDN = "message/imdn+xml"

// namespaceXML is that of the document; NamespaceIMDN is that of the headers.
const namespaceXML = "urn:ietf:params:xml:ns:imdn"

// Kind is what a notification is about.
type Kind string

// The kinds of RFC 5438 section 11.1.
const (
	KindDelivery   Kind = "delivery"
	KindProcessing Kind = "processing"
	KindDisplay    Kind = "display"
)

// Status is what happened.
type Status string

// The statuses of RFC 5438 section 11.1.1: delivery can be Delivered, Failed, Forbidden or Errored;
// processing can be Processed, Stored, Forbidden or Errored; display can be Displayed, Forbidden or Errored.
const (
	Delivered Status = "delivered"
	Failed    Status = "failed"
	Displayed Status = "displayed"
	Processed Status = "processed"
	Stored    Status = "stored"
	Forbidden Status = "forbidden"
	Errored   Status = "error"
)

var allowed = map[Kind][]Status{
	KindDelivery:   {Delivered, Failed, Forbidden, Errored},
	KindProcessing: {Processed, Stored, Forbidden, Errored},
	KindDisplay:    {Displayed, Forbidden, Errored},
}

// IMDN is one disposition notification.
type IMDN struct {
	// MessageID is the id of the message it is about, as its sender chose it.
	MessageID string
	// DateTime is when the message was sent (not the notification); zero if unsaid.
	DateTime time.Time
	// Recipient and OriginalRecipient are URIs; mostly empty.
	Recipient, OriginalRecipient string
	// Subject is the message's; mostly empty.
	Subject string
	Kind    Kind
	Status  Status
}

// ParseIMDN reads a notification document. It must name a message, a kind and a status that the kind
// can have; else the error means portal.ErrInvalid.
func ParseIMDN(b []byte) (IMDN, error) {
	root, err := markup.Parse(b, markup.Limits{Bytes: 16 << 10})
	if err != nil {
		return IMDN{}, fmt.Errorf("IMDN: %w", err)
	}
	if root.Local != "imdn" {
		return IMDN{}, fmt.Errorf("IMDN: %w: root element %.40q", portal.ErrInvalid, root.Local)
	}
	n := IMDN{
		MessageID:         strings.Trim(root.Child("message-id").Value(), "<>"),
		Recipient:         root.Child("recipient-uri").Value(),
		OriginalRecipient: root.Child("original-recipient-uri").Value(),
		Subject:           root.Child("subject").Value(),
	}
	if t, err := markup.ParseTime(root.Child("datetime").Value()); err == nil {
		n.DateTime = t
	}
	if n.MessageID == "" {
		return IMDN{}, fmt.Errorf("IMDN: %w: no message-id", portal.ErrInvalid)
	}
	for _, kind := range []Kind{KindDisplay, KindDelivery, KindProcessing} {
		status := root.Child(string(kind) + "-notification").Child("status")
		for _, s := range allowed[kind] {
			if status.Child(string(s)) != nil {
				n.Kind, n.Status = kind, s
				return n, nil
			}
		}
	}
	return IMDN{}, fmt.Errorf("IMDN: %w: no status that is known", portal.ErrInvalid)
}

// EncodeIMDN writes a notification document. Errors mean portal.ErrInvalid.
func EncodeIMDN(n IMDN) ([]byte, error) {
	valid := false
	for _, s := range allowed[n.Kind] {
		valid = valid || s == n.Status
	}
	if !valid || n.MessageID == "" {
		return nil, fmt.Errorf("IMDN: %w: %s %s about message %q", portal.ErrInvalid, n.Kind, n.Status, n.MessageID)
	}
	b := make([]byte, 0, 512)
	b = append(b, `<?xml version="1.0" encoding="UTF-8"?>`+"\r\n"+`<imdn xmlns="`+namespaceXML+`">`...)
	element := func(name, value string) {
		if value == "" {
			return
		}
		b = append(append(append(b, '<'), name...), '>')
		b = markup.AppendText(b, value)
		b = append(append(append(b, "</"...), name...), '>')
	}
	element("message-id", n.MessageID)
	element("datetime", markup.Time(n.DateTime))
	element("recipient-uri", n.Recipient)
	element("original-recipient-uri", n.OriginalRecipient)
	element("subject", n.Subject)
	b = fmt.Appendf(b, "<%s-notification><status><%s/></status></%s-notification></imdn>", n.Kind, n.Status, n.Kind)
	return b, nil
}

// Notification builds the message that tells the sender of received what became of it, in the name of
// as (the first To of received where as is zero). It goes along the received IMDN-Record-Route, asks
// for no notification itself and is marked Content-Disposition: notification (RFC 5438 sections 7.2.1
// and 8). id names the notification itself; at is when it is sent. Errors mean portal.ErrInvalid.
func Notification(received Message, as Party, kind Kind, status Status, id string, at time.Time) (Message, error) {
	if received.IsNotification() {
		return Message{}, invalid("a notification is never notified about")
	}
	if as.URI == "" && len(received.To) > 0 {
		as = received.To[0]
	}
	n := IMDN{MessageID: received.MessageID, DateTime: received.DateTime, Recipient: as.URI, Kind: kind, Status: status}
	if received.OriginalTo != nil {
		n.OriginalRecipient = received.OriginalTo.URI
	}
	body, err := EncodeIMDN(n)
	if err != nil {
		return Message{}, err
	}
	return Message{
		From: as, To: []Party{received.From}, DateTime: at, MessageID: id, Route: received.RecordRoute,
		ContentType: MediaTypeIMDN, Disposition: "notification", Body: body,
	}, nil
}
