package siplab

// PUBLISH (RFC 3903): what a person's devices say of them.

import (
	"slices"
	"time"
)

// maxPublications bounds the devices that publish for one person; the oldest gives way.
const maxPublications = 32

// publication is the state one device published, owned by the account's mutex.
type publication struct {
	key     string // stable over refreshes; makes ids unique in composed documents
	etag    string
	expires time.Time
	parts   []part
	body    []byte // of a message summary, which has no parts
	size    int
}

func (s *Server) publish(in *inbound) {
	if s.checkHops(in) {
		return
	}
	if !in.local(&in.uri) || in.uri.user == "" {
		s.route(in)
		return
	}
	who := s.authenticate(in)
	if who == nil {
		return
	}
	a, pkg := s.account(in.uri.name()), eventPackage(in)
	_, own := ownType(pkg)
	switch {
	case a == nil:
		in.reply(404, "Not Found")
	case !s.mayPublish(who, a, pkg):
		in.reply(403, "Forbidden: not your own state")
	case pkg != packagePresence && !own:
		in.reply(489, "Bad Event", hdr("Allow-Events", allowEvents))
	default:
		s.publishState(in, a, pkg)
	}
}

func (s *Server) publishState(in *inbound, a *account, pkg string) {
	d := in.expires(s.cfg.DefaultExpires)
	if s.tooBrief(in, d) {
		return
	}
	d = min(d, s.cfg.MaxExpires)
	match, conditional := header(in, "SIP-If-Match")
	if !conditional && (len(in.Body()) == 0 || d == 0) {
		in.reply(400, "Bad Request: an initial publication needs a body and a time")
		return
	}
	content, err := publishedContent(in, pkg)
	if err != nil {
		media, own := ownType(pkg)
		if !own {
			media = typePIDF
		}
		in.reply(415, "Unsupported Media Type", hdr("Accept", media))
		return
	}
	etag, changed, ok := a.setPublication(pkg, match, conditional, content, d)
	if !ok {
		in.reply(412, "Conditional Request Failed")
		return
	}
	published(in, etag, d)
	switch {
	case !changed:
	case pkg == packagePresence:
		s.presenceChanged(a)
	default:
		s.ownChanged(a, pkg)
	}
}

// publishedContent takes a document apart; an error means 415.
func publishedContent(in *inbound, pkg string) (*publication, error) {
	if pkg != packagePresence {
		return ownContent(in, pkg)
	}
	if len(in.Body()) == 0 {
		return &publication{}, nil
	}
	if in.mediaType() != typePIDF {
		return nil, errXML
	}
	parts, err := splitPIDF(in.Body())
	return &publication{parts: parts, size: len(in.Body())}, err
}

// setPublication applies a PUBLISH (RFC 3903 section 6): initial, modify (body), refresh (no body) or removal (no time).
// ok is false when the entity tag names nothing. etag is empty after a removal.
func (a *account) setPublication(pkg, match string, conditional bool, content *publication, d time.Duration) (etag string, changed, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	pubs := &a.pubs
	if pkg != packagePresence {
		pubs = &a.ownOf(pkg).pubs
	}
	p := &publication{key: randomHex(4)}
	if conditional {
		i := slices.IndexFunc(*pubs, func(p *publication) bool { return p.etag == match })
		if i < 0 || !(*pubs)[i].expires.After(time.Now()) {
			return "", false, false
		}
		p = (*pubs)[i]
		if d == 0 {
			*pubs = slices.Delete(*pubs, i, i+1)
			a.doc = nil
			return "", true, true
		}
		if content.size > 0 {
			*pubs = slices.Delete(*pubs, i, i+1)
		}
	}
	p.etag = randomHex(8)
	p.expires = time.Now().Add(d)
	if content.size == 0 {
		return p.etag, false, true
	}
	p.parts, p.body, p.size = content.parts, content.body, content.size
	if *pubs = slices.Insert(*pubs, 0, p); len(*pubs) > maxPublications {
		*pubs = (*pubs)[:maxPublications]
	}
	a.doc = nil
	return p.etag, true, true
}

// dropPublications removes what matches and tells the watchers.
func (s *Server) dropPublications(a *account, match func(*publication) bool) {
	a.mu.Lock()
	before := len(a.pubs)
	a.pubs = slices.DeleteFunc(a.pubs, match)
	changed := len(a.pubs) != before
	if changed {
		a.doc = nil
	}
	a.mu.Unlock()
	if changed {
		s.presenceChanged(a)
	}
}

// document is the composed presence of a person; the slice is shared and not changed.
func (a *account) document() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.doc == nil {
		a.doc = compose(a.aor, a.pubs)
	}
	return a.doc
}

// presenceChanged tells everyone who watches a person.
func (s *Server) presenceChanged(a *account) {
	a.mu.Lock()
	watchers := make([]*subscription, 0, len(a.watchers))
	for sub := range a.watchers {
		watchers = append(watchers, sub)
	}
	a.mu.Unlock()
	for _, sub := range watchers {
		s.changed(sub, a)
	}
}
