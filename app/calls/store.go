package calls

// What the room stands on, as it calls it.

import (
	"context"
	"time"

	"portico/app/portal"
)

// Store keeps the list of calls. Each call that writes is one transaction; events reach the log in the same one.
type Store interface {
	// PutCall adds an entry or replaces the owner's one of the same ID.
	PutCall(ctx context.Context, c portal.Call, evs ...portal.Addressed) error
	// CallOf finds the owner's entry that stands for a SIP Call-ID (of several in a row each finds it), LastOf the newest of a kind from somebody; found is false where there is none.
	CallOf(ctx context.Context, owner portal.Address, callID string) (c portal.Call, found bool, err error)
	LastOf(ctx context.Context, owner, from portal.Address, kind portal.CallKind) (c portal.Call, found bool, err error)
	// Calls lists the owner's entries, newest first; cursor is opaque.
	Calls(ctx context.Context, owner portal.Address, cursor string, limit int) (list []portal.Call, next string, err error)
	// SeeCalls marks entries seen (none named: all), those from somebody alone where from is set.
	SeeCalls(ctx context.Context, owner, from portal.Address, ids []string, evs ...portal.Addressed) (changed int, err error)
	DeleteCall(ctx context.Context, owner portal.Address, id string, evs ...portal.Addressed) error
	// Unseen counts the owner's entries that are not seen.
	Unseen(ctx context.Context, owner portal.Address) (int, error)
	// DueCalls are entries that are to be written to Exchange, have not changed since rested and are due for a try; CallKept
	// settles one: what changed while it was written stays due.
	DueCalls(ctx context.Context, rested time.Time, limit int) ([]portal.DueCall, error)
	CallKept(ctx context.Context, d portal.DueCall, state portal.KeptState, itemID string, again time.Time) error
	// Tell logs events that go with nothing else: those of voice mail, which is not kept here.
	Tell(ctx context.Context, evs ...portal.Addressed) error
}

// Voicemail is the voice mail in people's mailboxes. Errors mean as the connector's do.
type Voicemail interface {
	Voicemails(ctx context.Context, owner portal.Address) ([]portal.Voicemail, error)
	// Recording is the audio of a voice message with its media type, at most max bytes.
	Recording(ctx context.Context, owner portal.Address, v portal.Voicemail, max int64) (mediaType string, audio []byte, err error)
	MarkHeard(ctx context.Context, owner portal.Address, id string, heard bool) error
	DeleteVoicemail(ctx context.Context, owner portal.Address, id string) error
	// WatchVoicemail has rung called when the mailbox's voice mail may have changed, until the owner is unwatched.
	WatchVoicemail(owner portal.Address, rung func())
	UnwatchVoicemail(owner portal.Address)
}

// Notes is where missed calls and conversations are kept in Exchange.
type Notes interface {
	WriteNote(ctx context.Context, owner portal.Address, n portal.ConversationNote) (itemID, changeKey string, err error)
}
