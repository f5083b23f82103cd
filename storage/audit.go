package storage

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"portico/app/portal"
)

// The audit trail. It is only added to; what is too old goes as a whole.

// auditDefault and auditMost bound a page of the trail.
const auditDefault, auditMost = 100, 1000

// AddAudited adds lines in their order, all or none; one without a time is of now.
func (s *Store) AddAudited(ctx context.Context, lines ...portal.Audited) error {
	for _, l := range lines {
		if l.Kind == "" || l.Result == "" {
			return invalid("a line of the audit trail needs a kind and a result")
		}
	}
	lines = slices.Clone(lines)
	return s.write(ctx, "add to the audit trail", func(t *txn) error {
		for _, l := range lines {
			if err := t.exec(`INSERT INTO audit (at, kind, actor, about, subject, detail, remote, agent, request, result) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				stamp(t.orNow(l.At)), l.Kind, string(l.By), string(l.About), l.Subject, l.Detail, l.Remote, l.Agent, l.Request, l.Result); err != nil {
				return err
			}
		}
		return nil
	})
}

const (
	auditColumns = `SELECT seq, at, kind, actor, about, subject, detail, remote, agent, request, result FROM audit`
	// auditRest is what every query ends with: a span of time, the place of the page, and whether only refusals count.
	auditRest = ` at >= ? AND (at, seq) < (?, ?) AND (? = 0 OR result <> 'done') ORDER BY at DESC, seq DESC LIMIT ?`

	auditOfAll   = auditColumns + ` INDEXED BY audit_at WHERE` + auditRest
	auditOfKind  = auditColumns + ` INDEXED BY audit_kind WHERE kind = ? AND` + auditRest
	auditByWho   = auditColumns + ` INDEXED BY audit_actor WHERE actor = ? AND (? = '' OR kind = ?) AND` + auditRest
	auditOfWhom  = auditColumns + ` INDEXED BY audit_about WHERE about = ? AND (? = '' OR kind = ?) AND` + auditRest
	auditLineOf  = `SELECT at FROM audit WHERE seq = ?`
	dropAudit    = `DELETE FROM audit WHERE seq IN (SELECT seq FROM audit INDEXED BY audit_at WHERE at < ? ORDER BY at, seq LIMIT ?)`
	dropRecorded = `DELETE FROM policy_changes WHERE seq IN (SELECT seq FROM policy_changes WHERE at < ? ORDER BY at LIMIT ?)`
	// The record of the archive keeps what is about people under a hold: it says why that stands.
	dropExports = `DELETE FROM history_exports WHERE num IN (SELECT num FROM history_exports WHERE at < ?
		AND NOT EXISTS (SELECT 1 FROM history_holds WHERE history_holds.who = history_exports.who) ORDER BY num LIMIT ?)`
)

// Audited are lines of the audit trail, the newest first; of a person both what they did and what was about them. After a
// line that has gone meanwhile there is nothing: what was older has gone too.
func (s *Store) Audited(ctx context.Context, q portal.AuditQuery) ([]portal.Audited, error) {
	if q.Limit <= 0 {
		q.Limit = auditDefault
	}
	q.Limit = min(q.Limit, auditMost)
	from, to, seq := int64(math.MinInt64), int64(math.MaxInt64), int64(math.MaxInt64)
	if !q.From.IsZero() {
		from = stamp(q.From)
	}
	if !q.To.IsZero() { // before any line of that instant
		to, seq = stamp(q.To), math.MinInt64
	}
	if q.Before > 0 {
		var at int64
		found, err := s.one(ctx, "a line of the audit trail", auditLineOf, []any{q.Before}, &at)
		if err != nil || !found {
			return nil, err
		}
		if at < to {
			to, seq = at, q.Before
		}
	}
	rest := []any{from, to, seq, flag(q.Refused), q.Limit}
	switch {
	case q.Who != "":
		by, err := s.audited(ctx, auditByWho, append([]any{string(q.Who), q.Kind, q.Kind}, rest...))
		if err != nil {
			return nil, err
		}
		about, err := s.audited(ctx, auditOfWhom, append([]any{string(q.Who), q.Kind, q.Kind}, rest...))
		return newestOf(by, about, q.Limit), err
	case q.Kind != "":
		return s.audited(ctx, auditOfKind, append([]any{q.Kind}, rest...))
	}
	return s.audited(ctx, auditOfAll, rest)
}

// newestOf are the newest lines of two lists, each once.
func newestOf(a, b []portal.Audited, limit int) []portal.Audited {
	all := append(a, b...)
	slices.SortFunc(all, func(x, y portal.Audited) int { return cmp.Or(y.At.Compare(x.At), cmp.Compare(y.Seq, x.Seq)) })
	all = slices.CompactFunc(all, func(x, y portal.Audited) bool { return x.Seq == y.Seq })
	return all[:min(len(all), limit)]
}

func (s *Store) audited(ctx context.Context, query string, args []any) (list []portal.Audited, err error) {
	err = s.all(ctx, "the audit trail", query, args, func(scan scanFunc) error {
		var (
			l  portal.Audited
			at int64
		)
		err := scan(&l.Seq, &at, &l.Kind, &l.By, &l.About, &l.Subject, &l.Detail, &l.Remote, &l.Agent, &l.Request, &l.Result)
		l.At = instant(at)
		list = append(list, l)
		return err
	})
	return list, err
}

// DropAudited forgets lines of the audit trail older than a time, in small writes, and with them those of the record of policies and
// of the archive's record of holds and exports, there but for lines about people under a hold.
func (s *Store) DropAudited(ctx context.Context, before time.Time) error {
	for _, trail := range []struct{ what, drop string }{
		{"drop old lines of the audit trail", dropAudit}, {"drop old lines of the record of policies", dropRecorded}, {"drop old lines of the archive's record", dropExports},
	} {
		err := s.repeat(ctx, trail.what, func(t *txn) (bool, error) {
			n, err := t.affect(trail.drop, stamp(before), slice)
			return n == slice, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
