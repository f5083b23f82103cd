package ewslab

// Items in the store: a tree of properties and the columns that searches need.

import (
	"database/sql"
	"errors"
	"strings"
	"time"
)

// item is one row, or an occurrence of a series that has no row of its own (ID 0, Master and Original set).
type item struct {
	ID, Mailbox, Folder int64
	Elem                string    // CalendarItem, Message, Contact, Task, MeetingRequest, ...
	Master              int64     // row of the series an exception belongs to
	Original            time.Time // of an exception or occurrence: its start by the pattern
	Read, Draft         bool
	Received            time.Time
	Size                int
	Created, Modified   time.Time
	ModifiedBy          string // display name
	CreatedMod, Mod     int64
	ReadMod             int64       // write that changed nothing but Read, if later than Mod
	Props               *node       // the element with what was set; what is computed is not in it
	gaps                []time.Time // occurrences to take out once the item is written
}

// id is the item's identifier; an exception's is that of its occurrence.
func (i *item) id() string {
	if i.Master != 0 {
		return id{Kind: kindOccurrence, Mailbox: i.Mailbox, Row: i.Master, Original: i.Original}.String()
	}
	return id{Kind: kindItem, Mailbox: i.Mailbox, Row: i.ID}.String()
}

func (i *item) changeKey() string { return changeKey(kindItem, max(i.Mod, i.ReadMod)) }

// node is the identifier as t:ItemId and the like.
func (i *item) node(name string) *node {
	return t(name, at("Id", i.id()), at("ChangeKey", i.changeKey()))
}

// get returns a property, nil when it is not set.
func (i *item) get(name string) *node { return i.Props.kid(name) }

// text returns a property's text.
func (i *item) text(name string) string { return i.Props.text(name) }

// flag returns a property as a boolean.
func (i *item) flag(name string) bool { return i.Props.flag(name) }

// time returns a property as an instant, zero without.
func (i *item) time(name string) time.Time {
	at, err := time.Parse(time.RFC3339, i.text(name))
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// set replaces a property of the same name.
func (i *item) set(p *node) {
	for n, k := range i.Props.Kids {
		if k.Name == p.Name {
			i.Props.Kids[n] = p
			return
		}
	}
	i.Props.Kids = append(i.Props.Kids, p)
}

// put sets a simple property; parts as for t.
func (i *item) put(name string, parts ...any) { i.set(element("t", name, parts)) }

// remove unsets properties.
func (i *item) remove(names ...string) {
	kept := i.Props.Kids[:0]
	for _, k := range i.Props.Kids {
		drop := false
		for _, n := range names {
			drop = drop || n == k.Name
		}
		if !drop {
			kept = append(kept, k)
		}
	}
	i.Props.Kids = kept
}

// class is the item class, the element's usual one when none was set.
func (i *item) class() string {
	if c := i.text("ItemClass"); c != "" {
		return c
	}
	return usualClass(i.Elem)
}

func usualClass(elem string) string {
	switch elem {
	case "CalendarItem":
		return "IPM.Appointment"
	case "Contact":
		return "IPM.Contact"
	case "DistributionList":
		return "IPM.DistList"
	case "Task":
		return "IPM.Task"
	case "PostItem":
		return "IPM.Post"
	case "MeetingRequest":
		return "IPM.Schedule.Meeting.Request"
	case "MeetingCancellation":
		return "IPM.Schedule.Meeting.Canceled"
	case "MeetingResponse":
		return "IPM.Schedule.Meeting.Resp.Pos"
	}
	return "IPM.Note"
}

// isSeries says whether the item is the master of a series.
func (i *item) isSeries() bool {
	return i.Elem == "CalendarItem" && i.Master == 0 && i.get("Recurrence") != nil
}

const itemColumns = `id, mailbox, folder, elem, master, original, is_read, is_draft, received, size, created, modified, modified_by, created_mod, mod, read_mod, props`

func scanItem(row interface{ Scan(...any) error }) (*item, error) {
	i, props, err := scanRow(row)
	if err == nil {
		i.Props, err = unpack(props)
	}
	return i, err
}

// scanRow reads an item whose properties are still packed.
func scanRow(row interface{ Scan(...any) error }) (i *item, props []byte, err error) {
	i = &item{}
	var original, received, created, modified int64
	err = row.Scan(&i.ID, &i.Mailbox, &i.Folder, &i.Elem, &i.Master, &original, &i.Read, &i.Draft, &received, &i.Size, &created, &modified, &i.ModifiedBy,
		&i.CreatedMod, &i.Mod, &i.ReadMod, &props)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, fail(errorItemNotFound)
	}
	if err != nil {
		return nil, nil, err
	}
	i.Received, i.Created, i.Modified = time.UnixMilli(received).UTC(), time.UnixMilli(created).UTC(), time.UnixMilli(modified).UTC()
	if i.Master != 0 {
		i.Original = time.Unix(original, 0).UTC()
	}
	return i, props, nil
}

// item reads one by its row.
func (x *tx) item(row int64) (*item, error) {
	return scanItem(x.QueryRow(`SELECT `+itemColumns+` FROM items WHERE id = ?`, row))
}

