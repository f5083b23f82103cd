package storage

import (
	"context"
	"unicode/utf8"

	"portico/app/portal"
)

// What people had begun to write and where they were last.

const (
	// The oldest go where there are more than may be, of a person.
	dropDrafts = `DELETE FROM drafts WHERE owner = ? AND conversation IN
		(SELECT conversation FROM drafts WHERE owner = ? ORDER BY at DESC, conversation DESC LIMIT -1 OFFSET ?)`
	listDrafts = `SELECT conversation, text, at FROM drafts WHERE owner = ? AND text <> '' ORDER BY at DESC, conversation DESC`
)

// Drafts are the texts that a person has begun, newest first.
func (s *Store) Drafts(ctx context.Context, owner portal.Address) (list []portal.Draft, err error) {
	err = s.all(ctx, "drafts", listDrafts, []any{string(owner)}, func(scan scanFunc) error {
		var (
			d  portal.Draft
			at int64
		)
		err := scan(&d.Conversation, &d.Text, &at)
		d.At = instant(at)
		list = append(list, d)
		return err
	})
	return list, err
}

// Draft is what a person has begun in a conversation: with an empty text and a time where it was sent or deleted then, and
// without a time where there never was any.
func (s *Store) Draft(ctx context.Context, owner, conversation portal.Address) (portal.Draft, error) {
	d, at := portal.Draft{Conversation: conversation}, int64(0)
	found, err := s.one(ctx, "draft", `SELECT text, at FROM drafts WHERE owner = ? AND conversation = ?`, []any{string(owner), string(conversation)}, &d.Text, &at)
	if err != nil {
		return portal.Draft{}, err
	}
	if found {
		d.At = instant(at)
	}
	return d, nil
}

// SaveDraft keeps a draft unless a newer one is kept already, and gives the one that is. An empty text takes the place of an
// older one. Of a person's, the newest portal.MaxDrafts are kept.
func (s *Store) SaveDraft(ctx context.Context, owner portal.Address, d portal.Draft) (kept portal.Draft, err error) {
	if owner == "" || d.Conversation == "" || d.At.IsZero() || utf8.RuneCountInString(d.Text) > portal.MaxDraftLen {
		return portal.Draft{}, invalid("a draft needs an owner, a conversation and a time, and has a length")
	}
	err = s.write(ctx, "save draft", func(t *txn) error {
		var at int64
		kept = d
		found, err := t.one(`SELECT text, at FROM drafts WHERE owner = ? AND conversation = ?`, []any{string(owner), string(d.Conversation)}, &kept.Text, &at)
		if err != nil {
			return err
		}
		if found && at > stamp(d.At) {
			kept.At = instant(at)
			return nil
		}
		kept = portal.Draft{Conversation: d.Conversation, Text: d.Text, At: instant(stamp(d.At))}
		if err := t.exec(`INSERT INTO drafts (owner, conversation, text, at) VALUES (?, ?, ?, ?)
			ON CONFLICT (owner, conversation) DO UPDATE SET text = excluded.text, at = excluded.at`,
			string(owner), string(d.Conversation), d.Text, stamp(d.At)); err != nil || found {
			return err
		}
		return t.exec(dropDrafts, string(owner), string(owner), portal.MaxDrafts)
	})
	return kept, err
}

// pruneDrafts forgets what was begun longer ago than Options.Retention.
func (s *Store) pruneDrafts(ctx context.Context) error {
	if s.o.Retention <= 0 {
		return nil
	}
	before := stamp(s.o.Now().Add(-s.o.Retention))
	return s.repeat(ctx, "prune drafts", func(t *txn) (bool, error) {
		n, err := t.affect(`DELETE FROM drafts WHERE (owner, conversation) IN (SELECT owner, conversation FROM drafts WHERE at < ? ORDER BY at LIMIT ?)`, before, slice)
		return n == slice, err
	})
}

// Place is where a person was last; the zero LastPlace where that is not known.
func (s *Store) Place(ctx context.Context, who portal.Address) (p portal.LastPlace, err error) {
	var at int64
	found, err := s.one(ctx, "place", `SELECT path, at FROM last_places WHERE person = ?`, []any{string(who)}, &p.Path, &at)
	if err != nil || !found {
		return portal.LastPlace{}, err
	}
	p.At = instant(at)
	return p, nil
}

// SavePlaces keeps where people are, unless a newer place of theirs is kept already. An empty path forgets it.
func (s *Store) SavePlaces(ctx context.Context, places map[portal.Address]portal.LastPlace) error {
	for who, p := range places {
		if who == "" || len(p.Path) > portal.MaxPlaceLen || p.At.IsZero() {
			return invalid("a place needs a person and a time, and has a length")
		}
	}
	return s.write(ctx, "save places", func(t *txn) error {
		for who, p := range places {
			var err error
			if p.Path == "" {
				err = t.exec(`DELETE FROM last_places WHERE person = ? AND at <= ?`, string(who), stamp(p.At))
			} else {
				err = t.exec(`INSERT INTO last_places (person, path, at) VALUES (?, ?, ?)
					ON CONFLICT (person) DO UPDATE SET path = excluded.path, at = excluded.at WHERE excluded.at >= last_places.at`,
					string(who), p.Path, stamp(p.At))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
