package ewslab

// Synchronisation: what changed since a state, page by page.

import (
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strconv"
)

// syncState is how far a client has come. A round goes through three phases: what is new since Base, what of the older changed, what has gone;
// all up to the write Until, where the round began. Cursor is the place within the phase.
type syncState struct {
	Folder      int64 // 0: the hierarchy of Mailbox
	Mailbox     int64
	Base, Until int64
	Phase       int64
	Cursor, Row int64
}

func (s syncState) String() string {
	var b []byte
	for _, v := range []int64{s.Folder, s.Mailbox, s.Base, s.Until, s.Phase, s.Cursor, s.Row} {
		b = binary.AppendVarint(b, v)
	}
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(append([]byte("sync"), b...)))
	return base64.StdEncoding.EncodeToString(b)
}

// parseSyncState reads a state of this folder or hierarchy; the empty text is the beginning.
func parseSyncState(text string, folder, mailbox, now int64) (syncState, error) {
	s := syncState{Folder: folder, Mailbox: mailbox}
	if text == "" {
		s.Until = now
		return s, nil
	}
	bad := fail("ErrorInvalidSyncStateData")
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) < 5 || crc32.ChecksumIEEE(append([]byte("sync"), b[:len(b)-4]...)) != binary.BigEndian.Uint32(b[len(b)-4:]) {
		return s, bad
	}
	b = b[:len(b)-4]
	for _, to := range []*int64{&s.Folder, &s.Mailbox, &s.Base, &s.Until, &s.Phase, &s.Cursor, &s.Row} {
		v, n := binary.Varint(b)
		if n <= 0 {
			return s, bad
		}
		*to, b = v, b[n:]
	}
	if s.Folder != folder || s.Mailbox != mailbox || s.Until > now || len(b) > 0 {
		return s, bad
	}
	if s.Phase == 0 && s.Cursor == 0 {
		s.Until = now // between rounds: the next one goes up to the latest write
	}
	return s, nil
}

// next is the state after a whole round.
func (s syncState) next() syncState {
	return syncState{Folder: s.Folder, Mailbox: s.Mailbox, Base: s.Until, Until: s.Until}
}

func (s *Server) opSyncFolderItems(c *call) (*node, error) {
	shape, err := parseShape(c.req.kid("ItemShape"), true)
	if err != nil {
		return nil, err
	}
	limit, err := strconv.Atoi(c.req.text("MaxChangesReturned"))
	if err != nil || limit < 1 || limit > 512 {
		return nil, invalid("the 'MaxChangesReturned' element is missing or invalid.")
	}
	refs := c.req.kid("SyncFolderId").kids()
	if len(refs) != 1 {
		return nil, invalid("the element 'SyncFolderId' has incomplete content.")
	}
	ignore := map[string]bool{}
	for _, k := range c.req.kid("Ignore").kids() {
		ignore[k.attr("Id")] = true
	}
	return c.messages(1, func(int) (out []*node, err error) {
		err = c.view(func(x *tx) error {
			f, err := c.openFolder(x, refs[0], mayRead)
			if isCode(err, errorFolderNotFound) {
				err = fail("ErrorSyncFolderNotFound", "The folder to be synchronized could not be found.")
			}
			if err != nil {
				return err
			}
			state, err := parseSyncState(c.req.text("SyncState"), f.ID, f.Mailbox, x.mod)
			if err != nil {
				return err
			}
			changes := m("Changes")
			state, last, err := c.syncItems(x, state, limit, changes, c.renderer(x, shape), ignore)
			out = []*node{m("SyncState", state.String()), m("IncludesLastItemInRange", last), changes}
			return err
		})
		return out, err
	})
}

// syncItems collects up to limit changes and answers the state after them.
func (c *call) syncItems(x *tx, s syncState, limit int, changes *node, r *renderer, ignore map[string]bool) (syncState, bool, error) {
	for ; s.Phase < 3; s.Phase, s.Cursor, s.Row = s.Phase+1, 0, 0 {
		var err error
		left := limit - len(changes.Kids)
		switch s.Phase {
		case 0:
			err = c.syncRows(&s, left, changes, r, ignore, func() ([]*item, error) {
				return x.items(`folder = ? AND master = 0 AND created_mod > ? AND created_mod <= ? AND (created_mod, id) > (?, ?) ORDER BY created_mod, id LIMIT ?`,
					s.Folder, s.Base, s.Until, s.Cursor, s.Row, left+1)
			}, func(i *item) int64 { return i.CreatedMod })
		case 1:
			err = c.syncRows(&s, left, changes, r, ignore, func() ([]*item, error) {
				// The plus keeps the database from looking at everything that is older: what changed is found by its own indexes.
				return x.items(`((folder = ?1 AND mod > ?2) OR (folder = ?1 AND read_mod > ?2)) AND +master = 0 AND +created_mod <= ?2 AND max(mod, read_mod) <= ?3
					AND (max(mod, read_mod), id) > (?4, ?5) ORDER BY max(mod, read_mod), id LIMIT ?6`, s.Folder, s.Base, s.Until, s.Cursor, s.Row, left+1)
			}, func(i *item) int64 { return max(i.Mod, i.ReadMod) })
		case 2:
			err = x.syncGone(&s, left, changes, ignore)
		}
		if err != nil {
			return s, false, err
		}
		if s.Cursor != 0 { // stopped within the phase
			return s, false, nil
		}
	}
	return s.next(), true, nil
}

