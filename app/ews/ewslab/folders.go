package ewslab

// The operations on folders.

import (
	"slices"
	"strings"
)

// folderElement is the element that a folder is answered as.
func folderElement(class string) string {
	switch {
	case strings.HasPrefix(class, "IPF.Appointment"):
		return "CalendarFolder"
	case strings.HasPrefix(class, "IPF.Contact"):
		return "ContactsFolder"
	case strings.HasPrefix(class, "IPF.Task"):
		return "TasksFolder"
	}
	return "Folder"
}

// folderShape is a read FolderShape.
type folderShape struct {
	base   string
	fields map[string]bool
	ext    []path
}

func parseFolderShape(n *node) (folderShape, error) {
	s := folderShape{base: n.text("BaseShape"), fields: map[string]bool{}}
	if !slices.Contains([]string{"IdOnly", "Default", "AllProperties"}, s.base) {
		return s, invalid("the 'BaseShape' element is invalid - the value '%s' is invalid.", s.base)
	}
	for _, k := range n.kid("AdditionalProperties").kids() {
		p, err := parsePath(k)
		if err != nil {
			return s, err
		}
		if p.Ext.Type != "" {
			s.ext = append(s.ext, p)
		} else {
			s.fields[p.Field] = true
		}
	}
	return s, nil
}

// folderProps are in schema order; those of the Default shape with +, those only on request with ?.
func folderProps(elem string) []string {
	list := []string{"FolderId+", "ParentFolderId", "FolderClass", "DisplayName+", "TotalCount+", "ChildFolderCount+", "ExtendedProperty", "EffectiveRights", "DistinguishedFolderId"}
	switch elem {
	case "CalendarFolder", "ContactsFolder":
		return append(list, "SharingEffectiveRights?", "PermissionSet?")
	}
	return append(list, "PermissionSet?", "UnreadCount+")
}

// folderNode writes one folder.
func (c *call) folderNode(x *tx, f *folder, s folderShape) (*node, error) {
	elem := folderElement(f.Class)
	out := t(elem)
	for _, word := range folderProps(elem) {
		name := strings.TrimRight(word, "+?")
		if name == "ExtendedProperty" {
			out.add(c.folderExtended(f, s)...)
			continue
		}
		asked := s.fields[name] || name == "FolderId"
		if !asked && (s.base == "IdOnly" || strings.HasSuffix(word, "?") || s.base == "Default" && !strings.HasSuffix(word, "+")) {
			continue
		}
		n, err := c.folderProperty(x, f, name, elem)
		if err != nil {
			return nil, err
		}
		out.add(n)
	}
	return out, nil
}

func (c *call) folderExtended(f *folder, s folderShape) []*node {
	var out []*node
	for _, want := range s.ext {
		value := ""
		switch {
		case f.Props.extended(want.Ext) != nil:
			out = append(out, t("ExtendedProperty", want.node.copy().inTypes(), valueNodes(f.Props.extended(want.Ext))))
			continue
		case want.Ext.same(tagged(0x3613, "String")):
			value = f.Class
		case want.Ext.same(tagged(0x3001, "String")):
			value = f.Name
		case want.Ext.same(tagged(0x10f4, "Boolean")), want.Ext.same(tagged(0x3601, "Integer")):
			value = map[string]string{"Boolean": "false", "Integer": "1"}[want.Ext.Type]
		case want.Ext.same(tagged(0x670a, "SystemTime")), want.Ext.same(tagged(0x3008, "SystemTime")):
			value = stamp(c.s.now())
		}
		if value != "" {
			out = append(out, t("ExtendedProperty", want.node.copy().inTypes(), t("Value", value)))
		}
	}
	return out
}

