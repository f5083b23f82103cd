package siplab

// Resource lists (RFC 4662, RFC 5367): many people in one subscription.

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

const (
	typeLists     = "application/resource-lists+xml"
	typeRLMI      = "application/rlmi+xml"
	nsLists       = "urn:ietf:params:xml:ns:resource-lists"
	maxListLength = 1000 // members of one list; more is 513
)

// listState is what a list subscription still has to report.
type listState struct {
	uri      string
	members  []string // canonical URIs, in order
	accounts []*account
	byURI    map[string]*account

	mu    sync.Mutex
	whole bool // the next document is full
	dirty map[*account]struct{}
}

func (l *listState) full() {
	l.mu.Lock()
	l.whole = true
	l.mu.Unlock()
}

func (l *listState) mark(a *account) {
	l.mu.Lock()
	l.dirty[a] = struct{}{}
	l.mu.Unlock()
}

// SetList defines a list that can be subscribed to as sip:name@domain. The error names a member that is no SIP URI.
func (s *Server) SetList(name string, members []string) error {
	for _, m := range members {
		if u, err := parseURI(m); err != nil || !u.isSIP() {
			return fmt.Errorf("siplab: list %s: %q is not a SIP URI", name, m)
		}
	}
	s.listsMu.Lock()
	defer s.listsMu.Unlock()
	s.lists[fold(name)] = slices.Clone(members)
	return nil
}

func isListURI(in *inbound) bool {
	in.s.listsMu.RLock()
	defer in.s.listsMu.RUnlock()
	_, ok := in.s.lists[fold(in.uri.name())]
	return ok
}

// listFor finds the members of a list subscription: those in the body (RFC 5367) or of a list known here. ok is false when
// the request was refused.
func (s *Server) listFor(in *inbound, who *account) (members []string, isList, ok bool) {
	if slices.Contains(tokens(in, "Require"), "recipient-list-subscribe") {
		if in.mediaType() != typeLists {
			in.reply(415, "Unsupported Media Type", hdr("Accept", typeLists))
			return nil, true, false
		}
		members, err := parseResourceList(in.Body())
		switch {
		case err != nil:
			in.reply(400, "Bad Request: resource list")
		case len(members) > maxListLength:
			in.reply(513, "Message Too Large: too many members")
		default:
			return members, true, true
		}
		return nil, true, false
	}
	if s.account(in.uri.name()) != nil || !isListURI(in) {
		return nil, false, false
	}
	if !slices.Contains(tokens(in, "Supported"), "eventlist") {
		in.reply(421, "Extension Required", hdr("Require", "eventlist"))
		return nil, true, false
	}
	s.listsMu.RLock()
	defer s.listsMu.RUnlock()
	return s.lists[fold(in.uri.name())], true, true
}

func (s *Server) aimList(in *inbound, sub *subscription, members []string) bool {
	if sub.pkg != packagePresence {
		in.reply(489, "Bad Event", hdr("Allow-Events", packagePresence))
		return false
	}
	if !accepts(in, typeRLMI) || !accepts(in, "multipart/related") {
		in.reply(406, "Not Acceptable", hdr("Accept", "multipart/related, "+typeRLMI+", "+typePIDF))
		return false
	}
	l := &listState{uri: in.uri.String(), byURI: map[string]*account{}, whole: true, dirty: map[*account]struct{}{}}
	for _, m := range members {
		u, err := parseURI(m)
		if err != nil || slices.Contains(l.members, m) {
			continue
		}
		l.members = append(l.members, m)
		if !in.local(&u) {
			continue
		}
		if a := s.account(u.name()); a != nil {
			l.byURI[m] = a
			if !slices.Contains(l.accounts, a) {
				l.accounts = append(l.accounts, a)
			}
		}
	}
	sub.list = l
	return true
}

