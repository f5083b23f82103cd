package ewslab

// From identifiers in requests to rows, and whether the caller may.

import (
	"database/sql"
	"errors"
)

// right is what somebody wants to do with a folder or with the items in it.
type right int

const (
	mayRead right = iota
	mayCreate
	mayModify
	mayDelete
	mayOwn // change the folder itself, its permissions and its subfolders
)

// grant is one line of a folder's permissions.
type grant struct {
	Folder  int64
	Email   string // lower case; "default" for everybody, "anonymous"
	Level   string // None, Owner, PublishingEditor, Editor, PublishingAuthor, Author, NoneditingAuthor, Reviewer, Contributor, FreeBusyTimeOnly, FreeBusyTimeAndSubjectAndLocation, Custom
	Private bool   // sees private items too
	Props   *node  // the t:Permission or t:CalendarPermission as it was set
}

// allows says whether a level is enough for what is wanted. Authors may change and delete what they created; the lab does not keep who
// created an item and lets them change nothing.
func (g grant) allows(want right) bool {
	switch g.Level {
	case "Owner":
		return true
	case "PublishingEditor", "Editor":
		return want != mayOwn
	case "PublishingAuthor", "Author", "NoneditingAuthor":
		return want == mayRead || want == mayCreate
	case "Reviewer":
		return want == mayRead
	case "Contributor":
		return want == mayCreate
	case "Custom":
		p := g.Props
		switch want {
		case mayRead:
			return p.text("ReadItems") == "FullDetails"
		case mayCreate:
			return p.flag("CanCreateItems")
		case mayModify:
			return p.text("EditItems") == "All"
		case mayDelete:
			return p.text("DeleteItems") == "All"
		case mayOwn:
			return p.flag("IsFolderOwner")
		}
	}
	return false
}

// grantOf reads what an address was granted on a folder, else what everybody was; the zero grant without both.
func (x *tx) grantOf(folder int64, email string) (grant, error) {
	for _, who := range []string{email, "default"} {
		g := grant{Folder: folder, Email: who}
		var props []byte
		err := x.QueryRow(`SELECT level, private, props FROM rights WHERE folder = ? AND email = ?`, folder, who).Scan(&g.Level, &g.Private, &props)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err == nil {
			g.Props, err = unpack(props)
		}
		return g, err
	}
	return grant{Folder: folder, Level: "None"}, nil
}

// setGrant writes one line of a folder's permissions; the level None of a person takes the line away.
func (x *tx) setGrant(g grant) error {
	if g.Props == nil {
		g.Props = t("Permission")
	}
	if g.Level == "None" && g.Email != "default" {
		_, err := x.Exec(`DELETE FROM rights WHERE folder = ? AND email = ?`, g.Folder, g.Email)
		return err
	}
	_, err := x.Exec(`INSERT OR REPLACE INTO rights(folder, email, level, private, props) VALUES(?,?,?,?,?)`, g.Folder, g.Email, g.Level, g.Private, pack(g.Props))
	return err
}

