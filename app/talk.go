package main

// Rooms, history and calls in the house: what stands behind them, and who is told of what.

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"portico/app/blobs"
	"portico/app/calls"
	"portico/app/history"
	"portico/app/policy"
	"portico/app/portal"
	"portico/app/rooms"
	"portico/app/web"
	"portico/views"
	"portico/views/catalogue"
)

// openTalk makes rooms, history and calls. Exchange is open by then.
func (h *house) openTalk(ctx context.Context, emit func(portal.Address, portal.Current)) (err error) {
	if h.blobs, err = blobs.Open(filepath.Join(h.cfg.Storage.DataDir, "uploads"), time.Now); err != nil {
		return fmt.Errorf("uploads: %w", err)
	}
	h.rooms = rooms.New(h.store, h.blobs, h.agent, rooms.Options{
		Domain: h.cfg.SIP.RoomsDomain, PersonDomain: h.cfg.SIP.Domain, ServerRooms: h.cfg.Rooms.ServerRooms,
		Emit: emit, Changed: h.chat.Recount,
		Live:       func(who portal.Address) bool { return h.hub.Online(who) > 0 },
		NameOf:     func(who portal.Address) string { return h.nameOf(who) },
		Known:      h.knows,
		MaySearch:  h.maySearch,
		Past:       h.pastOfGroup,
		Say:        h.roomWords,
		Archive:    h.store.AddMessage,
		InForce:    h.inForceOfRooms,
		Blocked:    h.blocked,
		Hidden:     func(owner, viewer portal.Address) bool { return h.privacy.Sight(owner, viewer).Hidden },
		EditWindow: editWindow(h.cfg.Rooms.EditWindow), MaxFile: int64(h.cfg.Rooms.MaxFile) * 1e6,
		Rate: rate.Limit(h.cfg.Rooms.Rate), Burst: max(1, int(10*h.cfg.Rooms.Rate)), Retention: h.cfg.Rooms.Retention,
		Logger: h.log.With("part", "rooms"),
	})
	if err := h.rooms.Load(ctx); err != nil {
		return fmt.Errorf("rooms: %w", err)
	}
	var mail history.Mail
	var voice calls.Voicemail
	var notes calls.Notes
	if h.exchange != nil {
		voice = h.exchange
		if h.cfg.History.Exchange {
			mail, notes = h.exchange, h.exchange
		}
	}
	h.history = history.New(h.store, mail, history.Options{
		Spans: h.rooms.Spans, Saving: h.Saving,
		Subject: h.episodeSubject, Room: h.roomTitle, Lookup: h.directory.Lookup, Find: h.directory.ByEmail,
		Zone:  func(ctx context.Context, who portal.Address) *time.Location { return h.readerOf(ctx, who).Zone },
		Words: h.exportWords, Changed: h.chat.Recount, Rest: h.cfg.History.Rest, Every: min(h.cfg.History.Rest, 10*time.Second),
		Logger: h.log.With("part", "history"),
	})
	h.calls = calls.New(h.store, voice, notes, calls.Options{
		Away: h.isAway, InCall: h.presence.InCall, Saving: h.Saving, Changed: h.chat.Recount, Lookup: h.directory.Lookup,
		Zone:   func(ctx context.Context, who portal.Address) *time.Location { return h.readerOf(ctx, who).Zone },
		Words:  h.callWords,
		Logger: h.log.With("part", "calls"),
	})
	return nil
}

// openRoomsDomain lets the lab SIP server send what is for rooms to the portal, and take what rooms send.
func (h *house) openRoomsDomain() error {
	if h.lab == nil {
		return nil
	}
	if err := h.lab.Neighbour(h.cfg.SIP.RoomsDomain, h.agent.Addr()); err != nil {
		return fmt.Errorf("lab SIP server: rooms: %w", err)
	}
	return nil
}

// talkStages are what lives of rooms and history.
func (h *house) talkStages() []stage {
	var out []stage
	if h.lab != nil {
		out = append(out, stage{name: "example rooms", run: h.seedRooms})
	}
	return append(out,
		stage{name: "rooms", run: h.rooms.Run},
		stage{name: "history", run: h.history.Run},
		stage{name: "uploads", run: h.sweepUploads})
}

// countsBeside are what is counted for the badges beside unread messages. The rooms exist before anybody is counted for.
func (h *house) countsBeside() []func(context.Context, portal.Address, *portal.CountsEvent) error {
	return []func(context.Context, portal.Address, *portal.CountsEvent) error{
		func(ctx context.Context, who portal.Address, ev *portal.CountsEvent) error {
			unread, mentions, err := h.rooms.Unread(ctx, who)
			if err != nil {
				return err
			}
			for room, n := range unread {
				ev.Unread[room] = n
			}
			ev.Mentions = mentions
			return nil
		},
		func(ctx context.Context, who portal.Address, ev *portal.CountsEvent) (err error) {
			ev.Calls, ev.Voicemail, err = h.calls.Counts(ctx, who)
			return err
		},
	}
}

// talkDeps gives the edge its rooms, history and calls.
func (h *house) talkDeps(d *web.Deps) {
	d.Rooms, d.History, d.Calls, d.Savings = h.rooms, h.history, h.calls, h
}

// nameOf is somebody's name where the address book knows one.
func (h *house) nameOf(who portal.Address) string {
	if !h.directory.Known(who) {
		return ""
	}
	return h.directory.Lookup(context.Background(), who).DisplayName // from memory
}

// knows reports whether somebody can be invited: whom the address book has or who is of this portal's domain, where
// nobody keeps a list of all people.
func (h *house) knows(_ context.Context, who portal.Address) bool {
	return h.directory.Known(who) || h.lab == nil && who.Domain() == h.cfg.SIP.Domain
}