// items reads what a query over the items finds; where may go on with ORDER BY and LIMIT.
func (x *tx) items(where string, args ...any) ([]*item, error) {
	rows, err := x.Query(`SELECT `+itemColumns+` FROM items WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*item
	for rows.Next() {
		i, err := scanItem(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, i)
	}
	return out, rows.Err()
}

// insertItem writes a new item and notes the change. Mailbox, Folder, Elem and Props are set by the caller.
func (x *tx) insertItem(i *item) error {
	i.CreatedMod, i.Mod, i.ReadMod, i.Modified = x.mod, x.mod, 0, x.now.Truncate(time.Second)
	if i.Created.IsZero() {
		i.Created = x.now
	}
	if i.Received.IsZero() {
		i.Received = x.now
	}
	c := i.columns()
	res, err := x.Exec(`INSERT INTO items(mailbox, folder, elem, class, uid, start_at, end_at, recurring, master, original, is_read, is_draft, received, size, created, modified,
		modified_by, created_mod, mod, read_mod, props) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
		i.Mailbox, i.Folder, i.Elem, i.class(), i.text("UID"), c.start, c.end, c.recurring, i.Master, c.original, i.Read, i.Draft, i.Received.UnixMilli(), c.size,
		i.Created.UnixMilli(), i.Modified.UnixMilli(), i.ModifiedBy, i.CreatedMod, i.Mod, i.ReadMod, c.props)
	if err != nil {
		return err
	}
	if i.ID, err = res.LastInsertId(); err != nil {
		return err
	}
	if err := x.saveGaps(i); err != nil {
		return err
	}
	if i.Master == 0 {
		x.note(change{Kind: created, Mailbox: i.Mailbox, Item: i.ID, Folder: i.Folder, Calendar: i.Elem == "CalendarItem"})
	}
	return nil
}

// saveItem writes a changed item and notes the change. A change of an exception is one of its series too: touch the master.
func (x *tx) saveItem(i *item) error {
	i.Mod = x.mod
	if i.Modified = i.Modified.Add(time.Second); x.now.After(i.Modified) { // whole seconds, and new with each write: some clients know a version by it
		i.Modified = x.now.Truncate(time.Second)
	}
	c := i.columns()
	_, err := x.Exec(`UPDATE items SET class = ?, uid = ?, start_at = ?, end_at = ?, recurring = ?, is_read = ?, is_draft = ?, received = ?, size = ?, modified = ?, modified_by = ?,
		mod = ?, props = ? WHERE id = ?`, i.class(), i.text("UID"), c.start, c.end, c.recurring, i.Read, i.Draft, i.Received.UnixMilli(), c.size, i.Modified.UnixMilli(), i.ModifiedBy,
		i.Mod, c.props, i.ID)
	if err != nil {
		return err
	}
	if err := x.saveGaps(i); err != nil {
		return err
	}
	if i.Master == 0 {
		x.note(change{Kind: modified, Mailbox: i.Mailbox, Item: i.ID, Folder: i.Folder, Calendar: i.Elem == "CalendarItem"})
	}
	return nil
}

// saveGaps takes out the occurrences that came with the item.
func (x *tx) saveGaps(i *item) error {
	for _, at := range i.gaps {
		if _, err := x.Exec(`INSERT OR IGNORE INTO gaps(master, original) VALUES(?,?)`, i.ID, at.Unix()); err != nil {
			return err
		}
	}
	i.gaps = nil
	return nil
}

// saveRead writes nothing but the read flag: clients are told of it as of a change of its own kind.
func (x *tx) saveRead(i *item, read bool) error {
	i.Read, i.ReadMod = read, x.mod
	if _, err := x.Exec(`UPDATE items SET is_read = ?, read_mod = ? WHERE id = ?`, read, x.mod, i.ID); err != nil {
		return err
	}
	x.note(change{Kind: modified, Mailbox: i.Mailbox, Item: i.ID, Folder: i.Folder, ReadFlag: true})
	return nil
}

// eraseItem removes an item for good, with its exceptions and attachments, and leaves word for synchronisation.
func (x *tx) eraseItem(i *item) error {
	if err := x.forget(i); err != nil {
		return err
	}
	x.note(change{Kind: deleted, Mailbox: i.Mailbox, Item: i.ID, Folder: i.Folder, Calendar: i.Elem == "CalendarItem"})
	return nil
}

// forget removes the rows of an item.
func (x *tx) forget(i *item) error {
	for _, q := range []string{
		`DELETE FROM attachments WHERE item = ?1 OR item IN (SELECT id FROM items WHERE master = ?1)`,
		`DELETE FROM gaps WHERE master = ?1`,
		`DELETE FROM items WHERE id = ?1 OR master = ?1`,
	} {
		if _, err := x.Exec(q, i.ID); err != nil {
			return err
		}
	}
	if i.Master != 0 {
		return nil
	}
	_, err := x.Exec(`INSERT INTO gone(mod, mailbox, folder, item, created_mod) VALUES(?,?,?,?,?)`, x.mod, i.Mailbox, i.Folder, i.ID, i.CreatedMod)
	return err
}

// itemColumnsOf are the columns that are taken from the properties.
type searchColumns struct {
	start, end, original int64
	recurring            bool
	size                 int
	props                []byte
}

func (i *item) columns() searchColumns {
	c := searchColumns{props: pack(i.Props), recurring: i.isSeries()}
	i.Size = len(c.props)
	c.size = i.Size
	if i.Elem == "CalendarItem" {
		c.start, c.end = i.time("Start").Unix(), i.time("End").Unix()
	}
	if c.recurring {
		c.end = seriesEnd(i).Unix()
	}
	if i.Master != 0 {
		c.original = i.Original.Unix()
	}
	return c
}

// isMeetingMessage says whether an element is one of the meeting messages.
func isMeetingMessage(elem string) bool { return strings.HasPrefix(elem, "Meeting") }
