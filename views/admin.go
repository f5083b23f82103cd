package views

import (
	"time"

	"portico/app/portal"
)

// AdminPage is the page /admin. What is false has no page in this portal.
type AdminPage struct {
	Frame
	// Sync: the portal synchronises CRM and Exchange, so that there is something to control.
	Sync bool
	// History: it keeps an archive; Policies: it has policies, custom states and origins; Book: its address book tells
	// how it is; Log: it keeps people's logs of problems.
	History, Policies, Book, Log bool
	// Audit: it keeps an audit trail.
	Audit bool
}

// adminPlace is a page of administration beside the control panel of the synchronisation.
type adminPlace struct{ Name, Path string }

// places are those that this portal has, in their order.
func (v AdminPage) places() []adminPlace {
	var out []adminPlace
	add := func(has bool, places ...adminPlace) {
		if has {
			out = append(out, places...)
		}
	}
	add(v.Policies, adminPlace{"policies", PoliciesPath}, adminPlace{"states", StatesPath}, adminPlace{"origins", OriginsPath})
	add(v.Book, adminPlace{"book", BookPath})
	add(v.Log, adminPlace{"signins", SigninsPath})
	add(v.Audit, adminPlace{"audit", AuditPath})
	add(v.History, adminPlace{"history", "/admin/history"})
	return out
}

// Where the pages of administration are.
const (
	PoliciesPath = "/admin/policies"
	StatesPath   = "/admin/custom-states"
	OriginsPath  = "/admin/origins"
	BookPath     = "/admin/book"
	SigninsPath  = "/admin/signins"
)

// ScopeNames names scopes for a reader: groups and people by what they are called.
type ScopeNames struct {
	Groups map[string]string
	People map[string]portal.Person
}

// Scope says for whom a rule holds, or where a value comes from.
func (n ScopeNames) Scope(r Reader, s portal.PolicyScope) string {
	switch s.Kind {
	case portal.ScopeGroup:
		called := n.Groups[s.Who]
		if called == "" {
			return r.Text("policies.scope.group-gone")
		}
		return r.Text("policies.scope.group", "Name", called)
	case portal.ScopePerson:
		return n.person(portal.Address(s.Who))
	}
	return r.Text("policies.scope." + s.Kind)
}

// person is how somebody is called.
func (n ScopeNames) person(a portal.Address) string {
	if p, ok := n.People[string(a)]; ok {
		return name(p)
	}
	return a.Bare()
}

// OriginsPage is the page /admin/origins.
type OriginsPage struct {
	Frame
	Notice
	Origins []portal.Origin
	Names   ScopeNames
	// Typed is what was typed and refused.
	Typed string
	// Script is the address of the presence button's script on this portal.
	Script string
	// Example is whom the example shows.
	Example portal.Address
}

// BookPage is the page /admin/book.
type BookPage struct {
	Frame
	Notice
	Books []portal.BookState
}

// age says how old a copy is, in the coarsest unit that still says something.
func (r Reader) age(t time.Time) string {
	d := r.Now.Sub(t)
	switch {
	case t.IsZero():
		return "–"
	case d < time.Minute:
		return r.Text("book.fresh")
	case d < 2*time.Hour:
		return r.Count("book.minutes", int(d/time.Minute))
	case d < 48*time.Hour:
		return r.Count("book.hours", int(d/time.Hour))
	}
	return r.Count("book.days", int(d/(24*time.Hour)))
}

// state is the mark of a book: there, failed, or not read yet.
func bookMark(b portal.BookState) string {
	switch {
	case b.Failed != "" && b.At.IsZero():
		return "failed"
	case b.Failed != "":
		return "held"
	case b.At.IsZero():
		return "waiting"
	}
	return "done"
}

// SigninsPage is the page /admin/signins: everybody's log of problems, or somebody's.
type SigninsPage struct {
	Frame
	Notice
	// Typed is whose log was asked for, as it was typed; Who whom that is, empty: everybody.
	Typed string
	Who   portal.Person
	Log   IncidentLog
}

// deskTab is a part of a page of administration that has several.
type deskTab struct {
	Path, Text string
	Current    bool
}

// example is what goes into a page of the intranet.
func (v OriginsPage) example() string {
	return `<script src="` + v.Script + `" async></script>` + "\n" + `<portico-presence uri="` + string(v.Example) + `"></portico-presence>`
}

// showsAdmin reports whether the page is one of administration or of diagnosis, whose style the others do not carry.
func (f Frame) showsAdmin() bool { return f.Section == Admin || f.Section == Diagnostics }
