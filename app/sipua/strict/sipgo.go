package strict

import (
	"strings"

	"github.com/emiago/sipgo/sip"
)

// Check applies the rules to a request that was parsed already, for handlers whose messages did not
// come by way of Inspect. What the parser has lost (white space, the case of the method, a false
// Content-Length) cannot be seen any more. Message and Response of the verdict are empty; answer with
// sip.NewResponseFromRequest and the verdict's Headers.
func Check(req *sip.Request, r Rules) Verdict {
	m := &message{method: string(req.Method), uri: req.Recipient.String(), version: strings.ToUpper(req.SipVersion), raw: req.Body(), end: len(req.Body())}
	for _, h := range req.Headers() {
		if len(m.fields) == MaxHeaders {
			m.note("too many headers")
			break
		}
		m.fields = append(m.fields, field{name: longName(h.Name()), written: h.Name(), value: strings.Trim(h.Value(), " \t")})
	}
	f := m.checkStart()
	if f == nil {
		f = m.checkSyntax()
	}
	if f == nil {
		f = m.checkLength(false)
	}
	if f == nil {
		f = m.checkMeaning(r)
	}
	if f == nil {
		return Verdict{Action: Accept}
	}
	v := m.refuse(f)
	v.m = nil
	return v
}
