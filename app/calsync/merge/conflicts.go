package merge

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// Conflicts: what lost against a later change, kept so that it can be taken back.

// conflicts notes the losses of a plan.
func (p *planning) conflicts(losses []Loss) {
	for _, l := range losses {
		c := portal.SyncConflict{At: p.Now, CRM: p.record.ID, UID: p.record.UID, Won: l.Won, Fields: slices.Clone(l.Fields), Lost: p.lostChange(&l)}
		private := p.c.Private || l.Given.Private || l.Kept.Private
		if !private {
			c.Subject = p.c.Subject
		}
		c.Kept, c.Given = versions(&l, private)
		h := sha256.New()
		key := ""
		if p.truth != nil {
			key = p.truth.Entry.ChangeKey
		}
		fmt.Fprintf(h, "%s\x00%d\x00%s\x00%s\x00%s", p.record.ID, p.record.Revision, key, l.Occurrence, strings.Join(l.Fields, ","))
		c.ID = hex.EncodeToString(h.Sum(nil)[:12])
		p.out.Conflicts = append(p.out.Conflicts, c)
	}
}

// lostChange is the change of the record that would bring the given-up version back.
func (p *planning) lostChange(l *Loss) portal.AppointmentChange {
	ch := portal.AppointmentChange{}
	g := &l.Given
	for _, f := range l.Fields {
		switch f {
		case "subject":
			ch.Subject = &g.Subject
		case "location":
			ch.Location = &g.Location
		case "body":
			ch.Body = &g.Body
		case "when":
			whole(&ch, g, l.Occurrence == "")
		case "show":
			ch.Show = &g.Show
		case "private":
			ch.Private = &g.Private
		case "reminder":
			ch.ReminderMinutes = &g.Reminder
		case "attendees":
			listed(&ch, g, &l.Kept)
		case "deleted", "occurrence":
			if !l.GivenDeleted {
				ch.Subject, ch.Location, ch.Body, ch.Show, ch.Private = &g.Subject, &g.Location, &g.Body, &g.Show, &g.Private
				whole(&ch, g, l.Occurrence == "")
				listed(&ch, g, &l.Kept)
			}
		}
	}
	if l.Occurrence != "" {
		if t, err := ParseStamp(l.Occurrence); err == nil {
			ch.Scope, ch.Occurrence = portal.ScopeOne, t
		}
	}
	return ch
}

// whole names all times.
func whole(ch *portal.AppointmentChange, g *Content, master bool) {
	ch.Start, ch.End, ch.AllDay = &g.Start, &g.End, &g.AllDay
	if !g.AllDay && g.TimeZone != "" {
		ch.TimeZone = &g.TimeZone
	}
	if master {
		ch.Recurrence = &g.Recurrence
	} else {
		ch.TimeZone = nil
	}
}

// listed names all attendees.
func listed(ch *portal.AppointmentChange, g, kept *Content) {
	list := make([]portal.Attendee, 0, len(g.Attendees))
	for _, p := range g.Attendees {
		list = append(list, p.attendee())
	}
	ch.Attendees, ch.Known = &list, []string{}
	for _, p := range kept.Attendees {
		ch.Known = append(ch.Known, p.Email)
	}
}

// open tells whether a field of a private appointment may be known: that it is there, and when.
func open(field string) bool {
	return slices.Contains([]string{"when", "show", "private", "reminder", "cancelled"}, field)
}

// versions are both versions for people, without the texts of private ones.
func versions(l *Loss, private bool) (kept, given map[string]string) {
	k, g := words(&l.Kept, &l.Given), words(&l.Given, &l.Kept)
	names := l.Fields
	if slices.Contains(names, "deleted") || slices.Contains(names, "occurrence") {
		names = slices.Sorted(maps.Keys(g))
	}
	kept, given = map[string]string{}, map[string]string{}
	for _, f := range names {
		if private && !open(f) {
			continue
		}
		if !l.KeptDeleted {
			kept[f] = k[f]
		}
		if !l.GivenDeleted {
			given[f] = g[f]
		}
	}
	if l.KeptDeleted {
		kept["deleted"] = "true"
	}
	if l.GivenDeleted {
		given["deleted"] = "true"
	}
	return kept, given
}

