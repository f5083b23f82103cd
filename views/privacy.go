package views

import (
	"cmp"

	"portico/app/portal"
)

// PrivacyPage is the page /privacy: who sees what of the reader.
type PrivacyPage struct {
	Frame
	// Privacy is what the reader decided; Sights what each relationship shows then, Standards what it shows where nothing
	// was changed.
	Privacy   portal.Privacy
	Sights    map[portal.Relationship]portal.Sight
	Standards map[portal.Relationship]portal.Sight
	Ties      []TiedPerson
	Admirers  []AdmiringPerson
	// As is how somebody sees the reader; nil: nobody was chosen.
	As *SeenBy
	// Query is whom the reader looks for in As; a sentence in NotFound where that is nobody.
	Query    string
	NotFound string
	Saved    bool
	// Server is whether the SIP server has what the reader decided.
	Server portal.ServerRules
}

// TiedPerson is somebody who was given a relationship.
type TiedPerson struct {
	portal.Tie
	Person   portal.Person
	Presence portal.Presence
}

// AdmiringPerson is somebody who has the reader on their list, or watches them.
type AdmiringPerson struct {
	portal.Admirer
	Person   portal.Person
	Presence portal.Presence
}

// SeenBy is what somebody sees of the reader.
type SeenBy struct {
	Who          portal.Person
	Relationship portal.Relationship
	// Default: they were given none, and have that of people like them.
	Default bool
	Card    Card
	Sight   portal.Sight
}

// sightItem is one thing that a relationship shows: Key names it in forms and texts.
type sightItem struct {
	Key string
	Of  func(*portal.Sight) *bool
}

// SightItems are what a relationship can show, in the order of the table. A form's field of an item is
// "RELATIONSHIP.KEY".
func SightItems() []sightItem {
	return []sightItem{
		{"activity", func(s *portal.Sight) *bool { return &s.Activity }},
		{"free-busy", func(s *portal.Sight) *bool { return &s.FreeBusy }},
		{"meeting", func(s *portal.Sight) *bool { return &s.Meeting }},
		{"note", func(s *portal.Sight) *bool { return &s.Note }},
		{"numbers", func(s *portal.Sight) *bool { return &s.Numbers }},
		{"location", func(s *portal.Sight) *bool { return &s.Location }},
		{"last-active", func(s *portal.Sight) *bool { return &s.LastActive }},
		{"pierces", func(s *portal.Sight) *bool { return &s.Pierces }},
	}
}

// Shown are the relationships whose sight can be changed: whoever is blocked sees somebody who is offline.
func Shown() []portal.Relationship {
	return []portal.Relationship{portal.Personal, portal.Team, portal.Company, portal.Public}
}

func (v PrivacyPage) shows(r portal.Relationship, item sightItem) bool {
	sight := v.Sights[r]
	return *item.Of(&sight)
}

// standard reports whether a relationship shows an item where nothing was changed.
func (v PrivacyPage) standard(r portal.Relationship, item sightItem) bool {
	sight := v.Standards[r]
	return *item.Of(&sight)
}

// changed reports whether any relationship shows something else than the standard.
func (v PrivacyPage) changed() bool { return len(v.Privacy.Rules) > 0 }

// decided is the key of what policy says of an item; empty: it is the person's choice.
func (v PrivacyPage) decided(item sightItem) string {
	in := v.Mine.InForce
	switch {
	case !v.Mine.Decided:
		return ""
	case (item.Key == "free-busy" || item.Key == "meeting") && in.DisableCalendarPresence,
		item.Key == "free-busy" && in.DisableFreeBusyInfo,
		item.Key == "meeting" && in.DisableMeetingSubjectAndLocation,
		item.Key == "note" && in.DisablePresenceNote:
		return "privacy.decided." + item.Key
	}
	return ""
}

func (v PrivacyPage) colleagues() portal.Relationship {
	return cmp.Or(v.Privacy.Colleagues, portal.Company)
}

func (v PrivacyPage) others() portal.Relationship { return cmp.Or(v.Privacy.Others, portal.Public) }

// seenOf lists in words what somebody sees, or that it is nothing but the state.
func (r Reader) seenOf(s portal.Sight) (yes, no []string) {
	if s.Hidden {
		return nil, nil
	}
	for _, item := range SightItems() {
		if *item.Of(&s) {
			yes = append(yes, r.Text("privacy.item."+item.Key))
		} else {
			no = append(no, r.Text("privacy.item."+item.Key))
		}
	}
	return yes, no
}

// admirerText is what somebody does: watches, waits, has the reader on their list.
func (r Reader) admirerText(a portal.Admirer) string {
	switch {
	case a.Pending:
		return r.Text("privacy.admirer.pending")
	case a.Watching && !a.Since.IsZero():
		return r.Text("privacy.admirer.watching-since", "Time", r.moment(a.Since))
	case a.Watching:
		return r.Text("privacy.admirer.watching")
	}
	return r.Text("privacy.admirer.added")
}
