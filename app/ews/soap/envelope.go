package soap

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"portico/app/ews/soap/binding"
	"portico/app/portal"
)

// Envelopes: a request put into one, an answer taken out of one.

const (
	maxDepth      = 64
	envelopeOpen  = `<?xml version="1.0" encoding="utf-8"?>` + "\n" + `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">`
	envelopeClose = `</soap:Body></soap:Envelope>`
	busyWords     = "The server cannot service this request right now. Try again later."
)

// header is the SOAP header of a request.
type header struct {
	Version       *versionHeader `ews:"t:RequestServerVersion"`
	Impersonation *impersonation `ews:"t:ExchangeImpersonation"`
	Zone          *zoneContext   `ews:"t:TimeZoneContext"`
}

type versionHeader struct {
	Version string `ews:"@Version,always"`
}

type impersonation struct {
	SID connectingSID `ews:"t:ConnectingSID,always"`
}

type connectingSID struct {
	Address string `ews:"t:PrimarySmtpAddress,always"`
}

type zoneContext struct {
	Zone TimeZoneDefinition `ews:"t:TimeZoneDefinition,always"`
}

// encode makes the whole request; version "" leaves the version header out.
func encode(codec *binding.Codec, version string, as As, req request) ([]byte, error) {
	out := append(make([]byte, 0, 2048), envelopeOpen...)
	h := header{}
	if version != "" {
		h.Version = &versionHeader{version}
	}
	if as.Impersonate != "" {
		h.Impersonation = &impersonation{connectingSID{as.Impersonate}}
	}
	if as.Zone != "" {
		h.Zone = &zoneContext{TimeZoneDefinition{ID: as.Zone}}
	}
	var err error
	if h != (header{}) {
		if out, err = codec.Append(out, "soap:Header", h); err != nil {
			return nil, err
		}
	}
	out = append(out, "<soap:Body>"...)
	element := req.op().element
	if out, err = codec.Append(out, "m:"+element, req); err != nil {
		return nil, &ResponseError{Operation: element, Text: "the request cannot be written", meaning: portal.ErrInvalid, cause: err}
	}
	return append(out, envelopeClose...), nil
}

// answerElement is the name of the answer to the request element.
func answerElement(element string) string {
	return strings.TrimSuffix(element, "Request") + "Response"
}

// fault is a SOAP fault, of version 1.1 or, from servers that prefer it, 1.2.
type fault struct {
	Code     string `ews:"faultcode"`
	String   string `ews:"faultstring"`
	Detail   []Node `ews:"detail>?"`
	Code12   []Node `ews:"Code>?"`
	Reason   []Node `ews:"Reason>?"`
	Detail12 []Node `ews:"Detail>?"`
}

// answer is what one envelope held.
type answer struct {
	info     ServerInfo
	fault    *ResponseError
	problems []string
}

var errNoEnvelope = errors.New("the answer is no SOAP envelope")

// decode reads one envelope; into is filled where its body holds the element want.
func decode(r *binding.Reader, want string, into any) (answer, error) {
	var a answer
	if _, err := r.Next(); err != nil {
		return a, err
	}
	if root := string(r.Local()); root != "Envelope" {
		return a, fmt.Errorf("%w but begins with <%.40s>", errNoEnvelope, root)
	}
	found := false
	for {
		kind, err := r.Next()
		if err != nil {
			return a, err
		}
		if kind == binding.End {
			break
		}
		switch string(r.Local()) {
		case "Header":
			err = decodeHeader(r, &a)
		case "Body":
			err = decodeBody(r, want, into, &a, &found)
		default:
			err = r.Skip()
		}
		if err != nil {
			return a, err
		}
	}
	a.problems = r.Problems
	if !found && a.fault == nil {
		return a, fmt.Errorf("the answer holds no %s", want)
	}
	return a, nil
}

func decodeHeader(r *binding.Reader, a *answer) error {
	var h struct {
		Info ServerInfo `ews:"t:ServerVersionInfo"`
	}
	err := r.Read(&h)
	a.info = h.Info
	return err
}

func decodeBody(r *binding.Reader, want string, into any, a *answer, found *bool) error {
	for {
		kind, err := r.Next()
		if err != nil || kind == binding.End {
			return err
		}
		switch name := string(r.Local()); {
		case name == "Fault":
			var f fault
			err = r.Read(&f)
			a.fault = f.error()
		case name == want && !*found:
			*found = true
			err = r.Read(into)
		default:
			err = r.Skip()
		}
		if err != nil {
			return err
		}
	}
}

// error makes the typed error of a fault.
func (f *fault) error() *ResponseError {
	e := &ResponseError{Text: strings.TrimSpace(f.String), Values: values(append(f.Detail, f.Detail12...))}
	if e.Text == "" {
		e.Text = values(f.Reason)["Text"]
	}
	e.Code = e.Values["ResponseCode"]
	if e.Code == "" {
		code := strings.TrimSpace(f.Code)
		if code == "" {
			code = values(f.Code12)["Value"]
		}
		if code = code[strings.LastIndexByte(code, ':')+1:]; strings.HasPrefix(code, "Error") {
			e.Code = code
		}
	}
	if e.Code == "" && strings.HasPrefix(e.Text, busyWords) {
		e.Code = "ErrorServerBusy"
	}
	e.settle()
	return e
}

// reader reads envelopes from r, each within the client's limit.
func reader(codec *binding.Codec, r io.Reader, limit int64) *binding.Reader {
	return codec.Reader(binding.NewScanner(r, limit, maxDepth))
}

// excerpt makes one printable line of the beginning of an answer that could not be read.
func excerpt(b []byte) string {
	b = bytes.ToValidUTF8(b[:min(len(b), 160)], []byte("?"))
	return strings.Join(strings.FieldsFunc(string(b), func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
}
