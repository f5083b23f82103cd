package ewslab

// How a changed or deleted occurrence of a series is kept.

import (
	"bytes"
	"slices"
)

// saveOccurrence keeps what was changed of an occurrence as an exception and touches its series.
func (x *tx) saveOccurrence(o *item) error {
	master, err := x.item(o.Master)
	if err != nil {
		return err
	}
	s, err := seriesOf(master)
	if err != nil {
		return err
	}
	row := *o
	row.Props = difference(s.bare(o.Original).Props, o.Props)
	if o.ID == 0 {
		row.Created = x.now
		err = x.insertItem(&row)
	} else {
		err = x.saveItem(&row)
	}
	if err != nil {
		return err
	}
	o.ID = row.ID
	master.ModifiedBy = o.ModifiedBy
	if err := x.saveItem(master); err != nil {
		return err
	}
	o.Mod, o.ReadMod, o.Modified = master.Mod, master.ReadMod, master.Modified
	return nil
}

// difference is what an exception has to keep: what differs from the series, and marks for what is no longer there. Start and end are always kept.
func difference(base, props *node) *node {
	out := &node{Space: "t", Name: props.Name}
	seen := map[string]bool{}
	for _, p := range props.Kids {
		if seen[p.Name] {
			continue
		}
		seen[p.Name] = true
		mine, theirs := props.all(p.Name), base.all(p.Name)
		same := slices.EqualFunc(mine, theirs, func(a, b *node) bool { return bytes.Equal(pack(a), pack(b)) })
		if !same || p.Name == "Start" || p.Name == "End" {
			out.add(mine...)
		}
	}
	for _, p := range base.Kids {
		if !seen[p.Name] {
			seen[p.Name] = true
			out.add(t(p.Name, at("unset", "1")))
		}
	}
	return out
}

// deleteOccurrence takes one occurrence out of its series.
func (x *tx) deleteOccurrence(o *item, by string) error {
	if _, err := x.Exec(`INSERT OR IGNORE INTO gaps(master, original) VALUES(?,?)`, o.Master, o.Original.Unix()); err != nil {
		return err
	}
	if o.ID != 0 {
		if err := x.forget(o); err != nil {
			return err
		}
	}
	master, err := x.item(o.Master)
	if err != nil {
		return err
	}
	master.ModifiedBy = by
	return x.saveItem(master)
}

// resetSeries forgets exceptions and deleted occurrences, as happens when pattern or times of a series change.
func (x *tx) resetSeries(master *item) error {
	for _, q := range []string{
		`DELETE FROM attachments WHERE item IN (SELECT id FROM items WHERE master = ?1)`,
		`DELETE FROM items WHERE master = ?1`, `DELETE FROM gaps WHERE master = ?1`,
	} {
		if _, err := x.Exec(q, master.ID); err != nil {
			return err
		}
	}
	return nil
}
