package policy

// Whether a session is a thin one.

import (
	"net/netip"
	"strings"

	"portico/app/portal"
)

// ThinAsk is what is known of a session when it is asked whether it is a thin one.
type ThinAsk struct {
	// Policy is InForce.ThinSessions and Choice Settings.Thin: On, Off, or empty where nobody says anything.
	Policy, Choice string
	// Here: it was chosen in this browser only.
	Here bool
	// Remote is the address the browser comes from, as far as proxies are believed.
	Remote netip.Addr
	// Header is what the request says under the name of ThinWays.Header; nil: that request is not to be believed, or says nothing.
	Header []string
	// Hint: the browser says that it saves data.
	Hint bool
}

// ThinWays is by what a connection is known to be thin.
type ThinWays struct {
	// Networks are those of terminal servers.
	Networks []netip.Prefix
	// Header is the name of a request header and Value what it must say; an empty Value: anything.
	Header, Value string
}

// NewThinWays makes the ways from networks and the "Name" or "Name: value" of a header.
func NewThinWays(networks []netip.Prefix, header string) ThinWays {
	name, value, _ := strings.Cut(header, ":")
	return ThinWays{Networks: networks, Header: strings.TrimSpace(name), Value: strings.TrimSpace(value)}
}

// ThinSession is the answer.
type ThinSession struct {
	On bool
	// From is what decided, one of the portal's Thin… words.
	From string
	// Offer: nothing decided, and the browser would be glad of it.
	Offer bool
}

// Thin decides whether a session is a thin one: a policy goes before the person's own choice, that before what is known of
// the connection, and without any of them it is not.
func Thin(ask ThinAsk, ways ThinWays) ThinSession {
	switch {
	case ask.Policy == On || ask.Policy == Off:
		return ThinSession{On: ask.Policy == On, From: portal.ThinPolicy}
	case ask.Choice == On || ask.Choice == Off:
		return ThinSession{On: ask.Choice == On, From: portal.ThinChoice}
	case ask.Here:
		return ThinSession{On: true, From: portal.ThinChoice}
	case ways.from(ask.Remote):
		return ThinSession{On: true, From: portal.ThinNetwork}
	case ways.says(ask.Header):
		return ThinSession{On: true, From: portal.ThinHeader}
	}
	return ThinSession{From: portal.ThinDefault, Offer: ask.Hint}
}

// from reports whether an address is one of a terminal server; an IPv4 address may come in the form of IPv6.
func (w ThinWays) from(remote netip.Addr) bool {
	remote = remote.Unmap().WithZone("")
	for _, p := range w.Networks {
		if p.Contains(remote) {
			return true
		}
	}
	return false
}

// says reports whether one of the header's values is the one that is wanted.
func (w ThinWays) says(values []string) bool {
	if w.Header == "" {
		return false
	}
	for _, v := range values {
		if v = strings.TrimSpace(v); w.Value == "" && v != "" || w.Value != "" && strings.EqualFold(v, w.Value) {
			return true
		}
	}
	return false
}
