package rooms

// Who is meant by what is said: one index of all names and watched words, so that a message costs by the words it
// has and not by the people who might be meant.

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"portico/app/policy"
	"portico/app/portal"
)

type people = map[portal.Address]struct{}

// phrase is one or several words in a row that somebody wants to hear of.
type phrase struct {
	words []string
	who   people
}

// index belongs to Service.mu.
type index struct {
	// phrases are all there are by their words with spaces between, starts the same ones by their first word.
	phrases map[string]*phrase
	starts  map[string][]*phrase
	// handles are who may be meant by a name behind an "@".
	handles map[string]people
	// of is what each person is in the index under.
	of map[portal.Address]entered
}

type entered struct{ phrases, handles []string }

func newIndex() *index {
	return &index{phrases: map[string]*phrase{}, starts: map[string][]*phrase{}, handles: map[string]people{},
		of: map[portal.Address]entered{}}
}

// phrases are what always and by choice is watched for somebody: user part (of one letter it would be in every other
// sentence), display name, words.
func phrases(who portal.Address, name string, words []string) []string {
	var keys []string
	own := user(who)
	if utf8.RuneCountInString(own) < 2 {
		own = ""
	}
	for _, w := range append([]string{own, name}, words...) {
		if key := strings.Join(policy.Tokens(w), " "); key != "" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// handles are the names by which somebody is called with an "@".
func handles(who portal.Address, name string) []string {
	keys := []string{policy.Fold(user(who)), policy.Fold(user(who) + "@" + who.Domain())}
	if fields := strings.Fields(policy.Fold(name)); len(fields) > 0 {
		keys = append(keys, strings.Join(fields, ""), strings.Join(fields, "."))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// user is the user part as people write it.
func user(who portal.Address) string {
	if plain, err := url.PathUnescape(who.User()); err == nil {
		return plain
	}
	return who.User()
}

// set replaces all of who's entries.
func (x *index) set(who portal.Address, phrases, handles []string) {
	had := x.of[who]
	for _, key := range had.phrases {
		x.drop(key, who)
	}
	for _, key := range had.handles {
		delete(x.handles[key], who)
		if len(x.handles[key]) == 0 {
			delete(x.handles, key)
		}
	}
	for _, key := range phrases {
		x.put(key, who)
	}
	for _, key := range handles {
		if x.handles[key] == nil {
			x.handles[key] = people{}
		}
		x.handles[key][who] = struct{}{}
	}
	if len(phrases)+len(handles) == 0 {
		delete(x.of, who)
		return
	}
	x.of[who] = entered{phrases, handles}
}

func (x *index) put(key string, who portal.Address) {
	p := x.phrases[key]
	if p == nil {
		p = &phrase{words: strings.Split(key, " "), who: people{}}
		x.phrases[key] = p
		x.starts[p.words[0]] = append(x.starts[p.words[0]], p)
	}
	p.who[who] = struct{}{}
}

func (x *index) drop(key string, who portal.Address) {
	p := x.phrases[key]
	delete(p.who, who)
	if len(p.who) > 0 {
		return
	}
	delete(x.phrases, key)
	first := p.words[0]
	left := slices.DeleteFunc(x.starts[first], func(q *phrase) bool { return q == p })
	if len(left) == 0 {
		delete(x.starts, first)
	} else {
		x.starts[first] = left
	}
}

// spokenOf are the members of r whose name or watched words are among words.
func (x *index) spokenOf(r *room, words []string, into people) {
	seen := map[*phrase]bool{}
	for i, w := range words {
		for _, p := range x.starts[w] {
			if seen[p] || len(p.words) > len(words)-i || !slices.Equal(p.words, words[i:i+len(p.words)]) {
				continue
			}
			seen[p] = true
			both(r, p.who, into)
		}
	}
}

// both adds who is in the room and in who, at the cost of the smaller of the two.
func both(r *room, who, into people) {
	if len(who) <= len(r.members) {
		for w := range who {
			if r.members[w] != nil {
				into[w] = struct{}{}
			}
		}
		return
	}
	for w := range r.members {
		if _, is := who[w]; is {
			into[w] = struct{}{}
		}
	}
}

// everybody is the name behind an "@" that means all members.
const everybody = "all"

// meaning is who is meant by a text.
type meaning struct {
	// mentions are named with an "@", named all who are to be told, the sender left out.
	mentions, named []portal.Address
	all             bool
}

// means finds who is meant by what from says in r. Called with the lock held, for reading.
func (s *Service) means(r *room, from portal.Address, words []string, called [][]string) meaning {
	var m meaning
	at, named := people{}, people{}
	for _, readings := range called {
		if readings[0] == everybody && r.mine(from).Role == portal.RoleManager {
			m.all = true
			continue
		}
		for _, name := range readings {
			before := len(at)
			known := s.index.handles[name]
			both(r, known, at)
			if len(at) > before || hasAny(at, known) {
				break
			}
		}
	}
	m.mentions = slices.Sorted(maps.Keys(at))
	if m.all {
		m.named = without(but(r.people, r.absent), from)
		return m
	}
	s.index.spokenOf(r, words, named)
	maps.Copy(named, at)
	delete(named, from)
	m.named = but(slices.Sorted(maps.Keys(named)), r.absent)
	return m
}

func hasAny(set, of people) bool {
	for w := range of {
		if _, is := set[w]; is {
			return true
		}
	}
	return false
}
