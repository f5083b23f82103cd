package ewslab

// The calendar attendant: what arrives changes the calendar without anybody doing anything. Requests put a tentative entry
// there, cancellations mark it, rooms answer by themselves.

import (
	"slices"
	"time"
)

// entryProps are the properties that an attendee's entry takes over from the meeting.
func entryProps() []string {
	return append(slices.DeleteFunc(meetingDetails(), func(name string) bool { return name == "LegacyFreeBusyStatus" }), "EnhancedLocation", "DoNotForwardMeeting")
}

// deliverRequest brings a meeting, or an occurrence, to a mailbox: the entry, the request, and what answers by itself. note, when there is
// one, stands in place of the meeting's text.
func (s *Server) deliverRequest(x *tx, meeting *item, organizer, sender, to *mailbox, kind string, note *node) error {
	entry, outdated, err := s.attend(x, meeting, to, kind)
	if err != nil {
		return err
	}
	req := s.request(meeting, kind)
	if note != nil {
		req.set(note.copy())
	}
	s.address(req, x.now, organizer, sender, to)
	req.put("IsOutOfDate", outdated)
	ref := entry.node("AssociatedCalendarItemId")
	req.set(ref)
	if !outdated {
		if err := x.outdate(to.ID, meeting); err != nil {
			return err
		}
	}
	if err := s.arrive(x, req, to); err != nil {
		return err
	}
	if meeting.ID != 0 && req.ID != 0 {
		if err := x.copyAttachments(meeting.ID, req.ID); err != nil {
			return err
		}
	}
	if to.Person.Room {
		return s.bookRoom(x, to, entry, req)
	}
	return s.replyAutomatically(x, to, req, sender)
}

// outdate marks older requests for the same meeting or occurrence.
func (x *tx) outdate(box int64, meeting *item) error {
	list, err := x.items(`mailbox = ? AND uid = ? AND elem = 'MeetingRequest'`, box, meeting.text("UID"))
	if err != nil {
		return err
	}
	for _, old := range list {
		f, err := x.folder(old.Folder)
		if err != nil {
			return err
		}
		if f.Dist != "inbox" || old.flag("IsOutOfDate") || !old.time("RecurrenceId").Equal(meeting.original()) {
			continue
		}
		old.put("IsOutOfDate", true)
		if err := x.saveItem(old); err != nil {
			return err
		}
	}
	return nil
}

// attend makes or changes somebody's entry for a meeting or an occurrence. outdated: they have a newer version already.
func (s *Server) attend(x *tx, meeting *item, who *mailbox, kind string) (entry *item, outdated bool, err error) {
	uid, original := meeting.text("UID"), meeting.original()
	own, err := x.findMeeting(who.ID, uid)
	if err != nil {
		return nil, false, err
	}
	if original.IsZero() {
		return s.attendWhole(x, meeting, own, who, kind)
	}
	if own != nil && own.isSeries() {
		// An occurrence that was declined or cancelled comes back.
		if _, err := x.Exec(`DELETE FROM gaps WHERE master = ? AND original = ?`, own.ID, original.Unix()); err != nil {
			return nil, false, err
		}
		o, err := x.occurrence(own, original)
		if err != nil {
			return nil, false, err
		}
		if o.sequence() > meeting.sequence() {
			return o, true, nil
		}
		takeOver(o, meeting, kind)
		return o, false, x.saveOccurrence(o)
	}
	orphan, err := x.findOrphan(who.ID, uid, original)
	if err != nil {
		return nil, false, err
	}
	if orphan != nil {
		if orphan.sequence() > meeting.sequence() {
			return orphan, true, nil
		}
		takeOver(orphan, meeting, kind)
		return orphan, false, x.saveItem(orphan)
	}
	entry, err = s.newEntry(x, meeting, who)
	return entry, false, err
}

// attendWhole is attend for a series or a single meeting.
func (s *Server) attendWhole(x *tx, meeting, own *item, who *mailbox, kind string) (*item, bool, error) {
	if own == nil {
		entry, err := s.newEntry(x, meeting, who)
		return entry, false, err
	}
	if own.organizes() || own.sequence() > meeting.sequence() {
		return own, true, nil
	}
	if rescheduled(own, meeting) && own.isSeries() {
		if err := x.resetSeries(own); err != nil {
			return nil, false, err
		}
	}
	takeOver(own, meeting, kind)
	if err := x.saveItem(own); err != nil {
		return nil, false, err
	}
	return own, false, s.copyExceptions(x, meeting, own)
}

// newEntry puts a tentative entry into the calendar.
func (s *Server) newEntry(x *tx, meeting *item, who *mailbox) (*item, error) {
	f, err := x.standard(who.ID, "calendar")
	if err != nil {
		return nil, err
	}
	entry := &item{Mailbox: who.ID, Folder: f.ID, Elem: "CalendarItem", Read: true, Props: t("CalendarItem")}
	takeOver(entry, meeting, newMeeting)
	if at := meeting.original(); !at.IsZero() {
		entry.put("RecurrenceId", at)
		entry.remove("Recurrence")
	}
	entry.put("ReminderIsSet", true)
	entry.put("ReminderMinutesBeforeStart", or(meeting.text("ReminderMinutesBeforeStart"), "15"))
	entry.ModifiedBy = meeting.get("Organizer").text("Mailbox", "Name")
	if err := x.insertItem(entry); err != nil {
		return nil, err
	}
	if err := x.copyAttachments(meeting.ID, entry.ID); err != nil {
		return nil, err
	}
	return entry, s.copyExceptions(x, meeting, entry)
}

