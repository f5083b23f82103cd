package siplab

// Every parser of outside octets against random ones: nothing panics, and what is accepted keeps its promises.

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

const fuzzMessage = "MESSAGE sip:bob@example.test;transport=tcp SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK1;rport, SIP / 2.0/UDP h ;a=\"b,;c\"\r\n" +
	"From: \"A \\\" B\" <sip:alice:pw@example.test?x=y>;tag=1\r\nt: sip:bob@example.test\r\ni: a@b\r\nCSeq: 1 MESSAGE\r\nm: <sip:a@[::1]:5060>;q=0.5,\r\n <sip:b@c>\r\n" +
	"Route: <sip:p;lr>\r\nl: 2\r\n\r\nhi"

// FuzzMessage: an accepted request can be answered and written, and its writing is accepted with the same meaning.
func FuzzMessage(f *testing.F) {
	f.Add([]byte(fuzzMessage))
	f.Add([]byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n"))
	f.Add([]byte("REGISTER sip:e SIP/2.0\r\nTo: x:y\r\nContact: *\r\nExpires: 0\r\nDate: Fri, 01 Jan 2010 16:00:00 GMT\r\n\r\n"))
	fl := &flow{network: "TCP", remote: "127.0.0.1:9"}
	f.Fuzz(func(t *testing.T, data []byte) {
		head, body := splitDatagram(data)
		p, ref := parse(head, body)
		if ref != nil {
			if ref.answer != nil {
				ref.answer.flow = fl
				stampVia(ref.answer, fl)
				if s := ref.answer.response(ref.status, ref.reason).String(); !strings.HasPrefix(s, "SIP/2.0 ") {
					t.Fatalf("answer %q", s)
				}
			}
			return
		}
		if p.res != nil {
			if out := backward(p.res); out.StatusCode < 100 {
				t.Fatalf("status %d", out.StatusCode)
			}
			return
		}
		p.req.flow = fl
		text := p.req.String()
		head, body = splitDatagram([]byte(text))
		again, ref := parse(head, body)
		if ref != nil {
			t.Fatalf("%v: own writing refused: %q", ref, text)
		}
		if again.req.uri.String() != p.req.uri.String() || again.req.callID != p.req.callID || !bytes.Equal(again.req.Body(), p.req.Body()) {
			t.Fatalf("changed by writing: %q", text)
		}
		if _, _, err := again.req.contacts(); err != nil && !errors.Is(err, errSyntax) {
			t.Fatal(err)
		}
	})
}

// FuzzStream: how a stream is sliced makes no difference.
func FuzzStream(f *testing.F) {
	f.Add([]byte(fuzzMessage+"\r\n\r\n"+fuzzMessage), uint8(3))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), uint8(1))
	f.Add([]byte("\r\n\r\n\r\n\x00\r\n"), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		whole, werr := collect(data, len(data)+1)
		sliced, serr := collect(data, int(step)+1)
		if strings.Join(whole, "\x00") != strings.Join(sliced, "\x00") {
			t.Fatalf("whole %q, sliced %q", whole, sliced)
		}
		if (werr == nil) != (serr == nil) {
			t.Fatalf("whole %v, sliced %v", werr, serr)
		}
	})
}

func collect(data []byte, step int) (out []string, err error) {
	var fr framer
	for len(data) > 0 {
		n := min(step, len(data))
		fr.write(data[:n])
		data = data[n:]
		for {
			m, err := fr.next()
			if err != nil {
				return out, err
			}
			if m.complete {
				out = append(out, string(m.head)+string(m.body))
				fr.done()
			} else if m.ping {
				out = append(out, "ping")
			} else {
				break
			}
		}
	}
	return out, nil
}

