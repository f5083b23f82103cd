package ewslab

// Requests in, answers out: the SOAP 1.1 envelope with its limits and its EWS headers.

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	maxRequest = 40 << 20 // bytes of one request: an attachment of 25 MB in base64 and its envelope
	maxDepth   = 64       // elements within elements
	maxNodes   = 400_000  // elements of one request

	contentType = "text/xml; charset=utf-8"
)

var errEnvelope = errors.New("no SOAP 1.1 envelope with a body")

// readTree reads one XML document into a tree. Document types, and thereby entities, are refused; so is any encoding but UTF-8.
func readTree(r io.Reader) (*node, error) {
	d := xml.NewDecoder(r)
	root, err := nextElement(d)
	if err != nil {
		return nil, err
	}
	top := openNode(*root)
	open := []*node{top}
	for count := 1; len(open) > 0; {
		tok, err := d.Token()
		if err != nil {
			return nil, err
		}
		last := open[len(open)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			if count++; count > maxNodes || len(open) >= maxDepth {
				return nil, errors.New("the request is too deep or has too many elements")
			}
			n := openNode(tok)
			last.Kids = append(last.Kids, n)
			open = append(open, n)
		case xml.EndElement:
			if len(last.Kids) > 0 {
				last.Text = ""
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(last.Kids) == 0 {
				last.Text += string(tok)
			}
		case xml.Directive:
			return nil, errors.New("document types are not accepted")
		}
	}
	return top, trailing(d)
}

// nextElement skips what may stand before the root.
func nextElement(d *xml.Decoder) (*xml.StartElement, error) {
	for {
		tok, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			return &tok, nil
		case xml.Directive:
			return nil, errors.New("document types are not accepted")
		}
	}
}

// trailing refuses anything but white space and comments behind the root.
func trailing(d *xml.Decoder) error {
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.CharData:
			if len(bytes.TrimSpace(tok)) > 0 {
				return errors.New("text behind the document")
			}
		case xml.StartElement, xml.Directive:
			return errors.New("more than one document")
		}
	}
}

func openNode(e xml.StartElement) *node {
	n := &node{Name: e.Name.Local}
	switch e.Name.Space {
	case nsMessages:
		n.Space = "m"
	case nsTypes:
		n.Space = "t"
	case nsSOAP:
		n.Space = "s"
	default:
		n.Space = e.Name.Space
	}
	for _, a := range e.Attr {
		if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" || a.Name.Space != "" {
			continue
		}
		n.Attrs = append(n.Attrs, attr{a.Name.Local, a.Value})
	}
	return n
}

// readEnvelope splits a request into its headers and the one operation in its body.
func readEnvelope(r io.Reader) (header, operation *node, err error) {
	root, err := readTree(r)
	if err != nil {
		return nil, nil, err
	}
	if root.Space != "s" || root.Name != "Envelope" {
		return nil, nil, errEnvelope
	}
	body := root.kid("Body")
	if body == nil || len(body.Kids) != 1 {
		return nil, nil, errEnvelope
	}
	return root.kid("Header"), body.Kids[0], nil
}

// envelope writes one whole answer. The root stands in the default namespace, as Exchange writes streams: one client cuts them at
// the literal text </Envelope>.
func (s *Server) envelope(b *bytes.Buffer, body *node, declaration bool) {
	if declaration {
		b.WriteString(`<?xml version="1.0" encoding="utf-8"?>`)
	}
	b.WriteString(`<Envelope xmlns="` + nsSOAP + `" xmlns:m="` + nsMessages + `" xmlns:t="` + nsTypes + `"><Header>`)
	s.serverVersion().write(b)
	b.WriteString(`</Header><Body>`)
	body.write(b)
	b.WriteString(`</Body></Envelope>`)
}

// answer sends an operation's response.
func (s *Server) answer(w http.ResponseWriter, body *node) error {
	var b bytes.Buffer
	s.envelope(&b, body, true)
	return send(w, http.StatusOK, b.Bytes())
}

func send(w http.ResponseWriter, status int, data []byte) error {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, err := w.Write(data)
	return err
}

// answerFault sends a failure of the whole request, as Exchange does: HTTP 500 and a SOAP fault with the code in its detail.
func (s *Server) answerFault(w http.ResponseWriter, f *fault) error {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="` + nsSOAP + `"><s:Body><s:Fault>`)
	code := "a:" + f.Code
	if f.Code == errorSchemaValidation {
		code = "a:ErrorSchemaValidation"
	}
	fmt.Fprintf(&b, `<faultcode xmlns:a="%s">%s</faultcode><faultstring xml:lang="en-US">`, nsTypes, code)
	escape(&b, f.Text)
	fmt.Fprintf(&b, `</faultstring><detail><e:ResponseCode xmlns:e="%s">%s</e:ResponseCode><e:Message xmlns:e="%s">`, nsErrors, f.Code, nsErrors)
	escape(&b, f.Text)
	b.WriteString(`</e:Message>`)
	if len(f.Values) > 0 {
		fmt.Fprintf(&b, `<t:MessageXml xmlns:t="%s">`, nsTypes)
		for _, v := range f.Values {
			t("Value", at("Name", v.Name), v.Value).write(&b)
		}
		b.WriteString(`</t:MessageXml>`)
	}
	b.WriteString(`</detail></s:Fault></s:Body></s:Envelope>`)
	return send(w, http.StatusInternalServerError, b.Bytes())
}

// serverVersion is what clients take their dialect from.
func (s *Server) serverVersion() *node {
	v := s.version
	return t("ServerVersionInfo", at("MajorVersion", v.major), at("MinorVersion", v.minor), at("MajorBuildNumber", v.build),
		at("MinorBuildNumber", "0"), at("Version", v.name))
}

// dialect is one version of the interface.
type dialect struct{ name, major, minor, build string }

// dialects are the versions in order, oldest first.
func dialects() []dialect {
	return []dialect{
		{"Exchange2007", "8", "0", "685"}, {"Exchange2007_SP1", "8", "1", "240"}, {"Exchange2010", "14", "0", "639"},
		{"Exchange2010_SP1", "14", "1", "218"}, {"Exchange2010_SP2", "14", "2", "247"}, {"Exchange2013", "15", "0", "516"},
		{"Exchange2013_SP1", "15", "0", "847"}, {"Exchange2015", "15", "0", "1044"}, {"Exchange2016", "15", "1", "2507"},
		{"V2015_10_05", "15", "1", "2507"}, {"V2016_01_06", "15", "1", "2507"}, {"V2016_04_13", "15", "1", "2507"}, {"V2016_07_13", "15", "1", "2507"},
		{"V2016_10_10", "15", "1", "2507"}, {"V2017_01_07", "15", "1", "2507"}, {"V2017_04_14", "15", "1", "2507"}, {"V2017_07_11", "15", "1", "2507"},
		{"V2017_10_09", "15", "1", "2507"}, {"V2018_01_08", "15", "1", "2507"},
	}
}

// dialectNamed finds a version and its place in the order; -1 without.
func dialectNamed(name string) (dialect, int) {
	for i, d := range dialects() {
		if strings.EqualFold(d.name, name) {
			return d, i
		}
	}
	return dialect{}, -1
}
