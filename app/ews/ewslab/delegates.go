package ewslab

// Delegates: who may act in somebody's folders, sees their private entries and gets copies of their meeting mail.

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// delegateFolders are the folders that a delegation speaks of, in the schema's order.
func delegateFolders() []struct{ element, dist string } {
	return []struct{ element, dist string }{
		{"CalendarFolderPermissionLevel", "calendar"}, {"TasksFolderPermissionLevel", "tasks"}, {"InboxFolderPermissionLevel", "inbox"},
		{"ContactsFolderPermissionLevel", "contacts"}, {"NotesFolderPermissionLevel", "notes"}, {"JournalFolderPermissionLevel", "journal"},
	}
}

// delegate is one delegate of a mailbox.
type delegate struct {
	who     *entry
	copies  bool              // of meeting mail
	private bool              // sees private items
	levels  map[string]string // by well-known folder name
}

// defaultRights gives everybody the free and busy times of calendars that say nothing of others yet, as Exchange does.
func (s *Server) defaultRights(ctx context.Context) error {
	return s.store.update(ctx, func(x *tx) error {
		_, err := x.Exec(`INSERT OR IGNORE INTO rights(folder, email, level, private, props) SELECT id, 'default', 'FreeBusyTimeOnly', 0, ? FROM folders WHERE dist = 'calendar'`,
			pack(t("CalendarPermission")))
		return err
	}, nil)
}

// delegates reads the delegates of a mailbox; set says whether there ever were any.
func (s *Server) delegates(x *tx, mailbox int64) (list []delegate, deliver string, set bool, err error) {
	err = x.QueryRow(`SELECT deliver FROM delegation WHERE mailbox = ?`, mailbox).Scan(&deliver)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, "DelegatesAndSendInformationToMe", false, nil
	}
	if err != nil {
		return nil, "", false, err
	}
	rows, err := x.Query(`SELECT email, copies FROM delegates WHERE mailbox = ? ORDER BY email`, mailbox)
	if err != nil {
		return nil, "", false, err
	}
	defer rows.Close()
	for rows.Next() {
		var email string
		d := delegate{levels: map[string]string{}}
		if err := rows.Scan(&email, &d.copies); err != nil {
			return nil, "", false, err
		}
		if d.who = s.people.find(email); d.who != nil {
			list = append(list, d)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, "", false, err
	}
	for i := range list {
		if err := list[i].readLevels(x, mailbox); err != nil {
			return nil, "", false, err
		}
	}
	return list, deliver, true, nil
}

// readLevels fills in what the delegate may do.
func (d *delegate) readLevels(x *tx, mailbox int64) error {
	for _, f := range delegateFolders() {
		box, err := x.standard(mailbox, f.dist)
		if err != nil {
			return err
		}
		g, err := x.ownGrant(box.ID, d.who.Email)
		if err != nil {
			return err
		}
		d.levels[f.dist] = g.Level
		if f.dist == "calendar" {
			d.private = g.Private
		}
	}
	return nil
}

// ownGrant is what an address itself was granted, without what everybody was.
func (x *tx) ownGrant(folder int64, email string) (grant, error) {
	g, err := x.grantOf(folder, email)
	if err == nil && g.Email != email {
		return grant{Folder: folder, Email: email, Level: "None"}, nil
	}
	return g, err
}

// setDelegate writes a delegate and their rights.
func (x *tx) setDelegate(mailbox int64, d delegate) error {
	if _, err := x.Exec(`INSERT OR REPLACE INTO delegates(mailbox, email, copies) VALUES(?,?,?)`, mailbox, d.who.Email, d.copies); err != nil {
		return err
	}
	for _, f := range delegateFolders() {
		box, err := x.standard(mailbox, f.dist)
		if err != nil {
			return err
		}
		if err := x.setGrant(grant{Folder: box.ID, Email: d.who.Email, Level: d.levels[f.dist], Private: d.private}); err != nil {
			return err
		}
	}
	return nil
}

