package calsync

import (
	"context"
	"slices"
	"strings"
	"sync"

	"portico/app/portal"
)

// Pairing: which person of the address book is which CRM user, and what Sync users would do about it.

// What Sync users does with a person.
const (
	actionLink      = "link"
	actionCreate    = "create"
	actionNone      = "none"
	actionAmbiguous = "ambiguous"
	actionResume    = "resume"
)

// index finds CRM users.
type index struct {
	byID    map[string][]portal.CRMUser
	byEmail map[string][]portal.CRMUser
	byName  map[string][]portal.CRMUser
}

func newIndex(users []portal.CRMUser) *index {
	x := &index{byID: map[string][]portal.CRMUser{}, byEmail: map[string][]portal.CRMUser{}, byName: map[string][]portal.CRMUser{}}
	for _, u := range users {
		if u.ExchangeID != "" {
			x.byID[strings.ToLower(u.ExchangeID)] = append(x.byID[strings.ToLower(u.ExchangeID)], u)
		}
		email := emailOf(u)
		x.byEmail[email] = append(x.byEmail[email], u)
		if name := nameKey(u.FirstName, u.LastName); name != "" {
			x.byName[name] = append(x.byName[name], u)
		}
	}
	return x
}

// nameKey is a first and last name as they are compared; empty where one is missing.
func nameKey(first, last string) string {
	first, last = strings.ToLower(strings.TrimSpace(first)), strings.ToLower(strings.TrimSpace(last))
	if first == "" || last == "" {
		return ""
	}
	return first + "\x00" + last
}

// names are a person's first and last name: what stands before the last space, and behind it.
func names(display string) (first, last string) {
	display = strings.Join(strings.Fields(display), " ")
	if last, first, ok := strings.Cut(display, ", "); ok {
		return first, last
	}
	at := strings.LastIndexByte(display, ' ')
	if at < 0 {
		return "", display
	}
	return display[:at], display[at+1:]
}

// emailFor is a person's e-mail address in lower case.
func emailFor(who portal.Person) string {
	if who.Email != "" {
		return strings.ToLower(who.Email)
	}
	return strings.ToLower(who.URI.Bare())
}

// find finds the user of a person: by the Exchange ID, then by the e-mail address, then by first and last name. A name finds
// nobody who is somebody else by ID.
func (x *index) find(who portal.Person, id string) (found []portal.CRMUser, by string) {
	if id != "" {
		if found = x.byID[strings.ToLower(id)]; len(found) > 0 {
			return found, "exchange-id"
		}
	}
	if found = x.byEmail[emailFor(who)]; len(found) > 0 {
		return found, "email"
	}
	key := nameKey(names(who.DisplayName))
	for _, u := range x.byName[key] {
		if u.ExchangeID == "" {
			found = append(found, u)
		}
	}
	if len(found) > 0 {
		return found, "name"
	}
	return nil, ""
}

// planned is what Sync users would do with a person whose identity in Exchange is known (or why it is not).
func planned(x *index, who portal.Person, id, server string, lookup error, create bool) portal.SyncUserPlan {
	row := portal.SyncUserPlan{Person: who, Action: actionNone, ID: id, Server: server}
	found, by := x.find(who, id)
	row.By = by
	if len(found) == 1 {
		row.User = found[0]
	}
	switch {
	case lookup != nil:
		row.Problem = "sync.users." + kindOf(lookup)
	case len(found) > 1:
		row.Action, row.Problem = actionAmbiguous, "sync.users.ambiguous"
	case len(found) == 1 && row.User.ExchangeID != "" && !strings.EqualFold(row.User.ExchangeID, id):
		row.Action, row.Problem = actionAmbiguous, "sync.users.other-id"
	case len(found) == 1 && row.User.ExchangeID != "" && row.User.Server == server:
	case len(found) == 1 && row.User.Cleared:
		row.Action = actionResume
	case len(found) == 1:
		row.Action = actionLink
	case create:
		row.Action = actionCreate
	default:
		row.Problem = "sync.users.no-user"
	}
	return row
}

// identity is somebody in Exchange.
type identity struct {
	id, server string
	err        error
}

// identities looks people up in Exchange, some at a time; the answers are in the order of the question.
func (p *Panel) identities(ctx context.Context, people []portal.Person) []identity {
	out := make([]identity, len(people))
	places := make(chan struct{}, p.o.Parallel)
	var all sync.WaitGroup
	for i, who := range people {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			ctx, cancel := context.WithTimeout(ctx, checkTimeout)
			defer cancel()
			out[i].id, out[i].server, out[i].err = p.x.Identity(ctx, who.URI, emailFor(who))
		})
	}
	all.Wait()
	return out
}

// book is the address book with one entry for each address, by name.
func (p *Panel) book(ctx context.Context) ([]portal.Person, error) {
	list, err := p.o.Book(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b portal.Person) int {
		if c := strings.Compare(strings.ToLower(a.DisplayName), strings.ToLower(b.DisplayName)); c != 0 {
			return c
		}
		return strings.Compare(string(a.URI), string(b.URI))
	})
	seen := map[portal.Address]bool{}
	return slices.DeleteFunc(list, func(who portal.Person) bool {
		twice := seen[who.URI] || who.URI == ""
		seen[who.URI] = true
		return twice
	}), nil
}

// PlanUsers reads the address book and says what Sync users would do with each person; nothing is changed.
func (p *Panel) PlanUsers(ctx context.Context) ([]portal.SyncUserPlan, error) {
	people, err := p.book(ctx)
	if err != nil {
		return nil, err
	}
	return p.plan(ctx, people)
}

func (p *Panel) plan(ctx context.Context, people []portal.Person) ([]portal.SyncUserPlan, error) {
	st, _, err := p.loadSettings(ctx)
	if err != nil {
		return nil, err
	}
	ids := p.identities(ctx, people)
	users, err := p.crm.Users(ctx) // after the lookups, which take their time
	if err != nil {
		return nil, err
	}
	x := newIndex(users)
	out := make([]portal.SyncUserPlan, len(people))
	for i, who := range people {
		out[i] = planned(x, who, ids[i].id, ids[i].server, ids[i].err, st.CreateUsers)
	}
	return out, ctx.Err()
}

// ClearUser takes somebody's Exchange ID away: their synchronisation stops, and nothing is deleted anywhere.
func (p *Panel) ClearUser(ctx context.Context, by, who portal.Address) (portal.CRMUser, error) {
	users, err := p.crm.Users(ctx)
	if err != nil {
		return portal.CRMUser{}, err
	}
	i := slices.IndexFunc(users, func(u portal.CRMUser) bool { return u.Address == who })
	if i < 0 {
		return portal.CRMUser{}, errNoUser(who)
	}
	u := users[i]
	if !u.Synced() {
		return u, nil
	}
	before := map[string]string{"exchange_id": u.ExchangeID, "exchange_server": u.Server}
	u.ExchangeID, u.Server, u.Cleared = "", "", true
	stored, err := p.crm.PutUsers(ctx, []portal.CRMUser{u}, string(by))
	if err != nil {
		return u, err
	}
	line := portal.SyncTransaction{At: p.o.Now(), What: "users", Mailbox: who, Before: before, After: map[string]string{"exchange_id": "", "exchange_server": ""}, Result: "done", By: string(by)}
	if err := p.l.LogSync(ctx, line); err != nil {
		return u, err
	}
	return stored[0], p.refresh(ctx)
}
