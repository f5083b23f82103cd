package privacy

// The SIP server's side: each person's rules, told in the background, the newest ones, until the server has them.

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

// HasRules reports whether the SIP server keeps rules for who: then each of their watchers is sent what their
// relationship shows, and no less need be published.
func (s *Service) HasRules(who portal.Address) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	o := s.owners[who]
	return o != nil && o.pushed != ""
}

// Wire is what is published of who: everything where the SIP server keeps the present rules and shows each watcher what
// those let them see (Options.Transforms), but what they are doing only where all may know it; else what everybody may see who can watch: any colleague, others where the server
// keeps rules, and all who were given a relationship. Rules on the server hide the person from whoever they are hidden from;
// where it has none, or others than the present ones, nothing hides them, and no details are published.
func (s *Service) Wire(who portal.Address) portal.Sight {
	s.mu.RLock()
	defer s.mu.RUnlock()
	o := s.owners[who]
	if o == nil || !o.loaded {
		return portal.Sight{}
	}
	hides := o.pushed != "" && o.has == o.version
	if !hides && o.privacy.ContactsOnly {
		return portal.Sight{}
	}
	least := s.least(o, hides)
	if hides && s.o.Transforms {
		// What somebody is doing stands in one element with how available they are, so that no rule takes it out.
		full := portal.FullSight()
		full.Activity = least.Activity
		return full
	}
	return least
}

// least is what everybody may see who can watch; hides: the server keeps out whom the person hides from. The lock is held.
func (s *Service) least(o *owner, hides bool) portal.Sight {
	least := portal.FullSight()
	if !o.privacy.ContactsOnly {
		least = policy.SightOf(o.privacy, policy.RelationshipBy(o.privacy, "", o.address, o.address.Domain()))
		others := policy.SightOf(o.privacy, policy.RelationshipBy(o.privacy, "", "", ""))
		switch {
		case s.rules == nil || o.refused:
		case !others.Hidden:
			least = policy.Narrower(least, others)
		case !hides:
			return portal.Sight{}
		}
	}
	for _, b := range o.bonds {
		sight := policy.SightOf(o.privacy, b.relationship)
		switch {
		case !b.relationship.Valid():
		case !sight.Hidden:
			least = policy.Narrower(least, sight)
		case !hides:
			return portal.Sight{}
		}
	}
	return least
}

// tellServer has the rules of somebody who is signed in pushed, if they are not what the server has.
func (s *Service) tellServer(who portal.Address) {
	if s.rules == nil {
		return
	}
	s.mu.RLock()
	o := s.owners[who]
	wanted := o != nil && o.loaded && o.signedIn && !o.refused
	s.mu.RUnlock()
	if wanted {
		s.pushes.ask(who)
	}
}

// push is the chore of telling the server somebody's rules as they are now.
func (s *Service) push(ctx context.Context, who portal.Address) error {
	s.mu.RLock()
	o := s.owners[who]
	if o == nil || !o.loaded || !o.signedIn || o.refused {
		s.mu.RUnlock()
		return nil
	}
	set, before, unsure, version, misses := s.ruleSet(o), o.pushed, o.unsure, o.version, o.misses
	s.mu.RUnlock()
	sum, err := fingerprint(set)
	if err != nil {
		return err
	}
	if sum == before && !unsure {
		s.took(o, sum, version)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	err = s.rules.PutRules(ctx, who, set)
	none := errors.Is(err, portal.ErrNotFound)
	if err != nil && !none {
		s.missed(o, portal.Meaning(err) == portal.ErrUnavailable)
		s.o.Logger.Warn("privacy: the SIP server did not take somebody's rules; tried again", "owner", who, "err", err)
		return err
	}
	if none {
		sum = ""
		s.o.Logger.Info("privacy: the SIP server keeps no rules", "owner", who, "err", err)
	}
	if misses > 0 && !none {
		s.o.Logger.Info("privacy: the SIP server has somebody's rules after all", "owner", who, "missed", misses)
	}
	s.took(o, sum, version)
	return nil
}

// missed notes a try that came to nothing; unsure: the server may have taken the rules all the same, so that even those which
// it had before are told it anew.
func (s *Service) missed(o *owner, unsure bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.unsure = o.unsure || unsure
	o.misses++
	o.missed = s.o.Now()
}

// OnServer is how the SIP server and who's decisions stand, out of memory. The decisions themselves are kept: what the server
// does not have is told it as long as who has a line, and again when they have one.
func (s *Service) OnServer(who portal.Address) portal.ServerRules {
	s.mu.RLock()
	defer s.mu.RUnlock()
	o := s.owners[who]
	switch {
	case s.rules == nil || o != nil && o.refused:
		return portal.ServerRules{}
	case o == nil:
		return portal.ServerRules{Kept: true}
	}
	return portal.ServerRules{Kept: true, Current: o.pushed != "" && !o.unsure && o.has == o.version, Misses: o.misses, At: o.missed}
}

// took notes the rules that the server has, those of a version of the decisions; empty: it keeps none.
func (s *Service) took(o *owner, sum string, version uint64) {
	none := sum == ""
	s.mu.Lock()
	// More, or less, is to be published from now on.
	other := none != (o.pushed == "") || none != o.refused || version != o.has
	o.pushed, o.has, o.refused = sum, version, none
	o.unsure, o.misses, o.missed = false, 0, time.Time{}
	s.mu.Unlock()
	if other {
		s.o.Changed(o.address)
	}
}

// relationships are all of them.
var relationships = [...]portal.Relationship{portal.Personal, portal.Team, portal.Company, portal.Public, portal.Blocked}

// ruleSet is what the server is to be told of o; the lock is held.
func (s *Service) ruleSet(o *owner) RuleSet {
	own := s.domainOf(o.address)
	inForce := s.o.InForce(o.address)
	set := RuleSet{Own: own, By: map[portal.Relationship][]portal.Address{}, Sights: map[portal.Relationship]portal.Sight{},
		ContactsOnly: o.privacy.ContactsOnly,
		Colleagues:   policy.RelationshipBy(o.privacy, "", o.address, o.address.Domain()),
		Others:       policy.RelationshipBy(o.privacy, "", "", "")}
	for _, r := range relationships {
		set.Sights[r] = policy.Limit(policy.SightOf(o.privacy, r), inForce)
	}
	for _, b := range o.bonds {
		r := policy.RelationshipBy(o.privacy, b.relationship, b.with, own)
		set.By[r] = append(set.By[r], b.with)
	}
	for _, list := range set.By {
		slices.Sort(list)
	}
	return set
}

// fingerprint is the same for the same rules.
func fingerprint(set RuleSet) (string, error) {
	text, err := json.Marshal(set)
	if err != nil {
		return "", fmt.Errorf("rules of presence: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]), nil
}
