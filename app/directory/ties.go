package directory

// What ties people together: e-mail addresses, and who reports to whom.

import (
	"context"
	"strings"

	"portico/app/portal"
)

// maxManagers bounds the chain of managers above somebody.
const maxManagers = 16

// ByEmail is the address of the person with an e-mail address, in any case; empty where nobody has it.
func (s *Service) ByEmail(email string) portal.Address {
	x := s.index.Load()
	if i, ok := x.byEmail[strings.ToLower(email)]; ok {
		return x.people[i].person.URI
	}
	return ""
}

// Team is those who report to a manager, by the alphabet.
func (s *Service) Team(_ context.Context, manager portal.Address) ([]portal.Person, error) {
	x := s.index.Load()
	if i, ok := x.byAddress[manager]; ok {
		manager = x.people[i].person.URI
	}
	return x.take(x.byManager[manager]), nil
}

// Reports is Team under the name that a contact card gives it.
func (s *Service) Reports(ctx context.Context, manager portal.Address) ([]portal.Person, error) {
	return s.Team(ctx, manager)
}

// Managers is whom somebody reports to, to whom that one does and so on, the nearest first: at most 16, and nobody twice where
// the sources go round in a circle. A manager who is not in the address book ends the chain, and is in it by their address.
func (s *Service) Managers(ctx context.Context, of portal.Address) ([]portal.Person, error) {
	p, _ := s.index.Load().person(of)
	seen := map[portal.Address]bool{of: true, p.URI: true}
	var chain []portal.Person
	for p.Manager != "" && !seen[p.Manager] && len(chain) < maxManagers {
		seen[p.Manager] = true
		p = s.Lookup(ctx, p.Manager)
		chain = append(chain, p)
	}
	return chain, nil
}

// People is everybody in the address book, by the alphabet, distribution groups too.
func (s *Service) People(context.Context) ([]portal.Person, error) {
	x := s.index.Load()
	return x.take(firstNumbers(len(x.people))), nil
}
