package ewslab

// Response objects of CreateItem: which does what; answers to invitations, cancelling, removing.

// respond does what a response object of CreateItem asks for (AcceptItem, TentativelyAcceptItem, DeclineItem, CancelCalendarItem,
// RemoveItem, ForwardItem, ReplyToItem, ...) and answers the items that were created.
func (s *Server) respond(x *tx, c *call, object *node, disposition string, saveIn *folder) ([]*node, error) {
	ref := object.kid("ReferenceItemId")
	if ref == nil {
		return nil, invalid("the element 'ReferenceItemId' is missing.")
	}
	if object.Name == "SuppressReadReceipt" || object.Name == "PostReplyItem" || object.Name == "AcceptSharingInvitation" || object.Name == "AddItemToMyCalendar" {
		return nil, fail("ErrorUnsupportedTypeForConversion", "The response object is not supported for this item.")
	}
	if ref.attr("ChangeKey") == "" {
		return nil, fail("ErrorChangeKeyRequired")
	}
	want := mayModify
	switch object.Name {
	case "ForwardItem", "ReplyToItem", "ReplyAllToItem":
		want = mayRead
	}
	it, _, err := c.openItem(x, ref, want)
	if err != nil {
		return nil, err
	}
	switch object.Name {
	case "AcceptItem", "TentativelyAcceptItem", "DeclineItem", "ProposeNewTime":
		return s.answerMeeting(x, c, object, it, disposition, saveIn)
	case "CancelCalendarItem":
		return nil, s.cancelMeeting(x, c, object, it)
	case "RemoveItem":
		return nil, s.removeCancelled(x, c, it)
	case "ForwardItem":
		if it.Elem == "CalendarItem" && it.isMeeting() || it.Elem == "MeetingRequest" {
			return nil, s.forwardMeeting(x, c, object, it, disposition, saveIn)
		}
	}
	return s.replyTo(x, c, object, it, disposition, saveIn)
}

// readResponse reads an answer.
func (c *call) readResponse(object *node) (response, error) {
	r := response{kind: map[string]string{"AcceptItem": "Accept", "TentativelyAcceptItem": "Tentative", "ProposeNewTime": "Tentative", "DeclineItem": "Decline"}[object.Name]}
	if b := object.kid("Body"); b != nil {
		r.body = b.copy().inTypes()
	}
	start, end := object.text("ProposedStart"), object.text("ProposedEnd")
	if start == "" && end == "" {
		return r, nil
	}
	var ok1, ok2 bool
	r.start, ok1 = instant(start, c.zone)
	r.end, ok2 = instant(end, c.zone)
	if !ok1 || !ok2 || !r.start.Before(r.end) {
		return r, fail("ErrorCalendarEndDateIsEarlierThanStartDate", "The proposed time is invalid.")
	}
	return r, nil
}

// answerMeeting accepts, or declines, a meeting by its request or by its entry.
func (s *Server) answerMeeting(x *tx, c *call, object *node, it *item, disposition string, saveIn *folder) ([]*node, error) {
	r, err := c.readResponse(object)
	if err != nil {
		return nil, err
	}
	who, entry, err := s.entryFor(x, it)
	if err != nil {
		return nil, err
	}
	if err := answerable(object.Name, it, entry); err != nil {
		return nil, err
	}
	if disposition == "" {
		return nil, fail("ErrorMessageDispositionRequired", "Message disposition is required.")
	}
	if disposition != "SaveOnly" && (entry.get("IsResponseRequested") == nil || entry.flag("IsResponseRequested")) {
		if err := s.sendAnswer(x, who, entry, r, disposition, saveIn); err != nil {
			return nil, err
		}
	}
	made, err := s.settle(x, who, entry, r)
	if err != nil {
		return nil, err
	}
	requests, err := s.dealtWith(x, it, who, entry)
	return append(made, requests...), err
}

// entryFor finds whose meeting an item is about, and their entry; one that was deleted is made again from the request.
func (s *Server) entryFor(x *tx, it *item) (*mailbox, *item, error) {
	who := s.people.byID[it.Mailbox]
	if principal := s.people.mailbox(it.get("ReceivedRepresenting").text("Mailbox", "EmailAddress")); it.Elem == "MeetingRequest" && principal != nil {
		who = principal
	}
	if who == nil {
		return nil, nil, fail(errorItemNotFound)
	}
	if it.Elem == "CalendarItem" {
		return who, it, nil
	}
	if it.Elem != "MeetingRequest" {
		return nil, nil, fail("ErrorInvalidReferenceItem", "The item is no meeting request.")
	}
	entry, err := x.occurrenceOf(who.ID, it.text("UID"), it.time("RecurrenceId"))
	if err != nil || entry != nil {
		return who, entry, err
	}
	meeting := it.clone()
	meeting.Elem = "CalendarItem"
	meeting.put("LegacyFreeBusyStatus", or(it.text("IntendedFreeBusyStatus"), "Busy"))
	meeting.remove("MyResponseType")
	entry, _, err = s.attend(x, meeting, who, newMeeting)
	return who, entry, err
}

