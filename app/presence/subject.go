package presence

// Somebody who is watched, and what is said of them: shared by all who are told the same.

import (
	"cmp"
	"slices"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

// subject is a person of whom somebody wants to know. It exists once, however many watch.
type subject struct {
	address portal.Address
	// id orders the entries of a person; it is never used twice.
	id uint64
	// views are the different words that watchers hold now, newest last: mostly one.
	views []*view
	// watchers are the people whose entries name the subject, by their numbers, in their order.
	watchers []uint32
	// local is the subject as a person of this portal, nil for others.
	local *person
}

// watched notes that a person has an entry of the subject, unwatched that they have none any more.
func (s *subject) watched(number uint32) {
	i, there := slices.BinarySearch(s.watchers, number)
	if there {
		return
	}
	if len(s.watchers) == cap(s.watchers) {
		s.watchers = slices.Grow(s.watchers, 1+len(s.watchers)/8)
	}
	s.watchers = slices.Insert(s.watchers, i, number)
}

func (s *subject) unwatched(number uint32) {
	if i, there := slices.BinarySearch(s.watchers, number); there {
		s.watchers = slices.Delete(s.watchers, i, i+1)
	}
}

// view is one word on a subject: the claims of all endpoints and what they come to. Claims never change;
// the presence does when a claim comes to its end.
type view struct {
	claims   []portal.Claim
	presence portal.Presence
	// next is when the presence changes by itself; zero: never.
	next time.Time
	// held is the number of entries that hold the view.
	held int
}

// viewOf finds the view that says what claims say, or makes it, following on what was said last. The views are those of
// now.
func (s *subject) viewOf(claims []portal.Claim, now time.Time) *view {
	for _, v := range s.views {
		// Mostly another watcher was just told the same, word for word.
		if slices.EqualFunc(v.claims, claims, func(a, b portal.Claim) bool { return a == form(b) }) {
			return v
		}
	}
	claims = canonical(claims)
	for _, v := range s.views {
		if slices.Equal(v.claims, claims) {
			return v
		}
	}
	v := &view{claims: claims}
	if n := len(s.views); n > 0 {
		v.presence = s.views[n-1].presence
	}
	v.compose(s.address, now)
	s.views = append(s.views, v)
	return v
}

// release gives back a hold on v.
func (s *subject) release(v *view) {
	if v.held--; v.held == 0 {
		s.views = slices.DeleteFunc(s.views, func(x *view) bool { return x == v })
	}
}

// refresh composes anew when a claim has come to its end since, and reports whether that changed anything.
func (v *view) refresh(of portal.Address, now time.Time) bool {
	if v.next.IsZero() || now.Before(v.next) {
		return false
	}
	before := v.presence
	v.compose(of, now)
	return v.presence != before
}

// compose follows on v.presence, which is the zero value where nothing was known before.
func (v *view) compose(of portal.Address, now time.Time) {
	p := policy.Compose(v.claims, now)
	p.URI = of
	v.presence = policy.Follow(v.presence, p, now)
	v.next = policy.NextChange(v.claims, now)
}

// canonical is a copy of claims in one order and with times in one form, so that equal words are equal
// values. When an endpoint made its claim does not matter here unless it is all that is known.
func canonical(claims []portal.Claim) []portal.Claim {
	out := slices.Clone(claims)
	for i := range out {
		out[i] = form(out[i])
	}
	slices.SortFunc(out, func(a, b portal.Claim) int {
		return cmp.Or(cmp.Compare(a.Endpoint, b.Endpoint), cmp.Compare(a.Availability, b.Availability),
			cmp.Compare(a.Activity, b.Activity), a.Since.Compare(b.Since), a.At.Compare(b.At), cmp.Compare(a.Note, b.Note),
			cmp.Compare(a.Label, b.Label), cmp.Compare(a.Provider, b.Provider))
	})
	return slices.Clip(out)
}

// form is a claim with times in one form.
func form(c portal.Claim) portal.Claim {
	c.Since, c.Until, c.At = instant(c.Since), instant(c.Until), instant(c.At)
	return c
}

// instant strips what two equal times may differ in.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.Round(0).UTC()
}
