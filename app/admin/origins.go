package admin

// Which pages may show presence: the origins from which buttons may ask.

import (
	"cmp"
	"context"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"portico/app/portal"
)

// maxOrigins bounds the origins.
const maxOrigins = 500

// Origins lists the origins from which buttons may ask, in order.
func (s *Service) Origins(context.Context) ([]portal.Origin, error) {
	now, err := s.ready()
	if err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(now.origins), func(a, b portal.Origin) int { return cmp.Compare(a.Origin, b.Origin) }), nil
}

// Allowed reports whether a page of an origin, as browsers send it in the Origin header, may show presence. It answers from
// memory.
func (s *Service) Allowed(origin string) bool {
	now := s.now.Load()
	if _, ok := now.origins[origin]; ok {
		return true
	}
	canonical, err := CanonicalOrigin(origin)
	if err != nil {
		return false
	}
	_, ok := now.origins[canonical]
	return ok
}

// CanonicalOrigin is an origin as browsers write it (RFC 6454 section 6.2): scheme and host in lower case, the port only
// where it is not the scheme's own. A whole page address is not one. The error means ErrInvalid ("policy.origin").
func CanonicalOrigin(origin string) (string, error) {
	bad := portal.Fail(portal.ErrInvalid, "policy.origin").With("value", clip(origin, 100))
	u, err := url.Parse(strings.TrimSpace(origin))
	if err != nil || len(origin) > 300 || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "" ||
		u.Path != "" && u.Path != "/" {
		return "", bad
	}
	scheme, host, port := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname()), u.Port()
	if scheme != "http" && scheme != "https" || !hostname(host) {
		return "", bad
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if number, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || number == 0) {
		return "", bad
	}
	if port != "" && !(scheme == "http" && port == "80") && !(scheme == "https" && port == "443") {
		host += ":" + port
	}
	return scheme + "://" + host, nil
}

// hostname reports whether h is an IP address or a name of letters, digits, hyphens and points. A wildcard is none.
func hostname(h string) bool {
	if _, err := netip.ParseAddr(h); err == nil {
		return true
	}
	return h != "" && len(h) <= 253 && !strings.HasPrefix(h, ".") && !strings.Contains(h, "..") &&
		strings.Trim(h, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
}

// AllowOrigin lets pages of an origin show presence; that they may already is fine. Errors: ErrInvalid ("policy.origin"),
// ErrTooMany ("policy.many-origins").
func (s *Service) AllowOrigin(ctx context.Context, by portal.Address, origin string) error {
	origin, err := CanonicalOrigin(origin)
	if err != nil {
		return err
	}
	return s.change(ctx, func(now *snapshot) (*snapshot, error) {
		if _, ok := now.origins[origin]; ok {
			return nil, nil
		}
		if len(now.origins) >= maxOrigins {
			return nil, portal.Fail(portal.ErrTooMany, "policy.many-origins").With("max", strconv.Itoa(maxOrigins))
		}
		o := portal.Origin{Origin: origin, By: by, At: s.o.Now().UTC()}
		record := []portal.PolicyChange{{At: o.At, By: by, What: whatOrigin, Name: origin, After: origin}}
		if err := s.store.PutOrigin(ctx, o, record); err != nil {
			return nil, err
		}
		return now.withOrigin(origin, &o), nil
	})
}

// RefuseOrigin takes the permission back; that there was none is fine.
func (s *Service) RefuseOrigin(ctx context.Context, by portal.Address, origin string) error {
	return s.change(ctx, func(now *snapshot) (*snapshot, error) {
		if canonical, err := CanonicalOrigin(origin); err == nil {
			origin = canonical
		}
		if _, ok := now.origins[origin]; !ok {
			return nil, nil
		}
		record := []portal.PolicyChange{{At: s.o.Now().UTC(), By: by, What: whatOrigin, Name: origin, Before: origin}}
		if err := s.store.DropOrigin(ctx, origin, record); err != nil {
			return nil, err
		}
		return now.withOrigin(origin, nil), nil
	})
}

// change lets act look at what holds and store something; what it gives holds from then on, nil: nothing changed.
func (s *Service) change(ctx context.Context, act func(now *snapshot) (*snapshot, error)) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.leave()
	now, err := s.ready()
	if err != nil {
		return err
	}
	next, err := act(now)
	if err == nil && next != nil {
		s.hold(next)
	}
	return err
}
