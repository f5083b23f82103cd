package web

// Who came, who was refused and who went, what administrators changed, read and took away: a line of the operator's log
// each, and one of the audit trail. What was typed is never in either: of a refused sign-in only the address of somebody
// who is known, since people also type their password into the wrong field.

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// Audit is the audit trail.
type Audit interface {
	// Note puts a line into it, soon; it never blocks.
	Note(ctx context.Context, l portal.Audited)
	// Search gives lines, the newest first.
	Search(ctx context.Context, q portal.AuditQuery) ([]portal.Audited, error)
}

// maxAgentLogged is how much of a browser's description of itself is logged, in bytes.
const maxAgentLogged = 200

// audit logs what happened, with where it came from, and puts it into the trail. Of the line By, About, Kind, Subject, Detail
// and Result are the caller's; attrs are for the log.
func (s *Server) audit(c echo.Context, level slog.Level, what string, l portal.Audited, attrs ...slog.Attr) {
	l.At, l.Remote, l.Agent, l.Request = s.Now(), c.RealIP(), cleanAgent(c.Request().UserAgent()), requestID(c)
	attrs = append(attrs, slog.String("remote", l.Remote), slog.String("agent", l.Agent), slog.String("request_id", l.Request))
	ctx := context.WithoutCancel(c.Request().Context())
	s.Logger.LogAttrs(ctx, level, what, attrs...)
	if s.Audit == nil {
		return
	}
	if l.Result != "" && (l.Kind == portal.AuditSignin || l.Kind == portal.AuditForbidden) {
		missing, ok := s.refusals.room(l.Remote)
		if !ok {
			return
		}
		if missing > 0 {
			s.Audit.Note(ctx, portal.Audited{At: l.At, Kind: portal.AuditGap, Detail: strconv.FormatInt(missing, 10)})
		}
	}
	s.Audit.Note(ctx, l)
}

// Of refused sign-ins and of tries to do what only administrators may, the trail takes so many: of one address a burst and
// then one a second, of all together a burst and then five a second. The rest stands in the operator's log alone, and the
// trail says how many those were, so that nobody can fill the disk by guessing.
const (
	refusalsOfOne, refusalBurstOfOne = 1, 500
	refusalsOfAll, refusalBurstOfAll = 5, 5000
)

// refusals is that pace.
type refusals struct {
	one, all *personLimits
	missing  atomic.Int64
}

func newRefusals(now func() time.Time) *refusals {
	return &refusals{one: newPersonLimits(refusalsOfOne, refusalBurstOfOne, now), all: newPersonLimits(refusalsOfAll, refusalBurstOfAll, now)}
}

// room reports whether the trail takes a refusal of somebody from an address, and how many it has not taken since the last.
func (r *refusals) room(remote string) (missing int64, ok bool) {
	if _, ok = r.one.allow(portal.Address(remote)); ok {
		_, ok = r.all.allow("")
	}
	if !ok {
		r.missing.Add(1)
		return 0, false
	}
	return r.missing.Swap(0), true
}

// auditSignin logs a try to sign in; who is empty where no address was understood, or where nobody of that address is known.
func (s *Server) auditSignin(c echo.Context, who portal.Address, err error) {
	l := portal.Audited{Kind: portal.AuditSignin, By: who}
	if err == nil {
		s.audit(c, slog.LevelInfo, "signed in", l, slog.String("person", string(who)))
		return
	}
	address := string(who)
	if address == "" {
		address = "(none)"
	}
	l.Result = classify(err).reason
	s.audit(c, slog.LevelWarn, "sign-in refused", l, slog.String("address", address), slog.String("reason", l.Result))
}

// auditOwn logs what somebody did with their own sign-ins.
func (s *Server) auditOwn(c echo.Context, what string, who portal.Address, l portal.Audited) {
	l.By = who
	s.audit(c, slog.LevelInfo, what, l, slog.String("person", string(who)))
}

// auditAct logs what the person did, or why it was refused. What it was before stands in the record of policies.
func (s *Server) auditAct(c echo.Context, what string, l portal.Audited, err error, attrs ...slog.Attr) {
	l.By = s.person(c)
	attrs = append([]slog.Attr{slog.String("person", string(l.By))}, attrs...)
	level := slog.LevelInfo
	if err != nil {
		l.Result = classify(err).reason
		level, what = slog.LevelWarn, what+" refused"
		attrs = append(attrs, slog.String("reason", l.Result))
	}
	s.audit(c, level, what, l, attrs...)
}

// cleanAgent is what a browser says of itself as one line of printable text.
func cleanAgent(agent string) string {
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, clip(agent, maxAgentLogged))
}
