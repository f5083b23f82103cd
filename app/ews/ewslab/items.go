package ewslab

// CreateItem, GetItem, SendItem.

import (
	"slices"
	"strings"
)

// who is the display name of the caller, for LastModifiedName.
func (c *call) who() string {
	if c.me != nil {
		return or(c.me.Person.Name, c.me.User)
	}
	return c.account
}

func (s *Server) opGetItem(c *call) (*node, error) {
	shape, err := parseShape(c.req.kid("ItemShape"), false)
	if err != nil {
		return nil, err
	}
	refs, err := c.itemRefs()
	if err != nil {
		return nil, err
	}
	return c.messages(len(refs), func(n int) (out []*node, err error) {
		err = c.view(func(x *tx) error {
			it, _, err := c.openItem(x, refs[n], mayRead)
			if err != nil {
				return err
			}
			items, err := c.items(x, []*item{it}, shape)
			items.Space = "m"
			out = one(items)
			return err
		})
		if err != nil {
			out = one(m("Items"))
		}
		return out, err
	})
}

// itemRefs are the item ids of a request.
func (c *call) itemRefs() ([]*node, error) {
	refs := c.req.kid("ItemIds").kids()
	if len(refs) == 0 {
		return nil, invalid("the element 'ItemIds' has incomplete content.")
	}
	return refs, nil
}

func (s *Server) opCreateItem(c *call) (*node, error) {
	wanted := c.req.kid("Items").kids()
	if len(wanted) == 0 {
		return nil, invalid("the element 'CreateItem' has incomplete content.")
	}
	for _, name := range []string{"MessageDisposition", "SendMeetingInvitations"} {
		if !dispositions(name, c.req.attr(name)) {
			return nil, invalid("the '%s' attribute is invalid - the value '%s' is invalid.", name, c.req.attr(name))
		}
	}
	return c.messages(len(wanted), func(n int) (out []*node, err error) {
		err = c.update(func(x *tx) error {
			made, err := s.create(x, c, wanted[n])
			out = one(m("Items", made))
			return err
		})
		if err != nil {
			out = one(m("Items"))
		}
		return out, err
	})
}

// dispositions says whether an attribute has one of its values, or none.
func dispositions(name, value string) bool {
	list := map[string][]string{
		"MessageDisposition":                    {"SaveOnly", "SendOnly", "SendAndSaveCopy"},
		"SendMeetingInvitations":                {"SendToNone", "SendOnlyToAll", "SendToAllAndSaveCopy"},
		"SendMeetingInvitationsOrCancellations": {"SendToNone", "SendOnlyToAll", "SendOnlyToChanged", "SendToAllAndSaveCopy", "SendToChangedAndSaveCopy"},
		"SendMeetingCancellations":              {"SendToNone", "SendOnlyToAll", "SendToAllAndSaveCopy"},
		"ConflictResolution":                    {"NeverOverwrite", "AutoResolve", "AlwaysOverwrite"},
		"DeleteType":                            {"HardDelete", "SoftDelete", "MoveToDeletedItems"},
	}[name]
	return value == "" || slices.Contains(list, value)
}

// isResponseObject says whether an element of CreateItem answers something instead of being an item.
func isResponseObject(name string) bool {
	switch name {
	case "AcceptItem", "TentativelyAcceptItem", "DeclineItem", "CancelCalendarItem", "RemoveItem", "ReplyToItem", "ReplyAllToItem", "ForwardItem", "SuppressReadReceipt",
		"ProposeNewTime", "AcceptSharingInvitation", "PostReplyItem", "AddItemToMyCalendar":
		return true
	}
	return false
}

// create makes one item and answers what identifies it.
func (s *Server) create(x *tx, c *call, n *node) ([]*node, error) {
	disposition := c.req.attr("MessageDisposition")
	if isResponseObject(n.Name) {
		saveIn, err := c.saveIn(x, "")
		if err != nil {
			return nil, err
		}
		return s.respond(x, c, n, disposition, saveIn)
	}
	it, attachments, err := c.readItem(n)
	if err != nil {
		return nil, err
	}
	f, err := c.saveIn(x, homeOf(it.Elem, disposition))
	if err != nil {
		return nil, err
	}
	it.Mailbox, it.Folder, it.ModifiedBy = f.Mailbox, f.ID, c.who()
	if it.Elem == "CalendarItem" {
		if folderElement(f.Class) != "CalendarFolder" {
			return nil, fail("ErrorCannotCreateCalendarItemInNonCalendarFolder", "The folder is no calendar.")
		}
		return s.createAppointment(x, c, it, attachments)
	}
	if it.Elem != "Message" {
		it.Read = true
		if err := x.insertWith(c, it, attachments); err != nil {
			return nil, err
		}
		return one(createdNode(it)), nil
	}
	return s.createMessage(x, c, it, f, attachments, disposition)
}

