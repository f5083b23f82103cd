package ewslab

// The operations on folders: GetFolder, FindFolder, CreateFolder, UpdateFolder.

import (
	"strings"
)

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
	if ok, err := c.can(x, f, mayRead); ok || err != nil {
		return err
	}
	if c.me == nil {
		return fail(errorAccessDenied)
	}
	g, err := x.grantOf(f.ID, c.me.Email)
	if err != nil {
		return err
	}
	switch {
	case g.Level == "None":
		return fail(errorFolderNotFound)
	case strings.HasPrefix(g.Level, "FreeBusy"): // whose times may be asked, by availability
		return fail(errorAccessDenied)
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
	from, to, next, last, err := c.page(len(found))
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
			if isCode(err, errorFolderNotFound) {
				err = fail("ErrorParentFolderNotFound", "The parent folder could not be found.")
			}
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
			e := u.Kids[len(u.Kids)-1].kid("ExtendedProperty")
			if e == nil {
				return fail("ErrorIncorrectUpdatePropertyCount")
			}
			f.Props.add(e.copy().inTypes())
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
