package sipua

// Who calls: an address, a name, a telephone number, as From and P-Asserted-Identity have them.

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/emiago/sipgo/sip"

	"portico/app/portal"
)

const (
	// maxCallerName is the longest name of a caller in characters.
	maxCallerName = 100
	// minNumber and maxNumber bound a telephone number in digits; E.164 has 15, with room for what PBXs add.
	minNumber, maxNumber = 2, 20
)

// ringOf describes a call. A caller with a telephone number only (tel:, RFC 3966) gets the address under which
// the server would be asked for that number (RFC 3261 section 19.1.6). What the server asserts counts where From
// says nothing that can be used.
func (a *Agent) ringOf(who portal.Address, callID string, req *sip.Request, now time.Time) portal.Ring {
	r := portal.Ring{To: who, CallID: callID, At: now.UTC()}
	values := []string{headerValue(req, "From", "f")}
	for _, h := range req.GetHeaders("P-Asserted-Identity") {
		values = append(values, splitQuoted(h.Value(), ',')...)
	}
	for _, value := range values {
		n, ok := parseNameAddr(value)
		if !ok {
			continue
		}
		number := numberOf(n.uri)
		from, err := portal.ParseAddress(n.uri)
		if err != nil && number != "" {
			from, err = portal.ParseAddress("sip:" + number + "@" + a.cfg.Domain)
		}
		if err != nil {
			continue
		}
		r.From, r.Number, r.Name = from, number, displayName(value)
		return r
	}
	return r
}

// displayName is the name before an address, as plain text of a length that can be shown.
func displayName(value string) string {
	open := unquotedIndex(value, '<')
	if open < 0 {
		return ""
	}
	name := strings.TrimSpace(value[:open])
	if len(name) >= 2 && name[0] == '"' && name[len(name)-1] == '"' {
		name = unquotePairs(name[1 : len(name)-1])
	}
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	name = strings.TrimSpace(name)
	if utf8.RuneCountInString(name) > maxCallerName {
		name = string([]rune(name)[:maxCallerName])
	}
	return name
}

// unquotePairs undoes the backslashes of a quoted string (RFC 3261 section 25.1).
func unquotePairs(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// numberOf is the telephone number in a URI: that of a tel: URI, or a user part that is said to be one
// (user=phone) or consists of digits. Separators are left out; empty where there is none.
func numberOf(uri string) string {
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok {
		return ""
	}
	switch strings.ToLower(scheme) {
	case "tel":
		number, _, _ := strings.Cut(rest, ";")
		return digits(number, true)
	case "sip", "sips":
		user, host, ok := strings.Cut(rest, "@")
		if !ok {
			return ""
		}
		user, _, _ = strings.Cut(user, ";")
		user, _, _ = strings.Cut(user, ":")
		_, params, _ := strings.Cut(host, ";")
		phone := false
		for p := range strings.SplitSeq(params, ";") {
			phone = phone || strings.EqualFold(p, "user=phone")
		}
		return digits(unescape(user), phone)
	}
	return ""
}

// digits is a number without separators, which only a number that is called one may have; empty where s is none.
func digits(s string, separators bool) string {
	var b strings.Builder
	n := 0
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9':
			n++
			b.WriteRune(r)
		case r == '+' && i == 0:
			b.WriteRune(r)
		case separators && strings.ContainsRune("-.() ", r):
		default:
			return ""
		}
	}
	if n < minNumber || n > maxNumber {
		return ""
	}
	return b.String()
}
