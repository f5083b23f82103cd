package siplab

// The headers that are checked on every message, and small readers for the others.

import (
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

const maxCSeq = 1<<31 - 1

// collector appends header lines to a message and remembers what the checks need.
type collector struct {
	msg            sip.Message
	vias           int
	from, to       nameAddr
	toText, callID string
	length         int // -1 when absent
	seen           uint16
}

// singleBit numbers the headers that may appear once only.
func singleBit(name string) uint16 {
	switch name {
	case "From":
		return 1
	case "To":
		return 2
	case "Call-ID":
		return 4
	case "CSeq":
		return 8
	case "Max-Forwards":
		return 16
	case "Content-Length":
		return 32
	case "Content-Type":
		return 64
	case "Expires":
		return 128
	case "Event":
		return 256
	case "Date":
		return 512
	case "SIP-If-Match":
		return 1024
	}
	return 0
}

func (c *collector) has(name string) bool { return c.seen&singleBit(name) != 0 }

func (c *collector) add(h headerLine) *refusal {
	if bit := singleBit(h.name); bit != 0 {
		if c.seen&bit != 0 {
			return bad("more than one " + h.name)
		}
		c.seen |= bit
	}
	switch h.name {
	case "":
		return bad("a header line without a colon")
	case "Via":
		return c.addVias(h.value)
	case "From", "To":
		return c.addParty(h)
	case "CSeq":
		return c.addCSeq(h.value)
	case "Call-ID":
		return c.addCallID(h.value)
	case "Max-Forwards":
		n, err := strconv.ParseUint(h.value, 10, 32)
		if err != nil || n > 255 {
			return bad("Max-Forwards")
		}
		mf := sip.MaxForwardsHeader(n)
		c.msg.AppendHeader(&mf)
		return nil
	case "Content-Length":
		n, err := strconv.ParseUint(h.value, 10, 31)
		if err != nil {
			return bad("Content-Length")
		}
		c.length = int(n)
		length := sip.ContentLengthHeader(n)
		c.msg.AppendHeader(&length)
		return nil
	}
	if ref := checkOther(h); ref != nil {
		return ref
	}
	c.msg.AppendHeader(sip.NewHeader(h.name, h.value))
	return nil
}

// checkOther looks at headers that stay text: their grammar is checked, their wording is kept for the next hop.
func checkOther(h headerLine) *refusal {
	var err error
	switch h.name {
	case "Contact":
		if h.value != "*" {
			_, err = parseNameAddrs(h.value)
		}
	case "Route", "Record-Route", "P-Asserted-Identity":
		_, err = parseNameAddrs(h.value)
	case "Date":
		if _, e := time.Parse(time.RFC1123, h.value); e != nil || !strings.HasSuffix(h.value, " GMT") {
			err = errSyntax
		}
	case "Expires":
		if !allDigits(h.value) {
			err = errSyntax
		}
	default:
		if !all(h.name, classToken) {
			err = errSyntax
		}
	}
	if err != nil {
		return bad(h.name)
	}
	return nil
}

func (c *collector) addVias(value string) *refusal {
	parts, err := splitList(value)
	if err != nil {
		return bad("Via")
	}
	for _, p := range parts {
		via, err := parseVia(p)
		if err != nil {
			return bad("Via")
		}
		if c.vias++; c.vias > 70 {
			return bad("too many Via")
		}
		c.msg.AppendHeader(via)
	}
	return nil
}

func (c *collector) addParty(h headerLine) *refusal {
	n, err := parseNameAddr(h.value)
	if err != nil {
		return bad(h.name)
	}
	if h.name == "From" {
		c.from = n
	} else {
		c.to, c.toText = n, h.value
	}
	c.msg.AppendHeader(sip.NewHeader(h.name, h.value))
	return nil
}

func (c *collector) addCSeq(value string) *refusal {
	number, method, ok := strings.Cut(value, " ")
	n, err := strconv.ParseUint(number, 10, 32)
	if method = trim(method); !ok || err != nil || n > maxCSeq || !all(method, classToken) {
		return bad("CSeq")
	}
	c.msg.AppendHeader(&sip.CSeqHeader{SeqNo: uint32(n), MethodName: sip.RequestMethod(method)})
	return nil
}

func (c *collector) addCallID(value string) *refusal {
	left, right, at := strings.Cut(value, "@")
	if !all(left, classWord) || at && !all(right, classWord) {
		return bad("Call-ID")
	}
	c.callID = value
	id := sip.CallIDHeader(value)
	c.msg.AppendHeader(&id)
	return nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// headerer is what requests and responses have in common here.
type headerer interface{ Headers() []sip.Header }

// header returns the first value of a header, by its canonical name, and whether there is one.
func header(m headerer, name string) (string, bool) {
	for _, h := range m.Headers() {
		if strings.EqualFold(h.Name(), name) {
			return h.Value(), true
		}
	}
	return "", false
}

// headerAll returns all values of a header.
func headerAll(m headerer, name string) []string {
	var out []string
	for _, h := range m.Headers() {
		if strings.EqualFold(h.Name(), name) {
			out = append(out, h.Value())
		}
	}
	return out
}

// tokens returns the comma-separated words of all headers of that name, lower case.
func tokens(m headerer, name string) []string {
	var out []string
	for _, v := range headerAll(m, name) {
		for w := range strings.SplitSeq(v, ",") {
			if w = strings.ToLower(trim(w)); w != "" {
				out = append(out, w)
			}
		}
	}
	return out
}

// mediaType returns the Content-Type of a request without its parameters, lower case.
func (r *request) mediaType() string {
	v, _ := header(r, "Content-Type")
	t, _, _ := strings.Cut(v, ";")
	return strings.ToLower(trim(t))
}

// contacts returns all Contact values; star is true for the single Contact of *.
func (r *request) contacts() (list []nameAddr, star bool, err error) {
	for _, v := range headerAll(r, "Contact") {
		if v == "*" {
			star = true
			continue
		}
		l, err := parseNameAddrs(v)
		if err != nil {
			return nil, false, err
		}
		list = append(list, l...)
	}
	if star && len(list) > 0 {
		return nil, true, errSyntax
	}
	return list, star, nil
}

// seconds reads delta-seconds; values beyond 2^32-1 count as that (RFC 3261 section 20.19).
func seconds(s string) (time.Duration, bool) {
	if !allDigits(s) {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		n = 1<<32 - 1
	}
	return time.Duration(n) * time.Second, true
}

// expires returns the Expires header, or fallback where there is none.
func (r *request) expires(fallback time.Duration) time.Duration {
	if v, ok := header(r, "Expires"); ok {
		if d, ok := seconds(v); ok {
			return d
		}
	}
	return fallback
}

func itoa(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }
