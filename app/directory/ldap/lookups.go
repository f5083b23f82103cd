package ldap

// Single questions: a picture, and the members of a group.

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"

	"portico/app/portal"
)

// Photo is somebody's picture and its type (image/jpeg, image/png or image/gif). Errors: ErrNotFound "directory.photo"
// where there is none that can be shown, ErrUnavailable.
func (d *Directory) Photo(ctx context.Context, who portal.Address) (data []byte, contentType string, err error) {
	nothing := portal.Fail(portal.ErrNotFound, "directory.photo")
	attrs := d.m.wanted(AttrPhoto)
	if len(attrs) == 0 {
		return nil, "", nothing
	}
	ctx, cancel := context.WithTimeout(ctx, d.o.Answer)
	defer cancel()
	s, err := d.open(ctx)
	if err != nil {
		return nil, "", err
	}
	defer s.close()
	e, err := d.find(ctx, s, d.c.Base, d.filters.people, who.Bare(), d.m.ofPeople(), func(e *goldap.Entry) bool { return d.addressOf(e) == who })
	if err != nil {
		return nil, "", err
	}
	if e == nil {
		return nil, "", nothing
	}
	s.allow(int64(len(attrs)) * int64(2*d.o.MaxPhoto)) // what is too large for us the server sends all the same
	res, err := s.Search(goldap.NewSearchRequest(e.DN, goldap.ScopeBaseObject, goldap.NeverDerefAliases, 1, d.seconds(), false, "(objectClass=*)", attrs, nil))
	if err != nil {
		return nil, "", unavailable(why(ctx, err))
	}
	for _, e := range res.Entries {
		for _, a := range attrs {
			for _, v := range e.GetEqualFoldRawAttributeValues(a) {
				switch kind := http.DetectContentType(v); kind {
				case "image/jpeg", "image/png", "image/gif":
					if len(v) <= d.o.MaxPhoto {
						return v, kind, nil
					}
				}
			}
		}
	}
	return nil, "", nothing
}

// maxFound is how many entries a search by an address looks at.
const maxFound = 50

// find gives the entry of an address that fits, nil where there is none. The error means ErrUnavailable.
func (d *Directory) find(ctx context.Context, s *session, base, filter, address string, attrs []string, fits func(*goldap.Entry) bool) (*goldap.Entry, error) {
	names := d.named(address)
	if names == "" {
		return nil, nil
	}
	s.allow(maxFound * perEntry)
	res, err := s.Search(goldap.NewSearchRequest(base, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases, maxFound, d.seconds(), false,
		"(&"+filter+"(|"+names+"))", attrs, nil))
	if err != nil && !goldap.IsErrorWithCode(err, goldap.LDAPResultSizeLimitExceeded) && !goldap.IsErrorWithCode(err, goldap.LDAPResultNoSuchObject) {
		return nil, unavailable(why(ctx, err))
	}
	if res == nil {
		return nil, nil
	}
	for _, e := range res.Entries {
		if fits(e) {
			return e, nil
		}
	}
	return nil, nil
}

// groupDepth is how deep groups in groups are followed.
const groupDepth = 8

// Members are the people of a distribution group, with those of the groups in it, each once and at most MaxMembers;
// groups that hold each other are followed once. Errors: ErrNotFound "directory.group", ErrUnavailable.
func (d *Directory) Members(ctx context.Context, group portal.Address) ([]portal.Person, error) {
	gone := portal.Fail(portal.ErrNotFound, "directory.group")
	if d.filters.groups == "" {
		return nil, gone
	}
	ctx, cancel := context.WithTimeout(ctx, d.o.Answer)
	defer cancel()
	s, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close()
	e, err := d.find(ctx, s, d.c.GroupBase, d.filters.groups, group.Bare(), d.m.ofGroups(), func(e *goldap.Entry) bool {
		p, ok := d.groupOf(e, &Reading{})
		return ok && p.URI == group
	})
	if err != nil {
		return nil, err
	}
	if e == nil {
		return nil, gone
	}
	w := &walk{d: d, s: s, known: d.LastReading().byDN, seen: map[string]bool{nameKey(e.DN): true}, out: []portal.Person{}}
	return w.out, w.group(ctx, e.DN, 0)
}

// walk follows the members of groups.
type walk struct {
	d     *Directory
	s     *session
	known map[string]portal.Person
	seen  map[string]bool
	out   []portal.Person
}

func (w *walk) group(ctx context.Context, dn string, depth int) error {
	names, err := w.members(ctx, dn)
	if err != nil {
		return err
	}
	for _, name := range names {
		key := nameKey(name)
		if key == "" || w.seen[key] {
			continue
		}
		if len(w.out) >= w.d.o.MaxMembers || len(w.seen) > 2*w.d.o.MaxMembers {
			return nil
		}
		w.seen[key] = true
		p, ok, err := w.who(ctx, key, name)
		if err != nil {
			return err
		}
		switch {
		case !ok:
		case !p.Group:
			w.out = append(w.out, p)
		case depth < groupDepth:
			if err := w.group(ctx, name, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// who is the person or group of a distinguished name: as the last reading had it, else as the directory says now.
func (w *walk) who(ctx context.Context, key, dn string) (portal.Person, bool, error) {
	if p, ok := w.known[key]; ok {
		return p, true, nil
	}
	for _, kind := range []struct {
		filter string
		attrs  []string
		make   func(*goldap.Entry, *Reading) (portal.Person, bool)
	}{{w.d.filters.people, w.d.m.ofPeople(), w.d.personOf}, {w.d.filters.groups, w.d.m.ofGroups(), w.d.groupOf}} {
		e, err := w.entry(ctx, dn, kind.filter, kind.attrs)
		if err != nil {
			return portal.Person{}, false, err
		}
		if e == nil {
			continue
		}
		p, ok := kind.make(e, &Reading{})
		p.Group = p.Group || kind.filter == w.d.filters.groups
		return p, ok || p.Group, nil // a group in a group needs no address
	}
	return portal.Person{}, false, nil
}

// entry reads one entry, nil where it is not there or does not fit the filter.
func (w *walk) entry(ctx context.Context, dn, filter string, attrs []string) (*goldap.Entry, error) {
	w.s.allow(4 * perEntry)
	res, err := w.s.Search(goldap.NewSearchRequest(dn, goldap.ScopeBaseObject, goldap.NeverDerefAliases, 1, w.d.seconds(), false, filter, attrs, nil))
	switch {
	case goldap.IsErrorWithCode(err, goldap.LDAPResultNoSuchObject), goldap.IsErrorWithCode(err, goldap.LDAPResultInvalidDNSyntax),
		goldap.IsErrorWithCode(err, goldap.LDAPResultInsufficientAccessRights), goldap.IsErrorWithCode(err, goldap.LDAPResultReferral):
		return nil, nil
	case err != nil:
		return nil, unavailable(why(ctx, err))
	case len(res.Entries) == 0:
		return nil, nil
	}
	return res.Entries[0], nil
}

// members are the distinguished names in a group. Active Directory gives the first ones under "member;range=0-1499",
// and further ones to who asks for "member;range=1500-*".
func (w *walk) members(ctx context.Context, dn string) ([]string, error) {
	var out []string
	attrs := w.d.m.wanted(AttrMember)
	for len(attrs) > 0 && len(out) <= 2*w.d.o.MaxMembers {
		e, err := w.page(ctx, dn, attrs)
		if err != nil || e == nil {
			return out, err
		}
		attrs = nil
		for _, a := range e.Attributes {
			out = append(out, a.Values...)
			if next, ok := rest(a.Name, len(a.Values)); ok {
				attrs = append(attrs, next)
			}
		}
	}
	return out, nil
}

func (w *walk) page(ctx context.Context, dn string, attrs []string) (*goldap.Entry, error) {
	w.s.allow(int64(len(attrs)) * int64(w.d.o.MaxEntries) * perMember) // a server without ranges gives all names at once
	res, err := w.s.Search(goldap.NewSearchRequest(dn, goldap.ScopeBaseObject, goldap.NeverDerefAliases, 1, w.d.seconds(), false, "(objectClass=*)", attrs, nil))
	if goldap.IsErrorWithCode(err, goldap.LDAPResultNoSuchObject) {
		return nil, nil
	}
	if err != nil {
		return nil, unavailable(fmt.Errorf("members of %s: %w", dn, why(ctx, err)))
	}
	if len(res.Entries) == 0 {
		return nil, nil
	}
	return res.Entries[0], nil
}

// rest is the name under which the values after those of "member;range=0-1499" are asked for; false where these were the last.
func rest(name string, got int) (string, bool) {
	attribute, option, ok := strings.Cut(name, ";")
	if !ok {
		return "", false
	}
	bounds, ok := cutPrefixFold(option, "range=")
	if !ok {
		return "", false
	}
	_, last, ok := strings.Cut(bounds, "-")
	if !ok || last == "*" || got == 0 {
		return "", false
	}
	n, err := strconv.Atoi(last)
	if err != nil || n < 0 || n > 10_000_000 {
		return "", false
	}
	return attribute + ";range=" + strconv.Itoa(n+1) + "-*", true
}
