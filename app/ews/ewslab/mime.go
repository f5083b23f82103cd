package ewslab

// MimeContent: an appointment is iCalendar, a message is mail text with headers.

import (
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"time"
)

// readMIME takes MimeContent into an item.
func (c *call) readMIME(it *item, n *node) error {
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Text), ""))
	if err != nil {
		return fail("ErrorMimeContentInvalidBase64String", "Mime content is invalid.")
	}
	switch it.Elem {
	case "CalendarItem":
		return c.readCalendarMIME(it, raw)
	case "Message", "Item", "PostItem":
		return c.readMail(it, raw)
	}
	return fail("ErrorUnsupportedMimeConversion", "Mime conversion is not supported for this kind of item.")
}

// readCalendarMIME accepts the bare calendar and one wrapped in mail, as some clients send it.
func (c *call) readCalendarMIME(it *item, raw []byte) error {
	text := string(raw)
	if !strings.HasPrefix(strings.ToUpper(strings.TrimSpace(text)), "BEGIN:VCALENDAR") {
		msg, err := mail.ReadMessage(strings.NewReader(text))
		if err != nil {
			return fail("ErrorMimeContentInvalid", "Mime content is invalid.")
		}
		parts := mailParts(textproto.MIMEHeader(msg.Header), msg.Body, 0)
		text = parts["text/calendar"]
	}
	return c.readICal(it, strings.TrimSpace(text))
}

const maxMailDepth = 8

// mailParts are the first texts of each media type in a message.
func mailParts(h textproto.MIMEHeader, body io.Reader, depth int) map[string]string {
	out := map[string]string{}
	kind, params, err := mime.ParseMediaType(or(h.Get("Content-Type"), "text/plain"))
	if err != nil {
		kind = "text/plain"
	}
	if strings.HasPrefix(kind, "multipart/") && depth < maxMailDepth {
		r := multipart.NewReader(body, params["boundary"])
		for {
			p, err := r.NextRawPart()
			if err != nil { // the end, or what cannot be read: what came before counts
				return out
			}
			for k, v := range mailParts(p.Header, p, depth+1) {
				if out[k] == "" {
					out[k] = v
				}
			}
		}
	}
	switch strings.ToLower(h.Get("Content-Transfer-Encoding")) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	data, err := io.ReadAll(io.LimitReader(body, maxRequest))
	if err == nil || len(data) > 0 {
		out[kind] = string(data)
	}
	return out
}

// readMail takes a message's headers and text into an item.
func (c *call) readMail(it *item, raw []byte) error {
	msg, err := mail.ReadMessage(strings.NewReader(string(raw)))
	if err != nil {
		return fail("ErrorMimeContentInvalid", "Mime content is invalid.")
	}
	words := new(mime.WordDecoder)
	if s, err := words.DecodeHeader(msg.Header.Get("Subject")); err == nil && s != "" {
		it.put("Subject", s)
	}
	for header, field := range map[string]string{"To": "ToRecipients", "Cc": "CcRecipients", "Bcc": "BccRecipients", "From": "From"} {
		list, err := msg.Header.AddressList(header)
		if err != nil {
			continue // absent or unreadable: no recipients from it
		}
		out := t(field)
		for _, a := range list {
			box := t("Mailbox", t("Name", a.Name), t("EmailAddress", a.Address))
			c.cleanMailbox(box)
			out.add(box)
		}
		if field == "From" {
			out.Kids = out.Kids[:1]
		}
		it.set(out)
	}
	if id := msg.Header.Get("Message-Id"); id != "" {
		it.put("InternetMessageId", id)
	}
	if at, err := msg.Header.Date(); err == nil {
		it.put("DateTimeSent", at)
		it.Received = at.UTC()
	}
	parts := mailParts(textproto.MIMEHeader(msg.Header), msg.Body, 0)
	if html := parts["text/html"]; html != "" {
		it.put("Body", at("BodyType", "HTML"), html)
	} else {
		it.put("Body", at("BodyType", "Text"), parts["text/plain"])
	}
	return nil
}