func (c *call) folderProperty(x *tx, f *folder, name, elem string) (*node, error) {
	switch name {
	case "FolderId":
		return f.node(name), nil
	case "ParentFolderId":
		if f.Parent == 0 {
			return f.node(name), nil // the root is its own parent
		}
		p, err := x.folder(f.Parent)
		if err != nil {
			return nil, err
		}
		return p.node(name), nil
	case "FolderClass":
		return textOrNil(name, f.Class), nil
	case "DisplayName":
		return t(name, f.Name), nil
	case "TotalCount":
		return count(x, name, `SELECT COUNT(*) FROM items WHERE folder = ? AND master = 0`, f.ID)
	case "UnreadCount":
		return count(x, name, `SELECT COUNT(*) FROM items WHERE folder = ? AND master = 0 AND is_read = 0`, f.ID)
	case "ChildFolderCount":
		return count(x, name, `SELECT COUNT(*) FROM folders WHERE mailbox = ? AND parent = ?`, f.Mailbox, f.ID)
	case "EffectiveRights":
		may := func(want right) bool { return c.may(x, f, want) == nil }
		return t(name, t("CreateAssociated", may(mayOwn)), t("CreateContents", may(mayCreate)), t("CreateHierarchy", may(mayOwn)), t("Delete", may(mayDelete)),
			t("Modify", may(mayModify)), t("Read", may(mayRead)), t("ViewPrivateItems", may(mayOwn))), nil
	case "DistinguishedFolderId":
		return textOrNil(name, f.Dist), nil
	case "PermissionSet":
		return c.permissionSet(x, f, elem)
	}
	return nil, nil
}

func textOrNil(name, s string) *node {
	if s == "" {
		return nil
	}
	return t(name, s)
}

func count(x *tx, name, query string, args ...any) (*node, error) {
	n := 0
	err := x.QueryRow(query, args...).Scan(&n)
	return t(name, n), err
}

// folderRefs are the folder ids of a request.
func (c *call) folderRefs(list string) ([]*node, error) {
	refs := c.req.kid(list).kids()
	if len(refs) == 0 {
		return nil, invalid("the element '%s' has incomplete content.", list)
	}
	return refs, nil
}

func (s *Server) opGetFolder(c *call) (*node, error) {
	shape, err := parseFolderShape(c.req.kid("FolderShape"))
	if err != nil {
		return nil, err
	}
	refs, err := c.folderRefs("FolderIds")
	if err != nil {
		return nil, err
	}
	return c.messages(len(refs), func(n int) (out []*node, err error) {
		err = c.view(func(x *tx) error {
			f, err := c.findFolder(x, refs[n])
			if err != nil {
				return err
			}
			if err := c.mayLook(x, f); err != nil {
				return err
			}
			made, err := c.folderNode(x, f, shape)
			out = one(m("Folders", made))
			return err
		})
		return out, err
	})
}

// mayLook lets those see a folder itself who have any right on it.
func (c *call) mayLook(x *tx, f *folder) error {
	if c.may(x, f, mayRead) == nil || c.me == nil {
		return c.may(x, f, mayRead)
	}
	g, err := x.grantOf(f.ID, c.me.Email)
	if err != nil {
		return err
	}
	if g.Level == "None" {
		return fail(errorFolderNotFound)
	}
	return nil
}

func (s *Server) opFindFolder(c *call) (*node, error) {
	shape, err := parseFolderShape(c.req.kid("FolderShape"))
	if err != nil {
		return nil, err
	}
	traversal := c.req.attr("Traversal")
	if traversal != "Deep" && traversal != "Shallow" && traversal != "SoftDeleted" {
		return nil, invalid("the required attribute 'Traversal' is missing or invalid.")
	}
	refs, err := c.folderRefs("ParentFolderIds")
	if err != nil {
		return nil, err
	}
	restriction, err := parseRestriction(c, c.req.kid("Restriction"))
	if err != nil {
		return nil, err
	}
	return c.messages(len(refs), func(n int) (out []*node, err error) {
		err = c.view(func(x *tx) error {
			f, err := c.openFolder(x, refs[n], mayRead)
			if err != nil {
				return err
			}
			found, err := x.below(f, traversal == "Deep")
			if err != nil {
				return err
			}
			var fit []*folder
			for _, f := range found {
				ok, err := restriction.matches(folderValues{c, x, f})
				if err != nil {
					return err
				}
				if ok && traversal != "SoftDeleted" {
					fit = append(fit, f)
				}
			}
			root, err := c.folderPage(x, fit, shape)
			out = one(root)
			return err
		})
		return out, err
	})
}

