package policy

// The endpoint that a person chose to count, and what endpoints say beside their state.

import (
	"cmp"
	"time"

	"portico/app/portal"
)

// PortalProvider is the name under which the portal itself is chosen as the endpoint that counts.
const PortalProvider = "portal"

// ProviderOf is the name under which an endpoint can be chosen: its label, where no other endpoint among claims has the
// same, else its id.
func ProviderOf(c portal.Claim, claims []portal.Claim) string {
	if c.Label == "" || c.Label == PortalProvider {
		return c.Endpoint
	}
	for _, other := range claims {
		if other.Label == c.Label && other.Endpoint != c.Endpoint {
			return c.Endpoint
		}
	}
	return c.Label
}

// Chosen finds the claim of the endpoint that provider names, by its id, else by its label; false: it is not there. Of
// several claims that fit, that of the newest word is taken.
func Chosen(claims []portal.Claim, provider string, now time.Time) (best portal.Claim, found bool) {
	if provider == "" || provider == PortalProvider {
		return portal.Claim{}, false
	}
	exact := false
	for _, c := range claims {
		id := c.Endpoint == provider
		if ended(c, now) || !id && c.Label != provider || exact && !id {
			continue
		}
		if !found || id && !exact || stronger(levelHand, c, best) {
			best, found, exact = c, true, id
		}
	}
	return best, found
}

// counting gives the claims whose state counts, and those whose notes, place and calendar do: all of them, or those of
// the endpoint that the newest claim with a Provider names.
func counting(claims []portal.Claim, now time.Time) (state, details []portal.Claim) {
	carrier := -1
	for i, c := range claims {
		if c.Provider == "" || ended(c, now) {
			continue
		}
		if carrier < 0 || cmp.Or(c.At.Compare(claims[carrier].At), cmp.Compare(c.Endpoint, claims[carrier].Endpoint)) > 0 {
			carrier = i
		}
	}
	if carrier < 0 {
		return claims, claims
	}
	named := claims[carrier]
	if named.Provider == PortalProvider {
		one := []portal.Claim{named}
		return one, one
	}
	chosen, there := Chosen(claims, named.Provider, now)
	if !there {
		return claims, claims
	}
	return []portal.Claim{chosen}, []portal.Claim{chosen, named}
}

// noIM reports whether all endpoints that are there say that they take no instant messages.
func noIM(claims []portal.Claim, now time.Time) bool {
	any := false
	for _, c := range claims {
		if ended(c, now) || c.Availability == portal.Offline {
			continue
		}
		if !c.NoIM {
			return false
		}
		any = true
	}
	return any
}

// whereabouts are place and time zone by the claim that was made last of those that tell one of them.
func whereabouts(claims []portal.Claim) (location, zone string) {
	var best portal.Claim
	told := false
	for _, c := range claims {
		if c.Location == "" && c.TimeZone == "" {
			continue
		}
		later := cmp.Or(c.At.Compare(best.At), cmp.Compare(c.Location, best.Location), cmp.Compare(c.TimeZone, best.TimeZone))
		if !told || later > 0 {
			best, told = c, true
		}
	}
	return best.Location, best.TimeZone
}
