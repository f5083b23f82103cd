package diagnosis

// Redact is the second net under what connectors have taken out already: whatever looks like a secret goes, at the price
// of a harmless word now and then. Each finder looks at the text as it is, so that none can hide something from another.

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// removed stands where a secret was.
const removed = "[removed]"

// Redact gives text without secrets: values of headers that authenticate (of digests the user name and the realm stay),
// contents of XML elements and values of JSON members, parameters and attributes that are named like secrets, tokens behind
// the name of their scheme or known by their look, passwords in addresses, keys of media and private keys. It takes time in
// proportion to the text, and what it has done once it does not do again.
func Redact(text string) string {
	var found []span
	low := lower(text)
	for _, f := range finders() {
		if slices.ContainsFunc(f.triggers, func(word string) bool { return strings.Contains(low, word) }) {
			found = f.find(text, found)
		}
	}
	if len(found) == 0 {
		return text
	}
	slices.SortFunc(found, func(a, b span) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	var b strings.Builder
	b.Grow(len(text))
	at, last := 0, -1
	for _, s := range found {
		if s.from >= s.to {
			continue
		}
		if s.from > last { // neither within nor next to the last one
			b.WriteString(text[at:s.from])
			b.WriteString(removed)
		}
		at, last = max(at, s.to), max(last, s.to)
	}
	b.WriteString(text[at:])
	return b.String()
}

// span is where a secret stands in a text.
type span struct{ from, to int }

// finder looks for one kind of secret, in texts that have one of some words (in lower case): most texts have none, and
// looking for words is quick.
type finder struct {
	triggers []string
	find     func(text string, found []span) []span
}

func finders() []finder {
	return []finder{
		{[]string{"authorization", "authentication-info", "cookie", "x-auth", "x-access", "x-api", "x-csrf", "x-session", "apikey", "api-key"}, findHeaders},
		{[]string{"<"}, findElements},
		{[]string{"pass", "pwd", "secret", "credential", "token", "assertion", "verifier", "samlresponse", "gssapi-data", "rspauth", "nonce", "api_key", "api-key",
			"apikey", "private"}, values(value)},
		{[]string{"response"}, values(response)},
		{[]string{"code="}, values(code)},
		{[]string{"&lt;"}, values(escaped)},
		{[]string{"://", "sip:", "sips:"}, findUserinfo},
		{[]string{"basic", "ntlm", "negotiate", "kerberos", "bearer", "gssapi"}, findTokens},
		{[]string{"tlrmtvntua", "eyj", "inline:", "-----begin"}, findLooks},
	}
}

// lower is text with its ASCII letters in lower case, byte for byte.
func lower(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

var (
	// header is a field that authenticates, with its value up to the end of the line and the folded lines after it
	// (RFC 9110 section 5.2, RFC 3261 section 7.3.1). It stands anywhere: traces are quoted in errors too.
	header = regexp.MustCompile(`(?i)\b(?:(?:proxy-)?authorization|(?:proxy-)?authentication-info|(?:set-)?cookie2?|` +
		`x-(?:auth|access|api|csrf|session)-?(?:token|key|id)|api-?key)["']?[ \t]*[:=]([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)`)
	// scheme is how such a value may begin, kept the parts of a digest that are no secret.
	scheme = regexp.MustCompile(`(?i)^[ \t"'\[]*(?:basic|digest|ntlm|negotiate|kerberos|bearer|tls-dsk)\b[ \t]*`)
	kept   = regexp.MustCompile(`(?i)\b(?:username|realm)[ \t]*=[ \t]*"[^"\\\r\n]*"`)
	digest = regexp.MustCompile(`(?i)^[ \t"'\[]*digest\b`)
)

func findHeaders(text string, found []span) []span {
	for _, m := range header.FindAllStringSubmatchIndex(text, -1) {
		value, at, to := text[m[2]:m[3]], m[2], m[3]
		if begin := scheme.FindStringIndex(value); begin != nil {
			at += begin[1]
		}
		if digest.MatchString(value) {
			start := at
			for _, k := range kept.FindAllStringIndex(text[start:to], -1) {
				found = append(found, tight(text, at, start+k[0]))
				at = start + k[1]
			}
		}
		found = append(found, tight(text, at, to))
	}
	return found
}

// tight is a span without the separators at its edges.
func tight(text string, from, to int) span {
	const separators = " \t\r\n,"
	from = to - len(strings.TrimLeft(text[from:to], separators))
	return span{from, from + len(strings.TrimRight(text[from:to], separators))}
}

// secretName reports whether an XML element of this local name, in lower case, holds a secret. Some only hold elements that do.
func secretName(local string) bool {
	switch local {
	case "usernametoken", "securitytokenreference", "requestsecuritytoken", "requestsecuritytokenresponse", "requestedsecuritytoken", "tokentype":
		return false
	}
	for _, word := range []string{"password", "passwd", "passphrase", "secret", "token", "credential", "privatekey", "ciphervalue", "apikey"} {
		if strings.Contains(local, word) {
			return true
		}
	}
	return local == "pwd" || local == "pass"
}

// findElements takes the contents of XML elements, to the end of the text where an element has none.
func findElements(text string, found []span) []span {
	for at := 0; ; {
		i := strings.IndexByte(text[at:], '<')
		if i < 0 {
			return found
		}
		at += i + 1
		name := elementName(text[at:])
		if name == "" || !secretName(localName(name)) {
			continue
		}
		at += len(name)
		from, empty := endOfTag(text, at)
		if empty {
			at = from
			continue
		}
		to := endOfElement(text, from, localName(name))
		found = append(found, tight(text, from, to))
		at = to
	}
}

// elementName is the name of the start tag that text begins with, behind its "<".
func elementName(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == ':' || r == '_' || r == '-' || r == '.' || r > 0x7f && r != '\ufffd')
	})
	if end < 0 {
		end = len(text)
	}
	return text[:end]
}

