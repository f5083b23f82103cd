package siplab

// What a person's telephones and voice mail say of them: calls under way (RFC 4235) and messages that wait (RFC 3842),
// published by the person's own devices or by one of Config.Publishers, told to the person alone.

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	packageDialog  = "dialog"
	packageSummary = "message-summary"

	typeDialog  = "application/dialog-info+xml"
	typeSummary = "application/simple-message-summary"

	nsDialog = "urn:ietf:params:xml:ns:dialog-info"

	// maxSummary is the largest message summary in octets.
	maxSummary = 16 << 10
)

// ownState is one package of one person's, owned by the account's mutex.
type ownState struct {
	pubs []*publication // newest first
	subs map[*subscription]struct{}
}

// ownType is the media type of a package that only its owner may see; false for any other package.
func ownType(pkg string) (string, bool) {
	switch pkg {
	case packageDialog:
		return typeDialog, true
	case packageSummary:
		return typeSummary, true
	}
	return "", false
}

// ownOf is the state of a package; the account's mutex is held.
func (a *account) ownOf(pkg string) *ownState {
	o := a.own[pkg]
	if o == nil {
		if a.own == nil {
			a.own = map[string]*ownState{}
		}
		o = &ownState{subs: map[*subscription]struct{}{}}
		a.own[pkg] = o
	}
	return o
}

// ownSubscriptions counts the person's own devices that want to know; the account's mutex is held.
func (a *account) ownSubscriptions() int {
	n := 0
	for _, o := range a.own {
		n += len(o.subs)
	}
	return n
}

// mayPublish tells whether somebody may publish for a person: themselves, and calls and voice mail also the machines that
// have them.
func (s *Server) mayPublish(who, a *account, pkg string) bool {
	_, own := ownType(pkg)
	return who == a || own && slices.ContainsFunc(s.cfg.Publishers, func(name string) bool { return fold(name) == fold(unescape(who.name)) })
}

// ownContent takes a published document apart; an error means 415.
func ownContent(in *inbound, pkg string) (*publication, error) {
	media, _ := ownType(pkg)
	switch {
	case len(in.Body()) == 0:
		return &publication{}, nil
	case in.mediaType() != media:
		return nil, errXML
	case pkg == packageDialog:
		parts, err := split(in.Body(), "dialog-info", nsDialog)
		return &publication{parts: parts, size: len(in.Body())}, err
	case len(in.Body()) > maxSummary:
		return nil, errXML
	}
	return &publication{body: bytes.Clone(in.Body()), size: len(in.Body())}, nil
}

// ownChanged tells a person's own devices.
func (s *Server) ownChanged(a *account, pkg string) {
	a.mu.Lock()
	subs := make([]*subscription, 0, len(a.ownOf(pkg).subs))
	for sub := range a.ownOf(pkg).subs {
		subs = append(subs, sub)
	}
	a.mu.Unlock()
	for _, sub := range subs {
		s.changed(sub, a)
	}
}

// sweepOwn lets publications expire.
func (s *Server) sweepOwn(a *account, now time.Time) {
	for _, pkg := range []string{packageDialog, packageSummary} {
		a.mu.Lock()
		o := a.own[pkg]
		changed := false
		if o != nil {
			before := len(o.pubs)
			o.pubs = slices.DeleteFunc(o.pubs, func(p *publication) bool { return !p.expires.After(now) })
			changed = len(o.pubs) != before
		}
		a.mu.Unlock()
		if changed {
			s.ownChanged(a, pkg)
		}
	}
}

// ownDocument is the body of the next NOTIFY: all dialogs of all publishers, numbered for this subscription; the newest
// summary as it was published. Nothing where nobody has published.
func (s *Server) ownDocument(sub *subscription) (body []byte, contentType string) {
	a := sub.owner
	a.mu.Lock()
	pubs := slices.Clone(a.ownOf(sub.pkg).pubs)
	a.mu.Unlock()
	media, _ := ownType(sub.pkg)
	if sub.pkg == packageSummary {
		if len(pubs) == 0 {
			return nil, ""
		}
		return pubs[0].body, media
	}
	sub.mu.Lock()
	version := sub.version
	sub.version++
	sub.mu.Unlock()
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<dialog-info xmlns="` + nsDialog + `" version="` + strconv.Itoa(version) +
		`" state="full" entity="` + xmlText(a.aor) + `">`)
	ids := map[string]bool{}
	for _, p := range withinReason(pubs) {
		for _, x := range p.parts {
			if x.kind == "dialog" {
				b.WriteByte('\n')
				b.Write(x.unique(ids, p.key))
			}
		}
	}
	b.WriteString("\n</dialog-info>\n")
	return b.Bytes(), media
}

// published answers a PUBLISH that was taken.
func published(in *inbound, etag string, d time.Duration) {
	extra := []sip.Header{hdr("Expires", itoa(d))}
	if etag != "" {
		extra = append(extra, hdr("SIP-ETag", etag))
	}
	in.reply(200, "OK", extra...)
}