// Saving is what policy and the person want kept.
func (h *house) Saving(ctx context.Context, who portal.Address) (portal.Saving, error) {
	set, err := h.account.Settings(ctx, who)
	if err != nil {
		return portal.Saving{}, err
	}
	in := h.admin.InForce(who)
	return policy.Saving(policy.SavingRules{
		Possible: h.exchange != nil && h.cfg.History.Exchange, DisableSavingIM: in.DisableSavingIM,
		EnableAutoArchiving: in.EnableAutoArchiving, EnableCallLogAutoArchiving: in.EnableCallLogAutoArchiving,
	}, set), nil
}

// blocked reports whether owner has blocked by. It may have to be read: until then everybody is hidden from everybody.
func (h *house) blocked(ctx context.Context, owner, by portal.Address) (bool, error) {
	r, err := h.privacy.Relationship(ctx, owner, by)
	return r == portal.Blocked, err
}

// maySearch reports whether somebody may search rooms: not where policy forbids that conversations are kept.
func (h *house) maySearch(ctx context.Context, who portal.Address) (bool, error) {
	saving, err := h.Saving(ctx, who)
	return err == nil && !saving.Forbidden, err
}

// past is the place up to which a conversation is not shown to somebody any more: nowhere where policy lets it be kept.
func (h *house) past(ctx context.Context, who, peer portal.Address) (int64, error) {
	if !h.admin.InForce(who).DisableSavingIM {
		return 0, nil
	}
	return h.store.Past(ctx, who, peer)
}

// pastOfGroup is past for a conversation of several.
func (h *house) pastOfGroup(ctx context.Context, who, group portal.Address) (int64, error) {
	if !h.admin.InForce(who).DisableSavingIM {
		return 0, nil
	}
	return h.store.PastOfRoom(ctx, group)
}

// isAway reports whether a message to somebody is missed: no page of theirs is open, or they are not at it.
func (h *house) isAway(who portal.Address) bool {
	if h.hub.Online(who) == 0 {
		return true
	}
	switch h.presence.Own(who).Availability {
	case portal.Away, portal.BeRightBack, portal.Offline:
		return true
	}
	return false
}

// readerOf is a person with their language and zone, for what is written to them outside of a page: as policy decides, as they
// have chosen, or as on the page they read last.
func (h *house) readerOf(ctx context.Context, who portal.Address) views.Reader {
	set, err := h.account.Settings(ctx, who)
	if err != nil {
		h.log.Warn("language of somebody", "person", who, "error", err)
	}
	read := h.hub.Audience(who)
	locale := catalogue.BuiltIn().Decide("", h.admin.InForce(who).Language, set.Locale, read.Locale)
	return views.NewReader(locale, cmp.Or(set.TimeZone, read.Zone), time.Now())
}

// roomWords is what a room says to a SIP client, in the person's language.
func (h *house) roomWords(to portal.Address, key string, args map[string]string) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	r := h.readerOf(ctx, to)
	if !r.Has(key) {
		return ""
	}
	pairs := make([]any, 0, 2*len(args))
	for name, value := range args {
		pairs = append(pairs, name, value)
	}
	return r.Text(key, pairs...)
}

// episodeSubject is the subject of a conversation's item in Exchange.
func (h *house) episodeSubject(ctx context.Context, who portal.Address, e portal.Episode) string {
	return h.readerOf(ctx, who).Text("history.item-subject", "Name", h.directory.Lookup(ctx, e.Conversation).DisplayName)
}

// roomTitle is what a room is called for somebody: its title, or its people where it has none.
func (h *house) roomTitle(ctx context.Context, who, room portal.Address) string {
	e, err := h.rooms.Get(ctx, who, room)
	if err != nil {
		return "" // they are no member any more
	}
	if e.Title != "" || len(e.With) == 0 {
		return e.Title
	}
	names := make([]string, 0, len(e.With))
	for _, a := range e.With {
		names = append(names, h.directory.Lookup(ctx, a).DisplayName)
	}
	return strings.Join(names, ", ")
}

// exportWords are the texts of an exported conversation.
func (h *house) exportWords(ctx context.Context, who portal.Address) history.Words {
	r := h.readerOf(ctx, who)
	return history.Words{
		Lang: r.Locale(), Title: r.Text("history.export-title"), Nothing: r.Text("history.export-nothing"),
		With: r.Text("history.export-with"), Time: r.Text("history.export-time"), From: r.Text("history.export-from"),
		Text:  r.Text("history.export-text"),
		Day:   func(t time.Time) string { return r.Day(t, time.Time{}) },
		Clock: r.Clock,
	}
}

// callWords are the texts of what is kept of a call in Exchange.
func (h *house) callWords(ctx context.Context, who portal.Address) calls.Words {
	r := h.readerOf(ctx, who)
	return calls.Words{
		MissedCall: r.Text("calls.item-missed-call"), MissedConversation: r.Text("calls.item-missed-conversation"),
		Taken: r.Text("calls.item-taken"), Number: r.Text("calls.item-number"), Time: r.Full,
	}
}

// sweepUploads removes, once a day, files that belong to no message.
func (h *house) sweepUploads(ctx context.Context) error {
	tick := time.NewTicker(24 * time.Hour)
	defer tick.Stop()
	for {
		if n, freed, err := h.blobs.Sweep(ctx, h.store.BlobUsed); err != nil && ctx.Err() == nil {
			h.log.Warn("files that nobody needs", "error", err)
		} else if n > 0 {
			h.log.Info("files that nobody needs are gone", "files", n, "bytes", freed)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// editWindow is how long people may change what they said in a room, as rooms and the edge take it: zero would be their own
// standard, below zero is not at all.
func editWindow(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}
