package history

import (
	"context"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"portico/app/portal"
)

// What administrators do: hold what a person said and heard, lift that again, and export it. Each leaves a record with its reason.
// Who is an administrator is decided by whoever calls.

// exportsMost bounds the record of exports that is listed.
const exportsMost = 1000

// reasoned is the reason of an administrator, which must be one (ErrInvalid, "history.reason").
func reasoned(reason string) (string, error) {
	reason = strings.TrimSpace(printable(reason))
	if reason == "" || utf8.RuneCountInString(reason) > maxReason {
		return "", portal.Fail(portal.ErrInvalid, "history.reason")
	}
	return reason, nil
}

// Holds lists the people under legal hold.
func (s *Service) Holds(ctx context.Context) ([]portal.Hold, error) { return s.store.Holds(ctx) }

// Hold keeps what who said and heard from now on, whatever they or retention delete, and records it.
func (s *Service) Hold(ctx context.Context, by, who portal.Address, reason string) error {
	reason, err := reasoned(reason)
	if err != nil {
		return err
	}
	return s.store.PutHold(ctx, portal.Hold{Who: who, By: by, Reason: reason, At: s.o.Now().UTC()})
}

// Release lifts a hold and records it; what the person deleted meanwhile goes then. ErrNotFound ("history.no-hold").
func (s *Service) Release(ctx context.Context, by, who portal.Address, reason string) error {
	reason, err := reasoned(reason)
	if err != nil {
		return err
	}
	return s.store.DropHold(ctx, who, by, reason)
}

// Exports lists what administrators exported, held and released, newest first, at most limit (default and most: 1000).
func (s *Service) Exports(ctx context.Context, limit int) ([]Export, error) {
	if limit <= 0 || limit > exportsMost {
		limit = exportsMost
	}
	return s.store.Exports(ctx, limit)
}

// ExportFor writes all that who said and heard in [from, to), also what they deleted while under hold, in the administrator's
// language and zone. It is recorded before the first byte is written, and the number of messages when it is done or was broken off. ErrTooMany
// ("history.exports") while two of the administrator's are under way.
func (s *Service) ExportFor(ctx context.Context, by, who portal.Address, from, to time.Time, format, reason string, w io.Writer) error {
	reason, err := reasoned(reason)
	if err != nil {
		return err
	}
	q, err := checked(portal.HistoryQuery{From: from, To: to})
	if err != nil {
		return err
	}
	out, err := s.sheet(ctx, by, who, format, w)
	if err != nil {
		return err
	}
	if !s.exports.begin(by) {
		return tooManyExports()
	}
	defer s.exports.end(by)
	record := Export{At: s.o.Now().UTC(), By: by, Who: who, What: portal.HistoryExported, From: from, To: to, Format: format, Reason: reason}
	record.Number, err = s.store.LogExport(ctx, record)
	if err != nil {
		return err
	}
	n, err := s.writeEpisodes(ctx, by, who, q, true, out)
	record.Messages = n
	if _, logged := s.store.LogExport(context.WithoutCancel(ctx), record); logged != nil {
		s.o.Logger.ErrorContext(ctx, "number of exported messages not recorded", "by", by, "who", who, "messages", n, "err", logged)
	}
	return err
}