// words are the fields of a Content as texts. Of an occurrence that is private in it, or in another that it is shown with, the times
// are told alone.
func words(c *Content, with ...*Content) map[string]string {
	if c.Start.IsZero() && c.Subject == "" {
		return map[string]string{}
	}
	w := map[string]string{"subject": c.Subject, "location": c.Location, "body": c.Body, "show": string(c.Show), "private": fmt.Sprint(c.Private),
		"reminder": "", "categories": strings.Join(c.Categories, ", "), "when": whenWords(c)}
	if c.Reminder != nil {
		w["reminder"] = fmt.Sprint(*c.Reminder)
	}
	var list []string
	for _, p := range c.Attendees {
		name := p.Email
		if name == "" {
			name = p.Key
		}
		list = append(list, name+" ("+string(p.Role)+", "+string(p.Response)+")")
	}
	w["attendees"] = strings.Join(list, "; ")
	list = nil
	for _, f := range c.Files {
		list = append(list, f.Name)
	}
	w["files"] = strings.Join(list, "; ")
	w["occurrences"] = occurrenceWords(c, with)
	w["cancelled"] = fmt.Sprint(c.Cancelled)
	return w
}

// occurrenceWords are what differs from a series, as a text.
func occurrenceWords(c *Content, with []*Content) string {
	var list []string
	for _, id := range sortedIDs(c.Exceptions) {
		x := c.Exceptions[id]
		private := x.Private
		for _, o := range with {
			private = private || o.Exceptions[id].Private
		}
		if private {
			list = append(list, id+": "+whenWords(&x))
			continue
		}
		list = append(list, id+": "+x.Subject+", "+whenWords(&x)+", "+x.Location)
	}
	for _, id := range c.Deleted {
		list = append(list, id+": -")
	}
	return strings.Join(list, "; ")
}

func whenWords(c *Content) string {
	if c.AllDay {
		return strings.TrimSpace(c.Start.Format(time.DateOnly) + "/" + c.End.Format(time.DateOnly) + " " + c.Recurrence)
	}
	loc := place(c.TimeZone)
	return strings.TrimSpace(c.Start.In(loc).Format(time.RFC3339) + "/" + c.End.In(loc).Format(time.RFC3339) + " " + c.TimeZone + " " + c.Recurrence)
}

// texts are the fields that differ, for the transaction log.
func texts(from, to *Content) (before, after map[string]string) {
	b, a := words(from, to), words(to, from)
	private := from.Private || to.Private
	before, after = map[string]string{}, map[string]string{}
	for _, f := range slices.Sorted(maps.Keys(a)) {
		if a[f] == b[f] || private && !open(f) {
			continue
		}
		if b[f] != "" {
			before[f] = b[f]
		}
		if a[f] != "" {
			after[f] = a[f]
		}
	}
	return before, after
}

func sortedIDs(m map[string]Content) []string { return slices.Sorted(maps.Keys(m)) }

func sortPersons(list []Person) {
	slices.SortFunc(list, func(a, b Person) int { return strings.Compare(a.Key, b.Key) })
}

// equal tells whether two Contents are the same in all that is compared.
func equal(a, b *Content) bool {
	return same(a, b) && a.Cancelled == b.Cancelled && slices.Equal(a.Deleted, b.Deleted) &&
		slices.EqualFunc(a.Files, b.Files, func(f, g File) bool { return f.Name == g.Name && f.Size == g.Size && f.Hash == g.Hash }) &&
		slices.EqualFunc(a.Attendees, b.Attendees, func(p, q Person) bool { return p.Via == q.Via || p.Via == "" || q.Via == "" }) &&
		maps.EqualFunc(a.Exceptions, b.Exceptions, func(x, y Content) bool { return same(&x, &y) })
}
