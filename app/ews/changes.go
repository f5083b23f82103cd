package ews

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Changes: what happened in a calendar since a state. The server tells by SyncFolderItems; where it does not do that
// for a folder, the ids and versions of all entries are compared with those that were told last.

// changesPage is how many changes one call gives at most.
const changesPage = 512

// maxLists is how often a calendar is listed before it is tried again whether it can be synchronised.
const maxLists = 1000

// maxParked is how many items that failed are tried again, parkedTries how often.
const (
	maxParked   = 100
	parkedTries = 3
)

// syncState is what Changes gives out as the state, opaque to everybody else.
type syncState struct {
	// Sync is the server's own state; Listed, where it has none, the versions that were told (see packVersions).
	Sync   string `json:"s,omitempty"`
	Listed string `json:"l,omitempty"`
	// Listing: the folder cannot be synchronised; Lists is how often it was listed since that was last tried.
	Listing bool `json:"m,omitempty"`
	Lists   int  `json:"n,omitempty"`
	// Parked are items that could not be understood, with how often they were tried.
	Parked map[string]int `json:"p,omitempty"`
}

func (s syncState) String() string {
	raw, err := json.Marshal(s)
	if err != nil { // strings and numbers always can be written
		return ""
	}
	return string(raw)
}

func parseState(text string) (s syncState, ok bool) {
	if text == "" || json.Unmarshal([]byte(text), &s) != nil || s.Sync == "" && !s.Listing {
		return syncState{}, false
	}
	return s, true
}

// Changes gives what changed since state; empty, or a state that the server refuses: everything, with Reset.
func (c *Connector) Changes(ctx context.Context, reader, owner portal.Address, state string) (d portal.CalendarDelta, err error) {
	err = c.do(ctx, reader, owner, func(a *access) error {
		d, err = a.changes(ctx, state)
		if reader != owner && errors.Is(err, portal.ErrNotFound) && !elsewhere(err) {
			// A folder that one may not see is told of as if it were not there.
			return portal.Fail(portal.ErrForbidden, "exchange.rights").Because(err)
		}
		return err
	})
	return d, err
}

func (a *access) changes(ctx context.Context, state string) (portal.CalendarDelta, error) {
	s, known := parseState(state)
	if s.Listing && s.Lists < maxLists {
		return a.listed(ctx, s, known)
	}
	if s.Listing { // perhaps it can be synchronised by now
		s, known = syncState{Parked: s.Parked}, false
	}
	due := a.c.series.due(a.key())
	m, err := a.sync(ctx, s.Sync)
	if err != nil && known && soap.SyncStateLost(err) {
		a.c.o.Logger.Info("the server refuses a sync state, the calendar is read from the start", "mailbox", a.email, "error", err)
		s, known = syncState{}, false
		m, err = a.sync(ctx, "")
	}
	if err != nil {
		if unsyncable(err) {
			a.c.o.Logger.Info("the calendar cannot be synchronised, it is listed", "mailbox", a.email, "error", err)
			return a.listed(ctx, syncState{Listing: true}, false)
		}
		return portal.CalendarDelta{}, err
	}
	if m.State == "" {
		return portal.CalendarDelta{}, portal.Fail(portal.ErrUnavailable, "exchange.down").Because(errors.New("a sync without a state"))
	}
	changed, gone := told(m.Changes, a.skipped)
	d := portal.CalendarDelta{Gone: gone, More: m.IncludesLast != nil && !*m.IncludesLast, Reset: !known}
	if d.More && m.State == s.Sync && len(m.Changes) == 0 {
		d.More = false // a server that says "more" without giving any would be asked for ever
	}
	if known && !d.More {
		if changed, err = a.quietly(ctx, due, changed, gone); err != nil {
			return portal.CalendarDelta{}, err
		}
	} else {
		a.c.series.saw(a.key(), changed, gone)
	}
	next := syncState{Sync: m.State}
	if err := a.deliver(ctx, &d, changed, versionsOf(m.Changes), s.Parked, &next); err != nil {
		return portal.CalendarDelta{}, err
	}
	d.State = next.String()
	return d, nil
}