// syncRows adds created or changed items; it leaves the cursor at the last one when there are more than fit, else at 0.
func (c *call) syncRows(s *syncState, left int, changes *node, r *renderer, ignore map[string]bool, read func() ([]*item, error), key func(*item) int64) error {
	found, err := read()
	if err != nil {
		return err
	}
	if err := r.prepare(found); err != nil {
		return err
	}
	cursor, row := s.Cursor, s.Row
	for n, i := range found {
		if n == left {
			if s.Cursor, s.Row = cursor, row; cursor == 0 {
				s.Cursor = -1 // nothing fitted: begin this phase in the next page
			}
			return nil
		}
		cursor, row = key(i), i.ID
		if ignore[i.id()] {
			continue
		}
		change, err := syncChange(s, i, r)
		if err != nil {
			return err
		}
		changes.add(change)
	}
	s.Cursor, s.Row = 0, 0
	return nil
}

// syncChange is how one item is reported.
func syncChange(s *syncState, i *item, r *renderer) (*node, error) {
	if s.Phase == 1 && i.Mod <= s.Base {
		return t("ReadFlagChange", i.node("ItemId"), t("IsRead", i.Read)), nil
	}
	n, err := r.item(i)
	if err != nil {
		return nil, err
	}
	if s.Phase == 0 {
		return t("Create", n), nil
	}
	return t("Update", n), nil
}

// syncGone adds what has left the folder.
func (x *tx) syncGone(s *syncState, left int, changes *node, ignore map[string]bool) error {
	rows, err := x.Query(`SELECT mod, item FROM gone WHERE folder = ? AND mod > ? AND mod <= ? AND created_mod <= ? AND (mod, item) > (?, ?) ORDER BY mod, item LIMIT ?`,
		s.Folder, s.Base, s.Until, s.Base, s.Cursor, s.Row, left+1)
	if err != nil {
		return err
	}
	defer rows.Close()
	cursor, row := s.Cursor, s.Row
	for n := 0; rows.Next(); n++ {
		var mod, item int64
		if err := rows.Scan(&mod, &item); err != nil {
			return err
		}
		if n == left {
			if s.Cursor, s.Row = cursor, row; cursor == 0 {
				s.Cursor = -1
			}
			return nil
		}
		cursor, row = mod, item
		if gone := (id{Kind: kindItem, Mailbox: s.Mailbox, Row: item}).String(); !ignore[gone] {
			changes.add(t("Delete", t("ItemId", at("Id", gone))))
		}
	}
	s.Cursor, s.Row = 0, 0
	return rows.Err()
}

func (s *Server) opSyncFolderHierarchy(c *call) (*node, error) {
	shape, err := parseFolderShape(c.req.kid("FolderShape"))
	if err != nil {
		return nil, err
	}
	ref := t("DistinguishedFolderId", at("Id", "msgfolderroot"))
	if refs := c.req.kid("SyncFolderId").kids(); len(refs) == 1 {
		ref = refs[0]
	}
	return c.messages(1, func(int) (out []*node, err error) {
		err = c.view(func(x *tx) error {
			root, err := c.openFolder(x, ref, mayRead)
			if isCode(err, errorFolderNotFound) {
				err = fail("ErrorSyncFolderNotFound", "The folder to be synchronized could not be found.")
			}
			if err != nil {
				return err
			}
			state, err := parseSyncState(c.req.text("SyncState"), -root.ID, root.Mailbox, x.mod)
			if err != nil {
				return err
			}
			changes := m("Changes")
			if err := c.syncFolders(x, root, state, changes, shape); err != nil {
				return err
			}
			out = []*node{m("SyncState", state.next().String()), m("IncludesLastFolderInRange", true), changes}
			return nil
		})
		return out, err
	})
}

// syncFolders adds what changed below a folder; all in one page.
func (c *call) syncFolders(x *tx, root *folder, s syncState, changes *node, shape folderShape) error {
	list, err := x.below(root, true)
	if err != nil {
		return err
	}
	for _, f := range list {
		if f.Mod <= s.Base {
			continue
		}
		n, err := c.folderNode(x, f, shape)
		if err != nil {
			return err
		}
		kind := "Update"
		if f.CreatedMod > s.Base {
			kind = "Create"
		}
		changes.add(t(kind, n))
	}
	rows, err := x.goneFolders(root.Mailbox, s.Base)
	for _, row := range rows {
		changes.add(t("Delete", t("FolderId", at("Id", id{Kind: kindFolder, Mailbox: root.Mailbox, Row: row}.String()))))
	}
	return err
}

// goneFolders are the rows of folders that were removed after a write that they had seen.
func (x *tx) goneFolders(mailbox, base int64) ([]int64, error) {
	rows, err := x.Query(`SELECT item FROM gone WHERE folder = 0 AND mailbox = ? AND mod > ? AND created_mod <= ? ORDER BY mod, item`, mailbox, base, base)
	return collect(rows, err)
}

// collect reads a column of numbers.
func collect(rows *sql.Rows, err error) ([]int64, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []int64
	for rows.Next() {
		var v int64
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}