// parseResourceList reads the entries of a resource-lists document (RFC 4826 section 3).
func parseResourceList(doc []byte) ([]string, error) {
	if err := wellFormed(doc); err != nil {
		return nil, err
	}
	var members []string
	spaces := map[string]string{}
	err := xmlWalk(doc, func(_ *xml.Decoder, depth int, e xml.StartElement) error {
		if depth == 1 {
			for _, a := range e.Attr {
				if p, ok := declares(a); ok {
					spaces[p] = a.Value
				}
			}
			if e.Name.Local != "resource-lists" || spaces[e.Name.Space] != nsLists {
				return errXML
			}
			return nil
		}
		if e.Name.Local != "entry" || spaces[e.Name.Space] != nsLists {
			return nil
		}
		for _, a := range e.Attr {
			if a.Name.Space != "" || a.Name.Local != "uri" {
				continue
			}
			u, err := parseURI(strings.TrimSpace(a.Value))
			if err != nil || !u.isSIP() {
				return errXML
			}
			members = append(members, u.String())
		}
		return nil
	}, func(*xml.Decoder, int) error { return nil })
	return members, err
}

// listDocument makes the next multipart/related document: all members, or those that changed (RFC 4662 section 5).
func (s *Server) listDocument(sub *subscription) ([]byte, string) {
	l := sub.list
	l.mu.Lock()
	whole, dirty := l.whole, l.dirty
	l.whole, l.dirty = false, map[*account]struct{}{}
	l.mu.Unlock()
	sub.mu.Lock()
	version := sub.version
	sub.version++
	sub.mu.Unlock()

	boundary, host := randomHex(12), s.cfg.Domain
	var rlmi, parts bytes.Buffer
	fmt.Fprintf(&rlmi, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"%s\" version=\"%d\" fullState=\"%t\">",
		xmlText(l.uri), version, whole)
	for i, m := range l.members {
		a := l.byURI[m]
		if _, changed := dirty[a]; !whole && (a == nil || !changed) {
			continue
		}
		fmt.Fprintf(&rlmi, "\n<resource uri=\"%s\">", xmlText(m))
		if display := a.displayName(); display != "" {
			fmt.Fprintf(&rlmi, "<name>%s</name>", xmlText(display))
		}
		s.listInstance(&rlmi, &parts, sub, a, boundary, strconv.Itoa(i)+"."+boundary+"@"+host)
		rlmi.WriteString("</resource>")
	}
	rlmi.WriteString("\n</list>\n")

	var b bytes.Buffer
	root := "rlmi." + boundary + "@" + host
	writePart(&b, boundary, root, typeRLMI+`;charset="UTF-8"`, rlmi.Bytes())
	b.Write(parts.Bytes())
	b.WriteString("--" + boundary + "--\r\n")
	return b.Bytes(), `multipart/related;type="` + typeRLMI + `";start="<` + root + `>";boundary="` + boundary + `"`
}

func (s *Server) listInstance(rlmi, parts *bytes.Buffer, sub *subscription, a *account, boundary, cid string) {
	if a == nil {
		rlmi.WriteString(`<instance id="1" state="terminated" reason="noresource"/>`)
		return
	}
	var doc []byte
	switch a.authorizationOf(sub.watcher) {
	case Confirm:
		rlmi.WriteString(`<instance id="1" state="pending"/>`)
		return
	case Block:
		rlmi.WriteString(`<instance id="1" state="terminated" reason="rejected"/>`)
		return
	case PoliteBlock:
		doc = compose(a.aor, nil)
	default:
		doc = a.document()
	}
	rlmi.WriteString(`<instance id="1" state="active" cid="` + xmlText(cid) + `"/>`)
	writePart(parts, boundary, cid, typePIDF+`;charset="UTF-8"`, doc)
}

func writePart(b *bytes.Buffer, boundary, cid, contentType string, body []byte) {
	b.WriteString("--" + boundary + "\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <" + cid + ">\r\nContent-Type: " + contentType + "\r\n\r\n")
	b.Write(body)
	b.WriteString("\r\n")
}

func (a *account) displayName() string {
	if a == nil {
		return ""
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.user.DisplayName
}