func localName(name string) string {
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	return strings.ToLower(name)
}

// endOfTag is where the content of an element begins whose tag goes on at a place; empty: the tag has none. A tag that
// does not end before the next one begins has all that follows its name as its content.
func endOfTag(text string, at int) (from int, empty bool) {
	quote := byte(0)
	for i := at; i < len(text); i++ {
		switch c := text[i]; {
		case c == '<':
			return at, false
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1, text[i-1] == '/'
		}
	}
	return at, false
}

// endOfElement is where the end tag begins that belongs to an element of a local name, or the end of the text.
func endOfElement(text string, at int, local string) int {
	for depth := 1; ; {
		i := strings.IndexByte(text[at:], '<')
		if i < 0 {
			return len(text)
		}
		at += i
		rest := text[at:]
		switch {
		case strings.HasPrefix(rest, "<![CDATA["):
			end := strings.Index(rest, "]]>")
			if end < 0 {
				return len(text)
			}
			at += end + 3
		case strings.HasPrefix(rest, "</"):
			if localName(elementName(rest[2:])) == local {
				if depth--; depth == 0 {
					return at
				}
			}
			at += 2
		default:
			if localName(elementName(rest[1:])) == local {
				if _, empty := endOfTag(text, at+1+len(local)); !empty {
					depth++
				}
			}
			at++
		}
	}
}