// mime writes an item as MimeContent.
func (r *renderer) mime(i *item) (*node, error) {
	text := ""
	switch {
	case i.Elem == "CalendarItem":
		var err error
		if text, err = icalOf(r.x, i); err != nil {
			return nil, err
		}
	case i.Elem == "Message" || i.Elem == "PostItem" || isMeetingMessage(i.Elem):
		var err error
		if text, err = r.mail(i); err != nil {
			return nil, err
		}
	default:
		return nil, nil
	}
	return t("MimeContent", at("CharacterSet", "UTF-8"), base64.StdEncoding.EncodeToString([]byte(text))), nil
}

// mail writes a message; meeting messages carry their calendar.
func (r *renderer) mail(i *item) (string, error) {
	var b strings.Builder
	header := func(name, value string) {
		if value != "" {
			b.WriteString(name + ": " + value + "\r\n")
		}
	}
	header("From", addresses(i.get("From")))
	header("To", addresses(i.get("ToRecipients")))
	header("Cc", addresses(i.get("CcRecipients")))
	header("Subject", mime.QEncoding.Encode("utf-8", i.text("Subject")))
	header("Date", i.Received.Format(time.RFC1123Z))
	header("Message-ID", i.text("InternetMessageId"))
	header("MIME-Version", "1.0")
	kind, text := "text/plain", i.text("Body")
	if i.get("Body").attr("BodyType") == "HTML" {
		kind = "text/html"
	}
	if isMeetingMessage(i.Elem) {
		kind = "text/calendar; method=REQUEST"
		var err error
		if text, err = icalOf(r.x, i); err != nil {
			return "", err
		}
	}
	for _, v := range voiceHeaders() {
		if e := i.Props.extended(v.key); e != nil {
			header(v.name, mime.QEncoding.Encode("utf-8", e.text("Value")))
		}
	}
	files, err := r.x.filesOf(i)
	if err != nil {
		return "", err
	}
	if len(files) == 0 {
		writePart(&b, kind+"; charset=utf-8", "", []byte(text))
		return b.String(), nil
	}
	boundary := fmt.Sprintf("=_part_%d_%d", i.ID, i.Mod) // base64 has no "_"
	b.WriteString("Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\r\n\r\n--" + boundary + "\r\n")
	writePart(&b, kind+"; charset=utf-8", "", []byte(text))
	for _, f := range files {
		b.WriteString("--" + boundary + "\r\n")
		writePart(&b, or(f.ContentType, "application/octet-stream"), f.Name, f.Content)
	}
	b.WriteString("--" + boundary + "--\r\n")
	return b.String(), nil
}

// voiceHeader is a header that carries a property of a voice message.
type voiceHeader struct {
	name string
	key  extKey
}

func voiceHeaders() []voiceHeader {
	return []voiceHeader{
		{"X-VoiceMessageDuration", tagged(0x6801, "Integer")}, {"X-CallingTelephoneNumber", tagged(0x6802, "String")},
		{"X-VoiceMessageSenderName", tagged(0x6803, "String")}, {"X-AttachmentOrder", tagged(0x6805, "String")}, {"X-CallID", tagged(0x6806, "String")},
	}
}

// writePart writes a part's headers and its content in base64.
func writePart(b *strings.Builder, kind, name string, content []byte) {
	b.WriteString("Content-Type: " + kind + "\r\n")
	if name != "" {
		b.WriteString("Content-Disposition: " + or(mime.FormatMediaType("attachment", map[string]string{"filename": name}), "attachment") + "\r\n")
	}
	b.WriteString("Content-Transfer-Encoding: base64\r\n\r\n")
	encoded := base64.StdEncoding.EncodeToString(content)
	for len(encoded) > 76 {
		b.WriteString(encoded[:76] + "\r\n")
		encoded = encoded[76:]
	}
	b.WriteString(encoded + "\r\n")
}

// addresses writes the mailboxes of a property as a mail header.
func addresses(n *node) string {
	var out []string
	for _, box := range n.kids() {
		if box.text("EmailAddress") == "" { // somebody who is known by name alone
			out = append(out, mime.QEncoding.Encode("utf-8", box.text("Name"))+" <>")
			continue
		}
		a := mail.Address{Name: box.text("Name"), Address: box.text("EmailAddress")}
		out = append(out, a.String())
	}
	return strings.Join(out, ", ")
}
