package ewslab

// The operations on folders that move or remove: DeleteFolder, MoveFolder, EmptyFolder.

import (
	"slices"
)

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
