package ewslab

// DeleteItem, MoveItem, CopyItem.

func (s *Server) opDeleteItem(c *call) (*node, error) {
	refs, err := c.itemRefs()
	if err != nil {
		return nil, err
	}
	how, mode := c.req.attr("DeleteType"), c.req.attr("SendMeetingCancellations")
	if how == "" || !dispositions("DeleteType", how) || !dispositions("SendMeetingCancellations", mode) {
		return nil, invalid("the attributes of 'DeleteItem' are missing or invalid.")
	}
	return c.messages(len(refs), func(n int) ([]*node, error) {
		return nil, c.update(func(x *tx) error {
			it, _, err := c.openItem(x, refs[n], mayDelete)
			if err != nil {
				return err
			}
			if err := c.mayLookInto(x, it); err != nil {
				return err
			}
			switch {
			case it.Elem == "CalendarItem" && mode == "":
				return fail("ErrorSendMeetingCancellationsRequired")
			case it.Elem == "Task" && c.req.attr("AffectedTaskOccurrences") == "":
				return fail("ErrorAffectedTaskOccurrencesRequired")
			case it.Elem == "CalendarItem" && mode != "SendToNone" && it.isMeeting():
				if err := s.sendCancellations(x, c, it, mode); err != nil {
					return err
				}
			}
			return x.deleteItem(c, it, how)
		})
	})
}

// deleteItem removes an item as DeleteType says; an occurrence leaves a gap in its series.
func (x *tx) deleteItem(c *call, it *item, how string) error {
	if it.Master != 0 {
		return x.deleteOccurrence(it, c.who())
	}
	if how != "MoveToDeletedItems" {
		return x.eraseItem(it)
	}
	bin, err := x.standard(it.Mailbox, "deleteditems")
	if err != nil {
		return err
	}
	if it.Folder == bin.ID {
		return x.eraseItem(it)
	}
	_, err = x.moveItem(it, bin)
	return err
}

// moveItem puts an item into another folder, where it gets another identifier.
func (x *tx) moveItem(it *item, to *folder) (*item, error) {
	n, err := x.duplicate(it, to)
	if err != nil {
		return nil, err
	}
	for _, q := range []string{
		`UPDATE items SET master = ?2, folder = ?3, mailbox = ?4 WHERE master = ?1`,
		`UPDATE gaps SET master = ?2 WHERE master = ?1 AND ?3 = ?3 AND ?4 = ?4`,
		`UPDATE attachments SET item = ?2 WHERE item = ?1 AND ?3 = ?3 AND ?4 = ?4`,
	} {
		if _, err := x.Exec(q, it.ID, n.ID, to.ID, to.Mailbox); err != nil {
			return nil, err
		}
	}
	if err := x.forget(it); err != nil {
		return nil, err
	}
	x.note(change{Kind: moved, Mailbox: n.Mailbox, Item: n.ID, Folder: n.Folder, OldItem: it.ID, OldFolder: it.Folder, Calendar: it.Elem == "CalendarItem"})
	return n, nil
}

// duplicate writes a second row of an item into a folder without noting a change.
func (x *tx) duplicate(it *item, to *folder) (*item, error) {
	n := *it
	n.ID, n.Mailbox, n.Folder, n.Props = 0, to.Mailbox, to.ID, it.Props.copy()
	before := len(x.changes)
	if err := x.insertItem(&n); err != nil {
		return nil, err
	}
	x.changes = x.changes[:before]
	return &n, nil
}

// copyItem puts a copy of an item into a folder, with exceptions and attachments.
func (x *tx) copyItem(it *item, to *folder) (*item, error) {
	n, err := x.duplicate(it, to)
	if err != nil {
		return nil, err
	}
	if err := x.copyAttachments(it.ID, n.ID); err != nil {
		return nil, err
	}
	if _, err := x.Exec(`INSERT INTO gaps SELECT ?, original FROM gaps WHERE master = ?`, n.ID, it.ID); err != nil {
		return nil, err
	}
	rows, err := x.items(`master = ?`, it.ID)
	if err != nil {
		return nil, err
	}
	for _, e := range rows {
		old := e.ID
		e.Master = n.ID
		row, err := x.duplicate(e, to)
		if err != nil {
			return nil, err
		}
		if err := x.copyAttachments(old, row.ID); err != nil {
			return nil, err
		}
	}
	x.note(change{Kind: copied, Mailbox: n.Mailbox, Item: n.ID, Folder: n.Folder, OldItem: it.ID, OldFolder: it.Folder, Calendar: it.Elem == "CalendarItem"})
	return n, nil
}

func (s *Server) opMoveItem(c *call) (*node, error) {
	return c.transfer(mayDelete, (*tx).moveItem)
}

func (s *Server) opCopyItem(c *call) (*node, error) {
	return c.transfer(mayRead, (*tx).copyItem)
}

// transfer is what MoveItem and CopyItem share.
func (c *call) transfer(need right, do func(*tx, *item, *folder) (*item, error)) (*node, error) {
	refs, err := c.itemRefs()
	if err != nil {
		return nil, err
	}
	if len(c.req.kid("ToFolderId").kids()) != 1 {
		return nil, invalid("the element '%s' has incomplete content.", c.name)
	}
	return c.messages(len(refs), func(n int) (out []*node, err error) {
		err = c.update(func(x *tx) error {
			to, err := c.openFolder(x, c.req.kid("ToFolderId").Kids[0], mayCreate)
			if isCode(err, errorFolderNotFound) {
				err = fail("ErrorToFolderNotFound", "The destination folder could not be found.")
			}
			if err != nil {
				return err
			}
			it, _, err := c.openItem(x, refs[n], need)
			if err != nil {
				return err
			}
			if err := c.mayLookInto(x, it); err != nil {
				return err
			}
			if it.Master != 0 {
				return fail("ErrorCalendarCannotMoveOrCopyOccurrence", "An occurrence cannot be moved or copied.")
			}
			made, err := do(x, it, to)
			if err != nil {
				return err
			}
			out = one(m("Items", createdNode(made)))
			return nil
		})
		if err != nil {
			out = one(m("Items"))
		}
		return out, err
	})
}
