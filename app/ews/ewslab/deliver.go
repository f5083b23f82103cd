package ewslab

// What leaves a mailbox: the core calls these inside its transaction, after its own write.

// sendInvitations follows the creation of a calendar item; mode is SendMeetingInvitations.
func (s *Server) sendInvitations(x *tx, c *call, it *item, mode string) error { return nil }

// sendUpdates follows a change; before is the item (or occurrence) as it was, mode SendMeetingInvitationsOrCancellations.
func (s *Server) sendUpdates(x *tx, c *call, before, after *item, mode string) error { return nil }

// sendCancellations goes before a deletion of a calendar item or occurrence; mode is SendMeetingCancellations.
func (s *Server) sendCancellations(x *tx, c *call, it *item, mode string) error { return nil }

// sendMessage delivers a message to its recipients and keeps a copy in saveIn (nil: none).
func (s *Server) sendMessage(x *tx, c *call, it *item, saveIn *folder) error { return nil }

// respond does what a response object of CreateItem asks for (AcceptItem, TentativelyAcceptItem, DeclineItem, CancelCalendarItem,
// RemoveItem, ForwardItem, ReplyToItem, ...) and answers the items that were created.
func (s *Server) respond(x *tx, c *call, object *node, disposition string, saveIn *folder) ([]*node, error) {
	return nil, fail("ErrorUnsupportedTypeForConversion", "Response objects are not known.")
}
