package web

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// The configuration information of a person, part by part: on the page, and as text to send to whoever helps.

// factGroups gathers what there is to know. What cannot be asked right now is missing, and says so; the page is for when
// things are broken.
func (s *Server) factGroups(c echo.Context) ([]views.FactGroup, error) {
	r := s.reader(c)
	ctx, who := c.Request().Context(), s.person(c)
	me, err := s.me(c)
	if err != nil {
		return nil, err
	}
	var known Facts
	asked := s.Facts != nil
	if asked {
		if known, err = s.Facts(ctx, who); err != nil {
			s.Logger.WarnContext(ctx, "what is known of a person's connections cannot be told", "person", string(who), "error", err)
			asked = false
		}
	}
	groups := []views.FactGroup{s.personFacts(c, r, me, known)}
	groups = append(groups, lineFacts(r, known.Line, s.Account.LineState(who))...)
	groups = append(groups, exchangeFacts(r, known.Exchange))
	if asked {
		groups = append(groups, contactsFacts(r, known.Contacts))
	}
	if s.Books != nil {
		groups = append(groups, bookFacts(r, booksFor(r, me, s.Books.States())))
	}
	if s.Policies != nil {
		decided, err := s.policyFacts(c, r)
		if err != nil {
			s.Logger.WarnContext(ctx, "what policy decides for a person cannot be told", "person", string(who), "error", err)
		} else {
			groups = append(groups, decided)
		}
	}
	return groups, nil
}

// personFacts are who asks, of which portal, with which browser.
func (s *Server) personFacts(c echo.Context, r views.Reader, me portal.Me, known Facts) views.FactGroup {
	a := s.audience(c)
	portalURL := s.Config.PublicURL
	if portalURL == "" {
		portalURL = c.Scheme() + "://" + c.Request().Host
	}
	return views.FactGroup{ID: "person", Title: r.Text("diagnostics.you"), Facts: []views.Fact{
		{Name: r.Text("diagnostics.address"), Value: string(me.URI), Code: true},
		{Name: r.Text("diagnostics.email"), Value: me.Email, Code: true},
		{Name: r.Text("diagnostics.name"), Value: me.DisplayName},
		{Name: r.Text("diagnostics.roles"), Value: strings.Join(me.Roles, ", ")},
		{Name: r.Text("diagnostics.portal"), Value: portalURL, Code: true},
		{Name: r.Text("diagnostics.version"), Value: known.Version, Code: true},
		{Name: r.Text("diagnostics.time"), At: r.Now},
		{Name: r.Text("diagnostics.locale"), Value: a.Locale + ", " + a.Zone},
		{Name: r.Text("diagnostics.browser"), Value: cleanAgent(c.Request().UserAgent()), Code: true},
		{Name: r.Text("diagnostics.browser-at"), Value: c.RealIP(), Code: true},
		{Name: r.Text("diagnostics.connections"), Value: strconv.Itoa(s.Hub.Online(me.URI))},
	}}
}

// lineFacts are the registration at the SIP server and the subscriptions there.
func lineFacts(r views.Reader, l *portal.LineFacts, state portal.LineEvent) []views.FactGroup {
	g := views.FactGroup{ID: "sip", Title: r.Text("diagnostics.sip"), None: r.Text("diagnostics.sip-none")}
	if l == nil {
		return []views.FactGroup{g}
	}
	word := views.Fact{Name: r.Text("diagnostics.state"), Value: r.Text("diagnostics.line.up"), Mark: "done"}
	if state.State != "" && state.State != "up" {
		word.Value, word.Mark = sentence(r.Catalogue, state.Reason, nil), "failed"
	}
	g.Facts = []views.Fact{
		word,
		{Name: r.Text("diagnostics.proxy"), Value: l.Proxy, Code: true},
		{Name: r.Text("diagnostics.server"), Value: l.Server, Code: true},
		{Name: r.Text("diagnostics.transport"), Value: strings.ToUpper(l.Transport)},
		{Name: r.Text("diagnostics.auth"), Value: l.Auth},
		{Name: r.Text("diagnostics.contact"), Value: l.Contact, Code: true},
		{Name: r.Text("diagnostics.registered"), At: l.RegisteredAt},
		{Name: r.Text("diagnostics.until"), At: l.Until},
		{Name: r.Text("diagnostics.published"), At: l.Published},
		{Name: r.Text("diagnostics.xcap"), Value: strings.Join(l.XCAP, ", ")},
	}
	g.Facts = append(g.Facts, lastError(r, l.LastError, l.LastErrorAt)...)
	subs := views.FactGroup{ID: "subscriptions", Title: r.Text("diagnostics.subscriptions"), None: r.Text("diagnostics.subscriptions-none")}
	if len(l.Subscriptions) > 0 {
		subs.Head = []string{r.Text("diagnostics.event"), r.Text("diagnostics.of"), r.Text("diagnostics.state"), r.Text("diagnostics.until")}
	}
	for _, sub := range l.Subscriptions {
		subs.Table = append(subs.Table, []views.Fact{
			{Value: sub.Event, Code: true}, {Value: sub.Of.Bare(), Code: true},
			{Value: subscriptionWord(r, sub.State), Mark: subscriptionMark(sub.State)}, {At: sub.Until},
		})
	}
	return []views.FactGroup{g, subs}
}

