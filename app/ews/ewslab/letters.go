package ewslab

// The meeting messages: requests, cancellations, answers, as they lie in an inbox.

import (
	"strings"
	"time"
)

// meetingDetails are the properties that a request takes over from the meeting.
func meetingDetails() []string {
	return []string{"Subject", "Sensitivity", "Body", "Importance", "Start", "End", "IsAllDayEvent", "LegacyFreeBusyStatus", "Location", "RequiredAttendees",
		"OptionalAttendees", "Resources", "Organizer", "Recurrence", "MeetingTimeZone", "StartTimeZone", "EndTimeZone", "UID", "AppointmentSequenceNumber",
		"AllowNewTimeProposal", "IsResponseRequested", "ConferenceType", "IsOnlineMeeting", "MeetingWorkspaceUrl", "NetShowUrl"}
}

// letter begins a meeting message of a kind about a meeting.
func (s *Server) letter(elem, class string, meeting *item, props []string) *item {
	it := &item{Elem: elem, Props: &node{Space: "t", Name: elem}}
	for _, name := range props {
		if n := meeting.get(name); n != nil {
			it.set(n.copy())
		}
	}
	it.put("ItemClass", class)
	it.put("UID", meeting.text("UID"))
	if at := meeting.original(); !at.IsZero() {
		it.put("RecurrenceId", at)
	}
	return it
}

// address says from whom, for whom and to whom a message goes.
func (s *Server) address(it *item, when time.Time, from, sender *mailbox, to ...*mailbox) {
	it.put("From", s.entryOf(from).mailboxNode("Mailbox"))
	it.put("Sender", s.entryOf(sender).mailboxNode("Mailbox"))
	recipients := t("ToRecipients")
	for _, b := range to {
		recipients.add(s.entryOf(b).mailboxNode("Mailbox"))
	}
	if len(recipients.Kids) > 0 {
		it.set(recipients)
	}
	it.put("DateTimeSent", when)
	if isMeetingMessage(it.Elem) {
		it.put("DateTimeStamp", when)
	}
}

// request is a meeting's request.
func (s *Server) request(meeting *item, kind string) *item {
	it := s.letter("MeetingRequest", "IPM.Schedule.Meeting.Request", meeting, meetingDetails())
	silence(it)
	it.put("MeetingRequestType", kind)
	it.put("IntendedFreeBusyStatus", or(meeting.text("LegacyFreeBusyStatus"), "Busy"))
	it.put("LegacyFreeBusyStatus", "Tentative")
	it.put("IsMeeting", true)
	it.put("IsRecurring", meeting.isSeries() || !meeting.original().IsZero())
	it.put("IsCancelled", false)
	it.put("MeetingRequestWasSent", true)
	it.put("CalendarItemType", meeting.calendarType())
	it.put("MyResponseType", "NoResponseReceived")
	it.put("ResponseType", "NoResponseReceived")
	it.put("IsDelegated", false)
	it.put("IsOutOfDate", false)
	it.put("HasBeenProcessed", true)
	if meeting.Master != 0 {
		it.put("OriginalStart", meeting.Original)
	}
	return it
}

// silence takes the answers out of an appointment's lists: they are the organiser's to see.
func silence(it *item) {
	for _, list := range attendeeLists() {
		n := it.get(list)
		if n == nil {
			continue
		}
		quiet := t(list)
		for _, a := range n.Kids {
			quiet.add(t("Attendee", a.kid("Mailbox").copy(), t("ResponseType", "Unknown")))
		}
		it.set(quiet)
	}
}

// cancellation is the word that a meeting is off.
func (s *Server) cancellation(meeting *item, body *node) *item {
	it := s.letter("MeetingCancellation", "IPM.Schedule.Meeting.Canceled", meeting, []string{"Subject", "Sensitivity", "Importance", "Start", "End", "Location", "Recurrence"})
	it.put("Subject", "Canceled: "+strings.TrimPrefix(meeting.text("Subject"), "Canceled: "))
	if body != nil {
		it.set(body.copy())
	}
	it.put("CalendarItemType", meeting.calendarType())
	it.put("ResponseType", "NoResponseReceived")
	it.put("IsDelegated", false)
	it.put("IsOutOfDate", false)
	it.put("HasBeenProcessed", true)
	return it
}

// response is somebody's answer.
type response struct {
	kind       string // Accept, Tentative, Decline
	body       *node  // t:Body, nil without
	start, end time.Time
}

// words are the item class's end and the subject's beginning of an answer.
func (r response) words() (class, prefix string) {
	switch {
	case r.kind == "Decline":
		class, prefix = "Neg", "Declined: "
	case r.kind == "Accept":
		class, prefix = "Pos", "Accepted: "
	default:
		class, prefix = "Tent", "Tentative: "
	}
	if !r.start.IsZero() {
		prefix = "New Time Proposed: "
	}
	return class, prefix
}

// answerLetter is the message that carries an answer about somebody's entry of a meeting.
func (s *Server) answerLetter(entry *item, r response) *item {
	class, prefix := r.words()
	it := s.letter("MeetingResponse", "IPM.Schedule.Meeting.Resp."+class, entry, []string{"Sensitivity", "Importance", "Start", "End", "Location", "Recurrence"})
	it.put("Subject", prefix+entry.text("Subject"))
	if r.body != nil {
		it.set(r.body.copy())
	}
	it.put("ResponseType", r.kind)
	it.put("CalendarItemType", entry.calendarType())
	it.put("IsDelegated", false)
	it.put("IsOutOfDate", false)
	it.put("HasBeenProcessed", true)
	if !r.start.IsZero() {
		it.put("ProposedStart", r.start)
		it.put("ProposedEnd", r.end)
	}
	return it
}

// isResponseClass says whether an item class is that of an answer.
func isResponseClass(class string) bool { return strings.HasPrefix(class, "IPM.Schedule.Meeting.Resp") }

// arrive puts a meeting message into a mailbox, and copies of it into those of delegates who are to have them. A mailbox whose owner wants
// the delegates alone to see requests gets none.
func (s *Server) arrive(x *tx, it *item, to *mailbox) error {
	list, deliver, _, err := s.delegates(x, to.ID)
	if err != nil {
		return err
	}
	copies := false
	for _, d := range list {
		if !d.copies || deliver == "NoForward" || d.who.Mailbox == nil {
			continue
		}
		copies = true
		delegated := it.clone()
		delegated.put("IsDelegated", true)
		delegated.put("ReceivedRepresenting", s.entryOf(to).mailboxNode("Mailbox"))
		if err := s.intoInbox(x, delegated, d.who.Mailbox); err != nil {
			return err
		}
	}
	if copies && deliver == "DelegatesOnly" {
		return nil
	}
	return s.intoInbox(x, it, to)
}

func (s *Server) intoInbox(x *tx, it *item, to *mailbox) error {
	inbox, err := x.standard(to.ID, "inbox")
	if err != nil {
		return err
	}
	it.Mailbox, it.Folder = to.ID, inbox.ID
	it.ModifiedBy = it.get("Sender").text("Mailbox", "Name")
	it.put("ReceivedBy", s.entryOf(to).mailboxNode("Mailbox"))
	return x.deliverItem(it)
}
