package ewslab

// What leaves a mailbox: invitations, updates, cancellations and mail. The core calls these inside its transaction, after its own
// write; whoever is written to has it when the transaction commits.

import (
	"errors"
	"strings"
	"time"
)

// Kinds of meeting requests.
const (
	newMeeting    = "NewMeetingRequest"
	fullUpdate    = "FullUpdate"          // time or pattern changed: everybody is asked again
	informational = "InformationalUpdate" // answers stay
)

// attendeeLists are the properties that hold attendees.
func attendeeLists() []string {
	return []string{"RequiredAttendees", "OptionalAttendees", "Resources"}
}

// attendees are all t:Attendee of an appointment.
func (i *item) attendees() []*node {
	var out []*node
	for _, list := range attendeeLists() {
		out = append(out, i.get(list).kids()...)
	}
	return out
}

// attendeeNamed finds one by address, nil without.
func (i *item) attendeeNamed(email string) *node {
	for _, a := range i.attendees() {
		if strings.EqualFold(a.text("Mailbox", "EmailAddress"), email) {
			return a
		}
	}
	return nil
}

// invited are the mailboxes that an appointment's attendees reach, lists expanded, each once, without the organiser's.
func (s *Server) invited(it *item, organizer *mailbox) []*mailbox {
	return s.reached(it.attendees(), organizer)
}

func (s *Server) reached(attendees []*node, organizer *mailbox) []*mailbox {
	var out []*mailbox
	seen := map[int64]bool{organizer.ID: true}
	for _, a := range attendees {
		e := s.people.find(a.text("Mailbox", "EmailAddress"))
		if e == nil {
			continue // outside: nothing leaves the lab
		}
		for _, b := range s.membersOf(e) {
			if !seen[b.ID] {
				seen[b.ID] = true
				out = append(out, b)
			}
		}
	}
	return out
}

// organizes says whether the appointment is the mailbox owner's own.
func (i *item) organizes() bool { return i.myResponse() == "Organizer" }

// sequence is the number of the meeting's version.
func (i *item) sequence() int { return number(i.text("AppointmentSequenceNumber"), 0) }

// original is the start by the pattern, nothing for a whole series or a single appointment.
func (i *item) original() time.Time {
	if i.Master != 0 {
		return i.Original
	}
	return i.time("RecurrenceId")
}

// keep writes an appointment or an occurrence.
func (x *tx) keep(it *item) error {
	if it.Master != 0 {
		return x.saveOccurrence(it)
	}
	return x.saveItem(it)
}

// savesCopy says whether a mode keeps a copy of what is sent.
func savesCopy(mode string) bool { return strings.HasSuffix(mode, "SaveCopy") }

// sendInvitations follows the creation of a calendar item; mode is SendMeetingInvitations.
func (s *Server) sendInvitations(x *tx, c *call, it *item, mode string) error {
	organizer := s.people.byID[it.Mailbox]
	if organizer == nil || !it.organizes() || mode == "SendToNone" {
		return nil
	}
	it.put("MeetingRequestWasSent", true)
	it.put("IsMeeting", true)
	it.put("AppointmentSequenceNumber", it.sequence())
	if err := x.keep(it); err != nil {
		return err
	}
	return s.invite(x, it, s.invited(it, organizer), newMeeting, savesCopy(mode))
}

// invite sends a meeting's request to mailboxes, and a copy into the organiser's Sent Items.
func (s *Server) invite(x *tx, meeting *item, to []*mailbox, kind string, saveCopy bool) error {
	organizer := s.people.byID[meeting.Mailbox]
	for _, b := range to {
		if err := s.deliverRequest(x, meeting, organizer, organizer, b, kind, nil); err != nil {
			return err
		}
	}
	if !saveCopy || len(to) == 0 {
		return nil
	}
	sent := s.request(meeting, kind)
	s.address(sent, x.now, organizer, organizer, to...)
	return s.saveSent(x, sent, organizer)
}

// saveSent puts a copy into somebody's Sent Items.
func (s *Server) saveSent(x *tx, it *item, who *mailbox) error {
	f, err := x.standard(who.ID, "sentitems")
	if err != nil {
		return err
	}
	it.Mailbox, it.Folder, it.Read, it.ModifiedBy = who.ID, f.ID, true, who.Person.Name
	return x.insertItem(it)
}

