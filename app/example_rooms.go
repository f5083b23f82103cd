package main

// The example rooms of the lab, so that group chat is not empty on the first day: one for everybody, one for sales,
// one that only its members know of.

import (
	"context"
	"strconv"
	"time"

	"portico/app/portal"
)

// exampleRoom is a room with its people and the first things said in it, by user name.
type exampleRoom struct {
	draft   portal.RoomDraft
	by      string
	members []string
	said    []exampleSaying
}

type exampleSaying struct {
	by, text string
	// replies is the number of the saying (from 1) that this one answers; zero: none.
	replies int
}

func exampleRooms() []exampleRoom {
	return []exampleRoom{
		{
			draft: portal.RoomDraft{Name: "canteen", Title: "Canteen", Topic: "What there is today, and who comes along", Access: portal.RoomOpen, HistoryDays: portal.WholeHistory},
			by:    "heidi", members: []string{"alice", "bob", "carol", "dave", "erin", "frank", "grace", "ivan", "judy"},
			said: []exampleSaying{
				{by: "heidi", text: "Today: *lentil soup*, risotto, and apple strudel while it lasts."},
				{by: "frank", text: "Strudel at noon? I hold a table for six."},
				{by: "erin", text: "I am in, and @judy too.", replies: 2},
				{by: "judy", text: "Coming. Save me the corner.", replies: 3},
			},
		},
		{
			draft: portal.RoomDraft{Name: "sales", Title: "Sales", Topic: "Offers, visits, and what customers say", Access: portal.RoomClosed, HistoryDays: 90},
			by:    "alice", members: []string{"bob", "carol", "dave", "heidi"},
			said: []exampleSaying{
				{by: "alice", text: "The offer for Alpenmilch goes out on Thursday. @bob, can you look over the delivery dates?"},
				{by: "bob", text: "Yes. They want the *first* lot in March, the rest in May.", replies: 1},
				{by: "carol", text: "From the visit yesterday:\n> We like the trial, but the invoices must show the cost centre.\nI have put it on the list."},
				{by: "dave", text: "The import takes a line like this:\n```\ncustomer;cost_centre;valid_from\nalpenmilch;4711;2026-01-01\n```"},
			},
		},
		{
			draft: portal.RoomDraft{Name: "move-to-graz", Title: "Move to Graz", Topic: "Not to be talked about yet", Access: portal.RoomSecret, HistoryDays: 0},
			by:    "alice", members: []string{"grace", "ivan"},
			said: []exampleSaying{
				{by: "grace", text: "The lease is cheaper by a third. Figures follow."},
				{by: "alice", text: "Good. Nothing of this outside of here, please."},
			},
		},
	}
}

// seedRooms makes the example rooms where there is no room yet, and then has nothing more to do.
func (h *house) seedRooms(ctx context.Context) error {
	address := func(user string) portal.Address { return portal.MustAddress(user + "@" + h.cfg.SIP.Domain) }
	if !h.peopleKnown(ctx, address("alice")) {
		return nil
	}
	there, err := h.rooms.Mine(ctx, address("alice"))
	if err != nil {
		return err
	}
	for _, r := range exampleRooms() {
		if len(there) > 0 {
			break
		}
		for _, m := range r.members {
			r.draft.Members = append(r.draft.Members, address(m))
		}
		if err := h.seedRoom(ctx, r, address); err != nil && ctx.Err() == nil {
			h.log.Error("example room", "room", r.draft.Name, "error", err)
		}
	}
	<-ctx.Done()
	return nil
}

// peopleKnown waits until the address book is read, which who stands in: nobody else can be let into a room. False: ctx ended before.
func (h *house) peopleKnown(ctx context.Context, who portal.Address) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !h.directory.Known(who) {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

func (h *house) seedRoom(ctx context.Context, r exampleRoom, address func(string) portal.Address) error {
	room, err := h.rooms.Create(ctx, address(r.by), r.draft)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var last portal.RoomMessage
	for i, s := range r.said {
		last, err = h.rooms.Say(ctx, address(s.by), room.URI, portal.RoomSaying{ID: "example-" + strconv.Itoa(i), Text: s.text, Replies: int64(s.replies)})
		if err != nil {
			return err
		}
	}
	return h.rooms.React(ctx, address(r.by), room.URI, last.Place, "👍", true)
}
