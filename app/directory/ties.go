package directory

// What ties people together: e-mail addresses, and who reports to whom.

import (
	"context"
	"strings"

	"portico/app/portal"
)

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
	return x.take(x.byManager[manager]), nil
}

// People is everybody in the address book, by the alphabet.
func (s *Service) People(context.Context) ([]portal.Person, error) {
	x := s.index.Load()
	return x.take(firstNumbers(len(x.people))), nil
}