func subscriptionWord(r views.Reader, state string) string {
	if key := "diagnostics.subscription." + state; r.Has(key) {
		return r.Text(key)
	}
	return state
}

func subscriptionMark(state string) string {
	switch state {
	case "active":
		return "done"
	case "refused":
		return "failed"
	}
	return "waiting"
}

// lastError is the last failure of a connection; nothing where there was none.
func lastError(r views.Reader, text string, at time.Time) []views.Fact {
	if text == "" {
		return nil
	}
	return []views.Fact{{Name: r.Text("diagnostics.last-error"), Value: text, Code: true}, {Name: r.Text("diagnostics.last-error-at"), At: at}}
}

// exchangeFacts are the ways to Exchange.
func exchangeFacts(r views.Reader, all []portal.ExchangeFacts) views.FactGroup {
	g := views.FactGroup{ID: "exchange", Title: r.Text("diagnostics.exchange"), None: r.Text("diagnostics.exchange-none")}
	for _, x := range all {
		state := views.Fact{Name: r.Text("diagnostics.state"), Value: r.Text("diagnostics.exchange.up"), Mark: "done"}
		switch x.State {
		case "down":
			state.Value, state.Mark = r.Text("diagnostics.exchange.down"), "failed"
		case "none":
			state.Value, state.Mark = r.Text("diagnostics.exchange.none"), "off"
		}
		g.Facts = append(g.Facts, state,
			views.Fact{Name: r.Text("diagnostics.server-name"), Value: x.Name},
			views.Fact{Name: r.Text("diagnostics.url"), Value: x.URL, Code: true},
			views.Fact{Name: r.Text("diagnostics.server"), Value: x.Version, Code: true},
			views.Fact{Name: r.Text("diagnostics.auth"), Value: x.Auth},
			views.Fact{Name: r.Text("diagnostics.mailbox"), Value: x.Mailbox, Code: true},
			views.Fact{Name: r.Text("diagnostics.read"), At: x.ReadAt})
		g.Facts = append(g.Facts, lastError(r, x.LastError, x.LastErrorAt)...)
	}
	return g
}

// contactsFacts say where the contact list is kept.
func contactsFacts(r views.Reader, k portal.ContactsFacts) views.FactGroup {
	place := r.Text("diagnostics.contacts.portal")
	if k.Place == "server" {
		place = r.Text("diagnostics.contacts.server")
	}
	g := views.FactGroup{ID: "contacts", Title: r.Text("diagnostics.contacts"), Facts: []views.Fact{
		{Name: r.Text("diagnostics.place"), Value: place},
		{Name: r.Text("diagnostics.entries"), Value: strconv.Itoa(k.Contacts)},
	}}
	if k.Place == "server" {
		g.Facts = append(g.Facts, views.Fact{Name: r.Text("diagnostics.synced"), At: k.SyncedAt})
	}
	g.Facts = append(g.Facts, lastError(r, k.LastError, time.Time{})...)
	return g
}

// booksFor is how the address books are as somebody may know it: why one could not be read is for administrators, others
// are told that it could not.
func booksFor(r views.Reader, me portal.Me, all []portal.BookState) []portal.BookState {
	if slices.Contains(me.Roles, portal.RoleAdmin) {
		return all
	}
	all = slices.Clone(all)
	for i, b := range all {
		switch {
		case b.Failed == "":
		case b.At.IsZero():
			all[i].Failed = r.Text("book.state.failed")
		default:
			all[i].Failed = r.Text("book.state.held")
		}
	}
	return all
}

// bookFacts are the address books.
func bookFacts(r views.Reader, all []portal.BookState) views.FactGroup {
	g := views.FactGroup{ID: "book", Title: r.Text("diagnostics.book"), None: r.Text("book.none")}
	if len(all) > 0 {
		g.Head = []string{r.Text("diagnostics.source"), r.Text("book.people"), r.Text("diagnostics.read"), r.Text("book.next"), r.Text("diagnostics.last-error")}
	}
	for _, b := range all {
		g.Table = append(g.Table, []views.Fact{{Value: b.Name}, {Value: strconv.Itoa(b.People)}, {At: b.At}, {At: b.Next}, {Value: b.Failed, Code: true}})
	}
	return g
}

// policyFacts are the policies in effect for the person, with where each comes from.
func (s *Server) policyFacts(c echo.Context, r views.Reader) (views.FactGroup, error) {
	ctx := c.Request().Context()
	g := views.FactGroup{ID: "policies", Title: r.Text("diagnostics.policies"), None: r.Text("policies.none-decided")}
	decided, err := s.Policies.Effective(ctx, s.person(c))
	if err != nil {
		return g, err
	}
	groups, err := s.Policies.Groups(ctx)
	if err != nil {
		return g, err
	}
	g.Head = []string{r.Text("policies.policy"), r.Text("policies.value"), r.Text("policies.from")}
	names := s.scopeNames(ctx, groups)
	for _, d := range decided {
		from := r.Text("policies.where." + d.From.Kind)
		if d.From.Kind == portal.ScopeGroup {
			from = names.Scope(r, d.From)
		}
		g.Table = append(g.Table, []views.Fact{{Value: d.Name, Code: true}, {Value: r.PolicyValue(d.Value)}, {Value: from}})
	}
	return g, nil
}
