package privacy

// What people decide: their rules, the relationships they give, and what becomes of those who added them.

import (
	"context"
	"slices"

	"portico/app/policy"
	"portico/app/portal"
)

// Settings is what who decided and the relationships they gave, by address. An error means ErrUnavailable.
func (s *Service) Settings(ctx context.Context, who portal.Address) (portal.Privacy, []portal.Tie, error) {
	p, ties, err := s.store.Privacy(ctx, who)
	if err != nil {
		return portal.Privacy{}, nil, err
	}
	slices.SortFunc(ties, func(a, b portal.Tie) int { return compare(a.With, b.With) })
	return p, ties, nil
}

// Save replaces what who decided. Rules that say what the relationship shows anyway are left out, and one for blocked,
// which always shows nothing. Errors: ErrInvalid ("privacy.relationship": one there is not), ErrUnavailable.
func (s *Service) Save(ctx context.Context, who portal.Address, p portal.Privacy) error {
	for _, r := range []portal.Relationship{p.Colleagues, p.Others} {
		if r != "" && !r.Valid() {
			return portal.Fail(portal.ErrInvalid, "privacy.relationship")
		}
	}
	rules := map[portal.Relationship]portal.Sight{}
	for r, sight := range p.Rules {
		if !r.Valid() {
			return portal.Fail(portal.ErrInvalid, "privacy.relationship")
		}
		sight = policy.Limit(sight, portal.InForce{})
		if r != portal.Blocked && sight != policy.StandardSight(r) {
			rules[r] = sight
		}
	}
	p.Rules = rules
	return s.write(ctx, who, func(*owner) error { return s.store.SavePrivacy(ctx, who, p) }, func(o *owner) { o.privacy = p })
}

// Give gives a relationship to somebody, on the contact list or not. Errors: ErrInvalid ("privacy.relationship",
// "privacy.address": no address or one's own, "privacy.too-many": more than Options.MaxTies), ErrUnavailable.
func (s *Service) Give(ctx context.Context, who, with portal.Address, r portal.Relationship) error {
	if !r.Valid() {
		return portal.Fail(portal.ErrInvalid, "privacy.relationship")
	}
	if !canonical(with) || with == who {
		return portal.Fail(portal.ErrInvalid, "privacy.address")
	}
	var tie portal.Tie
	return s.write(ctx, who, func(o *owner) error {
		s.mu.RLock()
		i, there := o.bondWith(with)
		contact, beyond := there && o.bonds[i].contact, 0
		for _, b := range o.bonds {
			if !b.contact {
				beyond++
			}
		}
		s.mu.RUnlock()
		if !there && beyond >= s.o.MaxTies {
			return portal.Fail(portal.ErrInvalid, "privacy.too-many")
		}
		tie = portal.Tie{Owner: who, With: with, Relationship: r, Contact: contact}
		return s.store.PutTie(ctx, tie, listed(who, with))
	}, func(o *owner) {
		b := bond{with: with, relationship: r, contact: tie.Contact}
		if i, there := o.bondWith(with); there {
			o.bonds = slices.Clone(o.bonds)
			o.bonds[i] = b
		} else {
			o.bonds = slices.Insert(slices.Clone(o.bonds), i, b)
		}
	})
}

// TakeBack takes back what was given to somebody: they are one of all again. A contact gets the relationship that all
// colleagues, or all others, have. Errors: ErrUnavailable.
func (s *Service) TakeBack(ctx context.Context, who, with portal.Address) error {
	var back bond
	return s.write(ctx, who, func(o *owner) error {
		s.mu.RLock()
		i, there := o.bondWith(with)
		back = bond{}
		if there && o.bonds[i].contact {
			back = bond{with: with, contact: true, relationship: policy.RelationshipBy(o.privacy, "", with, s.domainOf(who))}
		}
		s.mu.RUnlock()
		if back.contact {
			return s.store.PutTie(ctx, portal.Tie{Owner: who, With: with, Relationship: back.relationship, Contact: true}, listed(who, with))
		}
		return s.store.DropTie(ctx, who, with)
	}, func(o *owner) {
		i, there := o.bondWith(with)
		switch {
		case !there:
		case back.contact:
			o.bonds = slices.Clone(o.bonds)
			o.bonds[i] = back
		default:
			o.bonds = slices.Delete(slices.Clone(o.bonds), i, i+1)
		}
	})
}