func (a *access) sync(ctx context.Context, state string) (*soap.SyncFolderItemsMessage, error) {
	res, err := a.SyncFolderItems(ctx, a.as, &soap.SyncFolderItems{Shape: syncShape(), Folder: a.folder("calendar"), State: state, Max: changesPage})
	if err != nil {
		return nil, err
	}
	return one(res.Messages)
}

func syncShape() soap.ItemShape {
	return soap.ItemShape{BaseShape: soap.IDOnly, AdditionalProperties: soap.Fields("calendar:CalendarItemType")}
}

// unsyncable tells whether a folder cannot be synchronised though it may be read.
func unsyncable(err error) bool {
	switch soap.Code(err) {
	case "ErrorSyncFolderNotFound", "ErrorInvalidOperation", "ErrorNotSupported", "ErrorMethodNotImplemented", "ErrorUnsupportedOperation",
		"ErrorInvalidRequest":
		return true
	}
	return soap.Unsupported(err) && !errors.Is(err, portal.ErrUnavailable)
}

// told sorts changes into ids to be read and ids that are gone; the last word about an id counts.
func told(changes []soap.ItemSyncChange, skipped func(string, error)) (changed, gone []string) {
	last := map[string]string{}
	var order []string
	for i := range changes {
		ch := &changes[i]
		id := ch.Item.ID().ID
		if ch.ItemID != nil {
			id = ch.ItemID.ID
		}
		switch {
		case id == "" || ch.Kind == "ReadFlagChange":
			continue
		case ch.Kind != "Delete" && ch.Item.CalendarItem == nil:
			skipped(id, broken("kind", "it is no appointment"))
			continue
		}
		if _, seen := last[id]; !seen {
			order = append(order, id)
		}
		last[id] = ch.Kind
	}
	for _, id := range order {
		if last[id] == "Delete" {
			gone = append(gone, id)
		} else {
			changed = append(changed, id)
		}
	}
	return changed, gone
}

// versionsOf are the change keys that a server told of, by id.
func versionsOf(changes []soap.ItemSyncChange) map[string]string {
	out := make(map[string]string, len(changes))
	for i := range changes {
		if id := changes[i].Item.ID(); id.ID != "" {
			out[id.ID] = id.ChangeKey // the last word about an id counts
		}
	}
	return out
}

