package merge

import (
	"strings"
	"time"

	"portico/app/portal"
)

// People: who is meant by an address or an e-mail, and who has a mailbox.

// Users are the CRM's users, to be found by address and e-mail. The zero value has none.
type Users struct {
	byAddress map[portal.Address]portal.CRMUser
	byEmail   map[string]portal.Address
}

// NewUsers makes a list ready for use; it is safe for many goroutines afterwards. Of two with one e-mail the one with a mailbox is
// meant, else the first.
func NewUsers(list []portal.CRMUser) Users {
	u := Users{byAddress: make(map[portal.Address]portal.CRMUser, len(list)), byEmail: make(map[string]portal.Address, 2*len(list))}
	for _, x := range list {
		u.byAddress[x.Address] = x
		for _, e := range []string{x.Email, x.ExchangeID, bare(x.Address)} {
			e = fold(e)
			if !strings.Contains(e, "@") {
				continue
			}
			if have, ok := u.byEmail[e]; !ok || !u.byAddress[have].Synced() && x.Synced() {
				u.byEmail[e] = x.Address
			}
		}
	}
	return u
}

// Of gives a user by address.
func (u Users) Of(a portal.Address) (portal.CRMUser, bool) {
	x, ok := u.byAddress[a]
	return x, ok
}

// ByEmail gives a user by any of their e-mail addresses.
func (u Users) ByEmail(email string) (portal.CRMUser, bool) {
	a, ok := u.byEmail[fold(email)]
	if !ok {
		return portal.CRMUser{}, false
	}
	return u.Of(a)
}

// synced tells whether an address is a user whose mailbox is kept in step.
func (u Users) synced(a portal.Address) bool { return a != "" && u.byAddress[a].Synced() }

// local tells whether an address is a user whose diary is in CRM alone.
func (u Users) local(a portal.Address) bool {
	x, ok := u.byAddress[a]
	return ok && !x.Synced()
}

// fold is an e-mail address as it is compared.
func fold(email string) string {
	email = strings.ToLower(strings.TrimSpace(email))
	for _, scheme := range []string{"mailto:", "smtp:"} {
		email = strings.TrimPrefix(email, scheme)
	}
	return email
}

// bare is an address as an e-mail address.
func bare(a portal.Address) string {
	_, rest, _ := strings.Cut(string(a), ":")
	return rest
}

// naming resolves attendees to keys: a colleague has one, whatever e-mail address a list has them under.
type naming struct {
	users Users
	alias map[string]portal.Address // addresses that somebody is known by in this appointment
	// places are the zones that were looked up.
	places map[string]*time.Location
}

func newNaming(u Users) naming {
	return naming{u, map[string]portal.Address{}, map[string]*time.Location{}}
}

// learn notes under which e-mail addresses the attendees of a side that names its users are known.
func (n *naming) learn(list []portal.Attendee) {
	for _, a := range list {
		if a.URI != "" && a.Email != "" {
			n.alias[fold(a.Email)] = a.URI
		}
	}
}

func (n *naming) learnPersons(list []Person) {
	for _, p := range list {
		if strings.HasPrefix(p.Key, "sip:") && p.Email != "" {
			n.alias[fold(p.Email)] = portal.Address(p.Key)
		}
	}
}

// uri is the user whom an attendee is, "" for people outside.
func (n *naming) uri(a portal.Attendee) portal.Address {
	if a.Email != "" {
		if x, ok := n.users.ByEmail(a.Email); ok {
			return x.Address
		}
		if uri, ok := n.alias[fold(a.Email)]; ok {
			return uri
		}
	}
	return a.URI
}

// key tells people apart; empty for somebody without any address.
func (n *naming) key(a portal.Attendee) string {
	if uri := n.uri(a); uri != "" {
		return string(uri)
	}
	return fold(a.Email)
}

// email is where an attendee is written to, "" where nobody knows.
func (n *naming) email(a portal.Attendee) string {
	if x, ok := n.users.Of(n.uri(a)); ok && x.Email != "" && a.Email == "" {
		return x.Email
	}
	return strings.TrimSpace(a.Email)
}
