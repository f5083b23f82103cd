package web

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"portico/app/contacts"
	"portico/app/directory"
	"portico/app/portal"
	"portico/app/presence"
	"portico/app/privacy"
)

const dave = portal.Address("sip:dave@example.test")

// salesList is a distribution group of the tests' mail system; its members are bob and carol.
const salesList = "sales@example.test"

// peopleHouse is the part of the house that is about people: lists with groups, privacy, places and policies.
type peopleHouse struct {
	privacy *privacy.Service
	lists   *contacts.Service
	places  *placesOf
	folder  *folderOf

	policies sync.Mutex
	inForce  portal.InForce
}

// withPeople gives the house all that is about people; others have plain lists.
func withPeople(set *settings) { set.people = true }

func peopleHouseFor(t testing.TB, choose ...func(*settings)) *house {
	t.Helper()
	h := buildHouse(t, append(choose, withPeople)...)
	if t, ok := t.(*testing.T); ok {
		h.contract = newContract(t, h.server.openapi)
	}
	return h
}

// sees prepares presence for privacy, policies and custom states.
func (h *house) sees(o *presence.Options) {
	h.inForce = portal.InForce{EnableAppearOffline: true, MayCreateRooms: true}
	o.Sight = func(subject, viewer portal.Address) (portal.Sight, bool) {
		return h.privacy.SightKnown(subject, viewer)
	}
	o.InForce, o.States = h.holds, customStates
	o.Tagged = func(owner portal.Address) []portal.Address { return h.lists.Tagged(owner) }
}

func (h *house) holds(portal.Address) portal.InForce {
	h.policies.Lock()
	defer h.policies.Unlock()
	return h.inForce
}

// decide has a policy hold from now on.
func (h *house) decide(change func(*portal.InForce)) {
	h.policies.Lock()
	change(&h.inForce)
	h.policies.Unlock()
	h.presence.PoliciesChanged()
}

// customStates are what everybody can choose in these tests.
func customStates(portal.Address) []portal.CustomState {
	return []portal.CustomState{{ID: 1, Availability: portal.Busy, Texts: portal.NewStateTexts(map[int]string{portal.EnglishLCID: "In the lab", 1031: "Im Labor"})}}
}

// newPeople makes the rest and gives it to the edge.
func (h *house) newPeople(deps *Deps, emit func(portal.Address, portal.Current), book *directory.Service, rules privacy.Rules) {
	h.folder = &folderOf{people: []portal.Person{{URI: "sip:olga@elsewhere.test", DisplayName: "Olga Outlook", Email: "olga@elsewhere.test"}}}
	h.lists = contacts.New(h.store, contacts.Options{
		Changed: h.presence.SetContacts, Related: func(owner portal.Address) { h.privacy.ContactsChanged(owner) }, Lookup: book.Lookup, Outlook: h.folder,
		Expander: func(ctx context.Context, _ portal.Address, email string) ([]portal.Person, error) {
			if email != salesList {
				return nil, portal.Fail(portal.ErrNotFound, "contacts.not-found")
			}
			return []portal.Person{book.Lookup(ctx, bob), book.Lookup(ctx, carol)}, nil
		},
	})
	h.privacy = privacy.New(h.store, rules, privacy.Options{FirstRetry: time.Millisecond, MaxRetry: 10 * time.Millisecond, Domain: "example.test", InForce: h.holds, Changed: h.presence.Recheck, Emit: emit, Lookup: book.Lookup,
		AddContact: h.lists.Amend})
	h.places = &placesOf{}
	deps.Contacts = h.lists
	deps.PeopleDeps = PeopleDeps{Book: h.lists, Privacy: h.privacy, Places: h.places, Photos: picture{}, Mine: h.presence, Reports: book.Team, InForce: h.holds, States: customStates}
}

// placesOf is where people are signed in: this browser, and a telephone.
type placesOf struct {
	mu     sync.Mutex
	gone   []string
	chosen string
}

func (p *placesOf) Places(context.Context, portal.Address, string) ([]portal.Place, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := []portal.Place{
		{ID: "session:1", Kind: portal.PlaceBrowser, Name: "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0", Availability: portal.Available, Provider: "portal", Here: true, Leaves: true, Counts: p.chosen == "portal"},
		{ID: "device:phone", Kind: portal.PlacePhone, Name: "Linphone", Availability: portal.Busy, Activity: portal.InACall, Provider: "Linphone", Leaves: true, Counts: p.chosen == "Linphone"},
	}
	return slices.DeleteFunc(all, func(one portal.Place) bool { return slices.Contains(p.gone, one.ID) }), nil
}

func (p *placesOf) SignOut(_ context.Context, _ portal.Address, id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id != "device:phone" {
		return portal.Fail(portal.ErrNotFound, "places.id")
	}
	p.gone = append(p.gone, id)
	return nil
}

func (p *placesOf) Choose(_ context.Context, _ portal.Address, provider string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.chosen = provider
	return nil
}

// folderOf is the contacts folder of everybody's mailbox.
type folderOf struct {
	mu     sync.Mutex
	people []portal.Person
	saved  []portal.Person
	away   error
}

// breaks lets the folder answer with an error from now on.
func (f *folderOf) breaks(why error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = why
}

func (f *folderOf) Contacts(context.Context, portal.Address) ([]portal.Person, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append(slices.Clone(f.people), f.saved...), f.away
}

func (f *folderOf) SaveContact(_ context.Context, _ portal.Address, p portal.Person) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.saved = append(f.saved, p)
	return nil
}

// picture has one of bob.
type picture struct{}

var png = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")

func (picture) Photo(_ context.Context, of portal.Address) ([]byte, string, error) {
	switch of {
	case bob:
		return png, "image/png", nil
	case carol: // what a directory holds may be anything
		return []byte("<html><script>alert(1)</script>"), "image/png", nil
	}
	return nil, "", portal.Fail(portal.ErrNotFound, "photo.none")
}

// lists puts people on alice's list, into groups.
func (h *house) listed(group string, people ...portal.Address) {
	h.t.Helper()
	for _, who := range people {
		if err := h.lists.Put(h.t.Context(), alice, portal.Contact{URI: who, Group: group}); err != nil {
			h.t.Fatal(err)
		}
	}
}

// sees waits until what viewer sees of somebody is as wanted.
func (h *house) showsTo(viewer, of portal.Address, wanted func(portal.Sight) bool) {
	h.t.Helper()
	eventually(h.t, "the sight of "+string(of), func() bool { return wanted(h.privacy.Sight(of, viewer)) })
}

// noon is a fixed present for pages that show times.
func noon() time.Time { return time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC) }