// sendUpdates follows a change; before is the item (or occurrence) as it was, mode SendMeetingInvitationsOrCancellations.
func (s *Server) sendUpdates(x *tx, c *call, before, after *item, mode string) error {
	organizer := s.people.byID[after.Mailbox]
	if organizer == nil || !after.organizes() || mode == "SendToNone" {
		return nil
	}
	if !before.isMeeting() && !after.isMeeting() {
		return nil
	}
	full := rescheduled(before, after)
	kind := informational
	if full {
		kind = fullUpdate
		silence(after) // everybody has to answer anew
	}
	if !before.flag("MeetingRequestWasSent") {
		kind = newMeeting
	} else if full {
		after.put("AppointmentSequenceNumber", before.sequence()+1)
	}
	after.put("MeetingRequestWasSent", true)
	after.put("IsMeeting", true)
	if err := x.keep(after); err != nil {
		return err
	}
	added, kept, removed := s.compareInvited(before, after, organizer)
	if kind == newMeeting {
		added, kept = append(added, kept...), nil
	}
	if strings.HasPrefix(mode, "SendOnlyToChanged") || strings.HasPrefix(mode, "SendToChanged") {
		kept = nil
	}
	if err := s.invite(x, after, added, newMeeting, savesCopy(mode)); err != nil {
		return err
	}
	if err := s.invite(x, after, kept, kind, savesCopy(mode)); err != nil {
		return err
	}
	return s.cancelFor(x, before, removed, nil, savesCopy(mode))
}

// compareInvited tells who is new, who stays and who is no longer invited.
func (s *Server) compareInvited(before, after *item, organizer *mailbox) (added, kept, removed []*mailbox) {
	had := map[int64]bool{}
	for _, b := range s.invited(before, organizer) {
		had[b.ID] = true
	}
	has := map[int64]bool{}
	for _, b := range s.invited(after, organizer) {
		has[b.ID] = true
		if had[b.ID] {
			kept = append(kept, b)
		} else {
			added = append(added, b)
		}
	}
	for _, b := range s.invited(before, organizer) {
		if !has[b.ID] {
			removed = append(removed, b)
		}
	}
	return added, kept, removed
}

// rescheduled says whether a change is one that everybody has to answer anew.
func rescheduled(before, after *item) bool {
	if !before.time("Start").Equal(after.time("Start")) || !before.time("End").Equal(after.time("End")) {
		return true
	}
	return before.get("Recurrence").String() != after.get("Recurrence").String()
}

// sendCancellations goes before a deletion of a calendar item or occurrence; mode is SendMeetingCancellations. For an attendee's own
// entry the answer to the organiser is a decline.
func (s *Server) sendCancellations(x *tx, c *call, it *item, mode string) error {
	owner := s.people.byID[it.Mailbox]
	if owner == nil || !it.isMeeting() || mode == "SendToNone" {
		return nil
	}
	f, err := x.folder(it.Folder)
	if err != nil || f.Dist == "deleteditems" || !strings.HasPrefix(f.Class, "IPF.Appointment") {
		return err
	}
	if it.organizes() {
		return s.cancelFor(x, it, s.invited(it, owner), nil, savesCopy(mode))
	}
	if it.flag("IsCancelled") || it.text("MyResponseType") == "Decline" {
		return nil
	}
	return s.tellOrganizer(x, owner, it, response{kind: "Decline"}, nil)
}

// cancelFor tells mailboxes that a meeting, or an occurrence, is off; body may be nil.
func (s *Server) cancelFor(x *tx, meeting *item, to []*mailbox, body *node, saveCopy bool) error {
	organizer := s.people.byID[meeting.Mailbox]
	if !meeting.flag("MeetingRequestWasSent") || len(to) == 0 {
		return nil
	}
	for _, b := range to {
		if err := s.deliverCancellation(x, meeting, organizer, b, body); err != nil {
			return err
		}
	}
	if !saveCopy {
		return nil
	}
	sent := s.cancellation(meeting, body)
	s.address(sent, x.now, organizer, organizer, to...)
	return s.saveSent(x, sent, organizer)
}

