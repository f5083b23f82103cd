package ews

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"portico/app/ews/soap"
	"portico/app/ews/soap/binding"
	"portico/app/portal"
)

// Fetching whole items: in batches of ten, a few at once. One item that the server cannot give, or that cannot be
// understood, does not stop the others.

const (
	fetchBatch    = 10
	fetchParallel = 4
)

// fetched is what became of the items that were asked for.
type fetched struct {
	items  map[string]*soap.CalendarItem // by the id in the answer
	asked  map[string]*soap.CalendarItem // by the id that was asked for
	gone   []string
	broken map[string]error
}

// fetch reads items by their ids. The error is only for what concerns all of them: the server is away, the caller may not.
func (a *access) fetch(ctx context.Context, ids []string, fields []soap.Path) (*fetched, error) {
	batches := slices.Collect(slices.Chunk(ids, fetchBatch))
	results := make([]map[string]answer, len(batches))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(fetchParallel)
	for i, batch := range batches {
		g.Go(func() (err error) {
			results[i], err = a.fetchBatch(ctx, batch, fields)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	out := &fetched{items: map[string]*soap.CalendarItem{}, asked: map[string]*soap.CalendarItem{}, broken: map[string]error{}}
	for _, r := range results {
		for id, ans := range r {
			switch {
			case ans.item != nil:
				out.asked[id] = ans.item
				out.items[ans.item.ItemID.ID] = ans.item
			case ans.err == nil, errors.Is(ans.err, portal.ErrNotFound):
				out.gone = append(out.gone, id)
			default:
				out.broken[id] = ans.err
			}
		}
	}
	slices.Sort(out.gone)
	return out, nil
}

// answer is one item, or why it is not there; neither: it is no calendar item.
type answer struct {
	item *soap.CalendarItem
	err  error
}

func (a *access) fetchBatch(ctx context.Context, ids []string, fields []soap.Path) (map[string]answer, error) {
	req := &soap.GetItem{Shape: wholeShape(fields)}
	for _, id := range ids {
		req.Items = append(req.Items, soap.ItemByID(id, ""))
	}
	res, err := a.GetItem(ctx, a.as, req)
	if err != nil {
		if len(ids) > 1 && poisoned(err) {
			return a.fetchEach(ctx, ids, fields)
		}
		if len(ids) == 1 && poisoned(err) {
			return map[string]answer{ids[0]: {err: &brokenError{"server", err}}}, nil
		}
		return nil, err
	}
	if len(res.Messages) != len(ids) {
		return nil, portal.Fail(portal.ErrUnavailable, "exchange.down").Because(fmt.Errorf("%d answers about %d items", len(res.Messages), len(ids)))
	}
	out := map[string]answer{}
	for i, id := range ids {
		m := &res.Messages[i]
		if err := m.Err(); err != nil {
			if transient(err) || elsewhere(err) { // that says nothing of the item
				return nil, err
			}
			if !errors.Is(err, portal.ErrNotFound) {
				err = &brokenError{"server", err}
			}
			out[id] = answer{err: err}
			continue
		}
		out[id] = itemOf(m)
	}
	return out, nil
}

// fetchEach asks for items one at a time, to find the one for which the server fails.
func (a *access) fetchEach(ctx context.Context, ids []string, fields []soap.Path) (map[string]answer, error) {
	out := map[string]answer{}
	for _, id := range ids {
		one, err := a.fetchBatch(ctx, []string{id}, fields)
		if err != nil {
			return nil, err
		}
		out[id] = one[id]
	}
	return out, nil
}

func itemOf(m *soap.ItemMessage) answer {
	if len(m.Items) == 0 {
		return answer{err: broken("empty", "an answer without an item")}
	}
	it := m.Items[0].CalendarItem
	switch {
	case it == nil:
		return answer{err: broken("kind", "it is no appointment")}
	case it.ItemID == nil || it.ItemID.ID == "":
		return answer{err: broken("id", "it has none")}
	}
	return answer{item: it}
}

// poisoned tells whether a whole batch failed in a way that one item of it can cause.
func poisoned(err error) bool {
	switch soap.Code(err) {
	case "ErrorInternalServerError", "ErrorCorruptData", "ErrorContentConversionFailed", "ErrorItemCorrupt", "ErrorInvalidIdMalformed",
		"ErrorMimeContentConversionFailed", "ErrorInternalServerTransientError":
		return soap.BackOff(err) == 0
	}
	var syntax *binding.SyntaxError
	if errors.As(err, &syntax) || errors.Is(err, binding.ErrTooLarge) || errors.Is(err, binding.ErrTooDeep) {
		return true // characters that XML does not allow, an item of enormous size
	}
	return portal.Meaning(err) == nil || errors.Is(err, portal.ErrInvalid) && !soap.Unsupported(err)
}

// transient tells whether an item's error is the server's, and so that of all.
func transient(err error) bool {
	return errors.Is(err, portal.ErrUnavailable) && !poisoned(err) || errors.Is(err, portal.ErrUnauthenticated)
}

// entries reads whole entries by the ids of singles and masters, the exceptions of series fetched with them.
func (a *access) entries(ctx context.Context, ids []string) (list []portal.Entry, gone []string, bad map[string]error, err error) {
	got, err := a.fetch(ctx, ids, entryFields())
	if err != nil {
		return nil, nil, nil, err
	}
	var exceptions []string
	for _, it := range got.items {
		for _, m := range it.ModifiedOccurrences {
			if m.ItemID.ID != "" {
				exceptions = append(exceptions, m.ItemID.ID)
			}
		}
	}
	changed := &fetched{}
	if len(exceptions) > 0 {
		slices.Sort(exceptions)
		if changed, err = a.fetch(ctx, slices.Compact(exceptions), entryFields()); err != nil {
			return nil, nil, nil, err
		}
	}
	r := a.reading(ctx)
	for _, id := range ids {
		it := got.asked[id]
		if it == nil {
			continue
		}
		e, err := r.entry(it, changed.asked)
		if err != nil {
			got.broken[id] = err
			continue
		}
		a.c.series.learn(a.key(), it)
		list = append(list, e)
	}
	return list, got.gone, got.broken, nil
}

// entry reads one whole entry.
func (a *access) entry(ctx context.Context, id string) (portal.Entry, error) {
	list, _, bad, err := a.entries(ctx, []string{id})
	switch {
	case err != nil:
		return portal.Entry{}, err
	case bad[id] != nil:
		a.skipped(id, bad[id])
		return portal.Entry{}, portal.Fail(portal.ErrInvalid, "exchange.item").Because(bad[id])
	case len(list) == 0:
		return portal.Entry{}, portal.Fail(portal.ErrNotFound, "exchange.not-found")
	}
	a.comment(ctx, list)
	return list[0], nil
}

// skipped logs and counts an item that is left out.
func (a *access) skipped(id string, err error) {
	why := "item"
	var b *brokenError
	if errors.As(err, &b) {
		why = b.why
	}
	a.c.o.Skipped(why)
	tail := id[max(0, len(id)-12):]
	a.c.o.Logger.Warn("a calendar item is skipped", "mailbox", a.email, "item", strings.ToValidUTF8(tail, "?"), "why", why, "error", err)
}

// state reads how one item stands: its id may be that of an occurrence.
func (a *access) state(ctx context.Context, ref soap.ItemRef) (*soap.CalendarItem, error) {
	res, err := a.GetItem(ctx, a.as, &soap.GetItem{Shape: wholeShape(stateFields()), Items: []soap.ItemRef{ref}})
	if err != nil {
		return nil, err
	}
	m, err := one(res.Messages)
	if err != nil {
		return nil, err
	}
	ans := itemOf(m)
	return ans.item, ans.err
}

// Entry reads one entry by the server's id, that of an occurrence standing for its series.
func (c *Connector) Entry(ctx context.Context, reader, owner portal.Address, remoteID string) (e portal.Entry, err error) {
	err = c.on(ctx, reader, owner, func(a *access) error {
		e, err = a.entry(ctx, remoteID)
		return err
	})
	return e, err
}
