// Package rlmi reads the notifications of a resource list subscription (RFC 4662): the RLMI document
// and the presence documents that come with it in a multipart body.
package rlmi

import (
	"fmt"
	"strconv"
	"strings"

	"portico/app/portal"
	"portico/app/sipua/markup"
	"portico/app/sipua/multipart"
	"portico/app/sipua/pidf"
)

// MediaType is the content type of the list document.
const MediaType = "application/rlmi+xml"

// MaxResources is how many resources one document may name.
const MaxResources = 2000

// Document is one notification.
type Document struct {
	// List is the URI of the list, as written.
	List    string
	Version uint32
	// Full: all resources of the list are named; otherwise those that changed.
	Full      bool
	Resources []Resource
}

// Resource is what a document says of one member of the list.
type Resource struct {
	// Of is empty where the member is not a SIP address.
	Of   portal.Address
	URI  string
	Name string
	// State is that of the strongest instance: "active", "pending", "terminated"; empty where there is
	// no instance: the server has said nothing of them (yet).
	State string
	// Reason is why the state is terminated: "rejected", "noresource", …; mostly empty.
	Reason string
	// Claims are those of all active instances. An active state without claims: nobody is there.
	Claims []portal.Claim
	// Malformed counts active instances whose document was missing or could not be read; what it would
	// have said is unknown.
	Malformed int
}

// Known reports whether the document says where the person is (offline included).
func (r Resource) Known() bool {
	return r.State == "active" && (len(r.Claims) > 0 || r.Malformed == 0)
}

// Parse reads a notification: a multipart body whose root is an RLMI document, or an RLMI document
// alone. A resource's broken presence document spoils only that resource. Errors mean
// portal.ErrInvalid.
func Parse(contentType string, body []byte) (Document, error) {
	if multipart.MediaType(contentType) == MediaType {
		return read(body, multipart.Body{})
	}
	b, err := multipart.Parse(contentType, body)
	if err != nil {
		return Document{}, fmt.Errorf("RLMI: %w", err)
	}
	root, ok := b.Root()
	if !ok || root.MediaType() != MediaType {
		return Document{}, fmt.Errorf("RLMI: %w: the root part is %.60q", portal.ErrInvalid, root.ContentType)
	}
	return read(root.Body, b)
}

func read(b []byte, parts multipart.Body) (Document, error) {
	root, err := markup.Parse(b, markup.Limits{Bytes: 256 << 10, Elements: 4 * MaxResources})
	if err != nil {
		return Document{}, fmt.Errorf("RLMI: %w", err)
	}
	version, err := strconv.ParseUint(root.Attr("version"), 10, 32)
	if root.Local != "list" || err != nil {
		return Document{}, fmt.Errorf("RLMI: %w: root element %.40q, version %.20q", portal.ErrInvalid, root.Local, root.Attr("version"))
	}
	full := strings.ToLower(root.Attr("fullState"))
	d := Document{List: root.Attr("uri"), Version: uint32(version), Full: full == "true" || full == "1"}
	for _, e := range root.Children {
		if e.Local != "resource" {
			continue
		}
		if len(d.Resources) == MaxResources {
			return Document{}, fmt.Errorf("RLMI: %w: more than %d resources", portal.ErrInvalid, MaxResources)
		}
		d.Resources = append(d.Resources, resource(e, parts))
	}
	return d, nil
}

func resource(e *markup.Element, parts multipart.Body) Resource {
	r := Resource{URI: e.Attr("uri"), Name: e.Child("name").Value()}
	uri := r.URI
	if scheme, rest, ok := strings.Cut(uri, ":"); ok && strings.EqualFold(scheme, "pres") {
		uri = rest
	}
	if of, err := portal.ParseAddress(uri); err == nil {
		r.Of = of
	}
	for _, i := range e.Children {
		if i.Local != "instance" {
			continue
		}
		state := strings.ToLower(i.Attr("state"))
		if rank(state) > rank(r.State) {
			r.State, r.Reason = state, i.Attr("reason")
		}
		if state == "active" {
			r.take(i.Attr("cid"), parts)
		}
	}
	return r
}

// take reads the document an active instance refers to. No cid, or an empty part, means that nobody
// is there.
func (r *Resource) take(cid string, parts multipart.Body) {
	if cid == "" {
		return
	}
	part, ok := parts.ByID(cid)
	if !ok {
		r.Malformed++
		return
	}
	if len(strings.TrimSpace(string(part.Body))) == 0 {
		return
	}
	_, claims, err := pidf.Parse(part.Body)
	if err != nil || part.MediaType() != pidf.MediaType {
		r.Malformed++
		return
	}
	r.Claims = append(r.Claims, claims...)
}

func rank(state string) int {
	switch state {
	case "active":
		return 3
	case "pending":
		return 2
	case "terminated":
		return 1
	}
	return 0
}