// sendMessage delivers a message to its recipients and keeps a copy in saveIn (nil: none).
func (s *Server) sendMessage(x *tx, c *call, it *item, saveIn *folder) error {
	sender := s.people.byID[it.Mailbox]
	var to []*node
	for _, list := range []string{"ToRecipients", "CcRecipients", "BccRecipients"} {
		for _, box := range it.get(list).kids() {
			to = append(to, t("Attendee", box))
		}
	}
	if len(to) == 0 {
		return fail("ErrorInvalidRecipients", "At least one recipient isn't valid.")
	}
	if sender != nil && it.get("From") == nil {
		it.put("From", s.entryOf(sender).mailboxNode("Mailbox"))
	}
	if sender != nil {
		it.put("Sender", s.entryOf(sender).mailboxNode("Mailbox"))
	}
	it.put("DateTimeSent", x.now)
	reached := s.reached(to, &mailbox{ID: -1}) // who writes to oneself gets it too
	for _, b := range reached {
		if err := s.deliverCopy(x, it, b, sender); err != nil {
			return err
		}
	}
	if saveIn == nil {
		return nil
	}
	kept := it.clone()
	kept.Mailbox, kept.Folder, kept.Read, kept.Draft = saveIn.Mailbox, saveIn.ID, true, false
	if err := x.insertItem(kept); err != nil {
		return err
	}
	return x.copyAttachments(it.ID, kept.ID)
}

// deliverCopy puts a message into somebody's inbox. Who is out of office answers.
func (s *Server) deliverCopy(x *tx, it *item, to *mailbox, sender *mailbox) error {
	inbox, err := x.standard(to.ID, "inbox")
	if err != nil {
		return err
	}
	copied := it.clone()
	copied.Mailbox, copied.Folder, copied.Read, copied.Draft, copied.Received = to.ID, inbox.ID, false, false, time.Time{}
	copied.remove("BccRecipients", "IsDraft")
	copied.put("ReceivedBy", s.entryOf(to).mailboxNode("Mailbox"))
	if err := x.deliverItem(copied); err != nil {
		return err
	}
	if err := x.copyAttachments(it.ID, copied.ID); err != nil {
		return err
	}
	return s.replyAutomatically(x, to, copied, sender)
}

// clone is the item as a new one, not yet written.
func (i *item) clone() *item {
	o := *i
	o.ID, o.Master, o.Created, o.Props = 0, 0, time.Time{}, i.Props.copy()
	return &o
}

// deliverItem writes an item that arrives: it is new mail.
func (x *tx) deliverItem(it *item) error {
	it.Read, it.Draft = false, false
	if err := x.insertItem(it); err != nil {
		return err
	}
	f, err := x.folder(it.Folder)
	if err != nil {
		return err
	}
	x.note(change{Kind: newMail, Mailbox: it.Mailbox, Item: it.ID, Folder: it.Folder})
	unread := 0
	if err := x.QueryRow(`SELECT COUNT(*) FROM items WHERE folder = ? AND is_read = 0 AND master = 0`, f.ID).Scan(&unread); err != nil {
		return err
	}
	x.note(change{Kind: modified, Mailbox: it.Mailbox, Folder: f.ID, Parent: f.Parent, Unread: &unread})
	return nil
}

// findMeeting finds a mailbox's entry of a meeting: the series or the single appointment, nil without. The main calendar comes first.
func (x *tx) findMeeting(box int64, uid string) (*item, error) {
	return x.findEntry(box, uid, func(i *item) bool { return i.get("RecurrenceId") == nil })
}

// findOrphan finds the entry of one occurrence at somebody who was not invited to its series.
func (x *tx) findOrphan(box int64, uid string, original time.Time) (*item, error) {
	return x.findEntry(box, uid, func(i *item) bool { return i.get("RecurrenceId") != nil && i.time("RecurrenceId").Equal(original) })
}

func (x *tx) findEntry(box int64, uid string, fits func(*item) bool) (*item, error) {
	if uid == "" {
		return nil, nil
	}
	list, err := x.items(`mailbox = ? AND uid = ? AND master = 0 AND elem = 'CalendarItem' ORDER BY id`, box, uid)
	if err != nil {
		return nil, err
	}
	var found *item
	for _, it := range list {
		f, err := x.folder(it.Folder)
		if err != nil {
			return nil, err
		}
		if !fits(it) || !strings.HasPrefix(f.Class, "IPF.Appointment") {
			continue
		}
		if f.Dist == "calendar" {
			return it, nil
		}
		if found == nil {
			found = it
		}
	}
	return found, nil
}

// occurrenceOf finds a mailbox's entry for a meeting or one of its occurrences, nil without.
func (x *tx) occurrenceOf(box int64, uid string, original time.Time) (*item, error) {
	own, err := x.findMeeting(box, uid)
	if err != nil || original.IsZero() {
		return own, err
	}
	if own == nil || !own.isSeries() {
		return x.findOrphan(box, uid, original)
	}
	o, err := x.occurrence(own, original)
	var f *failure
	if errors.As(err, &f) {
		return nil, nil
	}
	return o, err
}
