package privacy

// What is known in memory of what each person decided, and the answers that come out of it.

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

// owner is one person's decisions. It is owned by the service's lock, but for io.
type owner struct {
	address portal.Address
	// io orders what is written to the store and what is read of it, so that nothing old replaces anything new.
	io sync.Mutex

	// using is how many read or write it now: it is not forgotten meanwhile.
	using int
	// loaded: privacy and bonds are those of the store.
	loaded, signedIn bool
	privacy          portal.Privacy
	// bonds are the relationships given, by address.
	bonds []bond
	// version counts the decisions.
	version uint64
	// asked is when somebody wanted to know last, in Unix nanoseconds; it decides who is forgotten first.
	asked atomic.Int64

	// pushed is a hash of the rules that the SIP server has; empty: it is not known to have any. has is the version of the
	// decisions that they are of; refused: it keeps none.
	pushed  string
	has     uint64
	refused bool
	// unsure: it was told others since, and did not answer; it may have either. misses counts the tries in a row that came to
	// nothing, missed is when the last did.
	unsure bool
	misses int
	missed time.Time

	// watchers is what the SIP server says of who watches, told the number of new ones that was told last.
	watchers []portal.Watcher
	told     int
}

// untold is no number of new ones.
const untold = -1

// bond is a relationship given to somebody.
type bond struct {
	with         portal.Address
	relationship portal.Relationship
	contact      bool
}

// owner finds or makes one; the lock is held.
func (s *Service) owner(who portal.Address) *owner {
	o := s.owners[who]
	if o == nil {
		o = &owner{address: who, told: untold}
		o.asked.Store(s.o.Now().UnixNano())
		s.owners[who] = o
		s.others++
		s.forgetSome(o)
	}
	return o
}

// forgetSome makes room where more than Options.Keep are kept who are not signed in: the tenth of them that nobody asked
// for the longest, but for one; the lock is held.
func (s *Service) forgetSome(but *owner) {
	if s.others <= s.o.Keep {
		return
	}
	var idle []*owner
	for _, o := range s.owners {
		if !o.signedIn && o.using == 0 && o != but {
			idle = append(idle, o)
		}
	}
	// Whoever is asked for meanwhile must not move.
	asked := make(map[*owner]int64, len(idle))
	for _, o := range idle {
		asked[o] = o.asked.Load()
	}
	slices.SortFunc(idle, func(a, b *owner) int {
		return cmp.Or(cmp.Compare(asked[a], asked[b]), cmp.Compare(a.address, b.address))
	})
	for _, o := range idle[:min(len(idle), s.others-s.o.Keep+s.o.Keep/10)] {
		delete(s.owners, o.address)
		s.others--
	}
}

// hold gives the owner with the right to read and write, and what ends it.
func (s *Service) hold(who portal.Address) (o *owner, release func()) {
	s.mu.Lock()
	o = s.owner(who)
	o.using++
	s.mu.Unlock()
	o.io.Lock()
	return o, func() {
		o.io.Unlock()
		s.mu.Lock()
		o.using--
		s.mu.Unlock()
	}
}

// bondWith finds what o gave to somebody.
func (o *owner) bondWith(with portal.Address) (int, bool) {
	return slices.BinarySearchFunc(o.bonds, with, func(b bond, a portal.Address) int { return cmp.Compare(b.with, a) })
}

// given is the relationship o gave to somebody; tied: there is one.
func (o *owner) given(to portal.Address) (r portal.Relationship, tied bool) {
	if i, there := o.bondWith(to); there {
		return o.bonds[i].relationship, true
	}
	return "", false
}

// foreign reports whether what who lets others see is decided elsewhere.
func (s *Service) foreign(who portal.Address) bool {
	return s.o.Domain != "" && who.Domain() != s.o.Domain
}

// domainOf is the domain whose people are colleagues of who.
func (s *Service) domainOf(who portal.Address) string {
	if s.o.Domain != "" {
		return s.o.Domain
	}
	return who.Domain()
}

// Sight is what owner lets viewer see. It answers out of memory: of an owner whose decisions were not read yet nothing is
// seen; they are read in the background, and Options.Changed is told then. What people of other domains let others see
// was decided before their word came here.
func (s *Service) Sight(owner, viewer portal.Address) portal.Sight {
	sight, _ := s.SightKnown(owner, viewer)
	return sight
}

// SightKnown is Sight, and whether that is what owner decided: false where it was not read yet.
func (s *Service) SightKnown(owner, viewer portal.Address) (portal.Sight, bool) {
	if owner == viewer || s.foreign(owner) {
		return portal.FullSight(), true
	}
	s.mu.RLock()
	o := s.owners[owner]
	if o != nil && o.loaded {
		o.asked.Store(s.o.Now().UnixNano())
		r, tied := o.given(viewer)
		sight := policy.SightFor(o.privacy, r, tied, viewer, s.domainOf(owner))
		s.mu.RUnlock()
		return policy.Limit(sight, s.o.InForce(owner)), true
	}
	s.mu.RUnlock()
	s.wanted(owner)
	return portal.Sight{Hidden: true}, false
}

// SightOf is what owner lets viewer see; unlike Sight it waits for what owner decided to be read. An error means ErrUnavailable.
func (s *Service) SightOf(ctx context.Context, owner, viewer portal.Address) (portal.Sight, error) {
	sight, known := s.SightKnown(owner, viewer)
	if known {
		return sight, nil
	}
	o, release := s.hold(owner)
	defer release()
	s.mu.RLock()
	loaded := o.loaded
	s.mu.RUnlock()
	if !loaded {
		if err := s.readInto(ctx, o); err != nil {
			return portal.Sight{Hidden: true}, err
		}
	}
	s.mu.RLock()
	r, tied := o.given(viewer)
	sight = policy.SightFor(o.privacy, r, tied, viewer, s.domainOf(owner))
	s.mu.RUnlock()
	return policy.Limit(sight, s.o.InForce(owner)), nil
}