// listed is the event of a changed entry of who's contact list.
func listed(who, with portal.Address) portal.Addressed {
	return portal.Addressed{For: []portal.Address{who}, Event: portal.ContactsEvent{ID: with, Change: portal.Updated}}
}

// write keeps a decision and then makes it hold. Decisions of one person are kept in the order they hold in.
func (s *Service) write(ctx context.Context, who portal.Address, keep func(*owner) error, apply func(*owner)) error {
	o, release := s.hold(who)
	defer release()
	s.mu.RLock()
	loaded := o.loaded
	s.mu.RUnlock()
	if !loaded {
		if err := s.readInto(ctx, o); err != nil {
			return err
		}
	}
	if err := keep(o); err != nil {
		if portal.Meaning(err) == portal.ErrUnavailable {
			// It is not known whether it was kept.
			s.loads.ask(who)
		}
		return err
	}
	s.mu.Lock()
	bonds, decided := o.bonds, o.privacy
	apply(o)
	lifted := lifts(bonds, o.bonds, decided, o.privacy)
	o.version++
	s.mu.Unlock()
	if lifted {
		s.lifts.ask(who)
	}
	s.changed(who)
	s.counts.ask(who)
	return nil
}

// Decide says what is to become of somebody who added or watches who: accepted with a relationship (empty: company for people of
// this portal, public for others), or blocked. Either way they are no longer new. Errors: those of Give.
func (s *Service) Decide(ctx context.Context, who, whom portal.Address, accept bool, r portal.Relationship) error {
	switch {
	case !accept:
		r = portal.Blocked
	case r == "":
		r = s.standard(whom)
	case r == portal.Blocked:
		return portal.Fail(portal.ErrInvalid, "privacy.relationship")
	}
	if err := s.Give(ctx, who, whom, r); err != nil {
		return err
	}
	if err := s.store.Acknowledge(ctx, who, []portal.Address{whom}); err != nil {
		return err
	}
	s.counts.ask(who)
	return nil
}

// Add accepts somebody and puts them on who's contact list. Errors: those of Decide and of Options.AddContact.
func (s *Service) Add(ctx context.Context, who, whom portal.Address, r portal.Relationship) error {
	if s.o.AddContact == nil {
		return portal.Fail(portal.ErrUnavailable, "privacy.no-contacts")
	}
	if r == "" {
		r = s.standard(whom)
	}
	if !r.Valid() || r == portal.Blocked {
		return portal.Fail(portal.ErrInvalid, "privacy.relationship")
	}
	if !canonical(whom) || whom == who {
		return portal.Fail(portal.ErrInvalid, "privacy.address")
	}
	c := portal.Contact{URI: whom, DisplayName: s.o.Lookup(ctx, whom).DisplayName, Relationship: r}
	if err := s.o.AddContact(ctx, who, c); err != nil {
		return err
	}
	if err := s.read(ctx, who); err != nil {
		return err
	}
	return s.Decide(ctx, who, whom, true, r)
}

// lifts reports whether somebody may be blocked no longer: one who was given that, or all colleagues or others.
func lifts(before, after []bond, was, is portal.Privacy) bool {
	still := map[portal.Address]bool{}
	for _, b := range after {
		still[b.with] = b.relationship == portal.Blocked
	}
	for _, b := range before {
		if b.relationship == portal.Blocked && !still[b.with] {
			return true
		}
	}
	return was.Colleagues == portal.Blocked && is.Colleagues != portal.Blocked || was.Others == portal.Blocked && is.Others != portal.Blocked
}

// lift is the chore of telling that somebody may be blocked no longer.
func (s *Service) lift(ctx context.Context, who portal.Address) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	if err := s.o.Unblocked(ctx, who); err != nil {
		s.o.Logger.Warn("privacy: that somebody is blocked no longer was not followed; tried again", "owner", who, "err", err)
		return err
	}
	return nil
}

// standard is the relationship of whom nothing else is said: what colleagues, or others, have.
func (s *Service) standard(whom portal.Address) portal.Relationship {
	if s.foreign(whom) {
		return portal.Public
	}
	return portal.Company
}

// canonical reports whether a is an address in the one form it has.
func canonical(a portal.Address) bool {
	parsed, err := portal.ParseAddress(string(a))
	return err == nil && parsed == a
}
