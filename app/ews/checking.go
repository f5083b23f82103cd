package ews

import (
	"context"
	"fmt"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// CheckMailbox opens somebody's calendar on one server by name, on their behalf as everything else is done: nil, or
// why that does not work. It finds what Check cannot: an account that may not impersonate, a mailbox that is not
// there, a person's own password that is refused.
func (c *Connector) CheckMailbox(ctx context.Context, server string, who portal.Address) error {
	for _, h := range c.hosts {
		if h.s.Name == server {
			return translate(h.checkMailbox(ctx, who))
		}
	}
	return portal.Fail(portal.ErrNotFound, "exchange.server").With("Name", server)
}

func (h *host) checkMailbox(ctx context.Context, who portal.Address) error {
	client, err := h.client(ctx, h.c.o.Mailbox(who))
	if err != nil {
		return err
	}
	as, mailbox, err := h.as(ctx, who, who)
	if err != nil {
		return err
	}
	res, err := client.GetFolder(ctx, as, &soap.GetFolder{Shape: soap.FolderShape{BaseShape: soap.IDOnly},
		Folders: []soap.FolderRef{soap.WellKnown("calendar", mailbox)}})
	if err == nil {
		_, err = one(res.Messages)
	}
	if err != nil {
		return fmt.Errorf("the calendar of %s: %w", h.c.o.Mailbox(who), err)
	}
	return nil
}