func createdNode(it *item) *node { return t(it.Elem, it.node("ItemId")) }

// homeOf is the well-known folder for an item that names none.
func homeOf(elem, disposition string) string {
	switch {
	case elem == "CalendarItem":
		return "calendar"
	case elem == "Contact", elem == "DistributionList":
		return "contacts"
	case elem == "Task":
		return "tasks"
	case disposition == "SendAndSaveCopy":
		return "sentitems"
	}
	return "drafts"
}

// saveIn is the folder that SavedItemFolderId names, else the caller's well-known one; nil for neither.
func (c *call) saveIn(x *tx, home string) (*folder, error) {
	if refs := c.req.kid("SavedItemFolderId").kids(); len(refs) == 1 {
		return c.openFolder(x, refs[0], mayCreate)
	}
	if home == "" {
		return nil, nil
	}
	if c.me == nil {
		return nil, fail("ErrorNonExistentMailbox", "The account has no mailbox.")
	}
	return x.standard(c.me.ID, home)
}

// insertWith writes a new item and its attachments.
func (x *tx) insertWith(c *call, it *item, attachments []*node) error {
	if err := x.insertItem(it); err != nil {
		return err
	}
	for _, a := range attachments {
		if _, err := x.addAttachment(c, it, a); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) createAppointment(x *tx, c *call, it *item, attachments []*node) ([]*node, error) {
	mode := c.req.attr("SendMeetingInvitations")
	if mode == "" {
		return nil, fail("ErrorSendMeetingInvitationsRequired")
	}
	it.Read = true
	if err := s.finishAppointment(it, s.people.byID[it.Mailbox], c.zoneID); err != nil {
		return nil, err
	}
	if err := x.insertWith(c, it, attachments); err != nil {
		return nil, err
	}
	if it.isMeeting() && mode != "SendToNone" {
		if err := s.sendInvitations(x, c, it, mode); err != nil {
			return nil, err
		}
	}
	return one(createdNode(it)), nil
}

// createMessage saves a message, or sends it: by way of the Outbox, where it has a row for its attachments.
func (s *Server) createMessage(x *tx, c *call, it *item, f *folder, attachments []*node, disposition string) ([]*node, error) {
	if disposition == "" {
		return nil, fail("ErrorMessageDispositionRequired", "Message disposition is required.")
	}
	if it.text("InternetMessageId") == "" {
		uid, err := newUID()
		if err != nil {
			return nil, err
		}
		it.put("InternetMessageId", "<"+strings.ToLower(uid[len(uid)-32:])+"@"+s.people.domain+">")
	}
	if disposition == "SaveOnly" {
		if it.get("IsDraft") == nil {
			it.Draft, it.Read = true, true
		}
		it.remove("IsDraft")
		if err := x.insertWith(c, it, attachments); err != nil {
			return nil, err
		}
		return one(createdNode(it)), nil
	}
	it.remove("IsDraft")
	saveIn := f
	if disposition == "SendOnly" {
		saveIn = nil
	}
	out, err := x.standard(f.Mailbox, "outbox")
	if err != nil {
		return nil, err
	}
	it.Folder, it.Read = out.ID, true
	if err := x.insertWith(c, it, attachments); err != nil {
		return nil, err
	}
	if err := s.sendMessage(x, c, it, saveIn); err != nil {
		return nil, err
	}
	return nil, x.eraseItem(it)
}

func (s *Server) opSendItem(c *call) (*node, error) {
	refs, err := c.itemRefs()
	if err != nil {
		return nil, err
	}
	return c.messages(len(refs), func(n int) ([]*node, error) {
		return nil, c.update(func(x *tx) error {
			it, _, err := c.openItem(x, refs[n], mayModify)
			if err != nil {
				return err
			}
			if key, err := parseChangeKey(refs[n].attr("ChangeKey")); err != nil {
				return err
			} else if key == 0 {
				return fail("ErrorChangeKeyRequired")
			} else if key != max(it.Mod, it.ReadMod) {
				return fail("ErrorStaleObject")
			}
			var saveIn *folder
			if isTrue(c.req.attr("SaveItemToFolder")) {
				if saveIn, err = c.saveIn(x, "sentitems"); err != nil {
					return err
				}
			}
			if err := s.sendMessage(x, c, it, saveIn); err != nil {
				return err
			}
			return x.eraseItem(it)
		})
	})
}
