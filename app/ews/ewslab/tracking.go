package ewslab

// The organiser's tally: who has answered what, when, with which proposal. It lives in the attendee lists of the organiser's copy.

import (
	"strings"
	"time"
)

// tellOrganizer sends an answer about somebody's entry and has it counted. saveIn, when there is one, gets the responder's copy.
func (s *Server) tellOrganizer(x *tx, who *mailbox, entry *item, r response, saveIn *folder) error {
	organizer := s.people.mailbox(entry.get("Organizer").text("Mailbox", "EmailAddress"))
	if organizer == nil || organizer.ID == who.ID {
		return nil
	}
	word := s.answerLetter(entry, r)
	s.address(word, x.now, who, who, organizer)
	if saveIn != nil {
		kept := word.clone()
		kept.Mailbox, kept.Folder, kept.Read, kept.ModifiedBy = who.ID, saveIn.ID, true, who.Person.Name
		if err := x.insertItem(kept); err != nil {
			return err
		}
	}
	own, err := x.findMeeting(organizer.ID, entry.text("UID"))
	if err != nil {
		return err
	}
	if own == nil || !own.organizes() {
		return s.arrive(x, word, organizer)
	}
	word.set(own.node("AssociatedCalendarItemId"))
	if entry.sequence() < own.sequence() && entry.original().IsZero() {
		word.put("IsOutOfDate", true)
		return s.arrive(x, word, organizer)
	}
	if err := s.count(x, own, entry.original(), who, r); err != nil {
		return err
	}
	return s.arrive(x, word, organizer)
}

// count enters an answer into the organiser's copy: into one occurrence, or into the meeting and those of its exceptions that have lists
// of their own.
func (s *Server) count(x *tx, own *item, original time.Time, who *mailbox, r response) error {
	if !original.IsZero() {
		o, err := x.occurrence(own, original)
		if isCode(err, errorItemNotFound) {
			return nil // cancelled meanwhile
		}
		if err != nil {
			return err
		}
		s.enter(o, who, r, x.now)
		return x.saveOccurrence(o)
	}
	s.enter(own, who, r, x.now)
	if own.isSeries() {
		rows, err := x.items(`master = ?`, own.ID)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.attendeeNamed(who.Email) == nil {
				continue
			}
			s.enter(row, who, r, x.now)
			if err := x.saveItem(row); err != nil {
				return err
			}
		}
	}
	return x.saveItem(own)
}

// enter writes an answer into an appointment's lists. Who stands in none (a member of a list, somebody it was forwarded to) is added.
func (s *Server) enter(it *item, who *mailbox, r response, at time.Time) {
	answered := func(box *node) *node {
		a := t("Attendee", box, t("ResponseType", r.kind), t("LastResponseTime", at))
		if !r.start.IsZero() {
			a.add(t("ProposedStart", r.start), t("ProposedEnd", r.end))
		}
		return a
	}
	for _, list := range attendeeLists() {
		n := it.get(list)
		for i, a := range n.kids() {
			if strings.EqualFold(a.text("Mailbox", "EmailAddress"), who.Email) {
				changed := n.copy()
				changed.Kids[i] = answered(a.kid("Mailbox").copy())
				it.set(changed)
				return
			}
		}
	}
	it.addAttendee(answered(s.entryOf(who).mailboxNode("Mailbox")))
}

// addAttendee adds somebody to those who are required.
func (i *item) addAttendee(a *node) {
	list := i.get("RequiredAttendees").copy()
	if list == nil {
		list = t("RequiredAttendees")
	}
	i.set(list.add(a))
}
