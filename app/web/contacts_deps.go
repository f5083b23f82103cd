package web

import (
	"context"

	"portico/app/contacts"
	"portico/app/policy"
	"portico/app/portal"
)

// PeopleDeps is what the pages of people stand on beyond the contact list. Each is nil where the portal has none, and
// what needs it is not offered then.
type PeopleDeps struct {
	Book    ContactBook
	Privacy Privacy
	Places  Places
	Photos  Photos
	Mine    Mine
	// Reports are those of the address book who name somebody as their manager.
	Reports func(ctx context.Context, manager portal.Address) ([]portal.Person, error)
	// InForce is the policies that hold for somebody, from memory; nil: none decides anything.
	InForce func(who portal.Address) portal.InForce
	// States are the custom states that somebody can choose.
	States func(who portal.Address) []portal.CustomState
}

// ContactBook is the contact list with its groups, and what stands beside it. owner is whose list it is.
type ContactBook interface {
	// Sections is the list in one of the orders of contacts.Sort…; presenceOf is asked for that by status.
	Sections(ctx context.Context, owner portal.Address, sort string, presenceOf func(portal.Address) portal.Presence) ([]contacts.Section, error)
	// Groups are the owner's groups in their order; one can be without contacts.
	Groups(ctx context.Context, owner portal.Address) ([]portal.ContactGroup, error)
	PutGroup(ctx context.Context, owner portal.Address, name string) error
	RenameGroup(ctx context.Context, owner portal.Address, old, name string) error
	RemoveGroup(ctx context.Context, owner portal.Address, name string) error
	// OrderGroups puts the groups into this order.
	OrderGroups(ctx context.Context, owner portal.Address, names []string) error
	FoldGroup(ctx context.Context, owner portal.Address, name string, closed bool) error

	Contact(ctx context.Context, owner, uri portal.Address) (portal.Contact, error)
	// Move takes a contact out of one group, "" being none, into another; Copy puts them into one more.
	Move(ctx context.Context, owner, uri portal.Address, from, to string) error
	Copy(ctx context.Context, owner, uri portal.Address, to string) error
	Favourite(ctx context.Context, owner, uri portal.Address, on bool) error
	Tag(ctx context.Context, owner, uri portal.Address, on bool) error
	Nickname(ctx context.Context, owner, uri portal.Address, name string) error

	// Recents are those with whom the owner had to do last, newest first.
	Recents(ctx context.Context, owner portal.Address, limit int) ([]portal.Recent, error)
	// AddDistributionGroup puts a distribution group of the mail system on the list; Expand gives its members.
	AddDistributionGroup(ctx context.Context, owner portal.Address, email, name string) (portal.Contact, error)
	Expand(ctx context.Context, owner, uri portal.Address) ([]portal.Person, error)
	// Outlook are the people of the owner's own contacts folder. It may take as long as the mail server does.
	Outlook(ctx context.Context, owner portal.Address) ([]portal.Person, error)
	SaveToOutlook(ctx context.Context, owner, uri portal.Address) error
	ImportFromOutlook(ctx context.Context, owner portal.Address, uris []portal.Address) error
	// ImportAllFromOutlook gives how many came onto the list.
	ImportAllFromOutlook(ctx context.Context, owner portal.Address) (int, error)
}

// Privacy is who sees what of a person, and who would like to.
type Privacy interface {
	Settings(ctx context.Context, who portal.Address) (portal.Privacy, []portal.Tie, error)
	Save(ctx context.Context, who portal.Address, p portal.Privacy) error
	Give(ctx context.Context, who, with portal.Address, r portal.Relationship) error
	TakeBack(ctx context.Context, who, with portal.Address) error
	Admirers(ctx context.Context, who portal.Address) ([]portal.Admirer, error)
	// Decide says what is to become of somebody: accepted they have the relationship r, else they are blocked.
	Decide(ctx context.Context, who, whom portal.Address, accept bool, r portal.Relationship) error
	NewOnes(ctx context.Context, who portal.Address) (int, error)
	// OnServer is whether the SIP server has what the person decided.
	OnServer(who portal.Address) portal.ServerRules
	// Sight is what viewer sees of owner, from memory.
	Sight(owner, viewer portal.Address) portal.Sight
	// Standing is what owner shows viewer of what is not presence, and the relationship it is of, from memory: who is hidden
	// gets what people without a relationship get.
	Standing(owner, viewer portal.Address) (portal.Relationship, portal.Sight)
	Relationship(ctx context.Context, owner, of portal.Address) (portal.Relationship, error)
}

// Places are where a person is signed in.
type Places interface {
	// Places lists them; session is the one that asks.
	Places(ctx context.Context, who portal.Address, session string) ([]portal.Place, error)
	// SignOut ends what is behind a Place.ID.
	SignOut(ctx context.Context, who portal.Address, id string) error
	// Choose makes the word of one provider the person's presence; "": all places together.
	Choose(ctx context.Context, who portal.Address, provider string) error
}

// Photos are the pictures of people.
type Photos interface {
	// Photo is somebody's picture and its media type; ErrNotFound where there is none.
	Photo(ctx context.Context, of portal.Address) (data []byte, mediaType string, err error)
}

// Mine is what a person says of themselves beyond the state.
type Mine interface {
	// Note and Whereabouts are as they were set, from memory.
	Note(who portal.Address) portal.PersonalNote
	Whereabouts(who portal.Address) portal.Whereabouts
	SetWhereabouts(ctx context.Context, who portal.Address, w portal.Whereabouts) (portal.Presence, error)
	// As is what somebody with a sight sees of a person.
	As(of portal.Address, sight portal.Sight) portal.Presence
}

// inForce is the policies that hold for somebody: where nobody decides, everything is allowed.
func (s *Server) inForce(who portal.Address) portal.InForce {
	if s.InForce == nil {
		return portal.InForce{EnableAppearOffline: true, MayCreateRooms: true}
	}
	return s.InForce(who)
}

// sight is what a viewer sees of somebody.
func (s *Server) sight(owner, viewer portal.Address) portal.Sight {
	if s.Privacy == nil || owner == viewer {
		return portal.FullSight()
	}
	return policy.Limit(s.Privacy.Sight(owner, viewer), s.inForce(owner))
}
