package cpim

import (
	"strconv"
	"strings"

	"portico/app/sipua/markup"
)

// Encode writes the message as a message/cpim body with CRLF line ends. From and at least one To are
// required; names and values that would break a header line are escaped. Errors mean portal.ErrInvalid.
func (m Message) Encode() ([]byte, error) {
	if m.From.URI == "" || len(m.To) == 0 {
		return nil, invalid("From or To is missing")
	}
	w := writer{b: make([]byte, 0, 512+len(m.Body))}
	w.parties("From", m.From)
	w.parties("To", m.To...)
	w.parties("cc", m.CC...)
	if !m.DateTime.IsZero() {
		w.header("DateTime", markup.Time(m.DateTime))
	}
	if m.Subject != "" {
		w.header("Subject", escape(m.Subject))
	}
	if len(m.Require) > 0 {
		w.header("Require", strings.Join(m.Require, ","))
	}
	w.imdn(m)
	w.others(m.Headers)
	w.b = append(w.b, "\r\n"...)

	contentType := m.ContentType
	if contentType == "" {
		contentType = "text/plain"
	}
	w.header("Content-Type", contentType)
	w.header("Content-Length", strconv.Itoa(len(m.Body)))
	if m.Disposition != "" {
		w.header("Content-Disposition", m.Disposition)
	}
	for _, h := range m.ContentHeaders {
		w.header(h.Name, h.Value)
	}
	w.b = append(w.b, "\r\n"...)
	return append(w.b, m.Body...), w.err
}

// writer collects header lines and the first thing that cannot be written.
type writer struct {
	b   []byte
	err error
}

func (w *writer) header(name, value string) { w.parameterised(name, "", value) }

// parameterised writes the parameters where RFC 3862 section 2.3 has them: directly behind the colon.
func (w *writer) parameterised(name, params, value string) {
	if w.err == nil && params != "" && (params[0] != ';' || strings.ContainsAny(params, " \r\n")) {
		w.err = invalid("parameters %.40q cannot be written", params)
	}
	if w.err == nil && (name == "" || strings.ContainsAny(name, ":\r\n ") || strings.ContainsAny(value, "\r\n")) {
		w.err = invalid("header %.40q cannot be written", name)
	}
	w.b = append(w.b, name...)
	w.b = append(w.b, ':')
	w.b = append(w.b, params...)
	w.b = append(w.b, ' ')
	w.b = append(w.b, value...)
	w.b = append(w.b, "\r\n"...)
}

func (w *writer) parties(name string, parties ...Party) {
	for _, p := range parties {
		if w.err == nil && (p.URI == "" || strings.ContainsAny(p.URI, "<>\r\n ")) {
			w.err = invalid("address %.80q cannot be written", p.URI)
		}
		value := "<" + p.URI + ">"
		if p.Name != "" {
			value = `"` + escape(p.Name) + `" ` + value
		}
		w.header(name, value)
	}
}

func (w *writer) imdn(m Message) {
	if m.MessageID == "" && len(m.Dispositions) == 0 && m.OriginalTo == nil && len(m.RecordRoute) == 0 && len(m.Route) == 0 {
		return
	}
	w.header("NS", "imdn <"+NamespaceIMDN+">")
	if m.MessageID != "" {
		w.header("imdn.Message-ID", m.MessageID)
	}
	if len(m.Dispositions) > 0 {
		w.header("imdn.Disposition-Notification", strings.Join(m.Dispositions, ", "))
	}
	if m.OriginalTo != nil {
		w.parties("imdn.Original-To", *m.OriginalTo)
	}
	w.parties("imdn.IMDN-Record-Route", m.RecordRoute...)
	w.parties("imdn.IMDN-Route", m.Route...)
}

// others writes headers we have no field for, those with a namespace under a prefix of their own.
func (w *writer) others(headers []Header) {
	prefixes := map[string]string{NamespaceIMDN: "imdn"}
	declared := strings.Contains(string(w.b), "NS: imdn <")
	for _, h := range headers {
		name := h.Name
		if h.Namespace != "" {
			prefix, ok := prefixes[h.Namespace]
			if !ok {
				prefix = "x" + strconv.Itoa(len(prefixes))
				prefixes[h.Namespace] = prefix
			}
			if !ok || prefix == "imdn" && !declared {
				w.header("NS", prefix+" <"+h.Namespace+">")
				declared = declared || prefix == "imdn"
			}
			name = prefix + "." + name
		}
		w.parameterised(name, h.Params, escape(h.Value))
	}
}

// escape writes what RFC 3862 section 2.3.1 does not allow as it is in a header value.
func escape(s string) string {
	if !strings.ContainsAny(s, "\\\"\b\t\n\r") && !hasControl(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch r {
		case '\\', '"':
			b.WriteByte('\\')
			b.WriteRune(r)
		case '\b':
			b.WriteString(`\b`)
		case '\t':
			b.WriteString(`\t`)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		default:
			if r < 0x20 || r == 0x7f {
				const hex = "0123456789ABCDEF"
				b.WriteString(`\u00`)
				b.WriteByte(hex[r>>4])
				b.WriteByte(hex[r&15])
				continue
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

func hasControl(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }) >= 0
}
