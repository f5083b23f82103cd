// Package multipart takes the MIME multipart bodies of SIP messages (RFC 5621) apart, under limits.
package multipart

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/textproto"
	"strings"

	"portico/app/portal"
)

// What a body may cost to read.
const (
	// MaxBytes is the largest body that is read, nested ones included.
	MaxBytes = 512 << 10
	// MaxParts is how many parts one level may have.
	MaxParts = 2000
	// MaxDepth is how deep Flatten goes into nested multipart bodies.
	MaxDepth = 4
)

// Part is one part of a body.
type Part struct {
	// ContentType is as written; "text/plain" where the part has none.
	ContentType string
	// ID is the Content-ID without angle brackets.
	ID string
	// Disposition is the Content-Disposition as written; mostly empty.
	Disposition string
	Header      textproto.MIMEHeader
	// Body has its Content-Transfer-Encoding undone.
	Body []byte
}

// MediaType is the part's type and subtype in lower case, without parameters.
func (p Part) MediaType() string { return MediaType(p.ContentType) }

// Body is a whole multipart body.
type Body struct {
	// Type is the multipart type in lower case, "multipart/related".
	Type  string
	Parts []Part
	// start is the "start" parameter without angle brackets.
	start string
}

// Root is the part that the start parameter names, else the first one (RFC 2387 section 3.2); false
// if there is none.
func (b Body) Root() (Part, bool) {
	if b.start != "" {
		if p, ok := b.ByID(b.start); ok {
			return p, true
		}
	}
	if len(b.Parts) == 0 {
		return Part{}, false
	}
	return b.Parts[0], true
}

// ByID finds the part of that Content-ID, which may be written with angle brackets or as a cid: URL.
func (b Body) ByID(id string) (Part, bool) {
	id = trimID(id)
	if id == "" {
		return Part{}, false
	}
	for _, p := range b.Parts {
		if p.ID == id {
			return p, true
		}
	}
	return Part{}, false
}

// MediaType is the type and subtype of a Content-Type value in lower case, without parameters.
func MediaType(contentType string) string {
	t, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// Parse takes a body apart. contentType is the value of the message's Content-Type and must name a
// multipart type and a boundary. Errors mean portal.ErrInvalid.
func Parse(contentType string, body []byte) (Body, error) {
	if len(body) > MaxBytes {
		return Body{}, invalid(fmt.Errorf("%d bytes, limit %d", len(body), MaxBytes))
	}
	params, err := parameters(contentType)
	if err != nil {
		return Body{}, invalid(err)
	}
	out := Body{Type: MediaType(contentType), start: trimID(params["start"])}
	boundary := params["boundary"]
	if !strings.HasPrefix(out.Type, "multipart/") || boundary == "" || len(boundary) > 200 {
		return Body{}, invalid(fmt.Errorf("content type %.80q", contentType))
	}
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		raw, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			if len(out.Parts) == 0 {
				return Body{}, invalid(errors.New("no parts"))
			}
			return out, nil
		}
		if err != nil {
			return Body{}, invalid(err)
		}
		if len(out.Parts) == MaxParts {
			return Body{}, invalid(fmt.Errorf("more than %d parts", MaxParts))
		}
		part, err := read(raw)
		if err != nil {
			return Body{}, invalid(err)
		}
		out.Parts = append(out.Parts, part)
	}
}

// Flatten gives the parts of a body and, in their place, those of multipart parts within, down to
// MaxDepth. A nested part that cannot be taken apart is an error.
func Flatten(contentType string, body []byte) ([]Part, error) {
	return flatten(nil, contentType, body, MaxDepth)
}

func flatten(to []Part, contentType string, body []byte, depth int) ([]Part, error) {
	if depth == 0 {
		return nil, invalid(fmt.Errorf("nested deeper than %d", MaxDepth))
	}
	b, err := Parse(contentType, body)
	if err != nil {
		return nil, err
	}
	for _, p := range b.Parts {
		if !strings.HasPrefix(p.MediaType(), "multipart/") {
			if len(to) == MaxParts {
				return nil, invalid(fmt.Errorf("more than %d parts", MaxParts))
			}
			to = append(to, p)
			continue
		}
		if to, err = flatten(to, p.ContentType, p.Body, depth-1); err != nil {
			return nil, err
		}
	}
	return to, nil
}

func invalid(err error) error { return fmt.Errorf("%w: multipart: %w", portal.ErrInvalid, err) }

func read(raw *multipart.Part) (Part, error) {
	p := Part{
		ContentType: raw.Header.Get("Content-Type"),
		ID:          trimID(raw.Header.Get("Content-Id")),
		Disposition: raw.Header.Get("Content-Disposition"),
		Header:      raw.Header,
	}
	if p.ContentType == "" {
		p.ContentType = "text/plain"
	}
	var r io.Reader = raw
	switch enc := strings.ToLower(strings.TrimSpace(raw.Header.Get("Content-Transfer-Encoding"))); enc {
	case "", "7bit", "8bit", "binary":
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, raw)
	case "quoted-printable":
		r = quotedprintable.NewReader(raw)
	default:
		return Part{}, fmt.Errorf("content transfer encoding %.40q", enc)
	}
	body, err := io.ReadAll(r) // bounded by the size of the whole body
	if err != nil {
		return Part{}, err
	}
	p.Body = body
	return p, nil
}

func trimID(id string) string {
	id = strings.TrimSpace(id)
	if len(id) > 4 && strings.EqualFold(id[:4], "cid:") {
		id = id[4:]
	}
	return strings.TrimSuffix(strings.TrimPrefix(id, "<"), ">")
}

// parameters reads a Content-Type's parameters. Values that should have been quoted (a start with
// "@" and angle brackets) are taken as they stand where the standard reading fails.
func parameters(contentType string) (map[string]string, error) {
	if _, params, err := mime.ParseMediaType(contentType); err == nil {
		return params, nil
	}
	params := map[string]string{}
	_, rest, _ := strings.Cut(contentType, ";")
	for rest != "" {
		var field string
		field, rest = cutParameter(rest)
		name, value, ok := strings.Cut(field, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if !ok || name == "" {
			continue
		}
		if _, twice := params[name]; twice {
			return nil, fmt.Errorf("parameter %.40q twice", name)
		}
		params[name] = strings.Trim(strings.TrimSpace(value), `"`)
	}
	return params, nil
}

// cutParameter cuts s at the first semicolon that is not inside quotes.
func cutParameter(s string) (field, rest string) {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ';' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}
