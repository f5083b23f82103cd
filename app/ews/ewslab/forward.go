package ewslab

// A meeting that is passed on: others get its invitation, the organiser gets them as attendees and is told.

import "strings"

// forwardMeeting invites others to a meeting. The organiser's copy gets them as attendees and the organiser is told who passed it on.
func (s *Server) forwardMeeting(x *tx, c *call, object *node, it *item, disposition string, saveIn *folder) error {
	sender := s.people.byID[it.Mailbox]
	organizer := s.people.mailbox(it.get("Organizer").text("Mailbox", "EmailAddress"))
	if sender == nil || organizer == nil {
		return fail(errorItemNotFound)
	}
	var wanted []*node
	for _, list := range []string{"ToRecipients", "CcRecipients", "BccRecipients"} {
		for _, box := range object.kid(list).kids() {
			box = box.copy().inTypes()
			c.cleanMailbox(box)
			wanted = append(wanted, t("Attendee", box, t("ResponseType", "Unknown")))
		}
	}
	to := s.reached(wanted, organizer)
	if len(to) == 0 {
		return fail("ErrorInvalidRecipients", "At least one recipient isn't valid.")
	}
	if disposition == "SaveOnly" {
		return fail("ErrorInvalidOperation", "A forwarded meeting cannot be kept as a draft.")
	}
	meeting, err := s.organizersCopy(x, it, organizer, wanted)
	if err != nil {
		return err
	}
	var note *node
	if b := object.kid("NewBodyContent"); b.text() != "" {
		note = b.copy().inTypes()
		note.Name = "Body"
	}
	for _, b := range to {
		if err := s.deliverRequest(x, meeting, organizer, sender, b, newMeeting, note); err != nil {
			return err
		}
	}
	if sender.ID != organizer.ID {
		return s.tellOfForward(x, meeting, organizer, sender, to)
	}
	return nil
}

// organizersCopy adds people to the organiser's copy and answers it; without one the forwarded item stands for it.
func (s *Server) organizersCopy(x *tx, it *item, organizer *mailbox, wanted []*node) (*item, error) {
	meeting, err := x.occurrenceOf(organizer.ID, it.text("UID"), it.original())
	if err != nil {
		return nil, err
	}
	if meeting == nil || !meeting.organizes() {
		meeting = it.clone()
		meeting.Elem, meeting.Mailbox = "CalendarItem", organizer.ID
		meeting.remove("MyResponseType")
		meeting.put("LegacyFreeBusyStatus", or(it.text("IntendedFreeBusyStatus"), "Busy"))
		return meeting, nil
	}
	for _, a := range wanted {
		if meeting.attendeeNamed(a.text("Mailbox", "EmailAddress")) == nil {
			meeting.addAttendee(a)
		}
	}
	meeting.put("IsMeeting", true)
	meeting.put("MeetingRequestWasSent", true)
	return meeting, x.keep(meeting)
}

// tellOfForward lets the organiser know.
func (s *Server) tellOfForward(x *tx, meeting *item, organizer, sender *mailbox, to []*mailbox) error {
	var names []string
	for _, b := range to {
		names = append(names, b.Person.Name)
	}
	word := &item{Elem: "Message", Props: t("Message")}
	word.put("ItemClass", "IPM.Schedule.Meeting.Notification.Forward")
	word.put("Subject", "Meeting Forward Notification: "+meeting.text("Subject"))
	word.put("Body", at("BodyType", "Text"), sender.Person.Name+" has forwarded your meeting request to: "+strings.Join(names, "; "))
	s.address(word, x.now, sender, sender, organizer)
	return s.intoInbox(x, word, organizer)
}