// deliver reads the changed entries, and those parked earlier, into a delta. What cannot be understood is parked; what this portal has
// just written itself, and is told of in that version, is not read once more.
func (a *access) deliver(ctx context.Context, d *portal.CalendarDelta, changed []string, versions map[string]string, parked map[string]int, next *syncState) error {
	ids := slices.Clone(changed)
	for _, id := range slices.Sorted(maps.Keys(parked)) {
		if !slices.Contains(changed, id) && !slices.Contains(d.Gone, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	ids, own := a.c.fresh.unread(a.key(), ids, versions)
	list, gone, bad, err := a.entries(ctx, ids)
	if err != nil {
		return err
	}
	list, err = a.masters(ctx, list)
	if err != nil {
		return err
	}
	list = append(list, own...)
	a.comment(ctx, list)
	d.Changed, d.Gone = list, append(d.Gone, gone...)
	for _, id := range slices.Sorted(maps.Keys(bad)) {
		tries := parked[id] + 1
		if slices.Contains(changed, id) {
			tries = 1
			a.skipped(id, bad[id])
		}
		var b *brokenError
		final := errors.As(bad[id], &b) && b.why == "kind"
		if tries <= parkedTries && !final && len(next.Parked) < maxParked {
			if next.Parked == nil {
				next.Parked = map[string]int{}
			}
			next.Parked[id] = tries
		}
	}
	return nil
}

// masters replaces occurrences that a server tells of by themselves with the series they belong to.
func (a *access) masters(ctx context.Context, list []portal.Entry) ([]portal.Entry, error) {
	have := map[string]bool{}
	for _, e := range list {
		have[e.RemoteID] = true
	}
	out := list[:0:0]
	for _, e := range list {
		if e.Kind != portal.KindOccurrence && e.Kind != portal.KindException {
			out = append(out, e)
			continue
		}
		it, err := a.state(ctx, soap.MasterOf(e.RemoteID))
		if errors.Is(err, portal.ErrNotFound) || err == nil && it.ItemID.ID == e.RemoteID {
			e.Kind = portal.KindSingle // one occurrence of a series that this mailbox does not have
			out = append(out, e)
			continue
		}
		if err != nil {
			return nil, err
		}
		if have[it.ItemID.ID] {
			continue
		}
		have[it.ItemID.ID] = true
		whole, _, _, err := a.entries(ctx, []string{it.ItemID.ID})
		if err != nil {
			return nil, err
		}
		out = append(out, whole...)
	}
	return out, nil
}

// listed compares what the folder holds with what was told last.
func (a *access) listed(ctx context.Context, s syncState, known bool) (portal.CalendarDelta, error) {
	before, err := unpackVersions(s.Listed)
	if err != nil {
		before, known = nil, false
	}
	now, err := a.versions(ctx)
	if err != nil {
		return portal.CalendarDelta{}, err
	}
	d := portal.CalendarDelta{Reset: !known}
	var changed []string
	told := map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(now)) {
		switch {
		case before[id] == now[id]:
			told[id] = now[id]
		case len(changed) < changesPage:
			changed = append(changed, id)
			told[id] = now[id]
		default:
			d.More = true
			if v, ok := before[id]; ok {
				told[id] = v
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		if _, ok := now[id]; !ok {
			d.Gone = append(d.Gone, id)
		}
	}
	next := syncState{Listing: true, Listed: packVersions(told), Lists: s.Lists + 1}
	if err := a.deliver(ctx, &d, changed, now, s.Parked, &next); err != nil {
		return portal.CalendarDelta{}, err
	}
	d.State = next.String()
	return d, nil
}

// listPage is how many ids one page of a list holds; Exchange gives at most 1000. maxListed bounds a folder.
const (
	listPage  = 500
	maxListed = 100_000
)

// versions lists the ids and change keys of all singles and masters of the calendar.
func (a *access) versions(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	for offset := 0; offset < maxListed; {
		res, err := a.FindItem(ctx, a.as, &soap.FindItem{Traversal: "Shallow", Shape: idShape(), Page: soap.Page(offset, listPage),
			Parents: []soap.FolderRef{a.folder("calendar")}})
		if err != nil {
			return nil, err
		}
		m, err := one(res.Messages)
		if err != nil {
			return nil, err
		}
		if m.Root == nil || len(m.Root.Items) == 0 {
			return out, nil
		}
		for i := range m.Root.Items {
			if id := m.Root.Items[i].ID(); id.ID != "" && m.Root.Items[i].CalendarItem != nil {
				out[id.ID] = id.ChangeKey
			}
		}
		if m.Root.IncludesLast == nil || soap.Is(m.Root.IncludesLast) {
			return out, nil
		}
		next := offset + len(m.Root.Items)
		if m.Root.Offset != nil && *m.Root.Offset > offset {
			next = *m.Root.Offset
		}
		offset = next
	}
	return out, nil
}

// packVersions writes ids and versions so that ten thousand fit into a state: sorted, since ids of a folder begin alike.
func packVersions(v map[string]string) string {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		return ""
	}
	for _, id := range slices.Sorted(maps.Keys(v)) {
		if _, err := io.WriteString(w, id+" "+v[id]+"\n"); err != nil {
			return ""
		}
	}
	if err := w.Close(); err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func unpackVersions(s string) (map[string]string, error) {
	out := map[string]string{}
	if s == "" {
		return out, nil
	}
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), 64<<20))
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	for l := range strings.Lines(string(text)) {
		id, version, ok := strings.Cut(strings.TrimSuffix(l, "\n"), " ")
		if ok {
			out[id] = version
		}
	}
	return out, nil
}