// folderPage writes the part of the found folders that the view asks for.
func (c *call) folderPage(x *tx, found []*folder, shape folderShape) (*node, error) {
	from, to, next, last, err := page(c.req, len(found))
	if err != nil {
		return nil, err
	}
	folders := t("Folders")
	for _, f := range found[from:to] {
		n, err := c.folderNode(x, f, shape)
		if err != nil {
			return nil, err
		}
		folders.add(n)
	}
	return m("RootFolder", at("IndexedPagingOffset", itoa(next)), at("TotalItemsInView", itoa(len(found))), at("IncludesLastItemInRange", boolText(last)), folders), nil
}

// below answers the folders under one, with depth all of them, parents first.
func (x *tx) below(f *folder, deep bool) ([]*folder, error) {
	if !deep {
		return x.folders(`mailbox = ? AND parent = ? ORDER BY id`, f.Mailbox, f.ID)
	}
	all, err := x.folders(`mailbox = ? ORDER BY id`, f.Mailbox)
	if err != nil {
		return nil, err
	}
	byParent := map[int64][]*folder{}
	for _, k := range all {
		byParent[k.Parent] = append(byParent[k.Parent], k)
	}
	var out []*folder
	for queue := []int64{f.ID}; len(queue) > 0; queue = queue[1:] {
		out = append(out, byParent[queue[0]]...)
		for _, k := range byParent[queue[0]] {
			queue = append(queue, k.ID)
		}
	}
	return out, nil
}

func (s *Server) opCreateFolder(c *call) (*node, error) {
	wanted := c.req.kid("Folders").kids()
	if len(wanted) == 0 || len(c.req.kid("ParentFolderId").kids()) != 1 {
		return nil, invalid("the element 'CreateFolder' has incomplete content.")
	}
	return c.messages(len(wanted), func(n int) (out []*node, err error) {
		err = c.update(func(x *tx) error {
			parent, err := c.openFolder(x, c.req.kid("ParentFolderId").Kids[0], mayOwn)
			if err != nil {
				return err
			}
			w := wanted[n]
			f := &folder{Mailbox: parent.Mailbox, Parent: parent.ID, Name: w.text("DisplayName"), Class: classForFolder(w), Props: t("Folder")}
			for _, e := range w.all("ExtendedProperty") {
				f.Props.add(e.copy().inTypes())
			}
			if err := x.nameIsFree(f); err != nil {
				return err
			}
			if err := x.insertFolder(f); err != nil {
				return err
			}
			if err := c.setPermissions(x, f, w.kid("PermissionSet")); err != nil {
				return err
			}
			out = one(m("Folders", t(folderElement(f.Class), f.node("FolderId"))))
			return nil
		})
		return out, err
	})
}

func classForFolder(w *node) string {
	if c := w.text("FolderClass"); c != "" {
		return c
	}
	return map[string]string{"CalendarFolder": "IPF.Appointment", "ContactsFolder": "IPF.Contact", "TasksFolder": "IPF.Task"}[w.Name]
}

// nameIsFree refuses a folder without a name and a second one of the same name beside it.
func (x *tx) nameIsFree(f *folder) error {
	if strings.TrimSpace(f.Name) == "" {
		return fail("ErrorFolderSaveFailed", "The folder has no name.")
	}
	beside, err := x.folders(`mailbox = ? AND parent = ?`, f.Mailbox, f.Parent)
	if err != nil {
		return err
	}
	for _, o := range beside {
		if o.ID != f.ID && strings.EqualFold(o.Name, f.Name) {
			return fail("ErrorFolderExists")
		}
	}
	return nil
}

