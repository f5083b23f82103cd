package ews

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Identity gives who somebody is in Exchange and on which of the configured servers their mailbox lives. The id is the
// directory's (objectGUID, [MS-OXWSCDATA] DirectoryId) where the server tells it, else the primary e-mail address in lower
// case. ErrNotFound: no server has a mailbox of that address.
func (c *Connector) Identity(ctx context.Context, who portal.Address, email string) (id, server string, err error) {
	h, err := c.livesAt(ctx, who, email)
	if err != nil {
		return "", "", err
	}
	err = c.do(ctx, who, who, func(a *access) error {
		id, err = a.identity(ctx, email)
		return err
	})
	return id, h.s.Name, err
}

// livesAt is the server that has somebody's mailbox; unlike home it asks even where there is only one.
func (c *Connector) livesAt(ctx context.Context, who portal.Address, email string) (*host, error) {
	if len(c.hosts) != 1 {
		return c.home(ctx, who, who)
	}
	h := c.hosts[0]
	err := h.has(ctx, who, who, email)
	switch {
	case err == nil, errors.Is(err, portal.ErrForbidden) && soap.Code(err) == "ErrorAccessDenied":
		return h, nil
	case errors.Is(err, portal.ErrNotFound), absent(err):
		return nil, portal.Fail(portal.ErrNotFound, "exchange.no-mailbox").Because(err)
	}
	return nil, err
}

// identity asks the directory for exactly one address.
func (a *access) identity(ctx context.Context, email string) (string, error) {
	found, err := a.resolveAs(ctx, "smtp:"+email, "AllProperties")
	if err == nil && len(found) == 0 { // some servers do not know the prefix
		found, err = a.resolveAs(ctx, email, "AllProperties")
	}
	if err != nil {
		return "", err
	}
	at := slices.IndexFunc(found, func(r soap.Resolution) bool { return strings.EqualFold(r.Mailbox.EmailAddress, email) })
	if at < 0 {
		return strings.ToLower(email), nil // the mailbox opens: it is only not listed
	}
	r := found[at]
	if r.Contact != nil {
		return cmp.Or(r.Contact.DirectoryID, strings.ToLower(r.Mailbox.EmailAddress)), nil
	}
	return strings.ToLower(r.Mailbox.EmailAddress), nil
}
