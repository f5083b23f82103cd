package mapping

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"portico/app/portal"
)

// Carrying out rules, and undoing on the way back what a rule of the other way put around a text.

// Item is of an appointment what rules look at and change.
type Item struct {
	Subject    string          `json:"subject"`
	Body       string          `json:"body"`
	Location   string          `json:"location"`
	Categories []string        `json:"categories"`
	Private    bool            `json:"private"`
	AllDay     bool            `json:"all_day"`
	Show       portal.FreeBusy `json:"show"`
	// Meeting: others are invited. Organizer and Mailbox are addresses: whose it is, and in whose mailbox it stands or would stand.
	Meeting   bool   `json:"meeting"`
	Organizer string `json:"organizer"`
	Mailbox   string `json:"mailbox"`
}

// The words for what a rule did.
const (
	DidLeaveOut   = "left-out"
	DidSubject    = "subject"
	DidBody       = "body"
	DidLocation   = "location"
	DidCategories = "categories"
	DidPrivate    = "private"
	DidShow       = "show"
)

// Done is what a rule did.
type Done struct {
	Rule string `json:"rule"`
	// What are Did words; none: the rule was for it and changed nothing. Undone: it is a rule of the other way, what it put around a
	// text was taken off.
	What   []string `json:"what"`
	Undone bool     `json:"undone,omitempty"`
}

// Outcome is what rules made of an appointment.
type Outcome struct {
	Item Item
	// LeftOut: it is not carried. Dropped are the texts that are not: what the other side has there stays.
	LeftOut bool
	Dropped Dropped
	// Trace are the rules that were for it, in their order.
	Trace []Done
}

// Dropped are the texts that are not carried.
type Dropped struct{ Subject, Body, Location bool }

// Mapper is a rule set that is ready for use. It is safe for many goroutines; the nil Mapper changes nothing.
type Mapper struct{ rules []compiled }

// compiled is a rule in force with its expressions.
type compiled struct {
	Rule
	matches                 *regexp.Regexp
	subject, body, location *regexp.Regexp
}

// Bounds of what rules make, in bytes: a rule must not let a text grow without end.
const (
	maxLine = 4 << 10
	maxBody = 256 << 10
)

// Apply carries out the rules of a direction. The Item that it is given is not changed.
func (m *Mapper) Apply(d portal.Direction, it Item) Outcome {
	out := Outcome{Item: it}
	if m == nil {
		return out
	}
	out.Item.Categories = slices.Clone(it.Categories)
	// What was put around first is outermost last: it is taken off in the opposite order.
	for i := len(m.rules) - 1; i >= 0; i-- {
		if r := &m.rules[i]; r.Direction != "" && r.Direction != d {
			out.undo(r)
		}
	}
	for i := range m.rules {
		r := &m.rules[i]
		if r.Direction != "" && r.Direction != d || !r.fits(&out.Item) {
			continue
		}
		out.do(r)
		if out.LeftOut {
			break
		}
	}
	return out
}

func (o *Outcome) do(r *compiled) {
	done := Done{Rule: r.Name, What: []string{}}
	did := func(what string, changed bool) {
		if changed {
			done.What = append(done.What, what)
		}
	}
	was := o.Item
	if r.Do.LeaveOut {
		o.LeftOut = true
		did(DidLeaveOut, true)
	}
	it := &o.Item
	it.Subject = change(r.Do.Subject, r.subject, was.Subject, &was, maxLine)
	it.Body = change(r.Do.Body, r.body, was.Body, &was, maxBody)
	it.Location = change(r.Do.Location, r.location, was.Location, &was, maxLine)
	it.Categories = categories(&r.Do, was.Categories)
	if r.Do.Private != nil {
		it.Private = *r.Do.Private
	}
	if r.Do.Show != "" {
		it.Show = r.Do.Show
	}
	o.Dropped.Subject = o.Dropped.Subject || r.Do.Subject.Drop
	o.Dropped.Body = o.Dropped.Body || r.Do.Body.Drop
	o.Dropped.Location = o.Dropped.Location || r.Do.Location.Drop
	did(DidSubject, r.Do.Subject.Drop || it.Subject != was.Subject)
	did(DidBody, r.Do.Body.Drop || it.Body != was.Body)
	did(DidLocation, r.Do.Location.Drop || it.Location != was.Location)
	did(DidCategories, !slices.Equal(it.Categories, was.Categories))
	did(DidPrivate, it.Private != was.Private)
	did(DidShow, it.Show != was.Show)
	o.Trace = append(o.Trace, done)
}

// change is what a text becomes.
func change(t Text, find *regexp.Regexp, s string, it *Item, limit int) string {
	switch {
	case t.Drop:
		return ""
	case t.Template != "":
		s = fill(t.Template, s, it)
	case find != nil:
		s = find.ReplaceAllString(s, t.Replace)
	}
	if t.Prefix != "" && !strings.HasPrefix(s, t.Prefix) {
		s = t.Prefix + s
	}
	return cut(s, limit)
}