func (s *Server) opUpdateFolder(c *call) (*node, error) {
	changes := c.req.kid("FolderChanges").all("FolderChange")
	if len(changes) == 0 {
		return nil, invalid("the element 'UpdateFolder' has incomplete content.")
	}
	return c.messages(len(changes), func(n int) (out []*node, err error) {
		err = c.update(func(x *tx) error {
			if len(changes[n].Kids) < 2 {
				return invalid("the element 'FolderChange' has incomplete content.")
			}
			f, err := c.openFolder(x, changes[n].Kids[0], mayOwn)
			if err != nil {
				return err
			}
			for _, u := range changes[n].kid("Updates").kids() {
				if err := c.updateFolder(x, f, u); err != nil {
					return err
				}
			}
			if err := x.nameIsFree(f); err != nil {
				return err
			}
			if err := x.saveFolder(f); err != nil {
				return err
			}
			out = one(m("Folders", t(folderElement(f.Class), f.node("FolderId"))))
			return nil
		})
		return out, err
	})
}

// updateFolder applies one change.
func (c *call) updateFolder(x *tx, f *folder, u *node) error {
	p, err := pathIn(u)
	if err != nil {
		return err
	}
	if u.Name == "AppendToFolderField" {
		return fail("ErrorInvalidPropertyAppend", "Append action is invalid for property.")
	}
	if p.Ext.Type != "" {
		f.Props.removeExtended(p.Ext)
		if u.Name == "SetFolderField" {
			f.Props.add(u.Kids[len(u.Kids)-1].kid("ExtendedProperty").copy().inTypes())
		}
		return nil
	}
	if u.Name == "DeleteFolderField" {
		switch p.Field {
		case "FolderClass":
			f.Class = ""
		case "PermissionSet":
			return c.setPermissions(x, f, t("PermissionSet"))
		default:
			return fail("ErrorInvalidPropertyDelete", "Delete action is invalid for property.")
		}
		return nil
	}
	value := u.Kids[len(u.Kids)-1]
	switch p.Field {
	case "DisplayName":
		f.Name = value.text("DisplayName")
	case "FolderClass":
		f.Class = value.text("FolderClass")
	case "PermissionSet":
		return c.setPermissions(x, f, value.kid("PermissionSet"))
	default:
		return fail("ErrorInvalidPropertySet")
	}
	return nil
}

func (s *Server) opDeleteFolder(c *call) (*node, error) {
	refs, err := c.folderRefs("FolderIds")
	if err != nil {
		return nil, err
	}
	return c.messages(len(refs), func(n int) ([]*node, error) {
		return nil, c.update(func(x *tx) error {
			f, err := c.openFolder(x, refs[n], mayOwn)
			if err != nil {
				return err
			}
			if f.Dist != "" {
				return fail("ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted.")
			}
			if c.req.attr("DeleteType") == "MoveToDeletedItems" {
				bin, err := x.standard(f.Mailbox, "deleteditems")
				if err != nil {
					return err
				}
				return x.moveFolder(f, bin, true)
			}
			return x.eraseFolder(f)
		})
	})
}

// moveFolder puts a folder under another; a taken name gets a number when it may.
func (x *tx) moveFolder(f, to *folder, rename bool) error {
	below, err := x.below(f, true)
	if err != nil {
		return err
	}
	if f.Mailbox != to.Mailbox || to.ID == f.ID || slices.ContainsFunc(below, func(b *folder) bool { return b.ID == to.ID }) {
		return fail("ErrorMoveCopyFailed", "The move or copy operation failed.")
	}
	from := f.Parent
	f.Parent = to.ID
	name := f.Name
	for n := 1; ; n++ {
		err := x.nameIsFree(f)
		if err == nil {
			break
		}
		if !rename || !isCode(err, "ErrorFolderExists") {
			return err
		}
		f.Name = name + itoa(n)
	}
	if err := x.saveFolder(f); err != nil {
		return err
	}
	x.changes[len(x.changes)-1].Kind = moved
	x.changes[len(x.changes)-1].OldFolder, x.changes[len(x.changes)-1].OldParent = f.ID, from
	return nil
}

