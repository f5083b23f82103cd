package merge

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// Reading either side as a Content.

// OfCRM is a record as it is compared. CRM-only attendees are among its attendees; which of them Exchange is told of, Compare decides.
func OfCRM(r portal.CRMAppointment, users Users) Content {
	n := newNaming(users)
	n.learn(r.Attendees)
	return reader{n: &n, organizers: organizersOf(&n, r.Entry)}.record(&r)
}

// OfExchange is a mailbox's entry as it is compared.
func OfExchange(e portal.Entry, users Users) Content {
	n := newNaming(users)
	n.learn(e.Attendees)
	return reader{n: &n, organizers: organizersOf(&n, e)}.entry(&e)
}

// organizersOf are the keys of those who stand in no list of attendees: it is their appointment.
func organizersOf(n *naming, e portal.Entry) []string {
	out := []string{string(e.Calendar)}
	if !e.Mine && e.Source == portal.SourceExchange {
		out = nil
	}
	if k := n.key(e.Organizer); k != "" {
		out = append(out, k)
	}
	return out
}

// reader makes Contents of one appointment's two sides.
type reader struct {
	n          *naming
	organizers []string
	// response gives somebody's answer where it is known better than from their attendee row; nil: it is not.
	response func(p Person, occurrence time.Time) Person
}

func (rd reader) record(r *portal.CRMAppointment) Content {
	c := rd.entry(&r.Entry)
	c.Cancelled = c.Cancelled || !r.Gone.IsZero()
	c.Files = nil
	for _, k := range r.Kept {
		c.Files = append(c.Files, File{Name: oneLine(k.Name), Size: k.Size, Hash: k.Hash, Ref: k.ID, Type: k.ContentType})
	}
	sortFiles(c.Files)
	return c
}

func (rd reader) entry(e *portal.Entry) Content {
	c := rd.appointment(&e.Appointment, time.Time{})
	c.Recurrence = ruleText(e.Recurrence, &c)
	for _, a := range e.Attachments {
		c.Files = append(c.Files, File{Name: oneLine(a.Name), Size: a.Size, Ref: a.ID, Type: a.ContentType})
	}
	sortFiles(c.Files)
	if c.Recurrence == "" {
		return c
	}
	for _, d := range e.Deleted {
		c.Deleted = append(c.Deleted, Stamp(d))
	}
	for i := range e.Exceptions {
		x := e.Exceptions[i]
		if x.RecurrenceID.IsZero() {
			continue
		}
		id := Stamp(x.RecurrenceID)
		if x.Status == portal.StatusCancelled && e.Status != portal.StatusCancelled {
			c.Deleted = append(c.Deleted, id)
			continue
		}
		if x.TimeZone == "" {
			x.TimeZone = e.TimeZone
		}
		o := rd.appointment(&x, x.RecurrenceID)
		o.Cancelled = c.Cancelled
		c.except(id, o)
	}
	slices.Sort(c.Deleted)
	c.Deleted = slices.Compact(c.Deleted)
	for _, id := range c.Deleted {
		delete(c.Exceptions, id)
	}
	return c
}

// except notes a changed occurrence, unless it differs in nothing from its series.
func (c *Content) except(id string, x Content) {
	if plain := c.plain(id); same(&plain, &x) {
		delete(c.Exceptions, id)
		return
	}
	if c.Exceptions == nil {
		c.Exceptions = map[string]Content{}
	}
	c.Exceptions[id] = x
}

// appointment reads what stands in an appointment by itself.
func (rd reader) appointment(a *portal.Appointment, occurrence time.Time) Content {
	c := Content{Subject: oneLine(a.Subject), Location: oneLine(a.Location), Body: paragraphs(a.Body), AllDay: a.AllDay, Show: a.Show,
		Private: a.Private, Categories: tidyList(a.Categories), Cancelled: a.Status == portal.StatusCancelled}
	c.Start, c.End = tidyTimes(a)
	if !c.AllDay {
		c.TimeZone = zoneName(a.TimeZone)
	}
	c.loc = rd.n.place(c.TimeZone)
	if c.Show == "" || c.Show == portal.ShowNoData {
		c.Show = portal.ShowBusy
	}
	if a.ReminderMinutes != nil {
		m := *a.ReminderMinutes
		c.Reminder = &m
	}
	c.Attendees = rd.persons(a.Attendees, occurrence)
	return c
}

// persons reads a list of attendees, by key, the organiser left out; of somebody listed twice the first counts.
func (rd reader) persons(list []portal.Attendee, occurrence time.Time) []Person {
	var out []Person
	seen := map[string]bool{}
	for _, a := range list {
		key := rd.n.key(a)
		if key == "" || seen[key] || slices.Contains(rd.organizers, key) || a.Response == portal.ResponseOrganizer {
			continue
		}
		seen[key] = true
		p := Person{Key: key, Email: rd.n.email(a), Name: strings.TrimSpace(a.Name), Role: a.Role, Response: a.Response, Word: word(a), List: a.List}
		if p.Role == "" {
			p.Role = portal.RoleRequired
		}
		if !p.Response.Answerable() {
			p.Response = portal.ResponseNone
		}
		if rd.response != nil {
			p = rd.response(p, occurrence)
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Person) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// word differs where what somebody said with their answer does.
func word(a portal.Attendee) string {
	if a.Comment == "" && a.ProposedStart.IsZero() && a.ProposedEnd.IsZero() {
		return ""
	}
	h := sha256.Sum256([]byte(fmt.Sprintf("%s\x00%d\x00%d", paragraphs(a.Comment), a.ProposedStart.Unix(), a.ProposedEnd.Unix())))
	return hex.EncodeToString(h[:4])
}

func sortFiles(list []File) {
	slices.SortStableFunc(list, func(a, b File) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Size, b.Size), strings.Compare(a.Hash, b.Hash))
	})
}

// same tells whether two contents say the same of one appointment, exceptions and files aside.
func same(a, b *Content) bool {
	return a.Subject == b.Subject && a.Location == b.Location && a.Body == b.Body && sameWhen(a, b) && a.Show == b.Show &&
		a.Private == b.Private && sameReminder(a.Reminder, b.Reminder) && slices.EqualFunc(a.Categories, b.Categories, strings.EqualFold) &&
		slices.EqualFunc(a.Attendees, b.Attendees, func(p, q Person) bool {
			return p.Key == q.Key && p.Role == q.Role && p.Response == q.Response && p.Word == q.Word
		})
}

func sameReminder(a, b *int) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}

// person finds somebody in a Content.
func (c *Content) person(key string) *Person {
	for i := range c.Attendees {
		if c.Attendees[i].Key == key {
			return &c.Attendees[i]
		}
	}
	return nil
}
