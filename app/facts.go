package main

// What the house knows of a person's connections, for the configuration information window.

import (
	"context"
	"time"

	"portico/app/portal"
	"portico/app/web"
)

// factsTimeout bounds what is looked up for the window.
const factsTimeout = 3 * time.Second

// facts tells of somebody's connections as they are now.
func (h *house) facts(ctx context.Context, who portal.Address) (web.Facts, error) {
	ctx, cancel := context.WithTimeout(ctx, factsTimeout)
	defer cancel()
	f := web.Facts{Version: version(), Exchange: []portal.ExchangeFacts{}, Contacts: portal.ContactsFacts{Place: "portal"}}
	if line, ok := h.agent.Facts(who); ok {
		f.Line = &line
	}
	list, err := h.contacts.List(ctx, who)
	if err != nil {
		return f, err
	}
	f.Contacts.Contacts = len(list)
	if state := h.contacts.RosterState(who); state.OnServer {
		f.Contacts.Place, f.Contacts.SyncedAt, f.Contacts.LastError = "server", state.Agreed, state.Failed
	} else if h.cfg.SIP.XCAPRoot != "" {
		f.Contacts.LastError = state.Failed
	}
	exchange, err := h.exchangeFacts(ctx, who)
	if err != nil {
		return f, err
	}
	f.Exchange = append(f.Exchange, exchange...)
	return f, nil
}

// exchangeFacts is the person's way to Exchange. The first server is named where nobody knows yet which has the mailbox.
func (h *house) exchangeFacts(ctx context.Context, who portal.Address) ([]portal.ExchangeFacts, error) {
	if h.exchange == nil {
		return nil, nil
	}
	status, err := h.calendar.Status(ctx, who)
	if err != nil {
		return nil, err
	}
	servers := h.exchangeOptions.Servers
	if now := h.using.Load(); now != nil {
		servers = *now
	}
	mailbox := h.directory.Lookup(ctx, who).Email
	var out []portal.ExchangeFacts
	for i, s := range servers {
		fact := portal.ExchangeFacts{Name: s.Name, URL: s.URL, Auth: s.Auth, State: "none"}
		if i == 0 {
			fact.Mailbox, fact.State, fact.LastErrorAt = mailbox, status.State, status.Since
			if status.Reason != "" {
				fact.LastError = h.readerOf(ctx, who).Sentence(status.Reason, nil)
			}
		}
		out = append(out, fact)
	}
	return out, nil
}