// eraseFolder removes a folder with all that is in it.
func (x *tx) eraseFolder(f *folder) error {
	below, err := x.below(f, true)
	if err != nil {
		return err
	}
	slices.Reverse(below)
	for _, b := range append(below, f) {
		if err := x.emptyFolder(b); err != nil {
			return err
		}
		for _, q := range []string{`DELETE FROM folders WHERE id = ?`, `DELETE FROM rights WHERE folder = ?`} {
			if _, err := x.Exec(q, b.ID); err != nil {
				return err
			}
		}
		if _, err := x.Exec(`INSERT INTO gone(mod, mailbox, folder, item, created_mod) VALUES(?,?,0,?,?)`, x.mod, b.Mailbox, b.ID, b.CreatedMod); err != nil {
			return err
		}
		x.note(change{Kind: deleted, Mailbox: b.Mailbox, Folder: b.ID, Parent: b.Parent})
	}
	return nil
}

// emptyFolder erases the items of a folder.
func (x *tx) emptyFolder(f *folder) error {
	items, err := x.items(`folder = ? AND master = 0`, f.ID)
	if err != nil {
		return err
	}
	for _, i := range items {
		if err := x.eraseItem(i); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) opMoveFolder(c *call) (*node, error) {
	refs, err := c.folderRefs("FolderIds")
	if err != nil {
		return nil, err
	}
	if len(c.req.kid("ToFolderId").kids()) != 1 {
		return nil, invalid("the element 'MoveFolder' has incomplete content.")
	}
	return c.messages(len(refs), func(n int) (out []*node, err error) {
		err = c.update(func(x *tx) error {
			to, err := c.openFolder(x, c.req.kid("ToFolderId").Kids[0], mayOwn)
			if err != nil {
				return err
			}
			f, err := c.openFolder(x, refs[n], mayOwn)
			if err != nil {
				return err
			}
			if f.Dist != "" {
				return fail("ErrorMoveDistinguishedFolder", "Distinguished folders cannot be moved.")
			}
			if err := x.moveFolder(f, to, false); err != nil {
				return err
			}
			out = one(m("Folders", t(folderElement(f.Class), f.node("FolderId"))))
			return nil
		})
		return out, err
	})
}

func (s *Server) opEmptyFolder(c *call) (*node, error) {
	refs, err := c.folderRefs("FolderIds")
	if err != nil {
		return nil, err
	}
	return c.messages(len(refs), func(n int) ([]*node, error) {
		return nil, c.update(func(x *tx) error {
			f, err := c.openFolder(x, refs[n], mayDelete)
			if err != nil {
				return err
			}
			if f.Dist == "calendar" || f.Dist == "root" || f.Dist == "msgfolderroot" {
				return fail("ErrorCannotEmptyFolder", "Emptying the folder is not allowed.")
			}
			if isTrue(c.req.attr("DeleteSubFolders")) {
				if err := x.eraseBelow(c, f); err != nil {
					return err
				}
			}
			return x.emptyOrMove(c, f)
		})
	})
}

func (x *tx) eraseBelow(_ *call, f *folder) error {
	kids, err := x.below(f, false)
	if err != nil {
		return err
	}
	for _, k := range kids {
		if k.Dist != "" {
			continue
		}
		if err := x.eraseFolder(k); err != nil {
			return err
		}
	}
	return nil
}

// emptyOrMove removes the items as DeleteType says.
func (x *tx) emptyOrMove(c *call, f *folder) error {
	if c.req.attr("DeleteType") != "MoveToDeletedItems" {
		return x.emptyFolder(f)
	}
	bin, err := x.standard(f.Mailbox, "deleteditems")
	if err != nil {
		return err
	}
	items, err := x.items(`folder = ? AND master = 0`, f.ID)
	if err != nil {
		return err
	}
	for _, i := range items {
		if _, err := x.moveItem(i, bin); err != nil {
			return err
		}
	}
	return nil
}