var (
	// value is a member, parameter or attribute with a name like a secret's; what it is stands in one of the groups.
	value = regexp.MustCompile(`(?i)(?:\b|_)(?:[\w.-]*(?:password|passwd|passphrase|secret|credential|api[_-]?key|private[_-]?key)[\w.-]*|pwd|pass|` +
		`[\w.-]*(?:access|refresh|id|auth|bearer|session|csrf)[_-]?token|token|client_assertion|assertion|code_verifier|samlresponse|` +
		`gssapi-data|rspauth|nextnonce|cnonce|ice-pwd)\\?["']?[ \t]*[:=][ \t]*(?:\r?\n[ \t]+)?` +
		`(?:\\?"((?:[^"\\\r\n]|\\[^\r\n])*)|'([^'\r\n]*)|([^\s,;&"'<>]+))`)
	// response is the answer of a digest; the same word has harmless meanings, of which none is quoted or a long row of hex digits.
	response = regexp.MustCompile(`(?i)\bresponse[ \t]*=[ \t]*(?:\\?"([^"\r\n]*)|([0-9a-f]{16,}))`)
	// code is what an authorization server gives a browser to carry.
	code = regexp.MustCompile(`(?i)[?&]code=([^\s&"'<>]+)`)
	// escaped is an element inside a text of an element.
	escaped = regexp.MustCompile(`(?is)&lt;[\w:.-]*(?:password|passwd|secret|token)[\w.-]*(?:[^&]|&(?:quot|apos|amp);)*?&gt;(.*?)(?:&lt;|\z)`)
)

// values is a finder of what stands in the groups of a pattern.
func values(pattern *regexp.Regexp) func(string, []span) []span {
	return func(text string, found []span) []span {
		for _, m := range pattern.FindAllStringSubmatchIndex(text, -1) {
			for g := 2; g < len(m); g += 2 {
				if m[g] >= 0 {
					found = append(found, span{m[g], m[g+1]})
				}
			}
		}
		return found
	}
}

// maxUserinfo bounds how far the password in an address is looked for.
const maxUserinfo = 1024

// findUserinfo takes the password in an address: of a URL what stands between the first ":" and the last "@" of its
// authority (RFC 3986 section 3.2), of a SIP URI between its ":" and "@" (RFC 3261 section 19.1.1).
func findUserinfo(text string, found []span) []span {
	low := lower(text)
	for _, kind := range []struct{ begin, end string }{{"://", " \t\r\n/?#\"'<>"}, {"sip:", " \t\r\n\"<>"}, {"sips:", " \t\r\n\"<>"}} {
		for at := 0; ; {
			i := strings.Index(low[at:], kind.begin)
			if i < 0 {
				break
			}
			at += i + len(kind.begin)
			rest := text[at:min(len(text), at+maxUserinfo)]
			if end := strings.IndexAny(rest, kind.end); end >= 0 {
				rest = rest[:end]
			}
			host := strings.IndexByte(rest, '@')
			if kind.begin == "://" {
				host = strings.LastIndexByte(rest, '@')
			}
			if colon := strings.IndexByte(rest, ':'); colon >= 0 && colon < host {
				found = append(found, span{at + colon + 1, at + host})
			}
		}
	}
	return found
}

// token is what follows the name of a scheme.
var token = regexp.MustCompile(`(?i)\b(?:basic|ntlm|negotiate|kerberos|bearer|gssapi)[ \t]+([A-Za-z0-9+/=._~-]{8,})`)

func findTokens(text string, found []span) []span {
	for _, m := range token.FindAllStringSubmatchIndex(text, -1) {
		if t := text[m[2]:m[3]]; !isWord(t) {
			found = append(found, span{m[2], m[3]})
		}
	}
	return found
}

// isWord reports whether what follows a scheme's name is a word of a sentence ("basic authentication"), and no token.
func isWord(t string) bool {
	t = strings.TrimRight(t, ".")
	return len(t) <= 16 && strings.Trim(t, "abcdefghijklmnopqrstuvwxyz") == ""
}

// looks are secrets by their look alone: messages of NTLM, signed tokens (RFC 7519), keys of media (RFC 4568), private keys.
var looks = regexp.MustCompile(`TlRMTVNTUA[A-Za-z0-9+/=]*|\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+)*|\binline:[A-Za-z0-9+/=]+|` +
	`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)`)

func findLooks(text string, found []span) []span {
	for _, m := range looks.FindAllStringIndex(text, -1) {
		found = append(found, span{m[0], m[1]})
	}
	return found
}
