package web

import (
	"context"
	"encoding/json"
	"log/slog"
	"unicode/utf8"

	"portico/app/chat"
	"portico/app/portal"
	"portico/realtime"
)

// What browsers may send over a live connection. A frame that is not understood is answered with "error"
// and nothing else happens.

// maxWatched is how many people beyond the contact list one connection may watch.
const maxWatched = 500

// op is a frame from a browser; which members matter depends on Op.
type op struct {
	Op           string   `json:"op"`
	ID           string   `json:"id"`
	Conversation string   `json:"conversation"`
	Text         *string  `json:"text"`
	Typing       *bool    `json:"typing"`
	URIs         []string `json:"uris"`
	// Replies, Files and Place are for rooms: what a message answers, the files it brings, up to where one has read.
	Replies int64    `json:"reply_to"`
	Files   []string `json:"files"`
	Place   int64    `json:"place"`
	// Shown: of watch, that the people it names are all whom the page shows.
	Shown bool `json:"shown"`
}

// Receive does what one frame asks for and returns the answer, if there is one.
func (l *Live) Receive(ctx context.Context, c realtime.Client, data []byte) *realtime.Frame {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	defer l.caught("receive", c.ID, nil)
	o, err := decodeOp(data)
	var answer []byte
	if err == nil && !l.mayGoOn(c) {
		err = portal.Fail(portal.ErrTooMany, "too-many")
	}
	if err == nil {
		answer, err = l.guarded(ctx, c, o)
	}
	name, result := o.Op, "ok"
	if err != nil {
		f := classify(err)
		result = f.reason
		l.logOp(c, o.Op, f, err)
		answer = errorFrame(l.Languages.For(c.Audience.Locale), c.Audience, o.ID, f)
	}
	if !knownOp(name) {
		name, result = "other", "refused"
	}
	l.metrics.ops.WithLabelValues(name, resultLabel(result)).Inc()
	if answer == nil {
		return nil
	}
	return realtime.NewAnswer(answer)
}

// decodeOp reads a frame. The id is kept even of a frame that is refused, where it can be told, so that
// the sender knows which one was meant.
func decodeOp(data []byte) (op, error) {
	var o op
	if err := decodeJSON(data, &o); err != nil {
		var named struct {
			ID any `json:"id"`
		}
		if utf8.Valid(data) && !tooDeep(data) && json.Unmarshal(data, &named) == nil {
			id, _ := named.ID.(string)
			return op{ID: clip(id, 4*portal.MaxIDLen)}, err
		}
		return op{}, err
	}
	if utf8.RuneCountInString(o.ID) > portal.MaxIDLen {
		return op{ID: clip(o.ID, 4*portal.MaxIDLen)}, portal.Fail(portal.ErrInvalid, "message.id")
	}
	return o, nil
}

func knownOp(name string) bool {
	switch name {
	case "send", "typing", "read", "active", "idle", "watch", "ping":
		return true
	}
	return false
}

// resultLabel keeps the metric's label within a known few.
func resultLabel(reason string) string {
	switch reason {
	case "ok", "refused", "too-many", "unavailable", "internal":
		return reason
	}
	return "refused"
}

func (l *Live) logOp(c realtime.Client, name string, f failure, err error) {
	level := slog.LevelDebug
	if f.status >= 500 {
		level = slog.LevelError
	}
	if !knownOp(name) {
		name = "other"
	}
	l.Logger.LogAttrs(context.Background(), level, "live frame refused",
		slog.String("op", name), slog.String("connection", c.ID), slog.Any("error", err))
}

// guarded is do whose panic is an error, which its sender is told of.
func (l *Live) guarded(ctx context.Context, c realtime.Client, o op) (answer []byte, err error) {
	defer l.caught("op", c.ID, &err)
	return l.do(ctx, c, o)
}

