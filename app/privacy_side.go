package main

// Privacy in the house: what people decided reaches the board, the SIP server and the messages; and where a person is signed in.

import (
	"context"
	"slices"
	"strings"

	"portico/app/config"
	"portico/app/contacts"
	"portico/app/portal"
	"portico/app/privacy"
	"portico/app/sipua"
	"portico/app/sipua/xcap"
)

// openPrivacy makes the room of relationships. The contact list comes after it and the board, both hear of it.
func (h *house) openPrivacy(emit func(portal.Address, portal.Current)) {
	var rules privacy.Rules
	if h.cfg.SIP.XCAPRoot != "" {
		rules = serverRules{h.agent}
	}
	o := privacyOptions(h.cfg)
	o.InForce, o.Emit, o.Lookup, o.Logger = h.admin.InForce, emit, h.directory.Lookup, h.log.With("part", "privacy")
	o.Changed = func(owner portal.Address) { h.presence.Recheck(owner) }
	o.Unblocked = func(ctx context.Context, owner portal.Address) error { return h.rooms.Reconsider(ctx, owner) }
	o.AddContact = func(ctx context.Context, owner portal.Address, c portal.Contact) error {
		return h.contacts.Put(ctx, owner, c)
	}
	h.privacy = privacy.New(h.store, rules, o)
}

// privacyOptions are those that the configuration decides.
func privacyOptions(c *config.Config) privacy.Options {
	return privacy.Options{Domain: c.SIP.Domain, Transforms: c.SIP.RulesTransform}
}

// serverRules are the presence rules that the SIP server keeps.
type serverRules struct{ agent *sipua.Agent }

// PutRules tells the server who may see what.
func (s serverRules) PutRules(ctx context.Context, owner portal.Address, r privacy.RuleSet) error {
	return s.agent.PutRules(ctx, owner, xcap.RuleSet{
		Own: r.Own, By: r.By, Sights: r.Sights, Colleagues: r.Colleagues, Others: r.Others, ContactsOnly: r.ContactsOnly,
	})
}

// serverRoster is the contact list that the SIP server keeps.
type serverRoster struct{ agent *sipua.Agent }

// Fetch reads the list.
func (s serverRoster) Fetch(ctx context.Context, owner portal.Address, etag string) (contacts.RosterList, bool, error) {
	l, unchanged, err := s.agent.FetchList(ctx, owner, etag)
	if err != nil || unchanged {
		return contacts.RosterList{}, unchanged, err
	}
	out := contacts.RosterList{ETag: l.ETag, Groups: l.Groups}
	for _, e := range l.Entries {
		c := portal.Contact{URI: e.URI, DisplayName: e.Name, Groups: e.Groups}
		if len(e.Groups) > 0 {
			c.Group = e.Groups[0]
		}
		out.Entries = append(out.Entries, c)
	}
	return out, false, nil
}

// Store replaces the list.
func (s serverRoster) Store(ctx context.Context, owner portal.Address, l contacts.RosterList, etag string) (string, error) {
	out := xcap.List{ETag: l.ETag, Groups: l.Groups}
	for _, c := range l.Entries {
		groups := c.Groups
		if len(groups) == 0 && c.Group != "" {
			groups = []string{c.Group}
		}
		out.Entries = append(out.Entries, xcap.Entry{URI: c.URI, Name: c.DisplayName, Groups: groups})
	}
	return s.agent.StoreList(ctx, owner, out, etag)
}

// places is where people are signed in: browsers and programs here, devices at the SIP server, and what else says something
// of their presence.
type places struct{ h *house }

const (
	placeSession = "session:"
	placeDevice  = "device:"
)

// Places lists them; session is the one that asks.
func (p places) Places(ctx context.Context, who portal.Address, session string) ([]portal.Place, error) {
	sessions, err := p.h.account.Sessions(ctx, who)
	if err != nil {
		return nil, err
	}
	var out []portal.Place
	for _, s := range sessions {
		out = append(out, portal.Place{
			ID: placeSession + s.Key, Kind: portal.PlaceBrowser, Name: s.Agent, Remote: s.Remote, Since: s.CreatedAt,
			Here: s.Key == session, Leaves: true,
		})
	}
	claims := p.h.presence.Places(who)
	for _, d := range p.h.agent.Devices(who) {
		place := portal.Place{ID: placeDevice + d.Contact, Kind: portal.PlacePhone, Name: d.Agent, Leaves: true}
		if place.Name == "" {
			place.Name = d.Contact
		}
		// One claim that nothing else explains is the device's: most say who they are in neither place.
		if i := slices.IndexFunc(claims, func(c portal.Place) bool { return speaksFor(c, d) }); i >= 0 {
			c := claims[i]
			claims = slices.Delete(claims, i, i+1)
			place.Availability, place.Activity, place.Custom, place.Note = c.Availability, c.Activity, c.Custom, c.Note
			place.Since, place.Provider, place.Counts = c.Since, c.Provider, c.Counts
			if d.Agent == "" && c.Name != "" {
				place.Name = c.Name
			}
		}
		out = append(out, place)
	}
	return append(out, claims...), nil
}

// speaksFor reports whether a word on presence is a registered device's.
func speaksFor(claim portal.Place, d portal.Device) bool {
	id := strings.TrimPrefix(claim.ID, "claim:")
	instance := strings.Trim(strings.TrimPrefix(strings.Trim(d.Instance, `"<>`), "urn:uuid:"), `"<>`)
	switch {
	case instance != "" && strings.Contains(id, instance):
		return true
	case d.Contact != "" && strings.Contains(id, d.Contact):
		return true
	case claim.Name == "" || d.Agent == "":
		return false
	}
	name, _, _ := strings.Cut(strings.ToLower(claim.Name), " ")
	return strings.HasPrefix(strings.ToLower(d.Agent), name)
}

// SignOut ends what is behind a place.
func (p places) SignOut(ctx context.Context, who portal.Address, id string) error {
	if key, ok := strings.CutPrefix(id, placeSession); ok {
		return p.h.account.EndOne(ctx, who, key)
	}
	if contact, ok := strings.CutPrefix(id, placeDevice); ok {
		return p.h.agent.RemoveDevice(ctx, who, contact)
	}
	return portal.Fail(portal.ErrNotFound, "places.not-found")
}

// Choose makes the word of one provider the person's presence, one that is there now or was chosen before. The board owns the
// choice and has it kept.
func (p places) Choose(ctx context.Context, who portal.Address, provider string) error {
	return p.h.presence.Choose(ctx, who, provider, func(ctx context.Context) error {
		return p.h.account.ChangeSettings(ctx, who, func(set *portal.Settings) error {
			if !choosable(provider, set.PresenceProvider, p.h.presence.Places(who)) {
				return portal.Fail(portal.ErrInvalid, "places.provider")
			}
			set.PresenceProvider = provider
			return nil
		})
	})
}

// choosable reports whether a provider can be chosen: none, the one chosen before, or one that is there.
func choosable(provider, before string, there []portal.Place) bool {
	return provider == "" || provider == before || slices.ContainsFunc(there, func(c portal.Place) bool { return c.Provider == provider })
}