// dropDelegate takes a delegate and their rights away.
func (x *tx) dropDelegate(mailbox int64, who *entry) error {
	d := delegate{who: who, levels: map[string]string{}}
	for _, f := range delegateFolders() {
		d.levels[f.dist] = "None"
	}
	if err := x.setDelegate(mailbox, d); err != nil {
		return err
	}
	_, err := x.Exec(`DELETE FROM delegates WHERE mailbox = ? AND email = ?`, mailbox, who.Email)
	return err
}

// setDelivery writes where meeting requests go.
func (x *tx) setDelivery(mailbox int64, deliver string) error {
	if deliver == "" {
		_, err := x.Exec(`INSERT OR IGNORE INTO delegation(mailbox, deliver) VALUES(?, 'DelegatesAndSendInformationToMe')`, mailbox)
		return err
	}
	_, err := x.Exec(`INSERT OR REPLACE INTO delegation(mailbox, deliver) VALUES(?,?)`, mailbox, deliver)
	return err
}

// node writes a delegate.
func (d delegate) node(levels bool) *node {
	n := m("DelegateUser", t("UserId", t("PrimarySmtpAddress", d.who.Email), t("DisplayName", d.who.Person.Name)))
	if levels {
		p := t("DelegatePermissions")
		for _, f := range delegateFolders() {
			level := d.levels[f.dist]
			switch level {
			case "None", "Editor", "Reviewer", "Author":
			default:
				level = "Custom"
			}
			p.add(t(f.element, level))
		}
		n.add(p)
	}
	return n.add(t("ReceiveCopiesOfMeetingMessages", d.copies), t("ViewPrivateItems", d.private))
}

// principal is the mailbox that a delegate operation is about; only its owner may.
func (c *call) principal() (*mailbox, error) {
	owner := c.s.people.mailbox(c.req.text("Mailbox", "EmailAddress"))
	if owner == nil {
		return nil, fail("ErrorNonExistentMailbox")
	}
	if c.me != nil && c.me.ID != owner.ID {
		return nil, fail(errorAccessDenied)
	}
	return owner, nil
}

// delegateAnswer writes the response of the four operations: one message for each delegate.
func (c *call) delegateAnswer(each []*node, deliver string, failed error) (*node, error) {
	msg, err := c.message(nil, failed)
	if err != nil {
		return nil, err
	}
	msg.Name = c.name + "Response"
	if failed != nil {
		return msg, nil
	}
	if len(each) > 0 {
		msg.add(m("ResponseMessages", each))
	}
	if deliver != "" {
		msg.add(m("DeliverMeetingRequests", deliver))
	}
	return msg, nil
}

// one is the message for one delegate.
func (c *call) one(d *node, failed error) (*node, error) {
	var parts []*node
	if d != nil {
		parts = append(parts, d)
	}
	msg, err := c.message(parts, failed)
	if err == nil {
		msg.Name = "DelegateUserResponseMessageType"
	}
	return msg, err
}

// opGetDelegate answers the delegates of a mailbox, all or those asked for.
func (s *Server) opGetDelegate(c *call) (*node, error) {
	owner, failed := c.principal()
	if failed != nil {
		return c.delegateAnswer(nil, "", failed)
	}
	var list []delegate
	var deliver string
	var set bool
	if err := c.view(func(x *tx) (err error) { list, deliver, set, err = s.delegates(x, owner.ID); return err }); err != nil {
		return nil, err
	}
	if !set {
		return c.delegateAnswer(nil, "", fail("ErrorDelegateMissingConfiguration", "The delegate configuration was not found."))
	}
	levels := isTrue(strings.ToLower(c.req.attr("IncludePermissions")))
	var each []*node
	wanted := c.req.kid("UserIds").all("UserId")
	for _, d := range list {
		if len(wanted) > 0 {
			break
		}
		one, err := c.one(d.node(levels), nil)
		if err != nil {
			return nil, err
		}
		each = append(each, one)
	}
	for _, w := range wanted {
		one, err := c.one(nil, fail("ErrorNotDelegate", "The user is not a delegate for the mailbox."))
		for _, d := range list {
			if d.who == s.people.find(w.text("PrimarySmtpAddress")) {
				one, err = c.one(d.node(levels), nil)
			}
		}
		if err != nil {
			return nil, err
		}
		each = append(each, one)
	}
	return c.delegateAnswer(each, deliver, nil)
}

