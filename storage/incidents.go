package storage

import (
	"context"
	"time"

	"portico/app/portal"
)

// The logs of sign-in and connection problems. Their numbers are in the order of time: a line that happens again gets a new one.

// incidentsDefault and incidentsMost bound a page.
const incidentsDefault, incidentsMost = 100, 1000

// AddIncident adds a line; one without a time is of now. Where the person's newest line of the same part says the same (Good, Cause,
// Detail), that line gets the new time, number and Remote and counts one more instead.
func (s *Store) AddIncident(ctx context.Context, i portal.Incident) error {
	if i.Part == "" {
		return invalid("an incident needs a part")
	}
	return s.write(ctx, "add incident", func(t *txn) error {
		var (
			seq           int64
			good, times   int
			cause, detail string
		)
		found, err := t.one(`SELECT seq, good, cause, detail, times FROM incidents WHERE person = ? AND part = ? ORDER BY seq DESC LIMIT 1`,
			[]any{string(i.Who), i.Part}, &seq, &good, &cause, &detail, &times)
		if err != nil {
			return err
		}
		i.Times = max(i.Times, 1)
		if found && good == flag(i.Good) && cause == i.Cause && detail == i.Detail {
			i.Times += times
			if err := t.exec(`DELETE FROM incidents WHERE seq = ?`, seq); err != nil {
				return err
			}
		}
		return t.exec(`INSERT INTO incidents (person, at, part, good, cause, detail, remote, times) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			string(i.Who), stamp(t.orNow(i.At)), i.Part, flag(i.Good), i.Cause, i.Detail, i.Remote, i.Times)
	})
}

const (
	incidentColumns = `SELECT seq, person, at, part, good, cause, detail, remote, times FROM incidents`
	incidentsOfOne  = incidentColumns + ` WHERE person = ? AND seq < ? ORDER BY seq DESC LIMIT ?`
	incidentsOfAll  = incidentColumns + ` WHERE seq < ? ORDER BY seq DESC LIMIT ?`
)

// Incidents are a person's lines before a number (0: from the newest), newest first, at most limit (default 100, most 1000). who ""
// is everybody's.
func (s *Store) Incidents(ctx context.Context, who portal.Address, before int64, limit int) (list []portal.Incident, err error) {
	before, limit = page(before, limit, incidentsDefault, incidentsMost)
	query, args := incidentsOfOne, []any{string(who), before, limit}
	if who == "" {
		query, args = incidentsOfAll, args[1:]
	}
	err = s.all(ctx, "incidents", query, args, func(scan scanFunc) error {
		var (
			i    portal.Incident
			at   int64
			good int
		)
		err := scan(&i.Seq, &i.Who, &at, &i.Part, &good, &i.Cause, &i.Detail, &i.Remote, &i.Times)
		i.At, i.Good = instant(at), good != 0
		list = append(list, i)
		return err
	})
	return list, err
}

// DropIncidents forgets lines older than a time, and of each person those beyond the newest most, in small writes. It reads by the
// indexes alone: what it costs while nothing is to go is one look for each person who has lines.
func (s *Store) DropIncidents(ctx context.Context, before time.Time, most int) error {
	err := s.repeat(ctx, "drop old incidents", func(t *txn) (bool, error) {
		n, err := t.affect(`DELETE FROM incidents WHERE seq IN (SELECT seq FROM incidents WHERE at < ? ORDER BY at LIMIT ?)`, stamp(before), slice)
		return n == slice, err
	})
	if err != nil {
		return err
	}
	var who portal.Address
	from := `SELECT person FROM incidents WHERE person >= ? ORDER BY person LIMIT 1`
	for {
		found, err := s.one(ctx, "people with incidents", from, []any{string(who)}, &who)
		if err != nil || !found {
			return err
		}
		from = `SELECT person FROM incidents WHERE person > ? ORDER BY person LIMIT 1`
		var upTo int64
		found, err = s.one(ctx, "end of a person's incidents", `SELECT seq FROM incidents WHERE person = ? ORDER BY seq DESC LIMIT 1 OFFSET ?`,
			[]any{string(who), max(most, 0)}, &upTo)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		err = s.repeat(ctx, "drop incidents of a person", func(t *txn) (bool, error) {
			n, err := t.affect(`DELETE FROM incidents WHERE seq IN (SELECT seq FROM incidents WHERE person = ? AND seq <= ? ORDER BY seq LIMIT ?)`,
				string(who), upTo, slice)
			return n == slice, err
		})
		if err != nil {
			return err
		}
	}
}
