package web

// Links to people and rooms from anywhere: sip:, sips:, im:, pres: and web+portico:, as pages, mail and other programs write
// them.

import (
	"net/url"
	"strings"

	"portico/app/portal"
)

// maxLink is the longest link, in bytes.
const maxLink = 1000

// linkSchemes are those whose links name an address. im: and pres: are RFC 3860 and RFC 3859.
func linkScheme(name string) bool {
	switch strings.ToLower(name) {
	case "sip", "sips", "im", "pres", "web+portico":
		return true
	}
	return false
}

// parseLink reads whom a link names. It takes the forms of RFC 3261 with parameters and headers, which are dropped, a
// name before or angle brackets around the address, percent-encoding once or twice, slashes after the scheme, one scheme
// inside web+portico:, and a bare address. The error means ErrInvalid and says what is wrong.
func parseLink(link string) (portal.Address, error) {
	link = strings.TrimSpace(link)
	switch {
	case link == "":
		return "", portal.Fail(portal.ErrInvalid, "open.nothing")
	case len(link) > maxLink:
		return "", portal.Fail(portal.ErrInvalid, "open.too-long")
	}
	// Browsers encode the whole link when they hand it over, and some programs had done so before.
	if !strings.Contains(link, "@") {
		if decoded, err := url.PathUnescape(link); err == nil {
			link = strings.TrimSpace(decoded)
		}
	}
	rest := link
	outer, after, hasScheme := cutScheme(rest)
	if hasScheme && strings.EqualFold(outer, "web+portico") {
		rest = strings.TrimLeft(after, "/")
	}
	rest, err := bracketed(rest)
	if err != nil {
		return "", err
	}
	named := ""
	if scheme, after, ok := cutScheme(rest); ok {
		if !linkScheme(scheme) || strings.EqualFold(scheme, "web+portico") {
			return "", portal.Fail(portal.ErrInvalid, "open.scheme").With("scheme", clip(scheme, 40))
		}
		rest, named = strings.TrimPrefix(after, "//"), "sip:" // a colon in what follows is a password's, not a scheme's
	}
	rest, _, _ = strings.Cut(rest, "?")
	rest, _, _ = strings.Cut(rest, "#")
	rest = strings.TrimRight(rest, "/")
	if strings.Count(rest, "@") > 1 || strings.ContainsAny(rest, ", ") {
		return "", portal.Fail(portal.ErrInvalid, "open.several")
	}
	if strings.HasPrefix(rest, "/") {
		return "", portal.Fail(portal.ErrInvalid, "open.form")
	}
	return portal.ParseAddress(named + rest)
}

// bracketed is what stands in angle brackets, without the name before them: `"Bob, B." <sip:bob@example.test>`.
func bracketed(text string) (string, error) {
	if scheme, after, ok := cutScheme(text); ok && linkScheme(scheme) && strings.HasPrefix(strings.TrimSpace(after), `"`) {
		text = strings.TrimSpace(after) // sip:"Bob" <bob@example.test>, as some programs have it
	}
	if quoted, ok := strings.CutPrefix(text, `"`); ok {
		_, after, closed := strings.Cut(quoted, `"`)
		if !closed {
			return "", portal.Fail(portal.ErrInvalid, "open.form")
		}
		text = strings.TrimSpace(after)
	}
	open := strings.IndexByte(text, '<')
	if open < 0 {
		return text, nil
	}
	inside, _, closed := strings.Cut(text[open+1:], ">")
	if !closed || strings.Contains(inside, "<") {
		return "", portal.Fail(portal.ErrInvalid, "open.form")
	}
	return strings.TrimSpace(inside), nil
}

// cutScheme splits "scheme:rest" (RFC 3986 section 3.1). A colon behind an "@", or before digits alone, is a port.
func cutScheme(text string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(text, ":")
	if !ok || scheme == "" {
		return "", text, false
	}
	for i, c := range []byte(strings.ToLower(scheme)) {
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return "", text, false
		}
	}
	return scheme, rest, true
}