// opAddDelegate adds delegates.
func (s *Server) opAddDelegate(c *call) (*node, error) {
	return s.writeDelegates(c, c.req.kid("DelegateUsers").all("DelegateUser"), func(x *tx, owner *mailbox, req *node, known []delegate) (*node, error) {
		who, old, err := s.delegateOf(req.kid("UserId"), known)
		if err != nil {
			return nil, err
		}
		if old != nil {
			return nil, fail("ErrorDelegateAlreadyExists", "The user is already a delegate for the mailbox.")
		}
		if who.Mailbox != nil && who.Mailbox.ID == owner.ID {
			return nil, fail("ErrorDelegateCannotAddOwner", "The owner cannot be a delegate.")
		}
		d := delegate{who: who, levels: map[string]string{}}
		for _, f := range delegateFolders() {
			d.levels[f.dist] = "None"
		}
		d.read(req)
		return d.node(true), x.setDelegate(owner.ID, d)
	})
}

// opUpdateDelegate changes delegates.
func (s *Server) opUpdateDelegate(c *call) (*node, error) {
	return s.writeDelegates(c, c.req.kid("DelegateUsers").all("DelegateUser"), func(x *tx, owner *mailbox, req *node, known []delegate) (*node, error) {
		_, old, err := s.delegateOf(req.kid("UserId"), known)
		if err != nil {
			return nil, err
		}
		if old == nil {
			return nil, fail("ErrorNotDelegate", "The user is not a delegate for the mailbox.")
		}
		old.read(req)
		return old.node(true), x.setDelegate(owner.ID, *old)
	})
}

// opRemoveDelegate removes delegates.
func (s *Server) opRemoveDelegate(c *call) (*node, error) {
	return s.writeDelegates(c, c.req.kid("UserIds").all("UserId"), func(x *tx, owner *mailbox, req *node, known []delegate) (*node, error) {
		who, old, err := s.delegateOf(req, known)
		if err != nil {
			return nil, err
		}
		if old == nil {
			return nil, fail("ErrorNotDelegate", "The user is not a delegate for the mailbox.")
		}
		return nil, x.dropDelegate(owner.ID, who)
	})
}

// delegateOf finds who is meant, and what they are now.
func (s *Server) delegateOf(userID *node, known []delegate) (*entry, *delegate, error) {
	who := s.people.find(userID.text("PrimarySmtpAddress"))
	if who == nil || who.Mailbox == nil {
		return nil, nil, fail("ErrorDelegateNoUser", "The user was not found.")
	}
	for i := range known {
		if known[i].who == who {
			return who, &known[i], nil
		}
	}
	return who, nil, nil
}

// read takes over what a request says; what it does not say stays.
func (d *delegate) read(req *node) {
	for _, f := range delegateFolders() {
		if level := req.text("DelegatePermissions", f.element); level != "" && level != "Custom" {
			d.levels[f.dist] = level
		}
	}
	if req.kid("ReceiveCopiesOfMeetingMessages") != nil {
		d.copies = req.flag("ReceiveCopiesOfMeetingMessages")
	}
	if req.kid("ViewPrivateItems") != nil {
		d.private = req.flag("ViewPrivateItems")
	}
}

// writeDelegates does something for each delegate of a request, all in one transaction; what fails for one is their answer.
func (s *Server) writeDelegates(c *call, reqs []*node, do func(*tx, *mailbox, *node, []delegate) (*node, error)) (*node, error) {
	owner, failed := c.principal()
	if failed != nil {
		return c.delegateAnswer(nil, "", failed)
	}
	var each []*node
	err := c.update(func(x *tx) error {
		known, _, _, err := s.delegates(x, owner.ID)
		if err != nil {
			return err
		}
		if err := x.setDelivery(owner.ID, c.req.text("DeliverMeetingRequests")); err != nil {
			return err
		}
		for _, req := range reqs {
			d, failed := do(x, owner, req, known)
			one, err := c.one(d, failed)
			if err != nil {
				return err
			}
			each = append(each, one)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c.delegateAnswer(each, "", nil)
}
