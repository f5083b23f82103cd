package siplab

// How a robot holds a conversation: reads plain text and CPIM (RFC 3862), sends the notices that were asked for
// (RFC 5438), shows that it types (RFC 3994), and then answers.

import (
	"context"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	typeText      = "text/plain"
	typeCPIM      = "message/cpim"
	typeIMDN      = "message/imdn+xml"
	acceptedNotes = "text/plain, message/cpim, message/imdn+xml, application/im-iscomposing+xml"
)

// note is what a message said.
type note struct {
	text      string // empty for typing and delivery notices
	cpim      bool   // the answer is then CPIM too
	id        string // imdn.Message-ID, where notices are wanted
	delivered bool
	displayed bool
}

// readNote understands a MESSAGE; ok is false for a content type that it does not know.
func readNote(req *sip.Request) (n note, ok bool) {
	contentType, _ := header(req, "Content-Type")
	switch media(contentType) {
	case typeText, "":
		n.text = string(req.Body())
	case typeComposing, typeIMDN:
		return note{}, true
	case typeCPIM:
		n = readCPIM(string(req.Body()))
	default:
		return note{}, false
	}
	if auto, has := header(req, "Auto-Submitted"); has && !strings.EqualFold(auto, "no") {
		n.text = "" // another robot: two of us would never stop
	}
	return n, true
}

func media(contentType string) string {
	t, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(trim(t))
}

// readCPIM takes the text and the wishes for notices out of a CPIM message; what is no text stays empty.
func readCPIM(body string) note {
	n := note{cpim: true}
	head, rest, _ := strings.Cut(body, "\r\n\r\n")
	wishes := ""
	for line := range strings.SplitSeq(head, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		switch {
		case strings.EqualFold(name, "imdn.Message-ID"):
			n.id = trim(value)
		case strings.EqualFold(name, "imdn.Disposition-Notification"):
			wishes = strings.ToLower(value)
		}
	}
	n.delivered, n.displayed = strings.Contains(wishes, "positive-delivery"), strings.Contains(wishes, "display")
	if !n.delivered && !n.displayed {
		n.id = ""
	}
	inner, text, found := strings.Cut(rest, "\r\n\r\n")
	if !found {
		return n
	}
	for line := range strings.SplitSeq(inner, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		if strings.EqualFold(name, "Content-Type") && media(value) == typeText {
			n.text = text
		}
	}
	return n
}

// work answers one message after the other until ctx ends.
func (r *Robot) work(ctx context.Context, in <-chan heard) {
	for {
		select {
		case <-ctx.Done():
			return
		case h := <-in:
			r.reply(ctx, h)
		}
	}
}

// reply behaves like a person: the message arrives, is read, an answer is typed and sent.
func (r *Robot) reply(ctx context.Context, h heard) {
	if h.id != "" && h.delivered {
		r.notice(ctx, h, "delivery-notification", "delivered")
	}
	if !pauseFor(ctx, r.cfg.Pace.Think) {
		return
	}
	if h.id != "" && h.displayed {
		r.notice(ctx, h, "display-notification", "displayed")
	}
	if h.text == "" {
		return
	}
	answer := r.think(ctx, h.text)
	r.composing(ctx, h.from, "active")
	if !pauseFor(ctx, r.cfg.Pace.Type) {
		return
	}
	contentType, body := typeText+";charset=UTF-8", answer
	if h.cpim {
		contentType, body = typeCPIM, r.cpim(h.from, randomHex(8), "positive-delivery, display", typeText+";charset=UTF-8", answer)
	}
	r.say(ctx, h.from, contentType, body)
}

// pauseFor waits; false when ctx ended first.
func pauseFor(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (r *Robot) say(ctx context.Context, to, contentType, body string) {
	res, err := r.ask(ctx, sip.MESSAGE, to, to, []byte(body), hdr("Content-Type", contentType), hdr("Auto-Submitted", "auto-replied"))
	if err := refused(res, err); err != nil {
		r.log.Debug("message", "to", to, "type", contentType, "error", err)
	}
}

func (r *Robot) composing(ctx context.Context, to, state string) {
	r.say(ctx, to, typeComposing, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+
		`<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>`+state+`</state><contenttype>text/plain</contenttype><refresh>60</refresh></isComposing>`)
}

// notice says what became of a message.
func (r *Robot) notice(ctx context.Context, h heard, element, status string) {
	doc := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>` + xmlText(h.id) +
		`</message-id><datetime>` + time.Now().UTC().Format(time.RFC3339) + `</datetime><` + element + `><status><` + status +
		`/></status></` + element + `></imdn>`
	r.say(ctx, h.from, typeCPIM, r.cpim(h.from, randomHex(8), "", typeIMDN, doc))
}

// cpim wraps a body; wishes are the notices asked for, if any.
func (r *Robot) cpim(to, id, wishes, contentType, body string) string {
	var b strings.Builder
	b.WriteString("From: <" + r.aor() + ">\r\nTo: <" + to + ">\r\nDateTime: " + time.Now().UTC().Format(time.RFC3339) +
		"\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: " + id + "\r\n")
	if wishes != "" {
		b.WriteString("imdn.Disposition-Notification: " + wishes + "\r\n")
	}
	b.WriteString("\r\nContent-Type: " + contentType + "\r\n")
	if contentType == typeIMDN {
		b.WriteString("Content-Disposition: notification\r\n")
	}
	b.WriteString("\r\n" + body)
	return b.String()
}