// do is the table of ops.
func (l *Live) do(ctx context.Context, c realtime.Client, o op) ([]byte, error) {
	if o.Op == "active" || o.Op == "idle" || o.Op == "watch" {
		if err := l.aloud(c); err != nil {
			return nil, err
		}
	}
	switch o.Op {
	case "send":
		return l.doSend(ctx, c, o)
	case "typing":
		return nil, l.doTyping(ctx, c, o)
	case "read":
		return nil, l.doRead(ctx, c, o)
	case "active":
		l.Presence.Active(c.Person, c.ID)
		return nil, nil
	case "idle":
		l.Presence.Idle(c.Person, c.ID)
		return nil, nil
	case "watch":
		return nil, l.doWatch(c, o)
	case "ping":
		return pongFrame(c.Audience), nil
	}
	return nil, portal.Fail(portal.ErrInvalid, "live.unknown-op")
}

// doSend says something. A first time is answered by the "message" event that all of the person's
// connections get; a repeat by the present state, to this connection alone.
func (l *Live) doSend(ctx context.Context, c realtime.Client, o op) ([]byte, error) {
	to, err := portal.ParseAddress(o.Conversation)
	if err != nil {
		return nil, err
	}
	if o.Text == nil {
		return nil, portal.Fail(portal.ErrInvalid, "message.empty")
	}
	if l.isRoom(to) {
		return l.sayInRoom(ctx, c, to, o)
	}
	asked := l.Now()
	m, err := l.Chat.Say(ctx, c.Person, chat.Draft{Conversation: to, ID: o.ID, Text: *o.Text})
	if err != nil {
		return nil, err
	}
	if m.State == portal.Pending && !m.At.Before(asked) {
		return nil, nil // said just now
	}
	ev := portal.StateEvent{Conversation: m.Conversation, ID: m.ID, State: m.State, Reason: m.Reason}
	return l.event(c.Audience, ev, 0), nil
}

func (l *Live) doTyping(ctx context.Context, c realtime.Client, o op) error {
	to, err := portal.ParseAddress(o.Conversation)
	if err != nil {
		return err
	}
	if o.Typing == nil {
		return portal.Fail(portal.ErrInvalid, "json.type").With("field", "typing")
	}
	if l.isRoom(to) {
		l.Rooms.Typing(c.Person, to, *o.Typing)
		return nil
	}
	return l.Chat.Typing(ctx, c.Person, to, *o.Typing)
}

func (l *Live) doRead(ctx context.Context, c realtime.Client, o op) error {
	conversation, err := portal.ParseAddress(o.Conversation)
	if err != nil {
		return err
	}
	if l.isRoom(conversation) {
		return l.markRoomRead(ctx, c.Person, conversation, o.ID, o.Place)
	}
	return l.Chat.MarkRead(ctx, c.Person, conversation, o.ID)
}

// doWatch replaces the people this connection watches beyond the contact list, and says what it shows: which conversation is
// open, and with shown that it shows nobody else.
func (l *Live) doWatch(c realtime.Client, o op) error {
	if o.URIs == nil {
		return portal.Fail(portal.ErrInvalid, "json.type").With("field", "uris")
	}
	whom, err := parseAddresses(o.URIs, maxWatched)
	if err != nil {
		return err
	}
	var view realtime.View
	if o.Conversation != "" {
		if view.Open, err = portal.ParseAddress(o.Conversation); err != nil {
			return err
		}
	}
	if o.Shown {
		view.Only = whom
	}
	l.Presence.Watch(c.Person, c.ID, whom)
	l.Hub.Show(c.Person, c.ID, view)
	return nil
}

// parseAddresses reads a list of addresses without its repetitions; one that is malformed spoils it.
func parseAddresses(raw []string, most int) ([]portal.Address, error) {
	if len(raw) > most {
		return nil, portal.Fail(portal.ErrInvalid, "address.too-many")
	}
	seen := make(map[portal.Address]bool, len(raw))
	out := make([]portal.Address, 0, len(raw))
	for _, text := range raw {
		a, err := portal.ParseAddress(text)
		if err != nil {
			return nil, err
		}
		if !seen[a] {
			seen[a] = true
			out = append(out, a)
		}
	}
	return out, nil
}
