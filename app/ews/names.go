package ews

import (
	"context"
	"strings"
	"sync"

	"portico/app/ews/soap"
)

// nameBook remembers the e-mail addresses behind the directory's own addresses ("/O=ORG/OU=…/CN=…"), which old items and
// organisers inside the organisation carry. Bounded: a full book is begun anew.
type nameBook struct {
	mu    sync.Mutex
	known map[string]string
}

const maxNames = 20_000

func newNameBook() *nameBook { return &nameBook{known: map[string]string{}} }

// find gives the e-mail address, asking the server the first time; "" where it cannot be found out.
func (b *nameBook) find(ctx context.Context, a *access, dn string) string {
	key := strings.ToLower(dn)
	b.mu.Lock()
	email, ok := b.known[key]
	b.mu.Unlock()
	if ok {
		return email
	}
	found, err := a.resolve(ctx, dn)
	switch {
	case err != nil:
		a.c.o.Logger.Debug("a directory address could not be resolved", "error", err)
		return ""
	case len(found) == 1:
		email = found[0].Mailbox.EmailAddress
	}
	if strings.HasPrefix(email, "/") {
		email = ""
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.known) >= maxNames {
		clear(b.known)
	}
	b.known[key] = email
	return email
}

// resolve asks the directory for a name; none found is no error.
func (a *access) resolve(ctx context.Context, text string) ([]soap.Resolution, error) {
	return a.resolveAs(ctx, text, "")
}

// resolveAs is resolve with as much of a contact as shape says.
func (a *access) resolveAs(ctx context.Context, text, shape string) ([]soap.Resolution, error) {
	res, err := a.ResolveNames(ctx, a.as, &soap.ResolveNames{FullContact: true, ContactShape: shape, SearchScope: "ActiveDirectoryContacts", Entry: sayable(cut(text, 255))})
	if err != nil {
		if soap.Code(err) == "ErrorNameResolutionNoResults" {
			return nil, nil
		}
		return nil, err
	}
	m, err := one(res.Messages)
	if err != nil {
		switch soap.Code(err) {
		case "ErrorNameResolutionNoResults", "ErrorNameResolutionNoMailbox", "ErrorInvalidNameForNameResolution":
			return nil, nil
		}
		return nil, err
	}
	if m.Set == nil {
		return nil, nil
	}
	return m.Set.Resolutions, nil
}
