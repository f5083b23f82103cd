package main

// Contacts, address books and signing in: what stands behind them in this house.

import (
	"context"
	"fmt"
	"strings"
	"time"

	"portico/app/contacts"
	"portico/app/diagnosis"
	"portico/app/directory"
	"portico/app/directory/ldap"
	"portico/app/directory/oidc"
	"portico/app/portal"
	"portico/app/web"
)

// bookTimeout is how long one reading of an address book may take: an old Exchange is asked name by name.
const bookTimeout = 10 * time.Minute

// openBooks makes the address book of all sources there are; the labs' people decide before the directory server, and that before Exchange.
func (h *house) openBooks() (err error) {
	var books []directory.Source
	if h.lab != nil {
		books = append(books, labBook{h.cfg.SIP.Domain})
	}
	if err := h.openLDAP(); err != nil {
		return err
	}
	if h.ldap != nil {
		books = append(books, h.ldap)
	}
	if h.exchange != nil && h.cfg.Directory.Exchange && len(h.cfg.EWS.Server) > 0 && h.cfg.EWS.Server[0].Impersonate {
		books = append(books, exchangeBook{h.exchange})
	}
	h.directory = directory.New(books, directory.Options{
		Refresh: h.cfg.Directory.Refresh, Timeout: bookTimeout, Cache: h.store, InitialDelay: h.initialDelay, Changed: h.bookChanged,
		Logger: h.log.With("part", "directory"),
	})
	return h.openOIDC()
}

// openLDAP makes the directory server's side, where there is one.
func (h *house) openLDAP() (err error) {
	c := h.cfg.LDAP
	if c.URL == "" {
		return nil
	}
	attributes := map[string]string{}
	if c.AddressAttribute != "" {
		attributes[ldap.AttrSIP] = c.AddressAttribute
	}
	if c.LoginAttribute != "" {
		attributes[ldap.AttrLogin] = c.LoginAttribute
	}
	h.ldap, err = ldap.New(ldap.Config{
		URLs: []string{c.URL}, StartTLS: c.StartTLS, CAFile: c.TLSCA, Plain: !c.StartTLS, // a warning at the start says so
		BindDN: c.BindDN, BindPassword: c.BindPassword.Reveal(), Base: c.BaseDN, Preset: c.Preset, Filter: c.Filter,
		Attributes: attributes, Domain: h.cfg.SIP.Domain,
	}, ldap.Options{Logger: h.log.With("part", "ldap")})
	if err != nil {
		return fmt.Errorf("ldap: %w", err)
	}
	return nil
}

// openOIDC makes the sign-in at an identity provider, where that is how people sign in.
func (h *house) openOIDC() (err error) {
	if h.cfg.Signin.Method != "oidc" {
		return nil
	}
	c := h.cfg.OIDC
	h.oidc, err = oidc.New(oidc.Config{
		Issuer: c.Issuer, ClientID: c.ClientID, ClientSecret: c.ClientSecret.Reveal(),
		RedirectURL: h.redirectAddress(),
		Scopes:      c.Scopes, AddressClaim: c.AddressClaim, CAFile: c.TLSCA, Domain: h.cfg.SIP.Domain,
	}, oidc.Options{Logger: h.log.With("part", "oidc")})
	if err != nil {
		return fmt.Errorf("oidc: %w", err)
	}
	return nil
}

// redirectAddress is where the identity provider sends people back to.
func (h *house) redirectAddress() string {
	return strings.TrimSuffix(h.cfg.HTTP.PublicURL, "/") + "/signin/oidc/callback"
}

// verifier is who says who a login name and password are, where that is not the SIP server.
func (h *house) verifier() func(context.Context, string, string) (portal.Address, error) {
	switch h.cfg.Signin.Method {
	case "ldap":
		return h.ldap.Check
	case "oidc":
		// The SIP server trusts this portal: without this, any password would do.
		return func(context.Context, string, string) (portal.Address, error) {
			return "", portal.Fail(portal.ErrForbidden, "signin.by-provider").With("Name", h.cfg.OIDC.Name)
		}
	}
	return nil
}

// exchangeBook is the directory of Exchange as an address book.
type exchangeBook struct{ door *exchangeDoor }

// Name is what the address book calls this source.
func (exchangeBook) Name() string { return "exchange" }

// People is everybody in the global address list.
func (b exchangeBook) People(ctx context.Context) ([]portal.Person, error) {
	c, err := b.door.connector()
	if err != nil {
		return nil, err
	}
	return c.Directory(ctx)
}

// Photo is the picture of somebody in Exchange.
func (b exchangeBook) Photo(ctx context.Context, p portal.Person) (data []byte, contentType string, err error) {
	return b.door.Photo(ctx, p.URI, p.Email)
}

