package web

import (
	"context"
	"io"
	"time"

	"portico/app/portal"
)

// History finds every conversation again. who is whose request it is.
type History interface {
	// List gives a page of the person's history, newest first: episodes, or with words in q messages that have them.
	List(ctx context.Context, who portal.Address, q portal.HistoryQuery) (portal.HistoryPage, error)
	// Days counts messages by day ("2026-11-21") of a time zone in [from, to).
	Days(ctx context.Context, who portal.Address, from, to time.Time, zone *time.Location) (map[string]int, error)
	// Open gives an episode with at most limit of its messages after a cursor (zero: from the start).
	Open(ctx context.Context, who portal.Address, id string, after int64, limit int) (portal.Transcript, error)
	// Delete takes the person's own copy of an episode away, a foreign item out of their mailbox.
	Delete(ctx context.Context, who portal.Address, id string) error
	// Export writes all that q finds as "text", "html" or "json".
	Export(ctx context.Context, who portal.Address, q portal.HistoryQuery, format string, w io.Writer) error

	// What administrators do; by is the one who asks.
	Holds(ctx context.Context) ([]portal.Hold, error)
	Hold(ctx context.Context, by, who portal.Address, reason string) error
	Release(ctx context.Context, by, who portal.Address, reason string) error
	ExportFor(ctx context.Context, by, who portal.Address, from, to time.Time, format, reason string, w io.Writer) error
	Exports(ctx context.Context, limit int) ([]portal.HistoryExport, error)
}

// Savings says what policy and the person want kept in Exchange.
type Savings interface {
	Saving(ctx context.Context, who portal.Address) (portal.Saving, error)
}

// Calls is what people missed, and their voice mail.
type Calls interface {
	// List gives entries, newest first; cursor is opaque.
	List(ctx context.Context, who portal.Address, cursor string, limit int) (list []portal.Call, next string, err error)
	// See marks entries seen; none named: all.
	See(ctx context.Context, who portal.Address, ids []string) error
	Delete(ctx context.Context, who portal.Address, id string) error
	// Voicemails gives the spoken messages and what the voice mail system says waits. Waiting is filled even where the
	// mailbox is away and err says so.
	Voicemails(ctx context.Context, who portal.Address) ([]portal.Voicemail, portal.Waiting, error)
	// Recording gives a spoken message with its audio.
	Recording(ctx context.Context, who portal.Address, id string) (portal.Voicemail, io.ReadSeeker, error)
	Heard(ctx context.Context, who portal.Address, id string, heard bool) error
	DeleteVoicemail(ctx context.Context, who portal.Address, id string) error
	// Counts are the entries that are not seen and the spoken messages that are not heard.
	Counts(ctx context.Context, who portal.Address) (calls, voicemail int, err error)
}