// answerable says whether there is something to answer.
func answerable(object string, it, entry *item) error {
	word := map[string]string{"AcceptItem": "Accept", "TentativelyAcceptItem": "Tentative", "ProposeNewTime": "Tentative", "DeclineItem": "Decline"}[object]
	switch {
	case entry.organizes():
		return fail("ErrorCalendarIsOrganizerFor"+word, "The organizer cannot answer the own meeting.")
	case entry.flag("IsCancelled"):
		return fail("ErrorCalendarIsCancelledFor"+word, "The meeting has been cancelled.")
	case it.Elem == "MeetingRequest" && (it.flag("IsOutOfDate") || it.text("AppointmentSequenceNumber") != "" && it.sequence() < entry.sequence()):
		return fail("ErrorCalendarMeetingRequestIsOutOfDate", "The meeting request is out of date.")
	}
	return nil
}

// sendAnswer tells the organiser, and keeps a copy when asked to.
func (s *Server) sendAnswer(x *tx, who *mailbox, entry *item, r response, disposition string, saveIn *folder) error {
	var err error
	if disposition == "SendAndSaveCopy" && saveIn == nil {
		if saveIn, err = x.standard(who.ID, "sentitems"); err != nil {
			return err
		}
	}
	if disposition != "SendAndSaveCopy" || saveIn.Mailbox != who.ID {
		saveIn = nil
	}
	return s.tellOrganizer(x, who, entry, r, saveIn)
}

// settle makes the entry what was answered. Who declines has it no longer; the organiser's tally stays.
func (s *Server) settle(x *tx, who *mailbox, entry *item, r response) ([]*node, error) {
	if r.kind == "Decline" {
		if entry.Master != 0 {
			return nil, x.deleteOccurrence(entry, who.Person.Name)
		}
		return s.toDeletedItems(x, entry)
	}
	entry.put("MyResponseType", r.kind)
	entry.put("AppointmentReplyTime", x.now)
	status := or(entry.text("IntendedFreeBusyStatus"), "Busy")
	if r.kind == "Tentative" && status != "Free" {
		status = "Tentative"
	}
	entry.put("LegacyFreeBusyStatus", status)
	if entry.isSeries() {
		if err := s.settleExceptions(x, entry, r); err != nil {
			return nil, err
		}
	}
	if err := x.keep(entry); err != nil {
		return nil, err
	}
	return one(createdNode(entry)), nil
}

// settleExceptions answers the changed occurrences of a series along with it.
func (s *Server) settleExceptions(x *tx, entry *item, r response) error {
	rows, err := x.items(`master = ?`, entry.ID)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if row.flag("IsCancelled") || row.get("MyResponseType") == nil {
			continue
		}
		row.remove("MyResponseType", "LegacyFreeBusyStatus", "AppointmentReplyTime")
		if err := x.saveItem(row); err != nil {
			return err
		}
	}
	return nil
}

// toDeletedItems moves an item where deleted ones lie; there it has another identifier.
func (s *Server) toDeletedItems(x *tx, it *item) ([]*node, error) {
	bin, err := x.standard(it.Mailbox, "deleteditems")
	if err != nil {
		return nil, err
	}
	kept, err := x.moveItem(it, bin)
	if err != nil {
		return nil, err
	}
	return one(createdNode(kept)), nil
}

// dealtWith clears the requests away that an answer was about: the one that was answered goes to Deleted Items, others in the inbox are
// marked.
func (s *Server) dealtWith(x *tx, it *item, who *mailbox, entry *item) ([]*node, error) {
	if it.Elem == "MeetingRequest" {
		it.put("HasBeenProcessed", true)
		it.Read = true
		return s.toDeletedItems(x, it)
	}
	list, err := x.items(`mailbox = ? AND uid = ? AND elem = 'MeetingRequest'`, who.ID, entry.text("UID"))
	if err != nil {
		return nil, err
	}
	for _, req := range list {
		if req.text("ResponseType") == entry.text("MyResponseType") || !req.time("RecurrenceId").Equal(entry.original()) {
			continue
		}
		req.put("HasBeenProcessed", true)
		req.put("ResponseType", or(entry.text("MyResponseType"), "Unknown"))
		if err := x.saveItem(req); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// cancelMeeting calls a meeting or an occurrence off, with a word to those who were invited.
func (s *Server) cancelMeeting(x *tx, c *call, object *node, it *item) error {
	owner := s.people.byID[it.Mailbox]
	if it.Elem != "CalendarItem" || owner == nil || !it.organizes() {
		return fail("ErrorCalendarIsNotOrganizer", "Only the organizer can cancel a meeting.")
	}
	var body *node
	for _, name := range []string{"Body", "NewBodyContent"} {
		if b := object.kid(name); b.text() != "" {
			body = b.copy().inTypes()
			body.Name = "Body"
		}
	}
	if err := s.cancelFor(x, it, s.invited(it, owner), body, true); err != nil {
		return err
	}
	if it.Master != 0 {
		return x.deleteOccurrence(it, c.who())
	}
	_, err := s.toDeletedItems(x, it)
	return err
}

// removeCancelled takes a cancelled meeting out of the calendar, by its entry or by the cancellation.
func (s *Server) removeCancelled(x *tx, c *call, it *item) error {
	entry := it
	if it.Elem == "MeetingCancellation" {
		var err error
		if entry, err = x.occurrenceOf(it.Mailbox, it.text("UID"), it.time("RecurrenceId")); err != nil {
			return err
		}
		if _, err := s.toDeletedItems(x, it); err != nil {
			return err
		}
	}
	switch {
	case entry == nil:
		return nil
	case entry.Elem != "CalendarItem":
		return fail("ErrorInvalidReferenceItem", "The item is no cancelled meeting.")
	case entry.Master != 0:
		return x.deleteOccurrence(entry, c.who())
	}
	_, err := s.toDeletedItems(x, entry)
	return err
}
