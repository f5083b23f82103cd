package ewslab

// Attachments: files and items.

import (
	"database/sql"
	"encoding/base64"
	"errors"
	"strings"
)

// maxAttachment is the most that one attachment may have, in bytes.
const maxAttachment = 25 << 20

// attachment is one row.
type attachment struct {
	ID, Item    int64
	Name        string
	ContentType string
	Size        int
	Props       *node // FileAttachment or ItemAttachment without its content; of an item attachment the item's element is a child
	Content     []byte
}

func (a *attachment) id(mailbox int64) string {
	return id{Kind: kindAttachment, Mailbox: mailbox, Row: a.ID}.String()
}

// rowsOf are the rows whose attachments an item shows: an exception's own and its series'.
func rowsOf(i *item) (int64, int64) {
	if i.Master != 0 {
		return i.ID, i.Master
	}
	return i.ID, i.ID
}

func (x *tx) hasAttachments(i *item) (bool, error) {
	a, b := rowsOf(i)
	found := false
	err := x.QueryRow(`SELECT EXISTS(SELECT 1 FROM attachments WHERE item IN (?, ?))`, a, b).Scan(&found)
	return found, err
}

// attachmentsOf reads the attachments of an item without their content.
func (x *tx) attachmentsOf(i *item) ([]*attachment, error) {
	a, b := rowsOf(i)
	rows, err := x.Query(`SELECT id, item, name, content_type, size, props FROM attachments WHERE item IN (?, ?) ORDER BY id`, a, b)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*attachment
	for rows.Next() {
		at, props := &attachment{}, []byte(nil)
		if err := rows.Scan(&at.ID, &at.Item, &at.Name, &at.ContentType, &at.Size, &props); err != nil {
			return nil, err
		}
		if at.Props, err = unpack(props); err != nil {
			return nil, err
		}
		out = append(out, at)
	}
	return out, rows.Err()
}

// filesOf reads the files of an item with their content.
func (x *tx) filesOf(i *item) ([]*attachment, error) {
	list, err := x.attachmentsOf(i)
	if err != nil {
		return nil, err
	}
	var out []*attachment
	for _, a := range list {
		if a.Props.Name != "FileAttachment" {
			continue
		}
		if err := x.QueryRow(`SELECT content FROM attachments WHERE id = ?`, a.ID).Scan(&a.Content); err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// attachment reads one with its content, and the item it hangs on.
func (c *call) attachment(x *tx, ref string, want right) (*attachment, *item, error) {
	i, err := parseID(ref)
	if err != nil || i.Kind != kindAttachment {
		return nil, nil, fail("ErrorInvalidAttachmentId")
	}
	a, props := &attachment{ID: i.Row}, []byte(nil)
	err = x.QueryRow(`SELECT item, name, content_type, size, props, content FROM attachments WHERE id = ?`, i.Row).
		Scan(&a.Item, &a.Name, &a.ContentType, &a.Size, &props, &a.Content)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, fail(errorItemNotFound)
	}
	if err != nil {
		return nil, nil, err
	}
	if a.Props, err = unpack(props); err != nil {
		return nil, nil, err
	}
	it, err := x.rowOrOccurrence(a.Item)
	if err != nil {
		return nil, nil, err
	}
	f, err := x.folder(it.Folder)
	if err != nil {
		return nil, nil, err
	}
	if err := c.may(x, f, want); err != nil {
		return nil, nil, err
	}
	return a, it, c.mayLookInto(x, it)
}

// rowOrOccurrence reads an item by its row; an exception merged with its series.
func (x *tx) rowOrOccurrence(row int64) (*item, error) {
	it, err := x.item(row)
	if err != nil || it.Master == 0 {
		return it, err
	}
	master, err := x.item(it.Master)
	if err != nil {
		return nil, err
	}
	return x.occurrence(master, it.Original)
}

// addAttachment hangs t:FileAttachment or t:ItemAttachment on an item that has a row.
func (x *tx) addAttachment(c *call, it *item, n *node) (*attachment, error) {
	a := &attachment{Item: it.ID, Name: n.text("Name"), ContentType: n.text("ContentType"), Props: &node{Space: "t", Name: n.Name}}
	for _, k := range n.Kids {
		switch k.Name {
		case "ContentId", "ContentLocation", "IsInline", "IsContactPhoto":
			a.Props.add(k.copy().inTypes())
		}
	}
	switch n.Name {
	case "FileAttachment":
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.text("Content")), ""))
		if err != nil {
			return nil, invalid("the 'Content' element is invalid.")
		}
		a.Content, a.Size = data, len(data)
		a.ContentType = or(a.ContentType, "application/octet-stream")
	case "ItemAttachment":
		if err := c.readItemAttachment(a, n); err != nil {
			return nil, err
		}
	default:
		return nil, invalid("the element '%s' is no attachment.", n.Name)
	}
	if a.Size > maxAttachment {
		return nil, fail("ErrorAttachmentSizeLimitExceeded")
	}
	return a, x.insertAttachment(a)
}

// readItemAttachment takes the item that is attached.
func (c *call) readItemAttachment(a *attachment, n *node) error {
	for _, k := range n.Kids {
		if kindOf(k.Name) == nil {
			continue
		}
		inner, _, err := c.readItem(k)
		if err != nil {
			return err
		}
		a.Props.add(inner.Props)
		a.Size = len(pack(inner.Props))
		return nil
	}
	return invalid("the element 'ItemAttachment' has incomplete content.")
}

func (x *tx) insertAttachment(a *attachment) error {
	res, err := x.Exec(`INSERT INTO attachments(item, name, content_type, size, props, content) VALUES(?,?,?,?,?,?)`, a.Item, a.Name, a.ContentType, a.Size, pack(a.Props), a.Content)
	if err != nil {
		return err
	}
	a.ID, err = res.LastInsertId()
	return err
}