// FuzzPIDF: an accepted document can be composed, twice over, and the result is well-formed and has all parts.
func FuzzPIDF(f *testing.F) {
	f.Add([]byte(pidfOpen))
	f.Add([]byte(pidfRich))
	f.Add([]byte(`<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:a="x"><a:b xmlns:a="y" a:c="&gt;"/><tuple id='a'/><tuple id="a"><!-- > --></tuple></presence>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		parts, err := splitPIDF(data)
		if err != nil {
			return
		}
		doc := compose("sip:a@b", []*publication{{key: "k1", parts: parts}, {key: "k2", parts: parts}})
		if err := wellFormed(doc); err != nil && len(doc) < maxDocument {
			t.Fatalf("%v in %q from %q", err, doc, data)
		}
		if len(doc) > maxDocument {
			return
		}
		again, err := splitPIDF(doc)
		if err != nil {
			if strings.Contains(err.Error(), "too") {
				return // twice the elements
			}
			t.Fatalf("%v in %q from %q", err, doc, data)
		}
		if want := max(1, 2*len(parts)); len(again) != want {
			t.Fatalf("%d parts, want %d, in %q", len(again), want, doc)
		}
	})
}

// FuzzDigest: what is accepted can be verified against.
func FuzzDigest(f *testing.F) {
	f.Add(`Digest username="alice", realm="example.test", nonce="n", uri="sip:example.test", response="r", algorithm=SHA-256, qop=auth, nc=00000001, cnonce="c,\"d"`)
	f.Add(`digest username=a,nonce=b,response=c`)
	f.Add(`Basic YTpi`)
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseDigest(s)
		if err != nil {
			return
		}
		if c.username == "" || c.nonce == "" || c.response == "" || c.algorithm == "" {
			t.Fatalf("accepted without the parts that count: %+v", c)
		}
		if n := len(c.expected("x", "REGISTER")); n != 32 && n != 64 {
			t.Fatalf("response of %d digits", n)
		}
	})
}

// FuzzResourceList: every member is a SIP URI.
func FuzzResourceList(f *testing.F) {
	f.Add([]byte(`<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list><entry uri="sip:a@b"/><list><entry uri=" sip:c@d;x=y "/></list></list></resource-lists>`))
	f.Add([]byte(`<r:resource-lists xmlns:r="urn:ietf:params:xml:ns:resource-lists"><r:list><entry uri="sip:a@b"/></r:list></r:resource-lists>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		members, err := parseResourceList(data)
		if err != nil {
			return
		}
		if len(members) > maxElements {
			t.Fatalf("%d members", len(members))
		}
		for _, m := range members {
			if u, err := parseURI(m); err != nil || !u.isSIP() || u.String() != m {
				t.Fatalf("member %q: %v", m, err)
			}
		}
	})
}

// FuzzAddress: a parsed URI is written in a way that means the same.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"sip:a:b@[::1]:5060;transport=tcp?x=y&z=", "sips:%41%00@h", "tel:+49", "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com", "sip:h:0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if u, err := parseURI(s); err == nil {
			again, err := parseURI(u.String())
			if err != nil || again.String() != u.String() || again.name() != u.name() {
				t.Fatalf("%q became %q: %v", s, u.String(), err)
			}
		}
		if n, err := parseNameAddr(s); err == nil && n.uri.scheme == "" {
			t.Fatalf("%q has no URI", s)
		}
		if v, err := parseVia(s); err == nil {
			if _, err := parseVia(v.Value()); err != nil {
				t.Fatalf("%q became %q: %v", s, v.Value(), err)
			}
		}
	})
}

// FuzzCPIM: a robot reads anything.
func FuzzCPIM(f *testing.F) {
	f.Add("From: <sip:a@b>\r\nimdn.Message-ID: 1\r\nimdn.Disposition-Notification: positive-delivery\r\n\r\nContent-Type: text/plain\r\n\r\nhi")
	f.Fuzz(func(t *testing.T, s string) {
		n := readCPIM(s)
		if n.id != "" && !n.delivered && !n.displayed {
			t.Fatalf("a notice nobody wants: %+v", n)
		}
		d := xml.NewDecoder(strings.NewReader("<x>" + xmlText(n.id) + "</x>"))
		for {
			if _, err := d.Token(); err == io.EOF {
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
	})
}
