package history

// What the room stands on, as it calls it.

import (
	"context"
	"time"

	"portico/app/portal"
)

// Store keeps the archive's index and what is still to be written to Exchange. Episodes of conversations of two and of
// the SIP server's rooms are kept up to date by the store in the transaction that adds a message.
type Store interface {
	// Episodes lists the owner's own episodes and those of the rooms of spans, newest first.
	Episodes(ctx context.Context, owner portal.Address, spans []portal.RoomSpan, q portal.HistoryQuery) (eps []portal.Episode, next string, err error)
	// EpisodesUp lists them oldest first; with held also those that the owner deleted while under hold.
	EpisodesUp(ctx context.Context, owner portal.Address, spans []portal.RoomSpan, q portal.HistoryQuery, held bool) (eps []portal.Episode, next string, err error)
	// Search finds messages of the owner's own archive and of the rooms of spans, newest first.
	Search(ctx context.Context, owner portal.Address, spans []portal.RoomSpan, q portal.HistoryQuery) (hits []portal.Hit, next string, err error)
	// Days counts messages by day of a time zone in [from, to).
	Days(ctx context.Context, owner portal.Address, spans []portal.RoomSpan, from, to time.Time, zone *time.Location) (map[string]int, error)
	// Episode is one of the owner's episodes, or of a room of spans; ErrNotFound ("history.not-found").
	Episode(ctx context.Context, owner portal.Address, spans []portal.RoomSpan, id string) (portal.Episode, error)
	// Lines gives its messages, oldest first, after a cursor (zero: from the start), at most limit. Where e is Held the end is
	// where none comes.
	Lines(ctx context.Context, e portal.Episode, after int64, limit int) ([]portal.Line, error)
	// DeleteEpisode takes the owner's own copies away (of a person under hold they are only hidden). Of a room's episode
	// there is no own copy: it is hidden from the owner.
	DeleteEpisode(ctx context.Context, owner portal.Address, id string, evs ...portal.Addressed) error

	// DueNotes are episodes that changed since they were written to Exchange and have rested since before rested, or
	// whose item is to be deleted: of each owner who is due for a try the oldest, oldest first, at most limit.
	DueNotes(ctx context.Context, rested time.Time, limit int) ([]portal.HistoryNote, error)
	// NoteBegun notes that a try is about to be made: from then on there may be an item. ErrNotFound where the episode was
	// deleted meanwhile.
	NoteBegun(ctx context.Context, n portal.HistoryNote) error
	// NoteWritten and NoteFailed settle one; what changed while it was written stays due. Of one that is Gone NoteWritten
	// forgets it. Final without a reason: the owner has deleted the item; the episode is let be for good. Else nothing of the
	// owner is due before again. KeepNothing takes all that waits of an owner for not to be kept; items already there stay.
	NoteWritten(ctx context.Context, n portal.HistoryNote, itemID, changeKey string) error
	NoteFailed(ctx context.Context, n portal.HistoryNote, reason string, final bool, again time.Time) error
	KeepNothing(ctx context.Context, owner portal.Address) error
	// Forget takes what waits of an episode out of the owner's archive once it is over and read, and gives how many messages
	// went. What is unread, on its way or under hold stays due for later; what a room has stays there.
	Forget(ctx context.Context, n portal.HistoryNote) (forgotten int, err error)
	// OwnStamps gives those of the stamps that stand for the owner's episodes, also for ones just deleted.
	OwnStamps(ctx context.Context, owner portal.Address, stamps []string) (map[string]bool, error)

	// Holds, and the record of what administrators have exported.
	Holds(ctx context.Context) ([]portal.Hold, error)
	PutHold(ctx context.Context, h portal.Hold) error
	DropHold(ctx context.Context, who, by portal.Address, reason string) error
	// LogExport adds a line, or with a Number fills in how many Messages it came to. PutHold and DropHold add theirs themselves.
	LogExport(ctx context.Context, x portal.HistoryExport) (number int64, err error)
	Exports(ctx context.Context, limit int) ([]portal.HistoryExport, error)
}

// Export is a line of the record of administrators' exports, and of the holds they set and lifted.
type Export = portal.HistoryExport

// Mail is Exchange for conversations: each in the mailbox of a person. Errors mean as the connector's do: ErrUnavailable is worth another try.
type Mail interface {
	// WriteNote creates the item, or updates the one of n.ItemID or, where that is empty, one of the same Stamp.
	WriteNote(ctx context.Context, owner portal.Address, n portal.ConversationNote) (itemID, changeKey string, err error)
	// Notes lists the items of Conversation History, newest first, without bodies; cursor is opaque.
	Notes(ctx context.Context, owner portal.Address, q portal.HistoryQuery) (notes []portal.ConversationNote, next string, err error)
	Note(ctx context.Context, owner portal.Address, itemID string) (portal.ConversationNote, error)
	DeleteNote(ctx context.Context, owner portal.Address, itemID string) error
}