// openContacts makes the contact lists.
func (h *house) openContacts() {
	o := contacts.Options{
		Changed: func(owner portal.Address, people []portal.Address) { h.presence.SetContacts(owner, people) },
		Related: func(owner portal.Address) { h.privacy.ContactsChanged(owner) },
		Lookup:  h.directory.Lookup, Limit: h.cfg.Limits.Contacts, Standing: h.privacy.Relationship,
		Live:   func(who portal.Address) bool { return h.hub.Online(who) > 0 },
		Logger: h.log.With("part", "contacts"),
	}
	if h.cfg.SIP.XCAPRoot != "" {
		o.Roster = serverRoster{h.agent}
	}
	if h.exchange != nil || h.ldap != nil {
		o.Expander = h.expand
	}
	if h.exchange != nil {
		o.Outlook = outlookFolder{h.exchange}
	}
	h.contacts = contacts.New(h.store, o)
}

// expand gives the members of a distribution group.
func (h *house) expand(ctx context.Context, owner portal.Address, email string) ([]portal.Person, error) {
	if h.ldap != nil {
		if group, err := portal.ParseAddress(email); err == nil {
			members, err := h.ldap.Members(ctx, group)
			if err == nil || portal.Meaning(err) != portal.ErrNotFound || h.exchange == nil {
				return members, err
			}
		}
	}
	if h.exchange == nil {
		return nil, portal.Fail(portal.ErrNotFound, "contacts.not-found")
	}
	members, err := h.exchange.Expand(ctx, owner, email)
	if err != nil {
		return nil, err
	}
	var out []portal.Person
	for _, m := range members {
		uri := m.URI
		if uri == "" {
			uri = h.directory.ByEmail(m.Email)
		}
		if uri == "" {
			if uri, err = portal.ParseAddress(m.Email); err != nil {
				continue // an address that cannot be one: an X.500 name
			}
		}
		p := h.directory.Lookup(ctx, uri)
		if !h.directory.Known(uri) && m.Name != "" {
			p.DisplayName, p.Email = m.Name, m.Email
		}
		out = append(out, p)
	}
	return out, nil
}

// outlookFolder is the contacts folder of somebody's mailbox.
type outlookFolder struct{ door *exchangeDoor }

// Contacts is everybody in the folder.
func (o outlookFolder) Contacts(ctx context.Context, who portal.Address) ([]portal.Person, error) {
	c, err := o.door.connector()
	if err != nil {
		return nil, err
	}
	return c.OutlookContacts(ctx, who)
}

// SaveContact writes somebody into the folder.
func (o outlookFolder) SaveContact(ctx context.Context, who portal.Address, p portal.Person) error {
	c, err := o.door.connector()
	if err != nil {
		return err
	}
	return c.SaveOutlookContact(ctx, who, p)
}

// chosenProvider is the place that somebody chose to count.
func (h *house) chosenProvider(ctx context.Context, who portal.Address) (string, error) {
	set, _, err := h.store.Settings(ctx, who)
	return set.PresenceProvider, err
}

// quiet reports whether a message draws no attention: who gets it is not to be disturbed, and the sender may not pierce that.
func (h *house) quiet(owner, from portal.Address) bool {
	return h.presence.Own(owner).Availability == portal.DoNotDisturb && !h.privacy.Sight(owner, from).Pierces
}

// openDiagnosis makes the logs of problems and the traces.
func (h *house) openDiagnosis() {
	h.diagnosis = diagnosis.New(h.store, diagnosis.Options{
		Attach: []func(portal.Address, func(portal.Traffic)) func(){h.agent.Trace},
		Logger: h.log.With("part", "diagnosis"),
	})
}

// incident notes what went wrong, or works again.
func (h *house) incident(i portal.Incident) {
	if i.At.IsZero() {
		i.At = time.Now()
	}
	h.diagnosis.Note(context.Background(), i)
}

// exchangeNews notes that Exchange is away for somebody, or back. The calendar's news tell of changes that wait too: those of an
// Exchange that was never away are none.
func (h *house) exchangeNews(who portal.Address, ev portal.Current) {
	e, ok := ev.(portal.ExchangeEvent)
	switch {
	case !ok || e.Reason == "calendar.none":
	case e.State == "down":
		h.exchangeAway.Store(who, true)
		h.incident(portal.Incident{Who: who, Part: portal.PartExchange, Cause: e.Reason})
	default:
		if _, was := h.exchangeAway.LoadAndDelete(who); was {
			h.incident(portal.Incident{Who: who, Part: portal.PartExchange, Good: true, Cause: "exchange.up"})
		}
	}
}

// peopleDeps gives the edge people, privacy, policies and diagnosis.
func (h *house) peopleDeps(d *web.Deps) {
	d.Books, d.Facts, d.Policies, d.Diagnosis = h.directory, h.facts, h.admin, h.diagnosis
	d.Embeds = h.admin
	d.Config.EmbedOrigins = h.cfg.Embed.Origins
	d.PeopleDeps = web.PeopleDeps{
		Book: h.contacts, Privacy: h.privacy, Places: places{h}, Photos: h.directory, Mine: h.presence,
		Reports: h.directory.Reports, InForce: h.admin.InForce, States: h.admin.States,
	}
	if h.oidc != nil {
		d.OIDC = h.oidc
	}
}