// fill writes a template. One that does already surround the text is not put around it once more.
func fill(template, own string, it *Item) string {
	if head, tail, ok := around(template); ok && len(own) >= len(head)+len(tail) &&
		strings.HasPrefix(own, head) && strings.HasSuffix(own, tail) && head+tail != "" {
		return own
	}
	return strings.NewReplacer("{subject}", it.Subject, "{body}", it.Body, "{location}", it.Location, "{organizer}", it.Organizer,
		"{mailbox}", it.Mailbox, "{categories}", strings.Join(it.Categories, ", "), "{text}", own).Replace(template)
}

// around gives what a template puts before and after the text itself; false where it is made of anything besides.
func around(template string) (head, tail string, ok bool) {
	head, tail, ok = strings.Cut(template, "{text}")
	return head, tail, ok && !strings.ContainsRune(head+tail, '{')
}

func categories(do *Do, was []string) []string {
	if len(do.AddCategories)+len(do.RemoveCategories)+len(do.MapCategories) == 0 {
		return was
	}
	var out []string
	add := func(c string) {
		if c != "" && !slices.ContainsFunc(out, func(o string) bool { return strings.EqualFold(o, c) }) {
			out = append(out, c)
		}
	}
	for _, c := range was {
		for _, from := range slices.Sorted(maps.Keys(do.MapCategories)) {
			if strings.EqualFold(from, c) {
				c = do.MapCategories[from]
				break
			}
		}
		if !slices.ContainsFunc(do.RemoveCategories, func(r string) bool { return strings.EqualFold(r, c) }) {
			add(c)
		}
	}
	for _, c := range do.AddCategories {
		add(c)
	}
	return out
}

// undo takes off what a rule of the other way put around the texts, where that rule would put it there again.
func (o *Outcome) undo(r *compiled) {
	before := o.Item
	before.Subject = bare(r.Do.Subject, before.Subject)
	before.Body = bare(r.Do.Body, before.Body)
	before.Location = bare(r.Do.Location, before.Location)
	if before.Subject == o.Item.Subject && before.Body == o.Item.Body && before.Location == o.Item.Location || !r.fits(&before) {
		return
	}
	done := Done{Rule: r.Name, What: []string{}, Undone: true}
	take := func(what string, t Text, find *regexp.Regexp, to *string, from string, limit int) {
		if from != *to && change(t, find, from, &before, limit) == *to {
			*to = from
			done.What = append(done.What, what)
		}
	}
	take(DidSubject, r.Do.Subject, r.subject, &o.Item.Subject, before.Subject, maxLine)
	take(DidBody, r.Do.Body, r.body, &o.Item.Body, before.Body, maxBody)
	take(DidLocation, r.Do.Location, r.location, &o.Item.Location, before.Location, maxLine)
	if len(done.What) > 0 {
		o.Trace = append(o.Trace, done)
	}
}

// bare is a text without what a rule puts around it.
func bare(t Text, s string) string {
	if t.Find != "" {
		return s
	}
	s = strings.TrimPrefix(s, t.Prefix)
	if head, tail, ok := around(t.Template); ok && len(s) >= len(head)+len(tail) && strings.HasPrefix(s, head) && strings.HasSuffix(s, tail) {
		s = s[len(head) : len(s)-len(tail)]
	}
	return s
}

// fits tells whether a rule is for an appointment.
func (r *compiled) fits(it *Item) bool {
	w := &r.When
	return (w.SubjectContains == "" || strings.Contains(strings.ToLower(it.Subject), strings.ToLower(w.SubjectContains))) &&
		(r.matches == nil || r.matches.MatchString(it.Subject)) &&
		(w.Category == "" || slices.ContainsFunc(it.Categories, func(c string) bool { return strings.EqualFold(c, w.Category) })) &&
		is(w.Private, it.Private) && is(w.AllDay, it.AllDay) && is(w.Meeting, it.Meeting) &&
		(w.Show == "" || w.Show == it.Show) && who(w.Organizer, it.Organizer) && who(w.Mailbox, it.Mailbox)
}

func is(want *bool, have bool) bool { return want == nil || *want == have }

// who tells whether an address is the wanted one, or of the wanted domain.
func who(want, have string) bool {
	want, have = plain(want), plain(have)
	if strings.HasPrefix(want, "@") {
		return strings.HasSuffix(have, want)
	}
	return want == "" || want == have
}

// plain is an address without its scheme, in lower case.
func plain(a string) string {
	a = strings.ToLower(strings.TrimSpace(a))
	for _, scheme := range []string{"sips:", "sip:", "mailto:"} {
		if rest, ok := strings.CutPrefix(a, scheme); ok {
			return rest
		}
	}
	return a
}

// cut shortens s to at most n bytes without breaking a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