// copyAttachments hangs copies of one row's attachments on another.
func (x *tx) copyAttachments(from, to int64) error {
	_, err := x.Exec(`INSERT INTO attachments(item, name, content_type, size, props, content) SELECT ?, name, content_type, size, props, content FROM attachments WHERE item = ?`, to, from)
	return err
}

// node writes an attachment, with what is in it or without.
func (a *attachment) node(c *call, it *item, content bool, inner *node) *node {
	p := a.Props
	out := t(p.Name, t("AttachmentId", at("Id", a.id(it.Mailbox))), t("Name", a.Name), textOrNil("ContentType", a.ContentType), p.kid("ContentId"), p.kid("ContentLocation"),
		t("Size", a.Size), t("LastModifiedTime", it.Modified), t("IsInline", p.flag("IsInline")))
	if p.Name == "FileAttachment" {
		out.add(t("IsContactPhoto", p.flag("IsContactPhoto")))
		if content {
			out.add(t("Content", base64.StdEncoding.EncodeToString(a.Content)))
		}
	}
	return out.add(inner)
}

// attachments are the item's as GetItem lists them.
func (r *renderer) attachments(i *item) (*node, error) {
	list, err := r.x.attachmentsOf(i)
	if err != nil {
		return nil, err
	}
	out := t("Attachments")
	for _, a := range list {
		out.add(a.node(r.c, i, false, nil))
	}
	return orNil(out), nil
}

func (s *Server) opCreateAttachment(c *call) (*node, error) {
	wanted := c.req.kid("Attachments").kids()
	if len(wanted) == 0 || c.req.kid("ParentItemId") == nil {
		return nil, invalid("the element 'CreateAttachment' has incomplete content.")
	}
	return c.messages(len(wanted), func(n int) (out []*node, err error) {
		err = c.update(func(x *tx) error {
			it, _, err := c.openItem(x, c.req.kid("ParentItemId"), mayModify)
			if err != nil {
				return err
			}
			if err := c.mayLookInto(x, it); err != nil {
				return err
			}
			if it.Master != 0 && it.ID == 0 { // an occurrence needs a row to hang it on
				if err := x.saveOccurrence(it); err != nil {
					return err
				}
			}
			a, err := x.addAttachment(c, it, wanted[n])
			if err != nil {
				return err
			}
			if err := x.touch(c, it); err != nil {
				return err
			}
			made := t("AttachmentId", at("Id", a.id(it.Mailbox)), at("RootItemId", it.id()), at("RootItemChangeKey", it.changeKey()))
			out = one(m("Attachments", t(wanted[n].Name, made)))
			return nil
		})
		if err != nil {
			out = one(m("Attachments"))
		}
		return out, err
	})
}

// touch writes an item again, so that its version changes.
func (x *tx) touch(c *call, it *item) error {
	it.ModifiedBy = c.who()
	if it.Master != 0 {
		return x.saveOccurrence(it)
	}
	return x.saveItem(it)
}

func (s *Server) opGetAttachment(c *call) (*node, error) {
	shape := everything()
	if n := c.req.kid("AttachmentShape"); n != nil {
		var err error
		if shape, err = parseShape(n, false); err != nil {
			return nil, err
		}
	}
	refs := c.req.kid("AttachmentIds").kids()
	if len(refs) == 0 {
		return nil, invalid("the element 'AttachmentIds' has incomplete content.")
	}
	return c.messages(len(refs), func(n int) (out []*node, err error) {
		err = c.view(func(x *tx) error {
			a, it, err := c.attachment(x, refs[n].attr("Id"), mayRead)
			if err != nil {
				return err
			}
			inner, err := c.attachedItem(x, a, it, shape)
			if err != nil {
				return err
			}
			out = one(m("Attachments", a.node(c, it, true, inner)))
			return nil
		})
		if err != nil {
			out = one(m("Attachments"))
		}
		return out, err
	})
}

// attachedItem writes the item inside an item attachment; it has no identifier of its own.
func (c *call) attachedItem(x *tx, a *attachment, parent *item, s shape) (*node, error) {
	if a.Props.Name != "ItemAttachment" {
		return nil, nil
	}
	for _, k := range a.Props.Kids {
		if kindOf(k.Name) == nil {
			continue
		}
		inner := &item{Mailbox: parent.Mailbox, Folder: parent.Folder, Elem: k.Name, Read: true, Received: parent.Received, Created: parent.Created, Modified: parent.Modified, Props: k}
		n, err := c.renderer(x, s).item(inner)
		if err != nil {
			return nil, err
		}
		kept := n.Kids[:0]
		for _, p := range n.Kids {
			if p.Name != "ItemId" && p.Name != "ParentFolderId" {
				kept = append(kept, p)
			}
		}
		n.Kids = kept
		return n, nil
	}
	return nil, errPacked
}

func (s *Server) opDeleteAttachment(c *call) (*node, error) {
	refs := c.req.kid("AttachmentIds").kids()
	if len(refs) == 0 {
		return nil, invalid("the element 'AttachmentIds' has incomplete content.")
	}
	return c.messages(len(refs), func(n int) (out []*node, err error) {
		err = c.update(func(x *tx) error {
			a, it, err := c.attachment(x, refs[n].attr("Id"), mayModify)
			if err != nil {
				return err
			}
			if _, err := x.Exec(`DELETE FROM attachments WHERE id = ?`, a.ID); err != nil {
				return err
			}
			if err := x.touch(c, it); err != nil {
				return err
			}
			out = one(m("RootItemId", at("RootItemId", it.id()), at("RootItemChangeKey", it.changeKey())))
			return nil
		})
		return out, err
	})
}