// grants reads all lines of a folder's permissions.
func (x *tx) grants(folder int64) ([]grant, error) {
	rows, err := x.Query(`SELECT email, level, private, props FROM rights WHERE folder = ? ORDER BY email`, folder)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []grant
	for rows.Next() {
		g, props := grant{Folder: folder}, []byte(nil)
		if err := rows.Scan(&g.Email, &g.Level, &g.Private, &props); err != nil {
			return nil, err
		}
		if g.Props, err = unpack(props); err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	return out, rows.Err()
}

// may checks a right of the caller on a folder: nil when they have it, else ErrorAccessDenied, or ErrorFolderNotFound as Exchange answers those who
// may not even look.
func (c *call) may(x *tx, f *folder, want right) error {
	if c.me == nil && c.service || c.me != nil && c.me.ID == f.Mailbox {
		return nil
	}
	if c.me == nil {
		return fail(errorAccessDenied)
	}
	g, err := x.grantOf(f.ID, c.me.Email)
	if err != nil || g.allows(want) {
		return err
	}
	if want == mayRead {
		return fail(errorAccessDenied)
	}
	if g.allows(mayRead) && want == mayCreate {
		return fail("ErrorCreateItemAccessDenied", usualText(errorAccessDenied))
	}
	return fail(errorAccessDenied)
}

// can is may as an answer instead of a failure.
func (c *call) can(x *tx, f *folder, want right) (bool, error) {
	err := c.may(x, f, want)
	var refused *failure
	if errors.As(err, &refused) {
		return false, nil
	}
	return err == nil, err
}

// effectiveRights is t:EffectiveRights: of a folder, or of the items in it.
func (c *call) effectiveRights(x *tx, f *folder, items bool) (*node, error) {
	have := map[right]bool{}
	for _, want := range []right{mayRead, mayCreate, mayModify, mayDelete, mayOwn} {
		ok, err := c.can(x, f, want)
		if err != nil {
			return nil, err
		}
		have[want] = ok
	}
	private, err := c.seesPrivate(x, f)
	return t("EffectiveRights", t("CreateAssociated", have[mayOwn] && !items), t("CreateContents", have[mayCreate] && !items), t("CreateHierarchy", have[mayOwn] && !items),
		t("Delete", have[mayDelete]), t("Modify", have[mayModify]), t("Read", have[mayRead]), t("ViewPrivateItems", private)), err
}

// seesPrivate says whether the caller may see private items of a folder.
func (c *call) seesPrivate(x *tx, f *folder) (bool, error) {
	if c.me == nil && c.service || c.me != nil && c.me.ID == f.Mailbox {
		return true, nil
	}
	if c.me == nil {
		return false, nil
	}
	g, err := x.grantOf(f.ID, c.me.Email)
	return g.Private || g.Level == "Owner", err
}

// mayLookInto refuses what is done to a private item by somebody who sees no more of it than its time.
func (c *call) mayLookInto(x *tx, it *item) error {
	hidden, err := c.renderer(x, shape{}).hides(it)
	if err == nil && hidden {
		err = fail(errorAccessDenied)
	}
	return err
}

// owner is the mailbox that a DistinguishedFolderId means: the one it names, else the caller's.
func (c *call) owner(ref *node) (*mailbox, error) {
	if address := ref.text("Mailbox", "EmailAddress"); address != "" {
		if b := c.s.people.mailbox(address); b != nil {
			return b, nil
		}
		return nil, fail("ErrorNonExistentMailbox")
	}
	if c.me == nil {
		return nil, fail("ErrorNonExistentMailbox", "The account has no mailbox.")
	}
	return c.me, nil
}

// openFolder finds the folder that t:FolderId or t:DistinguishedFolderId means and checks a right on it.
func (c *call) openFolder(x *tx, ref *node, want right) (*folder, error) {
	f, err := c.findFolder(x, ref)
	if err != nil {
		return nil, err
	}
	return f, c.may(x, f, want)
}

func (c *call) findFolder(x *tx, ref *node) (*folder, error) {
	switch {
	case ref == nil:
		return nil, invalid("a folder id is missing.")
	case ref.Name == "DistinguishedFolderId":
		owner, err := c.owner(ref)
		if err != nil {
			return nil, err
		}
		return x.standard(owner.ID, ref.attr("Id"))
	case ref.Name == "FolderId":
		i, err := parseID(ref.attr("Id"))
		if err != nil {
			return nil, err
		}
		if i.Kind != kindFolder {
			return nil, fail("ErrorCannotUseItemIdForFolderId", "Item id cannot be used for a folder id.")
		}
		if _, err := parseChangeKey(ref.attr("ChangeKey")); err != nil {
			return nil, err
		}
		return x.folder(i.Row)
	}
	return nil, invalid("the element '%s' is no folder id.", ref.Name)
}

// openItem finds the item that t:ItemId, t:OccurrenceItemId, t:RecurringMasterItemId or t:ReferenceItemId means, checks a right on its folder and
// answers the folder too. An occurrence without a row of its own comes as it is by its series, with ID 0.
func (c *call) openItem(x *tx, ref *node, want right) (*item, *folder, error) {
	it, err := c.findItem(x, ref)
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
	return it, f, nil
}

func (c *call) findItem(x *tx, ref *node) (*item, error) {
	if ref == nil {
		return nil, invalid("an item id is missing.")
	}
	switch ref.Name {
	case "OccurrenceItemId":
		master, err := x.itemByID(ref.attr("RecurringMasterId"))
		if err != nil {
			return nil, err
		}
		return x.occurrenceByIndex(master, ref.attr("InstanceIndex"))
	case "RecurringMasterItemId":
		i, err := parseID(ref.attr("OccurrenceId"))
		if err != nil {
			return nil, err
		}
		if i.Kind != kindOccurrence {
			return nil, fail("ErrorCalendarCannotUseIdForRecurringMasterId", "The id is not that of an occurrence.")
		}
		return x.item(i.Row)
	}
	if _, err := parseChangeKey(ref.attr("ChangeKey")); err != nil {
		return nil, err
	}
	return x.itemByID(ref.attr("Id"))
}

// itemByID finds an item or an occurrence by its identifier.
func (x *tx) itemByID(s string) (*item, error) {
	i, err := parseID(s)
	if err != nil {
		return nil, err
	}
	switch i.Kind {
	case kindItem:
		return x.item(i.Row)
	case kindOccurrence:
		master, err := x.item(i.Row)
		if err != nil {
			return nil, err
		}
		return x.occurrence(master, i.Original)
	}
	return nil, fail("ErrorCannotUseFolderIdForItemId", "Folder id cannot be used for an item id.")
}
