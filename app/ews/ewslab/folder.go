package ewslab

// Folders in the store.

import (
	"database/sql"
	"errors"
)

// folder is one row.
type folder struct {
	ID, Mailbox, Parent int64
	Dist                string // well-known name, "" for others
	Class               string // IPF.Appointment, ...
	Name                string
	CreatedMod, Mod     int64
	Props               *node // extended properties
}

func (f *folder) id() string        { return id{Kind: kindFolder, Mailbox: f.Mailbox, Row: f.ID}.String() }
func (f *folder) changeKey() string { return changeKey(kindFolder, f.Mod) }

// node is the folder's identifier as t:FolderId, t:ParentFolderId and the like.
func (f *folder) node(name string) *node {
	return t(name, at("Id", f.id()), at("ChangeKey", f.changeKey()))
}

const folderColumns = `id, mailbox, parent, dist, class, name, created_mod, mod, props`

func scanFolder(row interface{ Scan(...any) error }) (*folder, error) {
	f, props := &folder{}, []byte(nil)
	err := row.Scan(&f.ID, &f.Mailbox, &f.Parent, &f.Dist, &f.Class, &f.Name, &f.CreatedMod, &f.Mod, &props)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fail(errorFolderNotFound)
	}
	if err == nil {
		f.Props, err = unpack(props)
	}
	return f, err
}

// folder reads one by its row.
func (x *tx) folder(row int64) (*folder, error) {
	return scanFolder(x.QueryRow(`SELECT `+folderColumns+` FROM folders WHERE id = ?`, row))
}

// standard reads a mailbox's folder by its well-known name.
func (x *tx) standard(mailbox int64, dist string) (*folder, error) {
	return scanFolder(x.QueryRow(`SELECT `+folderColumns+` FROM folders WHERE mailbox = ? AND dist = ?`, mailbox, dist))
}

// folders reads what a query over the folders finds.
func (x *tx) folders(where string, args ...any) ([]*folder, error) {
	rows, err := x.Query(`SELECT `+folderColumns+` FROM folders WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*folder
	for rows.Next() {
		f, err := scanFolder(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, rows.Err()
}

// insertFolder writes a new folder and notes the change.
func (x *tx) insertFolder(f *folder) error {
	f.CreatedMod, f.Mod = x.mod, x.mod
	res, err := x.Exec(`INSERT INTO folders(mailbox, parent, dist, class, name, created_mod, mod, props) VALUES(?,?,?,?,?,?,?,?)`,
		f.Mailbox, f.Parent, f.Dist, f.Class, f.Name, f.CreatedMod, f.Mod, pack(f.Props))
	if err != nil {
		return err
	}
	if f.ID, err = res.LastInsertId(); err != nil {
		return err
	}
	x.note(change{Kind: created, Mailbox: f.Mailbox, Folder: f.ID, Parent: f.Parent})
	return nil
}

// saveFolder writes a changed folder and notes the change.
func (x *tx) saveFolder(f *folder) error {
	f.Mod = x.mod
	if _, err := x.Exec(`UPDATE folders SET parent = ?, class = ?, name = ?, mod = ?, props = ? WHERE id = ?`, f.Parent, f.Class, f.Name, f.Mod, pack(f.Props), f.ID); err != nil {
		return err
	}
	x.note(change{Kind: modified, Mailbox: f.Mailbox, Folder: f.ID, Parent: f.Parent})
	return nil
}