// takeOver makes an entry what the meeting says. Whoever has to answer anew has not answered.
func takeOver(entry, meeting *item, kind string) {
	for _, name := range entryProps() {
		if name == "Recurrence" && entry.Master != 0 {
			continue
		}
		if n := meeting.get(name); n != nil {
			entry.set(n.copy())
		} else {
			entry.remove(name)
		}
	}
	silence(entry)
	entry.put("IsMeeting", true)
	entry.put("MeetingRequestWasSent", true)
	entry.remove("IsCancelled")
	intended := or(meeting.text("LegacyFreeBusyStatus"), "Busy")
	entry.put("IntendedFreeBusyStatus", intended)
	if kind == informational && entry.get("MyResponseType") != nil {
		return
	}
	entry.put("MyResponseType", "NoResponseReceived")
	entry.remove("AppointmentReplyTime")
	entry.put("LegacyFreeBusyStatus", map[bool]string{true: "Free", false: "Tentative"}[intended == "Free"])
}

// copyExceptions gives an attendee's series the changed and deleted occurrences of the organiser's.
func (s *Server) copyExceptions(x *tx, meeting, entry *item) error {
	if !meeting.isSeries() || !entry.isSeries() || meeting.ID == 0 {
		return nil
	}
	if _, err := x.Exec(`INSERT OR IGNORE INTO gaps(master, original) SELECT ?, original FROM gaps WHERE master = ?`, entry.ID, meeting.ID); err != nil {
		return err
	}
	pattern, err := seriesOf(meeting)
	if err != nil {
		return err
	}
	changed, err := x.exceptions(pattern)
	if err != nil {
		return err
	}
	for _, e := range changed {
		o, err := x.occurrence(entry, e.Original)
		if isCode(err, errorItemNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		takeOver(o, e, newMeeting)
		if err := x.saveOccurrence(o); err != nil {
			return err
		}
	}
	return nil
}

// deliverCancellation brings the word that a meeting, or an occurrence, is off. The entry is marked and stays until it is removed; rooms
// become free at once.
func (s *Server) deliverCancellation(x *tx, meeting *item, organizer, to *mailbox, body *node) error {
	entry, err := x.occurrenceOf(to.ID, meeting.text("UID"), meeting.original())
	if err != nil {
		return err
	}
	word := s.cancellation(meeting, body)
	s.address(word, x.now, organizer, organizer, to)
	if entry != nil && !entry.organizes() {
		if err := s.callOff(x, entry, to); err != nil {
			return err
		}
		if !to.Person.Room {
			word.set(entry.node("AssociatedCalendarItemId"))
		}
	}
	if err := x.outdate(to.ID, meeting); err != nil {
		return err
	}
	if to.Person.Room {
		return nil
	}
	return s.arrive(x, word, to)
}

// callOff marks an entry as cancelled, or removes a room's.
func (s *Server) callOff(x *tx, entry *item, who *mailbox) error {
	if who.Person.Room {
		if entry.Master != 0 {
			return x.deleteOccurrence(entry, who.Person.Name)
		}
		return x.eraseItem(entry)
	}
	entry.put("IsCancelled", true)
	entry.put("LegacyFreeBusyStatus", "Free")
	entry.put("ReminderIsSet", false)
	entry.put("Subject", "Canceled: "+entry.text("Subject"))
	return x.keep(entry)
}

// roomHorizon is how far ahead a room looks for conflicts of a series.
const roomHorizon = 366 * 24 * time.Hour

// bookRoom lets a room answer: it accepts when it is free for every occurrence, else it declines and forgets. The request is dealt with.
func (s *Server) bookRoom(x *tx, room *mailbox, entry *item, req *item) error {
	busy, err := s.roomTaken(x, room, entry)
	if err != nil {
		return err
	}
	r := response{kind: "Accept"}
	if busy {
		r = response{kind: "Decline", body: t("Body", at("BodyType", "Text"), "The resource is already booked at this time.")}
	}
	if err := s.tellOrganizer(x, room, entry, r, nil); err != nil {
		return err
	}
	if req.ID != 0 {
		if err := x.eraseItem(req); err != nil {
			return err
		}
	}
	if busy {
		if entry.Master != 0 {
			return x.deleteOccurrence(entry, room.Person.Name)
		}
		return x.eraseItem(entry)
	}
	entry.put("MyResponseType", "Accept")
	entry.put("LegacyFreeBusyStatus", "Busy")
	entry.put("AppointmentReplyTime", x.now)
	// Whoever looks at a room's calendar sees who has it, not what for.
	entry.put("Subject", or(entry.get("Organizer").text("Mailbox", "Name"), "Meeting"))
	entry.remove("Body")
	return x.keep(entry)
}

// roomTaken says whether something else stands in the room's calendar at the time of an entry.
func (s *Server) roomTaken(x *tx, room *mailbox, entry *item) (bool, error) {
	f, err := x.standard(room.ID, "calendar")
	if err != nil {
		return false, err
	}
	times := []*item{entry}
	until := entry.time("End")
	if entry.isSeries() {
		until = entry.time("Start").Add(roomHorizon)
		if times, err = x.expand(entry, entry.time("Start"), until); err != nil {
			return false, err
		}
	}
	others, err := x.window(f, entry.time("Start"), until)
	if err != nil {
		return false, err
	}
	for _, o := range others {
		if o.text("UID") == entry.text("UID") || o.text("LegacyFreeBusyStatus") == "Free" {
			continue
		}
		for _, mine := range times {
			if o.time("Start").Before(mine.time("End")) && o.time("End").After(mine.time("Start")) {
				return true, nil
			}
		}
	}
	return false, nil
}