// Standing is what owner shows viewer of what is not presence, and the relationship it is of, out of memory: as Sight, but who
// is hidden gets what people without a relationship get, so that nobody can tell by it. Of an owner whose decisions were not
// read yet nothing is shown to anybody.
func (s *Service) Standing(owner, viewer portal.Address) (portal.Relationship, portal.Sight) {
	if owner == viewer {
		return portal.Personal, portal.FullSight()
	}
	if s.foreign(owner) {
		return policy.RelationshipBy(portal.Privacy{}, "", viewer, s.domainOf(owner)), portal.FullSight()
	}
	s.mu.RLock()
	o := s.owners[owner]
	if o == nil || !o.loaded {
		s.mu.RUnlock()
		s.wanted(owner)
		return "", portal.Sight{}
	}
	r, tied := o.given(viewer)
	sight := policy.SightFor(o.privacy, r, tied, viewer, s.domainOf(owner))
	if sight.Hidden {
		r = ""
	}
	r = policy.RelationshipBy(o.privacy, r, viewer, s.domainOf(owner))
	if sight.Hidden {
		sight = policy.SightOf(o.privacy, r)
	}
	s.mu.RUnlock()
	return r, policy.Limit(sight, s.o.InForce(owner))
}

// wanted has an owner read in the background.
func (s *Service) wanted(who portal.Address) {
	s.mu.Lock()
	s.owner(who).asked.Store(s.o.Now().UnixNano())
	s.mu.Unlock()
	s.loads.ask(who)
}

// Relationship is what owner has made of somebody: the relationship given, or the one all colleagues or all others have.
// An error means ErrUnavailable: it could not be read.
func (s *Service) Relationship(ctx context.Context, owner, of portal.Address) (portal.Relationship, error) {
	s.mu.RLock()
	if o := s.owners[owner]; o != nil && o.loaded {
		o.asked.Store(s.o.Now().UnixNano())
		defer s.mu.RUnlock()
		return s.made(o, of), nil
	}
	s.mu.RUnlock()
	o, release := s.hold(owner)
	defer release()
	if err := s.readInto(ctx, o); err != nil {
		return "", err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.made(o, of), nil
}

// made is what o has made of somebody; the lock is held.
func (s *Service) made(o *owner, of portal.Address) portal.Relationship {
	r, _ := o.given(of)
	return policy.RelationshipBy(o.privacy, r, of, s.domainOf(o.address))
}

// load is the chore of reading what somebody decided.
func (s *Service) load(ctx context.Context, who portal.Address) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	if err := s.read(ctx, who); err != nil {
		s.o.Logger.Warn("privacy: what somebody decided could not be read; tried again", "owner", who, "err", err)
		return err
	}
	return nil
}

// read brings an owner in memory to what the store has.
func (s *Service) read(ctx context.Context, who portal.Address) error {
	o, release := s.hold(who)
	defer release()
	return s.readInto(ctx, o)
}

// readInto reads an owner that is held, and says so where the store has something else than memory had.
func (s *Service) readInto(ctx context.Context, o *owner) error {
	p, ties, err := s.store.Privacy(ctx, o.address)
	if err != nil {
		return err
	}
	bonds := bondsOf(o.address, ties)
	s.mu.Lock()
	first := !o.loaded
	same := !first && slices.Equal(o.bonds, bonds) && samePrivacy(o.privacy, p)
	var concerned []portal.Address
	if !first {
		concerned = s.added(o.bonds, bonds)
	} else if o.signedIn {
		concerned = []portal.Address{o.address}
	}
	lifted := !first && lifts(o.bonds, bonds, o.privacy, p)
	o.loaded, o.privacy, o.bonds = true, p, bonds
	if !same {
		o.version++
	}
	s.mu.Unlock()
	if same {
		return nil
	}
	if lifted {
		s.lifts.ask(o.address)
	}
	s.changed(o.address)
	for _, a := range concerned {
		s.counts.ask(a)
	}
	return nil
}

// added are those among the contacts of a list who were not on it before and are signed in: they have a new admirer.
func (s *Service) added(before, now []bond) (who []portal.Address) {
	for _, b := range now {
		if o := s.owners[b.with]; !b.contact || o == nil || !o.signedIn {
			continue
		}
		i, there := slices.BinarySearchFunc(before, b.with, func(b bond, a portal.Address) int { return cmp.Compare(b.with, a) })
		if !there || !before[i].contact {
			who = append(who, b.with)
		}
	}
	return who
}

// changed tells the house and the SIP server that others may see something else of who.
func (s *Service) changed(who portal.Address) {
	s.o.Changed(who)
	s.tellServer(who)
}

func bondsOf(who portal.Address, ties []portal.Tie) []bond {
	bonds := make([]bond, 0, len(ties))
	for _, t := range ties {
		if t.With != "" && t.With != who {
			bonds = append(bonds, bond{with: t.With, relationship: t.Relationship, contact: t.Contact})
		}
	}
	slices.SortFunc(bonds, func(a, b bond) int { return cmp.Compare(a.with, b.with) })
	return slices.CompactFunc(bonds, func(a, b bond) bool { return a.with == b.with })
}

func samePrivacy(a, b portal.Privacy) bool {
	if a.Colleagues != b.Colleagues || a.Others != b.Others || a.ContactsOnly != b.ContactsOnly || len(a.Rules) != len(b.Rules) {
		return false
	}
	for r, sight := range a.Rules {
		if other, there := b.Rules[r]; !there || other != sight {
			return false
		}
	}
	return true
}
